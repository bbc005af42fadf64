/* Standings: what relays can refuse by. Of the orders in force against one account, customer or address, on whichever
 * nodes, the hardest stands, and behind its end the hardest that is left: so nobody can make light of another's order
 * with one that is milder and longer.
 *
 * A node may lie about whom it holds. So what it says of others' senders is bounded: in number, and in time, a day
 * before which it is looked at anew; and what would open a relay (allow) or shut it for all that a customer has is said
 * by two nodes or was ordered here, by a person, for all. What a person ordered so is what stands. */
#include <errno.h>
#include <string.h>
#include "collector/store/reckon_own.h"

#define OF_NODE_MOST 1000
#define LONGEST      (7 * DAY)
#define EARLY        DAY /* what goes on is told before relays let go of it, though nobody was here for a while */

enum deed { DEED_NONE, DEED_ALLOW, DEED_THROTTLE, DEED_DIVERT, DEED_BLOCK, DEEDS };
static const char *const words[DEEDS] = {
    [DEED_NONE] = "release",  [DEED_ALLOW] = "allow", [DEED_THROTTLE] = "throttle",
    [DEED_DIVERT] = "divert", [DEED_BLOCK] = "block",
};

static enum deed deed_of(struct text word)
{
    for (enum deed deed = DEED_ALLOW; deed < DEEDS; deed++)
        if (text_equals(word, text_of(words[deed])))
            return deed;
    return DEED_NONE;
}

/* The orders of one deed: the one that ends last; of those that let some through the one that lets through least. */
struct order {
    int64_t node, nodes, rate, until;
    char node_name[STORE_NAME], customer[HEARD_WORD], reason[HEARD_WORD], author[HEARD_WORD];
};
struct orders {
    struct order of[DEEDS];
    enum deed wanted; /* by a person for all; DEED_NONE: nothing */
};

static bool is_harder(enum deed deed, int64_t rate, int64_t until, const struct order *order)
{
    bool compare = deed == DEED_THROTTLE && order->nodes > 0 && rate != order->rate;
    return compare ? rate < order->rate : until > order->until;
}

static bool order_row(void *context, const struct value *columns, size_t count)
{
    struct orders *orders = context;
    enum deed deed = deed_of(columns[3].text);
    struct order *order = &orders->of[deed];
    (void)count;
    bool harder = is_harder(deed, columns[4].integer, columns[5].integer, order);
    order->nodes++;
    if (!harder)
        return true;
    order->node = columns[0].integer;
    store_copy(columns[1].text, order->node_name, sizeof order->node_name);
    store_copy(columns[2].text, order->customer, sizeof order->customer);
    order->rate = columns[4].integer;
    order->until = columns[5].integer;
    store_copy(columns[6].text, order->reason, sizeof order->reason);
    store_copy(columns[7].text, order->author, sizeof order->author);
    return true;
}

static bool directive_row(void *context, const struct value *columns, size_t count)
{
    struct orders *orders = context;
    (void)count;
    orders->wanted = deed_of(columns[0].text);
    return true;
}

static int read_orders(struct round *round, const char *name, struct orders *orders, struct error *error)
{
    int rows = STORE_RUN(round->store,
                         "SELECT o.node, n.name, o.customer, o.deed, o.rate, o.until, o.reason, o.author FROM orders o "
                         "JOIN nodes n ON n.node = o.node AND n.revoked = 0 WHERE o.standing = $1 AND o.until > $2 "
                         "ORDER BY o.until DESC, o.node, o.sender",
                         order_row, orders, error, STRING(name), INTEGER(round->now));
    if (rows >= 0)
        rows = STORE_RUN(round->store,
                         "SELECT deed FROM directives WHERE sender = $1 AND node = 0 AND (until = 0 OR until > $2) "
                         "ORDER BY revision DESC LIMIT 1",
                         directive_row, orders, error, STRING(name), INTEGER(round->now));
    return rows < 0 ? rows : 0;
}

