/* See run.h. */
#include "collector/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include "collector/api/means.h"
#include "collector/api/server.h"
#include "collector/desk/desk.h"
#include "collector/post/post.h"
#include "collector/lookout/watch.h"
#include "collector/zone_file.h"
#include "collector/sorter/releaser.h"
#include "collector/sorter/trainer.h"
#include "collector/sorter/returning.h"
#include "collector/sorter/sorter.h"
#include "common/cleanup.h"
#include "common/io/file.h"
#include "common/io/log.h"

#define PEM_MOST ((size_t)1024 * 1024)

struct centre {
    struct log log;
    sd_event *loop;
    struct server *server;
    char *certificate, *key, *authority;
    struct packing_keys *keys;
    struct means means;
    struct trainer *trainer;
    struct releaser *releaser;
    struct desk *desk;
    struct post *post;
    struct watch *watch;
    struct letters *letters;
    struct calendar_zone *zone; /* by whose clocks reports begin and end */
    struct reading *reading;
    struct sorter *sorter;
    struct returning *returning;
};

static int read_pem(const char *path, char **result, struct error *error)
{
    size_t length;
    return path[0] ? file_read(path, PEM_MOST, result, &length, error) : 0;
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *information, void *context)
{
    const struct centre *centre = context;
    (void)source;
    (void)information;
    sd_notify(0, "STOPPING=1");
    return sd_event_exit(centre->loop, 0);
}

static int make_loop(struct centre *centre, struct error *error)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* before there are threads */
    signal(SIGPIPE, SIG_IGN);
    int code = sd_event_new(&centre->loop);
    if (code >= 0)
        code = sd_event_add_signal(centre->loop, NULL, SIGTERM, on_end, centre);
    if (code >= 0)
        code = sd_event_add_signal(centre->loop, NULL, SIGINT, on_end, centre);
    if (code >= 0)
        code = sd_event_set_watchdog(centre->loop, true);
    return code < 0 ? error_set(error, -code, "cannot make an event loop: %s", strerror(-code)) : 0;
}

/* A node holds a connection each. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int take_back(void *context, const char *message, const struct filter_settings *filter,
                     const struct opinion *opinion)
{
    struct error ignored;
    int status = sorter_returned(context, message, filter->name, opinion, &ignored);
    return status == -ENOENT ? 0 : status; /* forgotten, or none of ours: it need not be brought again */
}

static int make_sorter(struct centre *centre, const struct collector_settings *settings, const char *store,
                       struct error *error)
{
    int code = reading_create(&settings->pictures, NULL, &centre->reading, error);
    const struct sorter_settings sorter = {
        .where = store,
        .filters = &settings->filters,
        .keys = centre->keys,
        .reading = centre->reading,
        .bulk = &settings->bulk,
        .picture_text = settings->pictures.enabled && settings->pictures.text,
    };
    return code == 0 ? sorter_create(&sorter, &centre->sorter, error) : code;
}

/* What is done on the side, each in threads of its own: the schema is there by now. */
static int begin_work(struct centre *centre, const struct collector_settings *settings, const char *store,
                      struct error *error)
{
    const struct trainer_settings trainer = {.store = store,
                                             .filters = settings->filters.items,
                                             .filter_count = settings->filters.count,
                                             .learning = &settings->learning,
                                             .keys = centre->keys,
                                             .forget = settings->keep.audit};
    int code = trainer_create(&trainer, &centre->trainer, error);
    if (code == 0 && settings->quarantine.relay[0])
        code =
            releaser_create(store, &settings->quarantine, centre->keys, settings->keep.audit, &centre->releaser, error);
    if (code == 0)
        code = sorter_begin(centre->sorter, error);
    if (code == 0 && settings->returned.listen[0])
        code = returning_create(&settings->returned, settings->filters.items, settings->filters.count, take_back,
                                centre->sorter, &centre->returning, error);
    centre->means.returning = centre->returning;
    if (code == 0)
        code = desk_create(store, &settings->complaints, centre->keys, centre->reading, settings->pictures.patience,
                           &centre->desk, error);
    const struct post_settings post = {.mail = &settings->mail,
                                       .alerts = &settings->alerts,
                                       .reports = &settings->reports,
                                       .zone = centre->zone,
                                       .letters = centre->letters};
    if (code == 0)
        code = post_create(store, &post, &centre->post, error);
    centre->means.post = centre->post;
    if (code == 0 && centre->watch)
        code = watch_begin(centre->watch, error);
    return code;
}

