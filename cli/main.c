/* `postern`: the command for people. The table below is the help, too. */
#include <errno.h>
#include <ini.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

static const struct command commands[] = {
    {"status", "", "what runs since when, packets, drops, enforcement on or off (of this machine)", command_status},
    {"senders", "[--top N] [--watch]", "who sends what, by score", command_senders},
    {"explain", "SENDER", "the evidence behind a score, in time order, and what would lift it", command_explain},
    {"block", "SENDER [--for DURATION] --reason TEXT", "stop a sender's mail", command_order},
    {"throttle", "SENDER [--for DURATION] [--rate N] --reason TEXT", "slow a sender down", command_order},
    {"divert", "SENDER [--for DURATION] --reason TEXT", "send a sender's mail to the relay", command_order},
    {"allow", "SENDER [--for DURATION] --reason TEXT", "never stop this sender", command_order},
    {"release", "SENDER --reason TEXT", "lift what is in force and forget the score", command_order},
    {"orders", "", "what is in force now, until when, by whom, packets stopped", command_orders},
    {"events", "[--follow] [--since TIME]", "what has happened, oldest first", command_events},
    {"nodes", "", "the fleet: version, last seen, what waits on each (of a collector)", command_nodes},
    {"customers", "[NAME] [--top N]",
     "whose the senders are and what they sent; of a collector: over all nodes, or what one of them has on each",
     command_customers},
    {"campaigns", "[--top N]", "near-identical mail of several customers on several nodes (of a collector)",
     command_campaigns},
    {"filters", "", "how the content filters do: up or down, what waits, how fast they are (of a collector)",
     command_filters},
    {"bulk", "[--top N] [--kind body|picture]",
     "texts and pictures counted over all nodes and customers (of a collector)", command_bulk},
    {"audit", "[--since TIME]", "who did what, when and why (of a collector)", command_audit},
    {"settings", "[set FILE --reason TEXT] [--node ID]",
     "thresholds, allow lists and plans that a collector sets on its nodes; on a node: whether any are in force",
     command_settings},
    {"quarantine",
     "list [--verdict WORD] [--sender S] [--customer C] [--since T] [--before T] [--top N] | show ID [--raw] | "
     "release ID... --reason TEXT [--again] | export ID... [--format mbox|eml] [--output FILE] | forget ID... | "
     "correct spam|ham ID...",
     "messages that nodes sent in: look at them safely, send them on, save, forget (of a collector); - reads IDs",
     command_quarantine},
    {"learn", "spam|ham FILE|DIRECTORY|-|ID... [--all] [--wait] | status | undo ID|FILE... | undo --since TIME",
     "teach the collector's filters: messages, mailboxes, directories, standard input; and what came of it",
     command_learn},
    {"letter", "CUSTOMER [--language L] [--to ADDRESS] [--note TEXT] [--reason TEXT] [--again] [--preview]",
     "a letter to a customer: what stands against it, and what to do (of a collector)", command_letter},
    {"complaints",
     "[list] [--customer C] [--state WORD] [--since T] [--top N] [--all] | show ID [--reason TEXT] | "
     "done ID... --reason TEXT [--not-abuse] | import FILE|DIRECTORY|-...",
     "what came to the abuse desk, whose doing it is, and what was done with it (of a collector); import: what came by "
     "other ways, mails, mailboxes, XARF, Shadowserver's CSV",
     command_complaints},
    {"complaint",
     "send ID|FILE --to ADDRESS [--type abuse|fraud|virus|not-spam|other] [--format arf|xarf] [--redact] [--note TEXT] "
     "[--source ADDRESS] [--port N] [--preview]",
     "a complaint of our own about a message, to another abuse desk (of a collector); a file's needs its source",
     command_complaints},
    {"blacklist", "[NAME] [--customer C] [--all] [--since T] [--top N] | check NAME...",
     "which own address or domain is listed where, since when, how to get off (of a collector); --since T: each time "
     "that one was; check: lists are asked now",
     command_blacklist},
    {"alerts",
     "[list] [--since T] [--top N] | sent [--channel C] [--purpose P] [--customer C] [--state S] [--since T] [--top N] "
     "| again ID... | test [CHANNEL] | silence [KIND [NAME]] --for DURATION --reason TEXT "
     "[--customer C] [--node N] [--begin T] | silences | unsilence NUMBER... | close NUMBER... [--reason TEXT]",
     "what a person should know and what is not over (of a collector); sent: what went out, or is to; whether channels "
     "reach people; what nobody is told of for a while",
     command_alerts},
    {"report",
     "daily|weekly|monthly [--day D|--week W|--month M] [--format text|html|csv|json] [--table NAME] [--mail "
     "[CHANNEL]] "
     "| "
     "top senders|customers|nodes|relays|authors|author-domains|recipients|domains|servers [--by number|volume] | "
     "hours | days | rules | viruses | scores [--filter F] | list; [--since T] [--until T] [--top N] [--format csv]",
     "what a day, a week or a month was like, compared with those before; who sent most, when, and what filters say "
     "(of a collector)",
     command_report},
    {"enforce", "on|off", "off: verdicts only, nothing in the kernel (on this machine)", command_enforce},
};
#define PATH_MOST 256
#define KEY_MOST  128
#define COMMANDS  (sizeof commands / sizeof commands[0])

