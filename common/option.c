/* Options are read line by line through inih, checked against their table and put into the settings.
 *
 * inih knows sections, keys, comments and lines that go on; what it leaves open is decided here: which line it is at,
 * that the first mistake ends the reading, that a section without keys is looked up too, and that only a list may go on
 * in an indented line (inih would take any indented line for more of the key above). */
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/option_value.h"

/* Where an option was given. */
struct place {
    const struct option_layer *layer; /* NULL: nowhere */
    int line;
};

struct reading {
    const struct option_binding *bindings;
    const struct option_layer *layer;
    struct text rest; /* of its text */
    int line;
    size_t room;               /* bytes that inih takes in one line */
    struct text long_value;    /* of a line that inih is not given whole */
    bool indented;             /* this line is */
    bool after_key;            /* a key was read in this section: an indented line goes on with it */
    const struct option *last; /* that key */
    void *last_settings;       /* and where its value goes */
    struct place *places;      /* for each option in the order of the bindings */
    int failed_line;           /* 0: all is well */
    struct error error;
};

/* The first mistake stands. */
static void fail(struct reading *reading, int line)
{
    error_wrap(&reading->error, "%s:%d", reading->layer->name, line);
    reading->failed_line = line;
}

/* Words that differ by few typing mistakes are near: the least number of bytes to put in, take out or replace. */
static unsigned distance(struct text a, struct text b)
{
    unsigned row[64];
    if (a.length >= 64)
        a.length = 63;
    if (b.length >= 64)
        b.length = 63;
    for (unsigned j = 0; j <= b.length; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.length; i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.length; j++) {
            unsigned best = corner + (a.bytes[i - 1] != b.bytes[j - 1]);
            corner = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.length];
}

/* The table's entry that is least far from what was written; the section counts first. */
static const struct option *nearest(const struct option_binding *bindings, struct text section, struct text key)
{
    const struct option *best = NULL;
    unsigned least = 0;
    for (const struct option_binding *binding = bindings; binding->options; binding++) {
        for (const struct option *option = binding->options; option->key; option++) {
            unsigned far = distance(section, text_of(option->section)) * 2 + distance(key, text_of(option->key)) * 3;
            if (!best || far < least) {
                best = option;
                least = far;
            }
        }
    }
    return best;
}

static bool section_is_known(const struct reading *reading, struct text name)
{
    for (const struct option_binding *binding = reading->bindings; binding->options; binding++)
        for (const struct option *option = binding->options; option->key; option++)
            if (text_equals(name, text_of(option->section)))
                return true;
    return false;
}

static void fail_section(struct reading *reading, struct text name)
{
    char shown[64];
    const struct option *known = NULL;
    unsigned least = 0;
    for (const struct option_binding *binding = reading->bindings; binding->options; binding++) {
        for (const struct option *option = binding->options; option->key; option++) {
            unsigned far = distance(name, text_of(option->section));
            if (!known || far < least) {
                known = option;
                least = far;
            }
        }
    }
    text_copy_printable(name, shown, sizeof shown);
    error_set(&reading->error, EINVAL, "[%s]: no such section; the nearest is [%s]", shown,
              known ? known->section : "");
    fail(reading, reading->line);
}

