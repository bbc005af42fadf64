/* Any bytes at all as a complaint: what is made of them is sound, within its bounds, and the same each time. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/complaint/complaint.h"
#include "collector/mime/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static bool prepared;
    struct complaints got, again;
    struct text text = {(const char *)bytes, length};
    if (!prepared)
        walk_prepare();
    prepared = true;
    complaints_read(text, &got);
    complaints_read(text, &again);
    if (got.found >= COMPLAINT_FINDINGS || got.found != again.found || got.count != again.count ||
        got.count > COMPLAINTS_MOST || (got.found == FOUND_COMPLAINTS && got.count == 0) ||
        (got.found == FOUND_BROKEN && got.trouble[0] == '\0'))
        abort();
    for (uint32_t i = 0; i < got.count; i++)
        if (!complaint_is_sound(&got.items[i]) || memcmp(&got.items[i], &again.items[i], sizeof got.items[i]) != 0)
            abort();
    complaints_clear(&got);
    complaints_clear(&again);
    return 0;
}
