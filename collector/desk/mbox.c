/* See mbox.h. A place is the file's number and an offset: a file that was begun anew has another number, or is shorter.
 * What is brought twice nevertheless is known by its content. */
#include "collector/desk/mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "common/buffer.h"

#define PIECE ((size_t)64 * 1024)

struct box {
    const char *path;
    FILE *file;
    uint64_t number; /* of the file */
    off_t end;       /* of what was taken */
    struct buffer message;
    bool too_long;
    const struct taker *taker;
    int taken, most;
    struct error passed_over;
};

static int begin(struct box *box, const char *place, struct error *error)
{
    struct stat state;
    uint64_t number, offset;
    box->file = fopen(box->path, "re");
    if (box->file == NULL || fstat(fileno(box->file), &state) != 0)
        return error_set(error, errno, "cannot read %s: %s", box->path, strerror(errno));
    box->number = state.st_ino;
    if (sscanf(place, "%" SCNu64 " %" SCNu64, &number, &offset) == 2 && number == box->number &&
        (uint64_t)state.st_size >= offset)
        box->end = (off_t)offset;
    /* Another message, or the end, stands there, or it is another mailbox. */
    char from[5];
    bool is_known = fseeko(box->file, box->end, SEEK_SET) == 0;
    size_t length = is_known ? fread(from, 1, sizeof from, box->file) : 0;
    if (length > 0 && (length < sizeof from || memcmp(from, "From ", sizeof from) != 0))
        box->end = 0;
    if (fseeko(box->file, box->end, SEEK_SET) != 0)
        return error_set(error, errno, "cannot read %s: %s", box->path, strerror(errno));
    return 0;
}

/* The message in hand ends before `end`. */
static int end_message(struct box *box, off_t end, struct error *error)
{
    char place[MBOX_PLACE];
    int status = 0;
    snprintf(place, sizeof place, "%" PRIu64 " %" PRIu64, box->number, (uint64_t)end);
    const struct brought brought = {.content = buffer_text(&box->message), .place = place};
    if (box->too_long)
        error_set(&box->passed_over, EMSGSIZE, "a message in %s before byte %" PRIu64 " is longer than %zu bytes",
                  box->path, (uint64_t)end, BROUGHT_MOST);
    else if (box->message.length > 0)
        status = box->taker->take(box->taker->context, &brought, error);
    if (status == 0) {
        box->taken += !box->too_long && box->message.length > 0;
        box->end = end;
    }
    box->too_long = false;
    box->message.length = 0;
    return status;
}

/* ">From " had a ">" less before it came in. */
static void add_piece(struct box *box, struct text line, bool is_line)
{
    size_t quotes = 0;
    while (is_line && quotes < line.length && line.bytes[quotes] == '>')
        quotes++;
    if (quotes > 0 && line.length - quotes >= 5 && memcmp(line.bytes + quotes, "From ", 5) == 0)
        line = (struct text){line.bytes + 1, line.length - 1};
    box->too_long = box->too_long || !buffer_append(&box->message, line);
}

/* A line, or a piece of one that is longer. */
static size_t read_piece(FILE *file, char piece[PIECE])
{
    size_t length = 0;
    for (int byte = 0; length < PIECE && byte != '\n' && (byte = getc_unlocked(file)) != EOF;)
        piece[length++] = (char)byte;
    return length;
}

static int read_lines(struct box *box, char piece[PIECE], struct error *error)
{
    off_t at = box->end;
    bool is_line = true, is_after_empty = true; /* the piece begins a line; the line before was empty */
    size_t length;
    int status = 0;
    while (status == 0 && box->taken < box->most && (length = read_piece(box->file, piece)) > 0) {
        struct text text = {piece, length};
        if (is_line && is_after_empty && length >= 5 && memcmp(piece, "From ", 5) == 0)
            status = end_message(box, at, error);
        else
            add_piece(box, text, is_line);
        at += (off_t)length;
        is_after_empty = is_line && piece[length - 1] == '\n' && text_trim(text).length == 0 && length <= 2;
        is_line = piece[length - 1] == '\n';
    }
    if (status == 0 && ferror(box->file))
        return error_set(error, EIO, "cannot read %s", box->path);
    if (status == 0 && box->taken < box->most && is_after_empty && (box->message.length > 0 || box->too_long))
        status = end_message(box, at, error);
    return status;
}

int mbox_read(const char *path, int most, const char *place, const struct taker *taker, struct error *error)
{
    struct box box = {.path = path, .taker = taker, .most = most};
    buffer_init(&box.message, BROUGHT_MOST);
    char *piece = malloc(PIECE);
    int status = piece ? begin(&box, place, error) : error_set(error, ENOMEM, "no memory for a mailbox");
    if (status == 0)
        status = read_lines(&box, piece, error);
    free(piece);
    if (box.file)
        fclose(box.file);
    buffer_clear(&box.message);
    if (status < 0)
        return status;
    return box.passed_over.code ? error_set(error, EMSGSIZE, "%s", box.passed_over.text) : box.taken;
}
