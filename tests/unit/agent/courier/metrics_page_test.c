/* The agent's page: each label stands at the count that it names, and what is not there is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/courier/metrics_page.h"
#include "common/cleanup.h"
#include "common/words/order.h"

static const struct metrics_courier courier = {.up = {1, 0, 1}, .verdicts = {10, 11, 12, 13, 14}};

static void print(const struct metrics_page *page, struct buffer *out)
{
    buffer_init(out, 65536);
    assert_true(metrics_page_print(page, out));
    assert_true(buffer_append_byte(out, '\0'));
}

static void expect(const char *page, const char *name, const char *label, const char *value, unsigned count)
{
    char line[160];
    snprintf(line, sizeof line, "\npostern_agent_%s{%s=\"%s\"} %u\n", name, label, value, count);
    if (!strstr(page, line))
        fail_msg("not there:%s", line);
}

static void test_labels_are_the_names_that_people_read(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer out;
    struct message_status_warden warden = {.in_force = {0, 21, 22, 23, 24}};
    const struct metrics_page page = {.courier = &courier, .warden = &warden};
    print(&page, &out);
    for (enum verdict verdict = VERDICT_CLEAR; verdict < VERDICTS; verdict++)
        expect(out.bytes, "verdicts_total", "verdict", verdict_name(verdict), 10 + verdict);
    for (enum deed deed = DEED_THROTTLE; deed < DEEDS; deed++)
        expect(out.bytes, "orders", "deed", deed_name(deed), 20 + deed);
    expect(out.bytes, "up", "role", "warden", 1);
    expect(out.bytes, "up", "role", "watcher", 0);
}

static void test_the_spool_tells_what_gave_way(void **state)
{
    (void)state;
    static const char *const kinds[] = {"traffic", "evidence", "event", "verdict", "order"};
    CLEANUP(buffer_clear) struct buffer out;
    const struct metrics_spool spool = {.spool = {.records = 5, .dropped = {1, 2, 3, 4, 5}}, .connected = 1};
    const struct metrics_page page = {.courier = &courier, .spool = &spool};
    print(&page, &out);
    for (unsigned i = 0; i < 5; i++)
        expect(out.bytes, "spool_dropped_total", "kind", kinds[i], i + 1);
    assert_non_null(strstr(out.bytes, "\npostern_agent_spool_records 5\n"));
}

static void test_what_did_not_answer_is_left_out(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer out;
    const struct metrics_page page = {.courier = &courier};
    print(&page, &out);
    assert_null(strstr(out.bytes, "packets_total"));
    assert_null(strstr(out.bytes, "enforcing"));
    assert_null(strstr(out.bytes, "spool"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_are_the_names_that_people_read),
        cmocka_unit_test(test_the_spool_tells_what_gave_way),
        cmocka_unit_test(test_what_did_not_answer_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
