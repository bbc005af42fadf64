/* Elements: senders in the sets of our table, with the time they have left, a counter, and a limit where throttled.
 *
 * Reading is a dump set by set. The kernel does not tell when a dump of elements was overtaken by a change, so the
 * generation is compared before and after, and it is read again. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include "common/cleanup.h"
#include "nft/expression.h"
#include "nft/schema.h"
#include "nft/table.h"

#define TRIES           20
#define CHANGED_AT_ONCE 500 /* the kernel takes messages of some 200 kB */
#define ELEMENTS_MOST   ((size_t)4 * 1024 * 1024)
#define USER_COMMENT    0 /* how nft marks an element's comment in user data */
#define COMMENT         "customer"

static uint64_t milliseconds(duration length)
{
    return length <= 0 ? 0 : (uint64_t)((length + MILLISECOND - 1) / MILLISECOND);
}

void held_list_clear(struct held_list *list)
{
    free(list->items);
    *list = (struct held_list){0};
}

static struct held *held_list_add(struct held_list *list)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 64;
        struct held *larger = room <= ELEMENTS_MOST ? realloc(list->items, room * sizeof *larger) : NULL;
        if (!larger)
            return NULL;
        list->items = larger;
        list->room = room;
    }
    struct held *held = &list->items[list->count++];
    *held = (struct held){0};
    return held;
}

/* Writing */

static uint32_t burst_of(const struct nft *nft, uint32_t rate)
{
    return rate < nft->throttle_burst ? rate : nft->throttle_burst;
}

/* A limit first, then the counter: it counts what is above the limit. */
static void state_put(struct nlmsghdr *message, const struct nft *nft, const struct nft_element *element)
{
    if (!nft->features.element_counters)
        return;
    if (element->deed != NFT_THROTTLE) {
        element_counter(message, NFTA_SET_ELEM_EXPR, element->packets, element->bytes_counted);
        return;
    }
    uint32_t rate = element->rate ? element->rate : nft->throttle_rate;
    if (!nft->features.element_expressions) {
        element_limit_over(message, NFTA_SET_ELEM_EXPR, rate, burst_of(nft, rate));
        return;
    }
    struct nlattr *list = nest_open(message, NFTA_SET_ELEM_EXPRESSIONS);
    element_limit_over(message, NFTA_LIST_ELEM, rate, burst_of(nft, rate));
    element_counter(message, NFTA_LIST_ELEM, element->packets, element->bytes_counted);
    nest_close(message, list);
}

struct open_element {
    struct nlattr *list, *element;
};

/* Opens the element in the message with its key; what else it has comes before element_close(). */
static struct open_element element_open(struct nlmsghdr *message, const struct set_form *set, const uint8_t *key)
{
    struct open_element open;
    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, TABLE_NAME);
    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set->name);
    open.list = nest_open(message, NFTA_SET_ELEM_LIST_ELEMENTS);
    open.element = nest_open(message, NFTA_LIST_ELEM);
    struct nlattr *value = nest_open(message, NFTA_SET_ELEM_KEY);
    mnl_attr_put(message, NFTA_DATA_VALUE, key_forms[set->key].length, key);
    nest_close(message, value);
    return open;
}

static void element_close(struct nlmsghdr *message, struct open_element open)
{
    nest_close(message, open.element);
    nest_close(message, open.list);
}

/* As nft writes an element's comment: type, length, text with its end. */
static void comment_put(struct nlmsghdr *message)
{
    uint8_t data[2 + sizeof COMMENT] = {USER_COMMENT, sizeof COMMENT};
    memcpy(data + 2, COMMENT, sizeof COMMENT);
    mnl_attr_put(message, NFTA_SET_ELEM_USERDATA, sizeof data, data);
}

static bool has_comment(const struct nlattr *attribute)
{
    uint8_t data[2 + sizeof COMMENT] = {USER_COMMENT, sizeof COMMENT};
    memcpy(data + 2, COMMENT, sizeof COMMENT);
    return attribute && mnl_attr_get_payload_len(attribute) == sizeof data &&
           memcmp(mnl_attr_get_payload(attribute), data, sizeof data) == 0;
}

