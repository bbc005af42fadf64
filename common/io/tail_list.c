#include "common/io/tail_list.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DONE_OF_A_SOURCE = 16, /* remembered: as many rotations later a file may still be compressed */
    DONE_MOST = 4096,
};

void tail_list_say(struct tail_read *reader, const char *format, ...)
{
    char sentence[TAIL_NAME + 240];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (reader->listener.say)
        reader->listener.say(reader->listener.context, sentence);
}

static void insert(struct tail_read *reader, size_t at, struct generation *generation)
{
    if (reader->count == reader->room) {
        size_t room = reader->room ? reader->room * 2 : 16;
        struct generation **all = realloc(reader->all, room * sizeof *all);
        if (!all)
            abort(); /* a generation that is left out would be lost or read twice */
        reader->all = all;
        reader->room = room;
    }
    memmove(reader->all + at + 1, reader->all + at, (reader->count - at) * sizeof *reader->all);
    reader->all[at] = generation;
    reader->count++;
}

struct generation *tail_list_add(struct tail_read *reader, size_t at, const char *source, int descriptor,
                                 enum generation_state state, moment now)
{
    struct generation *generation = generation_create(source, descriptor, state, now);
    if (!generation)
        abort();
    generation->number = ++reader->numbers;
    insert(reader, at, generation);
    return generation;
}

size_t tail_list_index(const struct tail_read *reader, const struct generation *generation)
{
    size_t i = 0;
    while (reader->all[i] != generation)
        i++;
    return i;
}

void tail_list_drop(struct tail_read *reader, struct generation *generation)
{
    size_t at = tail_list_index(reader, generation);
    memmove(reader->all + at, reader->all + at + 1, (reader->count - at - 1) * sizeof *reader->all);
    reader->count--;
    generation_destroy(&generation);
}

bool tail_list_is_of(const struct generation *generation, const char *source)
{
    return strcmp(generation->at.source, source) == 0;
}

uint64_t tail_list_open_files(const struct tail_read *reader)
{
    uint64_t count = 0;
    for (size_t i = 0; i < reader->count; i++)
        count += reader->all[i]->descriptor >= 0;
    return count;
}

void tail_list_forget(struct tail_read *reader, const char *source)
{
    size_t of_source = 0, all = 0;
    for (size_t i = reader->count; i-- > 0;) {
        struct generation *generation = reader->all[i];
        if (generation->state != GENERATION_DONE)
            continue;
        all++;
        of_source += tail_list_is_of(generation, source);
        if (all > DONE_MOST || (tail_list_is_of(generation, source) && of_source > DONE_OF_A_SOURCE))
            tail_list_drop(reader, generation);
    }
}
