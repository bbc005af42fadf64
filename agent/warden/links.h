/* The machine's network links as rtnetlink tells them, kept up to date. */
#ifndef AGENT_WARDEN_LINKS_H
#define AGENT_WARDEN_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/address.h"
#include "common/error.h"

struct link {
    int index;
    char name[16];
    char kind[16];       /* "tun", "veth", "bridge", ...; empty: a device of its own */
    uint32_t flags;      /* IFF_... */
    uint16_t hardware;   /* ARPHRD_... */
    int master;          /* the bridge or bond that it is a member of; 0: none */
    int peer;            /* a veth's other end, a VLAN's device; 0: none */
    bool peer_elsewhere; /* the other end is in another network namespace: a container's */
    bool mac_known;
    uint8_t mac[6];
};

struct links;
int links_open(struct links **, struct error *) MUST_CHECK;
void links_close(struct links **);
int links_descriptor(const struct links *);
/* Read what is waiting; after lost messages everything is asked for anew. `*changed`: something is different now. */
int links_read(struct links *, bool *changed, struct error *) MUST_CHECK;
/* Borrowed until the next links_read(). */
const struct link *links_all(const struct links *, size_t *count);
const struct link *links_find(const struct links *, int index);
const struct link *links_named(const struct links *, const char *name);

/* The interfaces that lead to the rest of the world, over IPv4 and over IPv6; 0: none. */
void links_default_routes(struct links *, int result[2]);
/* The machine's own addresses now. The list is the caller's to clear. */
int links_own_addresses(struct address_list *result, struct error *) MUST_CHECK;

#endif
