/* Options declared once: from one table come parsing, checking, the example file, the manual page and --help.
 *
 * A module declares a `static const struct option[]` ended by an entry whose key is NULL, over a struct of settings.
 * Owners of several modules bind each table to its settings and hand the bindings to options_read(). Text in the form
 * of inih's INI: "[section]", "key = value", "#" or ";" comments. */
#ifndef COMMON_OPTION_H
#define COMMON_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/address.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/moment.h"

enum option_type {
    OPTION_FLAG,      /* bool: yes, no */
    OPTION_COUNT,     /* uint32_t */
    OPTION_BYTES,     /* uint64_t: "64M" */
    OPTION_DURATION,  /* duration */
    OPTION_POINTS,    /* int32_t, hundredths of a deciban: "12.5" */
    OPTION_RATIO,     /* int32_t, millionths: "0.05" */
    OPTION_CHOICE,    /* int: index into choices */
    OPTION_TEXT,      /* char[OPTION_TEXT_SIZE] */
    OPTION_ADDRESSES, /* struct address_list: "192.0.2.0/24 2001:db8::/32" */
    OPTION_NUMBERS,   /* struct option_numbers: "25 465 587" */
    OPTION_WORDS,     /* struct option_words: "eth0 vnet*" */
    OPTION_DURATIONS, /* struct option_durations: "1h 6h 24h 7d" */
    OPTION_URLS,      /* struct option_urls: words that may be long */
    OPTION_TYPES
};

#define OPTION_TEXT_SIZE 256
struct option_numbers {
    uint32_t items[16];
    uint32_t count;
};
struct option_words {
    char items[32][64];
    uint32_t count;
};
#define OPTION_URL_SIZE 2048
struct option_urls {
    char items[8][OPTION_URL_SIZE];
    uint32_t count;
};
struct option_durations {
    duration items[8];
    uint32_t count;
};

struct option {
    const char *section, *key;
    enum option_type type;
    size_t offset;                     /* into the module's settings; the macros check the member's type */
    const char *preset, *least, *most; /* as a person writes them, through the same parser */
    const char *const *choices;        /* OPTION_CHOICE: ended by NULL */
    bool reload;                       /* takes effect on SIGHUP; else on restart */
    bool local;                        /* this machine's alone, where a collector may set the binding's others */
    const char *text;                  /* the sentence for example file, manual page and error message */
};

#define OPTION_OFFSET(type, settings, member)                                                                          \
    (offsetof(settings, member) + 0 * sizeof(char[_Generic(&((settings *)0)->member, __typeof__(type) * : 1)]))
#define FLAG_OPTION(section_, settings, member, preset_, ...)                                                          \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = OPTION_FLAG, .offset = OPTION_OFFSET(bool, settings, member),     \
        .preset = preset_, .reload = true, __VA_ARGS__                                                                 \
    }
#define COUNT_OPTION(section_, settings, member, preset_, ...)                                                         \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = OPTION_COUNT,                                                     \
        .offset = OPTION_OFFSET(uint32_t, settings, member), .preset = preset_, .reload = true, __VA_ARGS__            \
    }
#define BYTES_OPTION(section_, settings, member, preset_, ...)                                                         \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = OPTION_BYTES,                                                     \
        .offset = OPTION_OFFSET(uint64_t, settings, member), .preset = preset_, .reload = true, __VA_ARGS__            \
    }
#define DURATION_OPTION(section_, settings, member, preset_, ...)                                                      \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = OPTION_DURATION,                                                  \
        .offset = OPTION_OFFSET(duration, settings, member), .preset = preset_, .reload = true, __VA_ARGS__            \
    }
#define POINTS_OPTION(section_, settings, member, preset_, ...)                                                        \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = OPTION_POINTS,                                                    \
        .offset = OPTION_OFFSET(int32_t, settings, member), .preset = preset_, .reload = true, __VA_ARGS__             \
    }
#define RATIO_OPTION(section_, settings, member, preset_, ...)                                                         \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = OPTION_RATIO, .offset = OPTION_OFFSET(int32_t, settings, member), \
        .preset = preset_, .reload = true, __VA_ARGS__                                                                 \
    }
#define CHOICE_OPTION(section_, settings, member, preset_, ...)                                                        \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = OPTION_CHOICE, .offset = OPTION_OFFSET(int, settings, member),    \
        .preset = preset_, .reload = true, __VA_ARGS__                                                                 \
    }
#define TEXT_OPTION(section_, settings, member, preset_, ...)                                                          \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = OPTION_TEXT,                                                      \
        .offset = OPTION_OFFSET(char[OPTION_TEXT_SIZE], settings, member), .preset = preset_, .reload = true,          \
        __VA_ARGS__                                                                                                    \
    }
#define ADDRESSES_OPTION(section_, settings, member, preset_, ...)                                                     \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = OPTION_ADDRESSES,                                                 \
        .offset = OPTION_OFFSET(struct address_list, settings, member), .preset = preset_, .reload = true, __VA_ARGS__ \
    }
