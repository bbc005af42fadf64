/* Which sets our table has, and the messages that make them.
 *
 * Sets of senders: hash tables whose elements carry time-out and counter, throttle_* a limit as well. Interval sets
 * would be merged or refused where blocks overlap, so an IPv6 /64 is kept as its first address and looked up masked.
 * Constant sets: the mail ports, and the destinations that are always open as intervals. */
#include "nft/schema.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include "nft/expression.h"

#define USER_ORDER     0 /* how nft marks a set's byte order and comment in user data */
#define USER_COMMENT   7
#define TYPE_IPV4      7 /* nft's numbers of data types */
#define TYPE_IPV6      8
#define TYPE_MAC       9
#define TYPE_PORT      13
#define TYPE_USER      24
#define TYPE_INTERFACE 41

const struct key_form key_forms[NFT_KEYS] = {
    [NFT_PORT] = {"port", TYPE_INTERFACE, IFNAMSIZ, true, true, false},
    [NFT_MAC] = {"mac", TYPE_MAC, 6, false, true, false},
    [NFT_IPV4] = {"ipv4", TYPE_IPV4, 4, false, true, true},
    [NFT_IPV6] = {"ipv6", TYPE_IPV6, 16, false, true, true},
    [NFT_USER] = {"uid", TYPE_USER, 4, true, false, true},
};

const struct set_form set_forms[] = {
    {"allow_port", NFT_ALLOW, NFT_PORT},     {"allow_mac", NFT_ALLOW, NFT_MAC},
    {"allow4", NFT_ALLOW, NFT_IPV4},         {"allow6", NFT_ALLOW, NFT_IPV6},
    {"allow_uid", NFT_ALLOW, NFT_USER},      {"block_port", NFT_BLOCK, NFT_PORT},
    {"block_mac", NFT_BLOCK, NFT_MAC},       {"block4", NFT_BLOCK, NFT_IPV4},
    {"block6", NFT_BLOCK, NFT_IPV6},         {"block_uid", NFT_BLOCK, NFT_USER},
    {"divert_port", NFT_DIVERT, NFT_PORT},   {"divert_mac", NFT_DIVERT, NFT_MAC},
    {"divert4", NFT_DIVERT, NFT_IPV4},       {"divert6", NFT_DIVERT, NFT_IPV6},
    {"divert_uid", NFT_DIVERT, NFT_USER},    {"throttle_port", NFT_THROTTLE, NFT_PORT},
    {"throttle_mac", NFT_THROTTLE, NFT_MAC}, {"throttle4", NFT_THROTTLE, NFT_IPV4},
    {"throttle6", NFT_THROTTLE, NFT_IPV6},   {"throttle_uid", NFT_THROTTLE, NFT_USER},
};
const size_t set_forms_count = sizeof set_forms / sizeof *set_forms;

bool family_has_key(uint8_t family, enum nft_key key)
{
    return family == NFPROTO_NETDEV ? key_forms[key].netdev : key_forms[key].inet;
}

const struct set_form *set_form_find(uint8_t family, enum nft_deed deed, enum nft_key key)
{
    for (size_t i = 0; i < set_forms_count; i++)
        if (set_forms[i].deed == deed && set_forms[i].key == key && family_has_key(family, key))
            return &set_forms[i];
    return NULL;
}

static void put_number(struct nlmsghdr *message, uint16_t type, uint32_t value)
{
    mnl_attr_put_u32(message, type, htonl(value));
}

/* Byte order and comment as nft writes them: type, length, value. */
static void put_user_data(struct nlmsghdr *message, bool host_order, const char *comment)
{
    uint8_t data[128] = {USER_ORDER, sizeof(uint32_t)};
    uint32_t order = host_order ? 1 : 2;
    memcpy(data + 2, &order, sizeof order);
    size_t length = 2 + sizeof order;
    if (comment) {
        size_t bytes = strlen(comment) + 1;
        data[length] = USER_COMMENT;
        data[length + 1] = (uint8_t)bytes;
        memcpy(data + length + 2, comment, bytes);
        length += 2 + bytes;
    }
    mnl_attr_put(message, NFTA_SET_USERDATA, length, data);
}

static struct nlmsghdr *set_put(const struct making *making, uint32_t *number, const char *name,
                                const struct key_form *key, uint32_t flags, const char *comment)
{
    struct nlmsghdr *message = batch_message(making->batch, NFT_MSG_NEWSET, making->family, NLM_F_CREATE);
    mnl_attr_put_strz(message, NFTA_SET_TABLE, TABLE_NAME);
    mnl_attr_put_strz(message, NFTA_SET_NAME, name);
    put_number(message, NFTA_SET_FLAGS, flags);
    put_number(message, NFTA_SET_KEY_TYPE, key->type);
    put_number(message, NFTA_SET_KEY_LEN, key->length);
    put_number(message, NFTA_SET_ID, ++*number);
    put_user_data(message, key->host_order, comment);
    return message;
}

