/* See lane.h. A sending is claimed, handed over and ended in three transactions; nothing is locked while it is under
 * way. Who dies before it is handed over has sent nothing, who dies behind that leaves it in doubt. */
#include "collector/post/lane.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "collector/post/mail.h"
#include "collector/post/program.h"
#include "collector/post/syslog.h"
#include "collector/post/webhook.h"
#include "collector/store/alerts.h"
#include "collector/store/store.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define LOOK        SECOND
#define SPARE       (2 * MINUTE) /* for what is claimed, beside the way's patience */
#define HANDING     20           /* tries at marking what is on its way */
#define WRITES      20           /* tries at writing what came of it, where the collector ends */
#define WRITE_PAUSE (2 * SECOND) /* the longest between two */
#define TOLD_FROM   3            /* failures in a row of a way that people hear of */
#define FRESH       DAY          /* so long what failed for good stands as an alert */
#define TIDY        (10 * MINUTE)
#define LIST_MOST   ((size_t)64 * 1024)

struct lane {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t end;
    bool ending;
    struct lane_counts counts;
    char *where;
    struct lane_settings settings;
    int64_t holder;
    struct store *store; /* NULL: it is opened with the next transaction */
    struct mail *mail;
    size_t turn;         /* whose the next sending is: all names come in turn */
    bool looked;         /* what the one before had claimed is nobody's */
    bool told;           /* that it does not work, by us or the one before */
    uint32_t fails;      /* of the way, in a row */
    duration not_before; /* steady */
    duration tidy_after;
    /* What is under way. */
    const char *name;
    char id[STORE_SENDING_ID];
    struct buffer bytes, recipients, subject;
    moment made;
    int64_t tries;
};

duration lane_pause(int64_t tries)
{
    static const duration pauses[] = {10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE,
                                      15 * MINUTE, 30 * MINUTE, HOUR,   2 * HOUR,   4 * HOUR};
    static const int64_t most = sizeof pauses / sizeof pauses[0];
    return pauses[tries < 1 ? 0 : tries > most ? most - 1 : tries - 1];
}

duration lane_rest(uint32_t fails)
{
    duration rest = fails < 1 ? 0 : fails > 9 ? 5 * MINUTE : SECOND << (fails - 1);
    return rest > 5 * MINUTE ? 5 * MINUTE : rest;
}

/* --- transactions --- */

static int begin(struct lane *lane, moment *now, struct error *error)
{
    int status = lane->store ? 0 : store_open(lane->where, &lane->store, error);
    if (status >= 0)
        status = store_begin(lane->store, error);
    return status < 0 ? status : store_now(lane->store, clock_now(), now, error);
}

static int end(struct lane *lane, int status, struct error *error)
{
    if (status >= 0 && store_commit(lane->store, error) < 0)
        status = -error->code;
    if (status < 0 && lane->store)
        store_rollback(lane->store);
    if (status == -ENOTCONN)
        store_close(&lane->store);
    return status;
}

static bool is_ending(void *context)
{
    struct lane *lane = context;
    pthread_mutex_lock(&lane->lock);
    bool ending = lane->ending;
    pthread_mutex_unlock(&lane->lock);
    return ending;
}

static void wait_until(struct lane *lane, duration then)
{
    const struct timespec until = {.tv_sec = then / SECOND, .tv_nsec = then % SECOND};
    pthread_mutex_lock(&lane->lock);
    while (!lane->ending && then > clock_steady())
        pthread_cond_clockwait(&lane->end, &lane->lock, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&lane->lock);
}

static int unclaim(struct lane *lane, struct error *error)
{
    moment now = 0;
    int status = begin(lane, &now, error);
    for (size_t i = 0; i < lane->settings.name_count && status >= 0 && !store_is_shared(lane->store); i++)
        status = store_sendings_unclaim(lane->store, lane->settings.names[i], now, error);
    status = end(lane, status, error);
    lane->looked = status >= 0;
    return status;
}

