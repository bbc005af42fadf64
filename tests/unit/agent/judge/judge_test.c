/* The flow as a whole: the same observations give the same lines, however time is handed in; and what was known
 * survives the process. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/unit/agent/judge/court.h"

#define A "192.0.2.1"

static uint64_t seed;
static uint32_t random_number(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

/* A week of a hundred senders, some good, some bad, some in bursts. */
static void live_through(struct court *court, uint64_t seed_, bool each_second, int from, int to)
{
    double at = 0;
    moment ticked = AT(0);
    seed = seed_;
    for (int i = 0; i < to; i++) {
        char sender[32], worth[32];
        double pause = random_number(100) < 97 ? random_number(400) / 10.0 : random_number(20000);
        at += pause;
        uint32_t number = random_number(100);
        snprintf(sender, sizeof sender, number < 50 ? "192.0.2.%u" : "2001:db8::%x:0:0:0:1", number);
        snprintf(worth, sizeof worth, "%d.%02u number %u", (int)random_number(number % 10 ? 3 : 12) - 1,
                 random_number(100), number);
        uint16_t port = random_number(2) ? SAYS : ADDS;
        if (i < from)
            continue;
        for (; each_second && ticked <= AT(at); ticked += SECOND)
            judge_tick(court->judge, ticked);
        hear(court, at, sender, port, worth);
    }
}

static void test_ticks_may_come_one_by_one_or_all_at_once(void **unused)
{
    (void)unused;
    for (uint64_t s = 1; s <= 5; s++) {
        struct court one, other;
        court_begin(&one, "");
        court_begin(&other, "");
        one.with_evidence = other.with_evidence = true;
        live_through(&one, s, true, 0, 4000);
        live_through(&other, s, false, 0, 4000);
        assert_true(one.lines.length > 100000);
        assert_int_equal(one.lines.length, other.lines.length);
        assert_memory_equal(one.lines.bytes, other.lines.bytes, one.lines.length);
        court_end(&one);
        court_end(&other);
    }
}

/* Heard now and judged in batches: the same lines in the same order. */
static void test_a_batch_changes_nothing(void **unused)
{
    (void)unused;
    struct court one, other;
    court_begin(&one, "");
    court_begin(&other, "");
    one.with_evidence = other.with_evidence = true;
    other.later = true;
    live_through(&one, 6, false, 0, 4000);
    live_through(&other, 6, false, 0, 4000);
    assert_true(other.lines.length < one.lines.length);
    judge_catch_up(other.judge);
    assert_int_equal(one.lines.length, other.lines.length);
    assert_memory_equal(one.lines.bytes, other.lines.bytes, one.lines.length);
    court_end(&one);
    court_end(&other);
}

static struct senders *adopt(struct court *court, uint32_t *dropped)
{
    senders_release(&court->senders);
    court->senders = senders_adopt(court->memory, court->size, &court->shape, dropped);
    assert_non_null(court->senders);
    return court->senders;
}

static void restart(struct court *court, uint32_t *dropped)
{
    struct error error = {0};
    judge_destroy(&court->judge);
    adopt(court, dropped);
    struct judge_listener listener = court_listener(court);
    court->judge = judge_create(court->settings, court->senders, &listener, &error);
    assert_non_null(court->judge);
}

/* A process that is started anew goes on as if nothing had been. */
static void test_a_restart_changes_nothing(void **unused)
{
    (void)unused;
    struct court whole, broken;
    uint32_t dropped = 99;
    court_begin(&whole, "");
    court_begin(&broken, "");
    live_through(&whole, 3, false, 0, 3000);
    for (int part = 0; part < 3000; part += 250) {
        live_through(&broken, 3, false, part, part + 250);
        restart(&broken, &dropped);
        assert_int_equal(dropped, 0);
    }
    assert_int_equal(whole.lines.length, broken.lines.length);
    assert_memory_equal(whole.lines.bytes, broken.lines.bytes, whole.lines.length);
    court_end(&whole);
    court_end(&broken);
}

/* --- death at any instruction --- */

static struct court dying;
static volatile uint64_t *progress; /* observations judged by all that died */

static void work_until_killed(void)
{
    struct error error = {0};
    struct judge_listener nobody = {0};
    struct judge *judge = judge_create(dying.settings, dying.senders, &nobody, &error);
    for (uint64_t i = 0;; i++) {
        struct observation observation = {.kind = OBSERVATION_HELO, .time = AT(i / 100.0), .server_port = SAYS};
        char name[32];
        snprintf(name, sizeof name, "0.%02u x%u", random_number(100), random_number(5000));
        observation.helo.name = text_of(name);
        observation.origin.address = (struct address){4, 32, {10, 0, 0, (uint8_t)(1 + random_number(40))}};
        judge_observe(judge, &observation);
        observation.kind = OBSERVATION_MESSAGE;
        observation.message.bytes = 7;
        observation.message.reply.code = 250;
        judge_observe(judge, &observation);
        *progress += 2;
    }
}

/* Let it work for a while, in observations and not in time, since a busy machine gives it little; then a moment more,
 * so that death comes anywhere. */
static void let_live(uint32_t observations)
{
    uint64_t wanted = *progress + observations;
    for (int i = 0; i < 200000 && *progress < wanted; i++)
        usleep(50);
    for (volatile uint32_t i = 0, most = random_number(2000); i < most; i++)
        ;
}

