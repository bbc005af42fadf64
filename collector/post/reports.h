/* Reports that are made by themselves: when a day, a week or a month is over, once for all collectors, and late where
 * none was running then. */
#ifndef COLLECTOR_POST_REPORTS_H
#define COLLECTOR_POST_REPORTS_H

#include "collector/alert/settings.h"
#include "collector/post/settings.h"
#include "collector/report/report.h"
#include "collector/report/settings.h"
#include "collector/store/sendings.h"

struct reports_means {
    const struct report_settings *settings;
    const struct calendar_zone *zone;
    const struct alert_settings *alerts;
    const struct mail_settings *mail;
};

/* What is remembered from round to round; zeroed at first. */
struct reports {
    char made[CALENDAR_KINDS][CALENDAR_PERIOD]; /* the latest that is known to be made */
    moment again;                               /* nothing is tried before, for it failed */
};
/* Whether there is one to look after. */
bool reports_wanted(const struct reports *, const struct reports_means *, moment now);
/* Makes the sendings of what is due. It opens its own transactions, for what it reads is much and what it writes is
 * little. How many were made. -EAGAIN: another collector was faster; come again with the next round. */
int reports_make(struct store *, struct reports *, const struct reports_means *, moment now, struct error *) MUST_CHECK;

/* One to a channel, in a transaction of the caller's. `again`: what tells it from the others of its period that go
 * there, empty for the one that goes by itself; made twice by one name it is one. Its id to `id`. 1: made; 0: it was
 * before. -EINVAL: the channel is not of type mail, or there is no good [mail] from. */
int reports_send(struct store *, const struct reports_means *, const struct report *, const struct channel *,
                 struct text again, moment now, char id[STORE_SENDING_ID], struct error *) MUST_CHECK;

#endif
