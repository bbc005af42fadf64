/* One row a kind: how large, who may say it to whom, whether a descriptor comes along. Sending and receiving both go by
 * these rows, so that a kind that is not in the table cannot be spoken. */
#include "agent/message/message.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "agent/message/descriptor.h"
#include "agent/sample/budget.h"
#include "common/words/observation.h"
#include "common/words/verdict.h"

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

/* --- what a receiver checks ----------------------------------------------------------------------------------------
 */

#define ENDS(array) (memchr((array), 0, sizeof(array)) != NULL)

static bool row_is_sound(const struct message_sender_row *m)
{
    return sender_is_sound(&m->sender) && whose_is_sound(&m->whose) && m->verdict < VERDICTS && m->worst < VERDICTS &&
           m->allowed <= 1 && ENDS(m->plan) && m->person_deed < DEEDS;
}

/* Its members are all one customer's. */
static bool customer_is_sound(const struct message_customer_row *m)
{
    bool sound = m->senders > 0 && m->verdict < VERDICTS && m->worst < VERDICTS;
    for (uint32_t i = 0; i < m->senders && i < CUSTOMER_MEMBERS; i++) {
        const struct message_customer_member *member = &m->members[i];
        sound = sound && sender_is_sound(&member->sender) && whose_is_sound(&member->whose) &&
                member->whose.customer[0] && member->verdict < VERDICTS && member->worst < VERDICTS &&
                strcmp(member->whose.customer, m->members[0].whose.customer) == 0;
    }
    return sound;
}

/* Times and rates are for order_check(), which knows the clock. */
static bool order_is_sound(const struct order *order)
{
    return sender_is_sound(&order->target) && whose_is_sound(&order->whose) && order->deed < DEEDS &&
           order->author < ORDER_AUTHORS;
}

static bool reset_is_sound(const struct message_reset *m)
{
    return (m->family == 4 || m->family == 6) && m->client_mac_known <= 1 && m->server_mac_known <= 1 &&
           m->again <= 1 && m->vlan < 4096 && m->client_port && m->server_port;
}

static bool evidence_is_sound(const struct evidence *e)
{
    return ENDS(e->detector) && ENDS(e->reason);
}

static bool is_address_or_none(const struct address *address)
{
    return address->family == 0 || address->family == 4 || address->family == 6;
}

static bool listed_is_sound(const struct message_listed *m)
{
    return sender_is_sound(&m->sender) && is_address_or_none(&m->address) && is_address_or_none(&m->code) &&
           m->weight <= LISTING_CRITICAL && m->listed <= 1 && m->zone[0] && ENDS(m->zone);
}

static bool complained_is_sound(const struct message_complained *m)
{
    return sender_is_sound(&m->sender) && is_address_or_none(&m->address) && m->type <= COMPLAINT_OTHER &&
           m->count > 0 && m->confirmed <= 1 && m->known <= 1 && m->withdrawn <= 1 && ENDS(m->reporter);
}

