/* What answers mean: listed and clean only where the zone says so, everything else unknown with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "collector/blacklist/agreement.h"
#include "collector/blacklist/answer.h"

#define COUNT_OF(rows) (sizeof(rows) / sizeof(rows)[0])

static struct zones *zones_of(const char *text)
{
    struct zones *zones = NULL;
    struct error error = {0};
    assert_int_equal(zones_create(&zones, &error), 0);
    if (zones_read(zones, text_of(text), "file", &error) < 0)
        fail_msg("%s", error.text);
    return zones;
}

/* "127.0.0.2 127.0.0.4" */
static struct dns_reply reply_of(const char *addresses)
{
    struct dns_reply reply;
    dns_reply_none(DNS_ANSWERED, &reply);
    reply.ttl = 300;
    for (struct text rest = text_of(addresses); rest.length > 0;) {
        struct address address;
        assert_true(address_parse(text_split(&rest, ' '), &address));
        memcpy(reply.addresses[reply.count++], address.bytes, 4);
    }
    return reply;
}

struct row {
    const char *addresses;
    enum answer_state state;
    enum answer_doubt doubt;
    enum listing_weight weight;
    const char *meaning;
};

static void judge_rows(const struct zone *zone, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct dns_reply reply = reply_of(rows[i].addresses);
        struct answer seen = answer_judge(zone, &reply);
        if (seen.state != rows[i].state || seen.doubt != rows[i].doubt || seen.weight != rows[i].weight)
            fail_msg("%s: %s (%s)", rows[i].addresses, answer_state_name(seen.state), answer_doubt_name(seen.doubt));
        assert_int_equal(seen.ttl, seen.state == ANSWER_UNKNOWN ? 0 : 300);
        if (rows[i].meaning)
            assert_string_equal(seen.meaning, rows[i].meaning);
        else
            assert_null(seen.meaning);
        assert_int_equal(seen.count, reply.count);
    }
}

static void codes(void **state)
{
    (void)state;
    struct zones *zones = zones_of("[zen.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 high spam\n"
                                   "code = 127.0.0.4-127.0.0.7 critical bots\ncode = 127.0.0.10 informational dynamic\n"
                                   "code = 127.0.0.1 clean white\ncode = 127.0.9.9 error slow down\n");
    static const struct row rows[] = {
        {"", ANSWER_CLEAN, DOUBT_NONE, 0, NULL},
        {"127.0.0.2", ANSWER_LISTED, DOUBT_NONE, LISTING_HIGH, "spam"},
        {"127.0.0.6", ANSWER_LISTED, DOUBT_NONE, LISTING_CRITICAL, "bots"},
        {"127.0.0.10", ANSWER_LISTED, DOUBT_NONE, LISTING_INFORMATIONAL, "dynamic"},
        {"127.0.0.10 127.0.0.2 127.0.0.4", ANSWER_LISTED, DOUBT_NONE, LISTING_CRITICAL, "bots"},
        {"127.0.0.1", ANSWER_CLEAN, DOUBT_NONE, 0, NULL},
        {"127.0.0.1 127.0.0.2", ANSWER_LISTED, DOUBT_NONE, LISTING_HIGH, "spam"},
        {"127.0.0.99", ANSWER_UNKNOWN, DOUBT_CODE, 0, NULL},
        {"127.0.0.99 127.0.0.2", ANSWER_LISTED, DOUBT_NONE, LISTING_HIGH, "spam"},
        {"127.0.9.9", ANSWER_UNKNOWN, DOUBT_ERROR, 0, NULL},
        {"127.0.0.2 127.0.9.9", ANSWER_UNKNOWN, DOUBT_ERROR, 0, NULL},
        {"127.255.255.252", ANSWER_UNKNOWN, DOUBT_TYPING, 0, NULL},
        {"127.255.255.254", ANSWER_UNKNOWN, DOUBT_PUBLIC, 0, NULL},
        {"127.255.255.255", ANSWER_UNKNOWN, DOUBT_EXCESS, 0, NULL},
        {"127.255.255.1", ANSWER_UNKNOWN, DOUBT_ERROR, 0, NULL},
        {"127.0.0.2 127.255.255.254", ANSWER_UNKNOWN, DOUBT_PUBLIC, 0, NULL},
        {"203.0.113.7", ANSWER_UNKNOWN, DOUBT_OUTSIDE, 0, NULL},
        {"127.0.0.2 203.0.113.7", ANSWER_UNKNOWN, DOUBT_OUTSIDE, 0, NULL},
        {"203.0.113.7 127.0.0.99 127.0.0.2", ANSWER_UNKNOWN, DOUBT_OUTSIDE, 0, NULL},
        {"127.255.255.254 127.0.0.99 127.0.0.2", ANSWER_UNKNOWN, DOUBT_PUBLIC, 0, NULL},
        {"126.255.255.255", ANSWER_UNKNOWN, DOUBT_OUTSIDE, 0, NULL},
        {"128.0.0.2", ANSWER_UNKNOWN, DOUBT_OUTSIDE, 0, NULL},
    };
    judge_rows(zones_at(zones, 0), rows, COUNT_OF(rows));
    zones_destroy(&zones);
}

