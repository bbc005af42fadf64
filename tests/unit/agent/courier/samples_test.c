/* Messages wait in a folder until the centre has them: each once, through death, bounds, a full disk and files that
 * were left half-written. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <zstd.h>

#include "agent/courier/samples.h"
#include "agent/message/sealed.h"
#include "common/cleanup.h"

#define ENVELOPE "{\"record\":\"message\"}\n"

static char top[64], folder[96];
static const struct samples_bounds roomy = {.size = 64 << 20, .age = DAY};

static int make_folder(void **state)
{
    (void)state;
    strcpy(top, "/tmp/samples-test-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    snprintf(folder, sizeof folder, "%s/samples", top);
    return 0;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command);
}

static void tick(struct samples *samples, duration steady)
{
    struct error error = {0};
    if (samples_tick(samples, steady, &error) < 0)
        fail_msg("%s", error.text);
}

static struct samples *begin_at(const struct samples_bounds *bounds, duration steady)
{
    struct samples *samples = samples_create(folder, bounds);
    assert_non_null(samples);
    tick(samples, steady);
    return samples;
}

static struct samples *begin(const struct samples_bounds *bounds)
{
    return begin_at(bounds, SECOND);
}

static void hand_over(struct samples *samples, uint8_t worth, struct text file, size_t envelope, duration steady)
{
    struct error error = {0};
    struct message_sample message = {.why = worth, .envelope = (uint32_t)envelope};
    int descriptor = -1;
    message.content = (uint32_t)(file.length - envelope);
    assert_int_equal(sealed_make("test", file, &descriptor, &error), 0);
    samples_add(samples, &message, descriptor, steady);
    close(descriptor);
}

/* A message whose content is that word, and so many bytes that nothing makes smaller. */
static void add_at(struct samples *samples, uint8_t worth, const char *word, size_t filling, duration steady)
{
    CLEANUP(buffer_clear) struct buffer file;
    uint32_t random = 7;
    buffer_init(&file, 1 << 24);
    assert_true(buffer_printf(&file, ENVELOPE "%s", word));
    for (size_t i = 0; i < filling; i++) {
        random = random * 1664525 + 1013904223;
        assert_true(buffer_append_byte(&file, (char)(random >> 24)));
    }
    hand_over(samples, worth, buffer_text(&file), strlen(ENVELOPE), steady);
}

static void add(struct samples *samples, uint8_t worth, const char *word, size_t filling)
{
    add_at(samples, worth, word, filling, SECOND);
}

/* The next one is that word's; it is read, and done with. */
static struct sample_name expect(struct samples *samples, const char *word)
{
    struct sample_name name = {0};
    struct error error = {0};
    CLEANUP(buffer_clear) struct buffer packed;
    static char plain[1 << 23];
    buffer_init(&packed, SAMPLE_PACKED_MOST);
    assert_true(samples_next(samples, &name));
    if (samples_read(samples, &name, &packed, &error) < 0)
        fail_msg("%s", error.text);
    size_t length = ZSTD_decompress(plain, sizeof plain, packed.bytes, packed.length);
    assert_false(ZSTD_isError(length));
    assert_memory_equal(plain, ENVELOPE, strlen(ENVELOPE));
    assert_memory_equal(plain + strlen(ENVELOPE), word, strlen(word));
    samples_sent(samples, &name);
    return name;
}

static void expect_none(const struct samples *samples)
{
    struct sample_name name;
    assert_false(samples_next(samples, &name));
}

static uint32_t files_in(const char *path)
{
    char command[200];
    uint32_t count = 0;
    snprintf(command, sizeof command, "find %s -type f 2>/dev/null | wc -l", path);
    FILE *told = popen(command, "r");
    assert_non_null(told);
    assert_int_equal(fscanf(told, "%u", &count), 1);
    pclose(told);
    return count;
}

static void each_is_handed_out_until_it_was_sent(void **state)
{
    (void)state;
    struct samples *samples = begin(&roomy);
    add(samples, 1, "one", 10);
    add(samples, 1, "two", 10);
    struct sample_name first, again;
    assert_true(samples_next(samples, &first) && samples_next(samples, &again));
    assert_true(sample_name_equals(&first, &again));
    first = expect(samples, "one");
    again = expect(samples, "two");
    assert_true(first.life == again.life && again.number == first.number + 1);
    expect_none(samples);
    assert_int_equal(files_in(folder), 0);
    struct samples_counters counters = samples_counters(samples);
    assert_true(counters.taken == 2 && counters.sent == 2 && counters.waiting == 0 && counters.bytes == 0);
    samples_sent(samples, &first); /* an answer that comes twice */
    assert_int_equal(samples_counters(samples).sent, 2);
    samples_destroy(&samples);
}

