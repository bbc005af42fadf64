/* The dialogue's bounds: what a flood of commands, recipients, transactions and bytes may cost, and that all of it is
 * still observed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include "agent/packet/smtp.h"

struct tally {
    uint64_t transactions, recipients, messages, accepted, bytes, answered;
};

static void observe(void *context, struct observation *o)
{
    struct tally *tally = context;
    if (o->kind == OBSERVATION_TRANSACTION)
        tally->transactions++;
    if (o->kind == OBSERVATION_RECIPIENT) {
        tally->recipients++;
        tally->answered += o->recipient.reply.code != 0;
    }
    if (o->kind == OBSERVATION_MESSAGE) {
        tally->messages++;
        tally->accepted += o->message.recipients;
        tally->bytes += o->message.bytes;
    }
}

struct bench {
    struct smtp *smtp;
    struct smtp_listener listener;
    struct smtp_counters counters;
    struct tally tally;
    uint64_t most_held;
};

static void bench_begin(struct bench *bench)
{
    *bench = (struct bench){.smtp = calloc(1, SMTP_SIZE)};
    assert_non_null(bench->smtp);
    bench->listener =
        (struct smtp_listener){.context = &bench->tally, .observe = observe, .counters = &bench->counters};
    smtp_begin(bench->smtp, false, true);
}

static void bench_end(struct bench *bench)
{
    smtp_end(bench->smtp);
    free(bench->smtp);
    assert_int_equal(bench->counters.bytes_held, 0);
}

static void note_held(struct bench *bench)
{
    if (bench->counters.bytes_held > bench->most_held)
        bench->most_held = bench->counters.bytes_held;
}

static void client(struct bench *bench, const char *bytes)
{
    smtp_client_bytes(bench->smtp, &bench->listener, text_of(bytes), 1);
    note_held(bench);
}

static void server(struct bench *bench, const char *bytes)
{
    smtp_server_bytes(bench->smtp, &bench->listener, text_of(bytes), 1);
    note_held(bench);
}

static void an_idle_dialogue_holds_its_name_alone(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench);
    server(&bench, "220 mx\r\n");
    client(&bench, "EHLO mail.exam");
    client(&bench, "ple.org\r\n");
    server(&bench, "250-mx\r\n250");
    server(&bench, " SIZE\r\n");
    assert_true(bench.counters.bytes_held <= 32);
    bench_end(&bench);
}

static void a_session_of_many_transactions_stays_small(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench);
    server(&bench, "220 mx\r\n");
    client(&bench, "HELO me\r\n");
    server(&bench, "250 mx\r\n");
    for (unsigned i = 0; i < 100000; i++) {
        char commands[200];
        snprintf(commands, sizeof commands, "MAIL FROM:<a%u@me.org>\r\nRCPT TO:<b%u@x.org>\r\nDATA\r\n", i, i);
        client(&bench, commands);
        server(&bench, "250 ok\r\n250 ok\r\n354 go\r\n");
        client(&bench, "x\r\n.\r\n");
        if (i % 3) /* else the next group is sent before the answer */
            server(&bench, "250 ok\r\n");
        else {
            client(&bench, "NOOP\r\n");
            server(&bench, "250 ok\r\n250 ok\r\n");
        }
    }
    struct smtp_summary summary;
    smtp_finish(bench.smtp, &bench.listener, 2, &summary);
    assert_int_equal(bench.tally.transactions, 100000);
    assert_int_equal(bench.tally.messages, 100000);
    assert_int_equal(bench.tally.accepted, 100000);
    assert_int_equal(bench.tally.bytes, 300000);
    assert_int_equal(summary.transaction_count, SMTP_TRANSACTIONS_MOST);
    assert_int_equal(summary.transactions_left_out, 100000 - SMTP_TRANSACTIONS_MOST);
    for (unsigned i = 0; i < SMTP_TRANSACTIONS_MOST; i++) {
        char from[32];
        snprintf(from, sizeof from, "a%u@me.org", i);
        assert_true(text_equals(summary.transactions[i].from, text_of(from)));
        assert_int_equal(summary.transactions[i].code, 250);
        assert_int_equal(summary.transactions[i].recipient_count, 1);
    }
    assert_true(bench.most_held < 512 * 1024);
    bench_end(&bench);
}