#define NUMBERS_OPTION(section_, settings, member, preset_, ...)                                                       \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = OPTION_NUMBERS,                                                   \
        .offset = OPTION_OFFSET(struct option_numbers, settings, member), .preset = preset_, .reload = true,           \
        __VA_ARGS__                                                                                                    \
    }
#define WORDS_OPTION(section_, settings, member, preset_, ...)                                                         \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = OPTION_WORDS,                                                     \
        .offset = OPTION_OFFSET(struct option_words, settings, member), .preset = preset_, .reload = true, __VA_ARGS__ \
    }
#define DURATIONS_OPTION(section_, settings, member, preset_, ...)                                                     \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = OPTION_DURATIONS,                                                 \
        .offset = OPTION_OFFSET(struct option_durations, settings, member), .preset = preset_, .reload = true,         \
        __VA_ARGS__                                                                                                    \
    }

/* An option of any type that takes effect on restart alone:
 * FIXED_OPTION(OPTION_COUNT, uint32_t, "capture", struct settings, streams, "200000", .text = "...") */
#define FIXED_OPTION(type_, c_type, section_, settings, member, preset_, ...)                                          \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = type_, .offset = OPTION_OFFSET(c_type, settings, member),         \
        .preset = preset_, .reload = false, __VA_ARGS__                                                                \
    }

/* One module's table and the settings it fills. `check` (may be NULL) holds options against each other and says what
 * is wrong in the error's text as "key: what is wrong; what is allowed". */
struct option_binding {
    const struct option *options;
    void *settings;
    bool (*check)(const void *settings, struct error *);
    const char *text; /* a paragraph on the section for example and manual; may be NULL */
    bool central;     /* a collector may set its options, but for those that are `local` */
};

/* Fill all settings with their presets, then with what `text` (named `name` in errors) says. On failure the error reads
 * "NAME:LINE: [section] key: what is wrong; what is allowed" and the settings must not be used but can be cleared. An
 * unknown section or key is refused with the nearest known one. `text` of length 0: presets alone. A key given twice is
 * refused. `bindings` ends with an entry whose options are NULL. Earlier contents of the settings are overwritten, not
 * freed. */
int options_read(const struct option_binding *bindings, struct text text, const char *name, struct error *) MUST_CHECK;
void options_clear(const struct option_binding *bindings); /* frees the lists inside the settings */

/* One of several texts that settings are read from. */
struct option_layer {
    struct text text;
    const char *name; /* in errors */
    bool central;     /* a collector wrote it: what that may not set is refused */
};
/* The same from several texts: what a later one says of an option stands over what an earlier one does. Whether options
 * go together is asked once, of the whole. */
int options_read_layers(const struct option_binding *bindings, const struct option_layer *layers, size_t count,
                        struct error *) MUST_CHECK;

/* The next section that `rest` begins, whatever its name; `rest` and `line` (0 at the beginning) are moved on to it.
 * For who must know the names before there is a table. */
bool options_next_section(struct text *rest, struct text *name, int *line);
/* `add` is called with the NAME of each section "[PREFIX NAME]", as often as it stands there, until it returns less
 * than 0, which is returned; its error is told with source and line. */
int options_named(struct text configuration, const char *source, const char *prefix,
                  int (*add)(void *context, struct text name, struct error *), void *context,
                  struct error *) MUST_CHECK;
/* -EINVAL: it is no name (`whose`, for people: "filter") of fewer bytes than `size` made of letters, digits, "-", "_"
 * and ".", or it is `taken`. */
int options_check_name(const char *whose, struct text name, size_t size, const char *taken, struct error *) MUST_CHECK;
/* A table with its end, for a section of its own; `copy` has room for all, and borrows `section`. */
void options_copy(const struct option *table, const char *section, struct option *copy);

/* Whether the text has the form of settings (lines of sections, keys and comments), without knowing what may stand in
 * them. The error reads "NAME:LINE: what is wrong". */
int options_check_form(struct text, const char *name, struct error *) MUST_CHECK;

/* For a reload: give each option that takes effect on restart alone the value that it has in `in_force`, which are the
 * same tables bound to other settings. Those that differed are named in `names`, "[section] key, ...", as many as fit.
 */
int options_keep(const struct option_binding *, const struct option_binding *in_force, char *names, size_t size,
                 struct error *) MUST_CHECK;

/* The example file: every option commented out with its preset, under its sentence. */
bool options_print_example(const struct option_binding *, struct buffer *) MUST_CHECK;
/* The OPTIONS part of a manual page in mdoc. */
bool options_print_manual(const struct option_binding *, struct buffer *) MUST_CHECK;
/* Every value in force, as a person would write it. */
bool options_print_values(const struct option_binding *, struct buffer *) MUST_CHECK;

#endif
