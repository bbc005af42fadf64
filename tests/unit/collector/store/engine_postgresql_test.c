/* What only a server can do to an engine: go away, come back, and refuse. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "collector/store/engine.h"
#include "tests/unit/collector/store/cluster.h"

#define NUMBER(number) VALUE_INTEGER(number)
#define RUN(engine, sql, ...)                                                                                          \
    engine_run(engine, sql, (const struct value[]){__VA_ARGS__},                                                       \
               sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value), NULL, NULL, &failed)
#define INSERT "INSERT INTO things (id, much) VALUES ($1, 0)"

static struct cluster cluster;
static char where[160];
static struct engine *engine;
static struct error failed;

static void well(int result)
{
    if (result < 0)
        fail_msg("%s", failed.text);
}

static int group_setup(void **unused)
{
    (void)unused;
    return cluster_create(&cluster) && cluster_start(&cluster) ? 0 : -1;
}

static int group_teardown(void **unused)
{
    (void)unused;
    cluster_destroy(&cluster);
    return 0;
}

static int setup(void **unused)
{
    (void)unused;
    assert_true(cluster_database(&cluster, where));
    well(engine_open(where, &engine, &failed));
    well(engine_script(engine, "CREATE TABLE things (id BIGINT NOT NULL PRIMARY KEY, much BIGINT)", &failed));
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    engine_rollback(engine);
    engine_close(&engine);
    return 0;
}

static void reopen(void)
{
    engine_close(&engine);
    well(engine_open(where, &engine, &failed));
}

static int rows(void)
{
    int count = engine_run(engine, "SELECT id FROM things", NULL, 0, NULL, NULL, &failed);
    well(count);
    return count;
}

static void assert_gone(void)
{
    assert_int_equal(engine_begin(engine, &failed), -ENOTCONN);
    assert_int_equal(RUN(engine, INSERT, NUMBER(9)), -ENOTCONN);
    assert_int_equal(engine_queue(engine, INSERT, &NUMBER(9), 1, &failed), -ENOTCONN);
    assert_int_equal(engine_script(engine, "SELECT 1", &failed), -ENOTCONN);
    assert_int_equal(engine_bulk_begin(engine, "things", "id", 1, &failed), -ENOTCONN);
    assert_int_equal(engine_commit(engine, &failed), -ENOTCONN);
    engine_rollback(engine);
    assert_int_equal(engine_begin(engine, &failed), -ENOTCONN); /* until it is opened anew */
}

static void test_a_server_that_dies_in_a_transaction_and_comes_back(void **unused)
{
    (void)unused;
    struct engine *meanwhile = NULL;
    well(RUN(engine, INSERT, NUMBER(1)));
    well(engine_begin(engine, &failed));
    well(RUN(engine, INSERT, NUMBER(2)));
    cluster_stop(&cluster);
    assert_int_equal(RUN(engine, INSERT, NUMBER(3)), -ENOTCONN);
    assert_gone();
    assert_int_equal(engine_open(where, &meanwhile, &failed), -ENOTCONN);
    assert_null(meanwhile);
    assert_true(strlen(failed.text) > 0 && strchr(failed.text, '\n') == NULL);
    assert_true(cluster_start(&cluster));
    reopen();
    assert_int_equal(rows(), 1); /* what was committed, and nothing else */
    well(engine_begin(engine, &failed));
    well(RUN(engine, INSERT, NUMBER(2))); /* statements are prepared again */
    well(engine_commit(engine, &failed));
    assert_int_equal(rows(), 2);
}

static void test_a_server_that_dies_before_what_is_queued_is_sent(void **unused)
{
    (void)unused;
    well(engine_begin(engine, &failed));
    for (int i = 0; i < 100; i++)
        well(engine_queue(engine, INSERT, &NUMBER(i), 1, &failed));
    cluster_stop(&cluster);
    assert_int_equal(engine_commit(engine, &failed), -ENOTCONN);
    engine_rollback(engine);
    assert_gone();
    assert_true(cluster_start(&cluster));
    reopen();
    assert_int_equal(rows(), 0);
}

static int bulk(int count)
{
    int status = 0;
    for (int i = 0; i < count && status == 0; i++)
        status = engine_bulk_row(engine, (const struct value[]){NUMBER(i), NUMBER(0)}, &failed);
    return status < 0 ? status : engine_bulk_end(engine, &failed);
}

