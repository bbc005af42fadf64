/* What filters are taught, and what that does: the store's part. A message is known by its digest: the BLAKE2b-256 of
 * its content with line ends made equal and empty lines at the end left out (content.h), so that one that came from the
 * wire and from a mailbox is the same.
 *
 * Whoever works off what is due claims it first, by moving `due` on: of two collectors one gets it, and what a dead one
 * had in hand is due again. All functions run inside of a transaction of the caller's (store.h). */
#ifndef COLLECTOR_STORE_LESSONS_H
#define COLLECTOR_STORE_LESSONS_H

#include "collector/store/messages.h"

#define STORE_DIGEST 65 /* hexadecimal digits, with their end */
#define STORE_FILTER 33 /* bytes of a filter's name, with its end */

enum store_taught { TAUGHT_NOTHING = -1, TAUGHT_SPAM, TAUGHT_HAM, TAUGHT_FORGET };

/* --- asking for lessons --- */

struct store_lesson_wish {
    const char *digest, *filter;
    const char *name; /* of the message in the quarantine; empty: its content comes by store_lesson_keep() */
    enum store_taught lesson;
    const char *person;
    moment now, due;
    bool held_back; /* it is not to be taught, where it has not been already */
};
enum store_wished {
    WISHED_KNOWN,
    WISHED_NEW,
    WISHED_OTHERWISE /* it was taught, or was to be, something else */,
    WISHED_HELD_BACK
};
/* One of enum store_wished, or negative. To forget what nobody taught is known. */
int store_lesson_wish(struct store *, const struct store_lesson_wish *, struct error *) MUST_CHECK;
/* Content, packed under its digest. Kept already: nothing happens, but that it is kept from now on. */
int store_lesson_keep(struct store *, const char *digest, moment now, enum store_packing, struct text,
                      struct error *) MUST_CHECK;
/* 1: found. */
int store_lesson_content(struct store *, const char *digest, void (*each)(void *, enum store_packing, struct text),
                         void *context, struct error *) MUST_CHECK;
/* What was asked for of this message, by digest or by name, is to be forgotten. How many filters that concerns. */
int store_lesson_undo(struct store *, const char *which, const char *person, moment now, moment due,
                      struct error *) MUST_CHECK;
/* The same of all that was asked for since then. */
int store_lesson_undo_since(struct store *, moment since, const char *person, moment now, moment due,
                            struct error *) MUST_CHECK;

/* --- working them off --- */

struct store_lesson_due {
    char digest[STORE_DIGEST], name[STORE_MESSAGE_NAME];
    enum store_taught lesson, taught;
    moment asked, due;
    int64_t tries;
};
/* What this filter is to be taught now, the longest due first. How many, up to `most`. */
int store_lessons_due(struct store *, const char *filter, moment now, uint32_t most, struct store_lesson_due *result,
                      struct error *) MUST_CHECK;
/* 1: it is the caller's until then; 0: another has it. */
int store_lesson_claim(struct store *, const char *filter, const struct store_lesson_due *, moment until,
                       struct error *) MUST_CHECK;
/* The filter has it. Where something else was asked for meanwhile that is due at once. */
int store_lesson_done(struct store *, const char *filter, const struct store_lesson_due *, moment now,
                      struct error *) MUST_CHECK;
/* It has not: again at `due`; 0: never. */
int store_lesson_failed(struct store *, const char *filter, const struct store_lesson_due *, const char *trouble,
                        moment due, struct error *) MUST_CHECK;

/* It was not tried, or the filter is away: again at `due`, as if nothing had been. */
int store_lesson_put_back(struct store *, const char *filter, const struct store_lesson_due *, const char *trouble,
                          moment due, struct error *) MUST_CHECK;
/* Where nobody else writes to the store, what is claimed of this filter's when the collector starts is nobody's. */
int store_lessons_unclaim(struct store *, const char *filter, moment now, struct error *) MUST_CHECK;

/* --- what is held back --- */

enum store_bayes { BAYES_SILENT, BAYES_SAYS_SPAM, BAYES_SAYS_HAM, BAYES_WORDS };
struct store_held_back {
    char digest[STORE_DIGEST], name[STORE_MESSAGE_NAME];
    enum store_taught lesson;
    moment due, before; /* before: when the filter was asked first; 0: not yet */
    int64_t tries;
};
struct store_held_opinion {
    bool is_spam;
    int64_t score; /* hundredths of the threshold */
    enum store_bayes bayes;
};
int store_held_due(struct store *, const char *filter, moment now, uint32_t most, struct store_held_back *result,
                   struct error *) MUST_CHECK;
int store_held_claim(struct store *, const char *filter, const struct store_held_back *, moment until,
                     struct error *) MUST_CHECK;
/* `due` 0: until the next lessons. */
int store_held_asked(struct store *, const char *filter, const struct store_held_back *,
                     const struct store_held_opinion *, moment now, struct error *) MUST_CHECK;
int store_held_failed(struct store *, const char *filter, const struct store_held_back *, moment due,
                      struct error *) MUST_CHECK;
int store_held_put_back(struct store *, const char *filter, const struct store_held_back *, moment due,
                        struct error *) MUST_CHECK;
/* Those that were asked before the filter's latest lesson are due at `now`, the newest `most` of them. How many. */
int store_held_again(struct store *, const char *filter, moment now, uint32_t most, struct error *) MUST_CHECK;

/* --- what people ask --- */

struct store_learned {
    struct text filter;
    int64_t spam, ham, forgotten; /* what it was last told, by messages */
    int64_t waiting, given_up;
    moment latest;       /* lesson that it was given */
    struct text trouble; /* of the latest that did not go well and waits, or was given up; empty: none */
};
int store_learned(struct store *, void (*each)(void *, const struct store_learned *), void *context,
                  struct error *) MUST_CHECK;
/* What filters were taught of one message, by its name or digest. */
struct store_lesson {
    struct text filter, person, trouble;
    enum store_taught lesson, taught;
    moment asked, done, due;
    bool held_back;
};
int store_lessons_of(struct store *, const char *which, void (*each)(void *, const struct store_lesson *),
                     void *context, struct error *) MUST_CHECK;
struct store_shown {
    struct text filter;
    enum store_taught lesson;
    int64_t count, before, after; /* held back; asked before lessons, and after */
    struct {
        int64_t spam, score;           /* called spam; the sum of scores, in hundredths of thresholds */
        int64_t bayes_spam, bayes_ham; /* by statistics alone */
    } then, now;                       /* what the filter said first, and last */
};
/* One row a filter and lesson, of those that were asked after lessons as well as before. */
int store_shown(struct store *, void (*each)(void *, const struct store_shown *), void *context,
                struct error *) MUST_CHECK;

/* Content that was kept before `contents`, if nothing is due of it, and lessons that were asked for before `lessons`
 * and are done, go: a bounded number. 1: there is more. */
int store_lessons_tidy(struct store *, moment contents, moment lessons, struct error *) MUST_CHECK;

#endif
