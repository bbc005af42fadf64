/* What a text's likeness survives and what it does not, and that it is the same however the bytes are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/packet/smtp_likeness.h"

static struct likeness cut_into(const char *message, size_t length, size_t piece)
{
    struct smtp_likeness reader = {0};
    struct likeness result;
    for (size_t at = 0; at < length && !reader.done; at += piece)
        smtp_likeness_add(&reader, message + at, length - at < piece ? length - at : piece);
    smtp_likeness_finish(&reader, &result);
    return result;
}

static struct likeness of(const char *message)
{
    return cut_into(message, strlen(message), SIZE_MAX / 2);
}

#define HEADER "From: a@b.museum\r\nSubject: x\r\nContent-Type: text/plain\r\n\r\n"
#define PHISH                                                                                                          \
    "we have noticed unusual activity in your mailbox and for your own safety some of its functions were switched "    \
    "off.\r\nPlease confirm your account within the next day, otherwise all messages that wait for you will be "       \
    "deleted and cannot be brought back.\r\nThe link below leads to the confirmation, which takes less than one "      \
    "minute of your time.\r\n"
#define PHISH_HTML                                                                                                     \
    "we have noticed <b>unusual</b> activity in your mailbox and for your own safety some of its functions were "      \
    "switched off.<br>Please confirm your <a href=\"http://x.example/c?u=1234\">account</a> within the next day, "     \
    "otherwise all messages that wait for you will be deleted and cannot be brought back.<p>The link below leads to "  \
    "the confirmation, which takes less than one minute of your time.</p>"

static const char plain[] = HEADER "Dear Alice Cooper,\r\n" PHISH;

/* How much each has in common with `plain`, at least and at most. */
static const struct row {
    const char *name, *message;
    uint32_t least, most;
} rows[] = {
    {"the same", HEADER "Dear Alice Cooper,\r\n" PHISH, 100, 100},
    {"another header",
     "Received: by other\r\nX-Content: base64\r\nSubject: quite something else\r\n\r\nDear Alice Cooper,\r\n" PHISH,
     100, 100},
    {"another name", HEADER "Dear Bartholomew Featherstone,\r\n" PHISH, 75, 100},
    {"numbers, case, punctuation", HEADER "DEAR ALICE 77 COOPER (4711-0815)!!\r\n12.5%\r\n" PHISH "2026", 100, 100},
    {"random words before", HEADER "qwpo zmxn alskd fjgh tyrue woei vbcnx mzlak\r\nDear Alice Cooper,\r\n" PHISH, 70,
     100},
    {"random words behind", HEADER "Dear Alice Cooper,\r\n" PHISH "qwpo zmxn alskd fjgh tyrue woei vbcnx mzlak\r\n", 70,
     100},
    {"tags",
     HEADER "<html><head><style>\r\np { color: red; margin-left: auto }\r\n</style></head><body>"
            "<!-- a remark -->Dear Alice Cooper,<br>" PHISH_HTML "</body></html>",
     100, 100},
    {"quoted-printable",
     HEADER
     "Dear Ali=\r\nce Cooper=2C\r\nwe have noticed unus=75al activity in your mailbox and for your own safety so=\r\n"
     "me of its functions were switched off.\r\nPlease confirm your account within the next day, otherwise all "
     "messages that wait for you will be deleted and cannot be brought back.\r\nThe link below leads to the "
     "confirmation, which takes less than one minute of your time.=20\r\n",
     100, 100},
    {"base64, as one part of two",
     "Content-Type: multipart/mixed; boundary=\"zz\"\r\n\r\nThis is a message in many parts, says this line, which is "
     "none "
     "of its text.\r\n--zz\r\ncontent-type: text/plain\r\nContent-Transfer-Encoding:\r\n BASE64\r\n\r\n"
     "RGVhciBBbGljZSBDb29wZXIsIHdlIGhhdmUgbm90aWNlZCB1bnVzdWFsIGFjdGl2aXR5IGluIHlv\r\n"
     "dXIgbWFpbGJveCBhbmQgZm9yIHlvdXIgb3duIHNhZmV0eSBzb21lIG9mIGl0cyBmdW5jdGlvbnMg\r\n"
     "d2VyZSBzd2l0Y2hlZCBvZmYuIFBsZWFzZSBjb25maXJtIHlvdXIgYWNjb3VudCB3aXRoaW4gdGhl\r\n"
     "IG5leHQgZGF5LCBvdGhlcndpc2UgYWxsIG1lc3NhZ2VzIHRoYXQgd2FpdCBmb3IgeW91IHdpbGwg\r\n"
     "YmUgZGVsZXRlZCBhbmQgY2Fubm90IGJlIGJyb3VnaHQgYmFjay4gVGhlIGxpbmsgYmVsb3cgbGVh\r\n"
     "ZHMgdG8gdGhlIGNvbmZpcm1hdGlvbiwgd2hpY2ggdGFrZXMgbGVzcyB0aGFuIG9uZSBtaW51dGUg\r\n"
     "b2YgeW91ciB0aW1lLg==\r\n--zz--\r\n",
     100, 100},
    {"an attachment first",
     "Content-Type: multipart/mixed; boundary=\"zz\"\r\n\r\n--zz\r\nContent-Type: application/pdf\r\n\r\nwords that "
     "nobody "
     "reads as they are inside of a document\r\n--zz\r\nContent-Type: text/plain\r\n\r\nDear Alice Cooper,\r\n" PHISH
     "--zz--\r\n",
     100, 100},
    {"another text",
     HEADER "Dear Alice Cooper,\r\nthank you for your order, which we have packed today and given to the post. It will "
            "reach you within three working days. You find the invoice in your account, and all that can be asked "
            "about parcels on our page of questions and answers. With kind regards, the little shop of lamps.\r\n",
     0, 12},
    {"a short one", HEADER "we have noticed unusual activity in your mailbox\r\n", 0, 0},
    {"nothing", "", 0, 0},
};

