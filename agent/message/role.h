/* How the processes of the agent are started.
 *
 *     supervisor (`postern-agent run`)          starts the others under their users, restarts a dead warden; no network
 *      ├── warden   run --role warden  ...       rights on packets and tables
 *      ├── watcher  run --role watcher ...       none
 *      ├── courier  run --role courier ...       its directory and the control socket
 *      ├── scribe   run --role scribe ...        the systemd journal and its directory; only where that is read
 *      └── milter   run --role milter ...        its listening socket and questions to the policy socket; only where
 *                                                there is one
 *
 * One binary, executed anew for each role. A role other than the supervisor is already under its own user and group,
 * without capabilities and with no_new_privs, when its main function is called; it ends its own enter() with
 * sandbox_enter() (common/io/sandbox.h) and its table of system calls. It dies with its parent (PR_SET_PDEATHSIG), and
 * ends by itself, status 0, when the channel to the warden is closed.
 *
 * What it is given:
 *  - descriptor 3: the channel to the warden (struct channel {3, self, ROLE_WARDEN}); SOCK_SEQPACKET, non-blocking.
 *  - descriptor 4, courier only: the control socket, listening, with owner, group and mode set; it stays open when the
 * courier is started anew, so that a person's request waits instead of failing.
 *  - descriptor 5, courier only: the policy socket, listening, in the same way; closed where there is none.
 *  - descriptor 6, courier only: a sealed piece of memory with what it alone is told of the collector
 *    (agent/courier/collector.h); closed where there is none.
 *  - descriptor 7, courier only: the TCP socket where metrics are read, listening; closed where there is none.
 *  - descriptors from 8 on, courier only: the TCP sockets where relays ask, listening.
 *  - `state`, courier and scribe: its own directory, which it may write.
 * Scribe and milter are the supervisor's own: they have no channel, their descriptor 4 is the configuration, and they
 * are ended by a signal. What the warden then sends, in this order: CONFIGURATION (bundle.h), MEMORY (watcher), PEER,
 * ENFORCEMENT, PORT_OPENED for each port that is open now (watcher), READY. Later at any time: CONFIGURATION (reload),
 * PEER (the other one was started anew: drop the old channel and every question that waits on it, go on with the new
 * one), ENFORCEMENT, PORT_OPENED, PORT_CLOSED. From READY on it sends ALIVE once a second.
 *
 * The channel between watcher and courier says ECONNRESET when the other one died: keep running; PEER brings a new one.
 */
#ifndef AGENT_MESSAGE_ROLE_H
#define AGENT_MESSAGE_ROLE_H

#include <sys/types.h>
#include "agent/message/message.h"

#define ROLE_CHANNEL  3
#define ROLE_LISTENER 4
#define ROLE_POLICY   5
#define ROLE_CENTRE   6
#define ROLE_METRICS  7
#define ROLE_RELAY    8 /* the first of up to ROLE_RELAYS */
#define ROLE_RELAYS   4

/* Known to the courier too, which believes nobody else what was in a message. Debian reserves the number. */
#define ROLE_MILTER_USER   "postern-milter"
#define ROLE_MILTER_NUMBER 65529

#define ROLE_SCRIBE_PLACE "scribe" /* its directory, below the agent's state */

struct role_start {
    enum role role;
    int channel;       /* ROLE_CHANNEL */
    int listener;      /* ROLE_LISTENER, -1: none */
    int policy;        /* ROLE_POLICY, -1: none */
    int centre;        /* ROLE_CENTRE, -1: none */
    int metrics;       /* ROLE_METRICS, -1: none */
    const char *state; /* the role's own directory; NULL: none */
    int relays;        /* how many from ROLE_RELAY on */
};

/* Each returns the exit status of its process. */
int warden_main(const struct role_start *);  /* agent/warden */
int watcher_main(const struct role_start *); /* agent/watcher */
int courier_main(const struct role_start *); /* agent/courier */

int scribe_main(const struct role_start *); /* agent/scribe */
int milter_main(const struct role_start *); /* agent/milter */

const char *role_name(enum role); /* "warden", "watcher", "courier", "scribe", "milter" */

/* Where there is no user of that name, an unused number that stands for it. */
void role_find_user(const char *name, uid_t number, uid_t *user, gid_t *group);

#endif
