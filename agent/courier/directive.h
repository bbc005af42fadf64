/* A directive: what the centre tells this node to do. It is turned into the same request that a person makes on the
 * control socket and goes the same way from there, through the same checks. */
#ifndef AGENT_COURIER_DIRECTIVE_H
#define AGENT_COURIER_DIRECTIVE_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/courier/request.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"

#define DIRECTIVES_MOST  1000 /* in one answer */
#define DIRECTIVE_PERSON 64

struct directive {
    int64_t revision;
    struct request request;
    moment until;                  /* when it ends, whenever it is carried out; 0: it does not end by itself */
    char person[DIRECTIVE_PERSON]; /* "centre: NAME" */
    char trouble[240];             /* why it cannot be carried out; empty: it can */
    char *settings;                /* what the request borrows; NULL: nothing */
};

struct directives {
    struct directive *items;
    uint32_t count;
    int64_t revision; /* what to ask behind next */
};

/* Read the answer of GET /v1/directives. One directive that is not understood (from a newer centre, say) is among the
 * results with its trouble; an answer that is none fails. Revisions up to `after` are left out. */
int directives_read(struct text answer, int64_t after, struct directives *result, struct error *) MUST_CHECK;
void directives_clear(struct directives *);

/* Fix the request's length so that it ends at `until`. False: it is over already. */
bool directive_begin(struct directive *, moment now);

#endif
