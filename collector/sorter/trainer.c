/* See trainer.h. A round: a few lessons are claimed in one transaction, given, and what came of them written in
 * another. Who dies between the two has a lesson given again, which filters know and pass over.
 *
 * What is held back is asked first, as long as the filter does not know what it will be taught; and again when there is
 * nothing more to teach. */
#include "collector/sorter/trainer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "collector/quarantine/content.h"
#include "collector/store/store.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/log.h"

#define ROUND     20 /* lessons that are claimed together */
#define HELD_MOST 1000
#define EVERY     SECOND
#define QUIET     (5 * SECOND) /* between looks at the clock outside of the hours */
#define SPARE     MINUTE       /* for what is claimed, beside the filter's own patience */
#define GIVE_UP   (7 * DAY)
#define TIDY      (10 * MINUTE)
#define TRIES     8

/* What becomes of a lesson, or of a question about what is held back. */
enum outcome { OUTCOME_NOT_TRIED, OUTCOME_DONE, OUTCOME_NEVER, OUTCOME_LATER };

struct pupil {
    struct trainer *trainer;
    const struct filter_settings *filter;
    const struct filter_kind *kind;
    pthread_t thread;
    bool started;
    bool looked;         /* what was claimed before it started is nobody's */
    bool failing;        /* it was said */
    bool away;           /* it does not answer */
    bool taught;         /* what is held back has not been looked at since */
    struct store *store; /* NULL: it is opened with the next round */
    duration tidy_after; /* steady */
    struct buffer plain;
};

struct trainer {
    struct trainer_settings settings;
    char *where;
    pthread_mutex_t lock;
    pthread_cond_t end;
    bool ending;
    size_t count;
    struct pupil pupils[FILTERS_MOST];
};

static bool is_ending(struct trainer *trainer)
{
    pthread_mutex_lock(&trainer->lock);
    bool ending = trainer->ending;
    pthread_mutex_unlock(&trainer->lock);
    return ending;
}

static void pause_for(struct trainer *trainer, duration pause)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    moment then = until.tv_sec * SECOND + until.tv_nsec + pause;
    until = (struct timespec){.tv_sec = then / SECOND, .tv_nsec = then % SECOND};
    pthread_mutex_lock(&trainer->lock);
    if (!trainer->ending)
        pthread_cond_clockwait(&trainer->end, &trainer->lock, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&trainer->lock);
}

static void say(struct pupil *pupil, const char *trouble)
{
    const struct log log = log_open("collector");
    if (trouble && !pupil->failing)
        log_write(&log, LOG_TROUBLE, "lessons for %s wait: %s", pupil->filter->name, trouble);
    else if (!trouble && pupil->failing)
        log_write(&log, LOG_NEWS, "%s takes lessons again", pupil->filter->name);
    pupil->failing = trouble != NULL;
}

/* --- transactions --- */

static int begin(struct pupil *pupil, moment *now, struct error *error)
{
    int status = pupil->store ? 0 : store_open(pupil->trainer->settings.store, &pupil->store, error);
    if (status >= 0)
        status = store_begin(pupil->store, error);
    return status < 0 ? status : store_now(pupil->store, clock_now(), now, error);
}

/* Ends it: for good where `status` is not negative. */
static int end(struct pupil *pupil, int status, struct error *error)
{
    if (status >= 0 && store_commit(pupil->store, error) < 0)
        status = -error->code;
    if (status < 0 && pupil->store)
        store_rollback(pupil->store);
    if (status == -ENOTCONN)
        store_close(&pupil->store);
    return status;
}

static int unclaim(struct pupil *pupil, struct error *error)
{
    moment now = 0;
    int status = begin(pupil, &now, error);
    if (status >= 0 && !store_is_shared(pupil->store))
        status = store_lessons_unclaim(pupil->store, pupil->filter->name, now, error);
    status = end(pupil, status, error);
    pupil->looked = status >= 0;
    return status;
}

