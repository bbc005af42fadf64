/* See reply_reason.h. First the codes that decide alone; then the phrase; then what the codes make likely. */
#include "detectors/reply_reason.h"

#include <assert.h>

#define LOOKED_AT 240 /* bytes of a phrase */

/* Words at the beginning of a word, in small letters, in the order of their first. Where several are found, the reason
 * that stands first in order_of counts. */
static const struct row {
    const char *words;
    enum reply_reason reason;
} rows[] = {
    {"abusix", REPLY_LISTED},
    {"access denied, banned", REPLY_LISTED},
    {"account closed", REPLY_UNKNOWN_USER},
    {"account disabled", REPLY_UNKNOWN_USER},
    {"account does not exist", REPLY_UNKNOWN_USER},
    {"account has been disabled", REPLY_UNKNOWN_USER},
    {"account inactive", REPLY_UNKNOWN_USER},
    {"account is disabled", REPLY_UNKNOWN_USER},
    {"account is inactive", REPLY_UNKNOWN_USER},
    {"account that you tried to reach does not exist", REPLY_UNKNOWN_USER},
    {"account that you tried to reach is disabled", REPLY_UNKNOWN_USER},
    {"account that you tried to reach is inactive", REPLY_UNKNOWN_USER},
    {"account that you tried to reach is over quota", REPLY_MAILBOX_FULL},
    {"address does not exist", REPLY_UNKNOWN_USER},
    {"address unknown", REPLY_UNKNOWN_USER},
    {"addressee unknown", REPLY_UNKNOWN_USER},
    {"administrative prohibition", REPLY_POLICY}, /* Exim, wherever a rule has no words of its own */
    {"backscatterer", REPLY_LISTED},
    {"bad destination mailbox", REPLY_UNKNOWN_USER},
    {"bad reputation", REPLY_LISTED},
    {"banned sending ip", REPLY_LISTED},
    {"barracudacentral", REPLY_LISTED},
    {"black list", REPLY_LISTED},
    {"blacklist", REPLY_LISTED},
    {"block list", REPLY_LISTED},
    {"blocked using", REPLY_LISTED},
    {"blocklist", REPLY_LISTED},
    {"can't verify recipient", REPLY_OTHER},
    {"content rejected", REPLY_CONTENT},
    {"dkim", REPLY_SENDER},
    {"dmarc", REPLY_SENDER},
    {"dnsbl", REPLY_LISTED},
    {"does not exist here", REPLY_UNKNOWN_USER},
    {"does not have an account", REPLY_UNKNOWN_USER},
    {"does not like recipient", REPLY_POLICY},
    {"doesn't have a yahoo", REPLY_UNKNOWN_USER},
    {"doesn't have an account", REPLY_UNKNOWN_USER},
    {"domain not found", REPLY_SENDER},
    {"domain of sender", REPLY_SENDER},
    {"dt:spm", REPLY_CONTENT},
    {"exceeded storage", REPLY_MAILBOX_FULL},
    {"gray-list", REPLY_GREYLISTED},
    {"graylist", REPLY_GREYLISTED},
    {"grey-list", REPLY_GREYLISTED},
    {"greylist", REPLY_GREYLISTED},
    {"greylisted", REPLY_GREYLISTED},
    {"helo command rejected", REPLY_SENDER},
    {"insufficient disk space", REPLY_MAILBOX_FULL},
    {"invalid mailbox", REPLY_UNKNOWN_USER},
    {"invalid recipient", REPLY_UNKNOWN_USER},
    {"ip reputation", REPLY_LISTED},
    {"listed at", REPLY_LISTED},
    {"listed by", REPLY_LISTED},
    {"listed in", REPLY_LISTED},
    {"listed on", REPLY_LISTED},
    {"low reputation", REPLY_LISTED},
    {"mail from ip", REPLY_LISTED},
    {"mailbox disabled", REPLY_UNKNOWN_USER},
    {"mailbox does not exist", REPLY_UNKNOWN_USER},
    {"mailbox full", REPLY_MAILBOX_FULL},
    {"mailbox has been disabled", REPLY_UNKNOWN_USER},
    {"mailbox is disabled", REPLY_UNKNOWN_USER},
    {"mailbox is full", REPLY_MAILBOX_FULL},
    {"mailbox is inactive", REPLY_UNKNOWN_USER},
    {"mailbox not found", REPLY_UNKNOWN_USER},
    {"mailbox size limit", REPLY_MAILBOX_FULL},
    {"mailbox unknown", REPLY_UNKNOWN_USER},
    {"malware", REPLY_CONTENT},
    {"message content", REPLY_CONTENT},
    {"messages from [", REPLY_LISTED}, /* "... weren't sent": Microsoft, of the client's address */
    {"need fully-qualified", REPLY_SENDER},
    {"no mailbox", REPLY_UNKNOWN_USER},
    {"no such address", REPLY_UNKNOWN_USER},
    {"no such mailbox", REPLY_UNKNOWN_USER},
    {"no such person", REPLY_UNKNOWN_USER},
    {"no such recipient", REPLY_UNKNOWN_USER},
    {"no such user", REPLY_UNKNOWN_USER},
    {"nosuchuser", REPLY_UNKNOWN_USER}, /* the page that Gmail points to */
    {"not a known user", REPLY_UNKNOWN_USER},
    {"not a valid mailbox", REPLY_UNKNOWN_USER},
    {"not a valid recipient", REPLY_UNKNOWN_USER},
    {"not our customer", REPLY_UNKNOWN_USER},
    {"on our block list", REPLY_LISTED},
    {"our block list", REPLY_LISTED},
    {"over quota", REPLY_MAILBOX_FULL},
    {"overquota", REPLY_MAILBOX_FULL},
    {"policy reason", REPLY_POLICY},
    {"policy violation", REPLY_POLICY},
    {"poor reputation", REPLY_LISTED},
    {"postgrey", REPLY_GREYLISTED},
    {"quota exceeded", REPLY_MAILBOX_FULL},
    {"rate limit", REPLY_RATE},
    {"rate that", REPLY_RATE},
    {"rbl", REPLY_LISTED},
    {"receivingrate", REPLY_RATE},
    {"recipient does not exist", REPLY_UNKNOWN_USER},
    {"recipient is unknown", REPLY_UNKNOWN_USER},
    {"recipient mailbox full", REPLY_MAILBOX_FULL},
    {"recipient not found", REPLY_UNKNOWN_USER},
    {"recipient unknown", REPLY_UNKNOWN_USER},
    {"recipientnotfound", REPLY_UNKNOWN_USER},
    {"relay access denied", REPLY_POLICY},
    {"relay not permitted", REPLY_POLICY},
    {"relaying denied", REPLY_POLICY},
    {"requested action not taken: mailbox unavailable", REPLY_UNKNOWN_USER},
    {"reverse dns", REPLY_SENDER},
    {"sender address", REPLY_SENDER},
    {"sender denied", REPLY_SENDER},
    {"sender rejected", REPLY_SENDER},
    {"sender verif", REPLY_SENDER},
    {"server busy", REPLY_RATE},
    {"sorbs", REPLY_LISTED},
    {"spam content", REPLY_CONTENT},
    {"spam detected", REPLY_CONTENT},
    {"spam message", REPLY_CONTENT},
    {"spamcop", REPLY_LISTED},
    {"spamhaus", REPLY_LISTED},
    {"spf", REPLY_SENDER},
    {"storage quota", REPLY_MAILBOX_FULL},
    {"throttl", REPLY_RATE},
    {"too many", REPLY_RATE},
    {"uceprotect", REPLY_LISTED},
    {"unauthenticated", REPLY_SENDER},
    {"unexpected volume", REPLY_RATE},
    {"unknown address", REPLY_UNKNOWN_USER},
    {"unknown local", REPLY_UNKNOWN_USER},
    {"unknown mailbox", REPLY_UNKNOWN_USER},
    {"unknown recipient", REPLY_UNKNOWN_USER},
    {"unknown user", REPLY_UNKNOWN_USER},
    {"unroutable address", REPLY_UNKNOWN_USER},
    {"unrouteable address", REPLY_UNKNOWN_USER},
    {"unsolicited mail originating from your ip", REPLY_LISTED},
    {"unsolicitedmessage", REPLY_CONTENT},
    {"unsolicitedratelimit", REPLY_LISTED},
    {"unusual rate", REPLY_RATE},
    {"user complaints", REPLY_LISTED},
    {"user does not exist", REPLY_UNKNOWN_USER},
    {"user doesn't exist", REPLY_UNKNOWN_USER},
    {"user has been disabled", REPLY_UNKNOWN_USER},
    {"user invalid", REPLY_UNKNOWN_USER},
    {"user is unknown", REPLY_UNKNOWN_USER},
    {"user not found", REPLY_UNKNOWN_USER},
    {"user not known", REPLY_UNKNOWN_USER},
    {"user unknown", REPLY_UNKNOWN_USER},
    {"virus", REPLY_CONTENT},
};
#define ROWS (sizeof rows / sizeof rows[0])