/* The next name that has something, in turn; nothing is locked, for mostly there is nothing. 1: there is one. */
static int find(struct lane *lane, struct error *error)
{
    moment now = clock_now();
    int status = lane->store ? 0 : store_open(lane->where, &lane->store, error);
    if (status >= 0)
        status = store_begin_reading(lane->store, error);
    if (status >= 0)
        status = store_now(lane->store, now, &now, error);
    for (size_t i = 0; i < lane->settings.name_count && status == 0; i++) {
        lane->turn = (lane->turn + 1) % lane->settings.name_count;
        lane->name = lane->settings.names[lane->turn];
        status = store_sending_wanted(lane->store, lane->name, now, error);
    }
    if (lane->store)
        store_rollback(lane->store);
    if (status == -ENOTCONN)
        store_close(&lane->store);
    return status;
}

/* --- alerts --- */

/* People hear what the post cannot deliver: of a way as a whole under its name, of single sendings under "NAME lost".
 */
static int tell(struct lane *lane, bool lost, const char *trouble, moment now, struct error *error)
{
    char name[STORE_SENDING_CHANNEL + 8], subject[160];
    snprintf(name, sizeof name, "%s%s", lane->name, lost ? " lost" : "");
    snprintf(subject, sizeof subject, lost ? "something did not go out by %s" : "nothing goes out by %s", lane->name);
    const struct store_alert alert = {.kind = "post",
                                      .name = name,
                                      .severity = SEVERITY_TROUBLE,
                                      .sender = TEXT(""),
                                      .customer = TEXT(""),
                                      .subject = text_of(subject),
                                      .text = text_of(trouble)};
    return store_alert_raise(lane->store, &alert, now, error);
}

/* What failed for good is no news any more after a day. */
static int calm(struct lane *lane, struct error *error)
{
    moment now = 0;
    if (clock_steady() < lane->tidy_after)
        return 0;
    lane->tidy_after = clock_steady() + TIDY;
    int status = begin(lane, &now, error);
    for (size_t i = 0; i < lane->settings.name_count && status >= 0; i++) {
        char name[STORE_SENDING_CHANNEL + 8];
        int64_t lost = 0;
        snprintf(name, sizeof name, "%s lost", lane->settings.names[i]);
        status = store_sendings_lost(lane->store, lane->settings.names[i], now - FRESH, &lost, error);
        if (status >= 0 && lost == 0)
            status = store_alert_resolve(lane->store, "post", name, now, error);
    }
    return end(lane, status, error);
}

static void count(struct lane *lane, enum store_sending_state state)
{
    pthread_mutex_lock(&lane->lock);
    lane->counts.sent += state == SENDING_SENT;
    lane->counts.failed += state == SENDING_FAILED;
    lane->counts.in_doubt += state == SENDING_IN_DOUBT;
    lane->counts.tried_again += state == SENDING_WAITING;
    pthread_mutex_unlock(&lane->lock);
}

struct lane_counts lane_counts(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    const struct lane_counts counts = lane->counts;
    pthread_mutex_unlock(&lane->lock);
    return counts;
}

/* --- one sending --- */

static bool copy(struct buffer *buffer, struct text text)
{
    buffer->length = 0;
    return buffer_append(buffer, text);
}

static void take(void *context, const struct store_sending_row *row)
{
    struct lane *lane = context;
    bool whole = copy(&lane->bytes, row->bytes) && copy(&lane->recipients, row->recipients) &&
                 copy(&lane->subject, row->subject);
    snprintf(lane->id, sizeof lane->id, "%.*s", whole ? (int)row->id.length : 0, row->id.bytes);
    lane->made = row->made;
    lane->tries = row->tries + 1;
}

/* 1: it is ours. */
static int claim(struct lane *lane, struct error *error)
{
    const struct lane_settings *settings = &lane->settings;
    duration patience = settings->channel ? settings->channel->patience : settings->mail->patience;
    moment now = 0;
    int status = begin(lane, &now, error);
    if (status >= 0)
        status = store_sendings_doubt(lane->store, lane->name, now, error);
    if (status > 0)
        status =
            tell(lane, true, "the collector ended while something was sent: it may have arrived or not", now, error);
    if (status >= 0)
        status =
            store_sending_claim(lane->store, lane->name, lane->holder, now, now + patience + SPARE, take, lane, error);
    if (status > 0 && lane->id[0] == '\0')
        status = error_set(error, ENOMEM, "no memory for what is to be sent");
    return end(lane, status, error);
}

