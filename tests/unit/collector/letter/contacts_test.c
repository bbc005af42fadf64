/* Whom letters go to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include "collector/letter/contacts.h"
#include "common/cleanup.h"

static int read(const char *text, struct contacts **result, struct error *error)
{
    return contacts_read(strdup(text), strlen(text), "contacts", result, error);
}

static void expect(const struct contacts *contacts, const char *customer, const char *address, const char *language)
{
    const struct contact *contact = contacts_find(contacts, text_of(customer));
    assert_non_null(contact);
    assert_true(text_equals(contact->addresses[contact->count - 1], text_of(address)));
    assert_true(text_equals(contact->language, text_of(language)));
}

static void each_customer_has_a_line(void **state)
{
    (void)state;
    CLEANUP(contacts_destroy) struct contacts *contacts = NULL;
    struct error error = {0};
    assert_int_equal(read("# customers\n\n"
                          "vm101\tit@b.example   boss@b.example # both\r\n"
                          "acme admin#1@acme.example de\n"
                          "dave@example.net dave@example.net pt-br",
                          &contacts, &error),
                     0);
    expect(contacts, "acme", "admin#1@acme.example", "de");
    expect(contacts, "vm101", "boss@b.example", "");
    expect(contacts, "dave@example.net", "dave@example.net", "pt-br");
    assert_null(contacts_find(contacts, TEXT("vm10")));
    assert_null(contacts_find(contacts, TEXT("")));
    assert_null(contacts_find(NULL, TEXT("acme")));
}

static void all_others_can_have_one(void **state)
{
    (void)state;
    CLEANUP(contacts_destroy) struct contacts *contacts = NULL;
    struct error error = {0};
    assert_int_equal(read("* desk@reseller.example en\nacme a@b", &contacts, &error), 0);
    expect(contacts, "acme", "a@b", "");
    expect(contacts, "whoever", "desk@reseller.example", "en");
}

static void nobody_need_be_in_it(void **state)
{
    (void)state;
    CLEANUP(contacts_destroy) struct contacts *contacts = NULL;
    struct error error = {0};
    assert_int_equal(read("", &contacts, &error), 0);
    assert_null(contacts_find(contacts, TEXT("acme")));
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"acme a@b\nacme c@d\n", "contacts:2: \"acme\": it is there before"},
        {"\nacme\n", "contacts:2: \"acme\": the customer has no address"},
        {"acme de\n", "contacts:1: \"acme\": the customer has no address"},
        {"acme a@b de x\n", "contacts:1: \"x\": nothing is allowed behind the language"},
        {"acme a@b <c@d>\n", "contacts:1: \"<c@d>\": no address"},
        {"acme a@b Deutsch\n", "contacts:1: \"Deutsch\": no address and no language"},
        {"acme a@b c@d e@f g@h i@j\n", "contacts:1: \"i@j\": a customer has at most four"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct contacts *contacts = NULL;
        struct error error = {0};
        assert_int_equal(read(rows[i].text, &contacts, &error), -EINVAL);
        if (strncmp(error.text, rows[i].wanted, strlen(rows[i].wanted)) != 0)
            fail_msg("%s, not %s", error.text, rows[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_customer_has_a_line),
        cmocka_unit_test(all_others_can_have_one),
        cmocka_unit_test(nobody_need_be_in_it),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
