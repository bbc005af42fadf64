/* What customers' orders hold, as guests come and go, the map changes, orders begin and end. Who belongs to whom is
 * holdings.c's; here what changed is carried into the kernel. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/warden/enforcement_state.h"
#include "common/cleanup.h"

#define TOLD_MOST 128 /* of one change: who is told has connections to look through for each */

/* What an update of the holdings changed; carried out behind it, for the kernel is slow. */
struct changes {
    struct enforcement *e;
    bool again;                    /* the order is another: what stays is written anew */
    struct sender *begun, *others; /* not in the kernel yet; anything else */
    size_t begun_count, begun_room, others_count, others_room;
    bool failed;
};

static void clear_changes(struct changes *changes)
{
    free(changes->begun);
    free(changes->others);
}

static void keep(struct sender **list, size_t *count, size_t *room, const struct sender *sender, bool *failed)
{
    if (*count == *room) {
        size_t larger = *room ? *room * 2 : 64;
        struct sender *items = reallocarray(*list, larger, sizeof(*items));
        *failed |= !items;
        if (!items)
            return;
        *list = items;
        *room = larger;
    }
    (*list)[(*count)++] = *sender;
}

static void note(void *context, const struct sender *sender, enum holding_news news)
{
    struct changes *changes = context;
    if (news == HOLDING_STAYS && !changes->again)
        return;
    if (news == HOLDING_BEGINS && !book_find(changes->e->book, sender))
        keep(&changes->begun, &changes->begun_count, &changes->begun_room, sender, &changes->failed);
    else
        keep(&changes->others, &changes->others_count, &changes->others_room, sender, &changes->failed);
}

static void tell(struct enforcement *e, const struct sender *senders, size_t count)
{
    for (size_t i = 0; e->on && e->listener.held && i < count && i < TOLD_MOST; i++) {
        bool borrowed;
        const struct order *standing = enforcement_prevailing(e, &senders[i], &borrowed);
        if (!standing || !borrowed)
            continue;
        struct order order = *standing;
        order.target = senders[i];
        e->listener.held(e->listener.context, &order);
    }
}

static int carry_out(struct enforcement *e, struct changes *changes, moment now, struct error *error)
{
    int code = changes->failed ? error_set(error, ENOMEM, "no memory for what is held")
                               : copy_add(e, changes->begun, changes->begun_count, now, error);
    for (size_t i = 0; code == 0 && i < changes->others_count; i++)
        code = copy_settle(e, &changes->others[i], false, now, error);
    e->broken = e->broken || (e->on && code != 0);
    tell(e, changes->begun, changes->begun_count);
    tell(e, changes->others, changes->others_count);
    return code;
}

static bool refused(void *context, const struct sender *sender)
{
    return enforcement_is_ours(context, sender);
}

static void update(struct enforcement *e, const struct sender *customer, struct changes *changes,
                   struct holdings_sum *sum)
{
    const struct holdings_sight sight = {e->map, e->devices, e->device_count, e->plan.role == NFT_HOST, refused, e};
    holdings_update(e->holdings, customer, &sight, note, changes, sum);
}

static int settle(struct enforcement *e, const struct sender *customer, bool again, moment now,
                  struct holdings_sum *sum, struct error *error)
{
    CLEANUP(clear_changes) struct changes changes = {.e = e, .again = again};
    *sum = (struct holdings_sum){0};
    if (book_find(e->book, customer))
        update(e, customer, &changes, sum);
    else
        holdings_end(e->holdings, customer, note, &changes);
    return carry_out(e, &changes, now, error);
}

int customers_order(struct enforcement *e, const struct sender *customer, moment now, struct error *error)
{
    struct holdings_sum sum;
    return settle(e, customer, true, now, &sum, error);
}

int enforcement_customer(struct enforcement *e, const struct sender *customer, moment now, struct holdings_sum *sum,
                         struct error *error)
{
    return settle(e, customer, false, now, sum, error);
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

struct reresolution {
    struct enforcement *e;
    struct changes *changes;
};

static void update_entry(void *context, struct book_entry *entry)
{
    struct reresolution *all = context;
    struct holdings_sum sum;
    if (entry->order.target.kind == SENDER_CUSTOMER)
        update(all->e, &entry->order.target, all->changes, &sum);
}

int enforcement_customers(struct enforcement *e, const struct customers *map, moment now, struct error *error)
{
    CLEANUP(clear_changes) struct changes changes = {.e = e};
    struct reresolution all = {e, &changes};
    e->map = map;
    for (size_t i = 0; i < e->device_count; i++)
        e->devices[i].customer = e->devices[i].uplink ? (struct sender){0} : holdings_owner(map, &e->devices[i]);
    book_each(e->book, update_entry, &all);
    return carry_out(e, &changes, now, error);
}

const struct sender *enforcement_holder(struct enforcement *e, const struct sender *sender)
{
    return holdings_find(e->holdings, sender);
}
