/* Time as the watcher hands it in: forward at once, back only when the clock says so twice. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "agent/message/bundle.h"
#include "agent/watcher/mind.h"

#define NOON (INT64_C(1795420800) * SECOND)

static struct buffer bundle;
static struct mind *mind;
static struct sender sender;
static int memory;
static uint32_t orders;
static moment until;

static void on_order(void *context, const struct order *order)
{
    (void)context;
    orders++;
    until = order->until;
}

/* The shipped maps, that the presets name. */
static void add_map(const char *name)
{
    static char content[1 << 20];
    char path[100], builtin[100];
    struct error error = {0};
    snprintf(path, sizeof path, "conf/maps/%s", name);
    snprintf(builtin, sizeof builtin, "builtin:%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    struct text text = {content, fread(content, 1, sizeof content, file)};
    fclose(file);
    assert_int_equal(bundle_add(&bundle, text_of(builtin), text, &error), 0);
}

static int begin(void **unused)
{
    (void)unused;
    struct error error = {0};
    struct mind_memory said;
    bundle_init(&bundle);
    assert_int_equal(bundle_add(&bundle, TEXT(BUNDLE_PROCESS), TEXT(""), &error), 0);
    assert_int_equal(bundle_add(&bundle, TEXT(BUNDLE_JUDGE), TEXT("[sender]\nsenders = 16\nsketches = 16\n"), &error),
                     0);
    add_map("sender_access");
    add_map("recipient_access");
    add_map("helo_access");
    add_map("trap_access");
    memory = memfd_create("mind_test", 0);
    assert_true(memory >= 0);
    struct mind_beginning beginning = {
        .bundle = buffer_text(&bundle), .memory = memory, .fresh = true, .listener = {.order = on_order}};
    if (mind_create(&beginning, &mind, &said, &error) != 0)
        fail_msg("%s", error.text);
    assert_true(sender_parse(TEXT("192.0.2.1"), &sender));
    mind_tick(mind, NOON);
    orders = 0;
    assert_int_equal(judge_command(mind_judge(mind), &sender, DEED_BLOCK, NOON, HOUR, 0, "test", &error), 0);
    assert_int_equal(orders, 1);
    mind_tick(mind, NOON + 20 * MINUTE);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    mind_destroy(&mind);
    buffer_clear(&bundle);
    close(memory);
    return 0;
}

static void test_the_clock_was_set_back(void **unused)
{
    (void)unused;
    moment now = NOON + 20 * MINUTE - DAY;
    mind_tick(mind, now);
    assert_int_equal(orders, 1);
    mind_tick(mind, now); /* the same second again: still the first time */
    assert_int_equal(orders, 1);
    mind_tick(mind, now + SECOND);
    assert_int_equal(orders, 2);
    assert_int_equal(until, now + SECOND + 40 * MINUTE);
    mind_tick(mind, now + 41 * MINUTE);
    struct judge_view view;
    judge_look(mind_judge(mind), senders_find(mind_senders(mind), &sender), now + 41 * MINUTE, &view);
    assert_int_equal(view.verdict, VERDICT_CLEAR);
}

/* Frames of before the change are read after it has shown: they do not count as a jump forward. */
static void test_frames_of_before_come_late(void **unused)
{
    (void)unused;
    moment now = NOON + 20 * MINUTE - DAY;
    mind_tick(mind, now);
    mind_tick(mind, NOON + 20 * MINUTE + SECOND);
    mind_tick(mind, now + SECOND);
    assert_int_equal(orders, 1);
    mind_tick(mind, now + 2 * SECOND);
    assert_int_equal(orders, 2);
    assert_int_equal(until, now + SECOND + 40 * MINUTE);
}

static void test_a_little_back_is_waited_for(void **unused)
{
    (void)unused;
    for (int second = 0; second < 30; second++)
        mind_tick(mind, NOON + 19 * MINUTE + second * SECOND);
    assert_int_equal(orders, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_clock_was_set_back, begin, end),
        cmocka_unit_test_setup_teardown(test_frames_of_before_come_late, begin, end),
        cmocka_unit_test_setup_teardown(test_a_little_back_is_waited_for, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
