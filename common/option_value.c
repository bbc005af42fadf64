/* One option's value. All that can be measured is an integer inside: no rounding stands between what a person wrote and
 * what is compared, and a preset or a limit goes through the same parser as the file. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "common/option_value.h"

#define ITEMS(list) (sizeof(list) / sizeof(list)[0])

/* One item of a value as the integer behind it: what scalars are, and what lists of numbers and durations hold. */
static bool is_measured(enum option_type type)
{
    return type <= OPTION_CHOICE || type == OPTION_NUMBERS || type == OPTION_DURATIONS;
}

bool option_value_is_list(const struct option *option)
{
    return option->type >= OPTION_ADDRESSES && option->type <= OPTION_URLS;
}

static bool parse_flag(struct text text, int64_t *result)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < ITEMS(words); i++) {
        if (text_equals_nocase(text, text_of(words[i]))) {
            *result = (int64_t)(i % 2);
            return true;
        }
    }
    return false;
}

static bool parse_count(struct text text, int64_t *result)
{
    uint64_t number;
    if (!text_number(text, &number) || number > UINT32_MAX)
        return false;
    *result = (int64_t)number;
    return true;
}

static const struct {
    char letter;
    int shift;
} sizes[] = {{'T', 40}, {'G', 30}, {'M', 20}, {'K', 10}};

static bool parse_bytes(struct text text, int64_t *result)
{
    int shift = 0;
    for (size_t i = 0; i < ITEMS(sizes) && text.length > 0; i++) {
        if (text_equals_nocase((struct text){text.bytes + text.length - 1, 1}, (struct text){&sizes[i].letter, 1})) {
            shift = sizes[i].shift;
            text.length--;
            break;
        }
    }
    uint64_t number;
    if (!text_number(text, &number) || number > (uint64_t)INT64_MAX >> shift)
        return false;
    *result = (int64_t)(number << shift);
    return true;
}