void held_put(struct batch *batch, const struct nft *nft, const struct held *held, uint16_t flags)
{
    const struct nft_element *element = &held->element;
    const struct set_form *set = set_form_find(nft->family, element->deed, element->key);
    if (!set)
        return;
    struct nlmsghdr *message = batch_message(batch, NFT_MSG_NEWSETELEM, nft->family, NLM_F_CREATE | flags);
    struct open_element open = element_open(message, set, element->bytes);
    uint64_t left = milliseconds(element->timeout);
    if (held->whole)
        mnl_attr_put_u64(message, NFTA_SET_ELEM_TIMEOUT, htobe64(held->whole));
    if (held->whole && left && left < held->whole)
        mnl_attr_put_u64(message, NFTA_SET_ELEM_EXPIRATION, htobe64(left));
    state_put(message, nft, element);
    if (element->borrowed)
        comment_put(message);
    element_close(message, open);
}

static void delete_put(struct batch *batch, uint8_t family, const struct set_form *set, const uint8_t *key)
{
    struct nlmsghdr *message = batch_message(batch, NFT_MSG_DELSETELEM, family, 0);
    if (key) {
        element_close(message, element_open(message, set, key));
    } else {
        mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, TABLE_NAME);
        mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set->name);
    }
}

/* Reading */

static bool state_read(const struct nlattr *one, const struct nlattr *several, struct nft_element *element)
{
    struct element_state state = {0};
    if (one && !element_state_read(one, &state))
        return false;
    if (several) {
        const struct nlattr *expression;
        mnl_attr_for_each_nested(expression, several)
        {
            if (!element_state_read(expression, &state))
                return false;
        }
    }
    element->packets = state.packets;
    element->bytes_counted = state.bytes;
    element->rate = state.rate;
    return true;
}

/* False: malformed. An element that a person made without a time-out has none. */
static bool element_read(const struct nlattr *nest, const struct set_form *set, struct held *held)
{
    static const struct attribute_form forms[] = {
        {NFTA_SET_ELEM_KEY, MNL_TYPE_NESTED, 0},         {NFTA_SET_ELEM_TIMEOUT, MNL_TYPE_U64, 0},
        {NFTA_SET_ELEM_EXPIRATION, MNL_TYPE_U64, 0},     {NFTA_SET_ELEM_EXPR, MNL_TYPE_NESTED, 0},
        {NFTA_SET_ELEM_EXPRESSIONS, MNL_TYPE_NESTED, 0}, {NFTA_SET_ELEM_USERDATA, MNL_TYPE_BINARY, 0},
    };
    const struct attribute_form value = {NFTA_DATA_VALUE, MNL_TYPE_BINARY, (uint16_t)key_forms[set->key].length};
    const struct nlattr *table[ATTRIBUTES_MOST], *key[ATTRIBUTES_MOST];
    if (!attributes_of_nest(nest, forms, sizeof forms / sizeof *forms, table) || !table[NFTA_SET_ELEM_KEY] ||
        !attributes_of_nest(table[NFTA_SET_ELEM_KEY], &value, 1, key) || !key[NFTA_DATA_VALUE])
        return false;
    struct nft_element *element = &held->element;
    element->deed = set->deed;
    element->key = set->key;
    memcpy(element->bytes, mnl_attr_get_payload(key[NFTA_DATA_VALUE]), key_forms[set->key].length);
    if (table[NFTA_SET_ELEM_TIMEOUT])
        held->whole = be64toh(mnl_attr_get_u64(table[NFTA_SET_ELEM_TIMEOUT]));
    uint64_t left = held->whole;
    if (table[NFTA_SET_ELEM_EXPIRATION])
        left = be64toh(mnl_attr_get_u64(table[NFTA_SET_ELEM_EXPIRATION]));
    if (held->whole)
        element->timeout = left == 0                                    ? MILLISECOND
                           : left > (uint64_t)(INT64_MAX / MILLISECOND) ? INT64_MAX
                                                                        : (duration)left * MILLISECOND;
    element->borrowed = has_comment(table[NFTA_SET_ELEM_USERDATA]);
    return state_read(table[NFTA_SET_ELEM_EXPR], table[NFTA_SET_ELEM_EXPRESSIONS], element);
}

