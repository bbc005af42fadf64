/* See chart.h. */
#include "collector/report/chart.h"

#include <cairo.h>
#include <inttypes.h>
#include <stdio.h>

#define FONT   "@cairo:"                 /* the family that stands inside cairo */
#define TICKS  4                         /* steps of the scale, at most */
#define TALL   INT64_C(1000000000000000) /* what is more is drawn as high as this */
#define INK    0x24292f
#define QUIET  0x57606a
#define GRID   0xe3e7eb
#define RIM    0xd0d7de
#define PAPER  0xffffff
#define MARKED 0x0072b2 /* blue */
#define OTHERS 0xa9c5dc /* the same blue, pale: bars that are there to compare with */
#define USUAL  0x57606a

/* Blue, vermilion, bluish green (after Okabe and Ito): different also in brightness. */
static const uint32_t colours[CHART_SERIES_MOST] = {0x0072b2, 0xd55e00, 0x009e73};

/* Where what is drawn lies, in pixels as they are shown. */
struct frame {
    const struct chart *chart;
    double left, right, top, bottom, slot; /* slot: the width of one point's place */
    int64_t most, step;                    /* of the scale */
};

const char *chart_number(int64_t number, char result[CHART_NUMBER_TEXT])
{
    static const char units[] = {'k', 'M', 'G', 'T', 'P', 'E'};
    if (number < 1000) {
        snprintf(result, CHART_NUMBER_TEXT, "%" PRId64, number);
        return result;
    }
    int64_t unit = 1000;
    size_t which = 0;
    while (which + 1 < sizeof(units) && number / unit >= 1000) {
        unit *= 1000;
        which++;
    }
    unsigned whole = (unsigned)(number / unit), tenth = (unsigned)(number % unit / (unit / 10));
    if (whole < 10 && tenth > 0)
        snprintf(result, CHART_NUMBER_TEXT, "%u.%u%c", whole, tenth, units[which]);
    else
        snprintf(result, CHART_NUMBER_TEXT, "%u%c", whole, units[which]);
    return result;
}

static void colour(cairo_t *cairo, uint32_t rgb)
{
    cairo_set_source_rgb(cairo, (rgb >> 16) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0);
}

static double width_of(cairo_t *cairo, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, text, &extents);
    return extents.x_advance;
}

static void font(cairo_t *cairo, double size, bool is_bold)
{
    cairo_select_font_face(cairo, FONT, CAIRO_FONT_SLANT_NORMAL,
                           is_bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, size);
}

/* `align`: 0: begins there, 0.5: its middle, 1: ends there. */
static void write_text(cairo_t *cairo, double x, double y, double align, const char *text)
{
    cairo_move_to(cairo, x - align * width_of(cairo, text), y);
    cairo_show_text(cairo, text);
}

static int64_t highest(const struct chart *chart)
{
    int64_t most = chart->usual > 0 ? chart->usual : 0;
    for (uint32_t s = 0; s < chart->series_count; s++)
        for (uint32_t i = 0; i < chart->points; i++)
            most = chart->series[s].values[i] > most ? chart->series[s].values[i] : most;
    return most < TALL ? most : TALL;
}

/* Steps of 1, 2 or 5 and zeros, as few as reach the highest. */
static void set_scale(struct frame *frame)
{
    static const int64_t factors[] = {1, 2, 5};
    int64_t most = highest(frame->chart);
    for (int64_t power = 1;; power *= 10) {
        for (size_t i = 0; i < 3; i++) {
            frame->step = factors[i] * power;
            if (most <= frame->step * TICKS) {
                int64_t steps = most / frame->step + (most % frame->step != 0);
                frame->most = frame->step * (steps > 0 ? steps : 1);
                return;
            }
        }
    }
}

static double height_of(const struct frame *frame, int64_t value)
{
    double share = (double)(value < frame->most ? value : frame->most) / (double)frame->most;
    return frame->bottom - (frame->bottom - frame->top) * share;
}

static double middle_of(const struct frame *frame, uint32_t point)
{
    return frame->left + frame->slot * ((double)point + 0.5);
}

static void draw_paper(cairo_t *cairo, const struct chart *chart)
{
    colour(cairo, PAPER);
    cairo_paint(cairo);
    colour(cairo, RIM);
    cairo_set_line_width(cairo, 1);
    cairo_rectangle(cairo, 0.5, 0.5, chart->width - 1.0, chart->height - 1.0);
    cairo_stroke(cairo);
}

static void draw_scale(cairo_t *cairo, const struct frame *frame)
{
    char text[CHART_NUMBER_TEXT];
    font(cairo, 10, false);
    cairo_set_line_width(cairo, 1);
    for (int64_t value = 0; value <= frame->most; value += frame->step) {
        double y = height_of(frame, value);
        colour(cairo, value == 0 ? QUIET : GRID);
        cairo_move_to(cairo, frame->left, y);
        cairo_line_to(cairo, frame->right, y);
        cairo_stroke(cairo);
        colour(cairo, QUIET);
        write_text(cairo, frame->left - 6, y + 3.5, 1, chart_number(value, text));
    }
}

