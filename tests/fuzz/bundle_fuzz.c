/* Bundles of configuration files from any bytes: refused, or every text found again under its name. */
#include <stdlib.h>
#include "agent/message/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct text bundle = {(const char *)bytes, length}, name, content, found;
    struct error error = {0};
    bool sound = bundle_check(bundle, &error) == 0;
    for (size_t position = 0; length >= 8 && bundle_next(bundle, &position, &name, &content);) {
        if (position > length)
            abort();
        if (sound && (!bundle_find(bundle, name, &found) || found.bytes != content.bytes))
            abort();
    }
    return 0;
}
