/* For the tests of nft/: a network namespace of the test's own, in which the real kernel answers, and what `nft` on the
 * command line says of it. Without root each test is skipped and says so. */
#ifndef TESTS_UNIT_NFT_FIXTURE_H
#define TESTS_UNIT_NFT_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/text.h"
#include "nft/nft.h"

struct fixture {
    struct nft *nft;
    struct nft_plan plan;
    struct error error;
};

/* Run a command of the shell; its output, borrowed until the next call. */
static inline const char *shell(const char *command)
{
    static char output[256 * 1024];
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t length = fread(output, 1, sizeof output - 1, pipe);
    output[length] = '\0';
    pclose(pipe);
    return output;
}

static inline void run(const char *command)
{
    int status = system(command);
    if (status != 0)
        fail_msg("%s: status %d", command, status);
}

/* A namespace with lo, vnet1, vnet2 and uplink0 in it. */
static inline int fixture_create(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    if (!fixture || geteuid() != 0)
        return fixture ? 0 : -1;
    if (unshare(CLONE_NEWNET) != 0 || system("ip link set lo up && ip link add vnet1 type veth peer name peer1 && "
                                             "ip link add vnet2 type veth peer name peer2 && "
                                             "ip link add uplink0 type veth peer name peer0") != 0)
        return -1;
    fixture->plan = (struct nft_plan){.role = NFT_HYPERVISOR,
                                      .ports = {25, 465, 587, 2525},
                                      .reject = true,
                                      .throttle_rate = 20,
                                      .throttle_burst = 5};
    return nft_open(&fixture->nft, &fixture->error);
}

static inline int fixture_destroy(void **state)
{
    struct fixture *fixture = *state;
    nft_close(&fixture->nft);
    address_list_clear(&fixture->plan.always_open);
    free(fixture);
    return 0;
}

/* At the head of each test. */
#define FIXTURE(name)                                                                                                  \
    struct fixture *name = *state;                                                                                     \
    if (geteuid() != 0) {                                                                                              \
        print_message("skipped: a network namespace needs root\n");                                                    \
        skip();                                                                                                        \
    }

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_create, fixture_destroy)

/* The call succeeds; where it does not, its sentence is shown. */
#define succeeds(fixture, call)                                                                                        \
    do {                                                                                                               \
        if ((call) != 0)                                                                                               \
            fail_msg("%s: %s", #call, (fixture)->error.text);                                                          \
    } while (0)

static inline uint32_t install(struct fixture *fixture)
{
    uint32_t kept = UINT32_MAX;
    succeeds(fixture, nft_install(fixture->nft, &fixture->plan, &kept, &fixture->error));
    return kept;
}

static inline struct nft_element element_of(enum nft_deed deed, enum nft_key key, const char *value)
{
    struct nft_element element = {.deed = deed, .key = key, .timeout = HOUR};
    struct address address;
    if (key == NFT_IPV4 || key == NFT_IPV6) {
        assert_true(address_parse(text_of(value), &address));
        memcpy(element.bytes, address.bytes, sizeof element.bytes);
    } else if (key == NFT_USER) {
        uint32_t user = (uint32_t)atoi(value);
        memcpy(element.bytes, &user, sizeof user);
    } else if (key == NFT_MAC) {
        for (int i = 0; i < 6; i++)
            element.bytes[i] = (uint8_t)strtoul(value + i * 3, NULL, 16);
    } else {
        snprintf((char *)element.bytes, sizeof element.bytes, "%s", value);
    }
    return element;
}

struct listing {
    struct nft_element items[64];
    size_t count;
};

static inline void list_one(void *context, const struct nft_element *element)
{
    struct listing *listing = context;
    if (listing->count < sizeof listing->items / sizeof *listing->items)
        listing->items[listing->count++] = *element;
}

static inline struct listing list(struct fixture *fixture)
{
    struct listing listing = {0};
    succeeds(fixture, nft_list(fixture->nft, list_one, &listing, &fixture->error));
    return listing;
}

static inline void address_open(struct fixture *fixture, const char *text)
{
    struct address address;
    assert_true(address_parse(text_of(text), &address));
    assert_true(address_list_add(&fixture->plan.always_open, &address));
}

static inline void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static inline void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" is in:\n%s", part, text);
}

#endif
