/* postern-agent: the node's daemon, the offline judge and the configuration check, told apart by the first word. The
 * tables of commands and options are also the help text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/check.h"
#include "agent/log_test.h"
#include "agent/record.h"
#include "agent/replay.h"
#include "agent/run.h"
#include "common/cleanup.h"

#define WRONG_USAGE 2

#define PATTERNS_MOST 16

struct arguments {
    const char *config, *socket, *state, *role, *records, *patterns[PATTERNS_MOST];
    size_t pattern_count;
    bool json, help, version;
    struct address_list local;
    char **rest; /* what is no option, in order */
    size_t rest_count;
};

struct command {
    const char *name, *arguments, *text;
    unsigned options; /* set of bits by index in the table of options */
    int (*run)(const struct arguments *);
};

/* --- options --- */

enum { HELP, VERSION, CONFIG, JSON, LOCAL, RECORDS, PATTERNS, SOCKET, STATE, ROLE, OPTIONS };
#define BIT(option) (1U << (option))

static const struct {
    const char *name, *value, *text; /* no text: not for people */
} options[OPTIONS] = {
    [HELP] = {"--help", NULL, "Say what there is."},
    [VERSION] = {"--version", NULL, "Say which version this is."},
    [CONFIG] = {"--config", "FILE", "Read this file instead of POSTERN_CONFIG or /etc/postern/agent.conf."},
    [JSON] = {"--json", NULL, "One JSON object a line instead of columns."},
    [LOCAL] = {"--local", "PREFIX", "The customers' addresses, repeatable; without it whoever connects is the sender."},
    [RECORDS] = {"--records", "KIND,...", "Of session, verdict, sender, summary; else verdict,sender,summary."},
    [PATTERNS] = {"--patterns", "FILE",
                  "A pattern file of your own, repeatable; asked before those that stand in here."},
    [SOCKET] = {"--socket", "PATH", "Where `postern` talks to it, instead of POSTERN_SOCKET or the configuration's."},
    [STATE] = {"--state", "DIRECTORY", "Where it keeps its things, instead of POSTERN_STATE or the configuration's."},
    [ROLE] = {"--role", "NAME", NULL},
};

static int refuse(const char *command, const char *what, const char *which)
{
    fprintf(stderr, "postern-agent: %s%s%s; `postern-agent %s%s--help` says what is allowed\n", what,
            which[0] ? ": " : "", which, command, command[0] ? " " : "");
    return WRONG_USAGE;
}

static bool take(struct arguments *arguments, int option, const char *value)
{
    struct address prefix;
    switch (option) {
    case HELP:
        arguments->help = true;
        return true;
    case VERSION:
        arguments->version = true;
        return true;
    case JSON:
        arguments->json = true;
        return true;
    case PATTERNS:
        if (arguments->pattern_count == PATTERNS_MOST)
            return false;
        arguments->patterns[arguments->pattern_count++] = value;
        return true;
    case LOCAL:
        return address_parse(text_of(value), &prefix) && address_list_add(&arguments->local, &prefix);
    }
    const char **texts[OPTIONS] = {
        [CONFIG] = &arguments->config, [RECORDS] = &arguments->records, [SOCKET] = &arguments->socket,
        [STATE] = &arguments->state,   [ROLE] = &arguments->role,
    };
    *texts[option] = value;
    return true;
}

static int find_option(const char *word, unsigned allowed)
{
    size_t length = strcspn(word, "=");
    for (int i = 0; i < OPTIONS; i++)
        if ((allowed & BIT(i)) != 0 && strlen(options[i].name) == length && strncmp(options[i].name, word, length) == 0)
            return i;
    return OPTIONS;
}

