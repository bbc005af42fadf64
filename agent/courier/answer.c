/* See answer.h. */
#include "agent/courier/answer.h"

#include "common/json.h"
#include "common/words/verdict.h"

static void write_sender(struct json *json, const char *key, const struct sender *sender)
{
    char text[SENDER_TEXT];
    json_string(json, key, sender_print(sender, text));
}

static void write_whose(struct json *json, const struct whose *whose, const struct sender *sender)
{
    const struct address *address = whose_address(whose, sender);
    json_string(json, "customer", whose->customer);
    if (address)
        json_address(json, "address", address);
}

static void write_moment_or_null(struct json *json, const char *key, moment time)
{
    if (time)
        json_moment(json, key, time);
    else
        json_string(json, key, NULL);
}

bool answer_sender(struct buffer *out, const struct message_sender_row *row)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "sender");
    write_sender(&json, "sender", &row->sender);
    write_whose(&json, &row->whose, &row->sender);
    if (row->whose.customer[0])
        json_string(&json, "known_by", customer_proof_name(row->whose.proof));
    json_unsigned(&json, "connections", row->connections);
    json_unsigned(&json, "connect_failed", row->connect_failed);
    json_unsigned(&json, "messages", row->messages);
    json_unsigned(&json, "messages_rejected", row->messages_rejected);
    json_unsigned(&json, "recipients", row->recipients);
    json_unsigned(&json, "recipients_rejected", row->recipients_rejected);
    json_unsigned(&json, "recipients_deferred", row->recipients_deferred);
    json_unsigned(&json, "bytes", row->bytes);
    json_unsigned(&json, "tls_sessions", row->tls_sessions);
    json_unsigned(&json, "distinct_recipients", row->distinct_recipients);
    json_unsigned(&json, "distinct_senders", row->distinct_senders);
    json_unsigned(&json, "distinct_helos", row->distinct_helos);
    json_unsigned(&json, "distinct_servers", row->distinct_servers);
    json_hundredths(&json, "score", row->score);
    json_string(&json, "verdict", verdict_name(row->verdict));
    json_string(&json, "worst_verdict", verdict_name(row->worst));
    json_moment(&json, "first_seen", row->first);
    json_moment(&json, "last_seen", row->last);
    write_moment_or_null(&json, "verdict_since", row->verdict_since);
    write_moment_or_null(&json, "hold_until", row->hold_until);
    write_moment_or_null(&json, "clear_at", row->clear_at);
    json_unsigned(&json, "repeats", row->repeats);
    json_unsigned(&json, "clean_days", row->clean_days);
    json_bool(&json, "allowed", row->allowed);
    if (row->plan[0])
        json_string(&json, "plan", row->plan);
    if (row->person_until) {
        json_string(&json, "person_deed", deed_name(row->person_deed));
        json_moment(&json, "person_until", row->person_until);
    }
    json_object_open(&json, "thresholds");
    for (enum verdict v = VERDICT_ALERT; v < VERDICTS; v++)
        json_hundredths(&json, verdict_name(v), row->thresholds[v]);
    json_object_close(&json);
    return json_end(&json);
}

static void write_member(struct json *json, const struct message_customer_member *member)
{
    const struct address *address = whose_address(&member->whose, &member->sender);
    json_object_open(json, NULL);
    write_sender(json, "sender", &member->sender);
    if (address)
        json_address(json, "address", address);
    json_string(json, "known_by", customer_proof_name(member->whose.proof));
    json_string(json, "verdict", verdict_name(member->verdict));
    json_string(json, "worst_verdict", verdict_name(member->worst));
    json_object_close(json);
}

bool answer_customer(struct buffer *out, const struct message_customer_row *row)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "customer");
    json_string(&json, "customer", row->members[0].whose.customer);
    json_unsigned(&json, "senders", row->senders);
    json_unsigned(&json, "connections", row->connections);
    json_unsigned(&json, "connect_failed", row->connect_failed);
    json_unsigned(&json, "messages", row->messages);
    json_unsigned(&json, "messages_rejected", row->messages_rejected);
    json_unsigned(&json, "recipients", row->recipients);
    json_unsigned(&json, "recipients_rejected", row->recipients_rejected);
    json_unsigned(&json, "recipients_deferred", row->recipients_deferred);
    json_unsigned(&json, "bytes", row->bytes);
    json_hundredths(&json, "score", row->score);
    json_string(&json, "verdict", verdict_name(row->verdict));
    json_string(&json, "worst_verdict", verdict_name(row->worst));
    json_moment(&json, "last_seen", row->last);
    json_array_open(&json, "members");
    for (uint32_t i = 0; i < row->senders && i < CUSTOMER_MEMBERS; i++)
        write_member(&json, &row->members[i]);
    json_array_close(&json);
    return json_end(&json);
}