static void other_codes_where_the_zone_allows_them(void **state)
{
    (void)state;
    struct zones *zones =
        zones_of("[a.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 low spam\nother = medium\n");
    static const struct row rows[] = {
        {"127.0.0.3", ANSWER_LISTED, DOUBT_NONE, LISTING_MEDIUM, "a code that the zones file does not name"},
        {"127.0.0.2", ANSWER_LISTED, DOUBT_NONE, LISTING_LOW, "spam"},
        {"127.0.0.1", ANSWER_UNKNOWN, DOUBT_LOOPBACK, 0, NULL},
        {"127.255.255.253", ANSWER_UNKNOWN, DOUBT_ERROR, 0, NULL},
        {"10.0.0.2", ANSWER_UNKNOWN, DOUBT_OUTSIDE, 0, NULL},
    };
    judge_rows(zones_at(zones, 0), rows, COUNT_OF(rows));
    zones_destroy(&zones);
}

static void bits(void **state)
{
    (void)state;
    struct zones *zones =
        zones_of("[multi.example]\nkind = domains\nlists = x\nbit = 1 error refused\nbit = 8 high phishing\n"
                 "bit = 64 medium abused\n");
    static const struct row rows[] = {
        {"127.0.0.8", ANSWER_LISTED, DOUBT_NONE, LISTING_HIGH, "phishing"},
        {"127.0.0.72", ANSWER_LISTED, DOUBT_NONE, LISTING_HIGH, "phishing"},
        {"127.0.0.64", ANSWER_LISTED, DOUBT_NONE, LISTING_MEDIUM, "abused"},
        {"127.0.0.1", ANSWER_UNKNOWN, DOUBT_ERROR, 0, NULL},
        {"127.0.0.9", ANSWER_UNKNOWN, DOUBT_ERROR, 0, NULL},
        {"127.0.1.8", ANSWER_UNKNOWN, DOUBT_CODE, 0, NULL},
        {"127.0.0.10", ANSWER_UNKNOWN, DOUBT_CODE, 0, NULL},
        {"127.0.0.11", ANSWER_UNKNOWN, DOUBT_ERROR, 0, NULL},
        {"203.0.113.7 127.0.0.10 127.0.0.8", ANSWER_UNKNOWN, DOUBT_OUTSIDE, 0, NULL},
    };
    judge_rows(zones_at(zones, 0), rows, COUNT_OF(rows));
    zones_destroy(&zones);
}

