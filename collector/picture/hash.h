/* The perceptual hash of a picture: 64 bits of which pictures that look alike have nearly all in common, whatever their
 * format, size and compression.
 *
 * It is the sign pattern of the picture's lowest frequencies (a discrete cosine transform of its brightness at 32 by
 * 32, after Zauner 2010): re-encoding, resizing, sharpening and slight noise touch fine detail, which it does not look
 * at. Whole numbers only, so that all machines say the same. */
#ifndef COLLECTOR_PICTURE_HASH_H
#define COLLECTOR_PICTURE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PICTURE_NEAR  6 /* bits at most in which two hashes differ that count as one picture */
#define PICTURE_PARTS 8 /* bytes of a hash: near ones have at least PICTURE_PARTS - PICTURE_NEAR of them in common */

/* From brightness, a byte a pixel, row by row. False: there is nothing to tell it by: too small (icons, which everyone
 * uses), or of one colour. `result` may then be anything. At most 65535 pixels wide and high. */
bool picture_hash(const uint8_t *brightness, uint32_t width, uint32_t height, uint64_t *result);

/* In how many bits they differ. */
uint32_t picture_distance(uint64_t, uint64_t);

/* 16 small hexadecimal digits and the end, and back. False: it is none. */
#define PICTURE_HASH_TEXT 17
const char *picture_hash_print(uint64_t, char result[PICTURE_HASH_TEXT]);
bool picture_hash_parse(const char *, uint64_t *result);

#endif
