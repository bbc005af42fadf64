/* DNS questions, many at once, by c-ares: each is sent once, to the server it is meant for, over UDP or TCP. Whether it
 * is asked again, of whom and how, is for who asks to say: an answer that does not fit is told as that. A reply counts
 * only where server, port, number and question are those of a question under way; whether it repeats the case of the
 * question's letters is for who asks to compare. Numbers are drawn by chance, and the port is another one whenever
 * nothing was under way. One thread, its own epoll descriptor, which may stand in another loop. The process ignores
 * SIGPIPE: c-ares writes to streams that may be gone. */
#ifndef COMMON_IO_DNS_H
#define COMMON_IO_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/address.h"
#include "common/dns_message.h"
#include "common/error.h"
#include "common/moment.h"

#define DNS_SERVERS_MOST 8

struct dns_server {
    struct address address;
    uint16_t port;
};

/* By UDP with a quarter of the patience, by UDP with all of it, by TCP with all of it. */
enum dns_way { DNS_QUICK, DNS_PATIENT, DNS_STREAM, DNS_WAYS };

struct dns_settings {
    const struct dns_server *servers; /* copied */
    uint32_t server_count;            /* 1 to DNS_SERVERS_MOST */
    duration patience;                /* how long an answer may take; whole milliseconds, up to a minute */
};

struct dns;
/* `answered` is called once for each question, from dns_turn(), from dns_destroy() (DNS_STOPPED), or from dns_ask()
 * where it cannot be sent at all. It may ask again. */
int dns_create(const struct dns_settings *, void (*answered)(void *context, uint32_t number, const struct dns_reply *),
               void *context, struct dns **result, struct error *) MUST_CHECK;
void dns_destroy(struct dns **);

/* Ask server `server` (its index) for `name`, written with dots, NUL-terminated; letters are sent as they stand.
 * `number` is the caller's, below 2^24. */
void dns_ask(struct dns *, uint32_t server, const char *name, enum dns_type, enum dns_way, uint32_t number);

/* Wait at most so long, then take what came and what has waited too long. */
int dns_turn(struct dns *, duration wait, struct error *) MUST_CHECK;
int dns_descriptor(const struct dns *); /* readable when dns_turn() has something to take; borrowed */
uint32_t dns_under_way(const struct dns *);

#endif
