/* Options: one table is read, checked and printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/cleanup.h"
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

struct other_settings {
    uint32_t low, high;
};

static const char *const modes[] = {"observe", "enforce", "off", NULL};

static const struct option options[] = {
    FLAG_OPTION("burst", struct settings, enabled, "yes", .text = "Whether it is asked."),
    COUNT_OPTION("burst", struct settings, messages, "200", .least = "1", .most = "1000", .text = "Messages. Many."),
    BYTES_OPTION("burst", struct settings, memory, "64M", .least = "1M", .text = "Memory."),
    DURATION_OPTION("burst", struct settings, window, "10m", .least = "1s", .most = "1d", .text = "Time."),
    POINTS_OPTION("burst", struct settings, most, "12.5", .least = "-20", .most = "100", .text = "Points."),
    RATIO_OPTION("burst", struct settings, share, "0.05", .least = "0", .most = "1", .text = ".nf is no request."),
    CHOICE_OPTION("agent", struct settings, mode, "observe", .choices = modes, .text = "What it does."),
    FIXED_OPTION(OPTION_TEXT, char[OPTION_TEXT_SIZE], "agent", struct settings, path, "/var/lib/postern",
                 .text = "A folder with a \\ in it."),
    ADDRESSES_OPTION("agent", struct settings, local, "", .text = "Ours."),
    NUMBERS_OPTION("agent", struct settings, ports, "25 465 587", .most = "65535", .least = "1", .text = "Ports."),
    WORDS_OPTION("agent", struct settings, interfaces, "eth0 vnet*", .text = "Names."),
    DURATIONS_OPTION("agent", struct settings, spans, "1h 6h 1d 7d", .least = "1m", .text = "Spans."),
    {.key = NULL},
};

static const struct option other_options[] = {
    COUNT_OPTION("range", struct other_settings, low, "1", .text = "The low end."),
    COUNT_OPTION("range", struct other_settings, high, "2", .text = "The high end."),
    {.key = NULL},
};

static bool check_other(const void *settings, struct error *error)
{
    const struct other_settings *other = settings;
    if (other->low <= other->high)
        return true;
    error_set(error, 22, "low: %u is above high; at most %u", other->low, other->high);
    return false;
}

static struct settings settings;
static struct other_settings other;
static const struct option_binding bindings[] = {
    {.options = options, .settings = &settings, .text = "What is counted."},
    {.options = other_options, .settings = &other, .check = check_other},
    {.options = NULL},
};

static int read_text(const char *text, struct error *error)
{
    memset(&settings, 0x55, sizeof settings); /* what stood there before does not matter */
    return options_read(bindings, text_of(text), "a.conf", error);
}

static void accept(const char *text)
{
    struct error error = {0};
    if (read_text(text, &error) != 0)
        fail_msg("%s", error.text);
}

static void assert_printed(bool (*print)(const struct option_binding *, struct buffer *), const char *want)
{
    CLEANUP(buffer_clear) struct buffer buffer;
    buffer_init(&buffer, 100000);
    assert_true(print(bindings, &buffer));
    assert_true(buffer_append_byte(&buffer, '\0'));
    assert_string_equal(buffer.bytes, want);
}

static const char presets[] = "[burst]\nenabled = yes\nmessages = 200\nmemory = 64M\nwindow = 10m\nmost = 12.5\n"
                              "share = 0.05\n\n[agent]\nmode = observe\npath = /var/lib/postern\nlocal =\n"
                              "ports = 25 465 587\ninterfaces = eth0 vnet*\nspans = 1h 6h 1d 7d\n\n"
                              "[range]\nlow = 1\nhigh = 2\n";

static void nothing_gives_the_presets(void **state)
{
    (void)state;
    accept("");
    assert_true(settings.enabled);
    assert_int_equal(settings.messages, 200);
    assert_int_equal(settings.memory, 64 << 20);
    assert_int_equal(settings.window, 10 * MINUTE);
    assert_int_equal(settings.most, 1250);
    assert_int_equal(settings.share, 50000);
    assert_int_equal(settings.mode, 0);
    assert_string_equal(settings.path, "/var/lib/postern");
    assert_int_equal(settings.local.count, 0);
    assert_int_equal(settings.ports.count, 3);
    assert_int_equal(settings.ports.items[2], 587);
    assert_string_equal(settings.interfaces.items[1], "vnet*");
    assert_int_equal(settings.spans.items[3], 7 * DAY);
    assert_printed(options_print_values, presets);
    options_clear(bindings);
}

