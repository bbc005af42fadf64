/* Files are read in windows instead of mapped whole. Measured on captures it takes half the processor time: the kernel
 * copies at full speed into a window that stays in the cache, while a reader that hops from record to record through a
 * mapping waits for memory at each. It is also the same for pipes and compressed bytes, and a file that another program
 * cuts short is an early end, not a signal. */
#include "common/io/input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include "common/cleanup.h"

enum { RAW_ROOM = 128 * 1024, MAGIC_LENGTH = 6 };

enum packing { PACKING_UNKNOWN, PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

struct input {
    char *name;
    int descriptor;
    bool descriptor_is_ours;
    bool raw_ended; /* the descriptor has nothing more */
    bool ended;     /* the window has nothing more behind it */
    enum packing packing;
    uint64_t bytes_read, bytes_total;

    uint8_t *window;
    size_t length, room;

    uint8_t *raw; /* compressed bytes that are not unpacked yet */
    size_t raw_at, raw_length;
    z_stream gzip;
    bool gzip_is_open, member_is_open; /* inside a compressed member: the file must not end here */
    ZSTD_DStream *zstd;

    struct error failure; /* said once everything in front of it was handed out */
};

static struct input *create(const char *name)
{
    CLEANUP(input_close) struct input *input = calloc(1, sizeof *input);
    if (!input)
        return NULL;
    input->descriptor = -1;
    input->name = strdup(name);
    input->room = INPUT_WINDOW;
    input->window = malloc(input->room);
    return input->name && input->window ? TAKE(input) : NULL;
}

static int look_at_file(struct input *input, struct error *error)
{
    struct stat status;
    if (input->descriptor < 0 || fstat(input->descriptor, &status) < 0) {
        int code = errno;
        return error_set(error, code, "cannot open %s: %s", input->name, strerror(code));
    }
    if (S_ISDIR(status.st_mode))
        return error_set(error, EISDIR, "cannot open %s: it is a directory", input->name);
    if (S_ISREG(status.st_mode))
        input->bytes_total = (uint64_t)status.st_size;
    return 0;
}

int input_open(const char *path, struct input **result, struct error *error)
{
    bool standard = strcmp(path, "-") == 0;
    CLEANUP(input_close) struct input *input = create(standard ? "standard input" : path);
    if (!input)
        return error_set(error, ENOMEM, "%s: out of memory", path);
    input->descriptor_is_ours = !standard;
    input->descriptor = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int status = look_at_file(input, error);
    if (status < 0)
        return status;
    if (input->bytes_total > 0)
        posix_fadvise(input->descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
    *result = TAKE(input);
    return 0;
}

int input_open_descriptor(int descriptor, const char *name, struct input **result, struct error *error)
{
    CLEANUP(input_close) struct input *input = create(name);
    if (!input)
        return error_set(error, ENOMEM, "%s: out of memory", name);
    input->descriptor = descriptor;
    int status = look_at_file(input, error);
    if (status < 0)
        return status;
    if (lseek(descriptor, 0, SEEK_SET) < 0) {
        int code = errno;
        return error_set(error, code, "cannot read %s: %s", name, strerror(code));
    }
    *result = TAKE(input);
    return 0;
}

void input_close(struct input **pointer)
{
    struct input *input = *pointer;
    if (!input)
        return;
    if (input->gzip_is_open)
        inflateEnd(&input->gzip);
    ZSTD_freeDStream(input->zstd);
    if (input->descriptor_is_ours && input->descriptor >= 0)
        close(input->descriptor);
    free(input->raw);
    free(input->window);
    free(input->name);
    free(input);
    *pointer = NULL;
}

const char *input_name(const struct input *input)
{
    return input->name;
}

uint64_t input_bytes_read(const struct input *input)
{
    return input->bytes_read;
}

uint64_t input_bytes_total(const struct input *input)
{
    return input->bytes_total;
}

/* At least one byte, or 0 at the end. */
static ssize_t read_raw(struct input *input, void *bytes, size_t room)
{
    for (;;) {
        ssize_t got = read(input->descriptor, bytes, room);
        if (got >= 0) {
            input->bytes_read += (uint64_t)got;
            input->raw_ended = got == 0;
            return got;
        }
        int code = errno;
        if (code == EAGAIN || code == EWOULDBLOCK) {
            struct pollfd wait = {.fd = input->descriptor, .events = POLLIN};
            poll(&wait, 1, -1);
        } else if (code != EINTR) {
            return error_set(&input->failure, code, "cannot read %s: %s", input->name, strerror(code));
        }
    }
}

static int damaged(struct input *input, const char *what)
{
    return error_set(&input->failure, EBADMSG, "%s: %s near byte %" PRIu64, input->name, what,
                     input->bytes_read - (input->raw_length - input->raw_at));
}

static bool starts_with(const struct input *input, const char *magic, size_t length)
{
    return input->length >= length && memcmp(input->window, magic, length) == 0;
}

static enum packing packing_of(const struct input *input)
{
    if (starts_with(input, "\x1f\x8b", 2))
        return PACKING_GZIP;
    if (starts_with(input, "\x28\xb5\x2f\xfd", 4))
        return PACKING_ZSTD;
    /* A frame to be passed over may stand in front (parallel compressors write their tables so). */
    if (input->length >= 4 && input->window[0] >> 4 == 5 && memcmp(input->window + 1, "\x2a\x4d\x18", 3) == 0)
        return PACKING_ZSTD;
    return PACKING_NONE;
}

/* Other packings would be taken for logs full of strange lines. */
static const char *foreign_packing(const struct input *input)
{
    if (starts_with(input,
                    "\xfd"
                    "7zXZ\0",
                    6))
        return "xz";
    if (starts_with(input, "BZh", 3))
        return "bzip2";
    if (starts_with(input, "\x04\x22\x4d\x18", 4))
        return "lz4";
    if (starts_with(input, "PK\x03\x04", 4))
        return "zip";
    return NULL;
}

static int open_unpacker(struct input *input)
{
    size_t length = input->length;
    input->length = 0;
    input->raw = malloc(RAW_ROOM > INPUT_WINDOW ? RAW_ROOM : INPUT_WINDOW);
    if (!input->raw)
        return error_set(&input->failure, ENOMEM, "%s: out of memory", input->name);
    memcpy(input->raw, input->window, length);
    input->raw_length = length;
    input->member_is_open = true;
    if (input->packing == PACKING_GZIP) {
        enum { GZIP_ONLY = 16 };
        input->gzip_is_open = inflateInit2(&input->gzip, MAX_WBITS + GZIP_ONLY) == Z_OK;
        if (!input->gzip_is_open)
            return error_set(&input->failure, ENOMEM, "%s: cannot start zlib", input->name);
    } else {
        input->zstd = ZSTD_createDStream();
        if (!input->zstd)
            return error_set(&input->failure, ENOMEM, "%s: cannot start zstd", input->name);
    }
    return 0;
}

/* What is it? The first bytes, already in the window, tell. */
static int recognise(struct input *input)
{
    while (input->length < MAGIC_LENGTH && !input->raw_ended) {
        ssize_t got = read_raw(input, input->window + input->length, input->room - input->length);
        if (got < 0)
            return (int)got;
        input->length += (size_t)got;
    }
    const char *foreign = foreign_packing(input);
    if (foreign) {
        input->length = 0;
        return error_set(&input->failure, ENOTSUP, "%s: packed with %s; plain, gzip and zstd are understood",
                         input->name, foreign);
    }
    input->packing = packing_of(input);
    return input->packing == PACKING_NONE ? 0 : open_unpacker(input);
}

static int refill_raw(struct input *input)
{
    if (input->raw_at < input->raw_length || input->raw_ended)
        return 0;
    input->raw_at = input->raw_length = 0;
    ssize_t got = read_raw(input, input->raw, RAW_ROOM);
    if (got < 0)
        return (int)got;
    input->raw_length = (size_t)got;
    return 0;
}

/* Between members: zeros that fill a tape's block are passed over, another member is begun. */
static int begin_member(struct input *input)
{
    while (input->raw_at < input->raw_length && input->raw[input->raw_at] == 0)
        input->raw_at++;
    if (input->raw_at == input->raw_length)
        return 0;
    input->member_is_open = true;
    return inflateReset(&input->gzip) == Z_OK ? 0 : damaged(input, "zlib fails");
}

static int unpack_gzip(struct input *input)
{
    if (!input->member_is_open)
        return begin_member(input);
    input->gzip.next_in = input->raw + input->raw_at;
    input->gzip.avail_in = (uInt)(input->raw_length - input->raw_at);
    input->gzip.next_out = input->window + input->length;
    input->gzip.avail_out = (uInt)(input->room - input->length);
    int status = inflate(&input->gzip, Z_NO_FLUSH);
    input->raw_at = input->raw_length - input->gzip.avail_in;
    input->length = input->room - input->gzip.avail_out;
    if (status == Z_STREAM_END)
        input->member_is_open = false;
    else if (status != Z_OK && status != Z_BUF_ERROR)
        return damaged(input, "the gzip data are damaged");
    return 0;
}

static int unpack_zstd(struct input *input)
{
    ZSTD_inBuffer in = {input->raw, input->raw_length, input->raw_at};
    ZSTD_outBuffer out = {input->window, input->room, input->length};
    size_t status = ZSTD_decompressStream(input->zstd, &out, &in);
    input->raw_at = in.pos;
    input->length = out.pos;
    if (ZSTD_isError(status))
        return damaged(input, "the zstd data are damaged");
    input->member_is_open = status != 0;
    return 0;
}

static int unpack(struct input *input)
{
    size_t before = input->length;
    while (input->length < input->room) {
        size_t length = input->length;
        /* Who reads a pipe wants what there is. */
        if (input->raw_at == input->raw_length && input->length > before)
            return 0;
        int status = refill_raw(input);
        if (status < 0)
            return status;
        bool dry = input->raw_at == input->raw_length;
        if (!dry || input->member_is_open)
            status = input->packing == PACKING_GZIP ? unpack_gzip(input) : unpack_zstd(input);
        if (status < 0)
            return status;
        if (!dry || input->length != length)
            continue;
        if (input->member_is_open)
            return damaged(input, "the compressed data end too early");
        input->ended = true;
        return 0;
    }
    return 0;
}

static int fill_window(struct input *input)
{
    if (input->packing == PACKING_UNKNOWN) {
        int status = recognise(input);
        if (status < 0)
            return status;
        if (input->packing == PACKING_NONE && input->length > 0) {
            input->ended = input->raw_ended;
            return 0;
        }
    }
    if (input->packing != PACKING_NONE)
        return unpack(input);
    ssize_t got = read_raw(input, input->window + input->length, input->room - input->length);
    if (got < 0)
        return (int)got;
    input->length += (size_t)got;
    input->ended = input->raw_ended;
    return 0;
}

/* What is left of the last window moves to the front, and there is room behind it. */
static int make_room(struct input *input, size_t consumed)
{
    input->length -= consumed;
    if (consumed != 0)
        memmove(input->window, input->window + consumed, input->length);
    if (input->length <= input->room / 2)
        return 0;
    if (input->room < INPUT_WINDOW_MOST) {
        uint8_t *window = realloc(input->window, input->room * 2);
        if (window) {
            input->window = window;
            input->room *= 2;
        }
    }
    return input->length < input->room ? 0 : -EMSGSIZE;
}

int input_more(struct input *input, size_t consumed, struct text *window, bool *last, struct error *error)
{
    if (make_room(input, consumed < input->length ? consumed : input->length) < 0)
        return error_set(error, EMSGSIZE, "%s: a record is longer than %zu bytes", input->name, input->room);
    size_t before = input->length;
    if (!input->ended && input->failure.code == 0)
        (void)fill_window(input); /* what goes wrong is kept until what came before is handed out */
    if (input->failure.code != 0 && input->length == before) {
        if (error)
            *error = input->failure;
        return -input->failure.code;
    }
    *window = (struct text){(const char *)input->window, input->length};
    *last = input->ended;
    return 0;
}
