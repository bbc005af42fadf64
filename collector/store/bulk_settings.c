/* [bulk]: see bulk.h. */
#include <errno.h>
#include "collector/store/bulk.h"

const struct option bulk_options[] = {
    FIXED_OPTION(OPTION_FLAG, bool, "bulk", struct bulk_settings, enabled, "yes",
                 .text = "Whether texts and pictures are counted over all nodes and customers."),
    FIXED_OPTION(OPTION_NUMBERS, struct option_numbers, "bulk", struct bulk_settings, steps, "6 20 100 1000",
                 .least = "2", .most = "1000000",
                 .text = "From so many recipients on a text or a picture is bulk, and the opinion \"bulk\" calls its "
                         "messages spam; each step more adds a quarter to its score."),
    FIXED_OPTION(OPTION_COUNT, uint32_t, "bulk", struct bulk_settings, customers, "3", .least = "1", .most = "1000",
                 .text = "Of so many customers it must come. With 1 every newsletter is bulk."),
    FIXED_OPTION(OPTION_DURATION, duration, "bulk", struct bulk_settings, window, "24h", .least = "1m", .most = "30d",
                 .text = "Recipients are counted within this time, to the last half of it."),
    FIXED_OPTION(OPTION_DURATION, duration, "bulk", struct bulk_settings, remembered, "30d", .least = "1m",
                 .most = "365d",
                 .text = "A text that most of its customers sent a week ago already is no bulk but what their programs "
                         "write; for so long after it was seen last it is remembered."),
    FIXED_OPTION(OPTION_COUNT, uint32_t, "bulk", struct bulk_settings, most, "200000", .least = "1000",
                 .most = "10000000",
                 .text = "The most texts and pictures that are known at once; those seen longest ago go first."),
    {.key = NULL},
};

bool bulk_settings_check(const void *given, struct error *error)
{
    const struct bulk_settings *settings = given;
    for (uint32_t i = 1; i < settings->steps.count; i++)
        if (settings->steps.items[i] <= settings->steps.items[i - 1]) {
            error_set(error, EINVAL, "steps: %u behind %u; rising numbers are allowed", settings->steps.items[i],
                      settings->steps.items[i - 1]);
            return false;
        }
    if (settings->remembered < settings->window) {
        error_set(error, EINVAL, "remembered: it is shorter than window; at least as long is allowed");
        return false;
    }
    if (settings->enabled && settings->steps.count == 0) {
        error_set(error, EINVAL, "steps: none; one to sixteen rising numbers are allowed");
        return false;
    }
    return true;
}
