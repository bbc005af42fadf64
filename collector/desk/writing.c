/* See writing.h. Complaints are open; what is none and what is broken a person has to look at; bounces and automatic
 * replies are done with, and stay to be seen. */
#include "collector/desk/writing.h"

#include <errno.h>
#include "collector/complaint/write.h"
#include "collector/store/arrivals.h"
#include "common/cleanup.h"

#define FIELDS_MOST ((size_t)32 * 1024)

static const char *state_of(enum complaint_finding found)
{
    return found == FOUND_COMPLAINTS ? "open" : found == FOUND_BOUNCE || found == FOUND_REPLY ? "done" : "unread";
}

static const char *note_of(const struct complaints *complaints)
{
    return complaints->found == FOUND_BROKEN       ? complaints->trouble
           : complaints->found == FOUND_COMPLAINTS ? (complaints->cut ? "there were more than could be taken" : "")
                                                   : complaint_finding_name((enum complaint_finding)complaints->found);
}

static int write_item(struct store *store, const char *arrival, const char *id, const struct complaints *complaints,
                      const struct complaint *complaint, struct error *error)
{
    static const struct complaint nothing = {.type = COMPLAINT_OTHER, .incidents = 1};
    CLEANUP(buffer_clear) struct buffer fields;
    char address[ADDRESS_TEXT] = "";
    const struct complaint *read = complaint ? complaint : &nothing;
    buffer_init(&fields, FIELDS_MOST);
    if (!complaint_write(read, &fields))
        return error_set(error, ENOMEM, "no memory for a complaint");
    if (read->source.family != 0)
        address_print(&read->source, address);
    const struct store_complaint row = {
        .id = id,
        .arrival = arrival,
        .time = read->time,
        .format = complaint_format_name((enum complaint_format)read->format),
        .type = complaint_type_name((enum complaint_type)read->type),
        .reporter = read->reporter,
        .address = address,
        .message_id = read->message_id,
        .subject = read->subject,
        .recipient = read->recipient,
        .state = state_of((enum complaint_finding)complaints->found),
        .note = note_of(complaints),
        .fields = text_trim(buffer_text(&fields)),
        .incidents = read->incidents,
    };
    return store_arrival_read(store, &row, error);
}

int writing_write(struct store *store, const char *arrival, struct text content, const struct complaints *complaints,
                  moment now, struct error *error)
{
    (void)now;
    int status = 1;
    for (uint32_t i = 1; i < complaints->count && status > 0; i++) {
        char id[STORE_COMPLAINT_ID];
        store_complaint_id(content, i, id);
        status = write_item(store, arrival, id, complaints, &complaints->items[i], error);
    }
    if (status > 0)
        status = write_item(store, arrival, arrival, complaints, complaints->count > 0 ? &complaints->items[0] : NULL,
                            error);
    return status;
}