/* Of several reasons in one phrase. That of the sender goes first: "sender rejected: user unknown" is his. A list goes
 * before what its victim's server says beside it; words about speed and grey lists before those about users, which they
 * quote. */
static const uint8_t order_of[REPLY_REASONS] = {
    [REPLY_SENDER] = 1,       [REPLY_LISTED] = 2, [REPLY_GREYLISTED] = 3, [REPLY_MAILBOX_FULL] = 4, [REPLY_OTHER] = 5,
    [REPLY_UNKNOWN_USER] = 6, [REPLY_RATE] = 7,   [REPLY_CONTENT] = 8,    [REPLY_POLICY] = 9,
};

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

/* The phrase in small letters, without what stands in angle brackets and without words that have an '@'. */
static size_t clean(struct text phrase, char result[LOOKED_AT])
{
    char folded[LOOKED_AT];
    phrase.length = phrase.length < LOOKED_AT ? phrase.length : LOOKED_AT;
    text_fold(phrase, folded);
    size_t length = 0, word = 0;
    bool bracket = false, address = false;
    for (size_t i = 0; i < phrase.length; i++) {
        char c = folded[i];
        if (c == '<' || c == '>') {
            bracket = c == '<';
            continue;
        }
        if (bracket)
            continue;
        if (c == ' ') {
            length = address ? word : length;
            address = false;
            word = length + 1;
        }
        address |= c == '@';
        result[length++] = c;
    }
    return address ? word : length;
}

