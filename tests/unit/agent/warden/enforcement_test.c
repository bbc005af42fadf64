/* What the warden refuses whoever asks: the machine itself, ports that are no guests', what its kind of machine does
 * not have. The kernel is left out: enforcement is off, orders are only written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "agent/warden/enforcement.h"

#define NOW (1000 * SECOND)

static uint32_t events;
static struct address_list own;
static const uint8_t port_mac[6] = {0xfe, 0, 0, 0, 0, 0x11}, other_mac[6] = {0xfe, 0, 0, 0, 0, 0x77};

static void on_event(void *context, uint8_t severity, const char *what, const char *text)
{
    (void)context;
    (void)severity;
    (void)what;
    (void)text;
    events++;
}

static struct enforcement *make(enum nft_role role)
{
    const struct nft_plan plan = {.role = role, .ports = {25}};
    const struct enforcement_listener listener = {NULL, on_event, NULL};
    struct enforcement *e;
    struct error error = {0};
    struct address address = address_from_ipv4((const uint8_t[]){192, 0, 2, 1});
    struct address address6 = address_from_ipv6((const uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 1});
    address_list_clear(&own);
    assert_true(address_list_add(&own, &address) && address_list_add(&own, &address6));
    assert_int_equal(enforcement_open(&plan, &listener, &e, &error), 0);
    assert_int_equal(enforcement_plan(e, &plan, &own, &error), 0);
    assert_int_equal(enforcement_device(e, "vnet1", false, port_mac, NOW, &error), 0);
    assert_int_equal(enforcement_device(e, "tap101i0", false, port_mac, NOW, &error), 0);
    assert_int_equal(enforcement_device(e, "uplink0", true, NULL, NOW, &error), 0);
    return e;
}

static struct order order_for(const char *target, enum deed deed, moment until)
{
    struct order order = {.deed = (uint8_t)deed, .until = until, .author = ORDER_BY_POLICY};
    assert_true(sender_parse(text_of(target), &order.target));
    return order;
}

static int give(struct enforcement *e, const char *target, enum deed deed, moment until)
{
    struct order order = order_for(target, deed, until);
    struct error error = {0};
    int code = enforcement_order(e, &order, NOW, &error);
    assert_int_equal(code == 0, error.text[0] == 0);
    return code;
}

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *name;
        enum nft_role role;
        const char *target;
        enum deed deed;
        int want;
    } rows[] = {
        {"a guest's port", NFT_HYPERVISOR, "port:vnet1", DEED_BLOCK, 0},
        {"an uplink", NFT_HYPERVISOR, "port:uplink0", DEED_BLOCK, -ENODEV},
        {"a port that is not here", NFT_HYPERVISOR, "port:vnet9", DEED_BLOCK, -ENODEV},
        {"a guest's address", NFT_HYPERVISOR, "203.0.113.7", DEED_BLOCK, 0},
        {"a guest's MAC", NFT_HYPERVISOR, "52:54:00:00:00:01", DEED_BLOCK, 0},
        {"the hypervisor's address", NFT_HYPERVISOR, "192.0.2.1", DEED_BLOCK, -EPERM},
        {"the prefix that it lies in", NFT_HYPERVISOR, "2001:db8::/64", DEED_THROTTLE, -EPERM},
        {"the hypervisor's side of a port", NFT_HYPERVISOR, "fe:00:00:00:00:11", DEED_BLOCK, -EPERM},
        {"loopback", NFT_HYPERVISOR, "127.0.0.1", DEED_BLOCK, -EINVAL},
        {"a user", NFT_HYPERVISOR, "uid:33", DEED_BLOCK, -EINVAL},
        {"to release is always allowed", NFT_HYPERVISOR, "192.0.2.1", DEED_RELEASE, 0},
        {"an account", NFT_HYPERVISOR, "account:alice@example.com", DEED_BLOCK, 0},
        {"a customer", NFT_HYPERVISOR, "customer:acme", DEED_BLOCK, 0},
        {"a customer of a host's", NFT_HOST, "customer:acme", DEED_ALLOW, 0},
        {"a host's account", NFT_HOST, "account:alice@example.com", DEED_THROTTLE, 0},
        {"a host's user", NFT_HOST, "uid:33", DEED_BLOCK, 0},
        {"a host's own address", NFT_HOST, "192.0.2.1", DEED_BLOCK, 0},
        {"a host has no guests", NFT_HOST, "port:vnet1", DEED_BLOCK, -EINVAL},
        {"a host's neighbour's MAC", NFT_HOST, "52:54:00:00:00:01", DEED_BLOCK, -EINVAL},
        {"loopback of a host", NFT_HOST, "::1", DEED_BLOCK, -EINVAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct enforcement *e = make(rows[i].role);
        moment until = rows[i].deed == DEED_RELEASE ? 0 : NOW + MINUTE;
        struct order order = order_for(rows[i].target, rows[i].deed, until);
        order.rate = rows[i].deed == DEED_THROTTLE ? 10 : 0;
        int code = enforcement_order(e, &order, NOW, NULL);
        if (code != rows[i].want)
            fail_msg("%s: %d", rows[i].name, code);
        assert_int_equal(enforcement_counters(e).refused, rows[i].want != 0);
        enforcement_close(&e);
    }
}

static void test_times_are_checked(void **state)
{
    struct enforcement *e = make(NFT_HYPERVISOR);
    (void)state;
    assert_true(give(e, "port:vnet1", DEED_BLOCK, NOW - 1) < 0);
    assert_true(give(e, "port:vnet1", DEED_BLOCK, NOW + 2 * ORDER_LONGEST) < 0);
    assert_int_equal(enforcement_counters(e).orders, 0);
    enforcement_close(&e);
}

static void count_order(void *context, const struct enforcement_row *row)
{
    uint32_t *number = context;
    assert_int_equal(row->packets + row->bytes, 0);
    (*number)++;
}

static uint32_t listed(struct enforcement *e, moment now)
{
    uint32_t number = 0;
    struct error error = {0};
    assert_int_equal(enforcement_list(e, count_order, &number, now, &error), 0);
    return number;
}

static void test_off_means_written_down_only(void **state)
{
    struct enforcement *e = make(NFT_HYPERVISOR);
    (void)state;
    assert_int_equal(give(e, "port:vnet1", DEED_BLOCK, NOW + MINUTE), 0);
    assert_int_equal(give(e, "203.0.113.7", DEED_BLOCK, NOW + HOUR), 0);
    struct order order = order_for("port:vnet1", DEED_BLOCK, 0);
    assert_false(enforcement_blocks(e, &order.target)); /* off: nothing is cut */
    assert_int_equal(enforcement_guard(e), -1);
    assert_int_equal(listed(e, NOW), 2);
    enforcement_tick(e, NOW + MINUTE);
    assert_int_equal(listed(e, NOW + MINUTE), 1);
    assert_int_equal(give(e, "203.0.113.7", DEED_RELEASE, 0), 0);
    assert_int_equal(listed(e, NOW), 0);
    enforcement_close(&e);
}

