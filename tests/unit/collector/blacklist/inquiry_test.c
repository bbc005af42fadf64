/* The inquiry among lists that behave as lists do: time is played, replies are made up here. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "collector/blacklist/inquiry.h"

#define TOLD_MOST    8192
#define PENDING_MOST 1024
#define BEGIN        (20000 * DAY + 6 * HOUR)
#define TRIP         (5 * MILLISECOND)
#define LOST         INT64_MAX

struct told {
    uint64_t tag;
    char zone[ZONE_NAME];
    struct answer answer;
    moment at;
    bool fresh, last;
};

struct pending {
    struct inquiry_question question;
    struct dns_reply reply;
    moment due;
};

/* The world: what is asked is answered by `answer`, which fills in the reply and says how long it takes. */
struct world {
    struct zones *zones;
    struct inquiry *inquiry;
    moment now;
    struct pending pending[PENDING_MOST];
    size_t pending_count, most_pending;
    struct told told[TOLD_MOST];
    size_t told_count;
    size_t asked, texts, streams;
    uint32_t chance;
    bool is_wild, is_turned; /* what a test turns on */
    duration (*answer)(struct world *, const struct inquiry_question *, struct dns_reply *);
};

static uint32_t draw(struct world *world, uint32_t below)
{
    world->chance = world->chance * 1664525 + 1013904223;
    return (world->chance >> 8) % below;
}

static void take_result(void *context, const struct inquiry_result *result)
{
    struct world *world = context;
    assert_true(world->told_count < TOLD_MOST);
    struct told *told = &world->told[world->told_count++];
    *told = (struct told){result->tag, "", *result->answer, world->now, result->fresh, result->last};
    strcpy(told->zone, result->zone->name);
    assert_int_equal(result->good_until == 0, result->answer->state == ANSWER_UNKNOWN);
}

/* --- replies --- */

static void lower(const char *name, char result[SUBJECT_NAME])
{
    size_t i = 0;
    for (; name[i]; i++)
        result[i] = (char)tolower((unsigned char)name[i]);
    result[i] = '\0';
}

static void say_none(const struct inquiry_question *question, struct dns_reply *reply)
{
    dns_reply_none(DNS_NO_NAME, reply);
    strcpy(reply->question, question->name);
    reply->ttl = 300;
}

static void say_listed(const struct inquiry_question *question, struct dns_reply *reply)
{
    dns_reply_none(DNS_ANSWERED, reply);
    strcpy(reply->question, question->name);
    reply->ttl = 900;
    if (question->type == DNS_TXT) {
        strcpy(reply->text, "because");
        return;
    }
    reply->count = 1;
    memcpy(reply->addresses[0], (uint8_t[]){127, 0, 0, 2}, 4);
}

/* A sound list: test entries, and all addresses whose last byte is 77. */
static bool is_listed(const char *asked)
{
    char name[SUBJECT_NAME];
    lower(asked, name);
    return strncmp(name, "2.0.0.127.", 10) == 0 || strncmp(name, "77.", 3) == 0 || strncmp(name, "test.", 5) == 0 ||
           strncmp(name, "bad.", 4) == 0;
}

static duration sound(struct world *world, const struct inquiry_question *question, struct dns_reply *reply)
{
    if (is_listed(question->name) ||
        (world->is_wild && strchr(question->name, '.') && !strstr(question->name, "nowhere")))
        say_listed(question, reply);
    else
        say_none(question, reply);
    return TRIP;
}

/* --- the world goes on --- */

static struct inquiry_settings usual(void)
{
    return (struct inquiry_settings){.resolvers = 1,
                                     .in_flight = 64,
                                     .tries = 4,
                                     .waiting = 1024,
                                     .retest = 10 * MINUTE,
                                     .fresh = MINUTE,
                                     .key = {{1, 2}}};
}

static const char one_zone[] = "[a.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 high spam\n";

static struct world *begin(const char *zones, const struct inquiry_settings *settings)
{
    struct world *world = calloc(1, sizeof *world);
    struct error error = {0};
    world->now = BEGIN;
    world->answer = sound;
    world->chance = 8;
    assert_int_equal(zones_create(&world->zones, &error), 0);
    if (zones_read(world->zones, text_of(zones), "file", &error) < 0)
        fail_msg("%s", error.text);
    if (strstr(zones, "[{k}."))
        assert_int_equal(zones_give_key(world->zones, TEXT("k"), TEXT("s3cret"), &error), 0);
    assert_int_equal(zones_choose(world->zones, NULL, 0, &error), 0);
    assert_int_equal(inquiry_create(settings, world->zones, take_result, world, &world->inquiry, &error), 0);
    return world;
}