/* Whether there is something to claim: a question that locks nothing, for mostly there is not. */
static int is_wanted(struct pupil *pupil, struct error *error)
{
    struct store_lesson_due lesson;
    struct store_held_back held;
    moment now = clock_now();
    int status = pupil->store ? 0 : store_open(pupil->trainer->settings.store, &pupil->store, error);
    if (status >= 0)
        status = store_begin_reading(pupil->store, error);
    if (status >= 0)
        status = store_now(pupil->store, now, &now, error);
    if (status >= 0)
        status = store_lessons_due(pupil->store, pupil->filter->name, now, 1, &lesson, error);
    if (status == 0)
        status = store_held_due(pupil->store, pupil->filter->name, now, 1, &held, error);
    if (pupil->store)
        store_rollback(pupil->store);
    if (status == -ENOTCONN)
        store_close(&pupil->store);
    return status;
}

/* --- what is given to the filter --- */

static int open_content(struct pupil *pupil, const char *name, const char *digest, struct error *error)
{
    int status = store_begin_reading(pupil->store, error);
    if (status >= 0)
        status = content_of_lesson(pupil->store, pupil->trainer->settings.keys, name, digest, &pupil->plain, error);
    store_rollback(pupil->store);
    if (status == 0)
        return error_set(error, ENOENT, "its content is not kept any more");
    if (status > 0 && pupil->plain.length > pupil->filter->size_most)
        return error_set(error, EMSGSIZE, "it is longer than this filter is shown");
    return status;
}

/* Whether what went wrong will go wrong each time. */
static bool is_final(int status)
{
    return status == -ENOTSUP || status == -ENOENT || status == -EMSGSIZE || status == -EBADMSG || status == -ENOKEY;
}

static struct filter_message message_of(const struct pupil *pupil, const char *name, const char *digest)
{
    return (struct filter_message){.name = name[0] ? name : digest,
                                   .content = buffer_text(&pupil->plain),
                                   .from = TEXT(""),
                                   .helo = TEXT(""),
                                   .client = TEXT(""),
                                   .user = TEXT(""),
                                   .queue_id = TEXT("")};
}

static enum outcome teach(struct pupil *pupil, const struct store_lesson_due *due, struct error *error)
{
    int status = open_content(pupil, due->name, due->digest, error);
    if (status >= 0) {
        const struct filter_message message = message_of(pupil, due->name, due->digest);
        status = pupil->kind->learn ? pupil->kind->learn(pupil->filter, &message, (enum lesson)due->lesson, error)
                                    : error_set(error, ENOTSUP, "it cannot learn");
        /* Of a filter that answers nonsense nobody knows whether it will the next time. */
        return status >= 0 ? OUTCOME_DONE : status == -ENOTSUP ? OUTCOME_NEVER : OUTCOME_LATER;
    }
    return is_final(status) ? OUTCOME_NEVER : OUTCOME_LATER;
}

static enum outcome ask_about(struct pupil *pupil, const struct store_held_back *held,
                              struct store_held_opinion *result, struct error *error)
{
    struct opinion opinion = {0};
    int status = open_content(pupil, held->name, held->digest, error);
    if (status < 0)
        return is_final(status) ? OUTCOME_NEVER : OUTCOME_LATER;
    const struct filter_message message = message_of(pupil, held->name, held->digest);
    status = pupil->kind->ask(pupil->filter, &message, &opinion, error);
    if (status == FILTER_LATER)
        return OUTCOME_NEVER;
    if (status < 0)
        return OUTCOME_LATER;
    *result = (struct store_held_opinion){
        .is_spam = opinion_is_spam(&opinion),
        .score = opinion.threshold > 0 ? (int64_t)opinion.score * 100 / opinion.threshold : 0,
        .bayes = learning_bayes(text_of(opinion.symbols)),
    };
    return OUTCOME_DONE;
}

/* Whether a filter that gave no answer is away: then nothing of it is the message's fault. */
static bool is_away(struct pupil *pupil, const struct error *why)
{
    struct error error = {0};
    bool was_away = pupil->away;
    pupil->away = pupil->kind->ping(pupil->filter, &error) < 0;
    if (pupil->away || was_away)
        say(pupil, pupil->away ? (why ? why->text : error.text) : NULL);
    return pupil->away;
}

