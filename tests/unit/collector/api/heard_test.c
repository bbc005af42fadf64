/* Nodes that ask and have nothing to deliver are heard of, by the store's clock. */
#include "collector/api/heard.h"

#include "tests/unit/collector/store/stocked.h"

static void test_written_once_and_by_the_stores_clock(void **unused)
{
    (void)unused;
    struct heard *heard = heard_create();
    assert_non_null(heard);
    heard_note(heard, NODE, 100 * SECOND);
    heard_note(heard, NODE, 130 * SECOND);
    heard_note(heard, OTHER, 90 * SECOND);
    heard_note(heard, 999, 90 * SECOND); /* nobody by now */
    well(heard_write(heard, store, NOW, 140 * SECOND, &failed));
    assert_true(ask("SELECT seen FROM nodes WHERE node = 7") == NOW - 10 * SECOND);
    assert_true(ask("SELECT seen FROM nodes WHERE node = 8") == NOW - 50 * SECOND);
    heard_settle(heard, true);
    put("UPDATE nodes SET seen = 1");
    well(heard_write(heard, store, NOW, 150 * SECOND, &failed));
    assert_int_equal(ask("SELECT MAX(seen) FROM nodes"), 1);
    heard_destroy(&heard);
    assert_null(heard);
}

static void test_what_was_not_committed_is_written_again(void **unused)
{
    (void)unused;
    struct heard *heard = heard_create();
    heard_note(heard, NODE, 100 * SECOND);
    well(heard_write(heard, store, NOW, 100 * SECOND, &failed));
    heard_settle(heard, false);
    put("UPDATE nodes SET seen = 1");
    heard_note(heard, OTHER, 101 * SECOND);
    well(heard_write(heard, store, NOW + SECOND, 101 * SECOND, &failed));
    assert_true(ask("SELECT seen FROM nodes WHERE node = 7") == NOW);
    assert_true(ask("SELECT seen FROM nodes WHERE node = 8") == NOW + SECOND);
    heard_destroy(&heard);
}

static void test_later_word_stands(void **unused)
{
    (void)unused;
    struct heard *heard = heard_create();
    put("UPDATE nodes SET seen = 4000000000000000000");
    for (int64_t node = 1; node <= 1000; node++)
        heard_note(heard, node, 100 * SECOND);
    well(heard_write(heard, store, NOW, 100 * SECOND, &failed));
    assert_true(ask("SELECT MIN(seen) FROM nodes") == 4000000000000000000);
    heard_destroy(&heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STOCKED(test_written_once_and_by_the_stores_clock),
                                       STOCKED(test_what_was_not_committed_is_written_again),
                                       STOCKED(test_later_word_stands)};
    return ENGINES_RUN(tests);
}
