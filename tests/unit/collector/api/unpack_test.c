/* Compressed bodies: what was packed comes back, within its bounds. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zstd.h>
#include "collector/api/unpack.h"

#define PLAIN ((size_t)300000)

static char plain[PLAIN], packed[PLAIN + 4096];

static size_t pack(int window)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    assert_non_null(context);
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    ZSTD_inBuffer in = {plain, PLAIN, 0};
    ZSTD_outBuffer out = {packed, sizeof packed, 0};
    while (ZSTD_compressStream2(context, &out, &in, in.pos < in.size ? ZSTD_e_continue : ZSTD_e_end) > 0 ||
           in.pos < in.size)
        ;
    ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
    ZSTD_freeCCtx(context);
    return out.pos;
}

static int unpack(size_t length, size_t most, size_t *result)
{
    struct buffer out;
    struct error error = {0};
    buffer_init(&out, most);
    int status = unpack_zstd((struct text){packed, length}, &out, &error);
    *result = out.length;
    if (status == 0)
        assert_memory_equal(out.bytes, plain, out.length);
    assert_true(out.room <= most);
    buffer_clear(&out);
    return status;
}

static void whole_or_refused(void **unused)
{
    (void)unused;
    size_t got;
    for (size_t i = 0; i < PLAIN; i++)
        plain[i] = (char)(i % 251 + i / 1000);
    size_t length = pack(20);
    assert_int_equal(unpack(length, PLAIN, &got), 0);
    assert_int_equal(got, PLAIN);
    assert_int_equal(unpack(length, PLAIN * 4, &got), 0);
    assert_int_equal(unpack(length, PLAIN - 1, &got), -EMSGSIZE);
    assert_int_equal(unpack(length - 1, PLAIN, &got), -EBADMSG);
    assert_int_equal(unpack(0, PLAIN, &got), -EBADMSG);
    packed[0] ^= 1;
    assert_int_equal(unpack(length, PLAIN, &got), -EBADMSG);
    length = pack(24);
    assert_int_equal(unpack(length, PLAIN, &got), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole_or_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
