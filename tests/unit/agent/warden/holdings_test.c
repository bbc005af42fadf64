/* Who is held with a customer, on this machine and by this map; what is not, and that it is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/warden/holdings.h"

static const char plain[] = "port:vnet1 acme\n"
                            "52:54:00:00:00:02 acme\n"
                            "203.0.113.0/30 acme\n"
                            "203.0.113.2 baker\n"
                            "2001:db8:1::/63 acme\n"
                            "2001:db8:9::5 acme\n"
                            "2001:db8:9::6 acme\n"
                            "2001:db8:a::5 acme\n"
                            "2001:db8:a::6 baker\n"
                            "uid:1001 acme\n"
                            "account:@example.com acme\n"
                            "account:dave acme\n";

struct scene {
    struct holdings *holdings;
    struct customers *map;
    struct device devices[8];
    struct holdings_sight sight;
    struct holdings_sum sum;
    char news[4096]; /* "+sender" begins, ">sender" moves, "=sender" stays, "-sender" ends, in the order told */
};

static struct sender named(const char *text)
{
    struct sender sender;
    assert_true(sender_parse(text_of(text), &sender));
    return sender;
}

static void read_map(struct scene *scene, const char *text)
{
    struct error error = {0};
    customers_destroy(&scene->map);
    if (customers_read(text_of(text), "map", true, &scene->map, &error) != 0)
        fail_msg("%s", error.text);
    scene->sight.map = scene->map;
    for (size_t i = 0; i < scene->sight.device_count; i++)
        scene->devices[i].customer = holdings_owner(scene->map, &scene->devices[i]);
}

static void plug(struct scene *scene, const char *name, uint8_t first, uint8_t last)
{
    struct device *device = &scene->devices[scene->sight.device_count++];
    *device = (struct device){.mac_known = true, .mac = {first, 0x54, 0, 0, 0, last}};
    snprintf(device->name, sizeof(device->name), "%s", name);
    device->customer = holdings_owner(scene->map, device);
}

static int make(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct error error = {0};
    assert_non_null(scene);
    assert_int_equal(holdings_create(&scene->holdings, &error), 0);
    scene->sight.devices = scene->devices;
    read_map(scene, plain);
    *state = scene;
    return 0;
}

static int unmake(void **state)
{
    struct scene *scene = *state;
    holdings_destroy(&scene->holdings);
    customers_destroy(&scene->map);
    free(scene);
    return 0;
}

static void note(void *context, const struct sender *sender, enum holding_news news)
{
    struct scene *scene = context;
    char name[SENDER_TEXT];
    size_t length = strlen(scene->news);
    snprintf(scene->news + length, sizeof(scene->news) - length, "%c%s ", "+>=-"[news], sender_print(sender, name));
}

static const char *update(struct scene *scene, const char *customer)
{
    struct sender sender = named(customer);
    scene->news[0] = 0;
    holdings_update(scene->holdings, &sender, &scene->sight, note, scene, &scene->sum);
    return scene->news;
}

static bool has(struct scene *scene, const char *sender, const char *customer)
{
    struct sender member = named(sender), owner = named(customer);
    const struct sender *held = holdings_find(scene->holdings, &member);
    return held && sender_equals(held, &owner);
}

static void test_all_that_a_customer_has(void **state)
{
    struct scene *scene = *state;
    plug(scene, "vnet1", 0x52, 1); /* by its port */
    plug(scene, "vnet7", 0xfe, 2); /* by its guest's MAC, as libvirt makes a port's of it */
    plug(scene, "vnet8", 0x52, 2); /* by the very MAC */
    plug(scene, "vnet9", 0x52, 9); /* nobody's */
    assert_string_equal(update(scene, "customer:acme"),
                        "+port:vnet1 +port:vnet7 +port:vnet8 +52:54:00:00:00:02 +203.0.113.0 +203.0.113.1 "
                        "+203.0.113.3 +2001:db8:1::/64 +2001:db8:1:1::/64 +2001:db8:9::/64 ");
    assert_int_equal(scene->sum.ports, 3);
    assert_int_equal(scene->sum.macs, 1);
    assert_int_equal(scene->sum.addresses, 6);
    assert_int_equal(scene->sum.users, 0); /* a hypervisor has none */
    assert_int_equal(scene->sum.accounts, 2);
    assert_int_equal(scene->sum.narrow, 1); /* another customer is in that /64 */
    assert_int_equal(scene->sum.beyond, 0);
    assert_int_equal(scene->sum.members, 10);
    assert_int_equal(holdings_count(scene->holdings), 10);
    assert_true(has(scene, "port:vnet7", "customer:acme"));
    update(scene, "customer:nobody");
    assert_string_equal(scene->news, "");
    assert_int_equal(scene->sum.members, 0);
}

static void test_a_host_has_users_and_no_ports(void **state)
{
    struct scene *scene = *state;
    plug(scene, "vnet1", 0x52, 1);
    scene->sight.host = true;
    update(scene, "customer:acme");
    assert_int_equal(scene->sum.users, 1);
    assert_int_equal(scene->sum.ports + scene->sum.macs, 0);
    assert_int_equal(scene->sum.addresses, 6);
    assert_true(has(scene, "uid:1001", "customer:acme"));
}