static void reads_what_a_person_writes(void **state)
{
    (void)state;
    accept("\xef\xbb\xbf# a comment\r\n; another\n\n[burst] ; remark\nenabled=off\nmessages : 1000\n"
           "memory = 1536K ; remark\nwindow = 1h30m\nmost=-0.5\nshare = 0.000001\n"
           "[agent]\nmode = enforce\npath = a path with blanks\nlocal = 2001:db8::/32, 10.0.0.0/8\n"
           "  192.0.2.1 ; remark\n\n  # remark\n\t192.0.2.2\nports = 26\ninterfaces =\nspans = 90s");
    assert_printed(options_print_values,
                   "[burst]\nenabled = no\nmessages = 1000\nmemory = 1536K\nwindow = 1h30m\nmost = -0.5\n"
                   "share = 0.000001\n\n[agent]\nmode = enforce\npath = a path with blanks\n"
                   "local = 10.0.0.0/8 192.0.2.1 192.0.2.2 2001:db8::/32\nports = 26\ninterfaces =\nspans = 1m30s\n\n"
                   "[range]\nlow = 1\nhigh = 2\n");
    options_clear(bindings);
}

static void sections_may_come_in_any_order_and_again(void **state)
{
    (void)state;
    accept("[range]\nhigh = 9\n[burst]\nmessages = 7\n[range]\nlow = 9\n");
    assert_int_equal(other.low, 9);
    assert_int_equal(other.high, 9);
    assert_int_equal(settings.messages, 7);
    options_clear(bindings);
}

