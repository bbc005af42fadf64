/* Our table as data: destinations as intervals, one fingerprint a plan, what older kernels lack left out, and a
 * comparison that sees every difference and survives any bytes. */
#include "fixture.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include "nft/expression.h"
#include "nft/inventory.h"
#include "nft/ruleset.h"
#include "nft/schema.h"

static const struct nft_features all = {true, true, true, true, true, true, true, true};

static void destinations_become_intervals(void **state)
{
    FIXTURE(f);
    static const struct {
        const char *given[5], *set, *want;
    } cases[] = {
        {{"192.0.2.7"}, "open4", "elements = { 192.0.2.7 }"},
        {{"192.0.2.0/24", "198.51.100.9"}, "open4", "elements = { 192.0.2.0/24, 198.51.100.9 }"},
        {{"192.0.2.0/24", "192.0.2.77", "192.0.2.128/25"}, "open4", "elements = { 192.0.2.0/24 }"},
        {{"192.0.2.77", "192.0.2.0/24"}, "open4", "elements = { 192.0.2.0/24 }"},
        {{"192.0.2.0/25", "192.0.2.128/25"}, "open4", "elements = { 192.0.2.0/25, 192.0.2.128/25 }"},
        {{"255.255.255.255"}, "open4", "elements = { 255.255.255.255 }"},
        {{"0.0.0.0/0"}, "open4", "elements = { 0.0.0.0/0 }"},
        {{"192.0.2.255", "192.0.3.0/24"}, "open4", "elements = { 192.0.2.255, 192.0.3.0/24 }"},
        {{"2001:db8::/32", "2001:db8::1"}, "open6", "elements = { 2001:db8::/32 }"},
        {{"2001:db8::ffff"}, "open6", "elements = { 2001:db8::ffff }"},
        {{"ffff::/16"}, "open6", "elements = { ffff::/16 }"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char command[64];
        address_list_clear(&f->plan.always_open);
        for (size_t k = 0; k < 5 && cases[i].given[k]; k++)
            address_open(f, cases[i].given[k]);
        install(f);
        snprintf(command, sizeof command, "nft list set netdev postern %s", cases[i].set);
        /* nft breaks long lines between elements. */
        char *text = strdup(shell(command)), *out = text;
        assert_non_null(text);
        for (const char *in = text; *in; in++)
            if (*in != '\n' && *in != '\t')
                *out++ = *in;
            else if (out > text && out[-1] != ' ')
                *out++ = ' ';
        *out = '\0';
        if (!strstr(text, cases[i].want) && !(strchr(cases[i].want, '/') && strstr(text, "0.0.0.0-255.255.255.255")))
            fail_msg("%s is not in %s", cases[i].want, text);
        free(text);
        assert_int_equal(install(f), 0); /* and is recognised */
    }
}

static void each_plan_has_its_mark(void **state)
{
    (void)state;
    struct nft_plan plans[6];
    char marks[6][RULESET_MARK], again[RULESET_MARK];
    for (int i = 0; i < 6; i++)
        plans[i] = (struct nft_plan){
            .role = NFT_HYPERVISOR, .ports = {25}, .reject = true, .throttle_rate = 20, .throttle_burst = 5};
    plans[1].role = NFT_HOST;
    plans[2].ports[1] = 587;
    plans[3].reject = false;
    plans[4].throttle_rate = 21;
    plans[5].throttle_burst = 6;
    for (int i = 0; i < 6; i++) {
        struct batch batch;
        batch_init(&batch);
        ruleset_build(&batch, &plans[i], &all, marks[i]);
        batch_clear(&batch);
        ruleset_build(&batch, &plans[i], &all, again);
        batch_clear(&batch);
        assert_string_equal(marks[i], again);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(marks[i], marks[k]);
    }
}

/* The messages as text, for what must not be in them. */
static bool batch_has(const struct batch *batch, const char *word)
{
    for (const struct nlmsghdr *m = batch_next(batch, NULL); m; m = batch_next(batch, m))
        if (memmem(m, m->nlmsg_len, word, strlen(word)))
            return true;
    return false;
}

static void what_a_kernel_lacks_is_not_asked_of_it(void **state)
{
    (void)state;
    for (int role = 0; role < 2; role++) {
        struct nft_plan plan = {.role = role ? NFT_HOST : NFT_HYPERVISOR,
                                .ports = {25},
                                .reject = true,
                                .throttle_rate = 20,
                                .throttle_burst = 5};
        struct nft_features old = {.netdev = true, .inet = true};
        struct batch batch;
        char mark[RULESET_MARK];
        batch_init(&batch);
        ruleset_build(&batch, &plan, &all, mark);
        assert_true(batch_has(&batch, "reject") && batch_has(&batch, "limit"));
        batch_clear(&batch);
        ruleset_build(&batch, &plan, &old, mark);
        assert_false(batch_has(&batch, "reject") || batch_has(&batch, "limit"));
        batch_clear(&batch);
        old.element_counters = true;
        ruleset_build(&batch, &plan, &old, mark);
        assert_true(batch_has(&batch, "limit"));
        batch_clear(&batch);
    }
}

static void what_older_kernels_get_loads_as_well(void **state)
{
    FIXTURE(f);
    static const struct nft_features olds[] = {
        {.netdev = true, .inet = true},
        {.netdev = true, .inet = true, .element_counters = true},
        {.netdev = true, .inet = true, .element_counters = true, .element_expressions = true},
    };
    for (size_t i = 0; i < sizeof olds / sizeof *olds; i++) {
        for (int role = 0; role < 2; role++) {
            struct netlink netlink;
            struct batch batch;
            char mark[RULESET_MARK];
            run("nft flush ruleset");
            batch_init(&batch);
            f->plan.role = role ? NFT_HOST : NFT_HYPERVISOR;
            ruleset_build(&batch, &f->plan, &olds[i], mark);
            succeeds(f, netlink_open(&netlink, 0, &f->error));
            succeeds(f, batch_commit(&netlink, &batch, 0, NULL, &f->error));
            batch_clear(&batch);
            netlink_close(&netlink);
        }
    }
}

static void the_names_of_hooked_devices(void **state)
{
    (void)state;
    static const struct {
        const char *chain, *device;
        bool uplink;
    } cases[] = {
        {"port_vnet1", "vnet1", false},
        {"uplink_eth0.100", "eth0.100", true},
        {"port_uplink_x", "uplink_x", false},
        {"port_", NULL, false},
        {"mail", NULL, false},
        {"port_a-name-of-16-chr", NULL, false},
        {"xport_vnet1", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool uplink = false;
        const char *device = ruleset_hooked_device(cases[i].chain, &uplink);
        assert_int_equal(device != NULL, cases[i].device != NULL);
        if (device) {
            assert_string_equal(device, cases[i].device);
            assert_int_equal(uplink, cases[i].uplink);
        }
    }
}

/* A message changed in a random place, or cut, in memory of just its size. */
static void any_bytes_are_survived_and_most_are_seen(void **state)
{
    (void)state;
    struct nft_plan plan = {.ports = {25, 465}, .reject = true, .throttle_rate = 20, .throttle_burst = 5};
    struct batch batch;
    char mark[RULESET_MARK];
    unsigned same = 0, rules = 0;
    batch_init(&batch);
    ruleset_build(&batch, &plan, &all, mark);
    ruleset_hook(&batch, "vnet1", false, 0);
    srand(1);
    for (int round = 0; round < 40; round++) {
        for (const struct nlmsghdr *m = batch_next(&batch, NULL); m; m = batch_next(&batch, m)) {
            struct inventory sound, changed;
            struct nlmsghdr *copy = malloc(m->nlmsg_len);
            assert_non_null(copy);
            memcpy(copy, m, m->nlmsg_len);
            size_t head = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg);
            for (int k = 0; k <= round % 4; k++)
                ((uint8_t *)copy)[head + (size_t)rand() % (m->nlmsg_len - head)] ^= (uint8_t)(1 + rand() % 255);
            if (round % 5 == 0)
                copy->nlmsg_len = (uint32_t)(16 + (size_t)rand() % (m->nlmsg_len - 16));
            struct nlmsghdr *fitted = realloc(copy, copy->nlmsg_len);
            assert_non_null(fitted);
            inventory_init(&sound);
            inventory_init(&changed);
            assert_true(inventory_add(&sound, m));
            bool understood = inventory_add(&changed, fitted);
            if (message_type(m) == NFT_MSG_NEWRULE) {
                rules++;
                same += understood && inventory_equals(&sound, &changed);
            }
            inventory_clear(&sound);
            inventory_clear(&changed);
            free(fitted);
        }
    }
    batch_clear(&batch);
    assert_true(rules > 1000);
    assert_true(same * 4 < rules); /* padding, and the table's name, are no part of a rule */
}

static void an_element_s_state_is_read_back(void **state)
{
    (void)state;
    static const uint32_t rates[] = {1, 20, 60000};
    uint8_t room[BATCH_MESSAGE] __attribute__((aligned(8)));
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct nlmsghdr *message = netlink_question(room, NFT_MSG_NEWSETELEM, NFPROTO_INET, 0);
        struct element_state got = {0};
        const struct nlattr *attribute;
        element_limit_over(message, NFTA_LIST_ELEM, rates[i], 5);
        element_counter(message, NFTA_LIST_ELEM, 7 + i, UINT64_MAX);
        mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg)) assert_true(element_state_read(attribute, &got));
        assert_int_equal(got.rate, rates[i]);
        assert_int_equal(got.packets, 7 + i);
        assert_true(got.bytes == UINT64_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(destinations_become_intervals),
        cmocka_unit_test(each_plan_has_its_mark),
        cmocka_unit_test(what_a_kernel_lacks_is_not_asked_of_it),
        TEST(what_older_kernels_get_loads_as_well),
        cmocka_unit_test(the_names_of_hooked_devices),
        cmocka_unit_test(any_bytes_are_survived_and_most_are_seen),
        cmocka_unit_test(an_element_s_state_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
