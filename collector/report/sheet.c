/* See sheet.h. */
#include "collector/report/sheet.h"

#include <stdio.h>
#include <string.h>
#include "collector/report/wording.h"

/* A row on its way out: its cells, in the order in which they are added. */
struct row {
    char cells[SHEET_COLUMNS][REPORT_NAME];
    size_t count;
    enum sheet_mark mark;
    sheet_row *each;
    void *context;
};

static void add(struct row *row, const char *text)
{
    snprintf(row->cells[row->count++], sizeof(row->cells[0]), "%s", text);
}

static void add_number(struct row *row, int64_t number)
{
    char text[WORDING];
    add(row, number < 0 ? "-" : wording_number(number, text));
}

/* A zero is looked over more easily as a dash. */
static void add_count(struct row *row, int64_t number)
{
    char text[WORDING];
    add(row, number <= 0 ? "-" : wording_number(number, text));
}

static void end(struct row *row)
{
    const char *cells[SHEET_COLUMNS];
    for (size_t i = 0; i < row->count; i++)
        cells[i] = row->cells[i];
    row->each(row->context, cells, row->mark);
    row->count = 0;
    row->mark = MARK_PLAIN;
}

/* --- all in one table --- */

/* `is_bad`: more of it is worse; else it is neither. */
static const struct total {
    enum report_sum sum;
    const char *title; /* NULL: the sum's own; shorter where that would not find room in a text */
    bool is_bad, is_bytes, is_wait;
} totals[] = {
    {.sum = SUM_COMPLAINTS, .is_bad = true},
    {.sum = SUM_INCIDENTS, .is_bad = true},
    {.sum = SUM_CUSTOMERS, .is_bad = true},
    {.sum = SUM_UNTIED, .title = "Complaints of nobody's here", .is_bad = true},
    {.sum = SUM_ACTED},
    {.sum = SUM_WAITED, .title = "Time to action, median", .is_wait = true},
    {.sum = SUM_OPEN, .is_bad = true},
    {.sum = SUM_HELD},
    {.sum = SUM_BLOCKS},
    {.sum = SUM_THROTTLES},
    {.sum = SUM_DIVERTS},
    {.sum = SUM_STOPPED},
    {.sum = SUM_SENDERS},
    {.sum = SUM_CONNECTIONS},
    {.sum = SUM_MESSAGES},
    {.sum = SUM_REJECTED, .is_bad = true},
    {.sum = SUM_RECIPIENTS},
    {.sum = SUM_BYTES, .is_bytes = true},
    {.sum = SUM_SAMPLES},
    {.sum = SUM_SPAM, .is_bad = true},
    {.sum = SUM_VIRUSES, .is_bad = true},
    {.sum = SUM_DIVERTED},
    {.sum = SUM_OPENED, .is_bad = true},
    {.sum = SUM_CLOSED},
    {.sum = SUM_LISTED, .is_bad = true},
    {.sum = SUM_ALERTS},
    {.sum = SUM_LETTERS},
    {.sum = SUM_SENT},
};

static void add_total(struct row *row, const struct total *total, int64_t value)
{
    char text[WORDING];
    if (value < 0 || (total->is_wait && value == 0))
        add(row, "-");
    else if (total->is_bytes)
        add(row, wording_bytes(value, text));
    else if (total->is_wait)
        add(row, wording_wait(value, text));
    else
        add_number(row, value);
}

static void total_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    (void)zone;
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        const struct total *total = &totals[i];
        int64_t now = report->past[0].sums[total->sum], before = report_before(report, total->sum);
        int64_t usual = report_usual(report, total->sum);
        if (now == 0 && before <= 0 && usual <= 0 && total->sum != SUM_COMPLAINTS)
            continue; /* what is not used here is not worth a line */
        char text[WORDING];
        add(row, total->title ? total->title : report_sum_title(total->sum));
        add_total(row, total, now);
        add_total(row, total, before);
        add(row, total->is_wait && (now == 0 || before == 0) ? "" : wording_change(now, before, text));
        add_total(row, total, usual);
        enum report_trend trend = total->is_bad ? report_trend(now, before) : TREND_UNKNOWN;
        row->mark = trend == TREND_UP ? MARK_BAD : trend == TREND_DOWN ? MARK_GOOD : MARK_PLAIN;
        end(row);
    }
}

