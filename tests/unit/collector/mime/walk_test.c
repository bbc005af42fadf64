/* One message taken apart: what a mail program shows of it is found, and no message makes it do more than it may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <gd.h>
#include <sodium.h>
#include "collector/mime/walk.h"

#define TEXT_OF_IT "Visit our shop today and save on all watches and bags, for this offer ends very soon indeed"

static struct message_facts facts;
static uint32_t texts_read;

static void read_text(void *context, const struct picture *picture, struct buffer *result)
{
    (void)context;
    texts_read += picture->width > 0;
    assert_true(buffer_append(result, TEXT(" BUY\n\n \tNOW\x01 ")));
}

static const struct walk_limits limits = {
    .picture_size = 1000000, .picture_pixels = 1000000, .pictures = 4, .read_text = read_text};

static void walk(const char *content)
{
    walk_message(text_of(content), &limits, &facts);
    assert_true(facts_are_sound(&facts));
}

static void test_subject_and_text_of_a_plain_message(void **unused)
{
    (void)unused;
    walk("Subject: Good\r\n news\r\nFrom: a@example.com\r\nMessage-ID:\r\n <m1@example.com>\r\n\r\n" TEXT_OF_IT "\r\n");
    assert_string_equal(facts.subject, "Good news");
    assert_string_equal(facts.message_id, "m1@example.com");
    assert_int_equal(strlen(facts.body), 32);
    assert_int_equal(facts.parts, 1);
    assert_int_equal(facts.picture_count, 0);
    assert_int_equal(facts.cut, 0);
}

static void test_subjects_are_decoded_and_printable(void **unused)
{
    (void)unused;
    walk("Subject: =?utf-8?B?R3LDvMOfZQ==?= =?iso-8859-1?Q?_f=FCr_Sie?=\r\n\r\n");
    assert_string_equal(facts.subject, "Gr\xc3\xbc\xc3\x9f"
                                       "e f\xc3\xbcr Sie");
    walk("Subject: a\x1b[31mb =?utf-8?Q?=1B=00=FFc?=\r\n\r\n");
    assert_null(strchr(facts.subject, '\x1b'));
    walk("Subject: =?no-such-set?Q?x=E4?=\r\n\r\n");
    walk("\r\n");
    assert_string_equal(facts.subject, "");
}

static void test_copies_of_one_mailing_have_one_digest(void **unused)
{
    char body[FACTS_BODY];
    (void)unused;
    walk("To: Ann <ann@example.com>\r\n\r\nDear Ann,\r\n" TEXT_OF_IT "\r\nYour code: 8271\r\n");
    memcpy(body, facts.body, sizeof body);
    walk("To: Bob <bob@example.com>\r\nContent-Type: text/html\r\n\r\n<html><p>Dear Bob,</p><p>" TEXT_OF_IT
         "</p><span style='display:none'>xyz qwr</span>Your code: 1166</html>");
    assert_string_equal(facts.body, body);
    walk("To: Cid <cid@example.com>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
         "RGVhciBDaWQsClZpc2l0IG91ciBzaG9wIHRvZGF5IGFuZCBzYXZlIG9uIGFsbCB3YXRjaGVzIGFuZCBiYWdzLCBmb3IgdGhpcyBvZmZl\r\n"
         "ciBlbmRzIHZlcnkgc29vbiBpbmRlZWQKWW91ciBjb2RlOiA5MTEK\r\n");
    assert_string_equal(facts.body, body);
    walk("To: Dan <dan@example.com>\r\n\r\nDear Dan,\r\n" TEXT_OF_IT " for friends\r\n");
    assert_string_not_equal(facts.body, body);
}

static void test_one_text_in_two_character_sets_is_one(void **unused)
{
    char body[FACTS_BODY];
    (void)unused;
    walk("Content-Type: text/plain; charset=utf-8\r\n\r\n" TEXT_OF_IT " f\xc3\xbcr Sie\r\n");
    memcpy(body, facts.body, sizeof body);
    walk("Content-Type: text/plain; charset=iso-8859-1\r\n\r\n" TEXT_OF_IT " f\xfcr Sie\r\n");
    assert_string_equal(facts.body, body);
}

static void test_a_few_words_have_no_digest(void **unused)
{
    (void)unused;
    walk("\r\nHello, this is a test.\r\n");
    assert_string_equal(facts.body, "");
    walk("\r\n\r\n");
    assert_string_equal(facts.body, "");
}

/* --- pictures --- */

static char *encode(gdImagePtr image)
{
    int size;
    void *bytes = gdImagePngPtr(image, &size);
    size_t length = sodium_base64_encoded_len((size_t)size, sodium_base64_VARIANT_ORIGINAL);
    char *result = malloc(length);
    sodium_bin2base64(result, length, bytes, (size_t)size, sodium_base64_VARIANT_ORIGINAL);
    gdFree(bytes);
    gdImageDestroy(image);
    return result;
}

static gdImagePtr draw(int shift)
{
    gdImagePtr image = gdImageCreateTrueColor(200, 150);
    gdImageFilledRectangle(image, 0, 0, 199, 149, gdTrueColor(240, 240, 255));
    gdImageFilledEllipse(image, 50 + shift, 60, 60, 40, gdTrueColor(200, 0, 0));
    gdImageFilledRectangle(image, 120 - shift, 80, 180, 140, gdTrueColor(0, 90, 0));
    return image;
}

static void attach(char *message, const char *type, const char *picture)
{
    sprintf(message + strlen(message), "--x\r\nContent-Type: %s\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n",
            type, picture);
}

