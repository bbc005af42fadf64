/* An opinion: what one content filter says of one message. Every filter's answer becomes one, whatever it speaks. */
#ifndef COLLECTOR_FILTER_OPINION_H
#define COLLECTOR_FILTER_OPINION_H

#include <stdbool.h>
#include <stdint.h>
#include "common/text.h"

#define OPINION_ACTION_MOST  64
#define OPINION_SYMBOLS_MOST 1024
#define OPINION_SYMBOL_MOST  128     /* of one; a longer one is cut */
#define OPINION_SCORE_MOST   1000000 /* hundredths; what a filter says beyond is cut to it */

struct opinion {
    int32_t score, threshold;           /* hundredths; spam from the threshold on; threshold 0: it has no verdict */
    bool certain;                       /* no matter of opinion: a virus, a test pattern */
    bool virus;                         /* ... and it is a virus */
    char action[OPINION_ACTION_MOST];   /* the filter's own word: "add header", "reject", "FOUND"; printable */
    char symbols[OPINION_SYMBOLS_MOST]; /* why, names separated by spaces; where it tells weights, the weightiest first
                                         */
};

/* Spam to this filter: by its threshold, or for certain. */
bool opinion_is_spam(const struct opinion *);
/* It names a verdict at all. */
bool opinion_is_one(const struct opinion *);
/* Its score and what it says itself, which stands: where a rule of its own has the last word over its score, the score
 * is moved to the threshold, or just below it. A threshold of 0 or less becomes the smallest. */
void opinion_set_verdict(struct opinion *, int32_t score, int32_t threshold, bool is_spam);
/* Both are made printable ("?"); symbols are left out where there is no more room, a space within one becomes "_". */
void opinion_set_action(struct opinion *, struct text);
void opinion_add_symbol(struct opinion *, struct text);
/* From "5.3", "-0.25", "+7": hundredths, cut to OPINION_SCORE_MOST. False: no number. Locale does not matter. */
bool opinion_parse_score(struct text, int32_t *result);

#endif
