/* Senders as text and bytes. What comes in from another process or a person is checked here, whole. */
#include <string.h>
#include "common/words/account.h"
#include "common/words/sender.h"

#define PORT_MOST     15 /* a network interface's name in Linux, without its NUL */
#define CUSTOMER_BITS 64 /* of an IPv6 address: what one customer gets */
#define MAC_TEXT_SIZE 17

struct sender sender_from_address(const struct address *address)
{
    struct sender sender = {0};
    if (address->family == 4) {
        sender.kind = SENDER_IPV4;
        sender.prefix = 32;
        memcpy(sender.bytes, address->bytes, 4);
    } else if (address->family == 6) {
        sender.kind = SENDER_IPV6;
        sender.prefix = CUSTOMER_BITS;
        memcpy(sender.bytes, address->bytes, CUSTOMER_BITS / 8);
    }
    return sender;
}

struct sender sender_from_port(const char *interface)
{
    struct sender sender = {.kind = SENDER_PORT};
    memcpy(sender.bytes, interface, strnlen(interface, PORT_MOST));
    return sender;
}

struct sender sender_from_mac(const uint8_t mac[6])
{
    struct sender sender = {.kind = SENDER_MAC};
    memcpy(sender.bytes, mac, 6);
    return sender;
}

struct sender sender_from_user(uint32_t uid)
{
    struct sender sender = {.kind = SENDER_USER};
    for (int i = 0; i < 4; i++)
        sender.bytes[i] = (uint8_t)(uid >> (24 - 8 * i));
    return sender;
}

static struct sender from_name(enum sender_kind kind, struct text name)
{
    struct sender sender = {.kind = (uint8_t)kind};
    static_assert(sizeof sender.bytes == ACCOUNT_MOST, "a written name fits");
    if (account_write(name, sender.bytes) == 0)
        sender.kind = SENDER_NONE;
    return sender;
}

struct sender sender_from_account(struct text login)
{
    return from_name(SENDER_ACCOUNT, login);
}

struct sender sender_from_customer(struct text name)
{
    return from_name(SENDER_CUSTOMER, name);
}

