/* Reports: what nodes and people did. Each verdict that holds a sender otherwise than before counts once; and the first
 * behind a complaint about that sender is what was done about it. Orders, letters, and a person's being done with it
 * count as well. */
#include <jansson.h> /* before our own writer of JSON */

#include "collector/store/reporting_own.h"
#include "common/cleanup.h"

#define LONGEST      (7 * DAY) /* how long a sender is held of which nobody said an end */
#define CHAIN_MOST   5000      /* complaints about one */
#define STOPPED_MOST INT64_C(1000000000)

static void drop(json_t **object)
{
    json_decref(*object);
}

static const char *word_of(const json_t *object, const char *key)
{
    const char *word = json_string_value(json_object_get(object, key));
    return word ? word : "";
}

static bool holds(const char *verdict)
{
    return strcmp(verdict, "throttle") == 0 || strcmp(verdict, "divert") == 0 || strcmp(verdict, "block") == 0;
}

static void note_action(struct waiting *waiting, moment when)
{
    if (when > waiting->received && (waiting->acted == 0 || when < waiting->acted))
        waiting->acted = when;
}

/* Verdicts on a sender come the latest first, as do the complaints about it: those that came behind this one, and
 * before the one that was looked at last, found the sender as this one says. What was done about them is the earliest
 * of those looked at so far that holds. */
static void tell_waiting(struct reporting *reporting, int64_t node, struct text sender, moment when, bool does_hold,
                         moment until)
{
    char key[REPORTING_KEY];
    size_t place = tally_find(reporting->senders, reporting_key(node, sender, key));
    int64_t *sums = place == TALLY_NONE ? NULL : tally_sums(reporting->senders, place);
    while (sums && sums[SENDER_NEXT] && reporting->waiting[sums[SENDER_NEXT] - 1].received >= when) {
        struct waiting *waiting = &reporting->waiting[sums[SENDER_NEXT] - 1];
        note_action(waiting, sums[SENDER_HELD]);
        waiting->is_before = does_hold && until > waiting->received;
        sums[SENDER_NEXT] = (int64_t)waiting->next_of_sender;
    }
    if (sums && does_hold)
        sums[SENDER_HELD] = when;
}

/* No verdict before them is known. */
static void tell_rest(struct reporting *reporting)
{
    for (size_t i = 0; i < tally_count(reporting->senders); i++) {
        const int64_t *sums = tally_sums(reporting->senders, i);
        size_t next = (size_t)sums[SENDER_NEXT];
        for (; next && sums[SENDER_HELD]; next = reporting->waiting[next - 1].next_of_sender)
            note_action(&reporting->waiting[next - 1], sums[SENDER_HELD]);
    }
}

/* --- what is counted --- */

/* Whether that sender was not held yet in that period. */
static bool is_first(struct reporting *reporting, size_t period, int64_t node, struct text sender)
{
    char key[REPORTING_KEY];
    size_t place = tally_place(reporting->held, reporting_key(node, sender, key));
    int64_t *periods = place == TALLY_NONE ? NULL : &tally_sums(reporting->held, place)[0];
    bool is_new = periods && (*periods >> period & 1) == 0;
    if (periods)
        *periods |= (int64_t)1 << period;
    return is_new;
}

static void count_deed(struct reporting *reporting, const struct value *columns, const char *verdict)
{
    moment when = columns[3].integer;
    size_t period = reporting_period(reporting, when);
    bool is_block = strcmp(verdict, "block") == 0, is_throttle = strcmp(verdict, "throttle") == 0;
    if (period == REPORT_PAST)
        return;
    if (!reporting->is_kept[period]) {
        int64_t *sums = reporting->report->past[period].sums;
        sums[is_block ? SUM_BLOCKS : is_throttle ? SUM_THROTTLES : SUM_DIVERTS]++;
        sums[SUM_HELD] += is_first(reporting, period, columns[0].integer, columns[1].text);
    }
    if (period > 0 || !(is_block || is_throttle))
        return;
    struct report_step *step = reporting_step(reporting, when);
    struct reporting_node *node = reporting_node(reporting, columns[0].integer);
    size_t customer = columns[2].text.length ? tally_find(reporting->customers, columns[2].text) : TALLY_NONE;
    if (step)
        *(is_block ? &step->blocks : &step->throttles) += 1;
    if (node)
        *(is_block ? &node->row.blocks : &node->row.throttles) += 1;
    if (customer != TALLY_NONE)
        tally_sums(reporting->customers, customer)[is_block ? CUSTOMER_BLOCKS : CUSTOMER_THROTTLES]++;
}

/* node, sender, customer, time, line */
static bool verdict_row(void *context, const struct value *columns, size_t count)
{
    struct reporting *reporting = context;
    struct text line = columns[4].text;
    CLEANUP(drop) json_t *record = json_loadb(line.length ? line.bytes : "", line.length, JSON_ALLOW_NUL, NULL);
    const char *verdict = word_of(record, "verdict");
    moment until = 0, when = columns[3].integer;
    bool does_hold = holds(verdict);
    (void)count;
    if (!moment_parse(text_of(word_of(record, "hold_until")), &until))
        until = when + LONGEST;
    tell_waiting(reporting, columns[0].integer, columns[1].text, when, does_hold, until);
    if (does_hold && strcmp(word_of(record, "before"), verdict) != 0)
        count_deed(reporting, columns, verdict);
    return true;
}

