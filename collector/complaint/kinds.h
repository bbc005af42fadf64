/* The words of the formats for what happened, in XARF 4's words and in what they weigh. */
#ifndef COLLECTOR_COMPLAINT_KINDS_H
#define COLLECTOR_COMPLAINT_KINDS_H

#include "collector/complaint/complaint.h"

/* ARF's Feedback-Type. */
void kind_take_feedback(struct complaint *, struct text type);
/* What XARF 1 to 3 and X-ARF call it: "Spam", "LoginAttack", "login-attack", "phishing". False: not known; it is
 * nothing then but "other". */
bool kind_take_legacy(struct complaint *, struct text kind);
/* XARF 4's own category and type. False: no such category. */
bool kind_take(struct complaint *, struct text category, struct text kind);

#endif
