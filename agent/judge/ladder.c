/* The ladder: from the score up to verdict, hold and order, and back down.
 *
 * While a hold runs the verdict only rises. Shortly before it ends the score is looked at: where it still is above the
 * release level the order is renewed, without a gap and without counting as another one; else the verdict ends with the
 * hold. What is left then is at most an alert: an order is only made on the way up. A verdict without a hold (alert)
 * ends when the score has faded below its release level. */
#include <string.h>
#include "agent/judge/court.h"

#define RENEW_AHEAD  (2 * SECOND) /* an order is renewed this long before the kernel would forget it */
#define RENEW_LEAST  MINUTE
#define JOINT_LEAST  DECIBANS(2)
#define ORDER_MARGIN DAY /* a hold and its renewals stay this far below ORDER_LONGEST */

static moment whole_second(moment time) /* that, or the next */
{
    return (time + SECOND - 1) / SECOND * SECOND;
}

static enum deed deed_of(enum verdict verdict)
{
    static const enum deed deeds[VERDICTS] = {
        [VERDICT_THROTTLE] = DEED_THROTTLE,
        [VERDICT_DIVERT] = DEED_DIVERT,
        [VERDICT_BLOCK] = DEED_BLOCK,
    };
    return deeds[verdict];
}

bool ladder_allows(const struct judge *judge, const struct judgement *judgement, const struct sender *sender)
{
    return judgement->person_deed == DEED_ALLOW || policy_allows(policy_of(judge), sender);
}

/* Earlier orders that count against it. */
uint32_t ladder_repeats(const struct judge *judge, const struct judgement *judgement, moment now)
{
    if (judgement->hold_until != 0)
        return judgement->holds - 1;
    bool forgotten = judgement->held_last != 0 && now - judgement->held_last > policy_of(judge)->forget;
    return forgotten ? 0 : judgement->holds;
}

void ladder_mark(const struct judge *judge, struct sender_record *record)
{
    struct judgement *judgement = judgement_of(judge, record);
    record->held = judgement->hold_until != 0 || judgement->person_deed != DEED_RELEASE;
}

/* One entry of the agenda for each sender: an earlier one that stands is enough, since looking makes the next. */
void ladder_schedule(struct judge *judge, struct sender_record *record, moment due)
{
    struct judgement *judgement = judgement_of(judge, record);
    due = whole_second(due);
    if (due <= judge->ticked)
        due = judge->ticked + SECOND;
    if (judgement->due != 0 && judgement->due <= due && judgement->due > judge->ticked)
        return;
    if (agenda_add(&judge->agenda, due, &record->sender))
        judgement->due = due;
}

/* The first whole second, from `from` on, at which the score is below `level`. */
moment ladder_falls_below(const struct judge *judge, struct judgement *judgement, points level, moment from)
{
    int64_t low = whole_second(from) / SECOND;
    if (judge_score(judge, judgement, low * SECOND) < level)
        return low * SECOND;
    int64_t high = low + 64 * (policy_of(judge)->half_life / SECOND);
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (judge_score(judge, judgement, middle * SECOND) < level)
            high = middle;
        else
            low = middle;
    }
    return high * SECOND;
}

void ladder_order(struct judge *judge, const struct sender_record *record, enum deed deed, enum order_author author,
                  moment until, uint32_t rate, moment now)
{
    struct order order = {.until = until,
                          .target = record->sender,
                          .deed = (uint8_t)deed,
                          .author = (uint8_t)author,
                          .whose = record->whose};
    if (judge->listener.order == NULL)
        return;
    /* Numbers grow over restarts too, since they begin with the time. */
    judge->last_order = now > 0 && (uint64_t)now > judge->last_order ? (uint64_t)now : judge->last_order + 1;
    order.id = judge->last_order;
    if (deed == DEED_THROTTLE)
        order.rate = rate;
    judge->listener.order(judge->listener.context, &order);
}

void ladder_repeat_order(struct judge *judge, struct sender_record *record, moment now)
{
    struct judgement *judgement = judgement_of(judge, record);
    if (judgement->person_deed != DEED_RELEASE && judgement->person_until > now)
        ladder_order(judge, record, judgement->person_deed, ORDER_BY_PERSON, judgement->person_until,
                     judgement->person_rate, now);
    else if (judgement->hold_until > now)
        ladder_order(judge, record, deed_of(judgement->verdict), ORDER_BY_POLICY, judgement->hold_until,
                     policy_of(judge)->throttle_rate, now);
}