/* --- complaints --- */

/* Complaints for each thousand messages that were taken, in tenths; "-": none were seen. */
static void add_rate(struct row *row, int64_t complaints, int64_t messages)
{
    char text[WORDING] = "-";
    if (messages > 0) {
        int64_t tenths = complaints > (int64_t)1 << 40 ? INT64_MAX / 2 : complaints * 10000 / messages;
        if (complaints > 0 && tenths == 0)
            snprintf(text, sizeof(text), "under 0.1");
        else
            snprintf(text, sizeof(text), "%lld.%lld", (long long)(tenths / 10), (long long)(tenths % 10));
    }
    add(row, text);
}

static void customer_row(struct row *row, const struct report_customer *customer)
{
    char text[WORDING];
    add(row, customer->name);
    add_number(row, customer->complaints);
    add_count(row, customer->before);
    add_count(row, customer->open);
    add(row, customer->acted > 0 ? wording_wait(customer->waited, text) : "-");
    add_count(row, customer->blocks + customer->throttles);
    add_number(row, customer->messages);
    add_rate(row, customer->complaints, customer->messages);
    row->mark = report_trend(customer->complaints, customer->before) == TREND_UP ? MARK_BAD : MARK_PLAIN;
    end(row);
}

static void customer_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    (void)zone;
    for (size_t i = 0; i < report->customer_count; i++)
        customer_row(row, &report->customers[i]);
}

static void repeater_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    (void)zone;
    for (size_t i = 0; i < report->repeater_count; i++) {
        const struct report_customer *customer = &report->repeaters[i];
        add(row, customer->name);
        add_number(row, customer->periods);
        add_number(row, customer->total);
        add_number(row, customer->complaints);
        add_count(row, customer->before);
        add_count(row, customer->blocks + customer->throttles);
        end(row);
    }
}

static void count_rows(const struct report_count *counts, size_t count, struct row *row)
{
    for (size_t i = 0; i < count; i++) {
        char text[WORDING];
        add(row, counts[i].name);
        add_number(row, counts[i].count);
        add_count(row, counts[i].before);
        add(row, wording_change(counts[i].count, counts[i].before, text));
        end(row);
    }
}

static void type_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    (void)zone;
    count_rows(report->types, report->type_count, row);
}

static void reporter_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    (void)zone;
    count_rows(report->reporters, report->reporter_count, row);
}

static void source_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    (void)zone;
    count_rows(report->sources, report->source_count, row);
}

static void wait_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    (void)zone;
    int64_t all = 0;
    for (size_t i = 0; i < REPORT_WAITS; i++)
        all += report->waits[i];
    for (size_t i = 0; i < REPORT_WAITS && all > 0; i++) {
        char text[WORDING];
        add(row, report_wait_title((enum report_wait)i));
        add_count(row, report->waits[i]);
        snprintf(text, sizeof(text), "%lld %%", (long long)((report->waits[i] * 100 + all / 2) / all));
        add(row, report->waits[i] > 0 ? text : "");
        row->mark = i == WAIT_NOT_YET && report->waits[i] > 0 ? MARK_BAD : MARK_PLAIN;
        end(row);
    }
}

/* --- blacklists --- */

static void listing_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    for (size_t i = 0; i < report->listing_count; i++) {
        const struct report_listing *listing = &report->listings[i];
        char text[WORDING];
        add(row, listing->name);
        add(row, listing->zone);
        add(row, listing->customer[0] ? listing->customer : "-");
        add(row, wording_date(zone, listing->since, text));
        add(row, listing->until ? wording_date(zone, listing->until, text) : "still listed");
        row->mark = listing->until ? MARK_GOOD : MARK_BAD;
        end(row);
    }
}

/* --- mail --- */

static void sender_rows(const struct report_sender *senders, size_t count, struct row *row)
{
    for (size_t i = 0; i < count; i++) {
        char text[WORDING];
        add(row, senders[i].sender);
        add(row, senders[i].customer[0] ? senders[i].customer : "-");
        add(row, senders[i].node);
        add_number(row, senders[i].messages);
        add_count(row, senders[i].rejected);
        add_number(row, senders[i].recipients);
        add(row, wording_bytes(senders[i].bytes, text));
        end(row);
    }
}

