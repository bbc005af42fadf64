/* postern-reader: takes hostile mail apart for the collector, which starts it and talks to it over its standard input.
 *
 * It has no rights: no files but those that were read before the first message, no network, no other process; memory
 * and time are bounded. So what a message can do to it is to end it, and the collector starts another. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "collector/mime/walk.h"
#include "collector/reader/picture_text.h"
#include "collector/reading/conversation.h"
#include "collector/reading/reading.h"
#include "common/cleanup.h"
#include "common/io/sandbox.h"

#define WRONG_USAGE 2
/* Bytes. GMime goes down into each group that an address list names within another: with the usual 8 MB a line of some
 * 100 KB ends the reader. Beyond 128 MB the kernel has put other things below the stack. */
#define STACK_MOST ((rlim_t)112 * 1024 * 1024)

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

struct reader {
    struct walk_limits limits;
    struct picture_reader *picture_reader;
    uint64_t memory;       /* bytes of address space */
    uint64_t seconds;      /* for one message */
    const char *languages; /* NULL: text in pictures is not read */
};

/* Calls beyond everyone's: its own alarm, and what OpenMP below Tesseract asks. */
static const int calls[] = {SCMP_SYS(setitimer), SCMP_SYS(alarm), SCMP_SYS(sched_getaffinity), SCMP_SYS(getrusage),
                            SANDBOX_END};

/* What libraries try that fails without harm: a character set that is not loaded, a file of debug output. */
static const int refused[] = {SCMP_SYS(open),       SCMP_SYS(openat), SCMP_SYS(access),   SCMP_SYS(faccessat),
                              SCMP_SYS(stat),       SCMP_SYS(lstat),  SCMP_SYS(readlink), SCMP_SYS(readlinkat),
                              SCMP_SYS(faccessat2), SANDBOX_END};

static bool write_all(const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t put = write(READING_SOCKET, at, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        at += put;
        length -= (size_t)put;
    }
    return true;
}

static bool read_all(void *bytes, size_t length)
{
    char *at = bytes;
    while (length > 0) {
        ssize_t got = read(READING_SOCKET, at, length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        length -= (size_t)got;
    }
    return true;
}

static int bound(const struct reader *reader, struct error *error)
{
    const struct rlimit none = {0, 0}, memory = {reader->memory, reader->memory};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || setrlimit(RLIMIT_FSIZE, &none) != 0)
        return error_set(error, errno, "cannot set limits: %s", strerror(errno));
    struct rlimit stack;
    if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur < STACK_MOST && stack.rlim_max >= STACK_MOST) {
        stack.rlim_cur = STACK_MOST;
        if (setrlimit(RLIMIT_STACK, &stack) != 0)
            return error_set(error, errno, "cannot set the stack's limit: %s", strerror(errno));
    }
    /* The sanitizers' shadow is larger than any such limit. */
    if (!SANITIZED && setrlimit(RLIMIT_AS, &memory) != 0)
        return error_set(error, errno, "cannot limit memory: %s", strerror(errno));
    return 0;
}

/* What libraries would say of hostile mail is for nobody's log. */
static int fall_silent(struct error *error)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, STDOUT_FILENO) < 0 || (!SANITIZED && dup2(nothing, STDERR_FILENO) < 0))
        return error_set(error, errno, "cannot open /dev/null: %s", strerror(errno));
    close(nothing);
    return 0;
}

static int enter(struct reader *reader, struct error *error)
{
    int code = bound(reader, error);
    if (code == 0)
        code = fall_silent(error);
    if (code < 0)
        return code;
    walk_prepare();
    if (reader->languages)
        code = picture_reader_create(reader->languages, (duration)reader->seconds * SECOND / 4, &reader->picture_reader,
                                     error);
    if (code < 0)
        return code;
    if (reader->picture_reader) {
        reader->limits.read_text = picture_reader_read;
        reader->limits.context = reader->picture_reader;
    }
    const struct sandbox_identity self = {.user = geteuid(), .group = getegid()};
    code = sandbox_become(&self, error);
    return code < 0 ? code : sandbox_enter_refusing(calls, refused, error);
}

