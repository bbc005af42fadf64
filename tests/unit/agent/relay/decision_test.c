/* What a relay is told: who is refused, who is put off, who passes, and what is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/relay/decision.h"

#define NOW (1700000040 * SECOND) /* a minute begins */

static struct relay *relay;
static struct relay_settings settings;
static struct option_binding bindings[2];
static char action[RELAY_ACTION];

static int begin(void **state)
{
    const struct siphash_key key = {{1, 2}};
    struct error error = {0};
    (void)state;
    bindings[0] = relay_settings_bind(&settings);
    bindings[1] = (struct option_binding){.options = NULL};
    if (options_read(bindings, TEXT("[relay]\nsenders = 100\ngreylist_known = 100\nrate_senders = 100\n"), "test",
                     &error) < 0)
        return -1;
    return relay_create(&settings, &key, &relay, &error);
}

static int end(void **state)
{
    (void)state;
    relay_destroy(&relay);
    options_clear(bindings);
    return 0;
}

static struct sender named(const char *name)
{
    struct sender sender;
    char text[80];
    if (sender_parse(text_of(name), &sender) && sender.kind != SENDER_PORT)
        return sender;
    snprintf(text, sizeof text, "account:%s", name);
    return sender_parse(text_of(text), &sender) ? sender : sender_from_account(text_of(name));
}

static struct order order_on(const char *name, enum deed deed)
{
    return (struct order){.target = named(name),
                          .deed = (uint8_t)deed,
                          .until = deed == DEED_RELEASE ? 0 : NOW + HOUR,
                          .rate = deed == DEED_THROTTLE ? 2 : 0};
}

static void give(const char *name, enum deed deed)
{
    struct order order = order_on(name, deed);
    relay_order(relay, &order, NOW);
}

static enum relay_answer ask_at(const char *login, const char *instance, moment when)
{
    const struct relay_question question = {
        .stage = RELAY_AT_RECIPIENT, .account = text_of(login), .instance = text_of(instance)};
    return relay_answer(relay, &question, when, action).answer;
}

static enum relay_answer ask(const char *login)
{
    return ask_at(login, "", NOW + SECOND);
}

static struct relay_question mail_from(const char *client)
{
    return (struct relay_question){.stage = RELAY_AT_RECIPIENT,
                                   .client = text_of(client),
                                   .sender = TEXT("a@example.com"),
                                   .recipient = TEXT("b@example.org")};
}

static enum relay_answer ask_of(struct relay_question question, moment when)
{
    return relay_answer(relay, &question, when, action).answer;
}

static const struct act *known(const char *name)
{
    struct sender sender = named(name);
    return relay_act(relay, &sender);
}

static void test_a_blocked_account_is_refused_and_told_where_to_ask(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    give("alice@example.com", DEED_BLOCK);
    assert_int_equal(ask("alice@example.com"), RELAY_REFUSED);
    assert_ptr_equal(strstr(action, "554 5.7.1 "), action);
    assert_non_null(strstr(action, "account:alice@example.com"));
    assert_int_equal(ask("ALICE@Example.com"), RELAY_REFUSED);
}

static void test_everybody_else_passes(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    give("alice@example.com", DEED_BLOCK);
    assert_int_equal(ask("bob@example.com"), RELAY_PASSES);
    assert_string_equal(action, "DUNNO");
    assert_int_equal(ask(""), RELAY_PASSES);
    assert_int_equal(ask("alice"), RELAY_PASSES);
}

static void test_nobody_is_refused_while_we_only_observe(void **state)
{
    (void)state;
    give("alice", DEED_BLOCK);
    assert_int_equal(ask("alice"), RELAY_PASSES);
    assert_int_equal(known("alice")->asked, 1); /* but that its mail server asks is known */
    assert_int_equal(known("alice")->refused, 0);
    relay_enforce(relay, true);
    assert_int_equal(ask("alice"), RELAY_REFUSED);
    relay_enforce(relay, false);
    assert_int_equal(ask("alice"), RELAY_PASSES);
}

