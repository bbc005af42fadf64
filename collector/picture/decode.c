/* See decode.h. */
#include "collector/picture/decode.h"

#include <gd.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>

static uint32_t big(const uint8_t *at, int bytes)
{
    uint32_t number = 0;
    for (int i = 0; i < bytes; i++)
        number = number << 8 | at[i];
    return number;
}

static uint32_t little(const uint8_t *at, int bytes)
{
    uint32_t number = 0;
    for (int i = bytes; i-- > 0;)
        number = number << 8 | at[i];
    return number;
}

static bool has(struct text bytes, size_t at, const char *wanted, size_t length)
{
    return bytes.length >= at + length && memcmp(bytes.bytes + at, wanted, length) == 0;
}

enum picture_format picture_format(struct text bytes)
{
    if (has(bytes, 0, "\xff\xd8\xff", 3))
        return PICTURE_JPEG;
    if (has(bytes, 0, "\x89PNG\r\n\x1a\n", 8))
        return PICTURE_PNG;
    if (has(bytes, 0, "GIF87a", 6) || has(bytes, 0, "GIF89a", 6))
        return PICTURE_GIF;
    return has(bytes, 0, "RIFF", 4) && has(bytes, 8, "WEBP", 4) ? PICTURE_WEBP : PICTURE_NONE;
}

/* ITU-T T.81 B.1.1: marker segments, each with its length, up to the frame's header. The largest counts: a file may
 * have several, and which of them a decoder believes is its own affair. */
static bool jpeg_size(const uint8_t *bytes, size_t length, uint32_t *width, uint32_t *height)
{
    bool found = false;
    for (size_t at = 2; at + 9 < length;) {
        uint8_t marker = bytes[at + 1];
        if (bytes[at] != 0xff || marker == 0xff || marker == 0 || (marker >= 0xd0 && marker <= 0xd9)) {
            at++;
            continue;
        }
        bool is_frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
        if (is_frame) {
            uint32_t high = big(bytes + at + 5, 2), wide = big(bytes + at + 7, 2);
            if (!found || (uint64_t)wide * high > (uint64_t)*width * *height) {
                *width = wide;
                *height = high;
            }
            found = true;
        }
        if (marker == 0xda) /* the scan: entropy-coded data follow */
            break;
        at += 2 + big(bytes + at + 2, 2);
    }
    return found;
}

/* RFC 9649 2.5-2.7 */
static bool webp_size(const uint8_t *bytes, size_t length, uint32_t *width, uint32_t *height)
{
    struct text chunk = {(const char *)bytes + 12, length - 12};
    if (length < 30)
        return false;
    if (has(chunk, 0, "VP8X", 4)) {
        *width = little(bytes + 24, 3) + 1;
        *height = little(bytes + 27, 3) + 1;
    } else if (has(chunk, 0, "VP8L", 4)) {
        uint32_t sizes = little(bytes + 21, 4);
        *width = (sizes & 0x3fff) + 1;
        *height = (sizes >> 14 & 0x3fff) + 1;
    } else if (has(chunk, 0, "VP8 ", 4)) {
        *width = little(bytes + 26, 2) & 0x3fff;
        *height = little(bytes + 28, 2) & 0x3fff;
    } else {
        return false;
    }
    return true;
}

bool picture_size(struct text text, enum picture_format format, uint32_t *width, uint32_t *height)
{
    const uint8_t *bytes = (const uint8_t *)text.bytes;
    bool found = false;
    if (format == PICTURE_PNG && has(text, 12, "IHDR", 4) && text.length >= 24) {
        *width = big(bytes + 16, 4);
        *height = big(bytes + 20, 4);
        found = true;
    } else if (format == PICTURE_GIF && text.length >= 10) {
        *width = little(bytes + 6, 2);
        *height = little(bytes + 8, 2);
        found = true;
    } else if (format == PICTURE_JPEG) {
        found = jpeg_size(bytes, text.length, width, height);
    } else if (format == PICTURE_WEBP) {
        found = webp_size(bytes, text.length, width, height);
    }
    return found && *width > 0 && *height > 0 && *width <= UINT16_MAX && *height <= UINT16_MAX;
}

static void say_nothing(int priority, const char *format, va_list arguments)
{
    (void)priority;
    (void)format;
    (void)arguments;
}

static gdImagePtr read_image(struct text bytes, enum picture_format format)
{
    char *data = (char *)(uintptr_t)bytes.bytes; /* gd only reads it */
    int size = (int)bytes.length;
    gdSetErrorMethod(say_nothing);
    switch (format) {
    case PICTURE_JPEG:
        return gdImageCreateFromJpegPtrEx(size, data, 1);
    case PICTURE_PNG:
        return gdImageCreateFromPngPtr(size, data);
    case PICTURE_GIF:
        return gdImageCreateFromGifPtr(size, data);
    case PICTURE_WEBP:
        return gdImageCreateFromWebpPtr(size, data);
    case PICTURE_NONE:
        break;
    }
    return NULL;
}

/* ITU-R BT.601, over white: gd's alpha is 0 (opaque) to 127. */
static uint8_t brightness_of(int colour)
{
    int grey =
        (299 * gdTrueColorGetRed(colour) + 587 * gdTrueColorGetGreen(colour) + 114 * gdTrueColorGetBlue(colour) + 500) /
        1000;
    int alpha = gdTrueColorGetAlpha(colour);
    return (uint8_t)((grey * (gdAlphaMax - alpha) + 255 * alpha) / gdAlphaMax);
}

bool picture_decode(struct text bytes, uint32_t pixels_most, struct picture *result)
{
    enum picture_format format = picture_format(bytes);
    uint32_t width = 0, height = 0;
    if (bytes.length > INT_MAX || !picture_size(bytes, format, &width, &height) ||
        (uint64_t)width * height > pixels_most)
        return false;
    gdImagePtr image = read_image(bytes, format);
    if (image == NULL)
        return false;
    *result = (struct picture){.width = (uint32_t)gdImageSX(image), .height = (uint32_t)gdImageSY(image)};
    if ((uint64_t)result->width * result->height <= pixels_most)
        result->brightness = malloc((size_t)result->width * result->height);
    for (uint32_t y = 0; result->brightness && y < result->height; y++)
        for (uint32_t x = 0; x < result->width; x++)
            result->brightness[(size_t)y * result->width + x] =
                brightness_of(gdImageGetTrueColorPixel(image, (int)x, (int)y));
    gdImageDestroy(image);
    return result->brightness != NULL;
}

void picture_clear(struct picture *picture)
{
    free(picture->brightness);
    *picture = (struct picture){0};
}
