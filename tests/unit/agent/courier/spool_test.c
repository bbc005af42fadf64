/* The spool hands out each record until it was confirmed, in order, through bounds, damage, a full disk and death. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/courier/spool.h"

static char folder[64], path[96];
static const struct spool_settings roomy = {.size = 64 << 20, .age = 7 * DAY};

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/spool-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/spool.db", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct spool *open_spool(const struct spool_settings *settings)
{
    struct spool *spool = NULL;
    struct error error = {0};
    bool moved = false;
    if (spool_create(path, settings, &spool, &error) < 0 || spool_open(spool, &moved, &error) < 0)
        fail_msg("%s", error.text);
    return spool;
}

static void add(struct spool *spool, enum spool_worth worth, int number)
{
    char line[160];
    snprintf(line, sizeof line, "{\"record\":\"test\",\"n\":%d,\"filling\":\"%0100d\"}\n", number, 0);
    spool_add(spool, worth, number * SECOND, text_of(line));
}

static void commit(struct spool *spool, moment now)
{
    struct error error = {0};
    if (spool_commit(spool, now, &error) < 0)
        fail_msg("%s", error.text);
}

/* The next batch as one string; freed by the caller. */
static char *batch(struct spool *spool, uint32_t most, int *count, int64_t *last)
{
    struct buffer out;
    struct error error = {0};
    buffer_init(&out, 16 << 20);
    *count = spool_batch(spool, 8 << 20, most, "0.1.0", &out, last, &error);
    if (*count < 0)
        fail_msg("%s", error.text);
    assert_true(buffer_append_byte(&out, 0));
    return out.bytes;
}

static int count_of(struct spool *spool)
{
    int count;
    int64_t last;
    free(batch(spool, 10000, &count, &last));
    return count;
}

static char *all(struct spool *spool)
{
    int count;
    int64_t last;
    return batch(spool, 10000, &count, &last);
}

static void deliver(struct spool *spool, int64_t sequence)
{
    struct error error = {0};
    if (spool_delivered(spool, sequence, &error) < 0)
        fail_msg("%s", error.text);
}

static void a_batch_is_a_header_and_records_by_sequence(void **state)
{
    (void)state;
    struct spool *spool = open_spool(&roomy);
    int count;
    int64_t last = 0;
    spool_add(spool, SPOOL_VERDICT, SECOND, TEXT("{\"record\":\"a\"}\n"));
    spool_add(spool, SPOOL_EVENT, SECOND, TEXT("{\"record\":\"b\"}"));
    assert_int_equal(count_of(spool), 0); /* not before the commit */
    commit(spool, SECOND);
    char *text = batch(spool, 10000, &count, &last);
    assert_int_equal(count, 2);
    assert_int_equal(last, 2);
    assert_memory_equal(text, "{\"life\":\"", 9);
    assert_string_equal(text + 9 + 16, "\",\"after\":0,\"last\":2,\"spooled\":2,\"version\":\"0.1.0\"}\n"
                                       "{\"sequence\":1,\"record\":\"a\"}\n{\"sequence\":2,\"record\":\"b\"}\n");
    free(text);
    free(batch(spool, 1, &count, &last));
    assert_int_equal(count, 1);
    assert_int_equal(last, 1);
    spool_close(&spool);
}

static void what_was_confirmed_goes_and_the_rest_stays(void **state)
{
    (void)state;
    struct spool *spool = open_spool(&roomy);
    for (int i = 1; i <= 10; i++)
        add(spool, SPOOL_EVENT, i);
    commit(spool, SECOND);
    deliver(spool, 7);
    spool_close(&spool);
    spool = open_spool(&roomy);
    assert_int_equal(spool_counters(spool).records, 3);
    assert_int_equal(spool_counters(spool).delivered, 7);
    assert_int_equal(spool_counters(spool).newest, 10);
    assert_int_equal(spool_counters(spool).oldest, 8 * SECOND);
    char *text = all(spool);
    assert_non_null(strstr(text, "\"after\":7,\"last\":10"));
    assert_non_null(strstr(text, "\n{\"sequence\":8,"));
    free(text);
    deliver(spool, 10);
    assert_int_equal(spool_counters(spool).records, 0);
    assert_int_equal(spool_counters(spool).bytes, 0);
    assert_int_equal(spool_counters(spool).oldest, 0);
    add(spool, SPOOL_EVENT, 11);
    commit(spool, SECOND);
    text = all(spool);
    assert_non_null(strstr(text, "\n{\"sequence\":11,"));
    free(text);
    spool_close(&spool);
}

