/* The laboratory: scenarios in, what the detectors made of them out. The tables of commands and options are also the
 * help text. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/settings.h"
#include "common/cleanup.h"
#include "tests/lab/calibrate.h"
#include "tests/lab/jobs.h"
#include "tests/lab/node.h"
#include "tests/lab/report.h"
#include "tests/lab/show.h"

#define WRONG_USAGE 2
#define WORDS       64
#define FOLDER      "tests/lab/scenarios"

struct arguments {
    const char *config, *folder;
    const char *words[WORDS]; /* --scenario */
    size_t word_count;
    uint64_t seeds, first, jobs;
    uint64_t fit_first, fit_last, report_first, report_last;
    bool json, strict, help;
    char **rest;
    size_t rest_count;
};

/* What a command works with. */
struct bench {
    const struct arguments *arguments;
    struct lab_scenario *scenarios;
    size_t scenario_count;
    const struct lab_scenario **chosen;
    size_t chosen_count;
    struct configuration configuration;
};

struct command {
    const char *name, *arguments, *text;
    unsigned options; /* set of bits by index in the table of options */
    size_t words;
    int (*run)(struct bench *);
};

/* --- options --- */

enum { HELP, CONFIG, FOLDER_OPTION, SCENARIO, SEEDS, FIRST, JOBS, FIT, REPORT, JSON, STRICT, OPTIONS };
#define BIT(option) (1U << (option))

static const struct {
    const char *name, *value, *text, *allowed;
} options[OPTIONS] = {
    [HELP] = {"--help", NULL, "Say what there is.", NULL},
    [CONFIG] = {"--config", "FILE", "The agent's configuration; without it, its defaults.", NULL},
    [FOLDER_OPTION] = {"--scenarios", "FOLDER", "Where scenarios are, instead of " FOLDER ".", NULL},
    [SCENARIO] = {"--scenario", "WORD", "Those whose name holds this word; repeatable.", "at most 64 words"},
    [SEEDS] = {"--seeds", "N", "How many seeds of each scenario; else 1.", "a whole number from 1 to 1000000"},
    [FIRST] = {"--first", "N", "The first seed; else 1.", "a whole number from 1 to 1000000000"},
    [JOBS] = {"--jobs", "N", "How many runs at once; else as many as there are cores.", "a whole number from 1 to 256"},
    [FIT] = {"--fit", "A-B", "The seeds that weights are fitted on; else 1-20.", "two seeds such as 1-20"},
    [REPORT] = {"--report", "C-D", "The seeds they are held against; else 101-120.", "two seeds such as 101-120"},
    [JSON] = {"--json", NULL, "One JSON object a line instead of columns.", NULL},
    [STRICT] = {"--strict", NULL, "Exit with 1 where an aim is missed.", NULL},
};

static int refuse(const char *command, const char *what, const char *which)
{
    fprintf(stderr, "lab: %s%s%s; `lab %s%s--help` says what is allowed\n", what, which[0] ? ": " : "", which, command,
            command[0] ? " " : "");
    return WRONG_USAGE;
}

static bool take_number(const char *value, uint64_t most, uint64_t *result)
{
    return text_number(text_of(value), result) && *result >= 1 && *result <= most;
}

#define SEED_MOST 1000000000
static bool take_seeds(const char *value, uint64_t *first, uint64_t *last)
{
    struct text rest = text_of(value), begin = text_split(&rest, '-');
    return text_number(begin, first) && text_number(rest, last) && *first >= 1 && *first <= *last && *last <= SEED_MOST;
}

static bool take(struct arguments *arguments, int option, const char *value)
{
    switch (option) {
    case HELP:
        return arguments->help = true;
    case JSON:
        return arguments->json = true;
    case STRICT:
        return arguments->strict = true;
    case CONFIG:
        arguments->config = value;
        return true;
    case FOLDER_OPTION:
        arguments->folder = value;
        return true;
    case SCENARIO:
        if (arguments->word_count == WORDS)
            return false;
        arguments->words[arguments->word_count++] = value;
        return true;
    case SEEDS:
        return take_number(value, 1000000, &arguments->seeds);
    case FIRST:
        return take_number(value, SEED_MOST, &arguments->first);
    case JOBS:
        return take_number(value, 256, &arguments->jobs);
    case FIT:
        return take_seeds(value, &arguments->fit_first, &arguments->fit_last);
    default:
        return take_seeds(value, &arguments->report_first, &arguments->report_last);
    }
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
    arguments->rest = words;
    for (int i = 0; i < count; i++) {
        if (words[i][0] != '-' || words[i][1] == '\0') {
            arguments->rest[arguments->rest_count++] = words[i];
            continue;
        }
        int option = find_option(words[i], allowed);
        if (option == OPTIONS)
            return refuse(command, "no such option", words[i]);
        const char *value = strchr(words[i], '=');
        if (value != NULL && options[option].value == NULL)
            return refuse(command, "this option takes no value", words[i]);
        if (value != NULL)
            value++;
        else if (options[option].value != NULL && ++i < count)
            value = words[i];
        if (options[option].value != NULL && (value == NULL || value[0] == '\0'))
            return refuse(command, "this option needs a value", options[option].name);
        if (!take(arguments, option, value)) {
            fprintf(stderr, "lab: %s: not %s; %s is allowed\n", options[option].name, value, options[option].allowed);
            return WRONG_USAGE;
        }
    }
    return 0;
}

