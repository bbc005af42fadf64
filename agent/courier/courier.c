/* The courier: the one process of the agent that speaks with people. It keeps the journal, answers the control socket
 * and carries questions to the watcher and the warden. It has its own user and directory and no rights on packets or
 * tables.
 *
 * A question to another process carries a number; its rows come back with it and go straight into the asker's output.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "agent/courier/accounts.h"
#include "agent/courier/answer.h"
#include "agent/courier/control.h"
#include "agent/courier/journal.h"
#include "agent/courier/keeper.h"
#include "agent/courier/news.h"
#include "agent/courier/policy.h"
#include "agent/courier/question.h"
#include "agent/message/role.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "common/io/sandbox.h"

#define ANSWER_PATIENCE (3 * SECOND)
#define COMMIT_EVERY    (100 * MILLISECOND)
#define ALIVE_EVERY     SECOND
#define HISTORY_MOST    40 /* entries of the journal in an explanation */
#define JOURNAL_ENTRIES 500000
#define STREAM_CHUNK    200 /* entries of the journal written at once */

struct courier {
    sd_event *event;
    struct log log;
    struct channel warden, watcher;
    sd_event_source *warden_source, *watcher_source, *commit_timer, *alive_timer;
    struct control *control;
    struct journal *journal;
    struct news *news;
    struct keeper keeper;
    struct accounts *accounts;
    struct policy *policy; /* NULL: mail servers have no place to ask */
    bool ready;
    struct questions questions;
};

static const char *const silent[] = {
    [ROLE_WARDEN] = "the warden does not answer; `postern events` may say why",
    [ROLE_WATCHER] = "the watcher does not answer; it may just have been started anew: try again",
};

/* --- questions -----------------------------------------------------------------------------------------------------
 */

/* Carry the question to each process that must answer it. */
static void ask(struct courier *courier, struct question *question)
{
    const struct channel *channels[] = {&courier->warden, &courier->watcher};
    union message message;
    question_message(question, &message);
    for (size_t i = 0; i < 2; i++) {
        enum role role = i == 0 ? ROLE_WARDEN : ROLE_WATCHER;
        struct error error = {0};
        if (!(question->awaits & 1U << role))
            continue;
        if (channels[i]->descriptor < 0 || message_send(channels[i], &message, -1, &error) < 0) {
            question_end(question, silent[role]);
            return;
        }
    }
}

/* --- the journal as an answer --------------------------------------------------------------------------------------
 */

static void write_entry(void *context, const struct journal_entry *entry)
{
    struct client *client = context;
    client_answer(client)->after = entry->id;
    bool written = buffer_append(client_output(client), entry->line);
    (void)written; /* the chunk is small against the bound, and a reader that is behind gets no chunk */
}

static void stream_more(struct courier *courier, struct client *client)
{
    struct client_answer *answer = client_answer(client);
    struct error error = {0};
    if (client_output(client)->length > 0)
        return;
    int count =
        journal_read(courier->journal, answer->after, answer->since, NULL, STREAM_CHUNK, write_entry, client, &error);
    answer->more = count > 0;
    if (count < 0)
        client_finish(client, error.text);
    else if (count == 0 && !answer->follow)
        client_finish(client, NULL);
    else
        client_send(client);
}

static void write_history(struct courier *courier, struct question *question)
{
    char sender[SENDER_TEXT];
    struct error error = {0};
    sender_print(&question->request.sender, sender);
    if (!journal_is_open(courier->journal))
        return;
    int64_t after = journal_newest(courier->journal, sender, HISTORY_MOST);
    if (journal_read(courier->journal, after, 0, sender, HISTORY_MOST, write_entry, question->client, &error) < 0)
        log_write(&courier->log, LOG_TROUBLE, "%s", error.text);
}

/* --- people --------------------------------------------------------------------------------------------------------
 */

static void on_asked(void *context, struct client *client, const struct request *request)
{
    struct courier *courier = context;
    if (request->kind == REQUEST_EVENTS) {
        *client_answer(client) =
            (struct client_answer){.streaming = true, .follow = request->follow, .since = request->since};
        stream_more(courier, client);
        return;
    }
    struct question *question = question_new(&courier->questions, client, request, clock_steady());
    if (question)
        ask(courier, question);
    else
        client_finish(client, "too many questions at once; try again");
}

static void on_room(void *context, struct client *client)
{
    if (client_answer(client)->streaming)
        stream_more(context, client);
}

static void on_gone(void *context, struct client *client)
{
    struct courier *courier = context;
    struct question *question = question_find(&courier->questions, client_answer(client)->question);
    if (question)
        question->number = 0;
}

