/* Subjects in, questions out, results told. */
#include "collector/blacklist/inquiry_own.h"

#include <errno.h>
#include <stdlib.h>
#include "common/cleanup.h"

#define IN_FLIGHT_MOST 65536
#define WAITING_MOST   (1U << 20)
#define TRIES_MOST     16
#define ZONE_LEAST     32   /* questions of one zone that may always be under way */
#define TOLD_MOST      4096 /* results told in one go without a question */
#define BURST          (50 * MILLISECOND)
#define SOON           (10 * MILLISECOND)

/* --- life --- */

static int create_lanes(struct inquiry *inquiry, struct error *error)
{
    for (int i = 0; i < LANES; i++) {
        struct lane *lane = &inquiry->lanes[i];
        lane->room = inquiry->settings.waiting;
        lane->items = calloc(lane->room, sizeof *lane->items);
        if (lane->items == NULL)
            return error_set(error, ENOMEM, "no memory for %u subjects", lane->room);
    }
    return 0;
}

static int create_zones(struct inquiry *inquiry, const struct zones *zones, struct error *error)
{
    inquiry->zones = calloc(zones_count(zones) + 1, sizeof *inquiry->zones);
    if (inquiry->zones == NULL)
        return error_set(error, ENOMEM, "no memory for zones");
    for (uint32_t i = 0; i < zones_count(zones); i++) {
        if (!zones_at(zones, i)->asked)
            continue;
        struct zone_state *state = &inquiry->zones[inquiry->zone_count++];
        state->zone = zones_at(zones, i);
        state->index = i;
        for (int k = 0; k < INQUIRY_RESOLVERS_MOST; k++)
            state->beliefs[k].parked = NONE;
    }
    uint32_t share = inquiry->zone_count ? 2 * inquiry->settings.in_flight / inquiry->zone_count : 0;
    inquiry->zone_most = share > ZONE_LEAST ? share : ZONE_LEAST;
    return 0;
}

int inquiry_create(const struct inquiry_settings *settings, const struct zones *zones, inquiry_told *told,
                   void *context, struct inquiry **result, struct error *error)
{
    if (settings->resolvers == 0 || settings->resolvers > INQUIRY_RESOLVERS_MOST || settings->in_flight == 0 ||
        settings->in_flight > IN_FLIGHT_MOST || settings->tries == 0 || settings->tries > TRIES_MOST ||
        settings->waiting == 0 || settings->waiting > WAITING_MOST)
        return error_set(error, EINVAL, "an inquiry of %u resolvers, %u questions at once, %u waiting",
                         settings->resolvers, settings->in_flight, settings->waiting);
    CLEANUP(inquiry_destroy) struct inquiry *inquiry = calloc(1, sizeof *inquiry);
    if (inquiry == NULL)
        return error_set(error, ENOMEM, "no memory for an inquiry");
    inquiry->settings = *settings;
    inquiry->told = told;
    inquiry->context = context;
    for (uint32_t i = 0; i < INQUIRY_RESOLVERS_MOST; i++)
        inquiry->resolvers[i].keeps_case = true;
    int status = create_lanes(inquiry, error);
    if (status == 0)
        status = create_zones(inquiry, zones, error);
    if (status == 0)
        status = inquiry_slots_create(inquiry, error);
    if (status == 0)
        status = inquiry_memory_create(inquiry, error);
    if (status == 0)
        *result = TAKE(inquiry);
    return status;
}

void inquiry_destroy(struct inquiry **handle)
{
    struct inquiry *inquiry = *handle;
    if (inquiry == NULL)
        return;
    for (int i = 0; i < LANES; i++)
        free(inquiry->lanes[i].items);
    free(inquiry->zones);
    free(inquiry->slots);
    free(inquiry->memory);
    free(inquiry);
    *handle = NULL;
}

/* --- subjects --- */

