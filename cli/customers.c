/* postern customers: whose the senders are and what they sent: here, as far as they are remembered; of a collector, in
 * the last day over all nodes, or what one of them has. */
#include <stdio.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/customers_fleet.h"
#include "cli/question.h"
#include "common/cleanup.h"

#define MEMBERS_TEXT 700 /* the agent tells of five, with names of up to 61 characters and addresses of 49 */

struct listing {
    struct columns *columns;
    unsigned count;
};

/* "port:tap101i0 203.0.113.7 (number), uid:1001 (map) and 3 more" */
static const char *print_members(const json_t *record, char result[MEMBERS_TEXT])
{
    const json_t *members = json_object_get(record, "members");
    int64_t more = field_integer(record, "senders") - (int64_t)json_array_size(members);
    size_t i, length = 0;
    json_t *member;
    result[0] = '\0';
    json_array_foreach(members, i, member)
    {
        const char *address = field_text(member, "address");
        snprintf(result + length, MEMBERS_TEXT - length, "%s%s%s%s (%s)", i ? ", " : "", field_text(member, "sender"),
                 *address ? " " : "", address, field_text(member, "known_by"));
        length = strlen(result);
    }
    if (more > 0)
        snprintf(result + length, MEMBERS_TEXT - length, " and %lld more", (long long)more);
    return result;
}

static void add_customer(void *context, const json_t *record)
{
    static const char *const amounts[] = {"senders", "messages", "messages_rejected", "recipients"};
    struct listing *listing = context;
    char amount[16], members[MEMBERS_TEXT];
    columns_add(listing->columns, "%s", field_text(record, "customer"));
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++)
        columns_add(listing->columns, "%s", amount_print((uint64_t)field_integer(record, amounts[i]), amount));
    columns_add(listing->columns, "%s", field_text(record, "verdict"));
    columns_add(listing->columns, "%s", field_text(record, "worst_verdict"));
    columns_add(listing->columns, "%s", print_members(record, members));
    columns_paint(listing->columns, verdict_colour(field_text(record, "verdict")));
    listing->count++;
}

static int list_here(const struct cli *cli, int64_t top)
{
    static const char *const headings[] = {"CUSTOMER", ">SENDERS", ">MESSAGES", ">REJECTED", ">RECIPIENTS",
                                           "VERDICT",  "WORST",    "SENDS AS",  NULL};
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    struct listing listing = {columns, 0};
    json_t *question = json_pack("{ss sI}", "command", "customers", "top", (json_int_t)top);
    int status = question_ask(cli, question, add_customer, &listing);
    if (status != EXIT_DONE || cli->json)
        return status;
    if (listing.count > 0)
        columns_print(columns, cli->colour, true);
    else
        printf("of nobody who sent mail here is known whose it is; [customers] in the configuration says how\n");
    return status;
}

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
    if (words == 1 && !cli->collector) {
        fprintf(stderr,
                "postern customers: a collector knows what one of them has: --collector URL, or "
                "POSTERN_COLLECTOR; here, `postern explain customer:%s` says what is held against it\n",
                name);
        return EXIT_USAGE;
    }
    if (!cli->collector)
        return list_here(cli, (int64_t)number);
    return words == 1 ? customers_fleet_show(cli, name) : customers_fleet_list(cli, (int64_t)number);
}
