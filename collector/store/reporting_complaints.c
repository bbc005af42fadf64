/* Reports: complaints by period, customer, source and kind, and how long they waited for something to be done. */
#include <stdlib.h>
#include "collector/store/reporting_own.h"

/* Complaints, not what came beside them: bounces are done with by nobody; a double is counted at its first; that
 * something is no spam is no complaint, nor is one that a person found to be wrong. */
#define IS_COMPLAINT                                                                                                   \
    "(state = 'open' OR (state = 'done' AND closed > 0)) AND not_abuse = 0 AND type <> 'not-spam' AND "                \
    "received >= $1 AND received < $2"

static bool make_room(struct reporting *reporting)
{
    if (reporting->waiting_count < reporting->waiting_room)
        return true;
    size_t room = reporting->waiting_room ? reporting->waiting_room * 2 : 256;
    struct waiting *waiting = reallocarray(reporting->waiting, room, sizeof *waiting);
    if (waiting == NULL) {
        reporting->has_failed = true;
        return false;
    }
    reporting->waiting = waiting;
    reporting->waiting_room = room;
    return true;
}

static void wait_for(struct reporting *reporting, size_t period, const struct value *columns)
{
    moment received = columns[0].integer, closed = columns[7].integer;
    char key[REPORTING_KEY];
    size_t customer = columns[1].text.length ? tally_find(reporting->customers, columns[1].text) : TALLY_NONE;
    size_t sender = columns[2].text.length
                        ? tally_place(reporting->senders, reporting_key(columns[3].integer, columns[2].text, key))
                        : TALLY_NONE;
    if (!make_room(reporting))
        return;
    struct waiting *waiting = &reporting->waiting[reporting->waiting_count++];
    *waiting = (struct waiting){.period = (uint8_t)period, .customer = customer, .received = received};
    if (closed > 0)
        waiting->acted = closed > received ? closed : received;
    if (customer != TALLY_NONE) {
        int64_t *first = &tally_sums(reporting->customers, customer)[CUSTOMER_FIRST];
        waiting->next_of_customer = (size_t)*first;
        *first = (int64_t)reporting->waiting_count;
    }
    if (sender != TALLY_NONE) {
        int64_t *sums = tally_sums(reporting->senders, sender), place = (int64_t)reporting->waiting_count;
        if (sums[SENDER_FIRST] == 0)
            sums[SENDER_FIRST] = sums[SENDER_NEXT] = place;
        else
            reporting->waiting[sums[SENDER_LAST] - 1].next_of_sender = (size_t)place;
        sums[SENDER_LAST] = place;
    }
}

static void count_customer(struct reporting *reporting, size_t period, const struct value *columns)
{
    size_t place = columns[1].text.length ? tally_place(reporting->customers, columns[1].text) : TALLY_NONE;
    if (place == TALLY_NONE)
        return;
    int64_t *sums = tally_sums(reporting->customers, place);
    sums[CUSTOMER_NOW] += period == 0;
    sums[CUSTOMER_BEFORE] += period == 1;
    sums[CUSTOMER_TOTAL]++;
    sums[CUSTOMER_PERIODS] |= (int64_t)1 << period;
    if (period > 0)
        return;
    sums[CUSTOMER_INCIDENTS] += columns[6].integer;
    sums[CUSTOMER_OPEN] += columns[7].integer == 0;
}

/* received, customer, sender, node, type, source, incidents, closed, reporter */
static bool complaint_row(void *context, const struct value *columns, size_t count)
{
    struct reporting *reporting = context;
    size_t period = reporting_period(reporting, columns[0].integer);
    (void)count;
    if (period == REPORT_PAST)
        return true;
    count_customer(reporting, period, columns);
    if (!reporting->is_kept[period]) {
        int64_t *sums = reporting->report->past[period].sums;
        sums[SUM_COMPLAINTS]++;
        sums[SUM_INCIDENTS] += columns[6].integer;
        sums[SUM_UNTIED] += columns[1].text.length == 0 && columns[2].text.length == 0;
        sums[SUM_OPEN] += columns[7].integer == 0;
        wait_for(reporting, period, columns);
    }
    if (period < 2) {
        tally_add(reporting->types, columns[4].text, period, 1);
        tally_add(reporting->sources, columns[5].text, period, 1);
        tally_add(reporting->reporters, columns[8].text, period, 1);
    }
    if (period > 0)
        return !reporting->has_failed;
    struct report_step *step = reporting_step(reporting, columns[0].integer);
    struct reporting_node *node = reporting_node(reporting, columns[3].integer);
    if (step)
        step->complaints++;
    if (node)
        node->row.complaints++;
    return !reporting->has_failed;
}

static bool unread_row(void *context, const struct value *columns, size_t count)
{
    struct reporting *reporting = context;
    size_t period = reporting_period(reporting, columns[0].integer);
    (void)count;
    if (period < REPORT_PAST && !reporting->is_kept[period])
        reporting->report->past[period].sums[SUM_OPEN]++;
    return true;
}

