/* See notices.h. What is decided stands in collector/alert, without a clock or a store; here are both. */
#include "collector/post/notices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/alert/settings.h"
#include "collector/post/notice_mail.h"
#include "collector/store/notices.h"
#include "collector/store/raising.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define EVERY         (3 * SECOND)
#define COST          40            /* so much longer than a look is the time between two */
#define AWAY          MINUTE        /* whoever did not look for so long was away himself */
#define AGE_EVERY     (10 * MINUTE) /* so often what is too old is dropped */
#define HELD_MOST     DAY           /* what was over before then is not told any more ... */
#define HELD_HOURS    (7 * DAY)     /* ... over a channel that has hours */
#define PENDING_MOST  16384         /* alerts of which one notice tells */
#define SILENCES_MOST 500

/* --- what there may be to tell --- */

struct pending {
    struct notice_item item;
    struct alert_told told;
    moment kind_told;
    char *bytes; /* of the alert's texts */
};
struct list {
    const struct channel *channel;
    struct pending *items;
    size_t count, room;
    bool failed; /* no memory */
};

/* False: there are too many, or no memory. */
static bool has_room(struct list *list)
{
    if (list->count < list->room)
        return true;
    size_t room = list->room ? 2 * list->room : 64;
    struct pending *more = room <= PENDING_MOST ? realloc(list->items, room * sizeof *more) : NULL;
    list->failed = list->failed || (more == NULL && room <= PENDING_MOST);
    if (more == NULL)
        return false;
    list->items = more;
    list->room = room;
    return true;
}

static void list_clear(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].bytes);
    free(list->items);
    *list = (struct list){.items = NULL};
}

/* Rows are borrowed: their texts move into one piece of memory. */
static bool keep_texts(struct pending *pending)
{
    struct alert *alert = &pending->item.alert;
    struct text *const texts[] = {&alert->kind,     &alert->name,    &alert->node, &alert->sender,
                                  &alert->customer, &alert->subject, &alert->text};
    size_t all = 1;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        all += texts[i]->length;
    char *at = pending->bytes = malloc(all);
    for (size_t i = 0; at && i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i]->length > 0)
            memcpy(at, texts[i]->bytes, texts[i]->length);
        texts[i]->bytes = at;
        at += texts[i]->length;
    }
    return at != NULL;
}

/* What the channel does not hear of takes nobody's place. */
static void add_row(void *context, const struct store_news_row *row)
{
    struct list *list = context;
    const struct store_alert_row *alert = &row->alert;
    struct pending pending = {.item.alert = {.number = alert->number,
                                             .kind = alert->kind,
                                             .name = alert->name,
                                             .node = alert->node_name,
                                             .sender = alert->sender,
                                             .customer = alert->customer,
                                             .subject = alert->subject,
                                             .text = alert->text,
                                             .severity = alert->severity,
                                             .times = alert->times,
                                             .raised = alert->raised,
                                             .last = alert->last,
                                             .resolved = row->alert.resolved},
                              .told = {.said = row->said, .severity = row->severity, .over = row->over},
                              .kind_told = row->kind_told};
    if ((row->said == 0 && !channel_hears(list->channel, &pending.item.alert)) || !has_room(list))
        return;
    if (keep_texts(&pending))
        list->items[list->count++] = pending;
    else
        list->failed = true;
}

/* --- silences --- */

struct silence {
    char kind[256], name[256], customer[256], node[256];
};
struct silences {
    struct silence *items;
    size_t count;
};

static void silences_clear(struct silences *silences)
{
    free(silences->items);
}

static void copy(struct text text, char *result, size_t size)
{
    snprintf(result, size, "%.*s", (int)(text.length < size ? text.length : size - 1), text.length ? text.bytes : "");
}

struct silence_reader {
    struct silences *silences;
    moment now;
};

static void add_silence(void *context, const struct store_silence *row)
{
    const struct silence_reader *reader = context;
    struct silences *silences = reader->silences;
    if (silences->count == SILENCES_MOST || row->begin > reader->now)
        return;
    struct silence *silence = &silences->items[silences->count++];
    copy(row->kind, silence->kind, sizeof silence->kind);
    copy(row->name, silence->name, sizeof silence->name);
    copy(row->customer, silence->customer, sizeof silence->customer);
    copy(row->node, silence->node, sizeof silence->node);
}

