/* See journal_copy.h. */
#include "common/io/journal_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <unistd.h>
#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/io/journal_line.h"
#include "common/text.h"

#define STEP    256 /* entries */
#define NUMBERS 24

struct journal_copy {
    sd_journal *journal;
    int into, file; /* -1: to be opened, and where to go on to be found */
    uint64_t length, size;
    struct buffer line;
    size_t written; /* bytes behind the file's last whole line: of the next entry's line, if it is there still */
    bool standing;  /* the journal stands on an entry that was not copied yet */
    struct journal_copy_counters counters;
};

static int fail(struct error *error, int code, const char *what)
{
    return error_set(error, code, "%s: %s", what, strerror(code));
}

/* --- the file ------------------------------------------------------------------------------------------------------
 */

static void name_of(unsigned number, char result[NUMBERS + sizeof JOURNAL_COPY_NAME])
{
    if (number == 0)
        memcpy(result, JOURNAL_COPY_NAME, sizeof JOURNAL_COPY_NAME);
    else
        snprintf(result, NUMBERS + sizeof JOURNAL_COPY_NAME, "%s.%u", JOURNAL_COPY_NAME, number);
}

static int rotate(struct journal_copy *copy, struct error *error)
{
    char from[NUMBERS + sizeof JOURNAL_COPY_NAME], to[NUMBERS + sizeof JOURNAL_COPY_NAME];
    for (unsigned number = JOURNAL_COPY_FILES - 1; number > 0; number--) {
        name_of(number - 1, from);
        name_of(number, to);
        if (renameat(copy->into, from, copy->into, to) != 0 && errno != ENOENT)
            return fail(error, errno, "cannot rename the copy of the journal");
    }
    close(copy->file);
    copy->file = openat(copy->into, JOURNAL_COPY_NAME, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    copy->length = 0;
    return copy->file < 0 ? fail(error, errno, "cannot begin the next copy of the journal") : 0;
}

/* The last whole line's cursor, and how many bytes stand behind it. 1: there is one. */
static int last_cursor(int file, uint64_t size, char cursor[JOURNAL_LINE_CURSOR], size_t *behind)
{
    /* Two of the longest lines hold at least one whole one. */
    size_t room = 2 * JOURNAL_LINE_MOST;
    off_t from = size > room ? (off_t)(size - room) : 0;
    char *bytes = malloc(room);
    ssize_t got = bytes ? pread(file, bytes, room, from) : -1;
    int found = got < 0 ? -errno : 0;
    const char *end = got > 0 ? memrchr(bytes, '\n', (size_t)got) : NULL;
    if (end) {
        const char *start = memrchr(bytes, '\n', (size_t)(end - bytes));
        start = start ? start + 1 : bytes;
        const char *first = memchr(start, ' ', (size_t)(end - start));
        const char *second = first ? memchr(first + 1, ' ', (size_t)(end - first - 1)) : NULL;
        if (second && second - first - 1 < JOURNAL_LINE_CURSOR && second - first > 1) {
            memcpy(cursor, first + 1, (size_t)(second - first - 1));
            cursor[second - first - 1] = 0;
            found = 1;
        }
        *behind = (size_t)(bytes + got - end - 1);
    } else if (got >= 0) {
        *behind = (size_t)got;
    }
    free(bytes);
    return found;
}

/* Of the files before the current one, newest first. */
static int older_cursor(struct journal_copy *copy, char cursor[JOURNAL_LINE_CURSOR])
{
    int found = 0;
    for (unsigned number = 1; number < JOURNAL_COPY_FILES && found == 0; number++) {
        char name[NUMBERS + sizeof JOURNAL_COPY_NAME];
        struct stat status;
        size_t behind = 0;
        name_of(number, name);
        int file = openat(copy->into, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (file >= 0 && fstat(file, &status) == 0)
            found = last_cursor(file, (uint64_t)status.st_size, cursor, &behind);
        if (file >= 0)
            close(file);
    }
    return found;
}

/* --- where to go on ------------------------------------------------------------------------------------------------
 */

static int seek_end(struct journal_copy *copy, struct error *error)
{
    int code = sd_journal_seek_tail(copy->journal);
    /* Behind the tail there is no place to stand on; the entry before it is one. Without any, all that comes is new. */
    if (code >= 0)
        code = sd_journal_previous(copy->journal);
    if (code == 0)
        code = sd_journal_seek_head(copy->journal);
    return code < 0 ? fail(error, -code, "cannot find the journal's end") : 0;
}

/* Stand on the entry of the cursor, so that the next one is the next. */
static int seek(struct journal_copy *copy, const char *cursor, struct error *error)
{
    int code = sd_journal_seek_cursor(copy->journal, cursor);
    /* A damaged line says no place: what comes now is copied, and that something may lack is said. */
    if (code == -EINVAL) {
        copy->counters.missed++;
        return seek_end(copy, error);
    }
    if (code >= 0)
        code = sd_journal_next(copy->journal);
    if (code < 0)
        return fail(error, -code, "cannot go on in the journal");
    if (code > 0 && sd_journal_test_cursor(copy->journal, cursor) > 0)
        return 0;
    /* It is not there any more; where there is a later one, we stand on it. */
    copy->counters.missed++;
    copy->standing = code > 0;
    return 0;
}

static int resume(struct journal_copy *copy, struct error *error)
{
    char cursor[JOURNAL_LINE_CURSOR];
    struct stat status;
    size_t behind = 0;
    int file = openat(copy->into, JOURNAL_COPY_NAME, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (file < 0 || fstat(file, &status) != 0) {
        int code = errno;
        if (file >= 0)
            close(file);
        return fail(error, code, "cannot open the copy of the journal");
    }
    int found = last_cursor(file, (uint64_t)status.st_size, cursor, &behind);
    if (found == 0)
        found = older_cursor(copy, cursor);
    copy->written = behind;
    copy->standing = false;
    int code = found < 0    ? fail(error, -found, "cannot read the copy of the journal")
               : found == 0 ? seek_end(copy, error)
                            : seek(copy, cursor, error);
    if (code < 0) {
        close(file);
        return code;
    }
    copy->file = file;
    copy->length = (uint64_t)status.st_size;
    return 0;
}

/* --- copying -------------------------------------------------------------------------------------------------------
 */

/* Whether what stands behind the last whole line is the beginning of the line that comes now. It is not, where the
 * entry that it was of is gone from the journal, or where a power cut left other bytes. */
static bool is_begun(struct journal_copy *copy)
{
    size_t begun = copy->written;
    if (begun == 0 || begun >= copy->line.length)
        return false;
    char *bytes = malloc(begun);
    bool same = bytes && pread(copy->file, bytes, begun, (off_t)(copy->length - begun)) == (ssize_t)begun &&
                memcmp(bytes, copy->line.bytes, begun) == 0;
    free(bytes);
    return same;
}

static int write_line(struct journal_copy *copy, struct error *error)
{
    size_t from = is_begun(copy) ? copy->written : 0;
    /* What stands there of a line that we cannot give any more is ended: it is nobody's. */
    if (copy->written > 0 && from == 0) {
        if (write(copy->file, "\n", 1) != 1)
            return fail(error, errno, "cannot copy the journal");
        copy->length++;
    }
    copy->written = 0;
    while (from < copy->line.length) {
        ssize_t done = write(copy->file, copy->line.bytes + from, copy->line.length - from);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail(error, done < 0 ? errno : ENOSPC, "cannot copy the journal");
        from += (size_t)done;
        copy->length += (uint64_t)done;
    }
    copy->counters.copied++;
    return copy->length >= copy->size ? rotate(copy, error) : 0;
}

static int copy_entry(struct journal_copy *copy, struct error *error)
{
    if (journal_line_is_persons(copy->journal)) {
        copy->counters.left_out++;
        return 0;
    }
    int code = journal_line_render(copy->journal, &copy->line, error);
    return code < 0 ? code : write_line(copy, error);
}

int journal_copy_step(struct journal_copy *copy, struct error *error)
{
    int code = sd_journal_process(copy->journal);
    if (code < 0)
        return fail(error, -code, "cannot follow the journal");
    code = copy->file < 0 ? resume(copy, error) : 0;
    for (int n = 0; n < STEP && code == 0; n++) {
        code = copy->standing ? 1 : sd_journal_next(copy->journal);
        copy->standing = false;
        if (code == 0)
            return 0;
        code = code < 0 ? fail(error, -code, "cannot read the journal") : copy_entry(copy, error);
    }
    if (code == 0)
        return 1;
    if (copy->file >= 0)
        close(copy->file);
    copy->file = -1;
    return code;
}

/* --- beginning and end ---------------------------------------------------------------------------------------------
 */

int journal_copy_open(const struct journal_copy_settings *settings, int into, struct journal_copy **result,
                      struct error *error)
{
    CLEANUP(journal_copy_close) struct journal_copy *copy = calloc(1, sizeof *copy);
    if (!copy) {
        close(into);
        return fail(error, ENOMEM, "cannot copy the journal");
    }
    *copy = (struct journal_copy){.into = into, .file = -1, .size = settings->size};
    buffer_init(&copy->line, JOURNAL_LINE_MOST);
    int code = settings->folder ? sd_journal_open_directory(&copy->journal, settings->folder, 0)
                                : sd_journal_open(&copy->journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
    if (code < 0)
        return error_set(error, -code, "cannot open the journal%s%s: %s", settings->folder ? " in " : "",
                         settings->folder ? settings->folder : "", strerror(-code));
    code = journal_line_choose(copy->journal, settings->identifiers, error);
    if (code == 0)
        code = sd_journal_get_fd(copy->journal) < 0 ? fail(error, EIO, "cannot watch the journal") : 0;
    if (code == 0)
        code = resume(copy, error);
    if (code == 0)
        *result = TAKE(copy);
    return code;
}

void journal_copy_close(struct journal_copy **owner)
{
    struct journal_copy *copy = TAKE(*owner);
    if (!copy)
        return;
    sd_journal_close(copy->journal);
    if (copy->file >= 0)
        close(copy->file);
    close(copy->into);
    buffer_clear(&copy->line);
    free(copy);
}

bool journal_copy_sees(const struct journal_copy *copy)
{
    uint64_t bytes = 0;
    return sd_journal_get_usage(copy->journal, &bytes) >= 0 && bytes > 0;
}

int journal_copy_descriptor(const struct journal_copy *copy)
{
    return sd_journal_get_fd(copy->journal);
}

struct journal_copy_counters journal_copy_counters(const struct journal_copy *copy)
{
    return copy->counters;
}
