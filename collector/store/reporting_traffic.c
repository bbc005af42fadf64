/* Reports: what was sent, by sender, node and time. Counts stand by the minute, the hour and the day (retention.c),
 * each under the moment at which that begins: where a place's day begins within one, it counts for the day before. */
#include "collector/store/reporting_own.h"

#define SUMS                                                                                                           \
    STORE_SUM("connections")                                                                                           \
    ", " STORE_SUM("messages") ", " STORE_SUM("rejected") ", " STORE_SUM("recipients") ", " STORE_SUM("bytes")

#define ROWS REPORTING_ROWS

static bool comes_before(const struct report_sender *a, int64_t own, const struct report_sender *b, int64_t other)
{
    int order = own != other ? (own > other ? -1 : 1) : strcmp(a->node, b->node);
    return order ? order < 0 : strcmp(a->sender, b->sender) < 0;
}

static void rank(struct report_sender *list, size_t *count, const struct report_sender *row, size_t member)
{
#define OF(sender) (*(const int64_t *)(const void *)((const char *)(sender) + member))
    if (OF(row) == 0 ||
        (*count == REPORT_SENDERS && !comes_before(row, OF(row), &list[*count - 1], OF(&list[*count - 1]))))
        return;
    size_t at = *count < REPORT_SENDERS ? (*count)++ : *count - 1;
    for (; at > 0 && comes_before(row, OF(row), &list[at - 1], OF(&list[at - 1])); at--)
        list[at] = list[at - 1];
    list[at] = *row;
#undef OF
}

/* Of nodes that lie no sum goes beyond what STORE_SUM() goes to. */
static void add(int64_t *sum, int64_t number)
{
    static const int64_t most = INT64_C(9000000000000000); /* STORE_SUM_MOST */
    *sum = *sum < most - number ? *sum + number : most;
}

static void add_to_sums(int64_t *sums, const struct value *counts)
{
    static const enum report_sum all[] = {SUM_CONNECTIONS, SUM_MESSAGES, SUM_REJECTED, SUM_RECIPIENTS, SUM_BYTES};
    for (size_t i = 0; i < 5; i++)
        add(&sums[all[i]], counts[i].integer);
}

/* node, sender, customer, connections, messages, rejected, recipients, bytes */
static bool sender_row(void *context, const struct value *columns, size_t count)
{
    struct reporting *reporting = context;
    struct report *report = reporting->report;
    struct reporting_node *node = reporting_node(reporting, columns[0].integer);
    size_t customer = columns[2].text.length ? tally_find(reporting->customers, columns[2].text) : TALLY_NONE;
    struct report_sender row = {.connections = columns[3].integer,
                                .messages = columns[4].integer,
                                .rejected = columns[5].integer,
                                .recipients = columns[6].integer,
                                .bytes = columns[7].integer};
    (void)count;
    reporting_copy(columns[1].text, row.sender);
    reporting_copy(columns[2].text, row.customer);
    if (node) {
        memcpy(row.node, node->row.name, sizeof row.node);
        node->row.senders++;
        add(&node->row.messages, row.messages);
        add(&node->row.rejected, row.rejected);
        add(&node->row.recipients, row.recipients);
    }
    if (customer != TALLY_NONE) {
        int64_t *sums = tally_sums(reporting->customers, customer);
        add(&sums[CUSTOMER_MESSAGES], row.messages);
        add(&sums[CUSTOMER_REJECTED], row.rejected);
        add(&sums[CUSTOMER_RECIPIENTS], row.recipients);
    }
    report->past[0].sums[SUM_SENDERS]++;
    add_to_sums(report->past[0].sums, columns + 3);
    rank(report->by_messages, &report->by_messages_count, &row, offsetof(struct report_sender, messages));
    rank(report->by_bytes, &report->by_bytes_count, &row, offsetof(struct report_sender, bytes));
    return true;
}

/* time, messages, rejected, recipients */
static bool step_row(void *context, const struct value *columns, size_t count)
{
    struct report_step *step = reporting_step(context, columns[0].integer);
    (void)count;
    if (step) {
        add(&step->messages, columns[1].integer);
        add(&step->rejected, columns[2].integer);
        add(&step->recipients, columns[3].integer);
    }
    return true;
}

/* senders, connections, messages, rejected, recipients, bytes */
static bool past_row(void *context, const struct value *columns, size_t count)
{
    int64_t *sums = context;
    (void)count;
    sums[SUM_SENDERS] = columns[0].integer;
    add_to_sums(sums, columns + 1);
    return true;
}

#define SUM_AS(column) STORE_SUM(column) " AS " column
#define OF_EACH                                                                                                        \
    "(SELECT node, sender, " SUM_AS("connections") ", " SUM_AS("messages") ", " SUM_AS("rejected") ", " SUM_AS(        \
        "recipients") ", " SUM_AS("bytes") " FROM " ROWS " GROUP BY node, sender) AS each_sender"

static int sum_past(struct reporting *reporting, struct report_past *past, struct error *error)
{
    return STORE_RUN(reporting->store, "SELECT COUNT(*), " SUMS " FROM " OF_EACH, past_row, past->sums, error,
                     INTEGER(past->begin), INTEGER(past->end));
}

int reporting_traffic(struct reporting *reporting, struct error *error)
{
    const struct calendar_period *period = &reporting->report->period;
    int rows =
        STORE_RUN(reporting->store, "SELECT node, sender, MAX(customer), " SUMS " FROM " ROWS " GROUP BY node, sender",
                  sender_row, reporting, error, INTEGER(period->begin), INTEGER(period->end));
    if (rows >= 0)
        rows = STORE_RUN(reporting->store,
                         "SELECT time, " STORE_SUM("messages") ", " STORE_SUM("rejected") ", " STORE_SUM(
                             "recipients") " FROM " ROWS " GROUP BY time",
                         step_row, reporting, error, INTEGER(period->begin), INTEGER(period->end));
    for (size_t i = 1; i < REPORT_PAST && rows >= 0; i++)
        if (!reporting->is_kept[i])
            rows = sum_past(reporting, &reporting->report->past[i], error);
    return rows < 0 ? rows : 0;
}
