/* See desk.h. */
#include "agent/courier/desk.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/courier/answer.h"
#include "agent/message/sealed.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define HISTORY_MOST 40  /* entries of the journal in an explanation */
#define STREAM_CHUNK 200 /* entries of the journal written at once */

static const char *const silent[] = {
    [ROLE_WARDEN] = "the warden does not answer; `postern events` may say why",
    [ROLE_WATCHER] = "the watcher does not answer; it may just have been started anew: try again",
};

/* --- questions -----------------------------------------------------------------------------------------------------
 */

/* What goes along with the question; -1: nothing. */
static int make_descriptor(const struct question *question, int *descriptor, struct error *error)
{
    *descriptor = -1;
    return question->request.kind == REQUEST_SETTINGS
               ? sealed_make("postern-settings", question->request.settings, descriptor, error)
               : 0;
}

static int say(const struct channel *channel, const struct question *question, const union message *message,
               struct error *error)
{
    int descriptor;
    int code = make_descriptor(question, &descriptor, error);
    if (code == 0)
        code = message_send(channel, message, descriptor, error);
    if (descriptor >= 0)
        close(descriptor);
    return code;
}

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
        if (channels[i]->descriptor < 0 || say(channels[i], question, &message, &error) < 0) {
            question_give_up(question, silent[role]);
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

void desk_asked(void *context, struct client *client, const struct request *request)
{
    struct courier *courier = context;
    if (request->kind == REQUEST_EVENTS) {
        *client_answer(client) =
            (struct client_answer){.streaming = true, .follow = request->follow, .since = request->since};
        stream_more(courier, client);
        return;
    }
    const struct question_asker asker = {.client = client, .person = client_person(client)};
    struct question *question = question_new(&courier->questions, &asker, request, clock_steady());
    if (question)
        ask(courier, question);
    else
        client_finish(client, "too many questions at once; try again");
}

void desk_room(void *context, struct client *client)
{
    if (client_answer(client)->streaming)
        stream_more(context, client);
}

void desk_gone(void *context, struct client *client)
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
    char sender[SENDER_TEXT] = "", length[DURATION_TEXT];
    const char *deed = request->kind == REQUEST_SETTINGS  ? "settings"
                       : request->kind == REQUEST_COMMAND ? deed_name(request->deed)
                       : request->on                      ? "enforce on"
                                                          : "enforce off";
    if (request->kind == REQUEST_COMMAND)
        sender_print(&request->sender, sender);
    duration_print(request->length, length);
    news_command(courier->news, deed, sender, length, question->person, request->why);
}

static void answer_command_done(struct courier *courier, struct question *question, const struct message_done *done)
{
    if (done->code < 0) {
        question_end(question, done->text[0] ? done->text : strerror(-done->code));
        return;
    }
    snprintf(question->said, sizeof question->said, "%s", done->text);
    journal_command(courier, question);
    (void)keeper_commit(&courier->keeper, clock_steady());
    if (done->text[0] && question->client && !answer_text(client_output(question->client), done->text)) {
        question_end(question, "the answer is too long");
        return;
    }
    question_end(question, NULL);
}

static bool write_status(struct courier *courier, struct question *question)
{
    struct buffer *out = client_output(question->client);
    struct relay_counters counters = relay_desk_counters(courier->relay);
    struct answer_policy policy = {.open = courier->policy != NULL,
                                   .clients = courier->policy ? policy_clients(courier->policy) : 0,
                                   .malformed = courier->policy ? policy_malformed(courier->policy) : 0,
                                   .strangers = courier->policy ? policy_strangers(courier->policy) : 0,
                                   .counters = &counters};
    relay_desk_count(courier->relay, &policy);
    const struct uplink_beside beside = {.fleet = courier->fleet,
                                         .opinions = courier->opinions,
                                         .spool_trouble = courier->keeper.spool_file.trouble,
                                         .samples_trouble = courier->keeper.samples_file.trouble};
    return news_answer_status(courier->news, courier->keeper.journal_file.trouble, out) &&
           answer_status_policy(out, &policy) &&
           (!courier->uplink || uplink_answer_status(courier->uplink, &beside, out));
}

