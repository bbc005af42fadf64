/* How lists are: told to people where it stays so, all of them at once where the fault is elsewhere, and what each was
 * asked counts for all collectors. */
#include <ctype.h>
#include "collector/lookout/belief.h"
#include "collector/store/listings.h"
#include "tests/unit/collector/store/stocked.h"

#define APART  (15 * MINUTE)
#define RETEST (10 * MINUTE)

static struct zones *zones;
static struct inquiry *inquiry;
static struct beliefs beliefs;
static bool is_empty[2]; /* whether a.example, b.example list nothing */
static moment now;

static void ignore(void *context, const struct inquiry_result *result)
{
    (void)context;
    (void)result;
}

static int begin(void **state)
{
    static const char text[] = "[a.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 high spam\n"
                               "[b.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 low bots\n";
    const struct inquiry_settings settings = {
        .resolvers = 1, .in_flight = 16, .tries = 2, .waiting = 16, .retest = RETEST, .fresh = MINUTE, .key = {{1, 2}}};
    well(zones_create(&zones, &failed));
    well(zones_read(zones, TEXT(text), "zones", &failed));
    well(zones_choose(zones, NULL, 0, &failed));
    well(inquiry_create(&settings, zones, ignore, NULL, &inquiry, &failed));
    beliefs = (struct beliefs){0};
    is_empty[0] = is_empty[1] = false;
    now = NOW;
    return stocked_begin(state);
}

static int end(void **state)
{
    inquiry_destroy(&inquiry);
    zones_destroy(&zones);
    return stocked_end(state);
}

/* Ask for a clean name, and let all that comes of it come: tests among it. */
static void ask_lists(void)
{
    struct subject subject;
    struct inquiry_question question;
    assert_true(subject_parse(TEXT("198.51.100.9"), &subject));
    assert_int_equal(inquiry_ask(inquiry, &subject, 0, INQUIRY_ANEW, now), 2);
    for (int i = 0; i < 100 && inquiry_waiting(inquiry) > 0; i++) {
        while (inquiry_next(inquiry, now, &question)) {
            struct dns_reply reply;
            bool is_test = strncmp(question.name, "2.0.0.127.", 10) == 0;
            size_t zone = strcasestr(question.name, "b.example") != NULL;
            dns_reply_none(is_test && !is_empty[zone] ? DNS_ANSWERED : DNS_NO_NAME, &reply);
            strcpy(reply.question, question.name);
            reply.ttl = 300;
            reply.count = is_test && !is_empty[zone];
            memcpy(reply.addresses[0], (uint8_t[]){127, 0, 0, 2}, 4);
            inquiry_reply(inquiry, question.number, &reply, now);
        }
        now += SECOND;
    }
    assert_int_equal(inquiry_waiting(inquiry), 0);
}

static void write_all(void)
{
    well(beliefs_write(&beliefs, store, inquiry, zones, APART, now, &failed));
    beliefs_settle(&beliefs, inquiry, zones);
}

static int64_t alerts(const char *name)
{
    int64_t count = 0;
    const struct value values[] = {STRING(name)};
    well(engine_run(store->engine, "SELECT COUNT(*) FROM alerts WHERE kind = 'zone' AND name = $1 AND resolved = 0",
                    values, 1, store_row_integer, &count, &failed));
    return count;
}

static void test_good_lists(void **unused)
{
    (void)unused;
    write_all(); /* nothing was tested */
    assert_int_equal(ask("SELECT COUNT(*) FROM zones"), 0);
    ask_lists();
    write_all();
    assert_int_equal(ask("SELECT COUNT(*) FROM zones WHERE state = 'good' AND trouble = '' AND asked > 0"), 2);
    assert_int_equal(beliefs.counts.believed, 2);
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts"), 0);
}

static void test_one_that_lists_nothing(void **unused)
{
    (void)unused;
    is_empty[1] = true;
    ask_lists();
    write_all();
    assert_int_equal(ask("SELECT COUNT(*) FROM zones WHERE zone = 'b.example' AND state = 'empty' AND trouble <> ''"),
                     1);
    assert_int_equal(alerts("b.example"), 0); /* it may be a moment's doing */
    now += APART;
    ask_lists();
    write_all();
    assert_int_equal(alerts("b.example"), 1);
    write_all();
    assert_int_equal(ask("SELECT SUM(times) FROM alerts"), 1);
    assert_int_equal(alerts("all") + alerts("a.example"), 0);
    is_empty[1] = false;
    now += RETEST;
    ask_lists();
    write_all();
    assert_int_equal(alerts("b.example"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM zones WHERE state = 'good'"), 2);
}

static void test_where_none_is_believed_it_is_one_alert(void **unused)
{
    (void)unused;
    is_empty[0] = is_empty[1] = true;
    ask_lists();
    write_all();
    now += APART;
    ask_lists();
    write_all();
    assert_int_equal(alerts("all"), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts"), 1);
    is_empty[0] = is_empty[1] = false;
    now += RETEST;
    ask_lists();
    write_all();
    assert_int_equal(alerts("all"), 0);
}

static void test_questions_count_on(void **unused)
{
    (void)unused;
    struct inquiry_zone zone;
    ask_lists();
    write_all();
    inquiry_zone(inquiry, 0, &zone);
    int64_t asked = (int64_t)zone.asked;
    assert_true(asked > 0);
    assert_int_equal(ask("SELECT asked FROM zones WHERE zone = 'a.example'"), asked);
    /* Another collector has asked as well. */
    int64_t total;
    well(store_zone_asked(store, "a.example", zone.day, 100, &total, &failed));
    ask_lists();
    write_all();
    inquiry_zone(inquiry, 0, &zone);
    assert_true((int64_t)zone.asked > asked + 100);
    assert_int_equal(ask("SELECT asked FROM zones WHERE zone = 'a.example'"), zone.asked);
    /* And one that begins knows of all. */
    struct beliefs anew = {0};
    inquiry_resume(inquiry, 0, 0, 0);
    well(beliefs_resume(&anew, store, inquiry, zones, now, &failed));
    inquiry_zone(inquiry, 0, &zone);
    assert_int_equal(ask("SELECT asked FROM zones WHERE zone = 'a.example'"), zone.asked);
}

static void test_lists_that_are_asked_no_more(void **unused)
{
    (void)unused;
    const struct store_zone gone = {.zone = "gone.example", .state = "empty", .trouble = "x", .since = NOW};
    well(store_zone_put(store, &gone, &failed));
    well(beliefs_resume(&beliefs, store, inquiry, zones, now, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM zones WHERE zone = 'gone.example' AND state = ''"), 1);
}

#define BELIEF(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {BELIEF(test_good_lists), BELIEF(test_one_that_lists_nothing),
                                       BELIEF(test_where_none_is_believed_it_is_one_alert),
                                       BELIEF(test_questions_count_on), BELIEF(test_lists_that_are_asked_no_more)};
    return ENGINES_RUN(tests);
}
