/* Reports: what filters said of messages that were sent in, and what detectors held against senders. */
#include <jansson.h> /* before our own writer of JSON */

#include "collector/store/messages.h"
#include "collector/store/reporting_own.h"
#include "common/cleanup.h"

static void drop(json_t **object)
{
    json_decref(*object);
}

/* word, messages, of these diverted */
static bool word_row(void *context, const struct value *columns, size_t count)
{
    int64_t *sums = context;
    (void)count;
    sums[SUM_SAMPLES] += columns[1].integer;
    sums[SUM_DIVERTED] += columns[2].integer;
    if (columns[0].integer == SORTED_SPAM)
        sums[SUM_SPAM] += columns[1].integer;
    else if (columns[0].integer == SORTED_VIRUS)
        sums[SUM_VIRUSES] += columns[1].integer;
    return true;
}

static int count_words(struct reporting *reporting, struct report_past *past, struct error *error)
{
    return STORE_RUN(
        reporting->store,
        "SELECT CASE WHEN corrected <> 0 THEN corrected ELSE verdict END, COUNT(*), SUM(CASE WHEN envelope "
        "LIKE '%\"why\":\"diverted\"%' THEN 1 ELSE 0 END) FROM messages WHERE received >= $1 AND "
        "received < $2 GROUP BY 1",
        word_row, past->sums, error, INTEGER(past->begin), INTEGER(past->end));
}

/* received, symbols ("BAYES_99(5.00) RDNS_NONE"), virus */
static bool opinion_row(void *context, const struct value *columns, size_t count)
{
    struct reporting *reporting = context;
    size_t period = reporting_period(reporting, columns[0].integer);
    struct text rest = columns[1].text;
    (void)count;
    while (rest.length > 0 && period < 2) {
        struct text word = text_split(&rest, ' '), name = text_split(&word, '(');
        if (name.length > 0)
            tally_add(columns[2].integer > 0 ? reporting->viruses : reporting->symbols, name, period, 1);
    }
    return true;
}

/* time, line */
static bool evidence_row(void *context, const struct value *columns, size_t count)
{
    struct reporting *reporting = context;
    size_t period = reporting_period(reporting, columns[0].integer);
    struct text line = columns[1].text;
    (void)count;
    if (period > 1)
        return true;
    CLEANUP(drop) json_t *record = json_loadb(line.length ? line.bytes : "", line.length, JSON_ALLOW_NUL, NULL);
    const char *detector = json_string_value(json_object_get(record, "detector"));
    if (detector && *detector)
        tally_add(reporting->detectors, text_of(detector), period, 1);
    return true;
}

int reporting_samples(struct reporting *reporting, struct error *error)
{
    struct report *report = reporting->report;
    int rows = 0;
    for (size_t i = 0; i < REPORT_PAST && rows >= 0; i++)
        if (!reporting->is_kept[i])
            rows = count_words(reporting, &report->past[i], error);
    if (rows >= 0)
        rows =
            STORE_RUN(reporting->store,
                      "SELECT m.received, o.symbols, o.virus FROM messages m JOIN opinions o ON o.name = m.name WHERE "
                      "m.received >= $1 AND m.received < $2 AND o.state = $3 ORDER BY m.received DESC LIMIT $4",
                      opinion_row, reporting, error, INTEGER(report->past[1].begin), INTEGER(report->period.end),
                      INTEGER(OPINION_GIVEN), INTEGER(REPORTING_OPINIONS));
    report->is_cut |= rows >= REPORTING_OPINIONS;
    if (rows >= 0)
        rows = STORE_RUN(reporting->store,
                         "SELECT time, line FROM records WHERE kind = 'evidence' AND received >= $1 AND time < $2 "
                         "ORDER BY received DESC, node DESC, sequence DESC LIMIT $3",
                         evidence_row, reporting, error, INTEGER(report->past[1].begin), INTEGER(report->period.end),
                         INTEGER(REPORTING_EVIDENCE));
    report->is_cut |= rows >= REPORTING_EVIDENCE;
    return rows < 0 ? rows : 0;
}
