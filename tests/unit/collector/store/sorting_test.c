/* Who has which message in hand, and what comes of it, over either engine: nothing is in two hands, nothing is written
 * twice, and what somebody had who is not heard of any more is everybody's again. */
#include "tests/unit/collector/store/stocked.h"

#include "collector/store/sorting.h"

#define ME  11
#define YOU 22

static const duration pauses[STORE_PAUSES] = {5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR};
static const struct store_read hello = {"Hello", "m@x", "aa"}, nothing = {"", "", ""};
static char names[10][STORE_MESSAGE_NAME];

static void add(const char *name, int64_t number, moment received)
{
    struct store_message message = {.node = NODE, .received = received, .sender = TEXT("s")};
    snprintf(message.name, sizeof message.name, "%s", name);
    well(store_message_add(store, &message, 1, number, TEXT("x"), PACKING_ZSTD, &failed));
}

static void open_row(const char *name, const char *filter, moment due)
{
    const struct store_asking asking = {.name = name, .filter = filter, .due = due};
    well(store_opinion_open(store, &asking, NOW, &failed));
}

static int take(const char *filter, int64_t holder, moment now, uint32_t most)
{
    int count = store_sorting_take(store, filter, holder, 0, now, now + MINUTE, most, names, &failed);
    well(count);
    return count;
}

static int give(const char *name, const char *filter, int64_t score, moment now)
{
    const struct store_opinion opinion = {.filter = text_of(filter),
                                          .action = TEXT("add header"),
                                          .symbols = TEXT("A B"),
                                          .trouble = TEXT(""),
                                          .score = score,
                                          .threshold = 500,
                                          .certain = true};
    int given = store_opinion_give(store, name, &opinion, now - 1, now, &failed);
    well(given);
    return given;
}

static void see(void *context, const struct store_opinion *opinion)
{
    struct store_opinion *seen = context;
    *seen = *opinion;
    seen->filter = seen->action = seen->symbols = seen->trouble = TEXT("");
}

static struct store_opinion row_of(const char *name)
{
    struct store_opinion seen = {.state = 99};
    well(store_opinions(store, name, see, &seen, &failed));
    return seen;
}

static void new_messages_are_in_one_hand_each_the_oldest_first(void **unused)
{
    (void)unused;
    add("B", 2, NOW + 1);
    add("A", 1, NOW);
    add("C", 3, NOW + 2);
    assert_int_equal(store_sorting_waits(store, NULL, 0, NOW - 1, &failed), 0);
    assert_int_equal(store_sorting_waits(store, NULL, 0, NOW, &failed), 1);
    assert_int_equal(take(NULL, ME, NOW + 5, 2), 2);
    assert_string_equal(names[0], "A");
    assert_string_equal(names[1], "B");
    assert_int_equal(take(NULL, YOU, NOW + 5, 5), 1);
    assert_string_equal(names[0], "C");
    assert_int_equal(store_sorting_waits(store, NULL, 0, NOW + 5, &failed), 0);
    assert_int_equal(take(NULL, YOU, NOW + 5 + MINUTE, 5), 3); /* nobody came back with them in that time */
}

