/* A batch: what a node may send, and every way in which it may not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "collector/api/batch.h"

#define NOW  (1800000000 * SECOND)
#define HEAD "{\"life\":\"00000000000000ff\",\"after\":5,\"last\":9,\"spooled\":7,\"version\":\"0.1.0\"}\n"

static struct batch batch;
static struct error failed;
static char *bytes;

static int read_batch(const char *text)
{
    free(bytes);
    bytes = strdup(text);
    batch_release(&batch);
    failed = (struct error){0};
    return batch_parse(bytes, strlen(bytes), NOW, &batch, &failed);
}

static int teardown(void **unused)
{
    (void)unused;
    batch_release(&batch);
    free(bytes);
    bytes = NULL;
    return 0;
}

static void assert_text(struct text text, const char *expected)
{
    assert_int_equal(text.length, strlen(expected));
    assert_memory_equal(text.bytes, expected, text.length);
}

static void assert_refused(const char *text, const char *sentence)
{
    assert_int_equal(read_batch(text), -EBADMSG);
    assert_string_equal(failed.text, sentence);
    assert_null(batch.records);
}

static void head_says_where_it_belongs(void **unused)
{
    (void)unused;
    assert_int_equal(read_batch(HEAD), 0);
    assert_int_equal(batch.life, 255);
    assert_int_equal(batch.after, 5);
    assert_int_equal(batch.last, 9);
    assert_int_equal(batch.spooled, 7);
    assert_string_equal(batch.version, "0.1.0");
    assert_int_equal(batch.count, 0);
}

static void record_loses_its_sequence_and_nothing_else(void **unused)
{
    (void)unused;
    assert_int_equal(read_batch(HEAD "{\"sequence\":6,\"record\":\"verdict\",\"time\":\"2026-11-23T08:00:00.5Z\","
                                     "\"sender\":\"192.0.2.7\",\"customer\":12}\n"
                                     "{\"sequence\":9,\"record\":\"lost\"}"),
                     0);
    assert_int_equal(batch.count, 2);
    assert_int_equal(batch.records[0].sequence, 6);
    assert_int_equal(batch.records[0].time, 1795420800 * SECOND + SECOND / 2);
    assert_text(batch.records[0].kind, "verdict");
    assert_text(batch.records[0].sender, "192.0.2.7");
    assert_text(batch.records[0].customer, "12");
    assert_text(batch.records[1].line, "{\"record\":\"lost\"}");
    assert_text(batch.records[1].sender, "");
    assert_int_equal(batch.records[1].sequence, 9);
}

static void texts_are_what_their_escapes_mean(void **unused)
{
    (void)unused;
    assert_int_equal(read_batch(HEAD "{\"sequence\":6,\"record\":\"x\",\"sender\":\"a'; DROP TABLE r;<b>\\u00e9\\n\"}"),
                     0);
    assert_text(batch.records[0].sender, "a'; DROP TABLE r;<b>\xc3\xa9\n");
}

static void time_is_the_nodes_unless_it_is_far_ahead(void **unused)
{
    (void)unused;
    assert_int_equal(read_batch(HEAD "{\"sequence\":6,\"record\":\"x\"}\n"
                                     "{\"sequence\":7,\"record\":\"x\",\"time\":\"2027-01-15T08:00:01Z\"}\n"
                                     "{\"sequence\":8,\"record\":\"x\",\"time\":\"2200-01-01T00:00:00Z\"}"),
                     0);
    assert_int_equal(batch.records[0].time, NOW);
    assert_int_equal(batch.records[1].time, NOW + SECOND);
    assert_int_equal(batch.records[2].time, NOW);
    assert_refused(HEAD "{\"sequence\":6,\"record\":\"x\",\"node\":\"00000000000000aa\"}",
                   "line 2: node: whose a record is says the secret alone");
    assert_refused(HEAD "{\"sequence\":6,\"record\":\"x\",\"time\":\"soon\"}",
                   "line 2: time: a moment such as 2026-11-23T08:00:00Z");
}

static void what_the_store_looks_into_is_handed_over(void **unused)
{
    (void)unused;
    assert_int_equal(
        read_batch(
            HEAD
            "{\"sequence\":6,\"record\":\"traffic\",\"connections\":2,\"messages\":3,\"messages_rejected\":1,"
            "\"recipients\":9223372036854775807,\"bytes\":-5}\n"
            "{\"sequence\":7,\"record\":\"verdict\",\"verdict\":\"abuse\",\"score\":12.34}\n"
            "{\"sequence\":8,\"record\":\"order\",\"deed\":\"throttle\",\"until\":\"2027-01-15T08:00:01Z\",\"rate\":"
            "7,\"by\":\"person\",\"why\":\"asked\"}\n"
            "{\"sequence\":9,\"record\":\"acknowledgement\",\"revision\":4,\"done\":true}"),
        0);
    const struct store_record *record = batch.records;
    assert_int_equal(record[0].said, STORE_TRAFFIC);
    assert_int_equal(record[0].traffic.messages, 3);
    assert_int_equal(record[0].traffic.rejected, 1);
    assert_int_equal(record[0].traffic.recipients, STORE_COUNT_MOST);
    assert_int_equal(record[0].traffic.bytes, 0);
    assert_int_equal(record[1].said, STORE_VERDICT);
    assert_text(record[1].verdict.word, "abuse");
    assert_int_equal(record[1].verdict.score, 1234);
    assert_int_equal(record[2].said, STORE_ORDER);
    assert_text(record[2].order.deed, "throttle");
    assert_text(record[2].order.by, "person");
    assert_text(record[2].order.reason, "asked");
    assert_int_equal(record[2].order.until, NOW + SECOND);
    assert_int_equal(record[2].order.rate, 7);
    assert_int_equal(record[3].said, STORE_ACKNOWLEDGEMENT);
    assert_int_equal(record[3].acknowledgement.revision, 4);
    assert_true(record[3].acknowledgement.done);
}

static void what_says_too_little_is_only_kept(void **unused)
{
    (void)unused;
    assert_int_equal(read_batch(HEAD "{\"sequence\":6,\"record\":\"verdict\",\"verdict\":17}\n"
                                     "{\"sequence\":7,\"record\":\"order\",\"deed\":\"block\",\"until\":\"for ever\"}\n"
                                     "{\"sequence\":8,\"record\":\"order\",\"deed\":\"release\",\"until\":null}\n"),
                     0);
    assert_int_equal(batch.records[0].said, STORE_KEPT);
    assert_int_equal(batch.records[1].said, STORE_KEPT);
    assert_int_equal(batch.records[2].said, STORE_ORDER);
    assert_text(batch.records[2].order.by, "");
}

static void heads_that_are_none(void **unused)
{
    (void)unused;
    assert_refused("", "line 1: the batch is empty");
    assert_refused("[]", "line 1: not an object");
    assert_refused("{", "line 1: not JSON in UTF-8, or a key stands twice");
    assert_refused("{\"life\":\"00000000000000FF\",\"after\":0,\"last\":0}",
                   "line 1: life: sixteen hexadecimal digits");
    const char *sentence = "line 1: after, last: numbers from 0, the last not below";
    assert_refused("{\"life\":\"00000000000000ff\",\"after\":-1,\"last\":0}", sentence);
    assert_refused("{\"life\":\"00000000000000ff\",\"after\":2,\"last\":1}", sentence);
    assert_refused("{\"life\":\"00000000000000ff\",\"after\":0,\"last\":1.5}", sentence);
}

static void sequences_rise_within_what_the_head_says(void **unused)
{
    (void)unused;
    const char *sentence = "line 3: sequences rise, from above `after` to `last`";
    assert_refused(HEAD "{\"sequence\":7,\"record\":\"x\"}\n{\"sequence\":7,\"record\":\"x\"}", sentence);
    assert_refused(HEAD "{\"sequence\":7,\"record\":\"x\"}\n{\"sequence\":6,\"record\":\"x\"}", sentence);
    assert_refused(HEAD "{\"sequence\":7,\"record\":\"x\"}\n{\"sequence\":10,\"record\":\"x\"}", sentence);
    assert_refused(HEAD "{\"sequence\":5,\"record\":\"x\"}", "line 2: sequences rise, from above `after` to `last`");
    assert_refused(HEAD "{\"record\":\"x\",\"sequence\":6}", "line 2: a record begins with its sequence");
    assert_refused(HEAD "{\"sequence\":99999999999999999999,\"record\":\"x\"}",
                   "line 2: not JSON in UTF-8, or a key stands twice");
    assert_refused(HEAD "{\"sequence\":6.0,\"record\":\"x\"}",
                   "line 2: behind the sequence stands a comma and what the record says");
}

static void records_that_are_none(void **unused)
{
    (void)unused;
    const char *json = "line 2: not JSON in UTF-8, or a key stands twice";
    const char *kind = "line 2: record: its kind, at most 32 small letters and _";
    assert_refused(HEAD "\n", json);
    assert_refused(HEAD "{\"sequence\":6,\"record\":\"\xff\"}", json);
    assert_refused(HEAD "{\"sequence\":6,\"record\":\"x\\u0000\"}", json);
    assert_refused(HEAD "{\"sequence\":6,\"record\":\"x\",\"record\":\"y\"}", json);
    assert_refused(HEAD "{\"sequence\":6,\"record\":\"x\"} x", json);
    assert_refused(HEAD "{\"sequence\":6}", kind);
    /* It would end the answer in which it is told, or stand there for a sender as if we said so. */
    assert_refused(HEAD "{\"sequence\":6,\"record\":\"end\"}", "line 2: record: a word of the collector's own answers");
    assert_refused(HEAD "{\"sequence\":6,\"record\":\"sender\"}",
                   "line 2: record: a word of the collector's own answers");
    assert_refused(HEAD "{\"sequence\":6,\"record\":\"\"}", kind);
    assert_refused(HEAD "{\"sequence\":6,\"record\":\"<b>\"}", kind);
    assert_refused(HEAD "{\"sequence\":6,\"record\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", kind);
    assert_refused(HEAD "{\"sequence\":6,\"record\":\"x\",\"sender\":[]}", "line 2: sender: a text");
}

