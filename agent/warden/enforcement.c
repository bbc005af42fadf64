/* The book is the truth and the kernel its copy: whatever goes wrong with the copy, it is written anew from the book.
 */
#include "agent/warden/enforcement.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/warden/book.h"
#include "agent/warden/element.h"
#include "agent/warden/places.h"
#include "common/cleanup.h"

#define ORDERS_MOST   65536U
#define DEVICES_MOST  8192
#define MENDS_AT_ONCE 20 /* in one second; someone who flushes in a loop is not answered in a loop */

struct device {
    char name[16];
    bool uplink, mac_known;
    uint8_t mac[6];
};

struct enforcement {
    struct enforcement_listener listener;
    struct nft_plan plan;
    const struct address_list *own;
    struct nft *nft;
    struct nft_guard *guard;
    struct nft_features features;
    struct book *book;
    struct device *devices;
    size_t device_count, device_room;
    bool on, table, broken;
    uint32_t repairs, refused, mends_now;
};

/* --- devices -------------------------------------------------------------------------------------------------------
 */

static struct device *find_device(struct enforcement *e, const char *name)
{
    for (size_t i = 0; i < e->device_count; i++)
        if (strcmp(e->devices[i].name, name) == 0)
            return &e->devices[i];
    return NULL;
}

static struct device *port_of(struct enforcement *e, const struct sender *sender)
{
    char name[17] = {0};
    memcpy(name, sender->bytes, 16);
    struct device *device = sender->kind == SENDER_PORT ? find_device(e, name) : NULL;
    return device && !device->uplink ? device : NULL;
}

/* --- the kernel's copy ---------------------------------------------------------------------------------------------
 */

static int apply(struct enforcement *e, const struct book_entry *entry, moment now, struct error *error)
{
    struct nft_element element;
    if (!e->table || entry->absent || !element_from_order(&entry->order, now, &element))
        return 0;
    return nft_add(e->nft, &element, error);
}

static int take_out(struct enforcement *e, const struct sender *target, enum nft_deed except, struct error *error)
{
    struct nft_element element;
    struct order any = {.deed = DEED_BLOCK, .target = *target};
    if (!element_from_order(&any, 0, &element))
        return 0;
    int code = 0;
    for (int deed = 0; e->table && deed < NFT_DEEDS; deed++)
        if (deed != (int)except && code == 0)
            code = nft_delete(e->nft, (enum nft_deed)deed, element.key, element.bytes, error);
    return code;
}

struct walk {
    struct enforcement *e;
    moment now;
    struct error *error;
    int code;
    void (*each)(void *context, const struct order *, uint64_t packets, uint64_t bytes);
    void *context;
};

static void apply_each(void *context, struct book_entry *entry)
{
    struct walk *walk = context;
    if (walk->code == 0 && entry->order.until > walk->now)
        walk->code = apply(walk->e, entry, walk->now, walk->error);
}

/* What a former run of ours left in the kernel is in force, so it belongs in the book. */
static void adopt_each(void *context, const struct nft_element *element)
{
    struct walk *walk = context;
    struct order order = element_to_order(element, walk->now);
    struct book_entry *entry = book_find(walk->e->book, &order.target);
    if (entry || order_check(&order, walk->now, NULL) != 0)
        return;
    entry = book_write(walk->e->book, &order);
    entry->adopted = true;
    struct device *device = port_of(walk->e, &order.target);
    entry->absent = order.target.kind == SENDER_PORT && !device;
    if (device) {
        entry->mac_known = device->mac_known;
        memcpy(entry->mac, device->mac, 6);
    }
}

static int hook_all(struct enforcement *e, struct error *error)
{
    struct nft_device *devices = calloc(e->device_count + 1, sizeof(*devices));
    if (!devices)
        return error_set(error, ENOMEM, "no memory to hook our ports");
    for (size_t i = 0; i < e->device_count; i++)
        devices[i] = (struct nft_device){e->devices[i].name, e->devices[i].uplink};
    int code = nft_hook_all(e->nft, devices, e->device_count, error);
    free(devices);
    return code;
}

static int install(struct enforcement *e, moment now, struct error *error)
{
    uint32_t kept = 0;
    struct nft_plan plan = e->plan;
    plan.reject = plan.reject && (plan.role == NFT_HOST ? e->features.inet_reject : e->features.netdev_reject);
    int code = nft_install(e->nft, &plan, &kept, error);
    if (code != 0)
        return code;
    e->table = true;
    struct walk walk = {.e = e, .now = now, .error = error};
    if (plan.role == NFT_HYPERVISOR)
        code = hook_all(e, error);
    if (code == 0 && kept)
        code = nft_list(e->nft, adopt_each, &walk, error);
    if (code == 0) {
        book_each(e->book, apply_each, &walk);
        code = walk.code;
    }
    e->broken = code != 0;
    return code;
}