static bool tell_facts(const struct reader *reader, struct text content)
{
    static struct reading_answer answer; /* all of it is written, so all of it is known bytes */
    struct walk_limits plain = reader->limits;
    plain.read_text = NULL;
    answer.magic = READING_ANSWER;
    walk_message(content, &plain, &answer.facts);
    answer.more = reader->limits.read_text && (answer.facts.picture_count || answer.facts.pictures_passed_over);
    bool goes_on = write_all(&answer, sizeof answer);
    if (goes_on && answer.more) {
        walk_message(content, &reader->limits, &answer.facts);
        answer.more = 0;
        goes_on = write_all(&answer, sizeof answer);
    }
    alarm(0);
    return goes_on;
}

static bool tell_complaints(struct text content)
{
    struct complaints complaints;
    complaints_read(content, &complaints);
    alarm(0);
    struct reading_found found = {
        .magic = READING_ANSWER, .found = complaints.found, .count = complaints.count, .cut = complaints.cut};
    memcpy(found.trouble, complaints.trouble, sizeof found.trouble);
    bool goes_on =
        write_all(&found, sizeof found) && write_all(complaints.items, complaints.count * sizeof *complaints.items);
    complaints_clear(&complaints);
    return goes_on;
}

/* False: the collector has gone, or says what makes no sense. */
static bool serve(const struct reader *reader)
{
    struct reading_question question;
    if (!read_all(&question, sizeof question) || question.magic != READING_QUESTION ||
        question.kind > READING_COMPLAINTS || question.length > READING_MESSAGE_MOST)
        return false;
    char *content = malloc(question.length + 1);
    if (content == NULL || !read_all(content, question.length)) {
        free(content);
        return false;
    }
    struct text text = {content, question.length};
    alarm((unsigned)reader->seconds); /* where the collector does not live to end it */
    bool goes_on = question.kind == READING_FACTS ? tell_facts(reader, text) : tell_complaints(text);
    free(content);
    return goes_on;
}

static bool parse(int count, char **words, struct reader *reader)
{
    uint64_t pixels, pictures;
    if (count < 6 || count > 7 || !text_number(text_of(words[1]), &reader->memory) ||
        !text_number(text_of(words[2]), &reader->seconds) ||
        !text_number(text_of(words[3]), &reader->limits.picture_size) || !text_number(text_of(words[4]), &pixels) ||
        !text_number(text_of(words[5]), &pictures))
        return false;
    reader->limits.picture_pixels = (uint32_t)(pixels < UINT32_MAX ? pixels : UINT32_MAX);
    reader->limits.pictures = (uint32_t)(pictures < FACTS_PICTURES ? pictures : FACTS_PICTURES);
    reader->languages = count == 7 ? words[6] : NULL;
    return true;
}

int main(int argc, char **argv)
{
    struct reader reader = {0};
    struct stat input;
    if (!parse(argc, argv, &reader) || fstat(READING_SOCKET, &input) != 0 || !S_ISSOCK(input.st_mode)) {
        fprintf(stderr, "postern-reader: postern-collector starts this and talks to it; it is of no use by hand\n");
        return WRONG_USAGE;
    }
    struct error error = {0};
    struct reading_greeting greeting = {.magic = READING_GREETING};
    greeting.code = enter(&reader, &error);
    snprintf(greeting.text, sizeof greeting.text, "%s", error.text);
    bool goes_on = write_all(&greeting, sizeof greeting) && greeting.code == 0;
    while (goes_on)
        goes_on = serve(&reader);
    picture_reader_destroy(&reader.picture_reader);
    _exit(0); /* what runs behind main(), a sanitizer's search for leaks among it, wants calls that are refused here */
}
