/* Orders on mail accounts, and on the customers whose accounts they are. The kernel cannot tell a mail server's
 * accounts apart, so these are carried out where the mail server asks whether it may take a message: this says yes or
 * no, and counts. Bounded; no descriptor, no clock. */
#ifndef AGENT_COURIER_ACCOUNTS_H
#define AGENT_COURIER_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/courier/policy_request.h"
#include "common/words/customers.h"
#include "common/words/order.h"

#define ACCOUNTS_MOST   16384 /* the one that was heard of longest ago gives way */
#define ACCOUNTS_ACTION 240

struct account {
    struct order order; /* the latest; its deed RELEASE: nothing is ordered any more, the counts are of before */
    moment since;       /* when the first order of this row came */
    moment asked_last;  /* 0: no mail server has asked */
    uint64_t asked;     /* questions about it while an order stood */
    uint64_t refused, deferred; /* messages; several questions about one are counted once */
    /* of a throttled one: messages let through in this minute, and the message that was asked about last */
    int64_t minute;
    uint32_t passed, instance;
    uint8_t answered; /* enum account_answer for that message */
    uint8_t reserved[7];
};

enum account_answer { ACCOUNT_PASSES, ACCOUNT_DEFERRED, ACCOUNT_REFUSED };

struct accounts_counters {
    uint64_t asked, refused, deferred; /* asked: all questions, also about accounts that nothing is held against */
    moment asked_last;                 /* 0: no mail server has asked */
};

struct accounts;
int accounts_create(uint32_t most, struct accounts **result, struct error *) MUST_CHECK;
void accounts_destroy(struct accounts **);

/* Whose accounts they are, borrowed until the next; NULL: nobody is known. */
void accounts_customers(struct accounts *, const struct customers *);
/* An order that the warden has checked; it takes the place of an earlier one on that account or customer. */
void accounts_order(struct accounts *, const struct order *, moment now);
void accounts_enforce(struct accounts *, bool on); /* off, as at the beginning: everybody passes */

/* The answer to a mail server: `action` is what stands behind "action=", one line of plain characters. */
enum account_answer accounts_answer(struct accounts *, const struct policy_request *, moment now,
                                    char action[ACCOUNTS_ACTION]);

/* NULL: nothing was ever ordered about it, or it was forgotten. Borrowed until the next order. */
const struct account *accounts_find(struct accounts *, const struct sender *);
struct accounts_counters accounts_counters(const struct accounts *);

#endif