static int open_nft(struct enforcement *e, struct error *error)
{
    if (e->nft)
        return 0;
    int code = nft_open(&e->nft, error);
    if (code == 0)
        code = nft_probe(e->nft, &e->features, error);
    if (code != 0)
        nft_close(&e->nft);
    return code;
}

/* --- from outside --------------------------------------------------------------------------------------------------
 */

int enforcement_open(const struct nft_plan *plan, const struct enforcement_listener *listener,
                     struct enforcement **result, struct error *error)
{
    CLEANUP(enforcement_close) struct enforcement *e = calloc(1, sizeof(*e));
    if (!e)
        return error_set(error, ENOMEM, "no memory for enforcement");
    e->plan = *plan;
    e->listener = *listener;
    int code = book_create(ORDERS_MOST, &e->book, error);
    if (code == 0)
        *result = TAKE(e);
    return code;
}

void enforcement_close(struct enforcement **owner)
{
    struct enforcement *e = *owner;
    *owner = NULL;
    if (!e)
        return;
    nft_guard_close(&e->guard);
    nft_close(&e->nft);
    book_destroy(&e->book);
    free(e->devices);
    free(e);
}

int enforcement_plan(struct enforcement *e, const struct nft_plan *plan, const struct address_list *own,
                     struct error *error)
{
    bool other_table = e->table && plan->role != e->plan.role;
    e->plan = *plan;
    e->own = own;
    if (!e->on)
        return 0;
    int code = other_table ? nft_remove(e->nft, error) : 0;
    e->table = e->table && !(other_table && code == 0);
    e->broken = true; /* the next tick makes it, where this does not */
    return code;
}

int enforcement_switch(struct enforcement *e, bool on, moment now, struct error *error)
{
    int code = open_nft(e, error);
    if (code != 0)
        return error_wrap(error, "cannot %s enforcement", on ? "switch on" : "switch off");
    if (!on) {
        nft_guard_close(&e->guard);
        e->on = e->broken = false;
        code = nft_remove(e->nft, error);
        e->table = e->table && code != 0;
        return code;
    }
    if (!e->guard)
        code = nft_guard_open(e->nft, &e->guard, error);
    if (code == 0)
        code = install(e, now, error);
    if (code != 0) {
        nft_guard_close(&e->guard);
        return error_wrap(error, "cannot switch on enforcement");
    }
    e->on = true;
    return 0;
}

bool enforcement_is_on(const struct enforcement *e)
{
    return e->on;
}

static struct device *add_device(struct enforcement *e)
{
    if (e->device_count == e->device_room) {
        size_t room = e->device_room ? e->device_room * 2 : 32;
        struct device *devices = room <= DEVICES_MOST ? realloc(e->devices, room * sizeof(*devices)) : NULL;
        if (!devices)
            return NULL;
        e->devices = devices;
        e->device_room = room;
    }
    return &e->devices[e->device_count++];
}

/* A port is (again) here: an order that stood against it holds if it is the same guest. */
static int welcome(struct enforcement *e, const struct device *device, moment now, struct error *error)
{
    struct sender sender = sender_from_port(device->name);
    struct book_entry *entry = book_find(e->book, &sender);
    if (!entry)
        return 0;
    bool same = places_name_is_lasting(device->name) || !entry->mac_known ||
                (device->mac_known && memcmp(entry->mac, device->mac, 6) == 0);
    if (!same) {
        book_strike(e->book, &sender);
        return take_out(e, &sender, NFT_DEEDS, error);
    }
    entry->absent = false;
    entry->mac_known = device->mac_known;
    memcpy(entry->mac, device->mac, 6);
    return apply(e, entry, now, error);
}

int enforcement_device(struct enforcement *e, const char *name, bool uplink, const uint8_t *mac, moment now,
                       struct error *error)
{
    struct device *device = find_device(e, name);
    bool known = device && device->uplink == uplink;
    if (!device)
        device = add_device(e);
    if (!device)
        return error_set(error, ENOMEM, "too many ports");
    *device = (struct device){.uplink = uplink, .mac_known = mac != NULL};
    snprintf(device->name, sizeof(device->name), "%s", name);
    if (mac)
        memcpy(device->mac, mac, 6);
    int code = 0;
    if (e->table && !known && e->plan.role == NFT_HYPERVISOR)
        code = nft_hook(e->nft, name, uplink, error);
    if (code == 0 && !uplink)
        code = welcome(e, device, now, error);
    e->broken = e->broken || (e->on && code != 0);
    return code;
}

