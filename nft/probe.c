/* What this kernel can do, found out by doing it: a throw-away table hooked on the loopback device for each feature.
 *
 * Versions and configurations lie (distributions backport, and leave out), and a check without a commit is not enough:
 * hooks are validated at the commit. The rules match no packet. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include "common/cleanup.h"
#include "nft/expression.h"
#include "nft/table.h"

#define FLAG_OWNER   0x2 /* newer than some headers */
#define FLAG_PERSIST 0x4

struct probe {
    struct nft *nft;
    char table[40];
    uint8_t family;
};

static void table_put(const struct probe *probe, struct batch *batch, uint32_t flags)
{
    struct nlmsghdr *message = batch_message(batch, NFT_MSG_NEWTABLE, probe->family, NLM_F_CREATE | NLM_F_EXCL);
    mnl_attr_put_strz(message, NFTA_TABLE_NAME, probe->table);
    mnl_attr_put_u32(message, NFTA_TABLE_FLAGS, htonl(flags));
}

static void hook_put(const struct probe *probe, struct batch *batch)
{
    bool netdev = probe->family == NFPROTO_NETDEV;
    struct nlmsghdr *message = batch_message(batch, NFT_MSG_NEWCHAIN, probe->family, NLM_F_CREATE);
    mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, probe->table);
    mnl_attr_put_strz(message, NFTA_CHAIN_NAME, "probe");
    struct nlattr *nest = nest_open(message, NFTA_CHAIN_HOOK);
    mnl_attr_put_u32(message, NFTA_HOOK_HOOKNUM, htonl(netdev ? NF_NETDEV_INGRESS : NF_INET_LOCAL_OUT));
    mnl_attr_put_u32(message, NFTA_HOOK_PRIORITY, htonl(0));
    if (netdev)
        mnl_attr_put_strz(message, NFTA_HOOK_DEV, "lo");
    nest_close(message, nest);
    mnl_attr_put_u32(message, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
    mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, "filter");
}

static void reject_put(const struct probe *probe, struct batch *batch)
{
    static const uint8_t nothing = 255; /* reserved: no packet's protocol */
    struct rule rule = rule_begin(batch, probe->family, probe->table, "probe");
    expression_meta(&rule, NFT_META_L4PROTO);
    expression_compare(&rule, NFT_CMP_EQ, &nothing, sizeof nothing);
    expression_reset(&rule);
    rule_end(&rule);
}

/* A set as throttling needs it, and an element that brings its own limit. */
static void set_put(const struct probe *probe, struct batch *batch, bool several)
{
    static const uint8_t key[4] = {192, 0, 2, 1};
    struct nlmsghdr *message = batch_message(batch, NFT_MSG_NEWSET, probe->family, NLM_F_CREATE);
    mnl_attr_put_strz(message, NFTA_SET_TABLE, probe->table);
    mnl_attr_put_strz(message, NFTA_SET_NAME, "probe");
    mnl_attr_put_u32(message, NFTA_SET_FLAGS, htonl(NFT_SET_TIMEOUT | (several ? NFT_SET_EXPR : 0)));
    mnl_attr_put_u32(message, NFTA_SET_KEY_LEN, htonl(sizeof key));
    mnl_attr_put_u32(message, NFTA_SET_ID, htonl(1));
    struct nlattr *list = several ? nest_open(message, NFTA_SET_EXPRESSIONS) : NULL;
    element_limit_over(message, several ? NFTA_LIST_ELEM : NFTA_SET_EXPR, 1, 1);
    if (several) {
        element_counter(message, NFTA_LIST_ELEM, 0, 0);
        nest_close(message, list);
    }
    message = batch_message(batch, NFT_MSG_NEWSETELEM, probe->family, NLM_F_CREATE);
    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, probe->table);
    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, "probe");
    list = nest_open(message, NFTA_SET_ELEM_LIST_ELEMENTS);
    struct nlattr *element = nest_open(message, NFTA_LIST_ELEM), *value = nest_open(message, NFTA_SET_ELEM_KEY);
    mnl_attr_put(message, NFTA_DATA_VALUE, sizeof key, key);
    nest_close(message, value);
    struct nlattr *expressions = several ? nest_open(message, NFTA_SET_ELEM_EXPRESSIONS) : NULL;
    element_limit_over(message, several ? NFTA_LIST_ELEM : NFTA_SET_ELEM_EXPR, 2, 1);
    if (several) {
        element_counter(message, NFTA_LIST_ELEM, 0, 0);
        nest_close(message, expressions);
    }
    nest_close(message, element);
    nest_close(message, list);
}

