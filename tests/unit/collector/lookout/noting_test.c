/* What a list's word comes to: said twice it changes something, and whoever should know of a change is told once. */
#include "collector/lookout/noting.h"
#include "collector/store/alerts.h"
#include "tests/unit/collector/store/stocked.h"

#define APART (15 * MINUTE)

#define LONG "a-list-whose-name-is-long.and-of-several-parts.of-which-each-is-long-too.list.example"

static struct zones *zones;

static int begin(void **state)
{
    static const char text[] = "[a.example]\nkind = addresses\ntitle = The A list\nlists = x\n"
                               "code = 127.0.0.2 high spam\nlink = https://a.example/off\n"
                               "[b.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 low bots\n"
                               "[" LONG "]\nkind = addresses\nlists = x\ncode = 127.0.0.2 low bots\n"
                               "[d.example]\nkind = domains\nlists = x\ncode = 127.0.1.2 medium a bad domain\n";
    well(zones_create(&zones, &failed));
    well(zones_read(zones, TEXT(text), "zones", &failed));
    well(zones_choose(zones, NULL, 0, &failed));
    return stocked_begin(state);
}

static int end(void **state)
{
    zones_destroy(&zones);
    return stocked_end(state);
}

static int say(const char *name, const char *zone, enum answer_state state, moment now)
{
    struct answer answer = {.state = state, .weight = LISTING_HIGH, .meaning = "spam"};
    struct subject subject;
    if (state == ANSWER_LISTED) {
        answer.count = 1;
        memcpy(answer.codes[0], (const uint8_t[]){127, 0, 0, 2}, 4);
        strcpy(answer.reason, "seen \x1b[31m by us");
    }
    assert_true(subject_parse(text_of(name), &subject));
    const struct note note = note_of(&subject, zones_find(zones, text_of(zone)), &answer);
    int status = noting_take(store, &note, APART, now, &failed);
    well(status);
    return status;
}

static int64_t standing(void)
{
    return ask("SELECT COUNT(*) FROM listings WHERE since > 0");
}

/* Who has used 192.0.2.1, and from where. */
static void seed(void)
{
    const struct store_record record = {.sequence = 1,
                                        .time = NOW - MINUTE,
                                        .kind = TEXT("traffic"),
                                        .sender = TEXT("port:tap7"),
                                        .customer = TEXT("acme"),
                                        .line = TEXT("{}"),
                                        .address = TEXT("192.0.2.1"),
                                        .said = STORE_TRAFFIC};
    well(store_deliver(store, NODE, 5, 1, &record, 1, NOW - MINUTE, &failed));
}

static void test_said_once_is_nothing(void **unused)
{
    (void)unused;
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_CLEAN, NOW), NOTED_NOTHING);
    assert_int_equal(ask("SELECT COUNT(*) FROM listings"), 0);
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_LISTED, NOW), NOTED_DOUBT);
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_LISTED, NOW + APART - 1), NOTED_DOUBT);
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_UNKNOWN, NOW + APART), NOTED_NOTHING);
    assert_int_equal(standing(), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM listings WHERE doubted > 0"), 1);
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_CLEAN, NOW + APART), NOTED_NOTHING);
    assert_int_equal(ask("SELECT COUNT(*) FROM listings"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts") + ask("SELECT COUNT(*) FROM records"), 0);
}

static void test_what_is_remembered_confirms_nothing(void **unused)
{
    (void)unused;
    struct note note = {.zone = zones_find(zones, TEXT("a.example")), .state = ANSWER_LISTED, .is_remembered = true};
    assert_true(subject_parse(TEXT("192.0.2.1"), &note.subject));
    assert_int_equal(noting_take(store, &note, APART, NOW, &failed), NOTED_DOUBT);
    assert_int_equal(noting_take(store, &note, APART, NOW + HOUR, &failed), NOTED_NOTHING);
    assert_int_equal(standing(), 0);
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_LISTED, NOW + HOUR), NOTED_CHANGE);
}

static void list_it(const char *name, moment now)
{
    assert_int_equal(say(name, "a.example", ANSWER_LISTED, now), NOTED_DOUBT);
    assert_int_equal(say(name, "a.example", ANSWER_LISTED, now + APART), NOTED_CHANGE);
}

