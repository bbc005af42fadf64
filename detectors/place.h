/* Places: recipient domains and servers, and how often each has refused. One place has a bounded say: what a single
 * server or domain refuses again and again is one fact, whose further repetition proves little. The first refusal
 * counts in full, the second by half, the third by a quarter, further ones not at all; each day halves their number.
 *
 * Eight places are remembered. Where another is needed, it takes that of the one with the least to say. What remains of
 * a place that was forgotten so is that its next refusal is its first: an abuser that goes round gains nothing by it.
 */
#ifndef DETECTORS_PLACE_H
#define DETECTORS_PLACE_H

#include <stdint.h>

#define PLACES         8
#define PLACE_FULL_SAY 3 /* refusals of one place that count */

struct place {
    uint32_t hash;  /* 0: free */
    uint16_t noted; /* in this hour, where it was kept out of the test */
    uint8_t refusals, reserved;
};
struct places {
    struct place list[PLACES];
    uint32_t next; /* where to look first for one that gives way */
};

/* An hour or more is over: what was noted is forgotten, and refusals halve with each of the whole days. */
void places_age(struct places *, uint32_t days);

/* How often the place had refused before, up to 255; it has done so once more. Hashes as recent_hash() gives them. */
uint8_t places_refuse(struct places *, uint32_t hash);

/* The same without a further refusal; nothing changes. */
uint8_t places_refusals(const struct places *, uint32_t hash);

/* One more was refused there that does not count otherwise; how many that makes in this hour, up to 65,535. */
uint16_t places_note(struct places *, uint32_t hash);

#endif
