/* Compressed bodies made plain: bounded in window and in size, so that a small body cannot become a large memory. */
#ifndef COLLECTOR_API_UNPACK_H
#define COLLECTOR_API_UNPACK_H

#include "common/buffer.h"
#include "common/error.h"
#include "common/text.h"

/* zstd (RFC 8878), a window of at most 8 MB. Appends to `out`, whose bound is the plain size's. -EBADMSG: damaged, cut
 * short or a window that is too large; -EMSGSIZE: more than the bound. */
int unpack_zstd(struct text packed, struct buffer *out, struct error *) MUST_CHECK;

#endif