/* Load what is in the batch and take it away again. 0: it loads; -ENOTSUP... : it does not, which is an answer too,
 * unless we lack the right or the memory to ask. */
static int loads(const struct probe *probe, struct batch *batch, bool *result, struct error *error)
{
    *result = false;
    int code = batch_commit(&probe->nft->netlink, batch, 0, NULL, error);
    if (code == -EPERM || code == -EACCES || code == -ENOMEM || code == -ENOBUFS)
        return error_wrap(error, code == -EPERM ? "CAP_NET_ADMIN is missing" : "cannot probe nf_tables");
    if (code < 0)
        return 0;
    struct batch removal CLEANUP(batch_clear);
    batch_init(&removal);
    struct nlmsghdr *message = batch_message(&removal, NFT_MSG_DELTABLE, probe->family, 0);
    mnl_attr_put_strz(message, NFTA_TABLE_NAME, probe->table);
    code = batch_commit(&probe->nft->netlink, &removal, 0, NULL, error);
    if (code < 0 && code != -ENOENT)
        return error_wrap(error, "cannot take a probe away");
    *result = true;
    return 0;
}

enum subject { HOOK, REJECT, ONE_EXPRESSION, SEVERAL_EXPRESSIONS, OWNER, PERSIST };

static int probe_one(const struct probe *probe, enum subject subject, bool *result, struct error *error)
{
    struct batch batch CLEANUP(batch_clear);
    batch_init(&batch);
    table_put(probe, &batch, subject == OWNER ? FLAG_OWNER : subject == PERSIST ? FLAG_OWNER | FLAG_PERSIST : 0);
    hook_put(probe, &batch);
    if (subject == REJECT)
        reject_put(probe, &batch);
    if (subject == ONE_EXPRESSION || subject == SEVERAL_EXPRESSIONS)
        set_put(probe, &batch, subject == SEVERAL_EXPRESSIONS);
    return loads(probe, &batch, result, error);
}

int nft_probe(struct nft *nft, struct nft_features *result, struct error *error)
{
    struct nft_features found = {0};
    struct probe probe = {.nft = nft};
    /* Our port on the bus is in the name: two that probe at once do not meet. */
    snprintf(probe.table, sizeof probe.table, "postern_probe_%u", nft->netlink.port);
    const struct {
        uint8_t family;
        enum subject subject;
        bool *result;
        const bool *needs;
    } questions[] = {
        {NFPROTO_NETDEV, HOOK, &found.netdev, NULL},
        {NFPROTO_INET, HOOK, &found.inet, NULL},
        {NFPROTO_NETDEV, REJECT, &found.netdev_reject, &found.netdev},
        {NFPROTO_INET, REJECT, &found.inet_reject, &found.inet},
        {NFPROTO_INET, ONE_EXPRESSION, &found.element_counters, &found.inet},
        {NFPROTO_INET, SEVERAL_EXPRESSIONS, &found.element_expressions, &found.inet},
        {NFPROTO_INET, OWNER, &found.owner, &found.inet},
        {NFPROTO_INET, PERSIST, &found.persist, &found.inet},
    };
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        if (questions[i].needs && !*questions[i].needs)
            continue;
        probe.family = questions[i].family;
        int code = probe_one(&probe, questions[i].subject, questions[i].result, error);
        if (code < 0)
            return code;
    }
    nft->features = found;
    nft->probed = true;
    *result = found;
    return 0;
}