static void take_section(struct reading *reading, struct text line)
{
    struct text rest = {line.bytes + 1, line.length - 1};
    if (!memchr(rest.bytes, ']', rest.length)) {
        error_set(&reading->error, EINVAL, "a section without its end; \"[section]\"");
        fail(reading, reading->line);
        return;
    }
    struct text name = text_split(&rest, ']');
    rest = text_trim(rest);
    if (rest.length > 0 && rest.bytes[0] != ';' && rest.bytes[0] != '#') {
        error_set(&reading->error, EINVAL, "something stands behind the section's name; \"[section]\" alone");
        fail(reading, reading->line);
    } else if (!section_is_known(reading, name)) {
        fail_section(reading, name);
    }
    reading->after_key = false;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Look at a line before inih does. */
static void inspect(struct reading *reading, struct text line, size_t room)
{
    if (line.length > room) {
        error_set(&reading->error, EINVAL,
                  "the line has %zu bytes; allowed are %zu, and a list may go on in an indented line", line.length,
                  room);
        fail(reading, reading->line);
        return;
    }
    if (memchr(line.bytes, '\0', line.length)) {
        error_set(&reading->error, EINVAL, "the line holds a zero byte; allowed is text");
        fail(reading, reading->line);
        return;
    }
    reading->indented = line.length > 0 && is_space(line.bytes[0]);
    while (line.length > 0 && is_space(line.bytes[0])) {
        line.bytes++;
        line.length--;
    }
    if (line.length == 0 || line.bytes[0] == ';' || line.bytes[0] == '#')
        return;
    if (reading->indented && !reading->after_key) {
        error_set(&reading->error, EINVAL,
                  "the line is indented but no list stands above it; sections and keys begin at the line's start");
        fail(reading, reading->line);
    } else if (!reading->indented && line.bytes[0] == '[') {
        take_section(reading, line);
    }
}

#define LINE_MOST 4096
#define STAND_IN  " @" /* what inih is given for a long value */

static bool is_for_urls(const struct reading *reading, struct text line, struct text key)
{
    if (is_space(line.bytes[0]))
        return reading->after_key && reading->last->type == OPTION_URLS;
    for (const struct option_binding *binding = reading->bindings; binding->options; binding++)
        for (const struct option *option = binding->options; option->key; option++)
            if (option->type == OPTION_URLS && text_equals(key, text_of(option->key)))
                return true;
    return false;
}

/* A URL may be longer than a line of inih's: then it is kept here, and inih sees the key with a stand-in. Returns the
 * line for inih. */
static struct text put_long_value_aside(struct reading *reading, struct text line, char room[LINE_MOST])
{
    struct text value = line, key = {0};
    reading->long_value = (struct text){0};
    if (line.length <= reading->room || line.length > LINE_MOST)
        return line;
    if (!is_space(line.bytes[0]))
        key = text_trim(text_split(&value, '='));
    if (key.length + sizeof "=" STAND_IN > reading->room || !is_for_urls(reading, line, key))
        return line;
    reading->long_value = text_trim(value);
    int length = snprintf(room, LINE_MOST, "%.*s%s" STAND_IN, (int)key.length, key.length ? key.bytes : "",
                          key.length ? "=" : "");
    return (struct text){room, (size_t)length};
}

/* inih's reader: one line for each call, so that counting calls is counting lines. */
static char *read_line(char *result, int size, void *context)
{
    struct reading *reading = context;
    if (reading->failed_line || reading->rest.length == 0)
        return NULL;
    struct text line = text_split(&reading->rest, '\n');
    reading->line++;
    reading->room = (size_t)size - 3;
    char room[LINE_MOST];
    line = put_long_value_aside(reading, line, room);
    inspect(reading, line, reading->room);
    if (reading->failed_line)
        return NULL;
    memcpy(result, line.bytes, line.length);
    result[line.length] = '\n';
    result[line.length + 1] = '\0';
    return result;
}

/* What stands before " ;" (or ";" at its start): versions of inih differ in what they cut off. */
static struct text without_comment(struct text value)
{
    for (size_t i = 0; i < value.length; i++)
        if (value.bytes[i] == ';' && (i == 0 || is_space(value.bytes[i - 1])))
            value.length = i;
    return text_trim(value);
}

static void take_value(struct reading *reading, const struct option *option, void *settings, struct text value,
                       bool more)
{
    if (option_value_read(option, value, more, settings, &reading->error) == 0)
        return;
    error_wrap(&reading->error, "[%s] %s", option->section, option->key);
    fail(reading, reading->line);
}

static void take_more(struct reading *reading, struct text value)
{
    const struct option *option = reading->last;
    if (option_value_is_list(option)) {
        take_value(reading, option, reading->last_settings, value, true);
        return;
    }
    error_set(&reading->error, EINVAL,
              "[%s] %s: an indented line goes on with it, but it takes one value; keys begin at the line's start",
              option->section, option->key);
    fail(reading, reading->line);
}

static void fail_key(struct reading *reading, struct text section, struct text key)
{
    char shown_section[32], shown_key[64];
    text_copy_printable(section, shown_section, sizeof shown_section);
    text_copy_printable(key, shown_key, sizeof shown_key);
    const struct option *near = nearest(reading->bindings, section, key);
    const char *wrong = section.length == 0 ? "stands before any section" : "no such key";
    if (near && text_equals(section, text_of(near->section)))
        error_set(&reading->error, EINVAL, "[%s] %s: %s; the nearest is \"%s\"", shown_section, shown_key, wrong,
                  near->key);
    else
        error_set(&reading->error, EINVAL, "[%s] %s: %s; the nearest is \"%s\" in [%s]", shown_section, shown_key,
                  wrong, near ? near->key : "", near ? near->section : "");
    fail(reading, reading->line);
}

/* Written as "key=value" it fits a line, printed as "key = value" it would not, and could not be read back. */
static void fail_long(struct reading *reading, const struct option *option, size_t length)
{
    error_set(&reading->error, EINVAL, "[%s] %s: the value has %zu bytes; allowed are %zu", option->section,
              option->key, length, reading->room - strlen(option->key) - 3);
    fail(reading, reading->line);
}

static bool may_set(const struct reading *reading, const struct option_binding *binding, const struct option *option)
{
    return !reading->layer->central || (binding->central && !option->local);
}

/* Why a key that the table has may not stand here; true: it may. */
static bool is_allowed(struct reading *reading, const struct option_binding *binding, const struct option *option,
                       const struct place *before)
{
    if (before->layer == reading->layer)
        error_set(&reading->error, EINVAL, "[%s] %s: given a second time; once is allowed, and line %d has it",
                  option->section, option->key, before->line);
    else if (!may_set(reading, binding, option))
        error_set(&reading->error, EINVAL,
                  "[%s] %s: a collector may not set it; it is for the node's own configuration", option->section,
                  option->key);
    else
        return true;
    fail(reading, reading->line);
    return false;
}

static void take_key(struct reading *reading, struct text section, struct text key, struct text value)
{
    size_t number = 0;
    for (const struct option_binding *binding = reading->bindings; binding->options; binding++) {
        for (const struct option *option = binding->options; option->key; option++) {
            struct place *place = &reading->places[number++];
            if (!text_equals(section, text_of(option->section)) || !text_equals(key, text_of(option->key)))
                continue;
            if (!is_allowed(reading, binding, option, place))
                return;
            *place = (struct place){reading->layer, reading->line};
            reading->after_key = true;
            reading->last = option;
            reading->last_settings = binding->settings;
            if (!option_value_is_list(option) && key.length + 3 + value.length > reading->room)
                fail_long(reading, option, value.length);
            else
                take_value(reading, option, binding->settings, value, false);
            return;
        }
    }
    fail_key(reading, section, key);
}

#if INI_HANDLER_LINENO
static int handle(void *context, const char *section, const char *key, const char *value, int line)
#else
static int handle(void *context, const char *section, const char *key, const char *value)
#endif
{
    struct reading *reading = context;
#if INI_HANDLER_LINENO
    (void)line;
#endif
    if (reading->failed_line)
        return 1;
    struct text given = text_of(value ? value : "");
    given = without_comment(reading->long_value.length ? reading->long_value : given);
    if (reading->indented)
        take_more(reading, given);
    else
        take_key(reading, text_of(section), text_of(key ? key : ""), given);
    return 1;
}

/* A line that inih could not make anything of. */
static void fail_line(struct reading *reading, struct text text, int number)
{
    char shown[48];
    struct text line = text_split(&text, '\n');
    for (int i = 1; i < number; i++)
        line = text_split(&text, '\n');
    text_copy_printable(text_trim(line), shown, sizeof shown);
    error_set(&reading->error, EINVAL,
              "\"%s\" is no section, key or comment; allowed are \"[section]\", \"key = value\" and \"# comment\"",
              shown);
    fail(reading, number);
}

static int read_presets(const struct option_binding *bindings, struct error *error)
{
    for (const struct option_binding *binding = bindings; binding->options; binding++)
        for (const struct option *option = binding->options; option->key; option++)
            option_value_init(option, binding->settings);
    for (const struct option_binding *binding = bindings; binding->options; binding++) {
        for (const struct option *option = binding->options; option->key; option++) {
            if (!option->preset)
                continue;
            if (option_value_read(option, text_of(option->preset), false, binding->settings, error) < 0)
                return error_wrap(error, "preset of [%s] %s", option->section, option->key);
        }
    }
    return 0;
}

/* A check knows nothing of a prefix that its keys have in another section: "most" for "burst.most". */
static const char *key_without_prefix(const struct option *option)
{
    const char *dot = strrchr(option->key, '.');
    return dot ? dot + 1 : option->key;
}

/* The place to point at where options do not go together: the one of the key that the error begins with, else the last
 * that the binding was given. */
static struct place place_of_check(const struct option_binding *binding, const struct place *places,
                                   const struct option **named, const char *text)
{
    struct place last = {NULL, 0}, found = last;
    *named = NULL;
    for (const struct option *option = binding->options; option->key; option++) {
        const char *key = key_without_prefix(option);
        size_t length = strlen(key);
        if (!*named && strncmp(text, key, length) == 0 && text[length] == ':') {
            *named = option;
            found = *places;
        }
        if (places->layer > last.layer || (places->layer == last.layer && places->line > last.line))
            last = *places;
        places++;
    }
    return found.layer ? found : last;
}

static int check_bindings(struct reading *reading)
{
    const struct place *places = reading->places;
    for (const struct option_binding *binding = reading->bindings; binding->options; binding++) {
        if (binding->check && !binding->check(binding->settings, &reading->error)) {
            const struct option *named;
            struct place place = place_of_check(binding, places, &named, reading->error.text);
            /* "key: what is wrong" becomes "[section] prefix.key: what is wrong" */
            struct error found = reading->error;
            int prefix = named ? (int)(key_without_prefix(named) - named->key) : 0;
            error_set(&reading->error, found.code ? found.code : EINVAL, "[%s] %.*s%s",
                      named ? named->section : binding->options->section, prefix, named ? named->key : "", found.text);
            if (place.layer)
                reading->layer = place.layer;
            fail(reading, place.line);
            return -EINVAL;
        }
        for (const struct option *option = binding->options; option->key; option++)
            places++;
    }
    return 0;
}

static void free_places(struct place **places)
{
    free(*places);
    *places = NULL;
}

static int read_layer(struct reading *reading, const struct option_layer *layer, struct error *error)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct text text = layer->text;
    if (text_starts_nocase(text, TEXT("\xef\xbb\xbf"))) {
        text.bytes += sizeof byte_order_mark - 1;
        text.length -= sizeof byte_order_mark - 1;
    }
    *reading = (struct reading){.bindings = reading->bindings, .layer = layer, .rest = text, .places = reading->places};
    int unread = ini_parse_stream(read_line, reading, handle, reading);
    if (unread < 0)
        return error_set(error, ENOMEM, "%s: no memory to read it", layer->name);
    if (unread > 0 && (!reading->failed_line || unread < reading->failed_line))
        fail_line(reading, text, unread);
    return reading->failed_line ? -reading->error.code : 0;
}

