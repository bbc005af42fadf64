/* Which of the machine's interfaces are guests' ports, which lead to the world, and what the machine is. Pure: links
 * in, places out. */
#ifndef AGENT_WARDEN_PLACES_H
#define AGENT_WARDEN_PLACES_H

#include <stddef.h>
#include "agent/warden/links.h"
#include "agent/message/settings.h"

enum place {
    PLACE_NONE,
    PLACE_GUEST,  /* a guest's port: captured, hooked, and the port is the sender */
    PLACE_UPLINK, /* leads to the world: hooked for what arrives there */
    PLACE_OWN,    /* the machine's own interface, where there are no guests: captured */
};

struct places_rules {
    enum capture_role machine;      /* AUTO: hypervisor where there are guests' ports, else host */
    struct option_words interfaces; /* patterns; empty: found by themselves */
    struct option_words uplinks;    /* patterns; empty: found by themselves */
    int default_routes[2];          /* interfaces with the default routes; 0: none */
};

/* Fills `places`, one for each link, and says what the machine is: never AUTO. */
enum capture_role places_decide(const struct link *, size_t count, const struct places_rules *, enum place *places);

/* The bridge in which a frame for the world is put when it is to take the way of a guest's own frames; 0: the port is
 * in none. Proxmox puts a bridge of its own before each guest's port; frames find their way on from there. */
int places_bridge(const struct link *links, size_t count, const struct link *port);

/* Whether guests' frames are bridged here (else they are routed). */
bool places_are_bridged(const struct link *, const enum place *, size_t count);

/* Whether a port of that name always is the same guest: the name bears its number (Proxmox: tap101i0, veth101i0).
 * Elsewhere names are given to whoever comes next. */
bool places_name_is_lasting(const char *name);

#endif