/* "-12.5" with at most so many digits behind the point, as an integer; it must fit into 32 bits. */
static bool parse_fraction(struct text text, size_t digits, int64_t *result)
{
    bool negative = text.length > 0 && text.bytes[0] == '-';
    struct text rest = {text.bytes + negative, text.length - negative};
    bool has_point = rest.length > 0 && memchr(rest.bytes, '.', rest.length);
    struct text whole = text_split(&rest, '.');
    uint64_t number, behind = 0;
    if (whole.length > 10 || !text_number(whole, &number))
        return false;
    if (has_point && (rest.length > digits || !text_number(rest, &behind)))
        return false;
    for (size_t i = 0; i < digits; i++) {
        number *= 10;
        if (i >= rest.length)
            behind *= 10;
    }
    number += behind;
    if (number > INT32_MAX)
        return false;
    *result = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static bool parse_choice(const struct option *option, struct text text, int64_t *result)
{
    for (int64_t i = 0; option->choices && option->choices[i]; i++) {
        if (text_equals(text, text_of(option->choices[i]))) {
            *result = i;
            return true;
        }
    }
    return false;
}

static bool parse_measure(const struct option *option, struct text text, int64_t *result)
{
    switch (option->type) {
    case OPTION_FLAG:
        return parse_flag(text, result);
    case OPTION_COUNT:
    case OPTION_NUMBERS:
        return parse_count(text, result);
    case OPTION_BYTES:
        return parse_bytes(text, result);
    case OPTION_DURATION:
    case OPTION_DURATIONS:
        return duration_parse(text, result);
    case OPTION_POINTS:
        return parse_fraction(text, 2, result);
    case OPTION_RATIO:
        return parse_fraction(text, 6, result);
    case OPTION_CHOICE:
        return parse_choice(option, text, result);
    default:
        return false;
    }
}

static bool print_fraction(int64_t value, int digits, struct buffer *out)
{
    int64_t unit = 1;
    for (int i = 0; i < digits; i++)
        unit *= 10;
    int64_t size = value < 0 ? -value : value, behind = size % unit;
    while (behind != 0 && behind % 10 == 0) {
        behind /= 10;
        digits--;
    }
    const char *sign = value < 0 ? "-" : "";
    if (behind == 0)
        return buffer_printf(out, "%s%lld", sign, (long long)(size / unit));
    return buffer_printf(out, "%s%lld.%0*lld", sign, (long long)(size / unit), digits, (long long)behind);
}

static bool print_bytes(int64_t value, struct buffer *out)
{
    for (size_t i = 0; i < ITEMS(sizes); i++)
        if (value != 0 && value % (INT64_C(1) << sizes[i].shift) == 0)
            return buffer_printf(out, "%lld%c", (long long)(value >> sizes[i].shift), sizes[i].letter);
    return buffer_printf(out, "%lld", (long long)value);
}

static bool print_measure(const struct option *option, int64_t value, struct buffer *out)
{
    char text[DURATION_TEXT];
    switch (option->type) {
    case OPTION_FLAG:
        return buffer_append(out, text_of(value ? "yes" : "no"));
    case OPTION_BYTES:
        return print_bytes(value, out);
    case OPTION_DURATION:
    case OPTION_DURATIONS:
        return buffer_append(out, text_of(duration_print(value, text)));
    case OPTION_POINTS:
        return print_fraction(value, 2, out);
    case OPTION_RATIO:
        return print_fraction(value, 6, out);
    case OPTION_CHOICE:
        return buffer_append(out, text_of(option->choices[value]));
    default:
        return buffer_printf(out, "%lld", (long long)value);
    }
}

/* What kind of thing is wanted; the limits come behind. */
static const char *kind_phrase(enum option_type type)
{
    static const char *const phrases[] = {
        [OPTION_FLAG] = "yes or no",
        [OPTION_COUNT] = "a whole number",
        [OPTION_BYTES] = "a size such as 512K, 64M or 2G",
        [OPTION_DURATION] = "a duration such as 90s, 1h30m or 7d",
        [OPTION_POINTS] = "a number with at most two decimals",
        [OPTION_RATIO] = "a number with at most six decimals",
        [OPTION_CHOICE] = "one of ",
        [OPTION_TEXT] = "text of at most 255 bytes",
        [OPTION_ADDRESSES] = "addresses and prefixes such as 192.0.2.0/24 2001:db8::/32",
        [OPTION_NUMBERS] = "up to 16 whole numbers",
        [OPTION_WORDS] = "up to 32 words of at most 63 bytes",
        [OPTION_DURATIONS] = "up to 8 durations such as 90s 1h 7d",
        [OPTION_URLS] = "up to 8 words of at most 2047 bytes",
    };
    _Static_assert(ITEMS(phrases) == OPTION_TYPES, "every type has a phrase");
    return phrases[type];
}

__attribute__((format(printf, 2, 3))) static void add_phrase(char result[OPTION_ALLOWED], const char *format, ...)
{
    size_t length = strlen(result);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(result + length, OPTION_ALLOWED - length, format, arguments);
    va_end(arguments);
}

const char *option_value_allowed(const struct option *option, char result[OPTION_ALLOWED])
{
    const char *each = option->type == OPTION_NUMBERS || option->type == OPTION_DURATIONS ? " each" : "";
    result[0] = '\0';
    add_phrase(result, "%s", kind_phrase(option->type));
    for (size_t i = 0; option->type == OPTION_CHOICE && option->choices[i]; i++)
        add_phrase(result, "%s%s", i == 0 ? "" : option->choices[i + 1] ? ", " : " or ", option->choices[i]);
    if (!is_measured(option->type) || option->type == OPTION_CHOICE || option->type == OPTION_FLAG)
        return result;
    if (option->least && option->most)
        add_phrase(result, ",%s from %s to %s", each, option->least, option->most);
    else if (option->least)
        add_phrase(result, ",%s at least %s", each, option->least);
    else if (option->most)
        add_phrase(result, ",%s at most %s", each, option->most);
    return result;
}

__attribute__((format(printf, 4, 5))) static int refuse(const struct option *option, struct text value,
                                                        struct error *error, const char *format, ...)
{
    char shown[48], wrong[80], allowed[OPTION_ALLOWED];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(wrong, sizeof wrong, format, arguments);
    va_end(arguments);
    text_copy_printable(value, shown, sizeof shown);
    return error_set(error, EINVAL, "\"%s\" %s; allowed is %s", shown, wrong, option_value_allowed(option, allowed));
}

/* Limits are the module's own words: one that cannot be read limits nothing, and the unit tests see to it. */
static int read_measure(const struct option *option, struct text text, int64_t *result, struct error *error)
{
    int64_t limit;
    if (!parse_measure(option, text, result))
        return refuse(option, text, error, "cannot be read");
    if (option->least && parse_measure(option, text_of(option->least), &limit) && *result < limit)
        return refuse(option, text, error, "is too small");
    if (option->most && parse_measure(option, text_of(option->most), &limit) && *result > limit)
        return refuse(option, text, error, "is too large");
    return 0;
}

static void *member(const struct option *option, void *settings)
{
    return (char *)settings + option->offset;
}

static int read_scalar(const struct option *option, struct text text, void *at, struct error *error)
{
    int64_t value;
    int result = read_measure(option, text, &value, error);
    if (result)
        return result;
    switch (option->type) {
    case OPTION_FLAG:
        *(bool *)at = value != 0;
        break;
    case OPTION_COUNT:
        *(uint32_t *)at = (uint32_t)value;
        break;
    case OPTION_BYTES:
        *(uint64_t *)at = (uint64_t)value;
        break;
    case OPTION_DURATION:
        *(duration *)at = value;
        break;
    case OPTION_CHOICE:
        *(int *)at = (int)value;
        break;
    default:
        *(int32_t *)at = (int32_t)value;
    }
    return 0;
}

static int read_text(const struct option *option, struct text text, char at[OPTION_TEXT_SIZE], struct error *error)
{
    if (text.length >= OPTION_TEXT_SIZE)
        return refuse(option, text, error, "has %zu bytes", text.length);
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.bytes[i] < 0x20 || text.bytes[i] == 0x7f)
            return refuse(option, text, error, "holds a control character");
    memset(at, 0, OPTION_TEXT_SIZE);
    if (text.length > 0)
        memcpy(at, text.bytes, text.length);
    return 0;
}