static void the_least_valuable_goes_first_and_is_told(void **state)
{
    (void)state;
    const struct spool_settings small = {.size = 40 * 200, .age = DAY};
    struct spool *spool = open_spool(&small);
    for (int i = 0; i < 30; i++)
        add(spool, i % 2 ? SPOOL_COUNTS : SPOOL_VERDICT, i);
    commit(spool, SECOND);
    assert_int_equal(spool_counters(spool).dropped[SPOOL_COUNTS], 0);
    for (int i = 30; i < 50; i++)
        add(spool, SPOOL_VERDICT, i);
    commit(spool, 2 * SECOND);
    struct spool_counters counters = spool_counters(spool);
    assert_true(counters.dropped[SPOOL_COUNTS] > 0);
    assert_int_equal(counters.dropped[SPOOL_VERDICT], 0);
    assert_true(counters.bytes <= small.size + 400); /* and the record that tells of it */
    char *text = all(spool), expected[96];
    snprintf(expected, sizeof expected, "\"kind\":\"traffic\",\"count\":%d}", (int)counters.dropped[SPOOL_COUNTS]);
    assert_non_null(strstr(text, "\"record\":\"lost\""));
    assert_non_null(strstr(text, expected));
    free(text);
    for (int i = 50; i < 200; i++)
        add(spool, SPOOL_VERDICT, i);
    commit(spool, 3 * SECOND); /* told a second ago: not again yet */
    counters = spool_counters(spool);
    assert_int_equal(counters.dropped[SPOOL_COUNTS], 15);
    assert_true(counters.dropped[SPOOL_VERDICT] > 100);
    assert_int_equal(counters.dropped[SPOOL_ORDER], 0);
    text = all(spool);
    assert_null(strstr(text, "\"kind\":\"verdict\""));
    free(text);
    spool_close(&spool);
    spool = open_spool(&small); /* what was not told yet is not forgotten */
    commit(spool, 100 * SECOND);
    text = all(spool);
    snprintf(expected, sizeof expected, "\"kind\":\"verdict\",\"count\":%d}", (int)counters.dropped[SPOOL_VERDICT]);
    assert_non_null(strstr(text, expected));
    free(text);
    spool_close(&spool);
}

static void every_record_is_there_or_told_to_be_lost(void **state)
{
    (void)state;
    const struct spool_settings small = {.size = 40 * 200, .age = DAY};
    struct spool *spool = open_spool(&small);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 17; i++)
            add(spool, (enum spool_worth)(i % SPOOL_WORTHS), i);
        commit(spool, round * 2 * MINUTE + SECOND);
    }
    char *text = all(spool);
    uint64_t told = 0, there = 0;
    for (char *at = text; (at = strstr(at, "\"count\":")); at += 8)
        told += strtoull(at + 8, NULL, 10);
    for (char *at = text; (at = strstr(at, "\"record\":\"test\"")); at++)
        there++;
    uint64_t dropped = 0;
    for (int i = 0; i < SPOOL_WORTHS; i++)
        dropped += spool_counters(spool).dropped[i];
    assert_true(dropped >= told); /* records that told of losses are lost as well, and counted */
    assert_true(there + dropped >= 50 * 17);
    free(text);
    spool_close(&spool);
}

static void age_is_the_time_that_the_spool_lived(void **state)
{
    (void)state;
    const struct spool_settings settings = {.size = 1 << 20, .age = 60 * SECOND};
    struct spool *spool = open_spool(&settings);
    moment now = 1000 * DAY;
    commit(spool, now);
    add(spool, SPOOL_ORDER, 1);
    commit(spool, now);
    commit(spool, now += 400 * DAY); /* the clock jumped: nothing is old for that */
    commit(spool, now -= 800 * DAY);
    assert_int_equal(spool_counters(spool).records, 1);
    for (int i = 0; i < 50; i++)
        commit(spool, now += SECOND);
    assert_int_equal(spool_counters(spool).records, 1);
    for (int i = 0; i < 20; i++)
        commit(spool, now += SECOND);
    assert_int_equal(spool_counters(spool).dropped[SPOOL_ORDER], 1);
    spool_close(&spool);
}

