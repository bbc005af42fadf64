/* One row a kind: how large, who may say it to whom, whether a descriptor comes along. Sending and receiving both go by
 * these rows, so that a kind that is not in the table cannot be spoken. */
#include "agent/message/message.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "agent/message/descriptor.h"
#include "agent/message/soundness.h"

#define FROM(role) (1U << (role))
#define WARDEN     FROM(ROLE_WARDEN)
#define WATCHER    FROM(ROLE_WATCHER)
#define COURIER    FROM(ROLE_COURIER)

static const struct message_row {
    const char *name;
    uint16_t size;
    uint8_t from, to; /* sets of roles; a role never speaks to itself */
    bool descriptor;
} rows[MESSAGE_KINDS] = {
    [MESSAGE_CONFIGURATION] = {"configuration", sizeof(struct message_configuration), WARDEN, WATCHER | COURIER, true},
    [MESSAGE_MEMORY] = {"memory", sizeof(struct message_memory), WARDEN, WATCHER, true},
    [MESSAGE_READY] = {"ready", sizeof(struct message_ready), WARDEN, WATCHER | COURIER, false},
    [MESSAGE_PEER] = {"peer", sizeof(struct message_plain), WARDEN, WATCHER | COURIER, true},
    [MESSAGE_PORT_OPENED] = {"port_opened", sizeof(struct message_port_opened), WARDEN, WATCHER, true},
    [MESSAGE_PORT_CLOSED] = {"port_closed", sizeof(struct message_port_closed), WARDEN, WATCHER, false},
    [MESSAGE_ENFORCEMENT] = {"enforcement", sizeof(struct message_enforcement), WARDEN, WATCHER | COURIER, false},
    [MESSAGE_STATUS_WARDEN] = {"status_warden", sizeof(struct message_status_warden), WARDEN, COURIER, false},
    [MESSAGE_ORDER_ROW] = {"order_row", sizeof(struct message_order_row), WARDEN, COURIER, false},
    [MESSAGE_END] = {"end", sizeof(struct message_plain), WARDEN | WATCHER, COURIER, false},
    [MESSAGE_ORDER] = {"order", sizeof(struct message_order), WATCHER, WARDEN, false},
    [MESSAGE_RESET] = {"reset", sizeof(struct message_reset), WATCHER, WARDEN, false},
    [MESSAGE_ASK_OWNER] = {"ask_owner", sizeof(struct message_owner), WATCHER, WARDEN, false},
    [MESSAGE_OWNER] = {"owner", sizeof(struct message_owner), WARDEN, WATCHER, false},
    [MESSAGE_LOG_RECORD] = {"log_record", sizeof(struct message_plain), WARDEN, WATCHER, true},
    [MESSAGE_LOG_FILE] = {"log_file", sizeof(struct message_log), WARDEN, WATCHER, true},
    [MESSAGE_LOG_NEWS] = {"log_news", sizeof(struct message_log), WARDEN, WATCHER, false},
    [MESSAGE_LOG_SINCE] = {"log_since", sizeof(struct message_log_since), WATCHER, WARDEN, false},
    [MESSAGE_ORDER_TOLD] = {"order_told", sizeof(struct message_order), WARDEN, WATCHER | COURIER, false},
    [MESSAGE_ALIVE] = {"alive", sizeof(struct message_plain), WATCHER | COURIER, WARDEN, false},
    [MESSAGE_ASK_ORDERS] = {"ask_orders", sizeof(struct message_plain), COURIER, WARDEN, false},
    [MESSAGE_ASK_ENFORCE] = {"ask_enforce", sizeof(struct message_ask_enforce), COURIER, WARDEN, false},
    [MESSAGE_SETTINGS] = {"settings", sizeof(struct message_settings), COURIER, WARDEN, true},
    [MESSAGE_ASK_SENDERS] = {"ask_senders", sizeof(struct message_ask_senders), COURIER, WATCHER, false},
    [MESSAGE_ASK_CUSTOMERS] = {"ask_customers", sizeof(struct message_ask_senders), COURIER, WATCHER, false},
    [MESSAGE_ASK_EXPLAIN] = {"ask_explain", sizeof(struct message_ask_explain), COURIER, WATCHER | WARDEN, false},
    [MESSAGE_ASK_STATUS] = {"ask_status", sizeof(struct message_plain), COURIER, WATCHER | WARDEN, false},
    [MESSAGE_COMMAND] = {"command", sizeof(struct message_command), COURIER, WATCHER | WARDEN, false},
    [MESSAGE_CAMPAIGN] = {"campaign", sizeof(struct message_campaign), COURIER, WATCHER, false},
    [MESSAGE_CUSTOMER] = {"customer", sizeof(struct message_customer), COURIER, WATCHER, false},
    [MESSAGE_CONTENT] = {"content", sizeof(struct message_content), COURIER, WATCHER, false},
    [MESSAGE_FILTERED] = {"filtered", sizeof(struct message_filtered), COURIER, WATCHER, false},
    [MESSAGE_LISTED] = {"listed", sizeof(struct message_listed), COURIER, WATCHER, false},
    [MESSAGE_COMPLAINED] = {"complained", sizeof(struct message_complained), COURIER, WATCHER, false},
    [MESSAGE_SENDER_ROW] = {"sender_row", sizeof(struct message_sender_row), WATCHER, COURIER, false},
    [MESSAGE_CUSTOMER_ROW] = {"customer_row", sizeof(struct message_customer_row), WATCHER, COURIER, false},
    [MESSAGE_EVIDENCE_ROW] = {"evidence_row", sizeof(struct message_evidence_row), WATCHER, COURIER, false},
    [MESSAGE_STATUS_WATCHER] = {"status_watcher", sizeof(struct message_status_watcher), WATCHER, COURIER, false},
    [MESSAGE_DONE] = {"done", sizeof(struct message_done), WATCHER | WARDEN, COURIER, false},
    [MESSAGE_VERDICT] = {"verdict", sizeof(struct message_verdict), WATCHER, COURIER, false},
    [MESSAGE_EVIDENCE] = {"evidence", sizeof(struct message_evidence), WATCHER, COURIER, false},
    [MESSAGE_TRAFFIC] = {"traffic", sizeof(struct message_traffic), WATCHER, COURIER, false},
    [MESSAGE_BODY] = {"body", sizeof(struct message_body), WATCHER, COURIER, false},
    [MESSAGE_POINTS] = {"points", sizeof(struct message_points), WATCHER, COURIER, false},
    [MESSAGE_SAMPLE] = {"sample", sizeof(struct message_sample), WATCHER, COURIER, true},
    [MESSAGE_EVENT] = {"event", sizeof(struct message_event), WATCHER | WARDEN, COURIER, false},
};

