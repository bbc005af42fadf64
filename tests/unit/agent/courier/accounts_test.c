/* Orders on accounts: who is refused, who is put off, who passes, and what is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/courier/accounts.h"

#define NOW (1700000000 * SECOND)

static struct accounts *accounts;
static char action[ACCOUNTS_ACTION];

static int begin(void **state)
{
    struct error error = {0};
    (void)state;
    return accounts_create(4, &accounts, &error);
}

static int end(void **state)
{
    (void)state;
    accounts_destroy(&accounts);
    return 0;
}

static struct order order_on(const char *login, enum deed deed)
{
    return (struct order){.target = sender_from_account(text_of(login)),
                          .deed = (uint8_t)deed,
                          .until = deed == DEED_RELEASE ? 0 : NOW + HOUR,
                          .rate = deed == DEED_THROTTLE ? 2 : 0};
}

static void give(const char *login, enum deed deed)
{
    struct order order = order_on(login, deed);
    accounts_order(accounts, &order, NOW);
}

static enum account_answer ask_at(const char *login, const char *instance, moment when)
{
    const struct policy_request request = {.account = text_of(login), .instance = text_of(instance)};
    return accounts_answer(accounts, &request, when, action);
}

static enum account_answer ask(const char *login)
{
    return ask_at(login, "", NOW + SECOND);
}

static const struct account *known(const char *login)
{
    struct sender sender = sender_from_account(text_of(login));
    return accounts_find(accounts, &sender);
}

static void test_a_blocked_account_is_refused_and_told_where_to_ask(void **state)
{
    (void)state;
    accounts_enforce(accounts, true);
    give("alice@example.com", DEED_BLOCK);
    assert_int_equal(ask("alice@example.com"), ACCOUNT_REFUSED);
    assert_ptr_equal(strstr(action, "554 5.7.1 "), action);
    assert_non_null(strstr(action, "account:alice@example.com"));
    assert_int_equal(ask("ALICE@Example.com"), ACCOUNT_REFUSED);
}

static void test_everybody_else_passes(void **state)
{
    (void)state;
    accounts_enforce(accounts, true);
    give("alice@example.com", DEED_BLOCK);
    assert_int_equal(ask("bob@example.com"), ACCOUNT_PASSES);
    assert_string_equal(action, "DUNNO");
    assert_int_equal(ask(""), ACCOUNT_PASSES);
    assert_int_equal(ask("alice"), ACCOUNT_PASSES);
}

static void test_nobody_is_refused_while_we_only_observe(void **state)
{
    (void)state;
    give("alice", DEED_BLOCK);
    assert_int_equal(ask("alice"), ACCOUNT_PASSES);
    assert_int_equal(known("alice")->asked, 1); /* but that its mail server asks is known */
    assert_int_equal(known("alice")->refused, 0);
    accounts_enforce(accounts, true);
    assert_int_equal(ask("alice"), ACCOUNT_REFUSED);
    accounts_enforce(accounts, false);
    assert_int_equal(ask("alice"), ACCOUNT_PASSES);
}

static void test_an_order_ends_by_itself_or_by_release(void **state)
{
    (void)state;
    accounts_enforce(accounts, true);
    give("alice", DEED_BLOCK);
    assert_int_equal(ask_at("alice", "", NOW + HOUR - SECOND), ACCOUNT_REFUSED);
    assert_int_equal(ask_at("alice", "", NOW + HOUR), ACCOUNT_PASSES);
    give("alice", DEED_BLOCK);
    give("alice", DEED_RELEASE);
    assert_int_equal(ask("alice"), ACCOUNT_PASSES);
    give("alice", DEED_ALLOW);
    assert_int_equal(ask("alice"), ACCOUNT_PASSES);
}

static void test_a_throttled_account_has_so_many_messages_a_minute(void **state)
{
    (void)state;
    accounts_enforce(accounts, true);
    give("alice", DEED_THROTTLE);
    moment minute = NOW / MINUTE * MINUTE;
    assert_int_equal(ask_at("alice", "a", minute), ACCOUNT_PASSES);
    assert_int_equal(ask_at("alice", "a", minute), ACCOUNT_PASSES); /* another recipient of the same */
    assert_int_equal(ask_at("alice", "b", minute), ACCOUNT_PASSES);
    assert_int_equal(ask_at("alice", "c", minute), ACCOUNT_DEFERRED);
    assert_ptr_equal(strstr(action, "defer_if_permit 4.7.1 "), action);
    assert_int_equal(ask_at("alice", "d", minute + MINUTE), ACCOUNT_PASSES);
    assert_int_equal(known("alice")->deferred, 1);
}

static void test_messages_are_counted_not_their_recipients(void **state)
{
    (void)state;
    accounts_enforce(accounts, true);
    give("alice", DEED_BLOCK);
    ask_at("alice", "a", NOW);
    ask_at("alice", "a", NOW);
    ask_at("alice", "b", NOW + SECOND);
    assert_int_equal(known("alice")->refused, 2);
    assert_int_equal(known("alice")->asked, 3);
    assert_int_equal(known("alice")->asked_last, NOW + SECOND);
    assert_int_equal(accounts_counters(accounts).refused, 2);
}

