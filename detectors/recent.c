/* See recent.h. */
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "detectors/recent.h"

#define LOOKED_AT 320

static uint32_t fold(uint64_t hash)
{
    uint32_t folded = (uint32_t)(hash ^ hash >> 32);
    return folded ? folded : 1;
}

uint32_t recent_hash(struct text text)
{
    char lower[LOOKED_AT];
    text.length = text.length < LOOKED_AT ? text.length : LOOKED_AT;
    text_fold(text, lower);
    return fold(XXH3_64bits(lower, text.length));
}

uint32_t recent_hash_address(const struct address *address)
{
    return fold(XXH3_64bits(address->bytes, sizeof address->bytes));
}

uint32_t recent_hash_network(const struct address *address)
{
    struct address network = address_mask(address, address->family == 6 ? 48 : 24);
    return recent_hash_address(&network);
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
    const char *at = address.length > 0 ? memrchr(address.bytes, '@', address.length) : NULL;
    if (at == NULL)
        return TEXT("");
    struct text domain = {at + 1, (size_t)(address.bytes + address.length - (at + 1))};
    if (domain.length > 0 && domain.bytes[domain.length - 1] == '.')
        domain.length--;
    return domain;
}
