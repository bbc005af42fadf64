/* Memory that an earlier process left: found again at another address, records half-changed dropped, another shape or
 * other bytes refused, and no bytes lead outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/sender/senders.h"

#define PLACES 32

#define BUSY  12
#define BYTES 200

static const struct senders_shape shape = {.senders = PLACES,
                                           .sketches = 40,
                                           .judge_bytes = 96,
                                           .details = BUSY,
                                           .details_bytes = BYTES,
                                           .fingerprint = 42,
                                           .key = {{1, 2}}};

static void *make_memory(size_t *size)
{
    *size = senders_memory(&shape);
    void *memory = aligned_alloc(64, (*size + 63) / 64 * 64);
    assert_non_null(memory);
    memset(memory, 0, *size);
    return memory;
}

static struct senders *fill(void *memory, uint32_t number)
{
    struct error error = {0};
    struct senders *senders = senders_place(memory, &shape, &error);
    assert_non_null(senders);
    for (uint32_t i = 1; i <= number; i++) {
        struct sender sender = sender_from_user(i);
        struct sender_record *record = senders_record(senders, &sender, 1000 + i * 7 % 31);
        for (uint32_t n = 0; n < i; n++) {
            char name[32];
            snprintf(name, sizeof name, "%u@example.org", n);
            struct observation o = {.kind = OBSERVATION_RECIPIENT, .recipient.address = text_of(name)};
            o.recipient.reply.code = 250;
            senders_count(senders, record, &o);
        }
        memset(senders_judge_bytes(senders, record), (int)i, 96);
        if (i % 2 == 0) /* at most as many as there are places */
            memset(senders_take_details(senders, record), (int)i, BYTES);
    }
    return senders;
}

static void expect_record(struct senders *senders, uint32_t i)
{
    struct sender sender = sender_from_user(i);
    struct sender_record *record = senders_find(senders, &sender);
    assert_non_null(record);
    assert_int_equal(record->recipients, i);
    assert_int_equal(senders_distinct(senders, &record->distinct_recipients), i);
    assert_int_equal(((uint8_t *)senders_judge_bytes(senders, record))[95], i);
    const uint8_t *details = senders_details(senders, record);
    if (i % 2 == 0)
        assert_true(details[0] == i && details[BYTES - 1] == i);
    else
        assert_null(details);
}

static void test_everything_is_found_again_elsewhere(void **unused)
{
    (void)unused;
    size_t size;
    uint32_t dropped = 99;
    void *memory = make_memory(&size), *elsewhere = make_memory(&size);
    struct senders *senders = fill(memory, 20);
    memcpy(elsewhere, memory, size);
    senders_release(&senders);
    free(memory);
    senders = senders_adopt(elsewhere, size, &shape, &dropped);
    assert_non_null(senders);
    assert_int_equal(dropped, 0);
    assert_int_equal(senders_number(senders), 20);
    moment before = 0;
    for (struct sender_record *r = senders_oldest(senders); r; r = senders_younger(senders, r)) {
        assert_true(r->last >= before); /* the order of age as well */
        before = r->last;
    }
    for (uint32_t i = 1; i <= 20; i++)
        expect_record(senders, i);
    for (uint32_t i = 21; i <= 60; i++) { /* and it goes on */
        struct sender sender = sender_from_user(i);
        senders_record(senders, &sender, 2000 + i);
    }
    assert_int_equal(senders_number(senders), PLACES);
    senders_release(&senders);
    free(elsewhere);
}

static void test_what_was_being_changed_is_dropped(void **unused)
{
    (void)unused;
    size_t size;
    uint32_t dropped = 0;
    void *memory = make_memory(&size);
    struct senders *senders = fill(memory, 12);
    static const uint32_t torn[] = {1, 5, 12};
    for (size_t i = 0; i < 3; i++) {
        struct sender sender = sender_from_user(torn[i]);
        sender_record_open(senders_find(senders, &sender));
    }
    senders_release(&senders);
    senders = senders_adopt(memory, size, &shape, &dropped);
    assert_non_null(senders);
    assert_int_equal(dropped, 3);
    assert_int_equal(senders_number(senders), 9);
    for (uint32_t i = 1; i <= 12; i++) {
        struct sender sender = sender_from_user(i);
        if (i == 1 || i == 5 || i == 12)
            assert_null(senders_find(senders, &sender));
        else
            expect_record(senders, i);
    }
    senders_release(&senders);
    free(memory);
}

