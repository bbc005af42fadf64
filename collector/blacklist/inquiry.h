/* An inquiry: subjects go in, questions come out when they are due, replies go in, and for each subject and zone it is
 * told once what the zone says. No descriptor, no clock: whoever calls has both.
 *
 * Before a zone is believed it is tested, by each resolver by which it is asked (RFC 5782, 5): what it must list is
 * listed, what it must not list is not. The test is done anew after `retest`, and a listing is told only behind a test
 * that is not older than `fresh`: a zone that begins to list everything is found out before it accuses anybody. Of a
 * zone that does not pass all answers are unknown. So are all by a resolver that answers for names which do not exist.
 *
 * Questions of a zone are spread over `spread`, counted against its limit a day, and never more than `in_flight` in all
 * are under way. A reply that did not come, or not rightly, is asked for again by the next resolver; one in other
 * letters than the question, over TCP. Zones wait for nobody: one that is silent is given up until its next test. */
#ifndef COLLECTOR_BLACKLIST_INQUIRY_H
#define COLLECTOR_BLACKLIST_INQUIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "collector/blacklist/answer.h"
#include "collector/blacklist/subject.h"
#include "collector/blacklist/zones.h"
#include "common/dns_message.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/siphash.h"

#define INQUIRY_RESOLVERS_MOST 8

struct inquiry_settings {
    uint32_t resolvers; /* how many; 1 to INQUIRY_RESOLVERS_MOST */
    uint32_t in_flight; /* questions under way at once; 1 to 65536 */
    uint32_t tries;     /* how often a question is asked in all that gets no answer; 1 to 16 */
    uint32_t waiting;   /* subjects that may wait, in each of the two lanes; 1 to 1048576 */
    uint32_t rate;      /* questions a second to one resolver; 0: no bound */
    duration spread;    /* over which the waiting subjects' questions to one zone are spread; 0: as fast as it goes */
    duration retest, fresh; /* how long a zone's test holds; how old it may be when a listing is told */
    uint32_t remembered;    /* answers kept for their TTL; 0: none */
    bool reasons;           /* ask for the TXT of listings */
    const char *nowhere; /* below this name random names are asked that must not exist, "com"; NULL: resolvers are not
                            tested. Borrowed */
    struct siphash_key key; /* by chance: letters' cases and random names come from it */
};

/* What is told: borrowed for the call. `fresh`: it was asked now, not remembered. */
struct inquiry_result {
    uint64_t tag; /* as it was asked */
    const struct subject *subject;
    const struct zone *zone;
    uint32_t zone_index;
    const struct answer *answer;
    moment time, good_until; /* when it was answered, and how long that may be believed; unknown: 0 */
    bool fresh;
    bool last; /* the last zone of this subject */
};
typedef void inquiry_told(void *context, const struct inquiry_result *);

struct inquiry;
/* The zones are borrowed. */
int inquiry_create(const struct inquiry_settings *, const struct zones *, inquiry_told *, void *context,
                   struct inquiry **result, struct error *) MUST_CHECK;
void inquiry_destroy(struct inquiry **); /* says nothing of what is waiting */

/* How something is asked for. Urgent: before all that is not, and not spread; a person waits for it. Anew: what is
 * remembered does not count, as for a confirmation. */
enum inquiry_how { INQUIRY_URGENT = 1, INQUIRY_ANEW = 2 };

/* Ask all zones that take it. Returns how many those are; 0: none does, and nothing will be told; -ENOSPC: too many are
 * waiting, ask later. */
int inquiry_ask(struct inquiry *, const struct subject *, uint64_t tag, int how, moment now) MUST_CHECK;
uint32_t inquiry_waiting(const struct inquiry *); /* subjects of which not all is told */
void inquiry_stop(struct inquiry *, moment now);  /* all that waits is told as unknown */

/* --- whoever has the descriptors --- */

/* UDP, with little patience or with all; TCP. */
enum inquiry_way { INQUIRY_QUICK, INQUIRY_PATIENT, INQUIRY_STREAM };
struct inquiry_question {
    uint32_t number; /* to be given back with the reply; below 2 * in_flight + 16 */
    uint32_t resolver;
    enum dns_type type;
    enum inquiry_way way;
    char name[SUBJECT_NAME];
};
/* The next question that may be sent now; false: none. Results that need no question are told on the way. */
bool inquiry_next(struct inquiry *, moment now, struct inquiry_question *);
void inquiry_reply(struct inquiry *, uint32_t number, const struct dns_reply *, moment now);
/* When inquiry_next() may have something, if no reply comes; 0: not before something is asked. */
moment inquiry_wake(const struct inquiry *, moment now);

/* --- how zones and resolvers are --- */

enum zone_belief { ZONE_UNTESTED, ZONE_BELIEVED, ZONE_DISBELIEVED };
struct inquiry_zone {
    enum zone_belief belief; /* by any resolver: believed where one gets it believed */
    enum answer_doubt doubt; /* disbelieved: why. DOUBT_TIMEOUT, DOUBT_PUBLIC, DOUBT_EMPTY, DOUBT_WILDCARD, ... */
    moment tested;           /* when the last test ended; 0: never */
    int64_t day;             /* days since 1970, of what was asked */
    uint64_t asked;          /* questions on that day, tests among them */
    uint64_t listed, clean, unknown; /* results told since the beginning, but for remembered ones */
};
void inquiry_zone(const struct inquiry *, uint32_t zone_index, struct inquiry_zone *result);
/* After a restart: what was asked of it on that day already. */
void inquiry_resume(struct inquiry *, uint32_t zone_index, int64_t day, uint64_t asked);
void inquiry_retest(struct inquiry *); /* all zones and resolvers, before anything else is believed */

struct inquiry_resolver {
    enum zone_belief belief; /* believed: names that do not exist do not exist */
    enum answer_doubt doubt; /* DOUBT_REWRITTEN: not used. Others: it gave no answer, the zones' tests decide */
    bool keeps_case;         /* it repeats questions letter by letter, so that forgeries show */
    moment tested;
    uint64_t questions, timeouts;
    uint32_t window; /* questions that may be under way to it now */
};
void inquiry_resolver(const struct inquiry *, uint32_t index, struct inquiry_resolver *result);

#endif
