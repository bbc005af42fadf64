/* Names of accounts: short, printable, and different where the logins were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/words/account.h"

static const char *written(struct text login, char result[ACCOUNT_MOST + 1])
{
    uint8_t name[ACCOUNT_MOST];
    size_t length = account_write(login, name);
    memcpy(result, name, length);
    result[length] = '\0';
    for (size_t i = length; i < ACCOUNT_MOST; i++)
        assert_int_equal(name[i], 0);
    return result;
}

static void logins_become_names(void **state)
{
    (void)state;
    static const struct {
        struct text login;
        const char *name;
    } rows[] = {
        {{"alice@example.com", 17}, "alice@example.com"},
        {{"Alice@Example.COM", 17}, "alice@example.com"},
        {{"shop_7-web+x=y/z:1", 18}, "shop_7-web+x=y/z:1"},
        {{"a b", 3}, "a%20b"},
        {{"a%20b", 5}, "a%2520b"},
        {{"a~b", 3}, "a%7eb"},
        {{"DOM\\al\"ice\"", 11}, "dom%5cal%22ice%22"},
        {{"a\r\nb\0c", 6}, "a%0d%0ab%00c"},
        {{"j\xc3\xb6rg", 5}, "j%c3%b6rg"},
        {{"\x1b[31m*", 6}, "%1b%5b31m%2a"},
        {{"", 0}, ""},
    };
    char name[ACCOUNT_MOST + 1];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(written(rows[i].login, name), rows[i].name);
}

static void long_ones_are_shortened_and_stay_different(void **state)
{
    (void)state;
    char a[ACCOUNT_MOST + 1], b[ACCOUNT_MOST + 1], login[300];
    memset(login, 'x', sizeof login);
    assert_int_equal(strlen(written((struct text){login, ACCOUNT_MOST}, a)), ACCOUNT_MOST);
    assert_null(strchr(a, '~'));
    for (size_t length = ACCOUNT_MOST + 1; length < sizeof login; length++) { /* each has another length */
        written((struct text){login, length}, a);
        written((struct text){login, length - 1}, b);
        assert_int_equal(strlen(a), ACCOUNT_MOST);
        assert_int_equal(a[29], '~');
        assert_string_not_equal(a, b);
    }
    written((struct text){login, sizeof login}, a);
    for (size_t i = 0; i < sizeof login; i++) { /* another byte somewhere */
        login[i] = 'y';
        assert_string_not_equal(written((struct text){login, sizeof login}, b), a);
        login[i] = 'X'; /* no other name */
        assert_string_equal(written((struct text){login, sizeof login}, b), a);
        login[i] = 'x';
    }
    for (size_t start = 25; start < 30; start++) { /* an escape is not cut in two */
        memset(login, 'x', sizeof login);
        memset(login + start, ' ', 20);
        size_t length = strlen(written((struct text){login, start + 20}, a));
        assert_true(account_is_sound((const uint8_t *)a, length));
    }
}

static void what_was_written_is_read_again(void **state)
{
    (void)state;
    srandom(4);
    for (int round = 0; round < 100000; round++) {
        char login[80];
        size_t length = (size_t)random() % sizeof login;
        for (size_t i = 0; i < length; i++)
            login[i] = (char)(random() % 3 ? 'A' + random() % 60 : random());
        uint8_t name[ACCOUNT_MOST], again[ACCOUNT_MOST];
        size_t size = account_write((struct text){login, length}, name);
        assert_int_equal(size > 0, length > 0);
        assert_int_equal(account_is_sound(name, size), length > 0);
        assert_int_equal(account_read((struct text){(char *)name, size}, again), size);
        assert_memory_equal(name, again, sizeof name);
    }
}

static void people_type_names_of_any_length_and_nothing_else(void **state)
{
    (void)state;
    static const char longest[] = "Somebody.With.A.Name.That.Goes.On.For.Ever@a-domain.example.com";
    uint8_t name[ACCOUNT_MOST], read[ACCOUNT_MOST];
    size_t length = account_write(TEXT(longest), name);
    assert_int_equal(account_read(TEXT(longest), read), length);
    assert_memory_equal(name, read, sizeof name);
    static const char *const wrong[] = {"",
                                        "a b",
                                        "a\"",
                                        "a%",
                                        "a%2",
                                        "a%zz",
                                        "a%41",
                                        "a%61",
                                        "j\xc3\xb6rg",
                                        "a~b",
                                        "~",
                                        "a~0123456789abcdef",
                                        "*@example.com"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(account_read(text_of(wrong[i]), read), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logins_become_names),
        cmocka_unit_test(long_ones_are_shortened_and_stay_different),
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(people_type_names_of_any_length_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
