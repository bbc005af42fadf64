/* What the milter asks and tells: the attributes that Postfix would send, whatever a client said, and what the courier
 * makes of them again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "agent/courier/content.h"
#include "agent/milter/question.h"

static struct milter_letter letter_of(const char *client, const char *sender, const char *account, const char *queue)
{
    struct milter_letter letter = {.recipients = 3};
    milter_letter_set(letter.client_address, sizeof letter.client_address, client);
    milter_letter_set_path(letter.sender, sizeof letter.sender, sender);
    milter_letter_set(letter.account, sizeof letter.account, account);
    milter_letter_set(letter.queue, sizeof letter.queue, queue);
    milter_letter_set(letter.helo, sizeof letter.helo, "pc.example.com");
    milter_letter_set(letter.instance, sizeof letter.instance, "milter.1.2");
    return letter;
}

static struct policy_request parse(const struct buffer *bytes)
{
    struct policy_request request;
    struct error error = {0};
    assert_int_equal(policy_request_parse(buffer_text(bytes), &request, &error), bytes->length);
    return request;
}

static void says(struct text text, const char *expected)
{
    if (!text_equals(text, text_of(expected)))
        fail_msg("%.*s, not %s", (int)text.length, text.bytes, expected);
}

static void test_a_recipient_is_asked_about(void **state)
{
    (void)state;
    struct buffer bytes;
    buffer_init(&bytes, MILTER_QUESTION_MOST);
    struct milter_letter letter = letter_of("2001:db8::7", "<a@example.com>", "alice", "4bX");
    assert_true(milter_question_write(&letter, "<b@example.net>", 0, &bytes));
    struct policy_request request = parse(&bytes);
    assert_int_equal(request.kind, POLICY_ACCESS);
    says(request.state, "RCPT");
    says(request.client, "2001:db8::7");
    says(request.sender, "a@example.com");
    says(request.recipient, "b@example.net");
    says(request.account, "alice");
    says(request.queue_id, "4bX");
    says(request.helo, "pc.example.com");
    says(request.instance, "milter.1.2");
    buffer_clear(&bytes);
}

static void test_so_is_the_whole_message(void **state)
{
    (void)state;
    struct buffer bytes;
    buffer_init(&bytes, MILTER_QUESTION_MOST);
    struct milter_letter letter = letter_of("192.0.2.1", "<>", "", "4bX");
    assert_true(milter_question_write(&letter, NULL, 4711, &bytes));
    struct policy_request request = parse(&bytes);
    says(request.state, "END-OF-MESSAGE");
    says(request.sender, "");
    says(request.recipient, "");
    says(request.recipient_count, "3");
    says(request.size, "4711");
    buffer_clear(&bytes);
}

static void test_nobody_can_add_a_line(void **state)
{
    (void)state;
    struct buffer bytes;
    buffer_init(&bytes, MILTER_QUESTION_MOST);
    struct milter_letter letter = letter_of("192.0.2.1", "<a\nsasl_username=bob\n\n>", "x\r\nsender=y", "4b\tX");
    assert_true(milter_question_write(&letter, "<b\n\nrequest=postern_content>", 0, &bytes));
    struct policy_request request = parse(&bytes);
    says(request.sender, "a?sasl_username=bob??");
    says(request.account, "x??sender=y");
    says(request.recipient, "b??request=postern_content");
    says(request.queue_id, "4b?X");
    buffer_clear(&bytes);
}

static void test_the_longest_of_all_has_room(void **state)
{
    (void)state;
    struct milter_letter letter = {.recipients = UINT32_MAX};
    char much[4000];
    uint64_t digest[2] = {UINT64_MAX, UINT64_MAX};
    struct likeness likeness;
    struct buffer bytes;
    memset(much, 'x', sizeof much - 1);
    much[sizeof much - 1] = 0;
    memset(&likeness, 0xff, sizeof likeness);
    milter_letter_set(letter.client_address, sizeof letter.client_address, much);
    milter_letter_set(letter.client_name, sizeof letter.client_name, much);
    milter_letter_set(letter.helo, sizeof letter.helo, much);
    milter_letter_set_path(letter.sender, sizeof letter.sender, much);
    milter_letter_set(letter.account, sizeof letter.account, much);
    milter_letter_set(letter.queue, sizeof letter.queue, much);
    milter_letter_set(letter.instance, sizeof letter.instance, much);
    buffer_init(&bytes, MILTER_QUESTION_MOST);
    assert_true(milter_question_write(&letter, much, UINT64_MAX, &bytes));
    (void)parse(&bytes);
    buffer_clear(&bytes);
    assert_true(milter_content_write(&letter, UINT64_MAX, digest, &likeness, &bytes));
    (void)parse(&bytes);
    buffer_clear(&bytes);
}

static void test_content_comes_to_the_watcher_as_it_was(void **state)
{
    (void)state;
    const uint64_t digest[2] = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)};
    struct likeness likeness;
    struct buffer bytes;
    union message message;
    for (size_t i = 0; i < LIKENESS_PARTS; i++)
        likeness.parts[i] = (uint16_t)(i * 4099);
    buffer_init(&bytes, MILTER_QUESTION_MOST);
    struct milter_letter letter = letter_of("192.0.2.1", "<a@example.com>", "alice@example.com", "4bX");
    assert_true(milter_content_write(&letter, 815, digest, &likeness, &bytes));
    struct policy_request request = parse(&bytes);
    assert_int_equal(request.kind, POLICY_CONTENT);
    assert_true(content_read(&request, &message));
    assert_true(message_is_sound(&message));
    assert_memory_equal(message.content.digest, digest, sizeof digest);
    assert_memory_equal(&message.content.likeness, &likeness, sizeof likeness);
    assert_int_equal(message.content.bytes, 815);
    assert_int_equal(message.content.recipients, 3);
    assert_int_equal(message.content.client.family, 4);
    assert_string_equal(message.content.queue, "4bX");
    assert_string_equal(message.content.account, "alice@example.com");
    assert_string_equal(message.content.sender, "a@example.com");
    assert_string_equal(message.content.helo, "pc.example.com");
    buffer_clear(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_recipient_is_asked_about),
        cmocka_unit_test(test_so_is_the_whole_message),
        cmocka_unit_test(test_nobody_can_add_a_line),
        cmocka_unit_test(test_the_longest_of_all_has_room),
        cmocka_unit_test(test_content_comes_to_the_watcher_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
