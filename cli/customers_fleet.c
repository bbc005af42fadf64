/* See customers_fleet.h. */
#include "cli/customers_fleet.h"

#include <stdio.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/question.h"
#include "common/cleanup.h"

static void add_customer(void *context, const json_t *record)
{
    static const char *const amounts[] = {"senders", "nodes", "messages", "messages_rejected", "recipients"};
    struct columns *columns = context;
    char amount[16];
    columns_add(columns, "%s", field_text(record, "customer"));
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++)
        columns_add(columns, "%s", amount_print((uint64_t)field_integer(record, amounts[i]), amount));
    columns_add(columns, "%.1f", field_number(record, "points"));
}

int customers_fleet_list(const struct cli *cli, int64_t top)
{
    static const char *const headings[] = {"CUSTOMER",  ">SENDERS",    ">NODES",  ">MESSAGES",
                                           ">REJECTED", ">RECIPIENTS", ">POINTS", NULL};
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    json_t *question = json_pack("{ss sI}", "command", "customers", "top", (json_int_t)top);
    int status = question_ask(cli, question, add_customer, columns);
    if (status == EXIT_DONE && !cli->json)
        columns_print(columns, cli->colour, true);
    return status;
}

/* --- one --- */

struct customer {
    json_t *sums, *senders, *orders;
};

static void collect(void *context, const json_t *record)
{
    struct customer *customer = context;
    const char *kind = field_text(record, "record");
    if (strcmp(kind, "customer") == 0)
        customer->sums = json_deep_copy(record);
    else if (strcmp(kind, "sender") == 0)
        json_array_append_new(customer->senders, json_deep_copy(record));
    else if (strcmp(kind, "order") == 0)
        json_array_append_new(customer->orders, json_deep_copy(record));
}

static void drop(struct customer *customer)
{
    json_decref(customer->sums);
    json_decref(customer->senders);
    json_decref(customer->orders);
}

static void show_senders(const struct cli *cli, const json_t *senders)
{
    static const char *const headings[] = {"NODE",      "SENDER",      ">ADDRESS",   ">VERDICT",
                                           ">SCORE",    ">POINTS",     ">ELSEWHERE", ">MESSAGES",
                                           ">REJECTED", ">RECIPIENTS", ">LAST SEEN", NULL};
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    size_t i;
    json_t *sender;
    json_array_foreach(senders, i, sender)
    {
        char text[CLOCK_TEXT], amount[16];
        columns_add(columns, "%s", field_text(sender, "node_name"));
        columns_add(columns, "%s", field_text(sender, "sender"));
        columns_add(columns, "%s", *field_text(sender, "address") ? field_text(sender, "address") : "-");
        columns_add(columns, "%s", field_text(sender, "verdict"));
        columns_add(columns, "%.1f", field_number(sender, "score"));
        columns_add(columns, "%.1f", field_number(sender, "points"));
        columns_add(columns, "%.1f", field_number(sender, "points_elsewhere"));
        columns_add(columns, "%s", amount_print((uint64_t)field_integer(sender, "messages"), amount));
        columns_add(columns, "%s", amount_print((uint64_t)field_integer(sender, "messages_rejected"), amount));
        columns_add(columns, "%s", amount_print((uint64_t)field_integer(sender, "recipients"), amount));
        columns_add(columns, "%s", clock_print(field_moment(sender, "last_seen"), text));
        columns_paint(columns, verdict_colour(field_text(sender, "verdict")));
    }
    columns_print(columns, cli->colour, true);
}

static void show_orders(const struct cli *cli, const json_t *orders)
{
    static const char *const headings[] = {"NODE", "ORDER", "SENDER", "BY", ">UNTIL", NULL};
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    size_t i;
    json_t *order;
    if (json_array_size(orders) == 0)
        return;
    json_array_foreach(orders, i, order)
    {
        char text[CLOCK_TEXT];
        columns_add(columns, "%s", field_text(order, "node_name"));
        columns_add(columns, "%s", field_text(order, "deed"));
        columns_add(columns, "%s", field_text(order, "sender"));
        columns_add(columns, "%s", field_text(order, "by"));
        columns_add(columns, "%s", clock_print(field_moment(order, "until"), text));
    }
    putchar('\n');
    columns_print(columns, cli->colour, true);
}