/* The number in a name goes with the guest; what the map says of its MAC stands over it. */
static void test_guests_by_their_number(void **state)
{
    struct scene *scene = *state;
    plug(scene, "tap101i0", 0x52, 40);
    plug(scene, "veth101i1", 0x52, 41);
    plug(scene, "tap102i0", 0xfe, 2);
    assert_string_equal(update(scene, "customer:vm101"), "+port:tap101i0 +port:veth101i1 ");
    update(scene, "customer:vm102");
    assert_int_equal(scene->sum.ports, 0);
    update(scene, "customer:acme");
    assert_true(has(scene, "port:tap102i0", "customer:acme"));
}

static void test_what_changes_is_told(void **state)
{
    struct scene *scene = *state;
    plug(scene, "vnet1", 0x52, 1);
    read_map(scene, "port:vnet1 acme\n203.0.113.1 acme\n203.0.113.2 acme\n");
    assert_string_equal(update(scene, "customer:acme"), "+port:vnet1 +203.0.113.1 +203.0.113.2 ");
    assert_string_equal(update(scene, "customer:acme"), "=port:vnet1 =203.0.113.1 =203.0.113.2 ");
    read_map(scene, "port:vnet1 baker\n203.0.113.2 acme\n203.0.113.3 acme\n");
    assert_string_equal(update(scene, "customer:baker"), ">port:vnet1 "); /* taken over */
    assert_string_equal(update(scene, "customer:acme"), "=203.0.113.2 +203.0.113.3 -203.0.113.1 ");
    struct sender acme = named("customer:acme");
    scene->news[0] = 0;
    holdings_end(scene->holdings, &acme, note, scene);
    assert_string_equal(scene->news, "-203.0.113.2 -203.0.113.3 ");
    assert_int_equal(holdings_count(scene->holdings), 1);
    assert_true(has(scene, "port:vnet1", "customer:baker"));
}

static bool refuse(void *context, const struct sender *sender)
{
    struct sender ours = named(context);
    return sender_equals(sender, &ours);
}

static void test_the_machine_itself_is_not_held(void **state)
{
    struct scene *scene = *state;
    scene->sight.refused = refuse;
    static char ours_name[] = "203.0.113.1";
    scene->sight.context = ours_name;
    update(scene, "customer:acme");
    assert_int_equal(scene->sum.refused, 1);
    assert_int_equal(scene->sum.addresses, 5);
    struct sender ours = named("203.0.113.1");
    assert_null(holdings_find(scene->holdings, &ours));
}

static void test_addresses_are_bounded_and_the_rest_is_counted(void **state)
{
    static const struct {
        const char *map;
        uint32_t held;
        uint64_t beyond;
    } rows[] = {
        {"10.0.0.0/20 acme\n", 4096, 0},
        {"10.0.0.0/19 acme\n", 4096, 4096},
        {"10.0.0.0/8 acme\n", 4096, (1U << 24) - 4096},
        {"10.0.0.0/20 acme\n192.0.2.1 acme\n192.0.2.2 acme\n", 4096, 2},
        {"2001:db8::/48 acme\n", 4096, 65536 - 4096},
        {"2001:db8::/52 acme\n", 4096, 0},
        {"2001:db8::/32 acme\n", 4096, (UINT64_C(1) << 32) - 4096},
    };
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        read_map(scene, rows[i].map);
        update(scene, "customer:acme");
        if (scene->sum.addresses != rows[i].held || scene->sum.beyond != rows[i].beyond)
            fail_msg("%s: %u and %llu", rows[i].map, scene->sum.addresses, (unsigned long long)scene->sum.beyond);
        assert_int_equal(holdings_count(scene->holdings), rows[i].held);
    }
}

/* A prefix that is full of others' is not walked for ever, and what all customers have is bounded. */
static void test_no_map_takes_more_than_the_bounds(void **state)
{
    struct scene *scene = *state;
    read_map(scene, "10.0.0.0/8 acme\n10.0.0.0/9 baker\n");
    update(scene, "customer:acme");
    assert_int_equal(scene->sum.addresses, 0);
    assert_int_equal(scene->sum.beyond, (1U << 24) - 2 * HOLDINGS_ADDRESSES);
    char map[32 * 64], customer[32];
    size_t length = 0;
    for (unsigned i = 0; i < 20; i++)
        length += (size_t)snprintf(map + length, sizeof(map) - length, "10.%u.0.0/20 customer%u\n", i, i);
    read_map(scene, map);
    uint64_t held = 0, beyond = 0;
    for (unsigned i = 0; i < 20; i++) {
        snprintf(customer, sizeof(customer), "customer:customer%u", i);
        update(scene, customer);
        held += scene->sum.addresses;
        beyond += scene->sum.beyond;
    }
    assert_int_equal(held, HOLDINGS_MOST);
    assert_int_equal(beyond, 20 * 4096 - HOLDINGS_MOST);
    struct sender vnet = named("port:vnet1"), acme = named("customer:acme");
    assert_false(holdings_set(scene->holdings, &vnet, &acme));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_that_a_customer_has),          TEST(test_a_host_has_users_and_no_ports),
        TEST(test_guests_by_their_number),           TEST(test_what_changes_is_told),
        TEST(test_the_machine_itself_is_not_held),   TEST(test_addresses_are_bounded_and_the_rest_is_counted),
        TEST(test_no_map_takes_more_than_the_bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
