/* Decompression with zstd's streaming interface, which grows its window only as far as it is allowed to. */
#include "collector/api/unpack.h"

#include <errno.h>
#include <zstd.h>
#include "common/cleanup.h"

#define WINDOW_LOG 23 /* 8 MB */
#define STEP       (128 * 1024)

static void free_stream(ZSTD_DStream **stream)
{
    ZSTD_freeDStream(*stream);
    *stream = NULL;
}

int unpack_zstd(struct text packed, struct buffer *out, struct error *error)
{
    CLEANUP(free_stream) ZSTD_DStream *stream = ZSTD_createDStream();
    if (stream == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, WINDOW_LOG)))
        return error_set(error, ENOMEM, "no memory to decompress");
    ZSTD_inBuffer in = {packed.bytes, packed.length, 0};
    size_t left = 1;
    for (bool full = false; in.pos < in.size || (full && left != 0);) {
        size_t more = out->most - out->length < STEP ? out->most - out->length : STEP;
        if (more == 0 || !buffer_reserve(out, more))
            return error_set(error, EMSGSIZE, "the body is too large when decompressed");
        ZSTD_outBuffer to = {out->bytes + out->length, out->room - out->length, 0};
        left = ZSTD_decompressStream(stream, &to, &in);
        if (ZSTD_isError(left))
            return error_set(error, EBADMSG, "not zstd, or a window above 8 MB");
        out->length += to.pos;
        full = to.pos == to.size;
    }
    return left == 0 ? 0 : error_set(error, EBADMSG, "the compressed body is cut short");
}
