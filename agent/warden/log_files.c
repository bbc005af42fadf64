#include "agent/warden/log_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/message/role.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/journal_copy.h"
#include "common/io/tail_find.h"

#define RECORD_NAME "logs"

struct log_files {
    sd_event *loop;
    struct log_files_listener listener;
    struct tail_find *find; /* NULL: no watcher has asked yet, or no logs are wanted */
    sd_event_source *source;
    int record;
    char journal[512]; /* the copy of the systemd journal */
};

int log_files_open(sd_event *loop, const char *state, int descriptor, const struct log_files_listener *listener,
                   struct log_files **result, struct error *error)
{
    CLEANUP(log_files_close) struct log_files *files = calloc(1, sizeof(*files));
    if (!files)
        return error_set(error, ENOMEM, "no memory for the logs");
    files->loop = loop;
    files->listener = *listener;
    files->record = openat(descriptor, RECORD_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (files->record < 0)
        return error_set(error, errno, "cannot keep where we are in the logs: %s", strerror(errno));
    snprintf(files->journal, sizeof(files->journal), "%s/" ROLE_SCRIBE_PLACE "/" JOURNAL_COPY_NAME, state);
    *result = TAKE(files);
    return 0;
}

static void stop(struct log_files *files)
{
    files->source = sd_event_source_disable_unref(files->source);
    tail_find_destroy(&files->find);
}

void log_files_close(struct log_files **owner)
{
    struct log_files *files = *owner;
    *owner = NULL;
    if (!files)
        return;
    stop(files);
    if (files->record >= 0)
        close(files->record);
    free(files);
}

void log_files_welcome(struct log_files *files)
{
    union message message;
    int copy = fcntl(files->record, F_DUPFD_CLOEXEC, 0);
    stop(files); /* what this watcher is to be told begins with its question */
    if (copy < 0)
        return;
    message_prepare(&message, MESSAGE_LOG_RECORD, 0);
    files->listener.say(files->listener.context, &message, copy);
}

static void hand_over(struct log_files *files)
{
    struct tail_found found;
    while (files->find && tail_find_next(files->find, clock_now(), &found)) {
        union message message;
        message_prepare(&message, found.descriptor >= 0 ? MESSAGE_LOG_FILE : MESSAGE_LOG_NEWS, 0);
        message.log.news = (uint8_t)found.news;
        message.log.device = found.device;
        message.log.inode = found.inode;
        message.log.changed = found.changed;
        message.log.born = found.born;
        message.log.initial = found.initial;
        memcpy(message.log.source, found.source, sizeof(message.log.source));
        memcpy(message.log.sentence, found.sentence, sizeof(message.log.sentence));
        files->listener.say(files->listener.context, &message, found.descriptor);
    }
}

static int on_news(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    (void)source;
    (void)descriptor;
    (void)events;
    hand_over(context);
    return 0;
}

int log_files_begin(struct log_files *files, const struct logs_settings *settings, moment since, struct error *error)
{
    const char *patterns[sizeof(settings->files.items) / sizeof(settings->files.items[0]) + 2];
    uint32_t count = settings->files.count;
    for (uint32_t i = 0; i < settings->files.count; i++)
        patterns[i] = settings->files.items[i];
    if (settings->journal == LOGS_JOURNAL_YES)
        patterns[count++] = files->journal;
    patterns[count] = NULL;
    stop(files);
    const struct tail_find_settings find = {.patterns = patterns, .since = since};
    int code = tail_find_create(&find, &files->find, error);
    int descriptor = code == 0 ? tail_find_descriptor(files->find) : -1;
    if (descriptor >= 0)
        code = sd_event_add_io(files->loop, &files->source, descriptor, EPOLLIN, on_news, files);
    if (code < 0 && !error->text[0])
        code = error_set(error, -code, "cannot watch the folders of the logs: %s", strerror(-code));
    if (code >= 0)
        hand_over(files);
    return code < 0 ? code : 0;
}

void log_files_tick(struct log_files *files)
{
    hand_over(files);
}
