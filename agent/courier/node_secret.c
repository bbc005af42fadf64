/* See node_secret.h. */
#include "agent/courier/node_secret.h"

#include <sodium.h>
#include <string.h>

#define BYTES 32

bool node_secret_ready(void)
{
    return sodium_init() >= 0;
}

void node_secret_make(char result[SPOOL_SECRET])
{
    unsigned char bytes[BYTES];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(result, SPOOL_SECRET, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
}

bool node_secret_hash(const char *secret, char result[NODE_HASH])
{
    unsigned char bytes[BYTES], digest[BYTES];
    size_t length = 0;
    if (sodium_base642bin(bytes, sizeof bytes, secret, strlen(secret), NULL, &length, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        length != sizeof bytes)
        return false;
    crypto_generichash(digest, sizeof digest, bytes, sizeof bytes, NULL, 0);
    sodium_bin2hex(result, NODE_HASH, digest, sizeof digest);
    sodium_memzero(bytes, sizeof bytes);
    return true;
}

bool node_is_name(const char *name)
{
    return name && strlen(name) == 16 && strspn(name, "0123456789abcdef") == 16;
}