static uint32_t user_of(const struct sender *sender)
{
    const uint8_t *b = sender->bytes;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

bool sender_user(const struct sender *sender, uint32_t *result)
{
    if (sender->kind == SENDER_USER)
        *result = user_of(sender);
    return sender->kind == SENDER_USER;
}

bool sender_address(const struct sender *sender, struct address *result)
{
    if (sender->kind == SENDER_IPV4) {
        *result = address_from_ipv4(sender->bytes);
        return true;
    }
    if (sender->kind == SENDER_IPV6) {
        struct address whole = address_from_ipv6(sender->bytes);
        *result = address_mask(&whole, sender->prefix);
        return true;
    }
    return false;
}

static char *print_mac(char *at, const uint8_t mac[6])
{
    for (int i = 0; i < 6; i++) {
        if (i > 0)
            *at++ = ':';
        *at++ = "0123456789abcdef"[mac[i] >> 4];
        *at++ = "0123456789abcdef"[mac[i] & 15];
    }
    return at;
}

static char *print_number(char *at, uint32_t number)
{
    char digits[10];
    int length = 0;
    do
        digits[length++] = (char)('0' + number % 10);
    while (number /= 10);
    while (length > 0)
        *at++ = digits[--length];
    return at;
}

static char *print_name(char *at, struct text kind, const struct sender *sender)
{
    size_t length = strnlen((const char *)sender->bytes, ACCOUNT_MOST);
    memcpy(at, kind.bytes, kind.length);
    memcpy(at + kind.length, sender->bytes, length);
    return at + kind.length + length;
}

const char *sender_print(const struct sender *sender, char result[SENDER_TEXT])
{
    struct address address;
    char *at = result;
    static_assert(SENDER_TEXT >= ADDRESS_TEXT && SENDER_TEXT > 9 + ACCOUNT_MOST, "addresses and accounts fit");
    if (sender_address(sender, &address))
        return address_print(&address, result);
    switch (sender->kind) {
    case SENDER_PORT: {
        size_t length = strnlen((const char *)sender->bytes, PORT_MOST);
        memcpy(at, "port:", 5);
        memcpy(at + 5, sender->bytes, length);
        at += 5 + length;
        break;
    }
    case SENDER_MAC:
        at = print_mac(at, sender->bytes);
        break;
    case SENDER_USER:
        memcpy(at, "uid:", 4);
        at = print_number(at + 4, user_of(sender));
        break;
    case SENDER_ACCOUNT:
        at = print_name(at, TEXT("account:"), sender);
        break;
    case SENDER_CUSTOMER:
        at = print_name(at, TEXT("customer:"), sender);
        break;
    default:
        memcpy(at, "none", 4);
        at += 4;
    }
    *at = '\0';
    return result;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool parse_mac(struct text text, struct sender *result)
{
    if (text.length != MAC_TEXT_SIZE)
        return false;
    uint8_t mac[6];
    for (int i = 0; i < 6; i++) {
        int high = hex_digit(text.bytes[3 * i]), low = hex_digit(text.bytes[3 * i + 1]);
        if (high < 0 || low < 0 || (i < 5 && text.bytes[3 * i + 2] != ':'))
            return false;
        mac[i] = (uint8_t)(high << 4 | low);
    }
    *result = sender_from_mac(mac);
    return true;
}

static bool is_port_name(struct text name)
{
    if (name.length < 1 || name.length > PORT_MOST || text_equals(name, TEXT(".")) || text_equals(name, TEXT("..")))
        return false;
    for (size_t i = 0; i < name.length; i++) {
        unsigned char c = (unsigned char)name.bytes[i];
        if (c <= ' ' || c == 0x7f || c == '/' || c == ':')
            return false;
    }
    return true;
}

static bool parse_port(struct text name, struct sender *result)
{
    if (!is_port_name(name))
        return false;
    struct sender sender = {.kind = SENDER_PORT};
    memcpy(sender.bytes, name.bytes, name.length);
    *result = sender;
    return true;
}

static bool parse_user(struct text number, struct sender *result)
{
    uint64_t uid;
    if (!text_number(number, &uid) || uid > UINT32_MAX)
        return false;
    *result = sender_from_user((uint32_t)uid);
    return true;
}

static bool parse_name(enum sender_kind kind, struct text name, struct sender *result)
{
    struct sender sender = {.kind = (uint8_t)kind};
    if (account_read(name, sender.bytes) == 0)
        return false;
    *result = sender;
    return true;
}

static struct text behind(struct text text, struct text start)
{
    return (struct text){text.bytes + start.length, text.length - start.length};
}

bool sender_parse(struct text text, struct sender *result)
{
    struct text port = TEXT("port:"), user = TEXT("uid:"), account = TEXT("account:"), customer = TEXT("customer:");
    struct address address;
    if (text_starts_nocase(text, port))
        return parse_port(behind(text, port), result);
    if (text_starts_nocase(text, user))
        return parse_user(behind(text, user), result);
    if (text_starts_nocase(text, account))
        return parse_name(SENDER_ACCOUNT, behind(text, account), result);
    if (text_starts_nocase(text, customer))
        return parse_name(SENDER_CUSTOMER, behind(text, customer), result);
    if (address_parse(text, &address)) {
        if (address.prefix != (address.family == 4 ? 32 : 128) &&
            !(address.family == 6 && address.prefix == CUSTOMER_BITS))
            return false; /* more than one customer, or part of one */
        *result = sender_from_address(&address);
        return true;
    }
    return parse_mac(text, result) || parse_port(text, result);
}

bool sender_equals(const struct sender *a, const struct sender *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool sender_is_sound(const struct sender *sender)
{
    static const struct {
        uint8_t prefix, used; /* how many bytes may be other than zero */
    } kinds[] = {
        [SENDER_PORT] = {0, PORT_MOST},
        [SENDER_MAC] = {0, 6},
        [SENDER_IPV4] = {32, 4},
        [SENDER_IPV6] = {CUSTOMER_BITS, CUSTOMER_BITS / 8},
        [SENDER_USER] = {0, 4},
        [SENDER_ACCOUNT] = {0, ACCOUNT_MOST},
        [SENDER_CUSTOMER] = {0, ACCOUNT_MOST},
    };
    static_assert(sizeof kinds / sizeof kinds[0] == SENDER_KINDS, "every kind is checked");
    if (sender->kind == SENDER_NONE || sender->kind >= SENDER_KINDS || sender->prefix != kinds[sender->kind].prefix)
        return false;
    size_t used = kinds[sender->kind].used;
    if (sender->kind == SENDER_PORT) {
        used = strnlen((const char *)sender->bytes, PORT_MOST);
        if (!is_port_name((struct text){(const char *)sender->bytes, used}))
            return false;
    }
    if (sender->kind == SENDER_ACCOUNT || sender->kind == SENDER_CUSTOMER) {
        used = strnlen((const char *)sender->bytes, ACCOUNT_MOST);
        if (!account_is_sound(sender->bytes, used))
            return false;
    }
    for (size_t i = used; i < sizeof sender->bytes; i++)
        if (sender->bytes[i] != 0)
            return false;
    return true;
}
