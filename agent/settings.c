/* Reading the configuration and every file that it names; handing them on as a bundle. */
#include "agent/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/builtin.h"
#include "agent/log/pattern.h"
#include "common/cleanup.h"
#include "common/io/file.h"
#include "common/io/listen.h"

#define BUILTIN     "builtin:"
#define FILE_MOST   (16 * 1024 * 1024)
#define CONFIG_MOST (1024 * 1024)

static void free_bytes(char **bytes)
{
    free(*bytes);
    *bytes = NULL;
}

/* --- files that settings name --- */

static const struct named_file *find_file(const struct configuration *configuration, const char *name)
{
    for (size_t i = 0; i < configuration->file_count; i++)
        if (strcmp(configuration->files[i].name, name) == 0)
            return &configuration->files[i];
    return NULL;
}

static int read_named(const struct configuration *configuration, const char *name, char **bytes, size_t *length,
                      struct error *error)
{
    if (strncmp(name, BUILTIN, strlen(BUILTIN)) == 0) {
        struct text content;
        if (!builtin_find(text_of(name + strlen(BUILTIN)), &content))
            return error_set(error, ENOENT, "%s is not among the shipped files", name);
        *bytes = malloc(content.length + 1);
        if (*bytes == NULL)
            return error_set(error, ENOMEM, "no memory for %s", name);
        memcpy(*bytes, content.bytes, content.length);
        *length = content.length;
        return 0;
    }
    char path[2 * sizeof configuration->source];
    const char *slash = strrchr(configuration->source, '/');
    if (name[0] == '/' || slash == NULL)
        snprintf(path, sizeof path, "%s", name);
    else
        snprintf(path, sizeof path, "%.*s/%s", (int)(slash - configuration->source), configuration->source, name);
    return file_read(path, FILE_MOST, bytes, length, error);
}

/* A file_source's read(): each file once, kept for the bundle. */
static int give_file(void *context, const char *name, struct text *result, struct error *error)
{
    struct configuration *configuration = context;
    const struct named_file *there = find_file(configuration, name);
    if (there == NULL) {
        CLEANUP(free_bytes) char *copy = strdup(name);
        CLEANUP(free_bytes) char *bytes = NULL;
        size_t length = 0;
        int status = read_named(configuration, name, &bytes, &length, error);
        if (status < 0)
            return status;
        struct named_file *files = reallocarray(configuration->files, configuration->file_count + 1, sizeof *files);
        if (files == NULL || copy == NULL) {
            configuration->files = files ? files : configuration->files;
            return error_set(error, ENOMEM, "no memory for %s", name);
        }
        configuration->files = files;
        files[configuration->file_count++] = (struct named_file){TAKE(copy), TAKE(bytes), length};
        there = &files[configuration->file_count - 1];
    }
    *result = (struct text){there->bytes, there->length};
    return 0;
}

/* --- [metrics], which is the supervisor's alone --- */

static const struct option metrics_options[] = {
    FIXED_OPTION(OPTION_TEXT, char[OPTION_TEXT_SIZE], "metrics", struct metrics_settings, listen, "",
                 .text = "Where Prometheus reads http://ADDRESS/metrics: 127.0.0.1:9797, [::1]:9797. Whoever reaches "
                         "it may read: counts of this node, no sender and no address. Empty: nowhere."),
    {.key = NULL},
};

static bool check_metrics(const void *settings, struct error *error)
{
    const struct metrics_settings *metrics = settings;
    if (metrics->listen[0] == '\0' || listen_is_address(metrics->listen))
        return true;
    error_set(error, EINVAL, "listen: \"%.100s\" will not do; 127.0.0.1:9797 or [::1]:9797 are allowed",
              metrics->listen);
    return false;
}

/* --- the whole --- */

/* All but the judge's; returns how many. */
static size_t bind_processes(struct configuration *configuration, struct option_binding *result)
{
    process_settings_bind(&configuration->process, result);
    result[PROCESS_BINDINGS] = collector_settings_bind(&configuration->collector);
    result[PROCESS_BINDINGS + 1] = (struct option_binding){.options = metrics_options,
                                                           .settings = &configuration->metrics,
                                                           .check = check_metrics,
                                                           .text = "What the agent counts, for Prometheus."};
    result[PROCESS_BINDINGS + 2] = (struct option_binding){.options = NULL};
    return PROCESS_BINDINGS + 2;
}

