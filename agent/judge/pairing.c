/* What waits is found by two marks: the recipient with the server, as the line of a delivery has them; and the
 * recipient with the client, for mail that was handed in over the wire too. Of logins: the client and how it ended. */
#include "agent/judge/pairing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/judge/shelf.h"
#include "common/cleanup.h"
#include "common/table.h"

#define CREDITS      4096
#define MARKED_BYTES 320 /* RFC 5321, 4.5.3.1: 64 octets, '@', 255 */
#define HELO_BYTES   256

enum mark_kind { MARK_DELIVERED = 1, MARK_HANDED_IN, MARK_LOGIN, MARK_SENDER };

struct credit { /* the log spoke first */
    moment time;
    uint32_t count;
};

/* Of the message whose recipient was paired last, what the log does not know of it. */
struct body {
    uint64_t sender; /* whom the log named; 0: there is none */
    uint64_t digest[2];
    struct likeness likeness;
    size_t helo_length;
    char helo[HELO_BYTES];
};

struct pairing {
    struct pairing_settings settings;
    struct shelf *shelf;
    struct table *credits;
    struct body body;
    moment now, heard; /* of all; of the log */
    uint32_t doubted;  /* in a row */
    struct pairing_counters counters;
};

struct pairing *pairing_create(const struct pairing_settings *settings, struct error *error)
{
    const struct table_shape shape = {CREDITS, sizeof(uint64_t), sizeof(struct credit), settings->key};
    CLEANUP(pairing_destroy) struct pairing *pairing = calloc(1, sizeof *pairing);
    void *memory = pairing != NULL ? calloc(1, table_memory(&shape)) : NULL;
    if (memory == NULL) {
        error_set(error, ENOMEM, "no memory to pair logs and packets");
        return NULL;
    }
    pairing->settings = *settings;
    pairing->credits = table_place(memory, &shape);
    pairing->shelf = shelf_create(&settings->key, error);
    return pairing->shelf != NULL ? TAKE(pairing) : NULL;
}

void pairing_destroy(struct pairing **pairing)
{
    if (*pairing != NULL) {
        shelf_destroy(&(*pairing)->shelf);
        free((*pairing)->credits);
    }
    free(*pairing);
    *pairing = NULL;
}

/* --- marks --- */

/* The same for an address as the wire has it, quoted, and as the log has it, without the quotes. */
static uint64_t mark_of(const struct pairing *pairing, enum mark_kind kind, const struct address *address,
                        struct text name)
{
    unsigned char bytes[24 + MARKED_BYTES] = {(unsigned char)kind, address->family};
    size_t length = 24;
    memcpy(bytes + 2, address->bytes, sizeof address->bytes);
    bytes[18] = (unsigned char)name.length;
    for (size_t i = 0; i < name.length && length < sizeof bytes; i++) {
        unsigned char c = (unsigned char)name.bytes[i];
        if (c == '"' || c == '\\') {
            bytes[18]--;
            continue;
        }
        bytes[length++] = c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : c;
    }
    uint64_t mark = siphash(&pairing->settings.key, bytes, length);
    return mark != 0 ? mark : 1;
}

static uint64_t mark_of_login(const struct pairing *pairing, const struct observation *o)
{
    return mark_of(pairing, MARK_LOGIN, &o->origin.address, text_of(auth_outcome_name(o->auth.outcome)));
}

/* Who sent it, and under which name: enough to tell whether two observations of the log are of one message. */
static uint64_t mark_of_sender(const struct pairing *pairing, const struct origin *origin, struct text from)
{
    const struct address none = {0};
    uint64_t account = mark_of(pairing, MARK_SENDER, &origin->address, origin->account);
    uint64_t parts[3] = {account, mark_of(pairing, MARK_SENDER, &none, from),
                         origin->user_known ? (uint64_t)origin->user + 1 : 0};
    uint64_t mark = siphash(&pairing->settings.key, parts, sizeof parts);
    return mark != 0 ? mark : 1;
}

/* --- what waits goes on --- */

static void pass_on(struct pairing *pairing, const struct observation *observation)
{
    pairing->settings.observe(pairing->settings.context, observation);
}

/* What is left of a bundle when the log's part of it is gone. */
static void release(struct pairing *pairing, uint32_t number)
{
    const struct bundle bundle = *shelf_bundle(pairing->shelf, number);
    bool whole = bundle.all > 0 && bundle.claimed == bundle.all;
    uint32_t accepted = 0; /* of those that are claimed */
    for (uint32_t at = whole ? SHELF_NONE : bundle.first; at != SHELF_NONE;) {
        struct slot *slot = shelf_slot(pairing->shelf, at);
        struct observation *o = &slot->observation;
        at = slot->next;
        if (slot->claimed) {
            accepted += o->kind == OBSERVATION_RECIPIENT && o->recipient.reply.code / 100 == 2;
            continue;
        }
        if (o->kind == OBSERVATION_MESSAGE)
            o->message.recipients -= accepted < o->message.recipients ? accepted : o->message.recipients;
        pass_on(pairing, o);
    }
    pairing->counters.alone += !whole;
    pairing->doubted = bundle.claimed > 0 ? 0 : pairing->doubted + (pairing->doubted < UINT32_MAX);
    shelf_drop(pairing->shelf, number);
}

