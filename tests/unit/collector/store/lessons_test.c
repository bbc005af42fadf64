/* What filters are taught: once each, again when a verdict is corrected, and not what nobody taught when it is undone.
 * What is held back is asked before lessons and after. */
#include "collector/store/lessons.h"
#include "tests/unit/collector/store/stocked.h"

#define SAME "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ELSE "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static moment now;

static enum store_wished wish(const char *digest, const char *filter, enum store_taught lesson)
{
    const struct store_lesson_wish wish = {
        .digest = digest, .filter = filter, .name = "", .lesson = lesson, .person = "anna", .now = now, .due = now};
    int status = store_lesson_wish(store, &wish, &failed);
    well(status);
    return (enum store_wished)status;
}

static enum store_wished hold(const char *digest, const char *filter, enum store_taught lesson)
{
    const struct store_lesson_wish wish = {.digest = digest,
                                           .filter = filter,
                                           .name = "",
                                           .lesson = lesson,
                                           .person = "anna",
                                           .now = now,
                                           .due = now,
                                           .held_back = true};
    int status = store_lesson_wish(store, &wish, &failed);
    well(status);
    return (enum store_wished)status;
}

static int due(const char *filter, struct store_lesson_due result[10])
{
    int count = store_lessons_due(store, filter, now, 10, result, &failed);
    well(count);
    return count;
}

/* What is due is taught, in order. */
static int teach(const char *filter)
{
    struct store_lesson_due list[10];
    int count = due(filter, list);
    now += SECOND;
    for (int i = 0; i < count; i++) {
        assert_int_equal(store_lesson_claim(store, filter, &list[i], now + MINUTE, &failed), 1);
        well(store_lesson_done(store, filter, &list[i], now, &failed));
    }
    return count;
}

static int begin(void **state)
{
    now = NOW;
    return stocked_begin(state);
}
#define LESSONS(name) cmocka_unit_test_setup_teardown(name, begin, stocked_end)

static void a_message_is_taught_once(void **state)
{
    (void)state;
    assert_int_equal(wish(SAME, "rspamd", TAUGHT_SPAM), WISHED_NEW);
    assert_int_equal(wish(SAME, "rspamd", TAUGHT_SPAM), WISHED_KNOWN); /* while it waits */
    assert_int_equal(teach("rspamd"), 1);
    assert_int_equal(wish(SAME, "rspamd", TAUGHT_SPAM), WISHED_KNOWN); /* and after */
    assert_int_equal(teach("rspamd"), 0);
}

static void filters_learn_each_for_itself(void **state)
{
    (void)state;
    assert_int_equal(wish(SAME, "rspamd", TAUGHT_SPAM), WISHED_NEW);
    assert_int_equal(wish(SAME, "spamd", TAUGHT_SPAM), WISHED_NEW);
    assert_int_equal(teach("rspamd"), 1);
    assert_int_equal(teach("rspamd"), 0);
    assert_int_equal(teach("spamd"), 1);
}

static void what_is_corrected_is_taught_again(void **state)
{
    struct store_lesson_due list[10];
    (void)state;
    wish(SAME, "rspamd", TAUGHT_SPAM);
    teach("rspamd");
    assert_int_equal(wish(SAME, "rspamd", TAUGHT_HAM), WISHED_OTHERWISE);
    assert_int_equal(due("rspamd", list), 1);
    assert_int_equal(list[0].lesson, TAUGHT_HAM);
    assert_int_equal(list[0].taught, TAUGHT_SPAM); /* so that who tells the filter knows what it has to take back */
    assert_int_equal(teach("rspamd"), 1);
    assert_int_equal(ask("SELECT taught FROM lessons"), TAUGHT_HAM);
}

static void a_correction_that_is_corrected_before_it_was_taught_is_nothing_to_do(void **state)
{
    (void)state;
    wish(SAME, "rspamd", TAUGHT_SPAM);
    teach("rspamd");
    wish(SAME, "rspamd", TAUGHT_HAM);
    wish(SAME, "rspamd", TAUGHT_SPAM);
    assert_int_equal(teach("rspamd"), 0);
}