static void show_sums(const struct customer *customer, const char *name)
{
    const json_t *sums = customer->sums;
    printf("%s has %lld senders on %lld nodes.\n", name, (long long)field_integer(sums, "senders"),
           (long long)field_integer(sums, "nodes"));
    printf("  In the last day: %lld messages accepted, %lld refused, %lld recipients.\n",
           (long long)field_integer(sums, "messages"), (long long)field_integer(sums, "messages_rejected"),
           (long long)field_integer(sums, "recipients"));
}

static void explain_senders(const struct cli *cli, const json_t *senders)
{
    size_t i;
    json_t *sender;
    json_array_foreach(senders, i, sender)
    {
        const char *verdict = field_text(sender, "verdict"), *address = field_text(sender, "address");
        int colour = verdict_colour(verdict) ? verdict_colour(verdict) : 32;
        char text[CLOCK_TEXT];
        putchar('\n');
        paint_begin(cli->colour, colour);
        printf("On %s %s%s%s%s %s.", field_text(sender, "node_name"), field_text(sender, "sender"),
               *address ? " (" : "", address, *address ? ")" : "", verdict_sentence(verdict));
        paint_end(cli->colour, colour);
        printf("\n  Held against it firmly: %.1f points; against the customer's senders on other nodes: %.1f.\n",
               field_number(sender, "points"), field_number(sender, "points_elsewhere"));
        printf("  In the last day, the last time %s: %lld messages accepted, %lld refused, %lld recipients\n",
               clock_print(field_moment(sender, "last_seen"), text), (long long)field_integer(sender, "messages"),
               (long long)field_integer(sender, "messages_rejected"), (long long)field_integer(sender, "recipients"));
    }
}

static void explain_orders(const json_t *orders, const char *name)
{
    size_t i;
    json_t *order;
    char text[CLOCK_TEXT];
    if (json_array_size(orders) > 0)
        printf("\nWhat is in force:\n");
    json_array_foreach(orders, i, order)
        printf("  on %s: %s %s, by %s, until %s\n", field_text(order, "node_name"), field_text(order, "deed"),
               field_text(order, "sender"), field_text(order, "by"), clock_print(field_moment(order, "until"), text));
    if (json_array_size(orders) > 0)
        printf("\nAn order on the customer is lifted, and kept on record, by:\n"
               "  postern release customer:%s --everywhere --reason \"...\"\n"
               "That leaves its senders' own orders.\n",
               name);
}

static int ask(const struct cli *cli, const char *name,
               void (*show)(const struct cli *, const struct customer *, const char *name))
{
    struct customer customer = {NULL, json_array(), json_array()};
    json_t *question = json_pack("{ss ss}", "command", "customer", "sender", name);
    int status = question_ask(cli, question, collect, &customer);
    bool known = json_array_size(customer.senders) > 0 || json_array_size(customer.orders) > 0;
    if (status == EXIT_DONE && !cli->json && known)
        show(cli, &customer, name);
    else if (status == EXIT_DONE && !cli->json)
        printf("no node has said anything of a customer %s\n", name);
    drop(&customer);
    return status;
}

static void show_tables(const struct cli *cli, const struct customer *customer, const char *name)
{
    (void)name;
    show_senders(cli, customer->senders);
    show_orders(cli, customer->orders);
}

static void show_sentences(const struct cli *cli, const struct customer *customer, const char *name)
{
    show_sums(customer, name);
    explain_senders(cli, customer->senders);
    explain_orders(customer->orders, name);
}

int customers_fleet_show(const struct cli *cli, const char *customer)
{
    return ask(cli, customer, show_tables);
}

int customers_fleet_explain(const struct cli *cli, const char *customer)
{
    return ask(cli, customer, show_sentences);
}
