/* Canonical lines of sets, chains and rules.
 *
 * The kernel tells more than it was told: handles, numbers of users, counters' values, and attributes whose value is
 * nothing. And it tells them in its own order. So a line holds the attributes that make the thing what it is, sorted by
 * type, those of all zero bytes left out; the rest is compared byte by byte. */
#include "nft/inventory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netfilter/nf_tables.h>
#include "nft/ruleset.h"
#include "nft/schema.h"

#define LINES_MOST ((size_t)8 * 1024 * 1024)

void inventory_init(struct inventory *inventory)
{
    *inventory = (struct inventory){0};
    buffer_init(&inventory->sets, LINES_MOST);
    buffer_init(&inventory->chains, LINES_MOST);
    buffer_init(&inventory->rules, LINES_MOST);
}

void inventory_clear(struct inventory *inventory)
{
    buffer_clear(&inventory->sets);
    buffer_clear(&inventory->chains);
    buffer_clear(&inventory->rules);
    free(inventory->hooked);
    inventory_init(inventory);
}

static bool append_hex(struct buffer *line, const struct nlattr *attribute)
{
    const uint8_t *bytes = mnl_attr_get_payload(attribute);
    for (size_t i = 0; i < mnl_attr_get_payload_len(attribute); i++)
        if (!buffer_printf(line, "%02x", bytes[i]))
            return false;
    return true;
}

static bool is_nothing(const struct nlattr *attribute)
{
    const uint8_t *bytes = mnl_attr_get_payload(attribute);
    for (size_t i = 0; i < mnl_attr_get_payload_len(attribute); i++)
        if (bytes[i])
            return false;
    return true;
}

/* " type=hex" for each attribute below `end` that says something, by type. */
static bool append_sorted(struct buffer *line, const struct nlattr *nest, uint16_t end)
{
    for (uint16_t type = 1; type < end; type++) {
        const struct nlattr *attribute;
        mnl_attr_for_each_nested(attribute, nest)
        {
            if (mnl_attr_get_type(attribute) != type || is_nothing(attribute))
                continue;
            if (!buffer_printf(line, " %u=", type) || !append_hex(line, attribute))
                return false;
        }
    }
    return true;
}

static bool append_expression(struct buffer *line, const struct nlattr *expression)
{
    static const struct attribute_form forms[] = {{NFTA_EXPR_NAME, MNL_TYPE_NUL_STRING, 0},
                                                  {NFTA_EXPR_DATA, MNL_TYPE_NESTED, 0}};
    const struct nlattr *table[ATTRIBUTES_MOST];
    if (!attributes_of_nest(expression, forms, 2, table) || !table[NFTA_EXPR_NAME])
        return false;
    const char *name = mnl_attr_get_str(table[NFTA_EXPR_NAME]);
    if (!buffer_printf(line, " [%s", name))
        return false;
    /* A counter is what it is, whatever it has counted. */
    if (table[NFTA_EXPR_DATA] && strcmp(name, "counter") != 0 &&
        !append_sorted(line, table[NFTA_EXPR_DATA], ATTRIBUTES_MOST))
        return false;
    return buffer_printf(line, "]");
}

static bool add_rule(struct buffer *lines, const struct nlmsghdr *message)
{
    static const struct attribute_form forms[] = {{NFTA_RULE_CHAIN, MNL_TYPE_NUL_STRING, 0},
                                                  {NFTA_RULE_EXPRESSIONS, MNL_TYPE_NESTED, 0}};
    const struct nlattr *table[ATTRIBUTES_MOST];
    if (!attributes_of_message(message, forms, 2, table) || !table[NFTA_RULE_CHAIN])
        return false;
    if (!buffer_printf(lines, "%s:", mnl_attr_get_str(table[NFTA_RULE_CHAIN])))
        return false;
    if (table[NFTA_RULE_EXPRESSIONS]) {
        const struct nlattr *expression;
        mnl_attr_for_each_nested(expression, table[NFTA_RULE_EXPRESSIONS])
        {
            if (!append_expression(lines, expression))
                return false;
        }
    }
    return buffer_printf(lines, "\n");
}

static bool add_set(struct buffer *lines, const struct nlmsghdr *message)
{
    static const struct attribute_form forms[] = {
        {NFTA_SET_NAME, MNL_TYPE_NUL_STRING, 0}, {NFTA_SET_FLAGS, MNL_TYPE_U32, 0},
        {NFTA_SET_KEY_TYPE, MNL_TYPE_U32, 0},    {NFTA_SET_KEY_LEN, MNL_TYPE_U32, 0},
        {NFTA_SET_TIMEOUT, MNL_TYPE_U64, 0},     {NFTA_SET_USERDATA, MNL_TYPE_BINARY, 0},
    };
    static const uint16_t said[] = {NFTA_SET_FLAGS, NFTA_SET_KEY_TYPE, NFTA_SET_KEY_LEN, NFTA_SET_TIMEOUT,
                                    NFTA_SET_USERDATA};
    const struct nlattr *table[ATTRIBUTES_MOST];
    if (!attributes_of_message(message, forms, sizeof forms / sizeof *forms, table) || !table[NFTA_SET_NAME])
        return false;
    if (!buffer_printf(lines, "%s:", mnl_attr_get_str(table[NFTA_SET_NAME])))
        return false;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (table[said[i]] && !is_nothing(table[said[i]]) &&
            !(buffer_printf(lines, " %u=", said[i]) && append_hex(lines, table[said[i]])))
            return false;
    return buffer_printf(lines, "\n");
}