int options_read_layers(const struct option_binding *bindings, const struct option_layer *layers, size_t count,
                        struct error *error)
{
    int result = read_presets(bindings, error);
    if (result)
        return result;
    size_t number = 0;
    for (const struct option_binding *binding = bindings; binding->options; binding++)
        for (const struct option *option = binding->options; option->key; option++)
            number++;
    CLEANUP(free_places) struct place *places = calloc(number + 1, sizeof *places);
    if (!places)
        return error_set(error, ENOMEM, "%s: no memory to read it", layers[0].name);
    struct reading reading = {.bindings = bindings, .layer = layers, .places = places};
    for (size_t i = 0; i < count && result == 0; i++)
        result = read_layer(&reading, &layers[i], error);
    if (result == 0)
        result = check_bindings(&reading);
    if (result == 0 || reading.error.code == 0)
        return result;
    if (error)
        *error = reading.error;
    return -reading.error.code;
}

int options_read(const struct option_binding *bindings, struct text text, const char *name, struct error *error)
{
    const struct option_layer layer = {.text = text, .name = name};
    return options_read_layers(bindings, &layer, 1, error);
}

void options_clear(const struct option_binding *bindings)
{
    for (const struct option_binding *binding = bindings; binding->options; binding++)
        for (const struct option *option = binding->options; option->key; option++)
            option_value_clear(option, binding->settings);
}