struct reading {
    struct held_list *list;
    const struct set_form *set;
};

static int elements_read(void *context, const struct nlmsghdr *message, struct error *error)
{
    static const struct attribute_form forms[] = {{NFTA_SET_ELEM_LIST_ELEMENTS, MNL_TYPE_NESTED, 0}};
    const struct reading *reading = context;
    const struct nlattr *table[ATTRIBUTES_MOST], *nest;
    if (!attributes_of_message(message, forms, 1, table))
        return error_set(error, EPROTO, "nf_tables listed set %s in a way not understood", reading->set->name);
    if (!table[NFTA_SET_ELEM_LIST_ELEMENTS])
        return 0;
    mnl_attr_for_each_nested(nest, table[NFTA_SET_ELEM_LIST_ELEMENTS])
    {
        struct held *held = held_list_add(reading->list);
        if (!held)
            return error_set(error, ENOMEM, "no memory for the elements of set %s", reading->set->name);
        if (!element_read(nest, reading->set, held))
            return error_set(error, EPROTO, "set %s has an element of a kind not understood", reading->set->name);
    }
    return 0;
}

static int held_compare(const void *left, const void *right)
{
    const struct nft_element *a = &((const struct held *)left)->element, *b = &((const struct held *)right)->element;
    if (a->deed != b->deed)
        return a->deed < b->deed ? -1 : 1;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

/* A hash table that grows while it is walked may show an element twice. */
static void held_list_settle(struct held_list *list)
{
    if (list->count < 2)
        return;
    qsort(list->items, list->count, sizeof *list->items, held_compare);
    size_t kept = 1;
    for (size_t i = 1; i < list->count; i++)
        if (held_compare(&list->items[i], &list->items[kept - 1]) != 0)
            list->items[kept++] = list->items[i];
    list->count = kept;
}

int held_list_read(struct nft *nft, uint8_t family, struct held_list *list, struct error *error)
{
    uint8_t room[BATCH_MESSAGE] __attribute__((aligned(8)));
    for (size_t i = 0; i < set_forms_count; i++) {
        if (!family_has_key(family, set_forms[i].key))
            continue;
        struct reading reading = {list, &set_forms[i]};
        struct nlmsghdr *question = netlink_question(room, NFT_MSG_GETSETELEM, family, NLM_F_DUMP);
        mnl_attr_put_strz(question, NFTA_SET_ELEM_LIST_TABLE, TABLE_NAME);
        mnl_attr_put_strz(question, NFTA_SET_ELEM_LIST_SET, set_forms[i].name);
        int code = netlink_ask(&nft->netlink, question, elements_read, &reading, error);
        if (code < 0 && code != -ENOENT)
            return code;
    }
    held_list_settle(list);
    return 0;
}

/* The interface */

static int form_for(const struct nft *nft, enum nft_deed deed, enum nft_key key, const struct set_form **result,
                    struct error *error)
{
    if (!nft->family)
        return error_set(error, EINVAL, "no table was installed");
    *result = deed < NFT_DEEDS && key < NFT_KEYS ? set_form_find(nft->family, deed, key) : NULL;
    if (!*result)
        return error_set(error, EOPNOTSUPP, "a %s cannot be known in table %s postern",
                         key < NFT_KEYS ? key_forms[key].word : "sender of that kind",
                         nft->family == NFPROTO_NETDEV ? "netdev" : "inet");
    return 0;
}

/* The element as it stands, for what it has counted; -ENOENT: it does not. */
static int element_get(struct nft *nft, const struct set_form *set, const uint8_t *key, struct held *result,
                       struct error *error)
{
    uint8_t room[BATCH_MESSAGE] __attribute__((aligned(8)));
    struct held_list list CLEANUP(held_list_clear) = {0};
    struct reading reading = {&list, set};
    struct nlmsghdr *question = netlink_question(room, NFT_MSG_GETSETELEM, nft->family, 0);
    element_close(question, element_open(question, set, key));
    int code = netlink_ask(&nft->netlink, question, elements_read, &reading, error);
    if (code == 0 && list.count == 0)
        return error_set(error, ENOENT, "set %s does not have it", set->name);
    if (code == 0)
        *result = list.items[0];
    return code;
}

static int add_once(struct nft *nft, const struct set_form *set, const struct held *held, bool replace,
                    struct error *error)
{
    struct batch batch CLEANUP(batch_clear);
    batch_init(&batch);
    if (replace)
        delete_put(&batch, nft->family, set, held->element.bytes);
    held_put(&batch, nft, held, NLM_F_EXCL);
    return batch_commit(&nft->netlink, &batch, 0, NULL, error);
}

static int check_element(const struct nft *nft, const struct nft_element *element, const struct set_form **set,
                         struct error *error)
{
    int code = form_for(nft, element->deed, element->key, set, error);
    if (code < 0)
        return code;
    if (element->timeout < SECOND)
        return error_set(error, EINVAL, "a time-out of less than a second");
    if (element->deed == NFT_THROTTLE && !nft->features.element_counters)
        return error_set(error, EOPNOTSUPP, "this kernel cannot throttle: its sets' elements bear no limit");
    return 0;
}

int nft_add(struct nft *nft, const struct nft_element *element, struct error *error)
{
    const struct set_form *set = NULL;
    int code = check_element(nft, element, &set, error);
    if (code < 0)
        return code;
    struct held held = {*element, milliseconds(element->timeout)};
    /* Adding to what stands gives it a new time-out only on new kernels, so: is it new; else take it away and add it,
     * at once; where it ended meanwhile, it is new after all. And where the answer was lost: again. One asks first,
     * for a transaction that fails is waited for by the kernel, some ten milliseconds. */
    code = -EEXIST;
    for (int i = 0; i < TRIES && (code == -EEXIST || code == -ENOENT || code == -ENOBUFS); i++) {
        struct held standing = {0};
        bool replace = element_get(nft, set, element->bytes, &standing, NULL) == 0;
        held.element.packets = standing.element.packets;
        held.element.bytes_counted = standing.element.bytes_counted;
        code = add_once(nft, set, &held, replace, error);
        if (code == -ENOENT && !replace)
            break;
    }
    return code < 0 ? error_wrap(error, "cannot add to set %s", set->name) : 0;
}

static int add_some(struct nft *nft, const struct nft_element *elements, size_t count, struct error *error)
{
    struct batch batch CLEANUP(batch_clear);
    const struct set_form *set = NULL;
    batch_init(&batch);
    for (size_t i = 0; i < count; i++) {
        int code = check_element(nft, &elements[i], &set, error);
        if (code < 0)
            return code;
        struct held held = {elements[i], milliseconds(elements[i].timeout)};
        held.element.packets = held.element.bytes_counted = 0;
        held_put(&batch, nft, &held, NLM_F_EXCL);
    }
    return batch_commit(&nft->netlink, &batch, 0, NULL, error);
}

int nft_add_all(struct nft *nft, const struct nft_element *elements, size_t count, struct error *error)
{
    int code = 0;
    for (size_t done = 0; done < count && code == 0; done += CHANGED_AT_ONCE) {
        size_t some = count - done < CHANGED_AT_ONCE ? count - done : CHANGED_AT_ONCE;
        code = add_some(nft, elements + done, some, error);
        if (code != -EEXIST && code != -ENOBUFS)
            continue;
        code = 0; /* some stand already: each for itself */
        for (size_t i = 0; i < some && code == 0; i++)
            code = nft_add(nft, &elements[done + i], error);
    }
    return code;
}

int nft_delete(struct nft *nft, enum nft_deed deed, enum nft_key key, const uint8_t bytes[16], struct error *error)
{
    struct batch batch CLEANUP(batch_clear);
    const struct set_form *set = NULL;
    batch_init(&batch);
    int code = form_for(nft, deed, key, &set, error);
    if (code < 0)
        return code;
    struct held standing;
    if (element_get(nft, set, bytes, &standing, NULL) == -ENOENT) /* much cheaper than to fail in a transaction */
        return 0;
    delete_put(&batch, nft->family, set, bytes);
    code = -ENOBUFS;
    for (int i = 0; i < TRIES && code == -ENOBUFS; i++)
        code = batch_commit(&nft->netlink, &batch, 0, NULL, error);
    return code == -ENOENT || code == 0 ? 0 : error_wrap(error, "cannot delete from set %s", set->name);
}

static int delete_some(struct nft *nft, const struct nft_element *elements, size_t count, struct error *error)
{
    struct batch batch CLEANUP(batch_clear);
    const struct set_form *set = NULL;
    batch_init(&batch);
    for (size_t i = 0; i < count; i++) {
        int code = form_for(nft, elements[i].deed, elements[i].key, &set, error);
        if (code < 0)
            return code;
        delete_put(&batch, nft->family, set, elements[i].bytes);
    }
    return batch_commit(&nft->netlink, &batch, 0, NULL, error);
}

int nft_delete_all(struct nft *nft, const struct nft_element *elements, size_t count, struct error *error)
{
    int code = 0;
    for (size_t done = 0; done < count && code == 0; done += CHANGED_AT_ONCE) {
        const struct nft_element *first = elements + done;
        size_t some = count - done < CHANGED_AT_ONCE ? count - done : CHANGED_AT_ONCE;
        code = delete_some(nft, first, some, error);
        if (code != -ENOENT && code != -ENOBUFS)
            continue;
        code = 0; /* some are gone already: each for itself */
        for (size_t i = 0; i < some && code == 0; i++)
            code = nft_delete(nft, first[i].deed, first[i].key, first[i].bytes, error);
    }
    return code;
}

int nft_flush(struct nft *nft, struct error *error)
{
    struct batch batch CLEANUP(batch_clear);
    batch_init(&batch);
    if (!nft->family)
        return error_set(error, EINVAL, "no table was installed");
    for (size_t i = 0; i < set_forms_count; i++)
        if (family_has_key(nft->family, set_forms[i].key))
            delete_put(&batch, nft->family, &set_forms[i], NULL);
    int code = batch_commit(&nft->netlink, &batch, 0, NULL, error);
    return code == -ENOENT || code == 0 ? 0 : error_wrap(error, "cannot empty the sets");
}

int nft_list(struct nft *nft, void (*each)(void *context, const struct nft_element *), void *context,
             struct error *error)
{
    if (!nft->family)
        return error_set(error, EINVAL, "no table was installed");
    for (int i = 0; i < TRIES; i++) {
        struct held_list list CLEANUP(held_list_clear) = {0};
        uint32_t before = 0, after = 0;
        int code = netlink_generation(&nft->netlink, &before, error);
        if (code == 0)
            code = held_list_read(nft, nft->family, &list, error);
        if (code == 0)
            code = netlink_generation(&nft->netlink, &after, error);
        if (code < 0 && code != -EINTR && code != -ENOBUFS)
            return error_wrap(error, "cannot list our sets");
        /* Where others change their rules all the time, the last try must do. */
        if (code < 0 || (before != after && i < TRIES - 1))
            continue;
        for (size_t k = 0; k < list.count; k++)
            each(context, &list.items[k].element);
        return 0;
    }
    return error_wrap(error, "cannot list our sets");
}
