/* See keeping.h. */
#include "agent/warden/keeping.h"

#include "agent/warden/kept_orders.h"

int keeping_adopt(struct keeping *keeping, struct enforcement *enforcement, moment now, struct error *error)
{
    struct kept_orders orders;
    int code = kept_orders_read(keeping->directory, now, &orders, error);
    for (size_t i = 0; i < orders.count; i++)
        enforcement_adopt(enforcement, &orders.items[i], now);
    kept_orders_clear(&orders);
    return code;
}

struct gathering {
    struct kept_orders orders;
    struct enforcement *enforcement;
    bool customers; /* these, else all others */
};

static bool is_kept(struct enforcement *enforcement, const struct sender *target)
{
    return target->kind == SENDER_ACCOUNT || enforcement_holder(enforcement, target);
}

static void gather(void *context, const struct order *order)
{
    struct gathering *gathering = context;
    bool customer = order->target.kind == SENDER_CUSTOMER;
    if (customer ? gathering->customers : !gathering->customers && is_kept(gathering->enforcement, &order->target))
        kept_orders_add(&gathering->orders, order);
}

int keeping_write(struct keeping *keeping, struct enforcement *enforcement, bool at_once, struct error *error)
{
    if (!keeping->changed || (keeping->written && !at_once))
        return 0;
    struct gathering gathering = {.enforcement = enforcement, .customers = true};
    enforcement_each(enforcement, gather, &gathering); /* first of all: each stands for many */
    gathering.customers = false;
    enforcement_each(enforcement, gather, &gathering);
    int code = kept_orders_write(keeping->directory, &gathering.orders, error);
    kept_orders_clear(&gathering.orders);
    bool news = code != 0 && !keeping->failed;
    keeping->failed = keeping->changed = code != 0;
    keeping->written = true;
    return news ? code : 0;
}

void keeping_note(struct keeping *keeping, struct enforcement *enforcement, const struct sender *sender)
{
    if (sender->kind == SENDER_CUSTOMER || is_kept(enforcement, sender))
        keeping->changed = true;
}

void keeping_tick(struct keeping *keeping)
{
    keeping->written = false;
}
