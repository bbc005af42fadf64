/* The text of pictures as a header line that filters can match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "collector/reading/reading.h"

static struct message_facts facts;
static char line[16384];

static const char *header(const char *text)
{
    struct buffer buffer;
    buffer_init(&buffer, sizeof line - 1);
    snprintf(facts.picture_text, sizeof facts.picture_text, "%s", text);
    assert_true(reading_header(&facts, &buffer));
    snprintf(line, sizeof line, "%.*s", (int)buffer.length, buffer.length ? buffer.bytes : "");
    buffer_clear(&buffer);
    return line;
}

static void test_it_is_one_line_where_it_is_short(void **unused)
{
    (void)unused;
    assert_string_equal(header("BUY NOW"), "X-Postern-Picture-Text: BUY NOW\r\n");
    assert_string_equal(header(""), "");
    assert_string_equal(header("  "), "");
}

/* Folded, and the same words when it is unfolded (RFC 5322 2.2.3). */
static void test_long_text_is_folded_between_words(void **unused)
{
    char text[FACTS_PICTURE_TEXT] = "", unfolded[16384] = "";
    (void)unused;
    for (int i = 0; i < 400; i++)
        sprintf(text + strlen(text), "%sword%d", i ? " " : "", i);
    header(text);
    for (char *at = line, *end; (end = strstr(at, "\r\n")) != NULL; at = end + 2) {
        assert_true(end - at < 998 && end > at);
        assert_true(at == line || *at == ' ');
        strncat(unfolded, at, (size_t)(end - at));
    }
    assert_string_equal(unfolded + strlen("X-Postern-Picture-Text: "), text);
}

static void test_one_word_without_an_end_is_parted(void **unused)
{
    char text[FACTS_PICTURE_TEXT];
    (void)unused;
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xbc", 2);
    text[sizeof text - 2] = '\0';
    header(text);
    for (char *at = line, *end; (end = strstr(at, "\r\n")) != NULL; at = end + 2) {
        assert_true(end - at < 998);
        assert_true(text_utf8_sequence((struct text){end - 2, 2}) == 2 || at == line);
    }
}

static void test_without_room_nothing_is_appended(void **unused)
{
    struct buffer buffer;
    (void)unused;
    buffer_init(&buffer, 30);
    snprintf(facts.picture_text, sizeof facts.picture_text, "BUY NOW");
    assert_false(reading_header(&facts, &buffer));
    assert_int_equal(buffer.length, 0);
    buffer_clear(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_one_line_where_it_is_short),
        cmocka_unit_test(test_long_text_is_folded_between_words),
        cmocka_unit_test(test_one_word_without_an_end_is_parted),
        cmocka_unit_test(test_without_room_nothing_is_appended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
