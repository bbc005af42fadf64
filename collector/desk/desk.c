/* See desk.h. A round: each source is asked for what is new, and what it brings is kept, word for word, with how far
 * the source was read, in one transaction; so whoever dies brings it again or not at all. Then what was kept, from here
 * or by HTTP, is claimed, read and written, one arrival in one transaction. */
#include "collector/desk/desk.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "collector/desk/imap.h"
#include "collector/desk/keeper.h"
#include "collector/desk/listener.h"
#include "collector/desk/maildir.h"
#include "collector/desk/mbox.h"
#include "collector/desk/writing.h"
#include "collector/store/arrivals.h"
#include "collector/store/store.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/log.h"

#define LOOK          SECOND
#define AGAIN         MINUTE        /* between two tries at reading one */
#define ROUND         100           /* messages of one source before the others have their turn */
#define SPARE         (10 * SECOND) /* for what is claimed, beside the reading */
#define WRITES        20            /* tries at writing one, where others write the same */
#define PASSWORD_MOST ((size_t)4096)

struct desk {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t end;
    bool ending;
    char *where;
    const struct desk_settings *settings;
    struct reading *reading;
    duration claim;
    struct keeper keeper;
    struct listener *listener; /* NULL: none */
    duration sources_after;    /* steady */
    bool failing;              /* it was said */
    struct buffer plain;
    const char *source; /* which is being read */
};

/* --- transactions --- */

/* Nothing is locked, for mostly there is nothing. */
static int is_wanted(struct desk *desk, struct error *error)
{
    moment now = clock_now();
    int status = keeper_open(&desk->keeper, error);
    if (status >= 0)
        status = store_begin_reading(desk->keeper.store, error);
    if (status >= 0)
        status = store_now(desk->keeper.store, now, &now, error);
    if (status >= 0)
        status = store_arrival_waits(desk->keeper.store, now, error);
    if (desk->keeper.store)
        store_rollback(desk->keeper.store);
    if (status == -ENOTCONN)
        store_close(&desk->keeper.store);
    return status;
}

/* --- sources --- */

static bool is_ending(void *context)
{
    struct desk *desk = context;
    pthread_mutex_lock(&desk->lock);
    bool is_ending = desk->ending;
    pthread_mutex_unlock(&desk->lock);
    return is_ending;
}

static int keep(void *context, const struct brought *brought, struct error *error)
{
    struct desk *desk = context;
    if (is_ending(desk))
        return error_set(error, ECANCELED, "the collector ends");
    return keeper_keep(&desk->keeper, desk->source, brought, error);
}

static int pass(void *context, const char *place, struct error *error)
{
    struct desk *desk = context;
    return keeper_place(&desk->keeper, desk->source, place, error);
}

static int read_imap(struct desk *desk, const char *place, const struct taker *taker, struct error *error)
{
    const struct desk_settings *settings = desk->settings;
    char *password = NULL;
    size_t length;
    int status = file_read(settings->imap_password, PASSWORD_MOST, &password, &length, error);
    if (status < 0)
        return status;
    password[strcspn(password, "\r\n")] = '\0';
    const struct imap_settings imap = {.server = settings->imap,
                                       .mailbox = settings->imap_mailbox,
                                       .user = settings->imap_user,
                                       .password = password,
                                       .authority = settings->imap_authority,
                                       .patience = settings->patience};
    status = imap_read(&imap, ROUND, place, taker, error);
    explicit_bzero(password, strlen(password));
    free(password);
    return status;
}

/* What a server said stands in the trouble. */
static int note(struct desk *desk, const char *said, struct error *error)
{
    char trouble[sizeof error->text];
    moment now = 0;
    text_copy_printable(text_of(said), trouble, sizeof trouble);
    int status = keeper_begin(&desk->keeper, &now, error);
    if (status >= 0)
        status = store_source_note(desk->keeper.store, desk->source, NULL, trouble, now, error);
    return keeper_end(&desk->keeper, status, error);
}