static void test_an_order_ends_by_itself_or_by_release(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    give("alice", DEED_BLOCK);
    assert_int_equal(ask_at("alice", "", NOW + HOUR - SECOND), RELAY_REFUSED);
    assert_int_equal(ask_at("alice", "", NOW + HOUR), RELAY_PASSES);
    give("alice", DEED_BLOCK);
    give("alice", DEED_RELEASE);
    assert_int_equal(ask("alice"), RELAY_PASSES);
    give("alice", DEED_ALLOW);
    assert_int_equal(ask("alice"), RELAY_PASSES);
}

static void test_a_throttled_account_has_so_many_messages_a_minute(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    give("alice", DEED_THROTTLE);
    moment minute = NOW;
    assert_int_equal(ask_at("alice", "a", minute), RELAY_PASSES);
    assert_int_equal(ask_at("alice", "a", minute), RELAY_PASSES); /* another recipient of the same */
    assert_int_equal(ask_at("alice", "b", minute), RELAY_PASSES);
    assert_int_equal(ask_at("alice", "c", minute), RELAY_DEFERRED);
    assert_ptr_equal(strstr(action, "defer_if_permit 4.7.1 "), action);
    assert_int_equal(ask_at("alice", "d", minute + 100 * SECOND), RELAY_PASSES);
    assert_int_equal(known("alice")->deferred, 1);
}

static void test_messages_are_counted_not_their_recipients(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    give("alice", DEED_BLOCK);
    ask_at("alice", "a", NOW);
    ask_at("alice", "a", NOW);
    ask_at("alice", "b", NOW + SECOND);
    assert_int_equal(known("alice")->refused, 2);
    assert_int_equal(known("alice")->asked, 3);
    assert_int_equal(known("alice")->asked_last, NOW + SECOND);
    assert_int_equal(relay_counters(relay).answers[RELAY_REFUSED], 2);
}

static void test_a_block_in_the_middle_of_a_message_holds_for_its_next_recipient(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    give("alice", DEED_THROTTLE);
    assert_int_equal(ask_at("alice", "a", NOW), RELAY_PASSES);
    give("alice", DEED_BLOCK);
    assert_int_equal(ask_at("alice", "a", NOW), RELAY_REFUSED);
}

static void test_a_new_order_counts_anew_and_a_longer_one_goes_on(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    give("alice", DEED_BLOCK);
    ask("alice");
    struct order longer = order_on("alice", DEED_BLOCK);
    longer.until = NOW + DAY;
    relay_order(relay, &longer, NOW + MINUTE);
    assert_int_equal(known("alice")->refused, 1);
    give("alice", DEED_RELEASE);
    assert_int_equal(known("alice")->refused, 1);
    give("alice", DEED_BLOCK);
    assert_int_equal(known("alice")->refused, 0);
}

static void test_whether_anybody_asked_is_known(void **state)
{
    (void)state;
    give("alice", DEED_BLOCK);
    assert_int_equal(relay_counters(relay).asked_last, 0);
    ask("bob");
    assert_int_equal(relay_counters(relay).asked_last, NOW + SECOND);
    assert_int_equal(known("alice")->asked, 0);
    assert_null(known("bob"));
}

static void test_orders_that_no_question_names_are_passed_over(void **state)
{
    (void)state;
    struct order user = {.target = sender_from_user(7), .deed = DEED_BLOCK, .until = NOW + HOUR};
    relay_order(relay, &user, NOW);
    assert_null(relay_act(relay, &user.target));
    give("never", DEED_RELEASE);
    assert_null(known("never"));
    assert_int_equal(relay_orders(relay), 0);
}

static void test_a_hostile_login_stays_within_its_line(void **state)
{
    char login[400];
    (void)state;
    relay_enforce(relay, true);
    memset(login, '\n', sizeof login - 1);
    login[sizeof login - 1] = '\0';
    give(login, DEED_BLOCK);
    assert_int_equal(ask(login), RELAY_REFUSED);
    assert_null(strpbrk(action, "\r\n"));
    assert_true(strlen(action) < sizeof action - 1);
}

