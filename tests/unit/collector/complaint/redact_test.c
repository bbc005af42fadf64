/* What a head says once nobody is to learn who received the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "collector/complaint/redact.h"

static struct buffer got;

static const char *redact(const char *head, const char *recipient)
{
    const struct text one = text_of(recipient ? recipient : "");
    buffer_clear(&got);
    buffer_init(&got, REDACT_MOST);
    assert_true(redact_head(text_of(head), &one, recipient != NULL, &got));
    assert_true(buffer_append_byte(&got, '\0'));
    return got.bytes;
}

static void test_fields_that_say_where_it_came_from_are_kept(void **unused)
{
    (void)unused;
    assert_string_equal(redact("Return-Path: <news@shop.example>\nX-Customer: bob\nFrom: Shop <news@shop.example>\n"
                               "To: Bob <bob@there.example>\nsubject: Sale\nDKIM-Signature: v=1; b=bob\n",
                               "bob@there.example"),
                        "Return-Path: <news@shop.example>\r\nFrom: Shop <news@shop.example>\r\nsubject: Sale\r\n");
}

static void test_the_name_of_a_recipient_is_hidden_in_whatever_way_it_stands(void **unused)
{
    (void)unused;
    assert_string_equal(redact("Subject: for BOB@There.example, and Bob@elsewhere.example\n", "bob@there.example"),
                        "Subject: for redacted@There.example, and Bob@elsewhere.example\r\n");
    assert_string_equal(redact("Return-Path: <bounce-7-bob=there.example@list.example>\n", "bob@there.example"),
                        "Return-Path: <bounce-7-redacted=there.example@list.example>\r\n");
    assert_string_equal(redact("Subject: see http://x.example/?u=bob%40there.example\n", "bob@there.example"),
                        "Subject: see http://x.example/?u=redacted%40there.example\r\n");
    assert_string_equal(redact("Subject: bob@there.example bob@there.example\n", "bob@there.example"),
                        "Subject: redacted@there.example redacted@there.example\r\n");
}

static void test_whom_the_head_names_as_recipient_is_one(void **unused)
{
    (void)unused;
    assert_string_equal(redact("To: \"Bob, B\" <bob@there.example>, ann@there.example\nDelivered-To: cy@here.example\n"
                               "Subject: ann@there.example cy@here.example\n",
                               NULL),
                        "Subject: redacted@there.example redacted@here.example\r\n");
}

static void test_in_a_received_field_every_name_goes(void **unused)
{
    (void)unused;
    assert_string_equal(
        redact(
            "Received: from out.shop.example ([203.0.113.9])\n\tby mx.example with ESMTP id 7 for <someone@x.example>\n"
            "\t(envelope-from <a@b.example>); Mon, 23 Nov 2026 08:00:00 +0000\n",
            "bob@there.example"),
        "Received: from out.shop.example ([203.0.113.9])\n\tby mx.example with ESMTP id 7 for <redacted@x.example>\n"
        "\t(envelope-from <redacted@b.example>); Mon, 23 Nov 2026 08:00:00 +0000\r\n");
}

static void test_what_is_encoded_cannot_be_searched(void **unused)
{
    (void)unused;
    assert_string_equal(redact("Subject: Hi =?utf-8?b?Ym9i?= and =?utf-8?q?=62ob=40there?= =?x\n", "bob@there.example"),
                        "Subject: Hi [encoded] and [encoded] =?x\r\n");
}

static void test_any_bytes(void **unused)
{
    (void)unused;
    assert_string_equal(redact("", "bob@there.example"), "");
    assert_string_equal(redact("no field\n\n: x\nFrom\nFrom:\n", "@"), "From: \r\n");
    assert_string_equal(redact("Subject: @ = %40 a@ =@= bob@\nTo: @,a@,@b,bob\n", "bob@"),
                        "Subject: @ = %40 a@ =@= bob@\r\n");
    static char many[4 * REDACT_HEAD_MOST];
    memset(many, '@', sizeof many - 1);
    memcpy(many, "Received: ", 10);
    assert_int_equal(strlen(redact(many, "bob@there.example")), REDACT_HEAD_MOST + 2);
    memset(many + 10, '=', sizeof many - 11);
    assert_true(strlen(redact(many, "=@=")) > REDACT_HEAD_MOST);
}

static void test_addresses(void **unused)
{
    static const char *const cases[][2] = {{"bob@there.example", "redacted@there.example"},
                                           {"bob", "redacted"},
                                           {"", "redacted"},
                                           {"\"a@b\"@c.example", "redacted@c.example"}};
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buffer_clear(&got);
        buffer_init(&got, 100);
        assert_true(redact_address(text_of(cases[i][0]), &got));
        assert_true(text_equals(buffer_text(&got), text_of(cases[i][1])));
    }
}

static void test_what_does_not_fit_is_said(void **unused)
{
    const struct text one = TEXT("bob@there.example");
    (void)unused;
    buffer_clear(&got);
    buffer_init(&got, 20);
    assert_false(redact_head(TEXT("Subject: bob@there.example\n"), &one, 1, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_that_say_where_it_came_from_are_kept),
        cmocka_unit_test(test_the_name_of_a_recipient_is_hidden_in_whatever_way_it_stands),
        cmocka_unit_test(test_whom_the_head_names_as_recipient_is_one),
        cmocka_unit_test(test_in_a_received_field_every_name_goes),
        cmocka_unit_test(test_what_is_encoded_cannot_be_searched),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_what_does_not_fit_is_said),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_clear(&got);
    return failed;
}