static bool hand(void *context, duration more)
{
    struct lane *lane = context;
    int status = -EAGAIN;
    for (int try = 0; try < HANDING && status < 0; try++) {
        const struct timespec wait = {.tv_nsec = try * 10 * MILLISECOND};
        struct error error = {0};
        moment now = 0;
        nanosleep(&wait, NULL);
        status = begin(lane, &now, &error);
        if (status >= 0)
            status = store_sending_handed(lane->store, lane->id, lane->holder, now + more, &error);
        status = end(lane, status, &error);
    }
    return status > 0;
}

struct outcome {
    enum store_sending_state state;
    duration pause; /* until it is tried again, where it waits */
    char trouble[DELIVERY_TROUBLE + 40];
    bool lost, away, works; /* which alerts are raised, or are over */
};

static struct outcome judge(struct lane *lane, enum delivered result, const struct delivery *delivery, bool ending)
{
    static const enum store_sending_state states[] = {[DELIVERED] = SENDING_SENT,
                                                      [DELIVERY_REFUSED] = SENDING_FAILED,
                                                      [DELIVERY_LATER] = SENDING_WAITING,
                                                      [DELIVERY_AWAY] = SENDING_WAITING,
                                                      [DELIVERY_IN_DOUBT] = SENDING_IN_DOUBT};
    struct outcome outcome = {.state = states[result], .works = result != DELIVERY_AWAY};
    snprintf(outcome.trouble, sizeof outcome.trouble, "%s", delivery->trouble);
    outcome.lost = result == DELIVERY_REFUSED || result == DELIVERY_IN_DOUBT ||
                   (result == DELIVERED && outcome.trouble[0] != '\0');
    if (outcome.state != SENDING_WAITING)
        return outcome;
    if (ending) {
        outcome.works = false; /* it was not waited for: that says nothing */
        outcome.trouble[0] = '\0';
        return outcome;
    }
    lane->fails += result == DELIVERY_AWAY;
    outcome.pause = result == DELIVERY_AWAY ? lane_rest(lane->fails) : lane_pause(lane->tries);
    if (outcome.pause < delivery->pause)
        outcome.pause = delivery->pause;
    outcome.away = result == DELIVERY_AWAY && lane->fails >= TOLD_FROM;
    if (clock_now() - lane->made < lane->settings.mail->give_up)
        return outcome;
    outcome.state = SENDING_FAILED;
    outcome.lost = true;
    snprintf(outcome.trouble, sizeof outcome.trouble, "given up: %s", delivery->trouble);
    return outcome;
}

/* The way works, and so for all names that go by it. */
static int tell_over(struct lane *lane, moment now, struct error *error)
{
    int status = 0;
    for (size_t i = 0; i < lane->settings.name_count && status >= 0; i++)
        status = store_alert_resolve(lane->store, "post", lane->settings.names[i], now, error);
    return status;
}

/* 1: it is written. */
static int write_once(struct lane *lane, const struct outcome *outcome, struct text left, struct error *error)
{
    moment now = 0;
    int status = begin(lane, &now, error);
    if (status >= 0)
        status = store_sending_ended(lane->store, lane->id, lane->holder, outcome->state, outcome->trouble, now,
                                     now + outcome->pause, error);
    if (status > 0 && left.length > 0)
        status = store_sending_split(lane->store, lane->id, left, now + lane_pause(lane->tries), error);
    if (status >= 0 && outcome->lost)
        status = tell(lane, true, outcome->trouble, now, error);
    if (status >= 0 && outcome->away)
        status = tell(lane, false, outcome->trouble, now, error);
    if (status >= 0 && outcome->works && lane->told)
        status = tell_over(lane, now, error);
    status = end(lane, status, error);
    if (status >= 0)
        lane->told = outcome->away || (lane->told && !outcome->works);
    return status;
}

/* It has happened, so it is written however long that takes; only the collector's end ends that. */
static int write_end(struct lane *lane, const struct outcome *outcome, struct text left, struct error *error)
{
    duration pause = 50 * MILLISECOND;
    int status = write_once(lane, outcome, left, error);
    for (int try = 0; status < 0 && (!is_ending(lane) || try < WRITES); try++) {
        const struct timespec wait = {.tv_sec = pause / SECOND, .tv_nsec = pause % SECOND};
        nanosleep(&wait, NULL);
        pause = pause * 2 > WRITE_PAUSE || is_ending(lane) ? WRITE_PAUSE / 4 : pause * 2;
        status = write_once(lane, outcome, left, error);
    }
    return status;
}

