/* A store for one test, over whichever engine has its turn: opened, with two nodes in it and a transaction begun. */
#ifndef TESTS_STOCKED_H
#define TESTS_STOCKED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "collector/store/store_own.h"
#include "tests/unit/collector/store/engines.h"

#define NOW   (1800000000 * SECOND) /* 2027-01-15, 08:00 */
#define NODE  7
#define OTHER 8

static char stocked_where[160];
static struct store *store;
static struct error failed;

static inline void well(int result)
{
    if (result < 0)
        fail_msg("%s", failed.text);
}

static inline void put(const char *sql)
{
    well(engine_script(store->engine, sql, &failed));
}

static inline int64_t ask(const char *sql)
{
    int64_t number = -1;
    well(engine_run(store->engine, sql, NULL, 0, store_row_integer, &number, &failed));
    return number;
}

static inline int stocked_begin(void **unused)
{
    (void)unused;
    assert_true(engines_make(stocked_where));
    well(store_open(stocked_where, &store, &failed));
    well(store_begin(store, &failed));
    put("INSERT INTO nodes (node, name, version, key_hash, enrolled, seen, revoked, spooled, acknowledged) VALUES "
        "(7, 'hv7', '0.1.0', 'h7', 1, 1, 0, 0, 0), (8, 'hv8', '0.1.0', 'h8', 1, 1, 0, 0, 0)");
    return 0;
}

static inline int stocked_end(void **unused)
{
    (void)unused;
    store_rollback(store);
    store_close(&store);
    engines_drop();
    return 0;
}

#define STOCKED(name) cmocka_unit_test_setup_teardown(name, stocked_begin, stocked_end)

#endif
