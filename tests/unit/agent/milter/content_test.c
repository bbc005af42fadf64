/* What a mail server hands a milter in pieces has the digest that the same message has on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "agent/milter/content.h"

struct digested {
    uint64_t bytes, digest[2];
    struct likeness likeness;
};

/* As the packet path reads it: all that stands before the final dot line. */
static struct digested on_the_wire(struct text wire)
{
    struct smtp_counters counters = {0};
    const struct smtp_listener listener = {.counters = &counters};
    struct smtp_content content = {0};
    struct digested known;
    assert_int_equal(smtp_content_take(&content, &listener, &wire), CONTENT_ENDED);
    known.bytes = content.bytes;
    smtp_content_finish(&content, &counters, known.digest, &known.likeness, NULL);
    return known;
}

static struct digested finish(struct milter_content *content)
{
    struct digested known;
    assert_true(milter_content_finish(content, &known.bytes, known.digest, &known.likeness));
    assert_int_equal(content->counters.bytes_held, 0);
    return known;
}

static void same(const struct digested *a, const struct digested *b)
{
    assert_int_equal(a->bytes, b->bytes);
    assert_memory_equal(a->digest, b->digest, sizeof a->digest);
    assert_memory_equal(&a->likeness, &b->likeness, sizeof a->likeness);
}

#define WORDS                                                                                                          \
    "please open the document behind this address and pay the amount today or our lawyers are going to visit\r\n"

static const char wire[] =
    "From: a@example.com\r\nSubject:  two spaces\r\nTo: b@example.com,\r\n\tc@example.com\r\n\r\n" WORDS
    "...two dots\r\n..\r\n.. and one\r\nend\r\n.\r\n";
static const char body[] = WORDS "..two dots\r\n.\r\n. and one\r\nend\r\n";

static void put_headers(struct milter_content *content)
{
    milter_content_header(content, TEXT("From"), TEXT(" a@example.com"), true);
    milter_content_header(content, TEXT("Subject"), TEXT("  two spaces"), true);
    milter_content_header(content, TEXT("To"), TEXT(" b@example.com,\n\tc@example.com"), true);
    milter_content_body_begins(content);
}

static void test_a_message_has_the_wires_digest(void **state)
{
    (void)state;
    struct milter_content content = {0};
    put_headers(&content);
    milter_content_body(&content, text_of(body));
    struct digested found = finish(&content), expected = on_the_wire(text_of(wire));
    same(&found, &expected);
    assert_true(likeness_is_known(&found.likeness));
}

static void test_wherever_the_body_is_cut(void **state)
{
    (void)state;
    struct digested expected = on_the_wire(text_of(wire));
    for (size_t cut = 0; cut <= strlen(body); cut++) {
        struct milter_content content = {0};
        put_headers(&content);
        milter_content_body(&content, (struct text){body, cut});
        milter_content_body(&content, text_of(body + cut));
        struct digested found = finish(&content);
        same(&found, &expected);
    }
}

static void test_a_space_is_put_back_where_the_mail_server_took_it(void **state)
{
    (void)state;
    struct milter_content given = {0}, taken = {0};
    milter_content_header(&given, TEXT("From"), TEXT(" a@example.com"), true);
    milter_content_header(&taken, TEXT("From"), TEXT("a@example.com"), false);
    struct digested a = finish(&given), b = finish(&taken);
    same(&a, &b);
}

static void test_it_can_be_used_again(void **state)
{
    (void)state;
    struct milter_content content = {0};
    milter_content_body(&content, TEXT("half a li"));
    (void)finish(&content);
    put_headers(&content);
    milter_content_body(&content, text_of(body));
    struct digested found = finish(&content), expected = on_the_wire(text_of(wire));
    same(&found, &expected);
}

static void test_nothing_has_the_digest_of_nothing(void **state)
{
    (void)state;
    struct milter_content content = {0};
    struct digested found = finish(&content);
    assert_int_equal(found.bytes, 0);
    assert_false(likeness_is_known(&found.likeness));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_has_the_wires_digest),
        cmocka_unit_test(test_wherever_the_body_is_cut),
        cmocka_unit_test(test_a_space_is_put_back_where_the_mail_server_took_it),
        cmocka_unit_test(test_it_can_be_used_again),
        cmocka_unit_test(test_nothing_has_the_digest_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
