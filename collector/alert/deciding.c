/* See deciding.h. */
#include "collector/alert/deciding.h"

#include <fnmatch.h>
#include <stdio.h>

enum alert_news alert_news(const struct channel *channel, const struct alert *alert, const struct alert_told *told,
                           moment now)
{
    bool stands = alert->resolved == 0;
    if (told->over)
        return NEWS_NONE;
    if (told->said == 0)
        /* Long enough to be told, but nobody was to be told then. */
        return stands || alert->resolved - alert->raised >= channel->wait ? NEWS_BEGUN : NEWS_NONE;
    if (!stands)
        return NEWS_OVER;
    if (alert->severity > told->severity)
        return NEWS_WORSE;
    return channel->repeat > 0 && now - told->said >= channel->repeat ? NEWS_STILL : NEWS_NONE;
}

moment alert_due(const struct channel *channel, const struct alert *alert, const struct alert_told *told,
                 enum alert_news news, moment kind_told)
{
    moment due = alert->raised + channel->wait, earliest = kind_told > 0 ? kind_told + channel->pause : 0;
    if (news == NEWS_OVER)
        due = alert->resolved + channel->settle;
    else if (news == NEWS_STILL)
        due = told->said + channel->repeat;
    else if (news == NEWS_WORSE)
        due = alert->last;
    return due > earliest ? due : earliest;
}

/* --- patterns --- */

#define WORD 400 /* longer names than this fit nothing but "*" */

static bool fits(const char *pattern, struct text word)
{
    char copy[WORD];
    if (strcmp(pattern, "*") == 0)
        return true;
    if (word.length >= sizeof copy)
        return false;
    snprintf(copy, sizeof copy, "%.*s", (int)word.length, word.length ? word.bytes : "");
    return fnmatch(pattern, copy, FNM_NOESCAPE) == 0;
}

static bool fits_text(struct text pattern, struct text word)
{
    char copy[WORD];
    if (pattern.length == 0)
        return true;
    if (pattern.length >= sizeof copy)
        return false;
    snprintf(copy, sizeof copy, "%.*s", (int)pattern.length, pattern.bytes);
    return fits(copy, word);
}

static bool fits_one(const struct option_words *patterns, struct text word)
{
    for (uint32_t i = 0; i < patterns->count; i++)
        if (fits(patterns->items[i], word))
            return true;
    return false;
}

const char *const alert_kinds[] = {"block", "throttle", "divert", "virus",  "complaint", "listing", "zone",
                                   "node",  "filter",   "source", "letter", "post",      NULL};

bool alert_kind_is_known(struct text pattern)
{
    bool is_known = pattern.length == 0;
    for (size_t i = 0; alert_kinds[i] && !is_known; i++)
        is_known = fits_text(pattern, text_of(alert_kinds[i]));
    return is_known;
}

bool alert_fits(const struct alert *alert, const struct alert_pattern *pattern)
{
    return fits_text(pattern->kind, alert->kind) &&
           (fits_text(pattern->name, alert->name) ||
            (alert->sender.length > 0 && fits_text(pattern->name, alert->sender))) &&
           fits_text(pattern->customer, alert->customer) && fits_text(pattern->node, alert->node);
}

bool channel_hears(const struct channel *channel, const struct alert *alert)
{
    return alert->severity >= channel->severity && fits_one(&channel->kinds, alert->kind) &&
           (channel->customers.count == 0 || fits_one(&channel->customers, alert->customer)) &&
           (channel->nodes.count == 0 || fits_one(&channel->nodes, alert->node));
}

bool alert_is_maintained(const struct alert_settings *settings, const struct alert *alert)
{
    return fits_one(&settings->maintenance_kinds, alert->kind);
}
