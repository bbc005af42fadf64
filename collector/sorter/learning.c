/* See learning.h. */
#include "collector/sorter/learning.h"

#include <errno.h>
#include <stdlib.h>

static const struct option options[] = {
    TEXT_OPTION("learning", struct learning_settings, hours, "any",
                .text = "The hours of the day, by local time, in which filters are taught: 1-5 is from one to five in "
                        "the morning, 22-6 goes over midnight; any: at once. What people ask for meanwhile waits."),
    COUNT_OPTION("learning", struct learning_settings, rate, "50", .most = "10000",
                 .text = "The most lessons a second that each filter is given; 0: as fast as it takes them."),
    COUNT_OPTION("learning", struct learning_settings, held_back, "10", .most = "1000",
                 .text = "Of messages that are taught in bulk one in so many is not taught but held back: what filters "
                         "say of those before and after shows what teaching does. 0: none."),
    DURATION_OPTION("learning", struct learning_settings, keep, "30d", .least = "1h", .most = "3650d",
                    .text = "How long the content of what was taught from files is kept, so that it can be taken back "
                            "without them."),
    {.key = NULL},
};

/* False: no such hours. `from` and `to` are equal where it is always. */
static bool read_hours(const char *hours, uint64_t *from, uint64_t *to)
{
    struct text rest = text_of(hours), first;
    *from = *to = 0;
    if (text_equals(rest, TEXT("any")))
        return true;
    first = text_split(&rest, '-');
    return text_number(text_trim(first), from) && text_number(text_trim(rest), to) && *from < 24 && *to <= 24 &&
           *from != *to;
}

static bool check(const void *given, struct error *error)
{
    const struct learning_settings *settings = given;
    uint64_t from, to;
    if (read_hours(settings->hours, &from, &to))
        return true;
    error_set(error, EINVAL, "hours: \"%.100s\" will not do; any, or two hours of the day such as 1-5 are allowed",
              settings->hours);
    return false;
}

struct option_binding learning_bind(struct learning_settings *settings)
{
    return (struct option_binding){
        .options = options,
        .settings = settings,
        .check = check,
        .text = "Filters with learns = yes are taught what people say of messages, each message once.",
    };
}

bool learning_is_time(const char *hours, moment local)
{
    uint64_t from, to, hour = (uint64_t)(local % DAY / HOUR);
    if (!read_hours(hours, &from, &to) || from == to)
        return true;
    return from < to ? hour >= from && hour < to : hour >= from || hour < to;
}

bool learning_is_held_back(const char *digest, uint32_t one_in)
{
    char start[9] = "";
    strncpy(start, digest, 8);
    return one_in > 0 && strtoul(start, NULL, 16) % one_in == 0;
}

/* SpamAssassin's say how likely spam is, in hundredths: BAYES_00 to BAYES_99, BAYES_999. */
static enum store_bayes read_symbol(struct text symbol)
{
    uint64_t likely;
    if (!text_starts_nocase(symbol, TEXT("BAYES_")))
        return BAYES_SILENT;
    struct text word = {symbol.bytes + 6, symbol.length - 6};
    if (text_equals_nocase(word, TEXT("SPAM")))
        return BAYES_SAYS_SPAM;
    if (text_equals_nocase(word, TEXT("HAM")))
        return BAYES_SAYS_HAM;
    if (!text_number(word, &likely))
        return BAYES_SILENT;
    return likely >= 60 ? BAYES_SAYS_SPAM : likely <= 40 ? BAYES_SAYS_HAM : BAYES_SILENT;
}

enum store_bayes learning_bayes(struct text symbols)
{
    enum store_bayes said = BAYES_SILENT;
    while (symbols.length > 0 && said == BAYES_SILENT) {
        struct text symbol = text_split(&symbols, ' ');
        const char *value = symbol.length ? memchr(symbol.bytes, '(', symbol.length) : NULL;
        if (value)
            symbol.length = (size_t)(value - symbol.bytes);
        said = read_symbol(symbol);
    }
    return said;
}

duration learning_pause(int64_t tries)
{
    static const duration pauses[] = {5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE};
    int64_t last = (int64_t)(sizeof pauses / sizeof pauses[0]) - 1;
    return pauses[tries < 0 ? 0 : tries > last ? last : tries];
}