/* --- answers -------------------------------------------------------------------------------------------------------
 */

static void journal_command(struct courier *courier, const struct question *question)
{
    const struct request *request = &question->request;
    bool enforce = request->kind == REQUEST_ENFORCE;
    char sender[SENDER_TEXT] = "", length[DURATION_TEXT];
    if (!enforce)
        sender_print(&request->sender, sender);
    duration_print(request->length, length);
    news_command(courier->news, enforce ? (request->on ? "enforce on" : "enforce off") : deed_name(request->deed),
                 sender, length, client_person(question->client), request->why);
}

static void answer_command_done(struct courier *courier, struct question *question, const struct message_done *done)
{
    if (done->code < 0) {
        question_end(question, done->text[0] ? done->text : strerror(-done->code));
        return;
    }
    journal_command(courier, question);
    (void)keeper_commit(&courier->keeper, clock_steady());
    if (done->text[0] && !answer_text(client_output(question->client), done->text)) {
        question_end(question, "the answer is too long");
        return;
    }
    question_end(question, NULL);
}

/* What the mail server was told of an account: whoever explains it must know whether it was asked at all. */
static bool write_submission(struct courier *courier, struct question *question)
{
    const struct sender *sender = &question->request.sender;
    if (sender->kind != SENDER_ACCOUNT)
        return true;
    struct accounts_counters counters = accounts_counters(courier->accounts);
    return answer_submission(client_output(question->client), sender, accounts_find(courier->accounts, sender),
                             &counters);
}

static bool write_status(struct courier *courier, struct question *question)
{
    struct buffer *out = client_output(question->client);
    struct accounts_counters counters = accounts_counters(courier->accounts);
    const struct answer_policy policy = {.open = courier->policy != NULL,
                                         .clients = courier->policy ? policy_clients(courier->policy) : 0,
                                         .malformed = courier->policy ? policy_malformed(courier->policy) : 0,
                                         .counters = &counters};
    return news_answer_status(courier->news, courier->keeper.trouble, out) && answer_status_policy(out, &policy);
}

static void answered_by(struct courier *courier, struct question *question, enum role role)
{
    question->awaits &= ~(1U << role);
    if (question->awaits)
        return;
    bool whole = true;
    if (question->request.kind == REQUEST_EXPLAIN) {
        whole = write_submission(courier, question);
        write_history(courier, question);
    }
    if (question->request.kind == REQUEST_STATUS)
        whole = write_status(courier, question);
    question_end(question, whole ? NULL : "the answer is too long");
}

static bool is_answer(enum message_kind kind)
{
    return kind == MESSAGE_SENDER_ROW || kind == MESSAGE_EVIDENCE_ROW || kind == MESSAGE_ORDER_ROW ||
           kind == MESSAGE_END || kind == MESSAGE_STATUS_WATCHER || kind == MESSAGE_STATUS_WARDEN ||
           kind == MESSAGE_DONE;
}

static void take_answer(struct courier *courier, struct question *question, enum role from,
                        const union message *message)
{
    struct buffer *out = client_output(question->client);
    bool written = true;
    switch ((enum message_kind)message->head.kind) {
    case MESSAGE_SENDER_ROW:
        written = answer_sender(out, &message->sender_row);
        break;
    case MESSAGE_EVIDENCE_ROW:
        written = answer_evidence_row(out, &message->evidence_row.evidence);
        break;
    case MESSAGE_ORDER_ROW:
        written =
            answer_order(out, &message->order_row, accounts_find(courier->accounts, &message->order_row.order.target));
        break;
    case MESSAGE_STATUS_WATCHER:
        written = answer_status_watcher(out, &message->status_watcher);
        answered_by(courier, question, from);
        break;
    case MESSAGE_STATUS_WARDEN:
        written = answer_status_warden(out, &message->status_warden);
        answered_by(courier, question, from);
        break;
    case MESSAGE_END:
        answered_by(courier, question, from);
        break;
    case MESSAGE_DONE:
        answer_command_done(courier, question, &message->done);
        break;
    default:
        break;
    }
    if (!written && question->number)
        question_end(question, "the answer is too long");
}

/* --- the other processes -------------------------------------------------------------------------------------------
 */

static int on_watcher(sd_event_source *, int, uint32_t, void *);

static void lose_watcher(struct courier *courier)
{
    sd_event_source_disable_unref(courier->watcher_source);
    courier->watcher_source = NULL;
    if (courier->watcher.descriptor >= 0)
        close(courier->watcher.descriptor);
    courier->watcher.descriptor = -1;
    questions_give_up(&courier->questions, ROLE_WATCHER, INT64_MAX, silent[ROLE_WATCHER]);
    news_forget_half(courier->news);
}