static bool begins(const char *bytes, size_t length, const char *words)
{
    size_t size = strlen(words);
    return size <= length && memcmp(bytes, words, size) == 0;
}

/* The first row of that letter or a later one. */
static size_t first_of(char letter)
{
    size_t low = 0, high = ROWS;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (rows[middle].words[0] < letter)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum reply_reason read_phrase(struct text phrase)
{
    char text[LOOKED_AT];
    size_t length = clean(phrase, text);
    enum reply_reason found = REPLY_UNANSWERED;
    for (size_t at = 0; at < length; at++) {
        if (!is_letter(text[at]) || (at > 0 && is_letter(text[at - 1])))
            continue;
        for (size_t i = first_of(text[at]); i < ROWS && rows[i].words[0] == text[at]; i++) {
            if (!begins(text + at, length - at, rows[i].words))
                continue;
            if (found == REPLY_UNANSWERED || order_of[rows[i].reason] < order_of[found])
                found = rows[i].reason;
        }
    }
    return found;
}

static bool phrase_has(struct text phrase, const char *words)
{
    char text[LOOKED_AT];
    size_t length = clean(phrase, text);
    return memmem(text, length, words, strlen(words)) != NULL;
}

/* What subject and detail say alone; REPLY_UNANSWERED: nothing certain. */
static enum reply_reason by_codes(uint16_t code, unsigned subject, unsigned detail)
{
    if (subject == 1 && (detail == 7 || detail == 8))
        return REPLY_SENDER;
    if (subject == 2 && detail == 2)
        return REPLY_MAILBOX_FULL;
    if (code >= 500 && subject == 1 && detail >= 1 && (detail <= 6 || detail == 10)) /* 10: RFC 7505, a null MX */
        return REPLY_UNKNOWN_USER;
    if (subject == 7 && detail >= 20 && detail <= 29) /* RFC 7372: DKIM, SPF, reverse DNS; DMARC */
        return REPLY_SENDER;
    if (subject == 5 && detail == 3)
        return REPLY_RATE; /* too many recipients at once */
    return REPLY_UNANSWERED;
}

/* What is left where neither is certain. */
static enum reply_reason by_likelihood(const struct reply *reply, unsigned subject)
{
    bool final = reply->code >= 500;
    switch (subject) {
    case 0:
        if (reply->code == 552 || reply->code == 452)
            return REPLY_MAILBOX_FULL;
        if (reply->code == 421)
            return REPLY_RATE;
        if (!final)
            return REPLY_OTHER;
        return reply->code == 550 || reply->code == 551 || reply->code == 553 ? REPLY_UNKNOWN_USER : REPLY_POLICY;
    case 1:
        return final ? REPLY_UNKNOWN_USER : REPLY_OTHER;
    case 4: /* Microsoft's 5.4.1: no such recipient at that domain, which its words call a denied access */
        return final && reply->enhanced % 100 == 1 && phrase_has(reply->phrase, "recipient address rejected")
                   ? REPLY_UNKNOWN_USER
                   : REPLY_OTHER;
    case 6:
        return REPLY_CONTENT;
    case 7:
        if (final)
            return REPLY_POLICY;
        return reply->code == 421 || reply->enhanced % 100 == 0 || reply->enhanced % 100 == 99 ? REPLY_RATE
                                                                                               : REPLY_GREYLISTED;
    default:
        return final ? REPLY_POLICY : REPLY_OTHER;
    }
}

enum reply_reason reply_reason(const struct reply *reply)
{
    if (reply->code >= 200 && reply->code < 300)
        return REPLY_ACCEPTED;
    if (reply->code < 400 || reply->code > 599)
        return REPLY_UNANSWERED;
    unsigned subject = reply->enhanced / 100 % 100, detail = reply->enhanced % 100;
    enum reply_reason reason = by_codes(reply->code, subject, detail);
    if (reason != REPLY_UNANSWERED)
        return reason;
    reason = reply->phrase.length > 0 ? read_phrase(reply->phrase) : REPLY_UNANSWERED;
    if (reason == REPLY_UNKNOWN_USER && reply->code < 500 &&
        (subject > 1 || phrase_has(reply->phrase, "tempora") || phrase_has(reply->phrase, "try again") ||
         phrase_has(reply->phrase, "unavailable")))
        return REPLY_OTHER; /* it has not been able to ask */
    return reason != REPLY_UNANSWERED ? reason : by_likelihood(reply, subject);
}

const char *reply_reason_name(enum reply_reason reason)
{
    static const char *const names[] = {
        "unanswered",
        "accepted",
        "unknown user",
        "mailbox full",
        "greylisted",
        "rate",
        "listed or of ill repute",
        "sender refused",
        "content refused",
        "refused by policy",
        "other",
    };
    static_assert(sizeof names / sizeof names[0] == REPLY_REASONS, "every reason has a name");
    return (unsigned)reason < REPLY_REASONS ? names[reason] : "unknown";
}
