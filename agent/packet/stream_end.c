/* How streams end: by FIN or reset (stream.c says so), by age, for want of a place, or because the watching ends. What
 * is still held is passed on first, with gaps. */
#include "agent/packet/stream_held.h"
#include "agent/packet/stream_state.h"

#include <stdlib.h>

#define SET_BACK MINUTE /* further than ticks and packets overtake each other */

void stream_end(struct streams *s, struct stream *stream, enum close_reason reason, enum farewell_kind kind,
                moment time)
{
    stream_order_flush(s, stream, time, true);
    if (stream->flags & STREAM_REFUSED) {
        s->counters.refused++;
    } else if (stream_is_half_open(stream) && !(stream->sides[STREAM_SERVER].flags & SIDE_SEEN)) {
        s->counters.unanswered++;
        kind = FAREWELL_UNANSWERED;
    }
    if (kind != FAREWELL_NONE) {
        stream_table_remember(s, stream, kind, time);
    }
    if (stream->sides[STREAM_CLIENT].flags & SIDE_FIN) {
        reason = CLOSE_FIN;
    }
    s->listener.closed(s->listener.context, stream, stream_room(stream), reason, time);
    stream_table_remove(s, stream);
}

void stream_end_if_over(struct streams *s, struct stream *stream, moment time)
{
    if (stream->sides[0].flags & stream->sides[1].flags & SIDE_FIN) {
        stream_end(s, stream, CLOSE_FIN, FAREWELL_FIN, time);
    }
}

void stream_make_place(struct streams *s, bool confirmed, moment time)
{
    struct stream *leaving = stream_table_crowded_out(s, confirmed);
    if (leaving) {
        s->counters.evicted++;
        stream_end(s, leaving, CLOSE_TIMEOUT, FAREWELL_NONE, time);
    }
}

/* Whether the stream is too old at `now`. */
static bool is_too_old(const struct streams *s, const struct stream *stream, moment now)
{
    if (stream_is_half_open(stream)) {
        return now - stream->begun >= s->settings.opening;
    }
    return now - stream->last >= s->settings.idle;
}

/* The list is in the order in which its streams were put there; a stream may have had packets since, then its turn has
 * not come. Who is put at the young end here is not met again, also where an age is shorter than a coarse moment or
 * time has only begun. */
static void end_old(struct streams *s, struct stream_list *list, duration age, moment now)
{
    uint32_t place = list->oldest, last = list->youngest;
    coarse_moment oldest = coarse_of(now) > coarse_of(age) ? coarse_of(now) - coarse_of(age) : 0;
    while (place != 0) {
        struct stream *stream = stream_at(s, place);
        if (stream->queued > oldest) {
            break;
        }
        place = place == last ? 0 : stream->younger;
        if (is_too_old(s, stream, now)) {
            s->counters.timed_out++;
            stream_end(s, stream, CLOSE_TIMEOUT, FAREWELL_NONE, now);
        } else if (list == &s->unconfirmed && !stream_is_half_open(stream)) {
            stream_table_touch(s, stream, coarse_of(now)); /* has longer to live than its neighbours here */
        }
    }
}

static void bring_back(moment *time, moment now)
{
    *time = *time > now ? now : *time;
}

/* The clock was set back. What is noted of times to come counts as of now: else nothing would be given up before the
 * clock has caught up, since streams stand in the order of age. */
static void bring_all_back(struct streams *s, moment now)
{
    const struct stream_list *lists[] = {&s->unconfirmed, &s->confirmed};
    for (int i = 0; i < 2; i++) {
        for (uint32_t place = lists[i]->oldest; place != 0; place = stream_at(s, place)->younger) {
            struct stream *stream = stream_at(s, place);
            bring_back(&stream->begun, now);
            bring_back(&stream->last, now);
            bring_back(&stream->new_syn_time, now);
            stream->queued = stream->queued > coarse_of(now) ? coarse_of(now) : stream->queued;
        }
    }
    for (struct trouble *trouble = s->oldest_trouble; trouble; trouble = trouble->younger) {
        for (int side = 0; side < 2; side++) {
            bring_back(&trouble->holes[side].since, now);
            bring_back(&trouble->seen[side], now);
        }
    }
}

void streams_tick(struct streams *s, moment now)
{
    if (s->latest - now > SET_BACK) {
        bring_all_back(s, now);
    }
    s->latest = now;
    stream_order_tick(s, now);
    end_old(s, &s->unconfirmed, s->settings.opening, now);
    end_old(s, &s->confirmed, s->settings.idle, now);
}

static int older_first(const void *a, const void *b)
{
    const struct stream *x = *(struct stream *const *)a, *y = *(struct stream *const *)b;
    if (x->begun != y->begun) {
        return x->begun < y->begun ? -1 : 1;
    }
    return x < y ? -1 : x > y;
}

void streams_finish(struct streams *s, moment now)
{
    struct stream_list *lists[] = {&s->unconfirmed, &s->confirmed};
    size_t count = 0, most = (size_t)s->unconfirmed.count + s->confirmed.count;
    struct stream **streams = most > 0 ? malloc(most * sizeof(struct stream *)) : NULL;
    for (int i = 0; streams && i < 2; i++) {
        for (uint32_t place = lists[i]->oldest; place != 0; place = stream_at(s, place)->younger) {
            streams[count++] = stream_at(s, place);
        }
    }
    if (count > 0) {
        qsort(streams, count, sizeof(struct stream *), older_first);
    }
    for (size_t i = 0; i < count; i++) {
        stream_end(s, streams[i], CLOSE_OPEN, FAREWELL_NONE, now);
    }
    free(streams);
    for (int i = 0; i < 2; i++) { /* without memory to sort them, as they stand */
        while (lists[i]->oldest != 0) {
            stream_end(s, stream_at(s, lists[i]->oldest), CLOSE_OPEN, FAREWELL_NONE, now);
        }
    }
}

void streams_drop(struct streams *s, void (*drop)(void *context, struct stream *, void *room))
{
    struct stream_list *lists[] = {&s->unconfirmed, &s->confirmed};
    for (int i = 0; i < 2; i++) {
        while (lists[i]->oldest != 0) {
            struct stream *stream = stream_at(s, lists[i]->oldest);
            trouble_clear(s, stream);
            drop(s->listener.context, stream, stream_room(stream));
            stream_table_remove(s, stream);
        }
    }
}
