/* The perceptual hash: what looks alike is near, what does not is far, and what nothing can be told by has none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <gd.h>
#include <gdfontl.h>
#include "collector/picture/decode.h"
#include "collector/picture/hash.h"

#define PIXELS 20000000

/* A picture of its own for each number: shapes and words, as in an advertisement. */
static gdImagePtr draw(unsigned number, int width, int height)
{
    gdImagePtr image = gdImageCreateTrueColor(width, height);
    uint32_t state = number * 2654435761U + 1;
    gdImageFilledRectangle(image, 0, 0, width, height, gdTrueColor(250, 250, 240));
    for (int i = 0; i < 12; i++) {
        int figures[6];
        for (int j = 0; j < 6; j++) {
            state = state * 1664525U + 1013904223U;
            figures[j] = (int)(state >> 8 & 0xffff);
        }
        int colour = gdTrueColor(figures[0] % 256, figures[1] % 256, figures[2] % 256);
        int x = figures[3] % width, y = figures[4] % height, size = width / 8 + figures[5] % (width / 4);
        if (i % 2)
            gdImageFilledEllipse(image, x, y, size, size / 2, colour);
        else
            gdImageFilledRectangle(image, x, y, x + size, y + size / 3, colour);
    }
    return image;
}

/* A letter as a picture: lines of words, white behind them. */
static gdImagePtr write_letter(unsigned number)
{
    gdImagePtr image = gdImageCreateTrueColor(500, 300);
    uint32_t state = number * 2654435761U + 7;
    gdImageFilledRectangle(image, 0, 0, 500, 300, gdTrueColor(255, 255, 255));
    for (int line = 0; line < 14; line++) {
        unsigned char words[64];
        state = state * 1664525U + 1013904223U;
        int length = 20 + (int)(state >> 16) % 40;
        for (int i = 0; i < length; i++) {
            state = state * 1664525U + 1013904223U;
            words[i] = (unsigned char)(state >> 30 ? 'a' + (state >> 16) % 26 : ' ');
        }
        words[length] = 0;
        gdImageString(image, gdFontGetLarge(), 10, 10 + 20 * line, words, 0);
    }
    return image;
}

static uint64_t hash_bytes(void *bytes, int size)
{
    struct picture picture = {0};
    uint64_t hash = 0;
    assert_non_null(bytes);
    assert_true(picture_decode((struct text){bytes, (size_t)size}, PIXELS, &picture));
    assert_true(picture_hash(picture.brightness, picture.width, picture.height, &hash));
    picture_clear(&picture);
    gdFree(bytes);
    return hash;
}

static uint64_t as_png(gdImagePtr image)
{
    int size;
    void *bytes = gdImagePngPtr(image, &size);
    return hash_bytes(bytes, size);
}

static uint64_t as_jpeg(gdImagePtr image, int quality)
{
    int size;
    void *bytes = gdImageJpegPtr(image, &size, quality);
    return hash_bytes(bytes, size);
}

static uint64_t as_webp(gdImagePtr image)
{
    int size;
    void *bytes = gdImageWebpPtrEx(image, &size, 60);
    return hash_bytes(bytes, size);
}

static uint64_t as_gif(gdImagePtr image)
{
    int size;
    gdImagePtr palette = gdImageClone(image);
    gdImageTrueColorToPalette(palette, 1, 128);
    void *bytes = gdImageGifPtr(palette, &size);
    gdImageDestroy(palette);
    return hash_bytes(bytes, size);
}

static uint64_t resized(gdImagePtr image, int width, int height)
{
    gdImagePtr other = gdImageCreateTrueColor(width, height);
    gdImageCopyResampled(other, image, 0, 0, 0, 0, width, height, gdImageSX(image), gdImageSY(image));
    uint64_t hash = as_jpeg(other, 75);
    gdImageDestroy(other);
    return hash;
}

static void test_one_picture_is_near_itself_in_every_form(void **unused)
{
    (void)unused;
    for (unsigned number = 0; number < 40; number++) {
        gdImagePtr image = draw(number, 400, 300);
        uint64_t hash = as_png(image);
        const uint64_t others[] = {as_jpeg(image, 90),      as_jpeg(image, 30),       as_webp(image),
                                   as_gif(image),           resized(image, 200, 150), resized(image, 1000, 750),
                                   resized(image, 420, 300)};
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
            if (picture_distance(hash, others[i]) > PICTURE_NEAR)
                fail_msg("picture %u, form %zu: %u bits", number, i, picture_distance(hash, others[i]));
        gdImageDestroy(image);
    }
}

