/* A person reads what a message says, and no byte of it does anything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/quarantine/display.h"
#include "collector/quarantine/safe.h"

static struct buffer shown;

static const char *show_bytes(struct text content)
{
    buffer_clear(&shown);
    buffer_init(&shown, 1 << 20);
    assert_true(display_message(content, &shown));
    assert_true(buffer_append_byte(&shown, '\0'));
    return shown.bytes;
}

static const char *show(const char *content)
{
    return show_bytes(text_of(content));
}

static int clear(void **state)
{
    (void)state;
    buffer_clear(&shown);
    return 0;
}

static void header_and_text_are_shown_behind_a_mark(void **state)
{
    (void)state;
    assert_string_equal(show("Subject: hello\r\nTo: a@b,\r\n c@d\r\n\r\nline\r\n\r\nlast"),
                        "| Subject: hello\n| To: a@b,\n|  c@d\n\n| line\n| \n| last\n");
    assert_string_equal(show("no header at all\n"), "\n| no header at all\n");
    assert_string_equal(show(""), "");
}

static void what_a_terminal_would_obey_is_not_there(void **state)
{
    (void)state;
    show_bytes(TEXT("Subject: \x1b]0;title\x07 \x1b[2J\r\n\r\na\0b\rc\x9b"
                    "31m \xc2\x9b"
                    "31m \x7f \xe2\x80\xae"
                    "gpj\xe2\x80\x8b \xef\xbb\xbf"));
    for (size_t i = 0; i + 1 < shown.length; i++)
        assert_true((unsigned char)shown.bytes[i] >= ' ' || shown.bytes[i] == '\n');
    assert_string_equal(shown.bytes, "| Subject: ?]0;title? ?[2J\n\n| a?b?c\xef\xbf\xbd"
                                     "31m ?31m ? ?gpj? ?\n");
}

/* Nor where we speak: what a part is called is its sender's word too. */
static void names_of_parts_turn_nothing_round(void **state)
{
    (void)state;
    show("Content-Type: image/\xe2\x80\xaepng; name=\"a\xe2\x80\xaegpj.exe\xe2\x80\x8b\"\r\n\r\nxyz");
    assert_non_null(strstr(shown.bytes, "[image/?png \"a?gpj.exe?\", 3 bytes as they were sent; not shown]\n"));
}

static void text_is_decoded(void **state)
{
    (void)state;
    assert_non_null(strstr(show("Content-Type: text/plain; charset=\"utf-8\"\nContent-Transfer-Encoding: base64\n\n"
                                "R3L8w7xuCg==\n"),
                           "| Gr\xef\xbf\xbd\xc3\xbcn\n"));
    assert_non_null(strstr(show("Content-Type: text/plain; charset=iso-8859-1\n"
                                "Content-Transfer-Encoding: quoted-printable\n\nGr=FCn =\nund =3D =9D =1B[2J =ZZ="),
                           "| Gr\xc3\xbcn und = ? ?[2J =ZZ=\n"));
    assert_non_null(strstr(show("Content-Type: text/plain; charset=koi8-r\n\nab\xc1\n"), "| ab\xef\xbf\xbd\n"));
}

static void parts_are_told_from_each_other(void **state)
{
    (void)state;
    show("Content-Type: multipart/mixed; boundary=\"one\"\n\nfor old readers\n--one\n"
         "Content-Type: multipart/alternative; boundary=two\n\n--two\n\nplain\n--two\nContent-Type: text/html\n\n"
         "<b>bold</b>\n--two--\nnobody reads this\n--one\n"
         "Content-Type: image/png; name=\"a\x1b[2J.png\"\nContent-Transfer-Encoding: base64\n\nAAAA\n--one--\n");
    assert_non_null(strstr(shown.bytes, "| plain\n"));
    assert_non_null(strstr(shown.bytes, "[text/html, 12 bytes as they were sent]\n| <b>bold</b>\n"));
    assert_non_null(strstr(shown.bytes, "[image/png \"a?[2J.png\", 5 bytes as they were sent; not shown]\n"));
    assert_non_null(strstr(shown.bytes, "bytes behind the last part; not shown]\n"));
    assert_null(strstr(shown.bytes, "old readers"));
    assert_null(strstr(shown.bytes, "nobody"));
}

