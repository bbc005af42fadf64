/* See process.h. The socket is never waited for beyond a deadline. */
#include "collector/reading/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "collector/reading/conversation.h"
#include "common/io/clock.h"

/* What it is left of our environment, which may hold secrets. */
static const char *const passed_on[] = {"TESSDATA_PREFIX", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS"};
#define PASSED_ON (sizeof passed_on / sizeof passed_on[0])

/* --- the socket --- */

static int wait_for(int socket, short events, duration until, struct error *error)
{
    for (;;) {
        duration left = until - clock_steady();
        struct pollfd descriptor = {.fd = socket, .events = events};
        if (left <= 0)
            return error_set(error, ETIMEDOUT, "the message was not read in time");
        int ready = poll(&descriptor, 1, (int)(left / MILLISECOND < 60000 ? left / MILLISECOND + 1 : 60000));
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return error_set(error, errno, "cannot wait for the reader: %s", strerror(errno));
    }
}

static int say(int socket, const void *bytes, size_t length, duration until, struct error *error)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t put = send(socket, at, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0 && errno == EAGAIN) {
            int code = wait_for(socket, POLLOUT, until, error);
            if (code < 0)
                return code;
        } else if (put < 0 && errno != EINTR) {
            return error_set(error, EPIPE, "the reader has ended: %s", strerror(errno));
        } else if (put > 0) {
            at += put;
            length -= (size_t)put;
        }
    }
    return 0;
}

static int hear(int socket, void *bytes, size_t length, duration until, struct error *error)
{
    char *at = bytes;
    while (length > 0) {
        ssize_t got = recv(socket, at, length, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN) {
            int code = wait_for(socket, POLLIN, until, error);
            if (code < 0)
                return code;
        } else if (got == 0 || (got < 0 && errno != EINTR)) {
            return error_set(error, EPROTO, "the reader ended on this message");
        } else if (got > 0) {
            at += got;
            length -= (size_t)got;
        }
    }
    return 0;
}

/* --- the process --- */

/* OpenMP, below Tesseract, would start threads. `texts` holds them until they are freed. */
static void write_environment(char *result[PASSED_ON + 2], char *texts[PASSED_ON])
{
    static char one_thread[] = "OMP_THREAD_LIMIT=1";
    size_t count = 0;
    result[count++] = one_thread;
    for (size_t i = 0; i < PASSED_ON; i++) {
        const char *value = getenv(passed_on[i]);
        if (value == NULL || asprintf(&texts[i], "%s=%s", passed_on[i], value) < 0)
            texts[i] = NULL;
        else
            result[count++] = texts[i];
    }
    result[count] = NULL;
}

/* In a session of its own, so that a terminal's signals are the collector's; nothing is inherited but the socket. */
static int spawn(const char *const *words, int theirs, pid_t *result)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char *environment[PASSED_ON + 2], *texts[PASSED_ON];
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, theirs, READING_SOCKET);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    write_environment(environment, texts);
    int code = posix_spawn(result, words[0], &actions, &attributes, (char *const *)(uintptr_t)words, environment);
    for (size_t i = 0; i < PASSED_ON; i++)
        free(texts[i]);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return code;
}

int reading_process_start(struct reading_process *process, const char *const *words, duration until,
                          struct error *error)
{
    int pair[2];
    struct reading_greeting greeting;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set(error, errno, "cannot make a socket for the reader: %s", strerror(errno));
    *process = (struct reading_process){.socket = pair[0]};
    int code = spawn(words, pair[1], &process->id);
    close(pair[1]);
    if (code != 0) {
        close(pair[0]);
        *process = (struct reading_process){0};
        return error_set(error, code, "cannot start %s: %s", words[0], strerror(code));
    }
    code = hear(process->socket, &greeting, sizeof greeting, until, error);
    if (code < 0)
        error_wrap(error, "%s did not begin", words[0]);
    else if (greeting.magic != READING_GREETING || memchr(greeting.text, '\0', sizeof greeting.text) == NULL)
        code = error_set(error, EPROTO, "%s is not of this version", words[0]);
    else if (greeting.code != 0)
        code = error_set(error, EPROTO, "the reader cannot begin: %s", greeting.text);
    if (code < 0)
        reading_process_end(process);
    return code;
}