static bool is_silenced(const struct silences *silences, const struct alert *alert)
{
    for (size_t i = 0; i < silences->count; i++) {
        const struct silence *silence = &silences->items[i];
        const struct alert_pattern pattern = {text_of(silence->kind), text_of(silence->name),
                                              text_of(silence->customer), text_of(silence->node)};
        if (alert_fits(alert, &pattern))
            return true;
    }
    return false;
}

/* --- a round --- */

struct making {
    struct store *store;
    const struct alert_settings *settings;
    const struct mail_settings *mail;
    const struct channel *channel;
    const struct silences *silences;
    struct wall wall;
    moment now;
    bool maintenance;
    bool only_looks, wanted; /* only_looks: nothing is written; wanted: something would be */
    int made;
};

static int note(struct making *making, struct pending *pending, struct error *error)
{
    if (making->only_looks) {
        making->wanted = true;
        return 0;
    }
    const struct store_told told = {.channel = making->channel->name,
                                    .number = pending->item.alert.number,
                                    .said = pending->told.said,
                                    .severity = pending->told.severity,
                                    .over = pending->told.over};
    return store_notices_told(making->store, &told, error);
}

/* What has come back before its end was told was never away: what was told of the one before holds for it. */
static int inherit(struct making *making, struct list *list, struct error *error)
{
    int status = 0;
    for (size_t i = 1; i < list->count && status >= 0; i++) {
        struct pending *before = &list->items[i - 1], *here = &list->items[i];
        const struct alert *old = &before->item.alert, *alert = &here->item.alert;
        if (!text_equals(old->kind, alert->kind) || !text_equals(old->name, alert->name) || here->told.said > 0 ||
            before->told.said == 0 || before->told.over || old->resolved == 0 ||
            alert->raised > old->resolved + making->channel->settle)
            continue;
        here->told = before->told;
        before->told.over = true;
        status = note(making, before, error);
        if (status >= 0)
            status = note(making, here, error);
    }
    return status;
}

/* What there is to tell of it; what is not to be told any more is settled in silence. */
static int look(struct making *making, struct pending *pending, struct error *error)
{
    const struct channel *channel = making->channel;
    const struct alert *alert = &pending->item.alert;
    enum alert_news news = alert_news(channel, alert, &pending->told, making->now);
    bool silent = is_silenced(making->silences, alert);
    bool waits = making->maintenance && alert_is_maintained(making->settings, alert);
    bool settled = news == NEWS_OVER && making->now >= alert->resolved + channel->settle;
    bool untold = news == NEWS_BEGUN && alert->resolved > 0 && (silent || waits);
    pending->item.news = NEWS_NONE;
    if (untold || (settled && (silent || !channel->over || !channel_hears(channel, alert)))) {
        pending->told.over = true;
        return note(making, pending, error);
    }
    if (channel_hears(channel, alert) && !silent && !waits && (news != NEWS_OVER || settled))
        pending->item.news = news;
    return 0;
}

static bool is_due(const struct making *making, const struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct pending *pending = &list->items[i];
        if (pending->item.news != NEWS_NONE &&
            making->now >= alert_due(making->channel, &pending->item.alert, &pending->told, pending->item.news,
                                     pending->kind_told))
            return true;
    }
    return false;
}

static int note_all(struct making *making, struct list *list, struct error *error)
{
    int status = 0;
    for (size_t i = 0; i < list->count && status >= 0; i++) {
        struct pending *pending = &list->items[i];
        const struct alert *alert = &pending->item.alert;
        if (pending->item.news == NEWS_NONE)
            continue;
        pending->told =
            (struct alert_told){.said = making->now, .severity = alert->severity, .over = alert->resolved > 0};
        status = note(making, pending, error);
        if (status >= 0)
            status = store_notices_kind_told(making->store, making->channel->name, alert->kind, making->now, error);
    }
    return status;
}

/* --- sendings --- */

