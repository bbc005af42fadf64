/* The judge: observations in, evidence summed, verdicts and orders out. Pure: it knows only the observations' time.
 *
 * Before an observation at time t is judged, all whole seconds up to t are handed in as ticks, so that fading, hold
 * times and releases happen at the same moment live and in replay. */
#ifndef AGENT_JUDGE_JUDGE_H
#define AGENT_JUDGE_JUDGE_H

#include "agent/judge/bodies.h"
#include "agent/sender/senders.h"
#include "common/error.h"
#include "common/option.h"
#include "common/words/evidence.h"
#include "common/words/fleet.h"
#include "common/words/order.h"
#include "common/words/verdict.h"
#include "detectors/detector.h"

struct judge_settings; /* policy and every detector's settings, filled from configuration */
struct judge_settings *judge_settings_create(struct error *); /* presets; NULL on failure */
void judge_settings_destroy(struct judge_settings **);
/* [policy], [sender], and one section for each detector, as they are for everybody. Borrowed; ended by an entry whose
 * options are NULL. */
const struct option_binding *judge_settings_bindings(struct judge_settings *);
/* options_read() into these settings and into `others`, the caller's own bindings (may be NULL). Each "[plan NAME]" of
 * the text becomes a plan: other limits for the customers that it names (plan.h). */
int judge_settings_read(struct judge_settings *, const struct option_binding *others, struct text, const char *name,
                        struct error *) MUST_CHECK;
/* The same from several texts, of which a later one stands over an earlier one; its plans are asked first as well. */
int judge_settings_read_layers(struct judge_settings *, const struct option_binding *others,
                               const struct option_layer *, size_t count, struct error *) MUST_CHECK;
/* What may stand in a plan's section, for the example file and the manual page. */
const struct option_binding *judge_plan_description(void);
/* Every value in force, plans included, as judge_settings_read() takes it. */
bool judge_settings_print(const struct judge_settings *, struct buffer *) MUST_CHECK;
/* After reading: cross-checks, and reads the files that detectors name. */
int judge_settings_load(struct judge_settings *, const struct file_source *, struct error *) MUST_CHECK;
/* How the sender table must be shaped for these settings. The key is left to the caller. */
void judge_settings_shape(const struct judge_settings *, struct senders_shape *);

/* One change of verdict. Borrowed for the length of the call. */
struct verdict_change {
    moment time;
    const struct sender_record *record;
    enum verdict verdict, before;
    points score;
    uint64_t messages_before, recipients_before;
    moment hold_until;               /* 0: none */
    uint32_t repeats;                /* earlier holds that count against it */
    const struct evidence *evidence; /* those with points, greatest first */
    uint32_t evidence_count;
    enum order_author author;
    const char *why; /* for a person's order: the reason given; else NULL */
};

struct judge_listener {
    void *context;
    void (*verdict)(void *context, const struct verdict_change *);
    void (*order)(void *context, const struct order *);
    void (*evidence)(void *context, const struct sender_record *, const struct evidence *, points added);
    /* The guard against storms holds orders back (`begins`) or lets them go again: so many senders were given orders
     * within the last hour, of so many that were seen in it. A person should look. */
    void (*storm)(void *context, moment, bool begins, uint32_t ordered, uint32_t active);
    /* A sender's recipients of one body reached what `[bulk] recipients` calls many, or twice what was said last: for a
     * collector, which knows who else sends it. */
    void (*body)(void *context, const struct sender_record *, moment, const struct bodies_news *);
}; /* each may be NULL */

struct judge;
/* Settings and senders are borrowed and must outlive it. */
struct judge *judge_create(const struct judge_settings *, struct senders *, const struct judge_listener *,
                           struct error *);
void judge_destroy(struct judge **);
/* All of it: the seconds before it, whom it is about (senders_attribute), its record (senders_record), the counting
 * (senders_count), the detectors, and the verdict that follows. One that is older than the latest tick by more than
 * JUDGE_SET_BACK is taken as of that tick. */
void judge_observe(struct judge *, const struct observation *);
/* Of one whose sender is known already, whatever its origin says: what is said later of a message of its. */
void judge_observe_of(struct judge *, const struct sender *, const struct observation *);
/* As judge_observe(), a little later: what was heard is judged, in its order, by judge_catch_up(), and before that
 * where there is no more room for it or judge_observe() or judge_tick() is called. Nothing else here may be called in
 * between. */
void judge_hear(struct judge *, const struct observation *);
void judge_catch_up(struct judge *);
/* Every whole second up to `now`, each once, however far they have come. Costs nothing but for senders whose verdict
 * may change in one of them, and for detectors that want OBSERVATION_TICK: these get it for every sender that was seen
 * within the last JUDGE_TICKING.
 * A `now` that is earlier than the one before by more than JUDGE_SET_BACK: the clock was set back. Then all that the
 * judge remembers goes back with it, so that of fading, holds and orders is left what was left; the orders in force are
 * told again, with their new ends. Up to that, time stands still until the clock has caught up. */
void judge_tick(struct judge *, moment now);
#define JUDGE_TICKING  HOUR
#define JUDGE_SET_BACK MINUTE
/* Change the settings; scores and verdicts stay. */
void judge_reload(struct judge *, const struct judge_settings *);

/* A person's order: it stands over the policy until it ends. `deed` RELEASE also clears score, verdict, repeats and
 * what the detectors remember. `rate` 0: the policy's. */
int judge_command(struct judge *, const struct sender *, enum deed, moment now, duration length, uint32_t rate,
                  const char *why, struct error *) MUST_CHECK;
/* Send the orders that are in force again: after a start, or when enforcement is switched on. */
void judge_repeat_orders(struct judge *, moment now);

/* What is known of one sender now. */
struct judge_view {
    const struct sender_record *record;
    points score;
    enum verdict verdict, worst;
    moment verdict_since, hold_until;
    uint32_t repeats;
    uint32_t clean_days;   /* with mail and without a verdict; see trust.h */
    bool allowed;          /* by configuration or by a person */
    enum deed person_deed; /* DEED_RELEASE: none in force */
    moment person_until;
    struct evidence evidence[DETECTORS_MOST];
    uint32_t evidence_count;
    points thresholds[VERDICTS]; /* what it takes to reach each; 0: not in use */
    const char *plan;            /* its name; "": none */
    moment clear_at; /* when, without new evidence, the score will be low enough and the hold over; 0: it is clear */
};
/* What all evidence holds against it, and what firm evidence does: that of detectors that are not soft. */
void judge_weigh(const struct judge *, struct sender_record *, moment, points *score, points *firm);
/* The little that is asked of every message: its score, and whether it is diverted, or worse. */
struct judge_glance {
    points score;
    bool diverted;
};
struct judge_glance judge_glance(const struct judge *, struct sender_record *, moment);
void judge_look(const struct judge *, struct sender_record *, moment now, struct judge_view *result);
/* What a collector knows of other nodes; sound. It says nothing by itself: who sends is judged by it. */
void judge_campaign(struct judge *, const struct fleet_campaign *, moment now);
void judge_customer(struct judge *, const struct fleet_customer *, moment now);
uint64_t judge_observations(const struct judge *);

#endif