static void mistakes_are_said_with_file_line_and_what_is_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *given, *want;
    } rows[] = {
        {"[burst]\nmessages = many", "a.conf:2: [burst] messages: \"many\" cannot be read; allowed is a whole number, "
                                     "from 1 to 1000"},
        {"[burst]\nmessages = 0",
         "a.conf:2: [burst] messages: \"0\" is too small; allowed is a whole number, from 1 to "
         "1000"},
        {"[burst]\nmessages = 1001\n", "a.conf:2: [burst] messages: \"1001\" is too large; allowed is a whole number, "
                                       "from 1 to 1000"},
        {"[burst]\nmessages =\n",
         "a.conf:2: [burst] messages: \"\" cannot be read; allowed is a whole number, from 1 to 1000"},
        {"[burst]\nmemory = 1000K", "a.conf:2: [burst] memory: \"1000K\" is too small; allowed is a size such as 512K, "
                                    "64M or 2G, at least 1M"},
        {"[burst]\nwindow = 10", "a.conf:2: [burst] window: \"10\" cannot be read; allowed is a duration such as 90s, "
                                 "1h30m or 7d, from 1s to 1d"},
        {"[burst]\nmost = 1.234",
         "a.conf:2: [burst] most: \"1.234\" cannot be read; allowed is a number with at most two "
         "decimals, from -20 to 100"},
        {"[burst]\nshare = 1.000001", "a.conf:2: [burst] share: \"1.000001\" is too large; allowed is a number with at "
                                      "most six decimals, from 0 to 1"},
        {"[burst]\nenabled = maybe", "a.conf:2: [burst] enabled: \"maybe\" cannot be read; allowed is yes or no"},
        {"[agent]\nmode = Enforce", "a.conf:2: [agent] mode: \"Enforce\" cannot be read; allowed is one of observe, "
                                    "enforce or off"},
        {"[agent]\nlocal = 10.0.0.0/8 10.0.0.1/8\n",
         "a.conf:2: [agent] local: \"10.0.0.1/8\" is no prefix, or has bits "
         "set behind it; allowed is addresses and prefixes such as "
         "192.0.2.0/24 2001:db8::/32"},
        {"[agent]\nports = 25 70000\n", "a.conf:2: [agent] ports: \"70000\" is too large; allowed is up to 16 whole "
                                        "numbers, each from 1 to 65535"},
        {"[agent]\nports = 1 2 3 4 5 6 7 8\n 9 10 11 12 13 14 15 16\n 17\n",
         "a.conf:4: [agent] ports: \"17\" is one too many; allowed is up to 16 whole numbers, each from 1 to 65535"},
        {"[agent]\nspans = 1h 5s\n",
         "a.conf:2: [agent] spans: \"5s\" is too small; allowed is up to 8 durations such as "
         "90s 1h 7d, each at least 1m"},
        {"[agent]\npath = a\x1b[2J\n",
         "a.conf:2: [agent] path: \"a?[2J\" holds a control character; allowed is text of at "
         "most 255 bytes"},
        {"[agent]\ninterfaces = eth0,;x\n",
         "a.conf:2: [agent] interfaces: \";x\" would begin a comment; allowed is up to "
         "32 words of at most 63 bytes"},
        /* Names. */
        {"[burst]\nmesages = 5", "a.conf:2: [burst] mesages: no such key; the nearest is \"messages\""},
        {"[range]\nmessages = 5", "a.conf:2: [range] messages: no such key; the nearest is \"messages\" in [burst]"},
        {"[brust]\n", "a.conf:1: [brust]: no such section; the nearest is [burst]"},
        {"\n\nmessages = 5",
         "a.conf:3: [] messages: stands before any section; the nearest is \"messages\" in [burst]"},
        {"[burst]\n= 5", "a.conf:2: [burst] : no such key; the nearest is \"most\""},
        {"[burst]\nmessages = 5\n[agent]\n[burst]\nmessages = 5\n",
         "a.conf:5: [burst] messages: given a second time; once is allowed, and line 2 has it"},
        /* Lines. */
        {"[burst]\nmessages 5\n", "a.conf:2: \"messages 5\" is no section, key or comment; allowed are \"[section]\", "
                                  "\"key = value\" and \"# comment\""},
        {"\nrubbish\n[brust]\n", "a.conf:2: \"rubbish\" is no section, key or comment; allowed are \"[section]\", "
                                 "\"key = value\" and \"# comment\""}, /* the first of two */
        {"[burst\n", "a.conf:1: a section without its end; \"[section]\""},
        {"[burst] messages = 5\n", "a.conf:1: something stands behind the section's name; \"[section]\" alone"},
        {"[burst]\nmessages = 5\n  window = 5m\n", "a.conf:3: [burst] messages: an indented line goes on with it, but "
                                                   "it takes one value; keys begin at the line's "
                                                   "start"},
        {"[burst]\n  messages = 5\n",
         "a.conf:2: the line is indented but no list stands above it; sections and keys begin "
         "at the line's start"},
        {"[agent]\nlocal = 10.0.0.1\n[burst]\n 10.0.0.2\n",
         "a.conf:4: the line is indented but no list stands above it; sections and keys begin at the line's start"},
        /* What does not go together points at the key that is named, or else at the last one given. */
        {"[range]\nlow = 5\nhigh = 4\n", "a.conf:2: [range] low: 5 is above high; at most 4"},
        {"[range]\nhigh = 0\n", "a.conf:2: [range] low: 1 is above high; at most 0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {0};
        int result = read_text(rows[i].given, &error);
        if (result != -error.code || result >= 0 || strcmp(error.text, rows[i].want) != 0)
            fail_msg("given:\n%s\ngot:  %s\nwant: %s", rows[i].given, error.text, rows[i].want);
        options_clear(bindings);
    }
    assert_int_equal(read_text("[brust]", NULL), -22); /* and nobody need listen */
    options_clear(bindings);
}

static void lines_that_are_too_long_or_hold_zero_bytes_are_refused(void **state)
{
    (void)state;
    char text[600];
    struct error error = {0};
    int length = snprintf(text, sizeof text, "[agent]\npath = %0300d\n", 1);
    assert_int_equal(options_read(bindings, (struct text){text, (size_t)length}, "a.conf", &error), -22);
    assert_int_equal(strncmp(error.text, "a.conf:2: the line has 307 bytes; allowed are ", 46), 0);
    options_clear(bindings);
    assert_int_equal(options_read(bindings, TEXT("[agent]\npath = a\0b\n"), "a.conf", &error), -22);
    assert_string_equal(error.text, "a.conf:2: the line holds a zero byte; allowed is text");
    options_clear(bindings);
    for (int size = 150; size < 220; size++) { /* around the bound: read whole or refused, never cut */
        length = snprintf(text, sizeof text, "[agent]\npath = %0*d\n", size - 7, 1);
        if (options_read(bindings, (struct text){text, (size_t)length}, "a.conf", &error) == 0)
            assert_int_equal(strlen(settings.path), size - 7);
        options_clear(bindings);
    }
}

struct places {
    struct option_urls urls;
};

