/* Pictures as they come in mail (JPEG, PNG, GIF, WebP), decoded from memory by gd: brightness alone, over white. Called
 * where a crash does no harm (collector/reader).
 *
 * How large a picture is going to be is read from its own head before anything is decoded: a few kilobytes can say that
 * they are gigabytes. */
#ifndef COLLECTOR_PICTURE_DECODE_H
#define COLLECTOR_PICTURE_DECODE_H

#include <stdbool.h>
#include <stdint.h>
#include "common/text.h"

struct picture {
    uint8_t *brightness; /* a byte a pixel, row by row */
    uint32_t width, height;
};

enum picture_format { PICTURE_NONE, PICTURE_JPEG, PICTURE_PNG, PICTURE_GIF, PICTURE_WEBP };

/* What its first bytes say, whatever the message calls it. */
enum picture_format picture_format(struct text bytes);
/* How large its head says it is. False: it says nothing that makes sense. */
bool picture_size(struct text bytes, enum picture_format, uint32_t *width, uint32_t *height);
/* The first image of it. False: broken, larger than `pixels_most`, or no memory. To be cleared. */
bool picture_decode(struct text bytes, uint32_t pixels_most, struct picture *result);
void picture_clear(struct picture *);

#endif