/* What must hold of every record that is believed. */
static void check_records(void)
{
    for (struct sender_record *r = senders_oldest(dying.senders); r; r = senders_younger(dying.senders, r)) {
        assert_int_equal(r->bytes, 7 * r->messages);
        assert_true(r->last >= r->first);
        const struct plain_state *states[2];
        const char *details = senders_details(dying.senders, r); /* states stand first, 16 bytes each */
        states[0] = (const void *)details;
        states[1] = (const void *)(details + sizeof(struct plain_state));
        if (details != NULL)
            assert_int_equal(states[0]->seen, states[1]->seen);
        assert_ptr_equal(senders_find(dying.senders, &r->sender), r);
    }
}

static void test_killed_at_any_instruction(void **unused)
{
    (void)unused;
    struct error error = {0};
    uint32_t dropped, dropped_in_all = 0;
    dying.settings = court_settings("[sender]\nsenders = 32\nsketches = 100\nbusy = 20\n");
    judge_settings_shape(dying.settings, &dying.shape);
    dying.size = senders_memory(&dying.shape);
    dying.memory = mmap(NULL, dying.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(dying.memory != MAP_FAILED);
    dying.senders = senders_place(dying.memory, &dying.shape, &error);
    progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(progress != MAP_FAILED);
    /* Few deaths are enough, if one was met in the middle of a change. */
    for (int round = 0; round < 150 || (round < 3000 && dropped_in_all == 0); round++) {
        seed = (uint64_t)round;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            work_until_killed();
        let_live(2 + random_number(400));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        adopt(&dying, &dropped);
        assert_true(dropped <= 1);
        dropped_in_all += dropped;
        check_records();
    }
    assert_true(senders_number(dying.senders) >= 31);
    assert_true(dropped_in_all > 0); /* else the deaths missed what this is about */
    senders_release(&dying.senders);
    munmap(dying.memory, dying.size);
    munmap((void *)(uintptr_t)progress, sizeof *progress);
    judge_settings_destroy(&dying.settings);
}

static void test_hostile_bytes_are_held_to_their_ranges(void **unused)
{
    (void)unused;
    struct court court;
    uint32_t dropped;
    court_begin(&court, "[sender]\nsenders = 64\n");
    for (int round = 0; round < 200; round++) {
        seed = (uint64_t)round;
        live_through(&court, (uint64_t)round, false, 0, 30);
        for (struct sender_record *r = senders_oldest(court.senders); r; r = senders_younger(court.senders, r)) {
            char *bytes = senders_judge_bytes(court.senders, r);
            for (int i = 0; i < 20; i++)
                bytes[random_number(court.shape.judge_bytes)] = (char)random_number(256);
            char *details = senders_details(court.senders, r);
            for (int i = 0; details && i < 20; i++)
                details[random_number(court.shape.details_bytes)] = (char)random_number(256);
        }
        restart(&court, &dropped);
        court.last_order = 0; /* the test's time begins anew with each round */
        until(&court, 1e6);
    }
    court_end(&court);
}

/* --- the table is full --- */

static void test_who_is_held_gives_way_last(void **unused)
{
    (void)unused;
    struct court court;
    char sender[32];
    court_begin(&court, "[sender]\nsenders = 16\n");
    hear(&court, 0, A, SAYS, "20");
    assert_int_equal(court_command(&court, 0, "192.0.2.2", DEED_ALLOW, DAY, "x"), 0);
    hear(&court, 0, "192.0.2.3", SAYS, "12");
    for (int i = 0; i < 200; i++) {
        snprintf(sender, sizeof sender, "10.0.0.%d", i + 1);
        hear(&court, i, sender, SAYS, "0");
    }
    assert_int_equal(court_look(&court, 200, A).verdict, VERDICT_BLOCK);
    assert_int_equal(court_look(&court, 200, "192.0.2.2").person_deed, DEED_ALLOW);
    struct sender alerted = who("192.0.2.3");
    assert_null(senders_find(court.senders, &alerted));
    court_end(&court);
}

static void test_all_are_held_and_still_a_new_one_finds_room(void **unused)
{
    (void)unused;
    struct court court;
    char sender[32];
    court_begin(&court, "[policy]\nstorm_least = 1000\nstorm_most = 1000\n[sender]\nsenders = 16\n");
    for (int i = 0; i < 100; i++) {
        snprintf(sender, sizeof sender, "10.0.0.%d", i + 1);
        hear(&court, 0, sender, SAYS, "20");
    }
    assert_int_equal(senders_number(court.senders), 16);
    until(&court, 1e6); /* what the agenda has of those that are gone does no harm */
    assert_int_equal(court_look(&court, 1e6, "10.0.0.100").verdict, VERDICT_CLEAR);
    court_end(&court);
}

static void test_counting_is_done_before_judging(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    struct observation observation = {.kind = OBSERVATION_MESSAGE, .time = AT(0)};
    observation.origin.address = (struct address){4, 32, {192, 0, 2, 1}};
    observation.message.reply.code = 250;
    for (int i = 0; i < 3; i++)
        judge_observe(court.judge, &observation);
    assert_int_equal(court_look(&court, 0, A).record->messages, 3);
    assert_int_equal(judge_observations(court.judge), 3);
    observation.origin.address.family = 0; /* from nobody: counted, judged by nobody */
    judge_observe(court.judge, &observation);
    assert_int_equal(judge_observations(court.judge), 4);
    assert_int_equal(senders_number(court.senders), 1);
    court_end(&court);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticks_may_come_one_by_one_or_all_at_once),
        cmocka_unit_test(test_a_batch_changes_nothing),
        cmocka_unit_test(test_a_restart_changes_nothing),
        cmocka_unit_test(test_killed_at_any_instruction),
        cmocka_unit_test(test_hostile_bytes_are_held_to_their_ranges),
        cmocka_unit_test(test_who_is_held_gives_way_last),
        cmocka_unit_test(test_all_are_held_and_still_a_new_one_finds_room),
        cmocka_unit_test(test_counting_is_done_before_judging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
