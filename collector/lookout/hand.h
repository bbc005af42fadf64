/* What the watch has in hand: names that lists are being asked about, and what of their answers is to be written. No
 * store, no descriptor. */
#ifndef COLLECTOR_LOOKOUT_HAND_H
#define COLLECTOR_LOOKOUT_HAND_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/blacklist/inquiry.h"
#include "collector/lookout/noting.h"
#include "collector/store/watched.h"

#define HAND_NAMES 16384
#define HAND_NOTES 4096

/* One name, from the moment that it was claimed until that is written which came of it. */
struct held {
    struct store_claim claim;
    struct subject subject;
    moment claimed;
    uint64_t rows[ZONES_MOST / 64]; /* zones of which something stands in the store */
    uint32_t clean, unknown, listed;
    bool is_used, is_over, is_urgent;
    bool confirms;   /* it was asked for again since something was doubted */
    bool is_doubted; /* something is to be confirmed: asked for anew, at once */
    bool is_lost;    /* an answer could not be kept: it is asked for again */
};

struct hand {
    struct held *names; /* HAND_NAMES */
    uint32_t *free;     /* places, the first `free_count` of them */
    uint32_t free_count;
    uint32_t *over; /* places of those of which all is told */
    uint32_t over_count;
    struct {
        uint32_t place;
        struct note note;
    } * notes;
    uint32_t note_count;
    uint64_t listed, clean, unknown; /* told, but for what was remembered */
};

int hand_create(struct hand **result, struct error *) MUST_CHECK;
void hand_destroy(struct hand **);

/* A place for one more; its number is the inquiry's tag. NULL: there is none. */
struct held *hand_take(struct hand *, const struct store_claim *, moment now);
uint32_t hand_place(const struct hand *, const struct held *);
void hand_drop(struct hand *, struct held *);
void hand_mark(struct held *, uint32_t zone); /* that something stands in the store */
/* All that could be is told of it. */
void hand_end(struct hand *, struct held *);

/* What a list says, as an inquiry tells it. */
void hand_told(struct hand *, const struct inquiry_result *);

#endif
