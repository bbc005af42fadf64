/* Elements: added, given a new time-out, listed with what is left, ended by time or by hand. */
#include "fixture.h"

#include <pthread.h>
#include <time.h>

static void wait_milliseconds(long milliseconds)
{
    struct timespec length = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&length, NULL);
}

static void adds_each_kind_and_nft_shows_it(void **state)
{
    FIXTURE(f);
    static const struct {
        enum nft_role role;
        enum nft_deed deed;
        enum nft_key key;
        const char *value, *set, *shown;
    } cases[] = {
        {NFT_HYPERVISOR, NFT_BLOCK, NFT_PORT, "vnet1", "netdev postern block_port", "\"vnet1\" counter"},
        {NFT_HYPERVISOR, NFT_BLOCK, NFT_PORT, "tap100i0.15char", "netdev postern block_port", "\"tap100i0.15char\""},
        {NFT_HYPERVISOR, NFT_BLOCK, NFT_MAC, "52:54:00:12:34:56", "netdev postern block_mac", "52:54:00:12:34:56"},
        {NFT_HYPERVISOR, NFT_BLOCK, NFT_IPV4, "203.0.113.7", "netdev postern block4", "203.0.113.7 counter"},
        {NFT_HYPERVISOR, NFT_BLOCK, NFT_IPV6, "2001:db8:1:2::", "netdev postern block6", "2001:db8:1:2:: counter"},
        {NFT_HYPERVISOR, NFT_THROTTLE, NFT_PORT, "vnet1", "netdev postern throttle_port",
         "\"vnet1\" limit rate over 20/minute counter"},
        {NFT_HYPERVISOR, NFT_DIVERT, NFT_IPV4, "203.0.113.7", "netdev postern divert4", "203.0.113.7 counter"},
        {NFT_HYPERVISOR, NFT_ALLOW, NFT_PORT, "vnet2", "netdev postern allow_port", "\"vnet2\" counter"},
        {NFT_HOST, NFT_BLOCK, NFT_USER, "1001", "inet postern block_uid", "1001 counter"},
        {NFT_HOST, NFT_THROTTLE, NFT_IPV6, "2001:db8::", "inet postern throttle6", "2001:db8:: limit rate over"},
        {NFT_HOST, NFT_ALLOW, NFT_USER, "100", "inet postern allow_uid", "100 counter"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char command[128];
        struct nft_element element = element_of(cases[i].deed, cases[i].key, cases[i].value);
        f->plan.role = cases[i].role;
        install(f);
        succeeds(f, nft_add(f->nft, &element, &f->error));
        snprintf(command, sizeof command, "nft list set %s", cases[i].set);
        const char *text = shell(command);
        assert_contains(text, cases[i].shown);
        assert_contains(text, "timeout 1h expires");
        struct listing listing = list(f);
        assert_int_equal(listing.count, 1);
        assert_int_equal(listing.items[0].deed, cases[i].deed);
        assert_int_equal(listing.items[0].key, cases[i].key);
        assert_memory_equal(listing.items[0].bytes, element.bytes, sizeof element.bytes);
        assert_true(listing.items[0].timeout > HOUR - 10 * SECOND && listing.items[0].timeout <= HOUR);
        succeeds(f, nft_delete(f->nft, element.deed, element.key, element.bytes, &f->error));
        succeeds(f, nft_delete(f->nft, element.deed, element.key, element.bytes, &f->error));
        assert_int_equal(list(f).count, 0);
    }
}

static void a_new_time_out_is_given_to_what_stands(void **state)
{
    FIXTURE(f);
    struct nft_element element = element_of(NFT_BLOCK, NFT_PORT, "vnet1");
    install(f);
    static const duration lengths[] = {HOUR, 10 * SECOND, 400 * DAY, SECOND, DAY};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        element.timeout = lengths[i];
        succeeds(f, nft_add(f->nft, &element, &f->error));
        struct listing listing = list(f);
        assert_int_equal(listing.count, 1);
        assert_true(listing.items[0].timeout <= lengths[i]);
        assert_true(listing.items[0].timeout > lengths[i] - SECOND);
    }
}

static void what_was_counted_stays_with_a_new_time_out(void **state)
{
    FIXTURE(f);
    struct nft_element element = element_of(NFT_BLOCK, NFT_USER, "0");
    f->plan.role = NFT_HOST;
    install(f);
    succeeds(f, nft_add(f->nft, &element, &f->error));
    run("! (echo > /dev/tcp/127.0.0.1/25) 2> /dev/null || true; "
        "python3 -ISc 'import socket; socket.socket().connect_ex((\"127.0.0.1\", 25))'");
    uint64_t counted = list(f).items[0].packets;
    assert_true(counted >= 1);
    succeeds(f, nft_add(f->nft, &element, &f->error));
    assert_int_equal(list(f).items[0].packets, counted);
    f->plan.ports[3] = 0;
    assert_int_equal(install(f), 1);
    assert_int_equal(list(f).items[0].packets, counted);
}

