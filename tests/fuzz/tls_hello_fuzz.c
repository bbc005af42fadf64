/* The client hello on hostile bytes: never read beyond them; what is not whole yet must be called so for every
 * beginning of what is whole; the name lies inside the input. */
#include <stdlib.h>
#include <string.h>
#include "agent/packet/tls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tls_hello hello = {0}, again = {0};
    char *bytes = malloc(size + 1);
    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    enum tls_hello_outcome outcome = tls_hello_decode((struct text){bytes, size}, &hello);
    if (outcome == TLS_HELLO_WHOLE && hello.server_name.length > 0 &&
        (hello.server_name.bytes < bytes || hello.server_name.bytes + hello.server_name.length > bytes + size))
        abort();
    for (size_t length = size < 512 ? 0 : size - 512; length < size; length++) {
        enum tls_hello_outcome part = tls_hello_decode((struct text){bytes, length}, &again);
        if (outcome != TLS_HELLO_NONE && part == TLS_HELLO_NONE)
            abort();
        if (part == TLS_HELLO_WHOLE && (outcome != part || again.fingerprint != hello.fingerprint))
            abort();
    }
    free(bytes);
    return 0;
}
