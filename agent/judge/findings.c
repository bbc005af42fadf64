/* What detectors say goes into the sender's accounts, one for each detector. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "agent/judge/court.h"
#include "agent/judge/trust.h"

#define REASON_LET_GO "from earlier; the details were let go for busier senders"

struct findings {
    const struct judge *judge;
    struct judgement *judgement;
    char *details;
    moment time;
    uint32_t detector; /* who is speaking */
    uint32_t changed;  /* set of detectors whose account was added to */
    points added[DETECTORS_MOST];
};

static void __attribute__((format(printf, 3, 0)))
add(struct findings *findings, points added, const char *reason, va_list arguments)
{
    const struct judge *judge = findings->judge;
    const struct detector_settings *settings = settings_of(judge, findings->judgement, findings->detector);
    struct account *account = &accounts_of(findings->judgement)[findings->detector];
    char said[3 * EVIDENCE_REASON];
    int length = vsnprintf(said, sizeof said, reason, arguments);

    if (trust_ends(added, detector_table[findings->detector]->soft))
        history_stain(&findings->judgement->past);
    findings->added[findings->detector] +=
        account_add(account, added, settings->weight, settings->most, findings->time, policy_of(judge)->half_life);
    findings->changed |= UINT32_C(1) << findings->detector;
    if (length > 0) {
        size_t kept = (size_t)length < sizeof said ? (size_t)length : sizeof said - 1;
        text_copy_printable((struct text){said, kept}, reason_in(&judge->layout, findings->details, findings->detector),
                            EVIDENCE_REASON);
    }
}

void findings_add(struct findings *findings, points added, const char *reason, ...)
{
    if (detector_table[findings->detector]->soft)
        added = trust_lessen(added, findings->judgement->past.clean_days);
    va_list arguments;
    va_start(arguments, reason);
    add(findings, added, reason, arguments);
    va_end(arguments);
}

void findings_add_firmly(struct findings *findings, points added, const char *reason, ...)
{
    va_list arguments;
    va_start(arguments, reason);
    add(findings, added, reason, arguments);
    va_end(arguments);
}

/* Points outlast their reason where the sender was quiet and others needed the place of its details. */
static void describe(const struct judge *judge, struct sender_record *record, uint32_t detector, moment time,
                     struct evidence *result)
{
    const struct account *account = &accounts_of(judgement_of(judge, record))[detector];
    char *details = senders_details(judge->senders, record);
    const char *reason = details ? reason_in(&judge->layout, details, detector) : "";
    memset(result, 0, sizeof *result);
    result->time = account->added;
    result->points = weight_points(account_at(account, time, policy_of(judge)->half_life));
    snprintf(result->detector, sizeof result->detector, "%s", detector_table[detector]->name);
    snprintf(result->reason, sizeof result->reason, "%.*s", EVIDENCE_REASON - 1, reason[0] ? reason : REASON_LET_GO);
}

/* Asked for where mail is sent, and not for each of the many things that are seen of it. */
static bool may_have_kin(const struct observation *observation)
{
    return observation->kind == OBSERVATION_CONNECTION || observation->kind == OBSERVATION_MESSAGE;
}

/* Ask those of the set, in the order of the table; then, with the record whole again, tell the listener. */
void judge_ask_detectors(struct judge *judge, struct sender_record *record, const struct observation *observation,
                         uint32_t detectors)
{
    struct judgement *judgement = judgement_of(judge, record);
    char *details = senders_take_details(judge->senders, record);
    if (details == NULL)
        return;
    struct findings findings = {.judge = judge, .judgement = judgement, .details = details, .time = observation->time};
    struct observation told = *observation;
    struct kin kin;
    told.known = (struct known){
        .usual_connections = history_usual(&judgement->past, HISTORY_CONNECTIONS, observation->time),
        .usual_messages = history_usual(&judgement->past, HISTORY_MESSAGES, observation->time),
        .clean_days = judgement->past.clean_days,
        .kin = may_have_kin(observation) && kin_find(judge, record, observation->time, &kin) ? &kin : NULL,
    };
    sender_record_open(record);
    if (judgement->plan == 0)
        judge_find_plan(judge, &record->sender, judgement);
    for (uint32_t set = detectors; set != 0; set &= set - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(set);
        const struct detector_settings *settings = settings_of(judge, judgement, i);
        if (!settings->enabled)
            continue;
        findings.detector = i;
        detector_table[i]->observe(settings, details + judge->layout.states[i], &told, &findings);
    }
    sender_record_close(record);
    if (findings.changed == 0)
        return;

    for (uint32_t set = judge->listener.evidence ? findings.changed : 0; set != 0; set &= set - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(set);
        struct evidence evidence;
        describe(judge, record, i, observation->time, &evidence);
        judge->listener.evidence(judge->listener.context, record, &evidence, findings.added[i]);
    }
    kin_note(judge, record, observation->time);
    ladder_climb(judge, record, observation->time);
}

static points score(const struct judge *judge, struct judgement *judgement, moment time, bool soft)
{
    weight sum = 0;
    for (uint32_t i = 0; i < judge->detectors; i++)
        if (accounts_of(judgement)[i].amount > 0 && (soft || !detector_table[i]->soft))
            sum += account_at(&accounts_of(judgement)[i], time, policy_of(judge)->half_life);
    return weight_points(sum);
}

points judge_score(const struct judge *judge, struct judgement *judgement, moment time)
{
    return score(judge, judgement, time, true);
}

points judge_firm_score(const struct judge *judge, struct judgement *judgement, moment time)
{
    return score(judge, judgement, time, false);
}

/* Those with points, the greatest first; equal ones in the order of the table. */
uint32_t judge_evidence(const struct judge *judge, struct sender_record *record, moment time,
                        struct evidence result[DETECTORS_MOST])
{
    struct judgement *judgement = judgement_of(judge, record);
    uint32_t count = 0;
    for (uint32_t i = 0; i < judge->detectors; i++) {
        struct evidence evidence;
        if (accounts_of(judgement)[i].amount <= 0)
            continue;
        describe(judge, record, i, time, &evidence);
        if (evidence.points <= 0)
            continue;
        uint32_t at = count++;
        for (; at > 0 && result[at - 1].points < evidence.points; at--)
            result[at] = result[at - 1];
        result[at] = evidence;
    }
    return count;
}
