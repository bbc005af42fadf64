/* The zones that were read: keys, and which of them are asked. */
#include "collector/blacklist/zones_own.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/cleanup.h"

#define KEY_MOST 63

int zones_create(struct zones **result, struct error *error)
{
    CLEANUP(zones_destroy) struct zones *zones = calloc(1, sizeof *zones);
    if (zones == NULL || (zones->items = calloc(ZONES_MOST, sizeof *zones->items)) == NULL)
        return error_set(error, ENOMEM, "no memory for zones");
    *result = TAKE(zones);
    return 0;
}

void zones_destroy(struct zones **handle)
{
    if (*handle == NULL)
        return;
    free((*handle)->items);
    free(*handle);
    *handle = NULL;
}

struct text zone_key(struct text name, struct text *rest)
{
    *rest = name;
    if (name.length == 0 || name.bytes[0] != '{')
        return TEXT("");
    const char *end = memchr(name.bytes, '}', name.length);
    size_t at = end ? (size_t)(end - name.bytes) : 0;
    if (end == NULL || at + 2 >= name.length || end[1] != '.')
        return TEXT("");
    *rest = (struct text){end + 2, name.length - at - 2};
    return (struct text){name.bytes + 1, at - 1};
}

static bool is_key(struct text key)
{
    for (size_t i = 0; i < key.length; i++) {
        char c = key.bytes[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return key.length > 0 && key.length <= KEY_MOST;
}

int zones_give_key(struct zones *zones, struct text name, struct text key, struct error *error)
{
    bool found = false;
    if (!is_key(key)) /* what was given is not repeated: it is a secret */
        return error_set(error, EINVAL, "the key for %.*s is none; up to %d letters, digits, '-' and '_'",
                         (int)name.length, name.bytes, KEY_MOST);
    for (uint32_t i = 0; i < zones->count; i++) {
        struct zone *zone = &zones->items[i];
        struct text rest, wanted = zone_key(text_of(zone->name), &rest);
        if (wanted.length == 0 || !text_equals_nocase(wanted, name))
            continue;
        if (key.length + 1 + rest.length >= ZONE_NAME)
            return error_set(error, EINVAL, "the key for %.*s is too long for %s", (int)name.length, name.bytes,
                             zone->name);
        snprintf(zone->origin, sizeof zone->origin, "%.*s.%.*s", (int)key.length, key.bytes, (int)rest.length,
                 rest.bytes);
        zone->keyless = false;
        found = true;
    }
    return found ? 0
                 : error_set(error, EINVAL, "no zone needs a key for %.*s; the zones file says {NAME} where one does",
                             (int)name.length, name.bytes);
}

uint32_t zones_count(const struct zones *zones)
{
    return zones->count;
}

const struct zone *zones_at(const struct zones *zones, uint32_t index)
{
    return &zones->items[index];
}

const struct zone *zones_find(const struct zones *zones, struct text name)
{
    for (uint32_t i = 0; i < zones->count; i++)
        if (text_equals_nocase(text_of(zones->items[i].name), name))
            return &zones->items[i];
    return NULL;
}

const char *zones_dead(const struct zones *zones, struct text name)
{
    for (uint32_t i = 0; i < zones->dead_count; i++) {
        const struct dead *dead = &zones->dead[i];
        struct text end = text_of(dead->name);
        if (text_equals_nocase(name, end))
            return dead->text;
        if (dead->below && name.length > end.length && name.bytes[name.length - end.length - 1] == '.' &&
            text_ends_nocase(name, end))
            return dead->text;
    }
    return NULL;
}

bool zone_takes(const struct zone *zone, enum subject_kind kind)
{
    if (kind == SUBJECT_DOMAIN)
        return zone->kind == ZONE_DOMAINS;
    return zone->kind == ZONE_ADDRESSES && (zone->families & (kind == SUBJECT_IPV6 ? ZONE_IPV6 : ZONE_IPV4));
}

/* A name that the operator gives: a zone's own, a pattern, or "all". */
static int choose_named(struct zones *zones, struct text name, struct error *error)
{
    char pattern[ZONE_NAME];
    bool is_all = text_equals_nocase(name, TEXT("all")), found = false;
    if (name.length == 0 || name.length >= sizeof pattern)
        return error_set(error, EINVAL, "no name of a zone; up to %zu characters", sizeof pattern - 1);
    snprintf(pattern, sizeof pattern, "%.*s", (int)name.length, name.bytes);
    bool is_pattern = is_all || strpbrk(pattern, "*?[") != NULL;
    for (uint32_t i = 0; i < zones->count; i++) {
        struct zone *zone = &zones->items[i];
        if (!is_all && fnmatch(pattern, zone->name, FNM_CASEFOLD) != 0)
            continue;
        if (zone->keyless && !is_pattern)
            return error_set(error, EINVAL, "%s needs a key, and none is given", zone->name);
        zone->asked = !zone->keyless;
        found = true;
    }
    if (found)
        return 0;
    const char *dead = zones_dead(zones, name);
    return dead ? error_set(error, EINVAL, "%s is no blacklist any more: %s", pattern, dead)
                : error_set(error, EINVAL, "%s: no such zone in the zones file", pattern);
}

int zones_choose(struct zones *zones, const struct text *names, size_t count, struct error *error)
{
    int status = 0;
    for (uint32_t i = 0; i < zones->count; i++) {
        struct zone *zone = &zones->items[i];
        bool has_key = zone->name[0] == '{' && !zone->keyless;
        zone->asked = count == 0 && !zone->keyless && (zone->use || has_key);
    }
    for (size_t i = 0; i < count && status == 0; i++)
        status = choose_named(zones, names[i], error);
    for (uint32_t i = 0; i < zones->count && status == 0; i++) {
        const struct zone *zone = &zones->items[i];
        for (uint32_t k = 0; zone->asked && zone->replaces[0] && k < zones->count; k++)
            if (k != i && text_equals_nocase(text_of(zones->items[k].name), text_of(zone->replaces)))
                zones->items[k].asked = false;
    }
    return status;
}
