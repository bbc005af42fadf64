/* See question.h. */
#include "agent/courier/question.h"

#include <stdio.h>

/* How long a person's order stands when nothing is said of it. */
#define ALLOW_LENGTH (7 * DAY)
#define ORDER_LENGTH DAY

/* Customers' orders are the warden's, which knows what they hold; what is known of a sender both of them know. */
static unsigned addressees(const struct request *request)
{
    static const unsigned roles[REQUEST_KINDS] = {
        [REQUEST_STATUS] = 1U << ROLE_WARDEN | 1U << ROLE_WATCHER,
        [REQUEST_SENDERS] = 1U << ROLE_WATCHER,
        [REQUEST_CUSTOMERS] = 1U << ROLE_WATCHER,
        [REQUEST_EXPLAIN] = 1U << ROLE_WATCHER | 1U << ROLE_WARDEN,
        [REQUEST_ORDERS] = 1U << ROLE_WARDEN,
        [REQUEST_COMMAND] = 1U << ROLE_WATCHER,
        [REQUEST_ENFORCE] = 1U << ROLE_WARDEN,
        [REQUEST_SETTINGS] = 1U << ROLE_WARDEN,
    };
    if (request->kind == REQUEST_COMMAND && request->sender.kind == SENDER_CUSTOMER)
        return 1U << ROLE_WARDEN;
    return roles[request->kind];
}

struct question *question_new(struct questions *questions, const struct question_asker *asker,
                              const struct request *request, duration now)
{
    for (size_t i = 0; i < QUESTIONS_MOST; i++) {
        struct question *question = &questions->items[i];
        if (question->number)
            continue;
        if (++questions->last >= QUESTION_OF_OPINIONS)
            questions->last = 1;
        *question = (struct question){.number = questions->last,
                                      .client = asker->client,
                                      .ended = asker->ended,
                                      .context = asker->context,
                                      .request = *request,
                                      .asked = now,
                                      .awaits = addressees(request)};
        text_copy_printable(text_of(asker->person), question->person, sizeof question->person);
        if (request->kind == REQUEST_COMMAND && request->length == 0 && request->deed != DEED_RELEASE)
            question->request.length = request->deed == DEED_ALLOW ? ALLOW_LENGTH : ORDER_LENGTH;
        if (asker->client)
            client_answer(asker->client)->question = question->number;
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
    snprintf(command->person, sizeof command->person, "%s", question->person);
    snprintf(command->why, sizeof command->why, "%s", request->why);
}

void question_message(const struct question *question, union message *message)
{
    static const enum message_kind kinds[REQUEST_KINDS] = {
        [REQUEST_STATUS] = MESSAGE_ASK_STATUS,   [REQUEST_SENDERS] = MESSAGE_ASK_SENDERS,
        [REQUEST_EXPLAIN] = MESSAGE_ASK_EXPLAIN, [REQUEST_ORDERS] = MESSAGE_ASK_ORDERS,
        [REQUEST_COMMAND] = MESSAGE_COMMAND,     [REQUEST_ENFORCE] = MESSAGE_ASK_ENFORCE,
        [REQUEST_SETTINGS] = MESSAGE_SETTINGS,   [REQUEST_CUSTOMERS] = MESSAGE_ASK_CUSTOMERS,
    };
    const struct request *request = &question->request;
    message_prepare(message, kinds[request->kind], question->number);
    if (request->kind == REQUEST_COMMAND)
        command_message(question, &message->command);
    if (request->kind == REQUEST_SENDERS || request->kind == REQUEST_CUSTOMERS)
        message->ask_senders.most = request->most;
    if (request->kind == REQUEST_EXPLAIN)
        message->ask_explain.sender = request->sender;
    if (request->kind == REQUEST_SETTINGS)
        message->settings.revision = request->revision;
    if (request->kind == REQUEST_ENFORCE) {
        message->ask_enforce.on = request->on;
        snprintf(message->ask_enforce.person, sizeof message->ask_enforce.person, "%s", question->person);
    }
}

static void end(struct question *question, enum question_outcome outcome, const char *failure)
{
    const char *done = question->said[0] ? question->said : "carried out";
    question->number = 0;
    if (question->client)
        client_finish(question->client, failure);
    else
        question->ended(question->context, outcome, failure ? failure : done);
}

void question_end(struct question *question, const char *failure)
{
    end(question, failure ? QUESTION_REFUSED : QUESTION_ANSWERED, failure);
}

void question_give_up(struct question *question, const char *failure)
{
    end(question, QUESTION_UNANSWERED, failure);
}

void questions_give_up(struct questions *questions, enum role role, duration before, const char *failure)
{
    for (size_t i = 0; i < QUESTIONS_MOST; i++) {
        struct question *question = &questions->items[i];
        if (question->number && question->awaits & 1U << role && question->asked < before)
            question_give_up(question, failure);
    }
}
