/* The only place where bytes of a dialogue are copied: a line split over segments, and what a client sent before the
 * reply that says how to read it. The memory is given back as soon as it is used up, so an idle dialogue holds none. */
#include "agent/packet/smtp_pending.h"
#include "agent/packet/smtp_memory.h"

enum { LEAST_ROOM = 128 };

static void move_to_front(struct smtp_pending *pending)
{
    if (pending->start == 0)
        return;
    memmove(pending->bytes, pending->bytes + pending->start, pending->length);
    pending->start = 0;
}

static bool reserve(struct smtp_pending *pending, const struct smtp_listener *listener, size_t more)
{
    size_t wanted = pending->length + more;
    if (pending->start + wanted <= pending->room)
        return true;
    move_to_front(pending);
    if (wanted <= pending->room)
        return true;
    size_t room = pending->room ? pending->room : LEAST_ROOM;
    while (room < wanted)
        room *= 2;
    char *bytes = smtp_memory_grow(listener, pending->bytes, pending->room, room);
    if (!bytes)
        return false;
    pending->bytes = bytes;
    pending->room = (uint16_t)room;
    return true;
}

/* Where memory is refused the bytes are lost, as in a gap that nobody sees: the line is cut there. */
static void take(struct smtp_pending *pending, const struct smtp_listener *listener, struct text *input, size_t length)
{
    if (length > 0 && reserve(pending, listener, length)) {
        memcpy(pending->bytes + pending->start + pending->length, input->bytes, length);
        pending->length = (uint16_t)(pending->length + length);
    }
    input->bytes += length;
    input->length -= length;
}

void smtp_pending_add_line(struct smtp_pending *pending, const struct smtp_listener *listener, struct text *input,
                           size_t most)
{
    const char *end = memchr(input->bytes, '\n', input->length);
    size_t length = end ? (size_t)(end - input->bytes) : input->length;
    size_t room = pending->length < most ? most - pending->length : 0;
    size_t kept = pending->cut ? 0 : (length < room ? length : room);
    take(pending, listener, input, kept);
    if (kept < length) {
        pending->cut = true;
        input->bytes += length - kept;
        input->length -= length - kept;
    }
    if (end)
        take(pending, listener, input, 1);
}

void smtp_pending_add(struct smtp_pending *pending, const struct smtp_listener *listener, struct text *input,
                      size_t most)
{
    size_t room = pending->length < most ? most - pending->length : 0;
    take(pending, listener, input, input->length < room ? input->length : room);
}

void smtp_pending_drop_front(struct smtp_pending *pending, struct smtp_counters *counters, size_t length)
{
    pending->start = (uint16_t)(pending->start + length);
    pending->length = (uint16_t)(pending->length - length);
    if (pending->length == 0 && !pending->cut)
        smtp_pending_clear(pending, counters);
}

void smtp_pending_clear(struct smtp_pending *pending, struct smtp_counters *counters)
{
    if (pending->bytes)
        explicit_bzero(pending->bytes, pending->room);
    smtp_memory_free(counters, pending->bytes, pending->room);
    *pending = (struct smtp_pending){0};
}
