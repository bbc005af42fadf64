/* See post.h. What is due is made in one transaction that writes, behind a look that waits for nobody. */
#include "collector/post/post.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "collector/post/lane.h"
#include "collector/post/letters.h"
#include "collector/post/notices.h"
#include "collector/post/reports.h"
#include "collector/store/sendings.h"
#include "collector/store/store.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/log.h"

#define LOOK       SECOND
#define TIDY       HOUR
#define SHOWN      (15 * SECOND) /* how old what is shown of the store may be */
#define GONE       16            /* channels that are gone, in one round */
#define SAID_AFTER (15 * SECOND)

struct post {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t end;
    bool ending;
    char *where;
    struct post_settings settings;
    struct store *store;             /* NULL: it is opened with the next round */
    duration tidy_after, look_after; /* steady */
    uint64_t waiting;
    duration oldest;
    int64_t alerts[SEVERITIES]; /* that stand */
    bool failing;               /* it was said */
    duration failed;            /* the last time; steady */
    struct notices notices;
    struct reports reports;
    struct lane *lanes[LANE_NAMES];
    size_t lane_count;
};

/* --- making what is due --- */

static int begin(struct post *post, moment *now, struct error *error)
{
    int status = post->store ? 0 : store_open(post->where, &post->store, error);
    if (status >= 0)
        status = store_begin(post->store, error);
    return status < 0 ? status : store_now(post->store, clock_now(), now, error);
}

static int end(struct post *post, int status, struct error *error)
{
    if (status >= 0 && store_commit(post->store, error) < 0)
        status = -error->code;
    if (status < 0 && post->store)
        store_rollback(post->store);
    if (status == -ENOTCONN)
        store_close(&post->store);
    return status;
}

static int make_notices(struct post *post, struct error *error)
{
    moment now = clock_now();
    if (post->settings.alerts == NULL || !notices_due(&post->notices, now))
        return 0;
    int status = post->store ? 0 : store_open(post->where, &post->store, error);
    if (status >= 0)
        status = store_begin_reading(post->store, error);
    if (status >= 0)
        status = store_now(post->store, now, &now, error);
    if (status >= 0)
        status = notices_wanted(post->store, &post->notices, post->settings.alerts, now, error);
    if (status == 0)
        store_rollback(post->store);
    if (status <= 0)
        return status < 0 ? end(post, status, error) : 0;
    store_rollback(post->store);
    status = begin(post, &now, error);
    if (status >= 0)
        status = notices_make(post->store, &post->notices, post->settings.alerts, post->settings.mail, now, error);
    return end(post, status, error);
}

static int write_letters(struct post *post, struct error *error)
{
    moment now = clock_now();
    if (post->settings.letters == NULL || !letters_are_due(post->settings.letters, now))
        return 0;
    int status = begin(post, &now, error);
    if (status >= 0)
        status = letters_round(post->settings.letters, post->store, now, error);
    return end(post, status, error);
}

/* It opens transactions of its own. */
static int make_reports(struct post *post, struct error *error)
{
    const struct reports_means means = {.settings = post->settings.reports,
                                        .zone = post->settings.zone,
                                        .alerts = post->settings.alerts,
                                        .mail = post->settings.mail};
    moment now = clock_now();
    if (means.zone == NULL || means.alerts == NULL || !reports_wanted(&post->reports, &means, now))
        return 0;
    int status = post->store ? 0 : store_open(post->where, &post->store, error);
    if (status >= 0)
        status = reports_make(post->store, &post->reports, &means, now, error);
    if (status == -ENOTCONN)
        store_close(&post->store);
    return status;
}

struct gone {
    const struct post *post;
    char names[GONE][STORE_SENDING_CHANNEL];
    size_t count;
};

static void take_gone(void *context, struct text channel)
{
    struct gone *gone = context;
    const struct alert_settings *alerts = gone->post->settings.alerts;
    bool is_there = text_equals(channel, TEXT(STORE_SENDING_MAIL)) || (alerts && alert_channel(alerts, channel));
    if (!is_there && gone->count < GONE && channel.length < STORE_SENDING_CHANNEL)
        snprintf(gone->names[gone->count++], STORE_SENDING_CHANNEL, "%.*s", (int)channel.length, channel.bytes);
}

/* What is for a channel that is in no collector's configuration any more is not kept waiting for ever. */
static int abandon(struct post *post, moment now, struct error *error)
{
    struct gone gone = {.post = post};
    moment before = now - post->settings.mail->give_up;
    int status = store_sendings_overdue(post->store, before, take_gone, &gone, error);
    for (size_t i = 0; i < gone.count && status >= 0; i++)
        status = store_sendings_abandon(post->store, gone.names[i], before, now, error);
    return status;
}

static int tidy(struct post *post, struct error *error)
{
    moment now = 0;
    if (clock_steady() < post->tidy_after)
        return 0;
    int status = begin(post, &now, error);
    if (status >= 0)
        status = abandon(post, now, error);
    if (status >= 0)
        status = store_sendings_tidy(post->store, now - post->settings.mail->keep, error);
    status = end(post, status, error);
    post->tidy_after = clock_steady() + (status == 0 ? TIDY : LOOK);
    return status;
}

