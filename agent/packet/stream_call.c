/* Who calls: whose connection it is where the ports tell wrong.
 *
 * The side of the mail port is taken for the server. But anybody can call *from* port 25 whatever a guest serves, "play
 * the mail server" there, and have the guest's service say what makes the guest look like a sender of spam. The rule:
 *
 *     A connection is the one's whose SYN was seen. A client's end that answered a SYN with a SYN-ACK is called there,
 *     and calls nobody: what it says to a mail port without a SYN of its own belongs to an incoming connection, which
 *     is counted and passed over.
 *
 * Why it reads so, and not "whoever is seen to send the first SYN":
 *
 * - A SYN from the mail port's side says nothing: a friend of the sender's, or itself, can send one in the server's
 *   name before its own. Only the answer to it counts, and only what the client's end has sent itself (on a guest's
 *   port the direction tells, and its number stands for the guest, whatever address it writes).
 * - The client's own SYN outweighs any SYN-ACK of it, before or after: who calls is a client (also where both ends
 *   open at once). What it had sent before one was forged, or since, stays its own: a stream that a SYN of its own
 *   began is never looked up here, nor one that is known to have been open lately (a farewell says so). So to send a
 *   SYN-ACK on purpose buys a sender no more than that a connection is not joined in the middle that was given up as
 *   idle, or had to give way to others.
 * - It is the port that is called, not the one connection, and it stays so for days: a stranger can neither wait until
 *   his connection is forgotten, nor push it out with others, nor hope that the one SYN-ACK is lost.
 *
 * A client's end that nobody was seen to call is joined in the middle as ever; so right after a start, a connection
 * from a mail port that was there before is taken for one to it.
 *
 * Kept as bits at the place that a keyed hash gives: bounded, never pushed out, and who is taken for one who is called
 * by chance loses only what was joined in the middle. Two generations take turns, so that what is old goes. */
#include "agent/packet/stream_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/siphash.h"

#define CALL_BITS  (UINT32_C(1) << 20) /* a generation; a guest can fill a sixteenth of it, with all its ports */
#define CALL_BYTES (CALL_BITS / 8)
#define GENERATION coarse_of(24 * HOUR)

struct stream_calls {
    uint8_t bits[2][CALL_BYTES];
    coarse_moment since;
    int younger; /* of the two */
};

int stream_call_create(struct streams *s, struct error *error)
{
    s->calls = calloc(1, sizeof *s->calls);
    if (!s->calls) {
        return error_set(error, ENOMEM, "no memory for the ports that are called");
    }
    return 0;
}

void stream_call_destroy(struct streams *s)
{
    free(s->calls);
}

/* One end of a segment, by its place among the bits. Where the direction is known the guest is the end, whatever
 * address it writes: else one guest's false addresses could fill them all. */
static uint32_t place_of(const struct streams *s, const struct segment *segment, bool source)
{
    struct {
        uint32_t position;
        uint16_t port, family;
        uint8_t address[16];
    } end = {.position = segment->port, .port = source ? segment->source_port : segment->target_port};
    if (segment->direction == FRAME_UNKNOWN) {
        end.family = segment->family;
        memcpy(end.address, source ? segment->source : segment->target, segment->family == 4 ? 4 : 16);
    }
    return (uint32_t)siphash(&s->settings.key, &end, sizeof end) & (CALL_BITS - 1);
}

static void take_turns(struct stream_calls *calls, coarse_moment now)
{
    if (calls->since == 0 || now < calls->since) { /* the first, or the clock was set back */
        calls->since = now;
    }
    for (int i = 0; i < 2 && now - calls->since >= GENERATION; i++) {
        calls->younger = !calls->younger;
        memset(calls->bits[calls->younger], 0, CALL_BYTES);
        calls->since = i == 0 ? calls->since + GENERATION : now;
    }
}

void stream_call_note(struct streams *s, const struct segment *segment)
{
    uint32_t place = place_of(s, segment, true);
    take_turns(s->calls, coarse_of(segment->time));
    s->calls->bits[s->calls->younger][place / 8] |= (uint8_t)(1u << place % 8);
}

bool stream_call_was_answered(struct streams *s, const struct segment *segment, enum stream_side side)
{
    uint32_t place = place_of(s, segment, side == STREAM_CLIENT);
    take_turns(s->calls, coarse_of(segment->time));
    uint8_t *younger = &s->calls->bits[s->calls->younger][place / 8];
    *younger |= s->calls->bits[!s->calls->younger][place / 8] & (uint8_t)(1u << place % 8); /* still in use */
    return *younger >> place % 8 & 1;
}
