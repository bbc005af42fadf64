/* Every line of a log comes once, whatever becomes of its file. The test is the half that has paths: it renames, copies
 * and cuts, and says so as tail_find would; "restart" goes on in a new reader from the record of the old. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>
#include "common/io/clock.h"
#include "common/io/tail_read.h"

#define SOURCE "/var/log/mail.log" /* a name only: the reader has no path */

static char top[] = "/tmp/postern-read-XXXXXX";
static struct tail_read *reader;
static struct tail_read_settings settings;
static struct buffer taken, said;
static moment now;
static bool started;

static size_t take(void *context, const struct tail_bytes *given)
{
    (void)context;
    const char *end = memrchr(given->bytes.bytes, '\n', given->bytes.length);
    size_t used = given->last ? given->bytes.length : end ? (size_t)(end - given->bytes.bytes) + 1 : 0;
    assert_true(buffer_append(&taken, (struct text){given->bytes.bytes, used}));
    return used;
}

static void say(void *context, const char *sentence)
{
    (void)context;
    assert_true(buffer_printf(&said, "%s\n", sentence));
}

static void create(void)
{
    const struct tail_listener listener = {.take = take, .say = say};
    reader = tail_read_create(&settings, &listener, now);
    assert_non_null(reader);
    started = false;
}

static int begin(void **state)
{
    (void)state;
    memcpy(top + strlen(top) - 6, "XXXXXX", 6);
    if (!mkdtemp(top) || chdir(top) != 0)
        return -1;
    settings = (struct tail_read_settings){
        .quiet = 3 * SECOND, .patience = 5 * SECOND, .deleted = 60 * SECOND, .from_beginning = true};
    now = clock_now() - SECOND; /* the kernel's times of files lag behind by a tick */
    buffer_init(&taken, 64 * 1024 * 1024);
    buffer_init(&said, 64 * 1024);
    create();
    return 0;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    tail_read_destroy(&reader);
    buffer_clear(&taken);
    buffer_clear(&said);
    snprintf(command, sizeof command, "rm -rf '%s'", top);
    return chdir("/") != 0 || system(command) != 0;
}

/* ---- what happens to the files ---- */

static void write_bytes(const char *name, const char *bytes, size_t length)
{
    int file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, length), length);
    close(file);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static void copy(const char *from, const char *to)
{
    char bytes[64 * 1024];
    int file = open(from, O_RDONLY | O_CLOEXEC);
    ssize_t got = read(file, bytes, sizeof bytes);
    close(file);
    assert_true(got >= 0 && got < (ssize_t)sizeof bytes);
    write_bytes(to, bytes, (size_t)got);
}

static void pack(const char *from, const char *to)
{
    char bytes[64 * 1024];
    int file = open(from, O_RDONLY | O_CLOEXEC);
    ssize_t got = read(file, bytes, sizeof bytes);
    close(file);
    gzFile packed = gzopen(to, "wb");
    assert_int_equal(gzwrite(packed, bytes, (unsigned)got), got);
    assert_int_equal(gzclose(packed), Z_OK);
    assert_int_equal(unlink(from), 0);
}

static struct tail_found news_of(enum tail_news news, const char *name)
{
    struct tail_found found = {.news = news, .descriptor = -1, .initial = !started, .source = SOURCE};
    struct stat status;
    int file = open(name, O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0 && fstat(file, &status) == 0);
    found.device = status.st_dev;
    found.inode = status.st_ino;
    found.changed = status.st_mtim.tv_sec * SECOND + status.st_mtim.tv_nsec;
    if (news == TAIL_GONE)
        close(file);
    else
        found.descriptor = file;
    return found;
}

static void tell(enum tail_news news, const char *name)
{
    struct tail_found found = news_of(news, name);
    tail_read_add(reader, &found, now);
}

static void tell_ready(void)
{
    const struct tail_found found = {.news = TAIL_READY, .descriptor = -1};
    tail_read_add(reader, &found, now);
    started = true;
}

static void steps(duration time)
{
    for (moment until = now + time; now <= until; now += 50 * MILLISECOND)
        while (tail_read_step(reader, now))
            ;
}

static void start_with(const char *name)
{
    tell(TAIL_LIVE, name);
    tell_ready();
    steps(0);
}

/* The old process is gone without a word; what it kept last is what counts. */
static void kill_reader(struct buffer *record)
{
    buffer_init(record, 1024 * 1024);
    assert_true(tail_read_export(reader, now, record));
    tail_read_destroy(&reader);
}

