/* See reading.h. A thread that reads has one of the processes to itself. */
#include "collector/reading/reading.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "collector/reading/process.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define PROCESSES_MOST 16
#define SERVES         500 /* messages, then it is replaced: whatever leaked is gone */
#define NUMBER         24

struct place {
    struct reading_process process;
    bool taken;
};

struct reading {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    struct picture_settings settings;
    struct place places[PROCESSES_MOST];
    struct reading_counts counts;
    char program[PATH_MAX], numbers[5][NUMBER], languages[sizeof((struct option_words *)0)->items];
    const char *words[8];
};

/* --- where it is --- */

static int find_program(char result[PATH_MAX], struct error *error)
{
    static const char *const places[] = {"", "../libexec/postern/"};
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        return error_set(error, errno, "cannot find out where this program is: %s", strerror(errno));
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        slash[1] = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (snprintf(result, PATH_MAX, "%s%spostern-reader", self, places[i]) < PATH_MAX && access(result, X_OK) == 0)
            return 0;
    return error_set(error, ENOENT, "no postern-reader in %s nor in %s../libexec/postern", self, self);
}

static void write_words(struct reading *reading)
{
    const struct picture_settings *settings = &reading->settings;
    const uint64_t numbers[5] = {settings->memory, (uint64_t)(settings->patience / SECOND) + 1,
                                 settings->enabled ? settings->size : 0, settings->pixels, settings->most};
    reading->words[0] = reading->program;
    for (int i = 0; i < 5; i++) {
        snprintf(reading->numbers[i], NUMBER, "%llu", (unsigned long long)numbers[i]);
        reading->words[1 + i] = reading->numbers[i];
    }
    for (uint32_t i = 0; i < settings->languages.count; i++) {
        size_t length = strlen(reading->languages);
        snprintf(reading->languages + length, sizeof reading->languages - length, "%s%s", i ? "+" : "",
                 settings->languages.items[i]);
    }
    reading->words[6] = settings->enabled && settings->text ? reading->languages : NULL;
}

int reading_create(const struct picture_settings *settings, const char *program, struct reading **result,
                   struct error *error)
{
    struct reading *reading = calloc(1, sizeof *reading);
    pthread_condattr_t steady;
    if (reading == NULL)
        return error_set(error, ENOMEM, "no memory for the reader");
    reading->settings = *settings;
    int code = 0;
    if (program)
        snprintf(reading->program, sizeof reading->program, "%s", program);
    else
        code = find_program(reading->program, error);
    if (code < 0) {
        free(reading);
        return code;
    }
    pthread_mutex_init(&reading->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&reading->freed, &steady);
    pthread_condattr_destroy(&steady);
    write_words(reading);
    *result = reading;
    return 0;
}

void reading_destroy(struct reading **reading)
{
    if (*reading == NULL)
        return;
    for (size_t i = 0; i < PROCESSES_MOST; i++)
        reading_process_end(&(*reading)->places[i].process);
    pthread_cond_destroy(&(*reading)->freed);
    pthread_mutex_destroy(&(*reading)->lock);
    free(*reading);
    *reading = NULL;
}

/* --- a message --- */

/* One that runs before one that would have to be started. */
static struct place *find_place(struct reading *reading)
{
    struct place *found = NULL;
    for (uint32_t i = 0; i < reading->settings.processes && i < PROCESSES_MOST; i++) {
        struct place *place = &reading->places[i];
        if (!place->taken && (found == NULL || (found->process.id == 0 && place->process.id != 0)))
            found = place;
    }
    return found;
}

static struct place *take_place(struct reading *reading)
{
    duration until = clock_steady() + reading->settings.patience;
    const struct timespec end = {.tv_sec = until / SECOND, .tv_nsec = until % SECOND};
    struct place *place;
    pthread_mutex_lock(&reading->lock);
    reading->counts.asked++;
    for (int late = 0; (place = find_place(reading)) == NULL && late == 0;)
        late = pthread_cond_timedwait(&reading->freed, &reading->lock, &end);
    if (place)
        place->taken = true;
    pthread_mutex_unlock(&reading->lock);
    return place;
}

static void give_place(struct reading *reading, struct place *place, uint32_t started, int code)
{
    pthread_mutex_lock(&reading->lock);
    reading->counts.started += started;
    reading->counts.failed += code < 0;
    reading->counts.late += code == -ETIMEDOUT;
    if (place)
        place->taken = false;
    pthread_cond_signal(&reading->freed);
    pthread_mutex_unlock(&reading->lock);
}

/* One of them is wanted. */
struct wanted {
    struct message_facts *facts;
    struct complaints *complaints;
};

static int ask(struct reading *reading, struct place *place, struct text content, duration until, uint32_t *started,
               const struct wanted *wanted, struct error *error)
{
    struct reading_process *process = &place->process;
    if (process->served >= SERVES)
        reading_process_end(process);
    bool ran = process->id != 0;
    int code = 0;
    if (!ran) {
        code = reading_process_start(process, reading->words, until, error);
        *started += code == 0;
    }
    if (code == 0 && wanted->facts)
        code = reading_process_ask(process, content, until, wanted->facts, error);
    else if (code == 0)
        code = reading_process_ask_complaints(process, content, until, wanted->complaints, error);
    if (code < 0)
        reading_process_end(process);
    /* It may have been killed since its last message, which is no fault of this one. */
    return code == -EPIPE && ran ? ask(reading, place, content, until, started, wanted, error) : code;
}

static int read_one(struct reading *reading, struct text content, const struct wanted *wanted, struct error *error)
{
    uint32_t started = 0;
    if (content.length > READING_MESSAGE_MOST)
        return error_set(error, EMSGSIZE, "the message is longer than %u bytes", READING_MESSAGE_MOST);
    struct place *place = take_place(reading);
    duration until = clock_steady() + reading->settings.patience;
    int code = place ? ask(reading, place, content, until, &started, wanted, error)
                     : error_set(error, ETIMEDOUT, "no process was free to read the message in time");
    give_place(reading, place, started, code);
    return code;
}

int reading_ask(struct reading *reading, struct text content, struct message_facts *result, struct error *error)
{
    return read_one(reading, content, &(struct wanted){.facts = result}, error);
}

int reading_ask_complaints(struct reading *reading, struct text content, struct complaints *result, struct error *error)
{
    *result = (struct complaints){0};
    return read_one(reading, content, &(struct wanted){.complaints = result}, error);
}

struct reading_counts reading_counts(struct reading *reading)
{
    pthread_mutex_lock(&reading->lock);
    struct reading_counts counts = reading->counts;
    pthread_mutex_unlock(&reading->lock);
    return counts;
}