static void end(struct world *world)
{
    inquiry_destroy(&world->inquiry);
    zones_destroy(&world->zones);
    free(world);
}

static void send_all(struct world *world)
{
    struct pending *pending = &world->pending[world->pending_count];
    while (inquiry_next(world->inquiry, world->now, &pending->question)) {
        const struct inquiry_question *question = &pending->question;
        duration takes = world->answer(world, question, &pending->reply);
        duration patience = question->way == INQUIRY_QUICK ? SECOND / 2 : 2 * SECOND;
        if (takes > patience) {
            dns_reply_none(DNS_TIMEOUT, &pending->reply);
            takes = patience;
        }
        pending->due = world->now + takes;
        world->asked++;
        world->texts += question->type == DNS_TXT;
        world->streams += question->way == INQUIRY_STREAM;
        pending = &world->pending[++world->pending_count];
        assert_true(world->pending_count < PENDING_MOST);
    }
    if (world->pending_count > world->most_pending)
        world->most_pending = world->pending_count;
}

/* What happens next; false: nothing will. */
static bool go_on(struct world *world)
{
    size_t first = 0;
    send_all(world);
    for (size_t i = 1; i < world->pending_count; i++)
        if (world->pending[i].due < world->pending[first].due)
            first = i;
    moment wake = inquiry_wake(world->inquiry, world->now);
    if (world->pending_count == 0 && wake == 0)
        return false;
    if (world->pending_count > 0 && (wake == 0 || world->pending[first].due <= wake)) {
        struct pending taken = world->pending[first];
        world->pending[first] = world->pending[--world->pending_count];
        world->now = taken.due;
        inquiry_reply(world->inquiry, taken.question.number, &taken.reply, world->now);
    } else {
        world->now = wake;
    }
    return true;
}

static void run(struct world *world)
{
    for (int i = 0; inquiry_waiting(world->inquiry) > 0; i++) {
        assert_true(i < 1000000);
        if (!go_on(world))
            assert_int_equal(inquiry_waiting(world->inquiry), 0);
    }
}

static void ask_how(struct world *world, const char *text, uint64_t tag, int how)
{
    struct subject subject;
    assert_true(subject_parse(text_of(text), &subject));
    assert_true(inquiry_ask(world->inquiry, &subject, tag, how, world->now) > 0);
}

static void ask(struct world *world, const char *text, uint64_t tag)
{
    ask_how(world, text, tag, 0);
}

/* 198.51.100.0 and on, tagged 0 and on: the 77th is listed. */
static void ask_many(struct world *world, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char text[32];
        snprintf(text, sizeof text, "198.51.%u.%u", 100 + i / 256, i % 256);
        ask(world, text, i);
    }
}

static size_t count_state(const struct world *world, enum answer_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < world->told_count; i++)
        count += world->told[i].answer.state == state;
    return count;
}

static void all_are(const struct world *world, enum answer_doubt doubt)
{
    for (size_t i = 0; i < world->told_count; i++)
        if (world->told[i].answer.state != ANSWER_UNKNOWN || world->told[i].answer.doubt != doubt)
            fail_msg("%s says %s (%s)", world->told[i].zone, answer_state_name(world->told[i].answer.state),
                     answer_doubt_name(world->told[i].answer.doubt));
}

/* --- telling --- */

static duration repeats_the_question(struct world *world, const struct inquiry_question *question,
                                     struct dns_reply *reply)
{
    duration after = sound(world, question, reply);
    if (question->type == DNS_TXT)
        snprintf(reply->text, sizeof reply->text, "see %s and S3CRET", question->name);
    return after;
}

static void a_key_is_not_told(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    settings.reasons = true;
    struct world *world =
        begin("[{k}.a.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 high spam\n", &settings);
    char reason[sizeof world->told[0].answer.reason];
    world->answer = repeats_the_question;
    ask(world, "198.51.100.77", 1);
    run(world);
    assert_int_equal(world->told_count, 1);
    lower(world->told[0].answer.reason, reason);
    assert_string_equal(reason, "see 77.100.51.198.******.a.example and ******");
    end(world);
}

