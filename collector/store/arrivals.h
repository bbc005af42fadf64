/* What comes to the abuse desk, from wherever: kept word for word before anybody looks at it, so that nothing is lost;
 * then read, by one collector at a time, into rows of complaints. All inside of a transaction of the caller's.
 *
 * It is known by its content: the same bytes again, from a mailbox that is read anew or after a power cut, are the same
 * arrival. */
#ifndef COLLECTOR_STORE_ARRIVALS_H
#define COLLECTOR_STORE_ARRIVALS_H

#include "collector/store/messages.h"
#include "collector/store/store.h"
#include "collector/store/tying.h"

#define STORE_COMPLAINT_ID    17  /* 16 hexadecimal digits and the end */
#define STORE_COMPLAINT_PLACE 256 /* how far a source was read */

/* The id of `content`. Where there are several complaints in one, that of `number`, from 1, by the arrival's id. */
void store_complaint_id(struct text content, uint32_t number, char result[STORE_COMPLAINT_ID]);

/* Kept until it was read. `source`: "http", "imap", ... 1: it is new; 0: it was here before. */
int store_arrival_keep(struct store *, const char *id, const char *source, moment now, enum store_packing,
                       struct text packed, struct error *) MUST_CHECK;
/* The oldest that nobody has in hand; it is ours until then. 1: there is one. */
int store_arrival_claim(struct store *, moment now, moment until, char id[STORE_COMPLAINT_ID],
                        struct error *) MUST_CHECK;
/* It could not be read, which may be another's fault: it can be claimed again then. 0: that was its last try. */
int store_arrival_later(struct store *, const char *id, moment until, struct error *) MUST_CHECK;
/* Whether there is one to claim. */
int store_arrival_waits(struct store *, moment now, struct error *) MUST_CHECK;
/* 1: there is such a complaint, and `each` was shown the arrival's id and content. */
int store_complaint_content(struct store *, const char *id,
                            void (*each)(void *, const char *arrival, enum store_packing, struct text), void *context,
                            struct error *) MUST_CHECK;

struct store_complaint {
    const char *id;      /* of this one */
    const char *arrival; /* of what it came in; the same, for the first */
    moment time;         /* of what is complained of; 0: not known */
    const char *format, *type, *reporter, *address, *message_id, *subject, *recipient, *state, *note;
    struct text fields;   /* a JSON object of all that was read */
    const char *likeness; /* what tells the same has the same; empty: nothing is like it */
    const struct store_tie *tie;
    uint32_t incidents;
};
/* What was read of an arrival: its own row is filled in, those beside it are added. What is like an earlier one is a
 * "double", and counted there. 1: done; 2: done, it is a double; 0: it is no longer claimed, or was read before. The
 * first comes last. */
int store_arrival_read(struct store *, const struct store_complaint *, struct error *) MUST_CHECK;

/* How far a source was read; empty: never. */
int store_source_place(struct store *, const char *source, char result[STORE_COMPLAINT_PLACE],
                       struct error *) MUST_CHECK;
/* `trouble`: a sentence, an alert is raised of it; empty: there is none, and it is over; NULL: as it was. `place` NULL:
 * as it was. */
int store_source_note(struct store *, const char *source, const char *place, const char *trouble, moment now,
                      struct error *) MUST_CHECK;

#endif