void ladder_set_verdict(struct judge *judge, struct sender_record *record, enum verdict verdict, moment time,
                        enum order_author author, const char *why)
{
    struct judgement *judgement = judgement_of(judge, record);
    enum verdict before = judgement->verdict;
    if (verdict == before)
        return;
    sender_record_open(record);
    judgement->verdict = (uint8_t)verdict;
    judgement->verdict_since = time;
    if (verdict != VERDICT_CLEAR)
        history_spoil(&judgement->past);
    if (verdict > judgement->worst)
        judgement->worst = (uint8_t)verdict;
    sender_record_close(record);
    if (judge->listener.verdict == NULL)
        return;
    struct evidence evidence[DETECTORS_MOST];
    struct verdict_change change = {
        .time = time,
        .record = record,
        .verdict = verdict,
        .before = before,
        .score = judge_score(judge, judgement, time),
        .messages_before = record->messages,
        .recipients_before = record->recipients,
        .hold_until = author == ORDER_BY_PERSON ? judgement->person_until : judgement->hold_until,
        .repeats = ladder_repeats(judge, judgement, time),
        .evidence = evidence,
        .evidence_count = judge_evidence(judge, record, time, evidence),
        .author = author,
        .why = why,
    };
    judge->listener.verdict(judge->listener.context, &change);
}

/* Whether it is one of several in the same run, by the evidence. */
static bool is_joint(const struct judge *judge, struct judgement *judgement, moment time)
{
    for (uint32_t i = 0; i < judge->detectors; i++)
        if (detector_table[i]->joint &&
            weight_points(account_at(&accounts_of(judgement)[i], time, policy_of(judge)->half_life)) >= JOINT_LEAST)
            return true;
    return false;
}

/* Begin a hold, or lengthen the one that runs because the verdict got worse. */
static void hold(struct judge *judge, struct sender_record *record, moment time)
{
    struct judgement *judgement = judgement_of(judge, record);
    bool runs = judgement->hold_until != 0, counted = storm_has_counted(judgement->hold_begun, time);
    sender_record_open(record);
    if (!runs) {
        judgement->holds = ladder_repeats(judge, judgement, time) + 1;
        if (!counted) {
            judgement->hold_begun = time;
            judgement->hold_joint = is_joint(judge, judgement, time);
        }
    }
    moment until = whole_second(time + policy_hold(policy_of(judge), judgement->holds - 1));
    if (until > judgement->hold_until)
        judgement->hold_until = until;
    ladder_mark(judge, record);
    sender_record_close(record);
    if (!runs && !counted)
        storm_note(&judge->storm, judgement->hold_joint, time);
}

static bool storm_lets_pass(struct judge *judge, moment time)
{
    struct storm *storm = &judge->storm;
    bool permitted = storm_permits(storm, policy_of(judge), judge->senders, time);
    if (storm->on == permitted) {
        storm->on = !permitted;
        if (judge->listener.storm)
            judge->listener.storm(judge->listener.context, time, storm->on, storm_count(storm), storm->active);
    }
    return permitted;
}

/* The verdict that the score asks for, as far as policy lets it. */
static enum verdict verdict_for(struct judge *judge, struct sender_record *record, moment time)
{
    struct judgement *judgement = judgement_of(judge, record);
    enum verdict verdict = policy_verdict(policy_of(judge), judge_score(judge, judgement, time));
    if (!verdict_brings_order(verdict) || (judgement->hold_until != 0 && verdict <= judgement->verdict))
        return verdict;
    if (ladder_allows(judge, judgement, &record->sender))
        return VERDICT_ALERT;
    if (judgement->hold_until != 0 || storm_has_counted(judgement->hold_begun, time))
        return verdict;
    return storm_lets_pass(judge, time) ? verdict : VERDICT_ALERT;
}

static void schedule_by_verdict(struct judge *judge, struct sender_record *record, moment time)
{
    struct judgement *judgement = judgement_of(judge, record);
    if (judgement->person_deed != DEED_RELEASE)
        ladder_schedule(judge, record, judgement->person_until);
    if (judgement->person_deed != DEED_RELEASE && judgement->person_deed != DEED_ALLOW)
        return;
    if (judgement->hold_until != 0)
        ladder_schedule(judge, record,
                        time < judgement->hold_until - RENEW_AHEAD ? judgement->hold_until - RENEW_AHEAD
                                                                   : judgement->hold_until);
    else if (judgement->verdict == VERDICT_ALERT)
        ladder_schedule(judge, record,
                        ladder_falls_below(judge, judgement, policy_release(policy_of(judge), VERDICT_ALERT), time));
}

static void raise_to(struct judge *judge, struct sender_record *record, enum verdict verdict, moment time)
{
    struct judgement *judgement = judgement_of(judge, record);
    if (verdict_brings_order(verdict)) {
        hold(judge, record, time);
        ladder_order(judge, record, deed_of(verdict), ORDER_BY_POLICY, judgement->hold_until,
                     policy_of(judge)->throttle_rate, time);
    }
    ladder_set_verdict(judge, record, verdict, time, ORDER_BY_POLICY, NULL);
    schedule_by_verdict(judge, record, time);
}