/* --- what commands work with --- */

static bool is_wanted(const struct arguments *arguments, const char *name)
{
    for (size_t i = 0; i < arguments->word_count; i++)
        if (strstr(name, arguments->words[i]) != NULL)
            return true;
    return arguments->word_count == 0;
}

static void bench_clear(struct bench *bench)
{
    if (bench->configuration.judge != NULL)
        configuration_clear(&bench->configuration);
    lab_scenarios_destroy(&bench->scenarios, bench->scenario_count);
    free(bench->chosen);
}

/* The exit status: 0, 1 or 2. */
static int bench_open(struct bench *bench, struct error *error)
{
    const struct arguments *arguments = bench->arguments;
    int status = arguments->config ? configuration_read(arguments->config, &bench->configuration, error)
                                   : configuration_defaults(&bench->configuration, error);
    if (status < 0)
        return WRONG_USAGE;
    status = lab_scenarios_load(arguments->folder, &bench->scenarios, &bench->scenario_count, error);
    if (status < 0)
        return WRONG_USAGE;
    bench->chosen = calloc(bench->scenario_count + 1, sizeof(const struct lab_scenario *));
    if (bench->chosen == NULL) {
        error_set(error, ENOMEM, "no memory for scenarios");
        return 1;
    }
    for (size_t i = 0; i < bench->scenario_count; i++)
        if (is_wanted(arguments, bench->scenarios[i].name))
            bench->chosen[bench->chosen_count++] = &bench->scenarios[i];
    if (bench->chosen_count == 0) {
        error_set(error, ENOENT, "no scenario in %s has a name that is asked for", arguments->folder);
        return WRONG_USAGE;
    }
    return 0;
}

static int report_error(const struct error *error)
{
    fprintf(stderr, "lab: %s\n", error->text);
    return 1;
}

static struct lab_jobs jobs_of(const struct bench *bench)
{
    return (struct lab_jobs){.scenarios = bench->chosen,
                             .scenario_count = bench->chosen_count,
                             .settings = bench->configuration.judge,
                             .parallel = (unsigned)bench->arguments->jobs,
                             .progress = isatty(STDERR_FILENO) ? "running" : NULL};
}

static bool wants_colour(void)
{
    const char *none = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (none == NULL || none[0] == '\0');
}

static int close_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "lab: cannot write: %s\n", strerror(errno));
    return 1;
}

/* SCENARIO SEED, the first two words. The exit status. */
static int find_run(const struct bench *bench, const struct lab_scenario **scenario, uint64_t *seed)
{
    char **words = bench->arguments->rest;
    *scenario = NULL;
    for (size_t i = 0; i < bench->scenario_count; i++)
        if (strcmp(bench->scenarios[i].name, words[0]) == 0)
            *scenario = &bench->scenarios[i];
    if (*scenario == NULL) {
        fprintf(stderr, "lab: no scenario %s; there are:\n", words[0]);
        for (size_t i = 0; i < bench->scenario_count; i++)
            fprintf(stderr, "  %s\n", bench->scenarios[i].name);
        return WRONG_USAGE;
    }
    if (take_number(words[1], SEED_MOST, seed))
        return 0;
    fprintf(stderr, "lab: seed: not %s; %s is allowed\n", words[1], options[FIRST].allowed);
    return WRONG_USAGE;
}

/* --- commands --- */

static bool take_result(void *report, const struct lab_result *result)
{
    return report_add(report, result);
}

static int run(struct bench *bench)
{
    const struct arguments *arguments = bench->arguments;
    struct error error = {0};
    CLEANUP(report_clear) struct report report = {0};
    struct lab_jobs jobs = jobs_of(bench);
    jobs.first = arguments->first;
    jobs.last = arguments->first + arguments->seeds - 1;
    jobs.without_snapshots = true;
    if (lab_jobs_run(&jobs, take_result, &report, &error) < 0)
        return report_error(&error);
    if (arguments->json ? !report_print_json(&report, stdout) : !report_print(&report, stdout, wants_colour())) {
        fprintf(stderr, "lab: no memory to print the report\n");
        return 1;
    }
    struct aim aims[AIMS];
    report_aims(&report, aims);
    int status = 0;
    for (size_t i = 0; i < AIMS && arguments->strict; i++)
        status = aims[i].state == AIM_MISSED ? 1 : status;
    return close_output(status);
}

