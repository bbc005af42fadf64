/* Charts: what is drawn is looked at pixel by pixel, as gd reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <gd.h>
#include "collector/report/chart.h"

#define BLUE      0x0072b2
#define PALE      0xa9c5dc
#define VERMILION 0xd55e00
#define WHITE     0xffffff

static struct chart weeks(void)
{
    struct chart chart = {.form = CHART_BARS,
                          .title = "Complaints a week",
                          .width = 600,
                          .height = 200,
                          .points = 13,
                          .series_count = 1,
                          .marked = 12,
                          .usual = CHART_NOTHING,
                          .series = {{"complaints", {5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 10}}}};
    for (uint32_t i = 0; i < 13; i++)
        snprintf(chart.labels[i], sizeof(chart.labels[i]), "W%u", 35 + i);
    return chart;
}

static gdImagePtr drawn(const struct chart *chart)
{
    struct buffer png;
    buffer_init(&png, CHART_BYTES_MOST);
    assert_true(chart_draw(chart, &png));
    gdImagePtr image = gdImageCreateFromPngPtr((int)png.length, png.bytes);
    buffer_clear(&png);
    assert_non_null(image);
    return image;
}

/* How many pixels have that colour, and where the first row and the first column of them are. */
static int count(gdImagePtr image, int colour, int *top, int *left)
{
    int found = 0;
    *top = *left = 100000;
    for (int y = 0; y < gdImageSY(image); y++) {
        for (int x = 0; x < gdImageSX(image); x++) {
            if ((gdImageGetTrueColorPixel(image, x, y) & 0xffffff) != colour)
                continue;
            found++;
            *top = y < *top ? y : *top;
            *left = x < *left ? x : *left;
        }
    }
    return found;
}

static void test_it_is_drawn_twice_as_large_as_it_is_shown_on_white(void **unused)
{
    (void)unused;
    struct chart chart = weeks();
    gdImagePtr image = drawn(&chart);
    int top, left;
    assert_int_equal(gdImageSX(image), 1200);
    assert_int_equal(gdImageSY(image), 400);
    assert_true(count(image, WHITE, &top, &left) > 1200 * 400 / 2);
    gdImageDestroy(image);
}

static void test_the_marked_bar_is_of_another_colour_and_as_high_as_its_value(void **unused)
{
    (void)unused;
    struct chart chart = weeks();
    gdImagePtr image = drawn(&chart);
    int top, left, pale_top, pale_left;
    int blue = count(image, BLUE, &top, &left), pale = count(image, PALE, &pale_top, &pale_left);
    assert_true(left > pale_left + 900); /* the last one */
    int zero = (200 - 26) * CHART_SCALE;
    assert_true(abs((zero - top) - 2 * (zero - pale_top)) <= 2); /* 10 is twice 5 */
    assert_true(pale > 5 * blue && pale < 7 * blue);             /* twelve bars of half the height */
    gdImageDestroy(image);
}

static void test_what_is_not_known_is_not_drawn_and_nothing_is_not_the_same(void **unused)
{
    (void)unused;
    struct chart chart = weeks(), unknown = chart;
    unknown.series[0].values[12] = CHART_NOTHING;
    gdImagePtr image = drawn(&unknown);
    int top, left;
    assert_int_equal(count(image, BLUE, &top, &left), 0);
    gdImageDestroy(image);
    chart.series[0].values[12] = 0; /* its figure says so */
    image = drawn(&chart);
    gdImagePtr without = drawn(&unknown);
    assert_true(gdImageCompare(image, without) & GD_CMP_IMAGE);
    gdImageDestroy(image);
    gdImageDestroy(without);
}

static void test_lines_of_two_series_differ_in_colour(void **unused)
{
    (void)unused;
    struct chart chart = weeks();
    chart.form = CHART_LINES;
    chart.series_count = 2;
    chart.series[0].name = "blocks";
    chart.series[1] = (struct chart_series){"throttles", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}};
    gdImagePtr image = drawn(&chart);
    int top, left;
    assert_true(count(image, BLUE, &top, &left) > 500);
    assert_true(count(image, VERMILION, &top, &left) > 500);
    gdImageDestroy(image);
}

static void test_the_same_numbers_give_the_same_bytes(void **unused)
{
    (void)unused;
    struct chart chart = weeks();
    chart.usual = 5;
    struct buffer first, second;
    buffer_init(&first, CHART_BYTES_MOST);
    buffer_init(&second, CHART_BYTES_MOST);
    assert_true(chart_draw(&chart, &first) && chart_draw(&chart, &second));
    assert_true(text_equals(buffer_text(&first), buffer_text(&second)));
    chart.series[0].values[3]++;
    buffer_clear(&second);
    assert_true(chart_draw(&chart, &second));
    assert_false(text_equals(buffer_text(&first), buffer_text(&second)));
    buffer_clear(&first);
    buffer_clear(&second);
}

static void test_numbers_of_any_size_are_drawn(void **unused)
{
    (void)unused;
    static const int64_t sizes[] = {0, 1, 7, 999, 1000, 999999, INT64_C(1) << 48, INT64_MAX};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct chart chart = weeks();
        chart.series[0].values[12] = sizes[i];
        gdImageDestroy(drawn(&chart));
    }
}

static void test_nothing_is_drawn_out_of_the_bounds(void **unused)
{
    (void)unused;
    struct buffer png;
    buffer_init(&png, CHART_BYTES_MOST);
    struct chart chart = weeks();
    chart.points = CHART_POINTS_MOST + 1;
    assert_false(chart_draw(&chart, &png));
    chart = weeks();
    chart.points = 0;
    assert_false(chart_draw(&chart, &png));
    chart = weeks();
    chart.width = 100000;
    assert_false(chart_draw(&chart, &png));
    chart = weeks();
    chart.series_count = 0;
    assert_false(chart_draw(&chart, &png));
    buffer_clear(&png);

    chart = weeks();
    buffer_init(&png, 100);
    assert_true(buffer_append(&png, TEXT("before")));
    assert_false(chart_draw(&chart, &png)); /* too small a buffer */
    assert_true(text_equals(buffer_text(&png), TEXT("before")));
    buffer_clear(&png);
}

static void test_a_number_is_as_short_as_a_chart_has_room_for(void **unused)
{
    (void)unused;
    char text[CHART_NUMBER_TEXT];
    assert_string_equal(chart_number(0, text), "0");
    assert_string_equal(chart_number(999, text), "999");
    assert_string_equal(chart_number(1000, text), "1k");
    assert_string_equal(chart_number(1290, text), "1.2k");
    assert_string_equal(chart_number(38999, text), "38k");
    assert_string_equal(chart_number(4500000, text), "4.5M");
    assert_string_equal(chart_number(INT64_MAX, text), "9.2E");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_drawn_twice_as_large_as_it_is_shown_on_white),
        cmocka_unit_test(test_the_marked_bar_is_of_another_colour_and_as_high_as_its_value),
        cmocka_unit_test(test_what_is_not_known_is_not_drawn_and_nothing_is_not_the_same),
        cmocka_unit_test(test_lines_of_two_series_differ_in_colour),
        cmocka_unit_test(test_the_same_numbers_give_the_same_bytes),
        cmocka_unit_test(test_numbers_of_any_size_are_drawn),
        cmocka_unit_test(test_nothing_is_drawn_out_of_the_bounds),
        cmocka_unit_test(test_a_number_is_as_short_as_a_chart_has_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
