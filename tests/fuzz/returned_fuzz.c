/* Any bytes from who connects to the listener for returned messages, in pieces of the size that the first byte says:
 * replies are whole lines, and the same whatever the pieces. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/filter/returned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct taken {
    uint64_t messages, bytes;
};

static int knows(void *context, struct text mailbox)
{
    (void)context;
    return mailbox.length % 3 == 0 ? 0 : mailbox.length % 7 == 0 ? -1 : 1;
}

static int take(void *context, struct text mailbox, struct text head)
{
    struct taken *taken = context;
    taken->messages++;
    taken->bytes += head.length;
    if (mailbox.length == 0 || head.length > RETURNED_HEAD_MOST)
        abort();
    return head.length % 5 == 0 ? -1 : 0;
}

static struct taken play(const uint8_t *bytes, size_t length, size_t piece, struct buffer *replies)
{
    struct taken taken = {0};
    const struct returned_owner owner = {"gate", 4096, knows, take, &taken};
    struct returned *returned = returned_create(&owner);
    if (returned == NULL || !returned_greet(returned, replies))
        abort();
    for (size_t at = 0; at < length; at += piece) {
        size_t size = length - at < piece ? length - at : piece;
        if (!returned_feed(returned, (struct text){(const char *)bytes + at, size}, replies))
            break;
    }
    if (replies->bytes[replies->length - 1] != '\n')
        abort();
    returned_destroy(&returned);
    return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct buffer whole, pieces;
    if (length < 2 || length > 4096)
        return 0;
    buffer_init(&whole, RETURNED_REPLIES_MOST);
    buffer_init(&pieces, RETURNED_REPLIES_MOST);
    struct taken one = play(bytes + 1, length - 1, length, &whole);
    struct taken other = play(bytes + 1, length - 1, bytes[0] % 32 + 1U, &pieces);
    if (one.messages != other.messages || one.bytes != other.bytes ||
        !text_equals(buffer_text(&whole), buffer_text(&pieces)))
        abort();
    buffer_clear(&whole);
    buffer_clear(&pieces);
    return 0;
}
