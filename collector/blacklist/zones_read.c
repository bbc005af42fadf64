/* The zones file, read or refused with line and sentence. */
#include "collector/blacklist/zones_own.h"

#include <errno.h>
#include <stdio.h>

#define ERROR_CODES UINT32_C(0x7fffff00) /* 127.255.255.0/24 */

struct reader {
    struct zones *zones;
    struct zone zone; /* the one being read */
    struct dead dead;
    bool in_section;
    char section[ZONE_NAME]; /* as it stands there */
    uint32_t seen;           /* bits of the keys that may stand there once */
    const char *name;
    int line;
    struct error *error;
};

static int refuse(const struct reader *reader, const char *key, const char *what)
{
    return error_set(reader->error, EINVAL, "%s:%d: [%s] %s: %s", reader->name, reader->line, reader->section, key,
                     what);
}

/* --- values --- */

static int take_words(const struct reader *reader, const char *key, struct text value, char *result, size_t size)
{
    char what[64];
    snprintf(what, sizeof what, "empty or too long; up to %zu characters", size - 1);
    if (value.length == 0 || value.length >= size)
        return refuse(reader, key, what);
    text_copy_printable(value, result, size);
    return 0;
}

static int take_flag(const struct reader *reader, const char *key, struct text value, bool *result)
{
    *result = text_equals(value, TEXT("yes"));
    return *result || text_equals(value, TEXT("no")) ? 0 : refuse(reader, key, "neither yes nor no");
}

static bool find_weight(struct text word, enum listing_weight *result)
{
    for (int weight = LISTING_INFORMATIONAL; weight <= LISTING_CRITICAL; weight++) {
        if (text_equals(word, text_of(listing_weight_name((enum listing_weight)weight)))) {
            *result = (enum listing_weight)weight;
            return true;
        }
    }
    return false;
}

/* "clean white", "error asked too often", "high bot". */
static int take_meaning(const struct reader *reader, const char *key, struct text value, struct zone_code *code)
{
    struct text rest = value, word = text_split(&rest, ' ');
    rest = text_trim(rest);
    if (text_equals(word, TEXT("clean")))
        code->meaning = ZONE_CLEARS;
    else if (text_equals(word, TEXT("error")))
        code->meaning = ZONE_REFUSES;
    else if (find_weight(word, &code->weight))
        code->meaning = ZONE_LISTS;
    else
        return refuse(reader, key,
                      "no such weight; informational, low, medium, high, critical, or clean or error, before the text");
    if (rest.length == 0 || rest.length >= sizeof code->text)
        return refuse(reader, key, "what it means is missing or too long; up to 95 characters behind the weight");
    text_copy_printable(rest, code->text, sizeof code->text);
    return 0;
}

static bool parse_code(struct text text, uint32_t *result)
{
    struct address address;
    if (!address_parse(text, &address) || address.family != 4 || address.prefix != 32)
        return false;
    *result = (uint32_t)address.bytes[0] << 24 | (uint32_t)address.bytes[1] << 16 | (uint32_t)address.bytes[2] << 8 |
              address.bytes[3];
    return true;
}

/* "127.0.0.4", "127.0.0.4-127.0.0.7". */
static bool parse_codes(struct text text, struct zone_code *code)
{
    struct text most = text, least = text_split(&most, '-');
    if (!parse_code(least, &code->least) || !parse_code(most.length > 0 ? most : least, &code->most))
        return false;
    return code->least <= code->most && code->least >> 24 == 127 && code->most >> 24 == 127;
}

static struct zone_code *room_for_code(struct reader *reader)
{
    struct zone *zone = &reader->zone;
    return zone->code_count == ZONE_CODES_MOST ? NULL : &zone->codes[zone->code_count];
}

static int take_code(struct reader *reader, struct text value)
{
    struct zone *zone = &reader->zone;
    struct zone_code *code = room_for_code(reader);
    struct text word = text_split(&value, ' ');
    if (code == NULL || (zone->code_count > 0 && zone->bits))
        return refuse(reader, "code", "too many, or bits as well; up to 40 codes, or bits alone");
    if (!parse_codes(word, code))
        return refuse(reader, "code", "no code; an address of 127.0.0.0/8, or two with '-' between, the lesser first");
    int status = take_meaning(reader, "code", text_trim(value), code);
    if (status < 0)
        return status;
    if (code->most >= ERROR_CODES && code->meaning != ZONE_REFUSES)
        return refuse(reader, "code", "127.255.255.0/24 is for errors, with every list");
    for (uint32_t i = 0; i < zone->code_count; i++)
        if (code->least <= zone->codes[i].most && code->most >= zone->codes[i].least)
            return refuse(reader, "code", "it stands among earlier ones; each code once");
    zone->code_count++;
    return 0;
}