static int send(struct making *making, struct notice *notice, const char *purpose, const char *what, struct text kind,
                int64_t standing, struct error *error)
{
    char id[STORE_SENDING_ID], subject[NOTICE_SUBJECT], recipients[NOTICE_RECIPIENTS] = "";
    CLEANUP(buffer_clear) struct buffer bytes;
    const struct channel *channel = making->channel;
    int status = 0;
    bool good = true;
    buffer_init(&bytes, STORE_SENDING_MOST);
    store_sending_id(purpose, channel->name, text_of(what), id);
    notice->id = id;
    notice_subject(notice, subject);
    if (channel->type == CHANNEL_MAIL) {
        notice_recipients(channel, recipients);
        status = notice_mail(notice, making->mail, &bytes, error);
    } else if (channel->type == CHANNEL_SYSLOG) {
        good = notice_lines(notice, &bytes);
    } else if (channel->type == CHANNEL_WEBHOOK && channel->form == FORM_SLACK) {
        good = notice_slack(notice, &bytes);
    } else if (channel->type == CHANNEL_WEBHOOK && channel->form == FORM_PAGERDUTY) {
        good = notice_pagerduty(notice, kind, standing, &bytes);
    } else {
        good = notice_json(notice, &bytes);
    }
    if (status < 0 || !good)
        return status < 0 ? status : error_set(error, ENOMEM, "no memory for a notice");
    const struct store_sending sending = {.id = id,
                                          .channel = channel->name,
                                          .purpose = purpose,
                                          .recipients = text_of(recipients),
                                          .subject = text_of(subject),
                                          .customer = TEXT(""),
                                          .bytes = buffer_text(&bytes)};
    status = store_sending_make(making->store, &sending, making->now, making->now, error);
    making->made += status > 0;
    return status < 0 ? status : 0;
}

static struct notice begin_notice(const struct making *making)
{
    return (struct notice){
        .channel = making->channel, .now = making->now, .wall = making->wall, .link = making->settings->link};
}

/* An incident for each kind: items come by kind. */
static int send_by_kind(struct making *making, const struct notice *all, int64_t number, struct error *error)
{
    int status = 0;
    for (size_t i = 0; i < all->count && status == 0;) {
        struct text kind = all->items[i].alert.kind;
        struct notice one = *all;
        char what[120];
        int64_t standing = 0;
        one.items = &all->items[i];
        for (one.count = 0; i < all->count && text_equals(all->items[i].alert.kind, kind); i++)
            one.count++;
        snprintf(what, sizeof what, "%lld %lld %.*s", (long long)number, (long long)making->now,
                 (int)(kind.length < 60 ? kind.length : 60), kind.bytes);
        status = store_notices_standing(making->store, making->channel->name, kind, &standing, error);
        if (status == 0)
            status = send(making, &one, "alert", what, kind, standing, error);
    }
    return status;
}

static void items_free(struct notice_item **items)
{
    free(*items);
}

static int send_all(struct making *making, const struct list *list, struct error *error)
{
    CLEANUP(items_free) struct notice_item *items = calloc(list->count, sizeof *items);
    struct notice notice = begin_notice(making);
    int64_t number;
    char what[64];
    if (items == NULL)
        return error_set(error, ENOMEM, "no memory for a notice");
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].item.news != NEWS_NONE) {
            struct notice_item *item = &items[notice.count++];
            *item = list->items[i].item;
            item->news = item->alert.resolved > 0 ? NEWS_OVER : item->news; /* its beginning could not be told */
        }
    notice.items = items;
    int status = store_notices_next(making->store, making->channel->name, &number, error);
    if (status < 0)
        return status;
    if (making->channel->type == CHANNEL_WEBHOOK && making->channel->form == FORM_PAGERDUTY)
        return send_by_kind(making, &notice, number, error);
    snprintf(what, sizeof what, "%lld %lld", (long long)number, (long long)making->now);
    return send(making, &notice, "alert", what, TEXT(""), 0, error);
}

static int make_for(struct making *making, struct error *error)
{
    const struct channel *channel = making->channel;
    moment begun = 0, now = making->now;
    CLEANUP(list_clear) struct list list = {.channel = channel};
    moment oldest = now - (channel->hours[0] ? HELD_HOURS : HELD_MOST);
    int status = store_notices_begun(making->store, channel->name, &begun, error);
    if (status == 0 && making->only_looks) {
        making->wanted = true;
        return 0;
    }
    if (status == 0) {
        begun = now;
        status = store_notices_begin(making->store, channel->name, now, error);
    }
    if (status >= 0)
        status = store_notices_pending(making->store, channel->name, begun > oldest ? begun : oldest,
                                       channel->repeat > 0 ? now - channel->repeat : 0, channel->wait, add_row, &list,
                                       error);
    if (status == 0 && list.failed)
        status = error_set(error, ENOMEM, "no memory for alerts");
    if (status == 0)
        status = inherit(making, &list, error);
    for (size_t i = 0; i < list.count && status >= 0; i++)
        status = look(making, &list.items[i], error);
    if (status < 0 || (channel->hours[0] && !windows_are_open(text_of(channel->hours), &making->wall)) ||
        !is_due(making, &list))
        return status < 0 ? status : 0;
    making->wanted = true;
    if (making->only_looks)
        return 0;
    status = note_all(making, &list, error);
    return status < 0 ? status : send_all(making, &list, error);
}