static void message_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    (void)zone;
    sender_rows(report->by_messages, report->by_messages_count, row);
}

static void byte_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    (void)zone;
    sender_rows(report->by_bytes, report->by_bytes_count, row);
}

static bool is_step_quiet(const struct report_step *step)
{
    return step->complaints == 0 && step->blocks == 0 && step->throttles == 0 && step->messages == 0 &&
           step->rejected == 0 && step->recipients == 0 && step->opened == 0;
}

/* None where nothing happened in any of them. */
static void step_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    size_t quiet = 0;
    while (quiet < report->step_count && is_step_quiet(&report->steps[quiet]))
        quiet++;
    if (quiet == report->step_count)
        return;
    for (size_t i = 0; i < report->step_count; i++) {
        const struct report_step *step = &report->steps[i];
        char text[8];
        add(row, wording_step(zone, report->period.kind, step->begin, text));
        add_count(row, step->complaints);
        add_count(row, step->blocks);
        add_count(row, step->throttles);
        add_count(row, step->messages);
        add_count(row, step->rejected);
        add_count(row, step->recipients);
        add_count(row, step->opened);
        end(row);
    }
}

static void detector_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    (void)zone;
    count_rows(report->detectors, report->detector_count, row);
}

static void symbol_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    (void)zone;
    count_rows(report->symbols, report->symbol_count, row);
}

static void virus_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    (void)zone;
    count_rows(report->viruses, report->virus_count, row);
}

static void node_rows(const struct report *report, const struct calendar_zone *zone, struct row *row)
{
    (void)zone;
    for (size_t i = 0; i < report->node_count; i++) {
        const struct report_node *node = &report->nodes[i];
        char text[WORDING];
        bool is_silent = report_is_silent(report, node);
        add(row, node->name);
        add_number(row, node->senders);
        add_number(row, node->messages);
        add_count(row, node->rejected);
        add_count(row, node->blocks + node->throttles);
        add_count(row, node->complaints);
        add(row, !is_silent ? "-" : node->seen ? wording_wait((report->made - node->seen) / SECOND, text) : "always");
        row->mark = is_silent ? MARK_BAD : MARK_PLAIN;
        end(row);
    }
}

/* --- which there are --- */

