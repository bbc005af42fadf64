#include "agent/watcher/log_record.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

/* In front of each of the two texts. */
struct head {
    uint64_t number, length, digest; /* of the text; the number makes part of what is digested */
};

#define PLACE (sizeof(struct head) + LOG_RECORD_MOST)

static uint64_t digest(uint64_t number, const void *bytes, size_t length)
{
    return XXH3_64bits_withSeed(bytes, length, number);
}

static bool read_place(int file, uint64_t place, struct head *head, struct buffer *text)
{
    off_t at = (off_t)(place * PLACE);
    text->length = 0;
    if (pread(file, head, sizeof(*head), at) != (ssize_t)sizeof(*head) || head->number % 2 != place ||
        head->length > LOG_RECORD_MOST || !buffer_reserve(text, head->length))
        return false;
    ssize_t got = head->length ? pread(file, text->bytes, head->length, at + (off_t)sizeof(*head)) : 0;
    if (got != (ssize_t)head->length || digest(head->number, text->bytes, head->length) != head->digest)
        return false;
    text->length = head->length;
    return true;
}

void log_record_open(struct log_record *record, int file, struct buffer *text)
{
    struct head heads[2] = {{0, 0, 0}, {0, 0, 0}};
    struct buffer other;
    *record = (struct log_record){.file = file};
    buffer_init(&record->room, PLACE);
    buffer_init(text, LOG_RECORD_MOST);
    buffer_init(&other, LOG_RECORD_MOST);
    bool first = file >= 0 && read_place(file, 0, &heads[0], text);
    bool second = file >= 0 && read_place(file, 1, &heads[1], &other);
    if (!first)
        text->length = 0;
    if (first)
        record->number = heads[0].number;
    if (second && (!first || heads[1].number > heads[0].number)) {
        record->number = heads[1].number;
        struct buffer swapped = *text;
        *text = other;
        other = swapped;
    }
    buffer_clear(&other);
}

void log_record_close(struct log_record *record)
{
    if (record->file >= 0)
        close(record->file);
    record->file = -1;
    buffer_clear(&record->room);
}

int log_record_keep(struct log_record *record, struct text text, struct error *error)
{
    if (record->file < 0)
        return 0;
    if (text.length > LOG_RECORD_MOST)
        return error_set(error, E2BIG, "where we are in the logs is not kept: there are too many files");
    struct head head = {record->number + 1, text.length, digest(record->number + 1, text.bytes, text.length)};
    record->room.length = 0;
    if (!buffer_append(&record->room, (struct text){(const char *)&head, sizeof(head)}) ||
        !buffer_append(&record->room, text))
        return error_set(error, ENOMEM, "no memory to keep where we are in the logs");
    off_t at = (off_t)(head.number % 2 * PLACE);
    ssize_t written = pwrite(record->file, record->room.bytes, record->room.length, at);
    if (written != (ssize_t)record->room.length)
        return error_set(error, written < 0 ? errno : ENOSPC, "where we are in the logs is not kept: %s",
                         strerror(written < 0 ? errno : ENOSPC));
    record->number++;
    return 0;
}