static void test_said_twice_all_are_told(void **unused)
{
    (void)unused;
    seed();
    list_it("192.0.2.1", NOW);
    assert_int_equal(standing(), 1);
    assert_true(ask("SELECT since FROM listings") == NOW); /* the first of both */
    assert_int_equal(ask("SELECT COUNT(*) FROM listings WHERE sender = 'port:tap7' AND customer = 'acme' AND node = 7 "
                         "AND code = '127.0.0.2' AND means = 'spam' AND reason = 'seen ?[31m by us' AND times = 1"),
                     1);
    assert_int_equal(ask("SELECT COUNT(*) FROM listing_history WHERE until = 0 AND sender = 'port:tap7'"), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts WHERE kind = 'listing' AND name = '192.0.2.1 a.example' AND "
                         "severity = 2 AND node = 7 AND sender = 'port:tap7' AND customer = 'acme' AND "
                         "subject = '192.0.2.1 is listed by The A list' AND text LIKE '%https://a.example/off%'"),
                     1);
    assert_int_equal(
        ask("SELECT COUNT(*) FROM records WHERE kind = 'listing' AND node = 7 AND sender = 'port:tap7' AND "
            "line LIKE '%\"listed\":true%'"),
        1);
    assert_int_equal(ask("SELECT COUNT(*) FROM filtered WHERE node = 7"), 1);
    /* And once more: nobody is told again. */
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_LISTED, NOW + HOUR), NOTED_NOTHING);
    assert_true(ask("SELECT checked FROM listings") == NOW + HOUR);
    assert_int_equal(ask("SELECT SUM(times) FROM alerts") + ask("SELECT COUNT(*) FROM filtered"), 2);
}

static void test_while_it_lasts_the_node_is_told_daily(void **unused)
{
    (void)unused;
    seed();
    list_it("192.0.2.1", NOW);
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_LISTED, NOW + DAY), NOTED_NOTHING);
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_LISTED, NOW + DAY + 1), NOTED_NOTHING);
    assert_int_equal(ask("SELECT COUNT(*) FROM filtered"), 2);
    assert_int_equal(ask("SELECT SUM(times) FROM alerts") + ask("SELECT COUNT(*) FROM records WHERE kind = 'listing'"),
                     2);
    /* Another has the address now: neither is told of what was the first one's. */
    const struct store_record other = {.sequence = 2,
                                       .time = NOW + DAY,
                                       .kind = TEXT("traffic"),
                                       .sender = TEXT("port:tap8"),
                                       .customer = TEXT("other"),
                                       .line = TEXT("{}"),
                                       .address = TEXT("192.0.2.1"),
                                       .said = STORE_TRAFFIC};
    well(store_deliver(store, NODE, 5, 2, &other, 1, NOW + DAY, &failed));
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_LISTED, NOW + 2 * DAY), NOTED_NOTHING);
    assert_int_equal(ask("SELECT COUNT(*) FROM filtered"), 2);
}

static void test_one_slip_ends_nothing(void **unused)
{
    (void)unused;
    list_it("192.0.2.1", NOW);
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_CLEAN, NOW + HOUR), NOTED_DOUBT);
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_LISTED, NOW + 2 * HOUR), NOTED_NOTHING);
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_CLEAN, NOW + 3 * HOUR), NOTED_DOUBT);
    assert_int_equal(standing(), 1);
}

static void test_delisted_and_listed_again(void **unused)
{
    (void)unused;
    seed();
    list_it("192.0.2.1", NOW);
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_CLEAN, NOW + HOUR), NOTED_DOUBT);
    assert_int_equal(say("192.0.2.1", "a.example", ANSWER_CLEAN, NOW + HOUR + APART), NOTED_CHANGE);
    assert_int_equal(standing(), 0);
    assert_true(ask("SELECT total FROM listings") == HOUR);
    assert_true(ask("SELECT until FROM listing_history") == NOW + HOUR);
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts WHERE resolved > 0"), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM filtered"), 2);
    assert_int_equal(ask("SELECT COUNT(*) FROM records WHERE kind = 'listing'"), 2);
    list_it("192.0.2.1", NOW + DAY);
    assert_int_equal(ask("SELECT times FROM listings"), 2);
    assert_true(ask("SELECT first FROM listings") == NOW);
    assert_int_equal(ask("SELECT COUNT(*) FROM listing_history"), 2);
}

