/* postern-collector: the centre's daemon and what is done to its store from a shell, told apart by the first word. The
 * tables of commands and options are also the help text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/blacklists.h"
#include "collector/manage.h"
#include "collector/quarantine/packing.h"
#include "collector/print.h"
#include "collector/run.h"
#include "collector/store/engine.h"
#include "collector/store/store.h"

#define WRONG_USAGE 2

struct arguments {
    const char *config, *name, *lasts, *may;
    struct blacklists_wish blacklists; /* its names are the other words, of every command */
};

struct command {
    const char *name, *arguments, *text;
    const char *allowed; /* letters of its options */
    size_t rest;         /* how many words more it takes */
    int (*run)(const struct arguments *);
};

static const struct option_help {
    const char *name, *value, *text;
    char letter;
} helps[] = {
    {"help", NULL, "Say what there is.", 'h'},
    {"version", NULL, "Say which version this is.", 'V'},
    {"config", "FILE", "Read this file instead of POSTERN_CONFIG or /etc/postern/collector.conf.", 'c'},
    {"name", "NAME", "What the node will be called, whatever it calls itself.", 'n'},
    {"for", "TIME", "How long the token is good: 1h, 30m; else one hour.", 'f'},
    {"may", "RIGHT,...", "Of read, order, admin, content; else read.", 'm'},
    {"resolver", "ADDRESS", "Ask this name server, not those of /etc/resolv.conf; up to eight.", 'r'},
    {"zones", "FILE", "Read lists from this file, not from builtin:; several add up.", 'z'},
    {"list", "NAME", "Ask this list, or those that fit the pattern, and no others; several add up.", 'l'},
    {"key", "NAME=FILE", "The key for lists that need one of this name is in the file.", 'k'},
    {"json", NULL, "Print a JSON object a line, for programs.", 'j'},
};
#define HELPS (sizeof helps / sizeof helps[0])

static int refuse(const char *what, const char *which)
{
    fprintf(stderr, "postern-collector: %s%s%s; `postern-collector --help` says what is allowed\n", what,
            which[0] ? ": " : "", which);
    return WRONG_USAGE;
}

/* 0, or the exit status. */
static int read_settings(const struct arguments *arguments, struct collector_settings *settings)
{
    struct error error = {0};
    if (collector_settings_read(arguments->config, settings, &error) == 0)
        return 0;
    fprintf(stderr, "%s\n", error.text); /* FILE:LINE: first, as compilers do */
    return WRONG_USAGE;
}

static int run(const struct arguments *arguments)
{
    struct collector_settings settings = {0};
    int status = read_settings(arguments, &settings);
    if (status == 0)
        status = collector_run(&settings);
    collector_settings_clear(&settings);
    return status;
}

