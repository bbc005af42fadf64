/* News for the courier: verdicts with their evidence, evidence, events. Kept for a while where the courier is not
 * there. */
#ifndef AGENT_WATCHER_REPORT_H
#define AGENT_WATCHER_REPORT_H

#include "agent/judge/judge.h"
#include "agent/message/talk.h"

struct report;
struct report *report_create(struct error *);
void report_destroy(struct report **);
/* The conversation with the courier, borrowed; NULL: it is not there. What was kept is said at once. */
void report_connect(struct report *, struct talk *);
void report_verdict(struct report *, const struct verdict_change *);
void report_evidence(struct report *, const struct sender_record *, const struct evidence *, points added,
                     points score);
/* For the collector alone: so many in a second, and none while the courier is not there, for what was many then is
 * soon told again. */
void report_body(struct report *, const struct sender_record *, moment, const struct bodies_news *);
bool report_points(struct report *, moment, const struct sender_record *, points firm,
                   points score); /* false: not now */
void report_event(struct report *, moment, uint8_t severity, const char *what, const char *text);
/* Whole or not at all: false, and nothing was taken, where there is no room for all that there may be. */
bool report_traffic(struct report *, struct senders *, moment now);
void report_tick(struct report *); /* a second has gone by */
uint64_t report_lost(const struct report *);

#endif
