/* See choice.h. */
#include "collector/lookout/choice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "collector/blacklist/resolver.h"
#include "common/cleanup.h"
#include "common/io/file.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define ZONES_FILE  ((size_t)1 << 20)
#define PATH        256

static void free_text(char **text)
{
    free(*text);
    *text = NULL;
}

static int read_named(struct text name, size_t most, char **content, size_t *length, struct error *error)
{
    char path[PATH];
    if (name.length >= sizeof path)
        return error_set(error, EINVAL, "%.40s...: a file's name of at most %d bytes is allowed", name.bytes, PATH - 1);
    snprintf(path, sizeof path, "%.*s", (int)name.length, name.bytes);
    return file_read(path, most, content, length, error);
}

static int read_zones(struct zones *zones, struct text from, struct error *error)
{
    CLEANUP(free_text) char *content = NULL;
    size_t length = 0;
    char name[PATH];
    if (text_equals(from, TEXT(CHOICE_BUILTIN)))
        return zones_read(zones, zones_builtin(), CHOICE_BUILTIN, error);
    if (read_named(from, ZONES_FILE, &content, &length, error) < 0)
        return -error->code;
    snprintf(name, sizeof name, "%.*s", (int)from.length, from.bytes);
    return zones_read(zones, (struct text){content, length}, name, error);
}

static int give_key(struct zones *zones, struct text word, struct error *error)
{
    CLEANUP(free_text) char *content = NULL;
    size_t length = 0;
    struct text rest = word, name = text_split(&rest, '=');
    if (name.length == 0 || rest.length == 0)
        return error_set(error, EINVAL, "key %.*s: NAME=FILE is wanted", (int)word.length, word.bytes);
    if (read_named(rest, 256, &content, &length, error) < 0)
        return error_wrap(error, "key %.*s", (int)name.length, name.bytes);
    return zones_give_key(zones, name, text_trim((struct text){content, length}), error);
}

int choice_zones(struct choice_words files, struct choice_words keys, struct choice_words lists, struct zones **result,
                 struct error *error)
{
    CLEANUP(zones_destroy) struct zones *zones = NULL;
    int status = zones_create(&zones, error);
    if (status == 0 && files.count == 0)
        status = read_zones(zones, TEXT(CHOICE_BUILTIN), error);
    for (size_t i = 0; i < files.count && status == 0; i++)
        status = read_zones(zones, files.at[i], error);
    for (size_t i = 0; i < keys.count && status == 0; i++)
        status = give_key(zones, keys.at[i], error);
    if (status == 0)
        status = zones_choose(zones, lists.at, lists.count, error);
    if (status == 0)
        *result = TAKE(zones);
    return status;
}

static int read_machine(struct dns_server result[DNS_SERVERS_MOST], uint32_t *count, struct error *error)
{
    CLEANUP(free_text) char *content = NULL;
    size_t length = 0;
    struct address addresses[DNS_SERVERS_MOST];
    if (file_read(RESOLV_CONF, 1 << 16, &content, &length, error) < 0)
        return error_wrap(error, "no resolver is named");
    *count = (uint32_t)resolver_read((struct text){content, length}, addresses, DNS_SERVERS_MOST);
    for (uint32_t i = 0; i < *count; i++)
        result[i] = (struct dns_server){addresses[i], 53};
    return *count ? 0 : error_set(error, EINVAL, "%s names no resolver, and no other is named", RESOLV_CONF);
}

int choice_resolvers(struct choice_words named, struct dns_server result[DNS_SERVERS_MOST], uint32_t *count,
                     struct error *error)
{
    *count = 0;
    if (named.count > DNS_SERVERS_MOST)
        return error_set(error, EINVAL, "at most %d resolvers", DNS_SERVERS_MOST);
    for (size_t i = 0; i < named.count; i++, (*count)++)
        if (!resolver_parse(named.at[i], &result[i].address, &result[i].port))
            return error_set(error, EINVAL, "resolver %.*s: no address; 192.0.2.53, 192.0.2.53:5353, [2001:db8::53]:53",
                             (int)named.at[i].length, named.at[i].bytes);
    return named.count == 0 ? read_machine(result, count, error) : 0;
}