/* Every so many labels that none touches the next, counted from the marked one or the last: those are what one looks
 * for. */
static void draw_labels(cairo_t *cairo, const struct frame *frame)
{
    const struct chart *chart = frame->chart;
    double widest = 0;
    font(cairo, 10, true);
    for (uint32_t i = 0; i < chart->points; i++) {
        double width = width_of(cairo, chart->labels[i]);
        widest = width > widest ? width : widest;
    }
    uint32_t every = 1, from = chart->marked < chart->points ? chart->marked : chart->points - 1;
    while (every < chart->points && frame->slot * every < widest + 6)
        every++;
    for (uint32_t i = 0; i < chart->points; i++) {
        if ((i > from ? i - from : from - i) % every != 0)
            continue;
        font(cairo, 10, i == chart->marked);
        colour(cairo, i == chart->marked ? INK : QUIET);
        write_text(cairo, middle_of(frame, i), frame->bottom + 14, 0.5, chart->labels[i]);
    }
}

static uint32_t bar_colour(const struct chart *chart, uint32_t series, uint32_t point)
{
    if (chart->series_count > 1 || chart->marked >= chart->points)
        return colours[series];
    return point == chart->marked ? MARKED : OTHERS;
}

static double bar_width(const struct frame *frame)
{
    return frame->slot * 0.72 / frame->chart->series_count;
}

static double bar_left(const struct frame *frame, uint32_t series, uint32_t point)
{
    return frame->left + frame->slot * (point + 0.14) + bar_width(frame) * series;
}

static void draw_bars(cairo_t *cairo, const struct frame *frame)
{
    const struct chart *chart = frame->chart;
    for (uint32_t i = 0; i < chart->points; i++) {
        for (uint32_t s = 0; s < chart->series_count; s++) {
            if (chart->series[s].values[i] < 0)
                continue;
            double y = height_of(frame, chart->series[s].values[i]);
            colour(cairo, bar_colour(chart, s, i));
            cairo_rectangle(cairo, bar_left(frame, s, i), y, bar_width(frame), frame->bottom - y);
            cairo_fill(cairo);
        }
    }
}

/* On a piece of paper of its own, so that no line runs through it. Where it finds no room the scale has to do. */
static void draw_figure(cairo_t *cairo, const struct frame *frame, uint32_t series, uint32_t point)
{
    const struct chart *chart = frame->chart;
    int64_t value = chart->series[series].values[point];
    char text[CHART_NUMBER_TEXT];
    font(cairo, 10, point == chart->marked);
    double wide = width_of(cairo, chart_number(value, text));
    if (wide > bar_width(frame) + frame->slot * 0.2)
        return;
    double x = bar_left(frame, series, point) + bar_width(frame) / 2, y = height_of(frame, value) - 4;
    colour(cairo, PAPER);
    cairo_rectangle(cairo, x - wide / 2 - 1, y - 9, wide + 2, 11.5);
    cairo_fill(cairo);
    colour(cairo, point == chart->marked ? INK : QUIET);
    write_text(cairo, x, y, 0.5, text);
}

static void draw_figures(cairo_t *cairo, const struct frame *frame)
{
    for (uint32_t i = 0; i < frame->chart->points; i++)
        for (uint32_t s = 0; s < frame->chart->series_count; s++)
            if (frame->chart->series[s].values[i] >= 0)
                draw_figure(cairo, frame, s, i);
}

/* A filled circle, a hollow square, a filled triangle. */
static void draw_point(cairo_t *cairo, uint32_t series, double x, double y)
{
    const double size = 3.4;
    cairo_new_path(cairo);
    if (series == 0) {
        cairo_arc(cairo, x, y, size, 0, 6.283185307179586);
    } else if (series == 1) {
        cairo_rectangle(cairo, x - size, y - size, 2 * size, 2 * size);
    } else {
        cairo_move_to(cairo, x, y - size - 1);
        cairo_line_to(cairo, x + size + 0.5, y + size);
        cairo_line_to(cairo, x - size - 0.5, y + size);
        cairo_close_path(cairo);
    }
    colour(cairo, series == 1 ? PAPER : colours[series]);
    cairo_fill_preserve(cairo);
    colour(cairo, colours[series]);
    cairo_set_line_width(cairo, 1.6);
    cairo_stroke(cairo);
}

