/* Any bytes at all as a message file: it is refused with a sentence, or all that it says is within its bounds, its
 * content is a piece of what came, and read from its two parts it is the same. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include "collector/message/message_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define NAME_MOST 255
#define WORD_MOST 2048

static void check(struct text whole, const struct message_file *file)
{
    const struct text words[] = {file->address, file->helo,   file->user,   file->queue,   file->from,
                                 file->why,     file->server, file->digest, file->likeness};
    if (file->sender.length == 0 || file->sender.length > NAME_MOST || file->customer.length > NAME_MOST)
        abort();
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].length > WORD_MOST || (words[i].length > 0 && words[i].bytes == NULL))
            abort();
    for (uint32_t i = 0; i < file->recipient_count; i++)
        if (i >= MESSAGE_RECIPIENTS_MOST || file->recipients[i].length > WORD_MOST)
            abort();
    if (file->envelope.bytes != whole.bytes || file->code > 999 ||
        file->envelope.length + 1 + file->content.length != whole.length ||
        file->content.bytes != whole.bytes + file->envelope.length + 1)
        abort();
}

static bool same(const struct message_file *a, const struct message_file *b)
{
    return a->time == b->time && text_equals(a->sender, b->sender) && a->recipient_count == b->recipient_count &&
           a->complete == b->complete && text_equals(a->content, b->content);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const struct text whole = {(const char *)bytes, length};
    struct message_file *file = NULL, *again = NULL;
    struct error error = {0};
    int status = message_file_read(whole, &file, &error);
    if (status < 0 && (status != -EINVAL || error.text[0] == '\0' || file))
        abort();
    if (status < 0)
        return 0;
    check(whole, file);
    if (message_file_join(file->envelope, file->content, &again, &error) < 0 || !same(file, again))
        abort();
    message_file_destroy(&again);
    message_file_destroy(&file);
    return 0;
}
