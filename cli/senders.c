/* postern senders: who sends what, by score; with --watch again every second. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/columns.h"
#include "cli/question.h"
#include "common/cleanup.h"

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

struct listing {
    struct columns *columns;
    unsigned count;
    bool nodes; /* a fleet's: each sender with its node */
};

static void add_sender(void *context, const json_t *record)
{
    struct listing *listing = context;
    struct columns *columns = listing->columns;
    const char *verdict = field_text(record, "verdict");
    if (listing->nodes)
        columns_add(columns, "%s", field_text(record, "node_name"));
    char text[CLOCK_TEXT], amount[16];
    columns_add(columns, "%s", field_text(record, "sender"));
    columns_add(columns, "%s%s", verdict, field_true(record, "allowed") ? " (allowed)" : "");
    columns_add(columns, "%.1f", field_number(record, "score"));
    columns_add(columns, "%s", amount_print((uint64_t)field_integer(record, "connections"), amount));
    columns_add(columns, "%s", amount_print((uint64_t)field_integer(record, "connect_failed"), amount));
    columns_add(columns, "%s", amount_print((uint64_t)field_integer(record, "messages"), amount));
    columns_add(columns, "%s", amount_print((uint64_t)field_integer(record, "recipients"), amount));
    columns_add(columns, "%s", amount_print((uint64_t)field_integer(record, "recipients_rejected"), amount));
    columns_add(columns, "%s", amount_print((uint64_t)field_integer(record, "distinct_servers"), amount));
    columns_add(columns, "%s", amount_print((uint64_t)field_integer(record, "bytes"), amount));
    columns_add(columns, "%s", clock_print(field_moment(record, "last_seen"), text));
    columns_paint(columns, verdict_colour(verdict));
    listing->count++;
}

static int show_once(const struct cli *cli, int64_t top)
{
    static const char *const headings[] = {"NODE",    "SENDER",     ">VERDICT",    ">SCORE",    ">CONNECTS",
                                           ">FAILED", ">MESSAGES",  ">RECIPIENTS", ">REJECTED", ">SERVERS",
                                           ">BYTES",  ">LAST SEEN", NULL};
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings + (cli->collector ? 0 : 1));
    struct listing listing = {columns, 0, cli->collector != NULL};
    json_t *question = json_pack("{ss sI}", "command", "senders", "top", (json_int_t)top);
    int status = question_ask(cli, question, add_sender, &listing);
    if (status == EXIT_DONE && !cli->json && listing.count > 0)
        columns_print(columns, cli->colour, true);
    else if (status == EXIT_DONE && !cli->json)
        printf("nobody has sent mail that was seen here\n");
    return status;
}

static int watch(const struct cli *cli, int64_t top)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int status = EXIT_DONE;
    while (!interrupted && status == EXIT_DONE) {
        char text[CLOCK_TEXT];
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        if (cli->terminal && !cli->json)
            printf("\033[H\033[J%s   senders by score; ^C ends\n\n", clock_print(now.tv_sec * SECOND, text));
        status = show_once(cli, top);
        fflush(stdout);
        for (int tenth = 0; tenth < 10 && !interrupted; tenth++)
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    return status;
}

int command_senders(const struct cli *cli, int count, char **arguments)
{
    const char *top = "20";
    bool watching = false;
    const struct command_option options[] = {{"--top", &top, NULL}, {"--watch", NULL, &watching}, {NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    uint64_t number;
    if (!text_number(text_of(top), &number) || number < 1 || number > 10000) {
        fprintf(stderr, "postern senders: --top '%s' is not understood; a number from 1 to 10000\n", top);
        return EXIT_USAGE;
    }
    return watching ? watch(cli, (int64_t)number) : show_once(cli, (int64_t)number);
}