static void what_is_worth_most_goes_first(void **state)
{
    (void)state;
    struct samples *samples = begin(&roomy);
    add(samples, 1, "a", 0);
    add(samples, 5, "b", 0);
    add(samples, 3, "c", 0);
    add(samples, 5, "d", 0);
    expect(samples, "b");
    expect(samples, "d");
    expect(samples, "c");
    expect(samples, "a");
    samples_destroy(&samples);
}

/* Names go on: the next courier sends what the one before was sending under the same name, and its own under others. */
static void the_next_courier_goes_on(void **state)
{
    (void)state;
    struct samples *samples = begin(&roomy);
    struct sample_name first, again;
    add(samples, 2, "one", 10);
    add(samples, 2, "two", 10);
    assert_true(samples_next(samples, &first));
    samples_destroy(&samples);
    samples = begin(&roomy);
    assert_int_equal(samples_counters(samples).waiting, 2);
    add(samples, 2, "three", 10);
    again = expect(samples, "one");
    assert_true(sample_name_equals(&first, &again));
    expect(samples, "two");
    again = expect(samples, "three");
    assert_true(again.number == 1 && again.life != first.life);
    samples_destroy(&samples);
}

/* Killed at any moment: whatever stands in the folder is whole, and what was taken before is there. */
static void a_killed_courier_loses_none_that_it_took(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        int said[2], taken = -1;
        assert_int_equal(pipe(said), 0);
        pid_t child = fork();
        if (child == 0) {
            struct samples *samples = begin(&roomy);
            for (int i = 0;; i++) {
                add(samples, 1, "kill", 50000);
                if (write(said[1], &i, sizeof i) != sizeof i)
                    _exit(1);
            }
        }
        usleep(5000 + (useconds_t)round * 3000);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close(said[1]);
        for (int number; read(said[0], &number, sizeof number) == sizeof number;)
            taken = number;
        close(said[0]);
        struct samples *samples = begin(&roomy);
        uint64_t waiting = samples_counters(samples).waiting;
        assert_true(waiting == (uint64_t)(taken + 1) || waiting == (uint64_t)(taken + 2));
        for (uint64_t i = 0; i < waiting; i++)
            expect(samples, "kill");
        samples_destroy(&samples);
        assert_int_equal(files_in(folder), 0); /* what was half-written is gone as well */
    }
}

static void without_room_the_oldest_of_the_least_worth_goes(void **state)
{
    (void)state;
    const struct samples_bounds tight = {.size = 40 << 10, .age = DAY};
    struct samples *samples = begin(&tight);
    add(samples, 4, "keep", 9000); /* three blocks each */
    add(samples, 1, "old", 9000);
    add(samples, 1, "young", 9000);
    add(samples, 2, "new", 9000);
    assert_int_equal(samples_counters(samples).dropped, 1);
    add(samples, 1, "least", 9000); /* of its own worth the older one goes */
    assert_int_equal(samples_counters(samples).dropped, 2);
    add(samples, 0, "nothing", 9000);
    assert_int_equal(samples_counters(samples).dropped, 3);
    uint64_t waiting = samples_counters(samples).waiting;
    add(samples, 4, "vast", 60000); /* larger than all the room there is: nobody goes for it */
    assert_int_equal(samples_counters(samples).dropped, 4);
    assert_int_equal(samples_counters(samples).waiting, waiting);
    assert_true(samples_counters(samples).bytes <= tight.size);
    samples_destroy(&samples);
    samples = begin(&tight);
    assert_true(samples_counters(samples).bytes <= tight.size);
    samples_destroy(&samples);
}

static void less_room_by_a_reload_holds_at_once(void **state)
{
    (void)state;
    struct samples *samples = begin(&roomy);
    for (int i = 0; i < 20; i++)
        add(samples, i == 3 ? 2 : 1, i == 3 ? "best" : "other", 9000);
    const struct samples_bounds tight = {.size = 16 << 10, .age = DAY};
    samples_set_bounds(samples, &tight);
    assert_int_equal(samples_counters(samples).waiting, 1);
    assert_int_equal(files_in(folder), 1);
    expect(samples, "best");
    samples_destroy(&samples);
}

/* It would lie there for ever, and nobody would know. */
static void what_has_no_room_when_a_courier_starts_goes_and_is_counted(void **state)
{
    (void)state;
    struct samples *samples = begin(&roomy);
    add(samples, 1, "small", 9000);
    add(samples, 4, "vast", 60000);
    samples_destroy(&samples);
    const struct samples_bounds tight = {.size = 16 << 10, .age = DAY};
    samples = begin(&tight);
    assert_int_equal(samples_counters(samples).dropped, 1);
    assert_int_equal(files_in(folder), 1);
    expect(samples, "small");
    samples_destroy(&samples);
    samples = begin(&roomy);
    add(samples, 4, "any", 10);
    samples_destroy(&samples);
    const struct samples_bounds none = {.size = 0, .age = DAY};
    samples = begin(&none);
    assert_int_equal(files_in(folder), 0);
    expect_none(samples);
    samples_destroy(&samples);
}

