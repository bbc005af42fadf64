/* HTTP's answers: whole ones, and all the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "collector/filter/http.h"

static unsigned status;
static struct text body;

static bool read_answer(const char *text)
{
    return http_read_answer(text_of(text), &status, &body);
}

static void a_body_ends_with_the_connection_or_by_its_length(void **unused)
{
    (void)unused;
    assert_true(read_answer("HTTP/1.1 200 OK\r\nServer: x\r\n\r\npong\r\n"));
    assert_int_equal(status, 200);
    assert_true(text_equals(body, TEXT("pong\r\n")));
    assert_true(read_answer("HTTP/1.0 404 Not found\ncontent-length: 2\n\nno more"));
    assert_int_equal(status, 404);
    assert_true(text_equals(body, TEXT("no")));
    assert_true(read_answer("HTTP/1.1 204\r\n\r\n"));
    assert_int_equal(body.length, 0);
}

static void half_an_answer_is_none(void **unused)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong";
    (void)unused;
    assert_true(read_answer(whole));
    for (size_t length = 0; length < sizeof whole - 1; length++)
        assert_false(http_read_answer((struct text){whole, length}, &status, &body));
}

static void what_is_no_answer_to_http_1_0_is_none(void **unused)
{
    static const char *const wrong[] = {"220 gate ESMTP\r\n",
                                        "HTTP/2 200 OK\r\n\r\n",
                                        "HTTP/1.1 20 OK\r\n\r\n",
                                        "HTTP/1.1 100 Continue\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                                        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"};
    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(read_answer(wrong[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_ends_with_the_connection_or_by_its_length),
        cmocka_unit_test(half_an_answer_is_none),
        cmocka_unit_test(what_is_no_answer_to_http_1_0_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
