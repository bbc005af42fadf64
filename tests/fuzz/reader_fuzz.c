/* Any bytes at all as a message, as a picture and as HTML: what is made of them are facts that the collector takes, the
 * same each time, and no picture is larger than it may be. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/mime/visible.h"
#include "collector/mime/walk.h"
#include "collector/picture/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define PIXELS 250000

static void read_text(void *context, const struct picture *picture, struct buffer *result)
{
    (void)context;
    if (picture->brightness == NULL || (uint64_t)picture->width * picture->height > PIXELS)
        abort();
    size_t length = picture->width < 16 ? picture->width : 16;
    if (!buffer_append(result, (struct text){(const char *)picture->brightness, length}))
        return;
}

static void check_message(struct text bytes)
{
    static const struct walk_limits limits = {
        .picture_size = 100000, .picture_pixels = PIXELS, .pictures = 4, .read_text = read_text};
    static struct message_facts facts, again;
    walk_message(bytes, &limits, &facts);
    walk_message(bytes, &limits, &again);
    if (!facts_are_sound(&facts) || memcmp(&facts, &again, sizeof facts) != 0)
        abort();
}

static void check_picture(struct text bytes)
{
    struct picture picture = {0};
    uint64_t hash;
    if (!picture_decode(bytes, PIXELS, &picture))
        return;
    if (picture.width == 0 || picture.height == 0 || (uint64_t)picture.width * picture.height > PIXELS)
        abort();
    if (picture_hash(picture.brightness, picture.width, picture.height, &hash) && (hash & 1) != 0)
        abort();
    picture_clear(&picture);
}

static void check_html(struct text bytes)
{
    struct buffer result;
    buffer_init(&result, 4096);
    bool whole = visible_text(bytes, &result);
    if (result.length > 4096 || (!whole && bytes.length < 1024))
        abort();
    buffer_clear(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static bool prepared;
    struct text text = {(const char *)bytes, length};
    if (!prepared)
        walk_prepare();
    prepared = true;
    check_message(text);
    check_picture(text);
    check_html(text);
    return 0;
}
