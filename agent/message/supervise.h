/* What supervisor and warden say to each other. The supervisor is the parent of all: it starts and ends processes under
 * their users, so that the warden, which packets can talk to, need not be able to. */
#ifndef AGENT_MESSAGE_SUPERVISE_H
#define AGENT_MESSAGE_SUPERVISE_H

#include <stdint.h>
#include "agent/message/message.h"

enum supervise_kind {
    SUPERVISE_NONE,
    /* warden to supervisor */
    SUPERVISE_READY,    /* everything stands */
    SUPERVISE_ALIVE,    /* once a second */
    SUPERVISE_START,    /* start `role` */
    SUPERVISE_STOP,     /* kill `role`: it is silent or broke the rules */
    SUPERVISE_SETTINGS, /* with a descriptor: what came as settings from the collector (agent/central.h), of `revision`;
                           answered by SETTLED */
    /* supervisor to warden */
    SUPERVISE_CONFIGURATION, /* with a descriptor: the bundle (bundle.h), sealed; first of all, and after SIGHUP.
                                `text`: how the warden before this one ended;
                                `revision`: of the settings from the collector in it, 0: none */
    SUPERVISE_UNCHANGED,     /* SIGHUP came, and something stays as it was: `text` says what and why */
    SUPERVISE_STARTED,       /* with a descriptor: the channel to it */
    SUPERVISE_FAILED,        /* it could not be started; `status` is an errno */
    SUPERVISE_ENDED,         /* `status` as waitid() gives it: exit status, or signal with SUPERVISE_BY_SIGNAL */
    SUPERVISE_SETTLED, /* the settings of `revision` are in force, by the CONFIGURATION before this, where `status`
                          is 0; else `text` says why not */
    SUPERVISE_FINISH,  /* end within a few seconds */
    SUPERVISE_KINDS
};

#define SUPERVISE_BY_SIGNAL 0x100

struct supervise {
    uint32_t kind, role; /* role: of the process it is about */
    int32_t pid, status;
    int64_t revision;
    char text[240];
};

int supervise_send(int channel, const struct supervise *, int descriptor, struct error *) MUST_CHECK;
/* 1: *result (and *descriptor, -1: none; the caller owns it); 0: none waits; -ECONNRESET, -EPROTO. */
int supervise_receive(int channel, struct supervise *result, int *descriptor, struct error *) MUST_CHECK;

#endif
