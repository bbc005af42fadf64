/* What a person orders stands over the policy until it ends. */
#include <errno.h>
#include <string.h>
#include "agent/judge/court.h"

static int check(enum deed deed, duration length, uint32_t rate, struct error *error)
{
    if ((unsigned)deed >= DEEDS)
        return error_set(error, EINVAL, "no such order; release, throttle, divert, block and allow are known");
    if (deed != DEED_RELEASE && (length < SECOND || length >= ORDER_LONGEST))
        return error_set(error, EINVAL, "an order lasts from a second to %d days", (int)(ORDER_LONGEST / DAY) - 1);
    if (rate > 60000)
        return error_set(error, EINVAL, "%u connections a minute is no rate; 1 to 60000 are allowed", rate);
    return 0;
}

/* Everything that was held against the sender is forgotten; counts of what it did stay, and what it usually does. */
static void forget(struct judge *judge, struct sender_record *record)
{
    struct judgement *judgement = judgement_of(judge, record);
    uint8_t verdict = judgement->verdict, worst = judgement->worst;
    moment since = judgement->verdict_since, begun = judgement->hold_begun;
    uint8_t joint = judgement->hold_joint;
    struct past past = judgement->past;
    senders_drop_details(judge->senders, record);
    sender_record_open(record);
    memset(judgement, 0, judge->layout.judge_bytes);
    judgement->hold_begun = begun; /* for the guard against storms, which counts senders, not orders */
    judgement->hold_joint = joint;
    judgement->past = past;
    judgement->verdict = verdict;
    judgement->worst = worst;
    judgement->verdict_since = since;
    ladder_mark(judge, record);
    sender_record_close(record);
}

static void release(struct judge *judge, const struct sender *sender, moment now, const char *why)
{
    struct sender_record nobody = {.sender = *sender}, *record = senders_find(judge->senders, sender);
    ladder_order(judge, record ? record : &nobody, DEED_RELEASE, ORDER_BY_PERSON, 0, 0, now);
    if (record == NULL)
        return;
    forget(judge, record);
    ladder_set_verdict(judge, record, VERDICT_CLEAR, now, ORDER_BY_PERSON, why);
}

static enum verdict verdict_of(enum deed deed)
{
    static const enum verdict verdicts[DEEDS] = {
        [DEED_THROTTLE] = VERDICT_THROTTLE,
        [DEED_DIVERT] = VERDICT_DIVERT,
        [DEED_BLOCK] = VERDICT_BLOCK,
    };
    return verdicts[deed];
}

static void stand_over(struct judge *judge, struct sender_record *record, enum deed deed, moment now, duration length,
                       uint32_t rate)
{
    struct judgement *judgement = judgement_of(judge, record);
    bool something_in_force = record->held;
    sender_record_open(record);
    if (judgement->hold_until != 0)
        judgement->held_last = now;
    judgement->hold_until = 0;
    judgement->person_deed = (uint8_t)deed;
    judgement->person_until = now + length;
    judgement->person_rate = rate;
    ladder_mark(judge, record);
    sender_record_close(record);
    if (something_in_force) /* of whatever kind: the kernel keeps them apart, and the harder one would win */
        ladder_order(judge, record, DEED_RELEASE, ORDER_BY_PERSON, 0, 0, now);
    ladder_order(judge, record, deed, ORDER_BY_PERSON, judgement->person_until, rate, now);
}

int judge_command(struct judge *judge, const struct sender *sender, enum deed deed, moment now, duration length,
                  uint32_t rate, const char *why, struct error *error)
{
    int status = check(deed, length, rate, error);
    if (status < 0)
        return status;
    if (!sender_is_sound(sender) || sender->kind == SENDER_NONE)
        return error_set(error, EINVAL, "this is no sender");
    judge_tick(judge, now);
    if (deed == DEED_RELEASE) {
        release(judge, sender, now, why);
        return 0;
    }

    struct sender_record *record = senders_record(judge->senders, sender, now);
    stand_over(judge, record, deed, now, length, rate ? rate : policy_of(judge)->throttle_rate);
    if (deed == DEED_ALLOW)
        ladder_descend(judge, record, now, ORDER_BY_PERSON, why);
    else
        ladder_set_verdict(judge, record, verdict_of(deed), now, ORDER_BY_PERSON, why);
    ladder_schedule(judge, record, now + length);
    return 0;
}
