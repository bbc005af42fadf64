/* [pictures]: see reading.h. */
#include <errno.h>
#include "collector/reading/reading.h"

#define COUNT(member, preset_, ...)                                                                                    \
    FIXED_OPTION(OPTION_COUNT, uint32_t, "pictures", struct picture_settings, member, preset_, __VA_ARGS__)
const struct option picture_options[] = {
    FIXED_OPTION(OPTION_FLAG, bool, "pictures", struct picture_settings, enabled, "yes",
                 .text = "Whether pictures in messages are looked at: near-identical ones are counted as one."),
    FIXED_OPTION(OPTION_FLAG, bool, "pictures", struct picture_settings, text, "no",
                 .text = "Whether text in pictures is read by Tesseract. Filters are shown it as the header "
                         "X-Postern-Picture-Text. A picture takes a second or more of a processor."),
    FIXED_OPTION(OPTION_WORDS, struct option_words, "pictures", struct picture_settings, languages, "eng",
                 .text = "The languages that it is read in, as Tesseract calls them; each must be installed."),
    FIXED_OPTION(OPTION_BYTES, uint64_t, "pictures", struct picture_settings, size, "4M", .least = "4K", .most = "32M",
                 .text = "Larger pictures are passed over."),
    COUNT(pixels, "16000000", .least = "10000", .most = "100000000",
          .text = "Pictures of more pixels, width times height, are passed over."),
    COUNT(most, "4", .least = "1", .most = "8", .text = "The most pictures of one message that are looked at."),
    COUNT(processes, "2", .least = "1", .most = "16",
          .text = "Messages are read in processes without rights: so many at once. With text = yes one takes some "
                  "200 MB."),
    FIXED_OPTION(OPTION_DURATION, duration, "pictures", struct picture_settings, patience, "20s", .least = "100ms",
                 .most = "10m",
                 .text = "A message that takes longer to read is left unread, and goes to the filters "
                         "as it is."),
    FIXED_OPTION(OPTION_BYTES, uint64_t, "pictures", struct picture_settings, memory, "1G", .least = "256M",
                 .most = "16G", .text = "The most address space of such a process."),
    {.key = NULL},
};

bool picture_settings_check(const void *given, struct error *error)
{
    const struct picture_settings *settings = given;
    if (settings->text && settings->languages.count == 0) {
        error_set(error, EINVAL,
                  "languages: text is to be read in none; names as `tesseract --list-langs` prints them "
                  "are allowed");
        return false;
    }
    if (settings->pixels > settings->memory / 12) {
        error_set(error, EINVAL, "pixels: decoding takes up to 12 bytes each, more than memory has; raise memory");
        return false;
    }
    return true;
}
