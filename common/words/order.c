/* What the receiver of an order checks before anything is done with rights. */
#include <errno.h>
#include "common/words/order.h"

#define RATE_MOST 60000

const char *deed_name(enum deed deed)
{
    static const char *const names[] = {"release", "throttle", "divert", "block", "allow"};
    static_assert(sizeof names / sizeof names[0] == DEEDS, "every deed has a name");
    return (unsigned)deed < DEEDS ? names[deed] : "unknown";
}

static int check_time(const struct order *order, moment now, struct error *error)
{
    if (order->deed == DEED_RELEASE && order->until == 0)
        return 0;
    if (order->until <= now)
        return error_set(error, EINVAL, "order %llu: its end is not in the future", (unsigned long long)order->id);
    /* `until` is positive here only if `now` is not absurdly negative; compare without a difference that overflows. */
    if (now < 0 || order->until - now > ORDER_LONGEST)
        return error_set(error, EINVAL, "order %llu: its end is more than 400 days away",
                         (unsigned long long)order->id);
    return 0;
}

static int check_rate(const struct order *order, struct error *error)
{
    if (order->rate > RATE_MOST || (order->deed == DEED_THROTTLE && order->rate == 0))
        return error_set(error, EINVAL, "order %llu: rate %u is not within 1 to %u connections a minute",
                         (unsigned long long)order->id, order->rate, RATE_MOST);
    return 0;
}

int order_check(const struct order *order, moment now, struct error *error)
{
    unsigned long long id = order->id;
    if (order->deed >= DEEDS)
        return error_set(error, EINVAL, "order %llu: no deed has the number %u", id, order->deed);
    if (order->author >= ORDER_AUTHORS)
        return error_set(error, EINVAL, "order %llu: no author has the number %u", id, order->author);
    if (!sender_is_sound(&order->target))
        return error_set(error, EINVAL, "order %llu: it names no sound sender", id);
    for (size_t i = 0; i < sizeof order->reserved; i++)
        if (order->reserved[i] != 0)
            return error_set(error, EINVAL, "order %llu: its reserved bytes are not zero", id);
    int result = check_time(order, now, error);
    return result ? result : check_rate(order, error);
}

/* Deeds stand in the order of their hardness, but for the allowance; of two throttles the lower rate is harder. */
static bool is_harder(const struct order *order, const struct order *other)
{
    if (order->deed != other->deed)
        return order->deed > other->deed;
    if (order->deed == DEED_THROTTLE && order->rate != other->rate)
        return order->rate < other->rate;
    return order->until > other->until;
}

const struct order *order_prevailing(const struct order *own, const struct order *customers)
{
    if (!own || !customers)
        return own ? own : customers;
    if (own->deed == DEED_ALLOW)
        return own;
    if (customers->deed == DEED_ALLOW)
        return own->author == ORDER_BY_PERSON ? own : customers;
    return is_harder(customers, own) ? customers : own;
}