static int take_bit(struct reader *reader, struct text value)
{
    struct zone *zone = &reader->zone;
    struct zone_code *code = room_for_code(reader);
    uint64_t bit;
    struct text word = text_split(&value, ' ');
    if (code == NULL || (zone->code_count > 0 && !zone->bits))
        return refuse(reader, "bit", "codes as well; codes or bits, not both");
    if (!text_number(word, &bit) || bit == 0 || bit > 128 || (bit & (bit - 1)))
        return refuse(reader, "bit", "no bit; 1, 2, 4, 8, 16, 32, 64 or 128");
    code->least = code->most = (uint32_t)bit;
    for (uint32_t i = 0; i < zone->code_count; i++)
        if (zone->codes[i].least == bit)
            return refuse(reader, "bit", "given twice; each bit once");
    int status = take_meaning(reader, "bit", text_trim(value), code);
    if (status == 0) {
        zone->bits = true;
        zone->code_count++;
    }
    return status;
}

static int take_families(struct reader *reader, struct text value)
{
    reader->zone.families = 0;
    while (value.length > 0) {
        struct text word = text_split(&value, ' ');
        value = text_trim(value);
        uint8_t bit = text_equals(word, TEXT("4")) ? ZONE_IPV4 : text_equals(word, TEXT("6")) ? ZONE_IPV6 : 0;
        if (bit == 0)
            return refuse(reader, "families", "no family; 4, 6 or both");
        reader->zone.families |= bit;
    }
    return reader->zone.families ? 0 : refuse(reader, "families", "empty; 4, 6 or both");
}

static int take_tests(const struct reader *reader, const char *key, struct text value, uint8_t *result)
{
    static const struct {
        struct text word;
        uint8_t bits;
    } words[] = {{{"both", 4}, ZONE_TEST_LISTED | ZONE_TEST_CLEAN},
                 {{"listed", 6}, ZONE_TEST_LISTED},
                 {{"clean", 5}, ZONE_TEST_CLEAN},
                 {{"none", 4}, 0}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (text_equals(value, words[i].word)) {
            *result = words[i].bits;
            return 0;
        }
    }
    return refuse(reader, key, "no such test; both, listed, clean, none");
}

/* TEST is a domain of one label; others are as they are looked up. */
static int take_entry(const struct reader *reader, const char *key, struct text value, struct subject *result)
{
    return subject_parse(value, result) ? 0 : refuse(reader, key, "nothing to look up; an address or a domain");
}

static int take_limit(struct reader *reader, struct text value)
{
    return text_number(value, &reader->zone.limit) && reader->zone.limit > 0
               ? 0
               : refuse(reader, "limit", "no number of questions a day; above 0");
}

static int take_kind(struct reader *reader, struct text value)
{
    bool domains = text_equals(value, TEXT("domains"));
    reader->zone.kind = domains ? ZONE_DOMAINS : ZONE_ADDRESSES;
    return domains || text_equals(value, TEXT("addresses")) ? 0 : refuse(reader, "kind", "addresses or domains");
}

static int take_other(struct reader *reader, struct text value)
{
    reader->zone.has_other = find_weight(value, &reader->zone.other);
    return reader->zone.has_other
               ? 0
               : refuse(reader, "other", "no such weight; informational, low, medium, high, critical");
}

/* --- keys --- */

enum key {
    KEY_TITLE,
    KEY_KIND,
    KEY_FAMILIES,
    KEY_LISTS,
    KEY_OTHER,
    KEY_TEST,
    KEY_TEST6,
    KEY_LISTED,
    KEY_CLEAN,
    KEY_LINK,
    KEY_LIMIT,
    KEY_TERMS,
    KEY_USE,
    KEY_REPLACES,
    KEY_DEAD,
    ONCE, /* those behind it may stand there several times */
    KEY_CODE = ONCE,
    KEY_BIT,
    KEYS
};
static const char *const keys[KEYS] = {"title", "kind",     "families", "lists", "other", "test",
                                       "test6", "listed",   "clean",    "link",  "limit", "terms",
                                       "use",   "replaces", "dead",     "code",  "bit"};