static void there_are_never_more_than_so_many(void **state)
{
    (void)state;
    struct samples *samples = begin(&roomy);
    for (int i = 0; i < SAMPLES_NUMBER_MOST + 10; i++)
        add(samples, 1, "x", 0);
    assert_int_equal(samples_counters(samples).waiting, SAMPLES_NUMBER_MOST);
    assert_int_equal(samples_counters(samples).dropped, 10);
    samples_destroy(&samples);
}

static void what_waited_too_long_goes(void **state)
{
    (void)state;
    const struct samples_bounds hour = {.size = 64 << 20, .age = HOUR};
    struct samples *samples = begin_at(&hour, SECOND);
    add_at(samples, 5, "old", 10, SECOND);
    add_at(samples, 1, "young", 10, 30 * MINUTE);
    tick(samples, HOUR);
    assert_int_equal(samples_counters(samples).waiting, 2);
    tick(samples, HOUR + 2 * SECOND);
    assert_int_equal(samples_counters(samples).dropped, 1);
    samples_destroy(&samples);
    samples = begin_at(&hour, 5 * SECOND); /* another boot: the steady clock begins anew, and so does the age */
    tick(samples, HOUR);
    expect(samples, "young");
    samples_destroy(&samples);
}

/* A disk that takes nothing: they wait in memory and can be sent from there, what is worth least gives way, and when
 * there is room they are written. */
static void a_full_disk_loses_none_that_fits_into_memory(void **state)
{
    (void)state;
    struct samples *samples = begin(&roomy);
    struct error error = {0};
    char away[128];
    snprintf(away, sizeof away, "%s.away", folder);
    assert_int_equal(rename(folder, away), 0);
    add(samples, 1, "first", 40000);
    add(samples, 5, "second", 40000);
    assert_true(samples_tick(samples, 2 * SECOND, &error) < 0);
    assert_non_null(strstr(error.text, "cannot write"));
    assert_int_equal(files_in(folder), 0);
    expect(samples, "second");
    for (int i = 0; i < 300; i++)
        add(samples, 2, "third", 40000);
    assert_true(samples_counters(samples).waiting * 40000 <= SAMPLES_HELD_MOST);
    assert_true(samples_counters(samples).waiting > 190);
    struct samples_counters full = samples_counters(samples);
    add(samples, 1, "least", 40000); /* all that waits is worth more */
    assert_int_equal(samples_counters(samples).waiting, full.waiting);
    assert_int_equal(samples_counters(samples).dropped, full.dropped + 1);
    assert_int_equal(rename(away, folder), 0);
    tick(samples, 4 * SECOND);
    assert_int_equal(files_in(folder), full.waiting);
    samples_destroy(&samples);
    samples = begin(&roomy);
    assert_int_equal(samples_counters(samples).waiting, full.waiting);
    for (uint64_t i = 0; i < full.waiting; i++)
        expect(samples, "third");
    samples_destroy(&samples);
}

static void a_folder_that_cannot_be_made_is_made_later(void **state)
{
    (void)state;
    struct error error = {0};
    snprintf(folder, sizeof folder, "%s/not/here", top);
    struct samples *samples = samples_create(folder, &roomy);
    assert_true(samples_tick(samples, SECOND, &error) < 0);
    assert_false(samples_is_open(samples));
    add(samples, 1, "early", 10);
    char parent[96];
    snprintf(parent, sizeof parent, "%s/not", top);
    assert_int_equal(mkdir(parent, 0700), 0);
    tick(samples, 3 * SECOND);
    assert_int_equal(files_in(folder), 1);
    expect(samples, "early");
    samples_destroy(&samples);
}

static void put_file(const char *name, const char *bytes)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(bytes, file);
    fclose(file);
}

static void what_else_lies_there_is_left_alone_or_cleared(void **state)
{
    (void)state;
    struct samples *samples = begin(&roomy);
    samples_destroy(&samples);
    put_file("00000000000000aa-7-1.zst", "");         /* a power cut */
    put_file("00000000000000aa-8-1.zst.new", "half"); /* a kill */
    put_file("00000000000000aa-9-1.zst", "some");     /* whatever it is, the centre says so */
    put_file("00000000000000aa--9-1.zst", "x");       /* and these are none of ours */
    put_file("00000000000000aa-010-1.zst", "x");
    put_file("00000000000000aa-10-1000.zst", "x");
    put_file("README", "x");
    samples = begin(&roomy);
    assert_int_equal(samples_counters(samples).waiting, 1);
    assert_int_equal(samples_counters(samples).dropped, 1);
    assert_int_equal(files_in(folder), 5);
    struct sample_name name;
    assert_true(samples_next(samples, &name));
    assert_true(name.life == 0xaa && name.number == 9 && name.worth == 1);
    samples_destroy(&samples);
}