/* Deaths in the middle of a change cost a few sketches each; they must not use them up for good. */
static void test_sketches_do_not_run_out(void **unused)
{
    (void)unused;
    size_t size;
    uint32_t dropped;
    void *memory = make_memory(&size);
    struct senders *senders = fill(memory, 0);
    for (uint32_t round = 1; round <= 300; round++) {
        struct sender sender = sender_from_user(round);
        struct sender_record *record = senders_record(senders, &sender, round);
        for (uint32_t n = 0; n < 10; n++) {
            char name[16];
            snprintf(name, sizeof name, "%u", n);
            struct observation o = {.kind = OBSERVATION_RECIPIENT, .recipient.address = text_of(name)};
            senders_count(senders, record, &o);
        }
        assert_int_equal(senders_distinct(senders, &record->distinct_recipients), 10);
        sender_record_open(record);
        senders_release(&senders);
        senders = senders_adopt(memory, size, &shape, &dropped);
        assert_non_null(senders);
        assert_int_equal(dropped, 1);
    }
    senders_release(&senders);
    free(memory);
}

static void test_another_shape_is_refused(void **unused)
{
    (void)unused;
    size_t size;
    uint32_t dropped = 7;
    void *memory = make_memory(&size), *copy = make_memory(&size);
    struct senders *senders = fill(memory, 12);
    senders_release(&senders);
    memcpy(copy, memory, size);
    struct senders_shape others[] = {shape, shape, shape, shape, shape, shape};
    others[0].senders++;
    others[1].sketches--;
    others[2].judge_bytes += 8;
    others[3].fingerprint++;
    others[4].details--;
    others[5].details_bytes++;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_null(senders_adopt(memory, size, &others[i], &dropped));
    assert_null(senders_adopt(memory, size - 1, &shape, &dropped));
    assert_int_equal(dropped, 7);
    assert_memory_equal(memory, copy, size);
    memset(memory, 0, size);
    assert_null(senders_adopt(memory, size, &shape, &dropped));
    free(memory);
    free(copy);
}

/* --- details --- */

static struct sender_record *record_of(struct senders *senders, uint32_t i)
{
    struct sender sender = sender_from_user(i);
    struct sender_record *record = senders_find(senders, &sender);
    assert_non_null(record);
    return record;
}

static struct senders *adopt(struct senders *senders, void *memory, size_t size)
{
    uint32_t dropped;
    senders_release(&senders);
    senders = senders_adopt(memory, size, &shape, &dropped);
    assert_non_null(senders);
    return senders;
}

/* Every place can be taken, each by one sender, and nothing of another's is found there. */
static void expect_places_sound(struct senders *senders)
{
    const void *taken[BUSY];
    for (uint32_t i = 0; i < BUSY; i++) {
        struct sender sender = sender_from_user(1000 + i);
        struct sender_record *record = senders_record(senders, &sender, 9000 + i);
        const uint8_t *details = taken[i] = senders_take_details(senders, record);
        for (uint32_t b = 0; b < BYTES; b++)
            assert_int_equal(details[b], 0);
        for (uint32_t other = 0; other < i; other++)
            assert_ptr_not_equal(taken[other], details);
    }
    assert_int_equal(senders_detailed(senders), BUSY);
}

static void test_who_gives_way_is_the_same_afterwards(void **unused)
{
    (void)unused;
    size_t size;
    void *memory = make_memory(&size);
    struct senders *senders = fill(memory, 0);
    for (uint32_t i = 0; i < BUSY; i++) {
        struct sender sender = sender_from_user(i + 1);
        moment time = (moment)(1 + i * 5 % BUSY) * 10 * SECOND;
        senders_take_details(senders, senders_record(senders, &sender, time));
    }
    senders = adopt(senders, memory, size);
    assert_int_equal(senders_detailed(senders), BUSY);
    struct sender newcomer = sender_from_user(100);
    senders_take_details(senders, senders_record(senders, &newcomer, 500 * SECOND));
    assert_null(senders_details(senders, record_of(senders, 1)));
    assert_int_equal(senders_details_let_go(senders), 1);
    senders = adopt(senders, memory, size);
    assert_int_equal(senders_details_let_go(senders), 1);
    newcomer = sender_from_user(101);
    senders_take_details(senders, senders_record(senders, &newcomer, 500 * SECOND));
    assert_null(senders_details(senders, record_of(senders, 6))); /* 5 * 5 % 12: the next in age */
    senders_release(&senders);
    free(memory);
}

static void test_what_a_torn_record_had_is_free_again(void **unused)
{
    (void)unused;
    size_t size;
    void *memory = make_memory(&size);
    struct senders *senders = fill(memory, 20);
    sender_record_open(record_of(senders, 4));
    senders = adopt(senders, memory, size);
    assert_int_equal(senders_detailed(senders), 9);
    expect_record(senders, 20);
    expect_places_sound(senders);
    senders_release(&senders);
    free(memory);
}

