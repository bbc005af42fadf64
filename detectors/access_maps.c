/* Several maps in a row: those that a detector's option names. */
#include <errno.h>
#include <stdio.h>
#include "common/cleanup.h"
#include "detectors/access_map.h"

void access_maps_clear(struct access_maps *maps)
{
    for (uint32_t i = 0; i < maps->count; i++)
        access_map_destroy(&maps->items[i]);
    maps->count = 0;
}

int access_maps_load(const struct option_words *names, const struct file_source *source, struct access_maps *result,
                     struct error *error)
{
    struct error local = {0};
    CLEANUP(access_maps_clear) struct access_maps maps = {.count = 0};
    for (uint32_t i = 0; i < names->count && i < ACCESS_MAPS_MOST; i++) {
        struct text name = text_of(names->items[i]), file = access_map_file(name), content = TEXT("");
        /* The file's name is the end of the map's, hence terminated. */
        int failed = source->read(source->context, file.bytes, &content, error);
        if (failed)
            return failed;
        struct access_map *map = access_map_create(name, content, &local);
        if (!map) {
            if (error)
                *error = local;
            return local.code ? -local.code : -EINVAL;
        }
        maps.items[maps.count++] = map;
    }
    *result = maps;
    maps.count = 0; /* taken */
    return 0;
}

static bool find(const struct access_maps *maps, struct text key, struct access_answer *result,
                 bool (*look)(struct access_map *, struct text, struct access_answer *))
{
    for (uint32_t i = 0; i < maps->count; i++)
        if (look(maps->items[i], key, result) && result->action != ACCESS_PASSED)
            return true;
    access_answer_clear(result);
    return false;
}

bool access_maps_find_address(const struct access_maps *maps, struct text address, struct access_answer *result)
{
    return find(maps, address, result, access_map_find_address);
}

bool access_maps_find_name(const struct access_maps *maps, struct text name, struct access_answer *result)
{
    return find(maps, name, result, access_map_find_name);
}
