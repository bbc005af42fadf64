/* What a template says becomes a letter, what is wrong in it is told with its line, and every shipped language is
 * whole: all words, all lists, every detector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include "collector/letter/template.h"
#include "common/cleanup.h"
#include "detectors/detector.h"

static struct template *read(const char *text)
{
    struct template *template = NULL;
    struct error error = {0};
    if (template_read(text_of(text), "own.txt", &template, &error) < 0)
        fail_msg("%s", error.text);
    return template;
}

static struct letter_facts facts(void)
{
    static const struct letter_row held[] = {
        {{TEXT("203.0.113.7 (tap7)"), TEXT("2026-11-26 14:30 UTC"), TEXT("2026-11-27 14:30 UTC"), TEXT("")}},
        {{TEXT("account:anna@example.net"), TEXT("2026-11-26 14:31 UTC"), TEXT("2026-11-26 15:30 UTC"), TEXT("yes")}}};
    static const struct letter_row reasons[] = {{{TEXT("amount"), TEXT("4,000 messages in 10 minutes")}},
                                                {{TEXT("recipients"), TEXT("312 of 400 recipients are unknown")}}};
    static const struct letter_row complaints[] = {
        {{TEXT("2026-11-26"), TEXT("spam"), TEXT("203.0.113.7"), TEXT("<a@example.net>")}}};
    static const struct letter_row listings[] = {
        {{TEXT("203.0.113.7"), TEXT("zen.example"), TEXT("2026-11-26"), TEXT("https://zen.example/out")}}};
    return (struct letter_facts){.values = {[VALUE_CUSTOMER] = TEXT("acme"),
                                            [VALUE_DESK] = TEXT("Abuse desk"),
                                            [VALUE_REPLY] = TEXT("abuse@example.net"),
                                            [VALUE_DATE] = TEXT("2026-11-26 14:35 UTC"),
                                            [VALUE_BLOCKED] = TEXT("yes"),
                                            [VALUE_ACCOUNT] = TEXT("yes"),
                                            [VALUE_MACHINE] = TEXT("yes"),
                                            [VALUE_UNTIL] = TEXT("2026-11-27 14:30 UTC"),
                                            [VALUE_REFERENCE] = TEXT("0123456789abcdef")},
                                 .lists = {[LIST_HELD] = {held, 2},
                                           [LIST_REASON] = {reasons, 2},
                                           [LIST_COMPLAINT] = {complaints, 1},
                                           [LIST_LISTING] = {listings, 1}}};
}

/* Subject, a newline, the text; to be freed. */
static char *write(const struct template *template, const struct template *other, const struct letter_facts *facts)
{
    struct buffer subject, text;
    buffer_init(&subject, 4096);
    buffer_init(&text, 64 * 1024);
    assert_true(template_write(template, other, facts, &subject, &text));
    assert_true(buffer_append_byte(&subject, '\n') && buffer_append(&subject, buffer_text(&text)) &&
                buffer_append_byte(&subject, '\0'));
    buffer_clear(&text);
    return subject.bytes;
}

static void expect(const char *template_text, const char *wanted)
{
    CLEANUP(template_destroy) struct template *template = read(template_text);
    const struct letter_facts given = facts();
    char *written = write(template, NULL, &given);
    assert_string_equal(written, wanted);
    free(written);
}

static void names_conditions_and_lists(void **state)
{
    (void)state;
    expect("what stands here is for people {whatever}\n"
           "@subject\n@if blocked\nBlocked:\n@else\nOpen:\n@end\n{customer}\n"
           "@text\n@if not blocked\nno\n@end\n@if blocked\n{{{customer}}\n@end\n@@home\n"
           "@each held\n@if held.throttled\n- slow {held.who}\n@else\n- {held.who}\n@end\n@end\n"
           "@each reason\n{reason.what}: {reason.seen}\n@end\n"
           "@if note\nnote\n@else\nnone\n@end\n"
           "@word amount\nToo\n much.\n@word spam\nspam\n",
           "Blocked: acme\n"
           "{acme}\n@home\n"
           "- 203.0.113.7 (tap7)\n- slow account:anna@example.net\n"
           "Too much.: 4,000 messages in 10 minutes\nrecipients: 312 of 400 recipients are unknown\n"
           "none\n");
}

