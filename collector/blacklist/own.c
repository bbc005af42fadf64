/* See own.h. */
#include "collector/blacklist/own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How many of a prefix are asked for. Of one of IPv6 none, but for a whole address. */
static uint64_t size_of(const struct address *prefix)
{
    if (prefix->family == 4)
        return UINT64_C(1) << (32 - prefix->prefix);
    return prefix->prefix == 128;
}

/* The list keeps no prefix that lies in another, so it is counted anew. */
static void count_addresses(struct own *own)
{
    own->addresses = 0;
    for (size_t i = 0; i < own->prefixes.count; i++)
        own->addresses += size_of(&own->prefixes.items[i]);
}

static int add_prefix(struct own *own, const struct address *prefix, struct error *error)
{
    if (address_is_special(prefix) || prefix->prefix < 8)
        return error_set(error, EINVAL, "no address that others see, or more than a network has");
    if (!address_list_add(&own->prefixes, prefix))
        return error_set(error, ENOMEM, "no memory for names");
    count_addresses(own);
    return own_count(own) <= OWN_MOST ? 0 : error_set(error, EINVAL, "more than %d names in all", OWN_MOST);
}

static int add_domain(struct own *own, const struct subject *domain, struct error *error)
{
    if (own_count(own) >= OWN_MOST)
        return error_set(error, EINVAL, "more than %d names in all", OWN_MOST);
    struct subject *more = realloc(own->domains, (own->domain_count + 1) * sizeof *more);
    if (more == NULL)
        return error_set(error, ENOMEM, "no memory for names");
    own->domains = more;
    own->domains[own->domain_count++] = *domain;
    return 0;
}

int own_add(struct own *own, struct text word, struct error *error)
{
    struct address prefix;
    struct subject subject;
    int status;
    if (address_parse(word, &prefix))
        status = add_prefix(own, &prefix, error);
    else if (subject_parse(word, &subject) && subject.kind == SUBJECT_DOMAIN)
        status = add_domain(own, &subject, error);
    else
        status = error_set(error, EINVAL, "no address, prefix or domain");
    return status < 0 ? error_wrap(error, "%.*s", (int)(word.length < 80 ? word.length : 80), word.bytes) : 0;
}

int own_read(struct own *own, struct text content, const char *name, struct error *error)
{
    struct text rest = content;
    for (int line = 1; rest.length > 0; line++) {
        struct text words = text_split(&rest, '\n'), word = text_trim(text_split(&words, '#'));
        if (word.length > 0 && own_add(own, word, error) < 0)
            return error_wrap(error, "%s:%d", name, line);
    }
    return 0;
}

void own_clear(struct own *own)
{
    address_list_clear(&own->prefixes);
    free(own->domains);
    *own = (struct own){0};
}

bool own_has(const struct own *own, const struct address *address)
{
    return address_list_contains(&own->prefixes, address);
}

size_t own_count(const struct own *own)
{
    return own->domain_count + (size_t)own->addresses;
}

static struct subject address_at(const struct address *prefix, uint64_t index)
{
    struct address address = *prefix;
    if (prefix->family == 4) {
        uint32_t number = ((uint32_t)prefix->bytes[0] << 24 | (uint32_t)prefix->bytes[1] << 16 |
                           (uint32_t)prefix->bytes[2] << 8 | prefix->bytes[3]) +
                          (uint32_t)index;
        for (int i = 0; i < 4; i++)
            address.bytes[i] = (uint8_t)(number >> (24 - 8 * i));
        address.prefix = 32;
    }
    return subject_from_address(&address);
}

bool own_at(const struct own *own, size_t index, struct subject *result)
{
    if (index < own->domain_count) {
        *result = own->domains[index];
        return true;
    }
    uint64_t left = index - own->domain_count;
    for (size_t i = 0; i < own->prefixes.count; i++) {
        uint64_t size = size_of(&own->prefixes.items[i]);
        if (left < size) {
            *result = address_at(&own->prefixes.items[i], left);
            return true;
        }
        left -= size;
    }
    return false;
}
