/* Pattern files: what a rule is, what is refused, and that a line cannot make a pattern run away. */
#include "agent/log/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct log_patterns *made(const char *content)
{
    struct error error = {0};
    struct log_patterns *patterns = log_patterns_create(&error);
    assert_non_null(patterns);
    if (log_patterns_read(patterns, text_of(content), "x.conf", &error) < 0)
        fail_msg("%s", error.text);
    return patterns;
}

static void a_rule_gives_its_named_groups(void **unused)
{
    (void)unused;
    struct log_patterns *patterns =
        made("# two\n[no]\nprogram = b\nmatch = .\nmeans = ignore\n"
             "[yes]\nprogram = a|c\nhas = from=\nmatch = ^(?<queue>\\w+): from=<(?<from>.*)>$\n"
             "means = sender\n");
    struct log_fields fields;
    const struct log_rule *rule = log_patterns_match(patterns, TEXT("a"), TEXT("Q1: from=<x>"), &fields);
    assert_non_null(rule);
    assert_string_equal(rule->name, "yes");
    assert_int_equal(rule->means, LOG_MEANS_SENDER);
    assert_true(text_equals(fields.at[LOG_queue], TEXT("Q1")));
    assert_true(text_equals(fields.at[LOG_from], TEXT("x")));
    assert_int_equal(fields.at[LOG_to].length, 0);
    assert_null(log_patterns_match(patterns, TEXT("ab"), TEXT("Q1: from=<x>"), &fields));
    assert_null(log_patterns_match(patterns, TEXT("a"), TEXT("!Q1: from=<x>"), &fields));
    log_patterns_destroy(&patterns);
}

static void what_is_wrong_is_said_with_its_line(void **unused)
{
    (void)unused;
    static const struct {
        const char *content, *want;
    } rows[] = {
        {"[a]\nprogram = a\nmatch = (\nmeans = ignore\n", "x.conf:3: [a] match: "},
        {"[a]\nprogram = a\nmatch = (?<quue>x)\n", "x.conf:3: [a] match: no field is called quue"},
        {"[a]\nmeans = nothing\n", "x.conf:2: [a] means: no such meaning"},
        {"[a]\nprogram = a\nmeans = ignore\n", "x.conf:3: [a] match: missing"},
        {"[a]\ncolour = red\n", "x.conf:2: [a] : no such key"},
        {"[a]\nsession = thread\n", "x.conf:2: [a] session: no such thing; process"},
        {"[a]\nreply = words\n", "x.conf:2: [a] reply: no such thing; word"},
        {"program = a\n", "x.conf:1: [] : a key before"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {0};
        struct log_patterns *patterns = log_patterns_create(&error);
        assert_true(log_patterns_read(patterns, text_of(rows[i].content), "x.conf", &error) < 0);
        assert_memory_equal(error.text, rows[i].want, strlen(rows[i].want));
        log_patterns_destroy(&patterns);
    }
}

static void a_pattern_that_runs_away_is_given_up(void **unused)
{
    (void)unused;
    struct log_patterns *patterns = made("[a]\nprogram = a\nmatch = ^(a+)+(a+)+$\nmeans = ignore\n");
    char line[200];
    struct log_fields fields;
    memset(line, 'a', sizeof line);
    line[sizeof line - 1] = 'b';
    assert_null(log_patterns_match(patterns, TEXT("a"), (struct text){line, sizeof line}, &fields));
    assert_int_equal(log_patterns_exhausted(patterns), 1);
    log_patterns_destroy(&patterns);
}

static void any_number_of_programs_is_met(void **unused)
{
    (void)unused;
    struct log_patterns *patterns = made("[a]\nprogram = p\\d+\nmatch = ^x$\nmeans = ignore\n");
    struct log_fields fields;
    for (int i = 0; i < 2000; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        assert_non_null(log_patterns_match(patterns, text_of(name), TEXT("x"), &fields));
    }
    log_patterns_destroy(&patterns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_gives_its_named_groups),
        cmocka_unit_test(what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(a_pattern_that_runs_away_is_given_up),
        cmocka_unit_test(any_number_of_programs_is_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