static void test_of_nobody_no_node_is_told(void **unused)
{
    (void)unused;
    struct answer answer = {.state = ANSWER_LISTED, .weight = LISTING_INFORMATIONAL, .meaning = "dynamic"};
    struct subject subject;
    list_it("2001:db8::7", NOW);
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts WHERE customer = '' AND node = 0"), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM filtered"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM records WHERE node = 0"), 1);
    /* A domain of ours; and what weighs nothing is news. */
    assert_true(subject_parse(TEXT("shop.example"), &subject));
    const struct note note = note_of(&subject, zones_find(zones, TEXT("d.example")), &answer);
    assert_int_equal(noting_take(store, &note, 0, NOW, &failed), NOTED_CHANGE);
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts WHERE severity = 0 AND name = 'shop.example d.example'"), 1);
}

static void test_lists_that_are_gone(void **unused)
{
    (void)unused;
    const struct store_listing gone = {.name = "192.0.2.1", .zone = "gone.example", .since = NOW, .times = 1};
    list_it("192.0.2.1", NOW);
    well(store_listing_put(store, &gone, &failed));
    well(store_listing_begin(store, &gone, &failed));
    assert_int_equal(noting_retire(store, zones, 10, NOW + HOUR, &failed), 1);
    assert_int_equal(standing(), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM listing_history WHERE until > 0 AND zone = 'gone.example'"), 1);
    assert_int_equal(noting_retire(store, zones, 10, NOW + HOUR, &failed), 0);
}

/* A whole network of ours is on another list, and was listed there since. */
static void test_lists_that_are_gone_among_many_listings(void **unused)
{
    (void)unused;
    const struct store_listing gone = {.name = "192.0.2.1", .zone = "gone.example", .since = NOW, .times = 1};
    well(store_listing_put(store, &gone, &failed));
    well(store_listing_begin(store, &gone, &failed));
    put("INSERT INTO listings (name, zone, since, checked, doubted, first, times, total, weight, code, means, reason, "
        "node, sender, customer) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10100) "
        "SELECT 'n' || i, 'a.example', 1900000000000000000, 0, 0, 1, 1, 0, 1, '', '', '', 0, '', '' FROM n");
    assert_int_equal(noting_retire(store, zones, 10, NOW + HOUR, &failed), 1);
    assert_int_equal(standing(), 10100);
}

/* A node that lies may call its sender what it likes, and a list say what it likes of it: whatever that is, the others'
 * listings go on being written. */
static void test_whatever_they_say(void **unused)
{
    (void)unused;
    char name[255];
    struct answer answer = {
        .state = ANSWER_LISTED, .weight = LISTING_HIGH, .count = ANSWER_CODES_MOST, .meaning = "spam"};
    struct subject subject;
    memset(name, 1, sizeof name);
    memset(answer.reason, '"', sizeof answer.reason - 1);
    for (size_t i = 0; i < ANSWER_CODES_MOST; i++)
        memcpy(answer.codes[i], (const uint8_t[]){127, 100, 100, 100}, 4);
    const struct text called = {name, sizeof name};
    const struct store_record record = {.sequence = 1,
                                        .time = NOW - MINUTE,
                                        .kind = TEXT("traffic"),
                                        .sender = called,
                                        .customer = called,
                                        .line = TEXT("{}"),
                                        .address = TEXT("192.0.2.1"),
                                        .said = STORE_TRAFFIC};
    well(store_deliver(store, NODE, 5, 1, &record, 1, NOW - MINUTE, &failed));
    assert_true(subject_parse(TEXT("192.0.2.1"), &subject));
    const struct note note = note_of(&subject, zones_find(zones, TEXT(LONG)), &answer);
    assert_int_equal(noting_take(store, &note, 0, NOW, &failed), NOTED_CHANGE);
    assert_int_equal(ask("SELECT COUNT(*) FROM filtered"), 1);
}

#define NOTING(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {NOTING(test_said_once_is_nothing),
                                       NOTING(test_said_twice_all_are_told),
                                       NOTING(test_while_it_lasts_the_node_is_told_daily),
                                       NOTING(test_one_slip_ends_nothing),
                                       NOTING(test_delisted_and_listed_again),
                                       NOTING(test_of_nobody_no_node_is_told),
                                       NOTING(test_lists_that_are_gone),
                                       NOTING(test_lists_that_are_gone_among_many_listings),
                                       NOTING(test_what_is_remembered_confirms_nothing),
                                       NOTING(test_whatever_they_say)};
    return ENGINES_RUN(tests);
}
