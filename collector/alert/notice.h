/* A notice: what a channel is told at once of one or many alerts, as a mail, a line of a log, and JSON. */
#ifndef COLLECTOR_ALERT_NOTICE_H
#define COLLECTOR_ALERT_NOTICE_H

#include "collector/alert/deciding.h"
#include "collector/alert/window.h"
#include "common/buffer.h"

struct notice_item {
    struct alert alert;
    enum alert_news news;
};
struct notice {
    const char *id;
    const struct channel *channel;
    moment now;
    struct wall wall;
    const char *link; /* how people reach the collector; empty: it is not said */
    const struct notice_item *items;
    size_t count;
    bool is_test; /* then there are no items */
};

#define NOTICE_SUBJECT 200
/* "3 senders blocked, node hv7 is lost": of one alert its own subject. */
void notice_subject(const struct notice *, char result[NOTICE_SUBJECT]);
/* The text of a mail; lines end with LF. False: the buffer's bound. */
bool notice_text(const struct notice *, struct buffer *) MUST_CHECK;
/* For a log: a line for each alert, up to the channel's `lists`, and one for the rest. */
bool notice_lines(const struct notice *, struct buffer *) MUST_CHECK;
/* All of it, for programs. */
bool notice_json(const struct notice *, struct buffer *) MUST_CHECK;
/* What Slack, Mattermost and Rocket.Chat take at an incoming webhook. */
bool notice_slack(const struct notice *, struct buffer *) MUST_CHECK;
/* An event for PagerDuty's Events API v2 and what speaks it: of all alerts of one kind, which is one incident.
 * `standing`: how many of that kind the channel knows to stand; 0: it is over. */
bool notice_pagerduty(const struct notice *, struct text kind, int64_t standing, struct buffer *) MUST_CHECK;

#endif