static void test_pictures_are_found_whatever_they_are_called(void **unused)
{
    static char message[400000];
    char *one = encode(draw(0)), *other = encode(draw(50));
    (void)unused;
    texts_read = 0;
    strcpy(message, "Content-Type: multipart/mixed; boundary=x\r\n\r\n");
    attach(message, "image/png", one);
    attach(message, "application/octet-stream; name=a.bin", other);
    attach(message, "image/jpeg", one); /* once more, and no JPEG */
    strcat(message, "--x--\r\n");
    walk(message);
    assert_int_equal(facts.picture_count, 2);
    assert_int_equal(facts.pictures[0].width, 200);
    assert_int_equal(facts.pictures[0].height, 150);
    assert_true(facts.pictures[0].hash != facts.pictures[1].hash);
    assert_int_equal(texts_read, 3);
    assert_string_equal(facts.picture_text, "BUY NOW? BUY NOW? BUY NOW?");
    message[strlen(message) - strlen("--x--\r\n")] = '\0';
    for (int i = 0; i < 6; i++) /* more than are looked at */
        attach(message, "image/png", other);
    walk(message);
    assert_int_equal(facts.picture_count, 2);
    assert_int_equal(facts.pictures_passed_over, 5);
    free(one);
    free(other);
}

static void test_broken_and_large_pictures_are_passed_over(void **unused)
{
    static char message[400000];
    char *one = encode(draw(0));
    (void)unused;
    strcpy(message, "Content-Type: multipart/mixed; boundary=x\r\n\r\n");
    attach(message, "image/png", "bm8gcGljdHVyZQ==");
    attach(message, "image/png", one);
    const struct walk_limits small = {.picture_size = 100, .picture_pixels = 1000000, .pictures = 4};
    walk_message(text_of(message), &small, &facts);
    assert_int_equal(facts.picture_count, 0);
    assert_int_equal(facts.pictures_passed_over, 2);
    const struct walk_limits none = {.pictures = 4};
    walk_message(text_of(message), &none, &facts);
    assert_int_equal(facts.picture_count, 0);
    assert_int_equal(facts.pictures_passed_over, 0);
    free(one);
}

/* --- what is meant to break it --- */

static void test_nested_deeply(void **unused)
{
    static char message[1000000];
    size_t length = 0;
    (void)unused;
    for (int i = 0; i < 4000; i++)
        length +=
            (size_t)sprintf(message + length, "Content-Type: multipart/mixed; boundary=\"%d\"\r\n\r\n--%d\r\n", i, i);
    walk(message);
    length = 0;
    for (int i = 0; i < 4000; i++)
        length += (size_t)sprintf(message + length, "Content-Type: message/rfc822\r\n\r\n");
    walk(message);
}

static void test_many_parts(void **unused)
{
    static char message[1000000];
    size_t length = (size_t)sprintf(message, "Content-Type: multipart/mixed; boundary=x\r\n\r\n");
    (void)unused;
    for (int i = 0; i < 20000; i++)
        length += (size_t)sprintf(message + length, "--x\r\n\r\nhello\r\n");
    walk(message);
    assert_int_equal(facts.cut, 1);
    assert_in_range(facts.parts, 100, 1000);
}

static void test_long_lines_and_headers(void **unused)
{
    static char message[2000000];
    (void)unused;
    memset(message, 'a', sizeof message - 1);
    walk(message);
    memcpy(message, "Subject: ", 9);
    walk(message);
    memcpy(message, "\r\n\r\n     ", 9);
    walk(message);
    memcpy(message, "Content-Type: multipart/mixed; boundary=\"", 41);
    walk(message);
}

static void test_zero_bytes_and_nothing(void **unused)
{
    (void)unused;
    walk_message((struct text){"\0\0\0", 3}, &limits, &facts);
    assert_true(facts_are_sound(&facts));
    walk_message((struct text){"", 0}, &limits, &facts);
    assert_true(facts_are_sound(&facts));
}

/* --- what the collector believes of them --- */

static void test_facts_that_are_none_are_told(void **unused)
{
    struct message_facts given = {.body = "0123456789abcdef0123456789abcdef", .subject = "Hello"};
    (void)unused;
    assert_true(facts_are_sound(&given));
    given.picture_count = FACTS_PICTURES + 1;
    assert_false(facts_are_sound(&given));
    given.picture_count = 0;
    given.subject[2] = '\n';
    assert_false(facts_are_sound(&given));
    memset(given.subject, 'a', sizeof given.subject);
    assert_false(facts_are_sound(&given));
    strcpy(given.subject, "");
    strcpy(given.body, "0123456789abcdef0123456789abcdeF");
    assert_false(facts_are_sound(&given));
    strcpy(given.body, "0123");
    assert_false(facts_are_sound(&given));
    memset(given.body, '0', sizeof given.body);
    assert_false(facts_are_sound(&given));
}

static int prepare(void **unused)
{
    (void)unused;
    walk_prepare();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subject_and_text_of_a_plain_message),
        cmocka_unit_test(test_subjects_are_decoded_and_printable),
        cmocka_unit_test(test_copies_of_one_mailing_have_one_digest),
        cmocka_unit_test(test_one_text_in_two_character_sets_is_one),
        cmocka_unit_test(test_a_few_words_have_no_digest),
        cmocka_unit_test(test_pictures_are_found_whatever_they_are_called),
        cmocka_unit_test(test_broken_and_large_pictures_are_passed_over),
        cmocka_unit_test(test_nested_deeply),
        cmocka_unit_test(test_many_parts),
        cmocka_unit_test(test_long_lines_and_headers),
        cmocka_unit_test(test_zero_bytes_and_nothing),
        cmocka_unit_test(test_facts_that_are_none_are_told),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
