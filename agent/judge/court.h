/* The judge's own structs, for the files of this folder alone.
 *
 *     judge.c     the flow: an observation or a tick comes in
 *     docket.c    those that wait until their batch is whole
 *     bodies.c    near-identical bodies, and who sent them
 *     kin.c       what a customer's senders have against them
 *     campaigns.c what a collector knows of them on other nodes
 *     findings.c  what detectors say is written to the sender's accounts
 *     ladder.c    from the score to verdict, hold and order, and back down
 *     command.c   what a person ordered
 *     shift.c     the clock was set back
 *     look.c      what is known of one sender
 *     plan.c      other limits for some customers
 *     policy.c score.c storm.c trust.c agenda.c   rules and arithmetic that know no judge */
#ifndef AGENT_JUDGE_COURT_H
#define AGENT_JUDGE_COURT_H

#include "agent/judge/agenda.h"
#include "agent/judge/bodies.h"
#include "agent/judge/campaigns.h"
#include "agent/judge/docket.h"
#include "agent/judge/judge.h"
#include "agent/judge/kin.h"
#include "agent/judge/plan.h"
#include "agent/judge/policy.h"
#include "agent/judge/score.h"
#include "agent/judge/storm.h"
#include "agent/sender/history.h"

struct table_settings { /* [sender] */
    uint32_t senders, sketches, busy;
};

struct judge_settings {
    struct policy policy;
    struct table_settings table;
    void *detectors[DETECTORS_MOST]; /* each begins with a struct detector_settings */
    uint32_t count;                  /* of detectors */
    bool loaded[DETECTORS_MOST];
    struct option_binding bindings[DETECTORS_MOST + 3];
    struct plan *plans[PLANS_MOST];
    uint32_t plan_count;
};

/* The judge's bytes in a sender's place; behind it the accounts. */
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
    uint8_t plan;           /* 0: not looked up yet, 1: none, else its number and 2 */
    uint8_t hold_joint;     /* the hold that began then is one of several in the same run: see storm.h */
    uint8_t reserved[3];
    struct past past; /* what the sender usually does, and since when it is clean */
};

static inline struct account *accounts_of(struct judgement *judgement)
{
    return (struct account *)(judgement + 1);
}

#define PLACE_MOST 1024 /* bytes that every sender takes, with as many detectors as there may be */
static_assert(sizeof(struct sender_record) + sizeof(struct judgement) + DETECTORS_MOST * sizeof(struct account) <=
                  PLACE_MOST,
              "memory for all senders is bounded");

/* What a sender's details are: the detectors' states, and behind them the reason that each gave last. */
struct judge_layout {
    uint32_t judge_bytes, details_bytes;
    uint32_t states[DETECTORS_MOST]; /* where each stands */
    uint32_t reasons;
};

static inline char *reason_in(const struct judge_layout *layout, char *details, uint32_t detector)
{
    return details + layout->reasons + (size_t)detector * EVIDENCE_REASON;
}

struct judge {
    const struct judge_settings *settings;
    struct senders *senders;
    struct judge_listener listener;
    struct agenda agenda;
    struct storm storm;
    uint32_t detectors; /* how many */
    struct judge_layout layout;
    uint32_t wanted_by[OBSERVATION_KINDS]; /* kind -> set of detectors */
    moment ticked;                         /* the latest whole second handed in; 0: none */
    moment latest;                         /* of all observations and ticks */
    uint64_t last_order, observations;
    struct docket docket;
    struct bodies *bodies;
    struct campaigns *campaigns, *counted; /* as nodes tell of them; as the centre counts them */
    struct kinships *kinships;
    /* Which of the detectors is the one that judges bodies, and where in its settings it says how many recipients are
     * many; SIZE_MAX: none does. */
    uint32_t bulk;
    size_t bulk_recipients;
};

static inline struct judgement *judgement_of(const struct judge *judge, struct sender_record *record)
{
    return senders_judge_bytes(judge->senders, record);
}

static inline const struct policy *policy_of(const struct judge *judge)
{
    return &judge->settings->policy;
}

/* The sender's plan; NULL: none. */
static inline const struct plan *plan_of(const struct judge *judge, const struct judgement *judgement)
{
    uint32_t number = judgement->plan >= 2 ? judgement->plan - 2U : PLANS_MOST;
    return number < PLANS_MOST && number < judge->settings->plan_count ? judge->settings->plans[number] : NULL;
}

/* A detector's settings for that sender. */
static inline const struct detector_settings *settings_of(const struct judge *judge, const struct judgement *judgement,
                                                          uint32_t detector)
{
    const struct plan *plan = judgement->plan > 1 ? plan_of(judge, judgement) : NULL;
    return plan != NULL ? plan->detectors[detector] : judge->settings->detectors[detector];
}

void judge_find_plan(const struct judge *, const struct sender *, struct judgement *); /* settings.c */

struct judge_layout judge_lay_out(void);
uint32_t detector_number(void);

/* shift.c: it is `now`, a whole second, and before what was handed in */
void judge_shift(struct judge *, moment now);

/* findings.c */
void judge_ask_detectors(struct judge *, struct sender_record *, const struct observation *, uint32_t detectors);
/* The sum of what firm evidence holds against it: without that of soft detectors. */
points judge_firm_score(const struct judge *, struct judgement *, moment);
points judge_score(const struct judge *, struct judgement *, moment);
uint32_t judge_evidence(const struct judge *, struct sender_record *, moment, struct evidence result[DETECTORS_MOST]);

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