static void test_a_server_that_dies_in_a_bulk(void **unused)
{
    (void)unused;
    static const int counts[] = {1, 100000}; /* told at its end, and before it */
    for (int i = 0; i < 2; i++) {
        well(engine_begin(engine, &failed));
        well(engine_bulk_begin(engine, "things", "id, much", 2, &failed));
        cluster_stop(&cluster);
        assert_int_equal(bulk(counts[i]), -ENOTCONN);
        engine_rollback(engine);
        assert_gone();
        assert_true(cluster_start(&cluster));
        reopen();
        assert_int_equal(rows(), 0);
    }
    well(engine_begin(engine, &failed));
    well(engine_bulk_begin(engine, "things", "id, much", 2, &failed));
    well(bulk(3));
    well(engine_commit(engine, &failed));
    assert_int_equal(rows(), 3);
}

static void test_a_connection_that_is_ended_while_nobody_uses_it(void **unused)
{
    (void)unused;
    assert_true(cluster_do(&cluster, "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity "
                                     "WHERE datname LIKE 't%'; END $$"));
    int status = engine_begin(engine, &failed);
    if (status == 0)
        status = RUN(engine, INSERT, NUMBER(1));
    assert_int_equal(status, -ENOTCONN);
    engine_rollback(engine);
    assert_gone();
    reopen();
    well(RUN(engine, INSERT, NUMBER(1)));
}

/* COMMIT then rolls back, and calls that a success. */
static void test_a_transaction_in_which_something_failed_cannot_be_committed(void **unused)
{
    (void)unused;
    well(engine_begin(engine, &failed));
    well(RUN(engine, INSERT, NUMBER(1)));
    assert_int_equal(RUN(engine, INSERT, NUMBER(1)), -EEXIST);
    assert_true(engine_commit(engine, &failed) < 0);
    engine_rollback(engine);
    assert_int_equal(rows(), 0);
}

struct crossing {
    struct engine *engine;
    int64_t first, second;
    pthread_barrier_t *between;
    int status;
};

static void *cross(void *context)
{
    static const char update[] = "UPDATE things SET much = much + 1 WHERE id = $1";
    struct crossing *crossing = context;
    struct error error = {0};
    int status = engine_begin(crossing->engine, &error);
    if (status >= 0)
        status = engine_run(crossing->engine, update, &NUMBER(crossing->first), 1, NULL, NULL, &error);
    pthread_barrier_wait(crossing->between);
    if (status >= 0)
        status = engine_run(crossing->engine, update, &NUMBER(crossing->second), 1, NULL, NULL, &error);
    if (status >= 0)
        status = engine_commit(crossing->engine, &error);
    if (status < 0)
        engine_rollback(crossing->engine);
    crossing->status = status;
    return NULL;
}

static void test_of_two_that_wait_for_each_other_one_does_it_again(void **unused)
{
    (void)unused;
    struct engine *other = NULL;
    pthread_barrier_t between;
    pthread_t thread;
    well(engine_open(where, &other, &failed));
    well(RUN(engine, INSERT, NUMBER(1)));
    well(RUN(engine, INSERT, NUMBER(2)));
    pthread_barrier_init(&between, NULL, 2);
    struct crossing one = {engine, 1, 2, &between, 0}, two = {other, 2, 1, &between, 0};
    assert_int_equal(pthread_create(&thread, NULL, cross, &one), 0);
    cross(&two);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&between);
    engine_close(&other);
    assert_true((one.status == 0 && two.status == -EAGAIN) || (one.status == -EAGAIN && two.status == 0));
    assert_int_equal(engine_run(engine, "SELECT id FROM things WHERE much = 1", NULL, 0, NULL, NULL, &failed), 2);
}

/* Another server has become the first: the next connection may find it. */
static void test_a_server_that_may_only_be_read(void **unused)
{
    (void)unused;
    well(engine_script(engine, "SET default_transaction_read_only = on", &failed));
    well(engine_begin(engine, &failed));
    assert_int_equal(RUN(engine, INSERT, NUMBER(1)), -ENOTCONN);
    assert_non_null(strstr(failed.text, "read-only"));
}

static bool pid_row(void *context, const struct value *columns, size_t count)
{
    assert_int_equal(count, 1);
    *(pid_t *)context = (pid_t)columns[0].integer;
    return false;
}