static void test_noise_and_another_brightness_do_not_matter(void **unused)
{
    (void)unused;
    gdImagePtr image = draw(3, 400, 300);
    uint64_t hash = as_png(image), state = 1;
    for (int y = 0; y < 300; y++)
        for (int x = 0; x < 400; x++) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            int colour = gdImageGetTrueColorPixel(image, x, y), more = (int)(state >> 60) - 18;
            int parts[3] = {gdTrueColorGetRed(colour) + more, gdTrueColorGetGreen(colour) + more,
                            gdTrueColorGetBlue(colour) + more};
            for (int i = 0; i < 3; i++)
                parts[i] = parts[i] < 0 ? 0 : parts[i] > 255 ? 255 : parts[i];
            gdImageSetPixel(image, x, y, gdTrueColor(parts[0], parts[1], parts[2]));
        }
    assert_true(picture_distance(hash, as_png(image)) <= PICTURE_NEAR);
    gdImageDestroy(image);
}

static void test_different_pictures_are_far_from_each_other(void **unused)
{
    uint64_t hashes[200];
    uint32_t least = 64;
    (void)unused;
    for (unsigned i = 0; i < 200; i++) {
        gdImagePtr image = draw(1000 + i, 320, 240);
        hashes[i] = as_png(image);
        gdImageDestroy(image);
        for (unsigned j = 0; j < i; j++) {
            uint32_t distance = picture_distance(hashes[i], hashes[j]);
            least = distance < least ? distance : least;
        }
    }
    if (least <= PICTURE_NEAR)
        fail_msg("two of 200 are %u bits apart", least);
}

static void test_letters_as_pictures_are_told_apart_too(void **unused)
{
    uint64_t hashes[100];
    (void)unused;
    for (unsigned i = 0; i < 100; i++) {
        gdImagePtr image = write_letter(i);
        hashes[i] = as_png(image);
        if (i < 20) {
            assert_true(picture_distance(hashes[i], as_jpeg(image, 60)) <= PICTURE_NEAR);
            assert_true(picture_distance(hashes[i], as_gif(image)) <= PICTURE_NEAR);
            assert_true(picture_distance(hashes[i], resized(image, 750, 450)) <= PICTURE_NEAR);
        }
        gdImageDestroy(image);
        for (unsigned j = 0; j < i; j++)
            if (picture_distance(hashes[i], hashes[j]) <= PICTURE_NEAR)
                fail_msg("%u and %u are %u bits apart", i, j, picture_distance(hashes[i], hashes[j]));
    }
}

static void test_near_hashes_share_enough_bytes_to_be_found(void **unused)
{
    (void)unused;
    /* As many bits as may differ, each in another byte: still two bytes are equal. */
    uint64_t other = 0;
    for (int i = 0; i < PICTURE_NEAR; i++)
        other |= UINT64_C(1) << (8 * i + i);
    assert_int_equal(picture_distance(0, other), PICTURE_NEAR);
    assert_true(PICTURE_PARTS - PICTURE_NEAR >= 2);
}

static void test_icons_and_plain_areas_have_none(void **unused)
{
    static uint8_t bytes[300 * 300];
    uint64_t hash;
    (void)unused;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    assert_false(picture_hash(bytes, 39, 300, &hash));
    assert_false(picture_hash(bytes, 90, 100, &hash));
    memset(bytes, 255, sizeof bytes);
    assert_false(picture_hash(bytes, 300, 300, &hash));
    bytes[150 * 300 + 150] = 0;
    assert_false(picture_hash(bytes, 300, 300, &hash));
}

static void test_a_hash_is_sixteen_digits(void **unused)
{
    char text[PICTURE_HASH_TEXT];
    uint64_t hash = 0;
    (void)unused;
    assert_string_equal(picture_hash_print(0x0123456789abcdef, text), "0123456789abcdef");
    assert_true(picture_hash_parse(text, &hash));
    assert_true(hash == 0x0123456789abcdef);
    assert_false(picture_hash_parse("0123456789abcde", &hash));
    assert_false(picture_hash_parse("0123456789abcdefa", &hash));
    assert_false(picture_hash_parse("0123456789ABCDEF", &hash));
    assert_false(picture_hash_parse("", &hash));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_picture_is_near_itself_in_every_form),
        cmocka_unit_test(test_noise_and_another_brightness_do_not_matter),
        cmocka_unit_test(test_different_pictures_are_far_from_each_other),
        cmocka_unit_test(test_letters_as_pictures_are_told_apart_too),
        cmocka_unit_test(test_near_hashes_share_enough_bytes_to_be_found),
        cmocka_unit_test(test_icons_and_plain_areas_have_none),
        cmocka_unit_test(test_a_hash_is_sixteen_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
