/* What a letter to a customer may speak of: the names that a template uses, and what stands behind them in one letter.
 * A name in a template is checked against these lists when the template is read, so that none is mistyped silently. */
#ifndef COLLECTOR_LETTER_FACTS_H
#define COLLECTOR_LETTER_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include "common/text.h"

/* What a template goes through with @each. */
enum letter_list { LIST_NONE, LIST_HELD, LIST_REASON, LIST_COMPLAINT, LIST_LISTING, LISTS };

enum letter_value {
    VALUE_CUSTOMER, /* its name */
    VALUE_DESK,     /* who writes: the name in [mail] from */
    VALUE_REPLY,    /* the address to answer to */
    VALUE_DATE,     /* of the letter: "2026-11-26 14:30 UTC", as all times */
    VALUE_NOTE,     /* what a person has to add */
    VALUE_REFERENCE,
    /* Of what stands against it: "yes" or empty. */
    VALUE_BLOCKED,   /* mail is stopped */
    VALUE_THROTTLED, /* it is not, but slowed down */
    VALUE_ACCOUNT,   /* a mail account is among the senders */
    VALUE_USER,      /* a user of a machine, thus a program or a web site */
    VALUE_MACHINE,   /* a machine: an address, a port, a MAC */
    VALUE_SINCE,     /* when the first of the orders began, and the last ends */
    VALUE_UNTIL,
    VALUE_MORE_HELD, /* how many there are besides those in the list; empty: none */
    VALUE_MORE_COMPLAINTS,
    VALUE_MORE_LISTINGS,
    /* In @each held. */
    VALUE_HELD_WHO, /* "203.0.113.7 (tap7)" */
    VALUE_HELD_SINCE,
    VALUE_HELD_UNTIL,
    VALUE_HELD_THROTTLED, /* "yes": slowed down, not stopped */
    /* In @each reason. */
    VALUE_REASON_WHAT, /* a word */
    VALUE_REASON_SEEN, /* the detector's own sentence, English */
    /* In @each complaint. */
    VALUE_COMPLAINT_DAY,
    VALUE_COMPLAINT_KIND, /* a word */
    VALUE_COMPLAINT_ADDRESS,
    VALUE_COMPLAINT_MESSAGE, /* its Message-ID */
    /* In @each listing. */
    VALUE_LISTING_ADDRESS,
    VALUE_LISTING_ZONE,
    VALUE_LISTING_SINCE,
    VALUE_LISTING_LINK, /* how to get off */
    VALUES
};

struct letter_value_row {
    const char *name;      /* "held.who" */
    enum letter_list list; /* in whose @each it may stand; LIST_NONE: anywhere */
    bool is_word;          /* what a template says for it with @word stands in its place */
};
extern const struct letter_value_row letter_values[VALUES];
const char *letter_list_name(enum letter_list); /* "held" */

/* Words that a template has in its language, ended by NULL: what detectors see, what complaints are about. */
extern const char *const letter_words[];
/* The word for what that detector sees; "other" for one that is not known. */
const char *letter_reason_word(struct text detector);
/* Whether the customer may read its sentence: not where that names a trap or somebody who complained, for whoever
 * sends spam on purpose would take them off his list and go on. */
bool letter_reason_is_told(struct text detector);
/* The word for a complaint of that type ("abuse", "virus", ...). */
const char *letter_complaint_word(struct text type);

#define LETTER_COLUMNS 4 /* the most values that a row of a list has */
struct letter_row {
    struct text values[LETTER_COLUMNS]; /* in the order of enum letter_value */
};
/* All borrowed; strangers' texts as they came. */
struct letter_facts {
    struct text values[VALUES]; /* those that are of no list; empty: there is none */
    struct {
        const struct letter_row *rows;
        size_t count;
    } lists[LISTS];
};

#endif
