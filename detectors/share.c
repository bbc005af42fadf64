/* See share.h. */
#include "detectors/share.h"

#define ALL_MOST 128 /* before all are halved */
#define LARGE    4   /* one part in so many */
#define LEAST    8   /* counted, before which nothing is large */

static void halve(struct share *share)
{
    share->all /= 2;
    for (int i = 0; i < SHARE_SERVERS; i++)
        share->counts[i] /= 2;
}

uint32_t share_count(struct share *share, uint32_t server)
{
    int place = -1, empty = -1;
    if (share->all >= ALL_MOST)
        halve(share);
    share->all++;
    for (int i = 0; i < SHARE_SERVERS; i++) {
        if (share->counts[i] > 0 && share->servers[i] == server)
            place = i;
        else if (share->counts[i] == 0)
            empty = i;
    }
    if (place < 0 && empty >= 0) {
        place = empty;
        share->servers[place] = server;
    }
    if (place < 0) { /* another one for whom there is no place takes one from each */
        for (int i = 0; i < SHARE_SERVERS; i++)
            share->counts[i]--;
        return 0;
    }
    share->counts[place] += share->counts[place] < UINT8_MAX;
    return share->all >= LEAST && share->counts[place] * LARGE > share->all ? share->counts[place] : 0;
}