int reporting_complaints(struct reporting *reporting, struct error *error)
{
    struct report *report = reporting->report;
    moment begin = report->past[REPORT_PAST - 1].begin, end = report->period.end;
    int rows = STORE_RUN(reporting->store,
                         "SELECT received, customer, sender, node, type, source, incidents, CASE WHEN state = 'done' "
                         "THEN closed ELSE 0 END, reporter FROM complaints WHERE " IS_COMPLAINT
                         " ORDER BY received DESC, id DESC LIMIT $3",
                         complaint_row, reporting, error, INTEGER(begin), INTEGER(end), INTEGER(REPORTING_COMPLAINTS));
    report->is_cut |= rows >= REPORTING_COMPLAINTS;
    if (rows >= 0)
        rows = STORE_RUN(reporting->store,
                         "SELECT received FROM complaints WHERE state IN ('unread', 'arrived') AND received >= $1 AND "
                         "received < $2 ORDER BY received DESC LIMIT $3",
                         unread_row, reporting, error, INTEGER(begin), INTEGER(end), INTEGER(REPORTING_COMPLAINTS));
    for (size_t i = 0; i < tally_count(reporting->customers) && rows >= 0; i++) {
        int64_t *sums = tally_sums(reporting->customers, i);
        int periods = __builtin_popcountll((unsigned long long)sums[CUSTOMER_PERIODS]);
        sums[CUSTOMER_REPEATS] = sums[CUSTOMER_NOW] > 0 && periods > 1 ? periods : 0;
        report->repeaters_all += sums[CUSTOMER_REPEATS] > 0;
        for (size_t period = 0; period < REPORT_PAST; period++)
            if (!reporting->is_kept[period])
                report->past[period].sums[SUM_CUSTOMERS] += sums[CUSTOMER_PERIODS] >> period & 1;
    }
    return rows < 0 ? rows : 0;
}

/* --- what became of them --- */

static int by_number(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* Seconds that those of a period waited, of one customer or of all, rising; how many. */
static size_t waits_of(const struct reporting *reporting, size_t period, size_t customer, int64_t *result)
{
    size_t count = 0;
    for (size_t i = 0; i < reporting->waiting_count; i++) {
        const struct waiting *waiting = &reporting->waiting[i];
        if (waiting->period == period && waiting->acted && (customer == TALLY_NONE || waiting->customer == customer))
            result[count++] = (waiting->acted - waiting->received) / SECOND;
    }
    qsort(result, count, sizeof *result, by_number);
    return count;
}

static int64_t median_of(const int64_t *numbers, size_t count)
{
    return count == 0 ? 0 : numbers[(count - 1) / 2];
}

static enum report_wait wait_of(const struct waiting *waiting)
{
    duration passed = waiting->acted - waiting->received;
    return waiting->acted == 0  ? WAIT_NOT_YET
           : waiting->is_before ? WAIT_BEFORE
           : passed <= HOUR     ? WAIT_HOUR
           : passed <= 4 * HOUR ? WAIT_4_HOURS
           : passed <= DAY      ? WAIT_DAY
           : passed <= 3 * DAY  ? WAIT_3_DAYS
                                : WAIT_LONGER;
}

static void settle(struct reporting *reporting)
{
    for (size_t i = 0; i < reporting->waiting_count; i++) {
        struct waiting *waiting = &reporting->waiting[i];
        if (waiting->is_before)
            waiting->acted = waiting->received;
        reporting->report->past[waiting->period].sums[SUM_ACTED] += waiting->acted > 0;
        if (waiting->period > 0)
            continue;
        reporting->report->waits[wait_of(waiting)]++;
        if (waiting->customer != TALLY_NONE && waiting->acted > 0)
            tally_sums(reporting->customers, waiting->customer)[CUSTOMER_ACTED]++;
    }
}

static void list_customer(struct reporting *reporting, size_t place, int64_t *scratch, struct report_customer *row)
{
    const int64_t *sums = tally_sums(reporting->customers, place);
    size_t count = waits_of(reporting, 0, place, scratch);
    *row = (struct report_customer){.complaints = sums[CUSTOMER_NOW],
                                    .before = sums[CUSTOMER_BEFORE],
                                    .total = sums[CUSTOMER_TOTAL],
                                    .periods = __builtin_popcountll((unsigned long long)sums[CUSTOMER_PERIODS]),
                                    .incidents = sums[CUSTOMER_INCIDENTS],
                                    .acted = sums[CUSTOMER_ACTED],
                                    .open = sums[CUSTOMER_OPEN],
                                    .waited = median_of(scratch, count),
                                    .blocks = sums[CUSTOMER_BLOCKS],
                                    .throttles = sums[CUSTOMER_THROTTLES],
                                    .messages = sums[CUSTOMER_MESSAGES],
                                    .rejected = sums[CUSTOMER_REJECTED],
                                    .recipients = sums[CUSTOMER_RECIPIENTS]};
    reporting_copy(tally_name(reporting->customers, place), row->name);
}

void reporting_wait(struct reporting *reporting)
{
    struct report *report = reporting->report;
    size_t places[REPORT_CUSTOMERS];
    int64_t *scratch = calloc(reporting->waiting_count + 1, sizeof *scratch);
    if (scratch == NULL) {
        reporting->has_failed = true;
        return;
    }
    settle(reporting);
    for (size_t period = 0; period < REPORT_PAST; period++) {
        size_t count = waits_of(reporting, period, TALLY_NONE, scratch);
        if (!reporting->is_kept[period])
            report->past[period].sums[SUM_WAITED] = median_of(scratch, count);
        if (period == 0)
            report->waited_most = count ? scratch[(count - 1) * 9 / 10] : 0;
    }
    report->customer_count = tally_top(reporting->customers, CUSTOMER_NOW, CUSTOMER_TOTAL, places, REPORT_CUSTOMERS);
    for (size_t i = 0; i < report->customer_count; i++)
        list_customer(reporting, places[i], scratch, &report->customers[i]);
    report->repeater_count =
        tally_top(reporting->customers, CUSTOMER_REPEATS, CUSTOMER_TOTAL, places, REPORT_REPEATERS);
    for (size_t i = 0; i < report->repeater_count; i++)
        list_customer(reporting, places[i], scratch, &report->repeaters[i]);
    free(scratch);
}
