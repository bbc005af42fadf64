/* What the log and the packets both tell of is judged once, as the log's; all else as if the other were not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/judge/pairing.h"
#include "agent/judge/shelf.h"

struct heard {
    uint32_t recipients, messages, logins, others, of_account, accepted;
    uint64_t digest;
};

static void on_heard(void *context, const struct observation *o)
{
    struct heard *heard = context;
    heard->of_account += o->origin.account.length > 0;
    if (o->kind == OBSERVATION_RECIPIENT) {
        heard->recipients++;
    } else if (o->kind == OBSERVATION_MESSAGE) {
        heard->messages++;
        heard->accepted += o->message.recipients;
        heard->digest = o->message.digest[0];
    } else if (o->kind == OBSERVATION_AUTH) {
        heard->logins++;
    } else {
        heard->others++;
    }
}

static struct pairing *make(struct heard *heard, bool always)
{
    const struct pairing_settings settings = {.key = {{1, 2}}, .always = always, .context = heard, .observe = on_heard};
    struct error error;
    *heard = (struct heard){0};
    struct pairing *pairing = pairing_create(&settings, &error);
    assert_non_null(pairing);
    return pairing;
}

static struct address address(const char *text)
{
    struct address result;
    assert_true(address_parse(text_of(text), &result));
    return result;
}

static struct observation on_wire(enum observation_kind kind, moment time, uint16_t port)
{
    return (struct observation){.kind = kind,
                                .time = time,
                                .origin = {.address = address("203.0.113.10"), .client_port = port},
                                .server = address("198.51.100.25"),
                                .server_port = 25};
}

static void wire_recipient(struct pairing *pairing, moment time, uint16_t port, const char *to, uint16_t code)
{
    struct observation o = on_wire(OBSERVATION_RECIPIENT, time, port);
    o.recipient.address = text_of(to);
    o.recipient.reply.code = code;
    pairing_hear_packets(pairing, &o);
}

static void wire_message(struct pairing *pairing, moment time, uint16_t port, uint32_t recipients)
{
    struct observation o = on_wire(OBSERVATION_MESSAGE, time, port);
    o.message.recipients = recipients;
    o.message.digest[0] = 77;
    o.message.complete = true;
    o.message.reply.code = 250;
    pairing_hear_packets(pairing, &o);
}

static void wire_begin(struct pairing *pairing, moment time, uint16_t port)
{
    struct observation o = on_wire(OBSERVATION_TRANSACTION, time, port);
    pairing_hear_packets(pairing, &o);
}

static void log_recipient(struct pairing *pairing, moment time, const char *to, uint16_t code)
{
    struct observation o = {.kind = OBSERVATION_RECIPIENT, .time = time, .server = address("198.51.100.25")};
    o.origin.account = TEXT("alice");
    o.recipient.address = text_of(to);
    o.recipient.reply.code = code;
    pairing_hear_log(pairing, &o);
}

static void log_message(struct pairing *pairing, moment time)
{
    struct observation o = {.kind = OBSERVATION_MESSAGE, .time = time};
    o.origin.account = TEXT("alice");
    o.message.recipients = 1;
    pairing_hear_log(pairing, &o);
}

static void one_message_is_counted_once_and_is_the_accounts(void **state)
{
    (void)state;
    struct heard heard;
    struct pairing *pairing = make(&heard, true);
    wire_begin(pairing, 10 * SECOND, 1);
    wire_recipient(pairing, 10 * SECOND, 1, "Ben@Other.test", 250);
    wire_message(pairing, 10 * SECOND, 1, 1);
    assert_int_equal(heard.recipients + heard.messages + heard.others, 0);
    log_recipient(pairing, 11 * SECOND, "ben@other.test", 250);
    log_message(pairing, 11 * SECOND);
    pairing_finish(pairing);
    assert_int_equal(heard.recipients, 1);
    assert_int_equal(heard.messages, 1);
    assert_int_equal(heard.others, 0);
    assert_int_equal(heard.of_account, 2);
    assert_true(heard.digest == 77); /* what only the packets knew */
    assert_true(pairing_counters(pairing).paired == 1);
    pairing_destroy(&pairing);
}

