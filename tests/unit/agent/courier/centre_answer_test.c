/* What is taken for an answer, and what is not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "agent/courier/centre_answer.h"

static struct http_answer answer(int status, const char *body)
{
    return (struct http_answer){.status = status, .body = text_of(body)};
}

static void assert_sentence(struct http_answer given, const char *wanted)
{
    char text[200];
    assert_string_equal(centre_answer_sentence(&given, text, sizeof text), wanted);
}

static void its_own_sentence_is_told(void **state)
{
    (void)state;
    assert_sentence(answer(400, "{\"error\":\"line 2: no\",\"also\":[1]}"), "line 2: no (400)");
    assert_sentence(answer(502, "<html>bad gateway</html>"), "it answered 502");
    assert_sentence(answer(500, "{\"error\":7}"), "it answered 500");
    assert_sentence(answer(500, ""), "it answered 500");
    assert_sentence((struct http_answer){.trouble = "no route"}, "no route");
    assert_sentence((struct http_answer){0}, "no answer");
}

static void only_a_line_is_about_records(void **state)
{
    (void)state;
    const struct http_answer malformed = answer(400, ""), large = answer(413, ""), well = answer(200, "");
    assert_true(centre_answer_is_about_records(&malformed, "line 3: not JSON (400)"));
    assert_false(centre_answer_is_about_records(&malformed, "not zstd (400)"));
    assert_false(centre_answer_is_about_records(&malformed, "it answered 400"));
    assert_true(centre_answer_is_about_records(&large, "too many"));
    assert_false(centre_answer_is_about_records(&well, "line "));
}

static void a_node_has_sixteen_digits(void **state)
{
    (void)state;
    char node[SPOOL_NODE] = "";
    struct http_answer good = answer(201, "{\"node\":\"00000000000000aa\",\"name\":\"hv7\",\"new\":{}}");
    assert_true(centre_answer_node(&good, node));
    assert_string_equal(node, "00000000000000aa");
    static const char *const wrong[] = {
        "", "{}", "[]", "{\"node\":5}", "{\"node\":\"aa\"}", "{\"node\":\"00000000000000aX\"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct http_answer bad = answer(201, wrong[i]);
        assert_false(centre_answer_node(&bad, node));
    }
}

static bool delivered(int status, const char *body, int64_t *result)
{
    struct http_answer given = answer(status, body);
    return centre_answer_delivered(&given, 10, 20, result);
}

static void what_does_not_fit_the_batch_is_no_answer(void **state)
{
    (void)state;
    int64_t result;
    assert_true(delivered(200, "{\"delivered\":20}", &result));
    assert_int_equal(result, 20);
    assert_true(delivered(200, "{\"delivered\":25}", &result)); /* a spool that was put back */
    assert_false(delivered(200, "{\"delivered\":19}", &result));
    assert_true(delivered(409, "{\"error\":\"missing\",\"delivered\":7}", &result));
    assert_int_equal(result, 7);
    assert_true(delivered(409, "{\"delivered\":0}", &result));
    assert_false(delivered(409, "{\"delivered\":10}", &result));
    assert_false(delivered(409, "{\"delivered\":-1}", &result));
    assert_false(delivered(200, "{\"delivered\":\"20\"}", &result));
    assert_false(delivered(200, "{\"delivered\":20.5}", &result));
    assert_false(delivered(200, "{\"delivered\":20", &result));
    assert_false(delivered(200, "", &result));
}

static void a_centre_from_a_backup_says_where_it_stands(void **state)
{
    (void)state;
    int64_t result;
    struct http_answer given = answer(416, "{\"error\":\"too high\",\"after\":10,\"revision\":7}");
    assert_true(centre_answer_revision(&given, 10, &result));
    assert_int_equal(result, 7);
    assert_false(centre_answer_revision(&given, 11, &result)); /* the question was damaged on its way */
    given = answer(416, "{\"after\":10,\"revision\":10}");
    assert_false(centre_answer_revision(&given, 10, &result));
    given = answer(416, "{\"after\":10,\"revision\":-1}");
    assert_false(centre_answer_revision(&given, 10, &result));
    given = answer(200, "{\"after\":10,\"revision\":7}");
    assert_false(centre_answer_revision(&given, 10, &result));
}

/* A proxy's page is no word of the centre's, nor is its word on another message. */
static void a_message_is_there_when_the_centre_names_it(void **state)
{
    (void)state;
#define NAMED "{\"name\":\"0DC5B48D4.A739D\",\"life\":\"00000000000000aa\",\"number\":7}"
    const struct http_answer new = answer(201, NAMED), known = answer(200, NAMED);
    assert_true(centre_answer_has_message(&new, 0xaa, 7));
    assert_true(centre_answer_has_message(&known, 0xaa, 7));
    assert_false(centre_answer_has_message(&new, 0xaa, 8));
    assert_false(centre_answer_has_message(&new, 0xab, 7));
    static const struct {
        int status;
        const char *body;
    } wrong[] = {{202, NAMED},
                 {500, NAMED},
                 {200, ""},
                 {200, "<html>welcome</html>"},
                 {201, "{\"number\":7}"},
                 {200, "{\"life\":170,\"number\":7}"},
                 {200, "{\"life\":\"aa\",\"number\":7}"},
                 {200, "{\"life\":\"00000000000000aa\",\"number\":\"7\"}"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct http_answer bad = answer(wrong[i].status, wrong[i].body);
        assert_false(centre_answer_has_message(&bad, 0xaa, 7));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_there_when_the_centre_names_it),
        cmocka_unit_test(its_own_sentence_is_told),
        cmocka_unit_test(only_a_line_is_about_records),
        cmocka_unit_test(a_node_has_sixteen_digits),
        cmocka_unit_test(what_does_not_fit_the_batch_is_no_answer),
        cmocka_unit_test(a_centre_from_a_backup_says_where_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
