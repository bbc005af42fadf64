#include "common/io/tail_record.h"

#include <errno.h>
#include <inttypes.h>
#include "common/io/tail_list.h"

moment tail_read_since(const struct tail_read *reader)
{
    moment since = reader->beginning;
    for (size_t i = 0; i < reader->count; i++) {
        const struct generation *generation = reader->all[i];
        moment own = generation->at.changed;
        /* The youngest that is done tells what is of interest; older ones do not. */
        bool younger = false;
        for (size_t k = 0; generation->state == GENERATION_DONE && k < reader->count && !younger; k++)
            younger = reader->all[k]->state == GENERATION_DONE && reader->all[k]->at.changed > own &&
                      tail_list_is_of(reader->all[k], generation->at.source);
        if (!younger && own < since)
            since = own;
    }
    return since;
}

bool tail_read_export(const struct tail_read *reader, moment now, struct buffer *buffer)
{
    return tail_read_export_ahead(reader, 0, 0, now, buffer);
}

bool tail_read_export_ahead(const struct tail_read *reader, uint64_t generation, size_t used, moment now,
                            struct buffer *buffer)
{
    size_t before = buffer->length;
    bool fits = buffer_printf(buffer, "tail 1 %" PRId64 "\n", now);
    for (size_t i = 0; fits && i < reader->count; i++) {
        if (reader->all[i]->state == GENERATION_CANDIDATE)
            continue;
        struct tail_position at = reader->all[i]->at;
        at.done = reader->all[i]->state == GENERATION_DONE;
        if (reader->all[i]->number == generation)
            at.offset += used;
        fits = tail_position_print(&at, buffer);
    }
    if (!fits)
        buffer->length = before;
    return fits;
}

int tail_read_import(struct tail_read *reader, struct text record, moment now, struct error *error)
{
    struct text rest = record;
    struct text head = text_split(&rest, '\n');
    uint64_t written;
    if (!text_equals(text_split(&head, ' '), TEXT("tail")) || !text_equals(text_split(&head, ' '), TEXT("1")) ||
        !text_number(head, &written) || written > INT64_MAX)
        return error_set(error, EBADMSG, "this is no record of positions");
    struct tail_position at;
    for (struct text lines = rest; lines.length > 0;)
        if (!tail_position_parse(text_split(&lines, '\n'), &at))
            return error_set(error, EBADMSG, "the record of positions is damaged");
    while (rest.length > 0) {
        if (!tail_position_parse(text_split(&rest, '\n'), &at))
            break;
        struct generation *generation =
            tail_list_add(reader, reader->count, at.source, -1, at.done ? GENERATION_DONE : GENERATION_SOUGHT, now);
        generation->at = at;
    }
    reader->beginning = (moment)written;
    reader->imported = true;
    return 0;
}