static moment claimed_until(const struct pupil *pupil, moment now)
{
    return now + SPARE + ROUND * pupil->filter->patience;
}

/* --- lessons --- */

struct lessons {
    int count;
    struct store_lesson_due items[ROUND];
    enum outcome outcomes[ROUND];
    struct error errors[ROUND];
};

static int claim_lessons(struct pupil *pupil, struct lessons *lessons, struct error *error)
{
    moment now = 0;
    int status = begin(pupil, &now, error);
    if (status >= 0)
        status = store_lessons_due(pupil->store, pupil->filter->name, now, ROUND, lessons->items, error);
    int found = status;
    for (int i = 0; i < found && status >= 0; i++) {
        status =
            store_lesson_claim(pupil->store, pupil->filter->name, &lessons->items[i], claimed_until(pupil, now), error);
        if (status > 0)
            lessons->items[lessons->count++] = lessons->items[i];
    }
    return end(pupil, status, error);
}

static int write_lesson(struct pupil *pupil, const struct lessons *lessons, int which, moment now, struct error *error)
{
    const char *filter = pupil->filter->name, *trouble = lessons->errors[which].text;
    const struct store_lesson_due *due = &lessons->items[which];
    bool is_old = now - due->asked > GIVE_UP;
    switch (lessons->outcomes[which]) {
    case OUTCOME_DONE:
        return store_lesson_done(pupil->store, filter, due, now, error);
    case OUTCOME_LATER:
        return store_lesson_failed(pupil->store, filter, due, trouble, is_old ? 0 : now + learning_pause(due->tries),
                                   error);
    case OUTCOME_NEVER:
        return store_lesson_failed(pupil->store, filter, due, trouble, 0, error);
    case OUTCOME_NOT_TRIED:
        break;
    }
    return store_lesson_put_back(pupil->store, filter, due, trouble, is_old ? 0 : now, error);
}

/* Those from `first` up to `end_of`. The filter has them: so it is tried for some seconds, whatever the store does. */
static int write_lessons(struct pupil *pupil, const struct lessons *lessons, int first, int end_of, struct error *error)
{
    int status = -EAGAIN;
    for (int try = 0; try < TRIES && status < 0; try++) {
        moment now = 0;
        if (try > 0)
            pause_for(pupil->trainer, try * 100 * MILLISECOND);
        status = begin(pupil, &now, error);
        for (int i = first; i < end_of && status >= 0; i++)
            status = write_lesson(pupil, lessons, i, now, error);
        status = end(pupil, status, error);
    }
    return status;
}

static void keep_to_rate(struct pupil *pupil, duration begun)
{
    uint32_t rate = pupil->trainer->settings.learning->rate;
    duration left = rate ? SECOND / rate - (clock_steady() - begun) : 0;
    if (left > 0)
        pause_for(pupil->trainer, left);
}

/* What each came to is written at once: of what is not, when we die, only the filter knows, and not every one does. */
static int give_lessons(struct pupil *pupil, struct lessons *lessons, struct error *error)
{
    int given = 0, status = 0;
    for (int i = 0; i < lessons->count; i++)
        lessons->outcomes[i] = OUTCOME_NOT_TRIED;
    for (; given < lessons->count && status >= 0 && !is_ending(pupil->trainer); given++) {
        duration begun = clock_steady();
        lessons->outcomes[given] = teach(pupil, &lessons->items[given], &lessons->errors[given]);
        if (lessons->outcomes[given] == OUTCOME_LATER && is_away(pupil, &lessons->errors[given]))
            break;
        status = write_lessons(pupil, lessons, given, given + 1, error);
        keep_to_rate(pupil, begun);
    }
    if (status < 0 || given == lessons->count)
        return status;
    lessons->outcomes[given] = OUTCOME_NOT_TRIED;
    for (int i = given + 1; i < lessons->count; i++)
        lessons->errors[i] = lessons->errors[given];
    return write_lessons(pupil, lessons, given, lessons->count, error);
}

