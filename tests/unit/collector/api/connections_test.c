/* Who has to go when many come. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "collector/api/connections.h"

#define NOBODY (-1) /* no socket: to shut it down does nothing */

static struct connection *come(struct connections *all, uint32_t *ended)
{
    struct connection *connection = connections_add(all, NOBODY, DAY, ended);
    assert_non_null(connection);
    return connection;
}

static void the_oldest_stranger_makes_room(void **state)
{
    (void)state;
    struct connections all;
    struct connection *those[10];
    uint32_t ended;
    connections_init(&all, 20);
    for (int i = 0; i < 10; i++) {
        those[i] = come(&all, &ended);
        assert_int_equal(ended, 0);
    }
    those[0]->deadline = 0; /* it waits for us: it stays */
    struct connection *one = come(&all, &ended);
    assert_int_equal(ended, 1);
    assert_int_equal(those[1]->deadline, 0);
    assert_int_equal(those[2]->deadline, DAY);
    connections_remove(&all, those[1]);
    connections_know(&all, those[2]);
    struct connection *two = come(&all, &ended); /* one went and one is known: there is room */
    assert_int_equal(ended, 0);
    connections_remove(&all, one);
    connections_remove(&all, two);
    for (int i = 0; i < 10; i++)
        if (i != 1)
            connections_remove(&all, those[i]);
    assert_int_equal(all.count, 0);
    assert_int_equal(all.stranger_count, 0);
    assert_null(all.strangers);
    assert_null(all.known);
    connections_remove(&all, come(&all, &ended)); /* an empty list begins anew */
    assert_null(all.strangers);
}

static void the_known_leave_less_to_strangers(void **state)
{
    (void)state;
    struct connections all;
    struct connection *known[17], *strangers[3];
    uint32_t ended;
    connections_init(&all, 20);
    for (int i = 0; i < 17; i++) {
        known[i] = come(&all, &ended);
        connections_know(&all, known[i]);
        connections_know(&all, known[i]); /* twice is once */
        assert_int_equal(ended, 0);
    }
    for (int i = 0; i < 2; i++) {
        strangers[i] = come(&all, &ended);
        assert_int_equal(ended, 0);
    }
    strangers[2] = come(&all, &ended); /* the last place: it is free again for the next */
    assert_int_equal(ended, 1);
    for (int i = 0; i < 3; i++)
        connections_remove(&all, strangers[i]);
    for (int i = 0; i < 17; i++)
        connections_remove(&all, known[i]);
    assert_int_equal(all.count, 0);
}

static void who_is_late_goes(void **state)
{
    (void)state;
    struct connections all;
    uint32_t ended;
    connections_init(&all, 20);
    struct connection *one = come(&all, &ended), *two = come(&all, &ended);
    connections_know(&all, two);
    one->deadline = 5;
    two->deadline = 9;
    assert_int_equal(connections_end_late(&all, 5), 0);
    assert_int_equal(connections_end_late(&all, 6), 1);
    assert_int_equal(connections_end_late(&all, 100), 1);
    assert_int_equal(connections_end_late(&all, 100), 0); /* each once */
    connections_remove(&all, one);
    connections_remove(&all, two);
    assert_false(connections_busy(&all, DAY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_stranger_makes_room),
        cmocka_unit_test(the_known_leave_less_to_strangers),
        cmocka_unit_test(who_is_late_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
