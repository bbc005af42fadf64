/* Two answers in a row. */
#include "collector/blacklist/agreement.h"

enum agreement_step agreement_take(struct agreement *agreement, enum answer_state state, moment time, duration apart)
{
    if (state == ANSWER_UNKNOWN)
        return AGREEMENT_NONE;
    bool listed = state == ANSWER_LISTED;
    if (agreement->since == 0 && !listed) { /* nobody is told that what was never listed is not */
        agreement->since = time;
        agreement->doubted = 0;
        return AGREEMENT_SAME;
    }
    if (listed == agreement->listed) {
        agreement->doubted = 0;
        return AGREEMENT_SAME;
    }
    if (agreement->doubted == 0 || agreement->doubted > time) { /* the clock was set back */
        agreement->doubted = time;
        if (apart > 0)
            return AGREEMENT_DOUBTED;
    }
    if (time - agreement->doubted < apart)
        return AGREEMENT_DOUBTED;
    agreement->listed = listed;
    agreement->since = agreement->doubted;
    agreement->doubted = 0;
    return listed ? AGREEMENT_LISTED : AGREEMENT_NOT_LISTED;
}
