/* The queue is a ring of messages that grows up to its bound; a message is copied at its own size into the union's
 * place, which wastes little: the union is under 300 bytes. */
#include "agent/message/talk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_AT_ONCE 64 /* then the loop's other sources have their turn */

struct waiting {
    union message message;
    int descriptor;
};

struct talk {
    struct channel channel;
    struct talk_listener listener;
    sd_event_source *source;
    struct waiting *queue;
    uint32_t first, number, room, most;
    uint64_t lost;
    bool over;
    bool listening; /* a listener runs: talk_close() then leaves the last step to on_ready() */
    bool closed;
};

static int on_ready(sd_event_source *, int, uint32_t, void *);

int talk_open(sd_event *loop, struct channel channel, const struct talk_listener *listener, uint32_t most,
              struct talk **result, struct error *error)
{
    struct talk *talk = calloc(1, sizeof(*talk));
    if (!talk) {
        close(channel.descriptor);
        return error_set(error, ENOMEM, "no memory for a conversation");
    }
    talk->channel = channel;
    talk->listener = *listener;
    talk->most = most;
    int code = sd_event_add_io(loop, &talk->source, channel.descriptor, EPOLLIN, on_ready, talk);
    if (code < 0) {
        talk_close(&talk);
        return error_set(error, -code, "cannot watch a channel: %s", strerror(-code));
    }
    *result = talk;
    return 0;
}

void talk_close(struct talk **owner)
{
    struct talk *talk = *owner;
    *owner = NULL;
    if (!talk)
        return;
    for (uint32_t i = 0; i < talk->number; i++)
        if (talk->queue[(talk->first + i) % talk->room].descriptor >= 0)
            close(talk->queue[(talk->first + i) % talk->room].descriptor);
    talk->source = sd_event_source_disable_unref(talk->source);
    close(talk->channel.descriptor);
    free(talk->queue);
    talk->closed = true;
    if (!talk->listening)
        free(talk);
}

static void end(struct talk *talk, const struct error *error)
{
    if (talk->over)
        return;
    talk->over = true;
    sd_event_source_set_enabled(talk->source, SD_EVENT_OFF);
    talk->listener.ended(talk->listener.context, error);
}

/* Send what waits. Returns 0, -EAGAIN where some still waits, or what ended the conversation. */
static int flush(struct talk *talk, struct error *error)
{
    while (talk->number) {
        struct waiting *next = &talk->queue[talk->first];
        int code = message_send(&talk->channel, &next->message, next->descriptor, error);
        if (code != 0)
            return code;
        if (next->descriptor >= 0)
            close(next->descriptor);
        talk->first = (talk->first + 1) % talk->room;
        talk->number--;
    }
    return 0;
}

static bool grow(struct talk *talk)
{
    uint32_t room = talk->room ? talk->room * 2 : 16;
    struct waiting *queue = malloc(room * sizeof(*queue));
    if (!queue)
        return false;
    for (uint32_t i = 0; i < talk->number; i++)
        queue[i] = talk->queue[(talk->first + i) % talk->room];
    free(talk->queue);
    talk->queue = queue;
    talk->first = 0;
    talk->room = room;
    return true;
}

static bool enqueue(struct talk *talk, const union message *message, int descriptor, enum talk_weight weight)
{
    uint32_t bound = weight == TALK_NEWS ? talk->most / 2 : talk->most;
    if (talk->number >= bound || (talk->number == talk->room && !grow(talk)))
        return false;
    struct waiting *place = &talk->queue[(talk->first + talk->number++) % talk->room];
    memcpy(&place->message, message, message->head.size);
    place->descriptor = descriptor;
    sd_event_source_set_io_events(talk->source, EPOLLIN | EPOLLOUT);
    return true;
}

bool talk_say(struct talk *talk, const union message *message, int descriptor, enum talk_weight weight)
{
    struct error error = {0};
    int code = talk->over ? -ECONNRESET : talk->number ? -EAGAIN : 0;
    if (code == 0)
        code = message_send(&talk->channel, message, descriptor, &error);
    if (code == -EAGAIN && enqueue(talk, message, descriptor, weight))
        return true;
    if (descriptor >= 0)
        close(descriptor);
    if (code == 0)
        return true;
    talk->lost++;
    /* A broken channel is noticed when the loop reads from it; ending here would pull the ground from under the caller.
     */
    if (code == -EAGAIN && weight == TALK_MUST)
        shutdown(talk->channel.descriptor, SHUT_RDWR);
    return false;
}

bool talk_plain(struct talk *talk, enum message_kind kind, uint32_t question, enum talk_weight weight)
{
    union message message;
    message_prepare(&message, kind, question);
    return talk_say(talk, &message, -1, weight);
}

static int on_ready(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    struct talk *talk = context;
    struct error error = {0};
    (void)source;
    (void)descriptor;
    if (events & EPOLLOUT) {
        int code = flush(talk, &error);
        if (code == 0)
            sd_event_source_set_io_events(talk->source, EPOLLIN);
        else if (code != -EAGAIN && code != -ECONNRESET) {
            end(talk, &error);
            return 0;
        }
    }
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return 0;
    talk->listening = true;
    for (int i = 0; i < READ_AT_ONCE && !talk->over && !talk->closed; i++) {
        union message message;
        int along = -1;
        int code = message_receive(&talk->channel, &message, &along, &error);
        if (code == 0)
            break;
        if (code < 0)
            end(talk, &error);
        else
            talk->listener.message(talk->listener.context, &message, along);
    }
    talk->listening = false;
    if (talk->closed)
        free(talk);
    return 0;
}

bool talk_has_room(const struct talk *talk, uint32_t messages)
{
    return !talk->over && talk->number + messages <= talk->most / 2;
}

uint64_t talk_lost(const struct talk *talk)
{
    return talk->lost;
}

uint32_t talk_waiting(const struct talk *talk)
{
    return talk->number;
}
