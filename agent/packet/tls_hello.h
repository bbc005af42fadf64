/* The TLS client hello (RFC 8446 4.1.2, RFC 6066 3): the server's name and a fingerprint of how the client speaks. */
#ifndef AGENT_PACKET_TLS_HELLO_H
#define AGENT_PACKET_TLS_HELLO_H

#include <stdbool.h>
#include <stdint.h>
#include "common/text.h"

struct tls_hello {
    uint16_t version;        /* the highest offered: 0x0303 TLS 1.2, 0x0304 TLS 1.3 */
    struct text server_name; /* SNI; borrowed from the input; empty where absent, or torn by the end of a record */
    /* XXH3-64 over version, cipher suites, extension types in order (GREASE, RFC 8701, left out), groups, formats and
     * ALPN names: the same client software gives the same number whatever server it calls. So the extensions that only
     * some of its connections carry are left out: the name, padding, and the marks of a session taken up again. */
    uint64_t fingerprint;
};

enum tls_hello_outcome { TLS_HELLO_WHOLE, TLS_HELLO_PARTIAL, TLS_HELLO_NONE };

/* `bytes` is the beginning of what the client sent: one or more TLS records. PARTIAL: more is needed (at most 16 kB).
 */
enum tls_hello_outcome tls_hello_decode(struct text bytes, struct tls_hello *result);

#endif
