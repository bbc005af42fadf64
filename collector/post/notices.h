/* From alerts to what goes out: what there is to tell, to whom, whether now, and as what. In a transaction of the
 * caller's, who rolls back when it fails; what was made is delivered by post.h. */
#ifndef COLLECTOR_POST_NOTICES_H
#define COLLECTOR_POST_NOTICES_H

#include "collector/alert/notice.h"
#include "collector/post/settings.h"
#include "collector/store/sendings.h"

/* What is remembered from round to round; zeroed at first. */
struct notices {
    moment begun, latest; /* since when this collector looks without a break, and when it did last */
    moment aged;          /* when what is old was dropped last */
    duration every;       /* so often it looks */
};
/* Whether it is time to look; pure. The more a look costs, the longer it is until the next one. */
bool notices_due(const struct notices *, moment now);
/* 1: there is something for notices_make(); 0: nothing. Only looks, in a transaction that need not write. */
int notices_wanted(struct store *, struct notices *, const struct alert_settings *, moment now,
                   struct error *) MUST_CHECK;
/* A round: raises what is to be looked for, and makes sendings of what is due. How many were made. -EAGAIN: another
 * collector was faster; roll back, and come again with the next round. */
int notices_make(struct store *, struct notices *, const struct alert_settings *, const struct mail_settings *,
                 moment now, struct error *) MUST_CHECK;

/* A sending by which a person sees whether a channel works; its id to `id`. `name`: of the wish; made twice by one name
 * it is one. */
int notices_test(struct store *, const struct alert_settings *, const struct mail_settings *, const struct channel *,
                 struct text name, moment now, char id[STORE_SENDING_ID], struct error *) MUST_CHECK;

#endif
