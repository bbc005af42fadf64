/* See access_map.h. Keys stand, lower case, in one run of bytes; a hash table of indices leads to them. The hash is
 * keyed by the map's own content: the same everywhere for the same map, and another for each. */
#include <errno.h>
#include <stdlib.h>
#include "common/cleanup.h"
#include "common/siphash.h"
#include "detectors/access_pattern.h"

#define CONTENT_MOST (256u << 20)

struct entry {
    uint32_t key, text; /* where they begin in `bytes` */
    uint32_t text_length;
    uint16_t key_length;
    uint8_t action;
    points points;
};

struct access_map {
    struct access_patterns *patterns; /* of a map of patterns; else NULL, and: */
    struct siphash_key hash_key;
    struct buffer bytes;
    struct entry *entries;
    uint32_t count, room;
    uint32_t *places; /* 1 + index of an entry; 0: free */
    uint32_t place_mask;
    uint64_t lengths[256]; /* of the keys that begin with that byte: a bit each, the last one for all that are longer */
};

static const struct {
    const char *prefix;
    bool patterns;
} forms[] = {{"pcre:", true},  {"hash:", false}, {"texthash:", false},
             {"lmdb:", false}, {"cdb:", false},  {"btree:", false}};

static int form_of(struct text name)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (text_starts_nocase(name, text_of(forms[i].prefix)))
            return (int)i;
    return -1;
}

struct text access_map_file(struct text name)
{
    int form = form_of(name);
    size_t length = form < 0 ? 0 : strlen(forms[form].prefix);
    return (struct text){name.bytes + length, name.length - length};
}

static struct text lower(struct text text, char *result)
{
    text_fold(text, result);
    return (struct text){result, text.length};
}

static uint64_t length_bit(size_t length)
{
    return UINT64_C(1) << (length < 63 ? length : 63);
}

/* `key` is lower case. The entry, or NULL; `place` is where it stands or would stand. */
static struct entry *find(const struct access_map *map, struct text key, uint32_t *place)
{
    uint32_t at = (uint32_t)siphash(&map->hash_key, key.bytes, key.length) & map->place_mask;
    while (map->places[at]) {
        struct entry *entry = &map->entries[map->places[at] - 1];
        if (entry->key_length == key.length && memcmp(map->bytes.bytes + entry->key, key.bytes, key.length) == 0)
            break;
        at = (at + 1) & map->place_mask;
    }
    *place = at;
    return map->places[at] ? &map->entries[map->places[at] - 1] : NULL;
}

static int no_memory(const struct access_lines *lines, struct error *error)
{
    return error_set(error, ENOMEM, "no memory to read %.*s", (int)lines->name.length, lines->name.bytes);
}

/* Room for one more entry; at most half of the places are ever taken. */
static int grow(const struct access_lines *lines, struct access_map *map, struct error *error)
{
    if (map->count < map->room)
        return 0;
    uint32_t room = map->room ? map->room * 2 : 64;
    struct entry *entries = realloc(map->entries, room * sizeof *entries);
    if (!entries)
        return no_memory(lines, error);
    map->entries = entries;
    uint32_t *places = calloc((size_t)room * 2, sizeof *places);
    if (!places)
        return no_memory(lines, error);
    free(map->places);
    map->places = places;
    map->place_mask = room * 2 - 1;
    map->room = room;
    for (uint32_t i = 0; i < map->count; i++) {
        uint32_t place;
        struct text key = {map->bytes.bytes + map->entries[i].key, map->entries[i].key_length};
        find(map, key, &place);
        map->places[place] = i + 1;
    }
    return 0;
}

static int read_entry(const struct access_lines *lines, struct text line, struct access_map *map, struct error *error)
{
    struct text rest = line;
    struct text key = access_word(&rest);
    if (key.length > ACCESS_KEY_MOST)
        return access_lines_fail(lines, error, "the key has more than %u bytes; no address is that long",
                                 ACCESS_KEY_MOST);
    if (key.bytes[0] == '/' && key.length > 1)
        return access_lines_fail(lines, error, "this looks like a pattern; name the map \"pcre:\" and its file");
    struct entry entry = {.key = (uint32_t)map->bytes.length, .key_length = (uint16_t)key.length};
    enum access_action action;
    struct text text;
    const char *wrong = access_action_read(rest, &action, &entry.points, &text);
    if (wrong)
        return access_lines_fail(lines, error, "%s", wrong);
    if (map->count == ACCESS_ENTRIES_MOST)
        return access_lines_fail(lines, error, "more than %u entries; split the map", ACCESS_ENTRIES_MOST);
    int failed = grow(lines, map, error);
    if (failed)
        return failed;
    char lowered[ACCESS_KEY_MOST];
    key = lower(key, lowered);
    uint32_t place;
    if (find(map, key, &place))
        return 0; /* the first stands, as with postmap */
    entry.action = (uint8_t)action;
    entry.text = entry.key + entry.key_length;
    entry.text_length = (uint32_t)(text.length < ACCESS_TEXT - 1 ? text.length : ACCESS_TEXT - 1);
    text.length = entry.text_length;
    if (!buffer_append(&map->bytes, key) || !buffer_append(&map->bytes, text))
        return no_memory(lines, error);
    map->entries[map->count++] = entry;
    map->places[place] = map->count;
    map->lengths[(unsigned char)lowered[0]] |= length_bit(key.length);
    return 0;
}

static int read_entries(struct access_lines *lines, struct access_map *map, struct error *error)
{
    static const struct siphash_key start = {{UINT64_C(0xa4093822299f31d0), UINT64_C(0x082efa98ec4e6c89)}};
    uint64_t content = siphash(&start, lines->rest.bytes, lines->rest.length);
    map->hash_key = (struct siphash_key){{content, content ^ start.words[0]}};
    int result = grow(lines, map, error);
    struct text line;
    while (result == 0 && (result = access_lines_next(lines, &line, error)) > 0)
        result = read_entry(lines, line, map, error);
    return result;
}