/* 1: there may be more; 0: nothing was due. */
static int teach_some(struct pupil *pupil, struct error *error)
{
    struct lessons *lessons = calloc(1, sizeof *lessons);
    int status = lessons ? claim_lessons(pupil, lessons, error) : error_set(error, ENOMEM, "no memory for lessons");
    if (status >= 0 && lessons->count > 0) {
        pupil->taught = true;
        status = give_lessons(pupil, lessons, error);
        status = status < 0 ? status : !pupil->away;
    }
    free(lessons);
    return status;
}

/* --- what is held back --- */

struct questions {
    int count;
    struct store_held_back items[ROUND];
    enum outcome outcomes[ROUND];
    struct store_held_opinion opinions[ROUND];
};

static int claim_questions(struct pupil *pupil, struct questions *questions, struct error *error)
{
    moment now = 0;
    int status = begin(pupil, &now, error);
    if (status >= 0)
        status = store_held_due(pupil->store, pupil->filter->name, now, ROUND, questions->items, error);
    int found = status;
    for (int i = 0; i < found && status >= 0; i++) {
        status =
            store_held_claim(pupil->store, pupil->filter->name, &questions->items[i], claimed_until(pupil, now), error);
        if (status > 0)
            questions->items[questions->count++] = questions->items[i];
    }
    return end(pupil, status, error);
}

static int write_opinions(struct pupil *pupil, const struct questions *questions, struct error *error)
{
    const char *filter = pupil->filter->name;
    moment now = 0;
    int status = begin(pupil, &now, error);
    for (int i = 0; i < questions->count && status >= 0; i++) {
        const struct store_held_back *held = &questions->items[i];
        enum outcome outcome = questions->outcomes[i];
        if (outcome == OUTCOME_DONE)
            status = store_held_asked(pupil->store, filter, held, &questions->opinions[i], now, error);
        else if (outcome == OUTCOME_NOT_TRIED)
            status = store_held_put_back(pupil->store, filter, held, now, error);
        else
            status = store_held_failed(pupil->store, filter, held,
                                       outcome == OUTCOME_NEVER ? 0 : now + learning_pause(held->tries), error);
    }
    return end(pupil, status, error);
}

/* 1: there may be more; 0: nothing was due. */
static int ask_some(struct pupil *pupil, struct error *error)
{
    struct questions questions = {.count = 0};
    int status = claim_questions(pupil, &questions, error);
    if (status < 0 || questions.count == 0)
        return status < 0 ? status : 0;
    for (int i = 0; i < questions.count; i++)
        questions.outcomes[i] = OUTCOME_NOT_TRIED;
    for (int i = 0; i < questions.count && !pupil->away && !is_ending(pupil->trainer); i++) {
        struct error why = {0};
        enum outcome outcome = ask_about(pupil, &questions.items[i], &questions.opinions[i], &why);
        questions.outcomes[i] = outcome == OUTCOME_LATER && is_away(pupil, &why) ? OUTCOME_NOT_TRIED : outcome;
    }
    status = write_opinions(pupil, &questions, error);
    return status < 0 ? status : 1;
}

static int ask_again(struct pupil *pupil, struct error *error)
{
    moment now = 0;
    int status = begin(pupil, &now, error);
    if (status >= 0)
        status = store_held_again(pupil->store, pupil->filter->name, now, HELD_MOST, error);
    return end(pupil, status, error);
}

/* --- rounds --- */

static int tidy(struct pupil *pupil, struct error *error)
{
    const struct trainer_settings *settings = &pupil->trainer->settings;
    moment now = 0;
    if (pupil->store == NULL || clock_steady() < pupil->tidy_after)
        return 0;
    int status = begin(pupil, &now, error);
    if (status >= 0)
        status = store_lessons_tidy(pupil->store, now - settings->learning->keep, now - settings->forget, error);
    status = end(pupil, status, error);
    pupil->tidy_after = clock_steady() + (status == 1 ? EVERY : TIDY);
    return status;
}

