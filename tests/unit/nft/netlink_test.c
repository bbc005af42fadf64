/* Batches are taken whole or not at all and say which message was at fault; attributes are read only where they have
 * the form that they must have. */
#include "fixture.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include "nft/netlink.h"

static void put_table(struct batch *batch, const char *name, uint16_t flags)
{
    mnl_attr_put_strz(batch_message(batch, NFT_MSG_NEWTABLE, NFPROTO_INET, NLM_F_CREATE | flags), NFTA_TABLE_NAME,
                      name);
}

static void a_batch_grows_and_is_walked(void **state)
{
    (void)state;
    for (unsigned count = 0; count < 2000; count += 333) {
        struct batch batch;
        batch_init(&batch);
        for (unsigned i = 0; i < count; i++) {
            struct nlmsghdr *message = batch_message(&batch, NFT_MSG_NEWRULE, NFPROTO_INET, 0);
            for (unsigned k = 0; k <= i % 50; k++)
                mnl_attr_put_u32(message, 1, i);
        }
        unsigned seen = 0;
        for (const struct nlmsghdr *m = batch_next(&batch, NULL); m; m = batch_next(&batch, m), seen++) {
            const struct nlattr *first = mnl_nlmsg_get_payload_offset(m, sizeof(struct nfgenmsg));
            assert_int_equal(mnl_attr_get_u32(first), seen);
            assert_int_equal(mnl_nlmsg_get_payload_len(m), sizeof(struct nfgenmsg) + 8 * (seen % 50 + 1));
        }
        assert_int_equal(seen, count);
        batch_clear(&batch);
    }
}

static void a_batch_is_taken_whole_or_not_at_all(void **state)
{
    FIXTURE(f);
    struct netlink netlink;
    struct batch batch;
    const struct nlmsghdr *refused = NULL;
    succeeds(f, netlink_open(&netlink, 0, &f->error));
    batch_init(&batch);
    succeeds(f, batch_commit(&netlink, &batch, 0, &refused, &f->error)); /* nothing is always granted */
    put_table(&batch, "one", 0);
    put_table(&batch, "two", 0);
    succeeds(f, batch_commit(&netlink, &batch, 0, &refused, &f->error));
    assert_null(refused);
    batch_clear(&batch);
    put_table(&batch, "three", NLM_F_EXCL);
    put_table(&batch, "two", NLM_F_EXCL);
    put_table(&batch, "four", NLM_F_EXCL);
    assert_int_equal(batch_commit(&netlink, &batch, 0, &refused, &f->error), -EEXIST);
    assert_ptr_equal(refused, batch_next(&batch, batch_next(&batch, NULL)));
    assert_contains(f->error.text, "making the table");
    assert_string_equal(shell("nft list tables"), "table inet one\ntable inet two\n");
    batch_clear(&batch);
    netlink_close(&netlink);
}

static void a_batch_bound_to_a_generation_waits_for_nobody(void **state)
{
    FIXTURE(f);
    struct netlink netlink;
    struct batch batch;
    uint32_t before = 0, after = 0;
    succeeds(f, netlink_open(&netlink, 0, &f->error));
    succeeds(f, netlink_generation(&netlink, &before, &f->error));
    run("nft add table inet stranger");
    succeeds(f, netlink_generation(&netlink, &after, &f->error));
    assert_int_equal(after, before + 1);
    batch_init(&batch);
    put_table(&batch, "ours", 0);
    assert_int_equal(batch_commit(&netlink, &batch, before, NULL, &f->error), -ERESTART);
    assert_lacks(shell("nft list tables"), "ours");
    succeeds(f, batch_commit(&netlink, &batch, after, NULL, &f->error));
    assert_contains(shell("nft list tables"), "ours");
    batch_clear(&batch);
    netlink_close(&netlink);
}

static void a_large_batch_is_one_transaction(void **state)
{
    FIXTURE(f);
    struct netlink netlink;
    struct batch batch;
    char name[128];
    uint32_t before = 0, after = 0;
    succeeds(f, netlink_open(&netlink, 0, &f->error));
    succeeds(f, netlink_generation(&netlink, &before, &f->error));
    batch_init(&batch);
    put_table(&batch, "large", 0);
    for (unsigned i = 0; i < 3000; i++) { /* more than a socket takes by itself */
        snprintf(name, sizeof name, "%0100u", i);
        struct nlmsghdr *message = batch_message(&batch, NFT_MSG_NEWCHAIN, NFPROTO_INET, NLM_F_CREATE);
        mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, "large");
        mnl_attr_put_strz(message, NFTA_CHAIN_NAME, name);
    }
    succeeds(f, batch_commit(&netlink, &batch, 0, NULL, &f->error));
    succeeds(f, netlink_generation(&netlink, &after, &f->error));
    assert_int_equal(after, before + 1);
    batch_clear(&batch);
    netlink_close(&netlink);
}