static void a_url_may_be_longer_than_a_line_of_the_library(void **state)
{
    (void)state;
    static struct places places;
    const struct option table[] = {FIXED_OPTION(OPTION_URLS, struct option_urls, "agent", struct places, urls, ""),
                                   {.key = NULL}};
    const struct option_binding own[] = {{.options = table, .settings = &places}, {.options = NULL}};
    char text[9000];
    struct error error = {0};
    int length =
        snprintf(text, sizeof text, "[agent]\nurls = https://a.example/%01970d ; one\n  https://b/%0300d\n", 1, 2);
    assert_int_equal(options_read(own, (struct text){text, (size_t)length}, "a.conf", &error), 0);
    assert_int_equal(places.urls.count, 2);
    assert_int_equal(strlen(places.urls.items[0]), 1970 + 18);
    assert_int_equal(strlen(places.urls.items[1]), 300 + 10);
    CLEANUP(buffer_clear) struct buffer printed; /* and it goes through print and read once more */
    buffer_init(&printed, 10000);
    assert_true(options_print_values(own, &printed));
    char first[OPTION_URL_SIZE];
    strcpy(first, places.urls.items[0]);
    assert_int_equal(options_read(own, buffer_text(&printed), "again", &error), 0);
    assert_int_equal(places.urls.count, 2);
    assert_string_equal(places.urls.items[0], first);
    length = snprintf(text, sizeof text, "[agent]\nurls = https://a.example/%02040d\n", 1);
    assert_int_equal(options_read(own, (struct text){text, (size_t)length}, "a.conf", &error), -22);
    length = snprintf(text, sizeof text, "[agent]\nurls = https://a.example/%05000d\n", 1);
    assert_int_equal(options_read(own, (struct text){text, (size_t)length}, "a.conf", &error), -22);
    options_clear(own);
}

static void the_example_file_is_the_presets(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer example;
    buffer_init(&example, 100000);
    assert_true(options_print_example(bindings, &example));
    struct error error = {0};
    assert_int_equal(options_read(bindings, buffer_text(&example), "example", &error), 0);
    assert_printed(options_print_values, presets);
    options_clear(bindings);
    /* With every key uncommented as well. */
    CLEANUP(buffer_clear) struct buffer keys;
    buffer_init(&keys, 100000);
    struct text rest = buffer_text(&example);
    int number = 0;
    while (rest.length > 0) {
        struct text line = text_split(&rest, '\n');
        assert_true(line.length <= 120);
        if (line.length > 1 && line.bytes[0] == '#' && line.bytes[1] != ' ') {
            line.bytes++;
            line.length--;
            number++;
        }
        assert_true(buffer_append(&keys, line) && buffer_append_byte(&keys, '\n'));
    }
    assert_int_equal(number, 14);
    assert_int_equal(options_read(bindings, buffer_text(&keys), "example", &error), 0);
    assert_printed(options_print_values, presets);
    options_clear(bindings);
}

static void values_in_force_read_back(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer text, once, again;
    buffer_init(&text, 100000);
    buffer_init(&once, 100000);
    buffer_init(&again, 100000);
    assert_true(buffer_append(&text, TEXT("[agent]\nlocal =\n")));
    for (int i = 0; i < 60; i++) /* far more than fits a line */
        assert_true(buffer_printf(&text, "  2001:db8:%d::/48 10.%d.0.0/16\n", i * 3, i * 2));
    assert_int_equal(options_read(bindings, buffer_text(&text), "a", NULL), 0);
    assert_int_equal(settings.local.count, 120);
    assert_true(options_print_values(bindings, &once));
    options_clear(bindings);
    struct error error = {0};
    if (options_read(bindings, buffer_text(&once), "b", &error) != 0)
        fail_msg("%s", error.text);
    assert_true(options_print_values(bindings, &again));
    assert_true(text_equals(buffer_text(&once), buffer_text(&again)));
    options_clear(bindings);
}

static void the_manual_is_mdoc(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer manual;
    buffer_init(&manual, 100000);
    assert_true(options_print_manual(bindings, &manual) && buffer_append_byte(&manual, '\0'));
    static const char *const want[] = {
        ".Ss Section burst\nWhat is counted.\n.Bl -tag -width Ds\n.It Ic enabled No = Ar flag\n",
        "Ar flag\nWhether it is asked.\nAllowed: yes or no.\nPreset: yes.\n.It Ic messages",
        "Messages.\nMany.\nAllowed: a whole number, from 1 to 1000.\nPreset: 200.\n", /* a sentence a line */
        "\n\\&.nf is no request.\n",
        "A folder with a \\e in it.\n",
        "Preset: /var/lib/postern.\nTakes effect on restart.\n",
        "Preset: nothing.\n",
        ".El\n.Ss Section agent\n",
    };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        if (!strstr(manual.bytes, want[i]))
            fail_msg("%s\nis not in\n%s", want[i], manual.bytes);
    assert_string_equal(manual.bytes + manual.length - 5, ".El\n");
}