static bool add_hooked(struct inventory *inventory, const char *device, bool uplink)
{
    if (inventory->hooked_count == inventory->hooked_room) {
        size_t room = inventory->hooked_room ? inventory->hooked_room * 2 : 64;
        struct hooked *larger = room <= DEVICES_MOST ? realloc(inventory->hooked, room * sizeof *larger) : NULL;
        if (!larger)
            return false;
        inventory->hooked = larger;
        inventory->hooked_room = room;
    }
    struct hooked *hooked = &inventory->hooked[inventory->hooked_count++];
    snprintf(hooked->device, sizeof hooked->device, "%s", device);
    hooked->uplink = uplink;
    return true;
}

static bool add_chain(struct inventory *inventory, const struct nlmsghdr *message)
{
    static const struct attribute_form forms[] = {
        {NFTA_CHAIN_NAME, MNL_TYPE_NUL_STRING, 0},
        {NFTA_CHAIN_HOOK, MNL_TYPE_NESTED, 0},
        {NFTA_CHAIN_POLICY, MNL_TYPE_U32, 0},
        {NFTA_CHAIN_TYPE, MNL_TYPE_NUL_STRING, 0},
    };
    const struct nlattr *table[ATTRIBUTES_MOST];
    struct buffer *lines = &inventory->chains;
    if (!attributes_of_message(message, forms, sizeof forms / sizeof *forms, table) || !table[NFTA_CHAIN_NAME])
        return false;
    const char *name = mnl_attr_get_str(table[NFTA_CHAIN_NAME]);
    bool uplink = false;
    const char *device = ruleset_hooked_device(name, &uplink);
    if (device && !add_hooked(inventory, device, uplink))
        return false;
    if (!buffer_printf(lines, "%s:", name))
        return false;
    /* The list of devices that comes behind says the same again; where there are several, there is no NFTA_HOOK_DEV. */
    if (table[NFTA_CHAIN_HOOK] && !append_sorted(lines, table[NFTA_CHAIN_HOOK], NFTA_HOOK_DEV + 1))
        return false;
    if (table[NFTA_CHAIN_POLICY] && !(buffer_printf(lines, " policy ") && append_hex(lines, table[NFTA_CHAIN_POLICY])))
        return false;
    if (table[NFTA_CHAIN_TYPE] && !buffer_printf(lines, " %s", mnl_attr_get_str(table[NFTA_CHAIN_TYPE])))
        return false;
    return buffer_printf(lines, "\n");
}

bool inventory_add(struct inventory *inventory, const struct nlmsghdr *message)
{
    switch (message_type(message)) {
    case NFT_MSG_NEWSET:
        return add_set(&inventory->sets, message);
    case NFT_MSG_NEWCHAIN:
        return add_chain(inventory, message);
    case NFT_MSG_NEWRULE:
        return add_rule(&inventory->rules, message);
    default:
        return true;
    }
}

bool inventory_add_batch(struct inventory *inventory, const struct batch *batch)
{
    if (batch->failed)
        return false;
    for (const struct nlmsghdr *m = batch_next(batch, NULL); m; m = batch_next(batch, m))
        if (!inventory_add(inventory, m))
            return false;
    return true;
}

static int read_one(void *context, const struct nlmsghdr *message, struct error *error)
{
    if (!inventory_add(context, message))
        return error_set(error, EPROTO, "nf_tables described our table in a way not understood");
    return 0;
}

int inventory_read(struct netlink *netlink, uint8_t family, struct inventory *inventory, struct error *error)
{
    static const struct {
        uint8_t question;
        uint16_t table;
    } questions[] = {
        {NFT_MSG_GETSET, NFTA_SET_TABLE}, {NFT_MSG_GETCHAIN, NFTA_CHAIN_TABLE}, {NFT_MSG_GETRULE, NFTA_RULE_TABLE}};
    uint8_t room[BATCH_MESSAGE] __attribute__((aligned(8)));
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        struct nlmsghdr *question = netlink_question(room, questions[i].question, family, NLM_F_DUMP);
        mnl_attr_put_strz(question, questions[i].table, TABLE_NAME);
        int code = netlink_ask(netlink, question, read_one, inventory, error);
        if (code < 0)
            return code;
    }
    return 0;
}

bool inventory_equals(const struct inventory *left, const struct inventory *right)
{
    return text_equals(buffer_text(&left->sets), buffer_text(&right->sets)) &&
           text_equals(buffer_text(&left->chains), buffer_text(&right->chains)) &&
           text_equals(buffer_text(&left->rules), buffer_text(&right->rules));
}
