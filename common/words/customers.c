/* See customers.h. The map is kept as one array, sorted by kind, length and bytes; names lie one behind the other, each
 * with its NUL. Addresses are prefixes of full length, so that the longest prefix is asked for in one way.
 *
 * A sender's address of IPv6 is a /64. Where the map has no prefix that it lies in, but single addresses within it that
 * are one customer's, it is that customer's; where they are several customers', the address that was used decides. */
#include "common/words/customers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/cleanup.h"

/* Kinds of keys beside those of senders. */
enum { KEY_PREFIX4 = SENDER_KINDS, KEY_PREFIX6, KEY_DOMAIN };

#define DOMAIN_MOST (ACCOUNT_MOST - 2) /* an account has one character and '@' before it */
#define SENDER_BITS 64                 /* of an IPv6 sender */
#define DIGITS_MOST 9                  /* of a guest's number */

struct member {
    struct sender key;   /* kind also KEY_...; of a prefix its length and bytes; of a domain its name */
    uint32_t name, line; /* where in `names`; of the file */
};

struct customers {
    bool numbered;
    bool lengths4[33], lengths6[129]; /* which prefixes there are */
    struct member *members;
    uint32_t count, room;
    char *names;
    size_t names_length, names_room;
};

const char *customer_proof_name(enum customer_proof proof)
{
    static const char *const names[CUSTOMER_PROOFS] = {"unknown", "map", "number"};
    return names[proof < CUSTOMER_PROOFS ? proof : CUSTOMER_UNKNOWN];
}

/* --- reading --- */

struct reading {
    struct customers *map;
    const char *name;
    uint32_t line;
    struct error *error;
};

