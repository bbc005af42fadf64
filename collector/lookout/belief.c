/* See belief.h. */
#include "collector/lookout/belief.h"

#include <stdio.h>
#include <string.h>
#include "collector/store/alerts.h"
#include "collector/store/listings.h"

#define FRESH (30 * MINUTE) /* so long a list that another collector believes is believed by all */
#define AGAIN (10 * MINUTE) /* between two notes that it is as it was */
#define GOOD  "good"

/* Lists that are asked no more have no state, and nobody need hear of them. */
struct forgetting {
    const struct zones *zones;
    struct store_zone gone[ZONES_MOST];
    uint32_t count;
};

static void find_gone(void *context, const struct store_zone *zone)
{
    struct forgetting *forgetting = context;
    const struct zone *known = zones_find(forgetting->zones, text_of(zone->zone));
    if (zone->state[0] && (known == NULL || !known->asked) && forgetting->count < ZONES_MOST)
        forgetting->gone[forgetting->count++] = *zone;
}

static int forget_gone(struct store *store, const struct zones *zones, moment now, struct error *error)
{
    struct forgetting forgetting = {.zones = zones};
    int status = store_zones(store, find_gone, &forgetting, error);
    for (uint32_t i = 0; i < forgetting.count && status >= 0; i++) {
        struct store_zone *zone = &forgetting.gone[i];
        zone->state[0] = zone->trouble[0] = '\0';
        status = store_zone_put(store, zone, error);
        if (status >= 0)
            status = store_alert_resolve(store, "zone", zone->zone, now, error);
    }
    return status < 0 ? status : 0;
}

int beliefs_resume(struct beliefs *beliefs, struct store *store, struct inquiry *inquiry, const struct zones *zones,
                   moment now, struct error *error)
{
    int status = forget_gone(store, zones, now, error);
    for (uint32_t i = 0; i < zones_count(zones) && status >= 0; i++) {
        struct store_zone row;
        if (!zones_at(zones, i)->asked)
            continue;
        status = store_zone_get(store, zones_at(zones, i)->name, &row, error);
        if (status > 0 && row.day == now / DAY) {
            inquiry_resume(inquiry, i, row.day, (uint64_t)row.asked);
            beliefs->zones[i].day = row.day;
            beliefs->zones[i].asked = (uint64_t)row.asked;
        }
    }
    return status < 0 ? status : 0;
}

/* --- one list --- */

static int count_asked(struct beliefs *beliefs, struct store *store, uint32_t index, const char *name,
                       const struct inquiry_zone *zone, struct error *error)
{
    uint64_t known = beliefs->zones[index].day == zone->day ? beliefs->zones[index].asked : 0;
    int64_t total = 0;
    if (zone->asked <= known)
        return 0;
    int status = store_zone_asked(store, name, zone->day, (int64_t)(zone->asked - known), &total, error);
    beliefs->zones[index].day = zone->day;
    beliefs->zones[index].asked = (uint64_t)total;
    return status;
}

static int put(struct store *store, struct store_zone *row, const char *state, const char *trouble, moment now,
               struct error *error)
{
    bool is_new = strcmp(row->state, state) != 0, was_good = strcmp(row->state, GOOD) == 0;
    if (!is_new && now < row->checked + AGAIN && now >= row->checked)
        return 0;
    /* Whatever is wrong with it: it is not believed since then. */
    if (is_new && (was_good || row->state[0] == '\0' || strcmp(state, GOOD) == 0))
        row->since = now;
    row->checked = now;
    snprintf(row->state, sizeof row->state, "%s", state);
    snprintf(row->trouble, sizeof row->trouble, "%s", trouble);
    return store_zone_put(store, row, error);
}

static int resolve(struct store *store, const char *name, bool *is_raised, bool *is_resolved, moment now,
                   struct error *error)
{
    if (*is_resolved && !*is_raised)
        return 0;
    int status = store_alert_resolve(store, "zone", name, now, error);
    *is_raised = false;
    *is_resolved = true;
    return status < 0 ? status : 0;
}

