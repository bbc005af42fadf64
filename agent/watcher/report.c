/* A verdict and its evidence are one piece of news: either all of its messages are said, or none. */
#include "agent/watcher/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/watcher/traffic.h"

#define KEPT_MOST     4096
#define BODIES_EACH   100 /* in a second */
#define EVIDENCE_MOST 200 /* pieces in a second: what a flood of refusals adds is in the next verdict anyway */

struct report {
    struct talk *talk;
    union message *kept;
    uint32_t kept_count, evidence_now, bodies_now;
    struct traffic traffic;
    union message minute[TRAFFIC_SENDERS + 1];
    uint64_t lost;
};

struct report *report_create(struct error *error)
{
    struct report *report = calloc(1, sizeof(*report));
    if (report)
        report->kept = calloc(KEPT_MOST, sizeof(*report->kept));
    if (report && report->kept)
        return report;
    report_destroy(&report);
    error_set(error, ENOMEM, "no memory for news");
    return NULL;
}

void report_destroy(struct report **owner)
{
    struct report *report = *owner;
    *owner = NULL;
    if (!report)
        return;
    free(report->kept);
    free(report);
}

/* Whether so many messages can be said or kept together. */
static bool has_room(struct report *report, uint32_t messages)
{
    bool room = report->talk ? talk_has_room(report->talk, messages) : report->kept_count + messages <= KEPT_MOST;
    report->lost += room ? 0 : 1;
    return room;
}

static void say(struct report *report, const union message *message)
{
    if (report->talk)
        talk_say(report->talk, message, -1, TALK_NEWS);
    else
        report->kept[report->kept_count++] = *message;
}

void report_connect(struct report *report, struct talk *talk)
{
    report->talk = talk;
    if (!talk)
        return;
    for (uint32_t i = 0; i < report->kept_count; i++)
        talk_say(talk, &report->kept[i], -1, TALK_MUST);
    report->kept_count = 0;
}

void report_verdict(struct report *report, const struct verdict_change *change)
{
    union message message;
    struct message_verdict *verdict = &message.verdict;
    if (!has_room(report, change->evidence_count + 2))
        return;
    message_prepare(&message, MESSAGE_VERDICT, 0);
    verdict->time = change->time;
    verdict->hold_until = change->hold_until;
    verdict->sender = change->record->sender;
    verdict->whose = change->record->whose;
    verdict->verdict = (uint8_t)change->verdict;
    verdict->before = (uint8_t)change->before;
    verdict->author = (uint8_t)change->author;
    verdict->score = change->score;
    verdict->repeats = change->repeats;
    verdict->messages_before = change->messages_before;
    verdict->recipients_before = change->recipients_before;
    snprintf(verdict->why, sizeof(verdict->why), "%s", change->why ? change->why : "");
    say(report, &message);
    for (uint32_t i = 0; i < change->evidence_count; i++) {
        message_prepare(&message, MESSAGE_EVIDENCE_ROW, 0);
        message.evidence_row.evidence = change->evidence[i];
        say(report, &message);
    }
    message_prepare(&message, MESSAGE_END, 0);
    say(report, &message);
}

void report_evidence(struct report *report, const struct sender_record *record, const struct evidence *evidence,
                     points added, points score)
{
    union message message;
    if (report->evidence_now >= EVIDENCE_MOST || !has_room(report, 1))
        return;
    report->evidence_now++;
    message_prepare(&message, MESSAGE_EVIDENCE, 0);
    message.evidence.sender = record->sender;
    message.evidence.whose = record->whose;
    message.evidence.added = added;
    message.evidence.score = score;
    message.evidence.evidence = *evidence;
    say(report, &message);
}

void report_body(struct report *report, const struct sender_record *record, moment time, const struct bodies_news *news)
{
    union message message;
    struct message_body *body = &message.body;
    if (report->talk == NULL || report->bodies_now >= BODIES_EACH || !has_room(report, 1))
        return;
    report->bodies_now++;
    message_prepare(&message, MESSAGE_BODY, 0);
    body->time = time;
    body->sender = record->sender;
    body->whose = record->whose;
    body->likeness = news->likeness;
    body->domains = news->domains;
    body->recipients = news->recipients;
    body->messages = news->messages;
    body->known = news->known;
    say(report, &message);
}

bool report_points(struct report *report, moment time, const struct sender_record *record, points firm, points score)
{
    union message message;
    if (report->talk == NULL || !has_room(report, 1))
        return false;
    message_prepare(&message, MESSAGE_POINTS, 0);
    message.points.time = time;
    message.points.sender = record->sender;
    message.points.whose = record->whose;
    message.points.points = firm;
    message.points.score = score;
    say(report, &message);
    return true;
}

void report_event(struct report *report, moment time, uint8_t severity, const char *what, const char *text)
{
    union message message;
    if (!has_room(report, 1))
        return;
    message_prepare(&message, MESSAGE_EVENT, 0);
    message.event.time = time;
    message.event.severity = severity;
    snprintf(message.event.what, sizeof(message.event.what), "%s", what);
    snprintf(message.event.text, sizeof(message.event.text), "%s", text);
    say(report, &message);
}

bool report_traffic(struct report *report, struct senders *senders, moment now)
{
    if (!has_room(report, TRAFFIC_SENDERS + 1))
        return false;
    uint32_t count = traffic_collect(&report->traffic, senders, now, report->minute);
    for (uint32_t i = 0; i < count; i++)
        say(report, &report->minute[i]);
    return true;
}

uint64_t report_lost(const struct report *report)
{
    return report->lost;
}

void report_tick(struct report *report)
{
    report->evidence_now = 0;
    report->bodies_now = 0;
}
