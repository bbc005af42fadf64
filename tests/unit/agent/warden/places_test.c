/* Which interfaces are guests' ports: machines as they are met, each with what must be found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <net/if.h>
#include <net/if_arp.h>
#include "agent/warden/places.h"

#define MOST 12

struct given {
    const char *name, *kind, *master, *peer; /* peer "elsewhere": in another namespace */
    enum place want;
    uint16_t hardware; /* 0: Ethernet */
    uint32_t flags;    /* 0: up */
};

struct machine {
    const char *name;
    struct given links[MOST];
    const char *default_route;
    const char *interfaces, *uplinks; /* patterns */
    enum capture_role role, want;
    bool bridged;
};

static const struct machine machines[] = {
    {"libvirt, bridged",
     {{"lo", "", "", "", PLACE_NONE, ARPHRD_LOOPBACK, IFF_LOOPBACK | IFF_UP},
      {"eno1", "", "br0", "", PLACE_UPLINK, 0, 0},
      {"br0", "bridge", "", "", PLACE_NONE, 0, 0},
      {"vnet0", "tun", "br0", "", PLACE_GUEST, 0, 0},
      {"vnet1", "tun", "br0", "", PLACE_GUEST, 0, 0}},
     "br0",
     "",
     "",
     CAPTURE_AUTO,
     CAPTURE_HYPERVISOR,
     true},
    {"Proxmox with its firewall",
     {{"eno1", "", "vmbr0", "", PLACE_UPLINK, 0, 0},
      {"vmbr0", "bridge", "", "", PLACE_NONE, 0, 0},
      {"fwpr101p0", "veth", "vmbr0", "fwln101i0", PLACE_NONE, 0, 0},
      {"fwln101i0", "veth", "fwbr101i0", "fwpr101p0", PLACE_NONE, 0, 0},
      {"fwbr101i0", "bridge", "", "", PLACE_NONE, 0, 0},
      {"tap101i0", "tun", "fwbr101i0", "", PLACE_GUEST, 0, 0},
      {"veth202i0", "veth", "vmbr0", "elsewhere", PLACE_GUEST, 0, 0}},
     "vmbr0",
     "",
     "",
     CAPTURE_AUTO,
     CAPTURE_HYPERVISOR,
     true},
    {"routed taps, no bridge",
     {{"eth0", "", "", "", PLACE_UPLINK, 0, 0}, {"tap7i0", "tun", "", "", PLACE_GUEST, 0, 0}},
     "eth0",
     "",
     "",
     CAPTURE_AUTO,
     CAPTURE_HYPERVISOR,
     false},
    {"a bond below the bridge",
     {{"eno1", "", "bond0", "", PLACE_NONE, 0, 0},
      {"eno2", "", "bond0", "", PLACE_NONE, 0, 0},
      {"bond0", "bond", "br0", "", PLACE_UPLINK, 0, 0},
      {"br0", "bridge", "", "", PLACE_NONE, 0, 0},
      {"vnet0", "tun", "br0", "", PLACE_GUEST, 0, 0}},
     "br0",
     "",
     "",
     CAPTURE_AUTO,
     CAPTURE_HYPERVISOR,
     true},
    {"a container's port that is being taken down is nothing, least of all an uplink",
     {{"eth0", "", "br0", "", PLACE_UPLINK, 0, 0},
      {"br0", "bridge", "", "", PLACE_NONE, 0, 0},
      {"veth9", "veth", "br0", "", PLACE_NONE, 0, 0},
      {"veth8", "veth", "br0", "elsewhere", PLACE_GUEST, 0, 0}},
     "br0",
     "",
     "",
     CAPTURE_AUTO,
     CAPTURE_HYPERVISOR,
     true},
    {"a VPS",
     {{"lo", "", "", "", PLACE_OWN, ARPHRD_LOOPBACK, IFF_LOOPBACK | IFF_UP}, {"eth0", "", "", "", PLACE_OWN, 0, 0}},
     "eth0",
     "",
     "",
     CAPTURE_AUTO,
     CAPTURE_HOST,
     false},
    {"inside a container: its eth0 is a veth from elsewhere",
     {{"eth0", "veth", "", "elsewhere", PLACE_OWN, 0, 0}},
     "eth0",
     "",
     "",
     CAPTURE_AUTO,
     CAPTURE_HOST,
     false},
    {"a server with Docker: its containers are its own",
     {{"eth0", "", "", "", PLACE_OWN, 0, 0},
      {"docker0", "bridge", "", "", PLACE_NONE, 0, 0},
      {"br-0123456789ab", "bridge", "", "", PLACE_NONE, 0, 0},
      {"veth12ab", "veth", "docker0", "elsewhere", PLACE_NONE, 0, 0},
      {"veth34cd", "veth", "br-0123456789ab", "elsewhere", PLACE_NONE, 0, 0}},
     "eth0",
     "",
     "",
     CAPTURE_AUTO,
     CAPTURE_HOST,
     false},
    {"a VPN is no guest",
     {{"eth0", "", "", "", PLACE_OWN, 0, 0}, {"tun0", "tun", "", "", PLACE_NONE, ARPHRD_NONE, 0}},
     "eth0",
     "",
     "",
     CAPTURE_AUTO,
     CAPTURE_HOST,
     false},
    {"no default route: whatever is up",
     {{"eth0", "", "", "", PLACE_OWN, 0, 0},
      {"eth1", "", "", "", PLACE_NONE, 0, IFF_BROADCAST},
      {"eth0.5", "vlan", "", "eth0", PLACE_NONE, 0, 0},
      {"dummy0", "dummy", "", "", PLACE_NONE, 0, 0}},
     "",
     "",
     "",
     CAPTURE_AUTO,
     CAPTURE_HOST,
     false},
    {"told which: names that we would not guess",
     {{"eth0", "", "", "", PLACE_UPLINK, 0, 0},
      {"customer1", "veth", "", "elsewhere", PLACE_GUEST, 0, 0},
      {"customer2", "tun", "", "", PLACE_GUEST, 0, 0},
      {"vnet0", "tun", "", "", PLACE_NONE, 0, 0}},
     "eth0",
     "customer*",
     "",
     CAPTURE_HYPERVISOR,
     CAPTURE_HYPERVISOR,
     false},
    {"told which uplink: the others are none",
     {{"eth0", "", "br0", "", PLACE_NONE, 0, 0},
      {"eth1", "", "br0", "", PLACE_UPLINK, 0, 0},
      {"br0", "bridge", "", "", PLACE_NONE, 0, 0},
      {"vnet0", "tun", "br0", "", PLACE_GUEST, 0, 0}},
     "br0",
     "",
     "eth1",
     CAPTURE_AUTO,
     CAPTURE_HYPERVISOR,
     true},
    {"a hypervisor that is told to be a host",
     {{"eth0", "", "", "", PLACE_OWN, 0, 0}, {"vnet0", "tun", "", "", PLACE_NONE, 0, 0}},
     "eth0",
     "",
     "",
     CAPTURE_HOST,
     CAPTURE_HOST,
     false},
};