bool message_is_sound(const union message *m)
{
    const struct message_row *row = row_of(m->head.kind);
    if (!row || m->head.size != row->size)
        return false;
    switch ((enum message_kind)m->head.kind) {
    case MESSAGE_MEMORY:
        return m->memory.fresh <= 1;
    case MESSAGE_PORT_OPENED:
        return ENDS(m->port_opened.interface) && m->port_opened.guest <= 1 && m->port_opened.mac_known <= 1 &&
               m->port_opened.other_guest <= 1 && m->port_opened.taken_over <= 1;
    case MESSAGE_ENFORCEMENT:
        return m->enforcement.on <= 1;
    case MESSAGE_ASK_ENFORCE:
        return m->ask_enforce.on <= 1 && ENDS(m->ask_enforce.person);
    case MESSAGE_SETTINGS:
        return m->settings.revision > 0;
    case MESSAGE_ORDER:
    case MESSAGE_ORDER_TOLD:
        return order_is_sound(&m->order.order);
    case MESSAGE_ORDER_ROW:
        return order_is_sound(&m->order_row.order) &&
               (m->order_row.held_for.kind == SENDER_NONE || sender_is_sound(&m->order_row.held_for));
    case MESSAGE_RESET:
        return reset_is_sound(&m->reset);
    case MESSAGE_ASK_OWNER:
    case MESSAGE_OWNER:
        return (m->owner.family == 4 || m->owner.family == 6) && m->owner.owned < OWNED_KINDS &&
               ENDS(m->owner.program) && ENDS(m->owner.command);
    case MESSAGE_LOG_FILE:
    case MESSAGE_LOG_NEWS:
        return m->log.initial <= 1 && ENDS(m->log.source) && ENDS(m->log.sentence);
    case MESSAGE_ASK_EXPLAIN:
        return sender_is_sound(&m->ask_explain.sender);
    case MESSAGE_COMMAND:
        return sender_is_sound(&m->command.sender) && m->command.deed < DEEDS && m->command.length >= 0 &&
               ENDS(m->command.person) && ENDS(m->command.why);
    case MESSAGE_CONTENT:
        return (m->content.client.family == 0 || m->content.client.family == 4 || m->content.client.family == 6) &&
               m->content.queue[0] && ENDS(m->content.queue) && ENDS(m->content.account) && ENDS(m->content.sender) &&
               ENDS(m->content.helo);
    case MESSAGE_FILTERED:
        return sender_is_sound(&m->filtered.sender) && m->filtered.certain <= 1 && m->filtered.filter[0] &&
               (m->filtered.address.family == 0 || m->filtered.address.family == 4 ||
                m->filtered.address.family == 6) &&
               ENDS(m->filtered.filter) && ENDS(m->filtered.action) && ENDS(m->filtered.symbols);
    case MESSAGE_LISTED:
        return listed_is_sound(&m->listed);
    case MESSAGE_COMPLAINED:
        return complained_is_sound(&m->complained);
    case MESSAGE_SAMPLE:
        return sender_is_sound(&m->sample.sender) && whose_is_sound(&m->sample.whose) && m->sample.complete <= 1 &&
               m->sample.why < SAMPLE_WHYS && m->sample.envelope > 0;
    case MESSAGE_DONE:
        return ENDS(m->done.text);
    case MESSAGE_SENDER_ROW:
        return row_is_sound(&m->sender_row);
    case MESSAGE_CUSTOMER_ROW:
        return customer_is_sound(&m->customer_row);
    case MESSAGE_EVIDENCE_ROW:
        return evidence_is_sound(&m->evidence_row.evidence);
    case MESSAGE_EVIDENCE:
        return sender_is_sound(&m->evidence.sender) && whose_is_sound(&m->evidence.whose) &&
               evidence_is_sound(&m->evidence.evidence);
    case MESSAGE_TRAFFIC:
        return (m->traffic.sender.kind == SENDER_NONE || sender_is_sound(&m->traffic.sender)) &&
               whose_is_sound(&m->traffic.whose) && m->traffic.seconds > 0;
    case MESSAGE_CAMPAIGN:
        return fleet_campaign_is_sound(&m->campaign.campaign);
    case MESSAGE_CUSTOMER:
        return fleet_customer_is_sound(&m->customer.customer);
    case MESSAGE_BODY:
        return sender_is_sound(&m->body.sender) && whose_is_sound(&m->body.whose) &&
               likeness_is_known(&m->body.likeness) && m->body.known <= 1;
    case MESSAGE_POINTS:
        return sender_is_sound(&m->points.sender) && whose_is_sound(&m->points.whose);
    case MESSAGE_VERDICT:
        return sender_is_sound(&m->verdict.sender) && whose_is_sound(&m->verdict.whose) &&
               m->verdict.verdict < VERDICTS && m->verdict.before < VERDICTS && m->verdict.author < ORDER_AUTHORS &&
               ENDS(m->verdict.why);
    case MESSAGE_EVENT:
        return m->event.severity <= 2 && ENDS(m->event.what) && ENDS(m->event.text);
    default:
        return true;
    }
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