/* Stamps of whole seconds stand before the packets that they are of. */
static void the_log_may_come_first(void **state)
{
    (void)state;
    struct heard heard;
    struct pairing *pairing = make(&heard, true);
    log_recipient(pairing, 10 * SECOND, "ben@other.test", 550);
    wire_recipient(pairing, 10 * SECOND + 900 * MILLISECOND, 1, "ben@other.test", 550);
    pairing_finish(pairing);
    assert_int_equal(heard.recipients, 1);
    log_recipient(pairing, 20 * SECOND, "ben@other.test", 550);
    wire_recipient(pairing, 20 * SECOND + 2 * PAIRING_EARLY, 1, "ben@other.test", 550);
    pairing_finish(pairing);
    assert_int_equal(heard.recipients, 3);
    pairing_destroy(&pairing);
}

static void nothing_is_lost_without_the_log(void **state)
{
    (void)state;
    struct heard heard;
    struct pairing *pairing = make(&heard, true);
    wire_begin(pairing, 10 * SECOND, 1);
    wire_recipient(pairing, 10 * SECOND, 1, "ben@other.test", 250);
    wire_message(pairing, 10 * SECOND, 1, 1);
    pairing_tick(pairing, 14 * SECOND);
    assert_int_equal(heard.recipients, 0);
    pairing_tick(pairing, 15 * SECOND);
    assert_int_equal(heard.recipients, 1);
    assert_int_equal(heard.messages, 1);
    assert_int_equal(heard.others, 1);
    assert_int_equal(heard.of_account, 0);
    pairing_destroy(&pairing);
}

/* A slow server answers the content after minutes; the log speaks behind that. */
static void patience_begins_at_the_end(void **state)
{
    (void)state;
    struct heard heard;
    struct pairing *pairing = make(&heard, true);
    wire_recipient(pairing, 10 * SECOND, 1, "ben@other.test", 250);
    pairing_tick(pairing, 200 * SECOND);
    wire_message(pairing, 200 * SECOND, 1, 1);
    log_recipient(pairing, 201 * SECOND, "ben@other.test", 250);
    pairing_tick(pairing, 300 * SECOND);
    assert_int_equal(heard.recipients, 1);
    assert_int_equal(heard.messages, 0);
    pairing_destroy(&pairing);
}

/* Whoever sends past the mail server what also goes through it is seen: one line, one recipient. */
static void one_line_takes_one_recipient(void **state)
{
    (void)state;
    struct heard heard;
    struct pairing *pairing = make(&heard, true);
    for (uint16_t port = 1; port <= 3; port++) {
        wire_recipient(pairing, 10 * SECOND, port, "ben@other.test", 250);
        wire_message(pairing, 10 * SECOND, port, 1);
    }
    log_recipient(pairing, 11 * SECOND, "ben@other.test", 250);
    pairing_finish(pairing);
    assert_int_equal(heard.recipients, 1 + 2);
    assert_int_equal(heard.messages, 2);
    pairing_destroy(&pairing);
}

static void what_the_log_leaves_out_stays(void **state)
{
    (void)state;
    struct heard heard;
    struct pairing *pairing = make(&heard, true);
    wire_recipient(pairing, 10 * SECOND, 1, "ben@other.test", 250);
    wire_recipient(pairing, 10 * SECOND, 1, "eve@other.test", 250);
    wire_message(pairing, 10 * SECOND, 1, 2);
    log_recipient(pairing, 11 * SECOND, "ben@other.test", 250);
    pairing_finish(pairing);
    assert_int_equal(heard.recipients, 2);
    assert_int_equal(heard.messages, 1);
    assert_int_equal(heard.accepted, 1);
    pairing_destroy(&pairing);
}

static void full_means_early_and_nothing_is_lost(void **state)
{
    (void)state;
    struct heard heard;
    struct pairing *pairing = make(&heard, true);
    char to[32];
    for (uint32_t i = 0; i < 3 * SHELF_SLOTS; i++) {
        snprintf(to, sizeof to, "user%u@other.test", i);
        wire_recipient(pairing, 10 * SECOND, (uint16_t)(i % 7), to, 250);
    }
    assert_true(pairing_counters(pairing).waiting <= SHELF_SLOTS);
    assert_true(pairing_counters(pairing).crowded > 0);
    pairing_finish(pairing);
    assert_int_equal(heard.recipients, 3 * SHELF_SLOTS);
    assert_true(pairing_counters(pairing).waiting == 0);
    pairing_destroy(&pairing);
}