/* A name that comes back is the same guest where its MAC is the same, or where names last. */
/* What the book gave up would stand in the kernel until its end, and nobody could list or release it. */
static void test_a_full_book_takes_no_more(void **state)
{
    (void)state;
    struct enforcement *e = make(NFT_HYPERVISOR);
    char target[SENDER_TEXT];
    int code = 0;
    uint32_t taken = 0;
    while (code == 0 && taken < 200000) {
        snprintf(target, sizeof(target), "198.18.%u.%u", taken >> 8 & 255, taken & 255);
        if (taken >= 65536)
            snprintf(target, sizeof(target), "198.19.0.%u", taken & 255);
        code = give(e, target, DEED_BLOCK, NOW + HOUR);
        taken += code == 0;
    }
    assert_int_equal(code, -ENOSPC);
    assert_int_equal(enforcement_counters(e).orders, taken);
    assert_int_equal(give(e, "198.18.0.1", DEED_THROTTLE, NOW + HOUR), -EINVAL); /* no rate: looked at as ever */
    assert_int_equal(give(e, "198.18.0.1", DEED_ALLOW, NOW + HOUR), 0);
    assert_int_equal(give(e, "198.18.0.2", DEED_RELEASE, 0), 0);
    assert_int_equal(give(e, "198.19.1.1", DEED_BLOCK, NOW + HOUR), 0);
    enforcement_close(&e);
}