struct waiting *inquiry_subject(const struct inquiry *inquiry, unsigned lane, uint64_t number)
{
    return &inquiry->lanes[lane].items[number % inquiry->lanes[lane].room];
}

int inquiry_ask(struct inquiry *inquiry, const struct subject *subject, uint64_t tag, int how, moment now)
{
    struct lane *lane = &inquiry->lanes[how & INQUIRY_URGENT ? LANE_URGENT : LANE_CALM];
    uint32_t zones = 0;
    for (uint32_t i = 0; i < inquiry->zone_count; i++)
        zones += zone_takes(inquiry->zones[i].zone, subject->kind);
    if (zones == 0)
        return 0;
    if (lane->next - lane->first == lane->room || inquiry->stopping)
        return -ENOSPC;
    bool was_empty = lane->next == lane->first;
    struct waiting *waiting = &lane->items[lane->next++ % lane->room];
    waiting->subject = *subject;
    waiting->tag = tag;
    waiting->left = zones;
    waiting->anew = how & INQUIRY_ANEW;
    if (was_empty) { /* zones begin one after the other, not all at once */
        lane->peak = 0;
        bool spread = !(how & INQUIRY_URGENT) && inquiry->settings.spread > 0;
        for (uint32_t i = 0; spread && i < inquiry->zone_count; i++) {
            moment first = now + SECOND * i / inquiry->zone_count;
            if (inquiry->zones[i].next < first)
                inquiry->zones[i].next = first;
        }
    }
    uint64_t count = lane->next - lane->first;
    if (count > lane->peak)
        lane->peak = (uint32_t)count;
    return (int)zones;
}

uint32_t inquiry_waiting(const struct inquiry *inquiry)
{
    uint64_t count = 0;
    for (int i = 0; i < LANES; i++)
        count += inquiry->lanes[i].next - inquiry->lanes[i].first;
    return (uint32_t)count;
}

void inquiry_tell(struct inquiry *inquiry, struct zone_state *state, unsigned number, uint64_t subject,
                  const struct answer *answer, moment time, bool fresh)
{
    struct lane *lane = &inquiry->lanes[number];
    struct waiting *waiting = inquiry_subject(inquiry, number, subject);
    bool last = --waiting->left == 0;
    if (fresh) {
        state->listed += answer->state == ANSWER_LISTED;
        state->clean += answer->state == ANSWER_CLEAN;
        state->unknown += answer->state == ANSWER_UNKNOWN;
        inquiry_remember(inquiry, state, &waiting->subject, answer, time);
    }
    struct inquiry_result result = {.tag = waiting->tag,
                                    .subject = &waiting->subject,
                                    .zone = state->zone,
                                    .zone_index = state->index,
                                    .answer = answer,
                                    .time = time,
                                    .good_until = inquiry_good_until(answer, time),
                                    .fresh = fresh,
                                    .last = last};
    inquiry->told(inquiry->context, &result);
    while (lane->first < lane->next && lane->items[lane->first % lane->room].left == 0)
        lane->first++;
}

/* --- questions --- */

/* Whether it is not too early. A time that is far ahead was set before the clock was set back. */
static bool is_time(moment next, duration interval, moment now)
{
    return next <= now || next - now > 2 * interval + SECOND;
}

/* When the next one may come; who is a little late makes up for it. */
static void take_time(moment *next, duration interval, moment now)
{
    moment earliest = interval < BURST ? now - BURST : now;
    if (*next < earliest || *next > now)
        *next = earliest;
    *next += interval;
}