/* 0, or the exit status where the usage is wrong. `rest` keeps pointing into `words`, which are moved together. */
static int parse(const char *command, unsigned allowed, int count, char **words, struct arguments *arguments)
{
    bool only_rest = false;
    arguments->rest = words;
    for (int i = 0; i < count; i++) {
        char *word = words[i];
        if (only_rest || word[0] != '-' || word[1] == '\0') {
            arguments->rest[arguments->rest_count++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            only_rest = true;
            continue;
        }
        int option = find_option(word, allowed);
        if (option == OPTIONS)
            return refuse(command, "no such option", word);
        const char *value = strchr(word, '=');
        if (value != NULL && options[option].value == NULL)
            return refuse(command, "this option takes no value", word);
        if (value != NULL)
            value++;
        else if (options[option].value != NULL && ++i < count)
            value = words[i];
        if (options[option].value != NULL && (value == NULL || value[0] == '\0'))
            return refuse(command, "this option needs a value", options[option].name);
        if (!take(arguments, option, value))
            return option == PATTERNS
                       ? refuse(command, "too many pattern files; up to 16", value)
                       : refuse(command, "this is no address or prefix (203.0.113.0/24, 2001:db8::/32)", value);
    }
    return 0;
}

/* --- commands --- */

static int run(const struct arguments *arguments)
{
    int status;
    if (arguments->role != NULL)
        return run_role(arguments->role, arguments->state, &status)
                   ? status
                   : refuse("run", "the agent starts its own processes; no such role", arguments->role);
    const struct run_options given = {arguments->config, arguments->socket, arguments->state};
    return run_supervisor(&given);
}

static int replay(const struct arguments *arguments)
{
    struct replay_options given = {
        .config = arguments->config,
        .local = arguments->local,
        .records = 1U << RECORD_VERDICT | 1U << RECORD_SENDER | 1U << RECORD_SUMMARY,
        .json = arguments->json,
        .patterns = arguments->patterns,
        .pattern_count = arguments->pattern_count,
        .paths = arguments->rest,
        .path_count = arguments->rest_count,
    };
    struct text bad;
    if (arguments->records != NULL && !record_kinds_parse(arguments->records, &given.records, &bad)) {
        char word[64];
        text_copy_printable(bad, word, sizeof word);
        return refuse("replay", "no such kind of record", word);
    }
    if (given.path_count == 0)
        return refuse("replay", "no capture is named", "");
    return replay_run(&given);
}

static int log_test(const struct arguments *arguments)
{
    if (arguments->rest_count == 0)
        return refuse("log-test", "no log is named", "");
    return log_test_run(arguments->rest, arguments->rest_count, arguments->json, arguments->patterns,
                        arguments->pattern_count);
}

static int check(const struct arguments *arguments)
{
    return check_run(arguments->config, arguments->json);
}

static int print_example(const struct arguments *arguments)
{
    (void)arguments;
    return check_print_example();
}

static int print_manual(const struct arguments *arguments)
{
    (void)arguments;
    return check_print_manual();
}

static const struct command commands[] = {
    {"run", "[--config FILE] [--socket PATH] [--state DIRECTORY]",
     "Watch this machine's interfaces, in the foreground.", BIT(CONFIG) | BIT(SOCKET) | BIT(STATE) | BIT(ROLE), run},
    {"replay", "[--config FILE] [--local PREFIX]... [--records KIND,...] [--patterns FILE]... [--json] FILE...",
     "Judge captures (pcap, pcapng) and mail logs (also gzip, zstd; - for standard input) as `run` would.",
     BIT(CONFIG) | BIT(LOCAL) | BIT(RECORDS) | BIT(PATTERNS) | BIT(JSON), replay},
    {"check", "[--config FILE] [--json]", "Say whether the configuration is good, and what memory it will take.",
     BIT(CONFIG) | BIT(JSON), check},
    {"log-test", "[--patterns FILE]... [--json] FILE...",
     "Show what each line of a mail log became, and which were not understood (also gzip, zstd, files and folders of "
     "the "
     "systemd journal; - for standard input).",
     BIT(PATTERNS) | BIT(JSON), log_test},
    {"print-example", "", "Print a configuration file with every option and its default.", 0, print_example},
    {"print-manual", "", "Print the configuration's manual page.", 0, print_manual},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static int help(const struct command *command)
{
    if (command != NULL)
        printf("usage: postern-agent %s %s\n\n%s\n\n", command->name, command->arguments, command->text);
    else
        printf("usage: postern-agent COMMAND ...\n\nWatches the mail that leaves this machine, says who abuses it and "
               "why, and stops them.\n\n");
    for (size_t i = 0; command == NULL && i < COMMANDS; i++)
        printf("  %-14s %s\n", commands[i].name, commands[i].text);
    for (int i = 0; i < OPTIONS; i++) {
        char left[32];
        bool belongs = i <= VERSION || (command != NULL && (command->options & BIT(i)) != 0);
        snprintf(left, sizeof left, "%s%s%s", options[i].name, options[i].value ? " " : "",
                 options[i].value ? options[i].value : "");
        if (belongs && options[i].text != NULL)
            printf("  %-20s %s\n", left, options[i].text);
    }
    printf("\nExit status: 0 done, 1 failed, 2 wrong usage or configuration.\n");
    return fflush(stdout) == 0 ? 0 : 1;
}

static void clear_arguments(struct arguments *arguments)
{
    address_list_clear(&arguments->local);
}

int main(int argc, char **argv)
{
    CLEANUP(clear_arguments) struct arguments arguments = {0};
    const struct command *command = NULL;
    bool named = argc > 1 && argv[1][0] != '-';
    for (size_t i = 0; named && i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            command = &commands[i];
    if (named && command == NULL)
        return refuse("", "no such command", argv[1]);

    const char *name = command ? command->name : "";
    unsigned allowed = BIT(HELP) | BIT(VERSION) | (command ? command->options : 0);
    int skip = named ? 2 : 1, status = parse(name, allowed, argc > skip ? argc - skip : 0, argv + skip, &arguments);
    if (status != 0)
        return status;
    if (arguments.version) {
        printf("postern-agent %s\n", POSTERN_VERSION);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    if (arguments.help)
        return help(command);
    if (command == NULL)
        return refuse("", "which command", "");
    if (arguments.rest_count > 0 && command->run != replay && command->run != log_test)
        return refuse(name, "this is too much", arguments.rest[0]);
    return command->run(&arguments);
}