static enum deed choose(const struct orders *orders, const char *name)
{
    bool customer = strncmp(name, "customer:", 9) == 0;
    if (orders->wanted && orders->of[orders->wanted].nodes > 0)
        return orders->wanted;
    for (enum deed deed = DEED_BLOCK; deed > DEED_NONE; deed--)
        if (orders->of[deed].nodes > (customer || deed == DEED_ALLOW))
            return deed;
    return DEED_NONE;
}

/* What was told last under that name. */
struct told {
    int64_t until;
    bool there, ended;
    char text[2048];
};

static bool told_row(void *context, const struct value *columns, size_t count)
{
    struct told *told = context;
    (void)count;
    told->there = true;
    told->until = columns[0].integer;
    store_copy(columns[1].text, told->text, sizeof told->text);
    told->ended = strstr(told->text, "\"order\":\"release\"") != NULL;
    return true;
}

static int read_told(struct round *round, const char *name, struct told *told, struct error *error)
{
    *told = (struct told){.there = false};
    int rows = STORE_RUN(round->store, "SELECT until, text FROM news WHERE kind = 'standing' AND name = $1", told_row,
                         told, error, STRING(name));
    return rows < 0 ? rows : 0;
}

static int has_room(struct round *round, int64_t node, struct error *error)
{
    int64_t count = 0;
    int rows = STORE_RUN(round->store, "SELECT COUNT(*) FROM news WHERE node = $1 AND until > $2", store_row_integer,
                         &count, error, INTEGER(node), INTEGER(round->now));
    return rows < 0 ? rows : count < OF_NODE_MOST;
}

/* Whole days: an order that is longer is not news each time it is looked at. */
static moment end_of(const struct order *order, moment now)
{
    moment longest = now - now % DAY + LONGEST;
    return order->until < longest ? order->until : longest;
}

static int tell(struct round *round, const char *name, enum deed deed, const struct order *order,
                const struct told *before, struct error *error)
{
    moment until = deed ? end_of(order, round->now) : before->until;
    moment due = !deed ? 0 : until < order->until ? until - EARLY : until;
    struct news_item item = {.node = deed ? order->node : 0, .until = until, .due = due};
    struct json *json = news_begin(&item, "standing", name);
    json_string(json, "sender", name);
    json_string(json, "customer", order->customer);
    json_string(json, "order", words[deed]);
    json_integer(json, "rate", order->rate);
    json_moment(json, "until", until);
    json_string(json, "reason", order->reason);
    json_string(json, "by", order->author);
    json_string(json, "node", order->node_name);
    struct text text = buffer_text(&item.text);
    bool same =
        !json->failed && deed && text_equals((struct text){text.bytes + 1, text.length - 1}, text_of(before->text));
    if (!same)
        return news_end(round, &item, error);
    buffer_clear(&item.text);
    int rows = STORE_QUEUE(round->store, "UPDATE news SET due = $2 WHERE kind = 'standing' AND name = $1", error,
                           STRING(name), INTEGER(due));
    return rows < 0 ? rows : 0;
}

static int weigh(struct round *round, const char *name, struct error *error)
{
    struct orders orders = {0};
    struct told told;
    int failure = read_orders(round, name, &orders, error);
    if (failure == 0)
        failure = read_told(round, name, &told, error);
    if (failure < 0)
        return failure;
    enum deed deed = choose(&orders, name);
    if (!deed && (!told.there || told.ended || told.until <= round->now)) /* that it has ended says its end */
        return 0;
    int room = told.there || !deed ? 1 : has_room(round, orders.of[deed].node, error);
    return room <= 0 ? room : tell(round, name, deed, &orders.of[deed], &told, error);
}

int reckon_standings(struct round *round, struct error *error)
{
    struct names names;
    int failure = names_create(&names, round, error);
    for (size_t i = 0; i < round->count && failure == 0; i++)
        if (strcmp(round->rows[i].kind, "order") == 0)
            names_add(&names, round->rows[i].name);
    names_settle(&names);
    for (size_t i = 0; i < names.count && failure == 0; i++)
        failure = weigh(round, names.names[i], error);
    names_clear(&names);
    return failure;
}