/* Whose turn it is. Where none can be asked now: RESOLVER_WAIT, one may be later; RESOLVER_NONE, `doubt` says why. */
int inquiry_choose(struct inquiry *inquiry, struct zone_state *state, unsigned family, unsigned lane, moment now,
                   enum answer_doubt *doubt)
{
    uint32_t count = inquiry->settings.resolvers;
    bool wait = false;
    *doubt = DOUBT_NONE;
    for (uint32_t k = 0; k < count; k++) {
        uint32_t i = (inquiry->resolver_turn + k) % count;
        struct resolver_state *resolver = &inquiry->resolvers[i];
        enum answer_doubt against = DOUBT_NONE;
        if (resolver->testing || resolver->tested == 0 || resolver->retest) {
            wait = true;
            continue;
        }
        if (resolver->state == ZONE_DISBELIEVED)
            against = DOUBT_REWRITTEN;
        else if (!inquiry_is_tested(inquiry, state, i, now))
            wait = true;
        else if (state->beliefs[i].doubt[family] != DOUBT_NONE)
            against = state->beliefs[i].doubt[family];
        else if (lane == LANE_CALM && inquiry->settings.rate &&
                 !is_time(resolver->next, SECOND / inquiry->settings.rate, now))
            wait = true;
        else if (resolver->under_way >= resolver->window)
            wait = true;
        else {
            inquiry->resolver_turn = (i + 1) % count;
            return (int)i;
        }
        if (*doubt == DOUBT_NONE)
            *doubt = against;
    }
    return wait ? RESOLVER_WAIT : RESOLVER_NONE;
}

/* How long after a calm question to a zone the next one may come. */
static duration zone_interval(const struct inquiry *inquiry, const struct zone_state *state)
{
    uint32_t peak = inquiry->lanes[LANE_CALM].peak;
    if (inquiry->settings.spread == 0)
        return 0;
    duration interval = inquiry->settings.spread / (peak ? peak : 1);
    duration least = state->zone->limit ? DAY / (duration)state->zone->limit : 0;
    return interval > least ? interval : least;
}

static bool is_spent(const struct zone_state *state, moment now)
{
    return state->zone->limit && state->day == now / DAY && state->asked >= state->zone->limit;
}

/* The next subject that the zone takes: its number in its lane, or false. */
static bool find_subject(struct inquiry *inquiry, struct zone_state *state, unsigned *lane, uint64_t *number)
{
    for (unsigned i = 0; i < LANES; i++) {
        struct lane *l = &inquiry->lanes[i];
        uint64_t *at = &state->at[i];
        if (*at < l->first)
            *at = l->first;
        while (*at < l->next && !zone_takes(state->zone, inquiry_subject(inquiry, i, *at)->subject.kind))
            ++*at;
        if (*at < l->next) {
            *lane = i;
            *number = *at;
            return true;
        }
    }
    return false;
}

enum step { STEP_NOTHING, STEP_TOLD, STEP_READY };

/* What can be told of a subject without a question. */
static bool answer_now(struct inquiry *inquiry, struct zone_state *state, const struct waiting *waiting, moment now,
                       struct answer *answer, moment *time)
{
    char name[SUBJECT_NAME];
    *time = now;
    if (!waiting->anew && inquiry_recall(inquiry, state, &waiting->subject, now, answer, time))
        return true;
    if (is_spent(state, now))
        *answer = answer_doubtful(DOUBT_BUDGET);
    else if (!subject_name(&waiting->subject, text_of(state->zone->origin), name))
        *answer = answer_doubtful(DOUBT_NAME);
    else
        return false;
    return true;
}