/* Handed in over the wire and sent on: two conversations and one line, whichever comes first. */
static void a_submission_and_its_delivery_are_one(void **state)
{
    (void)state;
    for (int behind = 0; behind < 2; behind++) {
        struct heard heard;
        struct pairing *pairing = make(&heard, true);
        struct observation line = {
            .kind = OBSERVATION_RECIPIENT, .time = 10 * SECOND, .server = address("198.51.100.25")};
        line.origin.account = TEXT("alice");
        line.origin.address = address("203.0.113.99");
        line.recipient.address = TEXT("ben@other.test");
        line.recipient.reply.code = 250;
        if (!behind)
            pairing_hear_log(pairing, &line);
        struct observation submitted = on_wire(OBSERVATION_RECIPIENT, 10 * SECOND + 300 * MILLISECOND, 5);
        submitted.origin.address = line.origin.address;
        submitted.server = address("203.0.113.10");
        submitted.recipient = line.recipient;
        pairing_hear_packets(pairing, &submitted);
        wire_recipient(pairing, 10 * SECOND + 600 * MILLISECOND, 1, "ben@other.test", 250);
        if (behind)
            pairing_hear_log(pairing, &line);
        pairing_finish(pairing);
        assert_int_equal(heard.recipients, 1);
        assert_int_equal(heard.of_account, 1);
        assert_true(pairing_counters(pairing).paired == 2);
        pairing_destroy(&pairing);
    }
}

static void a_log_that_is_silent_costs_no_time(void **state)
{
    (void)state;
    struct heard heard;
    struct pairing *pairing = make(&heard, false);
    moment now = 100 * SECOND;
    for (uint32_t i = 0; i < PAIRING_DOUBTED; i++, now += 10 * SECOND) {
        wire_recipient(pairing, now, 1, "ben@other.test", 250);
        wire_message(pairing, now, 1, 1);
        pairing_tick(pairing, now + PAIRING_PATIENCE);
    }
    assert_int_equal(heard.recipients, PAIRING_DOUBTED);
    wire_recipient(pairing, now, 1, "ben@other.test", 250);
    assert_int_equal(heard.recipients, PAIRING_DOUBTED + 1);
    log_recipient(pairing, now, "carl@other.test", 250);
    wire_recipient(pairing, now, 2, "dora@other.test", 250);
    assert_int_equal(heard.recipients, PAIRING_DOUBTED + 2); /* the log's own; the wire's waits again */
    pairing_destroy(&pairing);
}

static void a_login_that_both_saw_is_one(void **state)
{
    (void)state;
    struct heard heard;
    struct pairing *pairing = make(&heard, true);
    struct observation seen = on_wire(OBSERVATION_AUTH, 10 * SECOND, 1);
    seen.auth.outcome = AUTH_FAILED;
    pairing_hear_packets(pairing, &seen);
    struct observation logged = {.kind = OBSERVATION_AUTH, .time = 11 * SECOND};
    logged.origin.address = address("203.0.113.10");
    logged.auth.outcome = AUTH_FAILED;
    pairing_hear_log(pairing, &logged);
    pairing_finish(pairing);
    assert_int_equal(heard.logins, 1);
    pairing_destroy(&pairing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_message_is_counted_once_and_is_the_accounts),
        cmocka_unit_test(the_log_may_come_first),
        cmocka_unit_test(nothing_is_lost_without_the_log),
        cmocka_unit_test(patience_begins_at_the_end),
        cmocka_unit_test(one_line_takes_one_recipient),
        cmocka_unit_test(what_the_log_leaves_out_stays),
        cmocka_unit_test(full_means_early_and_nothing_is_lost),
        cmocka_unit_test(a_submission_and_its_delivery_are_one),
        cmocka_unit_test(a_log_that_is_silent_costs_no_time),
        cmocka_unit_test(a_login_that_both_saw_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
