/* Pictures from hostile bytes: what they say of their size is looked at first, and what is broken is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <gd.h>
#include "collector/picture/decode.h"

static void *draw(int (*write)(gdImagePtr, void **, int *), int *size)
{
    void *bytes = NULL;
    gdImagePtr image = gdImageCreateTrueColor(120, 90);
    gdImageFilledRectangle(image, 0, 0, 119, 89, gdTrueColor(255, 0, 0));
    assert_int_equal(write(image, &bytes, size), 0);
    gdImageDestroy(image);
    return bytes;
}

static int png(gdImagePtr image, void **bytes, int *size)
{
    *bytes = gdImagePngPtr(image, size);
    return 0;
}

static int jpeg(gdImagePtr image, void **bytes, int *size)
{
    *bytes = gdImageJpegPtr(image, size, 80);
    return 0;
}

static int gif(gdImagePtr image, void **bytes, int *size)
{
    *bytes = gdImageGifPtr(image, size);
    return 0;
}

static int webp(gdImagePtr image, void **bytes, int *size)
{
    *bytes = gdImageWebpPtr(image, size);
    return 0;
}

static const struct form {
    int (*write)(gdImagePtr, void **, int *);
    enum picture_format format;
} forms[] = {{png, PICTURE_PNG}, {jpeg, PICTURE_JPEG}, {gif, PICTURE_GIF}, {webp, PICTURE_WEBP}};
#define FORMS (sizeof forms / sizeof forms[0])

static void test_each_format_is_known_by_its_bytes_and_says_its_size(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < FORMS; i++) {
        int size;
        uint32_t width, height;
        struct picture picture;
        void *bytes = draw(forms[i].write, &size);
        struct text text = {bytes, (size_t)size};
        assert_int_equal(picture_format(text), forms[i].format);
        assert_true(picture_size(text, forms[i].format, &width, &height));
        assert_int_equal(width, 120);
        assert_int_equal(height, 90);
        assert_true(picture_decode(text, 120 * 90, &picture));
        assert_int_equal(picture.width, 120);
        assert_int_equal(picture.height, 90);
        assert_in_range(picture.brightness[45 * 120 + 60], 70, 82); /* red: 76 */
        picture_clear(&picture);
        gdFree(bytes);
    }
}

static void test_more_pixels_than_allowed_are_not_decoded(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < FORMS; i++) {
        int size;
        struct picture picture;
        void *bytes = draw(forms[i].write, &size);
        assert_false(picture_decode((struct text){bytes, (size_t)size}, 120 * 90 - 1, &picture));
        gdFree(bytes);
    }
}

static void test_a_few_bytes_that_say_they_are_gigabytes_cost_nothing(void **unused)
{
    struct picture picture;
    (void)unused;
    static const char bomb[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\6\0\0\0\0\0\0\0";
    assert_false(picture_decode((struct text){bomb, sizeof bomb}, 100000000, &picture));
    static const char wide[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\0\0\0\1\x08\6\0\0\0\0\0\0\0";
    assert_false(picture_decode((struct text){wide, sizeof wide}, UINT32_MAX, &picture));
}

static void test_a_jpeg_of_two_heads_is_as_large_as_the_larger(void **unused)
{
    uint32_t width, height;
    (void)unused;
    static const char two[] = "\xff\xd8"
                              "\xff\xc0\0\x0b\x08\0\x10\0\x10\1\1\x11\0"
                              "\xff\xc2\0\x0b\x08\x7f\xff\x7f\xff\1\1\x11\0"
                              "\xff\xda\0\0\0\0\0\0\0\0\0\0";
    assert_true(picture_size((struct text){two, sizeof two - 1}, PICTURE_JPEG, &width, &height));
    assert_int_equal(width, 0x7fff);
    assert_int_equal(height, 0x7fff);
}

static void test_half_a_picture_is_none_or_has_its_size(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < FORMS; i++) {
        int size;
        void *bytes = draw(forms[i].write, &size);
        for (int cut = 0; cut < size; cut += 1 + size / 40) {
            struct picture picture = {0};
            char *part = malloc((size_t)cut + 1); /* so that a byte read beyond is noticed */
            memcpy(part, bytes, (size_t)cut);
            if (picture_decode((struct text){part, (size_t)cut}, 120 * 90, &picture)) {
                assert_int_equal(picture.width, 120);
                assert_int_equal(picture.height, 90);
            }
            picture_clear(&picture);
            free(part);
        }
        gdFree(bytes);
    }
}

static void test_what_is_seen_through_is_white_behind(void **unused)
{
    int size;
    struct picture picture;
    (void)unused;
    gdImagePtr image = gdImageCreateTrueColor(50, 50);
    gdImageSaveAlpha(image, 1);
    gdImageAlphaBlending(image, 0);
    gdImageFilledRectangle(image, 0, 0, 49, 49, gdTrueColorAlpha(0, 0, 0, gdAlphaTransparent));
    gdImageSetPixel(image, 7, 0, gdTrueColorAlpha(0, 0, 0, 0));
    void *bytes = gdImagePngPtr(image, &size);
    assert_true(picture_decode((struct text){bytes, (size_t)size}, 2500, &picture));
    assert_int_equal(picture.brightness[0], 255);
    assert_int_equal(picture.brightness[7], 0);
    picture_clear(&picture);
    gdFree(bytes);
    gdImageDestroy(image);
}

static void test_other_files_are_no_pictures(void **unused)
{
    static const char *const others[] = {"", "%PDF-1.7", "PK\3\4", "RIFF....WAVEfmt ", "BM6", "<svg xmlns='x'/>"};
    struct picture picture;
    (void)unused;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(picture_format(text_of(others[i])), PICTURE_NONE);
        assert_false(picture_decode(text_of(others[i]), 1000000, &picture));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_format_is_known_by_its_bytes_and_says_its_size),
        cmocka_unit_test(test_more_pixels_than_allowed_are_not_decoded),
        cmocka_unit_test(test_a_few_bytes_that_say_they_are_gigabytes_cost_nothing),
        cmocka_unit_test(test_a_jpeg_of_two_heads_is_as_large_as_the_larger),
        cmocka_unit_test(test_half_a_picture_is_none_or_has_its_size),
        cmocka_unit_test(test_what_is_seen_through_is_white_behind),
        cmocka_unit_test(test_other_files_are_no_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