/* time, line. Of a node that lies one line is no more than a fleet's worth. */
static bool stopped_row(void *context, const struct value *columns, size_t count)
{
    struct reporting *reporting = context;
    struct text line = columns[1].text;
    size_t period = reporting_period(reporting, columns[0].integer);
    (void)count;
    if (period == REPORT_PAST || reporting->is_kept[period])
        return true;
    CLEANUP(drop) json_t *record = json_loadb(line.length ? line.bytes : "", line.length, JSON_ALLOW_NUL, NULL);
    int64_t refused = json_integer_value(json_object_get(record, "refused"));
    if (refused > 0 && refused <= STOPPED_MOST)
        reporting->report->past[period].sums[SUM_STOPPED] += refused;
    return true;
}

/* --- what people did --- */

/* customer, moment */
static bool customer_row(void *context, const struct value *columns, size_t count)
{
    struct reporting *reporting = context;
    size_t place = tally_find(reporting->customers, columns[0].text), chained = 0;
    size_t next = place == TALLY_NONE ? 0 : (size_t)tally_sums(reporting->customers, place)[CUSTOMER_FIRST];
    (void)count;
    for (; next && chained < CHAIN_MOST; chained++) {
        note_action(&reporting->waiting[next - 1], columns[1].integer);
        next = reporting->waiting[next - 1].next_of_customer;
    }
    reporting->report->is_cut |= next != 0;
    return true;
}

static void order_sender(struct reporting *reporting, int64_t node, struct text sender, moment when)
{
    char key[REPORTING_KEY];
    size_t place = tally_find(reporting->senders, reporting_key(node, sender, key)), chained = 0;
    size_t next = place == TALLY_NONE ? 0 : (size_t)tally_sums(reporting->senders, place)[SENDER_FIRST];
    for (; next && chained < CHAIN_MOST; chained++) {
        note_action(&reporting->waiting[next - 1], when);
        next = reporting->waiting[next - 1].next_of_sender;
    }
    reporting->report->is_cut |= next != 0;
}

/* sender, moment, node. Node 0 is every node: those of that name on each. */
static bool sender_row(void *context, const struct value *columns, size_t count)
{
    struct reporting *reporting = context;
    (void)count;
    if (columns[2].integer != 0)
        order_sender(reporting, columns[2].integer, columns[0].text, columns[1].integer);
    for (size_t i = 0; i < reporting->node_count && columns[2].integer == 0; i++)
        order_sender(reporting, reporting->nodes[i].id, columns[0].text, columns[1].integer);
    return true;
}

#define ORDERED "time >= $1 AND deed IN ('block', 'throttle', 'divert')"
#define DEEDS   20000

int reporting_actions(struct reporting *reporting, struct error *error)
{
    moment begin = reporting_oldest(reporting);
    int rows =
        STORE_RUN(reporting->store,
                  "SELECT node, sender, customer, time, line FROM records WHERE kind = 'verdict' AND received >= $1 "
                  "ORDER BY received DESC, node DESC, sequence DESC LIMIT $2",
                  verdict_row, reporting, error, INTEGER(begin - LONGEST), INTEGER(REPORTING_VERDICTS));
    reporting->report->is_cut |= rows >= REPORTING_VERDICTS;
    tell_rest(reporting);
    if (rows >= 0)
        rows = STORE_RUN(reporting->store,
                         "SELECT time, line FROM records WHERE kind = 'stopped' AND received >= $1 ORDER BY received "
                         "DESC, node DESC, sequence DESC LIMIT $2",
                         stopped_row, reporting, error, INTEGER(begin), INTEGER(REPORTING_STOPPED));
    reporting->report->is_cut |= rows >= REPORTING_STOPPED;
    if (rows >= 0)
        rows = STORE_RUN(reporting->store,
                         "SELECT SUBSTR(sender, 10), time FROM directives WHERE " ORDERED
                         " AND sender LIKE 'customer:%' ORDER BY revision DESC LIMIT $2",
                         customer_row, reporting, error, INTEGER(begin), INTEGER(DEEDS));
    if (rows >= 0)
        rows = STORE_RUN(reporting->store,
                         "SELECT sender, time, node FROM directives WHERE " ORDERED
                         " AND sender NOT LIKE 'customer:%' ORDER BY revision DESC LIMIT $2",
                         sender_row, reporting, error, INTEGER(begin), INTEGER(DEEDS));
    if (rows >= 0)
        rows = STORE_RUN(reporting->store,
                         "SELECT customer, made FROM sendings WHERE made >= $1 AND purpose = 'letter' AND "
                         "state <> 'failed' AND customer <> '' ORDER BY made DESC LIMIT $2",
                         customer_row, reporting, error, INTEGER(begin), INTEGER(DEEDS));
    return rows < 0 ? rows : 0;
}