static void printing_says_where_there_is_no_room(void **state)
{
    (void)state;
    accept("[agent]\nlocal = 10.0.0.0/8 ::1\n");
    for (size_t most = 0; most < 400; most++) {
        CLEANUP(buffer_clear) struct buffer buffer;
        buffer_init(&buffer, most);
        assert_false(options_print_example(bindings, &buffer));
        buffer_clear(&buffer);
        assert_false(options_print_manual(bindings, &buffer));
        buffer_clear(&buffer);
        bool fits = most >= sizeof presets - 1 + 15;
        assert_int_equal(options_print_values(bindings, &buffer), fits);
    }
    options_clear(bindings);
}

/* Of two files read one after the other: `path` takes effect on restart alone, the rest at once. */
static void what_needs_a_restart_is_kept_at_a_reload(void **state)
{
    (void)state;
    struct settings before = {0}, next = {0};
    const struct option_binding in_force[] = {{.options = options, .settings = &before}, {.options = NULL}};
    const struct option_binding binding[] = {{.options = options, .settings = &next}, {.options = NULL}};
    struct error error = {0};
    char names[100];
    assert_int_equal(options_read(in_force, TEXT("[agent]\npath = /a\n[burst]\nmessages = 5\n"), "a", &error), 0);
    assert_int_equal(options_read(binding, TEXT("[agent]\npath = /b\n[burst]\nmessages = 6\n"), "b", &error), 0);
    assert_int_equal(options_keep(binding, in_force, names, sizeof names, &error), 0);
    assert_string_equal(names, "[agent] path");
    assert_string_equal(next.path, "/a");
    assert_int_equal(next.messages, 6);
    assert_int_equal(options_keep(binding, in_force, names, sizeof names, &error), 0);
    assert_string_equal(names, "");
    options_clear(binding);
    options_clear(in_force);
}

/* --- settings from afar --- */

static const struct option shared_options[] = {
    COUNT_OPTION("range", struct other_settings, low, "1", .text = "The low end."),
    COUNT_OPTION("range", struct other_settings, high, "2", .text = "The high end."),
    {.key = NULL},
};
static const struct option guarded_options[] = {
    COUNT_OPTION("burst", struct settings, messages, "200", .text = "Messages."),
    ADDRESSES_OPTION("burst", struct settings, local, "10.0.0.1", .text = "Ours."),
    TEXT_OPTION("burst", struct settings, path, "/a", .text = "A file.", .local = true),
    {.key = NULL},
};
static const struct option_binding central_bindings[] = {
    {.options = options, .settings = &settings}, /* this machine's alone */
    {.options = shared_options, .settings = &other, .check = check_other, .central = true},
    {.options = NULL},
};
static const struct option_binding guarded_bindings[] = {
    {.options = guarded_options, .settings = &settings, .central = true},
    {.options = NULL},
};

static int read_both(const struct option_binding *binding, const char *central, const char *own, struct error *error)
{
    memset(&settings, 0x55, sizeof settings);
    memset(&other, 0x55, sizeof other);
    const struct option_layer layers[] = {{text_of(central), "the collector", true}, {text_of(own), "a.conf", false}};
    return options_read_layers(binding, layers, 2, error);
}

static void a_later_text_stands_over_an_earlier_one_option_by_option(void **state)
{
    (void)state;
    struct error error = {0};
    assert_int_equal(read_both(central_bindings, "[range]\nlow = 5\nhigh = 9\n", "[range]\nlow = 7\n", &error), 0);
    assert_int_equal(other.low, 7);
    assert_int_equal(other.high, 9);
    options_clear(central_bindings);
    assert_int_equal(read_both(guarded_bindings, "[burst]\nlocal = 10.0.0.2\n 10.0.0.3\nmessages = 3\n",
                               "[burst]\nlocal = 10.0.0.4\n", &error),
                     0);
    assert_int_equal(settings.local.count, 1); /* a list is one value: it is not added to */
    assert_int_equal(settings.messages, 3);
    options_clear(guarded_bindings);
}

