/* Name servers' addresses. */
#include "collector/blacklist/resolver.h"

#define DNS_PORT 53

static bool is_host(const struct address *address)
{
    return address->prefix == (address->family == 6 ? 128 : 32);
}

bool resolver_parse(struct text text, struct address *address, uint16_t *port)
{
    struct address found;
    uint64_t number = DNS_PORT;
    if (!address_parse(text, &found)) {
        const char *colon = text.length > 0 ? memrchr(text.bytes, ':', text.length) : NULL;
        if (colon == NULL)
            return false;
        struct text host = {text.bytes, (size_t)(colon - text.bytes)};
        bool brackets = host.length > 1 && host.bytes[0] == '[' && host.bytes[host.length - 1] == ']';
        if (brackets)
            host = (struct text){host.bytes + 1, host.length - 2};
        if (!text_number((struct text){colon + 1, text.length - (size_t)(colon - text.bytes) - 1}, &number) ||
            number == 0 || number > UINT16_MAX || !address_parse(host, &found) || brackets != (found.family == 6))
            return false;
    }
    if (!is_host(&found))
        return false;
    *address = found;
    *port = (uint16_t)number;
    return true;
}

/* The first word, and what stands behind it. */
static struct text next_word(struct text *rest)
{
    size_t length = 0;
    *rest = text_trim(*rest);
    while (length < rest->length && rest->bytes[length] != ' ' && rest->bytes[length] != '\t')
        length++;
    struct text word = {rest->bytes, length};
    *rest = (struct text){rest->bytes + length, rest->length - length};
    return word;
}

size_t resolver_read(struct text content, struct address *result, size_t most)
{
    size_t count = 0;
    while (content.length > 0 && count < most) {
        struct text line = text_split(&content, '\n');
        if (text_equals(next_word(&line), TEXT("nameserver")) && address_parse(next_word(&line), &result[count]) &&
            is_host(&result[count]))
            count++;
    }
    return count;
}

static const struct {
    const char *prefix, *name;
} publics[] = {
    {"8.8.8.8", "Google Public DNS"},
    {"8.8.4.4", "Google Public DNS"},
    {"2001:4860:4860::/64", "Google Public DNS"},
    {"1.1.1.0/29", "Cloudflare"},
    {"1.0.0.0/29", "Cloudflare"},
    {"2606:4700:4700::/64", "Cloudflare"},
    {"9.9.9.0/24", "Quad9"},
    {"149.112.112.0/24", "Quad9"},
    {"2620:fe::/64", "Quad9"},
    {"208.67.220.0/24", "OpenDNS"},
    {"208.67.222.0/24", "OpenDNS"},
    {"2620:119:35::/64", "OpenDNS"},
    {"2620:119:53::/64", "OpenDNS"},
    {"94.140.14.0/24", "AdGuard DNS"},
    {"94.140.15.0/24", "AdGuard DNS"},
    {"2a10:50c0::/64", "AdGuard DNS"},
    {"64.6.64.6", "Verisign Public DNS"},
    {"64.6.65.6", "Verisign Public DNS"},
    {"4.2.2.0/29", "Level 3"},
    {"185.228.168.0/24", "CleanBrowsing"},
    {"185.228.169.0/24", "CleanBrowsing"},
    {"84.200.69.80", "DNS.WATCH"},
    {"84.200.70.40", "DNS.WATCH"},
    {"77.88.8.0/24", "Yandex DNS"},
    {"76.76.2.0/24", "Control D"},
    {"76.76.10.0/24", "Control D"},
    {"45.90.28.0/24", "NextDNS"},
    {"45.90.30.0/24", "NextDNS"},
    {"193.110.81.0/24", "DNS0.EU"},
    {"185.253.5.0/24", "DNS0.EU"},
};

const char *resolver_public(const struct address *address)
{
    for (size_t i = 0; i < sizeof publics / sizeof publics[0]; i++) {
        struct address prefix;
        if (address_parse(text_of(publics[i].prefix), &prefix) && address_contains(&prefix, address))
            return publics[i].name;
    }
    return NULL;
}
