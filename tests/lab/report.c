/* Results into tallies, tallies into lines. */
#include "tests/lab/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "common/json.h"

#define SHOWN       6 /* failures of one kind and scenario; all of them with --json */
#define RECORD_MOST ((size_t)1 << 20)

static const char *const kind_names[FAILURE_KINDS] = {"blocked", "missed", "throttled"};
static const char *const state_names[] = {"reached", "MISSED", "-"};

/* --- adding up --- */

static bool add_failure(struct report *report, const struct lab_result *result, const struct lab_sender *sender,
                        enum failure_kind kind)
{
    struct failure *failures = reallocarray(report->failures, report->failure_count + 1, sizeof *failures);
    if (failures == NULL)
        return false;
    report->failures = failures;
    struct failure *failure = &failures[report->failure_count++];
    *failure = (struct failure){.kind = kind, .seed = result->seed};
    snprintf(failure->scenario, sizeof failure->scenario, "%s", result->scenario);
    snprintf(failure->name, sizeof failure->name, "%s", sender->name);
    snprintf(failure->printed, sizeof failure->printed, "%s", sender->printed);
    if (kind != FAILURE_MISSED)
        snprintf(failure->reason, sizeof failure->reason, "%s", sender->false_reason);
    else if (sender->alert.time != 0)
        snprintf(failure->reason, sizeof failure->reason,
                 "%" PRIu64 " messages got out; alert at %.1f points, most by %s", sender->messages,
                 (double)sender->alert.score / DECIBANS(1), sender->alert.decided ? sender->alert.decided : "none");
    else
        snprintf(failure->reason, sizeof failure->reason, "%" PRIu64 " messages got out; no alert", sender->messages);
    return true;
}

static struct tally *tally_of(struct report *report, const char *scenario)
{
    if (report->count > 0 && strcmp(report->scenarios[report->count - 1].scenario, scenario) == 0)
        return &report->scenarios[report->count - 1];
    struct tally *scenarios = reallocarray(report->scenarios, report->count + 1, sizeof *scenarios);
    if (scenarios == NULL)
        return NULL;
    report->scenarios = scenarios;
    struct tally *tally = &scenarios[report->count++];
    *tally = (struct tally){0};
    snprintf(tally->scenario, sizeof tally->scenario, "%s", scenario);
    return tally;
}

bool report_add(struct report *report, const struct lab_result *result)
{
    struct tally *both[2] = {tally_of(report, result->scenario), &report->all};
    if (both[0] == NULL)
        return false;
    for (int k = 0; k < 2; k++) {
        both[k]->runs++;
        both[k]->packets += result->packets;
        both[k]->connections += result->connections;
    }
    for (size_t i = 0; i < result->count; i++) {
        const struct lab_sender *sender = &result->senders[i];
        if (!tally_add(both[0], sender) || !tally_add(both[1], sender))
            return false;
        if (tally_is_missed(sender) && !add_failure(report, result, sender, FAILURE_MISSED))
            return false;
        if (tally_is_wronged(sender) &&
            !add_failure(report, result, sender, sender->false_blocks > 0 ? FAILURE_BLOCKED : FAILURE_THROTTLED))
            return false;
    }
    return true;
}

void report_clear(struct report *report)
{
    for (size_t i = 0; i < report->count; i++)
        tally_clear(&report->scenarios[i]);
    tally_clear(&report->all);
    free(report->scenarios);
    free(report->failures);
    *report = (struct report){0};
}

/* --- lines for a person --- */

#define CELL 64
enum {
    NAME,
    STOPPED,
    HONEST,
    RIGHT,
    WRONG,
    FALSE,
    T_MESSAGES,
    T_RECIPIENTS,
    B_MESSAGES,
    B_RECIPIENTS,
    DECIDED,
    COLUMNS
};
struct row {
    char cells[COLUMNS - 1][CELL];
    struct tally *tally; /* NULL: a heading */
};
static const struct row headings[] = {
    {{"", "abusers/", "", "senders", "", "false alerts/", "out before", "throttle", "out before", "block"}, NULL},
    {{"scenario", "throttled/blocked", "honest", "right", "wrong", "throttles/blocks", "messages", "recipients",
      "messages", "recipients"},
     NULL},
};
#define HEADINGS (sizeof headings / sizeof headings[0])

static void put_three(uint64_t first, uint64_t second, uint64_t third, char cell[CELL])
{
    snprintf(cell, CELL, "%" PRIu64 "/%" PRIu64 "/%" PRIu64, first, second, third);
}

static void put_spread(struct figures *figures, char cell[CELL])
{
    if (figures->count > 0)
        put_three(figures_percentile(figures, 0.5), figures_percentile(figures, 0.95), figures_percentile(figures, 1),
                  cell);
    else
        snprintf(cell, CELL, "-");
}

