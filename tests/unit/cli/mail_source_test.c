/* Mail is found in whatever people have it in: each message once, as it was. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/mail_source.h"
#include "cli/message_names.h"

static char folder[64], found[8][256];
static int count;

static int begin(void **state)
{
    (void)state;
    count = 0;
    snprintf(folder, sizeof folder, "/tmp/mail.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
    char command[100];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}
#define MAIL(name) cmocka_unit_test_setup_teardown(name, begin, end)

static const char *path_of(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *bytes)
{
    FILE *file = fopen(path_of(name), "we");
    assert_non_null(file);
    fputs(bytes, file);
    fclose(file);
}

static void make(const char *name)
{
    assert_int_equal(mkdir(path_of(name), 0700), 0);
}

static bool take(void *context, const char *where, struct text message)
{
    (void)where;
    assert_true(count < 8);
    snprintf(found[count++], sizeof found[0], "%.*s", (int)message.length, message.bytes);
    return !context || --*(int *)context > 0;
}

static struct mail_source read_of(const char *name)
{
    struct mail_source source = {.each = take};
    struct error error = {0};
    count = 0;
    if (mail_source_read(&source, path_of(name), &error) < 0)
        fail_msg("%s", error.text);
    return source;
}

static void a_file_is_a_message(void **state)
{
    (void)state;
    put("one", "Subject: a\r\n\r\nbody\r\n\r\n");
    struct mail_source source = read_of("one");
    assert_int_equal(source.messages, 1);
    assert_int_equal(source.bytes, 22);
    assert_string_equal(found[0], "Subject: a\r\n\r\nbody\r\n\r\n");
}

static void a_mailbox_is_several(void **state)
{
    (void)state;
    put("box", "From a@b Mon Nov 23 09:00:00 2026\nSubject: 1\n\none\n>From me\n>>From you\nFrom the middle\n\n"
               "From c@d Mon Nov 23 09:00:00 2026\nSubject: 2\n\ntwo\n\n\nFrom e@f\nSubject: 3\n\nthree");
    assert_int_equal(read_of("box").messages, 3);
    assert_string_equal(found[0], "Subject: 1\n\none\nFrom me\n>From you\nFrom the middle\n");
    assert_string_equal(found[1], "Subject: 2\n\ntwo\n\n");
    assert_string_equal(found[2], "Subject: 3\n\nthree");
}

static void a_message_that_only_quotes_is_no_mailbox(void **state)
{
    (void)state;
    put("one", "Subject: a\n\n>From here\n\nFrom there\n");
    assert_int_equal(read_of("one").messages, 1);
    assert_string_equal(found[0], "Subject: a\n\n>From here\n\nFrom there\n");
}

static void a_directory_is_read_by_name_and_a_maildir_as_one(void **state)
{
    (void)state;
    make("new");
    make("cur");
    make("tmp");
    make(".hidden");
    put("new/2", "Subject: new\n\n");
    put("cur/1:2,S", "Subject: cur\n\n");
    put("cur/dovecot.index", "\1\2");
    put("cur/.nfs", "Subject: hidden\n\n");
    put("tmp/3", "Subject: half\n\n");
    put(".hidden/4", "Subject: hidden\n\n");
    assert_int_equal(read_of("").messages, 2);
    assert_string_equal(found[0], "Subject: cur\n\n");
    assert_string_equal(found[1], "Subject: new\n\n");
    assert_int_equal(read_of("tmp").messages, 1); /* who names it means it */
}

static void what_is_no_mail_is_counted(void **state)
{
    (void)state;
    put("picture", "\x89PNG\r\n\x1a\n1234");
    put("words", "just words\nand more of them: words\n");
    put("odd", "From here\n>From there\n\nSubject: odd\n\nbody\n");
    put("nothing", "");
    assert_int_equal(read_of("picture").not_mail, 1);
    assert_int_equal(read_of("words").not_mail, 1);
    assert_int_equal(read_of("odd").messages, 1); /* what spam is like */
    struct mail_source source = read_of("nothing");
    assert_int_equal(source.not_mail + source.messages, 0);
}

static void what_is_too_large_is_passed_over_alone(void **state)
{
    (void)state;
    FILE *file = fopen(path_of("box"), "we");
    fputs("From a@b\nSubject: 1\n\n", file);
    for (size_t i = 0; i < MAIL_SOURCE_MOST / 64 + 1; i++)
        fprintf(file, "%63d\n", 1);
    fputs("\nFrom c@d\nSubject: 2\n\n", file);
    fclose(file);
    struct mail_source source = read_of("box");
    assert_int_equal(source.too_large, 1);
    assert_int_equal(source.messages, 1);
    assert_string_equal(found[0], "Subject: 2\n");
}

static void lines_of_any_length_are_read(void **state)
{
    (void)state;
    FILE *file = fopen(path_of("box"), "we");
    fputs("From a@b\nSubject: 1\n\n", file);
    for (int i = 0; i < 200000; i++)
        fputs("From ", file); /* in pieces that begin so: no line begins with them */
    fputs("\n\nFrom c@d\nSubject: 2\n\n", file);
    fclose(file);
    assert_int_equal(read_of("box").messages, 2);
}

static void who_has_enough_is_given_no_more(void **state)
{
    int wanted = 1;
    struct mail_source source = {.each = take, .context = &wanted};
    struct error error;
    (void)state;
    put("a", "From a@b\nSubject: 1\n\n\nFrom c@d\nSubject: 2\n\n");
    put("b", "Subject: 3\n\n");
    assert_int_equal(mail_source_read(&source, folder, &error), 0);
    assert_int_equal(source.messages, 1);
}

static void what_is_not_there_is_said(void **state)
{
    struct mail_source source = {.each = take};
    struct error error;
    (void)state;
    assert_int_equal(mail_source_read(&source, path_of("none"), &error), -ENOENT);
    assert_non_null(strstr(error.text, "none"));
    put("a", "Subject: 1\n\n");
    put("b", "Subject: 22\n\n");
    assert_int_equal(mail_source_size(folder), 25);
    assert_int_equal(mail_source_size(path_of("none")), 0);
}

static void names_of_messages_are_told_from_others(void **state)
{
    char name[MESSAGE_NAME];
    static const char *const others[] = {"",
                                         "0DC5B48D4",
                                         "0DC5B48D4.A739",
                                         "0DC5B48D4.A739DD",
                                         "0DC5B48D4xA739D",
                                         "0DC5B48DG.A739D",
                                         "20261123/spam/",
                                         "a.eml"};
    (void)state;
    assert_true(message_name_read("0DC5B48D4.A739D", name));
    assert_true(message_name_read("20261123/spam/0dc5b48d4.a739d", name));
    assert_string_equal(name, "0DC5B48D4.A739D");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(message_name_read(others[i], name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MAIL(a_file_is_a_message),
        MAIL(a_mailbox_is_several),
        MAIL(a_message_that_only_quotes_is_no_mailbox),
        MAIL(a_directory_is_read_by_name_and_a_maildir_as_one),
        MAIL(what_is_no_mail_is_counted),
        MAIL(what_is_too_large_is_passed_over_alone),
        MAIL(lines_of_any_length_are_read),
        MAIL(who_has_enough_is_given_no_more),
        MAIL(what_is_not_there_is_said),
        MAIL(names_of_messages_are_told_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
