/* Any bytes at all as a node's batch: it is refused with a sentence, or every record of it is within its bounds,
 * rising, a piece of what came, and itself JSON of which the batch can be made again. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/api/batch.h"
#include "collector/api/unpack.h"
#include "common/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define NOW        (1700000000 * SECOND)
#define PLAIN_MOST ((size_t)1024 * 1024)

static void check_record(const struct batch *batch, size_t index, const char *bytes, size_t length)
{
    const struct store_record *record = &batch->records[index];
    int64_t before = index ? record[-1].sequence : batch->after;
    if (record->sequence <= before || record->sequence > batch->last || record->time > NOW + BATCH_AHEAD)
        abort();
    if (record->line.bytes < bytes || record->line.bytes + record->line.length > bytes + length ||
        record->line.length < 2 || record->line.bytes[0] != '{' ||
        memchr(record->line.bytes, '\n', record->line.length) != NULL)
        abort();
    if (record->kind.length == 0 || record->kind.length > BATCH_KIND_MOST || record->sender.length > BATCH_WORD_MOST ||
        record->customer.length > BATCH_WORD_MOST || memchr(record->sender.bytes, '\0', record->sender.length) != NULL)
        abort();
}

static void check_batch(char *bytes, size_t length)
{
    struct batch batch = {0};
    struct error error = {0};
    int status = batch_parse(bytes, length, NOW, &batch, &error);
    if (status < 0) {
        if ((status != -EBADMSG && status != -EMSGSIZE) || error.text[0] == '\0' || batch.records != NULL)
            abort();
        return;
    }
    if (batch.after < 0 || batch.last < batch.after || batch.count > BATCH_RECORDS_MOST)
        abort();
    for (size_t i = 0; i < batch.count; i++)
        check_record(&batch, i, bytes, length);
    batch_release(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct error error = {0};
    struct buffer plain;
    buffer_init(&plain, PLAIN_MOST);
    if (unpack_zstd((struct text){(const char *)bytes, length}, &plain, &error) == 0)
        check_batch(plain.bytes ? plain.bytes : (char[]){0}, plain.length);
    else if (error.text[0] == '\0' || plain.length > PLAIN_MOST)
        abort();
    buffer_clear(&plain);
    char *copy = malloc(length + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, length);
    check_batch(copy, length);
    free(copy);
    return 0;
}