static void what_was_taken_apart_is_done_and_only_its_holder_can_say_so(void **unused)
{
    (void)unused;
    int64_t waiting;
    add("A", 1, NOW);
    take(NULL, ME, NOW, 1);
    assert_int_equal(store_sorting_apart(store, YOU, "A", &hello, &failed), 0);
    assert_int_equal(store_sorting_apart(store, ME, "A", &hello, &failed), 1);
    assert_int_equal(store_sorting_apart(store, ME, "A", &hello, &failed), 0);
    assert_int_equal(store_sorting_apart(store, ME, "nobody", &nothing, &failed), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM messages WHERE subject = 'Hello'"), 1);
    assert_int_equal(take(NULL, ME, NOW + DAY, 1), 0);
    well(store_sorting_waiting(store, NULL, &waiting, &failed));
    assert_int_equal(waiting, 0);
}

static void what_is_given_back_is_the_next_ones(void **unused)
{
    (void)unused;
    add("A", 1, NOW);
    open_row("A", "rspamd", NOW);
    take(NULL, ME, NOW, 1);
    take("rspamd", ME, NOW, 1);
    well(store_sorting_give_back(store, NULL, YOU, "A", &failed));
    well(store_sorting_give_back(store, "rspamd", YOU, "A", &failed));
    assert_int_equal(take(NULL, YOU, NOW, 1) + take("rspamd", YOU, NOW, 1), 0);
    well(store_sorting_give_back(store, NULL, ME, "A", &failed));
    well(store_sorting_give_back(store, "rspamd", ME, "A", &failed));
    assert_int_equal(take(NULL, YOU, NOW, 1), 1);
    assert_int_equal(take("rspamd", YOU, NOW, 1), 1);
}

static void each_filter_has_its_own_row(void **unused)
{
    (void)unused;
    open_row("A", "rspamd", NOW);
    open_row("A", "clamd", NOW + SECOND);
    open_row("A", "later", 0);
    open_row("A", "rspamd", NOW + HOUR); /* there already */
    assert_int_equal(take("rspamd", ME, NOW, 5), 1);
    assert_int_equal(take("clamd", ME, NOW, 5), 0);
    assert_int_equal(take("clamd", ME, NOW + SECOND, 5), 1);
    assert_int_equal(take("later", ME, NOW + DAY, 5), 0);
    assert_int_equal(store_opinion_due(store, "A", "later", NOW, &failed), 1);
    assert_int_equal(take("later", ME, NOW, 5), 1);
}

static void an_opinion_is_given_once(void **unused)
{
    (void)unused;
    open_row("A", "rspamd", NOW);
    assert_int_equal(give("A", "rspamd", 650, NOW + 2), 1);
    assert_int_equal(give("A", "rspamd", 10, NOW + 3), 0);
    assert_int_equal(give("A", "clamd", 10, NOW + 3), 0); /* nobody asked it */
    assert_int_equal(give("B", "rspamd", 10, NOW + 3), 0);
    struct store_opinion row = row_of("A");
    assert_true(row.state == OPINION_GIVEN && row.score == 650 && row.threshold == 500 && row.certain && !row.virus);
    assert_true(row.asked == NOW + 1 && row.answered == NOW + 2 && row.due == 0 && row.tries == 1);
    assert_int_equal(take("rspamd", ME, NOW + DAY, 5), 0);
    assert_int_equal(store_opinion_is_there(store, "A", "rspamd", &failed), 1);
    assert_int_equal(store_opinion_is_there(store, "A", "clamd", &failed), 0);
    add("A", 1, NOW);
    assert_int_equal(store_sorting_is_new(store, "A", &failed), 1);
    assert_int_equal(store_sorting_is_new(store, "B", &failed), 0);
    assert_int_equal(take(NULL, ME, NOW, 5), 1);
    assert_int_equal(store_sorting_is_new(store, "A", &failed), 1);
    assert_int_equal(store_sorting_apart(store, ME, "A", &nothing, &failed), 1);
    assert_int_equal(store_sorting_is_new(store, "A", &failed), 0);
}

static void what_is_out_is_waited_for_anew(void **unused)
{
    (void)unused;
    struct store_overdue late[2];
    open_row("A", "gate", NOW);
    open_row("B", "gate", NOW);
    assert_int_equal(store_opinion_send_out(store, "A", "gate", NOW + MINUTE, NOW, &failed), 1);
    moment back = NOW + HOUR; /* it was away for so long */
    assert_int_equal(store_opinions_overdue(store, 0, back, 2, late, &failed), 1);
    well(store_opinions_wait_anew(store, "other", MINUTE, back, &failed));
    assert_int_equal(store_opinions_overdue(store, 0, back, 2, late, &failed), 1);
    well(store_opinions_wait_anew(store, "gate", MINUTE, back, &failed));
    assert_int_equal(store_opinions_overdue(store, 0, back + HOUR + MINUTE - 1, 2, late, &failed), 0);
    assert_int_equal(store_opinions_overdue(store, 0, back + HOUR + MINUTE, 2, late, &failed), 1);
    assert_int_equal(take("gate", ME, NOW, 5), 1); /* the other is not touched */
}

static void who_does_not_answer_is_asked_again_after_growing_pauses(void **unused)
{
    (void)unused;
    moment now = NOW;
    open_row("A", "rspamd", NOW);
    for (int i = 0; i < STORE_PAUSES + 2; i++) {
        duration pause = pauses[i < STORE_PAUSES ? i : STORE_PAUSES - 1];
        assert_int_equal(take("rspamd", ME, now, 5), 1);
        assert_int_equal(store_opinion_fail(store, "A", "rspamd", YOU, pauses, "gone", now, &failed), 0);
        assert_int_equal(store_opinion_fail(store, "A", "rspamd", ME, pauses, "gone", now, &failed), 1);
        assert_int_equal(take("rspamd", ME, now + pause - 1, 5), 0);
        now += pause;
    }
    assert_int_equal(row_of("A").tries, STORE_PAUSES + 2);
}

static void one_that_is_back_is_asked_at_once_about_what_it_missed(void **unused)
{
    (void)unused;
    open_row("A", "rspamd", NOW);
    take("rspamd", ME, NOW, 5);
    well(store_opinion_fail(store, "A", "rspamd", ME, pauses, "gone", NOW, &failed));
    assert_int_equal(store_sorting_waits(store, "rspamd", 0, NOW + 1, &failed), 0);
    assert_int_equal(store_sorting_waits(store, "rspamd", NOW + 1, NOW + 1, &failed), 1);
    assert_int_equal(store_sorting_take(store, "rspamd", ME, NOW + 1, NOW + 1, NOW + 9, 5, names, &failed), 1);
    well(store_opinion_fail(store, "A", "rspamd", ME, pauses, "again", NOW + 2, &failed)); /* since it is back */
    assert_int_equal(store_sorting_waits(store, "rspamd", NOW + 1, NOW + 3, &failed), 0);
}

static void what_is_out_comes_back_or_is_overdue(void **unused)
{
    (void)unused;
    struct store_overdue overdue[5];
    open_row("A", "mx", NOW);
    open_row("B", "mx", NOW);
    assert_int_equal(store_opinion_send_out(store, "A", "mx", NOW + MINUTE, NOW, &failed), 1);
    assert_int_equal(store_opinion_send_out(store, "B", "mx", NOW + MINUTE, NOW, &failed), 1);
    assert_int_equal(take("mx", ME, NOW + DAY, 5), 0); /* it is not asked again */
    assert_int_equal(give("A", "mx", 100, NOW + 5), 1);
    assert_int_equal(store_opinion_send_out(store, "A", "mx", NOW + HOUR, NOW, &failed), 0); /* it was back before */
    assert_int_equal(store_opinions_overdue(store, 0, NOW + MINUTE - 1, 5, overdue, &failed), 0);
    assert_int_equal(store_opinions_overdue(store, 0, NOW + MINUTE, 5, overdue, &failed), 1);
    assert_string_equal(overdue[0].name, "B");
    assert_true(overdue[0].out);
    assert_int_equal(store_opinion_give_up(store, "B", "mx", "it did not come back", NOW + MINUTE, &failed), 1);
    assert_int_equal(store_opinion_give_up(store, "B", "mx", "", NOW + MINUTE, &failed), 0);
    assert_int_equal(row_of("B").state, OPINION_NONE);
    assert_int_equal(give("B", "mx", 100, NOW + HOUR), 0);
}

static void what_nobody_answered_in_a_day_is_overdue(void **unused)
{
    (void)unused;
    struct store_overdue overdue[5];
    open_row("A", "rspamd", NOW + HOUR);
    assert_int_equal(store_opinions_overdue(store, NOW, NOW, 5, overdue, &failed), 0);
    assert_int_equal(store_opinions_overdue(store, NOW + 1, NOW + 1, 5, overdue, &failed), 1);
    assert_false(overdue[0].out);
    take("rspamd", ME, NOW + HOUR, 1);
    assert_int_equal(store_opinions_overdue(store, NOW + 1, NOW + HOUR, 5, overdue, &failed),
                     0); /* it is being asked */
}

static void who_is_not_heard_of_has_nothing_in_hand(void **unused)
{
    (void)unused;
    add("A", 1, NOW);
    open_row("A", "rspamd", NOW);
    well(store_sorting_alive(store, ME, NOW + 10, NOW, &failed));
    well(store_sorting_alive(store, YOU, NOW + 20, NOW, &failed));
    take(NULL, ME, NOW, 1);
    take("rspamd", ME, NOW, 1);
    assert_int_equal(store_sorting_dead(store, NOW + 9, &failed), 0);
    well(store_sorting_alive(store, YOU, NOW + 29, NOW + 9, &failed));
    assert_int_equal(take(NULL, YOU, NOW + 9, 1) + take("rspamd", YOU, NOW + 9, 1), 0);
    assert_int_equal(store_sorting_dead(store, NOW + 10, &failed), 1);
    well(store_sorting_alive(store, YOU, NOW + 30, NOW + 10, &failed));
    assert_int_equal(store_sorting_dead(store, NOW + 10, &failed), 0);
    assert_int_equal(take(NULL, YOU, NOW + 10, 1), 1);
    assert_int_equal(take("rspamd", YOU, NOW + 10, 1), 1);
}

static void who_ends_or_begins_alone_lets_go_of_everything(void **unused)
{
    (void)unused;
    add("A", 1, NOW);
    add("B", 2, NOW);
    take(NULL, ME, NOW, 1);
    take(NULL, YOU, NOW, 1);
    well(store_sorting_release(store, ME, &failed));
    assert_int_equal(take(NULL, ME, NOW, 5), 1);
    well(store_sorting_release(store, 0, &failed));
    assert_int_equal(take(NULL, ME, NOW, 5), 2);
}

static void see_told(void *context, const struct store_filtered *filtered)
{
    int64_t *sum = context;
    *sum = *sum * 100 + filtered->number % 100;
}

static void what_nodes_are_told_has_rising_numbers(void **unused)
{
    (void)unused;
    int64_t first = 0, next = 0, later = 0, highest = 0, told = 0;
    well(store_filtered_next(store, 3, NOW, &first, &failed));
    assert_int_equal(first, NOW / MILLISECOND);
    well(store_filtered_next(store, 1, NOW, &next, &failed));
    assert_int_equal(next, first + 3);
    well(store_filtered_next(store, 1, NOW - HOUR, &later, &failed)); /* a clock that went back */
    assert_int_equal(later, next + 1);
    well(store_filtered_highest(store, &highest, &failed));
    assert_int_equal(highest, later);
    for (int i = 0; i < 3; i++)
        well(store_filtered_add(store, i == 1 ? OTHER : NODE, first + i, NOW, TEXT("\"a\":1"), &failed));
    well(store_filtered(store, NODE, 0, 10, see_told, &told, &failed));
    assert_int_equal(told, first % 100 * 100 + (first + 2) % 100);
    told = 0;
    well(store_filtered(store, NODE, first, 10, see_told, &told, &failed));
    assert_int_equal(told, (first + 2) % 100);
    told = 0;
    well(store_filtered(store, NODE, 0, 1, see_told, &told, &failed));
    assert_int_equal(told, first % 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOCKED(new_messages_are_in_one_hand_each_the_oldest_first),
        STOCKED(what_was_taken_apart_is_done_and_only_its_holder_can_say_so),
        STOCKED(what_is_given_back_is_the_next_ones),
        STOCKED(each_filter_has_its_own_row),
        STOCKED(an_opinion_is_given_once),
        STOCKED(what_is_out_is_waited_for_anew),
        STOCKED(who_does_not_answer_is_asked_again_after_growing_pauses),
        STOCKED(one_that_is_back_is_asked_at_once_about_what_it_missed),
        STOCKED(what_is_out_comes_back_or_is_overdue),
        STOCKED(what_nobody_answered_in_a_day_is_overdue),
        STOCKED(who_is_not_heard_of_has_nothing_in_hand),
        STOCKED(who_ends_or_begins_alone_lets_go_of_everything),
        STOCKED(what_nodes_are_told_has_rising_numbers),
    };
    return ENGINES_RUN(tests);
}
