/* The flow: an observation comes in, the seconds before it are handed in, its sender is found and counted, the
 * detectors that want it are asked, and what they say moves the sender on the ladder. */
#include "agent/judge/judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/judge/court.h"
#include "common/cleanup.h"

#define AHEAD  4 /* observations; the record and states of each are some 25 lines of the cache */
#define LATEST (INT64_C(8835984000) * SECOND) /* the year 2250: room for holds before 64 bits of nanoseconds end */

static bool is_plain(moment time)
{
    return time >= 0 && time <= LATEST;
}

/* Its details are kept longest: it would lose more than it can show again at once. */
static bool is_worth_keeping(void *context, struct sender_record *record)
{
    struct judge *judge = context;
    return record->held || judge_score(judge, judgement_of(judge, record), judge->latest) >= DECIBANS(1);
}

/* What another process left in the judge's bytes is held to its ranges before it is believed. */
static void check_judgement(const struct judge *judge, struct sender_record *record)
{
    struct judgement *judgement = judgement_of(judge, record);
    bool sound = judgement->verdict < VERDICTS && judgement->worst < VERDICTS && judgement->person_deed < DEEDS &&
                 (judgement->hold_until == 0 || (judgement->holds > 0 && judgement->verdict >= VERDICT_THROTTLE));
    sound = sound && is_plain(judgement->verdict_since) && is_plain(judgement->hold_begun) &&
            is_plain(judgement->hold_until) && is_plain(judgement->held_last) && is_plain(judgement->person_until) &&
            is_plain(judgement->due) && judgement->person_rate <= 60000;
    char *details = senders_details(judge->senders, record);
    for (uint32_t i = 0; i < judge->detectors; i++) {
        struct account *account = &accounts_of(judgement)[i];
        sound = sound && is_plain(account->added) && account->amount >= 0 &&
                account->amount <= (weight)DECIBANS(1000) * WEIGHT_ONE &&
                (details == NULL || memchr(reason_in(&judge->layout, details, i), '\0', EVIDENCE_REASON) != NULL);
    }
    if (!sound) {
        senders_drop_details(judge->senders, record);
        memset(judgement, 0, judge->layout.judge_bytes);
    }
    ladder_mark(judge, record);
}

static int by_moment(const void *a, const void *b)
{
    moment x = *(const moment *)a, y = *(const moment *)b;
    return x < y ? -1 : x > y;
}

/* Take up what was left: agenda and the guard against storms are made anew from the judgements. */
static int take_up(struct judge *judge, struct error *error)
{
    struct storm *storm = &judge->storm;
    for (struct sender_record *r = senders_oldest(judge->senders); r != NULL; r = senders_younger(judge->senders, r)) {
        check_judgement(judge, r);
        if (r->last > judge->latest && is_plain(r->last))
            judge->latest = r->last;
        struct judgement *judgement = judgement_of(judge, r);
        judgement->plan = 0; /* the plans may be others now */
        kin_note(judge, r, r->last);
        struct storm_ring *ring = judgement->hold_joint ? &storm->joint : &storm->apart;
        if (judgement->hold_begun != 0 && ring->count < POLICY_STORM_MOST)
            ring->ordered[ring->count++] = judgement->hold_begun;
        if (judgement->verdict == VERDICT_CLEAR && judgement->person_deed == DEED_RELEASE)
            continue;
        if (judgement->due == 0)
            judgement->due = SECOND;
        if (!agenda_add(&judge->agenda, judgement->due, &r->sender))
            return error_set(error, ENOMEM, "no memory for the judge");
    }
    judge->ticked = judge->latest / SECOND * SECOND;
    judge->last_order = judge->latest ? (uint64_t)(judge->latest + SECOND) : 0; /* beyond those that were given then */
    qsort(storm->apart.ordered, storm->apart.count, sizeof(moment), by_moment);
    qsort(storm->joint.ordered, storm->joint.count, sizeof(moment), by_moment);
    return 0;
}

/* Which detector calls how many recipients of one body many. */
static void find_bulk(struct judge *judge)
{
    judge->bulk_recipients = SIZE_MAX;
    for (uint32_t i = 0; i < judge->detectors; i++) {
        const struct option *option = detector_table[i]->options;
        if (strcmp(detector_table[i]->name, "bulk") != 0)
            continue;
        while (option->key != NULL && strcmp(option->key, "recipients") != 0)
            option++;
        judge->bulk = i;
        judge->bulk_recipients = option->key != NULL ? option->offset : SIZE_MAX;
    }
}