static void meet_watcher(struct courier *courier, int descriptor)
{
    lose_watcher(courier);
    courier->watcher = (struct channel){descriptor, ROLE_COURIER, ROLE_WATCHER};
    if (sd_event_add_io(courier->event, &courier->watcher_source, descriptor, EPOLLIN, on_watcher, courier) < 0)
        lose_watcher(courier);
}

static void take_message(struct courier *courier, enum role from, const union message *message, int descriptor)
{
    enum message_kind kind = message->head.kind;
    if (kind == MESSAGE_PEER) {
        meet_watcher(courier, descriptor);
        return;
    }
    if (descriptor >= 0)
        close(descriptor);
    if (kind == MESSAGE_READY) {
        courier->ready = true;
    } else if (kind == MESSAGE_ENFORCEMENT) {
        accounts_enforce(courier->accounts, message->enforcement.on);
    } else if (kind == MESSAGE_ACCOUNT_ORDER) {
        accounts_order(courier->accounts, &message->order.order, clock_now());
    } else if (message->head.question && is_answer(kind)) {
        struct question *question = question_find(&courier->questions, message->head.question);
        if (question)
            take_answer(courier, question, from, message);
    } else {
        news_take(courier->news, message);
    }
}

/* False: the peer is gone or broke the rules. */
static bool drain(struct courier *courier, const struct channel *channel)
{
    union message message;
    struct error error = {0};
    enum role from = channel->peer;
    int own = channel->descriptor;
    for (int n = 0; n < 1000 && channel->descriptor == own; n++) {
        int descriptor = -1;
        int got = message_receive(channel, &message, &descriptor, &error);
        if (got == 0)
            return true;
        if (got < 0) {
            if (got != -ECONNRESET)
                log_write(&courier->log, LOG_TROUBLE, "%s: %s", role_name(from), error.text);
            return false;
        }
        take_message(courier, from, &message, descriptor);
    }
    return true;
}

static int on_watcher(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    (void)source, (void)descriptor, (void)events;
    struct courier *courier = context;
    if (!drain(courier, &courier->watcher))
        lose_watcher(courier);
    return 0;
}

static int on_warden(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    (void)source, (void)descriptor, (void)events;
    struct courier *courier = context;
    if (!drain(courier, &courier->warden))
        sd_event_exit(courier->event, 0);
    return 0;
}

/* --- time ----------------------------------------------------------------------------------------------------------
 */

static void follow(void *context, struct client *client)
{
    if (client_answer(client)->streaming && client_answer(client)->follow)
        stream_more(context, client);
}

