/* See watch.h. The thread asks and hears all the time; once a second, where there is something to do, a round writes in
 * one transaction what has come and takes more in hand. What lists say waits in memory until a round is for good, and
 * whoever dies before has given nothing away but questions that are asked again. */
#include "collector/lookout/watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "collector/blacklist/resolver.h"
#include "collector/lookout/belief.h"
#include "collector/lookout/hand.h"
#include "collector/lookout/lookup.h"
#include "collector/lookout/noting.h"
#include "collector/lookout/settings.h"
#include "collector/lookout/sources.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/log.h"

#define TURN        (200 * MILLISECOND)
#define ROUND       SECOND
#define LEASE       (5 * MINUTE)
#define CLAIMS_MOST 256
#define URGENT_MOST 64 /* to be confirmed, at once: the rest of them is asked with the others */
#define TRIES       5
#define FORGET_MOST 500
#define RETIRE_MOST 64
#define NAMES_MOST  262144
#define REMEMBERED  16384
#define NEVER       (3650 * DAY)

struct watch {
    pthread_t thread;
    pthread_mutex_t lock;
    bool begun, ending;         /* under the lock */
    struct watch_counts counts; /* under the lock */
    char *where;
    const struct watch_settings *settings;
    struct zones *zones;
    struct own own;
    struct dns_server servers[DNS_SERVERS_MOST];
    uint32_t server_count;
    /* The thread's own. */
    struct store *store;
    int64_t holder;
    struct lookup *lookup;
    struct hand *hand;
    struct sources sources;
    struct beliefs beliefs;
    bool is_resumed, is_failing, retires_more;      /* the last: of lists that are asked no more, at the next beat */
    duration round_after, beat_after, retire_after; /* steady */
    uint32_t urgent;                                /* in hand */
    struct store_watched_counts known;
};

/* --- a round's parts --- */

static void told(void *context, const struct inquiry_result *result)
{
    struct watch *watch = context;
    hand_told(watch->hand, result);
}

/* A person asked for it, and it is none of ours: nobody else is told, and it is not asked for again. */
static bool is_others(const struct held *held)
{
    return strcmp(held->claim.origin, "person") == 0;
}

static int write_notes(struct watch *watch, moment now, struct error *error)
{
    struct hand *hand = watch->hand;
    int status = 0;
    for (uint32_t i = 0; i < hand->note_count && status >= 0; i++) {
        struct held *held = &hand->names[hand->notes[i].place];
        duration apart = is_others(held) ? NEVER : watch->settings->apart;
        status = noting_take(watch->store, &hand->notes[i].note, apart, now, error);
        held->is_doubted = held->is_doubted || status == NOTED_DOUBT;
    }
    return status < 0 ? status : 0;
}

/* Those that rest are spread over a day's last quarter, so that they do not stay together for ever. */
static moment due_of(const struct watch *watch, const struct held *held, moment now)
{
    const struct watch_settings *settings = watch->settings;
    bool is_active = held->claim.is_domain || held->listed > 0 || held->claim.seen > now - DAY;
    moment due = held->claimed + settings->every;
    if (held->is_lost)
        return now + MINUTE;
    if (is_others(held))
        return now + NEVER;
    if (held->is_doubted)
        return now + settings->apart;
    if (held->confirms && held->unknown > 0) /* it may be that one's answer that did not come */
        return now + (2 * settings->apart < settings->every ? 2 * settings->apart : settings->every);
    if (!is_active)
        due = held->claimed + settings->idle - (duration)randombytes_uniform(1000) * (settings->idle / 4000);
    return due > now ? due : now;
}

static int write_over(struct watch *watch, moment now, struct error *error)
{
    struct hand *hand = watch->hand;
    int status = 0;
    for (uint32_t i = 0; i < hand->over_count && status >= 0; i++) {
        const struct held *held = &hand->names[hand->over[i]];
        const struct store_watch_end end = {due_of(watch, held, now), held->clean, held->unknown, held->is_lost};
        status = store_watch_done(watch->store, watch->holder, &held->claim, &end, now, error);
    }
    return status < 0 ? status : 0;
}

/* What is taken in hand, until that is for good. */
struct taking {
    struct watch *watch;
    struct store_claim claims[CLAIMS_MOST];
    struct {
        uint64_t rows[ZONES_MOST / 64];
        bool is_doubted;
    } of[CLAIMS_MOST];
    uint32_t count, at;
    moment now;    /* the store's */
    bool has_beat; /* what has to be done now and then was done */
};