static void a_centre_that_knows_more_begins_a_new_life(void **state)
{
    (void)state;
    struct spool *spool = open_spool(&roomy);
    add(spool, SPOOL_EVENT, 1);
    add(spool, SPOOL_EVENT, 2);
    commit(spool, SECOND);
    char *before = all(spool);
    deliver(spool, 500);
    char *after = all(spool);
    assert_memory_not_equal(before, after, 9 + 16);
    assert_int_equal(count_of(spool), 2);
    assert_int_equal(spool_counters(spool).delivered, 0);
    free(before);
    free(after);
    spool_close(&spool);
}

static void a_centre_that_knows_less_is_told_what_is_gone(void **state)
{
    (void)state;
    struct spool *spool = open_spool(&roomy);
    for (int i = 1; i <= 5; i++)
        add(spool, SPOOL_EVENT, i);
    commit(spool, SECOND);
    deliver(spool, 4);
    deliver(spool, 1);
    char *text = all(spool);
    assert_non_null(strstr(text, "\"after\":1,\"last\":6,"));
    assert_non_null(strstr(text, "\"kind\":\"delivered\",\"count\":3}"));
    free(text);
    spool_close(&spool);
}

static void a_record_that_is_refused_is_set_aside(void **state)
{
    (void)state;
    struct spool *spool = open_spool(&roomy);
    struct error error = {0};
    for (int i = 1; i <= 3; i++)
        add(spool, SPOOL_EVENT, i);
    commit(spool, SECOND);
    assert_int_equal(spool_set_aside(spool, 2, "not understood", &error), 0);
    assert_int_equal(spool_set_aside(spool, 2, "not understood", &error), 0); /* it is not there any more */
    assert_int_equal(spool_counters(spool).set_aside, 1);
    char *text = all(spool);
    assert_null(strstr(text, "{\"sequence\":2,"));
    assert_non_null(strstr(text, "{\"sequence\":3,"));
    free(text);
    spool_close(&spool);
}

static void a_revision_and_its_acknowledgement_are_one(void **state)
{
    (void)state;
    struct spool *spool = open_spool(&roomy);
    struct error error = {0};
    assert_int_equal(spool_revision(spool), 0);
    assert_int_equal(spool_acknowledge(spool, 17, true, "done", SECOND, &error), 0);
    spool_close(&spool);
    spool = open_spool(&roomy);
    assert_int_equal(spool_revision(spool), 17);
    char *text = all(spool);
    assert_non_null(strstr(text,
                           "\"record\":\"acknowledgement\",\"time\":\"1970-01-01T00:00:01.000000Z\",\"revision\":17,"
                           "\"done\":true,\"text\":\"done\"}"));
    free(text);
    spool_close(&spool);
}

static void who_it_is_survives(void **state)
{
    (void)state;
    struct spool *spool = open_spool(&roomy);
    struct error error = {0};
    char node[SPOOL_NODE], secret[SPOOL_SECRET];
    assert_int_equal(spool_identity(spool, node, secret, &error), 0);
    assert_string_equal(node, "");
    assert_int_equal(spool_set_identity(spool, "0123456789abcdef", "secret", &error), 0);
    spool_close(&spool);
    spool = open_spool(&roomy);
    assert_int_equal(spool_identity(spool, node, secret, &error), 0);
    assert_string_equal(node, "0123456789abcdef");
    assert_string_equal(secret, "secret");
    spool_close(&spool);
}

static void what_is_no_record_is_counted_and_left_out(void **state)
{
    (void)state;
    struct spool *spool = open_spool(&roomy);
    static char huge[SPOOL_RECORD_MOST + 10];
    memset(huge, ' ', sizeof huge);
    huge[0] = '{';
    spool_add(spool, SPOOL_EVENT, SECOND, (struct text){huge, sizeof huge});
    spool_add(spool, SPOOL_EVENT, SECOND, TEXT(""));
    spool_add(spool, SPOOL_EVENT, SECOND, TEXT("{}\n"));
    commit(spool, SECOND);
    assert_int_equal(spool_counters(spool).dropped[SPOOL_EVENT], 3);
    assert_int_equal(count_of(spool), 1); /* the record that says so */
    spool_close(&spool);
}

