/* The control socket: people's requests in, answers out. Bounded in clients, in a request's length and in what waits
 * for a slow reader. Knows nothing of what is asked; courier.c answers. */
#ifndef AGENT_COURIER_CONTROL_H
#define AGENT_COURIER_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "agent/courier/request.h"
#include "common/buffer.h"

#define CONTROL_CLIENTS_MOST 64
#define CONTROL_WAITING_MOST (8 << 20) /* bytes for a reader that is behind; beyond, it is dropped */
#define CONTROL_PERSON       64

struct control;
struct client; /* one person's connection */

struct control_listener {
    void *context;
    /* A request was read. The next one is read after client_finish(). */
    void (*asked)(void *context, struct client *, const struct request *);
    /* All that was written has been taken and the answer is not finished: there is room for more of it. */
    void (*room)(void *context, struct client *);
    /* The client is gone; its handle is not used again. */
    void (*gone)(void *context, struct client *);
};

/* `listener` is a listening socket, borrowed. */
int control_open(sd_event *, int listener, const struct control_listener *, struct control **result,
                 struct error *) MUST_CHECK;
void control_close(struct control **);
void control_each(struct control *, void (*each)(void *context, struct client *), void *context);

/* Who asks: the user's name, or "uid 1234". */
const char *client_person(const struct client *);
/* What the answerer keeps for this client. */
struct client_answer {
    uint32_t question; /* outstanding; 0: none */
    bool streaming, follow;
    bool more;     /* STREAMING: call room() as soon as the reader can take more */
    int64_t after; /* STREAMING: the journal's entry up to which was sent */
    moment since;
};
struct client_answer *client_answer(struct client *);
/* Write into this, then client_send(). */
struct buffer *client_output(struct client *);
void client_send(struct client *);
/* The answer is complete: its last line, with what went wrong (NULL: nothing). */
void client_finish(struct client *, const char *failure);

#endif
