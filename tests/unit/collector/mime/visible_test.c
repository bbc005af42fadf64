/* What is seen of HTML mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "collector/mime/visible.h"

static void sees(const char *html, const char *wanted)
{
    struct buffer result;
    buffer_init(&result, 65536);
    assert_true(visible_text(text_of(html), &result));
    char text[1024];
    snprintf(text, sizeof text, "%.*s", (int)result.length, result.length ? result.bytes : "");
    assert_string_equal(text, wanted);
    buffer_clear(&result);
}

static void test_tags_go_and_those_of_blocks_part_words(void **unused)
{
    (void)unused;
    sees("<p>One<br>two</p>three", " One two three");
    sees("on<b>e</b> <SPAN class=x>wo</SPAN>rd", "one word");
    sees("<td>one</td><td>two</td>", " one  two ");
    sees("<a href=\"http://x/?a>b\">link</a>", "link");
    sees("a < b and 1<2", "a < b and 1<2");
}

static void test_comments_scripts_and_styles_are_not_seen(void **unused)
{
    (void)unused;
    sees("a<!-- b > c -->d", "ad");
    sees("a<style>p { color: red }</style>b", "a b");
    sees("a<script>if (1 < 2) say('<b>')</script>b", "a b");
    sees("<title>t</title>b", " b");
    sees("a<!-- never ends", "a");
}

static void test_what_is_hidden_is_not_seen(void **unused)
{
    (void)unused;
    sees("a<span style=\"display:none\">padding</span>b", "ab");
    sees("a<span STYLE='color:red; DISPLAY : NONE'>padding</span>b", "ab");
    sees("a<div style=\"font-size:0px\">x<div>y</div>z</div>b", "a b");
    sees("a<span style=\"font-size:10px\">x</span>b", "axb");
    sees("a<img style=\"display:none\">b", "a b");
    sees("a<div style=\"display:none\">never ends", "a ");
}

static void test_references_become_what_they_stand_for(void **unused)
{
    (void)unused;
    sees("Gr&uuml;&szlig;e &amp; mehr&nbsp;&#8364;&#x41;", "Gr\xc3\xbc\xc3\x9f"
                                                           "e & mehr \xe2\x82\xac"
                                                           "A");
    sees("a&unknown;b", "a b");
    sees("AT&T &", "AT  &");
    sees("&#0;&#xd800;&#1114112;&#99999999;", "    ");
    sees("vi&#8203;agra", "viagra");
}

static void test_what_does_not_fit_is_left_out(void **unused)
{
    struct buffer result;
    (void)unused;
    buffer_init(&result, 8);
    assert_false(visible_text(TEXT("12345<b>67</b>890"), &result));
    assert_true(result.length <= 8);
    buffer_clear(&result);
}

static void test_broken_tags_end_somewhere(void **unused)
{
    (void)unused;
    sees("a<", "a<");
    sees("a<b", "a");
    sees("a<b x=\"never>ends", "aends");
    sees("a</", "a ");
    sees("&", "&");
    sees("&#", " ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags_go_and_those_of_blocks_part_words),
        cmocka_unit_test(test_comments_scripts_and_styles_are_not_seen),
        cmocka_unit_test(test_what_is_hidden_is_not_seen),
        cmocka_unit_test(test_references_become_what_they_stand_for),
        cmocka_unit_test(test_what_does_not_fit_is_left_out),
        cmocka_unit_test(test_broken_tags_end_somewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
