/* Questions under way: each has a slot, which is free, ready to be sent, sent, or parked until its zone was tested. */
#include "collector/blacklist/inquiry_own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FORGED_STREAM 2  /* after so many replies in other letters it is asked over TCP */
#define WINDOW_FIRST  64 /* questions */
#define WINDOW_LEAST  16
#define SLOW_MOST     3
#define OWN_FAULT     3 /* a zone with so many silences in a row is lost by itself, not by the resolver */
#define SOON          (250 * MILLISECOND)

int inquiry_slots_create(struct inquiry *inquiry, struct error *error)
{
    inquiry->slot_count = 2 * inquiry->settings.in_flight + RESERVE;
    inquiry->slots = calloc(inquiry->slot_count, sizeof *inquiry->slots);
    if (inquiry->slots == NULL)
        return error_set(error, ENOMEM, "no memory for %u questions", inquiry->slot_count);
    inquiry->free = NONE;
    for (uint32_t i = 0; i < INQUIRY_RESOLVERS_MOST; i++) {
        struct resolver_state *resolver = &inquiry->resolvers[i];
        resolver->ready_first = resolver->ready_last = NONE;
        resolver->window = WINDOW_FIRST;
        resolver->steep = inquiry->settings.in_flight;
    }
    for (uint32_t i = inquiry->slot_count; i-- > 0;) {
        inquiry->slots[i].following = inquiry->free;
        inquiry->free = i;
    }
    inquiry->free_count = inquiry->slot_count;
    return 0;
}

struct slot *inquiry_take_slot(struct inquiry *inquiry, enum stage stage)
{
    if (inquiry->free == NONE)
        return NULL;
    struct slot *slot = &inquiry->slots[inquiry->free];
    inquiry->free = slot->following;
    inquiry->free_count--;
    slot->stage = stage;
    slot->lane = slot->resolver = slot->family = slot->test = slot->forged = slot->tries = 0;
    slot->way = INQUIRY_QUICK;
    slot->sent = false;
    slot->following = NONE;
    return slot;
}

void inquiry_free_slot(struct inquiry *inquiry, struct slot *slot)
{
    slot->stage = STAGE_FREE;
    slot->following = inquiry->free;
    inquiry->free = inquiry_slot_number(inquiry, slot);
    inquiry->free_count++;
}

void inquiry_make_ready(struct inquiry *inquiry, struct slot *slot)
{
    struct resolver_state *resolver = &inquiry->resolvers[slot->resolver];
    uint32_t number = inquiry_slot_number(inquiry, slot);
    slot->following = NONE;
    if (resolver->ready_last == NONE)
        resolver->ready_first = number;
    else
        inquiry->slots[resolver->ready_last].following = number;
    resolver->ready_last = number;
    inquiry->ready_count++;
}

static struct slot *take_ready(struct inquiry *inquiry)
{
    for (uint32_t i = 0; i < inquiry->settings.resolvers && inquiry->ready_count > 0; i++) {
        struct resolver_state *resolver = &inquiry->resolvers[i];
        if (resolver->ready_first == NONE || resolver->under_way >= resolver->window)
            continue;
        struct slot *slot = &inquiry->slots[resolver->ready_first];
        resolver->ready_first = slot->following;
        if (resolver->ready_first == NONE)
            resolver->ready_last = NONE;
        slot->following = NONE;
        inquiry->ready_count--;
        return slot;
    }
    return NULL;
}

void inquiry_count_question(struct zone_state *state, moment now)
{
    int64_t day = now / DAY;
    if (state->day != day) {
        state->day = day;
        state->asked = 0;
    }
    state->asked++;
}

static uint64_t draw(struct inquiry *inquiry)
{
    uint64_t counter = inquiry->counter++;
    return siphash(&inquiry->settings.key, &counter, sizeof counter);
}

/* Which letters are capitals is drawn for each question: a reply that was forged blindly has to guess them as well as
 * the number. */
static void mix_letters(char *name, uint64_t chance)
{
    for (size_t i = 0; name[i]; i++)
        if (name[i] >= 'a' && name[i] <= 'z' && (chance >> (i & 63) & 1))
            name[i] = (char)(name[i] - 'a' + 'A');
}

static bool name_of(const struct inquiry *inquiry, const struct slot *slot, char result[SUBJECT_NAME])
{
    struct subject subject;
    const struct subject *asked = &subject;
    if (slot->stage == STAGE_RESOLVER) {
        snprintf(result, SUBJECT_NAME, "x%016llx.%s",
                 (unsigned long long)siphash(&inquiry->settings.key, &slot->chance, sizeof slot->chance),
                 inquiry->settings.nowhere);
        mix_letters(result, slot->chance);
        return true;
    }
    const struct zone *zone = inquiry->zones[slot->zone].zone;
    if (slot->stage == STAGE_TEST) {
        if (!inquiry_test_subject(zone, slot->family, slot->test, &subject))
            return false;
    } else {
        asked = &inquiry_subject(inquiry, slot->lane, slot->subject)->subject;
    }
    if (!subject_name(asked, text_of(zone->origin), result))
        return false;
    mix_letters(result, slot->chance);
    return true;
}

