/* Senders into tallies, aims and failures: what counts as right, as missed, as wronged, and what got out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/lab/report.h"

#define AIM_STOPPED   0
#define AIM_BURSTS    1
#define AIM_OTHERS    2
#define AIM_EACH      3
#define AIM_BLOCKED   4
#define AIM_THROTTLED 5

static struct lab_reached after(uint64_t messages)
{
    return (struct lab_reached){
        .time = SECOND, .messages = messages, .recipients = 2 * messages, .decided = detector_table[0]->name};
}

static struct lab_sender stopped(uint64_t messages)
{
    return (struct lab_sender){.name = "bot",
                               .printed = "port:vnet1",
                               .abuser = true,
                               .visible = true,
                               .messages = 900,
                               .recipients = 1800,
                               .alert = after(messages / 2),
                               .throttle = after(messages)};
}

static struct lab_sender honest(double days)
{
    return (struct lab_sender){.name = "shop", .printed = "port:vnet2", .visible = true, .honest_days = days};
}

static void add(struct report *report, const char *scenario, uint64_t seed, struct lab_sender *senders, size_t count)
{
    struct lab_result result = {.seed = seed, .senders = senders, .count = count, .packets = 10, .connections = 5};
    snprintf(result.scenario, sizeof result.scenario, "%s", scenario);
    assert_true(report_add(report, &result));
}

static void test_stopped_and_missed(void **unused)
{
    (void)unused;
    struct report report = {0};
    struct lab_sender senders[3] = {stopped(4), stopped(0), honest(2)};
    senders[1].throttle = (struct lab_reached){0}; /* an alert alone stops nobody */
    senders[0].block = after(8);
    add(&report, "bots", 7, senders, 3);
    const struct tally *all = &report.all;
    assert_int_equal(all->abusers, 2);
    assert_int_equal(all->honest, 1);
    assert_int_equal(all->missed, 1);
    assert_int_equal(all->right, 2);
    assert_int_equal(all->wrong, 1);
    assert_int_equal(all->throttle.reached, 1);
    assert_int_equal(all->decided[0], 1);
    assert_int_equal(figures_percentile(&report.all.throttle.messages, 0.5), 4);
    assert_int_equal(figures_percentile(&report.all.throttle.messages, 1), 900); /* the missed one: all it sent */
    assert_int_equal(figures_percentile(&report.all.block.recipients, 0.5), 16);
    assert_int_equal(report.failure_count, 1);
    assert_int_equal(report.failures[0].kind, FAILURE_MISSED);
    assert_int_equal(report.failures[0].seed, 7);
    report_clear(&report);
}

static void test_wronged(void **unused)
{
    (void)unused;
    struct report report = {0};
    struct lab_sender senders[4] = {honest(1), honest(1), honest(1), stopped(3)};
    senders[0].false_alerts = 3; /* tells a person, does nothing to the sender */
    senders[1].false_alerts = senders[1].false_throttles = 2;
    senders[2].false_alerts = senders[2].false_throttles = senders[2].false_blocks = 1;
    senders[3].false_throttles = 1; /* an abuser, before its abuse */
    add(&report, "neighbours", 1, senders, 4);
    assert_int_equal(report.all.right, 1);
    assert_int_equal(report.all.wrong, 3);
    assert_int_equal(report.all.missed, 0);
    assert_int_equal(report.all.false_alerts, 6);
    assert_int_equal(report.all.false_throttles, 4);
    assert_int_equal(report.all.blocked_honest, 1);
    assert_int_equal(report.failure_count, 3);
    assert_int_equal(report.failures[1].kind, FAILURE_BLOCKED);
    report_clear(&report);
}

static void test_scenarios_and_their_sum(void **unused)
{
    (void)unused;
    struct report report = {0};
    struct lab_sender one = stopped(1), two = stopped(3);
    add(&report, "a", 1, &one, 1);
    add(&report, "a", 2, &two, 1);
    add(&report, "b", 1, &two, 1);
    assert_int_equal(report.count, 2);
    assert_int_equal(report.scenarios[0].runs, 2);
    assert_int_equal(report.scenarios[0].abusers, 2);
    assert_string_equal(report.scenarios[1].scenario, "b");
    assert_int_equal(report.all.runs, 3);
    assert_int_equal(report.all.packets, 30);
    report_clear(&report);
}

static enum aim_state state_of(struct report *report, int aim)
{
    struct aim aims[AIMS];
    report_aims(report, aims);
    return aims[aim].state;
}

