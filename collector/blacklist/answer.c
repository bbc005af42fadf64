/* From a reply's addresses to what a zone says. */
#include "collector/blacklist/answer.h"

#define LOOPBACK UINT32_C(0x7f000001)

static const struct {
    const char *name, *text;
} doubts[ANSWER_DOUBTS] = {
    [DOUBT_NONE] = {"none", "nothing is in doubt"},
    [DOUBT_TIMEOUT] = {"timeout", "no answer came"},
    [DOUBT_UNREACHABLE] = {"unreachable", "the resolver cannot be reached"},
    [DOUBT_FAILED] = {"failed", "the resolver could not get an answer (SERVFAIL)"},
    [DOUBT_REFUSED] = {"refused", "the resolver refuses to answer (REFUSED)"},
    [DOUBT_TRUNCATED] = {"truncated", "the answer did not fit and could not be had over TCP"},
    [DOUBT_MALFORMED] = {"malformed", "the answer cannot be read"},
    [DOUBT_FORGED] = {"forged", "the answer is not to the question that was asked"},
    [DOUBT_TYPING] = {"typing-error", "the list says that its name is misspelt"},
    [DOUBT_PUBLIC] = {"public-resolver", "the list does not answer public or open resolvers; use one of your own"},
    [DOUBT_EXCESS] = {"too-many", "the list says that it is asked too often, or wants its users to register"},
    [DOUBT_ERROR] = {"error", "the list answers with an error"},
    [DOUBT_OUTSIDE] = {"outside", "the answer is no list's: an address outside 127.0.0.0/8"},
    [DOUBT_LOOPBACK] = {"loopback", "the answer is 127.0.0.1, which no list may give"},
    [DOUBT_CODE] = {"unknown-code", "the zones file does not say what the answer means"},
    [DOUBT_WILDCARD] = {"wildcard", "the list lists what it must not: it lists everything"},
    [DOUBT_EMPTY] = {"empty", "the list does not list its test entry: it lists nothing"},
    [DOUBT_UNTESTED] = {"untested", "the list could not be tested yet"},
    [DOUBT_REWRITTEN] = {"rewritten", "the resolver makes answers up for names that do not exist"},
    [DOUBT_BUDGET] = {"limit", "the questions that the list allows in a day are spent"},
    [DOUBT_NAME] = {"name", "name and list together are too long to be asked for"},
    [DOUBT_STOPPED] = {"stopped", "it was not asked any more"},
};
static const char *const states[] = {"unknown", "clean", "listed"};

const char *answer_state_name(enum answer_state state)
{
    return states[state];
}

const char *answer_doubt_name(enum answer_doubt doubt)
{
    return doubts[doubt].name;
}

const char *answer_doubt_text(enum answer_doubt doubt)
{
    return doubts[doubt].text;
}

struct address answer_code(const struct answer *answer, uint32_t index)
{
    return address_from_ipv4(answer->codes[index]);
}

struct answer answer_doubtful(enum answer_doubt doubt)
{
    return (struct answer){.state = ANSWER_UNKNOWN, .doubt = doubt};
}

static enum answer_doubt doubt_of(enum dns_outcome outcome)
{
    switch (outcome) {
    case DNS_FAILED:
        return DOUBT_FAILED;
    case DNS_REFUSED:
        return DOUBT_REFUSED;
    case DNS_TRUNCATED:
        return DOUBT_TRUNCATED;
    case DNS_TIMEOUT:
        return DOUBT_TIMEOUT;
    case DNS_UNREACHABLE:
        return DOUBT_UNREACHABLE;
    case DNS_STOPPED:
        return DOUBT_STOPPED;
    default:
        return DOUBT_MALFORMED;
    }
}

static uint32_t number_of(const uint8_t address[4])
{
    return (uint32_t)address[0] << 24 | (uint32_t)address[1] << 16 | (uint32_t)address[2] << 8 | address[3];
}

