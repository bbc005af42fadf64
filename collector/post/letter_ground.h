/* What stands against a customer, gathered from the store: the ground of a letter. Bounded; copied, so that it outlives
 * the rows it was read from. */
#ifndef COLLECTOR_POST_LETTER_GROUND_H
#define COLLECTOR_POST_LETTER_GROUND_H

#include "collector/letter/facts.h"
#include "collector/store/store.h"

#define GROUND_HELD       20
#define GROUND_REASONS    8
#define GROUND_COMPLAINTS 10
#define GROUND_LISTINGS   10
#define GROUND_ASKED      8 /* senders whose verdicts are read */
#define GROUND_TIME       24
#define GROUND_TEXT       301

struct zones;
struct letter_ground {
    bool blocked, throttled, account, user, machine;
    moment since, until;
    uint32_t held_count, complaint_count, listing_count; /* all there are */
    uint32_t held_kept, reason_kept, complaint_kept, listing_kept;
    struct {
        char who[GROUND_TEXT], since[GROUND_TIME], until[GROUND_TIME];
        bool throttled;
    } held[GROUND_HELD];
    struct {
        const char *word;
        char seen[GROUND_TEXT];
        double points;
    } reasons[GROUND_REASONS];
    struct {
        char day[GROUND_TIME], address[GROUND_TEXT], message[GROUND_TEXT];
        const char *word;
    } complaints[GROUND_COMPLAINTS];
    struct {
        char address[GROUND_TEXT], zone[GROUND_TEXT], since[GROUND_TIME], link[GROUND_TEXT];
    } listings[GROUND_LISTINGS];
    struct {
        int64_t node;
        char sender[GROUND_TEXT];
    } asked[GROUND_ASKED];
    uint32_t asked_kept;
    const struct zones *zones;
    /* What a template is given: rows that point into the above. */
    struct letter_row rows[LISTS][GROUND_HELD];
    char more[3][16], first[GROUND_TIME], last[GROUND_TIME];
};

/* To be freed by free(). `zones` may be NULL. */
int letter_ground_find(struct store *, const char *customer, const struct zones *zones, moment now,
                       struct letter_ground **result, struct error *) MUST_CHECK;
/* "block", "throttle", "complaint", "listing", "verdict": what weighs most; NULL: there is nothing. */
const char *letter_ground_cause(const struct letter_ground *);
/* Fills what it knows; `facts` points into it from then on. */
void letter_ground_tell(struct letter_ground *, struct letter_facts *facts);
/* "2026-11-26 14:30 UTC". */
void letter_time(moment, char result[GROUND_TIME]);

#endif
