/* How content is kept at rest: zstd, and sealed with a key of the site's where there is one.
 *
 * Sealed is XChaCha20-Poly1305 under a fresh nonce; what it belongs to, a message's name or a lesson's digest, goes
 * into the seal, so that nobody who writes to the database can show one message in place of another. */
#ifndef COLLECTOR_QUARANTINE_PACKING_H
#define COLLECTOR_QUARANTINE_PACKING_H

#include "collector/store/messages.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/text.h"

#define PACKING_PLAIN_MOST ((size_t)18 * 1024 * 1024) /* bytes of one message with its envelope */
#define PACKING_KEYS_MOST  16

struct packing_keys;
/* A file of keys, 64 hexadecimal digits a line, "#" before comments: the first seals, all open. -EPERM: others than its
 * owner may read it; -EINVAL: there is no key in it, or something else. */
int packing_keys_read(const char *file, struct packing_keys **result, struct error *) MUST_CHECK;
void packing_keys_destroy(struct packing_keys **); /* wipes them */
size_t packing_keys_count(const struct packing_keys *);

/* Appends to `out`, whose bound should be PACKING_MOST. `keys` NULL: nothing is sealed. `name`: what it belongs to. */
#define PACKING_MOST (PACKING_PLAIN_MOST + 1024 * 1024)
int packing_pack(const struct packing_keys *keys, const char *name, struct text plain, struct buffer *out,
                 enum store_packing *result, struct error *) MUST_CHECK;
/* Appends the plain bytes to `out`, up to PACKING_PLAIN_MOST and its own bound. -ENOKEY: no key that is known opens it;
 * -EBADMSG: it is damaged, or belongs to another name; -EMSGSIZE: more than may be. */
int packing_unpack(const struct packing_keys *keys, const char *name, enum store_packing, struct text packed,
                   struct buffer *out, struct error *) MUST_CHECK;

#endif
