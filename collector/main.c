/* postern-collector: the centre's daemon and what an administrator does to its store. The table of commands is also the
 * help text. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "collector/api/secret.h"
#include "collector/run.h"
#include "collector/settings.h"
#include "collector/store/store.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define WRONG_USAGE 2
#define TEXT_MOST   ((size_t)1024 * 1024)

struct arguments {
    const char *config, *name, *length, *may;
    const char *word; /* what is no option */
};

static int complain(const char *sentence)
{
    fprintf(stderr, "postern-collector: %s\n", sentence);
    return 1;
}

static int run(const struct arguments *arguments, const struct collector_settings *settings)
{
    (void)arguments;
    return collector_run(settings);
}

static int check(const struct arguments *arguments, const struct collector_settings *settings)
{
    char store[2 * OPTION_TEXT_SIZE];
    (void)arguments;
    collector_settings_store(settings, store);
    printf("good: listens on %s%s, keeps its store in %s\n", settings->listen,
           settings->certificate[0] ? " with TLS" : "", store);
    return 0;
}

/* One piece of work on the store, also while the collector runs. */
static int with_store(const struct collector_settings *settings, struct store **store, struct error *error)
{
    char where[2 * OPTION_TEXT_SIZE];
    collector_settings_store(settings, where);
    if (!settings->store[0] && mkdir(settings->state, 0700) != 0 && errno != EEXIST)
        return error_set(error, errno, "cannot make %s: %s", settings->state, strerror(errno));
    int code = store_open(where, store, error);
    return code < 0 ? code : store_begin(*store, error);
}

static int token(const struct arguments *arguments, const struct collector_settings *settings)
{
    CLEANUP(store_close) struct store *store = NULL;
    struct error error = {0};
    duration length = HOUR;
    char word[SECRET_WORD + 1], hash[STORE_HASH];
    if (arguments->length && (!duration_parse(text_of(arguments->length), &length) || length <= 0)) {
        fprintf(stderr, "postern-collector: --for '%s' is not understood; 30m, 12h and 7d are\n", arguments->length);
        return WRONG_USAGE;
    }
    secret_make(word, hash);
    int code = with_store(settings, &store, &error);
    if (code == 0)
        code = store_token_add(store, hash, arguments->name ? arguments->name : "", clock_now() + length, &error);
    if (code == 0)
        code = store_commit(store, &error);
    if (code < 0)
        return complain(error.text);
    printf("token.%s\n", word);
    return 0;
}

static bool read_may(const char *words, unsigned *result)
{
    static const struct {
        const char *word;
        unsigned may;
    } rights[] = {{"read", STORE_MAY_READ}, {"order", STORE_MAY_ORDER}, {"admin", STORE_MAY_ADMIN}};
    struct text rest = text_of(words);
    *result = 0;
    while (rest.length > 0) {
        struct text word = text_split(&rest, ',');
        unsigned before = *result;
        for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++)
            if (text_equals(word, text_of(rights[i].word)))
                *result |= rights[i].may;
        if (*result == before)
            return false;
    }
    return *result != 0;
}

static int person(const struct arguments *arguments, const struct collector_settings *settings)
{
    CLEANUP(store_close) struct store *store = NULL;
    struct error error = {0};
    struct store_person row;
    unsigned may;
    char word[SECRET_WORD + 1], hash[STORE_HASH], id[SECRET_ID];
    if (!arguments->word || strlen(arguments->word) >= STORE_NAME) {
        fprintf(stderr, "postern-collector person: whose name? up to %d bytes\n", STORE_NAME - 1);
        return WRONG_USAGE;
    }
    if (!read_may(arguments->may ? arguments->may : "read", &may)) {
        fprintf(stderr,
                "postern-collector person: --may '%s' is not understood; of read, order and admin, with commas\n",
                arguments->may);
        return WRONG_USAGE;
    }
    secret_make(word, hash);
    int code = with_store(settings, &store, &error);
    if (code == 0)
        code = store_person_add(store, hash, arguments->word, may, clock_now(), &row, &error);
    if (code == 0)
        code = store_commit(store, &error);
    if (code < 0)
        return complain(error.text);
    printf("person.%s.%s\n", secret_print_id(row.id, id), word);
    return 0;
}

