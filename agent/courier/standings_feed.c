/* See standings_feed.h. */
#include "agent/courier/standings_feed.h"

#include "agent/courier/relay_store.h"
#include "agent/relay/decision.h"
#include "common/io/clock.h"

#define RATE_PRESET 10 /* messages a minute, of a throttle that names none */

bool standings_feed_is_wanted(const struct standings_feed *feed)
{
    return feed && feed->relay && feed->store && feed->settings->follow;
}

int64_t standings_feed_after(const struct standings_feed *feed)
{
    return standings_feed_is_wanted(feed) ? relay_store_after(feed->store) : 0;
}

static bool find_deed(struct text word, enum deed *result)
{
    for (int deed = 0; deed < DEEDS; deed++)
        if (text_equals(word, text_of(deed_name((enum deed)deed)))) {
            *result = (enum deed)deed;
            return true;
        }
    return false;
}

static void tell_trouble(struct standings_feed *feed, const struct error *error)
{
    if (!feed->told)
        feed->trouble(feed->context, error->text);
    feed->told = true;
}

void standings_feed_take(struct standings_feed *feed, const struct standings_item *item)
{
    struct sender sender;
    struct error error = {0};
    enum deed deed;
    moment now = clock_now();
    if (!standings_feed_is_wanted(feed) || !find_deed(item->order, &deed) || !sender_parse(item->sender, &sender) ||
        !relay_can_ask_about(&sender))
        return;
    if (item->until <= now)
        deed = DEED_RELEASE;
    uint32_t rate = item->rate ? item->rate : RATE_PRESET;
    standings_put(relay_fleet(feed->relay), &sender, deed, rate, item->until, item->news, now);
    feed->taken++;
    if (!feed->broken && relay_store_put_standing(feed->store, &sender, deed, item, &error) < 0) {
        feed->broken = true; /* the number stays behind, so all of this is told again */
        tell_trouble(feed, &error);
    }
}

void standings_feed_done(struct standings_feed *feed, int64_t news_after)
{
    struct error error = {0};
    if (!standings_feed_is_wanted(feed))
        return;
    if (!feed->broken && relay_store_commit(feed->store, news_after, &error) < 0)
        tell_trouble(feed, &error);
    else if (!feed->broken)
        feed->told = false;
    feed->broken = false;
}

void standings_feed_forget(struct standings_feed *feed)
{
    struct error error = {0};
    if (!standings_feed_is_wanted(feed))
        return;
    standings_forget(relay_fleet(feed->relay));
    if (relay_store_forget_standings(feed->store, &error) < 0)
        tell_trouble(feed, &error);
}
