/* Capture positions: follow the links, open a packet socket on each guest's port (or own interface), hand it over,
 * forget it when the link is gone. */
#ifndef AGENT_WARDEN_POSITIONS_H
#define AGENT_WARDEN_POSITIONS_H

#include "agent/message/message.h"
#include "agent/message/settings.h"
#include "agent/warden/capture.h"
#include "agent/warden/links.h"
#include "agent/warden/places.h"

struct positions;

struct position {
    uint32_t number;  /* 1 and up, never used again; 0 for an uplink, which is not captured */
    struct link link; /* as it was when the position was made */
    enum place place;
    int descriptor; /* its packet socket, kept for a watcher that begins anew; -1: none */
    struct capture_shape shape;
    bool handed_over; /* some watcher has read from it */
    bool tried;       /* to open it, since the last update */
    bool other_guest; /* the name stood for another guest before; said once */
};

struct positions_listener {
    void *context;
    void (*opened)(void *context, const struct message_port_opened *, int descriptor); /* takes the descriptor */
    void (*closed)(void *context, const struct position *);
    void (*device)(void *context, const struct position *); /* a port or uplink to be hooked */
    void (*event)(void *context, uint8_t severity, const char *what, const char *text);
};

int positions_create(const struct positions_listener *, struct positions **, struct error *) MUST_CHECK;
void positions_destroy(struct positions **);

/* New settings: filters are compiled anew; what is open stays as it is. */
int positions_configure(struct positions *, const struct capture_settings *, struct error *) MUST_CHECK;
/* Hold the positions against the links: close, open some, tell. Returns what the machine is. */
enum capture_role positions_update(struct positions *, struct links *);
/* Open sockets that are not open yet, a few at a time: with a thousand ports it takes the kernel half a minute, in
 * which others want to be heard. True: there are more. To be called after each update and each hand-over until all are
 * open. */
bool positions_open_some(struct positions *);
/* Hand all sockets over: to a watcher that has just begun. Those that another one read from before go on where they
 * are: what came meanwhile lies in the rings. */
void positions_hand_over(struct positions *);

const struct position *positions_find(const struct positions *, uint32_t number);
const struct position *positions_all(const struct positions *, size_t *count);
bool positions_are_bridged(const struct positions *); /* as of the last update */

#endif
