/* Pairing: what a mail server of this machine wrote down and what was seen of it on the wire are one message, not two.
 *
 * The log knows who handed the mail in, the packets do not; so where both tell of a delivery, the log's word is judged
 * and the packets' is dropped. Packets come first and wait here for the log, a few seconds at most; what the log does
 * not speak of by then is judged as if there were no log. One line of the log takes one recipient off the wire, once:
 * whoever sends past the mail server gains nothing by sending the same through it. See docs/architecture.md.
 *
 * Memory is fixed. Where it is full, what waited longest is judged early. */
#ifndef AGENT_JUDGE_PAIRING_H
#define AGENT_JUDGE_PAIRING_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/siphash.h"
#include "common/words/observation.h"

#define PAIRING_PATIENCE (5 * SECOND)  /* behind the end of a transaction; syslog and tailing take less than one */
#define PAIRING_LONGEST  (15 * MINUTE) /* a transaction on the wire that does not end */
#define PAIRING_EARLY    (2 * SECOND)  /* so long before the packets the log may speak: many stamps are whole seconds */

struct pairing_settings {
    struct siphash_key key;
    /* Wait also for a log that has not spoken of anything for long. False: after PAIRING_DOUBTED transactions in a row
     * of which the log knows nothing, with a minute of silence behind them, nothing waits until it speaks again. */
    bool always;
    void *context;
    void (*observe)(void *context, const struct observation *); /* what is to be judged, texts borrowed for the call */
    /* Whose the content is that was kept (struct observation's `sample`) of a message which the log speaks of, and
     * which is not observed any more. NULL: none is kept. */
    void (*sampled)(void *context, uint32_t sample, const struct origin *);
};
#define PAIRING_DOUBTED 64

struct pairing_counters {
    uint64_t paired;  /* recipients and logins that both told of */
    uint64_t alone;   /* transactions and logins that waited, and of which the log did not know all */
    uint64_t crowded; /* of these, judged early for want of room */
    uint64_t waiting; /* observations, now */
};

struct pairing;
struct pairing *pairing_create(const struct pairing_settings *, struct error *);
void pairing_destroy(struct pairing **); /* what waits is not observed any more */

/* From packets, and only of those who may be a mail server of this machine or talk to it: never of a guest's port, nor
 * of a user who is known. From the log: only what will be judged. The log's are observed before it returns. */
void pairing_hear_packets(struct pairing *, const struct observation *);
void pairing_hear_log(struct pairing *, const struct observation *);
/* It is `now`, by the clock of the packets: what has waited long enough goes on. */
void pairing_tick(struct pairing *, moment now);
void pairing_finish(struct pairing *); /* all that waits goes on */
struct pairing_counters pairing_counters(const struct pairing *);

#endif
