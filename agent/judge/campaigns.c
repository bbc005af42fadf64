/* A campaign is found as a body is (bodies.c): by any pair of neighbouring parts of its likeness, in a table of guesses
 * that nobody keeps in order; then the whole likeness decides. */
#include "agent/judge/campaigns.h"

#include <stdlib.h>
#include <string.h>
#include "agent/judge/bodies.h"
#include "common/table.h"

#define BANDS   (LIKENESS_PARTS / 2)
#define GUESSES 65536 /* a power of two */

struct campaigns {
    struct table *table;       /* likeness -> struct fleet_campaign */
    uint16_t guesses[GUESSES]; /* places in it */
};

/* The key is no secret: who tells of campaigns is trusted to be as slow as a long chain makes us. */
static const struct table_shape shape = {.places = CAMPAIGNS_MOST,
                                         .key_size = sizeof(struct likeness),
                                         .value_size = sizeof(struct fleet_campaign),
                                         .key = {{1, 2}}};

struct campaigns *campaigns_create(void)
{
    struct campaigns *campaigns = calloc(1, sizeof *campaigns);
    void *memory = calloc(1, table_memory(&shape));
    if (campaigns != NULL && memory != NULL) {
        campaigns->table = table_place(memory, &shape);
        return campaigns;
    }
    free(campaigns);
    free(memory);
    return NULL;
}

void campaigns_destroy(struct campaigns **owner)
{
    if (*owner != NULL)
        free((*owner)->table);
    free(*owner);
    *owner = NULL;
}

/* False: nothing of the text fell into that band. */
static bool guess_of(const struct likeness *likeness, uint32_t band, uint32_t *result)
{
    uint32_t pair = (uint32_t)likeness->parts[2 * band] << 16 | likeness->parts[2 * band + 1];
    *result = (pair + band) * UINT32_C(0x9e3779b1) >> 16;
    return pair != 0;
}

void campaigns_take(struct campaigns *campaigns, const struct fleet_campaign *told, moment now)
{
    struct fleet_campaign *campaign = table_find(campaigns->table, &told->likeness);
    bool added;
    if (told->until <= now) {
        if (campaign != NULL)
            table_remove(campaigns->table, campaign);
        return;
    }
    campaign = table_add(campaigns->table, &told->likeness, &added, NULL, NULL);
    *campaign = *told;
    for (uint32_t band = 0; band < BANDS; band++) {
        uint32_t at;
        if (guess_of(&told->likeness, band, &at))
            campaigns->guesses[at] = (uint16_t)table_index(campaigns->table, campaign);
    }
}

void campaigns_find(const struct campaigns *campaigns, const struct likeness *likeness, moment now,
                    struct alike *result)
{
    const struct fleet_campaign *best = NULL;
    uint32_t most = BODIES_LEAST_SHARE - 1;
    if (table_count(campaigns->table) == 0)
        return;
    for (uint32_t band = 0; band < BANDS; band++) {
        uint32_t at;
        const struct fleet_campaign *campaign =
            guess_of(likeness, band, &at) ? table_at(campaigns->table, campaigns->guesses[at]) : NULL;
        if (campaign == NULL || campaign == best || campaign->until <= now)
            continue;
        uint32_t share = likeness_share(likeness, &campaign->likeness);
        if (share > most) {
            most = share;
            best = campaign;
        }
    }
    if (best == NULL)
        return;
    if (best->counted) {
        result->counted_recipients = best->recipients;
        result->counted_customers = best->customers;
        result->counted_nodes = best->nodes;
        result->counted_later = result->begun <= best->first;
        return;
    }
    result->fleet_senders = best->senders;
    result->fleet_recipients = best->recipients;
    result->fleet_customers = best->customers;
    result->fleet_nodes = best->nodes;
    result->fleet_later = result->begun <= best->first;
}

uint32_t campaigns_number(const struct campaigns *campaigns)
{
    return table_count(campaigns->table);
}