static int count_message(void *context, const struct nlmsghdr *message, struct error *error)
{
    (void)message;
    (void)error;
    ++*(int *)context;
    return 0;
}

static int stop_at_once(void *context, const struct nlmsghdr *message, struct error *error)
{
    (void)context;
    (void)message;
    return error_set(error, ECANCELED, "enough");
}

static void a_question_given_up_does_not_spoil_the_next(void **state)
{
    FIXTURE(f);
    struct netlink netlink;
    uint8_t room[BATCH_MESSAGE] __attribute__((aligned(8)));
    succeeds(f, netlink_open(&netlink, 0, &f->error));
    run("for i in $(seq 3000); do echo \"add table inet t$i\"; done | nft -f -");
    for (int i = 0; i < 3; i++) {
        int count = 0;
        struct nlmsghdr *question = netlink_question(room, NFT_MSG_GETTABLE, NFPROTO_INET, NLM_F_DUMP);
        assert_int_equal(netlink_ask(&netlink, question, stop_at_once, NULL, &f->error), -ECANCELED);
        question = netlink_question(room, NFT_MSG_GETTABLE, NFPROTO_INET, NLM_F_DUMP);
        succeeds(f, netlink_ask(&netlink, question, count_message, &count, &f->error));
        assert_int_equal(count, 3000);
    }
    netlink_close(&netlink);
}

/* Attributes */

static const struct attribute_form forms[] = {{1, MNL_TYPE_U32, 0},
                                              {2, MNL_TYPE_NUL_STRING, 0},
                                              {3, MNL_TYPE_BINARY, 6},
                                              {4, MNL_TYPE_NESTED, 0},
                                              {5, MNL_TYPE_U64, 0}};

static void attributes_of_another_form_are_not_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint16_t type;
        const char *bytes;
        size_t length;
        bool want;
    } cases[] = {
        {"a number", 1, "\0\0\0\1", 4, true},
        {"a number cut short", 1, "\0\0\0", 3, false},
        {"a string", 2, "abc", 4, true},
        {"a string without its end", 2, "abc", 3, false},
        {"an empty string", 2, "", 0, false},
        {"bytes enough", 3, "123456", 6, true},
        {"bytes too few", 3, "12345", 5, false},
        {"an empty nest", 4, "", 0, true},
        {"a nest cut short", 4, "\1", 1, false},
        {"a long number", 5, "12345678", 8, true},
        {"half a long number", 5, "1234", 4, false},
        {"one that nobody knows", 30, "x", 1, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t room[BATCH_MESSAGE] __attribute__((aligned(8)));
        const struct nlattr *table[ATTRIBUTES_MOST];
        struct nlmsghdr *message = netlink_question(room, NFT_MSG_NEWSET, NFPROTO_INET, 0);
        mnl_attr_put(message, cases[i].type, cases[i].length, cases[i].bytes);
        if (attributes_of_message(message, forms, 5, table) != cases[i].want)
            fail_msg("%s", cases[i].name);
        if (cases[i].want && cases[i].type < 6)
            assert_non_null(table[cases[i].type]);
    }
}

static void a_message_without_its_head_is_not_read(void **state)
{
    (void)state;
    uint8_t room[BATCH_MESSAGE] __attribute__((aligned(8)));
    const struct nlattr *table[ATTRIBUTES_MOST];
    struct nlmsghdr *message = netlink_question(room, NFT_MSG_NEWSET, NFPROTO_INET, 0);
    assert_true(attributes_of_message(message, forms, 5, table));
    message->nlmsg_len -= 1;
    assert_false(attributes_of_message(message, forms, 5, table));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_grows_and_is_walked),
        TEST(a_batch_is_taken_whole_or_not_at_all),
        TEST(a_batch_bound_to_a_generation_waits_for_nobody),
        TEST(a_large_batch_is_one_transaction),
        TEST(a_question_given_up_does_not_spoil_the_next),
        cmocka_unit_test(attributes_of_another_form_are_not_read),
        cmocka_unit_test(a_message_without_its_head_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
