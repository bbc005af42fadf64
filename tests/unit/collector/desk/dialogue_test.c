/* What is said by LMTP and SMTP: in whatever pieces it comes the same message is kept, and what ends one for others
 * than us ends none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "collector/desk/dialogue.h"

static struct buffer kept, said;
static int count, answer;

static int take(void *context, struct text content)
{
    (void)context;
    count++;
    assert_true(buffer_append(&kept, content));
    return answer;
}
static const struct dialogue_owner owner = {2000, take, NULL};

/* True: the connection stays. */
static bool talk(const char *bytes, size_t piece)
{
    struct dialogue *dialogue = dialogue_create(&owner);
    struct text rest = text_of(bytes);
    bool stays = true;
    buffer_clear(&kept);
    buffer_clear(&said);
    count = 0;
    while (rest.length > 0 && stays) {
        size_t length = rest.length < piece ? rest.length : piece;
        stays = dialogue_feed(dialogue, (struct text){rest.bytes, length}, &said);
        rest = (struct text){rest.bytes + length, rest.length - length};
    }
    dialogue_destroy(&dialogue);
    assert_true(buffer_append_byte(&said, '\0') && buffer_append_byte(&kept, '\0'));
    return stays;
}

#define BEGIN "LHLO x\r\nMAIL FROM:<a@b> SIZE=3\r\nRCPT TO:<c@d>\r\nDATA\r\n"

static void test_any_pieces(void **unused)
{
    (void)unused;
    for (size_t piece = 1; piece < 20; piece++) {
        assert_true(talk(BEGIN "Subject: x\r\n\r\n..dot\r\n...\r\nend.\r\n.\r\nNOOP\r\n", piece));
        assert_int_equal(count, 1);
        assert_string_equal(kept.bytes, "Return-Path: <a@b>\r\nSubject: x\r\n\r\n.dot\r\n..\r\nend.\r\n");
        assert_non_null(strstr(said.bytes, "354 go on\r\n250 2.0.0 kept\r\n250 2.0.0 good\r\n"));
    }
}

static void test_only_one_end(void **unused)
{
    (void)unused;
    static const char *const ends[] = {"\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\rx\r\n"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char bytes[400];
        snprintf(bytes, sizeof bytes, BEGIN "x%sMAIL FROM:<evil@b>\r\n.\r\n", ends[i]);
        assert_true(talk(bytes, 7));
        assert_int_equal(count, 1);
        assert_non_null(strstr(kept.bytes, "MAIL FROM:<evil@b>"));
    }
}

static void test_not_now_and_too_large(void **unused)
{
    char bytes[4000] = BEGIN;
    (void)unused;
    answer = -1;
    assert_true(talk(BEGIN "x\r\n.\r\n", 100));
    assert_non_null(strstr(said.bytes, "451 4.3.0"));
    answer = 0;
    size_t length = strlen(bytes);
    memset(bytes + length, 'a', 2500);
    strcpy(bytes + length + 2500, "\r\n.\r\n");
    assert_true(talk(bytes, 100));
    assert_int_equal(count, 0);
    assert_non_null(strstr(said.bytes, "552 5.3.4"));
}

static void test_each_recipient_by_lmtp_has_an_answer(void **unused)
{
    (void)unused;
    assert_true(talk("LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\n", 100));
    assert_int_equal(count, 1);
    assert_non_null(strstr(said.bytes, "250 2.0.0 kept\r\n250 2.0.0 kept\r\n"));
    assert_true(talk("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\n", 100));
    assert_null(strstr(said.bytes, "250 2.0.0 kept\r\n250 2.0.0 kept\r\n"));
}

static void test_who_makes_only_errors_goes(void **unused)
{
    char bytes[400] = "";
    (void)unused;
    for (int i = 0; i < 30; i++)
        strcat(bytes, "nonsense\r\n");
    assert_false(talk(bytes, 50));
    assert_non_null(strstr(said.bytes, "421 4.7.0"));
    assert_false(talk("QUIT\r\nNOOP\r\n", 50));
    assert_null(strstr(said.bytes, "250"));
}

int main(void)
{
    buffer_init(&kept, 8192);
    buffer_init(&said, DIALOGUE_REPLIES_MOST);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_pieces),
        cmocka_unit_test(test_only_one_end),
        cmocka_unit_test(test_not_now_and_too_large),
        cmocka_unit_test(test_each_recipient_by_lmtp_has_an_answer),
        cmocka_unit_test(test_who_makes_only_errors_goes),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_clear(&kept);
    buffer_clear(&said);
    return failed;
}