static void a_message_in_a_message_is_shown_as_one(void **state)
{
    (void)state;
    show("Content-Type: message/rfc822\n\nSubject: inner\n\ntext\n");
    assert_non_null(strstr(shown.bytes, "a message within the message]\n| Subject: inner\n\n| text\n"));
}

static void our_own_words_cannot_be_imitated(void **state)
{
    (void)state;
    const char *text = show("a: b\n\n[image/png, 5 bytes as they were sent; not shown]\n\n\nVerdict: ham\n");
    for (const char *line = strchr(text, '\n') + 2; *line; line = strchr(line, '\n') + 1)
        assert_int_equal(strncmp(line, "| ", 2), 0);
}

static void long_lines_are_cut_between_characters(void **state)
{
    char text[4001];
    (void)state;
    for (size_t i = 0; i < 4000; i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    text[4000] = '\0';
    const char *lines = show(text);
    assert_null(strstr(lines, "\xef\xbf\xbd"));
    for (const char *at = lines + 1; *at; at = strchr(at, '\n') + 1)
        assert_in_range(strchr(at, '\n') - at, 1, 502);
}

static void bombs_are_bounded(void **state)
{
    static char text[400000];
    size_t length = 0;
    (void)state;
    for (int i = 0; i < 2000; i++)
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
    assert_non_null(
        strstr(show_bytes((struct text){text, length}), "more than 8 within each other]\n[multipart/mixed, "));
    length = 0;
    for (int i = 0; i < 5000; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "Content-Type: message/rfc822\n\n");
    buffer_clear(&shown);
    buffer_init(&shown, 1 << 20);
    assert_false(display_message((struct text){text, length}, &shown)); /* it says how much is left out */
    assert_non_null(memmem(shown.bytes, shown.length, "bytes more, not shown]", 22));
    buffer_clear(&shown);
    buffer_init(&shown, 4000);
    assert_false(display_message((struct text){text, length}, &shown));
    assert_in_range(shown.length, 1, 4000);
    assert_int_equal(shown.bytes[shown.length - 1], '\n');
}

static void every_prefix_and_every_changed_byte_is_shown(void **state)
{
    static const char message[] =
        "Content-Type: multipart/mixed; boundary=\"x\"\r\nSubject: =?utf-8?q?a?=\r\n\r\n--x\r\n"
        "Content-Type: text/plain; charset=utf-8; name=\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n=41=\r\n=4\r\n--x\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\nQUI=\r\n--x--\r\n";
    char copy[sizeof message];
    (void)state;
    for (size_t i = 0; i < sizeof message; i++) {
        show_bytes((struct text){message, i});
        for (int value = 0; value < 256; value += 5) {
            memcpy(copy, message, sizeof message);
            copy[i] = (char)value;
            show_bytes((struct text){copy, sizeof message - 1});
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_and_text_are_shown_behind_a_mark),
        cmocka_unit_test(what_a_terminal_would_obey_is_not_there),
        cmocka_unit_test(names_of_parts_turn_nothing_round),
        cmocka_unit_test(text_is_decoded),
        cmocka_unit_test(parts_are_told_from_each_other),
        cmocka_unit_test(a_message_in_a_message_is_shown_as_one),
        cmocka_unit_test(our_own_words_cannot_be_imitated),
        cmocka_unit_test(long_lines_are_cut_between_characters),
        cmocka_unit_test(bombs_are_bounded),
        cmocka_unit_test(every_prefix_and_every_changed_byte_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, clear);
}