static int index_of(const struct machine *machine, const char *name)
{
    for (int i = 0; name[0] && i < MOST && machine->links[i].name; i++)
        if (strcmp(machine->links[i].name, name) == 0)
            return i + 1;
    return 0;
}

static size_t make_links(const struct machine *machine, struct link links[MOST])
{
    size_t count = 0;
    for (; count < MOST && machine->links[count].name; count++) {
        const struct given *given = &machine->links[count];
        links[count] = (struct link){.index = (int)count + 1,
                                     .hardware = given->hardware ? given->hardware : ARPHRD_ETHER,
                                     .flags = given->flags ? given->flags : IFF_UP,
                                     .master = index_of(machine, given->master),
                                     .peer = index_of(machine, given->peer),
                                     .peer_elsewhere = strcmp(given->peer, "elsewhere") == 0};
        snprintf(links[count].name, sizeof(links[count].name), "%s", given->name);
        snprintf(links[count].kind, sizeof(links[count].kind), "%s", given->kind);
    }
    return count;
}

static struct option_words words(const char *pattern)
{
    struct option_words result = {.count = pattern[0] != 0};
    snprintf(result.items[0], sizeof(result.items[0]), "%s", pattern);
    return result;
}

static void test_machines(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof(machines) / sizeof(machines[0]); m++) {
        const struct machine *machine = &machines[m];
        struct link links[MOST];
        enum place places[MOST];
        size_t count = make_links(machine, links);
        const struct places_rules rules = {.machine = machine->role,
                                           .interfaces = words(machine->interfaces),
                                           .uplinks = words(machine->uplinks),
                                           .default_routes = {index_of(machine, machine->default_route), 0}};
        if (places_decide(links, count, &rules, places) != machine->want)
            fail_msg("%s: taken for another kind of machine", machine->name);
        for (size_t i = 0; i < count; i++)
            if (places[i] != machine->links[i].want)
                fail_msg("%s: %s is %d, not %d", machine->name, links[i].name, places[i], machine->links[i].want);
        if (places_are_bridged(links, places, count) != machine->bridged)
            fail_msg("%s: bridged or not", machine->name);
    }
}

static void test_names_that_last(void **state)
{
    static const struct {
        const char *name;
        bool want;
    } rows[] = {{"tap101i0", true}, {"veth202i1", true}, {"vnet3", false}, {"tap0", false},   {"tapi0", false},
                {"tap1i", false},   {"veth12ab", false}, {"", false},      {"tap1i0x", false}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (places_name_is_lasting(rows[i].name) != rows[i].want)
            fail_msg("%s", rows[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_machines), cmocka_unit_test(test_names_that_last)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