static void a_collector_may_set_only_what_is_marked(void **state)
{
    (void)state;
    static const struct {
        const struct option_binding *bindings;
        const char *central, *own, *sentence;
    } rows[] = {
        {central_bindings, "[range]\nlow = 1\n[agent]\nmode = enforce\n", "",
         "the collector:4: [agent] mode: a collector may not set it; it is for the node's own configuration"},
        {guarded_bindings, "[burst]\npath = /etc/shadow\n", "",
         "the collector:2: [burst] path: a collector may not set it; it is for the node's own configuration"},
        {guarded_bindings, "[burst]\nmessages = 3\nmessages = 4\n", "",
         "the collector:3: [burst] messages: given a second time; once is allowed, and line 2 has it"},
        {guarded_bindings, "[burst]\nmessages = 3\n", "\n[burst]\nmessages = no\n",
         "a.conf:3: [burst] messages: \"no\" cannot be read; allowed is a whole number"},
        {central_bindings, "\n[range]\nlow = 8\n", "[range]\nhigh = 7\n",
         "the collector:3: [range] low: 8 is above high; at most 7"},
        {central_bindings, "[range]\nhigh = 4\n", "[range]\nlow = 6\n",
         "a.conf:2: [range] low: 6 is above high; at most 4"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {0};
        assert_int_equal(read_both(rows[i].bindings, rows[i].central, rows[i].own, &error), -22);
        assert_string_equal(error.text, rows[i].sentence);
        options_clear(rows[i].bindings);
    }
}

static void what_a_collector_may_set_is_printed_so(void **state)
{
    (void)state;
    struct buffer out CLEANUP(buffer_clear);
    buffer_init(&out, 65536);
    assert_true(options_print_example(guarded_bindings, &out) && buffer_append_byte(&out, '\0'));
    assert_non_null(strstr(out.bytes, "[burst]\n# A collector may set what stands here.\n"));
    assert_non_null(strstr(out.bytes, "# A file.\n# Allowed: text of at most 255 bytes. Not by a collector.\n"));
    out.length = 0;
    assert_true(options_print_manual(guarded_bindings, &out) && buffer_append_byte(&out, '\0'));
    assert_non_null(strstr(out.bytes, ".Ss Section burst\nA collector may set what stands here.\n"));
    assert_non_null(strstr(out.bytes, "Preset: /a.\nNot by a collector.\n"));
    out.length = 0;
    assert_true(options_print_manual(central_bindings, &out) && buffer_append_byte(&out, '\0'));
    assert_null(strstr(out.bytes, "Not by a collector"));
    assert_non_null(strstr(out.bytes, ".Ss Section range\nA collector may set what stands here.\n"));
}

static void a_preset_that_cannot_be_read_is_our_own_mistake(void **state)
{
    (void)state;
    static const struct option wrong[] = {
        ADDRESSES_OPTION("a", struct settings, local, "10.0.0.1"),
        COUNT_OPTION("a", struct settings, messages, "5", .most = "4"),
        {.key = NULL},
    };
    const struct option_binding binding[] = {{.options = wrong, .settings = &settings}, {.options = NULL}};
    struct error error = {0};
    assert_int_equal(options_read(binding, TEXT(""), "a.conf", &error), -22);
    assert_string_equal(error.text, "preset of [a] messages: \"5\" is too large; allowed is a whole number, at most 4");
    options_clear(binding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_gives_the_presets),
        cmocka_unit_test(reads_what_a_person_writes),
        cmocka_unit_test(sections_may_come_in_any_order_and_again),
        cmocka_unit_test(mistakes_are_said_with_file_line_and_what_is_allowed),
        cmocka_unit_test(a_url_may_be_longer_than_a_line_of_the_library),
        cmocka_unit_test(lines_that_are_too_long_or_hold_zero_bytes_are_refused),
        cmocka_unit_test(the_example_file_is_the_presets),
        cmocka_unit_test(values_in_force_read_back),
        cmocka_unit_test(the_manual_is_mdoc),
        cmocka_unit_test(printing_says_where_there_is_no_room),
        cmocka_unit_test(what_needs_a_restart_is_kept_at_a_reload),
        cmocka_unit_test(a_later_text_stands_over_an_earlier_one_option_by_option),
        cmocka_unit_test(a_collector_may_set_only_what_is_marked),
        cmocka_unit_test(what_a_collector_may_set_is_printed_so),
        cmocka_unit_test(a_preset_that_cannot_be_read_is_our_own_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
