/* Commands that wait for their reply: what stands where, and what looking through them costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/packet/smtp_waiting.h"

struct bench {
    struct smtp_waiting waiting;
    struct smtp_counters counters;
    struct smtp_listener listener;
};

/* `count` commands, of two kinds in turn: each a run of its own. */
static void bench_begin(struct bench *bench, uint32_t count)
{
    *bench = (struct bench){.listener = {.context = NULL}};
    bench->listener.counters = &bench->counters;
    for (uint32_t i = 0; i < count; i++)
        assert_true(smtp_waiting_push(&bench->waiting, &bench->listener, i % 2 ? AWAITED_OTHER : AWAITED_RCPT));
}

struct asked {
    uint8_t kind;
    uint32_t times;
};

static bool is_that(uint8_t kind, const void *context)
{
    struct asked *asked = (struct asked *)(uintptr_t)context;
    asked->times++;
    return (kind & ~SMTP_DOUBTED) == asked->kind;
}

static int32_t find(struct bench *bench, enum smtp_awaited kind, uint32_t *times)
{
    struct asked asked = {.kind = (uint8_t)kind};
    int32_t found = smtp_waiting_find(&bench->waiting, is_that, &asked);
    *times = asked.times;
    return found;
}

static void finds_the_first(void **state)
{
    (void)state;
    struct bench bench;
    uint32_t times;
    for (uint32_t count = 2; count <= 64; count *= 2) { /* few and many */
        bench_begin(&bench, count);
        assert_int_equal(find(&bench, AWAITED_OTHER, &times), 1);
        assert_int_equal(find(&bench, AWAITED_DATA, &times), -1);
        assert_true(smtp_waiting_push(&bench.waiting, &bench.listener, AWAITED_DATA));
        assert_int_equal(find(&bench, AWAITED_DATA, &times), count);
        smtp_waiting_doubt(&bench.waiting);
        assert_int_equal(find(&bench, AWAITED_DATA, &times), count);
        smtp_waiting_clear(&bench.waiting, &bench.counters);
    }
    assert_int_equal(bench.counters.bytes_held, 0);
}

/* A server can send replies that nothing waits for as fast as it likes: each must not cost a look at all that waits. */
static void what_is_not_there_is_cheap(void **state)
{
    (void)state;
    struct bench bench;
    uint32_t times;
    bench_begin(&bench, 0);
    assert_true(smtp_waiting_push(&bench.waiting, &bench.listener, AWAITED_DATA));
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(smtp_waiting_push(&bench.waiting, &bench.listener, i % 2 ? AWAITED_OTHER : AWAITED_RCPT));
    assert_int_equal(find(&bench, AWAITED_STARTTLS, &times), -1);
    assert_true(times <= 2 * AWAITED_KINDS);

    smtp_waiting_pop(&bench.waiting, &bench.counters); /* DATA was there, and is not any more: seen once, then known */
    assert_int_equal(find(&bench, AWAITED_DATA, &times), -1);
    assert_int_equal(find(&bench, AWAITED_DATA, &times), -1);
    assert_true(times <= 2 * AWAITED_KINDS);
    smtp_waiting_doubt(&bench.waiting);
    assert_int_equal(find(&bench, AWAITED_DATA, &times), -1);
    assert_true(times <= 2 * AWAITED_KINDS);
    smtp_waiting_clear(&bench.waiting, &bench.counters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_first),
        cmocka_unit_test(what_is_not_there_is_cheap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
