/* postern alerts: what a person should know and what is not over, the latest first; whether it reaches people; and what
 * is to be silent for a while. */
#include "cli/alerts.h"

#include <stdio.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/question.h"
#include "common/cleanup.h"

struct listing {
    struct columns *columns;
    unsigned count;
};

static void add_alert(void *context, const json_t *record)
{
    struct listing *listing = context;
    char raised[CLOCK_TEXT], last[CLOCK_TEXT];
    moment resolved = field_moment(record, "resolved");
    columns_add(listing->columns, "%lld", (long long)field_integer(record, "number"));
    columns_add(listing->columns, "%s", clock_print(field_moment(record, "raised"), raised));
    columns_add(listing->columns, "%s", clock_print(resolved ? resolved : field_moment(record, "last"), last));
    columns_add(listing->columns, "%lld", (long long)field_integer(record, "times"));
    columns_add(listing->columns, "%s", resolved ? "over" : field_text(record, "severity"));
    columns_add(listing->columns, "%s", field_text(record, "subject"));
    columns_add(listing->columns, "%s", field_text(record, "text"));
    listing->count++;
}

int alerts_list(const struct cli *cli, int count, char **arguments)
{
    static const char *const headings[] = {">NUMBER", "SINCE", "LAST", ">TIMES", "IS", "WHAT", "WHY", NULL};
    const char *top = NULL, *since = NULL;
    const struct command_option options[] = {{"--top", &top, NULL}, {"--since", &since, NULL}, {NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    struct listing listing = {columns, 0};
    json_t *question = json_pack("{ss}", "command", "alerts");
    if (question && top)
        json_object_set_new(question, "top", json_string(top));
    if (question && since)
        json_object_set_new(question, "since", json_string(since));
    int status = question_ask(cli, question, add_alert, &listing);
    if (status == EXIT_DONE && !cli->json && listing.count > 0)
        columns_print(columns, cli->colour, true);
    else if (status == EXIT_DONE && !cli->json)
        printf("nothing stands\n");
    return status;
}

static void add_silence(void *context, const json_t *record)
{
    static const char *const patterns[] = {"kind", "name", "customer", "node"};
    struct listing *listing = context;
    char begin[CLOCK_TEXT], until[CLOCK_TEXT];
    columns_add(listing->columns, "%lld", (long long)field_integer(record, "number"));
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        columns_add(listing->columns, "%s", field_text(record, patterns[i])[0] ? field_text(record, patterns[i]) : "*");
    columns_add(listing->columns, "%s", clock_print(field_moment(record, "begin"), begin));
    columns_add(listing->columns, "%s", clock_print(field_moment(record, "until"), until));
    columns_add(listing->columns, "%s", field_text(record, "by"));
    columns_add(listing->columns, "%s", field_text(record, "reason"));
    listing->count++;
}

int alerts_silences(const struct cli *cli, int count, char **arguments)
{
    static const char *const headings[] = {">NUMBER", "KIND", "NAME", "CUSTOMER", "NODE",
                                           "BEGIN",   "END",  "BY",   "REASON",   NULL};
    const struct command_option options[] = {{NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    struct listing listing = {columns, 0};
    int status = question_ask(cli, json_pack("{ss}", "command", "silences"), add_silence, &listing);
    if (status == EXIT_DONE && !cli->json && listing.count > 0)
        columns_print(columns, cli->colour, true);
    else if (status == EXIT_DONE && !cli->json)
        printf("nothing is silenced\n");
    return status;
}

/* Without a word it is the list. */
int command_alerts(const struct cli *cli, int count, char **arguments)
{
    static const struct {
        const char *word;
        int (*run)(const struct cli *, int, char **);
    } verbs[] = {{"list", alerts_list},       {"close", alerts_close},       {"test", alerts_test},
                 {"silence", alerts_silence}, {"silences", alerts_silences}, {"unsilence", alerts_unsilence},
                 {"sent", alerts_sent},       {"again", alerts_again}};
    if (!cli->collector) {
        fprintf(stderr, "postern alerts: a collector has them: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    if (count < 2 || arguments[1][0] == '-')
        return alerts_list(cli, count, arguments);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(arguments[1], verbs[i].word) == 0)
            return verbs[i].run(cli, count - 1, arguments + 1);
    fprintf(stderr, "postern alerts: list, sent, again, close, test, silence, silences or unsilence\n");
    return EXIT_USAGE;
}