static void ends_by_itself(void **state)
{
    FIXTURE(f);
    struct nft_element brief = element_of(NFT_BLOCK, NFT_IPV4, "203.0.113.1");
    struct nft_element longer = element_of(NFT_BLOCK, NFT_IPV4, "203.0.113.2");
    brief.timeout = SECOND;
    install(f);
    succeeds(f, nft_add(f->nft, &brief, &f->error));
    succeeds(f, nft_add(f->nft, &longer, &f->error));
    assert_int_equal(list(f).count, 2);
    wait_milliseconds(1050);
    struct listing listing = list(f);
    assert_int_equal(listing.count, 1);
    assert_int_equal(listing.items[0].bytes[3], 2);
    succeeds(f, nft_add(f->nft, &brief, &f->error)); /* though the kernel may not have swept it out yet */
    assert_int_equal(list(f).count, 2);
}

static void each_throttled_sender_has_its_rate(void **state)
{
    FIXTURE(f);
    static const struct {
        const char *port;
        uint32_t rate, shown;
    } cases[] = {{"vnet1", 0, 20}, {"vnet2", 1, 1}, {"vnet3", 60000, 60000}};
    install(f);
    for (size_t i = 0; i < 3; i++) {
        struct nft_element element = element_of(NFT_THROTTLE, NFT_PORT, cases[i].port);
        element.rate = cases[i].rate;
        succeeds(f, nft_add(f->nft, &element, &f->error));
    }
    struct listing listing = list(f);
    assert_int_equal(listing.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(listing.items[i].rate, cases[i].shown);
    assert_contains(shell("nft list set netdev postern throttle_port"), "limit rate over 1/minute burst 1 packets");
}

static void flushes_all_sets(void **state)
{
    FIXTURE(f);
    struct nft_element elements[] = {
        element_of(NFT_BLOCK, NFT_PORT, "vnet1"),
        element_of(NFT_THROTTLE, NFT_MAC, "52:54:00:12:34:56"),
        element_of(NFT_ALLOW, NFT_IPV6, "2001:db8::"),
    };
    install(f);
    for (size_t i = 0; i < 3; i++)
        succeeds(f, nft_add(f->nft, &elements[i], &f->error));
    assert_int_equal(list(f).count, 3);
    succeeds(f, nft_flush(f->nft, &f->error));
    assert_int_equal(list(f).count, 0);
    succeeds(f, nft_flush(f->nft, &f->error));
    assert_contains(shell("nft list set netdev postern ports"), "25, 465, 587, 2525");
}

static void elements_by_hand_are_read_as_well(void **state)
{
    FIXTURE(f);
    install(f);
    run("nft add element netdev postern block_port '{ \"vnet9\" timeout 30s }'");
    run("nft add element netdev postern throttle4 '{ 203.0.113.9 limit rate over 2/second burst 7 packets counter }'");
    struct listing listing = list(f);
    assert_int_equal(listing.count, 2);
    assert_string_equal((const char *)listing.items[0].bytes, "vnet9");
    assert_int_equal(listing.items[1].rate, 120);
    assert_int_equal(listing.items[1].timeout, 0); /* for ever */
    f->plan.throttle_burst = 6;
    assert_int_equal(install(f), 2);
    assert_int_equal(list(f).items[1].timeout, 0);
}

static void refuses_what_cannot_be(void **state)
{
    FIXTURE(f);
    struct nft_element element = element_of(NFT_BLOCK, NFT_PORT, "vnet1");
    assert_int_equal(nft_add(f->nft, &element, &f->error), -EINVAL); /* nothing is installed */
    assert_int_equal(nft_list(f->nft, list_one, NULL, &f->error), -EINVAL);
    assert_int_equal(nft_flush(f->nft, &f->error), -EINVAL);
    install(f);
    element.timeout = SECOND - 1;
    assert_int_equal(nft_add(f->nft, &element, &f->error), -EINVAL);
    element = element_of(NFT_BLOCK, NFT_USER, "33");
    assert_int_equal(nft_add(f->nft, &element, &f->error), -EOPNOTSUPP);
    element.deed = NFT_DEEDS;
    assert_int_equal(nft_add(f->nft, &element, &f->error), -EOPNOTSUPP);
    run("nft flush ruleset");
    element = element_of(NFT_BLOCK, NFT_PORT, "vnet1");
    assert_int_equal(nft_add(f->nft, &element, &f->error), -ENOENT);
    assert_contains(f->error.text, "block_port");
}

/* Thousands, with a stranger changing the rule set all the while. */

static void *disturb(void *stop)
{
    while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED))
        if (system("nft add table inet stranger; nft delete table inet stranger") != 0)
            break;
    return NULL;
}

