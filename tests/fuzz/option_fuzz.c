/* Options from arbitrary text: never a step outside, never an error without file and line; and what was accepted is
 * printed so that it reads back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "common/option.h"

struct settings {
    bool enabled;
    uint32_t messages;
    uint64_t memory;
    duration window;
    int32_t most, share;
    int mode;
    char path[OPTION_TEXT_SIZE];
    struct address_list local;
    struct option_numbers ports;
    struct option_words interfaces;
    struct option_durations spans;
};

static const char *const modes[] = {"observe", "enforce", NULL};

static const struct option options[] = {
    FLAG_OPTION("burst", struct settings, enabled, "yes"),
    COUNT_OPTION("burst", struct settings, messages, "200", .least = "1", .most = "1000000"),
    BYTES_OPTION("burst", struct settings, memory, "64M"),
    DURATION_OPTION("burst", struct settings, window, "10m", .least = "1s"),
    POINTS_OPTION("burst", struct settings, most, "12.5"),
    RATIO_OPTION("burst", struct settings, share, "0.05"),
    CHOICE_OPTION("agent", struct settings, mode, "observe", .choices = modes),
    TEXT_OPTION("agent", struct settings, path, "/var/lib/postern"),
    ADDRESSES_OPTION("agent", struct settings, local, ""),
    NUMBERS_OPTION("agent", struct settings, ports, "25 465 587", .most = "65535"),
    WORDS_OPTION("agent", struct settings, interfaces, ""),
    DURATIONS_OPTION("agent", struct settings, spans, "1h 6h"),
    {.key = NULL},
};

static bool print(const struct option_binding *bindings, struct buffer *out)
{
    buffer_init(out, 1 << 24);
    return options_print_values(bindings, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct settings settings;
    const struct option_binding bindings[] = {{.options = options, .settings = &settings}, {.options = NULL}};
    struct error error = {0};
    struct text text = {(const char *)data, size};
    if (options_read(bindings, text, "fuzz", &error) != 0) {
        if (error.code == 0 || strncmp(error.text, "fuzz:", 5) != 0 || error.text[5] < '1' || error.text[5] > '9')
            abort();
        options_clear(bindings);
        return 0;
    }
    struct buffer once, again;
    if (!print(bindings, &once))
        abort();
    options_clear(bindings);
    if (options_read(bindings, buffer_text(&once), "again", &error) != 0 || !print(bindings, &again))
        abort();
    if (!text_equals(buffer_text(&once), buffer_text(&again)))
        abort();
    options_clear(bindings);
    buffer_clear(&once);
    buffer_clear(&again);
    return 0;
}
