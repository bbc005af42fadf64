/* See recent.h. */
#include "common/siphash.h"
#include "detectors/recent.h"

#define LOOKED_AT 320

static const struct siphash_key key = {{UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344)}};

static uint32_t fold(uint64_t hash)
{
    uint32_t folded = (uint32_t)(hash ^ hash >> 32);
    return folded ? folded : 1;
}

uint32_t recent_hash(struct text text)
{
    char lower[LOOKED_AT];
    size_t length = text.length < LOOKED_AT ? text.length : LOOKED_AT;
    for (size_t i = 0; i < length; i++) {
        char c = text.bytes[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
    }
    return fold(siphash(&key, lower, length));
}

uint32_t recent_hash_address(const struct address *address)
{
    return fold(siphash(&key, address->bytes, sizeof address->bytes));
}

bool recent_has(const uint32_t *places, size_t count, uint32_t hash)
{
    for (size_t i = 0; i < count; i++)
        if (places[i] == hash)
            return true;
    return false;
}

bool recent_add(uint32_t *places, size_t count, uint8_t *next, uint32_t hash)
{
    if (recent_has(places, count, hash))
        return false;
    size_t place = *next % count;
    places[place] = hash;
    *next = (uint8_t)((place + 1) % count);
    return true;
}

struct text recent_domain(struct text address)
{
    size_t at = address.length;
    while (at > 0 && address.bytes[at - 1] != '@')
        at--;
    if (at == 0)
        return TEXT("");
    struct text domain = {address.bytes + at, address.length - at};
    if (domain.length > 0 && domain.bytes[domain.length - 1] == '.')
        domain.length--;
    return domain;
}
