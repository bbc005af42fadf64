/* What an answer of the policy socket means to a mail server that asks through the milter. Pure. */
#ifndef AGENT_MILTER_VERDICT_H
#define AGENT_MILTER_VERDICT_H

#include "common/text.h"

enum milter_decision { MILTER_PASSES, MILTER_DEFERRED, MILTER_REFUSED, MILTER_DISCARDED };

struct milter_verdict {
    enum milter_decision decision;
    /* of the answer to the client where it is deferred or refused; each ends with NUL */
    char code[4];      /* "554" */
    char enhanced[10]; /* "5.7.1" */
    char phrase[512];  /* one line of plain ASCII, each '%' doubled, as libmilter wants it */
};

/* `action`: what stood behind "action=", an action of Postfix's access(5). Whatever else it is, mail passes. */
void milter_verdict_read(struct text action, struct milter_verdict *);

#endif