static int hear_answer(struct reading_process *process, duration until, struct reading_answer *answer,
                       struct error *error)
{
    int code = hear(process->socket, answer, sizeof *answer, until, error);
    if (code == 0 && (answer->magic != READING_ANSWER || answer->more > 1 || !facts_are_sound(&answer->facts)))
        code = error_set(error, EPROTO, "the reader said what makes no sense");
    return code;
}

static int ask(struct reading_process *process, enum reading_kind kind, struct text content, duration until,
               struct error *error)
{
    const struct reading_question question = {.magic = READING_QUESTION, .kind = kind, .length = content.length};
    int code = say(process->socket, &question, sizeof question, until, error);
    return code < 0 ? code : say(process->socket, content.bytes, content.length, until, error);
}

int reading_process_ask(struct reading_process *process, struct text content, duration until,
                        struct message_facts *result, struct error *error)
{
    struct reading_answer answer;
    int code = ask(process, READING_FACTS, content, until, error);
    if (code == 0)
        code = hear_answer(process, until, &answer, error);
    if (code < 0)
        return code;
    *result = answer.facts;
    process->served++;
    if (answer.more == 0)
        return 0;
    if (hear_answer(process, until, &answer, NULL) == 0)
        *result = answer.facts;
    else
        reading_process_end(process); /* over the text in a picture: the rest is not lost with it */
    return 0;
}

static bool is_sound(const struct reading_found *found)
{
    char trouble[sizeof found->trouble];
    size_t length = strnlen(found->trouble, sizeof found->trouble);
    return found->magic == READING_ANSWER && found->found < COMPLAINT_FINDINGS && found->count <= COMPLAINTS_MOST &&
           found->cut <= 1 && (found->found != FOUND_COMPLAINTS || found->count > 0) && length < sizeof trouble &&
           text_copy_printable((struct text){found->trouble, length}, trouble, sizeof trouble) == length &&
           memcmp(trouble, found->trouble, length) == 0;
}

static int hear_complaints(struct reading_process *process, duration until, struct complaints *result,
                           struct error *error)
{
    size_t size = result->count * sizeof *result->items;
    if (result->count == 0)
        return 0;
    result->items = malloc(size);
    if (result->items == NULL)
        return error_set(error, ENOMEM, "no memory for %u complaints", result->count);
    int code = hear(process->socket, result->items, size, until, error);
    for (uint32_t i = 0; code == 0 && i < result->count; i++)
        if (!complaint_is_sound(&result->items[i]))
            code = error_set(error, EPROTO, "the reader said what makes no sense");
    return code;
}

int reading_process_ask_complaints(struct reading_process *process, struct text content, duration until,
                                   struct complaints *result, struct error *error)
{
    struct reading_found found;
    *result = (struct complaints){0};
    int code = ask(process, READING_COMPLAINTS, content, until, error);
    if (code == 0)
        code = hear(process->socket, &found, sizeof found, until, error);
    if (code < 0)
        return code;
    if (!is_sound(&found))
        return error_set(error, EPROTO, "the reader said what makes no sense");
    *result = (struct complaints){.found = found.found, .count = found.count, .cut = found.cut};
    memcpy(result->trouble, found.trouble, sizeof result->trouble);
    code = hear_complaints(process, until, result, error);
    if (code < 0)
        complaints_clear(result);
    process->served += code == 0;
    return code;
}

void reading_process_end(struct reading_process *process)
{
    if (process->id == 0)
        return;
    close(process->socket);
    kill(process->id, SIGKILL);
    while (waitpid(process->id, NULL, 0) < 0 && errno == EINTR)
        ;
    *process = (struct reading_process){0};
}
