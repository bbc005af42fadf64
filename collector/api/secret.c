/* Secrets are hashed by their 32 bytes, not by their letters: base64 has several spellings of one value. */
#include "collector/api/secret.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define BYTES 32

static void hash_bytes(const unsigned char bytes[BYTES], char hash[STORE_HASH])
{
    unsigned char digest[BYTES];
    crypto_generichash(digest, sizeof digest, bytes, BYTES, NULL, 0);
    sodium_bin2hex(hash, STORE_HASH, digest, sizeof digest);
}

bool secret_parse_id(struct text text, int64_t *result)
{
    uint64_t number = 0;
    if (text.length != SECRET_ID - 1)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        const char *digits = "0123456789abcdef", *digit = text.bytes[i] ? strchr(digits, text.bytes[i]) : NULL;
        if (digit == NULL)
            return false;
        number = number << 4 | (uint64_t)(digit - digits);
    }
    memcpy(result, &number, sizeof number);
    return true;
}

const char *secret_print_id(int64_t id, char result[SECRET_ID])
{
    snprintf(result, SECRET_ID, "%016" PRIx64, (uint64_t)id);
    return result;
}

bool secret_parse(struct text header, struct secret *result)
{
    const struct text bearer = TEXT("Bearer ");
    unsigned char bytes[BYTES];
    size_t length;
    struct secret secret = {0};
    if (!text_starts_nocase(header, bearer))
        return false;
    struct text rest = text_trim((struct text){header.bytes + bearer.length, header.length - bearer.length});
    struct text kind = text_split(&rest, '.');
    if (text_equals(kind, TEXT("token")))
        secret.kind = SECRET_TOKEN;
    else if (text_equals(kind, TEXT("node")))
        secret.kind = SECRET_NODE;
    else if (text_equals(kind, TEXT("person")))
        secret.kind = SECRET_PERSON;
    else
        return false;
    if (secret.kind != SECRET_TOKEN && !secret_parse_id(text_split(&rest, '.'), &secret.id))
        return false;
    if (rest.length != SECRET_WORD ||
        sodium_base642bin(bytes, sizeof bytes, rest.bytes, rest.length, NULL, &length, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        length != sizeof bytes)
        return false;
    hash_bytes(bytes, secret.hash);
    *result = secret;
    return true;
}

void secret_make(char word[SECRET_WORD + 1], char hash[STORE_HASH])
{
    unsigned char bytes[BYTES];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(word, SECRET_WORD + 1, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    hash_bytes(bytes, hash);
}
