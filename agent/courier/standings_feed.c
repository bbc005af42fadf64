/* See standings_feed.h. */
#include "agent/courier/standings_feed.h"

#include <string.h>

#include "agent/courier/relay_store.h"
#include "agent/relay/decision.h"
#include "common/io/clock.h"

#define RATE_PRESET 10 /* messages a minute, of a throttle that names none */

bool standings_feed_is_wanted(const struct standings_feed *feed)
{
    return feed && feed->relay && feed->store && feed->settings->follow;
}

bool standings_feed_is_policys(const char *by)
{
    return strcmp(by, "policy") == 0;
}

int64_t standings_feed_after(const struct standings_feed *feed)
{
    return standings_feed_is_wanted(feed) ? relay_store_after(feed->store) : 0;
}

static void tell_trouble(struct standings_feed *feed, const struct error *error)
{
    if (!feed->told)
        feed->trouble(feed->context, error->text);
    feed->told = true;
}

void standings_feed_take(struct standings_feed *feed, int64_t number, const struct fleet_standing *standing)
{
    struct fleet_standing taken = *standing;
    struct error error = {0};
    moment now = clock_now();
    if (!standings_feed_is_wanted(feed) || !relay_can_ask_about(&taken.sender))
        return;
    if (taken.until <= now)
        taken.deed = DEED_RELEASE;
    if (taken.rate == 0)
        taken.rate = RATE_PRESET;
    standings_put(relay_fleet(feed->relay), &taken.sender, taken.deed, taken.rate, taken.until, number, now);
    if (standings_feed_is_policys(taken.by))
        standings_note_policys(relay_fleet(feed->relay), &taken.sender);
    feed->taken++;
    if (!feed->broken && relay_store_put_standing(feed->store, number, &taken, &error) < 0) {
        feed->broken = true; /* the number stays behind, so all of this is told again */
        tell_trouble(feed, &error);
    }
}

void standings_feed_done(struct standings_feed *feed, int64_t after)
{
    struct error error = {0};
    if (!standings_feed_is_wanted(feed))
        return;
    if (!feed->broken && relay_store_commit(feed->store, after, &error) < 0)
        tell_trouble(feed, &error);
    else if (!feed->broken)
        feed->told = false;
    feed->broken = false;
}

/* Also while nobody follows: who does so later would go on behind a number of before. */
void standings_feed_forget(struct standings_feed *feed)
{
    struct error error = {0};
    if (!feed || !feed->store)
        return;
    if (feed->relay)
        standings_forget(relay_fleet(feed->relay));
    if (relay_store_forget_standings(feed->store, &error) < 0)
        tell_trouble(feed, &error);
}