static void see_zone(void *context, struct text name, bool is_doubted)
{
    struct taking *taking = context;
    const struct zone *zone = zones_find(taking->watch->zones, name);
    if (zone == NULL || !zone->asked)
        return;
    uint32_t index = (uint32_t)(zone - zones_at(taking->watch->zones, 0));
    taking->of[taking->at].rows[index / 64] |= UINT64_C(1) << (index % 64);
    taking->of[taking->at].is_doubted |= is_doubted;
}

static int claim(struct watch *watch, struct taking *taking, moment now, struct error *error)
{
    uint32_t room = watch->hand->free_count < CLAIMS_MOST ? watch->hand->free_count : CLAIMS_MOST;
    int count =
        room ? store_watch_claim(watch->store, watch->holder, now, now + LEASE, room, taking->claims, error) : 0;
    taking->watch = watch;
    taking->now = now;
    taking->count = count > 0 ? (uint32_t)count : 0;
    int status = count < 0 ? count : 0;
    for (taking->at = 0; taking->at < taking->count && status == 0; taking->at++)
        status = store_listing_zones(watch->store, taking->claims[taking->at].name, see_zone, taking, error);
    return status;
}

/* What has to be done now and then. */
static int beat(struct watch *watch, moment now, struct error *error)
{
    struct inquiry *inquiry = lookup_inquiry(watch->lookup);
    int status = store_watch_hold(watch->store, watch->holder, now + LEASE, error);
    if (status == 0)
        status =
            beliefs_write(&watch->beliefs, watch->store, inquiry, watch->zones, watch->settings->apart, now, error);
    if (status == 0 && clock_steady() >= watch->retire_after)
        status = noting_retire(watch->store, watch->zones, RETIRE_MOST, now, error);
    watch->retires_more = status == RETIRE_MOST;
    if (status >= 0)
        status = store_watch_forget(watch->store, FORGET_MOST, now, error);
    if (status >= 0)
        status = store_listing_forget(watch->store, now - watch->settings->keep, FORGET_MOST, error);
    if (status >= 0)
        status = store_watched_counts(watch->store, &watch->known, error);
    return status;
}

static int resume(struct watch *watch, moment now, struct error *error)
{
    int status = store_is_shared(watch->store) ? 0 : store_watch_give_back(watch->store, 0, NULL, now, error);
    if (status == 0)
        status = beliefs_resume(&watch->beliefs, watch->store, lookup_inquiry(watch->lookup), watch->zones, now, error);
    return status;
}

static bool is_beat(const struct watch *watch)
{
    return clock_steady() >= watch->beat_after;
}

static int work_on(struct watch *watch, struct taking *taking, moment now, struct error *error)
{
    int status = watch->is_resumed ? 0 : resume(watch, now, error);
    if (status == 0)
        status = write_notes(watch, now, error);
    if (status == 0)
        status = write_over(watch, now, error);
    if (status == 0 && sources_is_due(&watch->sources, now))
        status = sources_step(&watch->sources, watch->store, now, error);
    taking->has_beat = is_beat(watch);
    if (status == 0 && taking->has_beat)
        status = beat(watch, now, error);
    return status < 0 ? status : claim(watch, taking, now, error);
}

/* --- a round --- */

/* For mostly there is nothing, and nothing need be locked. */
static int is_wanted(struct watch *watch, struct error *error)
{
    moment now = clock_now();
    int status = watch->store ? 0 : store_open(watch->where, &watch->store, error);
    if (status < 0 || !watch->is_resumed || watch->hand->note_count || watch->hand->over_count || is_beat(watch) ||
        sources_is_due(&watch->sources, now))
        return status < 0 ? status : 1;
    if (watch->hand->free_count == 0)
        return 0;
    status = store_begin_reading(watch->store, error);
    if (status >= 0)
        status = store_now(watch->store, now, &now, error);
    if (status >= 0)
        status = store_watch_waits(watch->store, now, error);
    store_rollback(watch->store);
    return status;
}

static int run(struct watch *watch, struct taking *taking, struct error *error)
{
    const struct sources sources = watch->sources;
    const struct beliefs beliefs = watch->beliefs;
    moment now = clock_now();
    taking->count = 0;
    memset(taking->of, 0, sizeof taking->of);
    int status = store_begin(watch->store, error);
    if (status >= 0)
        status = store_now(watch->store, now, &now, error);
    if (status >= 0)
        status = work_on(watch, taking, now, error);
    if (status >= 0)
        status = store_commit(watch->store, error);
    if (status < 0) {
        store_rollback(watch->store);
        watch->sources = sources;
        watch->beliefs = beliefs;
    }
    if (status == -ENOTCONN)
        store_close(&watch->store);
    return status;
}

