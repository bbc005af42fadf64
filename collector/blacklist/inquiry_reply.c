/* What becomes of a reply. */
#include "collector/blacklist/inquiry_own.h"

/* The way there failed: another resolver may know. */
static bool is_way(enum answer_doubt doubt)
{
    return doubt == DOUBT_TIMEOUT || doubt == DOUBT_UNREACHABLE || doubt == DOUBT_FAILED || doubt == DOUBT_REFUSED ||
           doubt == DOUBT_MALFORMED || doubt == DOUBT_TRUNCATED || doubt == DOUBT_FORGED;
}

static void end(struct inquiry *inquiry, struct slot *slot)
{
    struct zone_state *state = &inquiry->zones[slot->zone];
    struct answer answer = slot->answer;
    unsigned lane = slot->lane;
    uint64_t subject = slot->subject;
    moment answered = slot->answered;
    inquiry_free_slot(inquiry, slot);
    inquiry_tell(inquiry, state, lane, subject, &answer, answered, true);
}

static void park(struct inquiry *inquiry, struct slot *slot, struct belief *belief)
{
    slot->stage = STAGE_PARKED;
    slot->following = belief->parked;
    belief->parked = inquiry_slot_number(inquiry, slot);
    belief->retest = belief->retest || !belief->testing;
}

/* An answer as the zone gave it becomes what is told: nothing, where the zone is not believed; a listing only behind a
 * test that is new enough. */
void inquiry_settle(struct inquiry *inquiry, struct slot *slot, moment now)
{
    struct zone_state *state = &inquiry->zones[slot->zone];
    struct belief *belief = &state->beliefs[slot->resolver];
    const struct waiting *waiting = inquiry_subject(inquiry, slot->lane, slot->subject);
    enum answer_doubt doubt = belief->doubt[inquiry_family(waiting->subject.kind)];
    if (slot->answer.state != ANSWER_UNKNOWN && doubt != DOUBT_NONE)
        slot->answer = answer_doubtful(doubt);
    if (slot->answer.state != ANSWER_LISTED || inquiry->stopping) {
        if (inquiry->stopping)
            slot->answer = answer_doubtful(DOUBT_STOPPED);
        end(inquiry, slot);
        return;
    }
    if (belief->testing || belief->begun > now || belief->begun + inquiry->settings.fresh < slot->answered) {
        park(inquiry, slot, belief);
        return;
    }
    if (!inquiry->settings.reasons) {
        end(inquiry, slot);
        return;
    }
    slot->stage = STAGE_TEXT;
    slot->way = INQUIRY_QUICK;
    slot->tries = slot->forged = 0;
    inquiry_make_ready(inquiry, slot);
}

/* Ask once more, of the next resolver that the zone is believed by. */
static bool ask_elsewhere(struct inquiry *inquiry, struct slot *slot, moment now)
{
    enum answer_doubt doubt;
    const struct waiting *waiting = inquiry_subject(inquiry, slot->lane, slot->subject);
    int resolver = inquiry_choose(inquiry, &inquiry->zones[slot->zone], inquiry_family(waiting->subject.kind),
                                  LANE_URGENT, now, &doubt);
    return inquiry_ask_patiently(inquiry, slot, resolver < 0 ? slot->resolver : (uint32_t)resolver);
}

static void take_address(struct inquiry *inquiry, struct slot *slot, const struct dns_reply *reply, moment now)
{
    struct zone_state *state = &inquiry->zones[slot->zone];
    struct belief *belief = &state->beliefs[slot->resolver];
    slot->answer = answer_judge(state->zone, reply);
    slot->answered = now;
    if (inquiry_is_forged(inquiry, slot, reply)) {
        if (inquiry_ask_again(inquiry, slot))
            return;
        slot->answer = answer_doubtful(DOUBT_FORGED);
    }
    if (slot->answer.doubt == DOUBT_TRUNCATED && inquiry_ask_over_stream(inquiry, slot))
        return;
    enum answer_doubt doubt = slot->answer.doubt;
    if (is_way(doubt)) {
        if (++belief->silent >= SILENT_MOST) {
            belief->retest = true;
            belief->silent = 0;
        }
        if (ask_elsewhere(inquiry, slot, now))
            return;
        if (slot->way == INQUIRY_STREAM) /* why TCP was tried says more than how it failed */
            slot->answer = answer_doubtful(slot->forged ? DOUBT_FORGED : DOUBT_TRUNCATED);
    } else {
        belief->silent = 0;
        /* The list has begun to answer with errors: no more is asked until its test says how it is. */
        if (doubt != DOUBT_NONE && doubt != DOUBT_CODE && belief->begun + inquiry->settings.fresh < now)
            belief->retest = true;
    }
    inquiry_settle(inquiry, slot, now);
}

/* A list may repeat the name that it was asked for, in which the key stands. */
static void hide_key(const struct zone *zone, char *reason)
{
    char key[ZONE_NAME];
    size_t length = zone->name[0] == '{' ? strcspn(zone->origin, ".") : 0;
    memcpy(key, zone->origin, length);
    key[length] = '\0';
    for (char *found = reason; length > 0 && (found = strcasestr(found, key)) != NULL;)
        memset(found, '*', length);
}

static void take_reason(struct inquiry *inquiry, struct slot *slot, const struct dns_reply *reply)
{
    if (inquiry_is_forged(inquiry, slot, reply)) {
        if (inquiry_ask_again(inquiry, slot))
            return;
    } else if (reply->outcome == DNS_TRUNCATED && inquiry_ask_over_stream(inquiry, slot)) {
        return;
    } else if (reply->outcome == DNS_TIMEOUT && inquiry_ask_patiently(inquiry, slot, slot->resolver)) {
        return;
    } else if (reply->outcome == DNS_ANSWERED) {
        text_copy_printable(text_of(reply->text), slot->answer.reason, sizeof slot->answer.reason);
        hide_key(inquiry->zones[slot->zone].zone, slot->answer.reason);
    }
    end(inquiry, slot); /* listed it is, with or without a reason */
}

void inquiry_reply(struct inquiry *inquiry, uint32_t number, const struct dns_reply *reply, moment now)
{
    struct slot *slot = number < inquiry->slot_count ? &inquiry->slots[number] : NULL;
    if (slot == NULL || !slot->sent)
        return;
    inquiry_note_reply(inquiry, slot, reply, now);
    switch (slot->stage) {
    case STAGE_ADDRESS:
        take_address(inquiry, slot, reply, now);
        break;
    case STAGE_TEXT:
        take_reason(inquiry, slot, reply);
        break;
    case STAGE_TEST:
        inquiry_test_reply(inquiry, slot, reply, now);
        break;
    default:
        inquiry_resolver_reply(inquiry, slot, reply, now);
        break;
    }
}
