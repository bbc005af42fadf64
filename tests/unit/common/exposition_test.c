/* What stands on a page of metrics, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/exposition.h"

struct counts {
    uint64_t packets, by_deed[3];
    uint32_t open;
    uint8_t on;
    double uptime;
};

static const char *const deeds[] = {"throttle", "block", NULL};
static const char *const versions[] = {"1.2.3", NULL};

static const struct metric table[] = {
    {.name = "x_build_info",
     .help = "The version.",
     .type = METRIC_GAUGE,
     .kind = METRIC_ONE,
     .label = "version",
     .label_values = versions},
    METRIC(METRIC_COUNTER, struct counts, packets, "x_packets_total", "Packets seen."),
    METRIC(METRIC_GAUGE, struct counts, open, "x_open", "Open now."),
    METRIC(METRIC_GAUGE, struct counts, on, "x_on", "Whether it is on."),
    METRIC(METRIC_GAUGE, struct counts, uptime, "x_uptime_seconds", "Since it began."),
    METRIC_BY(METRIC_GAUGE, struct counts, by_deed[1], "x_orders", "deed", deeds, "Orders in force."),
    {.name = NULL},
};

static const struct counts counts = {
    .packets = UINT64_MAX, .by_deed = {7, 8, 9}, .open = UINT32_MAX, .on = 1, .uptime = 1.5};

static void test_each_row_has_its_sentence_type_and_value(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer out;
    buffer_init(&out, 4096);
    assert_true(exposition_write(table, &counts, &out));
    assert_true(buffer_append_byte(&out, '\0'));
    assert_string_equal(out.bytes, "# HELP x_build_info The version.\n"
                                   "# TYPE x_build_info gauge\n"
                                   "x_build_info{version=\"1.2.3\"} 1\n"
                                   "# HELP x_packets_total Packets seen.\n"
                                   "# TYPE x_packets_total counter\n"
                                   "x_packets_total 18446744073709551615\n"
                                   "# HELP x_open Open now.\n"
                                   "# TYPE x_open gauge\n"
                                   "x_open 4294967295\n"
                                   "# HELP x_on Whether it is on.\n"
                                   "# TYPE x_on gauge\n"
                                   "x_on 1\n"
                                   "# HELP x_uptime_seconds Since it began.\n"
                                   "# TYPE x_uptime_seconds gauge\n"
                                   "x_uptime_seconds 1.500\n"
                                   "# HELP x_orders Orders in force.\n"
                                   "# TYPE x_orders gauge\n"
                                   "x_orders{deed=\"throttle\"} 8\n"
                                   "x_orders{deed=\"block\"} 9\n");
}

static void test_a_full_buffer_is_said(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer whole;
    buffer_init(&whole, 4096);
    assert_true(exposition_write(table, &counts, &whole));
    for (size_t most = 0; most < whole.length; most += 13) {
        CLEANUP(buffer_clear) struct buffer out;
        buffer_init(&out, most);
        assert_false(exposition_write(table, &counts, &out));
        assert_true(out.length <= most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row_has_its_sentence_type_and_value),
        cmocka_unit_test(test_a_full_buffer_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
