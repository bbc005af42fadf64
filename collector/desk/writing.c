/* See writing.h. Complaints are open; what is none and what is broken a person has to look at; bounces and automatic
 * replies are done with, and stay to be seen. */
#include "collector/desk/writing.h"

#include <errno.h>
#include "collector/complaint/write.h"
#include "collector/desk/weighing.h"
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

/* Behind a relay of ours anybody may have sent it: the text says more than the Message-ID, and its address nothing. */
static int tie(struct store *store, const struct complaint *complaint, bool is_relay, moment now,
               struct store_tie *result, struct error *error)
{
    bool is_source = complaint->source.family != 0 && !is_relay;
    const struct store_trail trail = {.message_id = is_relay && complaint->body[0] ? "" : complaint->message_id,
                                      .body = complaint->body,
                                      .addresses = is_source ? &complaint->source : complaint->addresses,
                                      .address_count = is_source  ? 1
                                                       : is_relay ? 0
                                                                  : complaint->address_count,
                                      .is_source = is_source,
                                      .time = complaint->time};
    return store_tie(store, &trail, now, result, error);
}

struct item {
    const struct desk_settings *settings;
    const char *arrival, *id;
    const struct complaint *complaint; /* NULL: nothing could be read */
};

static int write_item(struct store *store, const struct item *item, const struct complaints *complaints, moment now,
                      struct error *error)
{
    static const struct complaint nothing = {.type = COMPLAINT_OTHER, .incidents = 1};
    CLEANUP(buffer_clear) struct buffer fields;
    char address[ADDRESS_TEXT] = "";
    const struct complaint *read = item->complaint ? item->complaint : &nothing;
    struct store_tie tied = {.tied = ""};
    char likeness[STORE_COMPLAINT_ID] = "";
    buffer_init(&fields, FIELDS_MOST);
    if (!complaint_write(read, &fields))
        return error_set(error, ENOMEM, "no memory for a complaint");
    if (read->source.family != 0)
        address_print(&read->source, address);
    bool is_complaint = complaints->found == FOUND_COMPLAINTS;
    int status = is_complaint ? tie(store, read, weighing_is_relay(item->settings, read), now, &tied, error) : 0;
    if (status < 0)
        return status;
    if (is_complaint && read->report_id[0]) /* by its reporter's number one is known from another that says the same */
        store_complaint_id(buffer_text(&fields), 0, likeness);
    const struct store_complaint row = {
        .id = item->id,
        .arrival = item->arrival,
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
        .likeness = likeness,
        .tie = &tied,
        .incidents = read->incidents,
    };
    status = store_arrival_read(store, &row, error);
    int told = status == 1 && is_complaint
                   ? store_complaint_tell(store, item->id, weighing_weigh(item->settings, read, &tied), now, error)
                   : 0;
    return told < 0 ? told : status;
}

int writing_write(struct store *store, const struct desk_settings *settings, const char *arrival,
                  const struct complaints *complaints, moment now, struct error *error)
{
    int status = 1;
    for (uint32_t i = 1; i < complaints->count && status > 0; i++) {
        char id[STORE_COMPLAINT_ID];
        store_complaint_id(text_of(arrival), i, id); /* not of all its bytes, thousands of times */
        status =
            write_item(store, &(struct item){settings, arrival, id, &complaints->items[i]}, complaints, now, error);
    }
    const struct item first = {settings, arrival, arrival, complaints->count > 0 ? &complaints->items[0] : NULL};
    if (status > 0)
        status = write_item(store, &first, complaints, now, error);
    return status < 0 ? status : status > 0;
}
