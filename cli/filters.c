/* postern filters: how the content filters of a collector do. */
#include <stdio.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/question.h"
#include "common/cleanup.h"

#define RED   31
#define WIDTH 60 /* of why one is down */

static void add_amount(struct columns *columns, const json_t *record, const char *key)
{
    char amount[16];
    columns_add(columns, "%s", amount_print((uint64_t)field_integer(record, key), amount));
}

static void add_time(struct columns *columns, const json_t *record, const char *key)
{
    int64_t milliseconds = field_integer(record, key);
    if (field_integer(record, "answered") == 0)
        columns_add(columns, "-");
    else if (milliseconds < 1000)
        columns_add(columns, "%lld ms", (long long)milliseconds);
    else
        columns_add(columns, "%.1f s", (double)milliseconds / 1000);
}

static void add_filter(void *context, const json_t *record)
{
    struct columns *columns = context;
    char since[CLOCK_TEXT];
    if (strcmp(field_text(record, "record"), "filter") != 0)
        return;
    bool up = field_true(record, "up");
    columns_add(columns, "%s", field_text(record, "name"));
    columns_add(columns, "%s", field_text(record, "kind"));
    columns_add(columns, "%s", up ? "up" : "down");
    columns_add(columns, "%s", clock_print(field_moment(record, "since"), since));
    add_amount(columns, record, "waiting");
    add_amount(columns, record, "asked");
    add_amount(columns, record, "failed");
    add_amount(columns, record, "spam");
    add_amount(columns, record, "virus");
    add_time(columns, record, "half_within_ms");
    add_time(columns, record, "most_within_ms");
    columns_add(columns, "%.*s", WIDTH, field_text(record, "trouble"));
    if (!up)
        columns_paint(columns, RED);
}

int command_filters(const struct cli *cli, int count, char **arguments)
{
    static const char *const headings[] = {"FILTER", "KIND",   "IS",       ">SINCE",  ">WAITING", ">ASKED", ">IN VAIN",
                                           ">SPAM",  ">VIRUS", ">HALF IN", ">95% IN", "WHY",      NULL};
    const struct command_option options[] = {{NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    if (!cli->collector) {
        fprintf(stderr, "postern filters: a collector asks them: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    int status = question_ask(cli, json_pack("{ss}", "command", "filters"), add_filter, columns);
    if (status == EXIT_DONE && !cli->json)
        columns_print(columns, cli->colour, true);
    return status;
}
