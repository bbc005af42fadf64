/* What relays are told outlasts the process: the greylist's log, and the fleet's standings with their number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/courier/relay_store.h"
#include "agent/courier/standings_feed.h"
#include "agent/relay/decision.h"
#include "common/io/clock.h"

#define NOW (1700000000 * SECOND)

static const struct greylist_settings settings = {5 * MINUTE, 2 * DAY, 35 * DAY, 0};
static char folder[64], path[96];
static struct relay_store *store;
static struct greylist *greylist;

static void open_all(uint32_t most)
{
    struct error error = {0};
    assert_int_equal(relay_store_open(path, &store, &error), 0);
    assert_int_equal(greylist_create(most, relay_store_key(store), &greylist, &error), 0);
    int more;
    do
        more = relay_store_load_greylist(store, greylist, &error);
    while (more > 0);
    assert_int_equal(more, 0);
}

static void close_all(void)
{
    relay_store_close(&store);
    greylist_destroy(&greylist);
}

static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/relay-store-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/relay.db", folder);
    open_all(300000);
    return 0;
}

static int end(void **state)
{
    char command[128];
    (void)state;
    close_all();
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void keep(void)
{
    struct error error = {0};
    assert_int_equal(relay_store_keep_greylist(store, greylist, &error), 0);
}

static bool passes(uint32_t number, moment now)
{
    const uint8_t bytes[4] = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), 1};
    const struct address client = address_from_ipv4(bytes);
    char recipient[32];
    uint32_t wait;
    snprintf(recipient, sizeof recipient, "%c%c@example.org", 'a' + number % 16, 'a' + number / 16 % 16);
    return greylist_ask(greylist, &settings, &client, TEXT("a@example.com"), text_of(recipient), now, &wait) ==
           GREYLIST_PASSES;
}

static void test_who_came_again_is_known_by_the_next_process(void **state)
{
    (void)state;
    assert_false(passes(1, NOW));
    assert_false(passes(2, NOW));
    assert_true(passes(1, NOW + 5 * MINUTE));
    keep();
    close_all();
    open_all(1000);
    assert_int_equal(greylist_count(greylist), 2);
    assert_true(passes(1, NOW + 6 * MINUTE));
    assert_true(passes(2, NOW + 6 * MINUTE)); /* it began to wait with the one before */
    assert_false(passes(3, NOW + 6 * MINUTE));
}

static int64_t rows(void)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *count = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(database, "SELECT ifnull(sum(length(entries)), 0) / 24 FROM greylist", -1, &count, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    int64_t result = sqlite3_column_int64(count, 0);
    sqlite3_finalize(count);
    sqlite3_close(database);
    return result;
}

static void test_a_long_log_is_written_anew(void **state)
{
    (void)state;
    for (uint32_t day = 0; day < 8; day++)
        for (uint32_t i = 0; i < 20000; i++) {
            (void)passes(i, NOW + day * DAY / 3);
            if (i % 10000 == 0)
                keep();
        }
    for (int i = 0; i < 40; i++)
        keep();
    assert_in_range(rows(), greylist_count(greylist), 65536 + 20000);
    uint32_t known = greylist_count(greylist);
    close_all();
    open_all(300000);
    assert_int_equal(greylist_count(greylist), known);
    assert_true(passes(77, NOW + 8 * DAY / 3));
}

/* --- the fleet's standings --- */

static struct relay *relay;
static struct relay_settings relay_settings;
static struct standings_feed feed;
static char trouble[300];

static void note_trouble(void *context, const char *text)
{
    (void)context;
    snprintf(trouble, sizeof trouble, "%s", text);
}

static void begin_feed(void)
{
    struct error error = {0};
    const struct option_binding bindings[] = {relay_settings_bind(&relay_settings), {.options = NULL}};
    assert_int_equal(options_read(bindings, TEXT("[relay]\nfollow = yes\nsenders = 1000\n"), "test", &error), 0);
    assert_int_equal(relay_create(&relay_settings, relay_store_key(store), &relay, &error), 0);
    feed =
        (struct standings_feed){.relay = relay, .store = store, .settings = &relay_settings, .trouble = note_trouble};
}

static void end_feed(void)
{
    const struct option_binding bindings[] = {relay_settings_bind(&relay_settings), {.options = NULL}};
    relay_destroy(&relay);
    options_clear(bindings);
}

static struct fleet_standing standing_of(const char *name, enum deed deed)
{
    struct fleet_standing standing = {.customer = "acme",
                                      .deed = deed,
                                      .until = clock_now() + HOUR,
                                      .reason = "phishing, ticket 4711",
                                      .by = "anna",
                                      .node = "hv7"};
    assert_true(sender_parse(text_of(name), &standing.sender));
    return standing;
}

static void take(int64_t number, const char *name, enum deed deed)
{
    const struct fleet_standing standing = standing_of(name, deed);
    standings_feed_take(&feed, number, &standing);
}

static bool stands(const char *name)
{
    struct sender sender;
    struct relay_standing standing;
    assert_true(sender_parse(text_of(name), &sender));
    return standings_find(relay_fleet(relay), &sender, clock_now(), &standing);
}

static void load_one(void *context, const struct sender *sender, const struct stored_standing *standing)
{
    (void)context;
    assert_string_equal(standing->by, "anna");
    standings_put(relay_fleet(relay), sender, standing->deed, standing->rate, standing->until, standing->news,
                  clock_now());
}