static void make_room(struct pairing *pairing)
{
    while (shelf_is_full(pairing->shelf)) {
        uint32_t oldest = shelf_oldest(pairing->shelf, true);
        release(pairing, oldest != SHELF_NONE ? oldest : shelf_oldest(pairing->shelf, false));
        pairing->counters.crowded++;
    }
}

static void release_older(struct pairing *pairing, bool ended, moment before)
{
    uint32_t oldest;
    while ((oldest = shelf_oldest(pairing->shelf, ended)) != SHELF_NONE &&
           shelf_bundle(pairing->shelf, oldest)->since <= before)
        release(pairing, oldest);
}

static void drop_credits(struct pairing *pairing, moment before)
{
    struct credit *oldest;
    while ((oldest = table_oldest(pairing->credits)) != NULL && oldest->time < before)
        table_remove(pairing->credits, oldest);
}

void pairing_tick(struct pairing *pairing, moment now)
{
    if (now < pairing->now - MINUTE) /* the clock was set back: what waits has no age any more */
        pairing_finish(pairing);
    pairing->now = now;
    release_older(pairing, true, now - PAIRING_PATIENCE);
    release_older(pairing, false, now - PAIRING_LONGEST);
    drop_credits(pairing, now - PAIRING_EARLY);
}

void pairing_finish(struct pairing *pairing)
{
    release_older(pairing, true, INT64_MAX);
    release_older(pairing, false, INT64_MAX);
    drop_credits(pairing, INT64_MAX);
}

struct pairing_counters pairing_counters(const struct pairing *pairing)
{
    struct pairing_counters counters = pairing->counters;
    counters.waiting = shelf_waiting(pairing->shelf);
    return counters;
}

/* --- from packets --- */

static bool take_credit(struct pairing *pairing, uint64_t mark, moment time)
{
    struct credit *credit = mark != 0 ? table_find(pairing->credits, &mark) : NULL;
    if (credit == NULL || credit->time + PAIRING_EARLY < time)
        return false;
    if (--credit->count == 0)
        table_remove(pairing->credits, credit);
    return true;
}

static void keep(struct pairing *pairing, uint32_t bundle, const struct observation *observation,
                 const uint64_t marks[SHELF_MARKS])
{
    if (!shelf_add(pairing->shelf, bundle, observation, marks)) {
        pass_on(pairing, observation);
        return;
    }
    if (take_credit(pairing, marks[0], observation->time) || take_credit(pairing, marks[1], observation->time)) {
        shelf_claim_slot(pairing->shelf, shelf_bundle(pairing->shelf, bundle)->last);
        pairing->counters.paired++;
    }
}

static void hear_recipient(struct pairing *pairing, const struct observation *o, uint32_t bundle)
{
    const uint64_t marks[SHELF_MARKS] = {
        mark_of(pairing, MARK_DELIVERED, &o->server, o->recipient.address),
        mark_of(pairing, MARK_HANDED_IN, &o->origin.address, o->recipient.address),
    };
    keep(pairing, bundle != SHELF_NONE ? bundle : shelf_begin(pairing->shelf, o), o, marks);
}

static void hear_login(struct pairing *pairing, const struct observation *o)
{
    const uint64_t marks[SHELF_MARKS] = {mark_of_login(pairing, o), 0};
    uint32_t bundle = shelf_begin(pairing->shelf, o);
    keep(pairing, bundle, o, marks);
    shelf_end(pairing->shelf, bundle, o->time);
}

static bool is_log_silent(const struct pairing *pairing, moment time)
{
    return !pairing->settings.always && pairing->doubted >= PAIRING_DOUBTED && time - pairing->heard > MINUTE;
}

