/* What the warden refuses to reset, whatever the watcher was made to believe. Real links and a real table in a network
 * namespace of the test's own; skipped where that cannot be had. */
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
#include <sched.h>
#include <unistd.h>
#include "agent/warden/cut.h"
#include "common/io/clock.h"

#define LINKS                                                                                                          \
    "ip link add br0 type bridge && ip link set br0 up && "                                                            \
    "for i in 1 2; do ip link add vnet$i type veth peer name peer$i && "                                               \
    "ip link set vnet$i address fe:00:00:00:00:1$i && ip link set vnet$i master br0 && ip link set vnet$i up && "      \
    "ip link set peer$i up || exit 1; done"

struct scene {
    bool able;
    struct links *links;
    struct positions *positions;
    struct enforcement *enforcement;
    struct address_list own;
    struct cut *cut;
};

static void on_opened(void *context, const struct message_port_opened *opened, int descriptor)
{
    (void)context;
    (void)opened;
    close(descriptor);
}

static void on_position(void *context, const struct position *position)
{
    (void)context;
    (void)position;
}

static void on_event(void *context, uint8_t severity, const char *what, const char *text)
{
    (void)context;
    (void)severity;
    (void)what;
    print_message("%s\n", text);
}

/* Two guests' ports, vnet1 is blocked. */
static void furnish(struct scene *scene)
{
    const struct positions_listener ports = {scene, on_opened, on_position, on_position, on_event};
    const struct nft_plan plan = {.role = NFT_HYPERVISOR, .ports = {25}, .throttle_rate = 20, .throttle_burst = 3};
    const struct enforcement_listener repairs = {scene, on_event, NULL};
    const uint8_t macs[2][6] = {{0xfe, 0, 0, 0, 0, 0x11}, {0xfe, 0, 0, 0, 0, 0x12}};
    struct capture_settings settings = {.ports = {.items = {25}, .count = 1}, .role = CAPTURE_HYPERVISOR};
    struct address own = address_from_ipv4((const uint8_t[]){203, 0, 113, 2});
    struct order order = {.deed = DEED_BLOCK, .until = clock_now() + HOUR, .target = sender_from_port("vnet1")};
    struct error error = {0};
    settings.interfaces = (struct option_words){.items = {"vnet*"}, .count = 1};
    assert_true(address_list_add(&scene->own, &own));
    assert_int_equal(links_open(&scene->links, &error), 0);
    assert_int_equal(positions_create(&ports, &scene->positions, &error), 0);
    assert_int_equal(positions_configure(scene->positions, &settings, &error), 0);
    positions_update(scene->positions, scene->links);
    assert_int_equal(enforcement_open(&plan, &repairs, &scene->enforcement, &error), 0);
    assert_int_equal(enforcement_plan(scene->enforcement, &plan, &scene->own, &error), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(enforcement_device(scene->enforcement, i ? "vnet2" : "vnet1", false, macs[i], 0, &error), 0);
    assert_int_equal(enforcement_switch(scene->enforcement, true, clock_now(), &error), 0);
    assert_int_equal(enforcement_order(scene->enforcement, &order, clock_now(), &error), 0);
    const struct cut_means means = {scene->positions, scene->links, scene->enforcement, &scene->own};
    assert_int_equal(cut_open(&means, &scene->cut, &error), 0);
    cut_ports(scene->cut, (const uint16_t[16]){25});
}

static int begin(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    *state = scene;
    scene->able = geteuid() == 0 && unshare(CLONE_NEWNET) == 0 && system(LINKS) == 0;
    if (scene->able)
        furnish(scene);
    return 0;
}

static int finish(void **state)
{
    struct scene *scene = *state;
    cut_close(&scene->cut);
    enforcement_close(&scene->enforcement);
    positions_destroy(&scene->positions);
    links_close(&scene->links);
    address_list_clear(&scene->own);
    free(scene);
    return 0;
}

static uint32_t number_of(const struct scene *scene, const char *name)
{
    size_t count;
    const struct position *all = positions_all(scene->positions, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].link.name, name) == 0)
            return all[i].number;
    fail_msg("%s is no port", name);
    return 0;
}

/* The guest behind vnet1, 203.0.113.11, to a server outside. */
static struct message_reset reset_of(const struct scene *scene)
{
    return (struct message_reset){.port = number_of(scene, "vnet1"),
                                  .family = 4,
                                  .client_mac_known = 1,
                                  .server_mac_known = 1,
                                  .client = {203, 0, 113, 11},
                                  .server = {198, 51, 100, 25},
                                  .client_port = 40000,
                                  .server_port = 25,
                                  .client_mac = {2, 0, 0, 0, 0, 0x11},
                                  .server_mac = {2, 0, 0, 0, 0, 0xfe}};
}

static void cuts_what_is_blocked_and_nothing_else(void **state)
{
    struct scene *scene = *state;
    struct error error = {0};
    if (!scene->able) {
        print_message("needs root and a network namespace\n");
        skip();
    }
    struct message_reset good = reset_of(scene), bad = good;
    assert_int_equal(cut_connection(scene->cut, &good, &error), 0);
    assert_int_equal(cut_sent(scene->cut), 1);
    bad.port = number_of(scene, "vnet2"); /* it is not blocked */
    assert_int_equal(cut_connection(scene->cut, &bad, &error), -EPERM);
    bad = good;
    bad.server_port = 443;
    assert_int_equal(cut_connection(scene->cut, &bad, &error), -EPERM);
    bad = good;
    bad.port = 4711;
    assert_int_equal(cut_connection(scene->cut, &bad, &error), -ENODEV);
    assert_int_equal(cut_sent(scene->cut), 1);
}

static void cuts_nothing_under_anothers_name(void **state)
{
    struct scene *scene = *state;
    struct error error = {0};
    if (!scene->able) {
        print_message("needs root and a network namespace\n");
        skip();
    }
    struct message_reset bad = reset_of(scene);
    bad.client_mac[5] = 0x12; /* vnet2's guest */
    assert_int_equal(cut_connection(scene->cut, &bad, &error), -EPERM);
    bad = reset_of(scene);
    memcpy(bad.client, (const uint8_t[]){203, 0, 113, 2}, 4); /* the hypervisor */
    assert_int_equal(cut_connection(scene->cut, &bad, &error), -EPERM);
    bad = reset_of(scene);
    memcpy(bad.client, (const uint8_t[]){127, 0, 0, 1}, 4);
    assert_int_equal(cut_connection(scene->cut, &bad, &error), -EPERM);
    bad = reset_of(scene);
    bad.client_mac[5] = 0x33; /* a MAC that nobody is known by: a second one of this guest's, as likely as not */
    assert_int_equal(cut_connection(scene->cut, &bad, &error), 0);
    assert_int_equal(cut_sent(scene->cut), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cuts_what_is_blocked_and_nothing_else, begin, finish),
        cmocka_unit_test_setup_teardown(cuts_nothing_under_anothers_name, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
