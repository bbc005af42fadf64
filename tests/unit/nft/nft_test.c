/* The table whole: made, taken over as it stands, replaced with what it held, left to another where it is another's. */
#include "fixture.h"

#include <sys/wait.h>

#define LISTING   "nft -a list ruleset"
#define STATELESS "nft -s list ruleset | sed 's/expires [^ ]*//'"

static void makes_a_table_that_nft_reads_back(void **state)
{
    FIXTURE(f);
    static const struct {
        enum nft_role role;
        bool reject;
        const char *table, *cut;
    } cases[] = {
        {NFT_HYPERVISOR, true, "table netdev postern", "reject with tcp reset"},
        {NFT_HYPERVISOR, false, "table netdev postern", "counter packets 0 bytes 0 drop"},
        {NFT_HOST, true, "table inet postern", "reject with tcp reset"},
        {NFT_HOST, false, "table inet postern", "counter packets 0 bytes 0 drop"},
    };
    address_open(f, "192.0.2.0/24");
    address_open(f, "2001:db8:25::/48");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        f->plan.role = cases[i].role;
        f->plan.reject = cases[i].reject;
        assert_int_equal(install(f), 0);
        const char *text = shell("nft list ruleset");
        assert_contains(text, cases[i].table);
        assert_int_equal(strncmp(text, "table", 5), 0);
        assert_null(strstr(text + 5, "\ntable")); /* the other role's table went */
        assert_contains(strstr(text, "chain cut"), cases[i].cut);
        assert_contains(text, "elements = { 25, 465, 587, 2525 }");
        assert_contains(text, "192.0.2.0/24");
        /* What nft prints it also takes, and then prints the same: nothing in it is beyond its words. */
        char *printed = strdup(text);
        assert_non_null(printed);
        run("rules=$(nft list ruleset); nft flush ruleset; printf '%s\\n' \"$rules\" | nft -f -");
        assert_string_equal(shell("nft list ruleset"), printed);
        free(printed);
    }
}

static void has_the_sets_that_its_family_can_use(void **state)
{
    FIXTURE(f);
    static const struct {
        const char *name;
        bool netdev, inet;
    } sets[] = {
        {"block_port", true, false},   {"block_mac", true, false},   {"block4", true, true},
        {"block6", true, true},        {"block_uid", false, true},   {"throttle_port", true, false},
        {"throttle_mac", true, false}, {"throttle4", true, true},    {"throttle6", true, true},
        {"throttle_uid", false, true}, {"divert_port", true, false}, {"divert_mac", true, false},
        {"divert4", true, true},       {"divert6", true, true},      {"divert_uid", false, true},
        {"allow_port", true, false},   {"allow_mac", true, false},   {"allow4", true, true},
        {"allow6", true, true},        {"allow_uid", false, true},
    };
    for (int role = 0; role < 2; role++) {
        f->plan.role = role ? NFT_HOST : NFT_HYPERVISOR;
        install(f);
        const char *text = shell("nft list sets");
        for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
            char line[64];
            snprintf(line, sizeof line, "\tset %s {", sets[i].name);
            if (role ? sets[i].inet : sets[i].netdev)
                assert_contains(text, line);
            else
                assert_lacks(text, line);
        }
    }
    struct nft_element port = element_of(NFT_BLOCK, NFT_PORT, "vnet1");
    assert_int_equal(nft_add(f->nft, &port, &f->error), -EOPNOTSUPP);
    assert_contains(f->error.text, "inet");
}

static void takes_over_what_stands_without_a_change(void **state)
{
    FIXTURE(f);
    struct nft_element block = element_of(NFT_BLOCK, NFT_PORT, "vnet1");
    struct nft *successor = NULL;
    install(f);
    succeeds(f, nft_hook(f->nft, "vnet1", false, &f->error));
    succeeds(f, nft_hook(f->nft, "uplink0", true, &f->error));
    succeeds(f, nft_add(f->nft, &block, &f->error));
    nft_close(&f->nft);
    /* Handles are never used again: a table that was made anew has others. */
    char *before = strdup(shell(LISTING " | sed 's/expires [^ ]*//'"));
    assert_non_null(before);
    assert_contains(before, "chain port_vnet1");
    succeeds(f, nft_open(&successor, &f->error));
    f->nft = successor;
    assert_int_equal(install(f), 1);
    assert_string_equal(shell(LISTING " | sed 's/expires [^ ]*//'"), before);
    free(before);
    struct listing listing = list(f);
    assert_int_equal(listing.count, 1);
    assert_int_equal(listing.items[0].deed, NFT_BLOCK);
}