/* What is due of it, a few at a time: 1: there may be more. */
static int work_off(struct pupil *pupil, struct error *error)
{
    int status = pupil->looked ? 0 : unclaim(pupil, error);
    if (status >= 0)
        status = is_wanted(pupil, error);
    if (status > 0)
        status = ask_some(pupil, error);
    else if (status == 0 && pupil->taught) { /* there is nothing more to teach */
        status = ask_again(pupil, error);
        pupil->taught = status < 0;
        return status;
    } else {
        return status;
    }
    return status == 0 ? teach_some(pupil, error) : status;
}

/* How long until the next round. */
static duration step(struct pupil *pupil)
{
    struct error error = {0};
    moment now = clock_now();
    if (!learning_is_time(pupil->trainer->settings.learning->hours, now + clock_east(now)))
        return QUIET;
    if (pupil->away && is_away(pupil, NULL))
        return QUIET;
    int status = work_off(pupil, &error);
    bool more = status > 0 && !pupil->away;
    if (status >= 0)
        status = tidy(pupil, &error);
    return status < 0 || !more ? EVERY : 0;
}

static void *work(void *context)
{
    struct pupil *pupil = context;
    while (!is_ending(pupil->trainer)) {
        duration pause = step(pupil);
        if (pause > 0)
            pause_for(pupil->trainer, pause);
    }
    return NULL;
}

/* --- its life --- */

static void trainer_free(struct trainer **trainer)
{
    if (*trainer == NULL)
        return;
    for (size_t i = 0; i < (*trainer)->count; i++) {
        store_close(&(*trainer)->pupils[i].store);
        buffer_clear(&(*trainer)->pupils[i].plain);
    }
    pthread_cond_destroy(&(*trainer)->end);
    pthread_mutex_destroy(&(*trainer)->lock);
    free((*trainer)->where);
    free(*trainer);
    *trainer = NULL;
}

static int start(struct pupil *pupil, struct error *error)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&pupil->thread, NULL, work, pupil);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pupil->started = status == 0;
    return status == 0 ? 0 : error_set(error, status, "cannot start a thread: %s", strerror(status));
}

int trainer_create(const struct trainer_settings *settings, struct trainer **result, struct error *error)
{
    CLEANUP(trainer_destroy) struct trainer *trainer = calloc(1, sizeof *trainer);
    if (trainer == NULL)
        return error_set(error, ENOMEM, "no memory for lessons");
    trainer->settings = *settings;
    pthread_mutex_init(&trainer->lock, NULL);
    pthread_cond_init(&trainer->end, NULL);
    clock_read_zone();
    if ((trainer->where = strdup(settings->store)) == NULL)
        return error_set(error, ENOMEM, "no memory for lessons");
    trainer->settings.store = trainer->where;
    for (size_t i = 0; i < settings->filter_count; i++) {
        if (!settings->filters[i].learns)
            continue;
        struct pupil *pupil = &trainer->pupils[trainer->count++];
        *pupil = (struct pupil){.trainer = trainer,
                                .filter = &settings->filters[i],
                                .kind = filter_kinds[settings->filters[i].kind],
                                .taught = true}; /* as far as anybody knows */
        buffer_init(&pupil->plain, PACKING_PLAIN_MOST);
    }
    for (size_t i = 0; i < trainer->count; i++) {
        int status = start(&trainer->pupils[i], error);
        if (status < 0)
            return status;
    }
    *result = TAKE(trainer);
    return 0;
}

void trainer_destroy(struct trainer **trainer)
{
    if (*trainer == NULL)
        return;
    pthread_mutex_lock(&(*trainer)->lock);
    (*trainer)->ending = true;
    pthread_cond_broadcast(&(*trainer)->end);
    pthread_mutex_unlock(&(*trainer)->lock);
    for (size_t i = 0; i < (*trainer)->count; i++)
        if ((*trainer)->pupils[i].started)
            pthread_join((*trainer)->pupils[i].thread, NULL);
    trainer_free(trainer);
}
