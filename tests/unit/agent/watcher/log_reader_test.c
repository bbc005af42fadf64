/* Logs in the watcher: lines of a file become observations, once, also over the end of a reader; what is old is not
 * judged, and nothing comes from the future. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "agent/message/bundle.h"
#include "agent/watcher/log_reader.h"
#include "common/io/tail.h"

#define NOW (INT64_C(1795420800) * SECOND) /* 2026-11-23T08:00:00Z */

static const char patterns[] = "[queued]\n"
                               "program = ^mta$\n"
                               "match = ^(?<queue>\\w+) from (?<account>\\S+)$\n"
                               "means = queued\n"
                               "[delivery]\n"
                               "program = ^mta$\n"
                               "match = ^(?<queue>\\w+) to (?<to>\\S+) (?<code>\\d+)$\n"
                               "means = delivery\n";

struct place {
    struct log_reader *reader;
    int log, record;
    struct buffer heard; /* a line an observation */
    uint32_t settled;
};

static void on_observe(void *context, const struct observation *observation)
{
    struct place *place = context;
    if (observation->kind == OBSERVATION_RECIPIENT)
        assert_true(buffer_printf(&place->heard, "%d %.*s %.*s %u\n", (int)((observation->time - NOW) / SECOND),
                                  (int)observation->origin.account.length, observation->origin.account.bytes,
                                  (int)observation->recipient.address.length, observation->recipient.address.bytes,
                                  observation->recipient.reply.code));
}

static void on_settle(void *context)
{
    ((struct place *)context)->settled++;
}

static void on_say(void *context, const char *sentence)
{
    (void)context;
    fail_msg("%s", sentence);
}

static int new_file(void)
{
    char name[] = "/tmp/postern-log-reader-XXXXXX";
    int file = mkstemp(name);
    assert_true(file >= 0);
    unlink(name);
    return file;
}

/* A reader that is told of the log as the warden tells. */
static void begin(struct place *place, moment now)
{
    struct error error = {0};
    struct buffer bundle;
    bundle_init(&bundle);
    assert_int_equal(bundle_add(&bundle, TEXT("mine.conf"), text_of(patterns), &error), 0);
    struct logs_settings logs = {.patterns = {.items = {"mine.conf"}, .count = 1}, .transactions = 64};
    const struct log_reader_settings settings = {buffer_text(&bundle), &logs, {{1, 2}}, NULL};
    const struct log_reader_listener listener = {place, on_observe, on_settle, on_say, NULL};
    assert_int_equal(log_reader_create(&settings, &listener, now, &place->reader, &error), 0);
    buffer_clear(&bundle);
    log_reader_resume(place->reader, dup(place->record), now);
    struct stat status;
    assert_int_equal(fstat(place->log, &status), 0);
    struct message_log found = {.news = TAIL_LIVE, .device = status.st_dev, .inode = status.st_ino, .initial = 1};
    snprintf(found.source, sizeof(found.source), "/var/log/mail.log");
    log_reader_hear(place->reader, &found, dup(place->log), now);
    found.news = TAIL_READY;
    log_reader_hear(place->reader, &found, -1, now);
}

static void open_place(struct place *place)
{
    *place = (struct place){.log = new_file(), .record = new_file()};
    buffer_init(&place->heard, 1 << 20);
}

static void close_place(struct place *place)
{
    log_reader_destroy(&place->reader);
    buffer_clear(&place->heard);
    close(place->log);
    close(place->record);
}

/* Written at NOW and so many seconds, by "mta". */
static void write_line(struct place *place, int at, const char *text)
{
    char line[300], stamp[40];
    struct tm when;
    time_t seconds = NOW / SECOND + at;
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S+00:00", gmtime_r(&seconds, &when));
    int length = snprintf(line, sizeof(line), "%s host mta[1]: %s\n", stamp, text);
    assert_int_equal(write(place->log, line, (size_t)length), length);
}

static void expect(struct place *place, int at, const char *want)
{
    while (log_reader_step(place->reader, NOW + at * SECOND, 0))
        continue;
    assert_true(buffer_append_byte(&place->heard, '\0'));
    assert_string_equal(place->heard.bytes, want);
    place->heard.length = 0;
}

static void test_lines_become_observations(void **state)
{
    (void)state;
    struct place place;
    open_place(&place);
    write_line(&place, -10, "A1 from early");
    begin(&place, NOW);
    expect(&place, 0, ""); /* what was there before the very first start is not judged ... */
    write_line(&place, 1, "A1 to x@example.com 250");
    expect(&place, 2, "1 early x@example.com 250\n"); /* ... but known */
    write_line(&place, 3, "B2 from alice");
    write_line(&place, 3, "B2 to y@example.com 550");
    write_line(&place, 3, "what nobody understands");
    expect(&place, 3, "3 alice y@example.com 550\n");
    assert_true(place.settled > 0);
    struct log_reader_counters counters = log_reader_counters(place.reader);
    assert_int_equal(counters.lines, 4);
    assert_int_equal(counters.unparsed, 1);
    assert_int_equal(counters.files, 1);
    close_place(&place);
}

static void test_times(void **state)
{
    (void)state;
    struct place place;
    open_place(&place);
    begin(&place, NOW);
    write_line(&place, 0, "A1 from alice");
    write_line(&place, 0, "A1 to late@example.com 250");
    write_line(&place, 101, "A1 to intime@example.com 250");
    write_line(&place, 9000, "A1 to future@example.com 250");
    expect(&place, 400, "101 alice intime@example.com 250\n400 alice future@example.com 250\n");
    assert_int_equal(log_reader_counters(place.reader).late, 1);
    close_place(&place);
}

/* A reader that ends anywhere: the next goes on behind it, and knows the messages under way. */
static void test_another_reader(void **state)
{
    (void)state;
    struct place place;
    open_place(&place);
    begin(&place, NOW);
    write_line(&place, 1, "A1 from alice");
    write_line(&place, 1, "A1 to one@example.com 250");
    expect(&place, 1, "1 alice one@example.com 250\n");
    log_reader_destroy(&place.reader);
    write_line(&place, 2, "A1 to two@example.com 250");
    begin(&place, NOW + 3 * SECOND);
    expect(&place, 3, "2 alice two@example.com 250\n");
    assert_int_equal(log_reader_counters(place.reader).lines, 1);
    log_reader_destroy(&place.reader);
    begin(&place, NOW + 4 * SECOND);
    expect(&place, 4, "");
    close_place(&place);
}

/* Killed in the middle of a step: what was judged stands in the record, to a few lines. */
static void test_the_record_keeps_up(void **state)
{
    (void)state;
    struct place place;
    open_place(&place);
    begin(&place, NOW);
    write_line(&place, 1, "A1 from alice");
    for (int i = 0; i < 1000; i++)
        write_line(&place, 1, "A1 to one@example.com 250");
    while (log_reader_step(place.reader, NOW + SECOND, 0))
        continue;
    assert_true(place.settled >= 1000 * 60 / LOG_PIECE);
    close_place(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_become_observations),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_another_reader),
        cmocka_unit_test(test_the_record_keeps_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
