/* See standings.h. */
#include "agent/relay/standings.h"

#include "agent/relay/mark.h"

#define SWEEP 600 /* seconds for the whole table */

int standings_create(struct standings *standings, uint32_t most, const struct siphash_key *key, struct error *error)
{
    standings->key = *key;
    return places_create(&standings->places, most, sizeof(struct relay_standing), key, error);
}

void standings_clear(struct standings *standings)
{
    places_clear(&standings->places);
}

/* Rounded up: a block ends not a moment early. */
static uint32_t seconds_of(moment time)
{
    moment seconds = time / SECOND + (time % SECOND > 0);
    return seconds < 0 ? 0 : seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

static bool is_over(const void *now, const void *value)
{
    const struct relay_standing *standing = value;
    return (moment)standing->until * SECOND <= *(const moment *)now;
}

void standings_put(struct standings *standings, const struct sender *sender, enum deed deed, uint32_t rate,
                   moment until, int64_t number, moment now)
{
    uint64_t mark = mark_sender(&standings->key, MARK_SENDER, sender);
    bool added;
    if (deed == DEED_RELEASE || until <= now) {
        struct relay_standing *there = places_find(&standings->places, mark);
        if (there)
            table_remove(standings->places.table, there);
        return;
    }
    struct relay_standing *standing = places_add(&standings->places, mark, &added);
    *standing =
        (struct relay_standing){.number = number, .until = seconds_of(until), .rate = rate, .deed = (uint8_t)deed};
}

void standings_note_policys(struct standings *standings, const struct sender *sender)
{
    struct relay_standing *standing =
        places_find(&standings->places, mark_sender(&standings->key, MARK_SENDER, sender));
    if (standing)
        standing->policys = 1;
}

bool standings_find(struct standings *standings, const struct sender *sender, moment now, struct relay_standing *result)
{
    if (table_count(standings->places.table) == 0)
        return false;
    const struct relay_standing *standing =
        places_find(&standings->places, mark_sender(&standings->key, MARK_SENDER, sender));
    if (!standing || is_over(&now, standing))
        return false;
    *result = *standing;
    return true;
}

void standings_tick(struct standings *standings, moment now)
{
    places_sweep(&standings->places, standings->places.most / SWEEP + 1, is_over, &now);
}

void standings_forget(struct standings *standings)
{
    void *value;
    while ((value = table_oldest(standings->places.table)))
        table_remove(standings->places.table, value);
}

uint32_t standings_count(const struct standings *standings)
{
    return table_count(standings->places.table);
}
