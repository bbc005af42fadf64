/* What customers' orders hold, as guests come and go, the map changes, orders begin and end. Who belongs to whom is
 * holdings.c's; here what changed is carried into the kernel. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/warden/enforcement_state.h"
#include "common/cleanup.h"

#define TOLD_MOST 128 /* of one change: who is told has connections to look through for each */

/* Senders, as they were found. */
struct list {
    struct sender *items;
    size_t count, room;
};

/* What an update of the holdings changed; carried out behind it, for the kernel is slow. */
struct changes {
    struct enforcement *e;
    bool again;              /* the order may be another: what stays is written anew */
    enum deed before, after; /* what is ordered */
    struct list begun, gone; /* of senders that have no order of their own */
    struct list others;      /* anything else: looked at one by one */
    bool failed;
};

static void clear_changes(struct changes *changes)
{
    free(changes->begun.items);
    free(changes->gone.items);
    free(changes->others.items);
}

static void keep(struct changes *changes, struct list *list, const struct sender *sender)
{
    if (list->count == list->room) {
        size_t larger = list->room ? list->room * 2 : 64;
        struct sender *items = reallocarray(list->items, larger, sizeof(*items));
        changes->failed |= !items;
        if (!items)
            return;
        list->items = items;
        list->room = larger;
    }
    list->items[list->count++] = *sender;
}

static void note(void *context, const struct sender *sender, enum holding_news news)
{
    struct changes *changes = context;
    bool another = changes->before != changes->after;
    if (news == HOLDING_STAYS && !changes->again)
        return;
    if (book_find(changes->e->book, sender) || news == HOLDING_MOVES || (news == HOLDING_STAYS && !another)) {
        keep(changes, &changes->others, sender);
        return;
    }
    if (news != HOLDING_ENDS)
        keep(changes, &changes->begun, sender);
    if (news != HOLDING_BEGINS)
        keep(changes, &changes->gone, sender);
}

static void tell(struct enforcement *e, const struct list *list)
{
    for (size_t i = 0; e->on && e->listener.held && i < list->count && i < TOLD_MOST; i++) {
        bool borrowed;
        const struct order *standing = enforcement_prevailing(e, &list->items[i], &borrowed);
        if (!standing || !borrowed)
            continue;
        struct order order = *standing;
        order.target = list->items[i];
        e->listener.held(e->listener.context, &order);
    }
}

static int carry_out(struct changes *changes, moment now, struct error *error)
{
    struct enforcement *e = changes->e;
    int code = changes->failed ? error_set(error, ENOMEM, "no memory for what is held")
                               : copy_add(e, changes->begun.items, changes->begun.count, now, error);
    if (code == 0)
        code = copy_drop(e, changes->gone.items, changes->gone.count, changes->before, error);
    for (size_t i = 0; code == 0 && i < changes->others.count; i++)
        code = copy_settle(e, &changes->others.items[i], false, now, error);
    e->broken = e->broken || (e->on && code != 0);
    tell(e, &changes->begun);
    tell(e, &changes->others);
    return code;
}

static bool refused(void *context, const struct sender *sender)
{
    return enforcement_is_ours(context, sender);
}

static void say_uncovered(struct enforcement *e, const struct sender *customer, const struct holdings_sum *sum)
{
    char text[240], name[SENDER_TEXT];
    if (sum->beyond == 0)
        return;
    snprintf(text, sizeof(text),
             "%s has %llu addresses, or /64s, more than can be held; its guests' ports are held all the same",
             sender_print(customer, name), (unsigned long long)sum->beyond);
    e->listener.event(e->listener.context, 1, "order", text);
}

/* `before`: what was ordered on it until now. */
static int settle(struct enforcement *e, const struct sender *customer, bool again, enum deed before, moment now,
                  struct holdings_sum *sum, struct error *error)
{
    const struct book_entry *entry = book_find(e->book, customer);
    CLEANUP(clear_changes)
    struct changes changes = {
        .e = e, .again = again, .before = before, .after = entry ? entry->order.deed : DEED_RELEASE};
    const struct holdings_sight sight = {e->map, e->devices, e->device_count, e->plan.role == NFT_HOST, refused, e};
    *sum = (struct holdings_sum){0};
    if (entry)
        holdings_update(e->holdings, customer, &sight, note, &changes, sum);
    else
        holdings_end(e->holdings, customer, note, &changes);
    return carry_out(&changes, now, error);
}

int customers_order(struct enforcement *e, const struct sender *customer, enum deed before, moment now,
                    struct error *error)
{
    struct holdings_sum sum;
    int code = settle(e, customer, true, before, now, &sum, error);
    say_uncovered(e, customer, &sum);
    return code;
}

int enforcement_customer(struct enforcement *e, const struct sender *customer, moment now, struct holdings_sum *sum,
                         struct error *error)
{
    const struct book_entry *entry = book_find(e->book, customer);
    return settle(e, customer, false, entry ? entry->order.deed : DEED_RELEASE, now, sum, error);
}

void customers_welcome(struct enforcement *e, struct device *device, moment now)
{
    struct sender port = sender_from_port(device->name);
    char text[300], name[SENDER_TEXT];
    device->customer = holdings_owner(e->map, device);
    const struct book_entry *entry =
        device->customer.kind == SENDER_CUSTOMER ? book_find(e->book, &device->customer) : NULL;
    bool held = entry && entry->order.until > now;
    const struct sender *before = holdings_find(e->holdings, &port);
    bool stays = held && before && sender_equals(before, &device->customer);
    if (!holdings_set(e->holdings, &port, held ? &device->customer : NULL)) {
        snprintf(text, sizeof(text), "%s cannot be held: too much is held already", device->name);
        e->listener.event(e->listener.context, 2, "order", text);
    } else if (held && !stays) {
        snprintf(text, sizeof(text), "%s is here, a guest of %s's: an order on that customer holds it (%s)",
                 device->name, sender_print(&device->customer, name), deed_name((enum deed)entry->order.deed));
        e->listener.event(e->listener.context, 0, "order", text);
    }
}

struct reading {
    struct enforcement *e;
    moment now;
    struct error *error;
    int code;
};

static void update_entry(void *context, struct book_entry *entry)
{
    struct reading *reading = context;
    struct holdings_sum sum;
    if (entry->order.target.kind != SENDER_CUSTOMER || reading->code != 0)
        return;
    reading->code = enforcement_customer(reading->e, &entry->order.target, reading->now, &sum, reading->error);
    say_uncovered(reading->e, &entry->order.target, &sum);
}

int enforcement_customers(struct enforcement *e, const struct customers *map, moment now, struct error *error)
{
    struct reading reading = {e, now, error, 0};
    e->map = map;
    for (size_t i = 0; i < e->device_count; i++)
        e->devices[i].customer = e->devices[i].uplink ? (struct sender){0} : holdings_owner(map, &e->devices[i]);
    book_each(e->book, update_entry, &reading);
    return reading.code;
}

const struct sender *enforcement_holder(struct enforcement *e, const struct sender *sender)
{
    return holdings_find(e->holdings, sender);
}
