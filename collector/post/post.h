/* The post: all that goes out to people. One thread makes what is due (notices of alerts, reports), a thread for each
 * way delivers what waits (mail, each webhook, each program, syslog), so that who is slow holds up nobody else. */
#ifndef COLLECTOR_POST_POST_H
#define COLLECTOR_POST_POST_H

#include "collector/alert/settings.h"
#include "collector/post/settings.h"
#include "collector/store/alerts.h"
#include "collector/report/settings.h"
#include "common/error.h"

struct post_settings {
    const struct mail_settings *mail;
    const struct alert_settings *alerts; /* NULL: there are no channels, and mail alone goes out */
    const struct report_settings *reports;
    const struct calendar_zone *zone; /* of reports; NULL: none are made */
    struct letters *letters;          /* NULL: none are written by themselves */
};

struct post;
/* `where`: the store's place; copied. All that the settings point to is borrowed. */
int post_create(const char *where, const struct post_settings *, struct post **result, struct error *) MUST_CHECK;
/* What became of what went out, since it was started; what waits now, of all collectors on the store, and for how long
 * the oldest of it; alerts that stand, by their severity. */
struct post_counts {
    uint64_t sent, tried_again, failed, in_doubt, waiting;
    duration oldest;
    int64_t alerts[SEVERITIES];
};
struct post_counts post_counts(struct post *);
void post_destroy(struct post **); /* what is under way is ended, or sent again the next time */

#endif