static int raise_alert(struct store *store, const char *name, const char *trouble, moment now, struct error *error)
{
    bool is_all = strcmp(name, "all") == 0;
    char subject[STORE_LISTING_ZONE + 64], text[2 * STORE_LISTING_TEXT];
    snprintf(subject, sizeof subject, is_all ? "no blacklist is believed" : "the blacklist %s is not believed", name);
    snprintf(text, sizeof text, "%s. %s", trouble,
             is_all ? "The resolver may be the reason. Until one is believed nobody is told of new listings."
                    : "Its answers count for nothing until it is as a list should be.");
    const struct store_alert alert = {.kind = "zone",
                                      .name = name,
                                      .severity = is_all ? SEVERITY_TROUBLE : SEVERITY_WARNING,
                                      .sender = TEXT(""),
                                      .customer = TEXT(""),
                                      .subject = text_of(subject),
                                      .text = text_of(text)};
    int status = store_alert_raise(store, &alert, now, error);
    return status < 0 ? status : 0;
}

struct looking {
    struct beliefs *beliefs;
    struct store *store;
    duration apart;
    moment now;
    bool none_is_good;
    moment longest; /* since when one is not believed for as long as `apart`; 0: none is */
    const char *trouble;
};

static int look_at(struct looking *looking, uint32_t index, const struct zone *zone, const struct inquiry_zone *seen,
                   struct error *error)
{
    struct store_zone row;
    bool *is_raised = &looking->beliefs->zones[index].is_raised;
    bool *is_resolved = &looking->beliefs->zones[index].is_resolved;
    int status = store_zone_get(looking->store, zone->name, &row, error);
    if (status < 0 || seen->belief == ZONE_UNTESTED)
        return status < 0 ? status : 0;
    if (seen->belief == ZONE_BELIEVED) {
        status = put(looking->store, &row, GOOD, "", looking->now, error);
        return status < 0 ? status : resolve(looking->store, zone->name, is_raised, is_resolved, looking->now, error);
    }
    if (store_is_shared(looking->store) && strcmp(row.state, GOOD) == 0 && looking->now - row.checked < FRESH)
        return 0;
    status =
        put(looking->store, &row, answer_doubt_name(seen->doubt), answer_doubt_text(seen->doubt), looking->now, error);
    if (status < 0 || looking->now - row.since < looking->apart)
        return status < 0 ? status : 0;
    looking->longest = row.since;
    looking->trouble = answer_doubt_text(seen->doubt);
    if (looking->none_is_good || *is_raised)
        return 0;
    *is_raised = true;
    return raise_alert(looking->store, zone->name, row.trouble, looking->now, error);
}

/* --- all of them --- */

static struct belief_counts count_believed(struct inquiry *inquiry, const struct zones *zones)
{
    struct belief_counts counts = {0};
    for (uint32_t i = 0; i < zones_count(zones); i++) {
        struct inquiry_zone zone;
        if (!zones_at(zones, i)->asked)
            continue;
        inquiry_zone(inquiry, i, &zone);
        counts.believed += zone.belief == ZONE_BELIEVED;
        counts.disbelieved += zone.belief == ZONE_DISBELIEVED;
    }
    return counts;
}

int beliefs_write(struct beliefs *beliefs, struct store *store, struct inquiry *inquiry, const struct zones *zones,
                  duration apart, moment now, struct error *error)
{
    int status = 0;
    beliefs->counts = count_believed(inquiry, zones);
    struct looking looking = {.beliefs = beliefs,
                              .store = store,
                              .apart = apart,
                              .now = now,
                              .none_is_good = beliefs->counts.believed == 0 && beliefs->counts.disbelieved > 1};
    for (uint32_t i = 0; i < zones_count(zones) && status >= 0; i++) {
        const struct zone *zone = zones_at(zones, i);
        struct inquiry_zone seen;
        if (!zone->asked)
            continue;
        inquiry_zone(inquiry, i, &seen);
        status = count_asked(beliefs, store, i, zone->name, &seen, error);
        if (status >= 0)
            status = look_at(&looking, i, zone, &seen, error);
    }
    if (status < 0)
        return status;
    if (!looking.none_is_good)
        return beliefs->counts.believed == 0
                   ? 0
                   : resolve(store, "all", &beliefs->all_raised, &beliefs->all_resolved, now, error);
    if (beliefs->all_raised || looking.longest == 0)
        return 0;
    beliefs->all_raised = true;
    return raise_alert(store, "all", looking.trouble, now, error);
}

void beliefs_settle(const struct beliefs *beliefs, struct inquiry *inquiry, const struct zones *zones)
{
    for (uint32_t i = 0; i < zones_count(zones); i++) {
        struct inquiry_zone zone;
        if (beliefs->zones[i].day == 0)
            continue;
        inquiry_zone(inquiry, i, &zone);
        if (zone.day == beliefs->zones[i].day)
            inquiry_resume(inquiry, i, zone.day, beliefs->zones[i].asked);
    }
}