/* The answer to one content comes when the next transaction has begun, all the way. */
static void transactions_that_overlap_stay_small(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench);
    server(&bench, "220 mx\r\n");
    client(&bench, "MAIL FROM:<a@me.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\n");
    server(&bench, "250 ok\r\n250 ok\r\n354 go\r\n");
    for (unsigned i = 0; i < 50000; i++) {
        client(&bench, "x\r\n.\r\nMAIL FROM:<a@me.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\n");
        server(&bench, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    }
    struct smtp_summary summary;
    smtp_finish(bench.smtp, &bench.listener, 2, &summary);
    assert_int_equal(bench.tally.messages, 50000);
    assert_int_equal(bench.tally.accepted, 50000);
    assert_int_equal(summary.transaction_count + summary.transactions_left_out, 50001);
    assert_true(bench.most_held < 512 * 1024);
    bench_end(&bench);
}

static void recipients_beyond_the_bound_are_observed_and_left_out(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench);
    server(&bench, "220 mx\r\n");
    client(&bench, "MAIL FROM:<a@me.org>\r\n");
    server(&bench, "250 ok\r\n");
    for (unsigned i = 0; i < SMTP_RECIPIENTS_MOST + 100; i++) {
        client(&bench, "RCPT TO:<b@x.org>\r\n");
        server(&bench, i % 2 ? "550 no\r\n" : "250 ok\r\n");
    }
    client(&bench, "DATA\r\n");
    server(&bench, "354 go\r\n");
    client(&bench, "x\r\n.\r\n");
    server(&bench, "250 ok\r\n");
    struct smtp_summary summary;
    smtp_finish(bench.smtp, &bench.listener, 2, &summary);
    assert_int_equal(bench.tally.recipients, SMTP_RECIPIENTS_MOST + 100);
    assert_int_equal(bench.tally.accepted, (SMTP_RECIPIENTS_MOST + 100) / 2);
    assert_int_equal(summary.transaction_count, 1);
    assert_int_equal(summary.transactions[0].recipient_count, SMTP_RECIPIENTS_MOST);
    assert_int_equal(summary.transactions[0].recipients_left_out, 100);
    bench_end(&bench);
}

/* All are asked for before the first reply: each is counted, though not each address is kept. */
static void a_long_pipeline_loses_no_answer(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench);
    server(&bench, "220 mx\r\n");
    client(&bench, "MAIL FROM:<a@me.org>\r\n");
    for (unsigned i = 0; i < 100000; i++)
        client(&bench, "RCPT TO:<somebody.or.other@example.org>\r\n");
    client(&bench, "DATA\r\n");
    server(&bench, "250 ok\r\n");
    for (unsigned i = 0; i < 100000; i++)
        server(&bench, i % 4 ? "550 no\r\n" : "250 ok\r\n");
    server(&bench, "354 go\r\n");
    client(&bench, "x\r\n.\r\nMAIL FROM:<b@me.org>\r\nRCPT TO:<c@x.org>\r\n");
    server(&bench, "250 ok\r\n250 ok\r\n251 ok\r\n");
    assert_int_equal(bench.tally.transactions, 2);
    assert_int_equal(bench.tally.recipients, 100001);
    assert_int_equal(bench.tally.answered, 100001);
    assert_int_equal(bench.tally.messages, 1);
    assert_int_equal(bench.tally.accepted, 25000);
    assert_int_equal(bench.counters.unpaired_replies, 0);
    assert_int_equal(bench.counters.resynchronised, 0);
    assert_true(bench.most_held < 4 * 1024 * 1024);
    bench_end(&bench);
}

static void a_pipeline_of_ever_other_commands_is_given_up(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench);
    for (unsigned i = 0; i < 100000; i++)
        client(&bench, i % 2 ? "RSET\r\n" : "NOOP\r\n");
    assert_true(bench.counters.resynchronised > 0);
    assert_true(bench.most_held < 64 * 1024);
    bench_end(&bench);
}