static int take_value(struct reader *reader, enum key key, struct text value)
{
    struct zone *zone = &reader->zone;
    const char *name = keys[key];
    switch (key) {
    case KEY_TITLE:
        return take_words(reader, name, value, zone->title, sizeof zone->title);
    case KEY_KIND:
        return take_kind(reader, value);
    case KEY_FAMILIES:
        return take_families(reader, value);
    case KEY_LISTS:
        return take_words(reader, name, value, zone->lists, sizeof zone->lists);
    case KEY_OTHER:
        return take_other(reader, value);
    case KEY_TEST:
        return take_tests(reader, name, value, &zone->tests);
    case KEY_TEST6:
        return take_tests(reader, name, value, &zone->tests6);
    case KEY_LISTED:
        return take_entry(reader, name, value, &zone->test_listed);
    case KEY_CLEAN:
        return take_entry(reader, name, value, &zone->test_clean);
    case KEY_LINK:
        return take_words(reader, name, value, zone->link, sizeof zone->link);
    case KEY_LIMIT:
        return take_limit(reader, value);
    case KEY_TERMS:
        return take_words(reader, name, value, zone->terms, sizeof zone->terms);
    case KEY_USE:
        return take_flag(reader, name, value, &zone->use);
    case KEY_REPLACES:
        return take_words(reader, name, value, zone->replaces, sizeof zone->replaces);
    case KEY_DEAD:
        return take_words(reader, name, value, reader->dead.text, sizeof reader->dead.text);
    case KEY_CODE:
        return take_code(reader, value);
    default:
        return take_bit(reader, value);
    }
}

static int take_key(struct reader *reader, struct text name, struct text value)
{
    if (!reader->in_section)
        return refuse(reader, "", "a key before the first [zone]; begin with a zone's name in brackets");
    for (int key = 0; key < KEYS; key++) {
        if (!text_equals(name, text_of(keys[key])))
            continue;
        uint32_t bit = key < ONCE ? UINT32_C(1) << key : 0;
        if (reader->seen & bit)
            return refuse(reader, keys[key], "given twice; once for each zone");
        reader->seen |= bit;
        return take_value(reader, (enum key)key, value);
    }
    return refuse(
        reader, "",
        "no such key; title, kind, families, lists, code, bit, other, test, test6, listed, clean, link, limit, "
        "terms, use, replaces, dead are");
}

/* --- sections --- */

static bool has(const struct reader *reader, enum key key)
{
    return reader->seen & UINT32_C(1) << key;
}

static int find_zone(const struct zones *zones, const char *name)
{
    for (uint32_t i = 0; i < zones->count; i++)
        if (text_equals_nocase(text_of(zones->items[i].name), text_of(name)))
            return (int)i;
    return -1;
}

static void remove_zones(struct zones *zones)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < zones->count; i++) {
        struct text rest;
        zone_key(text_of(zones->items[i].name), &rest);
        if (zones_dead(zones, rest))
            continue;
        if (kept != i) {
            zones->items[kept] = zones->items[i];
            zones->texts[kept] = zones->texts[i];
        }
        kept++;
    }
    zones->count = kept;
}

static int end_dead(struct reader *reader)
{
    struct zones *zones = reader->zones;
    if (reader->seen != UINT32_C(1) << KEY_DEAD || reader->zone.code_count > 0)
        return refuse(reader, "dead", "other keys as well; a dead zone has this one alone");
    if (zones->dead_count == DEAD_MOST)
        return refuse(reader, "dead", "too many dead zones; up to 256");
    zones->dead[zones->dead_count++] = reader->dead;
    remove_zones(zones);
    return 0;
}

static int check_zone(const struct reader *reader)
{
    const struct zone *zone = &reader->zone;
    if (!has(reader, KEY_KIND) || !has(reader, KEY_LISTS))
        return refuse(reader, has(reader, KEY_KIND) ? "lists" : "kind", "missing; every zone has kind and lists");
    if (zone->code_count == 0)
        return refuse(reader, "code", "missing; every zone says what its answers mean");
    if (zone->kind == ZONE_DOMAINS && (has(reader, KEY_FAMILIES) || has(reader, KEY_TEST6)))
        return refuse(reader, "families", "for addresses alone; a zone of domains has none");
    enum subject_kind kind = zone->kind == ZONE_DOMAINS ? SUBJECT_DOMAIN : SUBJECT_IPV4;
    if ((has(reader, KEY_LISTED) && zone->test_listed.kind != kind) ||
        (has(reader, KEY_CLEAN) && zone->test_clean.kind != kind))
        return refuse(reader, "listed", "not of the zone's kind; an IPv4 address, or for domains a domain");
    return 0;
}