static void a_list_within_a_list(void **state)
{
    (void)state;
    expect("@subject\ns\n@text\n@each held\n{held.who}\n@each complaint\n+ {complaint.address} {held.who}\n@end\n@end\n"
           "@each held\n= {held.since}\n@end\n",
           "s\n203.0.113.7 (tap7)\n+ 203.0.113.7 203.0.113.7 (tap7)\naccount:anna@example.net\n"
           "+ 203.0.113.7 account:anna@example.net\n= 2026-11-26 14:30 UTC\n= 2026-11-26 14:31 UTC\n");
}

static void paragraphs_are_set_neatly(void **state)
{
    (void)state;
    expect("@subject\ns\n@text\n\n\none\n\n@if note\nx\n@end\n\n\n"
           "- ä word after word until the line is longer than what people read with ease in a mail\n\n@if note\n@end\n",
           "s\none\n\n- ä word after word until the line is longer than what people read with\n  ease in a mail\n");
}

static void words_come_from_another_where_there_are_none(void **state)
{
    (void)state;
    CLEANUP(template_destroy)
    struct template *own = read("@subject\ns\n@text\n@each reason\n{reason.what}\n@end\n"
                                "@word amount\neigene\n");
    CLEANUP(template_destroy)
    struct template *other = read("@subject\ns\n@text\nt\n@word amount\ntheirs\n"
                                  "@word recipients\nunknown ones\n");
    const struct letter_facts given = facts();
    char *written = write(own, other, &given);
    assert_string_equal(written, "s\neigene\nunknown ones\n");
    free(written);
}

static void strangers_words_stay_words(void **state)
{
    (void)state;
    CLEANUP(template_destroy)
    struct template *template =
        read("@subject\n{customer}\n@text\n{customer}\n{note}\n@each held\n- {held.who}\n@end\n");
    const struct letter_row held = {{TEXT("a\r\n@end\n{date}\x1b[2J\xff\xe2\x80\xae")}};
    struct letter_facts given = facts();
    char long_one[5001];
    memset(long_one, 'x', sizeof long_one);
    long_one[299] = '\xc3'; /* the cut would be within it */
    long_one[300] = '\xa4';
    long_one[5000] = '\0';
    given.values[VALUE_CUSTOMER] = text_of(long_one);
    given.values[VALUE_NOTE] = TEXT("one\n\n.\nBcc: x");
    given.lists[LIST_HELD].rows = &held;
    given.lists[LIST_HELD].count = 1;
    char *written = write(template, NULL, &given);
    assert_string_equal(written + 2 * 300, "one . Bcc: x\n- a @end {date}?[2J\xef\xbf\xbd\n");
    assert_int_equal(strspn(written, "x"), 299);
    free(written);
}

