/* Two tables, both of fixed size: contents by queue id, and queue ids that the log was done with before the content
 * came, so that a milter which is late is not taken for one of which no log tells. */
#include "agent/log/content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/table.h"

#define QUEUE_MOST 48
#define ACCOUNT_SIZE                                                                                                   \
    128 /* as much as the log's transactions keep (transaction.h), so that both name the same sender                   \
         */
#define SENDER_SIZE  256
#define HELO_SIZE    128
#define DONE_MOST    4096
#define DONE_LONGEST MINUTE

struct key {
    uint32_t length;
    char queue[QUEUE_MOST];
};

struct kept {
    moment since;
    struct address client;
    uint32_t recipients;
    uint64_t bytes, digest[2];
    struct likeness likeness;
    bool logged; /* a log has spoken of it */
    uint8_t account_length, helo_length;
    uint16_t sender_length;
    char account[ACCOUNT_SIZE], sender[SENDER_SIZE], helo[HELO_SIZE];
};

struct contents {
    struct contents_listener listener;
    struct table *kept, *done; /* `done`: moments */
    char helo[HELO_SIZE];
    moment now;
};

static struct table *make(uint32_t places, uint32_t size, const struct siphash_key *key)
{
    const struct table_shape shape = {places, sizeof(struct key), size, *key};
    void *memory = calloc(1, table_memory(&shape));
    return memory != NULL ? table_place(memory, &shape) : NULL;
}

struct contents *contents_create(const struct siphash_key *key, const struct contents_listener *listener,
                                 struct error *error)
{
    CLEANUP(contents_destroy) struct contents *contents = calloc(1, sizeof *contents);
    if (contents != NULL) {
        contents->listener = *listener;
        contents->kept = make(CONTENTS_MOST, sizeof(struct kept), key);
        contents->done = make(DONE_MOST, sizeof(moment), key);
    }
    if (contents == NULL || contents->kept == NULL || contents->done == NULL) {
        error_set(error, ENOMEM, "no memory for what milters say");
        return NULL;
    }
    return TAKE(contents);
}

void contents_destroy(struct contents **owner)
{
    if (*owner != NULL) {
        free((*owner)->kept);
        free((*owner)->done);
    }
    free(*owner);
    *owner = NULL;
}

static bool make_key(struct key *key, struct text queue)
{
    if (queue.length == 0 || queue.length > QUEUE_MOST)
        return false;
    *key = (struct key){.length = (uint32_t)queue.length};
    memcpy(key->queue, queue.bytes, queue.length);
    return true;
}

static size_t copy(struct text text, char *place, size_t size)
{
    size_t length = text.length < size ? text.length : size;
    if (length > 0)
        memcpy(place, text.bytes, length);
    return length;
}

/* --- messages of their own --- */

static void tell(const struct contents *contents, const struct kept *kept)
{
    const struct text sender = {kept->sender, kept->sender_length};
    const struct reply taken = {.code = 250};
    const struct origin origin = {.address = kept->client, .account = {kept->account, kept->account_length}};
    struct observation begun = {.kind = OBSERVATION_TRANSACTION, .time = contents->now, .origin = origin};
    struct observation message = {.kind = OBSERVATION_MESSAGE, .time = contents->now, .origin = origin};
    begun.transaction.from = message.message.from = sender;
    begun.transaction.reply = message.message.reply = taken;
    message.message.helo = (struct text){kept->helo, kept->helo_length};
    message.message.recipients = kept->recipients;
    message.message.bytes = kept->bytes;
    memcpy(message.message.digest, kept->digest, sizeof kept->digest);
    message.message.likeness = kept->likeness;
    message.message.complete = true;
    if (contents->listener.is_seen(contents->listener.context, &message))
        return;
    contents->listener.observe(contents->listener.context, &begun);
    contents->listener.observe(contents->listener.context, &message);
}

static bool is_logged(const struct contents *contents, const struct key *key, const struct kept *kept)
{
    return kept->logged ||
           contents->listener.is_logged(contents->listener.context, (struct text){key->queue, key->length});
}

static void on_leaving(void *context, const void *key, void *value)
{
    const struct contents *contents = context;
    if (!is_logged(contents, key, value))
        tell(contents, value);
}

/* --- what comes --- */

static bool was_done(const struct contents *contents, const struct key *key)
{
    const moment *done = table_find(contents->done, key);
    return done != NULL && contents->now - *done <= DONE_LONGEST;
}

void contents_add(struct contents *contents, const struct content *content, moment now)
{
    struct key key;
    bool added;
    contents->now = now;
    if (!make_key(&key, content->queue) || was_done(contents, &key))
        return;
    struct kept *kept = table_add(contents->kept, &key, &added, on_leaving, contents);
    *kept = (struct kept){.since = now,
                          .client = content->client,
                          .recipients = content->recipients,
                          .bytes = content->bytes,
                          .likeness = content->likeness};
    memcpy(kept->digest, content->digest, sizeof kept->digest);
    kept->account_length = (uint8_t)copy(content->account, kept->account, sizeof kept->account);
    kept->sender_length = (uint16_t)copy(content->sender, kept->sender, sizeof kept->sender);
    kept->helo_length = (uint8_t)copy(content->helo, kept->helo, sizeof kept->helo);
}

void contents_fill(struct contents *contents, struct text queue, struct observation *message)
{
    struct key key;
    const struct kept *kept = make_key(&key, queue) ? table_find(contents->kept, &key) : NULL;
    if (kept == NULL)
        return;
    memcpy(message->message.digest, kept->digest, sizeof kept->digest);
    message->message.likeness = kept->likeness;
    memcpy(contents->helo, kept->helo, sizeof contents->helo);
    message->message.helo = (struct text){contents->helo, kept->helo_length};
    if (message->message.bytes == 0)
        message->message.bytes = kept->bytes;
}

void contents_forget(struct contents *contents, struct text queue, moment now)
{
    struct key key;
    bool added;
    if (!make_key(&key, queue))
        return;
    struct kept *kept = table_find(contents->kept, &key);
    if (kept != NULL)
        table_remove(contents->kept, kept);
    *(moment *)table_add(contents->done, &key, &added, NULL, NULL) = now;
}

void contents_follow(struct contents *contents, struct text from, struct text to)
{
    struct key key, next;
    bool added;
    struct kept *kept = make_key(&key, from) ? table_find(contents->kept, &key) : NULL;
    if (kept == NULL || !make_key(&next, to) || table_find(contents->kept, &next) != NULL)
        return;
    struct kept copied = *kept;
    table_remove(contents->kept, kept); /* makes the place that the other takes */
    copied.logged = true;
    *(struct kept *)table_add(contents->kept, &next, &added, on_leaving, contents) = copied;
}

void contents_tick(struct contents *contents, moment now)
{
    contents->now = now;
    for (struct kept *kept = table_oldest(contents->kept), *next; kept != NULL; kept = next) {
        next = table_younger(contents->kept, kept);
        if (now - kept->since < CONTENT_PATIENCE && now >= kept->since)
            break; /* those behind are younger */
        const struct key *key = table_key(contents->kept, kept);
        if (kept->logged ? now - kept->since < CONTENT_LONGEST : is_logged(contents, key, kept)) {
            kept->logged = true;
            continue;
        }
        if (!kept->logged)
            tell(contents, kept);
        table_remove(contents->kept, kept);
    }
}