struct access_map *access_map_create(struct text name, struct text content, struct error *error)
{
    int form = form_of(name);
    struct text file = access_map_file(name);
    if (content.length > CONTENT_MOST) {
        error_set(error, EINVAL, "%.*s: more than %u MB; split the map", (int)(file.length < 100 ? file.length : 100),
                  file.bytes, CONTENT_MOST >> 20);
        return NULL;
    }
    CLEANUP(access_lines_clear) struct access_lines lines;
    access_lines_init(&lines, file, content);
    CLEANUP(access_map_destroy) struct access_map *map = calloc(1, sizeof *map);
    if (!map) {
        no_memory(&lines, error);
        return NULL;
    }
    buffer_init(&map->bytes, CONTENT_MOST);
    if (form >= 0 && forms[form].patterns) {
        map->patterns = access_patterns_create(&lines, error);
        return map->patterns ? TAKE(map) : NULL;
    }
    return read_entries(&lines, map, error) < 0 ? NULL : TAKE(map);
}

void access_map_destroy(struct access_map **map)
{
    if (!*map)
        return;
    access_patterns_destroy(&(*map)->patterns);
    buffer_clear(&(*map)->bytes);
    free((*map)->entries);
    free((*map)->places);
    free(*map);
    *map = NULL;
}

uint32_t access_map_entries(const struct access_map *map)
{
    return map->patterns ? access_patterns_count(map->patterns) : map->count;
}

uint64_t access_map_given_up(const struct access_map *map)
{
    return map->patterns ? access_patterns_given_up(map->patterns) : 0;
}

/* Nearly every look-up is for nothing: most are told by length and first byte, without a hash. */
static bool answer(const struct access_map *map, struct text key, struct access_answer *result)
{
    uint32_t place;
    if (key.length == 0 || (map->lengths[(unsigned char)key.bytes[0]] & length_bit(key.length)) == 0)
        return false;
    const struct entry *entry = find(map, key, &place);
    if (!entry)
        return false;
    result->action = (enum access_action)entry->action;
    result->points = entry->points;
    memcpy(result->text, map->bytes.bytes + entry->text, entry->text_length);
    result->text[entry->text_length] = '\0';
    return true;
}

#define PARENTS_MOST 10 /* the nearest to the top: nobody writes keys of more labels, hostile names have hundreds */

/* The domain itself, then each parent as ".parent" and "parent". */
static bool find_domain(const struct access_map *map, struct text domain, struct access_answer *result)
{
    if (domain.length > 0 && domain.bytes[domain.length - 1] == '.')
        domain.length--;
    if (domain.length == 0)
        return false;
    if (answer(map, domain, result))
        return true;
    size_t dots[PARENTS_MOST];
    uint32_t parents = 0;
    const char *dot = memrchr(domain.bytes, '.', domain.length);
    for (; dot != NULL && parents < PARENTS_MOST; dot = memrchr(domain.bytes, '.', dots[parents - 1]))
        dots[parents++] = (size_t)(dot - domain.bytes);
    while (parents > 0) {
        struct text with_dot = {domain.bytes + dots[parents - 1], domain.length - dots[parents - 1]};
        struct text without = {with_dot.bytes + 1, with_dot.length - 1};
        parents--;
        if (answer(map, with_dot, result) || answer(map, without, result))
            return true;
    }
    return false;
}

/* `key` plus `local` and `domain`, with an '@' between: in `room`, which has ACCESS_KEY_MOST bytes. */
static struct text joined(struct text local, struct text domain, char *room)
{
    memcpy(room, local.bytes, local.length);
    room[local.length] = '@';
    memcpy(room + local.length + 1, domain.bytes, domain.length);
    return (struct text){room, local.length + 1 + domain.length};
}

bool access_map_find_address(struct access_map *map, struct text address, struct access_answer *result)
{
    access_answer_clear(result);
    struct text subject = address.length == 0 ? TEXT("<>") : address;
    if (subject.length > ACCESS_KEY_MOST)
        return false;
    if (map->patterns)
        return access_patterns_find(map->patterns, subject, result);
    char whole[ACCESS_KEY_MOST], room[ACCESS_KEY_MOST];
    subject = lower(subject, whole);
    if (answer(map, subject, result))
        return true;
    const char *at = memrchr(subject.bytes, '@', subject.length);
    if (at == NULL)
        return false;
    struct text domain = {at + 1, (size_t)(subject.bytes + subject.length - (at + 1))};
    struct text local = {subject.bytes, (size_t)(at - subject.bytes)}, plain = local;
    const char *plus = local.length > 1 ? memchr(local.bytes + 1, '+', local.length - 1) : NULL;
    if (plus != NULL)
        plain.length = (size_t)(plus - local.bytes);
    bool extended = plain.length < local.length;
    if (extended && answer(map, joined(plain, domain, room), result))
        return true;
    if (find_domain(map, domain, result))
        return true;
    if (answer(map, joined(local, TEXT(""), room), result))
        return true;
    return extended && answer(map, joined(plain, TEXT(""), room), result);
}

bool access_map_find_name(struct access_map *map, struct text name, struct access_answer *result)
{
    access_answer_clear(result);
    if (name.length == 0 || name.length > ACCESS_KEY_MOST)
        return false;
    if (map->patterns)
        return access_patterns_find(map->patterns, name, result);
    char whole[ACCESS_KEY_MOST];
    return find_domain(map, lower(name, whole), result);
}