void configuration_bind(struct configuration *configuration, struct option_binding result[CONFIGURATION_BINDINGS])
{
    size_t count = bind_processes(configuration, result);
    const struct option_binding *judge = judge_settings_bindings(configuration->judge);
    while (judge->options != NULL && count < CONFIGURATION_BINDINGS - 1)
        result[count++] = *judge++;
    result[count] = (struct option_binding){.options = NULL};
}

void configuration_clear(struct configuration *configuration)
{
    struct option_binding bindings[PROCESS_BINDINGS + 3];
    (void)bind_processes(configuration, bindings);
    options_clear(bindings);
    judge_settings_destroy(&configuration->judge);
    customers_destroy(&configuration->customers);
    for (size_t i = 0; i < configuration->file_count; i++) {
        free(configuration->files[i].name);
        free(configuration->files[i].bytes);
    }
    free(configuration->files);
    memset(configuration, 0, sizeof *configuration);
}

/* The pattern files of logs, which are tried here so that a mistake is told before anything runs. */
static int load_patterns(struct configuration *configuration, struct error *error)
{
    const struct option_words *names = &configuration->process.logs.patterns;
    struct log_patterns *patterns = log_patterns_create(error);
    int status = patterns == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; i < names->count && status == 0; i++) {
        struct text content;
        status = give_file(configuration, names->items[i], &content, error);
        if (status == 0)
            status = log_patterns_read(patterns, content, names->items[i], error);
    }
    log_patterns_destroy(&patterns);
    return status;
}

/* Read here as well as where it is needed, so that a mistake is told before anything runs. */
static int load_customers(struct configuration *configuration, struct error *error)
{
    const struct customers_settings *settings = &configuration->process.customers;
    struct text map = TEXT("");
    int status = settings->map[0] ? give_file(configuration, settings->map, &map, error) : 0;
    return status < 0 ? status
                      : customers_read(map, settings->map, settings->numbered, &configuration->customers, error);
}

static int fill(struct configuration *configuration, struct text text, const struct option_layer *central,
                struct error *error)
{
    configuration->judge = judge_settings_create(error);
    if (configuration->judge == NULL)
        return -ENOMEM;
    struct option_binding process[PROCESS_BINDINGS + 3];
    (void)bind_processes(configuration, process);
    const struct option_layer own = {text, configuration->source[0] ? configuration->source : "defaults", false};
    const struct option_layer layers[] = {central ? *central : own, own};
    size_t count = central ? 2 : 1;
    int status = judge_settings_read_layers(configuration->judge, process, layers, count, error);
    const struct file_source source = {give_file, configuration};
    if (status == 0)
        status = judge_settings_load(configuration->judge, &source, error);
    if (status == 0)
        status = load_customers(configuration, error);
    return status < 0 ? status : load_patterns(configuration, error);
}

int configuration_defaults(struct configuration *result, struct error *error)
{
    CLEANUP(configuration_clear) struct configuration configuration = {0};
    int status = fill(&configuration, TEXT(""), NULL, error);
    if (status < 0)
        return status;
    *result = configuration;
    memset(&configuration, 0, sizeof configuration);
    return 0;
}

/* Which file, and its text; no file at the usual place is no error. */
static int find_text(const char *path, struct configuration *configuration, char **bytes, size_t *length,
                     struct error *error)
{
    const char *variable = getenv("POSTERN_CONFIG");
    bool named = true;
    if (path == NULL && variable != NULL && variable[0] != '\0')
        path = variable;
    if (path == NULL) {
        path = SETTINGS_CONFIG;
        named = false;
    }
    if ((size_t)snprintf(configuration->source, sizeof configuration->source, "%s", path) >=
        sizeof configuration->source)
        return error_set(error, ENAMETOOLONG, "the configuration file's path is too long");
    int status = file_read(path, CONFIG_MOST, bytes, length, error);
    if (status == -ENOENT && !named) {
        configuration->source[0] = '\0';
        return 0;
    }
    return status;
}

int configuration_read(const char *path, struct configuration *result, struct error *error)
{
    return configuration_read_over(path, NULL, result, error);
}

bool configuration_takes_settings(const struct configuration *configuration)
{
    return configuration->collector.urls.count > 0 && configuration->collector.settings;
}

