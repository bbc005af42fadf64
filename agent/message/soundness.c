/* See soundness.h. */
#include "agent/message/soundness.h"

#include <string.h>
#include "agent/sample/budget.h"
#include "common/words/observation.h"
#include "common/words/verdict.h"

#define ENDS(array) (memchr((array), 0, sizeof(array)) != NULL)

static bool is_sender_row(const union message *message)
{
    const struct message_sender_row *m = &message->sender_row;
    return sender_is_sound(&m->sender) && whose_is_sound(&m->whose) && m->verdict < VERDICTS && m->worst < VERDICTS &&
           m->allowed <= 1 && ENDS(m->plan) && m->person_deed < DEEDS;
}

/* Its members are all one customer's. */
static bool is_customer_row(const union message *message)
{
    const struct message_customer_row *m = &message->customer_row;
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

static bool is_reset(const union message *message)
{
    const struct message_reset *m = &message->reset;
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

static bool is_listed(const union message *message)
{
    const struct message_listed *m = &message->listed;
    return sender_is_sound(&m->sender) && is_address_or_none(&m->address) && is_address_or_none(&m->code) &&
           m->weight <= LISTING_CRITICAL && m->listed <= 1 && m->zone[0] && ENDS(m->zone);
}

static bool is_complained(const union message *message)
{
    const struct message_complained *m = &message->complained;
    return sender_is_sound(&m->sender) && is_address_or_none(&m->address) && m->type <= COMPLAINT_OTHER &&
           m->count > 0 && m->confirmed <= 1 && m->known <= 1 && m->withdrawn <= 1 && ENDS(m->reporter);
}

static bool is_memory(const union message *message)
{
    const struct message_memory *m = &message->memory;
    return m->fresh <= 1;
}

static bool is_port_opened(const union message *message)
{
    const struct message_port_opened *m = &message->port_opened;
    return ENDS(m->interface) && m->guest <= 1 && m->mac_known <= 1 && m->other_guest <= 1 && m->taken_over <= 1;
}

static bool is_enforcement(const union message *message)
{
    const struct message_enforcement *m = &message->enforcement;
    return m->on <= 1;
}

static bool is_ask_enforce(const union message *message)
{
    const struct message_ask_enforce *m = &message->ask_enforce;
    return m->on <= 1 && ENDS(m->person);
}

static bool is_settings(const union message *message)
{
    const struct message_settings *m = &message->settings;
    return m->revision > 0;
}

static bool is_order(const union message *message)
{
    const struct message_order *m = &message->order;
    return order_is_sound(&m->order);
}

static bool is_order_row(const union message *message)
{
    const struct message_order_row *m = &message->order_row;
    return order_is_sound(&m->order) && (m->held_for.kind == SENDER_NONE || sender_is_sound(&m->held_for));
}

static bool is_owner(const union message *message)
{
    const struct message_owner *m = &message->owner;
    return (m->family == 4 || m->family == 6) && m->owned < OWNED_KINDS && ENDS(m->program) && ENDS(m->command);
}

static bool is_log(const union message *message)
{
    const struct message_log *m = &message->log;
    return m->initial <= 1 && ENDS(m->source) && ENDS(m->sentence);
}

static bool is_ask_explain(const union message *message)
{
    const struct message_ask_explain *m = &message->ask_explain;
    return sender_is_sound(&m->sender);
}

static bool is_command(const union message *message)
{
    const struct message_command *m = &message->command;
    return sender_is_sound(&m->sender) && m->deed < DEEDS && m->length >= 0 && ENDS(m->person) && ENDS(m->why);
}

static bool is_content(const union message *message)
{
    const struct message_content *m = &message->content;
    return is_address_or_none(&m->client) && m->queue[0] && ENDS(m->queue) && ENDS(m->account) && ENDS(m->sender) &&
           ENDS(m->helo);
}

static bool is_filtered(const union message *message)
{
    const struct message_filtered *m = &message->filtered;
    return sender_is_sound(&m->sender) && m->certain <= 1 && m->filter[0] && is_address_or_none(&m->address) &&
           ENDS(m->filter) && ENDS(m->action) && ENDS(m->symbols);
}

static bool is_sample(const union message *message)
{
    const struct message_sample *m = &message->sample;
    return sender_is_sound(&m->sender) && whose_is_sound(&m->whose) && m->complete <= 1 && m->why < SAMPLE_WHYS &&
           m->envelope > 0;
}

static bool is_done(const union message *message)
{
    const struct message_done *m = &message->done;
    return ENDS(m->text);
}

static bool is_evidence_row(const union message *message)
{
    const struct message_evidence_row *m = &message->evidence_row;
    return evidence_is_sound(&m->evidence);
}

static bool is_evidence(const union message *message)
{
    const struct message_evidence *m = &message->evidence;
    return sender_is_sound(&m->sender) && whose_is_sound(&m->whose) && evidence_is_sound(&m->evidence);
}

static bool is_traffic(const union message *message)
{
    const struct message_traffic *m = &message->traffic;
    return (m->sender.kind == SENDER_NONE || sender_is_sound(&m->sender)) && whose_is_sound(&m->whose) &&
           m->seconds > 0;
}

static bool is_campaign(const union message *message)
{
    const struct message_campaign *m = &message->campaign;
    return fleet_campaign_is_sound(&m->campaign);
}

static bool is_customer(const union message *message)
{
    const struct message_customer *m = &message->customer;
    return fleet_customer_is_sound(&m->customer);
}

static bool is_body(const union message *message)
{
    const struct message_body *m = &message->body;
    return sender_is_sound(&m->sender) && whose_is_sound(&m->whose) && likeness_is_known(&m->likeness) && m->known <= 1;
}

static bool is_points(const union message *message)
{
    const struct message_points *m = &message->points;
    return sender_is_sound(&m->sender) && whose_is_sound(&m->whose);
}

static bool is_verdict(const union message *message)
{
    const struct message_verdict *m = &message->verdict;
    return sender_is_sound(&m->sender) && whose_is_sound(&m->whose) && m->verdict < VERDICTS && m->before < VERDICTS &&
           m->author < ORDER_AUTHORS && ENDS(m->why);
}

static bool is_event(const union message *message)
{
    const struct message_event *m = &message->event;
    return m->severity <= 2 && ENDS(m->what) && ENDS(m->text);
}

/* Of a kind that is not here every value is one. */
static bool (*const checks[MESSAGE_KINDS])(const union message *) = {
    [MESSAGE_MEMORY] = is_memory,
    [MESSAGE_PORT_OPENED] = is_port_opened,
    [MESSAGE_ENFORCEMENT] = is_enforcement,
    [MESSAGE_ASK_ENFORCE] = is_ask_enforce,
    [MESSAGE_SETTINGS] = is_settings,
    [MESSAGE_ORDER] = is_order,
    [MESSAGE_ORDER_TOLD] = is_order,
    [MESSAGE_ORDER_ROW] = is_order_row,
    [MESSAGE_RESET] = is_reset,
    [MESSAGE_ASK_OWNER] = is_owner,
    [MESSAGE_OWNER] = is_owner,
    [MESSAGE_LOG_FILE] = is_log,
    [MESSAGE_LOG_NEWS] = is_log,
    [MESSAGE_ASK_EXPLAIN] = is_ask_explain,
    [MESSAGE_COMMAND] = is_command,
    [MESSAGE_CONTENT] = is_content,
    [MESSAGE_FILTERED] = is_filtered,
    [MESSAGE_LISTED] = is_listed,
    [MESSAGE_COMPLAINED] = is_complained,
    [MESSAGE_SAMPLE] = is_sample,
    [MESSAGE_DONE] = is_done,
    [MESSAGE_SENDER_ROW] = is_sender_row,
    [MESSAGE_CUSTOMER_ROW] = is_customer_row,
    [MESSAGE_EVIDENCE_ROW] = is_evidence_row,
    [MESSAGE_EVIDENCE] = is_evidence,
    [MESSAGE_TRAFFIC] = is_traffic,
    [MESSAGE_CAMPAIGN] = is_campaign,
    [MESSAGE_CUSTOMER] = is_customer,
    [MESSAGE_BODY] = is_body,
    [MESSAGE_POINTS] = is_points,
    [MESSAGE_VERDICT] = is_verdict,
    [MESSAGE_EVENT] = is_event,
};

bool soundness_holds(const union message *message)
{
    bool (*check)(const union message *) = checks[message->head.kind];
    return check == NULL || check(message);
}