static void test_what_the_fleet_tells_goes_on_with_the_next_process(void **state)
{
    struct stored_standing standing;
    struct sender sender;
    struct error error = {0};
    (void)state;
    begin_feed();
    assert_int_equal(standings_feed_after(&feed), 0);
    take(3, "203.0.113.7", DEED_BLOCK);
    take(4, "account:alice", DEED_THROTTLE);
    take(5, "customer:acme", DEED_BLOCK);
    standings_feed_done(&feed, 5);
    take(6, "2001:db8:1:2::/64", DEED_BLOCK); /* whoever ends before done() is told of it again */
    end_feed();
    close_all();
    open_all(100);
    begin_feed();
    assert_int_equal(standings_feed_after(&feed), 5);
    assert_int_equal(relay_store_load_standings(store, load_one, NULL, &error), 0);
    assert_true(stands("203.0.113.7"));
    assert_true(stands("account:alice"));
    assert_true(stands("customer:acme"));
    assert_false(stands("2001:db8:1:2::/64"));
    assert_true(sender_parse(TEXT("203.0.113.7"), &sender));
    assert_true(relay_store_find_standing(store, &sender, &standing));
    assert_string_equal(standing.reason, "phishing, ticket 4711");
    assert_string_equal(standing.by, "anna");
    assert_string_equal(standing.node, "hv7");
    end_feed();
}

static void test_a_release_and_what_is_over_end_it(void **state)
{
    struct stored_standing standing;
    struct sender sender;
    (void)state;
    begin_feed();
    take(1, "203.0.113.7", DEED_BLOCK);
    take(2, "203.0.113.8", DEED_BLOCK);
    take(3, "203.0.113.7", DEED_RELEASE);
    struct fleet_standing over = standing_of("203.0.113.8", DEED_BLOCK);
    over.until = NOW;
    standings_feed_take(&feed, 4, &over);
    standings_feed_done(&feed, 4);
    assert_false(stands("203.0.113.7"));
    assert_false(stands("203.0.113.8"));
    assert_true(sender_parse(TEXT("203.0.113.7"), &sender));
    assert_false(relay_store_find_standing(store, &sender, &standing));
    end_feed();
}

static void test_what_has_been_over_for_a_day_goes_from_the_file(void **state)
{
    struct stored_standing standing;
    struct sender sender;
    struct error error = {0};
    moment now = clock_now();
    (void)state;
    begin_feed();
    take(1, "203.0.113.7", DEED_BLOCK); /* for an hour */
    take(2, "203.0.113.8", DEED_THROTTLE);
    struct fleet_standing longer = standing_of("203.0.113.9", DEED_BLOCK);
    longer.until = now + 3 * DAY;
    standings_feed_take(&feed, 3, &longer);
    standings_feed_done(&feed, 3);
    assert_true(sender_parse(TEXT("203.0.113.7"), &sender));
    assert_int_equal(relay_store_prune_standings(store, now + 2 * HOUR, &error), 0);
    assert_true(relay_store_find_standing(store, &sender, &standing));
    for (int i = 0; i < 2; i++) /* from the beginning again */
        assert_int_equal(relay_store_prune_standings(store, now + 2 * DAY, &error), 0);
    assert_false(relay_store_find_standing(store, &sender, &standing));
    assert_true(sender_parse(TEXT("203.0.113.9"), &sender));
    assert_true(relay_store_find_standing(store, &sender, &standing));
    end_feed();
}

static void test_what_no_relay_asks_about_is_passed_over(void **state)
{
    static const char *const senders[] = {"port:vnet1", "uid:7", "52:54:00:12:34:56"};
    (void)state;
    begin_feed();
    for (size_t i = 0; i < sizeof senders / sizeof senders[0]; i++)
        take(1, senders[i], DEED_BLOCK);
    assert_int_equal(standings_count(relay_fleet(relay)), 0);
    relay_settings.follow = false;
    assert_false(standings_feed_is_wanted(&feed));
    take(1, "203.0.113.7", DEED_BLOCK);
    assert_int_equal(standings_count(relay_fleet(relay)), 0);
    assert_false(standings_feed_is_wanted(NULL));
    end_feed();
}

static void test_a_centre_that_begins_anew_is_followed_from_the_beginning(void **state)
{
    (void)state;
    begin_feed();
    take(9, "203.0.113.7", DEED_BLOCK);
    standings_feed_done(&feed, 9);
    standings_feed_forget(&feed);
    assert_int_equal(standings_feed_after(&feed), 0);
    assert_false(stands("203.0.113.7"));
    end_feed();
}

static void test_it_is_followed_so_where_nobody_follows_just_then(void **state)
{
    (void)state;
    begin_feed();
    take(9, "203.0.113.7", DEED_BLOCK);
    standings_feed_done(&feed, 9);
    relay_settings.follow = false;
    standings_feed_forget(&feed);
    relay_settings.follow = true;
    assert_int_equal(standings_feed_after(&feed), 0);
    assert_false(stands("203.0.113.7"));
    end_feed();
}

static void test_a_damaged_file_is_moved_aside(void **state)
{
    (void)state;
    close_all();
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (int i = 0; i < 5000; i++)
        fputc('x', file);
    fclose(file);
    open_all(100);
    assert_true(relay_store_was_damaged(store));
    assert_false(passes(1, NOW));
    keep();
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_came_again_is_known_by_the_next_process),
        TEST(a_long_log_is_written_anew),
        TEST(what_the_fleet_tells_goes_on_with_the_next_process),
        TEST(a_release_and_what_is_over_end_it),
        TEST(what_has_been_over_for_a_day_goes_from_the_file),
        TEST(what_no_relay_asks_about_is_passed_over),
        TEST(a_centre_that_begins_anew_is_followed_from_the_beginning),
        TEST(it_is_followed_so_where_nobody_follows_just_then),
        TEST(a_damaged_file_is_moved_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