/* One transaction, whatever stood before; and what has gone meanwhile keeps nobody else from being hooked. */
static void hooks_many_at_once(void **state)
{
    FIXTURE(f);
    const struct nft_device devices[] = {{"vnet1", false}, {"nosuch", false}, {"vnet2", false}, {"uplink0", true}};
    const struct nft_device changed[] = {{"vnet1", true}, {"vnet2", false}};
    install(f);
    succeeds(f, nft_hook(f->nft, "vnet2", false, &f->error));
    succeeds(f, nft_hook_all(f->nft, devices, 4, &f->error));
    const char *text = shell(LISTING);
    assert_contains(text, "chain port_vnet1");
    assert_contains(text, "chain port_vnet2");
    assert_contains(text, "chain uplink_uplink0");
    assert_lacks(text, "nosuch");
    char *before = strdup(text);
    succeeds(f, nft_hook_all(f->nft, devices, 4, &f->error));
    assert_string_equal(shell(LISTING), before);
    free(before);
    succeeds(f, nft_hook_all(f->nft, changed, 2, &f->error));
    assert_contains(shell(LISTING), "chain uplink_vnet1");
    assert_lacks(shell(LISTING), "chain port_vnet1");
    uint32_t kept = 0;
    succeeds(f, nft_install(f->nft, &f->plan, &kept, &f->error)); /* nothing to put right */
    assert_contains(shell(LISTING), "chain uplink_vnet1");
}

static void puts_right_what_was_tampered_with(void **state)
{
    FIXTURE(f);
    static const char *const tampers[] = {
        "nft flush chain netdev postern mail",
        "nft insert rule netdev postern mail accept",
        "nft flush chain netdev postern port_vnet1",
        "nft delete chain netdev postern port_vnet1; nft add chain netdev postern port_vnet1",
        "nft add chain netdev postern strange",
        "nft flush table netdev postern",
        "nft chain netdev postern port_vnet1 '{ policy drop; }'",
        ("handle=$(nft -a list chain netdev postern slow | sed -n 's/.*drop # handle //p');"
         "nft replace rule netdev postern slow handle $handle counter accept"),
    };
    struct nft_element block = element_of(NFT_BLOCK, NFT_PORT, "vnet1");
    for (size_t i = 0; i < sizeof tampers / sizeof *tampers; i++) {
        install(f);
        succeeds(f, nft_hook(f->nft, "vnet1", false, &f->error));
        succeeds(f, nft_add(f->nft, &block, &f->error));
        char *sound = strdup(shell(STATELESS));
        assert_non_null(sound);
        run(tampers[i]);
        assert_string_not_equal(shell(STATELESS), sound);
        assert_int_equal(install(f), 1);
        assert_string_equal(shell(STATELESS), sound);
        free(sound);
    }
}

static void replaces_another_plan_and_carries_its_elements(void **state)
{
    FIXTURE(f);
    struct nft_element block = element_of(NFT_BLOCK, NFT_PORT, "vnet1");
    struct nft_element slow = element_of(NFT_THROTTLE, NFT_IPV4, "203.0.113.9");
    struct nft_element user = element_of(NFT_BLOCK, NFT_USER, "1001");
    slow.rate = 7;
    slow.timeout = 90 * SECOND;
    install(f);
    succeeds(f, nft_hook(f->nft, "vnet1", false, &f->error));
    succeeds(f, nft_hook(f->nft, "uplink0", true, &f->error));
    succeeds(f, nft_add(f->nft, &block, &f->error));
    succeeds(f, nft_add(f->nft, &slow, &f->error));
    f->plan.ports[3] = 0;
    assert_int_equal(install(f), 2);
    const char *text = shell("nft list ruleset");
    assert_contains(text, "elements = { 25, 465, 587 }");
    assert_contains(text, "hook ingress device \"vnet1\" priority -450");
    assert_contains(text, "hook ingress device \"uplink0\" priority -450");
    assert_contains(text, "limit rate over 7/minute");
    assert_contains(text, "timeout 1m30s expires 1m"); /* not begun anew */
    /* To another role: what its family can know is carried. */
    f->plan.role = NFT_HOST;
    assert_int_equal(install(f), 1);
    succeeds(f, nft_add(f->nft, &user, &f->error));
    f->plan.role = NFT_HYPERVISOR;
    assert_int_equal(install(f), 1);
    assert_int_equal(list(f).items[0].rate, 7);
}

static void a_device_that_went_is_no_hindrance(void **state)
{
    FIXTURE(f);
    install(f);
    succeeds(f, nft_hook(f->nft, "vnet1", false, &f->error));
    succeeds(f, nft_hook(f->nft, "vnet2", false, &f->error));
    run("ip link del vnet1");
    install(f);
    f->plan.throttle_rate = 30;
    install(f);
    const char *text = shell("nft list ruleset");
    assert_contains(text, "device \"vnet2\"");
    assert_lacks(text, "vnet1");
}