static void test_ports_that_come_back(void **state)
{
    struct enforcement *e = make(NFT_HYPERVISOR);
    struct error error = {0};
    (void)state;
    assert_int_equal(give(e, "port:vnet1", DEED_BLOCK, NOW + HOUR), 0);
    assert_int_equal(give(e, "port:tap101i0", DEED_BLOCK, NOW + HOUR), 0);
    enforcement_device_gone(e, "vnet1");
    enforcement_device_gone(e, "tap101i0");
    assert_int_equal(give(e, "port:vnet1", DEED_BLOCK, NOW + HOUR), -ENODEV);
    assert_int_equal(listed(e, NOW), 2); /* the guests are off; the orders stand */
    assert_int_equal(enforcement_device(e, "vnet1", false, port_mac, NOW, &error), 0);
    assert_int_equal(enforcement_device(e, "tap101i0", false, other_mac, NOW, &error), 0);
    assert_int_equal(listed(e, NOW), 2);
    enforcement_device_gone(e, "vnet1");
    assert_int_equal(enforcement_device(e, "vnet1", false, other_mac, NOW, &error), 0);
    assert_int_equal(listed(e, NOW), 1); /* another guest behind vnet1 */
    enforcement_close(&e);
}

/* --- customers -----------------------------------------------------------------------------------------------------
 */

static struct customers *read_map(const char *text)
{
    struct customers *map = NULL;
    struct error error = {0};
    if (customers_read(text_of(text), "map", true, &map, &error) != 0)
        fail_msg("%s", error.text);
    return map;
}

static void know(struct enforcement *e, struct customers **map, const char *text)
{
    struct error error = {0};
    struct customers *next = read_map(text);
    assert_int_equal(enforcement_customers(e, next, NOW, &error), 0);
    customers_destroy(map);
    *map = next;
}

static void order_customer(struct enforcement *e, const char *customer, enum deed deed, duration length)
{
    struct order order = order_for(customer, deed, deed == DEED_RELEASE ? 0 : NOW + length);
    struct error error = {0};
    order.author = ORDER_BY_PERSON;
    order.rate = deed == DEED_THROTTLE ? 10 : 0;
    if (enforcement_order(e, &order, NOW, &error) != 0)
        fail_msg("%s", error.text);
}

/* The customer for whom it is held, as text; empty: it is not. */
static const char *holder(struct enforcement *e, const char *sender)
{
    static char text[SENDER_TEXT];
    struct order order = order_for(sender, DEED_BLOCK, 0);
    const struct sender *customer = enforcement_holder(e, &order.target);
    return customer ? sender_print(customer, text) : "";
}

static void test_a_customers_guests_come_and_go(void **state)
{
    struct enforcement *e = make(NFT_HYPERVISOR);
    struct customers *map = NULL;
    struct error error = {0};
    const uint8_t mac[6] = {0xfe, 0x54, 0, 0, 0, 1};
    (void)state;
    know(e, &map, "52:54:00:00:00:01 acme\n203.0.113.4/31 acme\n");
    order_customer(e, "customer:acme", DEED_BLOCK, HOUR);
    assert_string_equal(holder(e, "203.0.113.5"), "customer:acme");
    assert_string_equal(holder(e, "port:vnet1"), "");
    assert_int_equal(enforcement_device(e, "vnet7", false, mac, NOW, &error), 0);
    assert_string_equal(holder(e, "port:vnet7"), "customer:acme");
    assert_true(events > 0); /* which is said */
    enforcement_device_gone(e, "vnet7");
    assert_string_equal(holder(e, "port:vnet7"), "");
    assert_int_equal(enforcement_device(e, "vnet7", false, other_mac, NOW, &error), 0);
    assert_string_equal(holder(e, "port:vnet7"), ""); /* another's guest */
    order_customer(e, "customer:vm101", DEED_THROTTLE, HOUR);
    assert_string_equal(holder(e, "port:tap101i0"), "customer:vm101"); /* it was here already */
    order_customer(e, "customer:acme", DEED_RELEASE, 0);
    assert_string_equal(holder(e, "203.0.113.5"), "");
    enforcement_tick(e, NOW + HOUR);
    assert_string_equal(holder(e, "port:tap101i0"), "");
    assert_int_equal(enforcement_counters(e).orders, 0);
    enforcement_close(&e);
    customers_destroy(&map);
}