/* Lists are asked about what was taken in hand. A person who waits, and what is to be confirmed, comes first. */
static void ask_for(struct watch *watch, struct taking *taking)
{
    struct inquiry *inquiry = lookup_inquiry(watch->lookup);
    moment now = clock_now();
    for (uint32_t i = 0; i < taking->count; i++) {
        const struct store_claim *claim = &taking->claims[i];
        struct held *held = hand_take(watch->hand, claim, taking->now);
        if (held == NULL)
            continue; /* it is due again when its lease ends */
        memcpy(held->rows, taking->of[i].rows, sizeof held->rows);
        bool is_news = claim->wanted != 0 || taking->of[i].is_doubted;
        held->confirms = taking->of[i].is_doubted && !is_others(held);
        held->is_urgent = is_news && (claim->wanted > 0 || watch->urgent < URGENT_MOST);
        watch->urgent += held->is_urgent;
        int how = (held->is_urgent ? INQUIRY_URGENT : 0) | (is_news ? INQUIRY_ANEW : 0);
        int zones = inquiry_ask(inquiry, &held->subject, hand_place(watch->hand, held), how, now);
        held->is_lost = zones < 0;
        if (zones <= 0)
            hand_end(watch->hand, held);
    }
}

/* Nodes may lie: there is an end to what they can have watched. */
static void note_fullness(struct watch *watch)
{
    const struct log log = log_open("collector");
    bool is_full = watch->known.names >= NAMES_MOST;
    if (is_full && !watch->sources.is_full)
        log_write(&log, LOG_TROUBLE, "%d names are watched on blacklists: senders' addresses are not added any more",
                  NAMES_MOST);
    watch->sources.is_full = is_full;
}

/* What was written is let go of. */
static void settle(struct watch *watch, const struct taking *taking)
{
    struct hand *hand = watch->hand;
    for (uint32_t i = 0; i < hand->over_count; i++) {
        watch->urgent -= hand->names[hand->over[i]].is_urgent;
        hand_drop(hand, &hand->names[hand->over[i]]);
    }
    hand->over_count = hand->note_count = 0;
    watch->is_resumed = true;
    if (taking->has_beat) {
        duration every = watch->settings->every < MINUTE ? watch->settings->every : MINUTE;
        beliefs_settle(&watch->beliefs, lookup_inquiry(watch->lookup), watch->zones);
        watch->beat_after = clock_steady() + every;
        if (clock_steady() >= watch->retire_after && !watch->retires_more)
            watch->retire_after = clock_steady() + HOUR;
        note_fullness(watch);
    }
}

static void say(struct watch *watch, int status, const struct error *error)
{
    const struct log log = log_open("collector");
    if (status < 0 && !watch->is_failing)
        log_write(&log, LOG_TROUBLE, "blacklists are not watched: %s", error->text);
    else if (status >= 0 && watch->is_failing)
        log_write(&log, LOG_NEWS, "blacklists are watched again");
    watch->is_failing = status < 0;
}

static void count(struct watch *watch)
{
    struct watch_counts counts = {.listed = watch->hand->listed,
                                  .clean = watch->hand->clean,
                                  .unknown = watch->hand->unknown,
                                  .names = (uint64_t)watch->known.names,
                                  .standing = (uint64_t)watch->known.listed,
                                  .believed = watch->beliefs.counts.believed,
                                  .disbelieved = watch->beliefs.counts.disbelieved};
    for (uint32_t i = 0; i < watch->server_count; i++) {
        struct inquiry_resolver resolver;
        inquiry_resolver(lookup_inquiry(watch->lookup), i, &resolver);
        counts.questions += resolver.questions;
    }
    pthread_mutex_lock(&watch->lock);
    watch->counts = counts;
    pthread_mutex_unlock(&watch->lock);
}

static void make_round(struct watch *watch, struct taking *taking)
{
    struct error error = {0};
    int status = is_wanted(watch, &error);
    if (status > 0) {
        status = -EAGAIN;
        for (int i = 0; i < TRIES && status == -EAGAIN && watch->store; i++)
            status = run(watch, taking, &error);
        if (status >= 0) {
            settle(watch, taking);
            ask_for(watch, taking);
        }
    }
    if (status == -ENOTCONN)
        store_close(&watch->store);
    say(watch, status == -EAGAIN || status == -EBUSY ? 0 : status, &error);
    count(watch);
}

/* --- its life --- */

static bool is_ending(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    bool ending = watch->ending;
    pthread_mutex_unlock(&watch->lock);
    return ending;
}