static const struct message_row *row_of(unsigned kind)
{
    return kind < MESSAGE_KINDS && rows[kind].size ? &rows[kind] : NULL;
}

uint16_t message_size(enum message_kind kind)
{
    const struct message_row *row = row_of(kind);
    return row ? row->size : 0;
}

bool message_brings_descriptor(enum message_kind kind)
{
    const struct message_row *row = row_of(kind);
    return row && row->descriptor;
}

bool message_is_allowed(enum message_kind kind, enum role from, enum role to)
{
    const struct message_row *row = row_of(kind);
    return row && from < ROLES && to < ROLES && from != to && row->from & FROM(from) && row->to & FROM(to);
}

const char *message_kind_name(enum message_kind kind)
{
    const struct message_row *row = row_of(kind);
    return row ? row->name : "unknown";
}

void message_prepare(union message *message, enum message_kind kind, uint32_t question)
{
    memset(message, 0, sizeof(*message));
    message->head = (struct message_head){(uint16_t)kind, message_size(kind), question};
}

bool message_is_sound(const union message *message)
{
    const struct message_row *row = row_of(message->head.kind);
    return row && message->head.size == row->size && soundness_holds(message);
}

/* --- the socket ----------------------------------------------------------------------------------------------------
 */

int message_send(const struct channel *channel, const union message *message, int descriptor, struct error *error)
{
    enum message_kind kind = message->head.kind;
    if (!message_is_allowed(kind, channel->self, channel->peer) || !message_is_sound(message) ||
        message_brings_descriptor(kind) != (descriptor >= 0))
        return error_set(error, EPROTO, "our own message \"%s\" breaks the rules", message_kind_name(kind));
    return descriptor_send(channel->descriptor, message, message->head.size, descriptor, error);
}

int message_receive(const struct channel *channel, union message *result, int *descriptor, struct error *error)
{
    union message message;
    memset(&message, 0, sizeof(message));
    int along = -1;
    int length = descriptor_receive(channel->descriptor, &message, sizeof(message), &along, error);
    if (length <= 0)
        return length;
    const char *broken = NULL;
    if ((size_t)length < sizeof(message.head))
        broken = "too short";
    else if (!message_is_allowed(message.head.kind, channel->peer, channel->self))
        broken = "it may not say that";
    else if (length != message.head.size || !message_is_sound(&message))
        broken = "not sound";
    else if (message_brings_descriptor(message.head.kind) != (along >= 0))
        broken = along >= 0 ? "a descriptor that was not asked for" : "its descriptor is missing";
    if (broken) {
        if (along >= 0)
            close(along);
        return error_set(error, EPROTO, "the other side broke the rules: message \"%s\": %s",
                         message_kind_name(message.head.kind), broken);
    }
    memcpy(result, &message, sizeof(message));
    *descriptor = along;
    return 1;
}