static int fail(const struct reading *reading, uint32_t line, const char *what, struct text word, const char *allowed)
{
    char shown[64] = "";
    text_copy_printable(word, shown, sizeof shown);
    const char *cut = word.length >= sizeof shown ? "..." : "";
    return error_set(reading->error, EINVAL, "%.80s:%u: %s \"%s%s\"; %s", reading->name, line, what, shown, cut,
                     allowed);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* The next word of a line; empty at its end and where a comment begins. */
static struct text take_word(struct text *rest)
{
    while (rest->length > 0 && is_space(rest->bytes[0]))
        *rest = (struct text){rest->bytes + 1, rest->length - 1};
    struct text word = {rest->bytes, 0};
    if (rest->length > 0 && rest->bytes[0] == '#')
        return word;
    while (word.length < rest->length && !is_space(rest->bytes[word.length]))
        word.length++;
    *rest = (struct text){rest->bytes + word.length, rest->length - word.length};
    return word;
}

static bool is_clean(struct text line)
{
    for (size_t i = 0; i < line.length; i++)
        if (((unsigned char)line.bytes[i] < ' ' && line.bytes[i] != '\t') || line.bytes[i] == 0x7f)
            return false;
    return true;
}

static void key_of_prefix(const struct address *prefix, struct sender *key)
{
    *key = (struct sender){.kind = prefix->family == 4 ? KEY_PREFIX4 : KEY_PREFIX6, .prefix = prefix->prefix};
    memcpy(key->bytes, prefix->bytes, sizeof prefix->bytes);
}

/* A domain as accounts are written. Longer ones are part of no account: those are shortened. */
static bool key_of_domain(struct text domain, struct sender *key)
{
    *key = (struct sender){.kind = KEY_DOMAIN};
    return domain.length <= DOMAIN_MOST && memchr(domain.bytes, '@', domain.length) == NULL &&
           account_read(domain, key->bytes) > 0;
}

static bool key_of(struct text word, struct sender *key)
{
    struct address address;
    struct text domain = TEXT("account:@");
    if (address_parse(word, &address)) {
        key_of_prefix(&address, key);
        return true;
    }
    if (text_starts_nocase(word, domain))
        return key_of_domain((struct text){word.bytes + domain.length, word.length - domain.length}, key);
    /* A bare word would be a port's name, and so would an address that is mistyped. */
    bool port = text_starts_nocase(word, TEXT("port:"));
    return sender_parse(word, key) && key->kind != SENDER_CUSTOMER && (port || key->kind != SENDER_PORT);
}

static bool add_name(struct customers *map, const char name[CUSTOMER_TEXT], uint32_t *result)
{
    size_t length = strlen(name) + 1;
    if (map->count > 0) { /* lines of one customer mostly follow each other */
        *result = map->members[map->count - 1].name;
        if (strcmp(map->names + *result, name) == 0)
            return true;
    }
    if (map->names_length + length > map->names_room) {
        size_t room = map->names_room * 2 + 1024;
        char *grown = realloc(map->names, room);
        if (grown == NULL)
            return false;
        map->names = grown;
        map->names_room = room;
    }
    static_assert((uint64_t)CUSTOMERS_MOST * CUSTOMER_TEXT < UINT32_MAX, "a place in the names is a number of 32 bits");
    *result = (uint32_t)map->names_length;
    memcpy(map->names + map->names_length, name, length);
    map->names_length += length;
    return true;
}

static bool add_member(struct customers *map, const struct sender *key, const char name[CUSTOMER_TEXT], uint32_t line)
{
    uint32_t at;
    if (!add_name(map, name, &at))
        return false;
    if (map->count == map->room) {
        uint32_t room = map->room * 2 + 64;
        struct member *grown = realloc(map->members, room * sizeof *grown);
        if (grown == NULL)
            return false;
        map->members = grown;
        map->room = room;
    }
    map->members[map->count++] = (struct member){.key = *key, .name = at, .line = line};
    return true;
}

/* A name as account.h has written it, or any other. */
static bool read_customer(struct text word, char result[CUSTOMER_TEXT])
{
    uint8_t written[ACCOUNT_MOST];
    size_t length = account_read(word, written);
    if (length == 0)
        length = account_write(word, written);
    memcpy(result, written, length);
    result[length] = '\0';
    return length > 0;
}

static int read_line(struct reading *reading, struct text line)
{
    struct sender key;
    char name[CUSTOMER_TEXT];
    if (!is_clean(line))
        return fail(reading, reading->line, "no text:", line, "a line without control characters is allowed");
    struct text member = take_word(&line), customer = take_word(&line), more = take_word(&line);
    if (member.length == 0)
        return 0;
    if (!key_of(member, &key))
        return fail(reading, reading->line, "no member:", member,
                    "an address, a prefix, a MAC, port:NAME, uid:N, account:NAME or account:@DOMAIN is allowed");
    if (!read_customer(customer, name))
        return fail(reading, reading->line, "no customer behind", member, "a member and a customer are allowed");
    if (more.length > 0)
        return fail(reading, reading->line, "more than a member and a customer:", more,
                    "a name without spaces is allowed, and a comment behind '#'");
    if (reading->map->count == CUSTOMERS_MOST)
        return error_set(reading->error, EINVAL, "%.80s:%u: too many members; %d are allowed", reading->name,
                         reading->line, CUSTOMERS_MOST);
    if (!add_member(reading->map, &key, name, reading->line))
        return error_set(reading->error, ENOMEM, "no memory for the customers of %.80s", reading->name);
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const struct member *one = a, *other = b;
    int order = memcmp(&one->key, &other->key, sizeof one->key);
    return order ? order : (one->line > other->line) - (one->line < other->line);
}

static void print_key(const struct sender *key, char result[SENDER_TEXT])
{
    struct address prefix = {.family = key->kind == KEY_PREFIX4 ? 4 : 6, .prefix = key->prefix};
    if (key->kind == KEY_DOMAIN) {
        snprintf(result, SENDER_TEXT, "account:@%.*s", DOMAIN_MOST, (const char *)key->bytes);
    } else if (key->kind == KEY_PREFIX4 || key->kind == KEY_PREFIX6) {
        memcpy(prefix.bytes, key->bytes, sizeof prefix.bytes);
        address_print(&prefix, result);
    } else {
        sender_print(key, result);
    }
}

/* Sort, and look for members that are told to be two customers'. Of several such mistakes the first in the file is
 * told. */
static int settle(struct reading *reading)
{
    struct customers *map = reading->map;
    const struct member *wrong = NULL, *before = NULL;
    if (map->count == 0)
        return 0;
    qsort(map->members, map->count, sizeof *map->members, by_key);
    for (uint32_t i = 0; i < map->count; i++) {
        const struct member *member = &map->members[i], *last = i > 0 ? member - 1 : NULL;
        if (member->key.kind == KEY_PREFIX4)
            map->lengths4[member->key.prefix] = true;
        if (member->key.kind == KEY_PREFIX6)
            map->lengths6[member->key.prefix] = true;
        if (last && sender_equals(&last->key, &member->key) &&
            strcmp(map->names + last->name, map->names + member->name) != 0 &&
            (wrong == NULL || member->line < wrong->line)) {
            wrong = member;
            before = last;
        }
    }
    if (wrong == NULL)
        return 0;
    char shown[SENDER_TEXT];
    print_key(&wrong->key, shown);
    return error_set(reading->error, EINVAL, "%.60s:%u: %s is %s's, and %s's by line %u; one customer is allowed",
                     reading->name, wrong->line, shown, map->names + wrong->name, map->names + before->name,
                     before->line);
}

int customers_read(struct text map, const char *name, bool numbered, struct customers **result, struct error *error)
{
    struct text mark = TEXT("\xef\xbb\xbf"); /* what some editors put before UTF-8 */
    CLEANUP(customers_destroy) struct customers *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ENOMEM, "no memory for the customers of %.80s", name);
    made->numbered = numbered;
    struct reading reading = {.map = made, .name = name, .error = error};
    if (map.length >= mark.length && memcmp(map.bytes, mark.bytes, mark.length) == 0)
        map = (struct text){map.bytes + mark.length, map.length - mark.length};
    while (map.length > 0) {
        struct text line = text_split(&map, '\n');
        reading.line++;
        if (line.length > 0 && line.bytes[line.length - 1] == '\r')
            line.length--;
        int code = read_line(&reading, line);
        if (code != 0)
            return code;
    }
    int code = settle(&reading);
    if (code == 0)
        *result = TAKE(made);
    return code;
}

