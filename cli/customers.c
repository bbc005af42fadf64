/* postern customers: what each customer sent in the last day, over all nodes; or what one of them has. */
#include <stdio.h>
#include <string.h>

#include "cli/customers_fleet.h"
#include "common/text.h"

int command_customers(const struct cli *cli, int count, char **arguments)
{
    const char *top = "100", *name = NULL;
    uint64_t number;
    const struct command_option options[] = {{"--top", &top, NULL}, {NULL, NULL, NULL}};
    int words = command_read(count, arguments, options, &name, 1);
    if (words < 0)
        return EXIT_USAGE;
    if (!text_number(text_of(top), &number) || number < 1 || number > 10000) {
        fprintf(stderr, "postern customers: --top '%s' is not understood; a number from 1 to 10000\n", top);
        return EXIT_USAGE;
    }
    if (!cli->collector) {
        fprintf(stderr, "postern customers: a collector knows them: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    return words == 1 ? customers_fleet_show(cli, name) : customers_fleet_list(cli, (int64_t)number);
}
