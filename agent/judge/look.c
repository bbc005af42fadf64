/* What is known of one sender now, for people. */
#include <string.h>
#include "agent/judge/court.h"

/* When, without new evidence, verdict and orders will be over. */
static moment clear_at(const struct judge *judge, struct judgement *judgement, moment now)
{
    const struct policy *policy = policy_of(judge);
    if (judgement->verdict == VERDICT_CLEAR && judgement->person_deed == DEED_RELEASE)
        return 0;
    moment clear = ladder_falls_below(judge, judgement, policy_release(policy, VERDICT_ALERT), now);
    if (judgement->person_deed != DEED_RELEASE && judgement->person_until > clear)
        clear = judgement->person_until;
    if (judgement->hold_until > clear)
        clear = judgement->hold_until;
    return clear;
}

void judge_weigh(const struct judge *judge, struct sender_record *record, moment now, points *score, points *firm)
{
    *score = judge_score(judge, judgement_of(judge, record), now);
    *firm = judge_firm_score(judge, judgement_of(judge, record), now);
}

struct judge_glance judge_glance(const struct judge *judge, struct sender_record *record, moment now)
{
    struct judgement *judgement = judgement_of(judge, record);
    enum deed person = judgement->person_deed;
    return (struct judge_glance){.score = judge_score(judge, judgement, now),
                                 .diverted = judgement->verdict >= VERDICT_DIVERT || person == DEED_DIVERT ||
                                             person == DEED_BLOCK};
}

void judge_look(const struct judge *judge, struct sender_record *record, moment now, struct judge_view *result)
{
    struct judgement *judgement = judgement_of(judge, record);
    memset(result, 0, sizeof *result);
    result->record = record;
    result->score = judge_score(judge, judgement, now);
    result->verdict = judgement->verdict;
    result->worst = judgement->worst;
    result->verdict_since = judgement->verdict_since;
    result->hold_until = judgement->hold_until;
    result->repeats = ladder_repeats(judge, judgement, now);
    result->clean_days = judgement->past.clean_days;
    result->allowed = ladder_allows(judge, judgement, &record->sender);
    const struct plan *plan = plan_of(judge, judgement);
    result->plan = plan != NULL ? plan->name : "";
    result->person_deed = judgement->person_deed;
    result->person_until = judgement->person_until;
    result->evidence_count = judge_evidence(judge, record, now, result->evidence);
    for (enum verdict verdict = VERDICT_CLEAR; verdict < VERDICTS; verdict++)
        result->thresholds[verdict] = policy_threshold(policy_of(judge), verdict);
    result->clear_at = clear_at(judge, judgement, now);
}
