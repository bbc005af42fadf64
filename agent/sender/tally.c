/* Counting an observation into its sender's record: what the `sender` record's numbers mean. */
#define XXH_INLINE_ALL
#include <string.h>
#include <xxhash.h>
#include "agent/sender/block.h"

enum recent { RECENT_SERVER, RECENT_SENDER, RECENT_HELO, RECENTS };
static_assert(RECENTS == sizeof((struct sender_record *)0)->recent / sizeof(uint64_t), "one for each");

#define ADDRESS_MOST 512 /* of an address or a name, these bytes tell it from others */

/* The hash of a name in which the bytes from `fold` on compare without regard to case. It has no key: the same trace
 * gives the same numbers everywhere, also where a sketch makes them estimates. */
static uint64_t hash_of(struct text name, size_t fold)
{
    char folded[ADDRESS_MOST];
    size_t length = name.length < sizeof folded ? name.length : sizeof folded;
    if (length == 0)
        return XXH3_64bits("", 0);
    fold = fold < length ? fold : length;
    memcpy(folded, name.bytes, fold);
    text_fold((struct text){name.bytes + fold, length - fold}, folded + fold);
    return XXH3_64bits(folded, length);
}

/* The local part may be case-sensitive (RFC 5321 2.4), the domain is not. */
static uint64_t hash_of_address(struct text address)
{
    const char *at = address.length ? memrchr(address.bytes, '@', address.length) : NULL;
    return hash_of(address, at ? (size_t)(at - address.bytes) : address.length);
}

/* Most observations repeat the name before: that costs no look into a count's far place. */
static void count_other(struct senders *senders, enum recent which, struct count *count, struct sender_record *record,
                        uint64_t hash)
{
    if (record->recent[which] == hash)
        return;
    record->recent[which] = hash;
    count_add(senders->pool, count, hash);
}

static void count_server(struct senders *senders, struct sender_record *record, const struct address *server)
{
    if (server->family != 0)
        count_other(senders, RECENT_SERVER, &record->distinct_servers, record,
                    XXH3_64bits(server->bytes, server->family == 4 ? 4 : sizeof server->bytes));
}

static int class_of(const struct reply *reply)
{
    return reply->code / 100;
}

static void count_message(struct sender_record *record, const struct observation *observation)
{
    record->bytes += observation->message.bytes;
    switch (class_of(&observation->message.reply)) {
    case 2:
        record->messages++;
        break;
    case 4:
    case 5:
        record->messages_rejected++;
        break;
    }
}

static void count_recipient(struct senders *senders, struct sender_record *record,
                            const struct observation *observation)
{
    if (observation->recipient.address.length > 0) /* else it was not seen: hidden from us, or one of too many */
        count_add(senders->pool, &record->distinct_recipients, hash_of_address(observation->recipient.address));
    switch (class_of(&observation->recipient.reply)) {
    case 2:
        record->recipients++;
        break;
    case 4:
        record->recipients_deferred++;
        break;
    case 5:
        record->recipients_rejected++;
        break;
    }
}

void senders_count(struct senders *senders, struct sender_record *record, const struct observation *observation)
{
    sender_record_open(record);
    senders_note_whose(senders, record, observation);
    switch (observation->kind) {
    case OBSERVATION_CONNECTION:
        if (observation->connection.outcome == CONNECTION_OPENED) {
            record->connections++;
            count_server(senders, record, &observation->server);
        } else {
            record->connect_failed++;
        }
        break;
    case OBSERVATION_HELO:
        count_other(senders, RECENT_HELO, &record->distinct_helos, record, hash_of(observation->helo.name, 0));
        count_server(senders, record, &observation->server);
        break;
    case OBSERVATION_TLS:
        record->tls_sessions++;
        break;
    case OBSERVATION_TRANSACTION:
        count_other(senders, RECENT_SENDER, &record->distinct_senders, record,
                    hash_of_address(observation->transaction.from));
        count_server(senders, record, &observation->server);
        break;
    case OBSERVATION_RECIPIENT:
        count_recipient(senders, record, observation);
        break;
    case OBSERVATION_MESSAGE:
        count_message(record, observation);
        break;
    default:
        break;
    }
    sender_record_close(record);
}

struct sender_traffic senders_traffic(const struct sender_record *record)
{
    const uint32_t *told = record->told;
    return (struct sender_traffic){.connections = (uint32_t)record->connections - told[0],
                                   .connect_failed = (uint32_t)record->connect_failed - told[1],
                                   .messages = (uint32_t)record->messages - told[2],
                                   .messages_rejected = (uint32_t)record->messages_rejected - told[3],
                                   .recipients = (uint32_t)record->recipients - told[4],
                                   .recipients_rejected = (uint32_t)record->recipients_rejected - told[5],
                                   .recipients_deferred = (uint32_t)record->recipients_deferred - told[6],
                                   .bytes = record->bytes - record->told_bytes};
}

void senders_take_traffic(struct sender_record *record)
{
    const uint64_t counts[] = {record->connections,        record->connect_failed, record->messages,
                               record->messages_rejected,  record->recipients,     record->recipients_rejected,
                               record->recipients_deferred};
    sender_record_open(record);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        record->told[i] = (uint32_t)counts[i];
    record->told_bytes = record->bytes;
    sender_record_close(record);
}