static void start_again(struct buffer *record)
{
    struct error error = {.code = 0};
    create();
    assert_int_equal(tail_read_import(reader, buffer_text(record), now, &error), 0);
    buffer_clear(record);
}

/* ---- what is expected ---- */

static void expect(const char *text)
{
    if (!text_equals(buffer_text(&taken), (struct text){text, strlen(text)}))
        fail_msg("came:\n%.*s---- instead of:\n%s---- said:\n%.*s", (int)taken.length, taken.bytes, text,
                 (int)said.length, said.bytes ? said.bytes : "");
}

static void expect_nothing_lost(void)
{
    struct tail_counters counters = tail_read_counters(reader);
    assert_true(counters.lost_bytes == 0 && counters.refused_files == 0 && counters.damaged_files == 0);
}

/* ---- one file ---- */

static void lines_come_as_they_are_written(void **state)
{
    (void)state;
    write_text("log", "one\ntwo\n");
    start_with("log");
    expect("one\ntwo\n");
    write_text("log", "three\n");
    steps(0);
    expect("one\ntwo\nthree\n");
    assert_true(tail_read_counters(reader).bytes == 14);
}

static void what_was_there_at_the_first_start_is_history_unless_wanted(void **state)
{
    (void)state;
    tail_read_destroy(&reader);
    settings.from_beginning = false;
    create();
    write_text("log", "old\nhalf a li");
    start_with("log");
    write_text("log", "ne\nnew\n");
    steps(0);
    expect("half a line\nnew\n");
}

static void half_a_line_waits_for_its_end(void **state)
{
    (void)state;
    write_text("log", "one\ntw");
    start_with("log");
    steps(20 * SECOND);
    expect("one\n");
    write_text("log", "o\n");
    steps(0);
    expect("one\ntwo\n");
}

static void nuls_and_lines_of_a_megabyte_are_bytes_as_others(void **state)
{
    (void)state;
    enum { LONG = 1024 * 1024 };
    char *line = malloc(LONG);
    assert_non_null(line);
    memset(line, 'x', LONG);
    line[LONG / 2] = '\0';
    line[LONG - 1] = '\n';
    write_bytes("log", "a\0b\n", 4);
    write_bytes("log", line, LONG);
    write_text("log", "end\n");
    start_with("log");
    assert_int_equal(taken.length, 4 + LONG + 4);
    assert_memory_equal(taken.bytes, "a\0b\n", 4);
    assert_memory_equal(taken.bytes + 4, line, LONG);
    assert_memory_equal(taken.bytes + 4 + LONG, "end\n", 4);
    free(line);
}

static void a_line_without_end_comes_in_parts(void **state)
{
    (void)state;
    enum { LONG = 3 * 1024 * 1024 };
    char *line = malloc(LONG);
    assert_non_null(line);
    memset(line, 'x', LONG);
    write_bytes("log", line, LONG);
    write_text("log", "\nend\n");
    start_with("log");
    assert_int_equal(taken.length, LONG + 5);
    assert_true(tail_read_counters(reader).long_lines == 1);
    free(line);
}

static void a_file_made_shorter_is_read_on_from_its_new_end(void **state)
{
    (void)state;
    write_text("log", "one\ntwo\nthree\n");
    start_with("log");
    assert_int_equal(truncate("log", 0), 0);
    steps(0);
    write_text("log", "four\n");
    steps(20 * SECOND);
    expect("one\ntwo\nthree\nfour\n");
    assert_true(tail_read_counters(reader).truncated == 1);
    expect_nothing_lost();
}

