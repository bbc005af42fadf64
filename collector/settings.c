/* Options are declared once, here; the example file and the manual page are printed from the tables. */
#include "collector/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "common/cleanup.h"

#define SQLITE    "sqlite:"
#define FILE_MOST ((size_t)1024 * 1024)

static const struct option server_options[] = {
    FIXED_OPTION(OPTION_TEXT, char[OPTION_TEXT_SIZE], "server", struct settings, listen, "127.0.0.1:8025",
                 .text = "Address and port to listen on; [::]:8025 is every address of the machine."),
    FIXED_OPTION(OPTION_TEXT, char[OPTION_TEXT_SIZE], "server", struct settings, certificate, "",
                 .text =
                     "File with the server's certificate and those above it (PEM). Without one there is no TLS: then "
                     "listen on this machine only, or behind a proxy."),
    FIXED_OPTION(OPTION_TEXT, char[OPTION_TEXT_SIZE], "server", struct settings, key, "",
                 .text = "File with the certificate's key (PEM)."),
    FIXED_OPTION(OPTION_TEXT, char[OPTION_TEXT_SIZE], "server", struct settings, authority, "",
                 .text =
                     "File with the authority (PEM) that signs nodes' certificates. Where it is set a node needs such "
                     "a certificate beside its secret."),
    FIXED_OPTION(OPTION_COUNT, uint32_t, "server", struct settings, connections, "4096", .least = "8", .most = "100000",
                 .text = "Connections at one time."),
    FIXED_OPTION(OPTION_COUNT, uint32_t, "server", struct settings, connections_per_address, "256", .least = "2",
                 .most = "100000",
                 .text = "Connections at one time from one address. More where many nodes are behind one."),
    FIXED_OPTION(OPTION_DURATION, duration, "server", struct settings, head_time, "15s", .least = "1s", .most = "10m",
                 .text = "How long the first request's head may take to arrive, and a TLS handshake before it."),
    FIXED_OPTION(OPTION_DURATION, duration, "server", struct settings, idle_time, "75s", .least = "1s", .most = "1h",
                 .text = "How long a connection stays open until the next request is there."),
    FIXED_OPTION(OPTION_DURATION, duration, "server", struct settings, body_time, "60s", .least = "1s", .most = "1h",
                 .text = "How long a request's body may take to arrive, and an answer to be fetched."),
    {.key = NULL},
};

static const struct option store_options[] = {
    FIXED_OPTION(OPTION_TEXT, char[OPTION_TEXT_SIZE], "store", struct settings, where,
                 "sqlite:/var/lib/postern-collector/collector.db",
                 .text = "Where all is kept: sqlite:PATH, or a PostgreSQL URI (postgresql://user@host/database)."),
    {.key = NULL},
};

static bool check_server(const void *settings, struct error *error)
{
    const struct settings *given = settings;
    if ((given->certificate[0] == '\0') != (given->key[0] == '\0'))
        return error_set(error, EINVAL,
                         "certificate: it needs its key, and the key its certificate; name both or none"),
               false;
    if (given->authority[0] && !given->certificate[0])
        return error_set(error, EINVAL, "authority: there is no TLS without a certificate; name one"), false;
    return true;
}

static bool check_store(const void *settings, struct error *error)
{
    const char *where = ((const struct settings *)settings)->where;
    if (strncmp(where, SQLITE, strlen(SQLITE)) == 0 || strncmp(where, "postgresql://", 13) == 0)
        return true;
    return error_set(error, EINVAL, "where: neither sqlite:PATH nor postgresql://..."), false;
}

void settings_bind(struct settings *settings, struct option_binding result[SETTINGS_BINDINGS])
{
    result[0] = (struct option_binding){server_options, settings, check_server, "How nodes and people reach it."};
    result[1] = (struct option_binding){store_options, settings, check_store, "What it knows, durable."};
    result[2] = (struct option_binding){.options = NULL};
}

static void close_file(FILE **file)
{
    if (*file)
        fclose(*file);
    *file = NULL;
}

static void free_bytes(char **bytes)
{
    free(*bytes);
    *bytes = NULL;
}

int settings_read_file(const char *path, char **result, size_t *length, struct error *error)
{
    CLEANUP(close_file) FILE *file = fopen(path, "re");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) < 0)
        return error_set(error, errno, "cannot read %s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return error_set(error, EISDIR, "cannot read %s: it is a directory", path);
    CLEANUP(free_bytes) char *bytes = malloc(FILE_MOST + 1);
    if (bytes == NULL)
        return error_set(error, ENOMEM, "no memory for %s", path);
    *length = fread(bytes, 1, FILE_MOST, file);
    if (ferror(file))
        return error_set(error, EIO, "cannot read %s: %s", path, strerror(errno));
    if (*length == FILE_MOST)
        return error_set(error, EFBIG, "cannot read %s: it is larger than 1 MB", path);
    bytes[*length] = '\0';
    *result = TAKE(bytes);
    return 0;
}

int settings_make_folder(const struct settings *settings, struct error *error)
{
    const char *path = settings->where + strlen(SQLITE), *slash = strrchr(settings->where, '/');
    char folder[OPTION_TEXT_SIZE];
    if (strncmp(settings->where, SQLITE, strlen(SQLITE)) != 0 || slash == NULL || slash <= path)
        return 0;
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return error_set(error, errno, "cannot make %s: %s", folder, strerror(errno));
    return 0;
}

static int override(const char *variable, char value[OPTION_TEXT_SIZE], struct error *error)
{
    const char *given = getenv(variable);
    if (given == NULL || given[0] == '\0')
        return 0;
    if (strlen(given) >= OPTION_TEXT_SIZE)
        return error_set(error, ENAMETOOLONG, "%s is too long", variable);
    strcpy(value, given);
    return 0;
}

int settings_read(const char *path, struct settings *result, struct error *error)
{
    struct option_binding bindings[SETTINGS_BINDINGS];
    CLEANUP(free_bytes) char *bytes = NULL;
    size_t length = 0;
    const char *variable = getenv("POSTERN_CONFIG");
    bool named = path != NULL || (variable && variable[0]);
    memset(result, 0, sizeof *result);
    if (path == NULL)
        path = named ? variable : SETTINGS_CONFIG;
    int status = settings_read_file(path, &bytes, &length, error);
    if (status == 0)
        snprintf(result->source, sizeof result->source, "%s", path);
    else if (status != -ENOENT || named)
        return status;
    settings_bind(result, bindings);
    status = options_read(bindings, (struct text){bytes ? bytes : "", length},
                          result->source[0] ? result->source : "defaults", error);
    if (status == 0)
        status = override("POSTERN_LISTEN", result->listen, error);
    if (status == 0)
        status = override("POSTERN_STORE", result->where, error);
    if (status == 0 && !check_store(result, error))
        status = error_wrap(error, "POSTERN_STORE");
    return status;
}
