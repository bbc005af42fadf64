/* See greylist.h. */
#include "agent/relay/greylist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/relay/mark.h"
#include "common/cleanup.h"

#define PLAIN_MOST 1024
#define SWEEP      600  /* seconds for the whole table */
#define APART      3600 /* seconds between two passes of a net that count: one letter to many is one pass */
#define NOTED_IN   3600 /* seconds: when a known one was seen last is written down no more often */

struct known {
    uint32_t first, last, passed;
    uint32_t net;
};

struct greylist {
    struct places places;
    struct siphash_key key;
    struct greylist_entry *changes;
    uint32_t change_count;
    uint64_t lost;
};

int greylist_create(uint32_t most, const struct siphash_key *key, struct greylist **result, struct error *error)
{
    CLEANUP(greylist_destroy) struct greylist *greylist = calloc(1, sizeof *greylist);
    if (greylist)
        greylist->changes = calloc(GREYLIST_CHANGES_MOST, sizeof *greylist->changes);
    if (!greylist || !greylist->changes)
        return error_set(error, ENOMEM, "no memory for the greylist");
    greylist->key = *key;
    int code = places_create(&greylist->places, most, sizeof(struct known), key, error);
    if (code == 0)
        *result = TAKE(greylist);
    return code;
}

void greylist_destroy(struct greylist **owner)
{
    if (*owner) {
        places_clear(&(*owner)->places);
        free((*owner)->changes);
    }
    free(*owner);
    *owner = NULL;
}

static uint32_t seconds_of(moment now)
{
    moment seconds = now / SECOND;
    return seconds < 0 ? 0 : seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

static void write_down(struct greylist *greylist, uint64_t mark, const struct known *known)
{
    if (greylist->change_count == GREYLIST_CHANGES_MOST) {
        greylist->lost++;
        return;
    }
    greylist->changes[greylist->change_count++] =
        (struct greylist_entry){mark, known->first, known->last, known->passed, known->net};
}

static struct address net_of(const struct address *client)
{
    return address_mask(client, client->family == 4 ? 24 : 64);
}

/* A list writes each letter of its own sender (VERP): numbers are one number, and what stands behind a '+' is nothing.
 */
static struct text plain_sender(struct text sender, char result[PLAIN_MOST])
{
    size_t length = 0;
    bool number = false, extension = false, domain = false;
    for (size_t i = 0; i < sender.length && length < PLAIN_MOST; i++) {
        char c = sender.bytes[i];
        bool digit = c >= '0' && c <= '9' && !domain;
        domain |= c == '@';
        extension = (extension || (c == '+' && i > 0)) && !domain;
        if (!extension && !(digit && number))
            result[length++] = digit ? '#' : c;
        number = digit;
    }
    return (struct text){result, length};
}

static uint64_t net_mark(const struct greylist *greylist, const struct address *net)
{
    uint8_t bytes[1 + sizeof net->bytes] = {net->family};
    memcpy(bytes + 1, net->bytes, sizeof net->bytes);
    return siphash(&greylist->key, bytes, sizeof bytes) ^ MARK_NET;
}

/* Whether it is long enough ago that it is new again. Waiting mail is over with its window. */
static bool is_over(const struct known *known, const struct greylist_settings *settings, uint32_t now)
{
    if (known->passed)
        return (int64_t)now - known->last > settings->kept / SECOND;
    return (int64_t)now - known->first > settings->window / SECOND;
}

static bool is_net_allowed(struct greylist *greylist, const struct greylist_settings *settings, uint64_t mark,
                           uint32_t now)
{
    struct known *net = settings->passes ? places_find(&greylist->places, mark) : NULL;
    if (!net || net->passed < settings->passes || is_over(net, settings, now))
        return false;
    table_touch(greylist->places.table, net);
    if (now - net->last >= NOTED_IN) {
        net->last = now;
        write_down(greylist, mark, net);
    }
    return true;
}

static void count_pass(struct greylist *greylist, const struct greylist_settings *settings, uint64_t mark, uint32_t now)
{
    bool added;
    struct known *net = places_add(&greylist->places, mark, &added);
    if (added || is_over(net, settings, now))
        *net = (struct known){.first = now, .net = 1};
    else if (now - net->last < APART)
        return;
    net->last = now;
    net->passed += net->passed < UINT32_MAX;
    write_down(greylist, mark, net);
}

enum greylist_answer greylist_ask(struct greylist *greylist, const struct greylist_settings *settings,
                                  const struct address *client, struct text sender, struct text recipient, moment now,
                                  uint32_t *wait)
{
    const struct address net = net_of(client);
    uint64_t by_net = net_mark(greylist, &net);
    uint32_t seconds = seconds_of(now), delay = (uint32_t)(settings->delay / SECOND);
    bool added;
    *wait = 0;
    if (is_net_allowed(greylist, settings, by_net, seconds))
        return GREYLIST_PASSES;
    char plain[PLAIN_MOST];
    const struct text parts[] = {plain_sender(sender, plain), recipient};
    uint64_t mark = mark_parts(&greylist->key, MARK_TRIPLET, by_net, parts, sizeof parts / sizeof parts[0]);
    struct known *known = places_add(&greylist->places, mark, &added);
    if (added || is_over(known, settings, seconds) || seconds < known->first) {
        *known = (struct known){.first = seconds, .last = seconds};
        write_down(greylist, mark, known);
    }
    if (!known->passed && seconds - known->first < delay) {
        *wait = delay - (seconds - known->first);
        return GREYLIST_WAITS;
    }
    if (!known->passed || seconds - known->last >= NOTED_IN) {
        known->passed = 1;
        known->last = seconds;
        write_down(greylist, mark, known);
    }
    if (settings->passes)
        count_pass(greylist, settings, by_net, seconds);
    return GREYLIST_PASSES;
}

const struct greylist_entry *greylist_changes(struct greylist *greylist, uint32_t *count)
{
    *count = greylist->change_count;
    return greylist->changes;
}

void greylist_changes_done(struct greylist *greylist)
{
    greylist->change_count = 0;
}

uint64_t greylist_changes_lost(const struct greylist *greylist)
{
    return greylist->lost;
}

void greylist_restore(struct greylist *greylist, const struct greylist_entry *entry)
{
    bool added;
    struct known *known = places_add(&greylist->places, entry->mark, &added);
    *known = (struct known){entry->first, entry->last, entry->passed, entry->net != 0};
}

uint32_t greylist_list(struct greylist *greylist, uint32_t *from, struct greylist_entry *result, uint32_t most)
{
    uint32_t count = 0;
    for (; *from < greylist->places.most && count < most; ++*from) {
        const struct known *known = table_at(greylist->places.table, *from);
        if (!known)
            continue;
        struct greylist_entry *entry = &result[count++];
        *entry = (struct greylist_entry){0, known->first, known->last, known->passed, known->net};
        memcpy(&entry->mark, table_key(greylist->places.table, known), sizeof entry->mark);
    }
    return count;
}

struct age {
    const struct greylist_settings *settings;
    uint32_t now;
};

static bool is_of_no_use(const void *context, const void *value)
{
    const struct age *age = context;
    return is_over(value, age->settings, age->now);
}

void greylist_tick(struct greylist *greylist, const struct greylist_settings *settings, moment now)
{
    const struct age age = {settings, seconds_of(now)};
    places_sweep(&greylist->places, greylist->places.most / SWEEP + 1, is_of_no_use, &age);
}

uint32_t greylist_count(const struct greylist *greylist)
{
    return table_count(greylist->places.table);
}
