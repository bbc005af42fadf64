/* See facts.h. */
#include "collector/letter/facts.h"

#define ANYWHERE(value, name_)    [value] = {.name = (name_), .list = LIST_NONE}
#define IN(value, list_, name_)   [value] = {.name = (name_), .list = (list_)}
#define WORD(value, list_, name_) [value] = {.name = (name_), .list = (list_), .is_word = true}

const struct letter_value_row letter_values[VALUES] = {
    ANYWHERE(VALUE_CUSTOMER, "customer"),
    ANYWHERE(VALUE_DESK, "desk"),
    ANYWHERE(VALUE_REPLY, "reply"),
    ANYWHERE(VALUE_DATE, "date"),
    ANYWHERE(VALUE_NOTE, "note"),
    ANYWHERE(VALUE_REFERENCE, "reference"),
    ANYWHERE(VALUE_BLOCKED, "blocked"),
    ANYWHERE(VALUE_THROTTLED, "throttled"),
    ANYWHERE(VALUE_ACCOUNT, "account"),
    ANYWHERE(VALUE_USER, "user"),
    ANYWHERE(VALUE_MACHINE, "machine"),
    ANYWHERE(VALUE_SINCE, "since"),
    ANYWHERE(VALUE_UNTIL, "until"),
    ANYWHERE(VALUE_MORE_HELD, "more_held"),
    ANYWHERE(VALUE_MORE_COMPLAINTS, "more_complaints"),
    ANYWHERE(VALUE_MORE_LISTINGS, "more_listings"),
    IN(VALUE_HELD_WHO, LIST_HELD, "held.who"),
    IN(VALUE_HELD_SINCE, LIST_HELD, "held.since"),
    IN(VALUE_HELD_UNTIL, LIST_HELD, "held.until"),
    IN(VALUE_HELD_THROTTLED, LIST_HELD, "held.throttled"),
    WORD(VALUE_REASON_WHAT, LIST_REASON, "reason.what"),
    IN(VALUE_REASON_SEEN, LIST_REASON, "reason.seen"),
    IN(VALUE_COMPLAINT_DAY, LIST_COMPLAINT, "complaint.day"),
    WORD(VALUE_COMPLAINT_KIND, LIST_COMPLAINT, "complaint.kind"),
    IN(VALUE_COMPLAINT_ADDRESS, LIST_COMPLAINT, "complaint.address"),
    IN(VALUE_COMPLAINT_MESSAGE, LIST_COMPLAINT, "complaint.message"),
    IN(VALUE_LISTING_ADDRESS, LIST_LISTING, "listing.address"),
    IN(VALUE_LISTING_ZONE, LIST_LISTING, "listing.zone"),
    IN(VALUE_LISTING_SINCE, LIST_LISTING, "listing.since"),
    IN(VALUE_LISTING_LINK, LIST_LISTING, "listing.link"),
};

const char *letter_list_name(enum letter_list list)
{
    static const char *const names[LISTS] = {"", "held", "reason", "complaint", "listing"};
    return names[list];
}

/* --- words --- */

/* Several detectors are one thing to a customer. */
static const struct {
    const char *word, *detectors[5];
} seen[] = {
    {"amount", {"burst", "fanout"}},
    {"recipients", {"rejects", "dictionary"}},
    {"refused", {"opinion"}},
    {"senders", {"churn", "envelope"}},
    {"program", {"helo", "protocol", "tls"}},
    {"copies", {"bulk"}},
    {"logins", {"auth"}},
    {"bounces", {"backscatter"}},
    {"trap", {"trap"}},
    {"hiding", {"evasion"}},
    {"content", {"filter"}},
    {"listed", {"listed"}},
    {"complained", {"complaint"}},
    {"related", {"customer"}},
};
#define SEEN (sizeof seen / sizeof seen[0])

const char *const letter_words[] = {"amount",         "recipients", "refused", "senders", "program", "copies",
                                    "logins",         "bounces",    "trap",    "hiding",  "content", "listed",
                                    "complained",     "related",    "other",   "spam",    "fraud",   "virus",
                                    "authentication", "report",     NULL};

const char *letter_reason_word(struct text detector)
{
    for (size_t i = 0; i < SEEN; i++)
        for (size_t k = 0; k < sizeof seen[i].detectors / sizeof seen[i].detectors[0] && seen[i].detectors[k]; k++)
            if (text_equals(detector, text_of(seen[i].detectors[k])))
                return seen[i].word;
    return "other";
}

bool letter_reason_is_told(struct text detector)
{
    return !text_equals(detector, TEXT("trap")) && !text_equals(detector, TEXT("complaint"));
}

const char *letter_complaint_word(struct text type)
{
    static const struct {
        const char *type, *word;
    } types[] = {{"abuse", "spam"}, {"fraud", "fraud"}, {"virus", "virus"}, {"auth-failure", "authentication"}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (text_equals(type, text_of(types[i].type)))
            return types[i].word;
    return "report";
}
