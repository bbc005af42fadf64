/* postern events: what has happened, oldest first; with --follow also what happens from now on. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/columns.h"
#include "cli/events.h"
#include "cli/question.h"

static void print_verdict(const json_t *record, bool colour)
{
    const char *verdict = field_text(record, "verdict");
    paint_begin(colour, verdict_colour(verdict));
    printf("%-9s", verdict);
    paint_end(colour, verdict_colour(verdict));
    printf(" %s, %.1f points", field_text(record, "sender"), field_number(record, "score"));
    if (*field_text(record, "why"))
        printf("; %s", field_text(record, "why"));
    const json_t *strongest = json_array_get(json_object_get(record, "evidence"), 0);
    if (strongest)
        printf("; %s: %s", field_text(strongest, "detector"), field_text(strongest, "reason"));
    putchar('\n');
}

static void print_sender(const char *what, const json_t *record)
{
    const char *customer = field_text(record, "customer");
    printf("%-9s %s%s%s", what, field_text(record, "sender"), *customer ? " of " : "", customer);
}

/* What nodes tell to be put together with what others tell. */
static bool print_evidence_for_others(const json_t *record)
{
    const char *kind = field_text(record, "record");
    if (strcmp(kind, "body") == 0) {
        print_sender(kind, record);
        printf(": %lld messages of one text to %lld recipients, of %lld domains%s\n",
               (long long)field_integer(record, "messages"), (long long)field_integer(record, "recipients"),
               (long long)field_integer(record, "domains"),
               field_true(record, "known") ? "; it is known since a day and more" : "");
    } else if (strcmp(kind, "points") == 0) {
        print_sender(kind, record);
        printf(": %.1f points that count for its customer's other senders, of %.1f\n", field_number(record, "points"),
               field_number(record, "score"));
    } else {
        return false;
    }
    return true;
}

/* What only a collector tells on: which a node's journal has not. */
static bool print_told(const json_t *record)
{
    const char *kind = field_text(record, "record");
    char until[CLOCK_TEXT];
    if (strcmp(kind, "traffic") == 0)
        printf("traffic   %s: %lld connections, %lld messages accepted, %lld refused, %lld recipients\n",
               field_text(record, "sender"), (long long)field_integer(record, "connections"),
               (long long)field_integer(record, "messages"), (long long)field_integer(record, "messages_rejected"),
               (long long)field_integer(record, "recipients"));
    else if (strcmp(kind, "order") == 0)
        printf("order     %s %s until %s by %s: %s\n", field_text(record, "deed"), field_text(record, "sender"),
               clock_print(field_moment(record, "until"), until), field_text(record, "by"), field_text(record, "why"));
    else if (strcmp(kind, "orders") == 0)
        printf("orders    the node tells anew which stand\n");
    else if (strcmp(kind, "acknowledgement") == 0)
        printf("%-9s revision %lld %s\n", field_true(record, "done") ? "done" : "not done",
               (long long)field_integer(record, "revision"), field_text(record, "text"));
    else if (strcmp(kind, "lost") == 0)
        printf("lost      %lld records (%s) that the node could not keep\n", (long long)field_integer(record, "count"),
               field_text(record, "kind"));
    else
        return print_evidence_for_others(record);
    return true;
}

void event_print(const json_t *record, bool colour)
{
    char text[CLOCK_TEXT];
    const char *kind = field_text(record, "record"), *node = field_text(record, "node");
    printf("%s  %s%s", clock_print(field_moment(record, "time"), text), node, *node ? "  " : "");
    if (strcmp(kind, "verdict") == 0)
        print_verdict(record, colour);
    else if (strcmp(kind, "evidence") == 0)
        printf("%-9s %s %+.1f: %s\n", field_text(record, "detector"), field_text(record, "sender"),
               field_number(record, "added"), field_text(record, "reason"));
    else if (strcmp(kind, "command") == 0)
        printf("%-9s %s by %s: %s\n", field_text(record, "deed"), field_text(record, "sender"),
               field_text(record, "person"), field_text(record, "why"));
    else if (!print_told(record))
        printf("%-9s %s\n", field_text(record, "what")[0] ? field_text(record, "what") : kind,
               field_text(record, "text"));
}

static void show(void *context, const json_t *record)
{
    event_print(record, ((const struct cli *)context)->colour);
}

int command_events(const struct cli *cli, int count, char **arguments)
{
    const char *since = NULL;
    bool follow = false;
    const struct command_option options[] = {
        {"--since", &since, NULL}, {"--follow", NULL, &follow}, {NULL, NULL, NULL}};
    char when[MOMENT_TEXT];
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    if (since && !question_time(since, when)) {
        fprintf(stderr, "postern events: --since '%s' is not understood; a time such as 2026-11-23T08:00:00Z, or 1h\n",
                since);
        return EXIT_USAGE;
    }
    json_t *question = json_pack("{ss sb}", "command", "events", "follow", follow);
    if (question && since)
        json_object_set_new(question, "since", json_string(when));
    return question_ask(cli, question, show, (void *)cli);
}