void ladder_climb(struct judge *judge, struct sender_record *record, moment time)
{
    struct judgement *judgement = judgement_of(judge, record);
    if (judgement->person_deed != DEED_RELEASE && judgement->person_deed != DEED_ALLOW)
        return; /* it stands over the policy */
    enum verdict verdict = verdict_for(judge, record, time);
    if (verdict > judgement->verdict)
        raise_to(judge, record, verdict, time);
}

/* The hold is over, or never was: what is left is an alert or nothing. */
void ladder_descend(struct judge *judge, struct sender_record *record, moment time, enum order_author author,
                    const char *why)
{
    struct judgement *judgement = judgement_of(judge, record);
    sender_record_open(record);
    if (judgement->hold_until != 0)
        judgement->held_last = time < judgement->hold_until ? time : judgement->hold_until;
    judgement->hold_until = 0;
    ladder_mark(judge, record);
    sender_record_close(record);
    bool worth_a_look = judge_score(judge, judgement, time) >= policy_release(policy_of(judge), VERDICT_ALERT);
    ladder_set_verdict(judge, record, worth_a_look ? VERDICT_ALERT : VERDICT_CLEAR, time, author, why);
    schedule_by_verdict(judge, record, time);
}

/* A person's order has run out: the policy has its say again. */
static void end_person_order(struct judge *judge, struct sender_record *record, moment time)
{
    struct judgement *judgement = judgement_of(judge, record);
    bool allowed = judgement->person_deed == DEED_ALLOW;
    sender_record_open(record);
    judgement->person_deed = DEED_RELEASE;
    judgement->person_until = 0;
    ladder_mark(judge, record);
    sender_record_close(record);
    enum verdict verdict = verdict_for(judge, record, time);
    if (allowed && verdict > judgement->verdict)
        raise_to(judge, record, verdict, time);
    else if (!allowed && verdict_brings_order(verdict))
        raise_to(judge, record, verdict, time);
    else if (!allowed)
        ladder_descend(judge, record, time, ORDER_BY_POLICY, NULL);
}

/* Until the score will be clean, if nothing comes to it: so a person can be told when that is. */
static void renew(struct judge *judge, struct sender_record *record, moment time)
{
    struct judgement *judgement = judgement_of(judge, record);
    const struct policy *policy = policy_of(judge);
    moment least = judgement->hold_until + RENEW_LEAST, most = time + ORDER_LONGEST - ORDER_MARGIN;
    moment until = ladder_falls_below(judge, judgement, policy_release(policy, judgement->verdict), time);
    until = until > least ? until : least;
    until = until < most ? until : most / SECOND * SECOND;
    sender_record_open(record);
    judgement->hold_until = until;
    sender_record_close(record);
    ladder_order(judge, record, deed_of(judgement->verdict), ORDER_BY_POLICY, until, policy->throttle_rate, time);
}

static void look_at_hold(struct judge *judge, struct sender_record *record, moment time)
{
    struct judgement *judgement = judgement_of(judge, record);
    points release = policy_release(policy_of(judge), judgement->verdict);
    if (time < judgement->hold_until - RENEW_AHEAD) {
        schedule_by_verdict(judge, record, time);
    } else if (judge_score(judge, judgement, judgement->hold_until) >= release) {
        renew(judge, record, time);
        schedule_by_verdict(judge, record, time);
    } else if (time < judgement->hold_until) {
        schedule_by_verdict(judge, record, time);
    } else {
        ladder_descend(judge, record, time, ORDER_BY_POLICY, NULL);
    }
}

void ladder_look_at(struct judge *judge, struct sender_record *record, moment time)
{
    struct judgement *judgement = judgement_of(judge, record);
    sender_record_open(record);
    judgement->due = 0;
    sender_record_close(record);
    if (judgement->person_deed != DEED_RELEASE && time >= judgement->person_until)
        end_person_order(judge, record, time);
    if (judgement->person_deed != DEED_RELEASE && judgement->person_deed != DEED_ALLOW)
        schedule_by_verdict(judge, record, time);
    else if (judgement->hold_until != 0)
        look_at_hold(judge, record, time);
    else if (judgement->verdict != VERDICT_CLEAR &&
             judge_score(judge, judgement, time) < policy_release(policy_of(judge), VERDICT_ALERT))
        ladder_descend(judge, record, time, ORDER_BY_POLICY, NULL);
    else if (judgement->verdict != VERDICT_CLEAR || judgement->person_deed != DEED_RELEASE)
        schedule_by_verdict(judge, record, time);
}