/* One sender alone in a report: the state of one aim. */
static enum aim_state alone(struct lab_sender sender, int aim)
{
    struct report report = {0};
    add(&report, "one", 1, &sender, 1);
    enum aim_state state = state_of(&report, aim);
    report_clear(&report);
    return state;
}

static void test_limits_of_medians(void **unused)
{
    (void)unused;
    struct lab_sender burst = stopped(5), other = stopped(20), hidden = stopped(500), slow = stopped(55);
    burst.burst = true;
    hidden.visible = false;
    slow.slow = true;
    assert_int_equal(alone(burst, AIM_BURSTS), AIM_REACHED);
    assert_int_equal(alone(burst, AIM_OTHERS), AIM_NOT_MEASURED);
    assert_int_equal(alone(other, AIM_OTHERS), AIM_REACHED);
    assert_int_equal(alone(other, AIM_EACH), AIM_REACHED);
    assert_int_equal(alone(hidden, AIM_OTHERS), AIM_NOT_MEASURED);
    assert_int_equal(alone(hidden, AIM_EACH), AIM_NOT_MEASURED);
    assert_int_equal(alone(slow, AIM_STOPPED), AIM_REACHED);
    assert_int_equal(alone(slow, AIM_OTHERS), AIM_MISSED);
    assert_int_equal(alone(slow, AIM_EACH), AIM_NOT_MEASURED);
    burst.throttle.messages++;
    other.throttle.messages++;
    assert_int_equal(alone(burst, AIM_BURSTS), AIM_MISSED);
    assert_int_equal(alone(burst, AIM_EACH), AIM_MISSED);
    assert_int_equal(alone(other, AIM_OTHERS), AIM_MISSED);
    assert_int_equal(alone(other, AIM_EACH), AIM_MISSED);
}

/* The middle of all is good; one scenario is not, and is named. */
static void test_a_bad_scenario_does_not_hide(void **unused)
{
    (void)unused;
    struct report report = {0};
    struct lab_sender good[3] = {stopped(1), stopped(2), stopped(3)}, bad = stopped(21);
    add(&report, "good", 1, good, 3);
    add(&report, "bad", 1, &bad, 1);
    struct aim aims[AIMS];
    report_aims(&report, aims);
    assert_int_equal(aims[AIM_OTHERS].state, AIM_REACHED);
    assert_int_equal(aims[AIM_EACH].state, AIM_MISSED);
    assert_string_equal(aims[AIM_EACH].figure, "worst: bad, 21 where 20 are allowed");
    report_clear(&report);
}

static void test_limits_of_the_harmless(void **unused)
{
    (void)unused;
    struct lab_sender sender = honest(1000);
    assert_int_equal(alone(sender, AIM_STOPPED), AIM_NOT_MEASURED);
    sender.false_throttles = 1;
    assert_int_equal(alone(sender, AIM_THROTTLED), AIM_REACHED);
    assert_int_equal(alone(sender, AIM_BLOCKED), AIM_REACHED);
    sender.honest_days = 999;
    assert_int_equal(alone(sender, AIM_THROTTLED), AIM_MISSED);
    sender.false_blocks = 1;
    assert_int_equal(alone(sender, AIM_BLOCKED), AIM_MISSED);
}

static void test_what_is_printed(void **unused)
{
    (void)unused;
    struct report report = {0};
    struct lab_sender missed[10];
    for (size_t i = 0; i < 10; i++) {
        missed[i] = stopped(3);
        missed[i].throttle = (struct lab_reached){0};
    }
    add(&report, "crowd", 9, missed, 10);
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_true(report_print(&report, out, false));
    fclose(out);
    assert_non_null(strstr(text, "\ncrowd "));
    assert_non_null(strstr(text, "MISSED   every abuser"));
    assert_non_null(strstr(text, "Failures: 10"));
    assert_non_null(strstr(text, "missed    crowd 9  bot port:vnet1: 900 messages got out; alert"));
    assert_non_null(strstr(text, "missed    crowd: 4 more"));
    assert_null(strchr(text, '\033'));
    free(text);
    out = open_memstream(&text, &length);
    assert_true(report_print_json(&report, out));
    fclose(out);
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 1 + 1 + AIMS + 10);
    assert_non_null(strstr(text, "\"record\":\"total\",\"runs\":1"));
    free(text);
    report_clear(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stopped_and_missed),
        cmocka_unit_test(test_wronged),
        cmocka_unit_test(test_scenarios_and_their_sum),
        cmocka_unit_test(test_limits_of_medians),
        cmocka_unit_test(test_a_bad_scenario_does_not_hide),
        cmocka_unit_test(test_limits_of_the_harmless),
        cmocka_unit_test(test_what_is_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
