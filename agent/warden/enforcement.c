/* The book is the truth and the kernel its copy: whatever goes wrong with the copy, it is written anew from the book.
 */
#include "agent/warden/enforcement.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/warden/enforcement_state.h"
#include "agent/warden/places.h"
#include "common/cleanup.h"

#define ORDERS_MOST   65536U
#define DEVICES_MOST  8192
#define MENDS_AT_ONCE 20 /* in one second; someone who flushes in a loop is not answered in a loop */

/* --- devices -------------------------------------------------------------------------------------------------------
 */

static struct device *find_device(struct enforcement *e, const char *name)
{
    for (size_t i = 0; i < e->device_count; i++)
        if (strcmp(e->devices[i].name, name) == 0)
            return &e->devices[i];
    return NULL;
}

struct device *enforcement_port(struct enforcement *e, const struct sender *sender)
{
    char name[17] = {0};
    memcpy(name, sender->bytes, 16);
    struct device *device = sender->kind == SENDER_PORT ? find_device(e, name) : NULL;
    return device && !device->uplink ? device : NULL;
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
        code = holdings_create(&e->holdings, error);
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
    holdings_destroy(&e->holdings);
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
        code = copy_install(e, now, error);
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

bool enforcement_is_host(const struct enforcement *e)
{
    return e->plan.role == NFT_HOST;
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

/* A port is (again) here: an order that stood against it holds if it is the same guest, and one on its customer. In the
 * kernel before the port is hooked, so that it holds from the first packet that is looked at. */
static int welcome(struct enforcement *e, struct device *device, moment now, struct error *error)
{
    struct sender sender = sender_from_port(device->name);
    struct book_entry *entry = book_find(e->book, &sender);
    bool known = entry || holdings_find(e->holdings, &sender);
    bool same = entry && (places_name_is_lasting(device->name) || !entry->mac_known ||
                          (device->mac_known && memcmp(entry->mac, device->mac, 6) == 0));
    if (same) {
        entry->absent = false;
        entry->mac_known = device->mac_known;
        memcpy(entry->mac, device->mac, 6);
    } else if (entry) {
        book_strike(e->book, &sender);
    }
    customers_welcome(e, device, now);
    known |= holdings_find(e->holdings, &sender) != NULL;
    return known ? copy_settle(e, &sender, false, now, error) : 0;
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
    int code = uplink ? 0 : welcome(e, device, now, error);
    if (code == 0 && e->table && !known && e->plan.role == NFT_HYPERVISOR)
        code = nft_hook(e->nft, name, uplink, error);
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
    bool held = holdings_find(e->holdings, &sender);
    holdings_set(e->holdings, &sender, NULL);
    *device = e->devices[--e->device_count];
    int code = e->table && e->plan.role == NFT_HYPERVISOR ? nft_unhook(e->nft, name, &error) : 0;
    if (entry) {
        entry->absent = true;
        if (!places_name_is_lasting(name) && !entry->mac_known)
            book_strike(e->book, &sender);
    }
    if ((entry || held) && code == 0)
        code = copy_take_out(e, &sender, NFT_DEEDS, &error);
    e->broken = e->broken || (e->on && code != 0);
}

static bool is_hypervisor(const struct enforcement *e, const struct sender *target)
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

bool enforcement_is_ours(const struct enforcement *e, const struct sender *target)
{
    struct address address;
    return (sender_address(target, &address) && address_is_special(&address)) ||
           (e->plan.role == NFT_HYPERVISOR && is_hypervisor(e, target));
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
    if (kind == SENDER_CUSTOMER) /* each of its members is looked at */
        return 0;
    if (sender_address(&order->target, &address) && address_is_special(&address))
        return error_set(error, EINVAL, "%s is nobody's address", name);
    if (e->plan.role == NFT_HOST)
        return kind == SENDER_PORT || kind == SENDER_MAC
                   ? error_set(error, EINVAL, "%s: a host has no guests' ports; name a user or an address", name)
                   : 0;
    if (kind == SENDER_USER)
        return error_set(error, EINVAL, "%s: a hypervisor does not see its guests' users", name);
    if (kind == SENDER_PORT && !enforcement_port(e, &order->target))
        return error_set(error, ENODEV, "%s is no guest's port here", name);
    if (is_hypervisor(e, &order->target))
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
    enum deed deed_before = before ? before->order.deed : DEED_RELEASE;
    bool fresh = !before && !holdings_find(e->holdings, &order->target);
    struct book_entry *entry = book_write(e->book, order);
    if (entry) {
        struct device *device = enforcement_port(e, &order->target);
        entry->mac_known = device && device->mac_known;
        if (device)
            memcpy(entry->mac, device->mac, 6);
        entry->absent = entry->adopted = false;
    }
    code = order->target.kind == SENDER_CUSTOMER ? customers_order(e, &order->target, deed_before, now, error)
                                                 : copy_settle(e, &order->target, fresh && entry, now, error);
    e->broken = e->broken || (e->on && code != 0);
    return code;
}

/* Its own order of a member that is held for its customer: the kernel has but one element for both. */
static void adopt_member(struct enforcement *e, const struct order *order, moment now)
{
    struct device *device = enforcement_port(e, &order->target);
    bool port = order->target.kind == SENDER_PORT;
    if (order_check(order, now, NULL) != 0 || book_count(e->book) >= ORDERS_MOST ||
        (port && !device && !places_name_is_lasting((const char *)order->target.bytes)))
        return;
    struct book_entry *entry = book_write(e->book, order);
    if (!entry)
        return;
    entry->adopted = true;
    entry->absent = port && !device;
    entry->mac_known = device && device->mac_known;
    if (device)
        memcpy(entry->mac, device->mac, 6);
}

void enforcement_adopt(struct enforcement *e, const struct order *order, moment now)
{
    struct book_entry *entry = NULL;
    uint8_t kind = order->target.kind;
    if (kind != SENDER_ACCOUNT && kind != SENDER_CUSTOMER)
        adopt_member(e, order, now);
    else if (enforcement_order(e, order, now, NULL) == 0)
        entry = book_find(e->book, &order->target);
    if (entry)
        entry->adopted = kind == SENDER_ACCOUNT;
}

bool enforcement_blocks(struct enforcement *e, const struct sender *sender)
{
    bool borrowed;
    const struct order *standing = e->on ? enforcement_prevailing(e, sender, &borrowed) : NULL;
    return standing && standing->deed == DEED_BLOCK;
}

/* --- mending -------------------------------------------------------------------------------------------------------
 */

struct expiry {
    struct enforcement *e;
    moment now;
};

/* A sender's own order may have covered its customer's, and a customer's those of its members. */
static void after_expiry(void *context, const struct order *order)
{
    const struct expiry *expiry = context;
    struct enforcement *e = expiry->e;
    int code = 0;
    if (order->target.kind == SENDER_CUSTOMER)
        code = customers_order(e, &order->target, (enum deed)order->deed, expiry->now, NULL);
    else if (holdings_find(e->holdings, &order->target))
        code = copy_settle(e, &order->target, false, expiry->now, NULL);
    e->broken = e->broken || (e->on && code != 0);
}

void enforcement_tick(struct enforcement *e, moment now)
{
    struct error error = {0};
    struct expiry expiry = {e, now};
    book_expire(e->book, now, after_expiry, &expiry);
    e->mends_now = 0;
    if (!e->on || !e->broken)
        return;
    if (copy_install(e, now, &error) == 0)
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
    int code = copy_install(e, now, &error);
    e->repairs++;
    snprintf(text, sizeof(text), "%s %s our table; %s", culprit[0] ? culprit : "someone",
             worst == NFT_GUARD_TABLE_GONE ? "removed"
             : worst == NFT_GUARD_OVERRUN  ? "may have changed (too much news to read)"
                                           : "changed",
             code == 0 ? "it stands again, with all orders" : error.text);
    e->listener.event(e->listener.context, code == 0 ? 1 : 2, "repair", text);
}
