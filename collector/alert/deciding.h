/* What a channel is to be told of an alert, and when. Nobody wants two hundred mails of one outbreak, nor one each
 * minute of what comes and goes:
 *
 * - what has begun is told when it has stood for `wait`, and all that came meanwhile along with it;
 * - of a kind of which the channel was told lately, the next notice comes `pause` later;
 * - what is over is told when it has been over for `settle`. What has come back by then was never away;
 * - what was over before `wait` had passed is told to nobody;
 * - what still stands is told again after `repeat`.
 */
#ifndef COLLECTOR_ALERT_DECIDING_H
#define COLLECTOR_ALERT_DECIDING_H

#include "collector/alert/settings.h"
#include "common/moment.h"

enum { SEVERITY_WORDS = 3 };
struct alert {
    int64_t number;
    struct text kind, name, node, sender, customer, subject, text; /* node: its name; all may be empty but `kind` */
    int64_t severity;                                              /* 0 news, 1 warning, 2 trouble */
    int64_t times;
    moment raised, last, resolved; /* resolved 0: it stands */
};
/* What a channel was told of one. */
struct alert_told {
    moment said; /* 0: nothing */
    int64_t severity;
    bool over; /* that it is over, or that is not to be told any more */
};

enum alert_news { NEWS_NONE, NEWS_BEGUN, NEWS_WORSE, NEWS_STILL, NEWS_OVER };
/* What there is to tell, if not now, then later. */
enum alert_news alert_news(const struct channel *, const struct alert *, const struct alert_told *, moment now);
/* From when on it has a notice made. `kind_told`: when the channel was last told of something of that kind; 0: never.
 */
moment alert_due(const struct channel *, const struct alert *, const struct alert_told *, enum alert_news,
                 moment kind_told);

/* A pattern of each, empty: any. "*" and "?" as in names of files. */
struct alert_pattern {
    struct text kind, name, customer, node;
};
/* All kinds that there are, ended by NULL: raised elsewhere, and told of here alone. */
extern const char *const alert_kinds[];
/* Whether the pattern fits one of them, or is empty: another is a slip, and would be waited for in vain. */
bool alert_kind_is_known(struct text pattern);
bool alert_fits(const struct alert *, const struct alert_pattern *);
/* Whether the channel hears of such at all. */
bool channel_hears(const struct channel *, const struct alert *);
/* Whether it is one of those that maintenance is about. */
bool alert_is_maintained(const struct alert_settings *, const struct alert *);

#endif
