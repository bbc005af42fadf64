/* What others do to our table is seen, with the name of who did it; what we do ourselves is no news. */
#include "fixture.h"

#include <poll.h>
#include <time.h>

struct watched {
    struct fixture *fixture;
    struct nft_guard *guard;
};

static struct watched watch(struct fixture *fixture)
{
    struct watched watched = {.fixture = fixture};
    install(fixture);
    succeeds(fixture, nft_guard_open(fixture->nft, &watched.guard, &fixture->error));
    return watched;
}

/* The news that comes within a moment; QUIET where none does. */
static enum nft_guard_news news(struct watched *watched, char culprit[32])
{
    struct pollfd wait = {nft_guard_descriptor(watched->guard), POLLIN, 0};
    enum nft_guard_news worst = NFT_GUARD_QUIET;
    culprit[0] = '\0';
    while (poll(&wait, 1, 50) > 0) {
        char name[32];
        enum nft_guard_news now = nft_guard_read(watched->guard, name);
        if (now != NFT_GUARD_QUIET) {
            memcpy(culprit, name, sizeof name);
            worst = now;
        }
    }
    return worst;
}

static void what_others_do_is_news(void **state)
{
    FIXTURE(f);
    static const struct {
        const char *command;
        enum nft_guard_news want;
    } cases[] = {
        {"nft flush ruleset", NFT_GUARD_TABLE_GONE},
        {"nft delete table netdev postern", NFT_GUARD_TABLE_GONE},
        {"nft 'delete table netdev postern; add table netdev postern'", NFT_GUARD_TABLE_GONE},
        {"nft flush chain netdev postern mail", NFT_GUARD_CHANGED},
        {"nft add rule netdev postern mail accept", NFT_GUARD_CHANGED},
        {"nft add chain netdev postern strange", NFT_GUARD_CHANGED},
        {"nft add element netdev postern allow_port '{ vnet1 }'", NFT_GUARD_CHANGED},
        {"nft add set netdev postern strange '{ type ipv4_addr; }'", NFT_GUARD_CHANGED},
        {"nft add table inet stranger", NFT_GUARD_QUIET},
        {"nft add table inet postern", NFT_GUARD_QUIET}, /* of another family: none of ours */
        {"nft list ruleset > /dev/null", NFT_GUARD_QUIET},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char culprit[32];
        struct watched watched = watch(f);
        run(cases[i].command);
        enum nft_guard_news got = news(&watched, culprit);
        if (got != cases[i].want)
            fail_msg("%s: %d, not %d", cases[i].command, got, cases[i].want);
        assert_int_equal(strncmp(culprit, "nft (", 5) == 0, cases[i].want != NFT_GUARD_QUIET);
        nft_guard_close(&watched.guard);
        run("nft flush ruleset");
    }
}

static void what_we_do_is_none(void **state)
{
    FIXTURE(f);
    char culprit[32];
    struct watched watched = watch(f);
    struct nft_element element = element_of(NFT_BLOCK, NFT_PORT, "vnet1");
    succeeds(f, nft_hook(f->nft, "vnet1", false, &f->error));
    succeeds(f, nft_add(f->nft, &element, &f->error));
    succeeds(f, nft_add(f->nft, &element, &f->error));
    f->plan.throttle_burst = 9;
    install(f);
    succeeds(f, nft_flush(f->nft, &f->error));
    succeeds(f, nft_unhook(f->nft, "vnet1", &f->error));
    succeeds(f, nft_remove(f->nft, &f->error));
    assert_int_equal(news(&watched, culprit), NFT_GUARD_QUIET);
    nft_guard_close(&watched.guard);
}

static void an_element_that_ends_by_itself_is_none(void **state)
{
    FIXTURE(f);
    char culprit[32];
    struct watched watched = watch(f);
    struct nft_element element = element_of(NFT_BLOCK, NFT_PORT, "vnet1");
    element.timeout = SECOND;
    succeeds(f, nft_add(f->nft, &element, &f->error));
    struct timespec length = {1, 100000000};
    nanosleep(&length, NULL);
    element.key = NFT_IPV4; /* the next change sweeps out what has ended */
    succeeds(f, nft_add(f->nft, &element, &f->error));
    assert_int_equal(news(&watched, culprit), NFT_GUARD_QUIET);
    nft_guard_close(&watched.guard);
}

static void what_was_flushed_is_put_back(void **state)
{
    FIXTURE(f);
    char culprit[32];
    struct watched watched = watch(f);
    run("nft flush ruleset");
    assert_int_equal(news(&watched, culprit), NFT_GUARD_TABLE_GONE);
    assert_int_equal(install(f), 0);
    assert_contains(shell("nft list tables"), "netdev postern");
    assert_int_equal(news(&watched, culprit), NFT_GUARD_QUIET);
    nft_guard_close(&watched.guard);
}

static void lost_news_is_told(void **state)
{
    FIXTURE(f);
    char culprit[32];
    struct watched watched = watch(f);
    int least = 1; /* the kernel makes it a few kilobytes */
    setsockopt(nft_guard_descriptor(watched.guard), SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    run("for i in $(seq 200); do echo \"add table inet stranger$i\"; done | nft -f -");
    assert_int_equal(news(&watched, culprit), NFT_GUARD_OVERRUN);
    assert_int_equal(news(&watched, culprit), NFT_GUARD_QUIET);
    nft_guard_close(&watched.guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_others_do_is_news),       TEST(what_we_do_is_none), TEST(an_element_that_ends_by_itself_is_none),
        TEST(what_was_flushed_is_put_back), TEST(lost_news_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