static void again_in(sd_event_source *timer, duration after)
{
    sd_event_source_set_time_relative(timer, (uint64_t)(after / MICROSECOND));
    sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static int on_commit(sd_event_source *timer, uint64_t now, void *context)
{
    (void)now;
    struct courier *courier = context;
    bool had = journal_is_behind(courier->journal);
    bool fine = keeper_commit(&courier->keeper, clock_steady());
    if (had && fine)
        control_each(courier->control, follow, courier);
    again_in(timer, fine ? COMMIT_EVERY : SECOND);
    return 0;
}

static int on_alive(sd_event_source *timer, uint64_t now, void *context)
{
    (void)now;
    struct courier *courier = context;
    union message message;
    struct error error = {0};
    message_prepare(&message, MESSAGE_ALIVE, 0);
    if (courier->ready && message_send(&courier->warden, &message, -1, &error) < 0 && error.code != EAGAIN)
        sd_event_exit(courier->event, 0);
    if (courier->policy)
        policy_tick(courier->policy);
    moment too_long_ago = clock_steady() - ANSWER_PATIENCE;
    questions_give_up(&courier->questions, ROLE_WATCHER, too_long_ago, silent[ROLE_WATCHER]);
    questions_give_up(&courier->questions, ROLE_WARDEN, too_long_ago, silent[ROLE_WARDEN]);
    again_in(timer, ALIVE_EVERY);
    return 0;
}

/* --- beginning and end ---------------------------------------------------------------------------------------------
 */

/* All that the courier does with the system: its own directory, its sockets, its loop. */
static const int allowed_calls[] = {SCMP_SYS(openat),
                                    SCMP_SYS(newfstatat),
                                    SCMP_SYS(lstat),
                                    SCMP_SYS(stat),
                                    SCMP_SYS(statx),
                                    SCMP_SYS(access),
                                    SCMP_SYS(faccessat),
                                    SCMP_SYS(faccessat2),
                                    SCMP_SYS(unlink),
                                    SCMP_SYS(unlinkat),
                                    SCMP_SYS(rename),
                                    SCMP_SYS(renameat),
                                    SCMP_SYS(renameat2),
                                    SCMP_SYS(ftruncate),
                                    SCMP_SYS(pread64),
                                    SCMP_SYS(pwrite64),
                                    SCMP_SYS(fsync),
                                    SCMP_SYS(fdatasync),
                                    SCMP_SYS(fcntl),
                                    SCMP_SYS(geteuid),
                                    SCMP_SYS(getcwd),
                                    SCMP_SYS(readlink),
                                    SCMP_SYS(fchmod),
                                    SCMP_SYS(fchown),
                                    SCMP_SYS(accept4),
                                    SCMP_SYS(getsockopt),
                                    SCMP_SYS(sendto),
                                    SCMP_SYS(sendmsg),
                                    SCMP_SYS(recvmsg),
                                    SCMP_SYS(recvfrom),
                                    SCMP_SYS(shutdown),
                                    SCMP_SYS(epoll_create1),
                                    SCMP_SYS(epoll_ctl),
                                    SCMP_SYS(epoll_wait),
                                    SCMP_SYS(epoll_pwait),
                                    SCMP_SYS(timerfd_create),
                                    SCMP_SYS(timerfd_settime),
                                    SCMP_SYS(utimensat),
                                    SCMP_SYS(lseek),
                                    SCMP_SYS(getpid),
                                    SANDBOX_END};

static int add_timers(struct courier *courier)
{
    int code = sd_event_add_time_relative(courier->event, &courier->commit_timer, CLOCK_MONOTONIC,
                                          COMMIT_EVERY / MICROSECOND, 10000, on_commit, courier);
    if (code >= 0)
        code = sd_event_add_time_relative(courier->event, &courier->alive_timer, CLOCK_MONOTONIC, 0, 10000, on_alive,
                                          courier);
    return code;
}

static int enter(struct courier *courier, const struct role_start *start, struct error *error)
{
    char path[512];
    snprintf(path, sizeof path, "%s/agent.db", start->state);
    int failure = journal_create(path, JOURNAL_ENTRIES, &courier->journal, error);
    if (failure == 0)
        failure = news_create(courier->journal, &courier->news, error);
    if (failure == 0)
        failure = accounts_create(ACCOUNTS_MOST, &courier->accounts, error);
    if (failure < 0)
        return failure;
    courier->keeper = (struct keeper){.journal = courier->journal, .news = courier->news, .log = &courier->log};
    (void)keeper_commit(&courier->keeper, clock_steady()); /* without a journal we go on: people must be answered */
    int code = sd_event_new(&courier->event);
    if (code >= 0)
        code = sd_event_add_io(courier->event, &courier->warden_source, start->channel, EPOLLIN, on_warden, courier);
    if (code >= 0)
        code = add_timers(courier);
    if (code < 0)
        return error_set(error, -code, "cannot begin the loop: %s", strerror(-code));
    const struct control_listener listener = {courier, on_asked, on_room, on_gone};
    failure = control_open(courier->event, start->listener, &listener, &courier->control, error);
    if (failure == 0 && start->policy >= 0)
        failure = policy_open(courier->event, start->policy, courier->accounts, &courier->policy, error);
    return failure < 0 ? failure : sandbox_enter(allowed_calls, error);
}

static void leave(struct courier *courier)
{
    struct error error = {0};
    if (courier->journal && journal_commit(courier->journal, &error) < 0)
        log_write(&courier->log, LOG_TROUBLE, "%s", error.text);
    if (courier->control)
        control_close(&courier->control);
    policy_close(&courier->policy);
    sd_event_source_disable_unref(courier->warden_source);
    sd_event_source_disable_unref(courier->watcher_source);
    sd_event_source_disable_unref(courier->commit_timer);
    sd_event_source_disable_unref(courier->alive_timer);
    sd_event_unref(courier->event);
    news_destroy(&courier->news);
    journal_close(&courier->journal);
    accounts_destroy(&courier->accounts);
    if (courier->watcher.descriptor >= 0)
        close(courier->watcher.descriptor);
}

int courier_main(const struct role_start *start)
{
    struct courier *courier = calloc(1, sizeof *courier);
    struct error error = {0};
    if (!courier)
        return 1;
    courier->log = log_open("courier");
    courier->warden = (struct channel){start->channel, ROLE_COURIER, ROLE_WARDEN};
    courier->watcher.descriptor = -1;
    int failure = enter(courier, start, &error);
    if (failure == 0)
        failure = sd_event_loop(courier->event);
    else
        log_write(&courier->log, LOG_TROUBLE, "%s", error.text);
    leave(courier);
    free(courier);
    return failure < 0 ? 1 : 0;
}
