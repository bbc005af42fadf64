/* When and how filters are taught: [learning], and what of it needs neither clock nor filter. */
#ifndef COLLECTOR_SORTER_LEARNING_H
#define COLLECTOR_SORTER_LEARNING_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/store/lessons.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/option.h"
#include "common/text.h"

struct learning_settings {
    char hours[OPTION_TEXT_SIZE]; /* "any", "1-5", "22-6": of the day, by local time */
    uint32_t rate;                /* lessons a second that each filter is given; 0: as fast as it takes them */
    uint32_t held_back;           /* one message in so many is not taught; 0: none */
    duration keep;                /* how long the content of lessons is kept, for who takes them back */
};
struct option_binding learning_bind(struct learning_settings *);

/* Whether lessons are given at this moment of local time. */
bool learning_is_time(const char *hours, moment local);
/* Whether this message is held back: one in so many, always the same ones. */
bool learning_is_held_back(const char *digest, uint32_t one_in);
/* What statistics alone say, as the symbols of rspamd and SpamAssassin tell it. */
enum store_bayes learning_bayes(struct text symbols);
/* When a lesson that did not go well for the `tries`th time is tried again: after so long. */
duration learning_pause(int64_t tries);

#endif