void pairing_hear_packets(struct pairing *pairing, const struct observation *o)
{
    static const uint64_t none[SHELF_MARKS] = {0, 0};
    bool waits = (OBSERVATION_BIT(o->kind) &
                  (OBSERVATION_BIT(OBSERVATION_AUTH) | OBSERVATION_BIT(OBSERVATION_TRANSACTION) |
                   OBSERVATION_BIT(OBSERVATION_RECIPIENT) | OBSERVATION_BIT(OBSERVATION_MESSAGE))) != 0;
    if (waits)
        make_room(pairing);
    uint32_t bundle = shelf_open_bundle(pairing->shelf, o);
    bool ends = o->kind == OBSERVATION_TRANSACTION || o->kind == OBSERVATION_CLOSE;
    if (ends && bundle != SHELF_NONE)
        shelf_end(pairing->shelf, bundle, o->time);
    if (!waits || (bundle == SHELF_NONE && is_log_silent(pairing, o->time))) {
        pass_on(pairing, o);
        return;
    }
    if (o->kind == OBSERVATION_AUTH) {
        hear_login(pairing, o);
    } else if (o->kind == OBSERVATION_TRANSACTION) {
        keep(pairing, shelf_begin(pairing->shelf, o), o, none);
    } else if (o->kind == OBSERVATION_RECIPIENT) {
        hear_recipient(pairing, o, bundle);
    } else if (bundle == SHELF_NONE) {
        pass_on(pairing, o);
    } else {
        keep(pairing, bundle, o, none);
        shelf_end(pairing->shelf, bundle, o->time);
    }
}

/* --- from the log --- */

static const struct observation *last_beside(const struct pairing *pairing, const struct slot *slot)
{
    return &shelf_slot(pairing->shelf, shelf_bundle(pairing->shelf, slot->bundle)->last)->observation;
}

/* Told with the recipient: of a message that goes to several servers each has its own. */
static void tell_sampled(const struct pairing *pairing, uint32_t slot, const struct origin *origin)
{
    const struct observation *o = slot != SHELF_NONE ? last_beside(pairing, shelf_slot(pairing->shelf, slot)) : NULL;
    if (o && o->kind == OBSERVATION_MESSAGE && o->message.sample != 0 && pairing->settings.sampled)
        pairing->settings.sampled(pairing->settings.context, o->message.sample, origin);
}

static void remember_body(struct pairing *pairing, const struct slot *slot, uint64_t sender)
{
    const struct observation *o = last_beside(pairing, slot);
    struct body *body = &pairing->body;
    body->sender = 0;
    if (o->kind != OBSERVATION_MESSAGE || !o->message.complete)
        return;
    body->sender = sender;
    body->likeness = o->message.likeness;
    memcpy(body->digest, o->message.digest, sizeof body->digest);
    body->helo_length = o->message.helo.length < HELO_BYTES ? o->message.helo.length : HELO_BYTES;
    if (body->helo_length > 0)
        memcpy(body->helo, o->message.helo.bytes, body->helo_length);
}

/* Take what waits under that mark; where nothing does, `ahead`, leave word for the packets that are still to come. */
static uint32_t claim(struct pairing *pairing, uint64_t mark, moment time, bool ahead)
{
    uint32_t slot = shelf_claim(pairing->shelf, mark);
    if (slot != SHELF_NONE) {
        pairing->counters.paired++;
    } else if (ahead) {
        bool added;
        struct credit *credit = table_add(pairing->credits, &mark, &added, NULL, NULL);
        credit->count = !added && credit->time + PAIRING_EARLY >= time ? credit->count + 1 : 1;
        credit->time = time;
    }
    return slot;
}

static void hear_log_recipient(struct pairing *pairing, const struct observation *o)
{
    struct text name = o->recipient.address;
    bool delivered = o->server.family != 0;
    if (delivered) {
        uint64_t mark = mark_of(pairing, MARK_DELIVERED, &o->server, name);
        uint32_t slot = claim(pairing, mark, o->time, true);
        if (slot != SHELF_NONE)
            remember_body(pairing, shelf_slot(pairing->shelf, slot),
                          mark_of_sender(pairing, &o->origin, o->recipient.from));
        tell_sampled(pairing, slot, &o->origin);
    }
    /* Handed in over the wire: refused then and there, or of a delivery the first half. */
    if (o->origin.address.family != 0)
        tell_sampled(pairing, claim(pairing, mark_of(pairing, MARK_HANDED_IN, &o->origin.address, name), o->time, true),
                     &o->origin);
}

void pairing_hear_log(struct pairing *pairing, const struct observation *o)
{
    struct observation full = *o;
    const struct body *body = &pairing->body;
    pairing->heard = o->time;
    if (o->kind == OBSERVATION_RECIPIENT)
        hear_log_recipient(pairing, o);
    else if (o->kind == OBSERVATION_AUTH && o->origin.address.family != 0)
        (void)claim(pairing, mark_of_login(pairing, o), o->time, true);
    if (o->kind == OBSERVATION_MESSAGE && body->sender != 0 &&
        body->sender == mark_of_sender(pairing, &o->origin, o->message.from)) {
        memcpy(full.message.digest, body->digest, sizeof body->digest);
        full.message.likeness = body->likeness;
        full.message.helo = (struct text){body->helo, body->helo_length};
    }
    pass_on(pairing, &full);
}
