/* See place.h. */
#include <stddef.h>
#include "detectors/place.h"

void places_age(struct places *places, uint32_t days)
{
    for (int i = 0; i < PLACES; i++) {
        struct place *place = &places->list[i];
        place->noted = 0;
        place->refusals = days < 8 ? (uint8_t)(place->refusals >> days) : 0;
    }
}

static uint32_t weight_of(const struct place *place)
{
    return (uint32_t)place->refusals + place->noted;
}

static struct place *find(const struct places *places, uint32_t hash)
{
    for (int i = 0; i < PLACES; i++)
        if (places->list[i].hash == hash)
            return (struct place *)&places->list[i];
    return NULL;
}

/* The place of that hash; where it has none, that of the one with the least to say. */
static struct place *place_of(struct places *places, uint32_t hash)
{
    struct place *found = find(places, hash);
    if (found)
        return found;
    uint32_t least = places->next % PLACES;
    for (uint32_t i = 1; i < PLACES; i++) {
        uint32_t at = (places->next + i) % PLACES;
        if (weight_of(&places->list[at]) < weight_of(&places->list[least]))
            least = at;
    }
    places->next = (least + 1) % PLACES;
    places->list[least] = (struct place){.hash = hash};
    return &places->list[least];
}

uint8_t places_refuse(struct places *places, uint32_t hash)
{
    struct place *place = place_of(places, hash);
    uint8_t before = place->refusals;
    place->refusals += before < UINT8_MAX;
    return before;
}

uint8_t places_refusals(const struct places *places, uint32_t hash)
{
    const struct place *place = find(places, hash);
    return place ? place->refusals : 0;
}

uint16_t places_note(struct places *places, uint32_t hash)
{
    struct place *place = place_of(places, hash);
    place->noted += place->noted < UINT16_MAX;
    return place->noted;
}
