/* The post: all that goes out to people. One thread makes what is due (notices of alerts, reports), a thread for each
 * way delivers what waits (mail, each webhook, each program, syslog), so that who is slow holds up nobody else. */
#ifndef COLLECTOR_POST_POST_H
#define COLLECTOR_POST_POST_H

#include "collector/alert/settings.h"
#include "collector/post/settings.h"
#include "collector/report/settings.h"
#include "common/error.h"

struct post_settings {
    const struct mail_settings *mail;
    const struct alert_settings *alerts; /* NULL: there are no channels, and mail alone goes out */
    const struct report_settings *reports;
    const struct calendar_zone *zone; /* of reports; NULL: none are made */
};

struct post;
/* `where`: the store's place; copied. All that the settings point to is borrowed. */
int post_create(const char *where, const struct post_settings *, struct post **result, struct error *) MUST_CHECK;
void post_destroy(struct post **); /* what is under way is ended, or sent again the next time */

#endif