static int check(const struct arguments *arguments)
{
    struct collector_settings settings = {0};
    char store[2 * OPTION_TEXT_SIZE], place[ENGINE_WHERE];
    struct packing_keys *keys = NULL;
    struct letters *letters = NULL;
    struct error error = {0};
    int status = read_settings(arguments, &settings);
    collector_settings_store(&settings, store);
    engine_describe(store, place);
    if (status == 0 && settings.quarantine.key[0] && packing_keys_read(settings.quarantine.key, &keys, &error) < 0) {
        fprintf(stderr, "[quarantine] key: %s\n", error.text);
        status = WRONG_USAGE;
    }
    packing_keys_destroy(&keys);
    if (status == 0 && letters_create(&settings.letters, &settings.mail, NULL, &letters, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        status = WRONG_USAGE;
    }
    letters_destroy(&letters);
    if (status == 0)
        printf("good: listens on %s%s, keeps its store in %s\n", settings.listen,
               settings.certificate[0] ? " with TLS" : "", place);
    collector_settings_clear(&settings);
    return status;
}

static int token(const struct arguments *arguments)
{
    struct collector_settings settings = {0};
    duration lasts = HOUR;
    if (arguments->lasts && !duration_parse(text_of(arguments->lasts), &lasts))
        return refuse("this is no time", arguments->lasts);
    if (arguments->name && strlen(arguments->name) >= STORE_NAME)
        return refuse("a name has at most 63 bytes", arguments->name);
    int status = read_settings(arguments, &settings);
    if (status == 0)
        status = manage_token(&settings, arguments->name ? arguments->name : "", lasts);
    collector_settings_clear(&settings);
    return status;
}

static bool read_rights(const char *words, unsigned *result)
{
    struct text rest = text_of(words);
    while (rest.length) {
        struct text word = text_split(&rest, ',');
        if (text_equals(word, TEXT("read")))
            *result |= STORE_MAY_READ;
        else if (text_equals(word, TEXT("order")))
            *result |= STORE_MAY_ORDER;
        else if (text_equals(word, TEXT("admin")))
            *result |= STORE_MAY_ADMIN;
        else if (text_equals(word, TEXT("content")))
            *result |= STORE_MAY_CONTENT;
        else
            return false;
    }
    return *result != 0;
}

static int person(const struct arguments *arguments)
{
    struct collector_settings settings = {0};
    unsigned may = 0;
    const char *name = arguments->blacklists.name_count ? arguments->blacklists.names[0] : "";
    if (strlen(name) >= STORE_NAME || name[0] == '\0')
        return refuse("whose name, of at most 63 bytes", "");
    if (!read_rights(arguments->may ? arguments->may : "read", &may))
        return refuse("a person may read, order, admin, content, or some of these with commas", arguments->may);
    int status = read_settings(arguments, &settings);
    if (status == 0)
        status = manage_person(&settings, name, may);
    collector_settings_clear(&settings);
    return status;
}

static int blacklist(const struct arguments *arguments)
{
    return blacklists_ask(&arguments->blacklists);
}

static int print_example(const struct arguments *arguments)
{
    (void)arguments;
    return print_settings_example();
}

static int print_manual(const struct arguments *arguments)
{
    (void)arguments;
    return print_settings_manual();
}

static int print_api(const struct arguments *arguments)
{
    (void)arguments;
    return print_endpoints();
}

static const struct command commands[] = {
    {"run", "[--config FILE]", "Serve nodes and people, in the foreground.", "c", 0, run},
    {"check", "[--config FILE]", "Say whether the configuration is good.", "c", 0, check},
    {"token", "[--config FILE] [--name NAME] [--for TIME]", "Make a token by which one node enrols, and print it.",
     "cnf", 0, token},
    {"person", "[--config FILE] [--may RIGHT,...] NAME", "Make a person's secret, and print it.", "cm", 1, person},
    {"blacklist", "[--resolver ADDRESS] [--zones FILE] [--list NAME] [--key NAME=FILE] [--json] NAME...",
     "Ask blacklists about addresses and domains; 1: one is listed, or not known.", "rzlkj", BLACKLISTS_NAMES,
     blacklist},
    {"print-example", "", "Print a configuration file with every option and its default.", "", 0, print_example},
    {"print-manual", "", "Print the configuration's manual page.", "", 0, print_manual},
    {"print-api", "", "Print what can be asked over HTTP, as in docs/api.md.", "", 0, print_api},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static int help(const struct command *command)
{
    if (command != NULL)
        printf("usage: postern-collector %s %s\n\n%s\n\n", command->name, command->arguments, command->text);
    else
        printf("usage: postern-collector COMMAND ...\n\nGathers what the agents of many nodes say, and hands them "
               "orders.\n\n");
    for (size_t i = 0; command == NULL && i < COMMANDS; i++)
        printf("  %-14s %s\n", commands[i].name, commands[i].text);
    for (size_t i = 0; i < HELPS; i++) {
        char left[32];
        snprintf(left, sizeof left, "--%s%s%s", helps[i].name, helps[i].value ? " " : "",
                 helps[i].value ? helps[i].value : "");
        if (i < 2 || (command && strchr(command->allowed, helps[i].letter)))
            printf("  %-20s %s\n", left, helps[i].text);
    }
    printf("\nExit status: 0 done, 1 failed, 2 wrong usage or configuration.\n");
    return fflush(stdout) == 0 ? 0 : 1;
}

static int say_version(void)
{
    printf("postern-collector %s\n", POSTERN_VERSION);
    return fflush(stdout) == 0 ? 0 : 1;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

static char find_option(const char *word, size_t length, bool *takes_value)
{
    for (size_t i = 0; i < HELPS; i++)
        if (strlen(helps[i].name) == length && strncmp(helps[i].name, word, length) == 0) {
            *takes_value = helps[i].value != NULL;
            return helps[i].letter;
        }
    return '\0';
}

static bool add_word(struct blacklists_words *words, const char *word)
{
    if (words->count == BLACKLISTS_WORDS)
        return false;
    words->at[words->count++] = word;
    return true;
}

/* False: given too often. */
static bool take(struct arguments *arguments, char letter, const char *value)
{
    struct blacklists_wish *blacklists = &arguments->blacklists;
    switch (letter) {
    case 'r':
        return add_word(&blacklists->resolvers, value);
    case 'z':
        return add_word(&blacklists->zones, value);
    case 'l':
        return add_word(&blacklists->lists, value);
    case 'k':
        return add_word(&blacklists->keys, value);
    case 'j':
        blacklists->json = true;
        return true;
    default:
        *(letter == 'c'   ? &arguments->config
          : letter == 'n' ? &arguments->name
          : letter == 'f' ? &arguments->lasts
                          : &arguments->may) = value;
        return true;
    }
}

/* -1: go on; else the exit status. */
static int parse(const struct command *command, int count, char **words, struct arguments *arguments)
{
    size_t rest = 0;
    arguments->blacklists.names = (const char *const *)words; /* moved to the front, over what is read */
    for (int i = 0; i < count; i++) {
        char *word = words[i];
        if (word[0] != '-' || word[1] != '-') {
            if (command == NULL || rest >= command->rest)
                return refuse("this is too much", word);
            words[rest++] = word;
            arguments->blacklists.name_count = rest;
            continue;
        }
        size_t length = strcspn(word + 2, "=");
        bool takes_value = false;
        char letter = find_option(word + 2, length, &takes_value);
        const char *value = word[2 + length] == '=' ? word + length + 3 : NULL;
        if (letter == 'h' && !value)
            return help(command);
        if (letter == 'V' && !value)
            return say_version();
        if (letter == '\0' || command == NULL || strchr(command->allowed, letter) == NULL)
            return refuse("no such option here", word);
        if (!takes_value && value != NULL)
            return refuse("this option takes no value", word);
        if (takes_value && value == NULL && i + 1 < count)
            value = words[++i];
        if (takes_value && (value == NULL || value[0] == '\0'))
            return refuse("this option needs a value", word);
        if (!take(arguments, letter, value))
            return refuse("this option is given too often", word);
    }
    return command ? -1 : refuse("which command", "");
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    bool named = argc > 1 && argv[1][0] != '-';
    const struct command *command = named ? find_command(argv[1]) : NULL;
    if (named && command == NULL)
        return refuse("no such command", argv[1]);
    int skip = named ? 2 : 1;
    int status = parse(command, argc > skip ? argc - skip : 0, argv + skip, &arguments);
    return status >= 0 ? status : command->run(&arguments);
}