/* What one of the answered addresses adds. */
static void take_code(struct answer *answer, const struct zone_code *code)
{
    if (code->meaning == ZONE_REFUSES) {
        answer->doubt = DOUBT_ERROR;
    } else if (code->meaning == ZONE_CLEARS) {
        if (answer->state == ANSWER_UNKNOWN)
            answer->state = ANSWER_CLEAN;
    } else if (answer->state != ANSWER_LISTED || code->weight > answer->weight) {
        answer->state = ANSWER_LISTED;
        answer->weight = code->weight;
        answer->meaning = code->text;
    }
}

/* Of a sum of bits each must be known: an unknown one may be an error. */
static bool take_bits(struct answer *answer, const struct zone *zone, uint32_t address)
{
    uint32_t left = address & 0xff;
    if (address >> 8 != LOOPBACK >> 8 || left == 0)
        return false;
    for (uint32_t i = 0; i < zone->code_count; i++)
        left &= ~zone->codes[i].least;
    for (uint32_t i = 0; i < zone->code_count; i++)
        if (address & 0xff & zone->codes[i].least && (left == 0 || zone->codes[i].meaning == ZONE_REFUSES))
            take_code(answer, &zone->codes[i]);
    return left == 0;
}

static bool take_codes(struct answer *answer, const struct zone *zone, uint32_t address)
{
    for (uint32_t i = 0; i < zone->code_count; i++) {
        if (address >= zone->codes[i].least && address <= zone->codes[i].most) {
            take_code(answer, &zone->codes[i]);
            return true;
        }
    }
    return false;
}

static enum answer_doubt error_of(uint32_t address)
{
    switch (address & 0xff) {
    case 252:
        return DOUBT_TYPING;
    case 254:
        return DOUBT_PUBLIC;
    case 255:
        return DOUBT_EXCESS;
    default:
        return DOUBT_ERROR;
    }
}

static void take_address(struct answer *answer, const struct zone *zone, uint32_t address)
{
    static const struct zone_code other = {.meaning = ZONE_LISTS, .text = "a code that the zones file does not name"};
    if (address >> 24 != 127)
        answer->doubt = DOUBT_OUTSIDE;
    else if (address >> 8 == 0x7fffff)
        answer->doubt = error_of(address);
    else if (zone->bits ? take_bits(answer, zone, address) : take_codes(answer, zone, address))
        return;
    else if (address == LOOPBACK)
        answer->doubt = DOUBT_LOOPBACK;
    else if (!zone->has_other)
        answer->doubt = answer->doubt == DOUBT_NONE ? DOUBT_CODE : answer->doubt; /* the least of all doubts */
    else {
        struct zone_code code = other;
        code.weight = zone->other;
        bool is_worst = answer->state != ANSWER_LISTED || code.weight > answer->weight;
        take_code(answer, &code);
        if (is_worst)
            answer->meaning = other.text;
    }
}

struct answer answer_judge(const struct zone *zone, const struct dns_reply *reply)
{
    struct answer answer = {.state = ANSWER_UNKNOWN};
    bool is_absent = reply->outcome == DNS_NO_NAME || reply->outcome == DNS_ANSWERED;
    if (!is_absent)
        return answer_doubtful(doubt_of(reply->outcome));
    if (reply->count == 0)
        return (struct answer){.state = ANSWER_CLEAN, .ttl = reply->ttl};
    if (reply->outcome == DNS_NO_NAME || reply->count > DNS_ADDRESSES_MOST)
        return answer_doubtful(DOUBT_MALFORMED); /* it does not exist and has addresses; more than any list gives */
    for (uint32_t i = 0; i < reply->count; i++) {
        take_address(&answer, zone, number_of(reply->addresses[i]));
        memcpy(answer.codes[i], reply->addresses[i], 4);
    }
    answer.count = reply->count;
    /* A code of its own that is not known beside one that is: the known one stands. */
    if (answer.doubt == DOUBT_CODE && answer.state == ANSWER_LISTED)
        answer.doubt = DOUBT_NONE;
    if (answer.doubt != DOUBT_NONE) {
        answer.state = ANSWER_UNKNOWN;
        answer.meaning = NULL;
        answer.weight = LISTING_INFORMATIONAL;
        return answer;
    }
    answer.ttl = reply->ttl;
    return answer;
}