/* No way in which an answer can fail to come is a listing, nor the absence of one. */
static void what_did_not_come_is_unknown(void **state)
{
    (void)state;
    struct zones *zones = zones_of("[a.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 low spam\n");
    static const struct {
        enum dns_outcome outcome;
        enum answer_doubt doubt;
    } rows[] = {{DNS_FAILED, DOUBT_FAILED},       {DNS_REFUSED, DOUBT_REFUSED}, {DNS_TRUNCATED, DOUBT_TRUNCATED},
                {DNS_MALFORMED, DOUBT_MALFORMED}, {DNS_TIMEOUT, DOUBT_TIMEOUT}, {DNS_UNREACHABLE, DOUBT_UNREACHABLE},
                {DNS_STOPPED, DOUBT_STOPPED}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct dns_reply reply = reply_of("127.0.0.2");
        reply.outcome = rows[i].outcome;
        struct answer seen = answer_judge(zones_at(zones, 0), &reply);
        assert_int_equal(seen.state, ANSWER_UNKNOWN);
        assert_int_equal(seen.doubt, rows[i].doubt);
    }
    struct dns_reply reply = reply_of("127.0.0.2");
    reply.outcome = DNS_NO_NAME; /* a name that does not exist has no address */
    assert_int_equal(answer_judge(zones_at(zones, 0), &reply).doubt, DOUBT_MALFORMED);
    reply.count = 0;
    assert_int_equal(answer_judge(zones_at(zones, 0), &reply).state, ANSWER_CLEAN);
    reply = reply_of("127.0.0.2");
    reply.count = ANSWER_CODES_MOST + 1;
    assert_int_equal(answer_judge(zones_at(zones, 0), &reply).state, ANSWER_UNKNOWN);
    for (int doubt = 0; doubt < ANSWER_DOUBTS; doubt++)
        assert_true(answer_doubt_name((enum answer_doubt)doubt)[0] && answer_doubt_text((enum answer_doubt)doubt)[0]);
    zones_destroy(&zones);
}

#define APART (15 * MINUTE)
static enum agreement_step take(struct agreement *agreement, enum answer_state state, int minute)
{
    return agreement_take(agreement, state, DAY + minute * MINUTE, APART);
}

static void two_answers_must_agree(void **state)
{
    (void)state;
    struct agreement agreement = {0};
    assert_int_equal(take(&agreement, ANSWER_CLEAN, 0), AGREEMENT_SAME);
    assert_int_equal(take(&agreement, ANSWER_LISTED, 60), AGREEMENT_DOUBTED);
    assert_int_equal(take(&agreement, ANSWER_LISTED, 61), AGREEMENT_DOUBTED); /* too soon */
    assert_int_equal(take(&agreement, ANSWER_UNKNOWN, 70), AGREEMENT_NONE);
    assert_int_equal(take(&agreement, ANSWER_LISTED, 75), AGREEMENT_LISTED);
    assert_true(agreement.listed && agreement.since == DAY + 60 * MINUTE);
    assert_int_equal(take(&agreement, ANSWER_LISTED, 120), AGREEMENT_SAME);
    assert_int_equal(take(&agreement, ANSWER_CLEAN, 180), AGREEMENT_DOUBTED);
    assert_int_equal(take(&agreement, ANSWER_LISTED, 190), AGREEMENT_SAME); /* a flicker */
    assert_int_equal(take(&agreement, ANSWER_CLEAN, 240), AGREEMENT_DOUBTED);
    assert_int_equal(take(&agreement, ANSWER_CLEAN, 300), AGREEMENT_NOT_LISTED);
    assert_int_equal(agreement.since, DAY + 240 * MINUTE);
}

static void the_first_answer_may_be_a_listing(void **state)
{
    (void)state;
    struct agreement agreement = {0};
    assert_int_equal(take(&agreement, ANSWER_LISTED, 0), AGREEMENT_DOUBTED);
    assert_int_equal(take(&agreement, ANSWER_CLEAN, 20), AGREEMENT_SAME);
    assert_int_equal(take(&agreement, ANSWER_LISTED, 40), AGREEMENT_DOUBTED);
    assert_int_equal(take(&agreement, ANSWER_LISTED, 30), AGREEMENT_DOUBTED); /* the clock was set back */
    assert_int_equal(take(&agreement, ANSWER_LISTED, 46), AGREEMENT_LISTED);
    struct agreement at_once = {0};
    assert_int_equal(agreement_take(&at_once, ANSWER_LISTED, DAY, 0), AGREEMENT_LISTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes),
        cmocka_unit_test(other_codes_where_the_zone_allows_them),
        cmocka_unit_test(bits),
        cmocka_unit_test(what_did_not_come_is_unknown),
        cmocka_unit_test(two_answers_must_agree),
        cmocka_unit_test(the_first_answer_may_be_a_listing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
