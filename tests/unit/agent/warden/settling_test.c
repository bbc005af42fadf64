/* Settings on their way through the warden: one question at a time, answered once, to whoever asked. */
#include "agent/warden/settling.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>
#include "agent/message/sealed.h"

#define NOW (100 * SECOND)

static int ends[2], memory;

static int begin(void **unused)
{
    struct error error = {0};
    (void)unused;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    return sealed_make("a test", TEXT("[policy]\n"), &memory, &error);
}

static int end(void **unused)
{
    (void)unused;
    close(ends[0]);
    close(ends[1]);
    return close(memory);
}

static bool ask(struct settling *settling, int64_t revision, uint32_t question, duration when)
{
    union message message, answer;
    message_prepare(&message, MESSAGE_SETTINGS, question);
    message.settings.revision = revision;
    return settling_begin(settling, ends[0], &message.settings, memory, when, &answer);
}

/* The revision that the supervisor is asked about; 0: none. */
static int64_t heard(void)
{
    struct supervise message;
    struct error error = {0};
    int descriptor = -1;
    if (supervise_receive(ends[1], &message, &descriptor, &error) != 1)
        return 0;
    assert_int_equal(message.kind, SUPERVISE_SETTINGS);
    assert_true(descriptor >= 0);
    close(descriptor);
    return message.revision;
}

static struct supervise settled(int64_t revision, int status, const char *text)
{
    struct supervise news = {.kind = SUPERVISE_SETTLED, .revision = revision, .status = status};
    snprintf(news.text, sizeof news.text, "%s", text);
    return news;
}

static void the_answer_goes_to_who_asked(void **unused)
{
    (void)unused;
    struct settling settling = {0};
    union message answer;
    char text[300];
    assert_true(ask(&settling, 5, 77, NOW));
    assert_int_equal(heard(), 5);
    struct supervise news = settled(5, -22, "line 3 is wrong");
    assert_true(settling_end(&settling, &news, &answer, text));
    assert_int_equal(answer.done.head.question, 77);
    assert_int_equal(answer.done.code, -22);
    assert_string_equal(answer.done.text, "line 3 is wrong");
    assert_string_equal(text, "settings from the collector, revision 5, are refused: line 3 is wrong");
    assert_true(ask(&settling, 6, 78, NOW));
    assert_int_equal(heard(), 6);
    news = settled(6, 0, "");
    assert_true(settling_end(&settling, &news, &answer, text));
    assert_int_equal(answer.done.head.question, 78);
    assert_int_equal(answer.done.code, 0);
    assert_string_equal(text, "settings from the collector, revision 6, are in force");
    assert_false(settling_end(&settling, &news, &answer, text)); /* once */
}

static void while_one_is_looked_at_another_is_passed_over(void **unused)
{
    (void)unused;
    struct settling settling = {0};
    assert_true(ask(&settling, 5, 1, NOW));
    assert_int_equal(heard(), 5);
    assert_true(ask(&settling, 6, 2, NOW + 9 * SECOND));
    assert_int_equal(heard(), 0);
    assert_true(ask(&settling, 6, 3, NOW + 10 * SECOND)); /* an answer that was lost blocks nobody for ever */
    assert_int_equal(heard(), 6);
    union message answer;
    char text[300];
    const struct supervise late = settled(5, 0, "");
    assert_false(settling_end(&settling, &late, &answer, text)); /* of another revision than is waited for */
}

static void another_courier_is_not_told_what_the_one_before_asked(void **unused)
{
    (void)unused;
    struct settling settling = {0};
    union message answer;
    char text[300];
    const struct supervise news = settled(5, 0, "");
    assert_true(ask(&settling, 5, 1, NOW));
    settling_forget(&settling);
    assert_false(settling_end(&settling, &news, &answer, text));
}

static void a_supervisor_that_is_gone_is_said(void **unused)
{
    (void)unused;
    struct settling settling = {0};
    union message message, answer;
    message_prepare(&message, MESSAGE_SETTINGS, 4);
    message.settings.revision = 5;
    close(ends[1]);
    assert_false(settling_begin(&settling, ends[0], &message.settings, memory, NOW, &answer));
    assert_int_equal(answer.done.head.question, 4);
    assert_true(answer.done.code < 0);
    ends[1] = dup(ends[0]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(the_answer_goes_to_who_asked),
        TEST(while_one_is_looked_at_another_is_passed_over),
        TEST(another_courier_is_not_told_what_the_one_before_asked),
        TEST(a_supervisor_that_is_gone_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