/* What is in hand is another's, or ours when we are back. */
static void give_back(struct watch *watch)
{
    struct error error = {0};
    moment now = clock_now();
    if (watch->store == NULL || store_begin(watch->store, &error) < 0)
        return;
    int status = store_now(watch->store, now, &now, &error);
    if (status >= 0)
        status = store_watch_give_back(watch->store, watch->holder, NULL, now, &error);
    if (status < 0 || store_commit(watch->store, &error) < 0)
        store_rollback(watch->store);
}

static void *work(void *context)
{
    struct watch *watch = context;
    struct taking *taking = calloc(1, sizeof *taking);
    struct error error = {0};
    if (taking == NULL)
        abort();
    inquiry_retest(lookup_inquiry(watch->lookup));
    while (!is_ending(watch)) {
        int status = lookup_turn(watch->lookup, TURN, &error);
        if (status < 0) { /* of the machine's own doing: it may pass */
            say(watch, status, &error);
            nanosleep(&(const struct timespec){.tv_sec = 1}, NULL);
        }
        if (clock_steady() < watch->round_after)
            continue;
        watch->round_after = clock_steady() + ROUND;
        make_round(watch, taking);
    }
    give_back(watch);
    free(taking);
    return NULL;
}

static int make_lookup(struct watch *watch, struct error *error)
{
    const struct watch_settings *settings = watch->settings;
    const struct lookup_settings lookup = {
        .inquiry = {.in_flight = settings->in_flight,
                    .tries = 4,
                    .waiting = HAND_NAMES,
                    .rate = settings->rate,
                    .spread = settings->spread,
                    .retest = 10 * MINUTE,
                    .fresh = MINUTE,
                    .remembered = REMEMBERED,
                    .reasons = true,
                    .nowhere = "com"},
        .dns = {.servers = watch->servers, .server_count = watch->server_count, .patience = settings->patience}};
    return lookup_create(&lookup, watch->zones, told, watch, &watch->lookup, error);
}

static void warn_of_public(const struct watch *watch)
{
    const struct log log = log_open("collector");
    for (uint32_t i = 0; i < watch->server_count; i++) {
        const char *owner = resolver_public(&watch->servers[i].address);
        char address[ADDRESS_TEXT];
        if (owner != NULL)
            log_write(&log, LOG_TROUBLE, "[blacklists] resolvers: %s is %s, which many lists do not answer",
                      address_print(&watch->servers[i].address, address), owner);
    }
}

int watch_create(const char *where, const struct watch_settings *settings, struct watch **result, struct error *error)
{
    struct watch *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ENOMEM, "no memory for a thread");
    pthread_mutex_init(&made->lock, NULL);
    CLEANUP(watch_destroy) struct watch *watch = made;
    watch->settings = settings;
    watch->where = strdup(where);
    randombytes_buf(&watch->holder, sizeof watch->holder);
    watch->holder |= 1; /* 0: nobody */
    int status = watch->where ? hand_create(&watch->hand, error) : error_set(error, ENOMEM, "no memory for a thread");
    if (status == 0)
        status = watch_settings_zones(settings, &watch->zones, error);
    if (status == 0)
        status = watch_settings_resolvers(settings, watch->servers, &watch->server_count, error);
    if (status == 0)
        status = watch_settings_own(settings, &watch->own, error);
    if (status == 0)
        status = make_lookup(watch, error);
    if (status < 0)
        return error_wrap(error, "[blacklists]");
    warn_of_public(watch);
    sources_begin(&watch->sources, settings, &watch->own);
    *result = TAKE(watch);
    return 0;
}

int watch_begin(struct watch *watch, struct error *error)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&watch->thread, NULL, work, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    watch->begun = status == 0;
    return status ? error_set(error, status, "cannot start a thread: %s", strerror(status)) : 0;
}

void watch_destroy(struct watch **handle)
{
    struct watch *watch = *handle;
    if (watch == NULL)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->ending = true;
    pthread_mutex_unlock(&watch->lock);
    if (watch->begun)
        pthread_join(watch->thread, NULL);
    lookup_destroy(&watch->lookup); /* it still tells the hand */
    hand_destroy(&watch->hand);
    zones_destroy(&watch->zones);
    own_clear(&watch->own);
    store_close(&watch->store);
    pthread_mutex_destroy(&watch->lock);
    free(watch->where);
    free(watch);
    *handle = NULL;
}

const struct zones *watch_zones(const struct watch *watch)
{
    return watch->zones;
}

struct watch_counts watch_counts(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    struct watch_counts counts = watch->counts;
    pthread_mutex_unlock(&watch->lock);
    return counts;
}
