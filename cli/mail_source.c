/* See mail_source.h. A mailbox is read line by line, so that it may be larger than memory. */
#include "cli/mail_source.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "common/buffer.h"
#include "common/cleanup.h"

#define LINE ((size_t)64 * 1024) /* bytes that are read at a time: a longer line comes in pieces */

struct reading {
    struct mail_source *source;
    FILE *file;
    const char *where;
    struct buffer message;
    bool too_large, mailbox;
};

/* --- messages --- */

/* A header field begins it, or spaces and then nothing else would. */
static bool is_message(struct text bytes)
{
    while (bytes.length > 0 && (bytes.bytes[0] == '\n' || bytes.bytes[0] == '\r')) {
        bytes.bytes++;
        bytes.length--;
    }
    struct text line = text_split(&bytes, '\n');
    const char *colon = line.length ? memchr(line.bytes, ':', line.length) : NULL;
    for (const char *at = line.bytes; colon && at < colon; at++)
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
            return false;
    return colon && colon > line.bytes;
}

static void end_message(struct reading *reading)
{
    struct mail_source *source = reading->source;
    struct text message = buffer_text(&reading->message);
    if (reading->mailbox && message.length > 0 && message.bytes[message.length - 1] == '\n' &&
        (message.length == 1 || message.bytes[message.length - 2] == '\n' ||
         (message.bytes[message.length - 2] == '\r' && message.length > 2 &&
          message.bytes[message.length - 3] == '\n')))
        message.length -=
            message.length > 1 && message.bytes[message.length - 2] == '\r' ? 2 : 1; /* the mailbox's own */
    if (reading->too_large)
        source->too_large++;
    else if (message.length > 0 && !is_message(message))
        source->not_mail++;
    else if (message.length > 0) {
        source->messages++;
        source->enough = !source->each(source->context, reading->where, message);
    }
    reading->too_large = false;
    reading->message.length = 0;
}

/* ">From " and ">>From " had a ">" less before they came into the mailbox. */
static struct text unquoted(struct text line)
{
    size_t quotes = 0;
    while (quotes < line.length && line.bytes[quotes] == '>')
        quotes++;
    if (quotes > 0 && line.length - quotes >= 5 && memcmp(line.bytes + quotes, "From ", 5) == 0)
        line = (struct text){line.bytes + 1, line.length - 1};
    return line;
}

static int read_file(struct reading *reading, struct error *error)
{
    char *line = malloc(LINE);
    bool begins = true, after_empty = true, first = true; /* begins: the piece begins a line */
    if (line == NULL)
        return error_set(error, ENOMEM, "out of memory");
    while (!reading->source->enough) {
        size_t length = 0;
        int byte = 0;
        while (length < LINE && byte != '\n' && (byte = getc_unlocked(reading->file)) != EOF)
            line[length++] = (char)byte;
        if (length == 0)
            break;
        reading->source->bytes += length;
        struct text piece = {line, length};
        bool starts = begins && after_empty && length >= 5 && memcmp(line, "From ", 5) == 0;
        if (first)
            reading->mailbox = starts;
        if (starts && reading->mailbox) {
            if (!first)
                end_message(reading);
        } else {
            if (begins && reading->mailbox)
                piece = unquoted(piece);
            reading->too_large |= !buffer_append(&reading->message, piece);
        }
        after_empty = begins && (length == 1 || (length == 2 && line[0] == '\r')) && byte == '\n';
        begins = byte == '\n';
        first = false;
    }
    free(line);
    if (ferror(reading->file))
        return error_set(error, errno, "cannot read %s: %s", reading->where, strerror(errno));
    if (!reading->source->enough)
        end_message(reading);
    return 0;
}

static int read_stream(struct mail_source *source, FILE *file, const char *where, struct error *error)
{
    struct reading reading = {.source = source, .file = file, .where = where};
    buffer_init(&reading.message, MAIL_SOURCE_MOST);
    int status = read_file(&reading, error);
    buffer_clear(&reading.message);
    return status;
}

/* --- files and directories --- */

static bool is_left_out(const FTSENT *entry)
{
    static const char *const indexes[] = {"dovecot", "courier", "maildirfolder", "cyrus."};
    struct stat beside;
    char path[4096];
    if (entry->fts_level == FTS_ROOTLEVEL)
        return false;
    if (entry->fts_name[0] == '.')
        return true;
    for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++)
        if (strncmp(entry->fts_name, indexes[i], strlen(indexes[i])) == 0)
            return true;
    if (entry->fts_info != FTS_D || strcmp(entry->fts_name, "tmp") != 0)
        return false;
    int length = snprintf(path, sizeof path, "%s/../cur", entry->fts_path);
    return length > 0 && (size_t)length < sizeof path && stat(path, &beside) == 0;
}

static int by_name(const FTSENT **one, const FTSENT **other)
{
    return strcmp((*one)->fts_name, (*other)->fts_name);
}

static int open_tree(const char *path, FTS **result, struct error *error)
{
    char *copy = strdup(path), *paths[] = {copy, NULL};
    *result = copy ? fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name) : NULL;
    int failure = *result ? 0 : error_set(error, errno, "cannot read %s: %s", path, strerror(errno));
    free(copy);
    return failure;
}

/* NULL: there are no more. Only regular files, and what could not be looked at (fts_errno). */
static FTSENT *next_file(FTS *tree)
{
    for (FTSENT *entry; (entry = fts_read(tree));) {
        if (entry->fts_info == FTS_D && is_left_out(entry))
            fts_set(tree, entry, FTS_SKIP);
        else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS ||
                 (entry->fts_info == FTS_F && !is_left_out(entry)))
            return entry;
        else if (entry->fts_info == FTS_DEFAULT && entry->fts_level == FTS_ROOTLEVEL)
            return entry; /* a pipe that was named */
    }
    return NULL;
}

static void close_tree(FTS **tree)
{
    if (*tree)
        fts_close(*tree);
}

static int read_entry(struct mail_source *source, const FTSENT *entry, struct error *error)
{
    if (entry->fts_info != FTS_F && entry->fts_info != FTS_DEFAULT)
        return error_set(error, entry->fts_errno, "cannot read %s: %s", entry->fts_path, strerror(entry->fts_errno));
    FILE *file = fopen(entry->fts_path, "re");
    if (!file)
        return error_set(error, errno, "cannot read %s: %s", entry->fts_path, strerror(errno));
    int status = read_stream(source, file, entry->fts_path, error);
    fclose(file);
    return status;
}

int mail_source_read(struct mail_source *source, const char *path, struct error *error)
{
    if (strcmp(path, "-") == 0)
        return read_stream(source, stdin, "standard input", error);
    CLEANUP(close_tree) FTS *tree = NULL;
    int status = open_tree(path, &tree, error);
    for (FTSENT *entry; status == 0 && !source->enough && (entry = next_file(tree));)
        status = read_entry(source, entry, error);
    return status;
}

uint64_t mail_source_size(const char *path)
{
    CLEANUP(close_tree) FTS *tree = NULL;
    struct error error;
    uint64_t size = 0;
    if (strcmp(path, "-") == 0 || open_tree(path, &tree, &error) < 0)
        return 0;
    for (FTSENT *entry; (entry = next_file(tree));)
        if (entry->fts_info == FTS_F)
            size += (uint64_t)entry->fts_statp->st_size;
    return size;
}