static int show(struct bench *bench)
{
    struct error error = {0};
    const struct lab_scenario *scenario;
    uint64_t seed;
    int status = find_run(bench, &scenario, &seed);
    if (status != 0)
        return status;
    struct lab_result result;
    if (lab_run(scenario, seed, bench->configuration.judge, &result, &error) < 0)
        return report_error(&error);
    show_result(&result, stdout);
    lab_result_clear(&result);
    return close_output(0);
}

static int write_trace(struct bench *bench)
{
    struct error error = {0};
    const struct lab_scenario *scenario;
    uint64_t seed;
    int status = find_run(bench, &scenario, &seed);
    if (status != 0)
        return status;
    char labels[PATH_MAX];
    const char *path = bench->arguments->rest[2];
    if ((size_t)snprintf(labels, sizeof labels, "%s.labels", path) >= sizeof labels)
        return refuse("write", "this path is too long", path);
    return lab_write(scenario, seed, path, labels, &error) < 0 ? report_error(&error) : 0;
}

static int run_calibration(struct bench *bench)
{
    const struct arguments *arguments = bench->arguments;
    struct error error = {0};
    const struct calibration given = {.jobs = jobs_of(bench),
                                      .fit_first = arguments->fit_first,
                                      .fit_last = arguments->fit_last,
                                      .report_first = arguments->report_first,
                                      .report_last = arguments->report_last,
                                      .settings = bench->configuration.judge,
                                      .json = arguments->json,
                                      .colour = wants_colour()};
    return calibrate(&given, stdout, &error) < 0 ? report_error(&error) : close_output(0);
}

#define EVERYWHERE (BIT(HELP) | BIT(CONFIG) | BIT(FOLDER_OPTION))
static const struct command commands[] = {
    {"run", "[--seeds N] [--first N] [--scenario WORD]... [--jobs N] [--config FILE] [--json] [--strict]",
     "Judge every scenario and say how well, against the aims.",
     EVERYWHERE | BIT(SCENARIO) | BIT(SEEDS) | BIT(FIRST) | BIT(JOBS) | BIT(JSON) | BIT(STRICT), 0, run},
    {"show", "SCENARIO SEED [--config FILE]", "One run in detail: every sender, every look at its evidence.",
     EVERYWHERE, 2, show},
    {"write", "SCENARIO SEED FILE",
     "Write the trace as pcap, and FILE.labels: who is what. For `postern-agent replay\n  --local " LAB_LOCAL
     " --local " LAB_LOCAL_6 "`.",
     EVERYWHERE, 3, write_trace},
    {"calibrate", "[--fit A-B] [--report C-D] [--scenario WORD]... [--jobs N] [--config FILE] [--json]",
     "Fit the detectors' weights on some seeds and hold them against others.",
     EVERYWHERE | BIT(SCENARIO) | BIT(JOBS) | BIT(FIT) | BIT(REPORT) | BIT(JSON), 0, run_calibration},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static int help(const struct command *command)
{
    if (command != NULL)
        printf("usage: lab %s %s\n\n%s\n\n", command->name, command->arguments, command->text);
    else
        printf("usage: lab COMMAND ...\n\nRuns simulated nodes, with honest customers and abusers, through the "
               "agent's judge.\n\n");
    for (size_t i = 0; command == NULL && i < COMMANDS; i++)
        printf("  %s %s\n      %s\n", commands[i].name, commands[i].arguments, commands[i].text);
    for (int i = 0; command != NULL && i < OPTIONS; i++) {
        char left[32];
        snprintf(left, sizeof left, "%s%s%s", options[i].name, options[i].value ? " " : "",
                 options[i].value ? options[i].value : "");
        if ((command->options & BIT(i)) != 0)
            printf("  %-20s %s\n", left, options[i].text);
    }
    return close_output(0);
}

static int run_command(const struct command *command, int count, char **words)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct arguments arguments = {.folder = FOLDER,
                                  .seeds = 1,
                                  .first = 1,
                                  .jobs = cores < 1     ? 1
                                          : cores > 256 ? 256
                                                        : (uint64_t)cores,
                                  .fit_first = 1,
                                  .fit_last = 20,
                                  .report_first = 101,
                                  .report_last = 120};
    int status = parse(command->name, command->options, count, words, &arguments);
    if (status != 0)
        return status;
    if (arguments.help)
        return help(command);
    if (arguments.rest_count != command->words)
        return refuse(command->name, arguments.rest_count > command->words ? "one word too many" : "a word is missing",
                      arguments.rest_count > command->words ? arguments.rest[command->words] : "");
    CLEANUP(bench_clear) struct bench bench = {.arguments = &arguments};
    struct error error = {0};
    status = bench_open(&bench, &error);
    if (status != 0) {
        fprintf(stderr, "%s\n", error.text); /* FILE:LINE: first, as compilers do */
        return status;
    }
    return command->run(&bench);
}

int main(int count, char **words)
{
    if (count < 2)
        return refuse("", "no command is given", "");
    if (strcmp(words[1], "--help") == 0)
        return help(NULL);
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(words[1], commands[i].name) == 0)
            return run_command(&commands[i], count - 2, words + 2);
    return refuse("", "no such command", words[1]);
}
