/* What goes out on this machine: to its syslog, and to programs. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "collector/post/program.h"
#include "collector/post/syslog.h"
#include "common/io/clock.h"
#include "tests/unit/collector/post/delivering.h"

#define NOW (1800000000 * SECOND) /* 2027-01-15, 08:00 */

static char folder[] = "/tmp/local.XXXXXX";
static struct delivery delivery;

static const char *in_folder(const char *name)
{
    static char path[80];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* --- syslog --- */

static void assert_written(const char *line, const char *wanted)
{
    struct buffer result;
    buffer_init(&result, 4096);
    assert_true(syslog_write(text_of(line), NOW, 42, &result));
    assert_true(buffer_append_byte(&result, '\0'));
    assert_string_equal(result.bytes, wanted);
    buffer_clear(&result);
}

static void a_line_is_a_message(void **state)
{
    struct buffer result;
    (void)state;
    assert_written("spam by acme", "<29>Jan 15 08:00:00 postern-collector[42]: spam by acme");
    assert_written("<3>spam by acme \r", "<27>Jan 15 08:00:00 postern-collector[42]: spam by acme");
    assert_written("<9>x", "<29>Jan 15 08:00:00 postern-collector[42]: <9>x");
    assert_written("a\x1b[2Jb", "<29>Jan 15 08:00:00 postern-collector[42]: a?[2Jb");
    buffer_init(&result, 4096);
    assert_false(syslog_write(TEXT("<3> "), NOW, 42, &result));
    assert_false(syslog_write(TEXT(""), NOW, 42, &result));
}

static void all_lines_are_sent(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_DGRAM, 0);
    char got[256];
    (void)state;
    strcpy(address.sun_path, in_folder("log"));
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    delivery = delivering(TEXT(""), TEXT("<4>one\n\n<6>two\nthree"));
    assert_int_equal(syslog_deliver(address.sun_path, NOW, &delivery), DELIVERED);
    assert_int_equal(handed, 1);
    const char *const wanted[] = {"<28>", "<30>", "<29>"}, *const ends[] = {": one", ": two", ": three"};
    for (int i = 0; i < 3; i++) {
        ssize_t length = recv(listener, got, sizeof got - 1, MSG_DONTWAIT);
        assert_true(length > 0);
        got[length] = '\0';
        assert_memory_equal(got, wanted[i], 4);
        assert_string_equal(got + length - strlen(ends[i]), ends[i]);
    }
    assert_true(recv(listener, got, sizeof got, MSG_DONTWAIT) < 0);
    may_hand = false;
    assert_int_equal(syslog_deliver(address.sun_path, NOW, &delivery), DELIVERY_LATER);
    assert_true(recv(listener, got, sizeof got, MSG_DONTWAIT) < 0);
    close(listener);
    unlink(address.sun_path);
    delivery = delivering(TEXT(""), TEXT("x"));
    assert_int_equal(syslog_deliver(address.sun_path, NOW, &delivery), DELIVERY_AWAY);
    assert_int_equal(handed, 0);
    assert_says(&delivery, "cannot reach");
}

/* --- programs --- */

static enum delivered run(const char *script, struct text input, duration patience)
{
    struct channel channel = {.name = "pager", .type = CHANNEL_PROGRAM, .patience = patience};
    FILE *file = fopen(in_folder("program"), "w");
    fprintf(file, "#!/bin/sh\ncd %s\n%s\n", folder, script);
    fclose(file);
    chmod(in_folder("program"), 0755);
    strcpy(channel.program, in_folder("program"));
    delivery = delivering(TEXT(""), input);
    return program_deliver(&channel, &delivery);
}

static void assert_wrote(const char *wanted)
{
    char got[4096] = "";
    FILE *file = fopen(in_folder("out"), "r");
    assert_non_null(file);
    got[fread(got, 1, sizeof got - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(got, wanted);
}

static void a_program_reads_it(void **state)
{
    (void)state;
    setenv("SECRET", "x", 1);
    assert_int_equal(run("(cat; echo; echo $POSTERN_ID $POSTERN_CHANNEL$SECRET; ls /proc/self/fd | wc -l) >out; pwd "
                         ">/dev/full; exit 0",
                         TEXT("{\"a\":1}"), 10 * SECOND),
                     DELIVERED);
    assert_wrote(
        "{\"a\":1}\n00112233445566778899aabbccddeeff pager\n4\n"); /* 0, 1, 2, and the directory that ls reads */
    assert_int_equal(handed, 1);
}

static void one_that_fails_says_why(void **state)
{
    (void)state;
    assert_int_equal(run("echo 'no line' >&2; exit 3", TEXT("x"), 10 * SECOND), DELIVERY_AWAY);
    assert_string_equal(delivery.trouble, "its exit status was 3: no line");
    assert_int_equal(run("kill -9 $$", TEXT("x"), 10 * SECOND), DELIVERY_AWAY);
    assert_says(&delivery, "signal 9");
    const struct channel none = {.type = CHANNEL_PROGRAM, .program = "/nonexistent", .patience = SECOND};
    delivery = delivering(TEXT(""), TEXT("x"));
    assert_int_equal(program_deliver(&none, &delivery), DELIVERY_AWAY);
    assert_says(&delivery, "cannot start /nonexistent");
}

static void it_need_not_read_all(void **state)
{
    static char much[1 << 20];
    (void)state;
    memset(much, 'x', sizeof much);
    assert_int_equal(run("exit 0", (struct text){much, sizeof much}, 10 * SECOND), DELIVERED);
    assert_int_equal(run("wc -c >out", (struct text){much, sizeof much}, 10 * SECOND), DELIVERED);
    assert_wrote("1048576\n");
    assert_int_equal(run("cat >out", TEXT(""), 10 * SECOND), DELIVERED);
    assert_wrote("");
}

static void one_that_hangs_is_killed_with_its_children(void **state)
{
    duration begun = clock_steady();
    (void)state;
    assert_int_equal(run("(sleep 30; echo late >out) & echo first >out; sleep 30", TEXT("x"), SECOND),
                     DELIVERY_IN_DOUBT);
    assert_says(&delivery, "did not end in time");
    assert_true(clock_steady() - begun < 20 * SECOND);
    assert_wrote("first\n");
    may_hand = false;
}

static void what_cannot_be_marked_is_not_run(void **state)
{
    const struct channel channel = {.type = CHANNEL_PROGRAM, .program = "/bin/true", .patience = SECOND};
    (void)state;
    delivery = delivering(TEXT(""), TEXT("x"));
    may_hand = false;
    assert_int_equal(program_deliver(&channel, &delivery), DELIVERY_LATER);
}

static int begin(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    setenv("TZ", "UTC", 1);
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    unlink(in_folder("program"));
    unlink(in_folder("out"));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_message),
        cmocka_unit_test(all_lines_are_sent),
        cmocka_unit_test(a_program_reads_it),
        cmocka_unit_test(one_that_fails_says_why),
        cmocka_unit_test(it_need_not_read_all),
        cmocka_unit_test(one_that_hangs_is_killed_with_its_children),
        cmocka_unit_test(what_cannot_be_marked_is_not_run),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