struct judge *judge_create(const struct judge_settings *settings, struct senders *senders,
                           const struct judge_listener *listener, struct error *error)
{
    CLEANUP(judge_destroy) struct judge *judge = calloc(1, sizeof *judge);
    if (judge == NULL) {
        error_set(error, ENOMEM, "no memory for the judge");
        return NULL;
    }
    judge->settings = settings;
    judge->senders = senders;
    judge->listener = *listener;
    judge->bodies = bodies_create();
    judge->campaigns = campaigns_create();
    judge->counted = campaigns_create();
    judge->kinships = kinships_create();
    if (judge->bodies == NULL || judge->campaigns == NULL || judge->counted == NULL || judge->kinships == NULL) {
        error_set(error, ENOMEM, "no memory for the judge");
        return NULL;
    }
    judge->detectors = detector_number();
    judge->layout = judge_lay_out();
    find_bulk(judge);
    for (uint32_t i = 0; i < judge->detectors; i++)
        for (int kind = 0; kind < OBSERVATION_KINDS; kind++)
            if (detector_table[i]->wants & OBSERVATION_BIT(kind))
                judge->wanted_by[kind] |= UINT32_C(1) << i;
    if (take_up(judge, error) < 0)
        return NULL;
    senders_on_crowding(senders, is_worth_keeping, judge);
    return TAKE(judge);
}

void judge_destroy(struct judge **judge)
{
    if (*judge != NULL) {
        senders_on_crowding((*judge)->senders, NULL, NULL);
        agenda_clear(&(*judge)->agenda);
        bodies_destroy(&(*judge)->bodies);
        campaigns_destroy(&(*judge)->campaigns);
        campaigns_destroy(&(*judge)->counted);
        kinships_destroy(&(*judge)->kinships);
    }
    free(*judge);
    *judge = NULL;
}

/* Those whose turn it is, up to that whole second. */
static void look_at_due(struct judge *judge, moment second)
{
    for (moment due; agenda_next(&judge->agenda, &due) && due <= second;) {
        struct agenda_entry entry = agenda_take(&judge->agenda);
        struct sender_record *record = senders_find(judge->senders, &entry.sender);
        if (record == NULL || judgement_of(judge, record)->due != entry.due)
            continue; /* it gave way in the table, or an earlier entry took this one's place */
        if (due > judge->ticked)
            judge->ticked = due / SECOND * SECOND;
        ladder_look_at(judge, record, due);
    }
}

static void hand_in_tick(struct judge *judge, moment second)
{
    struct observation tick = {.kind = OBSERVATION_TICK, .time = second};
    for (struct sender_record *r = senders_oldest(judge->senders); r != NULL; r = senders_younger(judge->senders, r))
        if (r->last > second - JUDGE_TICKING && senders_details(judge->senders, r) != NULL)
            judge_ask_detectors(judge, r, &tick, judge->wanted_by[OBSERVATION_TICK]);
}

static void tick_until(struct judge *judge, moment now)
{
    moment last = now / SECOND * SECOND;
    if (last <= judge->ticked) {
        if (last > 0 && judge->ticked - last > JUDGE_SET_BACK)
            judge_shift(judge, last);
        return;
    }
    if (judge->wanted_by[OBSERVATION_TICK] != 0 && judge->ticked != 0) {
        for (moment second = judge->ticked + SECOND; second <= last && second < judge->latest + JUDGE_TICKING;
             second += SECOND) {
            look_at_due(judge, second);
            judge->ticked = second;
            hand_in_tick(judge, second);
        }
    }
    look_at_due(judge, last);
    judge->ticked = last;
}

void judge_tick(struct judge *judge, moment now)
{
    judge_catch_up(judge);
    tick_until(judge, now);
}

/* What the sender usually does: connections always, and messages where they can be seen. */
static void count_into_past(struct judge *judge, struct sender_record *record, const struct observation *observation)
{
    bool connection = observation->kind == OBSERVATION_CONNECTION;
    if (!connection && observation->kind != OBSERVATION_MESSAGE)
        return;
    struct judgement *judgement = judgement_of(judge, record);
    sender_record_open(record);
    history_count(&judgement->past, connection ? HISTORY_CONNECTIONS : HISTORY_MESSAGES, observation->time,
                  judgement->verdict != VERDICT_CLEAR);
    sender_record_close(record);
}

/* Tell the listener of a body that goes to many. */
static void tell_body(struct judge *judge, struct sender_record *record, moment time)
{
    struct bodies_news news;
    if (judge->listener.body == NULL || judge->bulk_recipients == SIZE_MAX)
        return;
    const struct detector_settings *bulk = settings_of(judge, judgement_of(judge, record), judge->bulk);
    uint32_t many;
    memcpy(&many, (const char *)bulk + judge->bulk_recipients, sizeof many);
    if (bulk->enabled && bodies_tell(judge->bodies, many, &news))
        judge->listener.body(judge->listener.context, record, time, &news);
}

/* Who else sends such a body, here and elsewhere. False: it is not known. */
static bool find_alike(struct judge *judge, struct sender_record *record, const struct observation *message,
                       struct alike *result)
{
    if (!bodies_count(judge->bodies, message, &record->sender, result))
        return false;
    campaigns_find(judge->campaigns, &message->message.likeness, message->time, result);
    campaigns_find(judge->counted, &message->message.likeness, message->time, result);
    tell_body(judge, record, message->time);
    return true;
}