static void constant_put(const struct making *making, const char *set, const void *key, uint32_t length, bool end)
{
    struct nlmsghdr *message = batch_message(making->batch, NFT_MSG_NEWSETELEM, making->family, NLM_F_CREATE);
    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, TABLE_NAME);
    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set);
    struct nlattr *list = nest_open(message, NFTA_SET_ELEM_LIST_ELEMENTS);
    struct nlattr *element = nest_open(message, NFTA_LIST_ELEM);
    if (end)
        put_number(message, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
    struct nlattr *value = nest_open(message, NFTA_SET_ELEM_KEY);
    mnl_attr_put(message, NFTA_DATA_VALUE, length, key);
    nest_close(message, value);
    nest_close(message, element);
    nest_close(message, list);
}

static void ports_put(const struct making *making, uint32_t *number)
{
    static const struct key_form key = {.type = TYPE_PORT, .length = 2};
    set_put(making, number, PORTS_SET, &key, NFT_SET_CONSTANT, making->mark);
    for (size_t i = 0; i < sizeof making->plan->ports / sizeof *making->plan->ports && making->plan->ports[i]; i++) {
        uint16_t port = htons(making->plan->ports[i]);
        constant_put(making, PORTS_SET, &port, sizeof port, false);
    }
}

static int prefix_compare(const void *left, const void *right)
{
    const struct address *a = left, *b = right;
    int bytes = memcmp(a->bytes, b->bytes, sizeof a->bytes);
    return bytes ? bytes : (a->prefix > b->prefix) - (a->prefix < b->prefix);
}

/* The address behind a prefix's last; false where there is none. */
static bool prefix_end(const struct address *prefix, uint8_t result[16])
{
    unsigned bits = prefix->prefix;
    memcpy(result, prefix->bytes, 16);
    if (bits == 0)
        return false;
    unsigned carry = 1u << (7 - (bits - 1) % 8);
    for (unsigned i = (bits - 1) / 8 + 1; i-- > 0 && carry; carry >>= 8) {
        carry += result[i];
        result[i] = (uint8_t)carry;
    }
    return carry == 0;
}

/* Destinations always open: a set of intervals, each a first address and the one behind the last. */
static void open_put(const struct making *making, uint32_t *number, const char *name, uint8_t family)
{
    const struct key_form *key = &key_forms[family == 4 ? NFT_IPV4 : NFT_IPV6];
    const struct address_list *list = &making->plan->always_open;
    set_put(making, number, name, key, NFT_SET_CONSTANT | NFT_SET_INTERVAL, NULL);
    struct address *sorted = calloc(list->count ? list->count : 1, sizeof *sorted);
    if (!sorted) {
        making->batch->failed = true;
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].family == family)
            sorted[count++] = list->items[i];
    qsort(sorted, count, sizeof *sorted, prefix_compare);
    const struct address *last = NULL;
    for (size_t i = 0; i < count; i++) {
        uint8_t end[16];
        if (last && address_contains(last, &sorted[i]))
            continue;
        last = &sorted[i];
        constant_put(making, name, last->bytes, key->length, false);
        if (prefix_end(last, end))
            constant_put(making, name, end, key->length, true);
    }
    free(sorted);
}

/* What each new element of a set gets, whoever adds it. */
static void set_expressions_put(const struct making *making, struct nlmsghdr *message, enum nft_deed deed)
{
    const struct nft_features *features = making->features;
    if (!features->element_counters)
        return;
    if (deed != NFT_THROTTLE) {
        element_counter(message, NFTA_SET_EXPR, 0, 0);
    } else if (!features->element_expressions) {
        element_limit_over(message, NFTA_SET_EXPR, making->plan->throttle_rate, making->plan->throttle_burst);
    } else {
        struct nlattr *list = nest_open(message, NFTA_SET_EXPRESSIONS);
        element_limit_over(message, NFTA_LIST_ELEM, making->plan->throttle_rate, making->plan->throttle_burst);
        element_counter(message, NFTA_LIST_ELEM, 0, 0);
        nest_close(message, list);
    }
}

void schema_put(const struct making *making)
{
    uint32_t number = 0;
    ports_put(making, &number);
    open_put(making, &number, OPEN4_SET, 4);
    open_put(making, &number, OPEN6_SET, 6);
    for (size_t i = 0; i < set_forms_count; i++) {
        const struct set_form *form = &set_forms[i];
        if (!family_has_key(making->family, form->key))
            continue;
        bool two =
            form->deed == NFT_THROTTLE && making->features->element_counters && making->features->element_expressions;
        struct nlmsghdr *message = set_put(making, &number, form->name, &key_forms[form->key],
                                           NFT_SET_TIMEOUT | (two ? NFT_SET_EXPR : 0), NULL);
        set_expressions_put(making, message, form->deed);
    }
}