static void fill_row(struct tally *tally, struct row *row)
{
    row->tally = tally;
    snprintf(row->cells[NAME], CELL, "%s", tally->scenario[0] ? tally->scenario : "all");
    snprintf(row->cells[STOPPED], CELL, "-");
    if (tally->abusers > 0)
        put_three(tally->abusers, tally->throttle.reached, tally->block.reached, row->cells[STOPPED]);
    snprintf(row->cells[HONEST], CELL, "%" PRIu64, tally->honest);
    snprintf(row->cells[RIGHT], CELL, "%" PRIu64, tally->right);
    snprintf(row->cells[WRONG], CELL, "%" PRIu64, tally->wrong);
    put_three(tally->false_alerts, tally->false_throttles, tally->false_blocks, row->cells[FALSE]);
    put_spread(&tally->throttle.messages, row->cells[T_MESSAGES]);
    put_spread(&tally->throttle.recipients, row->cells[T_RECIPIENTS]);
    put_spread(&tally->block.messages, row->cells[B_MESSAGES]);
    put_spread(&tally->block.recipients, row->cells[B_RECIPIENTS]);
}

/* "rejects 12, burst 4": the one that decided most often first, at equal counts the table's order. */
static void print_decided(const struct tally *tally, FILE *out)
{
    uint64_t left[DETECTORS_MOST];
    memcpy(left, tally->decided, sizeof left);
    for (bool first = true;; first = false) {
        size_t best = 0;
        for (size_t i = 1; i < DETECTORS_MOST; i++)
            if (left[i] > left[best])
                best = i;
        if (left[best] == 0) {
            fprintf(out, "%s", first ? "-" : "");
            return;
        }
        fprintf(out, "%s%s %" PRIu64, first ? "" : ", ", detector_table[best]->name, left[best]);
        left[best] = 0;
    }
}

/* Each column as wide as its widest cell, the numbers to the right. */
static void print_rows(const struct row *rows, size_t count, FILE *out)
{
    int widths[COLUMNS - 1] = {0};
    for (size_t r = 0; r < count; r++)
        for (int c = 0; c < COLUMNS - 1; c++)
            if ((int)strlen(rows[r].cells[c]) > widths[c])
                widths[c] = (int)strlen(rows[r].cells[c]);
    for (size_t r = 0; r < count; r++) {
        fprintf(out, "%-*s", widths[NAME], rows[r].cells[NAME]);
        for (int c = NAME + 1; c < COLUMNS - 1; c++)
            fprintf(out, "  %*s", widths[c], rows[r].cells[c]);
        if (rows[r].tally != NULL) {
            fprintf(out, "  ");
            print_decided(rows[r].tally, out);
        } else if (r > 0) {
            fprintf(out, "  decided");
        }
        fprintf(out, "\n");
    }
}

static bool print_table(struct report *report, FILE *out)
{
    size_t count = HEADINGS;
    struct row *rows = calloc(HEADINGS + report->count + 1, sizeof *rows);
    if (rows == NULL)
        return false;
    memcpy(rows, headings, sizeof headings);
    for (size_t i = 0; i < report->count; i++)
        fill_row(&report->scenarios[i], &rows[count++]);
    fill_row(&report->all, &rows[count++]);
    print_rows(rows, count, out);
    free(rows);
    fprintf(
        out,
        "\n%" PRIu64 " runs, %" PRIu64 " connections, %" PRIu64 " packets, %.1f sender-days without harm.\n"
        "Wrong is an abuser missed, or a sender throttled or blocked while it did no harm; false counts verdicts.\n"
        "What got out: median/95th percentile/worst of the abusers; of one that was never throttled (blocked), all.\n"
        "Decided: whose points were the most when an abuser was first throttled or blocked.\n",
        report->all.runs, report->all.connections, report->all.packets, report->all.honest_days);
    return true;
}

void report_aims(struct report *report, struct aim aims[AIMS])
{
    aims_measure(&report->all, report->scenarios, report->count, aims);
}

void report_print_aims(struct report *report, FILE *out, bool colour)
{
    static const char *const colours[] = {"\033[32m", "\033[31m", ""};
    struct aim aims[AIMS];
    report_aims(report, aims);
    fprintf(out, "Aims\n");
    for (size_t i = 0; i < AIMS; i++)
        fprintf(out, "  %s%-7s%s  %s: %s\n", colour ? colours[aims[i].state] : "", state_names[aims[i].state],
                colour ? "\033[0m" : "", aims[i].text, aims[i].figure);
}

static bool same_heap(const struct failure *a, const struct failure *b)
{
    return a->kind == b->kind && strcmp(a->scenario, b->scenario) == 0;
}

