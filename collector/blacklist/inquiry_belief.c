/* Which zones and resolvers are believed. */
#include "collector/blacklist/inquiry_own.h"

#define SOONER 5 /* what only did not answer is tested anew after a fifth of the time */

/* --- a zone's test --- */

/* RFC 5782, 5: 127.0.0.2 and ::FFFF:7F00:2 are listed, 127.0.0.1 and ::FFFF:7F00:1 are not; TEST is, INVALID is not. */
bool inquiry_test_subject(const struct zone *zone, unsigned family, unsigned test, struct subject *result)
{
    const struct subject *own = test == TEST_LISTED ? &zone->test_listed : &zone->test_clean;
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 0x7f};
    uint8_t last = test == TEST_LISTED ? 2 : 1;
    if (family == FAMILY_6) {
        *result = (struct subject){.kind = SUBJECT_IPV6};
        memcpy(result->bytes, mapped, sizeof mapped);
        result->bytes[15] = last;
    } else if (zone->kind == ZONE_DOMAINS) {
        *result = (struct subject){.kind = SUBJECT_DOMAIN};
        memcpy(result->domain, test == TEST_LISTED ? "test" : "invalid", test == TEST_LISTED ? 5 : 8);
        if (own->domain[0])
            *result = *own;
    } else {
        *result = (struct subject){.kind = SUBJECT_IPV4, .bytes = {127, 0, 0, last}};
        if (own->kind == SUBJECT_IPV4 && own->bytes[0] != 0)
            *result = *own;
    }
    return true;
}

static uint8_t tests_of(const struct zone *zone, unsigned family)
{
    if (zone->kind == ZONE_DOMAINS)
        return family == FAMILY_4 ? zone->tests : 0;
    if (!(zone->families & (family == FAMILY_6 ? ZONE_IPV6 : ZONE_IPV4)))
        return 0;
    return family == FAMILY_6 ? zone->tests6 : zone->tests;
}

static bool is_soft(enum answer_doubt doubt)
{
    return doubt == DOUBT_TIMEOUT || doubt == DOUBT_UNREACHABLE || doubt == DOUBT_FAILED || doubt == DOUBT_REFUSED ||
           doubt == DOUBT_MALFORMED || doubt == DOUBT_TRUNCATED || doubt == DOUBT_FORGED;
}

static bool has_passed(const struct zone *zone, const enum answer_doubt doubt[FAMILIES])
{
    if (zone->kind == ZONE_DOMAINS)
        return doubt[FAMILY_4] == DOUBT_NONE;
    return ((zone->families & ZONE_IPV4) && doubt[FAMILY_4] == DOUBT_NONE) ||
           ((zone->families & ZONE_IPV6) && doubt[FAMILY_6] == DOUBT_NONE);
}

static bool is_due(const struct inquiry *inquiry, bool retest, moment tested, bool soft, moment now)
{
    duration hold = soft ? inquiry->settings.retest / SOONER : inquiry->settings.retest;
    return retest || tested == 0 || tested > now || now - tested >= hold;
}

static void end_test(struct inquiry *inquiry, struct zone_state *state, uint32_t resolver, moment now)
{
    struct belief *belief = &state->beliefs[resolver];
    belief->testing = false;
    belief->tested = now;
    belief->silent = 0;
    memcpy(belief->doubt, belief->found, sizeof belief->doubt);
    belief->state = has_passed(state->zone, belief->doubt) ? ZONE_BELIEVED : ZONE_DISBELIEVED;
    uint32_t number = belief->parked;
    belief->parked = NONE;
    while (number != NONE) {
        struct slot *slot = &inquiry->slots[number];
        number = slot->following;
        inquiry_settle(inquiry, slot, now);
    }
}

static bool begin_test(struct inquiry *inquiry, struct zone_state *state, uint32_t resolver, moment now)
{
    struct belief *belief = &state->beliefs[resolver];
    if (inquiry->free_count < 2 * FAMILIES)
        return false;
    belief->testing = true;
    belief->retest = false;
    belief->begun = now;
    belief->left = 0;
    for (unsigned family = 0; family < FAMILIES; family++) {
        uint8_t tests = tests_of(state->zone, family);
        belief->found[family] = DOUBT_NONE;
        for (unsigned test = TEST_LISTED; test <= TEST_CLEAN; test++) {
            if (!(tests & (test == TEST_LISTED ? ZONE_TEST_LISTED : ZONE_TEST_CLEAN)))
                continue;
            struct slot *slot = inquiry_take_slot(inquiry, STAGE_TEST);
            slot->zone = (uint32_t)(state - inquiry->zones);
            slot->resolver = (uint8_t)resolver;
            slot->family = (uint8_t)family;
            slot->test = (uint8_t)test;
            belief->left++;
            inquiry_make_ready(inquiry, slot);
        }
    }
    if (belief->left == 0)
        end_test(inquiry, state, resolver, now);
    return true;
}

