/* Secrets: what is made can be read back, and nothing else is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "collector/api/secret.h"

#define WORD "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" /* 32 zeros */
/* printf '\0...' | b2sum -l 256 */
#define HASH "89eb0d6a8a691dae2cd15ed0369931ce0a949ecafa5c3f93f8121833646e15c3"

static struct secret secret;

static bool parse(const char *header)
{
    return secret_parse(text_of(header), &secret);
}

static void three_kinds(void **unused)
{
    (void)unused;
    assert_true(parse("Bearer token." WORD));
    assert_int_equal(secret.kind, SECRET_TOKEN);
    assert_string_equal(secret.hash, HASH);
    assert_true(parse("bearer  node.00000000000000ff." WORD));
    assert_int_equal(secret.kind, SECRET_NODE);
    assert_int_equal(secret.id, 255);
    assert_true(parse("Bearer person.ffffffffffffffff." WORD));
    assert_int_equal(secret.kind, SECRET_PERSON);
    assert_int_equal(secret.id, -1);
}

static void what_is_made_is_read(void **unused)
{
    (void)unused;
    char word[SECRET_WORD + 1], other[SECRET_WORD + 1], hash[STORE_HASH], header[80];
    secret_make(word, hash);
    snprintf(header, sizeof header, "Bearer token.%s", word);
    assert_true(parse(header));
    assert_string_equal(secret.hash, hash);
    secret_make(other, hash);
    assert_string_not_equal(word, other);
}

static void nothing_else_is_one(void **unused)
{
    (void)unused;
    static const char *const none[] = {
        "",
        "Bearer",
        "Bearer ",
        "Basic token." WORD,
        "token." WORD,
        "Bearer token.",
        "Bearer token." WORD "A",
        "Bearer token.AAAA",
        "Bearer token.+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "Bearer node." WORD,
        "Bearer node.00000000000000FF." WORD,
        "Bearer node.ff." WORD,
        "Bearer robot.00000000000000ff." WORD,
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_false(parse(none[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_kinds),
        cmocka_unit_test(what_is_made_is_read),
        cmocka_unit_test(nothing_else_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
