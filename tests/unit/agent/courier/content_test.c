/* What is said at the policy socket of a message's content: whole, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "agent/courier/content.h"

#define DIGEST   "00112233445566778899aabbccddeeff"
#define LIKENESS "0001000200030004000500060007000800090a0b0c0d0e0f1011121314151617"

static const struct policy_request sound = {.kind = POLICY_CONTENT,
                                            .queue_id = {"4bX", 3},
                                            .recipients = {"2", 1},
                                            .size = {"100", 3},
                                            .digest = {DIGEST, 32},
                                            .likeness = {LIKENESS, 64},
                                            .client = {"", 0},
                                            .account = {"", 0},
                                            .sender = {"", 0},
                                            .helo = {"", 0}};

static void test_it_is_read(void **state)
{
    (void)state;
    union message message;
    assert_true(content_read(&sound, &message));
    assert_true(message.content.digest[1] == UINT64_C(0x0011223344556677));
    assert_true(message.content.digest[0] == UINT64_C(0x8899aabbccddeeff));
    assert_int_equal(message.content.likeness.parts[9], 0x0a0b);
    assert_int_equal(message.content.client.family, 0);
}

static void refused(struct policy_request request)
{
    union message message;
    assert_false(content_read(&request, &message));
}

static void test_what_is_not_whole_is_refused(void **state)
{
    (void)state;
    struct policy_request request = sound;
    request.queue_id = TEXT("");
    refused(request);
    request.queue_id = TEXT("1234567890123456789012345678901234567890123456789012345678901234");
    refused(request);
    request = sound;
    request.recipients = TEXT("-1");
    refused(request);
    request.recipients = TEXT("4294967296");
    refused(request);
    request = sound;
    request.size = TEXT("");
    refused(request);
    request = sound;
    request.digest = TEXT("0011");
    refused(request);
    request.digest = TEXT("00112233445566778899AABBCCDDEEFF");
    refused(request);
    request = sound;
    request.likeness = TEXT(LIKENESS "0");
    refused(request);
}

static void test_long_names_are_cut(void **state)
{
    (void)state;
    struct policy_request request = sound;
    union message message;
    char much[1000];
    memset(much, 'x', sizeof much);
    request.account = request.sender = request.helo = (struct text){much, sizeof much};
    assert_true(content_read(&request, &message));
    assert_true(message_is_sound(&message));
    assert_int_equal(strlen(message.content.account), sizeof message.content.account - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_read),
        cmocka_unit_test(test_what_is_not_whole_is_refused),
        cmocka_unit_test(test_long_names_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