static void draw_line(cairo_t *cairo, const struct frame *frame, uint32_t series)
{
    const struct chart *chart = frame->chart;
    const int64_t *values = chart->series[series].values;
    static const double dashes[] = {6, 3};
    cairo_new_path(cairo);
    for (uint32_t i = 0; i < chart->points; i++) {
        if (values[i] < 0)
            continue;
        double x = middle_of(frame, i), y = height_of(frame, values[i]);
        if (i > 0 && values[i - 1] >= 0)
            cairo_line_to(cairo, x, y);
        else
            cairo_move_to(cairo, x, y);
    }
    colour(cairo, colours[series]);
    cairo_set_line_width(cairo, 2);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_dash(cairo, dashes, series == 1 ? 2 : 0, 0);
    cairo_stroke(cairo);
    cairo_set_dash(cairo, NULL, 0, 0);
    for (uint32_t i = 0; i < chart->points; i++)
        if (values[i] >= 0 && (frame->slot >= 16 || i == chart->marked))
            draw_point(cairo, series, middle_of(frame, i), height_of(frame, values[i]));
}

static void draw_usual(cairo_t *cairo, const struct frame *frame)
{
    static const double dashes[] = {3, 3};
    char number[CHART_NUMBER_TEXT], text[CHART_NUMBER_TEXT + 16];
    double y = height_of(frame, frame->chart->usual);
    colour(cairo, USUAL);
    cairo_set_line_width(cairo, 1);
    cairo_set_dash(cairo, dashes, 2, 0);
    cairo_move_to(cairo, frame->left, y);
    cairo_line_to(cairo, frame->right, y);
    cairo_stroke(cairo);
    cairo_set_dash(cairo, NULL, 0, 0);
    font(cairo, 10, false);
    snprintf(text, sizeof(text), "usual: %s", chart_number(frame->chart->usual, number));
    write_text(cairo, frame->right + 6, y + 3.5, 0, text);
}

static void draw_title(cairo_t *cairo, const struct chart *chart)
{
    font(cairo, 13, true);
    colour(cairo, INK);
    write_text(cairo, 14, 22, 0, chart->title);
    double x = 14 + width_of(cairo, chart->title) + 24;
    for (uint32_t s = 0; s < chart->series_count && chart->series_count > 1; s++) {
        if (chart->form == CHART_LINES) {
            draw_point(cairo, s, x + 4, 18);
        } else {
            colour(cairo, colours[s]);
            cairo_rectangle(cairo, x, 14, 8, 8);
            cairo_fill(cairo);
        }
        font(cairo, 11, false);
        colour(cairo, INK);
        write_text(cairo, x + 13, 22, 0, chart->series[s].name);
        x += 13 + width_of(cairo, chart->series[s].name) + 18;
    }
}

static void draw(cairo_t *cairo, const struct chart *chart)
{
    struct frame frame = {.chart = chart, .left = 48, .top = 46, .bottom = chart->height - 26.0};
    char number[CHART_NUMBER_TEXT], text[CHART_NUMBER_TEXT + 16];
    set_scale(&frame);
    draw_paper(cairo, chart);
    font(cairo, 10, false);
    snprintf(text, sizeof(text), "usual: %s", chart_number(chart->usual, number));
    frame.right = chart->width - (chart->usual < 0 ? 14 : 20 + width_of(cairo, text));
    frame.slot = (frame.right - frame.left) / chart->points;
    draw_title(cairo, chart);
    draw_scale(cairo, &frame);
    draw_labels(cairo, &frame);
    if (chart->form == CHART_BARS)
        draw_bars(cairo, &frame);
    for (uint32_t s = 0; s < chart->series_count && chart->form == CHART_LINES; s++)
        draw_line(cairo, &frame, s);
    if (chart->usual >= 0)
        draw_usual(cairo, &frame);
    if (chart->form == CHART_BARS)
        draw_figures(cairo, &frame);
}

static bool is_drawable(const struct chart *chart)
{
    return chart->width >= 200 && chart->width <= 1000 && chart->height >= 100 && chart->height <= 500 &&
           chart->points > 0 && chart->points <= CHART_POINTS_MOST && chart->series_count > 0 &&
           chart->series_count <= CHART_SERIES_MOST;
}

static cairo_status_t take(void *context, const unsigned char *bytes, unsigned length)
{
    struct text text = {(const char *)bytes, length};
    return buffer_append(context, text) ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

bool chart_draw(const struct chart *chart, struct buffer *png)
{
    if (!is_drawable(chart))
        return false;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(chart->width * CHART_SCALE),
                                                          (int)(chart->height * CHART_SCALE));
    cairo_t *cairo = cairo_create(surface);
    cairo_scale(cairo, CHART_SCALE, CHART_SCALE);
    draw(cairo, chart);
    bool is_good = cairo_status(cairo) == CAIRO_STATUS_SUCCESS;
    cairo_destroy(cairo);
    size_t before = png->length;
    is_good = is_good && cairo_surface_write_to_png_stream(surface, take, png) == CAIRO_STATUS_SUCCESS;
    cairo_surface_destroy(surface);
    if (!is_good)
        png->length = before;
    return is_good;
}