static void refuse(const char *text, const char *wanted)
{
    struct template *template = NULL;
    struct error error = {0};
    assert_int_equal(template_read(text_of(text), "own.txt", &template, &error), -EINVAL);
    assert_null(template);
    if (strncmp(error.text, wanted, strlen(wanted)) != 0)
        fail_msg("%s, not %s", error.text, wanted);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    refuse("@subject\ns\n", "own.txt:2: it has no @text; one is needed");
    refuse("@text\ns\n", "own.txt:2: it has no @subject");
    refuse("@subject\n{custmer}\n@text\n", "own.txt:2: the name \"custmer\": there is none; docs/letters.md");
    refuse("@subject\n{customer\n@text\n", "own.txt:2: a { without a name");
    refuse("@subject\n{}\n@text\n", "own.txt:2: a { without a name");
    refuse("@subject\n@text\n{held.who}\n", "own.txt:3: {held.who} is allowed only between @each held and its @end");
    refuse("@subject\n@text\n@each held\n@end\n{held.who}\n", "own.txt:5: {held.who} is allowed only");
    refuse("@subject\n@text\n@if blocked\n\n", "own.txt:4: what begins in line 3 has no @end before this");
    refuse("@subject\n@if blocked\n@text\n", "own.txt:3: what begins in line 2 has no @end");
    refuse("@subject\n@text\n@end\n", "own.txt:3: an @end without");
    refuse("@subject\n@text\n@else\n", "own.txt:3: an @else without");
    refuse("@subject\n@text\n@if note\n@else\n@else\n@end\n", "own.txt:5: an @else without");
    refuse("@subject\n@text\n@each held\n@else\n@end\n", "own.txt:4: an @else without");
    refuse("@subject\n@text\n@each held\n@each held\n@end\n@end\n", "own.txt:4: @each held inside of itself");
    refuse("@subject\n@text\n@each helt\n@end\n", "own.txt:3: @each \"helt\": there is none; held, reason");
    refuse("@subject\n@text\n@iff note\n@end\n", "own.txt:3: @ \"iff\": there is none; subject, text");
    refuse("@subject\n@text\n@if nte\n@end\n", "own.txt:3: the name \"nte\"");
    refuse("@if blocked\n@subject\n@text\n", "own.txt:1: it is allowed behind @subject and @text");
    refuse("@subject\n@subject\n@text\n", "own.txt:2: it is there twice");
    refuse("@subject\n@text\n@word nothing\n", "own.txt:3: @word \"nothing\": there is none");
    refuse("@subject\n@text\n@word spam\na\n@word spam\n", "own.txt:5: @word spam is there twice");
    refuse("@subject\n@text\n@word spam\n{customer}\n", "own.txt:4: a { in a word");
    refuse("@subject\n@text\na\x1b\n", "own.txt:3: byte 2 is no text");
    refuse("@subject\n@text\n\xe4\n", "own.txt:3: byte 1 is no text");
    char many[400] = "@subject\n@text\n";
    for (int i = 0; i < 9; i++)
        strcat(many, "@if note\n");
    refuse(many, "own.txt:11: too many inside of each other; 8 are allowed");
}

static void any_cut_of_a_template_is_read_or_refused(void **state)
{
    (void)state;
    struct text whole;
    assert_true(template_builtin(TEXT("pl"), &whole));
    for (size_t length = 0; length < whole.length; length++) {
        CLEANUP(template_destroy) struct template *template = NULL;
        struct error error = {0};
        if (template_read((struct text){whole.bytes, length}, "cut", &template, &error) < 0)
            assert_memory_equal(error.text, "cut:", 4);
        else
            free(write(template, NULL, &(struct letter_facts){.values = {[VALUE_CUSTOMER] = TEXT("a")}}));
    }
}

static void a_long_way_ends_at_the_bound(void **state)
{
    (void)state;
    CLEANUP(template_destroy)
    struct template *template =
        read("@subject\ns\n@text\n@each held\n@each reason\n@each complaint\n@each listing\n{customer}\n@end\n@end\n"
             "@end\n@end\n");
    static struct letter_row rows[200];
    struct letter_facts given = facts();
    struct buffer subject, text;
    for (int i = 1; i < LISTS; i++) {
        given.lists[i].rows = rows;
        given.lists[i].count = 200;
    }
    buffer_init(&subject, 4096);
    buffer_init(&text, 64 * 1024);
    assert_false(template_write(template, NULL, &given, &subject, &text));
    buffer_clear(&subject);
    buffer_clear(&text);
}

/* --- the shipped ones --- */

static bool is_hard_to_read(struct text text)
{
    while (text.length > 0) {
        struct text line = text_split(&text, '\n');
        size_t columns = 0;
        for (size_t i = 0; i < line.length; i++)
            columns += ((unsigned char)line.bytes[i] & 0xc0) != 0x80;
        if (columns > TEMPLATE_WIDTH)
            return true;
    }
    return false;
}

