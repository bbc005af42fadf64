/* The kernel's table as a copy of the book: whatever goes wrong with it, it is written anew from there. An element that
 * stands for a customer's order says so, so that who comes after does not take it for its sender's own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/warden/element.h"
#include "agent/warden/enforcement_state.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define NEAR (2 * SECOND) /* an element that ends so close to what is wanted is right */

const struct order *enforcement_prevailing(struct enforcement *e, const struct sender *sender, bool *borrowed)
{
    const struct book_entry *own = book_find(e->book, sender), *customers = NULL;
    const struct sender *customer = holdings_find(e->holdings, sender);
    if (customer)
        customers = book_find(e->book, customer);
    const struct order *standing =
        order_prevailing(own && !own->absent ? &own->order : NULL, customers ? &customers->order : NULL);
    *borrowed = customers && standing == &customers->order;
    return standing;
}

/* What the kernel is to have of that sender; false: nothing. */
static bool wanted(struct enforcement *e, const struct sender *sender, moment now, struct nft_element *element)
{
    bool borrowed;
    const struct order *standing = enforcement_prevailing(e, sender, &borrowed);
    if (!standing || standing->until <= now)
        return false;
    struct order order = *standing;
    order.target = *sender;
    bool stands = element_from_order(&order, now, element);
    element->borrowed = borrowed;
    return stands;
}

int copy_take_out(struct enforcement *e, const struct sender *target, enum nft_deed except, struct error *error)
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

int copy_settle(struct enforcement *e, const struct sender *sender, bool fresh, moment now, struct error *error)
{
    struct nft_element element;
    if (!e->table)
        return 0;
    if (!wanted(e, sender, now, &element))
        return copy_take_out(e, sender, NFT_DEEDS, error);
    int code = nft_add(e->nft, &element, error);
    return code == 0 && !fresh ? copy_take_out(e, sender, element.deed, error) : code;
}

/* --- many at once --------------------------------------------------------------------------------------------------
 */

struct elements {
    struct enforcement *e;
    moment now;
    duration begun; /* on the steady clock, when it was `now`: to list what stands may take a second */
    struct nft_element *items;
    size_t count, room;
    bool failed;
};

static void clear_elements(struct elements *elements)
{
    free(elements->items);
}

static void add_element(struct elements *elements, const struct nft_element *element)
{
    if (elements->count == elements->room) {
        size_t room = elements->room ? elements->room * 2 : 64;
        struct nft_element *larger = reallocarray(elements->items, room, sizeof(*larger));
        elements->failed |= !larger;
        if (!larger)
            return;
        elements->items = larger;
        elements->room = room;
    }
    elements->items[elements->count++] = *element;
}

static void want(struct elements *elements, const struct sender *sender)
{
    struct nft_element element;
    if (wanted(elements->e, sender, elements->now, &element))
        add_element(elements, &element);
}

static void want_entry(void *context, struct book_entry *entry)
{
    want(context, &entry->order.target);
}

static void want_holding(void *context, const struct sender *sender, const struct sender *customer)
{
    struct elements *elements = context;
    (void)customer;
    if (!book_find(elements->e->book, sender)) /* else it was met in the book */
        want(elements, sender);
}

int copy_drop(struct enforcement *e, const struct sender *senders, size_t count, enum deed deed, struct error *error)
{
    CLEANUP(clear_elements) struct elements elements = {.e = e};
    struct order order = {.deed = (uint8_t)deed};
    struct nft_element element;
    for (size_t i = 0; e->table && i < count; i++) {
        order.target = senders[i];
        if (element_from_order(&order, 0, &element))
            add_element(&elements, &element);
    }
    if (elements.failed)
        return error_set(error, ENOMEM, "no memory for what is to be let go");
    return elements.count ? nft_delete_all(e->nft, elements.items, elements.count, error) : 0;
}

