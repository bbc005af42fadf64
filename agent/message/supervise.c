/* Sixteen bytes and a rule for each. */
#include "agent/message/supervise.h"

#include <errno.h>
#include <unistd.h>
#include "agent/message/descriptor.h"

int supervise_send(int channel, const struct supervise *message, int descriptor, struct error *error)
{
    return descriptor_send(channel, message, sizeof(*message), descriptor, error);
}

int supervise_receive(int channel, struct supervise *result, int *descriptor, struct error *error)
{
    struct supervise message;
    int along = -1;
    int length = descriptor_receive(channel, &message, sizeof(message), &along, error);
    if (length <= 0)
        return length;
    if (length != sizeof(message) || message.kind == SUPERVISE_NONE || message.kind >= SUPERVISE_KINDS ||
        message.role >= ROLES || (message.kind == SUPERVISE_STARTED) != (along >= 0)) {
        if (along >= 0)
            close(along);
        return error_set(error, EPROTO, "supervisor and warden do not understand each other");
    }
    *result = message;
    *descriptor = along;
    return 1;
}