static void print_help(FILE *stream)
{
    fprintf(stream, "usage: postern [--config FILE] [--socket PATH] [--json] COMMAND ...\n"
                    "       postern --collector URL [--key FILE] [--authority FILE] [--json] COMMAND ...\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(stream, "  postern %s%s%s\n      %s\n", commands[i].name, commands[i].arguments[0] ? " " : "",
                commands[i].arguments, commands[i].text);
    fprintf(stream, "\nSENDER is an address, an IPv6 prefix, a MAC, uid:NUMBER, account:NAME or a port's name.\n"
                    "DURATION is 30m, 12h, 7d. Every command takes --json and --help.\n"
                    "Of a collector, orders say where: --node ID or --everywhere.\n");
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters must be changed, added or left out (Levenshtein): what was meant by a mistyped verb. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[32];
    size_t length = strlen(b);
    if (length >= 31 || strlen(a) >= 31)
        return 99;
    for (unsigned j = 0; j <= length; j++)
        row[j] = j;
    for (; *a; a++) {
        unsigned corner = row[0]++;
        for (unsigned j = 1; j <= length; j++) {
            unsigned above = row[j];
            row[j] = least(least(row[j] + 1, row[j - 1] + 1), corner + (*a != b[j - 1]));
            corner = above;
        }
    }
    return row[length];
}

static int refuse_verb(const char *verb)
{
    const struct command *nearest = NULL;
    unsigned best = 3;
    for (size_t i = 0; i < COMMANDS; i++)
        if (distance(verb, commands[i].name) < best) {
            best = distance(verb, commands[i].name);
            nearest = &commands[i];
        }
    if (nearest)
        fprintf(stderr, "postern: no command '%s'; did you mean '%s'?\n", verb, nearest->name);
    else
        fprintf(stderr, "postern: no command '%s'; `postern --help` lists them\n", verb);
    return EXIT_USAGE;
}

int command_read(int count, char **arguments, const struct command_option *options, const char **words, int most)
{
    int found = 0;
    for (int i = 1; i < count; i++) {
        const struct command_option *option = options;
        if (arguments[i][0] != '-' || !arguments[i][1]) {
            if (found == most) {
                fprintf(stderr, "postern %s: '%s' is one word too many\n", arguments[0], arguments[i]);
                return -1;
            }
            words[found++] = arguments[i];
            continue;
        }
        while (option->name && strcmp(option->name, arguments[i]) != 0)
            option++;
        if (!option->name) {
            fprintf(stderr, "postern %s: no option '%s'; `postern --help` lists them\n", arguments[0], arguments[i]);
            return -1;
        }
        if (option->flag) {
            *option->flag = true;
        } else if (i + 1 < count) {
            *option->value = arguments[++i];
        } else {
            fprintf(stderr, "postern %s: '%s' needs a value\n", arguments[0], option->name);
            return -1;
        }
    }
    return found;
}

/* Takes --json out of the words wherever it stands, so that no verb has to. */
static int take_json(int count, char **arguments, struct cli *cli)
{
    int kept = 0;
    for (int i = 0; i < count; i++)
        if (strcmp(arguments[i], "--json") == 0)
            cli->json = true;
        else
            arguments[kept++] = arguments[i];
    arguments[kept] = NULL;
    return kept;
}

static int take_socket(void *context, const char *section, const char *key, const char *value)
{
    char *path = context;
    if (strcmp(section, "agent") == 0 && strcmp(key, "socket") == 0)
        snprintf(path, PATH_MOST, "%s", value);
    return 1;
}

/* The agent itself checks its configuration whole; here only the socket's path matters. */
static bool read_config(const char *file, char path[PATH_MOST])
{
    int line = ini_parse(file, take_socket, path);
    if (line < 0)
        fprintf(stderr, "postern: cannot read %s: %s\n", file, strerror(errno));
    if (line > 0)
        fprintf(stderr, "postern: %s:%d: not understood; `postern-agent check --config %s` says more\n", file, line,
                file);
    return line == 0;
}

