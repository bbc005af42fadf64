/* The pure folders put together: frames in; verdicts, evidence and orders out. Owns the packet path, the senders and
 * the judge. */
#ifndef AGENT_WATCHER_MIND_H
#define AGENT_WATCHER_MIND_H

#include "agent/judge/judge.h"
#include "agent/judge/pairing.h"
#include "agent/log/log_path.h"
#include "agent/message/message.h"
#include "agent/message/settings.h"
#include "agent/packet/session.h"
#include "agent/sender/senders.h"
#include "agent/watcher/sampling.h"
#include "agent/watcher/ways.h"
#include "common/error.h"

struct mind;

struct mind_beginning {
    struct text bundle; /* the configuration (bundle.h); borrowed for the length of the call */
    int memory;         /* descriptor of the senders' memory, borrowed; made larger where it must be */
    struct siphash_key key;
    bool fresh; /* nobody wrote to the memory yet */
    struct judge_listener listener;
    /* Ask whose a connection of the machine's own is (MESSAGE_ASK_OWNER; a context that is the listener's); NULL:
     * nobody is asked. */
    void (*ask)(void *context, const union message *);
    /* A message for the centre's filters (sampling.h; a context that is the listener's); NULL: none are wanted. */
    bool (*sample)(void *context, const union message *, int memory);
};

/* What became of the senders that an earlier process knew. */
struct mind_memory {
    bool adopted;
    uint32_t senders, dropped; /* dropped: left half-changed by a process that died */
    uint64_t bytes;
};

int mind_create(const struct mind_beginning *, struct mind **, struct mind_memory *, struct error *) MUST_CHECK;
void mind_destroy(struct mind **);
/* Policy and detectors from another bundle; scores and verdicts stay. On failure nothing changed. */
int mind_reload(struct mind *, struct text bundle, struct error *) MUST_CHECK;

/* In their order; time comes to each frame's before it is looked at. Several at once are faster (session.h). */
void mind_frames(struct mind *, const struct frame *, size_t count);
/* Time has come to `now`, whether or not there were frames. It goes back only where that is said for a second time, a
 * second later, and by more than JUDGE_SET_BACK: then the clock was set. */
void mind_tick(struct mind *, moment now);

/* Owners of connections (owners.h): the time on a clock that is never set, and whether anything waits for an answer; an
 * answer; and filling in what is known. */
bool mind_wait(struct mind *, duration steady);
void mind_owner(struct mind *, const struct message_owner *);
void mind_fill_owner(struct mind *, struct origin *, const struct address *server, uint16_t server_port);

/* An observation from a log: judged where it is of someone of ours, an account, a local user, or an address of
 * `[capture] local`. Whoever writes to this machine from outside is not a sender of its. What packets tell of the same
 * delivery is not judged again (pairing.h). */
void mind_hear_log(struct mind *, const struct observation *);
/* Whether a message that a milter tells of and no log does was read on the wire; each message there answers for one. */
bool mind_saw(struct mind *, const struct observation *message);
/* What the centre tells of a sender (agent/message/told.h): what a content filter says of a message that was sent in, a
 * listing, a complaint. What was heard before is not judged again. */
void mind_hear_told(struct mind *, const union message *, moment now);
/* How a message of someone of ours came to the mail server, from a log. */
void mind_hear_trace(struct mind *, const struct log_trace *);
void mind_settle(struct mind *); /* all that was heard is judged */
/* Whether there is a log that is read, at first there is none: what a mail server of this machine sends waits only
 * where a log may tell of it. */
void mind_follow_logs(struct mind *, bool here);
void mind_finish(struct mind *); /* the last packets and lines have been heard: nothing waits any more */
struct pairing_counters mind_pairing(const struct mind *);
struct sampling_counters mind_sampling(const struct mind *); /* all 0 where no messages are kept */

const struct process_settings *mind_settings(const struct mind *);

/* How a sender's mail came (ways.h). */
const struct way *mind_way(const struct mind *, const struct sender *, uint32_t number);

struct judge *mind_judge(struct mind *);
struct senders *mind_senders(struct mind *);
struct packet_path *mind_path(struct mind *);

#endif
