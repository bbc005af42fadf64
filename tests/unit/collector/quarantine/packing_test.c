/* What is kept comes back as it was, to nobody without the key, and never under another name. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/quarantine/packing.h"
#include "common/cleanup.h"

#define ONE "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
#define TWO "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"

static int read_keys_of(const char *bytes, mode_t mode, struct packing_keys **result)
{
    char path[] = "/tmp/keys.XXXXXX";
    struct error error;
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, strlen(bytes)), strlen(bytes));
    assert_int_equal(fchmod(file, mode), 0);
    close(file);
    int status = packing_keys_read(path, result, &error);
    unlink(path);
    return status;
}

static struct packing_keys *keys_of(const char *bytes)
{
    struct packing_keys *keys = NULL;
    assert_int_equal(read_keys_of(bytes, 0600, &keys), 0);
    return keys;
}

static int unpack_of(const struct packing_keys *keys, const char *name, enum store_packing packing, struct text packed,
                     struct buffer *out)
{
    struct error error;
    buffer_init(out, PACKING_PLAIN_MOST + 1);
    return packing_unpack(keys, name, packing, packed, out, &error);
}

static void what_is_packed_comes_back(void **state)
{
    CLEANUP(packing_keys_destroy) struct packing_keys *keys = keys_of(ONE);
    const struct text texts[] = {TEXT(""), TEXT("a"), TEXT("Subject: \0 \xff\r\n\r\nbytes of any kind\r\n")};
    struct error error;
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        CLEANUP(buffer_clear) struct buffer packed, plain;
        enum store_packing packing;
        const struct packing_keys *with = i % 2 ? keys : NULL;
        buffer_init(&packed, PACKING_MOST);
        assert_int_equal(packing_pack(with, "0DC5B48D4.A739D", texts[i / 2], &packed, &packing, &error), 0);
        assert_int_equal(packing, with ? PACKING_SEALED : PACKING_ZSTD);
        assert_int_equal(unpack_of(with, "0DC5B48D4.A739D", packing, buffer_text(&packed), &plain), 0);
        assert_true(text_equals(buffer_text(&plain), texts[i / 2]));
    }
}

static void what_is_packed_is_smaller_and_a_seal_hides_it(void **state)
{
    CLEANUP(packing_keys_destroy) struct packing_keys *keys = keys_of(ONE);
    CLEANUP(buffer_clear) struct buffer packed, again;
    char text[4096];
    struct error error;
    enum store_packing packing;
    (void)state;
    memset(text, 'x', sizeof text);
    buffer_init(&packed, PACKING_MOST);
    buffer_init(&again, PACKING_MOST);
    assert_int_equal(packing_pack(keys, "n", (struct text){text, sizeof text}, &packed, &packing, &error), 0);
    assert_int_equal(packing_pack(keys, "n", (struct text){text, sizeof text}, &again, &packing, &error), 0);
    assert_in_range(packed.length, 1, 200);
    assert_null(memmem(packed.bytes, packed.length, "xxxx", 4));
    assert_int_equal(packed.length, again.length);
    assert_memory_not_equal(packed.bytes, again.bytes,
                            packed.length); /* of two sealed alike nobody sees that they are */
}

static void another_name_another_key_or_a_changed_byte_open_nothing(void **state)
{
    CLEANUP(packing_keys_destroy) struct packing_keys *keys = keys_of(ONE), *others = keys_of(TWO);
    CLEANUP(buffer_clear) struct buffer packed, plain;
    struct error error;
    enum store_packing packing;
    (void)state;
    buffer_init(&packed, PACKING_MOST);
    assert_int_equal(packing_pack(keys, "one", TEXT("secret"), &packed, &packing, &error), 0);
    assert_int_equal(unpack_of(keys, "two", packing, buffer_text(&packed), &plain), -EBADMSG);
    assert_int_equal(unpack_of(others, "one", packing, buffer_text(&packed), &plain), -ENOKEY);
    assert_int_equal(unpack_of(NULL, "one", packing, buffer_text(&packed), &plain), -ENOKEY);
    for (size_t i = 0; i < packed.length; i++) {
        packed.bytes[i] ^= 1;
        assert_true(unpack_of(keys, "one", packing, buffer_text(&packed), &plain) < 0);
        assert_true(unpack_of(keys, "one", packing, (struct text){packed.bytes, i}, &plain) < 0);
        packed.bytes[i] ^= 1;
    }
    assert_int_equal(plain.length, 0);
    assert_int_equal(unpack_of(keys, "one", packing, buffer_text(&packed), &plain), 0);
}

static void a_new_first_key_seals_and_the_old_one_opens(void **state)
{
    CLEANUP(packing_keys_destroy) struct packing_keys *old = keys_of(ONE), *both = keys_of("# new\n" TWO "\n" ONE);
    CLEANUP(buffer_clear) struct buffer packed, fresh, plain, again;
    struct error error;
    enum store_packing packing;
    (void)state;
    buffer_init(&packed, PACKING_MOST);
    buffer_init(&fresh, PACKING_MOST);
    assert_int_equal(packing_keys_count(both), 2);
    assert_int_equal(packing_pack(old, "n", TEXT("old"), &packed, &packing, &error), 0);
    assert_int_equal(packing_pack(both, "n", TEXT("new"), &fresh, &packing, &error), 0);
    assert_int_equal(unpack_of(both, "n", packing, buffer_text(&packed), &plain), 0);
    assert_int_equal(unpack_of(old, "n", packing, buffer_text(&fresh), &again), -ENOKEY);
}

static void bytes_that_nobody_packed_are_refused(void **state)
{
    static const char bomb[] = "\x28\xb5\x2f\xfd\xe0\x00\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00"; /* says: 64 GB */
    CLEANUP(buffer_clear) struct buffer plain;
    (void)state;
    assert_int_equal(unpack_of(NULL, "n", PACKING_ZSTD, TEXT(""), &plain), -EBADMSG);
    assert_int_equal(unpack_of(NULL, "n", PACKING_ZSTD, TEXT("not zstd at all"), &plain), -EBADMSG);
    assert_int_equal(unpack_of(NULL, "n", PACKING_ZSTD, TEXT(bomb), &plain), -EMSGSIZE);
    assert_int_equal(unpack_of(NULL, "n", (enum store_packing)7, TEXT("x"), &plain), -EBADMSG);
}

static void a_file_of_keys_is_its_owners_alone(void **state)
{
    struct packing_keys *keys = NULL;
    (void)state;
    assert_int_equal(read_keys_of(ONE, 0640, &keys), -EPERM);
    assert_int_equal(read_keys_of(ONE, 0602, &keys), -EPERM);
    assert_int_equal(read_keys_of("# none\n", 0600, &keys), -EINVAL);
    assert_int_equal(read_keys_of("0011\n", 0600, &keys), -EINVAL);
    assert_int_equal(read_keys_of("zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 0600, &keys),
                     -EINVAL);
    assert_null(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_comes_back),
        cmocka_unit_test(what_is_packed_is_smaller_and_a_seal_hides_it),
        cmocka_unit_test(another_name_another_key_or_a_changed_byte_open_nothing),
        cmocka_unit_test(a_new_first_key_seals_and_the_old_one_opens),
        cmocka_unit_test(bytes_that_nobody_packed_are_refused),
        cmocka_unit_test(a_file_of_keys_is_its_owners_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