static void test_what_is_held_follows_the_map(void **state)
{
    struct enforcement *e = make(NFT_HYPERVISOR);
    struct customers *map = NULL;
    (void)state;
    order_customer(e, "customer:acme", DEED_BLOCK, HOUR); /* before anything is known of it */
    know(e, &map, "port:vnet1 acme\n203.0.113.4 acme\n192.0.2.1 acme\n");
    assert_string_equal(holder(e, "port:vnet1"), "customer:acme");
    assert_string_equal(holder(e, "203.0.113.4"), "customer:acme");
    assert_string_equal(holder(e, "192.0.2.1"), ""); /* the hypervisor itself */
    know(e, &map, "port:vnet1 baker\n203.0.113.5 acme\n");
    assert_string_equal(holder(e, "port:vnet1"), "");
    assert_string_equal(holder(e, "203.0.113.4"), "");
    assert_string_equal(holder(e, "203.0.113.5"), "customer:acme");
    enforcement_close(&e);
    customers_destroy(&map);
}

/* Of all that is kept in a file only a customer's order and its members' own make the same book again. */
static void test_customers_orders_of_before_are_in_force(void **state)
{
    struct enforcement *e = make(NFT_HYPERVISOR);
    struct customers *map = NULL;
    struct order customer = order_for("customer:acme", DEED_BLOCK, NOW + HOUR);
    struct order member = order_for("port:vnet1", DEED_THROTTLE, NOW + MINUTE), gone, away;
    member.rate = 10;
    gone = away = member;
    gone.target = sender_from_port("vnet99");
    away.target = sender_from_port("tap999i0");
    customer.author = ORDER_BY_PERSON;
    (void)state;
    know(e, &map, "port:vnet1 acme\n");
    enforcement_adopt(e, &customer, NOW);
    enforcement_adopt(e, &member, NOW);
    enforcement_adopt(e, &gone, NOW); /* who comes under that name may be another's guest */
    enforcement_adopt(e, &away, NOW);
    assert_int_equal(enforcement_counters(e).orders, 3);
    assert_string_equal(holder(e, "port:vnet1"), "customer:acme");
    struct order port = order_for("port:vnet1", DEED_BLOCK, 0);
    assert_int_equal(enforcement_standing(e, &port.target)->deed, DEED_THROTTLE);
    order_customer(e, "customer:acme", DEED_RELEASE, 0);
    assert_int_equal(enforcement_standing(e, &port.target)->deed, DEED_THROTTLE);
    assert_int_equal(enforcement_counters(e).orders, 2);
    enforcement_close(&e);
    customers_destroy(&map);
}

static void test_what_is_held_is_summed_up(void **state)
{
    struct enforcement *e = make(NFT_HYPERVISOR);
    struct customers *map = NULL;
    struct holdings_sum sum;
    struct error error = {0};
    struct order order = order_for("customer:acme", DEED_BLOCK, 0);
    (void)state;
    know(e, &map, "port:vnet1 acme\n192.0.2.0/30 acme\naccount:dave acme\nuid:5 acme\n");
    order_customer(e, "customer:acme", DEED_BLOCK, HOUR);
    assert_int_equal(enforcement_customer(e, &order.target, NOW, &sum, &error), 0);
    assert_int_equal(sum.ports, 1);
    assert_int_equal(sum.addresses, 3);
    assert_int_equal(sum.refused, 1);
    assert_int_equal(sum.accounts, 1);
    assert_int_equal(sum.users, 0);
    enforcement_close(&e);
    customers_destroy(&map);
}

static int clear_own(void **state)
{
    (void)state;
    address_list_clear(&own);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_refused),
                                       cmocka_unit_test(test_times_are_checked),
                                       cmocka_unit_test(test_off_means_written_down_only),
                                       cmocka_unit_test(test_a_full_book_takes_no_more),
                                       cmocka_unit_test(test_ports_that_come_back),
                                       cmocka_unit_test(test_a_customers_guests_come_and_go),
                                       cmocka_unit_test(test_what_is_held_follows_the_map),
                                       cmocka_unit_test(test_customers_orders_of_before_are_in_force),
                                       cmocka_unit_test(test_what_is_held_is_summed_up)};
    return cmocka_run_group_tests(tests, NULL, clear_own);
}
