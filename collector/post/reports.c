/* See reports.h. What is read may take seconds, in a transaction that holds up nobody; what is written is the figures,
 * and a message for each channel. */
#include "collector/post/reports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "collector/report/mail.h"
#include "collector/report/numbers_json.h"
#include "collector/report/summary.h"
#include "collector/store/reporting.h"
#include "common/cleanup.h"

#define WHAT  128 /* bytes of what a sending is about */
#define AGAIN MINUTE

bool reports_wanted(const struct reports *reports, const struct reports_means *means, moment now)
{
    for (int kind = 0; kind < CALENDAR_KINDS && (now >= reports->again || now < reports->again - AGAIN); kind++) {
        if (report_channels(means->settings, (enum calendar_kind)kind)->count == 0)
            continue;
        struct calendar_period due = report_due(means->settings, means->zone, (enum calendar_kind)kind, now);
        if (strcmp(due.name, reports->made[kind]) != 0)
            return true;
    }
    return false;
}

/* --- one mail --- */

static void sending_id(const struct calendar_period *period, const char *channel, struct text again,
                       char id[STORE_SENDING_ID])
{
    char what[WHAT];
    int length = snprintf(what, sizeof(what), "%s %s %.*s", calendar_kind_name(period->kind), period->name,
                          (int)(again.length < 64 ? again.length : 64), again.bytes);
    store_sending_id("report", channel, (struct text){what, (size_t)length}, id);
}

static int compose(const struct reports_means *means, const struct report *report, const struct channel *channel,
                   const char *id, struct buffer *result, struct error *error)
{
    struct draft_address to[sizeof(channel->to.items) / sizeof(channel->to.items[0])];
    struct report_envelope envelope = {.to = to, .to_count = channel->to.count, .id = id};
    if (channel->type != CHANNEL_MAIL)
        return error_set(error, EINVAL, "[alert %s] is not of type mail, and a report is one", channel->name);
    if (!compose_read_address(text_of(means->mail->from), &envelope.from))
        return error_set(error, EINVAL, "[mail] from: \"%.80s\" is no address", means->mail->from);
    for (uint32_t i = 0; i < channel->to.count; i++)
        to[i] = (struct draft_address){TEXT(""), text_of(channel->to.items[i])};
    return report_mail(report, means->zone, &envelope, result, error);
}

int reports_send(struct store *store, const struct reports_means *means, const struct report *report,
                 const struct channel *channel, struct text again, moment now, char id[STORE_SENDING_ID],
                 struct error *error)
{
    char recipients[sizeof(struct option_words)], subject[SUMMARY_SUBJECT];
    size_t length = 0;
    CLEANUP(buffer_clear) struct buffer message;
    buffer_init(&message, REPORT_MAIL_MOST);
    sending_id(&report->period, channel->name, again, id);
    int status = compose(means, report, channel, id, &message, error);
    if (status < 0)
        return status;
    recipients[0] = '\0';
    for (uint32_t i = 0; i < channel->to.count; i++)
        length += (size_t)snprintf(recipients + length, sizeof(recipients) - length, "%s%s", i ? " " : "",
                                   channel->to.items[i]);
    const struct store_sending sending = {.id = id,
                                          .channel = channel->name,
                                          .purpose = "report",
                                          .recipients = {recipients, length},
                                          .subject = text_of(report_subject(report, means->zone, subject)),
                                          .customer = TEXT(""),
                                          .bytes = buffer_text(&message)};
    return store_sending_make(store, &sending, now, now, error);
}

/* --- what is due --- */

static void found(void *context, const struct store_sending_row *row)
{
    (void)row;
    *(bool *)context = true;
}

/* 1: every channel of it has its sending. */
static int is_made(struct store *store, const struct reports_means *means, const struct calendar_period *period,
                   struct error *error)
{
    const struct option_words *channels = report_channels(means->settings, period->kind);
    for (uint32_t i = 0; i < channels->count; i++) {
        char id[STORE_SENDING_ID];
        bool is_there = false;
        sending_id(period, channels->items[i], TEXT(""), id);
        const struct store_sending_query query = {.id = id, .most = 1};
        int status = store_sendings(store, &query, found, &is_there, error);
        if (status < 0 || !is_there)
            return status < 0 ? status : 0;
    }
    return 1;
}

