/* Opinions: scores are read exactly, and nothing that a filter says is kept as it should not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "collector/filter/filter.h"

static void assert_score(const char *text, int32_t expected)
{
    int32_t score = 77;
    assert_true(opinion_parse_score(text_of(text), &score));
    assert_int_equal(score, expected);
}

static void scores_are_hundredths(void **unused)
{
    (void)unused;
    assert_score("5.3", 530);
    assert_score("-0.25", -25);
    assert_score("+7", 700);
    assert_score(" 1000.0 ", 100000);
    assert_score(".5", 50);
    assert_score("3.", 300);
    assert_score("2.005", 201); /* rounded by its third digit alone */
    assert_score("2.0049", 200);
    assert_score("-1.999", -200);
    assert_score("99999999999999999999.9", OPINION_SCORE_MOST);
    assert_score("-99999999999999999999.9", -OPINION_SCORE_MOST);
}

static void what_is_no_number_is_none(void **unused)
{
    static const char *const wrong[] = {"",     " ",    "-",   "+",   ".",   "5,3", "1e3",
                                        "5.3x", "0x10", "nan", "inf", "5 3", "--5"};
    int32_t score = 77;
    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(opinion_parse_score(text_of(wrong[i]), &score));
    assert_int_equal(score, 77);
}

static void spam_begins_at_the_threshold(void **unused)
{
    struct opinion opinion = {.score = 499, .threshold = 500};
    (void)unused;
    assert_false(opinion_is_spam(&opinion));
    opinion.score = 500;
    assert_true(opinion_is_spam(&opinion));
}

static void without_a_threshold_there_is_no_verdict(void **unused)
{
    struct opinion opinion = {.score = 100000};
    (void)unused;
    assert_false(opinion_is_one(&opinion));
    assert_false(opinion_is_spam(&opinion));
    opinion.certain = true;
    assert_true(opinion_is_one(&opinion));
    assert_true(opinion_is_spam(&opinion));
}

static void a_filters_own_word_stands_over_its_score(void **unused)
{
    struct opinion opinion = {0};
    (void)unused;
    opinion_set_verdict(&opinion, 300, 600, true);
    assert_int_equal(opinion.score, 600);
    opinion_set_verdict(&opinion, 900, 600, false);
    assert_int_equal(opinion.score, 599);
    opinion_set_verdict(&opinion, 900, 600, true);
    assert_int_equal(opinion.score, 900);
    opinion_set_verdict(&opinion, -100, 0, false);
    assert_true(opinion_is_one(&opinion));
    assert_false(opinion_is_spam(&opinion));
    opinion_set_verdict(&opinion, INT32_MAX, INT32_MAX, true);
    assert_int_equal(opinion.score, OPINION_SCORE_MOST);
}

static void symbols_are_whole_and_printable(void **unused)
{
    struct opinion opinion = {0};
    (void)unused;
    opinion_add_symbol(&opinion, TEXT(" BAYES_99 "));
    opinion_add_symbol(&opinion, TEXT(""));
    opinion_add_symbol(&opinion, TEXT("has\033[1m a space"));
    assert_string_equal(opinion.symbols, "BAYES_99 has?[1m_a_space");
    for (int i = 0; i < 100; i++)
        opinion_add_symbol(&opinion, TEXT("ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
    assert_true(strlen(opinion.symbols) < OPINION_SYMBOLS_MOST);
    assert_string_equal(opinion.symbols + strlen(opinion.symbols) - 27, " ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    size_t length = strlen(opinion.symbols);
    opinion_add_symbol(&opinion, TEXT("AB")); /* what is shorter may still have room */
    assert_true(strlen(opinion.symbols) == length || strlen(opinion.symbols) == length + 3);
}

static void actions_are_cut_and_printable(void **unused)
{
    struct opinion opinion = {0};
    char word[200];
    (void)unused;
    memset(word, 'x', sizeof word);
    opinion_set_action(&opinion, (struct text){word, sizeof word});
    assert_int_equal(strlen(opinion.action), OPINION_ACTION_MOST - 1);
    opinion_set_action(&opinion, TEXT("add\nheader\r"));
    assert_string_equal(opinion.action, "add?header");
}

static void certain_symbols_count_where_there_is_no_room_for_them(void **unused)
{
    struct filter_settings settings = {.certain = {.items = {"GTUBE", "CERTAIN_*"}, .count = 2}};
    struct opinion opinion = {0};
    (void)unused;
    filter_add_symbol(&settings, TEXT("GTUBE_NOT"), &opinion);
    filter_add_symbol(&settings, TEXT(""), &opinion);
    assert_false(opinion.certain);
    for (int i = 0; i < 200; i++)
        filter_add_symbol(&settings, TEXT("A_SYMBOL_THAT_FILLS_UP"), &opinion);
    filter_add_symbol(&settings, TEXT("CERTAIN_AND_LONG_SO_THAT_IT_DOES_NOT_FIT"), &opinion);
    assert_null(strstr(opinion.symbols, "CERTAIN"));
    assert_true(opinion.certain);
}

static void a_virus_is_certain_where_the_site_says_so(void **unused)
{
    struct filter_settings settings = {.virus_is_certain = false};
    struct opinion opinion = {0};
    (void)unused;
    filter_add_virus(&settings, TEXT("Eicar"), &opinion);
    assert_true(opinion.virus);
    assert_false(opinion.certain);
    settings.virus_is_certain = true;
    filter_add_virus(&settings, TEXT("Eicar"), &opinion);
    assert_true(opinion.certain);
    assert_string_equal(opinion.symbols, "Eicar Eicar");
}

static void kinds_are_a_list(void **unused)
{
    (void)unused;
    size_t count = 0;
    for (; filter_kinds[count]; count++) {
        assert_string_equal(filter_kinds[count]->name, filter_kind_names[count]);
        assert_non_null(filter_kinds[count]->ask);
        assert_non_null(filter_kinds[count]->ping);
    }
    assert_int_equal(count, 4);
    assert_null(filter_kind_names[count]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_hundredths),
        cmocka_unit_test(what_is_no_number_is_none),
        cmocka_unit_test(spam_begins_at_the_threshold),
        cmocka_unit_test(without_a_threshold_there_is_no_verdict),
        cmocka_unit_test(a_filters_own_word_stands_over_its_score),
        cmocka_unit_test(symbols_are_whole_and_printable),
        cmocka_unit_test(actions_are_cut_and_printable),
        cmocka_unit_test(certain_symbols_count_where_there_is_no_room_for_them),
        cmocka_unit_test(a_virus_is_certain_where_the_site_says_so),
        cmocka_unit_test(kinds_are_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