static void a_sound_zone_is_believed(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    settings.reasons = true;
    struct world *world = begin(one_zone, &settings);
    ask(world, "198.51.100.77", 1);
    ask(world, "198.51.100.78", 2);
    run(world);
    assert_int_equal(world->told_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct told *told = &world->told[i];
        assert_true(told->fresh && told->last);
        assert_int_equal(told->answer.state, told->tag == 1 ? ANSWER_LISTED : ANSWER_CLEAN);
        assert_string_equal(told->answer.reason, told->tag == 1 ? "because" : "");
    }
    assert_int_equal(world->asked, 2 + 2 + 1); /* tests, addresses, one reason */
    struct inquiry_zone zone;
    inquiry_zone(world->inquiry, 0, &zone);
    assert_int_equal(zone.belief, ZONE_BELIEVED);
    assert_int_equal(zone.asked, 5);
    assert_int_equal(zone.day, 20000);
    assert_true(zone.listed == 1 && zone.clean == 1 && zone.unknown == 0);
    end(world);
}

static void each_zone_that_takes_it_is_asked(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    struct world *world = begin("[a.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 high spam\n"
                                "[b.example]\nkind = domains\nlists = x\ncode = 127.0.0.2 high spam\n"
                                "[c.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 high spam\n"
                                "[d.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 high spam\nuse = no\n",
                                &settings);
    struct subject subject;
    ask(world, "198.51.100.1", 1);
    ask(world, "bad.example", 2);
    assert_true(subject_parse(TEXT("2001:db8::7"), &subject));
    assert_int_equal(inquiry_ask(world->inquiry, &subject, 3, 0, world->now), 0);
    run(world);
    assert_int_equal(world->told_count, 3);
    assert_int_equal(count_state(world, ANSWER_LISTED), 1);
    size_t last = 0;
    for (size_t i = 0; i < 3; i++)
        last += world->told[i].last;
    assert_int_equal(last, 2);
    end(world);
}

/* --- tests of zones --- */

static duration empty(struct world *world, const struct inquiry_question *question, struct dns_reply *reply)
{
    (void)world;
    say_none(question, reply);
    return TRIP;
}

static duration wild(struct world *world, const struct inquiry_question *question, struct dns_reply *reply)
{
    (void)world;
    say_listed(question, reply);
    return TRIP;
}

static duration silent(struct world *world, const struct inquiry_question *question, struct dns_reply *reply)
{
    (void)world, (void)question, (void)reply;
    return LOST;
}

static duration refusing(struct world *world, const struct inquiry_question *question, struct dns_reply *reply)
{
    (void)world;
    say_listed(question, reply);
    memcpy(reply->addresses[0], (uint8_t[]){127, 255, 255, 254}, 4);
    return TRIP;
}

