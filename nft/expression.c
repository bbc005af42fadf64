/* Encoders of nf_tables' expressions.
 *
 *     NFTA_RULE_EXPRESSIONS                 a rule's list
 *         NFTA_LIST_ELEM                    one expression
 *             NFTA_EXPR_NAME "cmp"
 *             NFTA_EXPR_DATA                its attributes, numbers in network order
 *
 * Source: include/uapi/linux/netfilter/nf_tables.h. */
#include "nft/expression.h"

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#define REGISTER NFT_REG_1
#define MINUTE_S 60

struct rule rule_begin(struct batch *batch, uint8_t family, const char *table, const char *chain)
{
    struct rule rule = {batch_message(batch, NFT_MSG_NEWRULE, family, NLM_F_CREATE | NLM_F_APPEND), NULL};
    mnl_attr_put_strz(rule.message, NFTA_RULE_TABLE, table);
    mnl_attr_put_strz(rule.message, NFTA_RULE_CHAIN, chain);
    rule.expressions = nest_open(rule.message, NFTA_RULE_EXPRESSIONS);
    return rule;
}

void rule_end(struct rule *rule)
{
    nest_close(rule->message, rule->expressions);
}

struct open_expression {
    struct nlattr *whole, *data;
};

static struct open_expression expression_open(struct nlmsghdr *message, uint16_t type, const char *name)
{
    struct open_expression open;
    open.whole = nest_open(message, type);
    mnl_attr_put_strz(message, NFTA_EXPR_NAME, name);
    open.data = nest_open(message, NFTA_EXPR_DATA);
    return open;
}

static void expression_close(struct nlmsghdr *message, struct open_expression open)
{
    nest_close(message, open.data);
    nest_close(message, open.whole);
}

static void put_number(struct nlmsghdr *message, uint16_t type, uint32_t value)
{
    mnl_attr_put_u32(message, type, htonl(value));
}

static void put_long(struct nlmsghdr *message, uint16_t type, uint64_t value)
{
    mnl_attr_put_u64(message, type, htobe64(value));
}

static void put_data(struct nlmsghdr *message, uint16_t type, const void *value, uint32_t length)
{
    struct nlattr *nest = nest_open(message, type);
    mnl_attr_put(message, NFTA_DATA_VALUE, length, value);
    nest_close(message, nest);
}

void expression_meta(struct rule *rule, uint32_t key)
{
    struct open_expression open = expression_open(rule->message, NFTA_LIST_ELEM, "meta");
    put_number(rule->message, NFTA_META_KEY, key);
    put_number(rule->message, NFTA_META_DREG, REGISTER);
    expression_close(rule->message, open);
}

void expression_payload(struct rule *rule, uint32_t base, uint32_t offset, uint32_t length)
{
    struct open_expression open = expression_open(rule->message, NFTA_LIST_ELEM, "payload");
    put_number(rule->message, NFTA_PAYLOAD_DREG, REGISTER);
    put_number(rule->message, NFTA_PAYLOAD_BASE, base);
    put_number(rule->message, NFTA_PAYLOAD_OFFSET, offset);
    put_number(rule->message, NFTA_PAYLOAD_LEN, length);
    expression_close(rule->message, open);
}

static void header6(struct rule *rule, uint8_t header, uint32_t offset, uint32_t length, uint32_t flags)
{
    struct open_expression open = expression_open(rule->message, NFTA_LIST_ELEM, "exthdr");
    put_number(rule->message, NFTA_EXTHDR_DREG, REGISTER);
    mnl_attr_put_u8(rule->message, NFTA_EXTHDR_TYPE, header);
    put_number(rule->message, NFTA_EXTHDR_OFFSET, offset);
    put_number(rule->message, NFTA_EXTHDR_LEN, length);
    put_number(rule->message, NFTA_EXTHDR_FLAGS, flags);
    put_number(rule->message, NFTA_EXTHDR_OP, NFT_EXTHDR_OP_IPV6);
    expression_close(rule->message, open);
}

void expression_header6(struct rule *rule, uint8_t header, uint32_t offset, uint32_t length)
{
    header6(rule, header, offset, length, 0);
}

void expression_header6_present(struct rule *rule, uint8_t header)
{
    header6(rule, header, 0, 1, NFT_EXTHDR_F_PRESENT);
}

void expression_mask(struct rule *rule, const void *mask, uint32_t length)
{
    static const uint8_t nothing[16];
    struct open_expression open = expression_open(rule->message, NFTA_LIST_ELEM, "bitwise");
    put_number(rule->message, NFTA_BITWISE_SREG, REGISTER);
    put_number(rule->message, NFTA_BITWISE_DREG, REGISTER);
    put_number(rule->message, NFTA_BITWISE_LEN, length);
    put_data(rule->message, NFTA_BITWISE_MASK, mask, length);
    put_data(rule->message, NFTA_BITWISE_XOR, nothing, length);
    expression_close(rule->message, open);
}

void expression_compare(struct rule *rule, uint32_t operation, const void *value, uint32_t length)
{
    struct open_expression open = expression_open(rule->message, NFTA_LIST_ELEM, "cmp");
    put_number(rule->message, NFTA_CMP_SREG, REGISTER);
    put_number(rule->message, NFTA_CMP_OP, operation);
    put_data(rule->message, NFTA_CMP_DATA, value, length);
    expression_close(rule->message, open);
}

