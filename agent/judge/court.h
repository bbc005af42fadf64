/* The judge's own structs, for the files of this folder alone.
 *
 *     judge.c     the flow: an observation or a tick comes in
 *     docket.c    those that wait until their batch is whole
 *     bodies.c    near-identical bodies, and who sent them
 *     findings.c  what detectors say is written to the sender's accounts
 *     ladder.c    from the score to verdict, hold and order, and back down
 *     command.c   what a person ordered
 *     shift.c     the clock was set back
 *     look.c      what is known of one sender
 *     policy.c score.c storm.c agenda.c   rules and arithmetic that know no judge */
#ifndef AGENT_JUDGE_COURT_H
#define AGENT_JUDGE_COURT_H

#include "agent/judge/agenda.h"
#include "agent/judge/bodies.h"
#include "agent/judge/docket.h"
#include "agent/judge/judge.h"
#include "agent/judge/policy.h"
#include "agent/judge/score.h"
#include "agent/judge/storm.h"

struct table_settings { /* [sender] */
    uint32_t senders, sketches;
};

struct judge_settings {
    struct policy policy;
    struct table_settings table;
    void *detectors[DETECTORS_MOST]; /* each begins with a struct detector_settings */
    uint32_t count;                  /* of detectors */
    bool loaded[DETECTORS_MOST];
    struct option_binding bindings[DETECTORS_MOST + 3];
};

/* The judge's bytes in a sender's place; behind it the accounts, and behind these the detectors' states. */
struct judgement {
    moment verdict_since;
    moment hold_begun, hold_until; /* 0: no order of the policy's in force */
    moment held_last;              /* when the last hold ended */
    moment person_until;           /* with `person_deed` */
    moment due;                    /* its entry in the agenda; 0: none */
    uint32_t holds;                /* orders that the policy gave, the running one included, as long as they count */
    uint32_t person_rate;
    uint8_t verdict, worst; /* enum verdict */
    uint8_t person_deed;    /* enum deed; DEED_RELEASE: no person's order in force */
    uint8_t reserved[5];
};

struct judge {
    const struct judge_settings *settings;
    struct senders *senders;
    struct judge_listener listener;
    struct agenda agenda;
    struct storm storm;
    uint32_t detectors;                    /* how many */
    uint32_t state_offset[DETECTORS_MOST]; /* of each detector's state in the judge's bytes */
    uint32_t judge_bytes;
    uint32_t wanted_by[OBSERVATION_KINDS]; /* kind -> set of detectors */
    moment ticked;                         /* the latest whole second handed in; 0: none */
    moment latest;                         /* of all observations and ticks */
    uint64_t last_order, observations;
    struct docket docket;
    struct bodies *bodies;
};

static inline struct judgement *judgement_of(const struct judge *judge, struct sender_record *record)
{
    return senders_judge_bytes(judge->senders, record);
}

static inline struct account *accounts_of(struct judgement *judgement)
{
    return (struct account *)(judgement + 1);
}

static inline const struct policy *policy_of(const struct judge *judge)
{
    return &judge->settings->policy;
}

uint32_t judge_bytes_lay_out(uint32_t state_offset[DETECTORS_MOST]); /* their number, and where each state stands */
uint32_t detector_number(void);

/* shift.c: it is `now`, a whole second, and before what was handed in */
void judge_shift(struct judge *, moment now);

/* findings.c */
void judge_ask_detectors(struct judge *, struct sender_record *, const struct observation *, uint32_t detectors);
points judge_score(const struct judge *, struct judgement *, moment);
uint32_t judge_evidence(const struct judge *, struct judgement *, moment, struct evidence result[DETECTORS_MOST]);

/* ladder.c */
void ladder_climb(struct judge *, struct sender_record *, moment);   /* evidence came */
void ladder_look_at(struct judge *, struct sender_record *, moment); /* the agenda says so */
void ladder_descend(struct judge *, struct sender_record *, moment, enum order_author, const char *why);
void ladder_order(struct judge *, const struct sender_record *, enum deed, enum order_author, moment until,
                  uint32_t rate, moment now);
void ladder_repeat_order(struct judge *, struct sender_record *, moment now);
void ladder_set_verdict(struct judge *, struct sender_record *, enum verdict, moment, enum order_author,
                        const char *why);
void ladder_mark(const struct judge *, struct sender_record *); /* whether it must stay in the table */
void ladder_schedule(struct judge *, struct sender_record *, moment due);
bool ladder_allows(const struct judge *, const struct judgement *, const struct sender *);
uint32_t ladder_repeats(const struct judge *, const struct judgement *, moment now);
moment ladder_falls_below(const struct judge *, struct judgement *, points level, moment from);

#endif