void enforcement_device_gone(struct enforcement *e, const char *name)
{
    struct device *device = find_device(e, name);
    struct error error = {0};
    if (!device)
        return;
    struct sender sender = sender_from_port(name);
    struct book_entry *entry = device->uplink ? NULL : book_find(e->book, &sender);
    *device = e->devices[--e->device_count];
    int code = e->table && e->plan.role == NFT_HYPERVISOR ? nft_unhook(e->nft, name, &error) : 0;
    if (entry) {
        entry->absent = true;
        if (!places_name_is_lasting(name) && !entry->mac_known)
            book_strike(e->book, &sender);
        if (code == 0)
            code = take_out(e, &sender, NFT_DEEDS, &error);
    }
    e->broken = e->broken || (e->on && code != 0);
}

static bool is_ours(const struct enforcement *e, const struct sender *target)
{
    struct address prefix;
    if (target->kind == SENDER_MAC) {
        for (size_t i = 0; i < e->device_count; i++)
            if (e->devices[i].mac_known && memcmp(e->devices[i].mac, target->bytes, 6) == 0)
                return true;
    } else if (sender_address(target, &prefix)) {
        for (size_t i = 0; e->own && i < e->own->count; i++)
            if (address_contains(&prefix, &e->own->items[i]))
                return true;
    }
    return false;
}

/* What the kernel would do to us, not to the sender, is refused here whoever asks for it. */
static int check(struct enforcement *e, const struct order *order, moment now, struct error *error)
{
    char name[SENDER_TEXT];
    int code = order_check(order, now, error);
    if (code != 0 || order->deed == DEED_RELEASE)
        return code;
    sender_print(&order->target, name);
    uint8_t kind = order->target.kind;
    struct address address;
    if (kind == SENDER_ACCOUNT) /* nothing for the kernel: mail servers ask the courier */
        return 0;
    if (sender_address(&order->target, &address) && address_is_special(&address))
        return error_set(error, EINVAL, "%s is nobody's address", name);
    if (e->plan.role == NFT_HOST)
        return kind == SENDER_PORT || kind == SENDER_MAC
                   ? error_set(error, EINVAL, "%s: a host has no guests' ports; name a user or an address", name)
                   : 0;
    if (kind == SENDER_USER)
        return error_set(error, EINVAL, "%s: a hypervisor does not see its guests' users", name);
    if (kind == SENDER_PORT && !port_of(e, &order->target))
        return error_set(error, ENODEV, "%s is no guest's port here", name);
    if (is_ours(e, &order->target))
        return error_set(error, EPERM, "%s is the hypervisor itself", name);
    return 0;
}

/* A judge that has begun anew thinks better of a sender than the one before it; that is no reason to let the sender go
 * early. */
static bool stands_against(const struct book_entry *before, const struct order *order)
{
    return before && before->adopted && order->author == ORDER_BY_POLICY && order->deed < before->order.deed;
}

int enforcement_order(struct enforcement *e, const struct order *order, moment now, struct error *error)
{
    int code = check(e, order, now, error);
    if (code != 0) {
        e->refused++;
        return code;
    }
    struct book_entry *before = book_find(e->book, &order->target);
    if (stands_against(before, order))
        return 0;
    /* Beyond the book nothing would know any more of what stands in the kernel. */
    if (!before && order->deed != DEED_RELEASE && book_count(e->book) >= ORDERS_MOST) {
        e->refused++;
        return error_set(error, ENOSPC, "%u orders are in force, more are not kept", ORDERS_MOST);
    }
    bool other = before && before->order.deed != order->deed;
    struct book_entry *entry = book_write(e->book, order);
    struct nft_element element;
    if (!entry) {
        code = take_out(e, &order->target, NFT_DEEDS, error);
    } else {
        struct device *device = port_of(e, &order->target);
        entry->mac_known = device && device->mac_known;
        if (device)
            memcpy(entry->mac, device->mac, 6);
        entry->absent = entry->adopted = false;
        element_from_order(order, now, &element);
        code = apply(e, entry, now, error);
        if (code == 0 && other)
            code = take_out(e, &order->target, element.deed, error);
    }
    e->broken = e->broken || (e->on && code != 0);
    return code;
}

void enforcement_adopt(struct enforcement *e, const struct order *order, moment now)
{
    struct book_entry *entry = NULL;
    if (order->target.kind == SENDER_ACCOUNT && enforcement_order(e, order, now, NULL) == 0)
        entry = book_find(e->book, &order->target);
    if (entry)
        entry->adopted = true;
}

