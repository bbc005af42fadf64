/* postern orders: what is in force now. */
#include <stdio.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/question.h"
#include "common/cleanup.h"

struct listing {
    struct columns *columns;
    unsigned count;
    bool fleet;    /* each with its node; what stopped how much, nodes do not tell */
    bool unheard;  /* an order on an account about which no mail server has asked */
    bool accounts; /* there is one at all */
    bool held;     /* a sender is held for its customer */
};

/* What stopped an account is its mail server, which counts messages. */
static uint64_t stopped(const json_t *record)
{
    return (uint64_t)(field_integer(record, "packets") + field_integer(record, "refused") +
                      field_integer(record, "deferred"));
}

static void add_order(void *context, const json_t *record)
{
    struct listing *listing = context;
    char until[CLOCK_TEXT], packets[16];
    bool account = json_object_get(record, "asked") != NULL;
    const char *held_for = field_text(record, "held_for");
    bool unheard = account && field_integer(record, "asked") == 0;
    if (strcmp(field_text(record, "record"), "order") != 0) /* what people ordered at the centre, done or not */
        return;
    if (listing->fleet)
        columns_add(listing->columns, "%s", field_text(record, "node_name"));
    columns_add(listing->columns, "%s", field_text(record, "sender"));
    columns_add(listing->columns, "%s", field_text(record, "deed"));
    columns_add(listing->columns, "%s", clock_print(field_moment(record, "until"), until));
    columns_add(listing->columns, "%s", *held_for ? held_for : field_text(record, "by"));
    listing->held |= *held_for != 0;
    if (!listing->fleet)
        columns_add(listing->columns, "%s", unheard ? "not asked" : amount_print(stopped(record), packets));
    listing->accounts |= account;
    listing->unheard |= unheard;
    columns_paint(listing->columns, verdict_colour(field_text(record, "deed")));
    listing->count++;
}

int command_orders(const struct cli *cli, int count, char **arguments)
{
    static const char *const headings[] = {"NODE", "SENDER", "ORDER", "UNTIL", "BY", NULL};
    static const char *const counted[] = {"SENDER", "ORDER", "UNTIL", "BY", ">PACKETS", NULL};
    const struct command_option options[] = {{NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    CLEANUP(columns_destroy) struct columns *columns = columns_create(cli->collector ? headings : counted);
    struct listing listing = {.columns = columns, .fleet = cli->collector != NULL};
    int status = question_ask(cli, json_pack("{ss}", "command", "orders"), add_order, &listing);
    if (status != EXIT_DONE || cli->json)
        return status;
    if (listing.count == 0)
        printf("nothing is in force\n");
    else
        columns_print(columns, cli->colour, true);
    if (listing.held)
        printf(
            "Those with a customer under BY are held with it: `postern release` of the customer lets them go. Of its "
            "addresses those are shown that stopped something.\n");
    if (listing.accounts)
        printf("Accounts are stopped by their mail server, which asks us; what is counted for them is messages.\n");
    if (listing.unheard)
        printf(
            "not asked: no mail server has asked about that account since the order, so nothing stops it yet. How to "
            "let\nPostfix and Exim ask: postern-agent(8), MAIL SERVERS.\n");
    return status;
}