/* Where an option of those that name a collector goes; NULL: it is none of them. */
static const char **other_option(const char *word, struct cli *cli)
{
    return strcmp(word, "--collector") == 0   ? &cli->collector
           : strcmp(word, "--key") == 0       ? &cli->key
           : strcmp(word, "--authority") == 0 ? &cli->authority
                                              : NULL;
}

/* The person's secret: from the file that was named, or the environment. */
static bool read_key(struct cli *cli, char key[KEY_MOST])
{
    const char *given = getenv("POSTERN_KEY");
    FILE *file = cli->key ? fopen(cli->key, "re") : NULL;
    if (cli->key && (!file || !fgets(key, KEY_MOST, file))) {
        fprintf(stderr, "postern: cannot read the key in %s: %s\n", cli->key, file ? "it is empty" : strerror(errno));
        if (file)
            fclose(file);
        return false;
    }
    if (file)
        fclose(file);
    else if (given && strlen(given) < KEY_MOST)
        strcpy(key, given);
    key[strcspn(key, "\r\n")] = '\0';
    if (strncmp(key, "person.", 7) != 0) {
        fprintf(stderr, "postern: a collector wants to know who asks: --key FILE or POSTERN_KEY has the secret that "
                        "`postern-collector person` printed\n");
        return false;
    }
    cli->key = key;
    return true;
}

/* The options before the verb; the index of the verb, or less than 0: end with that exit status, negated and less one.
 */
static int read_options(int count, char **arguments, struct cli *cli, char path[PATH_MOST])
{
    int at = 1;
    for (; at < count && arguments[at][0] == '-'; at++) {
        if (strcmp(arguments[at], "--help") == 0) {
            print_help(stdout);
            return -1 - EXIT_DONE;
        }
        if (strcmp(arguments[at], "--version") == 0) {
            printf("postern %s\n", POSTERN_VERSION);
            return -1 - EXIT_DONE;
        }
        bool config = strcmp(arguments[at], "--config") == 0;
        const char **other = other_option(arguments[at], cli);
        if (other && at + 1 < count) {
            *other = arguments[++at];
            continue;
        }
        if ((!config && strcmp(arguments[at], "--socket") != 0) || at + 1 == count) {
            fprintf(stderr, "postern: '%s' is not understood; `postern --help` lists what is\n", arguments[at]);
            return -1 - EXIT_USAGE;
        }
        at++;
        if (config && !read_config(arguments[at], path))
            return -1 - EXIT_USAGE;
        cli->socket = config ? path : arguments[at];
    }
    return at;
}

/* Whom it asks: the collector of the command line, or the environment's where the verb is not this machine's alone. */
static bool choose_collector(const struct command *command, struct cli *cli, char key[KEY_MOST])
{
    const char *centre = getenv("POSTERN_COLLECTOR");
    bool here = command->run == command_status || command->run == command_enforce;
    if (here && cli->collector) {
        fprintf(stderr,
                "postern %s: that is of this machine's agent, without --collector; `postern nodes` has the "
                "fleet's\n",
                command->name);
        return false;
    }
    if (!here && !cli->collector && centre && *centre)
        cli->collector = centre;
    return !cli->collector || read_key(cli, key);
}

static int run_verb(struct cli *cli, int count, char **arguments)
{
    static char key[KEY_MOST];
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, arguments[0]) != 0)
            continue;
        if ((count > 1 && strcmp(arguments[1], "--help") == 0) || (count > 2 && strcmp(arguments[2], "--help") == 0)) {
            printf("usage: postern %s %s\n%s\n", commands[i].name, commands[i].arguments, commands[i].text);
            return EXIT_DONE;
        }
        return choose_collector(&commands[i], cli, key) ? commands[i].run(cli, count, arguments) : EXIT_USAGE;
    }
    return refuse_verb(arguments[0]);
}

int main(int count, char **arguments)
{
    static char path[PATH_MOST] = "/run/postern/agent.sock";
    const char *socket = getenv("POSTERN_SOCKET"), *config = getenv("POSTERN_CONFIG");
    struct cli cli = {.socket = path};
    if (socket && *socket)
        cli.socket = socket;
    else if (config && *config && !read_config(config, path))
        return EXIT_USAGE;
    signal(SIGPIPE, SIG_DFL);
    count = take_json(count, arguments, &cli);
    cli.terminal = isatty(STDOUT_FILENO);
    cli.colour = cli.terminal && !getenv("NO_COLOR");
    int at = read_options(count, arguments, &cli, path);
    if (at < 0)
        return -1 - at;
    if (at == count) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    int status = run_verb(&cli, count - at, arguments + at);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "postern: cannot write the answer: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    return status;
}