void customers_destroy(struct customers **customers)
{
    if (*customers) {
        free((*customers)->members);
        free((*customers)->names);
        free(*customers);
    }
    *customers = NULL;
}

/* --- asking --- */

/* The first member whose key is not before it. */
static uint32_t place_of(const struct customers *map, const struct sender *key)
{
    uint32_t low = 0, high = map->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(&map->members[middle].key, key, sizeof *key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct member *find_key(const struct customers *map, const struct sender *key)
{
    uint32_t at = place_of(map, key);
    return at < map->count && sender_equals(&map->members[at].key, key) ? &map->members[at] : NULL;
}

static const struct member *find_prefix(const struct customers *map, const struct address *address)
{
    const bool *lengths = address->family == 4 ? map->lengths4 : map->lengths6;
    for (int bits = address->prefix; bits >= 0; bits--) {
        if (!lengths[bits])
            continue;
        struct address prefix = address_mask(address, (uint8_t)bits);
        struct sender key;
        key_of_prefix(&prefix, &key);
        const struct member *member = find_key(map, &key);
        if (member)
            return member;
    }
    return NULL;
}

/* Of what the map has within an IPv6 sender's prefix; NULL where that is several customers', or nothing. */
static const struct member *find_within(const struct customers *map, const struct address *whole)
{
    const struct member *found = NULL;
    for (int bits = SENDER_BITS + 1; bits <= 128; bits++) {
        if (!map->lengths6[bits])
            continue;
        struct address first = *whole;
        struct sender key;
        first.prefix = (uint8_t)bits;
        key_of_prefix(&first, &key);
        for (uint32_t at = place_of(map, &key); at < map->count; at++) {
            const struct member *member = &map->members[at];
            if (member->key.kind != KEY_PREFIX6 || member->key.prefix != bits ||
                memcmp(member->key.bytes, whole->bytes, SENDER_BITS / 8) != 0)
                break;
            if (found && strcmp(map->names + found->name, map->names + member->name) != 0)
                return NULL;
            found = member;
        }
    }
    return found;
}

/* What is shortened has lost its domain, which only the login tells then. */
static const struct member *find_account(const struct customers *map, const struct sender *account, struct text login)
{
    const struct member *member = find_key(map, account);
    struct text name = {(const char *)account->bytes, strnlen((const char *)account->bytes, ACCOUNT_MOST)};
    struct sender domain = {.kind = KEY_DOMAIN};
    if (memchr(name.bytes, '~', name.length))
        name = login;
    const char *at = name.length > 0 ? memrchr(name.bytes, '@', name.length) : NULL;
    if (member || at == NULL)
        return member;
    struct text behind = {at + 1, name.length - (size_t)(at + 1 - name.bytes)};
    if (name.bytes == login.bytes)
        account_write(behind, domain.bytes); /* in the map there is none that is shortened */
    else
        memcpy(domain.bytes, behind.bytes, behind.length);
    return find_key(map, &domain);
}

static const struct member *find_sender(const struct customers *map, const struct sender *sender, struct text login)
{
    struct address address;
    if (!sender_address(sender, &address))
        return sender->kind == SENDER_ACCOUNT ? find_account(map, sender, login) : find_key(map, sender);
    const struct member *member = find_prefix(map, &address);
    return member == NULL && address.family == 6 ? find_within(map, &address) : member;
}

static const struct member *find_member(const struct customers *map, const struct customer_question *question)
{
    const struct member *member = find_sender(map, question->sender, question->login);
    if (member == NULL && question->mac) {
        struct sender mac = sender_from_mac(question->mac);
        member = find_key(map, &mac);
    }
    if (member == NULL && question->address && (question->address->family == 4 || question->address->family == 6))
        member = find_prefix(map, question->address);
    return member;
}

static size_t count_digits(const char *text)
{
    size_t count = 0;
    while (text[count] >= '0' && text[count] <= '9')
        count++;
    return count;
}

/* "tap101i0", "veth101i0": a kind, the guest's number, which card of it. */
static bool number_of(const struct sender *sender, char result[CUSTOMER_TEXT])
{
    static const char *const kinds[] = {"tap", "veth"};
    char name[sizeof sender->bytes + 1] = "";
    memcpy(name, sender->bytes, sizeof sender->bytes);
    for (size_t i = 0; sender->kind == SENDER_PORT && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strncmp(name, kinds[i], strlen(kinds[i])) != 0)
            continue;
        const char *number = name + strlen(kinds[i]);
        size_t digits = count_digits(number);
        if (digits == 0 || digits > DIGITS_MOST || number[0] == '0' || number[digits] != 'i')
            return false;
        const char *card = number + digits + 1;
        if (count_digits(card) == 0 || card[count_digits(card)] != '\0')
            return false;
        snprintf(result, CUSTOMER_TEXT, "vm%.*s", (int)digits, number);
        return true;
    }
    return false;
}

enum customer_proof customers_find(const struct customers *map, const struct customer_question *question,
                                   char result[CUSTOMER_TEXT])
{
    result[0] = '\0';
    if (question->sender->kind == SENDER_CUSTOMER) {
        snprintf(result, CUSTOMER_TEXT, "%.*s", ACCOUNT_MOST, (const char *)question->sender->bytes);
        return CUSTOMER_MAPPED;
    }
    if (map == NULL)
        return CUSTOMER_UNKNOWN;
    const struct member *member = map->count > 0 ? find_member(map, question) : NULL;
    if (member) {
        snprintf(result, CUSTOMER_TEXT, "%s", map->names + member->name);
        return CUSTOMER_MAPPED;
    }
    return map->numbered && number_of(question->sender, result) ? CUSTOMER_NUMBERED : CUSTOMER_UNKNOWN;
}

static struct customer_member member_of(const struct member *member)
{
    const struct sender *key = &member->key;
    struct customer_member result = {0};
    if (key->kind == KEY_DOMAIN) {
        result.domain = (struct text){(const char *)key->bytes, strnlen((const char *)key->bytes, ACCOUNT_MOST)};
    } else if (key->kind == KEY_PREFIX4 || key->kind == KEY_PREFIX6) {
        struct address prefix = {.family = key->kind == KEY_PREFIX4 ? 4 : 6, .prefix = key->prefix};
        memcpy(prefix.bytes, key->bytes, sizeof prefix.bytes);
        if (prefix.prefix == (prefix.family == 4 ? 32 : SENDER_BITS))
            result.sender = sender_from_address(&prefix);
        else
            result.prefix = prefix;
    } else {
        result.sender = *key;
    }
    return result;
}

void customers_members(const struct customers *map, struct text customer,
                       void (*each)(void *context, const struct customer_member *), void *context)
{
    char name[CUSTOMER_TEXT];
    if (map == NULL || !read_customer(customer, name))
        return;
    for (uint32_t i = 0; i < map->count; i++) {
        const struct member *member = &map->members[i];
        if (strcmp(map->names + member->name, name) != 0 ||
            (i > 0 && sender_equals(&member[-1].key, &member->key))) /* it stands there twice */
            continue;
        struct customer_member shown = member_of(member);
        each(context, &shown);
    }
}

uint32_t customers_count(const struct customers *map)
{
    return map ? map->count : 0;
}
