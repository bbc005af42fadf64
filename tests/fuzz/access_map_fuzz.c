/* Access maps: any text is read or refused with a sentence; any address and name is looked up in what was read.
 *
 * Input: one byte (bit 0: patterns instead of keys), the address up to a byte 0x01, the map's text. */
#include <assert.h>
#include <string.h>
#include "detectors/access_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 1 || length > 8192)
        return 0;
    struct text rest = {(const char *)bytes + 1, length - 1};
    struct text address = text_split(&rest, 1);
    bool patterns = bytes[0] & 1;
    struct error error = {0};
    struct access_map *map = access_map_create(patterns ? TEXT("pcre:map") : TEXT("map"), rest, &error);
    if (!map) {
        assert(error.code > 0 && strncmp(error.text, "map:", 4) == 0);
        return 0;
    }
    struct access_answer answer;
    bool found = access_map_find_address(map, address, &answer);
    assert(found == (answer.action != ACCESS_UNKNOWN));
    assert(memchr(answer.text, '\0', sizeof answer.text));
    assert(answer.points >= -1 && answer.points <= 10000);
    found = access_map_find_name(map, address, &answer);
    assert(found == (answer.action != ACCESS_UNKNOWN));
    assert(!found || access_map_entries(map) > 0);
    access_map_destroy(&map);
    return 0;
}