bool enforcement_blocks(struct enforcement *e, const struct sender *sender)
{
    const struct book_entry *entry = e->on ? book_find(e->book, sender) : NULL;
    return entry && entry->order.deed == DEED_BLOCK && !entry->absent;
}

/* --- mending -------------------------------------------------------------------------------------------------------
 */

void enforcement_tick(struct enforcement *e, moment now)
{
    struct error error = {0};
    book_expire(e->book, now);
    e->mends_now = 0;
    if (!e->on || !e->broken)
        return;
    if (install(e, now, &error) == 0)
        e->listener.event(e->listener.context, 0, "repair", "our table stands again as it should");
    else
        e->listener.event(e->listener.context, 2, "repair", error.text);
}

int enforcement_guard(const struct enforcement *e)
{
    return e->guard ? nft_guard_descriptor(e->guard) : -1;
}

void enforcement_mend(struct enforcement *e, moment now)
{
    char culprit[32] = "", one[32], text[400];
    enum nft_guard_news news, worst = NFT_GUARD_QUIET;
    while (e->guard && (news = nft_guard_read(e->guard, one)) != NFT_GUARD_QUIET) {
        if (worst != NFT_GUARD_TABLE_GONE)
            worst = news;
        if (one[0])
            snprintf(culprit, sizeof(culprit), "%s", one);
        if (news == NFT_GUARD_OVERRUN)
            break;
    }
    if (worst == NFT_GUARD_QUIET || !e->on)
        return;
    e->broken = true;
    if (++e->mends_now > MENDS_AT_ONCE)
        return; /* the next tick goes on */
    struct error error = {0};
    int code = install(e, now, &error);
    e->repairs++;
    snprintf(text, sizeof(text), "%s %s our table; %s", culprit[0] ? culprit : "someone",
             worst == NFT_GUARD_TABLE_GONE ? "removed"
             : worst == NFT_GUARD_OVERRUN  ? "may have changed (too much news to read)"
                                           : "changed",
             code == 0 ? "it stands again, with all orders" : error.text);
    e->listener.event(e->listener.context, code == 0 ? 1 : 2, "repair", text);
}

/* --- asked ---------------------------------------------------------------------------------------------------------
 */

static void list_element(void *context, const struct nft_element *element)
{
    struct walk *walk = context;
    struct order order = element_to_order(element, walk->now);
    struct book_entry *entry = book_find(walk->e->book, &order.target);
    if (entry && entry->order.deed == order.deed) {
        if (entry->listed)
            return;
        entry->listed = true;
        order = entry->order;
    }
    walk->each(walk->context, &order, element->packets, element->bytes_counted);
}

static void list_rest(void *context, struct book_entry *entry)
{
    struct walk *walk = context;
    if (!entry->listed && entry->order.until > walk->now)
        walk->each(walk->context, &entry->order, 0, 0);
    entry->listed = false;
}

int enforcement_list(struct enforcement *e,
                     void (*each)(void *context, const struct order *, uint64_t packets, uint64_t bytes), void *context,
                     moment now, struct error *error)
{
    struct walk walk = {.e = e, .now = now, .each = each, .context = context};
    int code = e->table ? nft_list(e->nft, list_element, &walk, error) : 0;
    book_each(e->book, list_rest, &walk);
    return code;
}

const struct order *enforcement_standing(struct enforcement *e, const struct sender *sender)
{
    const struct book_entry *entry = book_find(e->book, sender);
    return entry ? &entry->order : NULL;
}

struct orders_walk {
    void (*each)(void *context, const struct order *);
    void *context;
};

static void give_order(void *context, struct book_entry *entry)
{
    const struct orders_walk *walk = context;
    walk->each(walk->context, &entry->order);
}

void enforcement_each(struct enforcement *e, void (*each)(void *context, const struct order *), void *context)
{
    struct orders_walk walk = {each, context};
    book_each(e->book, give_order, &walk);
}

static void count_deed(void *context, struct book_entry *entry)
{
    struct enforcement_counters *counters = context;
    counters->in_force[entry->order.deed]++;
}

struct enforcement_counters enforcement_counters(const struct enforcement *e)
{
    bool reject = e->plan.reject && (e->plan.role == NFT_HOST ? e->features.inet_reject : e->features.netdev_reject);
    struct enforcement_counters counters = {.orders = book_count(e->book),
                                            .repairs = e->repairs,
                                            .refused = e->refused,
                                            .table = e->table,
                                            .reject = reject};
    book_each(e->book, count_deed, &counters);
    return counters;
}
