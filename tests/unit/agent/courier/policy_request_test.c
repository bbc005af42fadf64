/* A mail server's question: understood whole, waited for while it is not, refused where it is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/courier/policy_request.h"

#define BEGINS "request=smtpd_access_policy\n"

/* In memory of exactly its length, so that a byte read behind it is seen. */
static int parse(struct text bytes, struct policy_request *request)
{
    struct error error = {0};
    static char *kept;
    free(kept);
    kept = malloc(bytes.length ? bytes.length : 1);
    memcpy(kept, bytes.bytes, bytes.length);
    int code = policy_request_parse((struct text){kept, bytes.length}, request, &error);
    assert_true(code >= 0 || error.text[0]);
    return code;
}

static void says(struct text text, const char *expected)
{
    assert_true(text_equals(text, text_of(expected)));
}

static void test_account_and_message_are_read(void **state)
{
    struct policy_request request;
    struct text bytes = TEXT(BEGINS "protocol_state=RCPT\nsasl_method=plain\nsasl_username=alice@example.com\n"
                                    "instance=12f.5b.0\nsasl_sender=\nqueue_id=\n\n");
    (void)state;
    assert_int_equal(parse(bytes, &request), bytes.length);
    says(request.account, "alice@example.com");
    says(request.instance, "12f.5b.0");
}

static void test_all_that_matters_of_a_message_is_read(void **state)
{
    struct policy_request request;
    (void)state;
    assert_true(parse(TEXT(BEGINS "protocol_state=DATA\nclient_address=2001:db8::1\nclient_name=mx.example.com\n"
                                  "helo_name=pc\nsender=a@example.com\nrecipient=\nrecipient_count=3\n"
                                  "queue_id=8045F2AB23\nsize=12345\nencryption_protocol=TLSv1.3\n\n"),
                      &request) > 0);
    assert_int_equal(request.kind, POLICY_ACCESS);
    says(request.state, "DATA");
    says(request.client, "2001:db8::1");
    says(request.client_name, "mx.example.com");
    says(request.helo, "pc");
    says(request.sender, "a@example.com");
    says(request.recipient, "");
    says(request.recipient_count, "3");
    says(request.queue_id, "8045F2AB23");
    says(request.size, "12345");
    says(request.encryption, "TLSv1.3");
}

static void test_our_milter_tells_of_content(void **state)
{
    struct policy_request request;
    (void)state;
    assert_true(parse(TEXT("request=postern_content\nqueue_id=8045F2AB23\nrecipients=2\ndigest=00ff\n"
                           "likeness=0123\nsender=\n\n"),
                      &request) > 0);
    assert_int_equal(request.kind, POLICY_CONTENT);
    says(request.queue_id, "8045F2AB23");
    says(request.recipients, "2");
    says(request.digest, "00ff");
    says(request.likeness, "0123");
}

static void test_an_attribute_is_known_by_its_whole_name(void **state)
{
    struct policy_request request;
    (void)state;
    assert_true(parse(TEXT(BEGINS "sende=x\nsender2=y\nSENDER=z\nsender=a@example.com\n\n"), &request) > 0);
    says(request.sender, "a@example.com");
}

static void test_what_is_not_said_is_empty(void **state)
{
    struct policy_request request;
    (void)state;
    assert_true(parse(TEXT(BEGINS "\n"), &request) > 0);
    says(request.account, "");
    says(request.instance, "");
}

static void test_the_first_of_two_counts(void **state)
{
    struct policy_request request;
    (void)state;
    assert_true(parse(TEXT(BEGINS "sasl_username=alice\nsasl_username=bob\n\n"), &request) > 0);
    says(request.account, "alice");
}

static void test_a_value_may_hold_the_sign(void **state)
{
    struct policy_request request;
    (void)state;
    assert_true(parse(TEXT(BEGINS "sasl_username=a=b\n\n"), &request) > 0);
    says(request.account, "a=b");
}

static void test_exim_may_end_lines_with_returns(void **state)
{
    struct policy_request request;
    (void)state;
    assert_true(parse(TEXT("request=smtpd_access_policy\r\nsasl_username=bob\r\n\r\n"), &request) > 0);
    says(request.account, "bob");
}

static void test_only_the_first_of_several_is_taken(void **state)
{
    struct policy_request request;
    struct text first = TEXT(BEGINS "sasl_username=alice\n\n");
    (void)state;
    assert_int_equal(parse(TEXT(BEGINS "sasl_username=alice\n\n" BEGINS "sasl_username=bob\n\n"), &request),
                     first.length);
    says(request.account, "alice");
}

static void test_every_shorter_piece_is_waited_for(void **state)
{
    struct policy_request request;
    struct text whole = TEXT(BEGINS "sasl_username=alice\n\n");
    (void)state;
    for (size_t length = 0; length < whole.length; length++)
        assert_int_equal(parse((struct text){whole.bytes, length}, &request), 0);
}

static void test_other_things_are_refused(void **state)
{
    static const struct text others[] = {
        TEXT("\n"),
        TEXT("GET / HTTP/1.0\n\n"),
        TEXT("sasl_username=alice\n\n"),
        TEXT("request=junk\nsasl_username=alice\n\n"),
        TEXT(BEGINS "=\nno sign\n\n"),
        TEXT(BEGINS "sasl_username=al\0ice\n\n"),
    };
    struct policy_request request;
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(parse(others[i], &request), -EPROTO);
}

static void test_what_never_ends_is_refused(void **state)
{
    struct policy_request request;
    static char bytes[POLICY_REQUEST_MOST + 2];
    (void)state;
    memset(bytes, 'x', sizeof bytes);
    assert_int_equal(parse((struct text){bytes, POLICY_REQUEST_MOST}, &request), 0);
    assert_int_equal(parse((struct text){bytes, sizeof bytes}, &request), -EPROTO);
    for (size_t i = 0; i + 1 < sizeof bytes; i += 2) {
        bytes[i] = '=';
        bytes[i + 1] = '\n';
    }
    assert_int_equal(parse((struct text){bytes, sizeof bytes}, &request), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_and_message_are_read),
        cmocka_unit_test(test_all_that_matters_of_a_message_is_read),
        cmocka_unit_test(test_our_milter_tells_of_content),
        cmocka_unit_test(test_an_attribute_is_known_by_its_whole_name),
        cmocka_unit_test(test_what_is_not_said_is_empty),
        cmocka_unit_test(test_the_first_of_two_counts),
        cmocka_unit_test(test_a_value_may_hold_the_sign),
        cmocka_unit_test(test_exim_may_end_lines_with_returns),
        cmocka_unit_test(test_only_the_first_of_several_is_taken),
        cmocka_unit_test(test_every_shorter_piece_is_waited_for),
        cmocka_unit_test(test_other_things_are_refused),
        cmocka_unit_test(test_what_never_ends_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