/* One subject of one zone: told, made ready to be asked, or not now. */
static enum step step(struct inquiry *inquiry, struct zone_state *state, moment now)
{
    unsigned lane;
    uint64_t number;
    struct answer answer;
    enum answer_doubt doubt;
    moment time;
    if (!find_subject(inquiry, state, &lane, &number))
        return STEP_NOTHING;
    const struct waiting *waiting = inquiry_subject(inquiry, lane, number);
    if (answer_now(inquiry, state, waiting, now, &answer, &time)) {
        state->at[lane]++;
        inquiry_tell(inquiry, state, lane, number, &answer, time, answer.state == ANSWER_UNKNOWN);
        return STEP_TOLD;
    }
    duration interval = zone_interval(inquiry, state);
    if (state->under_way >= inquiry->zone_most || inquiry->free_count <= RESERVE ||
        (lane == LANE_CALM && !is_time(state->next, interval, now)))
        return STEP_NOTHING;
    int resolver = inquiry_choose(inquiry, state, inquiry_family(waiting->subject.kind), lane, now, &doubt);
    if (resolver == RESOLVER_WAIT)
        return inquiry->ready_count > 0 ? STEP_READY : STEP_NOTHING;
    state->at[lane]++;
    if (resolver == RESOLVER_NONE) {
        answer = answer_doubtful(doubt);
        inquiry_tell(inquiry, state, lane, number, &answer, now, true);
        return STEP_TOLD;
    }
    if (lane == LANE_CALM) {
        take_time(&state->next, interval, now);
        if (inquiry->settings.rate)
            take_time(&inquiry->resolvers[resolver].next, SECOND / inquiry->settings.rate, now);
    }
    struct slot *slot = inquiry_take_slot(inquiry, STAGE_ADDRESS);
    slot->lane = (uint8_t)lane;
    slot->subject = number;
    slot->zone = (uint32_t)(state - inquiry->zones);
    slot->resolver = (uint8_t)resolver;
    inquiry_make_ready(inquiry, slot);
    return STEP_READY;
}

static void begin_wanted_tests(struct inquiry *inquiry, struct zone_state *state, moment now)
{
    for (uint32_t i = 0; i < inquiry->settings.resolvers; i++)
        if (state->beliefs[i].retest && !inquiry->resolvers[i].testing && inquiry->resolvers[i].tested &&
            inquiry->resolvers[i].state != ZONE_DISBELIEVED)
            inquiry_is_tested(inquiry, state, i, now);
}

bool inquiry_next(struct inquiry *inquiry, moment now, struct inquiry_question *question)
{
    uint32_t idle = 0, told = 0;
    if (inquiry->under_way >= inquiry->settings.in_flight || inquiry->stopping)
        return false;
    if (inquiry_next_ready(inquiry, now, question))
        return true;
    inquiry_test_resolvers(inquiry, now);
    while (idle < inquiry->zone_count && told < TOLD_MOST && inquiry->ready_count == 0) {
        struct zone_state *state = &inquiry->zones[inquiry->turn];
        begin_wanted_tests(inquiry, state, now);
        enum step done = step(inquiry, state, now);
        idle = done == STEP_NOTHING ? idle + 1 : 0;
        told += done == STEP_TOLD;
        if (done != STEP_TOLD)
            inquiry->turn = (inquiry->turn + 1) % inquiry->zone_count;
    }
    return inquiry_next_ready(inquiry, now, question);
}

moment inquiry_wake(const struct inquiry *inquiry, moment now)
{
    moment wake = 0;
    if (inquiry->stopping || inquiry->under_way >= inquiry->settings.in_flight)
        return 0;
    if (inquiry->ready_count > 0)
        return now + SOON;
    for (uint32_t i = 0; i < inquiry->zone_count; i++) {
        const struct zone_state *state = &inquiry->zones[i];
        const struct lane *urgent = &inquiry->lanes[LANE_URGENT], *calm = &inquiry->lanes[LANE_CALM];
        moment next = 0;
        if (urgent->next > urgent->first && state->at[LANE_URGENT] < urgent->next)
            next = now + SOON;
        else if (calm->next > calm->first && state->at[LANE_CALM] < calm->next)
            next = state->next > now + SOON ? state->next : now + SOON;
        if (next && (wake == 0 || next < wake))
            wake = next;
    }
    return wake;
}