static void test_a_blocked_address_is_refused_in_both_families(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    give("203.0.113.7", DEED_BLOCK);
    give("2001:db8:1:2::/64", DEED_BLOCK);
    assert_int_equal(ask_of(mail_from("203.0.113.7"), NOW), RELAY_REFUSED);
    assert_non_null(strstr(action, "Mail from this address"));
    assert_non_null(strstr(action, "under 203.0.113.7"));
    assert_int_equal(ask_of(mail_from("203.0.113.8"), NOW), RELAY_PASSES);
    assert_int_equal(ask_of(mail_from("2001:db8:1:2:a::b"), NOW), RELAY_REFUSED);
    assert_int_equal(ask_of(mail_from("2001:db8:1:3::1"), NOW), RELAY_PASSES);
}

static void test_what_is_no_address_is_nobodys(void **state)
{
    static const char *const others[] = {"unknown", "", "203.0.113.0/24", "203.0.113.7 ", "[203.0.113.7]"};
    (void)state;
    relay_enforce(relay, true);
    give("203.0.113.7", DEED_BLOCK);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(ask_of(mail_from(others[i]), NOW), RELAY_PASSES);
}

static void test_the_hardest_of_address_and_account_counts(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    struct relay_question question = mail_from("203.0.113.7");
    question.account = TEXT("alice");
    give("203.0.113.7", DEED_THROTTLE);
    give("alice", DEED_BLOCK);
    assert_int_equal(ask_of(question, NOW), RELAY_REFUSED);
    give("203.0.113.7", DEED_ALLOW); /* which is no word for the account */
    assert_int_equal(ask_of(question, NOW), RELAY_REFUSED);
    give("alice", DEED_RELEASE);
    assert_int_equal(ask_of(question, NOW), RELAY_PASSES);
}

static void test_a_customers_block_stops_all_but_its_allowed_members(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    struct relay_question question = mail_from("203.0.113.7");
    question.customer = TEXT("acme");
    give("customer:acme", DEED_BLOCK);
    assert_int_equal(ask_of(question, NOW), RELAY_REFUSED);
    assert_non_null(strstr(action, "customer:acme"));
    give("203.0.113.7", DEED_ALLOW);
    assert_int_equal(ask_of(question, NOW), RELAY_PASSES);
}

static void stand(const char *name, enum deed deed, moment until)
{
    const struct sender sender = named(name);
    standings_put(relay_fleet(relay), &sender, deed, 0, until, 17, NOW);
}

/* As on a node: order_prevailing(). */
static void test_of_an_allowed_customers_members_only_what_a_person_ordered_is_stopped(void **state)
{
    (void)state;
    struct order order = order_on("alice", DEED_BLOCK);
    struct relay_question question = mail_from("192.0.2.7");
    const struct sender address = named("192.0.2.7");
    question.account = TEXT("alice");
    relay_enforce(relay, true);
    settings.follow = true;
    give("alice", DEED_BLOCK);
    assert_int_equal(ask_of(question, NOW), RELAY_REFUSED);
    give("customer:acme", DEED_ALLOW);
    assert_int_equal(ask_of(question, NOW), RELAY_REFUSED); /* it is nobody's */
    question.customer = TEXT("acme");
    assert_int_equal(ask_of(question, NOW), RELAY_PASSES);
    standings_put(relay_fleet(relay), &address, DEED_BLOCK, 1, NOW + HOUR, 3, NOW);
    assert_int_equal(ask_of(question, NOW), RELAY_REFUSED);
    standings_note_policys(relay_fleet(relay), &address);
    assert_int_equal(ask_of(question, NOW), RELAY_PASSES);
    order.author = ORDER_BY_PERSON;
    relay_order(relay, &order, NOW);
    assert_int_equal(ask_of(question, NOW), RELAY_REFUSED);
}

