/* Positions are text: whoever looks for a lost line reads them with the eye. Numbers are hexadecimal, since device,
 * inode and digest may take all their 64 bits. */
#include "common/io/tail.h"

#include <inttypes.h>
#include <xxhash.h>

uint64_t tail_digest(const void *bytes, size_t length)
{
    return XXH3_64bits(bytes, length);
}

bool tail_position_print(const struct tail_position *at, struct buffer *buffer)
{
    return buffer_printf(buffer,
                         "%" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx32 " %x %" PRIx64 " %s\n",
                         at->device, at->inode, at->offset, at->size, at->digest, at->head, at->done ? 1U : 0U,
                         (uint64_t)(at->changed > 0 ? at->changed : 0), at->source);
}

static bool read_number(struct text *line, uint64_t *result)
{
    struct text digits = text_split(line, ' ');
    uint64_t number = 0;
    if (digits.length < 1 || digits.length > 16)
        return false;
    for (size_t i = 0; i < digits.length; i++) {
        char digit = digits.bytes[i];
        if (digit >= '0' && digit <= '9')
            number = number << 4 | (uint64_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            number = number << 4 | (uint64_t)(digit - 'a' + 10);
        else
            return false;
    }
    *result = number;
    return true;
}

bool tail_position_parse(struct text line, struct tail_position *result)
{
    enum { DEVICE, INODE, OFFSET, SIZE, DIGEST, HEAD, DONE, CHANGED, NUMBERS };
    uint64_t numbers[NUMBERS];
    for (size_t i = 0; i < NUMBERS; i++)
        if (!read_number(&line, &numbers[i]))
            return false;
    if (numbers[HEAD] > TAIL_HEAD || numbers[DONE] > 1 || numbers[CHANGED] > INT64_MAX || numbers[OFFSET] > INT64_MAX ||
        numbers[SIZE] > INT64_MAX)
        return false;
    if (line.length == 0 || line.length >= TAIL_NAME || memchr(line.bytes, '\0', line.length))
        return false;
    *result = (struct tail_position){
        .device = numbers[DEVICE],
        .inode = numbers[INODE],
        .offset = numbers[OFFSET],
        .size = numbers[SIZE],
        .digest = numbers[DIGEST],
        .head = (uint32_t)numbers[HEAD],
        .done = numbers[DONE] == 1,
        .changed = (moment)numbers[CHANGED],
    };
    memcpy(result->source, line.bytes, line.length);
    return true;
}