static void every_language_says_all_there_is(void **state)
{
    (void)state;
    const struct letter_facts whole = facts(), nothing = {.values = {[VALUE_CUSTOMER] = TEXT("acme")}};
    for (unsigned i = 0; template_builtin_language(i); i++) {
        CLEANUP(template_destroy) struct template *template = NULL;
        struct error error = {0};
        struct text text;
        assert_true(template_builtin(text_of(template_builtin_language(i)), &text));
        if (template_read(text, template_builtin_language(i), &template, &error) < 0)
            fail_msg("%s", error.text);
        char *written = write(template, NULL, &whole);
        static const char *const wanted[] = {"acme",
                                             "203.0.113.7 (tap7)",
                                             "account:anna@example.net",
                                             "2026-11-27 14:30 UTC",
                                             "4,000 messages",
                                             "<a@example.net>",
                                             "zen.example",
                                             "https://zen.example/out",
                                             "Abuse desk\nabuse@example.net",
                                             "0123456789abcdef"};
        for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++)
            if (!strstr(written, wanted[k]))
                fail_msg("%s: %s is not in\n%s", template_builtin_language(i), wanted[k], written);
        assert_false(is_hard_to_read(text_of(written)));
        assert_null(strchr(written, '{'));
        assert_null(strstr(written, "\n\n\n"));
        free(written);
        written = write(template, NULL, &nothing);
        assert_null(strchr(written, '{'));
        assert_null(strstr(written, "\n\n\n"));
        free(written);
    }
}

static void every_language_has_every_word(void **state)
{
    (void)state;
    for (unsigned i = 0; template_builtin_language(i); i++) {
        CLEANUP(template_destroy) struct template *template = NULL;
        struct error error = {0};
        struct text text;
        assert_true(template_builtin(text_of(template_builtin_language(i)), &text));
        for (size_t k = 0; letter_words[k]; k++) {
            char line[80];
            snprintf(line, sizeof line, "\n@word %s\n", letter_words[k]);
            if (!memmem(text.bytes, text.length, line, strlen(line)))
                fail_msg("%s has no %s", template_builtin_language(i), line);
        }
        assert_int_equal(template_read(text, "shipped", &template, &error), 0);
    }
}

static void every_detector_has_a_word(void **state)
{
    __typeof__(&findings_add) volatile judged = findings_add; /* what detectors call stands on a floor above them */
    (void)judged;
    (void)state;
    for (size_t i = 0; detector_table[i]; i++)
        if (strcmp(letter_reason_word(text_of(detector_table[i]->name)), "other") == 0)
            fail_msg("%s", detector_table[i]->name);
    assert_string_equal(letter_reason_word(TEXT("of tomorrow")), "other");
    assert_string_equal(letter_complaint_word(TEXT("abuse")), "spam");
    assert_string_equal(letter_complaint_word(TEXT("other")), "report");
}

static void languages_have_plain_names(void **state)
{
    (void)state;
    assert_true(template_is_language(TEXT("de")));
    assert_true(template_is_language(TEXT("pt-br")));
    assert_false(template_is_language(TEXT("")));
    assert_false(template_is_language(TEXT("d")));
    assert_false(template_is_language(TEXT("../de")));
    assert_false(template_is_language(TEXT("DE")));
    assert_false(template_is_language(TEXT("abcdefghijklmnopq")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_conditions_and_lists),
        cmocka_unit_test(a_list_within_a_list),
        cmocka_unit_test(paragraphs_are_set_neatly),
        cmocka_unit_test(words_come_from_another_where_there_are_none),
        cmocka_unit_test(strangers_words_stay_words),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(any_cut_of_a_template_is_read_or_refused),
        cmocka_unit_test(a_long_way_ends_at_the_bound),
        cmocka_unit_test(every_language_says_all_there_is),
        cmocka_unit_test(every_language_has_every_word),
        cmocka_unit_test(every_detector_has_a_word),
        cmocka_unit_test(languages_have_plain_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