static int end_section(struct reader *reader)
{
    struct zones *zones = reader->zones;
    struct zone *zone = &reader->zone;
    if (!reader->in_section)
        return 0;
    if (has(reader, KEY_DEAD))
        return end_dead(reader);
    int status = check_zone(reader);
    if (status < 0)
        return status;
    if (!has(reader, KEY_TEST6))
        zone->tests6 = zone->tests;
    int place = find_zone(zones, zone->name);
    if (place >= 0 && zones->texts[place] == zones->read)
        return refuse(reader, "", "this zone stands there twice; one section each");
    if (place < 0 && zones->count == ZONES_MOST)
        return refuse(reader, "", "too many zones; up to 256");
    if (place < 0)
        place = (int)zones->count++;
    zones->items[place] = *zone;
    zones->texts[place] = zones->read;
    return 0;
}

static int begin_zone(struct reader *reader, struct text name)
{
    struct zone *zone = &reader->zone;
    struct subject domain;
    struct text rest, key = zone_key(name, &rest);
    if (!subject_parse(rest, &domain) || domain.kind != SUBJECT_DOMAIN || name.length >= ZONE_NAME || key.length > 31)
        return refuse(reader, "", "no name of a zone; a domain such as zen.example.net, or {key}.example.net");
    const char *dead = zones_dead(reader->zones, rest);
    if (dead)
        return error_set(reader->error, EINVAL, "%s:%d: [%s] this list is no more: %s; take the section out",
                         reader->name, reader->line, reader->section, dead);
    text_fold(name, zone->name);
    if (key.length > 0)
        zone->keyless = true;
    else
        memcpy(zone->origin, zone->name, sizeof zone->origin);
    return 0;
}

static int begin_section(struct reader *reader, struct text name)
{
    int status = end_section(reader);
    if (status < 0)
        return status;
    reader->zone = (struct zone){.families = ZONE_IPV4, .tests = ZONE_TEST_LISTED | ZONE_TEST_CLEAN, .use = true};
    reader->dead = (struct dead){.below = text_starts_nocase(name, TEXT("*."))};
    reader->seen = 0;
    reader->in_section = true;
    text_copy_printable(name, reader->section, sizeof reader->section);
    if (reader->dead.below)
        name = (struct text){name.bytes + 2, name.length - 2};
    if (name.length == 0 || name.length >= ZONE_NAME)
        return refuse(reader, "", "no name of a zone; up to 127 characters");
    text_copy_printable(name, reader->dead.name, sizeof reader->dead.name);
    return 0;
}

/* Only what follows tells whether the section is a dead zone's, which may be any name, or one to be asked. */
static int take_line(struct reader *reader, struct text line)
{
    if (line.bytes[0] == '[' && line.bytes[line.length - 1] == ']')
        return begin_section(reader, text_trim((struct text){line.bytes + 1, line.length - 2}));
    if (memchr(line.bytes, '=', line.length) == NULL)
        return refuse(reader, "", "neither [zone] nor key = value");
    struct text key = text_trim(text_split(&line, '='));
    if (reader->in_section && reader->zone.name[0] == '\0' && !has(reader, KEY_DEAD) &&
        !text_equals(key, TEXT("dead"))) {
        if (reader->dead.below)
            return refuse(reader, "", "\"*.\" stands before dead zones alone");
        int status = begin_zone(reader, text_of(reader->dead.name));
        if (status < 0)
            return status;
    }
    return take_key(reader, key, text_trim(line));
}

int zones_read(struct zones *zones, struct text content, const char *name, struct error *error)
{
    struct reader reader = {.zones = zones, .name = name, .error = error};
    int status = 0;
    zones->read++;
    while (content.length > 0 && status == 0) {
        struct text line = text_trim(text_split(&content, '\n'));
        reader.line++;
        if (line.length > 0 && line.bytes[0] != '#' && line.bytes[0] != ';')
            status = take_line(&reader, line);
    }
    return status < 0 ? status : end_section(&reader);
}