void expression_lookup(struct rule *rule, const char *set)
{
    struct open_expression open = expression_open(rule->message, NFTA_LIST_ELEM, "lookup");
    mnl_attr_put_strz(rule->message, NFTA_LOOKUP_SET, set);
    put_number(rule->message, NFTA_LOOKUP_SREG, REGISTER);
    expression_close(rule->message, open);
}

void expression_counter(struct rule *rule)
{
    element_counter(rule->message, NFTA_LIST_ELEM, 0, 0);
}

void expression_reset(struct rule *rule)
{
    struct open_expression open = expression_open(rule->message, NFTA_LIST_ELEM, "reject");
    put_number(rule->message, NFTA_REJECT_TYPE, NFT_REJECT_TCP_RST);
    expression_close(rule->message, open);
}

void expression_verdict(struct rule *rule, int32_t code, const char *chain)
{
    struct nlmsghdr *message = rule->message;
    struct open_expression open = expression_open(message, NFTA_LIST_ELEM, "immediate");
    put_number(message, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    struct nlattr *data = nest_open(message, NFTA_IMMEDIATE_DATA);
    struct nlattr *verdict = nest_open(message, NFTA_DATA_VERDICT);
    put_number(message, NFTA_VERDICT_CODE, (uint32_t)code);
    if (chain)
        mnl_attr_put_strz(message, NFTA_VERDICT_CHAIN, chain);
    nest_close(message, verdict);
    nest_close(message, data);
    expression_close(message, open);
}

void element_counter(struct nlmsghdr *message, uint16_t type, uint64_t packets, uint64_t bytes)
{
    struct open_expression open = expression_open(message, type, "counter");
    put_long(message, NFTA_COUNTER_BYTES, bytes);
    put_long(message, NFTA_COUNTER_PACKETS, packets);
    expression_close(message, open);
}

void element_limit_over(struct nlmsghdr *message, uint16_t type, uint32_t rate, uint32_t burst)
{
    struct open_expression open = expression_open(message, type, "limit");
    put_long(message, NFTA_LIMIT_RATE, rate);
    put_long(message, NFTA_LIMIT_UNIT, MINUTE_S);
    put_number(message, NFTA_LIMIT_BURST, burst);
    put_number(message, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
    put_number(message, NFTA_LIMIT_FLAGS, NFT_LIMIT_F_INV);
    expression_close(message, open);
}

static uint64_t get_long(const struct nlattr *attribute)
{
    return attribute ? be64toh(mnl_attr_get_u64(attribute)) : 0;
}

static bool counter_read(const struct nlattr *data, struct element_state *state)
{
    static const struct attribute_form forms[] = {{NFTA_COUNTER_BYTES, MNL_TYPE_U64, 0},
                                                  {NFTA_COUNTER_PACKETS, MNL_TYPE_U64, 0}};
    const struct nlattr *table[ATTRIBUTES_MOST];
    if (!attributes_of_nest(data, forms, 2, table))
        return false;
    state->packets = get_long(table[NFTA_COUNTER_PACKETS]);
    state->bytes = get_long(table[NFTA_COUNTER_BYTES]);
    return true;
}

static bool limit_read(const struct nlattr *data, struct element_state *state)
{
    static const struct attribute_form forms[] = {{NFTA_LIMIT_RATE, MNL_TYPE_U64, 0},
                                                  {NFTA_LIMIT_UNIT, MNL_TYPE_U64, 0}};
    const struct nlattr *table[ATTRIBUTES_MOST];
    if (!attributes_of_nest(data, forms, 2, table))
        return false;
    /* A limit that a person set may count by the second, hour or day. A rate below one a minute shows as one. */
    uint64_t rate = get_long(table[NFTA_LIMIT_RATE]), unit = get_long(table[NFTA_LIMIT_UNIT]);
    uint64_t minutely = unit ? (rate < UINT32_MAX ? rate : UINT32_MAX) * MINUTE_S / unit : 0;
    state->rate = minutely > UINT32_MAX ? UINT32_MAX : minutely ? (uint32_t)minutely : 1;
    return true;
}

bool element_state_read(const struct nlattr *expression, struct element_state *state)
{
    static const struct attribute_form forms[] = {{NFTA_EXPR_NAME, MNL_TYPE_NUL_STRING, 0},
                                                  {NFTA_EXPR_DATA, MNL_TYPE_NESTED, 0}};
    const struct nlattr *table[ATTRIBUTES_MOST];
    if (!attributes_of_nest(expression, forms, 2, table) || !table[NFTA_EXPR_NAME] || !table[NFTA_EXPR_DATA])
        return false;
    const char *name = mnl_attr_get_str(table[NFTA_EXPR_NAME]);
    if (strcmp(name, "counter") == 0)
        return counter_read(table[NFTA_EXPR_DATA], state);
    if (strcmp(name, "limit") == 0)
        return limit_read(table[NFTA_EXPR_DATA], state);
    return false;
}
