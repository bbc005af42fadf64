/* See scribe.h. */
#include "agent/scribe/scribe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/message/settings.h"
#include "common/cleanup.h"
#include "common/io/journal_copy.h"
#include "common/io/log.h"
#include "common/io/sandbox.h"

#define PAUSE_MOST 60000 /* milliseconds between tries where the disk is full */

/* Files of the journal, which come and go, and our own. */
static const int allowed_calls[] = {SCMP_SYS(openat),
                                    SCMP_SYS(newfstatat),
                                    SCMP_SYS(fstatfs),
                                    SCMP_SYS(statx),
                                    SCMP_SYS(getdents64),
                                    SCMP_SYS(inotify_add_watch),
                                    SCMP_SYS(inotify_rm_watch),
                                    SCMP_SYS(fcntl),
                                    SCMP_SYS(lseek),
                                    SCMP_SYS(pread64),
                                    SCMP_SYS(poll),
                                    SCMP_SYS(ppoll),
                                    SCMP_SYS(readlink),
                                    SCMP_SYS(readlinkat),
                                    SCMP_SYS(rename),
                                    SCMP_SYS(renameat),
                                    SCMP_SYS(renameat2),
                                    SCMP_SYS(getpid),
                                    SCMP_SYS(gettid),
                                    SCMP_SYS(getrlimit),
                                    SCMP_SYS(prlimit64),
                                    SCMP_SYS(sysinfo),
                                    SANDBOX_END};

static int open_copy(const struct role_start *start, const struct logs_settings *logs, struct journal_copy **result,
                     struct error *error)
{
    const char *programs[sizeof(logs->journal_programs.items) / sizeof(logs->journal_programs.items[0]) + 1] = {NULL};
    for (uint32_t i = 0; i < logs->journal_programs.count; i++)
        programs[i] = logs->journal_programs.items[i];
    const struct journal_copy_settings settings = {
        .folder = logs->journal_folder[0] ? logs->journal_folder : NULL,
        .identifiers = programs,
        .size = JOURNAL_COPY_SIZE,
    };
    int into = open(start->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (into < 0)
        return error_set(error, errno, "cannot open %s: %s", start->state, strerror(errno));
    return journal_copy_open(&settings, into, result, error);
}

/* Until the process is ended. A trouble is said once, until it is over. */
static void copy_for_ever(const struct log *log, struct journal_copy *copy)
{
    int pause = JOURNAL_COPY_WAIT;
    uint64_t missed = 0;
    bool troubled = false;
    for (;;) {
        struct error error = {0};
        int more = journal_copy_step(copy, &error);
        if (more < 0 && !troubled)
            log_write(log, LOG_TROUBLE, "%s", error.text);
        if (more >= 0 && troubled)
            log_write(log, LOG_NEWS, "the journal is copied again");
        troubled = more < 0;
        pause = !troubled ? JOURNAL_COPY_WAIT : pause * 2 < PAUSE_MOST ? pause * 2 : PAUSE_MOST;
        if (journal_copy_counters(copy).missed > missed)
            log_write(log, LOG_TROUBLE_AHEAD, "the journal had dropped entries before they were read");
        missed = journal_copy_counters(copy).missed;
        struct pollfd watch = {journal_copy_descriptor(copy), troubled ? 0 : POLLIN, 0};
        if (more <= 0)
            (void)poll(&watch, 1, pause);
    }
}

int scribe_main(const struct role_start *start)
{
    struct log log = log_open("scribe");
    struct error error = {0};
    struct process_settings settings = {0};
    CLEANUP(journal_copy_close) struct journal_copy *copy = NULL;
    int code = process_settings_read(start->listener, &settings, &error);
    umask(0027);
    if (code == 0)
        code = open_copy(start, &settings.logs, &copy, &error);
    if (code == 0 && !journal_copy_sees(copy))
        log_write(&log, LOG_TROUBLE_AHEAD,
                  "there is no systemd journal that we may read yet; [logs] groups says whose");
    if (code == 0)
        code = sandbox_enter(allowed_calls, &error);
    if (code == 0)
        copy_for_ever(&log, copy);
    log_write(&log, LOG_TROUBLE, "%s", error.text);
    return 1;
}