/* "*" in a text stands for "day", "week" or "month". */
static const struct form {
    const char *name, *title, *about, *empty;
    struct {
        const char *title;
        bool is_number;
    } columns[SHEET_COLUMNS];
    void (*rows)(const struct report *, const struct calendar_zone *, struct row *);
} forms[] = {
    {"figures",
     "The * in figures",
     "Usual: the middle of the twelve before the last. Doubles, which say the same once more, are not counted.",
     NULL,
     {{"", false}, {"This *", true}, {"Before", true}, {"Change", true}, {"Usual", true}},
     total_rows},
    {"customers",
     "Complaints by customer",
     "Answered: half of the complaints acted on were so within that time. Held: blocks and throttles.",
     "Nobody was complained of.",
     {{"Customer", false},
      {"This *", true},
      {"Before", true},
      {"Open", true},
      {"Answered", true},
      {"Held", true},
      {"Messages", true},
      {"per 1,000", true}},
     customer_rows},
    {"repeaters",
     "Complained of again and again",
     "In how many of the fourteen that are compared, and how often in all.",
     NULL,
     {{"Customer", false}, {"In *s", true}, {"In all", true}, {"This *", true}, {"Before", true}, {"Held", true}},
     repeater_rows},
    {"types",
     "Complaints by kind",
     NULL,
     NULL,
     {{"Kind", false}, {"This *", true}, {"Before", true}, {"Change", true}},
     type_rows},
    {"reporters",
     "Complaints by who complains",
     NULL,
     NULL,
     {{"Reporter", false}, {"This *", true}, {"Before", true}, {"Change", true}},
     reporter_rows},
    {"sources",
     "Complaints by the way they came",
     NULL,
     NULL,
     {{"Source", false}, {"This *", true}, {"Before", true}, {"Change", true}},
     source_rows},
    {"waits",
     "From complaint to action",
     NULL,
     NULL,
     {{"Something was done", false}, {"Complaints", true}, {"Share", true}},
     wait_rows},
    {"listings",
     "Blacklists",
     "Opened or closed in this *, and those that stand.",
     "No address or domain of ours came onto a blacklist or stands on one.",
     {{"Listed", false}, {"Blacklist", false}, {"Customer", false}, {"Since", false}, {"Until", false}},
     listing_rows},
    {"steps",
     "Day by day",
     NULL,
     NULL,
     {{"", false},
      {"Complaints", true},
      {"Blocks", true},
      {"Throttles", true},
      {"Messages", true},
      {"Rejected", true},
      {"Recipients", true},
      {"Listed", true}},
     step_rows},
    {"messages",
     "Top senders by messages",
     NULL,
     NULL,
     {{"Sender", false},
      {"Customer", false},
      {"Node", false},
      {"Messages", true},
      {"Rejected", true},
      {"Recipients", true},
      {"Volume", true}},
     message_rows},
    {"volume",
     "Top senders by volume",
     NULL,
     NULL,
     {{"Sender", false},
      {"Customer", false},
      {"Node", false},
      {"Messages", true},
      {"Rejected", true},
      {"Recipients", true},
      {"Volume", true}},
     byte_rows},
    {"detectors",
     "What detectors saw",
     NULL,
     NULL,
     {{"Detector", false}, {"This *", true}, {"Before", true}, {"Change", true}},
     detector_rows},
    {"symbols",
     "Rules of filters that hit",
     NULL,
     NULL,
     {{"Rule", false}, {"This *", true}, {"Before", true}, {"Change", true}},
     symbol_rows},
    {"viruses",
     "Viruses",
     NULL,
     NULL,
     {{"Virus", false}, {"This *", true}, {"Before", true}, {"Change", true}},
     virus_rows},
    {"nodes",
     "Nodes",
     NULL,
     "No node is enrolled.",
     {{"Node", false},
      {"Senders", true},
      {"Messages", true},
      {"Rejected", true},
      {"Held", true},
      {"Complaints", true},
      {"Silent for", true}},
     node_rows},
};

size_t sheet_count(void)
{
    return sizeof(forms) / sizeof(forms[0]);
}

static const char *with_kind(const char *text, const char *kind, char *result, size_t size)
{
    const char *star = strchr(text, '*');
    if (star == NULL)
        snprintf(result, size, "%s", text);
    else
        snprintf(result, size, "%.*s%s%s", (int)(star - text), text, kind, star + 1);
    return result;
}

/* Of a list that shows the first `shown` of `all`. */
static void say_more(struct sheet *sheet, size_t shown, int64_t all, const char *what)
{
    char text[WORDING];
    if (all > (int64_t)shown)
        snprintf(sheet->more, sizeof(sheet->more), "The first %zu of %.30s %s.", shown, wording_number(all, text),
                 what);
}

void sheet_head(const struct report *report, size_t which, struct sheet *result)
{
    const struct form *form = &forms[which];
    const char *kind = wording_kind(report->period.kind);
    *result = (struct sheet){.name = form->name, .empty = form->empty};
    with_kind(form->title, kind, result->title, sizeof(result->title));
    if (form->about)
        with_kind(form->about, kind, result->about, sizeof(result->about));
    if (form->rows == step_rows && report->period.kind == CALENDAR_DAY)
        snprintf(result->title, sizeof(result->title), "Hour by hour");
    for (size_t i = 0; i < SHEET_COLUMNS && form->columns[i].title; i++) {
        with_kind(form->columns[i].title, kind, result->columns[i].title, sizeof(result->columns[i].title));
        result->columns[i].is_number = form->columns[i].is_number;
        result->column_count++;
    }
    if (form->rows == customer_rows)
        say_more(result, report->customer_count, report->past[0].sums[SUM_CUSTOMERS], "customers");
    if (form->rows == repeater_rows)
        say_more(result, report->repeater_count, report->repeaters_all, "customers");
    if (form->rows == node_rows)
        say_more(result, report->node_count, report->nodes_all, "nodes");
}

void sheet_rows(const struct report *report, const struct calendar_zone *zone, size_t which, sheet_row *each,
                void *context)
{
    struct row row = {.each = each, .context = context};
    forms[which].rows(report, zone, &row);
}
