/* postern campaigns: near-identical mail that several customers on several nodes send, as a collector put it together.
 */
#include <stdio.h>

#include "cli/columns.h"
#include "cli/question.h"
#include "common/cleanup.h"
#include "common/text.h"

static void add_campaign(void *context, const json_t *record)
{
    static const char *const amounts[] = {"customers", "senders", "nodes", "recipients"};
    struct columns *columns = context;
    char amount[16], text[CLOCK_TEXT];
    columns_add(columns, "%.8s", field_text(record, "likeness"));
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++)
        columns_add(columns, "%s", amount_print((uint64_t)field_integer(record, amounts[i]), amount));
    columns_add(columns, "%s", clock_print(field_moment(record, "first"), text));
    columns_add(columns, "%s", clock_print(field_moment(record, "seen"), text));
    columns_add(columns, "%s", field_text(record, "some"));
}

int command_campaigns(const struct cli *cli, int count, char **arguments)
{
    static const char *const headings[] = {"LIKENESS", ">CUSTOMERS", ">SENDERS",   ">NODES", ">RECIPIENTS",
                                           ">FIRST",   ">LAST SEEN", "AMONG THEM", NULL};
    const char *top = "100";
    uint64_t number;
    const struct command_option options[] = {{"--top", &top, NULL}, {NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    if (!text_number(text_of(top), &number) || number < 1 || number > 10000) {
        fprintf(stderr, "postern campaigns: --top '%s' is not understood; a number from 1 to 10000\n", top);
        return EXIT_USAGE;
    }
    if (!cli->collector) {
        fprintf(stderr, "postern campaigns: a collector knows them: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    json_t *question = json_pack("{ss sI}", "command", "campaigns", "top", (json_int_t)number);
    int status = question_ask(cli, question, add_campaign, columns);
    if (status == EXIT_DONE && !cli->json)
        columns_print(columns, cli->colour, true);
    return status;
}
