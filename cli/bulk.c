/* postern bulk: texts and pictures of messages, counted by a collector over all nodes and customers. */
#include <stdio.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/question.h"
#include "common/cleanup.h"
#include "common/text.h"

static void add_row(void *context, const json_t *record)
{
    static const char *const amounts[] = {"recipients", "messages", "customers", "nodes"};
    struct columns *columns = context;
    char amount[16], text[CLOCK_TEXT];
    columns_add(columns, "%s", field_text(record, "kind"));
    columns_add(columns, "%.16s", field_text(record, "digest"));
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++)
        columns_add(columns, "%s", amount_print((uint64_t)field_integer(record, amounts[i]), amount));
    columns_add(columns, "%s", clock_print(field_moment(record, "first"), text));
    columns_add(columns, "%s", clock_print(field_moment(record, "seen"), text));
    columns_add(columns, "%s", field_integer(record, "steps") > 0 ? "bulk" : "");
}

int command_bulk(const struct cli *cli, int count, char **arguments)
{
    static const char *const headings[] = {"KIND",   "DIGEST", ">RECIPIENTS", ">MESSAGES", ">CUSTOMERS",
                                           ">NODES", ">FIRST", ">LAST SEEN",  "IS",        NULL};
    const char *top = "100", *kind = NULL;
    uint64_t number;
    const struct command_option options[] = {{"--top", &top, NULL}, {"--kind", &kind, NULL}, {NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    if (!text_number(text_of(top), &number) || number < 1 || number > 10000) {
        fprintf(stderr, "postern bulk: --top '%s' is not understood; a number from 1 to 10000\n", top);
        return EXIT_USAGE;
    }
    if (kind && strcmp(kind, "body") != 0 && strcmp(kind, "picture") != 0) {
        fprintf(stderr, "postern bulk: --kind '%s' is not understood; body or picture\n", kind);
        return EXIT_USAGE;
    }
    if (!cli->collector) {
        fprintf(stderr, "postern bulk: a collector counts them: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    json_t *question = json_pack("{ss sI ss*}", "command", "bulk", "top", (json_int_t)number, "kind", kind);
    int status = question_ask(cli, question, add_row, columns);
    if (status == EXIT_DONE && !cli->json)
        columns_print(columns, cli->colour, true);
    return status;
}
