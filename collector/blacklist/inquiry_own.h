/* The inside of inquiry.h. */
#ifndef COLLECTOR_BLACKLIST_INQUIRY_OWN_H
#define COLLECTOR_BLACKLIST_INQUIRY_OWN_H

#include "collector/blacklist/inquiry.h"
#include "common/table.h"

#define NONE        UINT32_MAX
#define SILENT_MOST 20 /* answers in a row that did not come: then the zone is tested anew */

/* --- subjects that wait: two lanes, in each all zones walk over the same subjects at their own pace --- */

struct waiting {
    struct subject subject;
    uint64_t tag;
    uint32_t left; /* zones of which nothing was told yet; 0: it may leave */
    bool anew;
};

enum { LANE_URGENT, LANE_CALM, LANES };
struct lane {
    struct waiting *items;
    uint32_t room;
    uint64_t first, next; /* numbers of subjects; one stands at its number modulo `room` */
    uint32_t peak;        /* so many waited at once since none did */
};

/* --- zones --- */

/* Families are tested one by one: many lists know IPv4 alone and say that they know both. Domains stand with IPv4. */
enum { FAMILY_4, FAMILY_6, FAMILIES };

/* What is thought of one zone as one resolver shows it. */
struct belief {
    enum zone_belief state;
    bool testing, retest;              /* a test is under way; one is wanted before anything else */
    uint8_t left;                      /* questions of the test that are not answered */
    enum answer_doubt doubt[FAMILIES]; /* DOUBT_NONE: it passed */
    enum answer_doubt found[FAMILIES]; /* by the test under way */
    moment tested, begun;
    uint32_t silent; /* answers in a row that did not come */
    uint32_t parked; /* slots that wait for the test's end: the first of a list */
};

struct zone_state {
    const struct zone *zone;
    uint32_t index; /* among all zones */
    uint64_t at[LANES];
    moment next; /* when its next calm question may be sent */
    uint32_t under_way;
    uint32_t slow; /* answers in a row that came, but not soon: then it is asked with patience from the start */
    int64_t day;
    uint64_t asked, listed, clean, unknown;
    struct belief beliefs[INQUIRY_RESOLVERS_MOST];
};

struct resolver_state {
    enum zone_belief state;
    enum answer_doubt doubt;
    bool testing, retest, keeps_case;
    moment tested, next;
    uint64_t questions, timeouts;
    /* Questions under way to it, and how many may be: more with each answer, half as many after a loss. `cut`: when
     * that was last; `steep`: up to there it grows fast. */
    uint32_t under_way;
    double window, steep;
    moment cut;
    uint32_t ready_first, ready_last; /* slots whose question is to be sent */
};

/* --- questions under way --- */

enum stage { STAGE_FREE, STAGE_ADDRESS, STAGE_TEXT, STAGE_PARKED, STAGE_TEST, STAGE_RESOLVER };
enum { TEST_LISTED, TEST_CLEAN };

struct slot {
    enum stage stage;
    uint8_t lane, resolver, family, test; /* `family`, `test`: of a zone's test */
    bool sent;                            /* no reply came yet */
    enum inquiry_way way;
    uint8_t tries;      /* how often it was sent */
    uint8_t forged;     /* replies in other letters so far */
    moment asked;       /* when it was sent last */
    uint32_t zone;      /* index into zone states */
    uint32_t following; /* in the list of free, ready or parked ones */
    uint64_t subject;   /* its number in its lane */
    uint64_t chance;    /* bits that say which letters are capitals */
    moment answered;
    struct answer answer; /* parked, or waiting for its text */
};

#define RESERVE 16 /* slots that are for tests alone: what is parked waits for one */

struct inquiry {
    struct inquiry_settings settings;
    inquiry_told *told;
    void *context;
    struct lane lanes[LANES];
    struct zone_state *zones;
    uint32_t zone_count, turn; /* `turn`: the zone to look at next */
    struct resolver_state resolvers[INQUIRY_RESOLVERS_MOST];
    uint32_t resolver_turn;
    struct slot *slots;
    uint32_t slot_count, free, free_count, under_way;
    uint32_t zone_most;   /* questions of one zone under way */
    uint32_t ready_count; /* slots whose question is to be sent */
    uint64_t counter;     /* of what was drawn by chance */
    struct table *memory;
    bool stopping;
};

/* inquiry_slot.c */
int inquiry_slots_create(struct inquiry *, struct error *) MUST_CHECK;
struct slot *inquiry_take_slot(struct inquiry *, enum stage); /* NULL: none is free */
void inquiry_free_slot(struct inquiry *, struct slot *);
void inquiry_make_ready(struct inquiry *, struct slot *);
bool inquiry_next_ready(struct inquiry *, moment now, struct inquiry_question *);
/* What a reply says of the way: losses, delays. */
void inquiry_note_reply(struct inquiry *, struct slot *, const struct dns_reply *, moment now);
/* Whether the reply repeats another question, or the same in other letters. */
bool inquiry_is_forged(const struct inquiry *, const struct slot *, const struct dns_reply *);
/* Ask it again, over TCP in the end; false: it was asked often enough. */
bool inquiry_ask_again(struct inquiry *, struct slot *);
bool inquiry_ask_over_stream(struct inquiry *, struct slot *);
/* Ask what got no answer again, of this resolver, with more patience; false: it was asked often enough. */
bool inquiry_ask_patiently(struct inquiry *, struct slot *, uint32_t resolver);
void inquiry_count_question(struct zone_state *, moment now);

/* inquiry.c */
/* Say what a zone says of the subject, and remember it where `fresh`. */
void inquiry_tell(struct inquiry *, struct zone_state *, unsigned lane, uint64_t subject, const struct answer *,
                  moment time, bool fresh);
struct waiting *inquiry_subject(const struct inquiry *, unsigned lane, uint64_t number);
/* A resolver by which the zone may be asked now. Calm questions wait for their turn there. */
enum { RESOLVER_WAIT = -1, RESOLVER_NONE = -2 };
int inquiry_choose(struct inquiry *, struct zone_state *, unsigned family, unsigned lane, moment now,
                   enum answer_doubt *);

/* inquiry_reply.c */
void inquiry_settle(struct inquiry *, struct slot *, moment now);

/* inquiry_belief.c */
/* Begin the zone's test by this resolver where it is due; false: one is under way, nothing else may be asked. */
bool inquiry_is_tested(struct inquiry *, struct zone_state *, uint32_t resolver, moment now);
void inquiry_test_resolvers(struct inquiry *, moment now);
void inquiry_test_reply(struct inquiry *, struct slot *, const struct dns_reply *, moment now);
void inquiry_resolver_reply(struct inquiry *, struct slot *, const struct dns_reply *, moment now);
bool inquiry_test_subject(const struct zone *, unsigned family, unsigned test, struct subject *result);

static inline unsigned inquiry_family(enum subject_kind kind)
{
    return kind == SUBJECT_IPV6 ? FAMILY_6 : FAMILY_4;
}

static inline uint32_t inquiry_slot_number(const struct inquiry *inquiry, const struct slot *slot)
{
    return (uint32_t)(slot - inquiry->slots);
}

/* inquiry_memory.c */
int inquiry_memory_create(struct inquiry *, struct error *) MUST_CHECK;
bool inquiry_recall(struct inquiry *, const struct zone_state *, const struct subject *, moment now,
                    struct answer *result, moment *time);
void inquiry_remember(struct inquiry *, const struct zone_state *, const struct subject *, const struct answer *,
                      moment time);
moment inquiry_good_until(const struct answer *, moment time);

#endif
