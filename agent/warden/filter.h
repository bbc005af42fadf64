/* The kernel's filter of a packet socket: which frames are worth handing over at all.
 *
 * Plain "tcp port 25" is evaded by an IPv6 extension header and by a second VLAN tag, which real gateways answer; such
 * frames are rare, so all of them are taken and looked at. */
#ifndef AGENT_WARDEN_FILTER_H
#define AGENT_WARDEN_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/error.h"

#define FILTER_TEXT 1024

/* The filter in libpcap's language. `ports` ends with 0. `ethernet`: the link has Ethernet headers, else bare IP. */
const char *filter_print(const uint16_t *ports, bool ethernet, char result[FILTER_TEXT]);

/* Compiled; result->filter is the caller's to free(). */
int filter_compile(const uint16_t *ports, bool ethernet, struct sock_fprog *result, struct error *) MUST_CHECK;

#endif
