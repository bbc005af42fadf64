/* One struct for all kinds. */
#include "agent/message/supervise.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "agent/message/descriptor.h"

int supervise_send(int channel, const struct supervise *message, int descriptor, struct error *error)
{
    return descriptor_send(channel, message, sizeof(*message), descriptor, error);
}

static bool brings_descriptor(const struct supervise *message)
{
    return message->kind == SUPERVISE_STARTED || message->kind == SUPERVISE_CONFIGURATION ||
           message->kind == SUPERVISE_SETTINGS;
}

int supervise_receive(int channel, struct supervise *result, int *descriptor, struct error *error)
{
    struct supervise message;
    int along = -1;
    int length = descriptor_receive(channel, &message, sizeof(message), &along, error);
    if (length <= 0)
        return length;
    if (length != sizeof(message) || message.kind == SUPERVISE_NONE || message.kind >= SUPERVISE_KINDS ||
        message.role >= ROLES || brings_descriptor(&message) != (along >= 0) ||
        !memchr(message.text, 0, sizeof(message.text))) {
        if (along >= 0)
            close(along);
        return error_set(error, EPROTO, "supervisor and warden do not understand each other");
    }
    *result = message;
    *descriptor = along;
    return 1;
}