static void a_file_that_went_is_counted_and_stops_nothing(void **state)
{
    (void)state;
    struct samples *samples = begin(&roomy);
    struct sample_name name;
    struct error error = {0};
    CLEANUP(buffer_clear) struct buffer out;
    char command[160];
    buffer_init(&out, SAMPLE_PACKED_MOST);
    add(samples, 1, "gone", 10);
    snprintf(command, sizeof command, "rm %s/*.zst", folder);
    assert_int_equal(system(command), 0);
    assert_true(samples_next(samples, &name));
    assert_true(samples_read(samples, &name, &out, &error) < 0);
    expect_none(samples);
    assert_int_equal(samples_counters(samples).dropped, 1);
    samples_destroy(&samples);
}

static void what_is_refused_is_set_aside_within_a_bound(void **state)
{
    (void)state;
    struct samples *samples = begin(&roomy);
    struct sample_name name;
    char aside[128];
    for (int i = 0; i < SAMPLES_ASIDE_MOST + 5; i++) {
        add(samples, 1, "bad", 10);
        assert_true(samples_next(samples, &name));
        samples_set_aside(samples, &name);
    }
    expect_none(samples);
    assert_int_equal(samples_counters(samples).aside, SAMPLES_ASIDE_MOST + 5);
    snprintf(aside, sizeof aside, "%s/aside", folder);
    assert_int_equal(files_in(aside), SAMPLES_ASIDE_MOST);
    samples_destroy(&samples);
    samples = begin(&roomy); /* and is not sent again */
    expect_none(samples);
    samples_destroy(&samples);
}

/* The watcher reads what strangers send and is believed in nothing. */
static void what_is_not_as_agreed_is_counted(void **state)
{
    (void)state;
    struct samples *samples = begin(&roomy);
    static const struct {
        const char *file;
        size_t envelope;
    } rows[] = {{"{}\nx", 0}, {"{}\nx", 2}, {"{}\nx", 4}, {"[]\nx", 3}, {"{\n\n}\nx", 5}, {"{}x", 3}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        hand_over(samples, 1, text_of(rows[i].file), rows[i].envelope, SECOND);
    assert_int_equal(samples_counters(samples).unsound, sizeof rows / sizeof rows[0]);
    struct message_sample message = {.envelope = 3, .content = 1};
    FILE *plain = tmpfile(); /* not sealed: it could change while it is read */
    fputs("{}\nx", plain);
    fflush(plain);
    samples_add(samples, &message, fileno(plain), SECOND);
    fclose(plain);
    assert_int_equal(samples_counters(samples).unsound, sizeof rows / sizeof rows[0] + 1);
    expect_none(samples);
    samples_destroy(&samples);
}

static void nobody_else_may_read_them(void **state)
{
    (void)state;
    struct samples *samples = begin(&roomy);
    struct stat status;
    struct sample_name name;
    char path[256], text[SAMPLE_NAME_TEXT];
    add(samples, 1, "secret", 10);
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_true(samples_next(samples, &name));
    snprintf(path, sizeof path, "%s/%s", folder, sample_name_print(&name, text));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    samples_destroy(&samples);
}

int main(void)
{
#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(each_is_handed_out_until_it_was_sent),
        IN_A_FOLDER(what_is_worth_most_goes_first),
        IN_A_FOLDER(the_next_courier_goes_on),
        IN_A_FOLDER(a_killed_courier_loses_none_that_it_took),
        IN_A_FOLDER(without_room_the_oldest_of_the_least_worth_goes),
        IN_A_FOLDER(less_room_by_a_reload_holds_at_once),
        IN_A_FOLDER(what_has_no_room_when_a_courier_starts_goes_and_is_counted),
        IN_A_FOLDER(there_are_never_more_than_so_many),
        IN_A_FOLDER(what_waited_too_long_goes),
        IN_A_FOLDER(a_full_disk_loses_none_that_fits_into_memory),
        IN_A_FOLDER(a_folder_that_cannot_be_made_is_made_later),
        IN_A_FOLDER(what_else_lies_there_is_left_alone_or_cleared),
        IN_A_FOLDER(a_file_that_went_is_counted_and_stops_nothing),
        IN_A_FOLDER(what_is_refused_is_set_aside_within_a_bound),
        IN_A_FOLDER(what_is_not_as_agreed_is_counted),
        IN_A_FOLDER(nobody_else_may_read_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