static int add_address(const struct option *option, struct text item, struct address_list *list, struct error *error)
{
    struct address address;
    if (!address_parse(item, &address))
        return refuse(option, item, error,
                      memchr(item.bytes, '/', item.length) ? "is no prefix, or has bits set behind it"
                                                           : "is no address");
    return address_list_add(list, &address) ? 0 : error_set(error, ENOMEM, "no memory for the list");
}

/* A word into one of a list's places of `size` bytes. */
static int read_word(const struct option *option, struct text item, char *place, size_t size, struct error *error)
{
    if (item.length >= size)
        return refuse(option, item, error, "is too long");
    if (item.bytes[0] == ';' || item.bytes[0] == '#')
        return refuse(option, item, error, "would begin a comment");
    for (size_t i = 0; i < item.length; i++)
        if ((unsigned char)item.bytes[i] < 0x20 || item.bytes[i] == 0x7f)
            return refuse(option, item, error, "holds a control character");
    memset(place, 0, size);
    memcpy(place, item.bytes, item.length);
    return 0;
}

static int add_word(const struct option *option, struct text item, struct option_words *list, struct error *error)
{
    if (list->count == ITEMS(list->items))
        return refuse(option, item, error, "is one too many");
    int result = read_word(option, item, list->items[list->count], sizeof list->items[0], error);
    list->count += result == 0;
    return result;
}

static int add_url(const struct option *option, struct text item, struct option_urls *list, struct error *error)
{
    if (list->count == ITEMS(list->items))
        return refuse(option, item, error, "is one too many");
    int result = read_word(option, item, list->items[list->count], sizeof list->items[0], error);
    list->count += result == 0;
    return result;
}

static int add_item(const struct option *option, struct text item, void *at, struct error *error)
{
    if (option->type == OPTION_ADDRESSES)
        return add_address(option, item, at, error);
    if (option->type == OPTION_WORDS)
        return add_word(option, item, at, error);
    if (option->type == OPTION_URLS)
        return add_url(option, item, at, error);
    int64_t value;
    int result = read_measure(option, item, &value, error);
    if (result)
        return result;
    if (option->type == OPTION_NUMBERS) {
        struct option_numbers *numbers = at;
        if (numbers->count == ITEMS(numbers->items))
            return refuse(option, item, error, "is one too many");
        numbers->items[numbers->count++] = (uint32_t)value;
    } else {
        struct option_durations *durations = at;
        if (durations->count == ITEMS(durations->items))
            return refuse(option, item, error, "is one too many");
        durations->items[durations->count++] = value;
    }
    return 0;
}

static bool is_between_items(char c)
{
    return c == ' ' || c == '\t' || c == ',';
}