static int find_place(struct desk *desk, char place[STORE_COMPLAINT_PLACE], struct error *error)
{
    int status = keeper_open(&desk->keeper, error);
    if (status >= 0)
        status = store_begin_reading(desk->keeper.store, error);
    if (status >= 0)
        status = store_source_place(desk->keeper.store, desk->source, place, error);
    if (desk->keeper.store)
        store_rollback(desk->keeper.store);
    return status;
}

/* How many were taken. What goes wrong with it is noted with the source and raised as an alert. */
static int read_source(struct desk *desk, const char *name)
{
    const struct taker taker = {.take = keep, .pass = pass, .context = desk, .is_over = is_ending};
    char place[STORE_COMPLAINT_PLACE];
    struct error why = {0}, ignored;
    desk->source = name;
    int status = find_place(desk, place, &why);
    if (status < 0)
        return status;
    if (strcmp(name, "maildir") == 0)
        status = maildir_read(desk->settings->maildir, ROUND, &taker, &why);
    else if (strcmp(name, "mbox") == 0)
        status = mbox_read(desk->settings->mbox, ROUND, place, &taker, &why);
    else
        status = read_imap(desk, place, &taker, &why);
    if (status == -ECANCELED)
        return 0;
    int noted = note(desk, status < 0 ? why.text : "", &ignored);
    return status < 0 ? status : noted < 0 ? noted : status;
}

/* True: there may be more. */
static bool read_sources(struct desk *desk)
{
    const struct desk_settings *settings = desk->settings;
    bool more = false;
    if (settings->maildir[0])
        more = read_source(desk, "maildir") >= ROUND || more;
    if (settings->mbox[0])
        more = read_source(desk, "mbox") >= ROUND || more;
    if (settings->imap[0])
        more = read_source(desk, "imap") >= ROUND || more;
    return more;
}

/* --- reading --- */

struct opening {
    struct desk *desk;
    int status;
    struct error error;
};

static void open_content(void *context, const char *arrival, enum store_packing packing, struct text packed)
{
    struct opening *opening = context;
    struct desk *desk = opening->desk;
    buffer_clear(&desk->plain);
    opening->status = packing_unpack(desk->keeper.keys, arrival, packing, packed, &desk->plain, &opening->error);
}

static int claim(struct desk *desk, char id[STORE_COMPLAINT_ID], struct error *error)
{
    moment now = 0;
    int status = keeper_begin(&desk->keeper, &now, error);
    if (status >= 0)
        status = store_arrival_claim(desk->keeper.store, now, now + desk->claim, id, error);
    return keeper_end(&desk->keeper, status, error);
}

/* 1: it comes again; 0: it was tried often enough. */
static int put_off(struct desk *desk, const char *id, struct error *error)
{
    moment now = 0;
    int status = keeper_begin(&desk->keeper, &now, error);
    if (status >= 0)
        status = store_arrival_later(desk->keeper.store, id, now + AGAIN, error);
    return keeper_end(&desk->keeper, status, error);
}

/* What nodes are told has one row of numbers, which others want as well: who comes too late begins anew. */
static int write_down(struct desk *desk, const char *id, const struct complaints *complaints, struct error *error)
{
    int status = -EAGAIN;
    for (int try = 0; try < WRITES && status == -EAGAIN; try++) {
        moment now = 0;
        status = keeper_begin(&desk->keeper, &now, error);
        if (status >= 0)
            status = writing_write(desk->keeper.store, desk->settings, id, complaints, now, error);
        status = keeper_end(&desk->keeper, status, error);
    }
    return status;
}

/* What cannot be opened or read is written as well, with the reason, for a person. */
static int read_one(struct desk *desk, const char *id, struct error *error)
{
    struct opening opening = {.desk = desk, .status = -ENOENT};
    struct complaints complaints = {.found = FOUND_BROKEN};
    struct error why = {0};
    int status = store_begin_reading(desk->keeper.store, error);
    if (status >= 0)
        status = store_complaint_content(desk->keeper.store, id, open_content, &opening, error);
    store_rollback(desk->keeper.store);
    if (status < 0)
        return status;
    if (opening.status < 0)
        why = opening.error;
    else if (reading_ask_complaints(desk->reading, buffer_text(&desk->plain), &complaints, &why) < 0) {
        complaints.found = FOUND_BROKEN;
        status = put_off(desk, id, error); /* a process that is missing or has much to do is no fault of its */
        if (status != 0)
            return status < 0 ? status : 0;
    }
    if (why.code)
        text_copy_printable(text_of(why.text), complaints.trouble, sizeof complaints.trouble);
    status = write_down(desk, id, &complaints, error);
    complaints_clear(&complaints);
    return status;
}

