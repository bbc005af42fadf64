/* A capture whole and in pieces: the first byte chooses their size. Both ways must give the same frames and the same
 * end, and every frame must lie inside the bytes given. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "agent/packet/capture_file.h"
#include "agent/packet/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct summary {
    uint64_t frames, sum, position, passed;
    int code;
};

static void add_frame(struct summary *summary, const struct frame *frame, const char *bytes, size_t length)
{
    const char *first = (const char *)frame->bytes;
    assert(first >= bytes && first + frame->captured <= bytes + length);
    assert(frame->length >= frame->captured);
    assert(link_type_is_known(frame->link));
    summary->frames++;
    summary->sum = summary->sum * 31 + (uint64_t)frame->time + frame->length + frame->link;
    for (uint32_t i = 0; i < frame->captured; i++)
        summary->sum = summary->sum * 31 + frame->bytes[i];
}

static struct summary read_in_pieces(const uint8_t *data, size_t size, size_t step)
{
    struct summary summary = {0};
    struct error error = {0};
    struct capture_file *file = capture_file_create("fuzz");
    size_t done = 0, given = 0;
    enum capture_outcome outcome = CAPTURE_MORE;

    while (file && outcome != CAPTURE_END) {
        given = size - given < step ? size : given + step;
        size_t length = given - done, used = 0;
        char *bytes = malloc(length ? length : 1);
        struct frame frame;
        if (!bytes)
            abort();
        if (length)
            memcpy(bytes, data + done, length);
        while ((outcome = capture_file_next(file, (struct text){bytes + used, length - used}, given == size, &used,
                                            &frame, &error)) == CAPTURE_FRAME)
            add_frame(&summary, &frame, bytes, length);
        assert(used <= length);
        assert(outcome == CAPTURE_END || given < size);
        done += used;
        free(bytes);
    }
    summary.position = file ? capture_file_position(file) : 0;
    summary.passed = file ? capture_file_passed(file) : 0;
    summary.code = error.code;
    capture_file_destroy(&file);
    return summary;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t step = 1 + data[0];
    struct summary whole = read_in_pieces(data + 1, size - 1, size);
    if (size < 20000) { /* small pieces of much are slow, not instructive */
        struct summary pieces = read_in_pieces(data + 1, size - 1, step);
        assert(memcmp(&whole, &pieces, sizeof whole) == 0);
    }
    return 0;
}
