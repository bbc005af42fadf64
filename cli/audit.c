/* postern audit: who did what at the collector, when, from where and why; the latest first. */
#include <stdio.h>

#include "cli/columns.h"
#include "cli/question.h"
#include "common/cleanup.h"

static void add_deed(void *context, const json_t *record)
{
    static const char *const words[] = {"person", "deed", "target", "from", "reason"};
    struct columns *columns = context;
    char time[CLOCK_TEXT];
    columns_add(columns, "%s", clock_print(field_moment(record, "time"), time));
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        columns_add(columns, "%s", field_text(record, words[i]));
}

int command_audit(const struct cli *cli, int count, char **arguments)
{
    static const char *const headings[] = {"TIME", "PERSON", "DEED", "WHAT", "FROM", "WHY", NULL};
    const char *since = NULL;
    char when[MOMENT_TEXT];
    const struct command_option options[] = {{"--since", &since, NULL}, {NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    if (since && !question_time(since, when)) {
        fprintf(stderr, "postern audit: --since '%s' is not understood; a time such as 2026-11-23T08:00:00Z, or 1h\n",
                since);
        return EXIT_USAGE;
    }
    if (!cli->collector) {
        fprintf(stderr, "postern audit: a collector keeps it: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    json_t *question = json_pack("{ss}", "command", "audit");
    if (question && since)
        json_object_set_new(question, "since", json_string(when));
    int status = question_ask(cli, question, add_deed, columns);
    if (status == EXIT_DONE && !cli->json)
        columns_print(columns, cli->colour, true);
    return status;
}