struct census {
    size_t count;
    bool seen[3000];
};

static void count_one(void *context, const struct nft_element *element)
{
    struct census *census = context;
    size_t number = (size_t)element->bytes[2] << 8 | element->bytes[3];
    assert_true(number < 3000 && !census->seen[number]);
    census->seen[number] = true;
    census->count++;
}

static void thousands_are_listed_once_and_carried_whatever_goes_on(void **state)
{
    FIXTURE(f);
    static struct census census;
    bool stop = false;
    pthread_t stranger;
    install(f);
    for (unsigned i = 0; i < 3000; i++) {
        struct nft_element element = {.deed = NFT_BLOCK, .key = NFT_IPV4, .timeout = HOUR};
        memcpy(element.bytes, (uint8_t[]){10, 0, (uint8_t)(i >> 8), (uint8_t)i}, 4);
        succeeds(f, nft_add(f->nft, &element, &f->error));
    }
    assert_int_equal(pthread_create(&stranger, NULL, disturb, &stop), 0);
    for (int round = 0; round < 5; round++) {
        census = (struct census){0};
        succeeds(f, nft_list(f->nft, count_one, &census, &f->error));
        assert_int_equal(census.count, 3000);
        f->plan.throttle_burst = 2 + (uint32_t)round;
        assert_int_equal(install(f), 3000);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(stranger, NULL);
}

static void what_stands_for_a_customer_says_so(void **state)
{
    FIXTURE(f);
    struct nft_element element = element_of(NFT_THROTTLE, NFT_PORT, "vnet1"),
                       other = element_of(NFT_BLOCK, NFT_PORT, "vnet2");
    element.borrowed = true;
    element.rate = 7;
    install(f);
    succeeds(f, nft_add(f->nft, &element, &f->error));
    succeeds(f, nft_add(f->nft, &other, &f->error));
    assert_contains(shell("nft list set netdev postern throttle_port"), "comment \"customer\"");
    assert_null(strstr(shell("nft list set netdev postern block_port"), "comment"));
    f->plan.throttle_rate++; /* another table: what stands is carried over */
    assert_int_equal(install(f), 2);
    struct listing listing = list(f);
    assert_int_equal(listing.count, 2);
    assert_false(listing.items[0].borrowed);
    assert_true(listing.items[1].borrowed);
    assert_int_equal(listing.items[1].rate, 7);
    element.borrowed = false; /* now it stands for itself */
    succeeds(f, nft_add(f->nft, &element, &f->error));
    assert_false(list(f).items[1].borrowed);
}

static void many_are_added_and_deleted_at_once(void **state)
{
    FIXTURE(f);
    static struct nft_element elements[1200];
    size_t count = sizeof elements / sizeof *elements;
    install(f);
    for (size_t i = 0; i < count; i++) {
        elements[i] = element_of(NFT_BLOCK, NFT_IPV4, "203.0.0.0");
        elements[i].bytes[2] = (uint8_t)(i >> 8);
        elements[i].bytes[3] = (uint8_t)i;
    }
    succeeds(f, nft_add(f->nft, &elements[700], &f->error)); /* one stands already, with another time-out */
    elements[700].timeout = MINUTE;
    succeeds(f, nft_add_all(f->nft, elements, count, &f->error));
    assert_int_equal(install(f), count);
    assert_contains(shell("nft get element netdev postern block4 '{ 203.0.2.188 }'"), "timeout 1m");
    succeeds(f, nft_delete(f->nft, NFT_BLOCK, NFT_IPV4, elements[3].bytes, &f->error)); /* one is gone already */
    succeeds(f, nft_delete_all(f->nft, elements, count, &f->error));
    assert_int_equal(install(f), 0);
    elements[5].timeout = 0;
    assert_int_equal(nft_add_all(f->nft, elements, count, &f->error), -EINVAL);
    elements[5] = element_of(NFT_BLOCK, NFT_USER, "1");
    assert_int_equal(nft_delete_all(f->nft, elements, count, &f->error), -EOPNOTSUPP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(adds_each_kind_and_nft_shows_it),
        TEST(a_new_time_out_is_given_to_what_stands),
        TEST(what_was_counted_stays_with_a_new_time_out),
        TEST(ends_by_itself),
        TEST(each_throttled_sender_has_its_rate),
        TEST(flushes_all_sets),
        TEST(elements_by_hand_are_read_as_well),
        TEST(refuses_what_cannot_be),
        TEST(what_stands_for_a_customer_says_so),
        TEST(many_are_added_and_deleted_at_once),
        TEST(thousands_are_listed_once_and_carried_whatever_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
