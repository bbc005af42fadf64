#include "common/io/tail_generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/cleanup.h"

struct generation *generation_create(const char *source, int descriptor, enum generation_state state, moment now)
{
    struct generation *generation = calloc(1, sizeof *generation);
    if (!generation)
        return NULL;
    memcpy(generation->at.source, source, strlen(source) + 1);
    generation->descriptor = descriptor;
    generation->state = state;
    generation->since = now;
    return generation;
}

void generation_close(struct generation *generation)
{
    input_close(&generation->input);
    if (generation->descriptor >= 0)
        close(generation->descriptor);
    generation->descriptor = -1;
}

void generation_destroy(struct generation **pointer)
{
    struct generation *generation = *pointer;
    if (!generation)
        return;
    generation_close(generation);
    free(generation->window);
    free(generation);
    *pointer = NULL;
}

static moment moment_of(struct timespec time)
{
    moment seconds = time.tv_sec < 0 ? 0 : time.tv_sec;
    return seconds * SECOND + time.tv_nsec;
}

static ssize_t read_at(int descriptor, void *bytes, size_t length, uint64_t offset)
{
    ssize_t got;
    do
        got = pread(descriptor, bytes, length, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got;
}

enum generation_look generation_look(struct generation *generation)
{
    struct tail_position *at = &generation->at;
    struct stat status;
    char head[TAIL_HEAD];
    if (fstat(generation->descriptor, &status) < 0)
        return GENERATION_SAME;
    uint64_t size = (uint64_t)status.st_size, reached = at->offset + generation->length;
    moment change = moment_of(status.st_ctim);
    if (size == at->size && change == generation->seen_change && size >= reached)
        return GENERATION_SAME;

    size_t known = at->head, wanted = size < TAIL_HEAD ? (size_t)size : TAIL_HEAD;
    ssize_t got = size < known ? 0 : read_at(generation->descriptor, head, wanted, 0);
    if (got < 0)
        return GENERATION_SAME; /* the disk fails: nothing can be said, and nothing will be read */
    if ((size_t)got < known || (known > 0 && tail_digest(head, known) != at->digest))
        return GENERATION_CUT;
    if (size < reached || size < at->size)
        return GENERATION_SHORTENED;
    if ((size_t)got > known) {
        at->head = (uint32_t)got;
        at->digest = tail_digest(head, (size_t)got);
    }
    at->size = size;
    at->changed = moment_of(status.st_mtim);
    generation->seen_change = change;
    return GENERATION_SAME;
}

static bool make_room(struct generation *generation, size_t room)
{
    if (generation->room >= generation->length + room)
        return true;
    char *window = realloc(generation->window, generation->length + room);
    if (!window)
        return false;
    generation->window = window;
    generation->room = generation->length + room;
    return true;
}

/* Bytes that nobody wrote: a writer without O_APPEND goes on at its old place after a cut, which leaves a hole in front
 * of its line, and NULs up to it in the block where it begins. */
static void pass_nuls(struct generation *generation, uint64_t *passed)
{
    size_t nuls = 0;
    while (nuls < generation->length && generation->window[nuls] == '\0')
        nuls++;
    *passed += nuls;
    generation_use(generation, nuls);
}

/* A sparse file: go on where the next bytes are. */
static bool pass_hole(struct generation *generation, uint64_t *passed)
{
    off_t data = lseek(generation->descriptor, (off_t)generation->at.offset, SEEK_DATA);
    uint64_t next = data < 0 && errno == ENXIO ? generation->at.size : (uint64_t)data;
    if ((data < 0 && errno != ENXIO) || next <= generation->at.offset)
        return false;
    *passed += next - generation->at.offset;
    generation->at.offset = next;
    return true;
}

static ssize_t fill_plain(struct generation *generation, size_t room, enum generation_look *look, uint64_t *passed)
{
    *look = generation_look(generation);
    uint64_t from = generation->at.offset + generation->length;
    if (*look != GENERATION_SAME || generation->at.size <= from)
        return 0;
    if (generation->at.size - from < room)
        room = (size_t)(generation->at.size - from);
    if (!make_room(generation, room))
        return 0;
    char *place = generation->window + generation->length;
    ssize_t got = read_at(generation->descriptor, place, room, from);
    if (got <= 0)
        return 0; /* a failing disk: it is tried again with the next step */
    generation->length += (size_t)got;
    generation->seen_change = 0; /* look closely */
    *look = generation_look(generation);
    if (*look != GENERATION_SAME) {
        generation->length -= (size_t)got;
        return 0;
    }
    if (generation->length > (size_t)got || *place != '\0')
        return got;
    if (pass_hole(generation, passed))
        generation->length = 0;
    else
        pass_nuls(generation, passed);
    return generation->length > 0 ? (ssize_t)generation->length : fill_plain(generation, room, look, passed);
}

/* Unpack until there are bytes behind those that we have. */
static int unpack(struct generation *generation, uint64_t from, struct error *error)
{
    if (!generation->input) {
        int status = input_open_descriptor(generation->descriptor, generation->at.source, &generation->input, error);
        if (status < 0)
            return status;
        generation->unpacked = (struct text){NULL, 0};
        generation->unpacked_at = 0;
        generation->unpacked_last = false;
    }
    while (from - generation->unpacked_at >= generation->unpacked.length && !generation->unpacked_last) {
        size_t passed = generation->unpacked.length;
        int status = input_more(generation->input, passed, &generation->unpacked, &generation->unpacked_last, error);
        if (status < 0)
            return status;
        generation->unpacked_at += passed;
    }
    return 0;
}

static ssize_t fill_packed(struct generation *generation, size_t room, struct error *error)
{
    struct tail_position *at = &generation->at;
    uint64_t from = at->offset + generation->length;
    int status = unpack(generation, from, error);
    if (status < 0)
        return status;
    uint64_t skip = from - generation->unpacked_at, end = generation->unpacked_at + generation->unpacked.length;
    size_t got = skip < generation->unpacked.length ? generation->unpacked.length - (size_t)skip : 0;
    if (got > room)
        got = room;
    if (got > 0 && !make_room(generation, got))
        return error_set(error, ENOMEM, "out of memory");
    if (got > 0)
        memcpy(generation->window + generation->length, generation->unpacked.bytes + skip, got);
    generation->length += got;
    generation->packed_ended = generation->unpacked_last && from + got >= end;
    if (at->size < end)
        at->size = end;
    return (ssize_t)got;
}

ssize_t generation_fill(struct generation *generation, size_t room, enum generation_look *look, uint64_t *passed,
                        struct error *error)
{
    *look = GENERATION_SAME;
    return generation->packed ? fill_packed(generation, room, error) : fill_plain(generation, room, look, passed);
}

char *generation_before(const struct generation *generation, size_t most, struct text *lines)
{
    uint64_t end = generation->at.offset, from = end > most ? end - most : 0;
    size_t length = (size_t)(end - from);
    char *bytes = generation->packed || length == 0 ? NULL : malloc(length);
    if (!bytes)
        return NULL;
    ssize_t got = read_at(generation->descriptor, bytes, length, from);
    const char *begin = bytes;
    if (got > 0 && from > 0) { /* in the middle of a line, most likely */
        const char *newline = memchr(bytes, '\n', (size_t)got);
        begin = newline ? newline + 1 : bytes + got;
    }
    while (got > 0 && begin < bytes + got && *begin == '\0')
        begin++;
    *lines = (struct text){begin, got > 0 ? (size_t)(bytes + got - begin) : 0};
    return bytes;
}

void generation_use(struct generation *generation, size_t bytes)
{
    if (bytes > generation->length)
        bytes = generation->length;
    generation->at.offset += bytes;
    generation->length -= bytes;
    if (bytes > 0)
        memmove(generation->window, generation->window + bytes, generation->length);
    if (generation->length == 0) {
        free(TAKE(generation->window));
        generation->room = 0;
    }
}

static bool is_packed(const char *head, size_t length)
{
    return (length >= 2 && memcmp(head, "\x1f\x8b", 2) == 0) ||
           (length >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0) ||
           (length >= 4 && (head[0] & 0xf0) == 0x50 && memcmp(head + 1, "\x2a\x4d\x18", 3) == 0) ||
           (length >= 6 && (memcmp(head,
                                   "\xfd"
                                   "7zXZ",
                                   6) == 0)) ||
           (length >= 3 && memcmp(head, "BZh", 3) == 0);
}

ssize_t generation_head(int descriptor, const char *name, char head[TAIL_HEAD], bool *packed, struct error *error)
{
    ssize_t got = read_at(descriptor, head, TAIL_HEAD, 0);
    if (got < 0) {
        int code = errno;
        return error_set(error, code, "cannot read beside %s: %s", name, strerror(code));
    }
    *packed = is_packed(head, (size_t)got);
    if (!*packed)
        return got;
    CLEANUP(input_close) struct input *input = NULL;
    struct text window = {NULL, 0};
    bool last = false;
    int status = input_open_descriptor(descriptor, name, &input, error);
    while (status == 0 && window.length < TAIL_HEAD && !last)
        status = input_more(input, 0, &window, &last, error);
    if (status < 0)
        return status;
    size_t length = window.length < TAIL_HEAD ? window.length : TAIL_HEAD;
    memcpy(head, window.bytes, length);
    return (ssize_t)length;
}

bool generation_has_name(const struct generation *generation)
{
    struct stat status;
    return generation->descriptor >= 0 && fstat(generation->descriptor, &status) == 0 && status.st_nlink > 0;
}

bool generation_begins_with(const struct generation *generation, const char *head, size_t length)
{
    return generation->at.head > 0 && generation->at.head <= length &&
           tail_digest(head, generation->at.head) == generation->at.digest;
}
