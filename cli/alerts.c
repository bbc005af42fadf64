/* postern alerts: what a person should know and what is not over, the latest first. */
#include <stdio.h>

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
    columns_add(listing->columns, "%s", clock_print(field_moment(record, "raised"), raised));
    columns_add(listing->columns, "%s", clock_print(field_moment(record, "last"), last));
    columns_add(listing->columns, "%lld", (long long)field_integer(record, "times"));
    columns_add(listing->columns, "%s", field_text(record, "severity"));
    columns_add(listing->columns, "%s", field_text(record, "subject"));
    columns_add(listing->columns, "%s", field_text(record, "text"));
    listing->count++;
}

int command_alerts(const struct cli *cli, int count, char **arguments)
{
    static const char *const headings[] = {"SINCE", "LAST", ">TIMES", "IS", "WHAT", "WHY", NULL};
    const char *top = NULL;
    const struct command_option options[] = {{"--top", &top, NULL}, {NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    if (!cli->collector) {
        fprintf(stderr, "postern alerts: a collector has them: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    struct listing listing = {columns, 0};
    json_t *question = json_pack("{ss}", "command", "alerts");
    if (question && top)
        json_object_set_new(question, "top", json_string(top));
    int status = question_ask(cli, question, add_alert, &listing);
    if (status == EXIT_DONE && !cli->json && listing.count > 0)
        columns_print(columns, cli->colour, true);
    else if (status == EXIT_DONE && !cli->json)
        printf("nothing stands\n");
    return status;
}