/* --- what is done each time --- */

static struct store_raising raising_of(const struct notices *notices, const struct alert_settings *settings)
{
    return (struct store_raising){notices->begun, settings->lost, settings->quiet};
}

static bool ages(const struct notices *notices, moment now)
{
    return now < notices->aged || now - notices->aged >= AGE_EVERY;
}

static int age(struct store *store, struct notices *notices, const struct alert_settings *settings, moment now,
               struct error *error)
{
    int more = ages(notices, now) ? store_notices_age(store, now - settings->keep, error) : 0;
    if (more == 0 && ages(notices, now))
        notices->aged = now;
    return more < 0 ? more : 0;
}

/* For every channel; `making` has the rest. */
static int make_all(struct making *making, struct error *error)
{
    CLEANUP(silences_clear) struct silences silences = {.items = calloc(SILENCES_MOST, sizeof *silences.items)};
    struct silence_reader reader = {&silences, making->now};
    const struct alert_settings *settings = making->settings;
    if (silences.items == NULL)
        return error_set(error, ENOMEM, "no memory for silences");
    making->silences = &silences;
    making->wall = wall_at(making->now);
    making->maintenance = windows_are_open(text_of(settings->maintenance), &making->wall);
    int status = settings->count > 0 ? store_silences(making->store, making->now, add_silence, &reader, error) : 0;
    for (uint32_t i = 0; i < settings->count && status >= 0; i++) {
        making->channel = &settings->channels[i];
        status = make_for(making, error);
    }
    return status;
}

bool notices_due(const struct notices *notices, moment now)
{
    duration every = notices->every > EVERY ? notices->every : EVERY;
    return now < notices->latest || now - notices->latest >= every;
}

int notices_wanted(struct store *store, struct notices *notices, const struct alert_settings *settings, moment now,
                   struct error *error)
{
    duration begun = clock_steady();
    if (notices->latest == 0 || now < notices->latest || now - notices->latest > AWAY + notices->every)
        notices->begun = now;
    notices->latest = now;
    struct making making = {.store = store, .settings = settings, .now = now, .only_looks = true};
    const struct store_raising raising = raising_of(notices, settings);
    making.wanted = ages(notices, now);
    int status = making.wanted ? 1 : store_raise_wanted(store, &raising, now, error);
    if (status == 0)
        status = make_all(&making, error);
    notices->every = COST * (clock_steady() - begun);
    return status < 0 ? status : status > 0 || making.wanted;
}

int notices_make(struct store *store, struct notices *notices, const struct alert_settings *settings,
                 const struct mail_settings *mail, moment now, struct error *error)
{
    struct making making = {.store = store, .settings = settings, .mail = mail, .now = now};
    const struct store_raising raising = raising_of(notices, settings);
    int status = store_raise(store, &raising, now, error);
    if (status >= 0)
        status = age(store, notices, settings, now, error);
    if (status >= 0)
        status = make_all(&making, error);
    /* Another collector has just made what this one was about to. */
    return status == -EEXIST ? -EAGAIN : status < 0 ? status : making.made;
}

int notices_test(struct store *store, const struct alert_settings *settings, const struct mail_settings *mail,
                 const struct channel *channel, struct text name, moment now, char id[STORE_SENDING_ID],
                 struct error *error)
{
    struct making making = {
        .store = store, .settings = settings, .mail = mail, .channel = channel, .wall = wall_at(now), .now = now};
    struct notice notice = begin_notice(&making);
    char what[128];
    notice.is_test = true;
    copy(name, what, sizeof what);
    store_sending_id("test", channel->name, text_of(what), id);
    return send(&making, &notice, "test", what, TEXT("test"), 0, error);
}