static void a_zone_that_fails_its_test_is_not_asked(void **state)
{
    (void)state;
    static const struct {
        duration (*answer)(struct world *, const struct inquiry_question *, struct dns_reply *);
        enum answer_doubt doubt;
        size_t asked;
    } rows[] = {
        {empty, DOUBT_EMPTY, 2}, {wild, DOUBT_WILDCARD, 2}, {silent, DOUBT_TIMEOUT, 8}, {refusing, DOUBT_PUBLIC, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct inquiry_settings settings = usual();
        struct world *world = begin(one_zone, &settings);
        world->answer = rows[i].answer;
        ask_many(world, 100);
        run(world);
        assert_int_equal(world->told_count, 100);
        all_are(world, rows[i].doubt);
        assert_int_equal(world->asked, rows[i].asked);
        struct inquiry_zone zone;
        inquiry_zone(world->inquiry, 0, &zone);
        assert_int_equal(zone.belief, ZONE_DISBELIEVED);
        assert_int_equal(zone.doubt, rows[i].doubt);
        end(world);
    }
}

static void it_is_tested_anew_in_a_while(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    struct world *world = begin(one_zone, &settings);
    world->answer = empty;
    ask(world, "198.51.100.77", 1);
    run(world);
    world->answer = sound;
    world->now += 9 * MINUTE;
    ask(world, "198.51.100.77", 2);
    run(world);
    all_are(world, DOUBT_EMPTY);
    world->now += MINUTE;
    ask(world, "198.51.100.77", 3);
    run(world);
    assert_int_equal(world->told[2].answer.state, ANSWER_LISTED);
    inquiry_retest(world->inquiry); /* somebody wants to know now */
    world->answer = empty;
    ask(world, "198.51.100.77", 4);
    run(world);
    assert_int_equal(world->told[3].answer.doubt, DOUBT_EMPTY);
    end(world);
}

/* The zone begins to list everything after its test: the next test, which stands before each listing, finds out. */
static void a_listing_stands_behind_a_fresh_test(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    struct world *world = begin(one_zone, &settings);
    ask(world, "198.51.100.1", 1);
    run(world);
    world->is_wild = true;
    world->now += 2 * MINUTE; /* the test still holds for what is clean */
    ask_many(world, 50);
    run(world);
    assert_int_equal(count_state(world, ANSWER_LISTED), 0);
    assert_int_equal(count_state(world, ANSWER_CLEAN), 1);
    assert_int_equal(world->told[50].answer.doubt, DOUBT_WILDCARD);
    end(world);
}

static duration without_ipv6(struct world *world, const struct inquiry_question *question, struct dns_reply *reply)
{
    if (strlen(question->name) > 64)
        return empty(world, question, reply);
    return sound(world, question, reply);
}

static void families_are_tested_apart(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    struct world *world =
        begin("[a.example]\nkind = addresses\nfamilies = 4 6\nlists = x\ncode = 127.0.0.2 high spam\n", &settings);
    world->answer = without_ipv6;
    ask(world, "198.51.100.77", 4);
    ask(world, "2001:db8::77", 6);
    run(world);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(world->told[i].answer.state, world->told[i].tag == 4 ? ANSWER_LISTED : ANSWER_UNKNOWN);
    struct inquiry_zone zone;
    inquiry_zone(world->inquiry, 0, &zone);
    assert_int_equal(zone.belief, ZONE_BELIEVED);
    end(world);
}

static void a_zone_without_tests_is_believed(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    settings.fresh = 0;
    struct world *world =
        begin("[a.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 high spam\ntest = none\n", &settings);
    ask(world, "198.51.100.77", 1);
    run(world);
    assert_int_equal(world->told[0].answer.state, ANSWER_LISTED);
    assert_int_equal(world->asked, 1);
    end(world);
}

/* --- resolvers --- */

static duration rewriting(struct world *world, const struct inquiry_question *question, struct dns_reply *reply)
{
    sound(world, question, reply);
    if (question->resolver == 0 && reply->outcome == DNS_NO_NAME) {
        say_listed(question, reply);
        memcpy(reply->addresses[0], (uint8_t[]){203, 0, 113, 80}, 4);
    }
    return TRIP;
}

static void a_resolver_that_makes_answers_up_is_not_used(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    settings.nowhere = "nowhere";
    struct world *world = begin(one_zone, &settings);
    world->answer = rewriting;
    ask_many(world, 10);
    run(world);
    all_are(world, DOUBT_REWRITTEN);
    assert_int_equal(world->asked, 1);
    end(world);
    settings.resolvers = 2;
    world = begin(one_zone, &settings);
    world->answer = rewriting;
    ask_many(world, 100);
    run(world);
    assert_int_equal(count_state(world, ANSWER_CLEAN), 99);
    struct inquiry_resolver resolver;
    inquiry_resolver(world->inquiry, 0, &resolver);
    assert_int_equal(resolver.belief, ZONE_DISBELIEVED);
    assert_int_equal(resolver.doubt, DOUBT_REWRITTEN);
    inquiry_resolver(world->inquiry, 1, &resolver);
    assert_int_equal(resolver.belief, ZONE_BELIEVED);
    assert_true(resolver.keeps_case);
    end(world);
}

static duration half_silent(struct world *world, const struct inquiry_question *question, struct dns_reply *reply)
{
    return question->resolver == 0 && world->is_turned ? LOST : sound(world, question, reply);
}

static void another_resolver_stands_in(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    settings.resolvers = 2;
    struct world *world = begin(one_zone, &settings);
    world->answer = half_silent;
    ask_many(world, 10);
    run(world);
    world->is_turned = true; /* the first falls silent */
    ask_many(world, 200);
    run(world);
    assert_int_equal(world->told_count, 210);
    assert_int_equal(count_state(world, ANSWER_UNKNOWN), 0);
    assert_int_equal(count_state(world, ANSWER_LISTED), 1);
    assert_true(world->asked < 400); /* it is soon not asked any more */
    end(world);
}

static duration folding(struct world *world, const struct inquiry_question *question, struct dns_reply *reply)
{
    sound(world, question, reply);
    char name[SUBJECT_NAME];
    lower(reply->question, name);
    strcpy(reply->question, name);
    return TRIP;
}

static void a_resolver_may_change_letters_if_it_always_does(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    settings.nowhere = "nowhere";
    struct world *world = begin(one_zone, &settings);
    world->answer = folding;
    ask(world, "198.51.100.77", 1);
    run(world);
    assert_int_equal(world->told[0].answer.state, ANSWER_LISTED);
    struct inquiry_resolver resolver;
    inquiry_resolver(world->inquiry, 0, &resolver);
    assert_false(resolver.keeps_case);
    end(world);
}

/* --- answers that are none --- */

/* All over UDP is forged once the zone was tested; over TCP it is not. */
static duration forging(struct world *world, const struct inquiry_question *question, struct dns_reply *reply)
{
    sound(world, question, reply);
    if (world->asked < 2)
        return TRIP;
    if (question->way != INQUIRY_STREAM) {
        say_listed(question, reply);
        for (char *c = reply->question; *c; c++)
            *c = (char)(isupper((unsigned char)*c) ? tolower((unsigned char)*c) : toupper((unsigned char)*c));
    }
    return TRIP;
}

static void answers_in_other_letters_are_forged(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    struct world *world = begin(one_zone, &settings);
    world->answer = forging;
    ask_many(world, 100);
    run(world);
    assert_int_equal(count_state(world, ANSWER_LISTED), 1);
    assert_int_equal(count_state(world, ANSWER_CLEAN), 99);
    assert_int_equal(world->streams, 100);
    end(world);
}

static duration cut(struct world *world, const struct inquiry_question *question, struct dns_reply *reply)
{
    sound(world, question, reply);
    if (question->way != INQUIRY_STREAM) {
        dns_reply_none(DNS_TRUNCATED, reply);
        strcpy(reply->question, question->name);
    } else if (world->is_turned) {
        dns_reply_none(DNS_UNREACHABLE, reply);
    }
    return TRIP;
}

static void what_does_not_fit_is_asked_for_over_tcp(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    settings.reasons = true;
    struct world *world = begin(one_zone, &settings);
    world->answer = cut;
    ask(world, "198.51.100.77", 1);
    ask(world, "198.51.100.78", 2);
    run(world);
    assert_int_equal(count_state(world, ANSWER_LISTED), 1);
    assert_int_equal(count_state(world, ANSWER_CLEAN), 1);
    world->is_turned = true; /* no TCP any more */
    world->now += SECOND;
    ask(world, "198.51.100.78", 3);
    run(world);
    assert_int_equal(world->told[2].answer.doubt, DOUBT_TRUNCATED);
    end(world);
}

/* --- how much, how fast --- */

static void questions_under_way_are_bounded(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    settings.in_flight = 40;
    struct world *world = begin(one_zone, &settings);
    ask_many(world, 500);
    run(world);
    assert_int_equal(world->told_count, 500);
    assert_int_equal(world->most_pending, 40);
    end(world);
}

static duration crowded(struct world *world, const struct inquiry_question *question, struct dns_reply *reply)
{
    duration takes = sound(world, question, reply);
    return world->pending_count > 30 ? LOST : takes; /* a buffer that overflows */
}

static void losses_narrow_the_window(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    settings.in_flight = 512;
    struct world *world = begin(one_zone, &settings);
    world->answer = crowded;
    ask_many(world, 1000);
    run(world);
    struct inquiry_resolver resolver;
    inquiry_resolver(world->inquiry, 0, &resolver);
    assert_int_equal(count_state(world, ANSWER_UNKNOWN), 0);
    assert_true(resolver.window < 64);
    end(world);
}

static void calm_questions_are_spread(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    settings.spread = HOUR;
    struct world *world = begin(one_zone, &settings);
    ask_many(world, 60);
    run(world);
    assert_int_equal(world->told_count, 60);
    for (size_t i = 1; i < 60; i++) {
        duration gap = world->told[i].at - world->told[i - 1].at;
        assert_true(gap > 59 * SECOND && gap < 62 * SECOND);
    }
    end(world);
}

static void a_person_does_not_wait(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    settings.spread = HOUR;
    struct world *world = begin(one_zone, &settings);
    ask_many(world, 60);
    for (int i = 0; i < 50; i++)
        go_on(world);
    ask_how(world, "198.51.100.77", 1000, INQUIRY_URGENT);
    moment asked = world->now;
    while (world->told_count == 0 || world->told[world->told_count - 1].tag != 1000)
        assert_true(go_on(world));
    assert_true(world->now - asked < SECOND);
    end(world);
}

static void a_day_has_so_many_questions(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    struct world *world =
        begin("[a.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 high spam\nlimit = 100\n", &settings);
    inquiry_resume(world->inquiry, 0, BEGIN / DAY, 48);
    ask_many(world, 70);
    run(world);
    assert_int_equal(count_state(world, ANSWER_CLEAN), 50); /* and two tests */
    assert_int_equal(count_state(world, ANSWER_UNKNOWN), 20);
    for (size_t i = 0; i < 70; i++)
        assert_true(world->told[i].answer.state == ANSWER_CLEAN || world->told[i].answer.doubt == DOUBT_BUDGET);
    struct inquiry_zone zone;
    inquiry_zone(world->inquiry, 0, &zone);
    assert_int_equal(zone.asked, 100);
    world->now += DAY;
    ask(world, "198.51.100.1", 100);
    run(world);
    assert_int_equal(world->told[70].answer.state, ANSWER_CLEAN);
    end(world);
}

static void answers_are_remembered_for_their_ttl(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    settings.remembered = 64;
    struct world *world = begin(one_zone, &settings);
    ask(world, "198.51.100.77", 1);
    run(world);
    size_t asked = world->asked;
    world->now += 899 * SECOND;
    ask(world, "198.51.100.77", 2);
    run(world);
    assert_int_equal(world->asked, asked);
    assert_true(!world->told[1].fresh && world->told[1].answer.state == ANSWER_LISTED);
    ask_how(world, "198.51.100.77", 3, INQUIRY_ANEW);
    run(world);
    assert_true(world->told[2].fresh);
    assert_true(world->asked > asked);
    world->now += 901 * SECOND;
    ask(world, "198.51.100.77", 4);
    run(world);
    assert_true(world->told[3].fresh);
    end(world);
}

static duration one_dead(struct world *world, const struct inquiry_question *question, struct dns_reply *reply)
{
    char name[SUBJECT_NAME];
    lower(question->name, name);
    return strstr(name, "dead") ? LOST : sound(world, question, reply);
}

static void one_dead_zone_holds_nobody_up(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    struct world *world = begin("[a.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 high spam\n"
                                "[dead.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 high spam\n",
                                &settings);
    world->answer = one_dead;
    ask_many(world, 500);
    while (count_state(world, ANSWER_CLEAN) < 498)
        assert_true(go_on(world));
    assert_true(world->now - BEGIN < SECOND);
    run(world);
    assert_int_equal(count_state(world, ANSWER_UNKNOWN), 500);
    end(world);
}

static void what_waits_is_told_at_the_end(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    settings.in_flight = 8;
    struct world *world = begin(one_zone, &settings);
    ask_many(world, 100);
    for (int i = 0; i < 20; i++)
        go_on(world);
    send_all(world);
    inquiry_stop(world->inquiry, world->now);
    struct inquiry_question none;
    assert_false(inquiry_next(world->inquiry, world->now, &none));
    for (size_t i = 0; i < world->pending_count; i++) {
        struct dns_reply reply;
        dns_reply_none(DNS_STOPPED, &reply);
        inquiry_reply(world->inquiry, world->pending[i].question.number, &reply, world->now);
    }
    assert_int_equal(world->told_count, 100);
    assert_int_equal(inquiry_waiting(world->inquiry), 0);
    assert_int_equal(world->told[99].answer.doubt, DOUBT_STOPPED);
    end(world);
}

static void no_more_wait_than_may(void **state)
{
    (void)state;
    struct inquiry_settings settings = usual();
    settings.waiting = 3;
    struct world *world = begin(one_zone, &settings);
    struct subject subject;
    assert_true(subject_parse(TEXT("198.51.100.1"), &subject));
    for (int i = 0; i < 3; i++)
        assert_int_equal(inquiry_ask(world->inquiry, &subject, 0, 0, world->now), 1);
    assert_true(inquiry_ask(world->inquiry, &subject, 0, 0, world->now) < 0);
    assert_int_equal(inquiry_ask(world->inquiry, &subject, 0, INQUIRY_URGENT, world->now), 1);
    run(world);
    assert_int_equal(world->told_count, 4);
    end(world);
}

/* --- everything goes wrong at once --- */

static duration chaos(struct world *world, const struct inquiry_question *question, struct dns_reply *reply)
{
    sound(world, question, reply);
    switch (draw(world, 10)) {
    case 0:
        return LOST;
    case 1:
        return (duration)draw(world, 3000) * MILLISECOND;
    case 2:
        dns_reply_none((enum dns_outcome)(DNS_FAILED + draw(world, 4)), reply);
        return TRIP;
    case 3: /* forged */
        if (question->way == INQUIRY_STREAM)
            return TRIP;
        say_listed(question, reply);
        reply->question[strlen(reply->question) - 1] ^= 0x20;
        return TRIP;
    case 4: /* forged as well: the answer to another question */
        say_listed(question, reply);
        strcpy(reply->question, "77.100.51.198.a.example");
        return TRIP;
    default:
        return (duration)draw(world, 50) * MILLISECOND;
    }
}

static void nothing_false_is_told_whatever_happens(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        struct inquiry_settings settings = usual();
        settings.resolvers = 1 + seed % 3;
        settings.in_flight = 1 + seed * 3;
        settings.reasons = seed % 2;
        settings.fresh = seed % 4 ? MINUTE : 0;
        settings.nowhere = seed % 3 ? NULL : "nowhere";
        settings.tries = 1 + seed % 8;
        struct world *world =
            begin("[a.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 high spam\n"
                  "[b.example]\nkind = addresses\nfamilies = 4 6\nlists = x\ncode = 127.0.0.2 high spam\n",
                  &settings);
        world->answer = chaos;
        world->chance = seed;
        ask_many(world, 300);
        run(world);
        assert_int_equal(world->told_count, 600);
        uint8_t told[300] = {0};
        for (size_t i = 0; i < 600; i++) {
            const struct told *one = &world->told[i];
            told[one->tag]++;
            bool listed = one->tag % 256 == 77;
            if (one->answer.state == (listed ? ANSWER_CLEAN : ANSWER_LISTED))
                fail_msg("seed %u: %u is told as %s", seed, (unsigned)one->tag, answer_state_name(one->answer.state));
        }
        for (size_t i = 0; i < 300; i++)
            assert_int_equal(told[i], 2);
        end(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_zone_is_believed),
        cmocka_unit_test(a_key_is_not_told),
        cmocka_unit_test(each_zone_that_takes_it_is_asked),
        cmocka_unit_test(a_zone_that_fails_its_test_is_not_asked),
        cmocka_unit_test(it_is_tested_anew_in_a_while),
        cmocka_unit_test(a_listing_stands_behind_a_fresh_test),
        cmocka_unit_test(families_are_tested_apart),
        cmocka_unit_test(a_zone_without_tests_is_believed),
        cmocka_unit_test(a_resolver_that_makes_answers_up_is_not_used),
        cmocka_unit_test(another_resolver_stands_in),
        cmocka_unit_test(a_resolver_may_change_letters_if_it_always_does),
        cmocka_unit_test(answers_in_other_letters_are_forged),
        cmocka_unit_test(what_does_not_fit_is_asked_for_over_tcp),
        cmocka_unit_test(questions_under_way_are_bounded),
        cmocka_unit_test(losses_narrow_the_window),
        cmocka_unit_test(calm_questions_are_spread),
        cmocka_unit_test(a_person_does_not_wait),
        cmocka_unit_test(a_day_has_so_many_questions),
        cmocka_unit_test(answers_are_remembered_for_their_ttl),
        cmocka_unit_test(one_dead_zone_holds_nobody_up),
        cmocka_unit_test(what_waits_is_told_at_the_end),
        cmocka_unit_test(no_more_wait_than_may),
        cmocka_unit_test(nothing_false_is_told_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