/* Its backend stands still with the connection open, as on a machine whose disk hangs. */
static void assert_given_up(int (*what)(void), int most_rows)
{
    pid_t backend = 0;
    char impatient[200];
    snprintf(impatient, sizeof impatient, "%s&tcp_user_timeout=500", where);
    engine_close(&engine);
    well(engine_open(impatient, &engine, &failed));
    well(engine_run(engine, "SELECT pg_backend_pid()", NULL, 0, pid_row, &backend, &failed));
    well(engine_begin(engine, &failed));
    well(RUN(engine, INSERT, NUMBER(1)));
    assert_int_equal(kill(backend, SIGSTOP), 0);
    time_t begun = time(NULL);
    int status = what();
    kill(backend, SIGCONT);
    assert_in_range(time(NULL) - begun, 0,
                    15); /* half a second is what it may take, half a minute a script's patience */
    assert_int_equal(status, -ENOTCONN);
    assert_gone();
    reopen();
    assert_in_range(rows(), 0, most_rows);
}

static int commit(void)
{
    return engine_commit(engine, &failed);
}

static int insert_one_more(void)
{
    return RUN(engine, INSERT, NUMBER(2));
}

static int queue_until_it_is_full(void)
{
    static char text[1 << 20];
    int status = 0;
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 100 && status == 0; i++)
        status = engine_queue(engine, "INSERT INTO things (id, much) SELECT $1, LENGTH($2)",
                              (const struct value[]){NUMBER(i + 10), VALUE_TEXT(((struct text){text, sizeof text}))}, 2,
                              &failed);
    return status == 0 ? engine_commit(engine, &failed) : status;
}

static void test_a_server_that_hangs_without_closing(void **unused)
{
    (void)unused;
    assert_given_up(insert_one_more, 0);
    assert_given_up(queue_until_it_is_full, 0);
    assert_given_up(commit, 1); /* which may have happened or not */
}

static int bulk_of_many(void)
{
    int status = engine_bulk_begin(engine, "things", "id, much", 2, &failed);
    return status < 0 ? status : bulk(1000000);
}

static void test_a_server_that_hangs_before_a_bulk(void **unused)
{
    (void)unused;
    assert_given_up(bulk_of_many, 0);
}

static void test_who_is_not_let_in(void **unused)
{
    (void)unused;
    struct engine *none = NULL;
    char uri[160], rules[120];
    snprintf(uri, sizeof uri, "postgresql://postgres@/nothing?host=%s", cluster.folder);
    assert_int_equal(engine_open(uri, &none, &failed), -EACCES);
    assert_non_null(strstr(failed.text, "nothing"));
    snprintf(rules, sizeof rules, "%s/data/pg_hba.conf", cluster.folder);
    FILE *file = fopen(rules, "w");
    assert_non_null(file);
    fputs("local all guarded scram-sha-256\nlocal all all trust\n", file);
    fclose(file);
    well(engine_script(engine, "CREATE ROLE guarded LOGIN PASSWORD 'right/@:%'", &failed));
    well(engine_script(engine, "DO $$ BEGIN PERFORM pg_reload_conf(); END $$", &failed));
    snprintf(uri, sizeof uri, "postgresql://guarded:wr0ng@/postgres?host=%s", cluster.folder);
    int status = 0;
    for (int i = 0; i < 100 && (status = engine_open(uri, &none, &failed)) == 0; i++) { /* until the rules are read */
        engine_close(&none);
        usleep(50 * 1000);
    }
    assert_int_equal(status, -EACCES);
    assert_non_null(strstr(failed.text, "password authentication failed"));
    assert_null(strstr(failed.text, "wr0ng"));
    snprintf(uri, sizeof uri, "postgresql://guarded:right%%2F%%40%%3A%%25@/postgres?host=%s", cluster.folder);
    well(engine_open(uri, &none, &failed));
    engine_close(&none);
}

static void test_a_database_of_another_encoding(void **unused)
{
    (void)unused;
    struct engine *none = NULL;
    char uri[160];
    assert_true(cluster_do(&cluster, "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0"));
    snprintf(uri, sizeof uri, "postgresql://postgres@/latin?host=%s", cluster.folder);
    assert_int_equal(engine_open(uri, &none, &failed), -EINVAL);
    assert_non_null(strstr(failed.text, "LATIN1"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_server_that_dies_in_a_transaction_and_comes_back),
        TEST(test_a_server_that_dies_before_what_is_queued_is_sent),
        TEST(test_a_server_that_dies_in_a_bulk),
        TEST(test_a_connection_that_is_ended_while_nobody_uses_it),
        TEST(test_a_transaction_in_which_something_failed_cannot_be_committed),
        TEST(test_of_two_that_wait_for_each_other_one_does_it_again),
        TEST(test_a_server_that_may_only_be_read),
        TEST(test_a_server_that_hangs_without_closing),
        TEST(test_a_server_that_hangs_before_a_bulk),
        TEST(test_who_is_not_let_in),
        TEST(test_a_database_of_another_encoding),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
