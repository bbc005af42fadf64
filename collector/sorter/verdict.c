/* See verdict.h. */
#include "collector/sorter/verdict.h"

#define SHARE_MOST 1000000

static bool is_open(const struct verdict_row *row)
{
    return row->known && (row->state == OPINION_WAITING || row->state == OPINION_OUT);
}

static int64_t share(const struct verdict_row *row)
{
    if (row->threshold <= 0)
        return row->certain || row->virus ? 100 : 0;
    int64_t result = (int64_t)row->score * 100 / row->threshold;
    return result < 0 ? 0 : result > SHARE_MOST ? SHARE_MOST : result;
}

/* The lowest order that is waited for, of filters that have been asked or could be. */
static uint32_t order_awaited(const struct verdict_row *rows, uint32_t count)
{
    uint32_t result = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++)
        if (is_open(&rows[i]) && !rows[i].absent && rows[i].order < result)
            result = rows[i].order;
    return result;
}

void verdict_reckon(const struct verdict_row *rows, uint32_t count, struct verdict *result)
{
    bool spam = false, virus = false, ham = false, open = false, enough = false;
    uint32_t awaited = order_awaited(rows, count);
    *result = (struct verdict){.sorted = SORTED_UNKNOWN};
    for (uint32_t i = 0; i < count; i++) {
        const struct verdict_row *row = &rows[i];
        const struct opinion opinion = {
            .score = row->score, .threshold = row->threshold, .certain = row->certain, .virus = row->virus};
        open = open || is_open(row);
        if (row->state != OPINION_GIVEN)
            continue;
        virus = virus || row->virus;
        spam = spam || opinion_is_spam(&opinion);
        ham = ham || (opinion_is_one(&opinion) && !row->bulk);
        enough = enough || (opinion_is_spam(&opinion) && !row->bulk);
        if (share(row) > result->score && (!row->bulk || opinion_is_spam(&opinion)))
            result->score = share(row);
    }
    result->sorted = virus  ? SORTED_VIRUS
                     : spam ? SORTED_SPAM
                     : ham  ? SORTED_HAM
                     : open ? SORTED_WAITING
                            : SORTED_UNKNOWN;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_open(&rows[i]) || !rows[i].parked)
            continue;
        if (enough)
            result->spare |= UINT32_C(1) << i;
        else if (rows[i].order <= awaited)
            result->ask |= UINT32_C(1) << i;
    }
}
