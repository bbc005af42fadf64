/* The store, over each engine: what is given once is there once, and what is refused leaves nothing behind. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "collector/store/store_own.h"
#include "tests/unit/collector/store/engines.h"

#define NOW  (1800000000 * SECOND)
#define KEY  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define KEY2 "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char where[160];
static struct store *store;
static struct error failed;

static int setup(void **unused)
{
    (void)unused;
    assert_true(engines_make(where));
    if (store_open(where, &store, &failed) < 0)
        fail_msg("%s", failed.text);
    return store_begin(store, &failed);
}

static int teardown(void **unused)
{
    (void)unused;
    store_rollback(store);
    store_close(&store);
    engines_drop();
    return 0;
}

static void well(int result)
{
    if (result < 0)
        fail_msg("%s", failed.text);
}

static int64_t ask(const char *sql)
{
    int64_t number = -1;
    well(engine_run(store->engine, sql, NULL, 0, store_row_integer, &number, &failed));
    return number;
}

static struct store_record record(int64_t sequence, const char *kind, const char *line)
{
    return (struct store_record){.sequence = sequence,
                                 .time = NOW + 61 * SECOND,
                                 .kind = text_of(kind),
                                 .sender = TEXT("192.0.2.1"),
                                 .customer = TEXT("c1"),
                                 .line = text_of(line)};
}

static void test_the_same_token_and_key_give_the_same_node(void **unused)
{
    (void)unused;
    struct store_node first, second;
    bool known;
    well(store_token_add(store, "hash", "hv7", NOW + HOUR, &failed));
    well(store_enrol(store, "hash", KEY, "hv7", "0.1.0", NOW, &first, &known, &failed));
    assert_false(known);
    well(store_enrol(store, "hash", KEY, "hv7", "0.1.0", NOW + 2 * HOUR, &second, &known, &failed));
    assert_true(known);
    assert_true(first.id == second.id && first.id != 0);
    assert_int_equal(store_enrol(store, "hash", KEY2, "hv7", "0.1.0", NOW, &second, &known, &failed), -EACCES);
    assert_int_equal(store_enrol(store, "other", KEY, "hv7", "0.1.0", NOW, &second, &known, &failed), -EACCES);
    assert_int_equal(store_node_by_key(store, first.id, KEY, &second, &failed), 1);
    assert_string_equal(second.name, "hv7");
    assert_int_equal(store_node_by_key(store, first.id, KEY2, &second, &failed), 0);
    assert_int_equal(store_node_by_key(store, first.id, "", &second, &failed), 0);
    assert_int_equal(store_node_revoke(store, first.id, NOW, &failed), 1);
    assert_int_equal(store_node_revoke(store, first.id, NOW, &failed), 0);
    assert_int_equal(store_node_by_key(store, first.id, KEY, &second, &failed), 0);
    assert_int_equal(store_enrol(store, "hash", KEY, "hv7", "0.1.0", NOW, &second, &known, &failed), -EACCES);
}

static void test_a_token_that_is_too_old(void **unused)
{
    (void)unused;
    struct store_node node;
    bool known;
    well(store_token_add(store, "hash", "hv7", NOW - 1, &failed));
    assert_int_equal(store_enrol(store, "hash", KEY, "hv7", "0.1.0", NOW, &node, &known, &failed), -EACCES);
    assert_int_equal(ask("SELECT COUNT(*) FROM nodes"), 0);
}

static void test_a_person_by_his_key(void **unused)
{
    (void)unused;
    struct store_person person, found;
    well(store_person_add(store, KEY, "ada'; DROP TABLE nodes; --", STORE_MAY_READ | STORE_MAY_ORDER, NOW, &person,
                          &failed));
    assert_int_equal(store_person_by_key(store, person.id, KEY2, &found, &failed), 0);
    assert_int_equal(store_person_by_key(store, person.id, KEY, &found, &failed), 1);
    assert_string_equal(found.name, "ada'; DROP TABLE nodes; --");
    assert_int_equal(found.may, 3);
}

static void test_delivered_up_to_the_last(void **unused)
{
    (void)unused;
    int64_t delivered;
    struct store_record records[] = {record(1, "session", "{}"), record(3, "session", "{}")};
    well(store_deliver(store, 7, 9, 5, records, 2, NOW, &failed)); /* 2, 4 and 5 are lost, as `lost` records say */
    well(store_delivered(store, 7, 9, &delivered, &failed));
    assert_int_equal(delivered, 5);
    assert_int_equal(ask("SELECT COUNT(*) FROM records"), 2);
    well(store_delivered(store, 7, 10, &delivered, &failed));
    assert_int_equal(delivered, 0);
    assert_int_equal(store_deliver(store, 7, 9, 6, records, 2, NOW, &failed), -EINVAL);
    struct store_record beyond = record(7, "session", "{}");
    assert_int_equal(store_deliver(store, 7, 9, 6, &beyond, 1, NOW, &failed), -EINVAL);
    well(store_deliver(store, 7, 9, 4, NULL, 0, NOW, &failed));
    well(store_delivered(store, 7, 9, &delivered, &failed));
    assert_int_equal(delivered, 5);
}

