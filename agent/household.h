/* What the agent needs on the machine: users, directories, the sockets. Made by the supervisor while it has the
 * rights. */
#ifndef AGENT_HOUSEHOLD_H
#define AGENT_HOUSEHOLD_H

#include <stdbool.h>
#include <sys/types.h>
#include "agent/message/settings.h"
#include "common/error.h"

struct household {
    uid_t watcher, courier, scribe, milter;
    gid_t watcher_group, courier_group, scribe_group,
        milter_group; /* the courier's is the group that may talk to the agent */
    char courier_state[OPTION_TEXT_SIZE + 32];
    char scribe_state[OPTION_TEXT_SIZE + 32]; /* empty: the systemd journal is not read */
    gid_t log_groups[32];                     /* whose logs the warden and the scribe may read */
    size_t log_group_count;
    gid_t milter_groups[2]; /* who may talk to it, and the policy socket's */
    size_t milter_group_count;
    bool runs_milter;
    int listener;
    int policy;                  /* where mail servers ask; -1: nowhere */
    int metrics;                 /* where metrics are read; -1: nowhere */
    int relays[RELAY_LISTENERS]; /* where relays ask over TCP */
    int relay_count;
    int claim; /* held as long as the agent runs; -1: somebody else's program took its name */
};

/* "auto" becomes yes or no: whether this machine's mail is in the systemd journal alone. */
void household_decide_journal(struct logs_settings *);

/* Users that do not exist are replaced by numbers that nobody has; so the agent runs from its build directory on any
 * machine. */
/* `metrics`: where to listen for who reads metrics; empty: nowhere. */
int household_open(const struct process_settings *, const char *metrics, struct household *, struct error *) MUST_CHECK;
/* Somebody knocks at the claim, to see who holds it: that is all there is to know. */
void household_receive(const struct household *);
void household_close(struct household *, const struct agent_settings *); /* takes the sockets away */

#endif