static void print_failures(const struct report *report, FILE *out)
{
    fprintf(out, "\nFailures: %zu%s\n", report->failure_count,
            report->failure_count > 0 ? "; `lab show SCENARIO SEED` runs one again" : "");
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        const struct failure *last = NULL;
        size_t of_heap = 0;
        for (size_t i = 0; i <= report->failure_count; i++) {
            const struct failure *failure = i < report->failure_count ? &report->failures[i] : NULL;
            if (failure != NULL && (int)failure->kind != kind)
                continue;
            if (failure == NULL || (last != NULL && !same_heap(last, failure))) {
                if (of_heap > SHOWN)
                    fprintf(out, "  %-9s %s: %zu more; --json lists all\n", kind_names[kind], last->scenario,
                            of_heap - SHOWN);
                of_heap = 0;
            }
            if (failure != NULL && ++of_heap <= SHOWN)
                fprintf(out, "  %-9s %s %" PRIu64 "  %s %s: %s\n", kind_names[kind], failure->scenario, failure->seed,
                        failure->name, failure->printed, failure->reason);
            last = failure;
        }
    }
}

bool report_print(struct report *report, FILE *out, bool colour)
{
    if (!print_table(report, out))
        return false;
    fprintf(out, "\n");
    report_print_aims(report, out, colour);
    print_failures(report, out);
    return true;
}

/* --- one object a line --- */

static void json_three(struct json *json, const char *key, struct figures *figures)
{
    json_object_open(json, key);
    json_unsigned(json, "median", figures_percentile(figures, 0.5));
    json_unsigned(json, "percentile_95", figures_percentile(figures, 0.95));
    json_unsigned(json, "worst", figures_percentile(figures, 1));
    json_object_close(json);
}

static void json_out(struct json *json, const char *key, struct tally_out *out)
{
    json_object_open(json, key);
    json_unsigned(json, "senders", out->reached);
    json_three(json, "messages", &out->messages);
    json_three(json, "recipients", &out->recipients);
    json_object_close(json);
}

static bool json_tally(struct tally *tally, struct buffer *line)
{
    struct json json = json_begin(line);
    json_string(&json, "record", tally->scenario[0] ? "scenario" : "total");
    if (tally->scenario[0])
        json_string(&json, "scenario", tally->scenario);
    json_unsigned(&json, "runs", tally->runs);
    json_unsigned(&json, "connections", tally->connections);
    json_unsigned(&json, "packets", tally->packets);
    json_unsigned(&json, "abusers", tally->abusers);
    json_unsigned(&json, "honest", tally->honest);
    json_unsigned(&json, "right", tally->right);
    json_unsigned(&json, "wrong", tally->wrong);
    json_unsigned(&json, "missed", tally->missed);
    json_unsigned(&json, "false_alerts", tally->false_alerts);
    json_unsigned(&json, "false_throttles", tally->false_throttles);
    json_unsigned(&json, "false_blocks", tally->false_blocks);
    json_hundredths(&json, "honest_days", (int64_t)(tally->honest_days * 100 + 0.5));
    json_out(&json, "before_throttle", &tally->throttle);
    json_out(&json, "before_block", &tally->block);
    json_object_open(&json, "decided");
    for (size_t i = 0; detector_table[i] != NULL && i < DETECTORS_MOST; i++)
        if (tally->decided[i] > 0)
            json_unsigned(&json, detector_table[i]->name, tally->decided[i]);
    json_object_close(&json);
    return json_end(&json);
}

static bool json_aim(const struct aim *aim, struct buffer *line)
{
    struct json json = json_begin(line);
    json_string(&json, "record", "aim");
    json_string(&json, "aim", aim->text);
    json_string(&json, "figure", aim->figure);
    if (aim->state == AIM_NOT_MEASURED)
        json_string(&json, "reached", NULL);
    else
        json_bool(&json, "reached", aim->state == AIM_REACHED);
    return json_end(&json);
}

static bool json_failure(const struct failure *failure, struct buffer *line)
{
    struct json json = json_begin(line);
    json_string(&json, "record", "failure");
    json_string(&json, "failure", kind_names[failure->kind]);
    json_string(&json, "scenario", failure->scenario);
    json_unsigned(&json, "seed", failure->seed);
    json_string(&json, "name", failure->name);
    json_string(&json, "sender", failure->printed);
    json_string(&json, "reason", failure->reason);
    return json_end(&json);
}

static bool flush_line(struct buffer *line, FILE *out)
{
    bool good = fwrite(line->bytes, 1, line->length, out) == line->length;
    line->length = 0;
    return good;
}

bool report_print_json(struct report *report, FILE *out)
{
    struct buffer line;
    struct aim aims[AIMS];
    buffer_init(&line, RECORD_MOST);
    bool good = true;
    for (size_t i = 0; i < report->count && good; i++)
        good = json_tally(&report->scenarios[i], &line) && flush_line(&line, out);
    good = good && json_tally(&report->all, &line) && flush_line(&line, out);
    report_aims(report, aims);
    for (size_t i = 0; i < AIMS && good; i++)
        good = json_aim(&aims[i], &line) && flush_line(&line, out);
    for (size_t i = 0; i < report->failure_count && good; i++)
        good = json_failure(&report->failures[i], &line) && flush_line(&line, out);
    buffer_clear(&line);
    return good;
}