bool inquiry_is_tested(struct inquiry *inquiry, struct zone_state *state, uint32_t resolver, moment now)
{
    struct belief *belief = &state->beliefs[resolver];
    if (belief->testing)
        return false;
    bool soft = is_soft(belief->doubt[FAMILY_4]) || is_soft(belief->doubt[FAMILY_6]);
    if (!is_due(inquiry, belief->retest || belief->state == ZONE_UNTESTED, belief->tested, soft, now))
        return true;
    begin_test(inquiry, state, resolver, now);
    return !belief->testing && belief->tested == now; /* there was nothing to ask */
}

/* What an answer to a test says against the zone. A code that the file does not know lists as well: some lists answer
 * their test entry with codes of its own. */
static enum answer_doubt doubt_of(const struct slot *slot, const struct answer *answer)
{
    bool lists = answer->state == ANSWER_LISTED || answer->doubt == DOUBT_CODE;
    if (answer->state == ANSWER_UNKNOWN && !lists)
        return answer->doubt;
    if (slot->test == TEST_LISTED)
        return lists ? DOUBT_NONE : DOUBT_EMPTY;
    return lists ? DOUBT_WILDCARD : DOUBT_NONE;
}

void inquiry_test_reply(struct inquiry *inquiry, struct slot *slot, const struct dns_reply *reply, moment now)
{
    struct zone_state *state = &inquiry->zones[slot->zone];
    struct belief *belief = &state->beliefs[slot->resolver];
    struct answer answer = answer_judge(state->zone, reply);
    if (inquiry_is_forged(inquiry, slot, reply)) {
        if (inquiry_ask_again(inquiry, slot))
            return;
        answer = answer_doubtful(DOUBT_FORGED);
    }
    if (reply->outcome == DNS_TRUNCATED && inquiry_ask_over_stream(inquiry, slot))
        return;
    if (is_soft(answer.doubt) && inquiry_ask_patiently(inquiry, slot, slot->resolver))
        return;
    enum answer_doubt doubt = doubt_of(slot, &answer), *found = &belief->found[slot->family];
    /* Of two doubts the one that says more stands: what did not answer says nothing. */
    if (doubt != DOUBT_NONE && (*found == DOUBT_NONE || is_soft(*found) || doubt == DOUBT_WILDCARD))
        *found = doubt;
    uint32_t resolver = slot->resolver;
    inquiry_free_slot(inquiry, slot);
    if (--belief->left == 0)
        end_test(inquiry, state, resolver, now);
}

/* --- a resolver's test --- */

void inquiry_test_resolvers(struct inquiry *inquiry, moment now)
{
    for (uint32_t i = 0; i < inquiry->settings.resolvers; i++) {
        struct resolver_state *state = &inquiry->resolvers[i];
        if (state->testing || !is_due(inquiry, state->retest, state->tested, is_soft(state->doubt), now))
            continue;
        if (inquiry->settings.nowhere == NULL) {
            state->state = ZONE_BELIEVED;
            state->tested = now;
            state->retest = false;
            continue;
        }
        struct slot *slot = inquiry_take_slot(inquiry, STAGE_RESOLVER);
        if (slot == NULL)
            return;
        slot->resolver = (uint8_t)i;
        state->testing = true;
        state->retest = false;
        inquiry_make_ready(inquiry, slot);
    }
}

static enum answer_doubt doubt_of_resolver(const struct dns_reply *reply)
{
    switch (reply->outcome) {
    case DNS_NO_NAME:
        return DOUBT_NONE;
    case DNS_ANSWERED:
        return reply->count > 0 ? DOUBT_REWRITTEN : DOUBT_NONE;
    case DNS_TRUNCATED:
        return DOUBT_TRUNCATED;
    case DNS_TIMEOUT:
        return DOUBT_TIMEOUT;
    case DNS_UNREACHABLE:
        return DOUBT_UNREACHABLE;
    case DNS_REFUSED:
        return DOUBT_REFUSED;
    case DNS_FAILED:
        return DOUBT_FAILED;
    default:
        return DOUBT_MALFORMED;
    }
}

void inquiry_resolver_reply(struct inquiry *inquiry, struct slot *slot, const struct dns_reply *reply, moment now)
{
    struct resolver_state *state = &inquiry->resolvers[slot->resolver];
    bool in_other_letters = inquiry_is_forged(inquiry, slot, reply);
    if (in_other_letters && inquiry_ask_again(inquiry, slot))
        return;
    if (reply->outcome == DNS_TRUNCATED && inquiry_ask_over_stream(inquiry, slot))
        return;
    if (reply->outcome == DNS_TIMEOUT && inquiry_ask_patiently(inquiry, slot, slot->resolver))
        return;
    state->testing = false;
    state->tested = now;
    state->doubt = doubt_of_resolver(reply);
    state->state = state->doubt == DOUBT_NONE        ? ZONE_BELIEVED
                   : state->doubt == DOUBT_REWRITTEN ? ZONE_DISBELIEVED
                                                     : ZONE_UNTESTED;
    /* Over TCP nobody forges blindly: a resolver that changes letters there does so always. */
    if (reply->outcome == DNS_NO_NAME || reply->outcome == DNS_ANSWERED)
        state->keeps_case = !in_other_letters;
    inquiry_free_slot(inquiry, slot);
}