static void write_evidence(struct json *json, const struct evidence *evidence)
{
    json_string(json, "detector", evidence->detector);
    json_hundredths(json, "points", evidence->points);
    json_string(json, "reason", evidence->reason);
}

bool answer_evidence_row(struct buffer *out, const struct evidence *evidence)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "evidence");
    json_moment(&json, "time", evidence->time);
    write_evidence(&json, evidence);
    return json_end(&json);
}

static void write_counts(struct json *json, const struct act *act)
{
    json_unsigned(json, "asked", act ? act->asked : 0);
    json_unsigned(json, "refused", act ? act->refused : 0);
    json_unsigned(json, "deferred", act ? act->deferred : 0);
    json_unsigned(json, "greylisted", act ? act->greylisted : 0);
    json_unsigned(json, "diverted", act ? act->diverted : 0);
    write_moment_or_null(json, "asked_last", act ? act->asked_last : 0);
}

bool answer_order(struct buffer *out, const struct message_order_row *row, const struct act *act)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "order");
    json_unsigned(&json, "id", row->order.id);
    write_sender(&json, "sender", &row->order.target);
    write_whose(&json, &row->order.whose, &row->order.target);
    json_string(&json, "deed", deed_name(row->order.deed));
    write_moment_or_null(&json, "until", row->order.until);
    json_string(&json, "by", row->order.author == ORDER_BY_PERSON ? "person" : "policy");
    if (row->order.deed == DEED_THROTTLE)
        json_unsigned(&json, "rate", row->order.rate);
    if (row->held_for.kind != SENDER_NONE)
        write_sender(&json, "held_for", &row->held_for);
    json_unsigned(&json, "packets", row->packets);
    json_unsigned(&json, "bytes", row->bytes);
    if (row->order.target.kind == SENDER_ACCOUNT || act)
        write_counts(&json, act);
    return json_end(&json);
}

bool answer_order_told(struct buffer *out, const struct order *order, moment now)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "order");
    json_moment(&json, "time", now);
    write_sender(&json, "sender", &order->target);
    write_whose(&json, &order->whose, &order->target);
    json_string(&json, "deed", deed_name(order->deed));
    write_moment_or_null(&json, "until", order->until);
    json_string(&json, "by", order->author == ORDER_BY_PERSON ? "person" : "policy");
    if (order->deed == DEED_THROTTLE)
        json_unsigned(&json, "rate", order->rate);
    return json_end(&json);
}

bool answer_orders_begin(struct buffer *out, moment now)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "orders");
    json_moment(&json, "time", now);
    return json_end(&json);
}

static void write_standing(struct json *json, const struct stored_standing *standing)
{
    json_object_open(json, "standing");
    json_string(json, "deed", deed_name(standing->deed));
    write_moment_or_null(json, "until", standing->until);
    json_string(json, "customer", standing->customer);
    json_string(json, "reason", standing->reason);
    json_string(json, "by", standing->by);
    json_string(json, "node", standing->node);
    json_object_close(json);
}

bool answer_submission(struct buffer *out, const struct sender *sender, const struct act *act,
                       const struct stored_standing *standing, const struct relay_counters *all)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "submission");
    write_sender(&json, "sender", sender);
    write_counts(&json, act);
    write_moment_or_null(&json, "ordered", act ? act->since : 0);
    write_moment_or_null(&json, "any_asked_last", all->asked_last);
    if (standing)
        write_standing(&json, standing);
    return json_end(&json);
}

bool answer_status_policy(struct buffer *out, const struct answer_policy *policy)
{
    const struct relay_counters *counters = policy->counters;
    struct json json = json_begin(out);
    json_string(&json, "record", "policy");
    json_bool(&json, "open", policy->open);
    json_unsigned(&json, "clients", policy->clients);
    json_unsigned(&json, "malformed", policy->malformed);
    json_unsigned(&json, "strangers", policy->strangers);
    json_unsigned(&json, "asked", counters->asked);
    json_unsigned(&json, "refused", counters->answers[RELAY_REFUSED]);
    json_unsigned(&json, "deferred", counters->answers[RELAY_DEFERRED] + counters->answers[RELAY_LIMITED]);
    json_unsigned(&json, "greylisted", counters->answers[RELAY_GREYLISTED]);
    json_unsigned(&json, "diverted", counters->answers[RELAY_DIVERTED]);
    json_unsigned(&json, "withheld", counters->withheld);
    json_unsigned(&json, "orders", policy->orders);
    json_unsigned(&json, "fleet", policy->fleet);
    json_unsigned(&json, "greylist_known", policy->greylist);
    write_moment_or_null(&json, "asked_last", counters->asked_last);
    return json_end(&json);
}

