/* Reading messages in processes that may be lost at any time: with the program itself, and with one that stands in for
 * it and does what a message may make it do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <gd.h>
#include <gdfontg.h>
#include <sodium.h>
#include "collector/reading/conversation.h"
#include "collector/reading/process.h"
#include "collector/reading/reading.h"
#include "common/io/clock.h"

static char self[PATH_MAX], program[PATH_MAX + 32];
static struct error failed;
static struct message_facts facts;

static struct picture_settings settings = {.enabled = true,
                                           .languages = {.items = {"eng"}, .count = 1},
                                           .size = 1000000,
                                           .pixels = 1000000,
                                           .most = 4,
                                           .processes = 1,
                                           .patience = 20 * SECOND,
                                           .memory = (uint64_t)1024 * 1024 * 1024};

static struct reading *create(const char *fake, duration patience)
{
    struct reading *reading = NULL;
    struct picture_settings wanted = settings;
    wanted.patience = patience;
    if (fake) { /* it is told by its last argument what it is to do */
        wanted.text = true;
        strcpy(wanted.languages.items[0], fake);
    }
    if (reading_create(&wanted, fake ? self : program, &reading, &failed) < 0)
        fail_msg("%s", failed.text);
    return reading;
}

/* --- the program itself --- */

static void test_a_message_is_read(void **unused)
{
    struct reading *reading = create(NULL, 20 * SECOND);
    (void)unused;
    for (int i = 0; i < 3; i++) {
        if (reading_ask(reading, TEXT("Subject: Hello\r\n\r\nWorld\r\n"), &facts, &failed) < 0)
            fail_msg("%s", failed.text);
        assert_string_equal(facts.subject, "Hello");
    }
    struct reading_counts counts = reading_counts(reading);
    assert_int_equal(counts.asked, 3);
    assert_int_equal(counts.started, 1);
    assert_int_equal(counts.failed, 0);
    reading_destroy(&reading);
}

/* As complaints, in the same process: dates, tables and digests need no file. */
static void test_complaints_are_read(void **unused)
{
    static const char arf[] =
        "From: fbl@example.com\nDate: Mon, 23 Nov 2026 09:00:00 +0900\nContent-Type: multipart/report; "
        "report-type=feedback-report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: "
        "abuse\nSource-IP: 203.0.113.9\nArrival-Date: Thu, 8 Mar 2025 14:00:00 EDT\n\n--b--\n";
    struct reading *reading = create(NULL, 20 * SECOND);
    struct complaints complaints;
    (void)unused;
    if (reading_ask_complaints(reading, TEXT(arf), &complaints, &failed) < 0)
        fail_msg("%s", failed.text);
    assert_int_equal(complaints.found, FOUND_COMPLAINTS);
    assert_int_equal(complaints.count, 1);
    assert_string_equal(complaints.items[0].source_text, "203.0.113.9");
    assert_int_equal(complaints.items[0].sent, INT64_C(1795392000) * SECOND);
    assert_int_equal(complaints.items[0].time, INT64_C(1741456800) * SECOND);
    complaints_clear(&complaints);
    assert_int_equal(reading_ask_complaints(
                         reading, TEXT("timestamp,ip\n2026-11-23 08:00:00,192.0.2.1\n2026-11-23 08:00:00,192.0.2.2\n"),
                         &complaints, &failed),
                     0);
    assert_int_equal(complaints.count, 2);
    assert_string_equal(complaints.items[1].source_text, "192.0.2.2");
    complaints_clear(&complaints);
    assert_int_equal(reading_ask_complaints(reading,
                                            TEXT("{\"xarf_version\":\"4.2.0\",\"category\":\"messaging\",\"type\":"
                                                 "\"spam\",\"source_identifier\":\"192.0.2.3\"}"),
                                            &complaints, &failed),
                     0);
    assert_int_equal(complaints.found, FOUND_COMPLAINTS);
    complaints_clear(&complaints);
    assert_int_equal(reading_ask_complaints(reading, TEXT("{"), &complaints, &failed), 0);
    assert_int_equal(complaints.found, FOUND_BROKEN);
    assert_int_equal(complaints.count, 0);
    assert_string_not_equal(complaints.trouble, "");
    assert_int_equal(reading_ask(reading, TEXT("Subject: Hello\r\n\r\n"), &facts, &failed), 0);
    assert_int_equal(reading_counts(reading).started, 1);
    reading_destroy(&reading);
}