static enum delivered hand_over(struct lane *lane, struct delivery *delivery)
{
    const struct channel *channel = lane->settings.channel;
    if (channel == NULL)
        return mail_deliver(lane->mail, delivery);
    if (channel->type == CHANNEL_WEBHOOK)
        return webhook_deliver(channel, clock_now(), delivery);
    if (channel->type == CHANNEL_PROGRAM)
        return program_deliver(channel, delivery);
    return syslog_deliver(SYSLOG_SOCKET, clock_now(), delivery);
}

static int send_one(struct lane *lane, struct error *error)
{
    struct delivery delivery = {.id = lane->id,
                                .recipients = buffer_text(&lane->recipients),
                                .subject = buffer_text(&lane->subject),
                                .bytes = buffer_text(&lane->bytes),
                                .hand = hand,
                                .is_over = is_ending,
                                .context = lane};
    buffer_init(&delivery.left, LIST_MOST);
    enum delivered result = hand_over(lane, &delivery);
    struct outcome outcome = judge(lane, result, &delivery, is_ending(lane));
    if (outcome.works)
        lane->fails = 0;
    lane->not_before = outcome.away || lane->fails > 0 ? clock_steady() + outcome.pause : 0;
    count(lane, outcome.state);
    int status = write_end(lane, &outcome, text_trim(buffer_text(&delivery.left)), error);
    buffer_clear(&delivery.left);
    return status;
}

/* --- rounds --- */

/* Until when nothing is to be done; the steady clock's. */
static duration step(struct lane *lane)
{
    struct error error = {0};
    if (clock_steady() < lane->not_before)
        return lane->not_before;
    int status = lane->looked ? 0 : unclaim(lane, &error);
    if (status >= 0)
        status = calm(lane, &error);
    if (status >= 0)
        status = find(lane, &error);
    if (status > 0)
        status = claim(lane, &error);
    if (status > 0)
        return send_one(lane, &error) < 0 ? clock_steady() + LOOK : 0;
    if (lane->mail)
        mail_rest(lane->mail);
    return clock_steady() + LOOK;
}

static void *work(void *context)
{
    struct lane *lane = context;
    while (!is_ending(lane))
        wait_until(lane, step(lane));
    return NULL;
}

/* --- its life --- */

static void lane_free(struct lane **lane)
{
    if (*lane == NULL)
        return;
    mail_destroy(&(*lane)->mail);
    store_close(&(*lane)->store);
    buffer_clear(&(*lane)->bytes);
    buffer_clear(&(*lane)->recipients);
    buffer_clear(&(*lane)->subject);
    pthread_cond_destroy(&(*lane)->end);
    pthread_mutex_destroy(&(*lane)->lock);
    free((*lane)->where);
    free(*lane);
    *lane = NULL;
}

static int start(struct lane *lane, struct error *error)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&lane->thread, NULL, work, lane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == 0 ? 0 : error_set(error, status, "cannot start a thread: %s", strerror(status));
}

int lane_create(const struct lane_settings *settings, struct lane **result, struct error *error)
{
    struct lane *made = calloc(1, sizeof *made);
    if (made == NULL || (made->where = strdup(settings->where)) == NULL) {
        free(made);
        return error_set(error, ENOMEM, "no memory for a thread");
    }
    CLEANUP(lane_free) struct lane *lane = made;
    lane->settings = *settings;
    lane->settings.where = lane->where;
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->end, NULL);
    buffer_init(&lane->bytes, STORE_SENDING_MOST);
    buffer_init(&lane->recipients, LIST_MOST);
    buffer_init(&lane->subject, LIST_MOST);
    lane->told = true; /* perhaps */
    randombytes_buf(&lane->holder, sizeof lane->holder);
    lane->holder |= 1; /* 0 is nobody */
    if (settings->channel == NULL && (lane->mail = mail_create(settings->mail)) == NULL)
        return error_set(error, ENOMEM, "no memory for mail");
    int status = start(lane, error);
    if (status < 0)
        return status;
    *result = TAKE(lane);
    return 0;
}

void lane_end(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    lane->ending = true;
    pthread_cond_signal(&lane->end);
    pthread_mutex_unlock(&lane->lock);
}

void lane_destroy(struct lane **lane)
{
    if (*lane == NULL)
        return;
    lane_end(*lane);
    pthread_join((*lane)->thread, NULL);
    lane_free(lane);
}