static void a_full_disk_delays_records_and_then_counts_them(void **state)
{
    (void)state;
    struct spool *spool = open_spool(&roomy);
    struct error error = {0};
    struct rlimit before, tight = {128 << 10, RLIM_INFINITY};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    for (int i = 0; i < 3000; i++)
        add(spool, SPOOL_VERDICT, i);
    assert_true(spool_commit(spool, SECOND, &error) < 0);
    assert_true(spool_acknowledge(spool, 5, true, "done", SECOND, &error) < 0);
    assert_int_equal(spool_revision(spool), 0);
    assert_int_equal(spool_counters(spool).waiting, 3001);
    assert_int_equal(spool_counters(spool).records, 0);
    assert_false(spool_is_behind(spool));
    for (int i = 0; i < SPOOL_WAITING_MOST; i++)
        add(spool, SPOOL_COUNTS, i);
    assert_true(spool_is_behind(spool));
    assert_int_equal(spool_counters(spool).waiting, SPOOL_WAITING_MOST / 2); /* the rest is for what is worth more */
    assert_int_equal(spool_counters(spool).dropped[SPOOL_COUNTS], SPOOL_WAITING_MOST / 2 + 3001);
    for (int i = 0; i < SPOOL_WAITING_MOST; i++)
        add(spool, SPOOL_VERDICT, i);
    assert_int_equal(spool_counters(spool).waiting, SPOOL_WAITING_MOST);
    assert_int_equal(spool_counters(spool).dropped[SPOOL_VERDICT], SPOOL_WAITING_MOST / 2);
    for (int i = 0; i < 2 * SPOOL_WAITING_MOST; i++)
        add(spool, SPOOL_ORDER, i);
    assert_int_equal(spool_counters(spool).waiting, 2 * SPOOL_WAITING_MOST); /* and orders have a bound as well */
    assert_int_equal(spool_counters(spool).dropped[SPOOL_ORDER], SPOOL_WAITING_MOST);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    commit(spool, 2 * SECOND);
    assert_int_equal(spool_counters(spool).records, 2 * SPOOL_WAITING_MOST + 3); /* those that tell of it, too */
    assert_int_equal(spool_revision(spool), 5);
    spool_close(&spool);
}

static void what_waits_is_bounded_in_bytes(void **state)
{
    (void)state;
    struct spool *spool = NULL;
    struct error error = {0};
    static char line[SPOOL_RECORD_MOST];
    memset(line, ' ', sizeof line);
    line[0] = '{';
    assert_int_equal(spool_create(path, &roomy, &spool, &error), 0); /* and never opened */
    for (int i = 0; i < 2000; i++)
        spool_add(spool, SPOOL_VERDICT, i, (struct text){line, sizeof line});
    assert_true(spool_counters(spool).waiting <= SPOOL_WAITING_BYTES / sizeof line);
    assert_true(spool_counters(spool).waiting > 0);
    spool_close(&spool);
}

/* What was in it is in the file beside; the node goes on at once, not when it is started anew. */
static void a_file_that_is_damaged_while_it_is_open_is_closed_and_moved_aside(void **state)
{
    (void)state;
    struct spool *spool = open_spool(&roomy);
    struct error error = {0};
    bool moved = false;
    for (int i = 0; i < SPOOL_WAITING_MOST; i++)
        add(spool, SPOOL_VERDICT, i);
    commit(spool, SECOND);
    spool_close(&spool);
    spool = open_spool(&roomy);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    rewind(file);
    for (long i = 0; i < size; i++)
        fputc('x', file);
    fclose(file);
    assert_true(spool_delivered(spool, SPOOL_WAITING_MOST - 10, &error) < 0);
    assert_false(spool_is_open(spool));
    add(spool, SPOOL_ORDER, 1);
    assert_int_equal(spool_open(spool, &moved, &error), 0);
    assert_true(moved);
    commit(spool, 2 * SECOND);
    assert_int_equal(count_of(spool), 1);
    spool_close(&spool);
}

static void the_number_of_opinions_is_kept(void **state)
{
    (void)state;
    struct spool *spool = open_spool(&roomy);
    assert_int_equal(spool_filtered(spool), 0);
    spool_set_filtered(spool, 41);
    spool_close(&spool); /* killed before a commit: they are told again */
    spool = open_spool(&roomy);
    assert_int_equal(spool_filtered(spool), 0);
    spool_set_filtered(spool, 41);
    commit(spool, SECOND);
    spool_close(&spool);
    spool = open_spool(&roomy);
    assert_int_equal(spool_filtered(spool), 41);
    spool_set_filtered(spool, 3); /* a centre from a backup */
    commit(spool, 2 * SECOND);
    spool_close(&spool);
    spool = open_spool(&roomy);
    assert_int_equal(spool_filtered(spool), 3);
    spool_close(&spool);
}

