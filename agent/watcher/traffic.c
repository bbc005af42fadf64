/* See traffic.h. */
#include "agent/watcher/traffic.h"

static uint64_t activity_of(const struct sender_traffic *t)
{
    return (uint64_t)t->connections + t->connect_failed + t->messages + t->messages_rejected + t->recipients +
           t->recipients_rejected + t->recipients_deferred + (t->bytes > 0);
}

static void add(struct message_traffic *sum, const struct sender_traffic *t)
{
    sum->connections += t->connections;
    sum->connect_failed += t->connect_failed;
    sum->messages += t->messages;
    sum->messages_rejected += t->messages_rejected;
    sum->recipients += t->recipients;
    sum->recipients_rejected += t->recipients_rejected;
    sum->recipients_deferred += t->recipients_deferred;
    sum->bytes += t->bytes;
}

static void sink(struct traffic *traffic, uint32_t at)
{
    for (uint32_t least = at;; at = least) {
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < traffic->count; child++)
            if (traffic->chosen[child].activity < traffic->chosen[least].activity)
                least = child;
        if (least == at)
            return;
        __typeof__(traffic->chosen[0]) swap = traffic->chosen[at];
        traffic->chosen[at] = traffic->chosen[least];
        traffic->chosen[least] = swap;
    }
}

static void choose(struct traffic *traffic, struct sender_record *record, uint64_t activity)
{
    if (traffic->count < TRAFFIC_SENDERS) {
        traffic->chosen[traffic->count].record = record;
        traffic->chosen[traffic->count++].activity = activity;
        if (traffic->count == TRAFFIC_SENDERS)
            for (uint32_t i = TRAFFIC_SENDERS / 2; i-- > 0;)
                sink(traffic, i);
    } else if (activity > traffic->chosen[0].activity) {
        traffic->chosen[0].record = record;
        traffic->chosen[0].activity = activity;
        sink(traffic, 0);
    }
}

static void begin(const struct traffic *traffic, union message *message, const struct sender_record *record, moment now)
{
    int64_t seconds = traffic->last && now > traffic->last ? (now - traffic->last + SECOND / 2) / SECOND : 60;
    message_prepare(message, MESSAGE_TRAFFIC, 0);
    message->traffic.time = now;
    message->traffic.seconds = seconds < 1 ? 1 : seconds > 86400 ? 86400 : (uint32_t)seconds;
    if (record) {
        message->traffic.sender = record->sender;
        message->traffic.whose = record->whose;
    }
}

uint32_t traffic_collect(struct traffic *traffic, struct senders *senders, moment now,
                         union message result[TRAFFIC_SENDERS + 1])
{
    union message rest;
    uint32_t count = 0;
    bool others = false;
    traffic->count = 0;
    begin(traffic, &rest, NULL, now);
    for (struct sender_record *r = senders_oldest(senders); r; r = senders_younger(senders, r)) {
        struct sender_traffic did = senders_traffic(r);
        uint64_t activity = activity_of(&did);
        if (activity > 0)
            choose(traffic, r, activity);
    }
    for (uint32_t i = 0; i < traffic->count; i++) {
        struct sender_traffic did = senders_traffic(traffic->chosen[i].record);
        begin(traffic, &result[count], traffic->chosen[i].record, now);
        add(&result[count++].traffic, &did);
        senders_take_traffic(traffic->chosen[i].record);
    }
    for (struct sender_record *r = senders_oldest(senders); r; r = senders_younger(senders, r)) {
        struct sender_traffic did = senders_traffic(r);
        if (activity_of(&did) == 0)
            continue;
        add(&rest.traffic, &did);
        senders_take_traffic(r);
        others = true;
    }
    if (others)
        result[count++] = rest;
    traffic->last = now;
    return count;
}