/* A writer without O_APPEND goes on at its old place after a cut: in front of its line stand NULs that nobody wrote. */
static void the_hole_that_a_writer_leaves_after_a_cut_is_passed_over(void **state)
{
    (void)state;
    enum { LONG = 10000 };
    const size_t sizes[] = {100, LONG}; /* within a block of the file system, and beyond some */
    char *line = malloc(LONG);
    assert_non_null(line);
    for (size_t i = 0; i < 2; i++) {
        memset(line, 'x', LONG);
        line[sizes[i] - 1] = '\n';
        int writer = open("log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_int_equal(write(writer, line, sizes[i]), sizes[i]);
        start_with("log");
        copy("log", "log.1");
        assert_int_equal(truncate("log", 0), 0);
        assert_int_equal(write(writer, "after\n", 6), 6);
        tell(TAIL_SIBLING, "log.1");
        steps(10 * SECOND);
        assert_int_equal(write(writer, "more\n", 5), 5);
        close(writer);
        steps(0);
        assert_int_equal(taken.length, sizes[i] + 11);
        assert_memory_equal(taken.bytes + sizes[i], "after\nmore\n", 11);
        assert_int_equal(tail_read_counters(reader).passed_bytes, sizes[i]);
        expect_nothing_lost();
        assert_int_equal(unlink("log"), 0);
        assert_int_equal(unlink("log.1"), 0);
        tail_read_destroy(&reader);
        buffer_clear(&taken);
        create();
    }
    free(line);
}

static void bytes_that_were_cut_off_unread_are_counted_each(void **state)
{
    (void)state;
    enum { LINE = 2 * TAIL_HEAD }; /* the beginning that the file is known by stays */
    char line[LINE];
    memset(line, 'x', LINE);
    line[LINE - 1] = '\n';
    write_bytes("log", line, LINE);
    write_text("log", "half");
    start_with("log");
    assert_int_equal(truncate("log", LINE + 2), 0); /* in the middle of what waits for its end */
    steps(0);
    assert_int_equal(tail_read_counters(reader).lost_bytes, 2);
    assert_int_equal(truncate("log", LINE - 2), 0); /* "ha" goes unread, the line in front of it does not */
    steps(0);
    assert_int_equal(tail_read_counters(reader).lost_bytes, 4);
    write_text("log", "\ntwo\n");
    steps(0);
    assert_int_equal(taken.length, LINE + 5);
    assert_memory_equal(taken.bytes + LINE, "\ntwo\n", 5);
    assert_int_equal(tail_read_counters(reader).truncated, 2);
}

static void unread_bytes_behind_the_place_of_reading_are_counted_when_cut(void **state)
{
    (void)state;
    enum { BYTES = 3 * 1024 * 1024, LINE = 64 }; /* more than one step reads */
    char *lines = malloc(BYTES);
    assert_non_null(lines);
    memset(lines, 'x', BYTES);
    for (size_t i = LINE - 1; i < BYTES; i += LINE)
        lines[i] = '\n';
    write_bytes("log", lines, BYTES);
    free(lines);
    tell(TAIL_LIVE, "log");
    tell_ready();
    assert_true(tail_read_step(reader, now));
    assert_true(taken.length < BYTES - 1000 * LINE);
    assert_int_equal(truncate("log", BYTES - 1000 * LINE), 0);
    steps(0);
    assert_int_equal(taken.length, BYTES - 1000 * LINE);
    assert_int_equal(tail_read_counters(reader).lost_bytes, 1000 * LINE);
    assert_int_equal(tail_read_counters(reader).truncated, 1);
}

/* ---- rotation ---- */

static void a_renamed_file_is_read_to_its_end_beside_the_new_one(void **state)
{
    (void)state;
    write_text("log", "one\n");
    start_with("log");
    assert_int_equal(rename("log", "log.1"), 0);
    write_text("log.1", "two\n");
    write_text("log", "three\n");
    tell(TAIL_GONE, "log.1");
    tell(TAIL_LIVE, "log");
    steps(SECOND);
    expect("one\ntwo\nthree\n");
    write_text("log.1", "late\n");
    steps(SECOND);
    expect("one\ntwo\nthree\nlate\n");
    steps(5 * SECOND);
    assert_true(tail_read_counters(reader).open_files == 1);
}

static void a_deleted_file_is_read_to_its_end(void **state)
{
    (void)state;
    write_text("log", "one\n");
    start_with("log");
    int writer = open("log", O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(writer, "two\n", 4), 4);
    tell(TAIL_GONE, "log");
    assert_int_equal(unlink("log"), 0);
    write_text("log", "three\n");
    tell(TAIL_LIVE, "log");
    steps(SECOND);
    assert_int_equal(write(writer, "late\n", 5), 5);
    close(writer);
    steps(SECOND);
    expect("one\ntwo\nthree\nlate\n");
}

static void a_deleted_file_is_kept_for_a_writer_that_was_silent(void **state)
{
    (void)state;
    write_text("log", "one\n");
    start_with("log");
    int writer = open("log", O_WRONLY | O_APPEND | O_CLOEXEC);
    tell(TAIL_GONE, "log");
    assert_int_equal(unlink("log"), 0);
    steps(30 * SECOND);
    assert_int_equal(write(writer, "late\n", 5), 5);
    steps(30 * SECOND);
    assert_int_equal(write(writer, "later\n", 6), 6);
    close(writer);
    steps(SECOND);
    expect("one\nlate\nlater\n");
    assert_int_equal(tail_read_counters(reader).open_files, 1);
    steps(61 * SECOND); /* its space on the disk is free then */
    assert_int_equal(tail_read_counters(reader).open_files, 0);
    expect_nothing_lost();
}

static void a_deleted_file_makes_room_for_one_that_has_a_name(void **state)
{
    (void)state;
    tail_read_destroy(&reader);
    settings.files = 1;
    create();
    write_text("log", "one\n");
    start_with("log");
    tell(TAIL_GONE, "log");
    assert_int_equal(unlink("log"), 0);
    steps(10 * SECOND);
    assert_int_equal(tail_read_counters(reader).open_files, 1);
    write_text("log", "two\n");
    tell(TAIL_LIVE, "log");
    steps(0);
    expect("one\ntwo\n");
    expect_nothing_lost();
}

static void the_last_line_of_a_file_needs_no_newline(void **state)
{
    (void)state;
    write_text("log", "one\ntwo");
    start_with("log");
    tell(TAIL_GONE, "log");
    steps(5 * SECOND);
    expect("one\ntwo");
}

static void what_was_copied_and_cut_before_it_was_read_comes_from_the_copy(void **state)
{
    (void)state;
    write_text("log", "Nov 25 12:00:00 one\n");
    start_with("log");
    write_text("log", "two\n");
    copy("log", "log.1");
    assert_int_equal(truncate("log", 0), 0);
    write_text("log", "Nov 25 12:00:01 three\n");
    tell(TAIL_SIBLING, "log.1");
    steps(2 * SECOND);
    steps(5 * SECOND);
    assert_non_null(memmem(taken.bytes, taken.length, "two\n", 4));
    assert_int_equal(taken.length, strlen("Nov 25 12:00:00 one\ntwo\nNov 25 12:00:01 three\n"));
    expect_nothing_lost();
}

/* "cp log log.1; : > log", where log.1 is the file that was renamed before and is still held: what comes into it is no
 * news of its own. */
static void a_rotated_file_that_is_written_over_with_a_copy_is_not_read_twice(void **state)
{
    (void)state;
    write_text("log", "first\n");
    start_with("log");
    assert_int_equal(rename("log", "log.1"), 0);
    write_text("log", "");
    tell(TAIL_GONE, "log.1");
    tell(TAIL_LIVE, "log");
    for (int i = 0; i < 200; i++)
        write_text("log", "second second second\n");
    steps(SECOND);
    assert_int_equal(truncate("log.1", 0), 0);
    steps(200 * MILLISECOND);
    copy("log", "log.1");
    steps(200 * MILLISECOND); /* it is looked at before the log is cut */
    assert_int_equal(truncate("log", 0), 0);
    write_text("log", "third\n");
    steps(30 * SECOND);
    assert_int_equal(taken.length, strlen("first\n") + 200 * strlen("second second second\n") + strlen("third\n"));
    expect_nothing_lost();
}

static void a_cut_without_a_copy_is_counted(void **state)
{
    (void)state;
    write_text("log", "Nov 25 12:00:00 one\nhalf");
    start_with("log");
    assert_int_equal(truncate("log", 0), 0);
    steps(10 * SECOND);
    struct tail_counters counters = tail_read_counters(reader);
    assert_true(counters.missing == 1 && counters.truncated == 1);
    assert_non_null(memmem(said.bytes, said.length, SOURCE, strlen(SOURCE)));
    expect("Nov 25 12:00:00 one\nhalf");
}

static void a_log_that_begins_as_the_one_before_is_another(void **state)
{
    (void)state;
    write_text("log", "#Software: mail server 1.0\n");
    start_with("log");
    write_text("log", "one\n");
    assert_int_equal(rename("log", "log.1"), 0);
    write_text("log", "#Software: mail server 1.0\nthree\n");
    tell(TAIL_GONE, "log.1");
    tell(TAIL_LIVE, "log");
    write_text("log.1", "two\n");
    steps(5 * SECOND);
    assert_non_null(memmem(taken.bytes, taken.length, "one\ntwo\n", 8));
    assert_non_null(memmem(taken.bytes, taken.length, "three\n", 6));
}

static void a_renamed_file_that_is_still_the_only_header_stays_open(void **state)
{
    (void)state;
    write_text("log", "#Software: mail server 1.0\n");
    start_with("log");
    assert_int_equal(rename("log", "log.1"), 0);
    write_text("log", "#Software: mail server 1.0\ntwo\n");
    tell(TAIL_GONE, "log.1");
    tell(TAIL_LIVE, "log");
    write_text("log.1", "one\n");
    steps(5 * SECOND);
    assert_non_null(memmem(taken.bytes, taken.length, "one\n", 4));
    assert_non_null(memmem(taken.bytes, taken.length, "two\n", 4));
}

static void a_rotated_file_that_is_written_to_late_is_read_on(void **state)
{
    (void)state;
    write_text("log", "Nov 25 12:00:00 one\n");
    start_with("log");
    assert_int_equal(rename("log", "log.1"), 0);
    write_text("log", "Nov 25 12:00:01 two\n");
    tell(TAIL_GONE, "log.1");
    tell(TAIL_LIVE, "log");
    steps(10 * SECOND);
    write_text("log.1", "late\n");
    tell(TAIL_SIBLING, "log.1");
    steps(10 * SECOND);
    tell(TAIL_SIBLING, "log.1");
    steps(10 * SECOND);
    expect("Nov 25 12:00:00 one\nNov 25 12:00:01 two\nlate\n");
}

static void one_file_under_two_names_is_read_once(void **state)
{
    (void)state;
    write_text("log", "one\n");
    start_with("log");
    struct tail_found other = news_of(TAIL_LIVE, "log");
    strcpy(other.source, "/var/log/link.log");
    tail_read_add(reader, &other, now);
    steps(0);
    expect("one\n");
    tell(TAIL_GONE, "log"); /* the other name goes on */
    write_text("log", "two\n");
    steps(10 * SECOND);
    write_text("log", "three\n");
    steps(0);
    expect("one\ntwo\nthree\n");
}

/* ---- starting again ---- */

static void a_restart_goes_on_behind_what_was_kept(void **state)
{
    (void)state;
    struct buffer record;
    write_text("log", "Nov 25 12:00:00 one\nhal");
    start_with("log");
    kill_reader(&record);
    write_text("log", "f\nthree\n");
    start_again(&record);
    start_with("log");
    steps(10 * SECOND);
    expect("Nov 25 12:00:00 one\nhalf\nthree\n");
    expect_nothing_lost();
}

static void what_was_rotated_meanwhile_is_read_from_where_we_were(void **state)
{
    (void)state;
    struct buffer record;
    write_text("log", "Nov 25 12:00:00 one\n");
    start_with("log");
    kill_reader(&record);
    write_text("log", "two\n");
    assert_int_equal(rename("log", "log.2"), 0);
    write_text("log.1", "Nov 25 12:00:02 three\n"); /* came and went while nobody looked */
    write_text("log", "Nov 25 12:00:03 four\n");
    start_again(&record);
    tell(TAIL_SIBLING, "log.2");
    tell(TAIL_SIBLING, "log.1");
    start_with("log");
    steps(10 * SECOND);
    const char *all = "Nov 25 12:00:00 one\ntwo\nNov 25 12:00:02 three\nNov 25 12:00:03 four\n";
    assert_int_equal(taken.length, strlen(all));
    for (const char *line = all; *line; line = strchr(line, '\n') + 1)
        assert_non_null(memmem(taken.bytes, taken.length, line, (size_t)(strchr(line, '\n') - line) + 1));
    expect_nothing_lost();
}

static void what_was_compressed_meanwhile_is_unpacked_from_where_we_were(void **state)
{
    (void)state;
    struct buffer record;
    write_text("log", "Nov 25 12:00:00 one\n");
    start_with("log");
    kill_reader(&record);
    write_text("log", "two\n");
    pack("log", "log.1.gz");
    write_text("log", "Nov 25 12:00:03 three\n");
    start_again(&record);
    tell(TAIL_SIBLING, "log.1.gz");
    start_with("log");
    steps(10 * SECOND);
    assert_int_equal(taken.length, strlen("Nov 25 12:00:00 one\ntwo\nNov 25 12:00:03 three\n"));
    assert_non_null(memmem(taken.bytes, taken.length, "two\n", 4));
    expect_nothing_lost();
}

static void a_log_with_a_header_that_was_rotated_meanwhile_loses_nothing(void **state)
{
    (void)state;
    struct buffer record;
    write_text("log", "#Software: mail server 1.0\n");
    start_with("log");
    kill_reader(&record);
    write_text("log", "one\n");
    assert_int_equal(rename("log", "log.1"), 0);
    write_text("log", "#Software: mail server 1.0\n");
    start_again(&record);
    tell(TAIL_SIBLING, "log.1");
    start_with("log");
    steps(10 * SECOND);
    write_text("log", "two\n");
    steps(SECOND);
    assert_non_null(memmem(taken.bytes, taken.length, "one\n", 4));
    assert_non_null(memmem(taken.bytes, taken.length, "two\n", 4));
}

static void what_is_done_is_not_read_again(void **state)
{
    (void)state;
    struct buffer record;
    write_text("log", "Nov 25 12:00:00 one\n");
    start_with("log");
    assert_int_equal(rename("log", "log.1"), 0);
    write_text("log", "Nov 25 12:00:01 two\n");
    tell(TAIL_GONE, "log.1");
    tell(TAIL_LIVE, "log");
    steps(10 * SECOND);
    kill_reader(&record);
    copy("log.1", "log.2"); /* the same once more under another inode, and compressed */
    pack("log.1", "log.3.gz");
    start_again(&record);
    tell(TAIL_SIBLING, "log.3.gz");
    tell(TAIL_SIBLING, "log.2");
    start_with("log");
    steps(10 * SECOND);
    expect("Nov 25 12:00:00 one\nNov 25 12:00:01 two\n");
}

static void a_damaged_record_is_refused_whole(void **state)
{
    (void)state;
    struct error error = {.code = 0};
    assert_int_equal(tail_read_import(reader, TEXT("tail 2 5\n"), now, &error), -EBADMSG);
    assert_int_equal(tail_read_import(reader, TEXT("tail 1 5\n1 1 1 1 1 1 1 1 /a\nrubbish\n"), now, &error), -EBADMSG);
    write_text("log", "one\n");
    start_with("log");
    expect("one\n");
}

static void files_beyond_the_bound_are_counted_and_closed(void **state)
{
    (void)state;
    tail_read_destroy(&reader);
    settings.files = 1;
    create();
    write_text("log", "one\n");
    write_text("other", "two\n");
    start_with("log");
    struct tail_found other = news_of(TAIL_LIVE, "other");
    strcpy(other.source, "/var/log/other.log");
    tail_read_add(reader, &other, now);
    steps(0);
    assert_true(tail_read_counters(reader).refused_files == 1);
    assert_int_equal(fcntl(other.descriptor, F_GETFD), -1);
    expect("one\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_come_as_they_are_written),
        TEST(what_was_there_at_the_first_start_is_history_unless_wanted),
        TEST(half_a_line_waits_for_its_end),
        TEST(nuls_and_lines_of_a_megabyte_are_bytes_as_others),
        TEST(a_line_without_end_comes_in_parts),
        TEST(a_file_made_shorter_is_read_on_from_its_new_end),
        TEST(the_hole_that_a_writer_leaves_after_a_cut_is_passed_over),
        TEST(bytes_that_were_cut_off_unread_are_counted_each),
        TEST(unread_bytes_behind_the_place_of_reading_are_counted_when_cut),
        TEST(a_renamed_file_is_read_to_its_end_beside_the_new_one),
        TEST(a_deleted_file_is_read_to_its_end),
        TEST(a_deleted_file_is_kept_for_a_writer_that_was_silent),
        TEST(a_deleted_file_makes_room_for_one_that_has_a_name),
        TEST(the_last_line_of_a_file_needs_no_newline),
        TEST(what_was_copied_and_cut_before_it_was_read_comes_from_the_copy),
        TEST(a_rotated_file_that_is_written_over_with_a_copy_is_not_read_twice),
        TEST(a_cut_without_a_copy_is_counted),
        TEST(a_log_that_begins_as_the_one_before_is_another),
        TEST(a_renamed_file_that_is_still_the_only_header_stays_open),
        TEST(a_rotated_file_that_is_written_to_late_is_read_on),
        TEST(one_file_under_two_names_is_read_once),
        TEST(a_restart_goes_on_behind_what_was_kept),
        TEST(what_was_rotated_meanwhile_is_read_from_where_we_were),
        TEST(what_was_compressed_meanwhile_is_unpacked_from_where_we_were),
        TEST(a_log_with_a_header_that_was_rotated_meanwhile_loses_nothing),
        TEST(what_is_done_is_not_read_again),
        TEST(a_damaged_record_is_refused_whole),
        TEST(files_beyond_the_bound_are_counted_and_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
