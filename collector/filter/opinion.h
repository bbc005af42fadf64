/* An opinion: what one content filter says of one message. Every filter's answer becomes one, whatever it speaks. */
#ifndef COLLECTOR_FILTER_OPINION_H
#define COLLECTOR_FILTER_OPINION_H

#include <stdbool.h>
#include <stdint.h>
#include "common/text.h"

#define OPINION_ACTION_MOST  64
#define OPINION_SYMBOLS_MOST 1024
#define OPINION_SCORE_MOST   1000000 /* hundredths; what a filter says beyond is cut to it */

struct opinion {
    int32_t score, threshold;           /* hundredths; spam from the threshold on; threshold 0: it has no verdict */
    bool certain;                       /* no matter of opinion: a virus, a test pattern */
    bool virus;                         /* ... and it is a virus */
    char action[OPINION_ACTION_MOST];   /* the filter's own word: "add header", "reject", "FOUND"; printable */
    char symbols[OPINION_SYMBOLS_MOST]; /* why, names separated by spaces, weightiest first; printable */
};

/* Spam to this filter: by its threshold, or for certain. */
bool opinion_is_spam(const struct opinion *);
/* It names a verdict at all. */
bool opinion_is_one(const struct opinion *);
/* Cut to whole symbols, what is not printable as "?"; so of `action`. */
void opinion_set_action(struct opinion *, struct text);
void opinion_add_symbol(struct opinion *, struct text);
/* From "5.3", "-0.25", "+7": hundredths, cut to OPINION_SCORE_MOST. False: no number. Locale does not matter. */
bool opinion_parse_score(struct text, int32_t *result);

#endif