static void hooks_and_unhooks(void **state)
{
    FIXTURE(f);
    assert_int_equal(nft_hook(f->nft, "vnet1", false, &f->error), -EOPNOTSUPP); /* nothing is installed */
    install(f);
    succeeds(f, nft_hook(f->nft, "vnet1", false, &f->error));
    succeeds(f, nft_hook(f->nft, "vnet1", false, &f->error)); /* twice is once */
    assert_int_equal(strtol(shell("nft list ruleset | grep -c 'device \"vnet1\"'"), NULL, 10), 1);
    succeeds(f, nft_hook(f->nft, "vnet1", true, &f->error)); /* it became the uplink */
    const char *text = shell("nft list ruleset");
    assert_contains(text, "chain uplink_vnet1");
    assert_lacks(text, "chain port_vnet1");
    succeeds(f, nft_unhook(f->nft, "vnet1", &f->error));
    succeeds(f, nft_unhook(f->nft, "vnet1", &f->error));
    assert_lacks(shell("nft list ruleset"), "device");
    assert_int_equal(nft_hook(f->nft, "nowhere0", false, &f->error), -ENOENT);
    assert_contains(f->error.text, "nowhere0");
    assert_int_equal(nft_hook(f->nft, "a-name-too-long-for-a-device", false, &f->error), -EINVAL);
}

static void leaves_a_table_of_another_hand_alone(void **state)
{
    FIXTURE(f);
    uint32_t kept = 0;
    run("nft add table netdev postern");
    assert_int_equal(nft_install(f->nft, &f->plan, &kept, &f->error), -EEXIST);
    assert_contains(f->error.text, "postern did not make");
    succeeds(f, nft_remove(f->nft, &f->error));
    assert_string_equal(shell("nft list ruleset"), "table netdev postern {\n}\n");
    run("nft add set netdev postern ports '{ type inet_service; comment \"mine\"; }'");
    assert_int_equal(nft_install(f->nft, &f->plan, &kept, &f->error), -EEXIST);
}

static void leaves_other_tables_alone(void **state)
{
    FIXTURE(f);
    run("nft add table inet filter; nft add chain inet filter input '{ type filter hook input priority 0; }'");
    install(f);
    f->plan.role = NFT_HOST;
    install(f);
    succeeds(f, nft_remove(f->nft, &f->error));
    succeeds(f, nft_remove(f->nft, &f->error));
    assert_contains(shell("nft list ruleset"), "table inet filter");
    assert_lacks(shell("nft list ruleset"), "postern");
}

static void probing_leaves_nothing_behind(void **state)
{
    FIXTURE(f);
    struct nft_features features = {0};
    succeeds(f, nft_probe(f->nft, &features, &f->error));
    assert_true(features.netdev || features.inet);
    assert_string_equal(shell("nft list ruleset"), "");
}

static void says_which_right_is_missing(void **state)
{
    FIXTURE(f);
    pid_t child = fork();
    if (child == 0) {
        struct nft_features features;
        struct error error = {0};
        struct nft *nft = NULL;
        if (setgid(65534) != 0 || setuid(65534) != 0 || nft_open(&nft, &error) != 0)
            _exit(2);
        int code = nft_probe(nft, &features, &error);
        nft_close(&nft);
        _exit(code == -EPERM && strstr(error.text, "CAP_NET_ADMIN") ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_non_null(f);
}

static void refuses_a_plan_that_means_nothing(void **state)
{
    FIXTURE(f);
    uint32_t kept = 0;
    f->plan.throttle_rate = 0;
    assert_int_equal(nft_install(f->nft, &f->plan, &kept, &f->error), -EINVAL);
    f->plan.throttle_rate = 20;
    f->plan.ports[0] = 0;
    assert_int_equal(nft_install(f->nft, &f->plan, &kept, &f->error), -EINVAL);
    assert_string_equal(shell("nft list ruleset"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(makes_a_table_that_nft_reads_back),       TEST(has_the_sets_that_its_family_can_use),
        TEST(takes_over_what_stands_without_a_change), TEST(hooks_many_at_once),
        TEST(puts_right_what_was_tampered_with),       TEST(replaces_another_plan_and_carries_its_elements),
        TEST(a_device_that_went_is_no_hindrance),      TEST(hooks_and_unhooks),
        TEST(leaves_a_table_of_another_hand_alone),    TEST(leaves_other_tables_alone),
        TEST(probing_leaves_nothing_behind),           TEST(says_which_right_is_missing),
        TEST(refuses_a_plan_that_means_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