static void judge_one(struct judge *judge, const struct observation *observation, const struct sender *sender)
{
    struct observation late;
    if (judge->ticked - observation->time > JUDGE_SET_BACK) { /* whether the clock was set is for ticks to say */
        late = *observation;
        late.time = judge->ticked;
        observation = &late;
    }
    tick_until(judge, observation->time);
    judge->observations++;
    if (observation->time > judge->latest)
        judge->latest = observation->time;
    if (sender->kind == SENDER_NONE)
        return;
    struct sender_record *record = senders_record(judge->senders, sender, observation->time);
    senders_count(judge->senders, record, observation);
    count_into_past(judge, record, observation);
    struct observation message;
    struct alike alike;
    if (observation->kind == OBSERVATION_MESSAGE && find_alike(judge, record, observation, &alike)) {
        message = *observation;
        message.message.alike = &alike;
        observation = &message;
    }
    if (judge->wanted_by[observation->kind] != 0)
        judge_ask_detectors(judge, record, observation, judge->wanted_by[observation->kind]);
}

void judge_observe(struct judge *judge, const struct observation *observation)
{
    judge_catch_up(judge);
    struct sender sender = senders_attribute(judge->senders, &observation->origin);
    judge_one(judge, observation, &sender);
}

void judge_observe_of(struct judge *judge, const struct sender *sender, const struct observation *observation)
{
    judge_catch_up(judge);
    judge_one(judge, observation, sender);
}

void judge_hear(struct judge *judge, const struct observation *observation)
{
    struct docket_entry *entry = docket_add(&judge->docket, observation);
    if (entry == NULL) {
        judge_catch_up(judge);
        entry = docket_add(&judge->docket, observation);
    }
    if (entry == NULL) { /* texts longer than any room */
        judge_observe(judge, observation);
        return;
    }
    entry->sender = senders_attribute(judge->senders, &observation->origin);
    entry->note = senders_fetch_note(judge->senders, &entry->sender);
}

/* What the detectors remember of a sender lies in some twenty lines of the cache. While one observation is judged,
 * those that the next but some needs are on their way. */
static void fetch(const struct judge *judge, const struct docket_entry *entry)
{
    const char *details = senders_fetch(judge->senders, entry->note);
    if (details == NULL)
        return;
    for (uint32_t set = judge->wanted_by[entry->observation.kind]; set != 0; set &= set - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(set);
        for (size_t at = 0; at < detector_table[i]->state_size; at += 64)
            __builtin_prefetch(details + judge->layout.states[i] + at, 1);
    }
}

void judge_catch_up(struct judge *judge)
{
    struct docket *docket = &judge->docket;
    for (size_t i = 0; i < docket->count && i < AHEAD; i++)
        fetch(judge, &docket->entries[i]);
    for (size_t i = 0; i < docket->count; i++) {
        if (i + AHEAD < docket->count)
            fetch(judge, &docket->entries[i + AHEAD]);
        judge_one(judge, &docket->entries[i].observation, &docket->entries[i].sender);
    }
    docket_clear(docket);
}

/* Those that the new settings allow are let go now; all others are looked at anew in the next second. */
void judge_reload(struct judge *judge, const struct judge_settings *settings)
{
    judge->settings = settings;
    for (struct sender_record *r = senders_oldest(judge->senders); r != NULL; r = senders_younger(judge->senders, r)) {
        struct judgement *judgement = judgement_of(judge, r);
        sender_record_open(r);
        judgement->plan = 0;
        sender_record_close(r);
        kin_note(judge, r, judge->ticked); /* it may be another customer's now */
        if (judgement->hold_until != 0 && judgement->person_deed == DEED_RELEASE &&
            policy_allows(policy_of(judge), &r->sender)) {
            ladder_order(judge, r, DEED_RELEASE, ORDER_BY_POLICY, 0, 0, judge->ticked);
            ladder_descend(judge, r, judge->ticked, ORDER_BY_POLICY, NULL);
        }
        if (judgement->verdict != VERDICT_CLEAR)
            ladder_schedule(judge, r, judge->ticked + SECOND);
    }
}

void judge_repeat_orders(struct judge *judge, moment now)
{
    for (struct sender_record *r = senders_oldest(judge->senders); r != NULL; r = senders_younger(judge->senders, r))
        if (r->held)
            ladder_repeat_order(judge, r, now);
}

void judge_campaign(struct judge *judge, const struct fleet_campaign *campaign, moment now)
{
    judge_catch_up(judge);
    campaigns_take(campaign->counted ? judge->counted : judge->campaigns, campaign, now);
}

void judge_customer(struct judge *judge, const struct fleet_customer *customer, moment now)
{
    judge_catch_up(judge);
    kin_tell(judge->kinships, customer, now);
}

uint64_t judge_observations(const struct judge *judge)
{
    return judge->observations;
}