int copy_add(struct enforcement *e, const struct sender *senders, size_t count, moment now, struct error *error)
{
    CLEANUP(clear_elements) struct elements elements = {.e = e, .now = now};
    for (size_t i = 0; e->table && i < count; i++)
        want(&elements, &senders[i]);
    if (elements.failed)
        return error_set(error, ENOMEM, "no memory for what is to be held");
    return elements.count ? nft_add_all(e->nft, elements.items, elements.count, error) : 0;
}

/* --- the whole -----------------------------------------------------------------------------------------------------
 */

static int compare(const void *left, const void *right)
{
    const struct nft_element *a = left, *b = right;
    if (a->deed != b->deed)
        return a->deed < b->deed ? -1 : 1;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static bool is_right(const struct nft_element *element, const struct nft_element *want, duration elapsed)
{
    duration difference = element->timeout + elapsed - want->timeout;
    return element->borrowed == want->borrowed && (element->deed != NFT_THROTTLE || element->rate == want->rate) &&
           difference < NEAR && difference > -NEAR;
}

/* What a former run of ours left in the kernel is in force, so it belongs in the book. */
static void adopt(struct enforcement *e, const struct nft_element *element, moment now)
{
    struct order order = element_to_order(element, now);
    struct book_entry *entry = book_find(e->book, &order.target);
    if (entry || order_check(&order, now, NULL) != 0)
        return;
    entry = book_write(e->book, &order);
    entry->adopted = true;
    struct device *device = enforcement_port(e, &order.target);
    entry->absent = order.target.kind == SENDER_PORT && !device;
    if (device) {
        entry->mac_known = device->mac_known;
        memcpy(entry->mac, device->mac, 6);
    }
}

/* What stands for a customer's order of which nothing is known any more goes; what is right need not be written. */
static void hold_against(void *context, const struct nft_element *element)
{
    struct elements *elements = context;
    struct enforcement *e = elements->e;
    struct nft_element *want =
        elements->count ? bsearch(element, elements->items, elements->count, sizeof(*want), compare) : NULL;
    if (!want && element->borrowed)
        elements->failed |= nft_delete(e->nft, element->deed, element->key, element->bytes, NULL) != 0;
    else if (!want)
        adopt(e, element, elements->now);
    else if (is_right(element, want, clock_steady() - elements->begun))
        want->timeout = 0;
}

static void drop_right_ones(struct elements *elements)
{
    size_t left = 0;
    for (size_t i = 0; i < elements->count; i++)
        if (elements->items[i].timeout)
            elements->items[left++] = elements->items[i];
    elements->count = left;
}

static int write_all(struct enforcement *e, bool stood, moment now, struct error *error)
{
    CLEANUP(clear_elements) struct elements elements = {.e = e, .now = now, .begun = clock_steady()};
    book_each(e->book, want_entry, &elements);
    holdings_each(e->holdings, want_holding, &elements);
    if (elements.failed)
        return error_set(error, ENOMEM, "no memory for the orders in force");
    int code = 0;
    if (stood) {
        if (elements.count)
            qsort(elements.items, elements.count, sizeof(*elements.items), compare);
        code = nft_list(e->nft, hold_against, &elements, error);
        drop_right_ones(&elements);
    }
    if (code == 0 && elements.failed)
        return error_set(error, EIO, "what stands for a customer's order that is over could not be taken out");
    return code == 0 && elements.count ? nft_add_all(e->nft, elements.items, elements.count, error) : code;
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

int copy_install(struct enforcement *e, moment now, struct error *error)
{
    uint32_t kept = 0;
    struct nft_plan plan = e->plan;
    plan.reject = plan.reject && (plan.role == NFT_HOST ? e->features.inet_reject : e->features.netdev_reject);
    int code = nft_install(e->nft, &plan, &kept, error);
    if (code != 0)
        return code;
    e->table = true;
    if (plan.role == NFT_HYPERVISOR)
        code = hook_all(e, error);
    if (code == 0)
        code = write_all(e, kept > 0, now, error);
    e->broken = code != 0;
    return code;
}