/* --- rounds --- */

static void say(struct desk *desk, int status, const struct error *error)
{
    const struct log log = log_open("collector");
    if (status < 0 && !desk->failing)
        log_write(&log, LOG_TROUBLE, "complaints wait: %s", error->text);
    else if (status >= 0 && desk->failing)
        log_write(&log, LOG_NEWS, "complaints are read again");
    desk->failing = status < 0;
}

/* How long until the next round. */
static duration step(struct desk *desk)
{
    char id[STORE_COMPLAINT_ID];
    struct error error = {0};
    if (clock_steady() >= desk->sources_after)
        desk->sources_after = clock_steady() + (read_sources(desk) ? 0 : desk->settings->every);
    int status = is_wanted(desk, &error);
    if (status > 0)
        status = claim(desk, id, &error);
    bool more = status > 0;
    if (more)
        status = read_one(desk, id, &error);
    say(desk, status, &error);
    return more && status >= 0 ? 0 : LOOK;
}

static void *work(void *context)
{
    struct desk *desk = context;
    pthread_mutex_lock(&desk->lock);
    while (!desk->ending) {
        pthread_mutex_unlock(&desk->lock);
        duration then = step(desk) + clock_steady();
        const struct timespec until = {.tv_sec = then / SECOND, .tv_nsec = then % SECOND};
        pthread_mutex_lock(&desk->lock);
        if (!desk->ending && then > clock_steady())
            pthread_cond_clockwait(&desk->end, &desk->lock, CLOCK_MONOTONIC, &until);
    }
    pthread_mutex_unlock(&desk->lock);
    return NULL;
}

/* --- its life --- */

static void desk_free(struct desk **desk)
{
    if (*desk == NULL)
        return;
    listener_destroy(&(*desk)->listener);
    keeper_clear(&(*desk)->keeper);
    buffer_clear(&(*desk)->plain);
    pthread_cond_destroy(&(*desk)->end);
    pthread_mutex_destroy(&(*desk)->lock);
    free((*desk)->where);
    free(*desk);
    *desk = NULL;
}

int desk_create(const char *where, const struct desk_settings *settings, const struct packing_keys *keys,
                struct reading *reading, duration patience, struct desk **result, struct error *error)
{
    struct desk *made = calloc(1, sizeof *made);
    sigset_t all, before;
    if (made == NULL || (made->where = strdup(where)) == NULL) {
        free(made);
        return error_set(error, ENOMEM, "no memory for a thread");
    }
    CLEANUP(desk_free) struct desk *desk = made;
    desk->settings = settings;
    keeper_init(&desk->keeper, desk->where, keys);
    desk->reading = reading;
    desk->claim = 2 * patience + SPARE; /* until a process is free to read it, and until it has */
    pthread_mutex_init(&desk->lock, NULL);
    pthread_cond_init(&desk->end, NULL);
    buffer_init(&desk->plain, PACKING_PLAIN_MOST);
    int status = settings->listen[0]
                     ? listener_create(settings->listen, &settings->from, desk->where, keys, &desk->listener, error)
                     : 0;
    if (status < 0)
        return status;
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&desk->thread, NULL, work, desk);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != 0)
        return error_set(error, status, "cannot start a thread: %s", strerror(status));
    *result = TAKE(desk);
    return 0;
}

void desk_destroy(struct desk **desk)
{
    if (*desk == NULL)
        return;
    pthread_mutex_lock(&(*desk)->lock);
    (*desk)->ending = true;
    pthread_cond_signal(&(*desk)->end);
    pthread_mutex_unlock(&(*desk)->lock);
    pthread_join((*desk)->thread, NULL);
    desk_free(desk);
}