static int print_example(const struct arguments *arguments, const struct collector_settings *settings)
{
    struct collector_settings copy = *settings;
    const struct option_binding bindings[] = {collector_settings_bind(&copy), {.options = NULL}};
    CLEANUP(buffer_clear) struct buffer out;
    (void)arguments;
    buffer_init(&out, TEXT_MOST);
    bool fine = options_print_example(bindings, &out) && fwrite(out.bytes, 1, out.length, stdout) == out.length;
    return fine && fflush(stdout) == 0 ? 0 : complain("cannot write the example");
}

static const struct command {
    const char *name, *arguments, *text;
    int (*run)(const struct arguments *, const struct collector_settings *);
} commands[] = {
    {"run", "", "Take what nodes deliver and tell them what to do, in the foreground.", run},
    {"check", "", "Say whether the configuration is good.", check},
    {"token", "[--name NODE] [--for DURATION]", "Print a token with which one node may enrol, for an hour.", token},
    {"person", "NAME [--may read,order,admin]", "Print a new person's secret; it is shown this once.", person},
    {"print-example", "", "Print the example of a configuration.", print_example},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static void print_help(FILE *stream)
{
    fprintf(stream, "usage: postern-collector COMMAND [--config FILE] ...\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(stream, "  %s%s%s\n      %s\n", commands[i].name, commands[i].arguments[0] ? " " : "",
                commands[i].arguments, commands[i].text);
    fprintf(stream, "\n  --config FILE  Read this file instead of POSTERN_CONFIG or " SETTINGS_CONFIG ".\n");
}

/* False: it has said what is wrong. */
static bool read_arguments(int count, char **words, struct arguments *result)
{
    const struct {
        const char *name;
        const char **value;
    } options[] = {
        {"--config", &result->config}, {"--name", &result->name}, {"--for", &result->length}, {"--may", &result->may}};
    for (int i = 0; i < count; i++) {
        size_t option = 0;
        while (option < sizeof options / sizeof options[0] && strcmp(options[option].name, words[i]) != 0)
            option++;
        if (option < sizeof options / sizeof options[0] && i + 1 < count) {
            *options[option].value = words[++i];
        } else if (words[i][0] != '-' && !result->word) {
            result->word = words[i];
        } else {
            fprintf(stderr, "postern-collector: '%s' is not understood; `postern-collector --help` lists what is\n",
                    words[i]);
            return false;
        }
    }
    return true;
}

int main(int count, char **words)
{
    struct arguments arguments = {0};
    struct collector_settings settings = {0};
    struct error error = {0};
    if (count < 2 || strcmp(words[1], "--help") == 0) {
        print_help(count < 2 ? stderr : stdout);
        return count < 2 ? WRONG_USAGE : 0;
    }
    if (strcmp(words[1], "--version") == 0) {
        printf("postern-collector %s\n", POSTERN_VERSION);
        return 0;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, words[1]) != 0)
            continue;
        if (count > 2 && strcmp(words[2], "--help") == 0) {
            printf("usage: postern-collector %s %s\n%s\n", commands[i].name, commands[i].arguments, commands[i].text);
            return 0;
        }
        if (!read_arguments(count - 2, words + 2, &arguments))
            return WRONG_USAGE;
        if (sodium_init() < 0)
            return complain("cannot draw random bytes");
        if (collector_settings_read(arguments.config, &settings, &error) < 0) {
            fprintf(stderr, "%s\n", error.text);
            return WRONG_USAGE;
        }
        return commands[i].run(&arguments, &settings);
    }
    fprintf(stderr, "postern-collector: no command '%s'; `postern-collector --help` lists them\n", words[1]);
    return WRONG_USAGE;
}