static void test_a_batch_that_is_rolled_back_leaves_nothing(void **unused)
{
    (void)unused;
    struct store_record one = record(1, "session", "{}");
    well(store_deliver(store, 7, 9, 1, &one, 1, NOW, &failed));
    store_rollback(store);
    well(store_begin(store, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM records"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM lives"), 0);
    well(store_deliver(store, 7, 9, 1, &one, 1, NOW, &failed));
    well(store_commit(store, &failed));
    store_close(&store);
    well(store_open(where, &store, &failed));
    well(store_begin(store, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM records"), 1);
}

static void take_line(struct text *line, const struct value *column)
{
    static char kept[64];
    memcpy(kept, column->text.bytes, column->text.length);
    *line = (struct text){kept, column->text.length};
}

static bool line_row(void *context, const struct value *columns, size_t count)
{
    (void)count;
    take_line(context, columns);
    return true;
}

static void test_texts_that_an_engine_would_refuse_are_mended(void **unused)
{
    (void)unused;
    struct text line = {0};
    struct store_record hostile = record(1, "session", "");
    hostile.line = TEXT("a\0b\xff\xc3\xa4\xe2\x82");
    hostile.sender = TEXT("'); DELETE FROM nodes; --");
    well(store_deliver(store, 7, 9, 1, &hostile, 1, NOW, &failed));
    well(engine_run(store->engine, "SELECT line FROM records WHERE sender LIKE '%DELETE%'", NULL, 0, line_row, &line,
                    &failed));
    assert_true(text_equals(
        line, TEXT("a" TEXT_REPLACEMENT "b" TEXT_REPLACEMENT "\xc3\xa4" TEXT_REPLACEMENT TEXT_REPLACEMENT)));
}

struct told {
    int64_t revisions[4];
    size_t count;
};

static void tell(void *context, const struct store_directive *directive)
{
    struct told *told = context;
    if (told->count < 4)
        told->revisions[told->count++] = directive->revision;
}

static void test_a_node_is_told_what_is_for_it_and_for_all(void **unused)
{
    (void)unused;
    static const int64_t nodes[] = {7, 8, 0};
    struct told told = {0}, rest = {0};
    int64_t revision;
    for (int i = 0; i < 3; i++) {
        struct store_directive directive = {.node = nodes[i], .time = NOW, .deed = TEXT("block"), .sender = TEXT("x")};
        well(store_directive_add(store, &directive, &revision, &failed));
        assert_int_equal(revision, i + 1);
    }
    well(store_directives(store, 7, 0, 10, tell, &told, &failed));
    assert_int_equal(told.count, 2);
    assert_true(told.revisions[0] == 1 && told.revisions[1] == 3);
    well(store_directives(store, 7, 1, 10, tell, &rest, &failed));
    assert_true(rest.count == 1 && rest.revisions[0] == 3);
}

static void test_a_newer_schema_is_refused(void **unused)
{
    (void)unused;
    struct store *second = NULL;
    assert_int_equal(ask("SELECT MAX(version) FROM schema_version"), store_schema_newest());
    well(engine_script(store->engine, "INSERT INTO schema_version (version) VALUES (1000)", &failed));
    well(store_commit(store, &failed));
    assert_int_equal(store_open(where, &second, &failed), -EPROTO);
    assert_null(second);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_same_token_and_key_give_the_same_node),
        TEST(test_a_token_that_is_too_old),
        TEST(test_a_person_by_his_key),
        TEST(test_delivered_up_to_the_last),
        TEST(test_a_batch_that_is_rolled_back_leaves_nothing),
        TEST(test_texts_that_an_engine_would_refuse_are_mended),
        TEST(test_a_node_is_told_what_is_for_it_and_for_all),
        TEST(test_a_newer_schema_is_refused),
    };
    return ENGINES_RUN(tests);
}