static int look(struct post *post, struct error *error)
{
    int64_t counts[SENDING_STATES], alerts[SEVERITIES];
    moment oldest = 0, now = clock_now();
    if (clock_steady() < post->look_after)
        return 0;
    post->look_after = clock_steady() + SHOWN;
    int status = post->store ? 0 : store_open(post->where, &post->store, error);
    if (status >= 0)
        status = store_begin_reading(post->store, error);
    if (status >= 0)
        status = store_now(post->store, now, &now, error);
    if (status >= 0)
        status = store_sendings_count(post->store, counts, &oldest, error);
    if (status >= 0)
        status = store_alerts_count(post->store, alerts, error);
    status = end(post, status, error);
    pthread_mutex_lock(&post->lock);
    if (status >= 0) {
        post->waiting = (uint64_t)counts[SENDING_WAITING];
        memcpy(post->alerts, alerts, sizeof post->alerts);
    }
    post->oldest = oldest > 0 && oldest < now ? now - oldest : 0;
    pthread_mutex_unlock(&post->lock);
    return status;
}

struct post_counts post_counts(struct post *post)
{
    struct post_counts counts = {0};
    for (size_t i = 0; i < post->lane_count; i++) {
        const struct lane_counts of_lane = lane_counts(post->lanes[i]);
        counts.sent += of_lane.sent;
        counts.tried_again += of_lane.tried_again;
        counts.failed += of_lane.failed;
        counts.in_doubt += of_lane.in_doubt;
    }
    pthread_mutex_lock(&post->lock);
    counts.waiting = post->waiting;
    counts.oldest = post->oldest;
    memcpy(counts.alerts, post->alerts, sizeof counts.alerts);
    pthread_mutex_unlock(&post->lock);
    return counts;
}

/* Not in each round is all of it tried, so that it works again is said when it has done so for a while. */
static void say(struct post *post, int status, const struct error *error)
{
    const struct log log = log_open("collector");
    if (status < 0 && status != -EAGAIN) {
        if (!post->failing)
            log_write(&log, LOG_TROUBLE, "notices, letters and reports wait: %s", error->text);
        post->failing = true;
        post->failed = clock_steady();
    } else if (post->failing && clock_steady() - post->failed > SAID_AFTER) {
        log_write(&log, LOG_NEWS, "notices, letters and reports are made again");
        post->failing = false;
    }
}

static void step(struct post *post)
{
    struct error error = {0};
    int status = make_notices(post, &error);
    if (status >= 0)
        status = write_letters(post, &error);
    if (status >= 0)
        status = make_reports(post, &error);
    if (status >= 0)
        status = tidy(post, &error);
    if (status >= 0)
        status = look(post, &error);
    say(post, status, &error);
}

static void *work(void *context)
{
    struct post *post = context;
    pthread_mutex_lock(&post->lock);
    while (!post->ending) {
        pthread_mutex_unlock(&post->lock);
        step(post);
        duration then = clock_steady() + LOOK;
        const struct timespec until = {.tv_sec = then / SECOND, .tv_nsec = then % SECOND};
        pthread_mutex_lock(&post->lock);
        if (!post->ending)
            pthread_cond_clockwait(&post->end, &post->lock, CLOCK_MONOTONIC, &until);
    }
    pthread_mutex_unlock(&post->lock);
    return NULL;
}

/* --- its life --- */

static void post_free(struct post **post)
{
    if (*post == NULL)
        return;
    for (size_t i = 0; i < (*post)->lane_count; i++)
        lane_destroy(&(*post)->lanes[i]);
    store_close(&(*post)->store);
    pthread_cond_destroy(&(*post)->end);
    pthread_mutex_destroy(&(*post)->lock);
    free((*post)->where);
    free(*post);
    *post = NULL;
}

static int add_lane(struct post *post, const struct lane_settings *settings, struct error *error)
{
    int status = lane_create(settings, &post->lanes[post->lane_count], error);
    post->lane_count += status == 0;
    return status;
}

/* All mail is one lane, for it goes to one server. */
static int add_lanes(struct post *post, struct error *error)
{
    const struct alert_settings *alerts = post->settings.alerts;
    struct lane_settings mail = {
        .where = post->where, .mail = post->settings.mail, .names = {STORE_SENDING_MAIL}, .name_count = 1};
    int status = 0;
    for (uint32_t i = 0; alerts && i < alerts->count && status == 0; i++) {
        const struct channel *channel = &alerts->channels[i];
        const struct lane_settings own = {.where = post->where,
                                          .mail = post->settings.mail,
                                          .channel = channel,
                                          .names = {channel->name},
                                          .name_count = 1};
        if (channel->type == CHANNEL_MAIL)
            mail.names[mail.name_count++] = channel->name;
        else
            status = add_lane(post, &own, error);
    }
    return status == 0 ? add_lane(post, &mail, error) : status;
}

static int start(struct post *post, struct error *error)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&post->thread, NULL, work, post);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == 0 ? 0 : error_set(error, status, "cannot start a thread: %s", strerror(status));
}

int post_create(const char *where, const struct post_settings *settings, struct post **result, struct error *error)
{
    struct post *made = calloc(1, sizeof *made);
    if (made == NULL || (made->where = strdup(where)) == NULL) {
        free(made);
        return error_set(error, ENOMEM, "no memory for a thread");
    }
    CLEANUP(post_free) struct post *post = made;
    post->settings = *settings;
    pthread_mutex_init(&post->lock, NULL);
    pthread_cond_init(&post->end, NULL);
    int status = add_lanes(post, error);
    if (status == 0)
        status = start(post, error);
    if (status < 0)
        return status;
    *result = TAKE(post);
    return 0;
}

void post_destroy(struct post **post)
{
    if (*post == NULL)
        return;
    pthread_mutex_lock(&(*post)->lock);
    (*post)->ending = true;
    pthread_cond_signal(&(*post)->end);
    pthread_mutex_unlock(&(*post)->lock);
    for (size_t i = 0; i < (*post)->lane_count; i++) /* all end at once, then each is waited for */
        lane_end((*post)->lanes[i]);
    pthread_join((*post)->thread, NULL);
    post_free(post);
}