/* Files are not to be had any more: sets that are loaded are converted, one that is not is left as it is. */
static void test_a_character_set_that_is_not_loaded_ends_nothing(void **unused)
{
    struct reading *reading = create(NULL, 20 * SECOND);
    (void)unused;
    assert_int_equal(reading_ask(reading, TEXT("Subject: =?koi8-r?B?8NLJ18XU?=\r\n\r\n"), &facts, &failed), 0);
    assert_string_equal(facts.subject, "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82");
    static const char strange[] =
        "Subject: =?IBM1364?Q?abc=E4?=\r\nContent-Type: text/plain; charset=IBM1364\r\n\r\nabc\r\n";
    if (reading_ask(reading, TEXT(strange), &facts, &failed) < 0)
        fail_msg("%s", failed.text);
    assert_int_equal(reading_counts(reading).started, 1);
    reading_destroy(&reading);
}

static void test_a_large_message_is_read_and_a_larger_one_is_not(void **unused)
{
    struct reading *reading = create(NULL, 60 * SECOND);
    char *content = malloc(READING_MESSAGE_MOST + 1);
    (void)unused;
    memset(content, 'a', READING_MESSAGE_MOST + 1);
    memcpy(content, "Subject: large\r\n\r\n", 18);
    if (reading_ask(reading, (struct text){content, 16 * 1024 * 1024}, &facts, &failed) < 0)
        fail_msg("%s", failed.text);
    assert_string_equal(facts.subject, "large");
    assert_int_equal(reading_ask(reading, (struct text){content, READING_MESSAGE_MOST + 1}, &facts, &failed),
                     -EMSGSIZE);
    free(content);
    reading_destroy(&reading);
}

static void test_groups_in_groups_of_addresses_end_nothing(void **unused)
{
    (void)unused;
    const char begin[] = "Subject: Hello\r\nTo: ", end[] = "bob@there.example\r\n\r\nWorld\r\n";
    static char content[200000 + sizeof begin + sizeof end];
    struct reading *reading = create(NULL, 60 * SECOND);
    memcpy(content, begin, sizeof begin - 1);
    for (size_t i = 0; i < 200000; i++)
        content[sizeof begin - 1 + i] = i % 2 ? ':' : 'g';
    memcpy(content + sizeof begin - 1 + 200000, end, sizeof end);
    if (reading_ask(reading, text_of(content), &facts, &failed) < 0)
        fail_msg("%s", failed.text);
    assert_string_equal(facts.subject, "Hello");
    reading_destroy(&reading);
}

static void test_one_that_was_killed_meanwhile_is_replaced(void **unused)
{
    const char *const words[] = {program, "1073741824", "20", "0", "1", "1", NULL};
    struct reading_process process;
    (void)unused;
    if (reading_process_start(&process, words, clock_steady() + 20 * SECOND, &failed) < 0)
        fail_msg("%s", failed.text);
    kill(process.id, SIGKILL);
    usleep(100000);
    int code = reading_process_ask(&process, TEXT("\r\n"), clock_steady() + 20 * SECOND, &facts, &failed);
    assert_true(code == -EPIPE || code == -EPROTO);
    reading_process_end(&process);
    assert_int_equal(process.id, 0);
}

