/* See reporting.h. */
#include "collector/store/reporting.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include "collector/report/numbers_json.h"
#include "collector/store/reporting_own.h"
#include "common/cleanup.h"

/* --- what is kept --- */

struct finder {
    void (*each)(void *, struct text);
    void *context;
};

static bool numbers_row(void *context, const struct value *columns, size_t count)
{
    const struct finder *finder = context;
    (void)count;
    finder->each(finder->context, columns[0].text);
    return false;
}

int store_report_find(struct store *store, enum calendar_kind kind, const char *period, const char *zone,
                      void (*each)(void *, struct text), void *context, struct error *error)
{
    struct finder finder = {each, context};
    return STORE_RUN(store, "SELECT numbers FROM reports WHERE kind = $1 AND period = $2 AND zone = $3", numbers_row,
                     &finder, error, STRING(calendar_kind_name(kind)), STRING(period), STRING(zone));
}

int store_report_keep(struct store *store, const struct report *report, struct text numbers, struct error *error)
{
    return STORE_RUN(store,
                     "INSERT INTO reports (kind, period, zone, made, numbers) VALUES ($1, $2, $3, $4, $5) "
                     "ON CONFLICT (kind, period, zone) DO NOTHING",
                     NULL, NULL, error, STRING(calendar_kind_name(report->period.kind)), STRING(report->period.name),
                     STRING(report->zone), INTEGER(report->made), VALUE_TEXT(numbers));
}

struct lister {
    void (*each)(void *, const struct store_report_row *);
    void *context;
};

static bool report_row(void *context, const struct value *columns, size_t count)
{
    const struct lister *lister = context;
    (void)count;
    lister->each(lister->context,
                 &(struct store_report_row){columns[0].text, columns[1].text, columns[2].text, columns[3].integer});
    return true;
}

int store_reports(struct store *store, uint32_t most, void (*each)(void *, const struct store_report_row *),
                  void *context, struct error *error)
{
    struct lister lister = {each, context};
    int rows =
        STORE_RUN(store, "SELECT kind, period, zone, made FROM reports ORDER BY made DESC, kind, period, zone LIMIT $1",
                  report_row, &lister, error, INTEGER(most));
    return rows < 0 ? rows : 0;
}

/* --- what its files share --- */

size_t reporting_period(const struct reporting *reporting, moment when)
{
    const struct report_past *past = reporting->report->past;
    size_t i = 0;
    while (i < REPORT_PAST && (when < past[i].begin || when >= past[i].end))
        i++;
    return i;
}

struct report_step *reporting_step(struct reporting *reporting, moment when)
{
    struct report *report = reporting->report;
    size_t i = report->step_count;
    if (when >= report->period.end)
        return NULL;
    while (i > 0 && report->steps[i - 1].begin > when)
        i--;
    return i > 0 ? &report->steps[i - 1] : NULL;
}