/* Where a filter still has a thread waiting, that may use reader and keys: they end with the process. */
static void end_sorter(struct centre *centre)
{
    returning_destroy(&centre->returning);
    if (!sorter_destroy(&centre->sorter))
        return;
    reading_destroy(&centre->reading);
    packing_keys_destroy(&centre->keys);
}

/* What stands in files of its own that the configuration names. */
static int read_files(struct centre *centre, const struct collector_settings *settings, struct error *error)
{
    int code = read_pem(settings->certificate, &centre->certificate, error);
    if (code == 0)
        code = read_pem(settings->key, &centre->key, error);
    if (code == 0)
        code = read_pem(settings->authority, &centre->authority, error);
    if (code == 0 && settings->quarantine.key[0])
        code = packing_keys_read(settings->quarantine.key, &centre->keys, error);
    if (code == 0)
        code = zone_file_read(settings->reports.zone, &centre->zone, error);
    return code;
}

static int enter(struct centre *centre, const struct collector_settings *settings, struct error *error)
{
    char store[2 * OPTION_TEXT_SIZE];
    collector_settings_store(settings, store);
    int code = collector_settings_make_state(settings, error);
    if (code == 0)
        code = make_loop(centre, error);
    if (code == 0)
        code = read_files(centre, settings, error);
    raise_descriptors();
    if (code == 0)
        code = make_sorter(centre, settings, store, error);
    if (code == 0 && settings->blacklists.enabled)
        code = watch_create(store, &settings->blacklists, &centre->watch, error);
    if (code == 0)
        code = letters_create(&settings->letters, &settings->mail, centre->watch ? watch_zones(centre->watch) : NULL,
                              &centre->letters, error);
    centre->means = (struct means){.keys = centre->keys,
                                   .quarantine = &settings->quarantine,
                                   .bulk = &settings->bulk,
                                   .mail = &settings->mail,
                                   .alerts = &settings->alerts,
                                   .reports = &settings->reports,
                                   .zone = centre->zone,
                                   .letters = centre->letters,
                                   .filters = settings->filters.items,
                                   .filter_count = settings->filters.count,
                                   .held_back = settings->learning.held_back,
                                   .sorter = centre->sorter,
                                   .watch = centre->watch,
                                   .zones = centre->watch ? watch_zones(centre->watch) : NULL};
    struct store_retention keep = settings->keep;
    keep.bulk = &settings->bulk;
    keep.messages = settings->quarantine.age;
    keep.message_bytes = settings->quarantine.size;
    keep.reports = settings->reports.keep;
    keep.complaints = settings->complaints.keep;
    const struct server_settings server = {
        .address = settings->listen,
        .store = store,
        .keep = keep,
        .means = &centre->means,
        .certificate = centre->certificate,
        .key = centre->key,
        .authority = centre->authority,
        .connections = settings->connections,
        .connections_per_address = settings->connections_per_address,
        .bodies = settings->bodies,
        .head = settings->head,
        .idle = settings->idle,
        .body = settings->body,
    };
    if (code == 0)
        code = server_create(centre->loop, &server, &centre->log, &centre->server, error);
    return code < 0 ? code : begin_work(centre, settings, store, error);
}

int collector_run(const struct collector_settings *settings)
{
    struct centre centre = {.log = log_open("collector")};
    struct error error = {0};
    char text[400];
    int code = enter(&centre, settings, &error);
    if (code == 0) {
        snprintf(text, sizeof text, "listening on %s (port %u)%s", settings->listen, server_port(centre.server),
                 centre.certificate ? ", with TLS" : "");
        log_write(&centre.log, LOG_NEWS, "%s", text);
        sd_notify(0, "READY=1");
        code = sd_event_loop(centre.loop);
    } else {
        fprintf(stderr, "postern-collector: %s\n", error.text);
    }
    post_destroy(&centre.post);
    desk_destroy(&centre.desk);
    releaser_destroy(&centre.releaser);
    trainer_destroy(&centre.trainer);
    server_destroy(&centre.server);
    letters_destroy(&centre.letters);
    watch_destroy(&centre.watch); /* the server and letters have read its zones */
    calendar_zone_destroy(&centre.zone);
    end_sorter(&centre);
    sd_event_unref(centre.loop);
    free(centre.certificate);
    free(centre.key);
    free(centre.authority);
    return code < 0 ? 1 : 0;
}