/* A message with a picture of the words. */
static char *write_picture(const char *words)
{
    int size;
    gdImagePtr small = gdImageCreateTrueColor(9 * (int)strlen(words) + 20, 40),
               large = gdImageCreateTrueColor(900, 160);
    gdImageFilledRectangle(small, 0, 0, gdImageSX(small), 40, gdTrueColor(255, 255, 255));
    gdImageString(small, gdFontGetGiant(), 10, 12, (unsigned char *)(uintptr_t)words, 0);
    gdImageCopyResampled(large, small, 0, 0, 0, 0, 900, 160, gdImageSX(small), 40);
    void *bytes = gdImagePngPtr(large, &size);
    size_t length = sodium_base64_encoded_len((size_t)size, sodium_base64_VARIANT_ORIGINAL);
    char *message = malloc(length + 200);
    int head = sprintf(message, "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    sodium_bin2base64(message + head, length, bytes, (size_t)size, sodium_base64_VARIANT_ORIGINAL);
    gdFree(bytes);
    gdImageDestroy(small);
    gdImageDestroy(large);
    return message;
}

static void test_text_in_pictures_is_read_where_it_is_wanted(void **unused)
{
    char *message = write_picture("CHEAP WATCHES ONLINE");
    struct reading *reading = create(NULL, 60 * SECOND);
    (void)unused;
    assert_int_equal(reading_ask(reading, text_of(message), &facts, &failed), 0);
    assert_int_equal(facts.picture_count, 1);
    assert_string_equal(facts.picture_text, "");
    reading_destroy(&reading);
    settings.text = true;
    reading = create(NULL, 60 * SECOND);
    settings.text = false;
    if (reading_ask(reading, text_of(message), &facts, &failed) < 0)
        fail_msg("%s", failed.text);
    assert_non_null(strstr(facts.picture_text, "CHEAP WATCHES"));
    for (int i = 0; i < 3; i++)
        assert_int_equal(reading_ask(reading, text_of(message), &facts, &failed), 0);
    assert_int_equal(reading_counts(reading).started, 1);
    reading_destroy(&reading);
    free(message);
}

static void test_a_language_that_is_not_installed_is_said(void **unused)
{
    struct picture_settings wanted = settings;
    struct reading *reading;
    (void)unused;
    wanted.text = true;
    strcpy(wanted.languages.items[0], "xyz");
    assert_int_equal(reading_create(&wanted, program, &reading, &failed), 0);
    assert_true(reading_ask(reading, TEXT("good"), &facts, &failed) < 0);
    assert_non_null(strstr(failed.text, "Tesseract does not have the languages \"xyz\""));
    reading_destroy(&reading);
}

static void test_it_does_nothing_by_hand(void **unused)
{
    char command[PATH_MAX + 64];
    (void)unused;
    snprintf(command, sizeof command, "%s 2>/dev/null </dev/null", program);
    assert_int_equal(WEXITSTATUS(system(command)), 2);
}

/* --- what a message may make of it --- */

static void test_one_that_ends_on_a_message_fails_that_message_alone(void **unused)
{
    struct reading *reading = create("ends", 20 * SECOND);
    (void)unused;
    assert_true(reading_ask(reading, TEXT("bad"), &facts, &failed) < 0);
    assert_string_equal(failed.text, "the reader ended on this message");
    assert_int_equal(reading_ask(reading, TEXT("good"), &facts, &failed), 0);
    assert_string_equal(facts.subject, "fake");
    struct reading_counts counts = reading_counts(reading);
    assert_int_equal(counts.failed, 1);
    assert_int_equal(counts.started, 2);
    reading_destroy(&reading);
}

static void test_one_that_does_not_answer_is_killed(void **unused)
{
    struct reading *reading = create("hangs", 300 * MILLISECOND);
    (void)unused;
    assert_int_equal(reading_ask(reading, TEXT("bad"), &facts, &failed), -ETIMEDOUT);
    assert_int_equal(reading_ask(reading, TEXT("good"), &facts, &failed), 0);
    assert_int_equal(reading_counts(reading).late, 1);
    reading_destroy(&reading);
}

static void test_what_was_read_before_the_text_in_a_picture_is_not_lost_with_it(void **unused)
{
    struct reading *reading = create("hangs later", 300 * MILLISECOND);
    (void)unused;
    if (reading_ask(reading, TEXT("bad"), &facts, &failed) < 0)
        fail_msg("%s", failed.text);
    assert_string_equal(facts.subject, "fake");
    assert_int_equal(reading_ask(reading, TEXT("good"), &facts, &failed), 0);
    assert_int_equal(reading_counts(reading).started, 2);
    assert_int_equal(reading_counts(reading).failed, 0);
    reading_destroy(&reading);
}

static void test_what_makes_no_sense_is_not_believed(void **unused)
{
    struct reading *reading = create("lies", 20 * SECOND);
    (void)unused;
    assert_true(reading_ask(reading, TEXT("bad"), &facts, &failed) < 0);
    assert_string_equal(failed.text, "the reader said what makes no sense");
    struct complaints complaints; /* the stand-in knows of none, and says a message's facts */
    assert_true(reading_ask_complaints(reading, TEXT("good"), &complaints, &failed) < 0);
    assert_string_equal(failed.text, "the reader said what makes no sense");
    assert_null(complaints.items);
    reading_destroy(&reading);
}

static void test_one_that_cannot_begin_says_why(void **unused)
{
    struct reading *reading = create("cannot", 20 * SECOND);
    (void)unused;
    assert_true(reading_ask(reading, TEXT("good"), &facts, &failed) < 0);
    assert_string_equal(failed.text, "the reader cannot begin: no such language");
    reading_destroy(&reading);
    struct picture_settings wanted = settings;
    assert_int_equal(reading_create(&wanted, "/nowhere/postern-reader", &reading, &failed), 0);
    assert_true(reading_ask(reading, TEXT("good"), &facts, &failed) < 0);
    assert_non_null(strstr(failed.text, "cannot start /nowhere/postern-reader"));
    reading_destroy(&reading);
}

static void *ask_in_thread(void *context)
{
    struct message_facts result;
    struct error error;
    return reading_ask(context, TEXT("slow"), &result, &error) == 0 ? context : NULL;
}

static void test_more_messages_than_processes_wait_their_turn(void **unused)
{
    struct reading *reading = create("slow", 20 * SECOND);
    pthread_t threads[6];
    (void)unused;
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_in_thread, reading), 0);
    for (size_t i = 0; i < 6; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, reading);
    }
    assert_int_equal(reading_counts(reading).started, 1);
    reading_destroy(&reading);
}