void inquiry_stop(struct inquiry *inquiry, moment now)
{
    const struct answer answer = answer_doubtful(DOUBT_STOPPED);
    unsigned lane;
    uint64_t number;
    inquiry->stopping = true;
    for (uint32_t i = 0; i < inquiry->zone_count; i++) {
        struct zone_state *state = &inquiry->zones[i];
        while (find_subject(inquiry, state, &lane, &number)) {
            state->at[lane]++;
            inquiry_tell(inquiry, state, lane, number, &answer, now, true);
        }
    }
    /* Those that are parked, or were to be sent again; those that are sent are told with their reply. */
    for (uint32_t i = 0; i < inquiry->slot_count; i++) {
        struct slot *slot = &inquiry->slots[i];
        if (slot->sent || slot->stage == STAGE_FREE || slot->stage == STAGE_TEST || slot->stage == STAGE_RESOLVER)
            continue;
        slot->stage = STAGE_FREE;
        inquiry_tell(inquiry, &inquiry->zones[slot->zone], slot->lane, slot->subject, &answer, now, true);
    }
    for (uint32_t i = 0; i < inquiry->zone_count; i++)
        for (uint32_t k = 0; k < inquiry->settings.resolvers; k++)
            inquiry->zones[i].beliefs[k].parked = NONE;
}

/* --- how zones and resolvers are --- */

static struct zone_state *find_zone(const struct inquiry *inquiry, uint32_t index)
{
    for (uint32_t i = 0; i < inquiry->zone_count; i++)
        if (inquiry->zones[i].index == index)
            return &inquiry->zones[i];
    return NULL;
}

void inquiry_zone(const struct inquiry *inquiry, uint32_t zone_index, struct inquiry_zone *result)
{
    const struct zone_state *state = find_zone(inquiry, zone_index);
    *result = (struct inquiry_zone){.doubt = DOUBT_UNTESTED};
    if (state == NULL)
        return;
    result->day = state->day;
    result->asked = state->asked;
    result->listed = state->listed;
    result->clean = state->clean;
    result->unknown = state->unknown;
    for (uint32_t i = 0; i < inquiry->settings.resolvers; i++) {
        const struct belief *belief = &state->beliefs[i];
        if (belief->tested > result->tested)
            result->tested = belief->tested;
        if (belief->state == ZONE_UNTESTED || result->belief == ZONE_BELIEVED)
            continue;
        result->belief = belief->state;
        result->doubt = belief->state == ZONE_BELIEVED          ? DOUBT_NONE
                        : belief->doubt[FAMILY_4] != DOUBT_NONE ? belief->doubt[FAMILY_4]
                                                                : belief->doubt[FAMILY_6];
    }
    bool is_rewritten = true;
    for (uint32_t i = 0; i < inquiry->settings.resolvers; i++)
        is_rewritten = is_rewritten && inquiry->resolvers[i].state == ZONE_DISBELIEVED;
    if (is_rewritten) {
        result->belief = ZONE_DISBELIEVED;
        result->doubt = DOUBT_REWRITTEN;
    }
}

void inquiry_resume(struct inquiry *inquiry, uint32_t zone_index, int64_t day, uint64_t asked)
{
    struct zone_state *state = find_zone(inquiry, zone_index);
    if (state) {
        state->day = day;
        state->asked = asked;
    }
}

void inquiry_retest(struct inquiry *inquiry)
{
    for (uint32_t i = 0; i < inquiry->settings.resolvers; i++) {
        inquiry->resolvers[i].retest = true;
        for (uint32_t k = 0; k < inquiry->zone_count; k++)
            inquiry->zones[k].beliefs[i].retest = true;
    }
}

void inquiry_resolver(const struct inquiry *inquiry, uint32_t index, struct inquiry_resolver *result)
{
    const struct resolver_state *state = &inquiry->resolvers[index];
    *result = (struct inquiry_resolver){.belief = state->state,
                                        .doubt = state->tested ? state->doubt : DOUBT_UNTESTED,
                                        .keeps_case = state->keeps_case,
                                        .tested = state->tested,
                                        .questions = state->questions,
                                        .timeouts = state->timeouts,
                                        .window = (uint32_t)state->window};
}