static char *filled(const char *before, char byte, size_t count, const char *after)
{
    size_t front = strlen(before), back = strlen(after);
    char *text = malloc(front + count + back + 1);
    assert_non_null(text);
    memcpy(text, before, front);
    memset(text + front, byte, count);
    memcpy(text + front + count, after, back + 1);
    return text;
}

static void what_is_long_or_deep_is_bounded(void **unused)
{
    (void)unused;
    const char *before = HEAD "{\"sequence\":6,\"record\":\"x\",\"a\":\"";
    size_t line = strlen(before) - strlen(HEAD) + 2;
    char *text = filled(before, 'a', BATCH_LINE_MOST - line, "\"}");
    assert_int_equal(read_batch(text), 0);
    free(text);
    text = filled(before, 'a', BATCH_LINE_MOST - line + 1, "\"}");
    assert_refused(text, "line 2: longer than 64 kB");
    free(text);
    text = filled(HEAD "{\"sequence\":6,\"record\":\"x\",\"a\":", '[', 60000, "");
    assert_refused(text, "line 2: brackets in brackets, more than 16 deep");
    free(text);
    text = filled(HEAD "{\"sequence\":6,\"record\":\"x\",\"a\":\"\\\"", '[', 100, "\"}");
    assert_int_equal(read_batch(text), 0); /* in a text they are letters */
    free(text);
    text = filled(HEAD "{\"sequence\":6,\"record\":\"x\",\"sender\":\"", 's', BATCH_WORD_MOST + 1, "\"}");
    assert_refused(text, "line 2: sender: longer than 255 bytes");
    free(text);
}