static void test_it_is_replaced_after_some_hundred_messages(void **unused)
{
    struct reading *reading = create("good", 20 * SECOND);
    (void)unused;
    for (int i = 0; i < 501; i++)
        assert_int_equal(reading_ask(reading, TEXT("good"), &facts, &failed), 0);
    assert_int_equal(reading_counts(reading).started, 2);
    reading_destroy(&reading);
}

/* --- the stand-in --- */

static int stand_in(const char *what)
{
    struct reading_greeting greeting = {.magic = READING_GREETING};
    struct reading_question question;
    static struct reading_answer answer = {.magic = READING_ANSWER, .facts = {.subject = "fake"}};
    char content[64];
    if (strcmp(what, "cannot") == 0) {
        greeting.code = -ENOENT;
        strcpy(greeting.text, "no such language");
    }
    send(READING_SOCKET, &greeting, sizeof greeting, 0);
    while (recv(READING_SOCKET, &question, sizeof question, MSG_WAITALL) == sizeof question &&
           recv(READING_SOCKET, content, question.length, MSG_WAITALL) == (ssize_t)question.length) {
        bool bad = memcmp(content, "bad", 3) == 0;
        if (bad && strcmp(what, "ends") == 0)
            abort();
        if (bad && strcmp(what, "hangs") == 0)
            pause();
        if (strcmp(what, "slow") == 0)
            usleep(20000);
        answer.facts.picture_count = bad && strcmp(what, "lies") == 0 ? 1000 : 0;
        answer.more = bad && strcmp(what, "hangs later") == 0;
        send(READING_SOCKET, &answer, sizeof answer, 0);
        if (answer.more)
            pause();
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 7)
        return stand_in(argv[6]);
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        return 1;
    char *end = strstr(self, "/test/collector/");
    snprintf(program, sizeof program, "%.*s/postern-reader", (int)(end ? end - self : 0), self);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_is_read),
        cmocka_unit_test(test_complaints_are_read),
        cmocka_unit_test(test_a_character_set_that_is_not_loaded_ends_nothing),
        cmocka_unit_test(test_a_large_message_is_read_and_a_larger_one_is_not),
        cmocka_unit_test(test_groups_in_groups_of_addresses_end_nothing),
        cmocka_unit_test(test_one_that_was_killed_meanwhile_is_replaced),
        cmocka_unit_test(test_text_in_pictures_is_read_where_it_is_wanted),
        cmocka_unit_test(test_a_language_that_is_not_installed_is_said),
        cmocka_unit_test(test_it_does_nothing_by_hand),
        cmocka_unit_test(test_one_that_ends_on_a_message_fails_that_message_alone),
        cmocka_unit_test(test_one_that_does_not_answer_is_killed),
        cmocka_unit_test(test_what_was_read_before_the_text_in_a_picture_is_not_lost_with_it),
        cmocka_unit_test(test_what_makes_no_sense_is_not_believed),
        cmocka_unit_test(test_one_that_cannot_begin_says_why),
        cmocka_unit_test(test_more_messages_than_processes_wait_their_turn),
        cmocka_unit_test(test_it_is_replaced_after_some_hundred_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