struct kept {
    struct report *report;
    struct error *error;
    int status;
};

static void take_kept(void *context, struct text numbers)
{
    struct kept *kept = context;
    kept->status = numbers_json_read(numbers, kept->report, kept->error);
}

/* 1: read as it was kept; 0: it was not. */
static int find(struct store *store, const struct reports_means *means, const struct calendar_period *period,
                struct report *report, struct error *error)
{
    struct kept kept = {.report = report, .error = error};
    int status =
        store_report_find(store, period->kind, period->name, calendar_zone_name(means->zone), take_kept, &kept, error);
    return status < 0 ? status : kept.status < 0 ? kept.status : status;
}

/* 1: it was made before; 0: `report` has its figures. */
static int read_figures(struct store *store, const struct reports_means *means, const struct calendar_period *period,
                        moment now, struct report *report, struct error *error)
{
    int status = store_begin_reading(store, error);
    if (status >= 0)
        status = is_made(store, means, period, error);
    if (status == 0) {
        status = find(store, means, period, report, error);
        if (status == 0)
            status = store_report_make(store, means->zone, period, now, report, error);
        status = status < 0 ? status : 0;
    }
    store_rollback(store);
    return status;
}

static int write_all(struct store *store, const struct reports_means *means, struct report *report, struct text numbers,
                     moment now, struct error *error)
{
    const struct calendar_period period = report->period;
    const struct option_words *channels = report_channels(means->settings, period.kind);
    int made = 0, status = store_report_keep(store, report, numbers, error);
    if (status >= 0) /* as it is kept, by us or by who was faster: so it is said again */
        status = find(store, means, &period, report, error);
    for (uint32_t i = 0; i < channels->count && status >= 0; i++) {
        char id[STORE_SENDING_ID];
        const struct channel *channel = alert_channel(means->alerts, text_of(channels->items[i]));
        if (channel == NULL)
            return error_set(error, EINVAL, "[reports]: there is no [alert %s]", channels->items[i]);
        status = reports_send(store, means, report, channel, TEXT(""), now, id, error);
        made += status > 0;
    }
    return status < 0 ? status : made;
}

static int make(struct store *store, const struct reports_means *means, const struct calendar_period *period,
                moment now, struct error *error)
{
    CLEANUP(numbers_destroy) struct report *report = numbers_create();
    CLEANUP(buffer_clear) struct buffer numbers;
    buffer_init(&numbers, NUMBERS_JSON_MOST);
    if (report == NULL)
        return error_set(error, ENOMEM, "no memory for a report");
    int status = read_figures(store, means, period, now, report, error);
    if (status != 0)
        return status < 0 ? status : 0;
    if (!numbers_json_write(report, &numbers))
        return error_set(error, ENOMEM, "no memory for a report");
    status = store_begin(store, error);
    if (status >= 0)
        status = store_now(store, now, &now, error);
    if (status >= 0)
        status = write_all(store, means, report, buffer_text(&numbers), now, error);
    if (status >= 0 && store_commit(store, error) < 0)
        status = -error->code;
    if (status < 0)
        store_rollback(store);
    return status;
}

int reports_make(struct store *store, struct reports *reports, const struct reports_means *means, moment now,
                 struct error *error)
{
    struct error first;
    int all = 0, failed = 0;
    for (int kind = 0; kind < CALENDAR_KINDS; kind++) {
        if (report_channels(means->settings, (enum calendar_kind)kind)->count == 0)
            continue;
        struct calendar_period due = report_due(means->settings, means->zone, (enum calendar_kind)kind, now);
        if (strcmp(due.name, reports->made[kind]) == 0)
            continue;
        int status = make(store, means, &due, now, error);
        if (status < 0) { /* the others do not wait for it */
            if (failed == 0)
                first = *error;
            failed = failed == 0 || failed == -EAGAIN ? status : failed;
            continue;
        }
        memcpy(reports->made[kind], due.name, sizeof(due.name));
        all += status;
    }
    if (failed == 0)
        return all;
    reports->again = failed == -EAGAIN ? now : now + AGAIN;
    *error = first;
    return failed;
}
