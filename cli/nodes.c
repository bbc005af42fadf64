/* postern nodes: the fleet, as a collector knows it. */
#include <stdio.h>

#include "cli/columns.h"
#include "cli/question.h"
#include "common/cleanup.h"

static void add_node(void *context, const json_t *record)
{
    struct columns *columns = context;
    char seen[CLOCK_TEXT], waiting[16];
    bool revoked = field_moment(record, "revoked") != 0;
    columns_add(columns, "%s", field_text(record, "node_name"));
    columns_add(columns, "%s", field_text(record, "node"));
    columns_add(columns, "%s", field_text(record, "version"));
    columns_add(columns, "%s", revoked ? "revoked" : clock_print(field_moment(record, "seen"), seen));
    columns_add(columns, "%s", amount_print((uint64_t)field_integer(record, "spooled"), waiting));
    columns_add(columns, "%lld", (long long)field_integer(record, "acknowledged"));
}

int command_nodes(const struct cli *cli, int count, char **arguments)
{
    static const char *const headings[] = {"NODE", "ID", "VERSION", ">LAST SEEN", ">WAITING", ">REVISION", NULL};
    const struct command_option options[] = {{NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    if (!cli->collector) {
        fprintf(stderr, "postern nodes: a collector knows the fleet: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    int status = question_ask(cli, json_pack("{ss}", "command", "nodes"), add_node, columns);
    if (status == EXIT_DONE && !cli->json)
        columns_print(columns, cli->colour, true);
    return status;
}
