/* See question.h. */
#include "agent/courier/question.h"

#include <stdio.h>

/* How long a person's order stands when nothing is said of it. */
#define ALLOW_LENGTH (7 * DAY)
#define ORDER_LENGTH DAY

static unsigned addressees(enum request_kind kind)
{
    static const unsigned roles[REQUEST_KINDS] = {
        [REQUEST_STATUS] = 1U << ROLE_WARDEN | 1U << ROLE_WATCHER,
        [REQUEST_SENDERS] = 1U << ROLE_WATCHER,
        [REQUEST_EXPLAIN] = 1U << ROLE_WATCHER,
        [REQUEST_ORDERS] = 1U << ROLE_WARDEN,
        [REQUEST_COMMAND] = 1U << ROLE_WATCHER,
        [REQUEST_ENFORCE] = 1U << ROLE_WARDEN,
    };
    return roles[kind];
}

struct question *question_new(struct questions *questions, struct client *client, const struct request *request,
                              duration now)
{
    for (size_t i = 0; i < QUESTIONS_MOST; i++) {
        struct question *question = &questions->items[i];
        if (question->number)
            continue;
        if (++questions->last == 0)
            questions->last = 1;
        *question = (struct question){questions->last, client, *request, now, addressees(request->kind)};
        if (request->kind == REQUEST_COMMAND && request->length == 0 && request->deed != DEED_RELEASE)
            question->request.length = request->deed == DEED_ALLOW ? ALLOW_LENGTH : ORDER_LENGTH;
        client_answer(client)->question = question->number;
        return question;
    }
    return NULL;
}

struct question *question_find(struct questions *questions, uint32_t number)
{
    for (size_t i = 0; number && i < QUESTIONS_MOST; i++)
        if (questions->items[i].number == number)
            return &questions->items[i];
    return NULL;
}

static void command_message(const struct question *question, struct message_command *command)
{
    const struct request *request = &question->request;
    command->sender = request->sender;
    command->deed = (uint8_t)request->deed;
    command->length = request->length;
    command->rate = request->rate;
    snprintf(command->person, sizeof command->person, "%s", client_person(question->client));
    snprintf(command->why, sizeof command->why, "%s", request->why);
}

void question_message(const struct question *question, union message *message)
{
    static const enum message_kind kinds[REQUEST_KINDS] = {
        [REQUEST_STATUS] = MESSAGE_ASK_STATUS,   [REQUEST_SENDERS] = MESSAGE_ASK_SENDERS,
        [REQUEST_EXPLAIN] = MESSAGE_ASK_EXPLAIN, [REQUEST_ORDERS] = MESSAGE_ASK_ORDERS,
        [REQUEST_COMMAND] = MESSAGE_COMMAND,     [REQUEST_ENFORCE] = MESSAGE_ASK_ENFORCE,
    };
    const struct request *request = &question->request;
    message_prepare(message, kinds[request->kind], question->number);
    if (request->kind == REQUEST_COMMAND)
        command_message(question, &message->command);
    if (request->kind == REQUEST_SENDERS)
        message->ask_senders.most = request->most;
    if (request->kind == REQUEST_EXPLAIN)
        message->ask_explain.sender = request->sender;
    if (request->kind == REQUEST_ENFORCE) {
        message->ask_enforce.on = request->on;
        snprintf(message->ask_enforce.person, sizeof message->ask_enforce.person, "%s",
                 client_person(question->client));
    }
}

void question_end(struct question *question, const char *failure)
{
    question->number = 0;
    client_finish(question->client, failure);
}

void questions_give_up(struct questions *questions, enum role role, duration before, const char *failure)
{
    for (size_t i = 0; i < QUESTIONS_MOST; i++) {
        struct question *question = &questions->items[i];
        if (question->number && question->awaits & 1U << role && question->asked < before)
            question_end(question, failure);
    }
}
