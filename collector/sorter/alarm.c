/* A filter that is down is something that people should know, and that it is back. It is said in the sorter's own
 * round, once for each change. What was said by a collector before this one stands until the filter shows how it is. */
#include <stdio.h>
#include "collector/sorter/sorter_own.h"
#include "collector/store/alerts.h"

static enum alarm alarm_of(const struct health *health)
{
    return health->down ? ALARM_DOWN : health->since > 0 ? ALARM_UP : ALARM_UNKNOWN;
}

static bool is_news(enum alarm now, enum alarm said)
{
    return now != ALARM_UNKNOWN && now != said;
}

bool round_alarm_is_due(struct sorter *sorter)
{
    struct asker_report report;
    for (uint32_t i = 0; i < sorter->filters.count; i++) {
        asker_report(sorter->askers[i], &report);
        if (is_news(alarm_of(&report.health), sorter->alarm[i]))
            return true;
    }
    return false;
}

static int say(struct round *round, const char *filter, const struct health *health, struct error *error)
{
    char subject[120];
    if (!health->down)
        return store_alert_resolve(round->store, "filter", filter, round->now, error);
    snprintf(subject, sizeof subject, "filter %s is down", filter);
    const struct store_alert alert = {.kind = "filter",
                                      .name = filter,
                                      .severity = SEVERITY_TROUBLE,
                                      .sender = TEXT(""),
                                      .customer = TEXT(""),
                                      .subject = text_of(subject),
                                      .text = text_of(health->trouble)};
    return store_alert_raise(round->store, &alert, round->now, error);
}

int round_alarm(struct round *round, struct error *error)
{
    struct sorter *sorter = round->sorter;
    struct asker_report report;
    int status = 0;
    for (uint32_t i = 0; i < sorter->filters.count && status >= 0; i++) {
        asker_report(sorter->askers[i], &report);
        enum alarm now = alarm_of(&report.health);
        if (!is_news(now, sorter->alarm[i]))
            continue;
        status = say(round, sorter->filters.items[i].name, &report.health, error);
        round->alarm[i] = now;
    }
    return status < 0 ? status : 0;
}
