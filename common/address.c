/* IPv4 and IPv6 addresses and prefixes as text, as bits, and as a list that answers in logarithmic time. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "common/address.h"

static uint8_t full_length(uint8_t family)
{
    return family == 4 ? 32 : 128;
}

struct address address_from_ipv4(const uint8_t bytes[4])
{
    struct address address = {.family = 4, .prefix = 32};
    memcpy(address.bytes, bytes, 4);
    return address;
}

struct address address_from_ipv6(const uint8_t bytes[16])
{
    struct address address = {.family = 6, .prefix = 128};
    memcpy(address.bytes, bytes, 16);
    return address;
}

bool address_parse(struct text text, struct address *result)
{
    struct text bits = text, name = text_split(&bits, '/');
    bool has_bits = name.length < text.length;
    char string[INET6_ADDRSTRLEN];
    if (name.length == 0 || name.length >= sizeof string || memchr(name.bytes, '\0', name.length))
        return false;
    memcpy(string, name.bytes, name.length);
    string[name.length] = '\0';

    struct address address = {0};
    address.family = memchr(name.bytes, ':', name.length) ? 6 : 4;
    address.prefix = full_length(address.family);
    if (inet_pton(address.family == 6 ? AF_INET6 : AF_INET, string, address.bytes) != 1)
        return false;
    if (has_bits) {
        uint64_t number;
        if (bits.length > 3 || (bits.length > 1 && bits.bytes[0] == '0') || !text_number(bits, &number) ||
            number > address.prefix)
            return false;
        struct address masked = address_mask(&address, (uint8_t)number);
        if (memcmp(masked.bytes, address.bytes, sizeof masked.bytes) != 0)
            return false;
        address = masked;
    }
    *result = address;
    return true;
}

static char *print_decimal(char *at, unsigned number)
{
    if (number >= 100)
        *at++ = (char)('0' + number / 100);
    if (number >= 10)
        *at++ = (char)('0' + number / 10 % 10);
    *at++ = (char)('0' + number % 10);
    return at;
}

static char *print_ipv4(char *at, const uint8_t bytes[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *at++ = '.';
        at = print_decimal(at, bytes[i]);
    }
    return at;
}

static char *print_group(char *at, unsigned group)
{
    bool begun = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned digit = group >> shift & 15;
        if (digit == 0 && !begun && shift > 0)
            continue;
        begun = true;
        *at++ = "0123456789abcdef"[digit];
    }
    return at;
}

/* The first of the longest runs of two or more zero groups (RFC 5952, 4.2); length 0 where there is none. */
static void find_zero_run(const unsigned groups[8], int *start, int *length)
{
    *start = -1;
    *length = 1;
    for (int i = 0; i < 8; i++) {
        int run = 0;
        while (i + run < 8 && groups[i + run] == 0)
            run++;
        if (run > *length) {
            *start = i;
            *length = run;
        }
        i += run;
    }
    if (*start < 0)
        *length = 0;
}

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool is_mapped(const struct address *address)
{
    return address->family == 6 && memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

static char *print_ipv6(char *at, const struct address *address)
{
    if (is_mapped(address)) { /* RFC 5952, 5: a well-known prefix shows the IPv4 address as such */
        memcpy(at, "::ffff:", 7);
        return print_ipv4(at + 7, address->bytes + 12);
    }
    unsigned groups[8];
    for (int i = 0; i < 8; i++)
        groups[i] = (unsigned)(address->bytes[2 * i] << 8 | address->bytes[2 * i + 1]);
    int start, length;
    find_zero_run(groups, &start, &length);
    for (int i = 0; i < 8; i++) {
        if (i == start) {
            *at++ = ':';
            *at++ = ':';
            i += length - 1;
            continue;
        }
        if (i > 0 && i != start + length)
            *at++ = ':';
        at = print_group(at, groups[i]);
    }
    return at;
}

const char *address_print(const struct address *address, char result[ADDRESS_TEXT])
{
    char *at = result;
    if (address->family != 4 && address->family != 6) {
        memcpy(result, "none", 5);
        return result;
    }
    at = address->family == 4 ? print_ipv4(at, address->bytes) : print_ipv6(at, address);
    if (address->prefix < full_length(address->family)) {
        *at++ = '/';
        at = print_decimal(at, address->prefix);
    }
    *at = '\0';
    return result;
}

bool address_equals(const struct address *a, const struct address *b)
{
    return a->family == b->family && a->prefix == b->prefix && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool address_contains(const struct address *prefix, const struct address *address)
{
    if (prefix->family != address->family || prefix->family == 0 || address->prefix < prefix->prefix)
        return false;
    unsigned whole = prefix->prefix / 8u, bits = prefix->prefix % 8u;
    if (memcmp(prefix->bytes, address->bytes, whole) != 0)
        return false;
    if (bits == 0)
        return true;
    return ((prefix->bytes[whole] ^ address->bytes[whole]) >> (8 - bits)) == 0;
}

struct address address_mask(const struct address *address, uint8_t bits)
{
    struct address masked = *address;
    if (bits >= masked.prefix)
        return masked;
    masked.prefix = bits;
    unsigned whole = bits / 8u;
    masked.bytes[whole] &= (uint8_t)(0xff00u >> bits % 8u);
    memset(masked.bytes + whole + 1, 0, sizeof masked.bytes - whole - 1);
    return masked;
}

static bool ipv4_is_special(const uint8_t b[4])
{
    return b[0] == 0 || b[0] == 127 || (b[0] == 169 && b[1] == 254) || (b[0] >= 224 && b[0] <= 239) ||
           (b[0] == 255 && b[1] == 255 && b[2] == 255 && b[3] == 255);
}

bool address_is_special(const struct address *address)
{
    static const uint8_t zeros[15];
    const uint8_t *b = address->bytes;
    if (address->family == 4)
        return ipv4_is_special(b);
    if (address->family != 6)
        return true;
    if (is_mapped(address))
        return ipv4_is_special(b + 12);
    if (memcmp(b, zeros, sizeof zeros) == 0 && b[15] <= 1) /* "::" and "::1" */
        return true;
    return b[0] == 0xff || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
}

/* The list holds disjoint prefixes in order: one that lies in another is left out. So the only one that can hold an
 * address is the last that does not stand behind it. */
static int compare(const struct address *a, const struct address *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

/* How many items stand at or before the address. */
static size_t rank(const struct address_list *list, const struct address *address)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&list->items[middle], address) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool address_list_contains(const struct address_list *list, const struct address *address)
{
    size_t at = rank(list, address);
    return at > 0 && address_contains(&list->items[at - 1], address);
}

bool address_list_add(struct address_list *list, const struct address *address)
{
    if (address_list_contains(list, address))
        return true;
    if ((list->count & (list->count - 1)) == 0) { /* full, or once was, at every power of two */
        size_t room = list->count ? list->count * 2 : 1;
        struct address *items = reallocarray(list->items, room, sizeof *items);
        if (!items)
            return false;
        list->items = items;
    }
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (!address_contains(address, &list->items[i]))
            list->items[kept++] = list->items[i];
    list->count = kept;
    size_t at = rank(list, address);
    memmove(list->items + at + 1, list->items + at, (list->count - at) * sizeof *list->items);
    list->items[at] = *address;
    list->count++;
    return true;
}

void address_list_clear(struct address_list *list)
{
    free(list->items);
    *list = (struct address_list){0};
}
