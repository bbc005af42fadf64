/* See drawings.h. */
#include "collector/report/drawings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "collector/report/chart.h"
#include "collector/report/wording.h"

#define WIDE   640
#define HALF   314
#define HIGH   200
#define MIDDLE 170

/* The periods that are compared, the report's own last. */
static void set_past(const struct report *report, enum report_sum sum, struct chart *chart, uint32_t series)
{
    chart->points = REPORT_PAST;
    chart->marked = REPORT_PAST - 1;
    for (uint32_t i = 0; i < REPORT_PAST; i++) {
        const struct report_past *past = &report->past[REPORT_PAST - 1 - i];
        chart->series[series].values[i] = past->is_known ? past->sums[sum] : CHART_NOTHING;
        wording_short(report->period.kind, past->name, chart->labels[i]);
    }
}

static void complaints_chart(const struct report *report, const struct calendar_zone *zone, struct chart *chart)
{
    (void)zone;
    set_past(report, SUM_COMPLAINTS, chart, 0);
    chart->usual = report_usual(report, SUM_COMPLAINTS);
}

static void held_chart(const struct report *report, const struct calendar_zone *zone, struct chart *chart)
{
    (void)zone;
    chart->form = CHART_LINES;
    chart->series_count = 3;
    chart->series[0].name = "blocks";
    chart->series[1].name = "throttles";
    chart->series[2].name = "new listings";
    set_past(report, SUM_BLOCKS, chart, 0);
    set_past(report, SUM_THROTTLES, chart, 1);
    set_past(report, SUM_OPENED, chart, 2);
}

static void set_steps(const struct report *report, const struct calendar_zone *zone, struct chart *chart)
{
    chart->points = report->step_count < CHART_POINTS_MOST ? (uint32_t)report->step_count : CHART_POINTS_MOST;
    for (uint32_t i = 0; i < chart->points; i++)
        wording_step(zone, report->period.kind, report->steps[i].begin, chart->labels[i]);
}

static void steps_chart(const struct report *report, const struct calendar_zone *zone, struct chart *chart)
{
    set_steps(report, zone, chart);
    for (uint32_t i = 0; i < chart->points; i++) {
        chart->series[0].values[i] = report->steps[i].complaints;
        if (report->period.kind == CALENDAR_WEEK) /* "Mon 16" finds no room in half the width */
            chart->labels[i][3] = '\0';
    }
}

static void waits_chart(const struct report *report, const struct calendar_zone *zone, struct chart *chart)
{
    static const char *const labels[REPORT_WAITS] = {"held", "1 h", "4 h", "1 d", "3 d", "more", "none"};
    (void)zone;
    chart->points = REPORT_WAITS;
    chart->marked = WAIT_NOT_YET;
    for (uint32_t i = 0; i < REPORT_WAITS; i++) {
        chart->series[0].values[i] = report->waits[i];
        snprintf(chart->labels[i], sizeof(chart->labels[i]), "%s", labels[i]);
    }
}

static void mail_chart(const struct report *report, const struct calendar_zone *zone, struct chart *chart)
{
    chart->form = CHART_LINES;
    chart->series_count = 2;
    chart->series[0].name = "taken";
    chart->series[1].name = "rejected";
    set_steps(report, zone, chart);
    for (uint32_t i = 0; i < chart->points; i++) {
        chart->series[0].values[i] = report->steps[i].messages;
        chart->series[1].values[i] = report->steps[i].rejected;
    }
}

static const struct form {
    const char *name, *title; /* "*" stands for the period or for its step */
    bool is_of_steps, is_half;
    void (*fill)(const struct report *, const struct calendar_zone *, struct chart *);
} forms[DRAWINGS] = {
    {"complaints", "Complaints a *", false, false, complaints_chart},
    {"days", "Complaints a *", true, true, steps_chart},
    {"waits", "From complaint to action, within", false, true, waits_chart},
    {"held", "Held and listed a *", false, false, held_chart},
    {"mail", "Messages a *", true, false, mail_chart},
};

/* The figures of every series; those that are not known are left out with their points. */
static void set_alt(const struct chart *chart, char result[DRAWING_ALT_SIZE])
{
    size_t length = (size_t)snprintf(result, DRAWING_ALT_SIZE, "%s:", chart->title);
    for (uint32_t s = 0; s < chart->series_count; s++) {
        bool is_first = true;
        for (uint32_t i = 0; i < chart->points && length + 64 < DRAWING_ALT_SIZE; i++) {
            if (chart->series[s].values[i] < 0)
                continue;
            const char *name = chart->series_count > 1 && is_first ? chart->series[s].name : "";
            length += (size_t)snprintf(result + length, DRAWING_ALT_SIZE - length, "%s%s%s %s %" PRId64,
                                       is_first && s > 0 ? "."
                                       : is_first        ? ""
                                                         : ",",
                                       *name ? " " : "", name, chart->labels[i], chart->series[s].values[i]);
            is_first = false;
        }
    }
    snprintf(result + length, DRAWING_ALT_SIZE - length, ".");
}

static bool is_empty(const struct chart *chart)
{
    for (uint32_t s = 0; s < chart->series_count; s++)
        for (uint32_t i = 0; i < chart->points; i++)
            if (chart->series[s].values[i] > 0)
                return false;
    return true;
}

/* 1: drawn; 0: there is nothing to draw. */
static int draw(const struct report *report, const struct calendar_zone *zone, const struct form *form,
                struct drawing *drawing)
{
    char title[64];
    struct chart chart = {.form = CHART_BARS,
                          .title = title,
                          .width = form->is_half ? HALF : WIDE,
                          .height = form->is_half ? MIDDLE : HIGH,
                          .series_count = 1,
                          .marked = CHART_POINTS_MOST,
                          .usual = CHART_NOTHING};
    const char *unit = wording_kind(report->period.kind), *star = strchr(form->title, '*');
    if (form->is_of_steps)
        unit = report->period.kind == CALENDAR_DAY ? "hour" : "day";
    if (star && strcmp(unit, "hour") == 0) /* "an hour" */
        snprintf(title, sizeof(title), "%.*sn %s", (int)(star - form->title - 1), form->title, unit);
    else if (star)
        snprintf(title, sizeof(title), "%.*s%s", (int)(star - form->title), form->title, unit);
    else
        snprintf(title, sizeof(title), "%s", form->title);
    form->fill(report, zone, &chart);
    if (is_empty(&chart) && form != &forms[0])
        return 0;
    *drawing =
        (struct drawing){.name = form->name, .width = chart.width, .height = chart.height, .is_half = form->is_half};
    set_alt(&chart, drawing->alt);
    buffer_init(&drawing->png, CHART_BYTES_MOST);
    if (chart_draw(&chart, &drawing->png))
        return 1;
    buffer_clear(&drawing->png);
    return -1;
}

bool drawings_make(const struct report *report, const struct calendar_zone *zone, struct drawings *result)
{
    result->count = 0;
    for (size_t i = 0; i < DRAWINGS; i++) {
        int drawn = draw(report, zone, &forms[i], &result->drawings[result->count]);
        if (drawn < 0) {
            drawings_clear(result);
            return false;
        }
        result->count += (size_t)drawn;
    }
    return true;
}

void drawings_clear(struct drawings *drawings)
{
    for (size_t i = 0; i < drawings->count; i++)
        buffer_clear(&drawings->drawings[i].png);
    drawings->count = 0;
}