static void test_the_fleets_standings_count_where_they_are_followed(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    stand("203.0.113.7", DEED_BLOCK, NOW + HOUR);
    assert_int_equal(ask_of(mail_from("203.0.113.7"), NOW), RELAY_PASSES);
    settings.follow = true;
    assert_int_equal(ask_of(mail_from("203.0.113.7"), NOW), RELAY_REFUSED);
    assert_int_equal(ask_of(mail_from("203.0.113.7"), NOW + HOUR), RELAY_PASSES);
}

static void test_an_order_of_this_node_stands_over_the_fleets(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    settings.follow = true;
    stand("203.0.113.7", DEED_BLOCK, NOW + HOUR);
    give("203.0.113.7", DEED_ALLOW);
    assert_int_equal(ask_of(mail_from("203.0.113.7"), NOW), RELAY_PASSES);
    give("203.0.113.7", DEED_RELEASE);
    assert_int_equal(ask_of(mail_from("203.0.113.7"), NOW), RELAY_REFUSED);
}

static void test_a_diverted_message_goes_where_it_is_said(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    give("203.0.113.7", DEED_DIVERT);
    assert_int_equal(ask_of(mail_from("203.0.113.7"), NOW), RELAY_DIVERTED);
    assert_string_equal(action, "DUNNO"); /* none */
    snprintf(settings.divert, sizeof settings.divert, "filter smtp:[192.0.2.1]:10025");
    relay_configure(relay, &settings);
    ask_of(mail_from("203.0.113.7"), NOW);
    assert_string_equal(action, "FILTER smtp:[192.0.2.1]:10025");
    assert_int_equal(known("203.0.113.7")->diverted, 2);
}

static void test_rates_put_off_what_is_too_much(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    settings.rates[RELAY_BY_CLIENT].messages_minute = 2;
    struct relay_question question = mail_from("203.0.113.7");
    question.instance = TEXT("a");
    assert_int_equal(ask_of(question, NOW), RELAY_PASSES);
    assert_int_equal(ask_of(question, NOW), RELAY_PASSES); /* its second recipient */
    question.instance = TEXT("b");
    assert_int_equal(ask_of(question, NOW), RELAY_PASSES);
    question.instance = TEXT("c");
    assert_int_equal(ask_of(question, NOW), RELAY_LIMITED);
    assert_non_null(strstr(action, "defer_if_permit 4.7.1 "));
    assert_int_equal(ask_of(mail_from("203.0.113.8"), NOW), RELAY_PASSES);
    assert_int_equal(ask_of(question, NOW + 2 * MINUTE), RELAY_PASSES);
    assert_int_equal(known("203.0.113.7")->deferred, 1);
}

static void test_recipients_have_a_rate_of_their_own(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    settings.rates[RELAY_BY_DOMAIN].recipients_hour = 3;
    struct relay_question question = mail_from("203.0.113.7");
    question.instance = TEXT("a");
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask_of(question, NOW), RELAY_PASSES);
    assert_int_equal(ask_of(question, NOW), RELAY_LIMITED);
    question.sender = TEXT("");
    assert_int_equal(ask_of(question, NOW), RELAY_PASSES); /* the null sender has no domain */
}

static void test_a_relay_that_asks_at_the_content_alone_says_how_many(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    settings.rates[RELAY_BY_ACCOUNT].recipients_minute = 10;
    struct relay_question question = {.stage = RELAY_AT_CONTENT, .account = TEXT("alice"), .recipients = 8};
    assert_int_equal(ask_of(question, NOW), RELAY_PASSES);
    assert_int_equal(ask_of(question, NOW), RELAY_LIMITED);
    settings.rates[RELAY_BY_ACCOUNT].recipients_minute = 0;
    assert_int_equal(ask_of(question, NOW), RELAY_PASSES);
}

