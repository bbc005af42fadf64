/* What goes out to people: mail, requests, lines, programs' input. Made whole in the transaction of its cause,
 * delivered later by whichever collector claims it. All inside of a transaction of the caller's.
 *
 * It is known by its id, which its maker derives from what it is about: made again it is the same sending, and goes out
 * once. */
#ifndef COLLECTOR_STORE_SENDINGS_H
#define COLLECTOR_STORE_SENDINGS_H

#include "collector/store/store.h"

#define STORE_SENDING_ID      33 /* 32 hexadecimal digits and the end */
#define STORE_SENDING_CHANNEL 64
#define STORE_SENDING_MOST    ((size_t)16 * 1024 * 1024) /* bytes of one */
#define STORE_SENDING_MAIL                                                                                             \
    "mail" /* the channel of mail that is of no section: letters, complaints; [mail] sends it                          \
            */

struct store_sending {
    const char *id, *channel; /* a section [alert NAME], or STORE_SENDING_MAIL */
    const char *purpose;      /* "alert", "letter", "report", "complaint", "test" */
    struct text recipients;   /* of mail: addresses without names, a space between two; else empty */
    struct text subject;      /* for people who look at the list */
    struct text customer;     /* whom it is about; empty: nobody, or several */
    struct text bytes;        /* a whole message in RFC 5322's form, or a request's body, or what a program reads */
};

/* The id of the sending that says `what` by that channel: the same for the same three. */
void store_sending_id(const char *purpose, const char *channel, struct text what, char result[STORE_SENDING_ID]);
/* It goes out at `due`, or as soon as it can. 1: it is new; 0: it was made before, and nothing is changed. -EMSGSIZE:
 * it is too long. */
int store_sending_make(struct store *, const struct store_sending *, moment due, moment now, struct error *) MUST_CHECK;

/* --- delivering --- */

/* Waiting: to be sent, now or again. Handed: all of it is on its way to somebody who has not said yet that he has it;
 * who dies then leaves it in doubt, and it is not sent again by itself. */
enum store_sending_state {
    SENDING_WAITING,
    SENDING_HANDED,
    SENDING_SENT,
    SENDING_FAILED,
    SENDING_IN_DOUBT,
    SENDING_STATES
};
const char *store_sending_state_name(enum store_sending_state); /* "waiting", "handed", "sent", "failed", "in doubt" */

struct store_sending_row {
    struct text id, channel, purpose, recipients, subject, customer, trouble, bytes; /* bytes: of a claimed one alone */
    enum store_sending_state state;
    moment made, due, done; /* due: when it is tried, 0: not any more */
    int64_t tries;          /* how often it was begun */
};

/* 1: there is something for store_sending_claim(). It changes nothing. */
int store_sending_wanted(struct store *, const char *channel, moment now, struct error *) MUST_CHECK;
/* What others handed over by that channel and did not end in time is in doubt from now on. How many. */
int store_sendings_doubt(struct store *, const char *channel, moment now, struct error *) MUST_CHECK;
/* The one of that channel that has waited longest is `holder`'s until then. 1: there is one, and `each` was shown it
 * (what it copies counts only where this is returned); 0: none. */
int store_sending_claim(struct store *, const char *channel, int64_t holder, moment now, moment until,
                        void (*each)(void *, const struct store_sending_row *), void *context,
                        struct error *) MUST_CHECK;
/* From here on it may arrive; it stays the holder's until then. 1: done; 0: it is not the holder's any more, and must
 * not be sent. */
int store_sending_handed(struct store *, const char *id, int64_t holder, moment until, struct error *) MUST_CHECK;
/* What came of it. `due`: when it is tried again, where it waits. `trouble`: a sentence; empty: none. 1: written; 0: it
 * is not the holder's any more. */
int store_sending_ended(struct store *, const char *id, int64_t holder, enum store_sending_state, const char *trouble,
                        moment now, moment due, struct error *) MUST_CHECK;
/* Of mail that others got already: a sending of its own for the recipients who are asked again then. */
int store_sending_split(struct store *, const char *id, struct text recipients, moment due, struct error *) MUST_CHECK;
/* Where nobody else writes to the store, what was claimed when the collector starts is nobody's: it is sent again, or
 * in doubt where it was handed over. */
int store_sendings_unclaim(struct store *, const char *channel, moment now, struct error *) MUST_CHECK;
/* How many failed for good since then by that channel, or are in doubt. */
int store_sendings_lost(struct store *, const char *channel, moment since, int64_t *result, struct error *) MUST_CHECK;
/* Which channels have something that was due before then; what each of them has is failed by store_sendings_abandon(),
 * for who finds that nobody delivers by it any more. */
int store_sendings_overdue(struct store *, moment before, void (*each)(void *, struct text channel), void *context,
                           struct error *) MUST_CHECK;
int store_sendings_abandon(struct store *, const char *channel, moment before, moment now, struct error *) MUST_CHECK;
/* A person wants one that failed or is in doubt sent again, and tried as long as one that was made then. 1: it is; 0:
 * there is none such. */
int store_sending_again(struct store *, const char *id, moment now, struct error *) MUST_CHECK;

/* --- looking --- */

struct store_sending_query {
    const char *id, *channel, *purpose, *customer, *state; /* NULL: any */
    moment since;                                          /* made then or later; 0: any */
    uint32_t most;
};
/* The newest first, without their bytes. How many. */
int store_sendings(struct store *, const struct store_sending_query *,
                   void (*each)(void *, const struct store_sending_row *), void *context, struct error *) MUST_CHECK;
/* How many are in each state; when the oldest was made that still waits (0: none does). */
int store_sendings_count(struct store *, int64_t counts[SENDING_STATES], moment *oldest, struct error *) MUST_CHECK;
/* Those made before then that are done with go. A bounded amount; how many. */
int store_sendings_tidy(struct store *, moment before, struct error *) MUST_CHECK;

#endif
