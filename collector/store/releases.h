/* What people released from the quarantine: the store's part. A message is released once. What was being sent when the
 * collector died may have arrived or not: it is not sent again, and people are told so. */
#ifndef COLLECTOR_STORE_RELEASES_H
#define COLLECTOR_STORE_RELEASES_H

#include "collector/store/messages.h"

enum store_release_state {
    RELEASE_WAITING,
    RELEASE_SENDING,
    RELEASE_SENT,
    RELEASE_FAILED,
    RELEASE_IN_DOUBT,
    RELEASE_STATES
};
const char *store_release_name(enum store_release_state); /* "waiting", "sending", "sent", "failed", "in doubt" */

struct store_release {
    char name[STORE_MESSAGE_NAME];
    struct text person, answer; /* answer: what the relay said last, or what went wrong */
    enum store_release_state state;
    moment asked, due, done;
    int64_t tries;
};
/* 1: it is to be sent; 0: it was released before, and was sent, or is about to be. One that failed is tried anew; one
 * that is in doubt only with `again`. */
int store_release_add(struct store *, const char *name, const char *person, bool again, moment now,
                      struct error *) MUST_CHECK;
/* 1: found. */
int store_release_find(struct store *, const char *name, void (*each)(void *, const struct store_release *), void *,
                       struct error *) MUST_CHECK;
/* Where nobody else writes to the store, what was being sent when the collector starts is in doubt. */
int store_releases_unclaim(struct store *, moment now, struct error *) MUST_CHECK;
/* 1: there is something for store_release_claim(). It changes nothing. */
int store_release_wanted(struct store *, moment now, struct error *) MUST_CHECK;
/* 1: `name` is the caller's to send, up to `until`; 0: there is none to send now. What others claimed and did not end
 * in time is in doubt from now on. */
int store_release_claim(struct store *, moment now, moment until, char name[STORE_MESSAGE_NAME], int64_t *tries,
                        struct error *) MUST_CHECK;
/* `due`: when it is tried again, where it waits. */
int store_release_ended(struct store *, const char *name, enum store_release_state, const char *answer, moment now,
                        moment due, struct error *) MUST_CHECK;
int store_releases_tidy(struct store *, moment before, struct error *) MUST_CHECK;

#endif