bool answer_status_watcher(struct buffer *out, const struct message_status_watcher *status)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "watcher");
    json_moment(&json, "started", status->started);
    json_moment(&json, "now", status->now);
    json_unsigned(&json, "ports", status->ports);
    json_unsigned(&json, "packets", status->packets);
    json_unsigned(&json, "bytes", status->bytes);
    json_unsigned(&json, "dropped", status->dropped);
    json_unsigned(&json, "malformed", status->malformed);
    json_unsigned(&json, "connections", status->connections);
    json_unsigned(&json, "messages", status->messages);
    json_unsigned(&json, "sessions", status->sessions);
    json_unsigned(&json, "sessions_gapped", status->sessions_gapped);
    json_unsigned(&json, "observations", status->observations);
    json_unsigned(&json, "streams_open", status->streams_open);
    json_unsigned(&json, "bytes_held", status->bytes_held);
    json_unsigned(&json, "senders", status->senders);
    json_unsigned(&json, "orders_sent", status->orders_sent);
    json_unsigned(&json, "memory", status->memory);
    json_unsigned(&json, "details_let_go", status->let_go);
    json_unsigned(&json, "log_files", status->log_files);
    json_unsigned(&json, "log_lines", status->log_lines);
    json_unsigned(&json, "log_lines_unparsed", status->log_unparsed);
    json_unsigned(&json, "log_entries_late", status->log_late);
    json_unsigned(&json, "log_bytes_lost", status->log_lost_bytes);
    json_unsigned(&json, "paired", status->paired);
    json_unsigned(&json, "unpaired", status->unpaired);
    json_unsigned(&json, "unpaired_crowded", status->unpaired_crowded);
    json_unsigned(&json, "pairing_waiting", status->pairing_waiting);
    json_unsigned(&json, "samples_kept", status->samples_kept);
    json_unsigned(&json, "samples_told", status->samples_told);
    json_unsigned(&json, "samples_bytes", status->samples_bytes);
    json_unsigned(&json, "samples_lost", status->samples_lost);
    json_unsigned(&json, "samples_crowded", status->samples_crowded);
    json_unsigned(&json, "samples_held", status->samples_held);
    return json_end(&json);
}

bool answer_status_warden(struct buffer *out, const struct message_status_warden *status)
{
    static const char *const layouts[] = {"host", "bridged", "routed"};
    struct json json = json_begin(out);
    json_string(&json, "record", "warden");
    json_moment(&json, "started", status->started);
    json_bool(&json, "enforcing", status->enforcing);
    json_bool(&json, "table", status->table);
    json_string(&json, "cut", status->reject ? "reset by the kernel" : "drop, resets by the agent");
    json_string(&json, "layout", status->layout < 3 ? layouts[status->layout] : "unknown");
    json_unsigned(&json, "ports", status->ports);
    json_unsigned(&json, "uplinks", status->uplinks);
    json_unsigned(&json, "orders", status->orders);
    json_unsigned(&json, "orders_refused", status->refused_orders);
    json_unsigned(&json, "repairs", status->repairs);
    json_unsigned(&json, "resets_sent", status->resets_sent);
    json_unsigned(&json, "watcher_restarts", status->watcher_restarts);
    json_unsigned(&json, "courier_restarts", status->courier_restarts);
    json_integer(&json, "settings", status->settings);
    return json_end(&json);
}

bool answer_text(struct buffer *out, const char *text)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "done");
    json_string(&json, "text", text);
    return json_end(&json);
}

bool answer_done(struct buffer *out, const char *failure)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "end");
    json_bool(&json, "ok", !failure);
    if (failure)
        json_string(&json, "error", failure);
    return json_end(&json);
}

