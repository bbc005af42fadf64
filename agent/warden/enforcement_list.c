/* What people ask of enforcement. */
#include "agent/warden/element.h"
#include "agent/warden/enforcement_state.h"

struct walk {
    struct enforcement *e;
    moment now;
    void (*each)(void *context, const struct enforcement_row *);
    void *context;
};

/* It stands for a customer's order: shown for itself, and counted for that. */
static void list_borrowed(const struct walk *walk, const struct nft_element *element, struct order *order)
{
    const struct sender *customer = holdings_find(walk->e->holdings, &order->target);
    struct book_entry *entry = customer ? book_find(walk->e->book, customer) : NULL;
    bool address = element->key == NFT_IPV4 || element->key == NFT_IPV6;
    if (!entry)
        return;
    entry->packets += element->packets;
    entry->bytes += element->bytes_counted;
    if (address && element->packets == 0) /* there may be thousands */
        return;
    struct sender target = order->target;
    *order = entry->order;
    order->target = target;
    const struct enforcement_row row = {*order, customer, element->packets, element->bytes_counted};
    walk->each(walk->context, &row);
}

static void list_element(void *context, const struct nft_element *element)
{
    const struct walk *walk = context;
    struct order order = element_to_order(element, walk->now);
    if (element->borrowed) {
        list_borrowed(walk, element, &order);
        return;
    }
    struct book_entry *entry = book_find(walk->e->book, &order.target);
    if (entry && entry->order.deed == order.deed) {
        if (entry->listed)
            return;
        entry->listed = true;
        order = entry->order;
    }
    const struct enforcement_row row = {order, NULL, element->packets, element->bytes_counted};
    walk->each(walk->context, &row);
}

static void list_rest(void *context, struct book_entry *entry)
{
    const struct walk *walk = context;
    const struct enforcement_row row = {entry->order, NULL, entry->packets, entry->bytes};
    if (!entry->listed && entry->order.until > walk->now)
        walk->each(walk->context, &row);
    entry->listed = false;
    entry->packets = entry->bytes = 0;
}

int enforcement_list(struct enforcement *e, void (*each)(void *context, const struct enforcement_row *), void *context,
                     moment now, struct error *error)
{
    struct walk walk = {e, now, each, context};
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