bool inquiry_next_ready(struct inquiry *inquiry, moment now, struct inquiry_question *question)
{
    struct slot *slot = take_ready(inquiry);
    if (slot == NULL)
        return false;
    struct resolver_state *resolver = &inquiry->resolvers[slot->resolver];
    slot->chance = draw(inquiry);
    slot->sent = true;
    slot->asked = now;
    if (slot->tries < UINT8_MAX)
        slot->tries++;
    if (slot->way == INQUIRY_QUICK && slot->stage != STAGE_RESOLVER && inquiry->zones[slot->zone].slow >= SLOW_MOST)
        slot->way = INQUIRY_PATIENT;
    question->number = inquiry_slot_number(inquiry, slot);
    question->resolver = slot->resolver;
    question->way = slot->way;
    question->type = slot->stage == STAGE_TEXT ? DNS_TXT : DNS_A;
    name_of(inquiry, slot, question->name);
    inquiry->under_way++;
    resolver->under_way++;
    resolver->questions++;
    if (slot->stage != STAGE_RESOLVER) {
        inquiry->zones[slot->zone].under_way++;
        inquiry_count_question(&inquiry->zones[slot->zone], now);
    }
    return true;
}

static void widen(const struct inquiry *inquiry, struct resolver_state *resolver)
{
    resolver->window += resolver->window < resolver->steep ? 1 : 1 / resolver->window;
    if (resolver->window > inquiry->settings.in_flight)
        resolver->window = inquiry->settings.in_flight;
}

/* Half as many, once for all that was under way when it happened. */
static void narrow(struct resolver_state *resolver, const struct slot *slot, moment now)
{
    if (slot->asked <= resolver->cut && resolver->cut <= now)
        return;
    resolver->window = resolver->window / 2 > WINDOW_LEAST ? resolver->window / 2 : WINDOW_LEAST;
    resolver->steep = resolver->window;
    resolver->cut = now;
}

void inquiry_note_reply(struct inquiry *inquiry, struct slot *slot, const struct dns_reply *reply, moment now)
{
    struct resolver_state *resolver = &inquiry->resolvers[slot->resolver];
    struct zone_state *state = slot->stage == STAGE_RESOLVER ? NULL : &inquiry->zones[slot->zone];
    slot->sent = false;
    inquiry->under_way--;
    resolver->under_way--;
    if (state)
        state->under_way--;
    if (reply->outcome == DNS_TIMEOUT) {
        resolver->timeouts++;
        if (state == NULL || (state->slow < SLOW_MOST && state->beliefs[slot->resolver].silent < OWN_FAULT))
            narrow(resolver, slot, now);
        return;
    }
    widen(inquiry, resolver);
    if (state == NULL || slot->way != INQUIRY_PATIENT)
        return;
    if (now - slot->asked > SOON || slot->tries > 1)
        state->slow += state->slow < SLOW_MOST;
    else
        state->slow -= state->slow > 0;
}

bool inquiry_is_forged(const struct inquiry *inquiry, const struct slot *slot, const struct dns_reply *reply)
{
    char name[SUBJECT_NAME];
    if (reply->outcome != DNS_ANSWERED && reply->outcome != DNS_NO_NAME)
        return false; /* nothing is believed of it */
    if (!name_of(inquiry, slot, name))
        return true;
    if (inquiry->resolvers[slot->resolver].keeps_case || slot->stage == STAGE_RESOLVER)
        return strcmp(name, reply->question) != 0;
    return !text_equals_nocase(text_of(name), text_of(reply->question));
}

bool inquiry_ask_over_stream(struct inquiry *inquiry, struct slot *slot)
{
    if (slot->way == INQUIRY_STREAM || inquiry->stopping)
        return false;
    slot->way = INQUIRY_STREAM;
    inquiry_make_ready(inquiry, slot);
    return true;
}

bool inquiry_ask_again(struct inquiry *inquiry, struct slot *slot)
{
    if (++slot->forged >= FORGED_STREAM)
        return inquiry_ask_over_stream(inquiry, slot);
    if (inquiry->stopping)
        return false;
    inquiry_make_ready(inquiry, slot);
    return true;
}

bool inquiry_ask_patiently(struct inquiry *inquiry, struct slot *slot, uint32_t resolver)
{
    if (slot->tries >= inquiry->settings.tries || slot->way == INQUIRY_STREAM || inquiry->stopping)
        return false;
    slot->way = INQUIRY_PATIENT;
    slot->resolver = (uint8_t)resolver;
    inquiry_make_ready(inquiry, slot);
    return true;
}
