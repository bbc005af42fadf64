/* A stranger's text in HTML is text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/letter/html.h"

static void expect(struct text text, const char *wanted)
{
    struct buffer out;
    buffer_init(&out, 4096);
    assert_true(html_escape(text, &out));
    assert_true(buffer_append_byte(&out, '\0'));
    assert_string_equal(out.bytes, wanted);
    buffer_clear(&out);
}

static void what_html_obeys_is_escaped(void **state)
{
    (void)state;
    expect(TEXT(""), "");
    expect(TEXT("plain"), "plain");
    expect(TEXT("<script>alert('x')</script>"), "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
    expect(TEXT("\" onload=\"x & y"), "&quot; onload=&quot;x &amp; y");
    expect(TEXT("żółć\na"), "żółć\na");
}

static void what_a_reader_obeys_is_not_there(void **state)
{
    (void)state;
    expect(TEXT("a\0b\x1b\x7f\xc2\x85"), "a?b???");
    expect(TEXT("\xff<"), "\xef\xbf\xbd&lt;");
    expect(TEXT("abc\xe2\x80\xae"
                "cba\xe2\x81\xa6"),
           "abccba");
}

static void what_does_not_fit_is_told(void **state)
{
    struct buffer out;
    (void)state;
    buffer_init(&out, 4);
    assert_false(html_escape(TEXT("<<"), &out));
    buffer_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_html_obeys_is_escaped),
        cmocka_unit_test(what_a_reader_obeys_is_not_there),
        cmocka_unit_test(what_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