struct reporting_node *reporting_node(struct reporting *reporting, int64_t id)
{
    size_t low = 0, high = reporting->node_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (reporting->nodes[middle].id == id)
            return &reporting->nodes[middle];
        if (reporting->nodes[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

struct text reporting_key(int64_t node, struct text sender, char result[REPORTING_KEY])
{
    int length = snprintf(result, REPORTING_KEY, "%016llx %.*s", (unsigned long long)node, (int)sender.length,
                          sender.length ? sender.bytes : "");
    return (struct text){result, (size_t)length < REPORTING_KEY ? (size_t)length : REPORTING_KEY - 1};
}

void reporting_copy(struct text text, char result[REPORT_NAME])
{
    report_name(text, result);
}

moment reporting_oldest(const struct reporting *reporting)
{
    size_t oldest = REPORT_PAST - 1;
    while (oldest > 1 && reporting->is_kept[oldest])
        oldest--;
    return reporting->report->past[oldest].begin;
}

/* --- beginning --- */

static void take_steps(struct reporting *reporting)
{
    struct report *report = reporting->report;
    const struct calendar_period *whole = &report->period;
    for (moment at = whole->begin; at < whole->end && report->step_count < REPORT_STEPS;) {
        report->steps[report->step_count++].begin = at;
        at = whole->kind == CALENDAR_DAY ? at + HOUR : calendar_period_at(reporting->zone, CALENDAR_DAY, at).end;
    }
}

struct kept {
    struct report *report;
    bool is_good;
};

static void take_kept(void *context, struct text numbers)
{
    struct kept *kept = context;
    struct error error;
    kept->is_good = numbers_json_read(numbers, kept->report, &error) == 0;
}

static int take_past(struct reporting *reporting, struct error *error)
{
    struct report *report = reporting->report;
    CLEANUP(numbers_destroy) struct report *earlier = numbers_create();
    int rows = earlier ? 0 : error_set(error, ENOMEM, "no memory for a report");
    for (int i = 0; i < REPORT_PAST && rows >= 0; i++) {
        struct calendar_period period = calendar_period_from(reporting->zone, &report->period, -i);
        struct report_past *past = &report->past[i];
        struct kept kept = {.report = earlier};
        snprintf(past->name, sizeof past->name, "%s", period.name);
        past->begin = period.begin;
        past->end = period.end;
        if (i == 0)
            continue;
        rows = store_report_find(reporting->store, period.kind, period.name, report->zone, take_kept, &kept, error);
        if (rows <= 0 || !kept.is_good || earlier->past[0].begin != past->begin || earlier->past[0].end != past->end)
            continue;
        *past = earlier->past[0];
        reporting->is_kept[i] = true;
    }
    return rows < 0 ? rows : 0;
}

static bool node_row(void *context, const struct value *columns, size_t count)
{
    struct reporting *reporting = context;
    size_t at = reporting->node_count;
    (void)count;
    if ((at & (at - 1)) == 0) { /* a power of two: it is full */
        struct reporting_node *nodes = reallocarray(reporting->nodes, at ? at * 2 : 1, sizeof *nodes);
        if (nodes == NULL)
            return !(reporting->has_failed = true);
        reporting->nodes = nodes;
    }
    reporting->nodes[at] = (struct reporting_node){.id = columns[0].integer, .row.seen = columns[2].integer};
    reporting_copy(columns[1].text, reporting->nodes[at].row.name);
    reporting->node_count++;
    return true;
}

static int begin(struct reporting *reporting, struct error *error)
{
    struct tally **const all[] = {&reporting->customers, &reporting->senders, &reporting->held,
                                  &reporting->types,     &reporting->sources, &reporting->reporters,
                                  &reporting->detectors, &reporting->symbols, &reporting->viruses};
    randombytes_buf(&reporting->key, sizeof reporting->key);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if ((*all[i] = tally_create(&reporting->key, REPORTING_NAMES)) == NULL)
            return error_set(error, ENOMEM, "no memory for a report");
    take_steps(reporting);
    int rows = engine_run(reporting->store->engine, "SELECT node, name, seen FROM nodes ORDER BY node", NULL, 0,
                          node_row, reporting, error);
    return rows < 0 ? rows : take_past(reporting, error);
}

/* --- ending --- */

static void list_counts(const struct tally *tally, struct report_count *list, size_t *count, bool *is_cut)
{
    size_t places[REPORT_COUNTS];
    *count = tally_top(tally, 0, 1, places, REPORT_COUNTS);
    for (size_t i = 0; i < *count; i++) {
        const int64_t *sums = tally_sums((struct tally *)tally, places[i]);
        list[i] = (struct report_count){.count = sums[0], .before = sums[1]};
        reporting_copy(tally_name(tally, places[i]), list[i].name);
    }
    *is_cut |= tally_is_full(tally);
}

static int by_messages(const void *a, const void *b)
{
    const struct report_node *left = &((const struct reporting_node *)a)->row;
    const struct report_node *right = &((const struct reporting_node *)b)->row;
    return left->messages != right->messages ? (left->messages > right->messages ? -1 : 1)
                                             : strcmp(left->name, right->name);
}

static int note_known(struct reporting *reporting, struct error *error)
{
    int64_t first = 0;
    int rows = engine_run(reporting->store->engine, "SELECT COALESCE(MIN(enrolled), 0) FROM nodes", NULL, 0,
                          store_row_integer, &first, error);
    for (size_t i = 0; i < REPORT_PAST && rows >= 0; i++) {
        struct report_past *past = &reporting->report->past[i];
        bool has_any = false;
        for (size_t sum = 0; sum < REPORT_SUMS; sum++)
            has_any |= past->sums[sum] != 0;
        if (!reporting->is_kept[i])
            past->is_known = has_any || (first > 0 && first < past->end);
    }
    return rows < 0 ? rows : 0;
}

static int end(struct reporting *reporting, struct error *error)
{
    struct report *report = reporting->report;
    bool *cut = &report->is_cut;
    reporting_wait(reporting);
    list_counts(reporting->types, report->types, &report->type_count, cut);
    list_counts(reporting->sources, report->sources, &report->source_count, cut);
    list_counts(reporting->reporters, report->reporters, &report->reporter_count, cut);
    list_counts(reporting->detectors, report->detectors, &report->detector_count, cut);
    list_counts(reporting->symbols, report->symbols, &report->symbol_count, cut);
    list_counts(reporting->viruses, report->viruses, &report->virus_count, cut);
    *cut |= tally_is_full(reporting->customers) || tally_is_full(reporting->senders) || tally_is_full(reporting->held);
    if (reporting->node_count > 0)
        qsort(reporting->nodes, reporting->node_count, sizeof *reporting->nodes, by_messages);
    report->nodes_all = (int64_t)reporting->node_count;
    report->node_count = reporting->node_count < REPORT_NODES ? reporting->node_count : REPORT_NODES;
    for (size_t i = 0; i < report->node_count; i++)
        report->nodes[i] = reporting->nodes[i].row;
    return reporting->has_failed ? error_set(error, ENOMEM, "no memory for a report") : note_known(reporting, error);
}

static void clear(struct reporting *reporting)
{
    tally_destroy(&reporting->customers);
    tally_destroy(&reporting->senders);
    tally_destroy(&reporting->held);
    tally_destroy(&reporting->types);
    tally_destroy(&reporting->sources);
    tally_destroy(&reporting->reporters);
    tally_destroy(&reporting->detectors);
    tally_destroy(&reporting->symbols);
    tally_destroy(&reporting->viruses);
    free(reporting->waiting);
    free(reporting->nodes);
}

int store_report_make(struct store *store, const struct calendar_zone *zone, const struct calendar_period *period,
                      moment now, struct report *report, struct error *error)
{
    struct reporting reporting = {.store = store, .zone = zone, .report = report, .now = now};
    *report = (struct report){.period = *period, .made = now, .is_over = period->end <= now};
    snprintf(report->zone, sizeof report->zone, "%s", calendar_zone_name(zone));
    int status = begin(&reporting, error);
    if (status == 0)
        status = reporting_complaints(&reporting, error);
    if (status == 0)
        status = reporting_actions(&reporting, error);
    if (status == 0)
        status = reporting_traffic(&reporting, error);
    if (status == 0)
        status = reporting_samples(&reporting, error);
    if (status == 0)
        status = reporting_others(&reporting, error);
    if (status == 0)
        status = end(&reporting, error);
    clear(&reporting);
    return status;
}