/* A process died between letting go of a place and zeroing it, or before anyone else named it. */
static void test_a_place_that_nobody_names_is_free_and_zero(void **unused)
{
    (void)unused;
    size_t size;
    void *memory = make_memory(&size);
    struct senders *senders = fill(memory, 20);
    record_of(senders, 8)->details = 0;
    record_of(senders, 20)->details = 0;
    senders = adopt(senders, memory, size);
    assert_int_equal(senders_detailed(senders), 8);
    expect_places_sound(senders);
    senders_release(&senders);
    free(memory);
}

static void test_a_place_that_is_none_is_not_believed(void **unused)
{
    (void)unused;
    static const uint32_t places[] = {11, BUSY, BUSY + 1, 1U << 31, UINT32_MAX}; /* ten were ever used */
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        size_t size;
        void *memory = make_memory(&size);
        struct senders *senders = fill(memory, 20);
        record_of(senders, 8)->details = places[i];
        senders = adopt(senders, memory, size);
        assert_null(senders_details(senders, record_of(senders, 8)));
        assert_int_equal(record_of(senders, 8)->recipients, 8); /* it is known all the same */
        assert_int_equal(senders_detailed(senders), 9);
        expect_record(senders, 6);
        expect_places_sound(senders);
        senders_release(&senders);
        free(memory);
    }
}

static void test_a_place_that_several_name_is_nobodys(void **unused)
{
    (void)unused;
    for (uint32_t claimants = 2; claimants <= 3; claimants++) {
        size_t size;
        void *memory = make_memory(&size);
        struct senders *senders = fill(memory, 20);
        for (uint32_t i = 1; i < claimants; i++) /* 10 and 11 name that of 8 */
            record_of(senders, 9 + i)->details = record_of(senders, 8)->details;
        senders = adopt(senders, memory, size);
        for (uint32_t i = 8; i < 12; i++)
            assert_null(senders_details(senders, record_of(senders, i)));
        assert_int_equal(senders_detailed(senders), 8);
        expect_record(senders, 6);
        expect_places_sound(senders);
        senders_release(&senders);
        free(memory);
    }
}

/* The key is the one in memory: a caller with a new one finds the records all the same. */
static void test_the_key_comes_from_memory(void **unused)
{
    (void)unused;
    size_t size;
    uint32_t dropped;
    void *memory = make_memory(&size);
    struct senders *senders = fill(memory, 12);
    senders_release(&senders);
    struct senders_shape other = shape;
    other.key = (struct siphash_key){{77, 88}};
    senders = senders_adopt(memory, size, &other, &dropped);
    assert_non_null(senders);
    expect_record(senders, 7);
    senders_release(&senders);
    free(memory);
}

/* Whatever bytes were overwritten: a table that can be walked and used, or none. */
static void test_random_damage(void **unused)
{
    (void)unused;
    size_t size;
    uint32_t dropped, adopted = 0;
    void *memory = make_memory(&size), *sound = make_memory(&size);
    struct senders *senders = fill(sound, 25);
    senders_release(&senders);
    uint64_t seed = 5;
    for (int round = 0; round < 500; round++) {
        memcpy(memory, sound, size);
        for (int i = 0; i < 40; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
            size_t at = (size_t)(seed >> 33) % (round % 2 ? size : 14000);
            if (at >= 64) /* the head decides whether there is a table at all */
                ((uint8_t *)memory)[at] = (uint8_t)(seed >> 25);
        }
        senders = senders_adopt(memory, size, &shape, &dropped);
        if (senders == NULL)
            continue;
        adopted++;
        for (uint32_t i = 1; i < 100; i++) {
            struct sender sender = sender_from_user(i);
            struct observation o = {.kind = OBSERVATION_RECIPIENT};
            char name[16];
            snprintf(name, sizeof name, "%u", i);
            o.recipient.address = text_of(name);
            struct sender_record *record = senders_record(senders, &sender, 5000 + i);
            senders_count(senders, record, &o);
            senders_distinct(senders, &record->distinct_recipients);
            memset(senders_take_details(senders, record), (int)i, BYTES);
        }
        assert_int_equal(senders_detailed(senders), BUSY);
        assert_int_equal(senders_number(senders), PLACES);
        senders_release(&senders);
    }
    assert_true(adopted > 100);
    free(memory);
    free(sound);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_is_found_again_elsewhere),
        cmocka_unit_test(test_what_was_being_changed_is_dropped),
        cmocka_unit_test(test_sketches_do_not_run_out),
        cmocka_unit_test(test_another_shape_is_refused),
        cmocka_unit_test(test_who_gives_way_is_the_same_afterwards),
        cmocka_unit_test(test_what_a_torn_record_had_is_free_again),
        cmocka_unit_test(test_a_place_that_nobody_names_is_free_and_zero),
        cmocka_unit_test(test_a_place_that_is_none_is_not_believed),
        cmocka_unit_test(test_a_place_that_several_name_is_nobodys),
        cmocka_unit_test(test_the_key_comes_from_memory),
        cmocka_unit_test(test_random_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
