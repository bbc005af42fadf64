/* The mailboxes of appliances behind a listener (common/io/mail_listener.h), by the dialogue of
 * collector/filter/returned.h. */
#include "collector/sorter/returning.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "collector/filter/appliance.h"
#include "collector/filter/headers.h"
#include "collector/filter/returned.h"
#include "common/cleanup.h"
#include "common/io/listen.h"
#include "common/io/mail_listener.h"

#define WHOLE 10 /* times the patience: the most that one connection may take, however busy */

const struct option returned_options[] = {
    TEXT_OPTION(
        "returned", struct returned_settings, listen, "",
        .text = "Where appliances (filters of kind smtp) give messages back, by SMTP or LMTP: an address and a port, "
                "such as 127.0.0.1:10125. It is the next hop of each such filter's mailbox. Empty: nowhere."),
    ADDRESSES_OPTION("returned", struct returned_settings, from, "127.0.0.0/8 ::1",
                     .text = "Who may connect to it: a verdict is believed to whoever brings the message back."),
    COUNT_OPTION("returned", struct returned_settings, connections, "16", .least = "1", .most = "256",
                 .text = "The most connections to it at once."),
    DURATION_OPTION("returned", struct returned_settings, patience, "1m", .least = "1s", .most = "1h",
                    .text = "A connection that is silent for this long ends."),
    BYTES_OPTION("returned", struct returned_settings, size, "64M", .least = "64K", .most = "4G",
                 .text = "The longest message that is taken back. Only its head is kept, and read."),
    {.key = NULL},
};

bool returned_settings_check(const void *settings, struct error *error)
{
    const struct returned_settings *returned = settings;
    if (!returned->listen[0] || listen_is_address(returned->listen))
        return true;
    error_set(error, EINVAL, "listen: %.100s is no address to listen on; 127.0.0.1:10125 or [::1]:10125 is",
              returned->listen);
    return false;
}

struct returning {
    const struct returned_settings *settings;
    const struct filter_settings *filters;
    uint32_t filter_count;
    struct headers *headers[FILTERS_MOST]; /* of each filter; NULL: it is no appliance */
    returning_tell *tell;
    void *context;
    struct returned_owner owner;
    struct mail_listener *listener;
    _Atomic uint64_t taken, unread, refused, deferred;
};

/* --- messages --- */

/* The filter that a mailbox is of; -1: none. */
static int find_filter(const struct returning *returning, const struct appliance_mailbox *mailbox)
{
    for (uint32_t i = 0; i < returning->filter_count; i++)
        if (returning->headers[i] &&
            text_equals_nocase(text_of(mailbox->filter), text_of(returning->filters[i].name)) &&
            text_equals_nocase(mailbox->domain, text_of(returning->filters[i].mailbox)))
            return (int)i;
    return -1;
}

static int knows(void *context, struct text text)
{
    struct returning *returning = context;
    struct appliance_mailbox mailbox;
    if (appliance_read_mailbox(text, &mailbox) && find_filter(returning, &mailbox) >= 0)
        return 1;
    returning->refused++;
    return 0;
}

static int take(void *context, struct text text, struct text head)
{
    struct returning *returning = context;
    struct appliance_mailbox mailbox;
    struct opinion opinion;
    int index = appliance_read_mailbox(text, &mailbox) ? find_filter(returning, &mailbox) : -1;
    if (index < 0)
        return 0;
    const struct filter_settings *filter = &returning->filters[index];
    headers_judge(returning->headers[index], filter, head, &opinion);
    int status = returning->tell(returning->context, mailbox.message, filter, &opinion);
    if (status < 0) {
        returning->deferred++;
        return status;
    }
    returning->taken++;
    returning->unread += !opinion_is_one(&opinion);
    return 0;
}

/* --- dialogues --- */

static void *begin(void *context, struct buffer *replies)
{
    const struct returning *returning = context;
    struct returned *dialogue = returned_create(&returning->owner);
    if (dialogue && !returned_greet(dialogue, replies))
        returned_destroy(&dialogue);
    return dialogue;
}

static bool feed(void *dialogue, struct text piece, struct buffer *replies)
{
    return returned_feed(dialogue, piece, replies);
}

static void end(void *context)
{
    struct returned *dialogue = context;
    returned_destroy(&dialogue);
}

static void note_refused(void *context)
{
    struct returning *returning = context;
    returning->refused++;
}

/* --- life --- */

static int read_headers(struct returning *returning, struct error *error)
{
    for (uint32_t i = 0; i < returning->filter_count && i < FILTERS_MOST; i++) {
        if (filter_kinds[returning->filters[i].kind] != &filter_smtp)
            continue;
        int status = headers_open(returning->filters[i].headers, &returning->headers[i], error);
        if (status < 0)
            return error_wrap(error, "[filter %s] headers", returning->filters[i].name);
    }
    return 0;
}

int returning_create(const struct returned_settings *settings, const struct filter_settings *filters,
                     uint32_t filter_count, returning_tell *tell, void *context, struct returning **result,
                     struct error *error)
{
    CLEANUP(returning_destroy) struct returning *returning = calloc(1, sizeof *returning);
    if (returning == NULL)
        return error_set(error, ENOMEM, "no memory for a listener");
    *returning = (struct returning){.settings = settings,
                                    .filters = filters,
                                    .filter_count = filter_count,
                                    .tell = tell,
                                    .context = context,
                                    .owner = {"postern.invalid", settings->size, knows, take, returning}};
    const struct mail_dialogues dialogues = {.from = &settings->from,
                                             .connections = settings->connections,
                                             .silence = settings->patience,
                                             .whole = WHOLE * settings->patience,
                                             .replies = RETURNED_REPLIES_MOST,
                                             .context = returning,
                                             .begin = begin,
                                             .feed = feed,
                                             .end = end,
                                             .sent_away = note_refused};
    int status = read_headers(returning, error);
    if (status == 0)
        status = mail_listener_create(settings->listen, &dialogues, &returning->listener, error);
    if (status < 0)
        return error_wrap(error, "[returned]");
    *result = TAKE(returning);
    return 0;
}

void returning_destroy(struct returning **handle)
{
    if (*handle == NULL)
        return;
    mail_listener_destroy(&(*handle)->listener);
    for (uint32_t i = 0; i < FILTERS_MOST; i++)
        headers_destroy(&(*handle)->headers[i]);
    free(*handle);
    *handle = NULL;
}

uint16_t returning_port(const struct returning *returning)
{
    return mail_listener_port(returning->listener);
}

struct returning_counts returning_counts(struct returning *returning)
{
    return (struct returning_counts){returning->taken, returning->unread, returning->refused, returning->deferred};
}
