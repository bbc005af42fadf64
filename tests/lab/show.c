/* Sender by sender: what it was, when it was stopped, and every look at its accounts. */
#include "tests/lab/show.h"

#include <inttypes.h>
#include "tests/lab/tally.h"

static void print_reached(const char *name, const struct lab_sender *sender, const struct lab_reached *reached,
                          FILE *out)
{
    if (reached->time == 0) {
        fprintf(out, "  %-9s never; %" PRIu64 " messages, %" PRIu64 " recipients got out\n", name, sender->messages,
                sender->recipients);
        return;
    }
    fprintf(out, "  %-9s after %.1f s, %" PRIu64 " messages, %" PRIu64 " recipients; %.1f points, most by %s\n", name,
            (double)(reached->time - sender->begun) / SECOND, reached->messages, reached->recipients,
            (double)reached->score / DECIBANS(1), reached->decided ? reached->decided : "none");
}

static void print_snapshot(const struct lab_snapshot *snapshot, FILE *out)
{
    fprintf(out, "  %8" PRIu64 " connections %c %7.2f points ", snapshot->connections, snapshot->abusive ? '!' : ' ',
            (double)snapshot->score / DECIBANS(1));
    for (size_t i = 0; detector_table[i] != NULL && i < DETECTORS_MOST; i++)
        if (snapshot->accounts[i] != 0)
            fprintf(out, "  %s %.2f", detector_table[i]->name, (double)snapshot->accounts[i] / DECIBANS(1));
    fprintf(out, "\n");
}

static void print_sender(const struct lab_sender *sender, FILE *out)
{
    char begun[MOMENT_TEXT];
    fprintf(out, "\n%s %s: %s%s%s%s%s; %s %.19s; %.2f days without harm%s%s\n", sender->name, sender->printed,
            sender->abuser ? "abuser" : "honest", sender->neighbour ? ", neighbour" : "",
            sender->visible ? ", in the clear" : ", hidden", sender->burst ? ", burst" : "",
            sender->slow ? ", slow" : "", sender->abuser ? "abuse from" : "from", moment_print(sender->begun, begun),
            sender->honest_days, tally_is_missed(sender) ? "; MISSED" : "",
            tally_is_wronged(sender) ? "; WRONGED" : "");
    if (sender->abuser) {
        print_reached("alert", sender, &sender->alert, out);
        print_reached("throttle", sender, &sender->throttle, out);
        print_reached("block", sender, &sender->block, out);
    }
    fprintf(out, "  in all    %" PRIu64 " messages, %" PRIu64 " recipients got out\n", sender->messages,
            sender->recipients);
    if (sender->false_alerts + sender->false_throttles + sender->false_blocks > 0)
        fprintf(out, "  false     %" PRIu32 " alerts, %" PRIu32 " throttles, %" PRIu32 " blocks; %s\n",
                sender->false_alerts, sender->false_throttles, sender->false_blocks, sender->false_reason);
    for (size_t i = 0; i < sender->snapshot_count; i++)
        print_snapshot(&sender->snapshots[i], out);
}

void show_result(const struct lab_result *result, FILE *out)
{
    fprintf(out, "%s, seed %" PRIu64 ": %zu senders, %" PRIu64 " connections, %" PRIu64 " packets\n", result->scenario,
            result->seed, result->count, result->connections, result->packets);
    for (size_t i = 0; i < result->count; i++)
        print_sender(&result->senders[i], out);
}