int configuration_read_over(const char *path, const struct option_layer *central, struct configuration *result,
                            struct error *error)
{
    CLEANUP(configuration_clear) struct configuration configuration = {0};
    CLEANUP(free_bytes) char *bytes = NULL;
    size_t length = 0;
    int status = find_text(path, &configuration, &bytes, &length, error);
    if (status == 0)
        status = fill(&configuration, (struct text){bytes ? bytes : "", length}, central, error);
    if (status == 0)
        status =
            settings_override(&configuration.process.agent, getenv("POSTERN_SOCKET"), getenv("POSTERN_STATE"), error);
    if (status < 0)
        return status;
    if (configuration.process.samples.enabled == SAMPLES_AUTO)
        configuration.process.samples.enabled = configuration.collector.urls.count > 0 ? SAMPLES_YES : SAMPLES_NO;
    *result = configuration;
    memset(&configuration, 0, sizeof configuration);
    return 0;
}

int configuration_keep(struct configuration *configuration, const struct configuration *in_force, char *told,
                       size_t size, struct error *error)
{
    struct option_binding next[CONFIGURATION_BINDINGS], now[CONFIGURATION_BINDINGS];
    struct configuration copy = *in_force; /* bindings are made for those that write; nothing is written to it */
    char names[160];
    configuration_bind(configuration, next);
    configuration_bind(&copy, now);
    int code = options_keep(next, now, names, sizeof names, error);
    if (code == 0 && names[0])
        snprintf(told, size, "a restart is needed for %s; until then the old value stands", names);
    return code;
}

static int add_values(struct buffer *bundle, const struct option_binding *process, const struct judge_settings *judge,
                      struct error *error)
{
    CLEANUP(buffer_clear) struct buffer values;
    buffer_init(&values, 4 * CONFIG_MOST);
    bool good = process ? options_print_values(process, &values) : judge_settings_print(judge, &values);
    if (!good)
        return error_set(error, ENOMEM, "no memory for the configuration");
    return bundle_add(bundle, process ? TEXT(BUNDLE_PROCESS) : TEXT(BUNDLE_JUDGE), buffer_text(&values), error);
}

int configuration_bundle(struct configuration *configuration, struct buffer *result, struct error *error)
{
    struct option_binding process[PROCESS_BINDINGS + 1];
    process_settings_bind(&configuration->process, process);
    bundle_init(result);
    int status = bundle_add(result, TEXT(BUNDLE_SOURCE), text_of(configuration->source), error);
    if (status == 0)
        status = add_values(result, process, NULL, error);
    if (status == 0)
        status = add_values(result, NULL, configuration->judge, error);
    for (size_t i = 0; i < configuration->file_count && status == 0; i++) {
        const struct named_file *file = &configuration->files[i];
        status = bundle_add(result, text_of(file->name), (struct text){file->bytes, file->length}, error);
    }
    if (status < 0)
        buffer_clear(result);
    return status;
}

/* --- the collector's part --- */

struct secret_file {
    char *bytes;
    size_t length;
};

static void free_secret(struct secret_file *file)
{
    if (file->bytes)
        explicit_bzero(file->bytes, file->length);
    free(file->bytes);
    file->bytes = NULL;
}

/* Not among the configuration's files, which all processes are given. */
static int read_secret(const struct configuration *configuration, const char *name, struct secret_file *result,
                       struct error *error)
{
    return name[0] ? read_named(configuration, name, &result->bytes, &result->length, error) : 0;
}

int configuration_collector(struct configuration *configuration, struct buffer *result, struct error *error)
{
    struct collector_settings *settings = &configuration->collector;
    CLEANUP(free_secret) struct secret_file token = {0}, authority = {0};
    CLEANUP(free_secret) struct secret_file certificate = {0}, key = {0};
    bundle_init(result);
    if (settings->urls.count == 0)
        return 0;
    int status = read_secret(configuration, settings->token_file, &token, error);
    if (status == -ENOENT) /* who is known needs it no more */
        status = 0;
    if (status == 0)
        status = read_secret(configuration, settings->authority, &authority, error);
    if (status == 0)
        status = read_secret(configuration, settings->certificate, &certificate, error);
    if (status == 0)
        status = read_secret(configuration, settings->key, &key, error);
    if (status < 0)
        return status;
    const struct collector_secrets secrets = {token.bytes ? (struct text){token.bytes, token.length}
                                                          : text_of(settings->token),
                                              {authority.bytes ? authority.bytes : "", authority.length},
                                              {certificate.bytes ? certificate.bytes : "", certificate.length},
                                              {key.bytes ? key.bytes : "", key.length}};
    return collector_write(settings, &secrets, result, error);
}