static void a_pipeline_without_answers_is_bounded(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench);
    client(&bench, "MAIL FROM:<a@me.org>\r\n");
    for (unsigned i = 0; i < 100000; i++)
        client(&bench, "RCPT TO:<b@x.org>\r\n");
    struct smtp_summary summary;
    smtp_finish(bench.smtp, &bench.listener, 2, &summary);
    assert_int_equal(bench.tally.recipients, 100000);
    assert_int_equal(bench.tally.answered, 0);
    assert_true(bench.most_held < 1024 * 1024);
    bench_end(&bench);
}

static void lines_without_end_cost_their_bound(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench);
    static char noise[65537];
    memset(noise, 'A', sizeof noise - 1);
    server(&bench, noise);
    for (unsigned i = 0; i < 100; i++) {
        client(&bench, noise);
        server(&bench, noise);
    }
    assert_true(bench.most_held <= 4 * SMTP_LINE_MOST);
    server(&bench, "\r\n220 mx\r\n");
    client(&bench, "\r\nMAIL FROM:<a@me.org>\r\n");
    server(&bench, "500 too long\r\n250 ok\r\n");
    assert_int_equal(bench.counters.long_lines, 1);
    assert_int_equal(bench.tally.transactions, 1);
    bench_end(&bench);
}

static void what_waits_for_a_reply_costs_its_bound(void **state)
{
    (void)state;
    struct bench bench;
    bench_begin(&bench);
    static char noise[65537];
    memset(noise, 'A', sizeof noise - 1);
    server(&bench, "220 mx\r\n");
    client(&bench, "MAIL FROM:<a@me.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\n");
    for (unsigned i = 0; i < 100; i++)
        client(&bench, noise);
    assert_true(bench.most_held <= 4 * SMTP_HELD_MOST);
    client(&bench, "\r\n.\r\n");
    server(&bench, "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n");
    assert_int_equal(bench.tally.messages, 1);
    assert_int_equal(bench.tally.bytes, 100 * (sizeof noise - 1) + 2);
    bench_end(&bench);
}

/* Where no memory is left, dialogues go on with less. */
static void memory_in_all_is_bounded(void **state)
{
    (void)state;
    for (uint64_t most = 1; most < 3000; most += 13) {
        struct bench bench;
        bench_begin(&bench);
        bench.listener.bytes_most = most;
        server(&bench, "220 mx\r\n");
        for (unsigned i = 0; i < 20; i++) {
            client(&bench, "EHLO a.long.name.of.a.host.example.org\r\nAUTH PLAIN AGEAYg==\r\n");
            server(&bench, "250 mx\r\n235 ok\r\n");
            client(&bench, "MAIL FROM:<a@me.org>\r\nRCPT TO:<b@x.org>\r\nRCPT TO:<c@x.org>\r\nRSET\r\nMAIL FROM:<>\r\n"
                           "RCPT TO:<b@x.org>\r\nRCPT TO:<b@x.org>\r\nRCPT TO:<b@x.org>\r\nDA");
            client(&bench, "TA\r\n");
            server(&bench, "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 ");
            server(&bench, "go\r\n");
            client(&bench, "x");
            client(&bench, "\r\n.\r\nBDAT 3\r\nabcBDAT 2 LAST\r\nabSTARTTLSS\r\n");
            server(&bench, "250 ok\r\n250 ok\r\n250 ok\r\n500 what\r\n");
        }
        struct smtp_summary summary;
        smtp_finish(bench.smtp, &bench.listener, 2, &summary);
        note_held(&bench);
        assert_true(bench.most_held <= most);
        assert_true(bench.counters.memory_refused > 0 || most > 1500);
        bench_end(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_dialogue_holds_its_name_alone),
        cmocka_unit_test(a_session_of_many_transactions_stays_small),
        cmocka_unit_test(transactions_that_overlap_stay_small),
        cmocka_unit_test(recipients_beyond_the_bound_are_observed_and_left_out),
        cmocka_unit_test(a_pipeline_without_answers_is_bounded),
        cmocka_unit_test(a_long_pipeline_loses_no_answer),
        cmocka_unit_test(a_pipeline_of_ever_other_commands_is_given_up),
        cmocka_unit_test(lines_without_end_cost_their_bound),
        cmocka_unit_test(what_waits_for_a_reply_costs_its_bound),
        cmocka_unit_test(memory_in_all_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
