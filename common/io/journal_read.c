/* See journal_read.h. */
#include "common/io/journal_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <unistd.h>
#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/io/journal_line.h"

#define SIGNATURE "LPKSHHRH"

struct journal_read {
    sd_journal *journal;
    struct buffer line;
};

bool journal_read_is(const char *path)
{
    char first[sizeof SIGNATURE - 1];
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    if (!S_ISREG(status.st_mode))
        return S_ISDIR(status.st_mode);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool same = file >= 0 && pread(file, first, sizeof first, 0) == (ssize_t)sizeof first &&
                memcmp(first, SIGNATURE, sizeof first) == 0;
    if (file >= 0)
        close(file);
    return same;
}

static int open_journal(const char *path, sd_journal **journal)
{
    struct stat status;
    const char *paths[] = {path, NULL};
    if (stat(path, &status) != 0)
        return -errno;
    return S_ISDIR(status.st_mode) ? sd_journal_open_directory(journal, path, 0)
                                   : sd_journal_open_files(journal, paths, 0);
}

int journal_read_open(const char *path, const char *const *identifiers, struct journal_read **result,
                      struct error *error)
{
    CLEANUP(journal_read_close) struct journal_read *read = calloc(1, sizeof *read);
    if (!read)
        return error_set(error, ENOMEM, "%s: %s", path, strerror(ENOMEM));
    buffer_init(&read->line, JOURNAL_LINE_MOST);
    uint64_t bytes = 0;
    int code = open_journal(path, &read->journal);
    if (code >= 0)
        code = sd_journal_get_usage(read->journal, &bytes);
    /* A folder may hold none, or none that we may read; the library keeps silent about both. */
    if (code >= 0 && bytes == 0)
        return error_set(error, ENOENT, "%s: there is no file of the systemd journal that we may read", path);
    if (code < 0)
        return error_set(error, -code, "%s: cannot read this journal: %s", path, strerror(-code));
    code = journal_line_choose(read->journal, identifiers, error);
    if (code == 0)
        *result = TAKE(read);
    return code;
}

void journal_read_close(struct journal_read **owner)
{
    struct journal_read *read = TAKE(*owner);
    if (!read)
        return;
    sd_journal_close(read->journal);
    buffer_clear(&read->line);
    free(read);
}

int journal_read_next(struct journal_read *read, struct text *line, struct error *error)
{
    int code;
    do
        code = sd_journal_next(read->journal);
    while (code > 0 && journal_line_is_persons(read->journal));
    if (code < 0)
        return error_set(error, -code, "cannot read the journal: %s", strerror(-code));
    if (code == 0)
        return 0;
    code = journal_line_render(read->journal, &read->line, error);
    *line = (struct text){read->line.bytes, read->line.length};
    return code < 0 ? code : 1;
}