static int read_list(const struct option *option, struct text text, void *at, struct error *error)
{
    int result = 0;
    while (result == 0) {
        while (text.length > 0 && is_between_items(text.bytes[0])) {
            text.bytes++;
            text.length--;
        }
        if (text.length == 0)
            break;
        struct text item = {text.bytes, 0};
        while (item.length < text.length && !is_between_items(text.bytes[item.length]))
            item.length++;
        text.bytes += item.length;
        text.length -= item.length;
        result = add_item(option, item, at, error);
    }
    return result;
}

int option_value_read(const struct option *option, struct text text, bool more, void *settings, struct error *error)
{
    if (!option_value_is_list(option)) {
        if (option->type == OPTION_TEXT)
            return read_text(option, text, member(option, settings), error);
        return read_scalar(option, text, member(option, settings), error);
    }
    if (!more)
        option_value_clear(option, settings);
    return read_list(option, text, member(option, settings), error);
}

void option_value_init(const struct option *option, void *settings)
{
    static const size_t sizes_of[] = {
        [OPTION_FLAG] = sizeof(bool),
        [OPTION_COUNT] = sizeof(uint32_t),
        [OPTION_BYTES] = sizeof(uint64_t),
        [OPTION_DURATION] = sizeof(duration),
        [OPTION_POINTS] = sizeof(int32_t),
        [OPTION_RATIO] = sizeof(int32_t),
        [OPTION_CHOICE] = sizeof(int),
        [OPTION_TEXT] = OPTION_TEXT_SIZE,
        [OPTION_ADDRESSES] = sizeof(struct address_list),
        [OPTION_NUMBERS] = sizeof(struct option_numbers),
        [OPTION_WORDS] = sizeof(struct option_words),
        [OPTION_DURATIONS] = sizeof(struct option_durations),
        [OPTION_URLS] = sizeof(struct option_urls),
    };
    _Static_assert(ITEMS(sizes_of) == OPTION_TYPES, "every type has a size");
    memset(member(option, settings), 0, sizes_of[option->type]);
}

void option_value_clear(const struct option *option, void *settings)
{
    if (option->type == OPTION_ADDRESSES)
        address_list_clear(member(option, settings));
    else
        option_value_init(option, settings);
}

static int64_t scalar_of(const struct option *option, const void *at)
{
    switch (option->type) {
    case OPTION_FLAG:
        return *(const bool *)at;
    case OPTION_COUNT:
        return *(const uint32_t *)at;
    case OPTION_BYTES:
        return (int64_t) * (const uint64_t *)at;
    case OPTION_DURATION:
        return *(const duration *)at;
    case OPTION_CHOICE:
        return *(const int *)at;
    default:
        return *(const int32_t *)at;
    }
}

static size_t list_length(const struct option *option, const void *at)
{
    switch (option->type) {
    case OPTION_ADDRESSES:
        return ((const struct address_list *)at)->count;
    case OPTION_NUMBERS:
        return ((const struct option_numbers *)at)->count;
    case OPTION_WORDS:
        return ((const struct option_words *)at)->count;
    case OPTION_URLS:
        return ((const struct option_urls *)at)->count;
    default:
        return ((const struct option_durations *)at)->count;
    }
}

static bool print_item(const struct option *option, const void *at, size_t index, struct buffer *out)
{
    char text[ADDRESS_TEXT];
    switch (option->type) {
    case OPTION_ADDRESSES:
        return buffer_append(out, text_of(address_print(&((const struct address_list *)at)->items[index], text)));
    case OPTION_NUMBERS:
        return print_measure(option, ((const struct option_numbers *)at)->items[index], out);
    case OPTION_WORDS:
        return buffer_append(out, text_of(((const struct option_words *)at)->items[index]));
    case OPTION_URLS:
        return buffer_append(out, text_of(((const struct option_urls *)at)->items[index]));
    default:
        return print_measure(option, ((const struct option_durations *)at)->items[index], out);
    }
}

bool option_value_print(const struct option *option, const void *settings, struct buffer *out)
{
    const void *at = (const char *)settings + option->offset;
    if (option->type == OPTION_TEXT)
        return buffer_append(out, text_of(at));
    if (!option_value_is_list(option))
        return print_measure(option, scalar_of(option, at), out);
    size_t line = out->length;
    for (size_t i = 0; i < list_length(option, at); i++) {
        bool full = out->length - line > 80;
        if (i > 0 && !buffer_append(out, full ? TEXT("\n    ") : TEXT(" ")))
            return false;
        if (full)
            line = out->length;
        if (!print_item(option, at, i, out))
            return false;
    }
    return true;
}