static void test_a_block_in_the_middle_of_a_message_holds_for_its_next_recipient(void **state)
{
    (void)state;
    accounts_enforce(accounts, true);
    give("alice", DEED_THROTTLE);
    assert_int_equal(ask_at("alice", "a", NOW), ACCOUNT_PASSES);
    give("alice", DEED_BLOCK);
    assert_int_equal(ask_at("alice", "a", NOW), ACCOUNT_REFUSED);
}

static void test_a_new_order_counts_anew_and_a_longer_one_goes_on(void **state)
{
    (void)state;
    accounts_enforce(accounts, true);
    give("alice", DEED_BLOCK);
    ask("alice");
    struct order longer = order_on("alice", DEED_BLOCK);
    longer.until = NOW + DAY;
    accounts_order(accounts, &longer, NOW + MINUTE);
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
    assert_int_equal(accounts_counters(accounts).asked_last, 0);
    ask("bob");
    assert_int_equal(accounts_counters(accounts).asked_last, NOW + SECOND);
    assert_int_equal(known("alice")->asked, 0);
    assert_null(known("bob"));
}

static void test_orders_on_others_are_none_of_ours_and_places_are_bounded(void **state)
{
    char login[16];
    (void)state;
    struct order user = {.target = sender_from_user(7), .deed = DEED_BLOCK, .until = NOW + HOUR};
    accounts_order(accounts, &user, NOW);
    assert_null(accounts_find(accounts, &user.target));
    give("never", DEED_RELEASE);
    assert_null(known("never"));
    for (int i = 0; i < 6; i++) {
        snprintf(login, sizeof login, "user%d", i);
        give(login, DEED_BLOCK);
    }
    assert_null(known("user0"));
    assert_null(known("user1"));
    assert_non_null(known("user2"));
    assert_non_null(known("user5"));
}

static void test_a_hostile_login_stays_within_its_line(void **state)
{
    char login[400];
    (void)state;
    accounts_enforce(accounts, true);
    memset(login, '\n', sizeof login - 1);
    login[sizeof login - 1] = '\0';
    give(login, DEED_BLOCK);
    assert_int_equal(ask(login), ACCOUNT_REFUSED);
    assert_null(strpbrk(action, "\r\n"));
    assert_true(strlen(action) < sizeof action - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)

static void give_customer(enum deed deed)
{
    struct order order = order_on("x", deed);
    order.target = sender_from_customer(TEXT("acme"));
    order.author = ORDER_BY_PERSON;
    accounts_order(accounts, &order, NOW);
}

static void test_accounts_of_a_customer(void **state)
{
    struct customers *map = NULL;
    struct error error = {0};
    (void)state;
    assert_int_equal(customers_read(TEXT("account:@acme.test acme\naccount:dave acme\naccount:eve@acme.test baker\n"),
                                    "map", true, &map, &error),
                     0);
    accounts_customers(accounts, map);
    accounts_enforce(accounts, true);
    give_customer(DEED_BLOCK);
    assert_int_equal(ask("alice@acme.test"), ACCOUNT_REFUSED); /* every account of its domain */
    assert_int_equal(ask("Dave"), ACCOUNT_REFUSED);
    assert_int_equal(ask("eve@acme.test"), ACCOUNT_PASSES); /* another's, as the map says */
    assert_int_equal(ask("bob@other.test"), ACCOUNT_PASSES);
    give("dave", DEED_ALLOW);
    assert_int_equal(ask("dave"), ACCOUNT_PASSES);
    give("dave", DEED_RELEASE);
    assert_int_equal(ask("dave"), ACCOUNT_REFUSED);
    give("alice@acme.test", DEED_THROTTLE);
    assert_int_equal(ask("alice@acme.test"), ACCOUNT_REFUSED);
    give_customer(DEED_RELEASE);
    assert_int_equal(ask("dave"), ACCOUNT_PASSES);
    assert_int_equal(ask_at("alice@acme.test", "1", NOW), ACCOUNT_PASSES); /* its own rate, of two a minute */
    assert_int_equal(ask_at("alice@acme.test", "2", NOW), ACCOUNT_PASSES);
    assert_int_equal(ask_at("alice@acme.test", "3", NOW), ACCOUNT_DEFERRED);
    give_customer(DEED_BLOCK);
    assert_int_equal(ask_at("dave", "", NOW + 2 * HOUR), ACCOUNT_PASSES); /* it is over */
    accounts_customers(accounts, NULL);
    assert_int_equal(ask("dave"), ACCOUNT_PASSES);
    customers_destroy(&map);
}

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
        TEST(orders_on_others_are_none_of_ours_and_places_are_bounded),
        TEST(a_hostile_login_stays_within_its_line),
        TEST(accounts_of_a_customer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