static void test_content_of_a_message_that_was_counted_counts_no_more(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    settings.rates[RELAY_BY_CLIENT].recipients_minute = 1;
    struct relay_question question = mail_from("203.0.113.7");
    question.instance = TEXT("a");
    assert_int_equal(ask_of(question, NOW), RELAY_PASSES);
    question.stage = RELAY_AT_CONTENT;
    question.recipients = 1;
    assert_int_equal(ask_of(question, NOW), RELAY_PASSES);
}

static void test_the_greylist_puts_off_once(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    settings.greylist = true;
    assert_int_equal(ask_of(mail_from("203.0.113.7"), NOW), RELAY_GREYLISTED);
    assert_ptr_equal(strstr(action, "451 4.7.1 "), action);
    assert_non_null(strstr(action, "try again in 300 s"));
    assert_int_equal(ask_of(mail_from("203.0.113.9"), NOW + MINUTE), RELAY_GREYLISTED); /* the machine beside */
    assert_non_null(strstr(action, "try again in 240 s"));
    assert_int_equal(ask_of(mail_from("203.0.113.7"), NOW + 5 * MINUTE), RELAY_PASSES);
    assert_int_equal(known("203.0.113.7")->greylisted, 1);
}

static void test_the_greylist_is_for_strangers(void **state)
{
    (void)state;
    relay_enforce(relay, true);
    settings.greylist = true;
    struct relay_question question = mail_from("203.0.113.7");
    question.account = TEXT("alice");
    assert_int_equal(ask_of(question, NOW), RELAY_PASSES);
    assert_int_equal(ask_of(mail_from("127.0.0.1"), NOW), RELAY_PASSES); /* exempt */
    give("203.0.113.7", DEED_ALLOW);
    assert_int_equal(ask_of(mail_from("203.0.113.7"), NOW), RELAY_PASSES);
    assert_int_equal(ask_of(mail_from("203.0.113.8"), NOW), RELAY_GREYLISTED);
}

static void test_while_we_observe_all_is_learned_and_nothing_held_back(void **state)
{
    (void)state;
    settings.greylist = true;
    assert_int_equal(ask_of(mail_from("203.0.113.7"), NOW), RELAY_PASSES);
    assert_string_equal(action, "DUNNO");
    assert_int_equal(relay_counters(relay).withheld, 1);
    relay_enforce(relay, true);
    assert_int_equal(ask_of(mail_from("203.0.113.7"), NOW + 5 * MINUTE), RELAY_PASSES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_blocked_account_is_refused_and_told_where_to_ask),
        TEST(everybody_else_passes),
        TEST(nobody_is_refused_while_we_only_observe),
        TEST(an_order_ends_by_itself_or_by_release),
        TEST(a_throttled_account_has_so_many_messages_a_minute),
        TEST(messages_are_counted_not_their_recipients),
        TEST(a_block_in_the_middle_of_a_message_holds_for_its_next_recipient),
        TEST(a_new_order_counts_anew_and_a_longer_one_goes_on),
        TEST(whether_anybody_asked_is_known),
        TEST(orders_that_no_question_names_are_passed_over),
        TEST(a_hostile_login_stays_within_its_line),
        TEST(a_blocked_address_is_refused_in_both_families),
        TEST(what_is_no_address_is_nobodys),
        TEST(the_hardest_of_address_and_account_counts),
        TEST(a_customers_block_stops_all_but_its_allowed_members),
        TEST(of_an_allowed_customers_members_only_what_a_person_ordered_is_stopped),
        TEST(the_fleets_standings_count_where_they_are_followed),
        TEST(an_order_of_this_node_stands_over_the_fleets),
        TEST(a_diverted_message_goes_where_it_is_said),
        TEST(rates_put_off_what_is_too_much),
        TEST(recipients_have_a_rate_of_their_own),
        TEST(a_relay_that_asks_at_the_content_alone_says_how_many),
        TEST(content_of_a_message_that_was_counted_counts_no_more),
        TEST(the_greylist_puts_off_once),
        TEST(the_greylist_is_for_strangers),
        TEST(while_we_observe_all_is_learned_and_nothing_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