static void ten_thousand_records_and_no_more(void **unused)
{
    (void)unused;
    char *text = malloc((BATCH_RECORDS_MOST + 2) * 40), *at = text;
    assert_non_null(text);
    at += sprintf(at, "{\"life\":\"00000000000000ff\",\"after\":0,\"last\":20000}");
    for (int i = 1; i <= BATCH_RECORDS_MOST; i++)
        at += sprintf(at, "\n{\"sequence\":%d,\"record\":\"k\"}", i);
    assert_int_equal(read_batch(text), 0);
    assert_int_equal(batch.count, BATCH_RECORDS_MOST);
    assert_text(batch.records[BATCH_RECORDS_MOST - 1].kind, "k"); /* words moved while they grew */
    sprintf(at, "\n{\"sequence\":%d,\"record\":\"k\"}", BATCH_RECORDS_MOST + 1);
    assert_int_equal(read_batch(text), -EMSGSIZE);
    free(text);
}

static void what_is_put_together_is_held_to_its_ranges(void **state)
{
    (void)state;
    assert_int_equal(
        read_batch("{\"life\":\"00000000000000ff\",\"after\":5,\"last\":13}\n"
                   "{\"sequence\":6,\"record\":\"body\",\"time\":\"2099-01-01T00:00:00Z\",\"likeness\":"
                   "\"0001000200030004000500060007000800090010001100120013001400150016\",\"recipients\":40,"
                   "\"domains\":-3,\"known\":true}\n"
                   "{\"sequence\":7,\"record\":\"body\",\"likeness\":\"0001\"}\n"
                   "{\"sequence\":8,\"record\":\"points\",\"points\":12.345,\"score\":-7.5}\n"
                   "{\"sequence\":9,\"record\":\"points\",\"points\":1e300}\n"
                   "{\"sequence\":10,\"record\":\"points\",\"points\":5000}\n"
                   "{\"sequence\":11,\"record\":\"points\",\"points\":-5}\n"
                   "{\"sequence\":12,\"record\":\"verdict\",\"verdict\":\"block\",\"address\":\"192.0.2.1\"}\n"
                   "{\"sequence\":13,\"record\":\"traffic\",\"address\":7}\n"),
        0);
    const struct store_record *record = batch.records;
    assert_int_equal(record[0].said, STORE_BODY);
    assert_true(record[0].body.told > NOW + DAY); /* as the node said it, not as it is stored */
    assert_int_equal(record[0].time, NOW);
    assert_text(record[0].body.likeness, "0001000200030004000500060007000800090010001100120013001400150016");
    assert_int_equal(record[0].body.recipients, 40);
    assert_int_equal(record[0].body.domains, 0);
    assert_true(record[0].body.known);
    assert_int_equal(record[1].said, STORE_KEPT);
    assert_int_equal(record[2].points.points, 1235);
    assert_int_equal(record[2].points.score, -750);
    assert_int_equal(record[2].points.told, 0);
    assert_int_equal(record[3].points.points, 0);
    assert_int_equal(record[4].points.points, STORE_POINTS_MOST);
    assert_int_equal(record[5].points.points, 0);
    assert_text(record[6].address, "192.0.2.1");
    assert_text(record[7].address, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(head_says_where_it_belongs, teardown),
        cmocka_unit_test_teardown(record_loses_its_sequence_and_nothing_else, teardown),
        cmocka_unit_test_teardown(texts_are_what_their_escapes_mean, teardown),
        cmocka_unit_test_teardown(time_is_the_nodes_unless_it_is_far_ahead, teardown),
        cmocka_unit_test_teardown(what_the_store_looks_into_is_handed_over, teardown),
        cmocka_unit_test_teardown(what_says_too_little_is_only_kept, teardown),
        cmocka_unit_test_teardown(what_is_put_together_is_held_to_its_ranges, teardown),
        cmocka_unit_test_teardown(heads_that_are_none, teardown),
        cmocka_unit_test_teardown(sequences_rise_within_what_the_head_says, teardown),
        cmocka_unit_test_teardown(records_that_are_none, teardown),
        cmocka_unit_test_teardown(what_is_long_or_deep_is_bounded, teardown),
        cmocka_unit_test_teardown(ten_thousand_records_and_no_more, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