static void answered_by(struct courier *courier, struct question *question, enum role role)
{
    question->awaits &= ~(1U << role);
    if (question->awaits)
        return;
    bool whole = true;
    if (question->request.kind == REQUEST_EXPLAIN) {
        /* what mail servers were told of it: whoever explains it must know whether they asked at all */
        whole = relay_desk_answer_explain(courier->relay, &question->request.sender, client_output(question->client));
        write_history(courier, question);
    }
    if (question->request.kind == REQUEST_STATUS)
        whole = write_status(courier, question);
    question_end(question, whole ? NULL : "the answer is too long");
}

bool desk_is_answer(const union message *message)
{
    enum message_kind kind = message->head.kind;
    return message->head.question &&
           (kind == MESSAGE_SENDER_ROW || kind == MESSAGE_CUSTOMER_ROW || kind == MESSAGE_EVIDENCE_ROW ||
            kind == MESSAGE_ORDER_ROW || kind == MESSAGE_END || kind == MESSAGE_STATUS_WATCHER ||
            kind == MESSAGE_STATUS_WARDEN || kind == MESSAGE_DONE);
}

static void take_answer(struct courier *courier, struct question *question, enum role from,
                        const union message *message)
{
    struct buffer *out = question->client ? client_output(question->client) : NULL;
    bool written = true;
    if (!out && message->head.kind != MESSAGE_DONE) /* the centre asks for no rows */
        return;
    switch ((enum message_kind)message->head.kind) {
    case MESSAGE_SENDER_ROW:
        written = answer_sender(out, &message->sender_row);
        break;
    case MESSAGE_CUSTOMER_ROW:
        written = answer_customer(out, &message->customer_row);
        break;
    case MESSAGE_EVIDENCE_ROW:
        written = answer_evidence_row(out, &message->evidence_row.evidence);
        break;
    case MESSAGE_ORDER_ROW:
        written =
            answer_order(out, &message->order_row, relay_desk_act(courier->relay, &message->order_row.order.target));
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
        if (question->request.kind != REQUEST_EXPLAIN) {
            answer_command_done(courier, question, &message->done);
            break;
        }
        written = !message->done.text[0] || answer_text(out, message->done.text);
        answered_by(courier, question, from);
        break;
    default:
        break;
    }
    if (!written && question->number)
        question_end(question, "the answer is too long");
}

void desk_take(struct courier *courier, enum role from, const union message *message)
{
    struct question *question = question_find(&courier->questions, message->head.question);
    if (question)
        take_answer(courier, question, from, message);
}

void desk_lost(struct courier *courier, enum role role)
{
    questions_give_up(&courier->questions, role, INT64_MAX, silent[role]);
}

void desk_give_up(struct courier *courier, moment before)
{
    questions_give_up(&courier->questions, ROLE_WATCHER, before, silent[ROLE_WATCHER]);
    questions_give_up(&courier->questions, ROLE_WARDEN, before, silent[ROLE_WARDEN]);
}

void desk_follow(void *context, struct client *client)
{
    if (client_answer(client)->streaming && client_answer(client)->follow)
        stream_more(context, client);
}

/* --- the centre ----------------------------------------------------------------------------------------------------
 */

static void on_order_ended(void *context, enum question_outcome outcome, const char *text)
{
    static const enum uplink_outcome outcomes[] = {
        [QUESTION_ANSWERED] = UPLINK_DONE, [QUESTION_REFUSED] = UPLINK_NOT_DONE, [QUESTION_UNANSWERED] = UPLINK_LATER};
    struct courier *courier = context;
    uplink_carried_out(courier->uplink, outcomes[outcome], text);
}

void desk_carry_out(void *context, const struct directive *directive)
{
    struct courier *courier = context;
    const struct question_asker asker = {.person = directive->person, .ended = on_order_ended, .context = courier};
    struct question *question = question_new(&courier->questions, &asker, &directive->request, clock_steady());
    if (question)
        ask(courier, question);
    else
        uplink_carried_out(courier->uplink, UPLINK_LATER, "");
}