static void what_is_asked_for_while_a_lesson_is_under_way_is_due_after_it(void **state)
{
    struct store_lesson_due list[10];
    (void)state;
    wish(SAME, "rspamd", TAUGHT_SPAM);
    assert_int_equal(due("rspamd", list), 1);
    assert_int_equal(store_lesson_claim(store, "rspamd", &list[0], now + MINUTE, &failed), 1);
    wish(SAME, "rspamd", TAUGHT_HAM);
    well(store_lesson_done(store, "rspamd", &list[0], now, &failed));
    assert_int_equal(ask("SELECT taught FROM lessons"), TAUGHT_SPAM);
    assert_int_equal(due("rspamd", list), 1);
    assert_int_equal(list[0].lesson, TAUGHT_HAM);
}

static void of_two_who_want_a_lesson_one_gets_it(void **state)
{
    struct store_lesson_due list[10];
    (void)state;
    wish(SAME, "rspamd", TAUGHT_SPAM);
    assert_int_equal(due("rspamd", list), 1);
    assert_int_equal(store_lesson_claim(store, "rspamd", &list[0], now + MINUTE, &failed), 1);
    assert_int_equal(store_lesson_claim(store, "rspamd", &list[0], now + MINUTE, &failed), 0);
    assert_int_equal(due("rspamd", list), 0);
    now += MINUTE; /* who had it is dead */
    assert_int_equal(due("rspamd", list), 1);
}

static void what_the_dead_had_claimed_is_due_when_the_collector_starts(void **state)
{
    struct store_lesson_due list[10];
    (void)state;
    wish(SAME, "rspamd", TAUGHT_SPAM);
    wish(SAME, "spamd", TAUGHT_SPAM);
    assert_int_equal(due("rspamd", list), 1);
    assert_int_equal(store_lesson_claim(store, "rspamd", &list[0], now + HOUR, &failed), 1);
    well(store_lessons_unclaim(store, "spamd", now, &failed));
    assert_int_equal(due("rspamd", list), 0);
    well(store_lessons_unclaim(store, "rspamd", now, &failed));
    assert_int_equal(due("rspamd", list), 1);
}

static void what_failed_comes_again_or_never(void **state)
{
    struct store_lesson_due list[10];
    (void)state;
    wish(SAME, "rspamd", TAUGHT_SPAM);
    assert_int_equal(due("rspamd", list), 1);
    well(store_lesson_failed(store, "rspamd", &list[0], "it is away", now + MINUTE, &failed));
    assert_int_equal(due("rspamd", list), 0);
    now += MINUTE;
    assert_int_equal(due("rspamd", list), 1);
    assert_int_equal(list[0].tries, 1);
    well(store_lesson_failed(store, "rspamd", &list[0], "it does not take that", 0, &failed));
    now += DAY;
    assert_int_equal(due("rspamd", list), 0);
    assert_int_equal(wish(SAME, "rspamd", TAUGHT_SPAM), WISHED_NEW); /* but a person may ask for it anew */
    assert_int_equal(due("rspamd", list), 1);
}

static void undone_is_what_was_taught_and_nothing_else(void **state)
{
    struct store_lesson_due list[10];
    (void)state;
    wish(SAME, "rspamd", TAUGHT_SPAM);
    wish(SAME, "spamd", TAUGHT_SPAM);
    teach("rspamd");
    assert_int_equal(store_lesson_undo(store, SAME, "anna", now, now, &failed), 2);
    assert_int_equal(store_lesson_undo(store, SAME, "anna", now, now, &failed), 0);
    assert_int_equal(due("spamd", list), 0); /* it was never told */
    assert_int_equal(due("rspamd", list), 1);
    assert_int_equal(list[0].lesson, TAUGHT_FORGET);
    teach("rspamd");
    assert_int_equal(wish(SAME, "rspamd", TAUGHT_SPAM), WISHED_OTHERWISE); /* and it may be taught again */
    assert_int_equal(teach("rspamd"), 1);
    assert_int_equal(wish(ELSE, "rspamd", TAUGHT_FORGET), WISHED_KNOWN);
}