static void texts_and_their_variants(void **state)
{
    (void)state;
    struct likeness first = of(plain);
    assert_true(likeness_is_known(&first));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct likeness other = of(rows[i].message);
        uint32_t share = likeness_share(&first, &other);
        if (share < rows[i].least || share > rows[i].most)
            fail_msg("%s: %u", rows[i].name, share);
    }
}

/* Eleven words of three letters have no likeness, twelve have one. */
static void short_texts_have_none(void **state)
{
    (void)state;
    struct likeness eleven = of("\r\none two three four five six seven eight nine ten eleven an to of it 123456\r\n");
    struct likeness twelve = of("\r\none two three four five six seven eight nine ten eleven an twelve\r\n");
    assert_false(likeness_is_known(&eleven));
    assert_true(likeness_is_known(&twelve));
}

/* Behind the words that are read, anything may stand. */
static void only_the_first_words_count(void **state)
{
    (void)state;
    char a[4096] = "\r\n", b[4096];
    for (int i = 0; i < SMTP_LIKENESS_WORDS; i++)
        sprintf(a + strlen(a), "word%c%c%c ", 'a' + i % 26, 'b' + i / 26, 'c' + i % 7);
    strcpy(b, a);
    strcat(a, "that is the end of it");
    strcat(b, "quite other things come here");
    struct likeness first = of(a), second = of(b);
    assert_int_equal(likeness_share(&first, &second), 100);
    b[4] ^= 1; /* but within them a change is seen */
    second = of(b);
    assert_true(likeness_share(&first, &second) < 100);
}

/* What is read 64 bytes at a time is what is read byte by byte: real texts, and bytes from a bag of what matters. */
static void cut_anywhere(void **state)
{
    (void)state;
    static const char bag[] = "ab cde fghi jklmnop<>=-\r\n\n-/!\"=3D0Cc\xc3\xa4z";
    static const char *const pieces[] = {"<style>",
                                         "</style>",
                                         "\r\n\r\n",
                                         "\r\n--b\r\n",
                                         "Content-Type: image/png\r\n",
                                         "Content-Transfer-Encoding: base64\r\n",
                                         "wonderful words ",
                                         "=\r\n",
                                         "a line of nothing but words, so that many stand in a row without a tag\r\n"};
    char message[3000];
    uint64_t random = 7;
    for (int round = 0; round < 3000; round++) {
        size_t length = 0;
        while (length < sizeof message - 100) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            uint32_t luck = (uint32_t)(random >> 33);
            if (luck % 3 == 0) {
                message[length++] = bag[luck / 3 % (sizeof bag - 1)];
            } else {
                const char *piece = pieces[luck / 3 % 27 < 9 ? luck / 3 % 27 : 6 + luck % 2 * 2];
                memcpy(message + length, piece, strlen(piece));
                length += strlen(piece);
            }
        }
        struct likeness whole = cut_into(message, length, length), bytes = cut_into(message, length, 1),
                        odd = cut_into(message, length, 1 + (size_t)(random >> 40) % 300);
        assert_memory_equal(&whole, &bytes, sizeof whole);
        assert_memory_equal(&whole, &odd, sizeof whole);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t piece = 1; piece < 200; piece++) {
            struct likeness whole = of(rows[i].message),
                            cut = cut_into(rows[i].message, strlen(rows[i].message), piece);
            assert_memory_equal(&whole, &cut, sizeof whole);
        }
}

/* Bytes are missing: what stands before the gap is the text. */
static void a_gap_ends_it(void **state)
{
    (void)state;
    struct smtp_likeness reader = {0};
    struct likeness whole = of(plain), result;
    smtp_likeness_add(&reader, plain, strlen(plain));
    smtp_likeness_stop(&reader);
    assert_true(reader.done);
    smtp_likeness_finish(&reader, &result);
    assert_memory_equal(&whole, &result, sizeof whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_and_their_variants),
        cmocka_unit_test(short_texts_have_none),
        cmocka_unit_test(only_the_first_words_count),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(a_gap_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
