/* Starts the server and waits for the signal to end. Everything that was answered is committed, so that ending needs
 * no more than to answer who still waits. */
#include "collector/run.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include "collector/api/server.h"
#include "common/cleanup.h"
#include "common/io/log.h"

struct pem {
    char *certificate, *key, *authority;
};

static void pem_clear(struct pem *pem)
{
    if (pem->key)
        sodium_memzero(pem->key, strlen(pem->key));
    free(pem->certificate);
    free(pem->key);
    free(pem->authority);
    memset(pem, 0, sizeof *pem);
}

static int pem_read(const struct settings *settings, struct pem *pem, struct error *error)
{
    size_t length;
    int status = 0;
    if (settings->certificate[0])
        status = settings_read_file(settings->certificate, &pem->certificate, &length, error);
    if (status == 0 && settings->key[0])
        status = settings_read_file(settings->key, &pem->key, &length, error);
    if (status == 0 && settings->authority[0])
        status = settings_read_file(settings->authority, &pem->authority, &length, error);
    return status;
}

static int watch_signals(sd_event *event, struct error *error)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaddset(&set, numbers[i]);
    int status = sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && status >= 0; i++)
        status = sd_event_add_signal(event, NULL, numbers[i], NULL, NULL); /* ends the loop */
    if (status >= 0)
        status = sd_event_set_watchdog(event, true);
    return status < 0 ? error_set(error, -status, "cannot watch signals: %s", strerror(-status)) : 0;
}

static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int serve(const struct settings *settings, const struct log *log, struct error *error)
{
    CLEANUP(sd_event_unrefp) sd_event *event = NULL;
    CLEANUP(server_destroy) struct server *server = NULL;
    CLEANUP(pem_clear) struct pem pem = {0};
    int status = sodium_init() < 0 ? error_set(error, EIO, "there are no random numbers") : 0;
    if (status == 0 && sd_event_new(&event) < 0)
        status = error_set(error, ENOMEM, "no memory for a loop");
    if (status == 0)
        status = watch_signals(event, error);
    if (status == 0)
        status = pem_read(settings, &pem, error);
    if (status == 0)
        status = settings_make_folder(settings, error);
    if (status < 0)
        return status;
    const struct server_settings given = {
        .address = settings->listen,
        .store = settings->where,
        .certificate = pem.certificate,
        .key = pem.key,
        .authority = pem.authority,
        .connections = settings->connections,
        .connections_per_address = settings->connections_per_address,
        .head = settings->head_time,
        .idle = settings->idle_time,
        .body = settings->body_time,
    };
    raise_descriptors();
    signal(SIGPIPE, SIG_IGN);
    status = server_create(event, &given, log, &server, error);
    if (status < 0)
        return status;
    log_write(log, LOG_NEWS, "listening on %s, port %d%s", settings->listen, server_port(server),
              pem.certificate ? ", TLS" : "");
    sd_notify(0, "READY=1\nSTATUS=listening");
    status = sd_event_loop(event);
    sd_notify(0, "STOPPING=1");
    return status < 0 ? error_set(error, -status, "the loop failed: %s", strerror(-status)) : 0;
}

int run_collector(const struct settings *settings)
{
    struct log log = log_open("postern-collector");
    struct error error = {0};
    if (serve(settings, &log, &error) == 0)
        return 0;
    log_write(&log, LOG_TROUBLE, "%s", error.text);
    return 1;
}