static void a_revision_is_set_back(void **state)
{
    (void)state;
    struct spool *spool = open_spool(&roomy);
    struct error error = {0};
    assert_int_equal(spool_acknowledge(spool, 17, true, "done", SECOND, &error), 0);
    spool_set_back_revision(spool, 5);
    spool_set_back_revision(spool, 9); /* only back */
    commit(spool, SECOND);
    spool_close(&spool);
    spool = open_spool(&roomy);
    assert_int_equal(spool_revision(spool), 5);
    spool_close(&spool);
}

static void many_acknowledgements_wait_for_one_commit(void **state)
{
    (void)state;
    struct spool *spool = open_spool(&roomy);
    struct error error = {0};
    for (int i = 1; i <= 1000; i++)
        assert_int_equal(spool_acknowledge_later(spool, i, true, "it had ended", SECOND, &error), 0);
    assert_int_equal(spool_revision(spool), 0);
    assert_int_equal(spool_counters(spool).records, 0);
    commit(spool, SECOND);
    assert_int_equal(spool_revision(spool), 1000);
    assert_int_equal(spool_counters(spool).records, 1000);
    spool_close(&spool);
}

/* A child adds and commits and says so after each commit; the parent kills it and looks. */
static void what_was_committed_outlives_a_kill(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        int said[2];
        assert_int_equal(pipe(said), 0);
        pid_t child = fork();
        if (child == 0) {
            struct spool *spool = open_spool(&roomy);
            for (int i = 0;; i++) {
                add(spool, SPOOL_EVENT, i);
                commit(spool, SECOND);
                int64_t newest = spool_counters(spool).newest;
                if (i % 5 == 4)
                    deliver(spool, newest - 2);
                if (write(said[1], &newest, sizeof newest) != sizeof newest)
                    _exit(1);
            }
        }
        close(said[1]);
        int64_t newest = 0, got;
        for (int i = 0; i < 3 + round && read(said[0], &got, sizeof got) == sizeof got; i++)
            newest = got;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(said[0], &got, sizeof got) == sizeof got)
            newest = got;
        close(said[0]);
        struct spool *spool = open_spool(&roomy);
        struct spool_counters counters = spool_counters(spool);
        assert_true(counters.newest >= newest);
        assert_int_equal(counters.records, counters.newest - counters.delivered);
        spool_close(&spool);
    }
}

static void a_damaged_file_is_moved_aside_and_another_life_begins(void **state)
{
    (void)state;
    struct spool *spool = open_spool(&roomy);
    add(spool, SPOOL_EVENT, 1);
    commit(spool, SECOND);
    char *before = all(spool);
    spool_close(&spool);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 2000; i++)
        fputs("no database ", file);
    fclose(file);
    struct error error = {0};
    bool moved = false;
    assert_int_equal(spool_create(path, &roomy, &spool, &error), 0);
    assert_int_equal(spool_open(spool, &moved, &error), 0);
    assert_true(moved);
    add(spool, SPOOL_EVENT, 1);
    commit(spool, SECOND);
    char *after = all(spool);
    assert_memory_not_equal(before, after, 9 + 16);
    free(before);
    free(after);
    spool_close(&spool);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(a_batch_is_a_header_and_records_by_sequence),
        IN_A_FOLDER(what_was_confirmed_goes_and_the_rest_stays),
        IN_A_FOLDER(the_least_valuable_goes_first_and_is_told),
        IN_A_FOLDER(every_record_is_there_or_told_to_be_lost),
        IN_A_FOLDER(age_is_the_time_that_the_spool_lived),
        IN_A_FOLDER(a_centre_that_knows_more_begins_a_new_life),
        IN_A_FOLDER(a_centre_that_knows_less_is_told_what_is_gone),
        IN_A_FOLDER(a_record_that_is_refused_is_set_aside),
        IN_A_FOLDER(a_revision_and_its_acknowledgement_are_one),
        IN_A_FOLDER(who_it_is_survives),
        IN_A_FOLDER(what_is_no_record_is_counted_and_left_out),
        IN_A_FOLDER(a_full_disk_delays_records_and_then_counts_them),
        IN_A_FOLDER(what_waits_is_bounded_in_bytes),
        IN_A_FOLDER(a_file_that_is_damaged_while_it_is_open_is_closed_and_moved_aside),
        IN_A_FOLDER(many_acknowledgements_wait_for_one_commit),
        IN_A_FOLDER(a_revision_is_set_back),
        IN_A_FOLDER(the_number_of_opinions_is_kept),
        IN_A_FOLDER(what_was_committed_outlives_a_kill),
        IN_A_FOLDER(a_damaged_file_is_moved_aside_and_another_life_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