bool answer_verdict(struct buffer *out, const struct message_verdict *verdict, const struct evidence *evidence,
                    uint32_t evidence_count)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "verdict");
    json_moment(&json, "time", verdict->time);
    write_sender(&json, "sender", &verdict->sender);
    write_whose(&json, &verdict->whose, &verdict->sender);
    json_string(&json, "verdict", verdict_name(verdict->verdict));
    json_hundredths(&json, "score", verdict->score);
    json_unsigned(&json, "messages_before", verdict->messages_before);
    json_unsigned(&json, "recipients_before", verdict->recipients_before);
    json_array_open(&json, "evidence");
    for (uint32_t i = 0; i < evidence_count; i++) {
        json_object_open(&json, NULL);
        write_evidence(&json, &evidence[i]);
        json_object_close(&json);
    }
    json_array_close(&json);
    json_string(&json, "before", verdict_name(verdict->before));
    write_moment_or_null(&json, "hold_until", verdict->hold_until);
    json_unsigned(&json, "repeats", verdict->repeats);
    json_string(&json, "by", verdict->author == ORDER_BY_PERSON ? "person" : "policy");
    if (verdict->why[0])
        json_string(&json, "why", verdict->why);
    return json_end(&json);
}

bool answer_evidence(struct buffer *out, const struct message_evidence *news)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "evidence");
    json_moment(&json, "time", news->evidence.time);
    write_sender(&json, "sender", &news->sender);
    write_whose(&json, &news->whose, &news->sender);
    json_hundredths(&json, "added", news->added);
    write_evidence(&json, &news->evidence);
    return json_end(&json);
}

bool answer_traffic(struct buffer *out, const struct message_traffic *traffic)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "traffic");
    json_moment(&json, "time", traffic->time);
    json_unsigned(&json, "seconds", traffic->seconds);
    if (traffic->sender.kind == SENDER_NONE)
        json_string(&json, "sender", "");
    else
        write_sender(&json, "sender", &traffic->sender);
    write_whose(&json, &traffic->whose, &traffic->sender);
    json_unsigned(&json, "connections", traffic->connections);
    json_unsigned(&json, "connect_failed", traffic->connect_failed);
    json_unsigned(&json, "messages", traffic->messages);
    json_unsigned(&json, "messages_rejected", traffic->messages_rejected);
    json_unsigned(&json, "recipients", traffic->recipients);
    json_unsigned(&json, "recipients_rejected", traffic->recipients_rejected);
    json_unsigned(&json, "recipients_deferred", traffic->recipients_deferred);
    json_unsigned(&json, "bytes", traffic->bytes);
    return json_end(&json);
}

bool answer_body(struct buffer *out, const struct message_body *body)
{
    char likeness[LIKENESS_TEXT];
    struct json json = json_begin(out);
    json_string(&json, "record", "body");
    json_moment(&json, "time", body->time);
    write_sender(&json, "sender", &body->sender);
    json_string(&json, "customer", body->whose.customer);
    json_string(&json, "likeness", likeness_print(&body->likeness, likeness));
    json_unsigned(&json, "domains", body->domains);
    json_unsigned(&json, "recipients", body->recipients);
    json_unsigned(&json, "messages", body->messages);
    json_bool(&json, "known", body->known);
    return json_end(&json);
}

bool answer_points(struct buffer *out, const struct message_points *told)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "points");
    json_moment(&json, "time", told->time);
    write_sender(&json, "sender", &told->sender);
    json_string(&json, "customer", told->whose.customer);
    json_hundredths(&json, "points", told->points);
    json_hundredths(&json, "score", told->score);
    return json_end(&json);
}

bool answer_stopped(struct buffer *out, moment begin, uint32_t seconds, const struct relay_counters *counters)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "stopped");
    json_moment(&json, "time", begin);
    json_unsigned(&json, "seconds", seconds);
    json_unsigned(&json, "refused", counters->answers[RELAY_REFUSED]);
    json_unsigned(&json, "deferred", counters->answers[RELAY_DEFERRED] + counters->answers[RELAY_LIMITED]);
    json_unsigned(&json, "diverted", counters->answers[RELAY_DIVERTED]);
    return json_end(&json);
}

bool answer_event(struct buffer *out, const struct message_event *event, const struct sender *sender)
{
    static const char *const severities[] = {"news", "warning", "trouble"};
    struct json json = json_begin(out);
    json_string(&json, "record", "event");
    json_moment(&json, "time", event->time);
    json_string(&json, "what", event->what);
    if (sender)
        write_sender(&json, "sender", sender);
    json_string(&json, "severity", event->severity < 3 ? severities[event->severity] : "trouble");
    json_string(&json, "text", event->text);
    return json_end(&json);
}

bool answer_command(struct buffer *out, moment time, const char *deed, const char *sender, const char *length,
                    const char *person, const char *why)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "command");
    json_moment(&json, "time", time);
    json_string(&json, "sender", sender);
    json_string(&json, "deed", deed);
    json_string(&json, "for", length);
    json_string(&json, "person", person);
    json_string(&json, "why", why);
    return json_end(&json);
}