static void all_since_a_moment_is_undone(void **state)
{
    (void)state;
    wish(SAME, "rspamd", TAUGHT_SPAM);
    teach("rspamd");
    now += HOUR;
    wish(ELSE, "rspamd", TAUGHT_SPAM);
    teach("rspamd");
    assert_int_equal(store_lesson_undo_since(store, now - MINUTE, "anna", now, now, &failed), 1);
    teach("rspamd");
    assert_int_equal(ask("SELECT taught FROM lessons WHERE digest = '" SAME "'"), TAUGHT_SPAM);
    assert_int_equal(ask("SELECT taught FROM lessons WHERE digest = '" ELSE "'"), TAUGHT_FORGET);
}

static void take(void *context, enum store_packing packing, struct text bytes)
{
    assert_int_equal(packing, PACKING_SEALED);
    assert_true(text_equals(bytes, TEXT("\0\xff bytes")));
    ++*(int *)context;
}

static void content_is_kept_while_it_may_be_needed(void **state)
{
    int got = 0;
    (void)state;
    well(store_lesson_keep(store, SAME, now, PACKING_SEALED, TEXT("\0\xff bytes"), &failed));
    well(store_lesson_keep(store, SAME, now, PACKING_SEALED, TEXT("\0\xff bytes"), &failed));
    well(store_lesson_keep(store, ELSE, now, PACKING_SEALED, TEXT("\0\xff bytes"), &failed));
    wish(SAME, "rspamd", TAUGHT_SPAM);
    hold(ELSE, "rspamd", TAUGHT_SPAM);
    assert_int_equal(store_lesson_content(store, SAME, take, &got, &failed), 1);
    assert_int_equal(got, 1);
    well(store_lessons_tidy(store, now + DAY, 0, &failed)); /* it is due */
    assert_int_equal(ask("SELECT COUNT(*) FROM lesson_contents"), 2);
    teach("rspamd");
    well(store_lessons_tidy(store, now - DAY, 0, &failed)); /* it may be undone yet */
    assert_int_equal(ask("SELECT COUNT(*) FROM lesson_contents"), 2);
    well(store_lessons_tidy(store, now + DAY, 0, &failed));
    assert_int_equal(store_lesson_content(store, SAME, take, &got, &failed), 0);
    assert_int_equal(store_lesson_content(store, ELSE, take, &got, &failed), 1);
    well(store_lessons_tidy(store, now, now + DAY, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM lessons"), 0);
}

/* --- what is held back --- */

static int held(struct store_held_back result[10])
{
    int count = store_held_due(store, "rspamd", now, 10, result, &failed);
    well(count);
    return count;
}

static int ask_held(bool is_spam, int64_t score, enum store_bayes bayes)
{
    struct store_held_back list[10];
    const struct store_held_opinion opinion = {is_spam, score, bayes};
    int count = held(list);
    now += SECOND;
    for (int i = 0; i < count; i++) {
        assert_int_equal(store_held_claim(store, "rspamd", &list[i], now + MINUTE, &failed), 1);
        assert_int_equal(store_held_claim(store, "rspamd", &list[i], now + MINUTE, &failed), 0);
        well(store_held_asked(store, "rspamd", &list[i], &opinion, now, &failed));
    }
    return count;
}

static void what_is_held_back_is_never_taught(void **state)
{
    (void)state;
    assert_int_equal(hold(SAME, "rspamd", TAUGHT_SPAM), WISHED_HELD_BACK);
    assert_int_equal(hold(SAME, "rspamd", TAUGHT_SPAM), WISHED_HELD_BACK);
    assert_int_equal(wish(SAME, "rspamd", TAUGHT_SPAM), WISHED_HELD_BACK); /* by whatever way it comes */
    assert_int_equal(teach("rspamd"), 0);
    assert_int_equal(hold(SAME, "rspamd", TAUGHT_HAM), WISHED_HELD_BACK);
    assert_int_equal(ask("SELECT lesson FROM held_back"), TAUGHT_HAM);
    assert_int_equal(hold(SAME, "rspamd", TAUGHT_FORGET), WISHED_HELD_BACK);
    assert_int_equal(ask("SELECT COUNT(*) FROM held_back"), 0);
}

static void what_was_taught_is_not_held_back_later(void **state)
{
    (void)state;
    wish(SAME, "rspamd", TAUGHT_SPAM);
    teach("rspamd");
    assert_int_equal(hold(SAME, "rspamd", TAUGHT_SPAM), WISHED_KNOWN);
    assert_int_equal(ask("SELECT COUNT(*) FROM held_back"), 0);
}

static void take_shown(void *context, const struct store_shown *shown)
{
    *(struct store_shown *)context = *shown;
}

static void it_shows_what_lessons_do(void **state)
{
    struct store_shown shown = {0};
    (void)state;
    hold(SAME, "rspamd", TAUGHT_SPAM);
    assert_int_equal(ask_held(false, 20, BAYES_SILENT), 1);
    assert_int_equal(store_held_again(store, "rspamd", now, 100, &failed), 0); /* nothing was taught since */
    wish(ELSE, "rspamd", TAUGHT_SPAM);
    teach("rspamd");
    assert_int_equal(store_held_again(store, "rspamd", now, 100, &failed), 1);
    assert_int_equal(ask_held(true, 140, BAYES_SAYS_SPAM), 1);
    assert_int_equal(store_held_again(store, "rspamd", now, 100, &failed), 0);
    well(store_shown(store, take_shown, &shown, &failed));
    assert_int_equal(shown.lesson, TAUGHT_SPAM);
    assert_int_equal(shown.count, 1);
    assert_int_equal(shown.after, 1);
    assert_int_equal(shown.then.spam, 0);
    assert_int_equal(shown.then.score, 20);
    assert_int_equal(shown.then.bayes_spam, 0);
    assert_int_equal(shown.now.spam, 1);
    assert_int_equal(shown.now.score, 140);
    assert_int_equal(shown.now.bayes_spam, 1);
}

static void a_filter_that_is_away_is_asked_again(void **state)
{
    struct store_held_back list[10];
    (void)state;
    hold(SAME, "rspamd", TAUGHT_SPAM);
    assert_int_equal(held(list), 1);
    well(store_held_failed(store, "rspamd", &list[0], now + MINUTE, &failed));
    assert_int_equal(held(list), 0);
    now += MINUTE;
    assert_int_equal(held(list), 1);
    assert_int_equal(list[0].tries, 1);
}

static void take_learned(void *context, const struct store_learned *learned)
{
    struct store_learned *list = context;
    list[list[0].spam < 0 ? 0 : 1] = *learned;
}

static void counts_are_told_by_filter(void **state)
{
    struct store_learned list[2] = {{.spam = -1}, {.spam = 0}};
    struct store_lesson_due waiting[10];
    (void)state;
    wish(SAME, "rspamd", TAUGHT_SPAM);
    wish(ELSE, "rspamd", TAUGHT_HAM);
    teach("rspamd");
    wish(SAME, "spamd", TAUGHT_SPAM);
    wish(ELSE, "spamd", TAUGHT_HAM);
    assert_int_equal(due("spamd", waiting), 2);
    well(store_lesson_failed(store, "spamd", &waiting[0], "too long", 0, &failed));
    well(store_learned(store, take_learned, list, &failed));
    assert_int_equal(list[0].spam, 1);
    assert_int_equal(list[0].ham, 1);
    assert_int_equal(list[0].waiting, 0);
    assert_int_equal(list[1].spam, 0);
    assert_int_equal(list[1].waiting, 1);
    assert_int_equal(list[1].given_up, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSONS(a_message_is_taught_once),
        LESSONS(filters_learn_each_for_itself),
        LESSONS(what_is_corrected_is_taught_again),
        LESSONS(a_correction_that_is_corrected_before_it_was_taught_is_nothing_to_do),
        LESSONS(what_is_asked_for_while_a_lesson_is_under_way_is_due_after_it),
        LESSONS(of_two_who_want_a_lesson_one_gets_it),
        LESSONS(what_the_dead_had_claimed_is_due_when_the_collector_starts),
        LESSONS(what_failed_comes_again_or_never),
        LESSONS(undone_is_what_was_taught_and_nothing_else),
        LESSONS(all_since_a_moment_is_undone),
        LESSONS(content_is_kept_while_it_may_be_needed),
        LESSONS(what_is_held_back_is_never_taught),
        LESSONS(what_was_taught_is_not_held_back_later),
        LESSONS(it_shows_what_lessons_do),
        LESSONS(a_filter_that_is_away_is_asked_again),
        LESSONS(counts_are_told_by_filter),
    };
    return ENGINES_RUN(tests);
}
