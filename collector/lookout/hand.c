/* See hand.h. */
#include "collector/lookout/hand.h"

#include <errno.h>
#include <stdlib.h>
#include "common/cleanup.h"

int hand_create(struct hand **result, struct error *error)
{
    CLEANUP(hand_destroy) struct hand *hand = calloc(1, sizeof *hand);
    if (hand == NULL)
        return error_set(error, ENOMEM, "no memory for names");
    hand->names = calloc(HAND_NAMES, sizeof *hand->names);
    hand->free = calloc(HAND_NAMES, sizeof *hand->free);
    hand->over = calloc(HAND_NAMES, sizeof *hand->over);
    hand->notes = calloc(HAND_NOTES, sizeof *hand->notes);
    if (hand->names == NULL || hand->free == NULL || hand->over == NULL || hand->notes == NULL)
        return error_set(error, ENOMEM, "no memory for names");
    while (hand->free_count < HAND_NAMES) {
        hand->free[hand->free_count] = HAND_NAMES - 1 - hand->free_count;
        hand->free_count++;
    }
    *result = TAKE(hand);
    return 0;
}

void hand_destroy(struct hand **handle)
{
    struct hand *hand = *handle;
    if (hand == NULL)
        return;
    free(hand->names);
    free(hand->free);
    free(hand->over);
    free(hand->notes);
    free(hand);
    *handle = NULL;
}

struct held *hand_take(struct hand *hand, const struct store_claim *claim, moment now)
{
    struct subject subject;
    if (hand->free_count == 0 || !subject_parse(text_of(claim->name), &subject))
        return NULL;
    struct held *held = &hand->names[hand->free[--hand->free_count]];
    *held = (struct held){.claim = *claim, .subject = subject, .claimed = now, .is_used = true};
    return held;
}

uint32_t hand_place(const struct hand *hand, const struct held *held)
{
    return (uint32_t)(held - hand->names);
}

void hand_drop(struct hand *hand, struct held *held)
{
    held->is_used = false;
    hand->free[hand->free_count++] = hand_place(hand, held);
}

void hand_mark(struct held *held, uint32_t zone)
{
    held->rows[zone / 64] |= UINT64_C(1) << (zone % 64);
}

void hand_end(struct hand *hand, struct held *held)
{
    if (!held->is_over)
        hand->over[hand->over_count++] = hand_place(hand, held);
    held->is_over = true;
}

/* What is remembered was mostly written when it was new. */
static void keep_note(struct hand *hand, struct held *held, const struct inquiry_result *result)
{
    bool is_known = held->rows[result->zone_index / 64] >> (result->zone_index % 64) & 1;
    bool is_news = result->answer->state == ANSWER_LISTED || (result->answer->state == ANSWER_CLEAN && is_known);
    if (!is_news || (!result->fresh && is_known))
        return;
    if (hand->note_count == HAND_NOTES) {
        held->is_lost = true;
        return;
    }
    hand->notes[hand->note_count].place = hand_place(hand, held);
    struct note *note = &hand->notes[hand->note_count++].note;
    *note = note_of(result->subject, result->zone, result->answer);
    note->is_remembered = !result->fresh;
}

void hand_told(struct hand *hand, const struct inquiry_result *result)
{
    struct held *held = &hand->names[result->tag];
    uint64_t *total = result->answer->state == ANSWER_LISTED  ? &hand->listed
                      : result->answer->state == ANSWER_CLEAN ? &hand->clean
                                                              : &hand->unknown;
    if (result->tag >= HAND_NAMES || !held->is_used || held->is_over)
        return;
    *total += result->fresh;
    held->listed += result->answer->state == ANSWER_LISTED;
    held->clean += result->answer->state == ANSWER_CLEAN;
    held->unknown += result->answer->state == ANSWER_UNKNOWN;
    keep_note(hand, held, result);
    if (result->last)
        hand_end(hand, held);
}
