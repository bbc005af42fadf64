/* The tables, one for each process that counts, and one for the spool. */
#include "agent/courier/metrics_page.h"

#include "common/exposition.h"
#include "common/words/order.h"

#define PREFIX "postern_agent_"

static const char *const version[] = {POSTERN_VERSION, NULL};
static const char *const answering[] = {"warden", "watcher", "courier", NULL};
/* In the order of the enums. */
static const char *const verdicts[] = {"clear", "alert", "throttle", "divert", "block", NULL};
static const char *const deeds[] = {"throttle", "divert", "block", "allow", NULL};
static const char *const worths[] = {"traffic", "evidence", "event", "verdict", "order", NULL};

#define OF(type, member, name, help) METRIC(METRIC_##type, struct metrics_courier, member, PREFIX name, help)
static const struct metric courier_table[] = {
    {.name = PREFIX "build_info",
     .help = "The version that runs.",
     .type = METRIC_GAUGE,
     .kind = METRIC_ONE,
     .label = "version",
     .label_values = version},
    METRIC_BY(METRIC_GAUGE, struct metrics_courier, up[0], PREFIX "up", "role", answering,
              "Whether the process answered; what it counts is left out where it did not."),
    OF(GAUGE, uptime, "courier_uptime_seconds", "Since the courier was started."),
    METRIC_BY(METRIC_COUNTER, struct metrics_courier, verdicts[0], PREFIX "verdicts_total", "verdict", verdicts,
              "Senders whose verdict became this one."),
    OF(COUNTER, evidence, "evidence_total", "Pieces of evidence that detectors brought."),
    OF(GAUGE, journal_waiting, "journal_waiting", "Entries of the journal that no commit has reached."),
    OF(COUNTER, journal_lost, "journal_lost_total", "Entries of the journal given up, with the disk full for long."),
    OF(GAUGE, policy_clients, "policy_connections", "Connections of mail servers that ask about accounts."),
    OF(COUNTER, policy_asked, "policy_questions_total", "Questions of mail servers."),
    OF(COUNTER, policy_refused, "policy_messages_refused_total", "Messages that mail servers were told to refuse."),
    OF(COUNTER, policy_deferred, "policy_messages_deferred_total", "Messages that mail servers were told to put off."),
    OF(COUNTER, policy_greylisted, "policy_recipients_greylisted_total", "Recipients put off by the greylist."),
    OF(COUNTER, policy_malformed, "policy_malformed_total", "Clients that did not speak the policy protocol."),
    {.name = NULL},
};
#undef OF

#define OF(type, member, name, help) METRIC(METRIC_##type, struct message_status_watcher, member, PREFIX name, help)
static const struct metric watcher_table[] = {
    OF(GAUGE, ports, "watched_ports", "Ports and interfaces that are watched now."),
    OF(COUNTER, packets, "packets_total", "Packets of mail ports that were seen."),
    OF(COUNTER, bytes, "packet_bytes_total", "Their bytes."),
    OF(COUNTER, dropped, "packets_dropped_total", "Packets that came faster than they were read, and were not seen."),
    OF(COUNTER, malformed, "packets_malformed_total", "Packets that are none by the rules."),
    OF(COUNTER, connections, "connections_total", "Connections that were opened."),
    OF(GAUGE, streams_open, "streams", "Connections followed now."),
    OF(GAUGE, bytes_held, "stream_held_bytes", "Memory for bytes that came out of order."),
    OF(COUNTER, sessions, "sessions_total", "Sessions of SMTP."),
    OF(COUNTER, sessions_gapped, "sessions_gapped_total", "Sessions of which packets were missing."),
    OF(COUNTER, messages, "messages_total", "Messages that were accepted by who should take them."),
    OF(COUNTER, observations, "observations_total", "Facts about senders that detectors were told."),
    OF(GAUGE, senders, "senders", "Senders that are remembered."),
    OF(COUNTER, let_go, "sender_details_dropped_total", "Senders whose details gave way to others'."),
    OF(COUNTER, orders_sent, "orders_given_total", "Orders that verdicts led to."),
    OF(GAUGE, memory, "memory_bytes", "The watcher's memory for senders."),
    OF(GAUGE, log_files, "log_files", "Logs that are followed now."),
    OF(COUNTER, log_lines, "log_lines_total", "Lines of logs that were read."),
    OF(COUNTER, log_unparsed, "log_lines_unparsed_total", "Lines of mail servers that were not understood."),
    OF(COUNTER, log_late, "log_lines_late_total", "Lines that were too old to be judged."),
    OF(COUNTER, log_lost_bytes, "log_lost_bytes_total", "Bytes of logs that were gone before they were read."),
    OF(COUNTER, paired, "paired_total", "Recipients and logins that stood in a log and on the wire, counted once."),
    OF(COUNTER, unpaired, "unpaired_total", "Transactions and logins of which no log told all."),
    OF(GAUGE, pairing_waiting, "pairing_waiting", "Observations that wait for the log."),
    OF(COUNTER, samples_kept, "samples_kept_total", "Messages whose content was kept until they were answered."),
    OF(COUNTER, samples_told, "samples_total", "Of these, messages taken for the collector's filters."),
    OF(COUNTER, samples_bytes, "sample_bytes_total", "Bytes of their content."),
    OF(COUNTER, samples_lost, "samples_lost_total", "Messages that could not be handed on to be sent."),
    OF(COUNTER, samples_crowded, "samples_crowded_total", "Messages under way that gave way to newer ones."),
    OF(GAUGE, samples_held, "sample_held_bytes", "Memory for the content of messages under way."),
    {.name = NULL},
};
#undef OF

#define OF(type, member, name, help) METRIC(METRIC_##type, struct message_status_warden, member, PREFIX name, help)
static const struct metric warden_table[] = {
    OF(GAUGE, enforcing, "enforcing", "1: verdicts are enforced. 0: they are only told."),
    OF(GAUGE, table, "table_present", "Whether our table is in the kernel."),
    OF(GAUGE, uplinks, "uplinks", "Interfaces that lead to the world."),
    METRIC_BY(METRIC_GAUGE, struct message_status_warden, in_force[DEED_THROTTLE], PREFIX "orders", "deed", deeds,
              "Orders in force."),
    OF(COUNTER, refused_orders, "orders_refused_total", "Orders that the warden did not accept."),
    OF(COUNTER, repairs, "table_repairs_total", "Times that others had changed our table and it was put right."),
    OF(COUNTER, resets_sent, "resets_total", "Resets sent to end connections."),
    OF(COUNTER, watcher_restarts, "watcher_restarts_total", "Times that the watcher was started anew."),
    OF(COUNTER, courier_restarts, "courier_restarts_total", "Times that the courier was started anew."),
    {.name = NULL},
};
#undef OF

#define OF(type, member, name, help) METRIC(METRIC_##type, struct metrics_spool, member, PREFIX name, help)
static const struct metric spool_table[] = {
    OF(GAUGE, connected, "collector_connected", "Whether the collector was reached lately."),
    OF(GAUGE, spool.records, "spool_records", "Records that wait to be sent to the collector."),
    OF(GAUGE, spool.bytes, "spool_bytes", "Their bytes on the disk."),
    OF(GAUGE, oldest, "spool_oldest_timestamp_seconds", "When the oldest of them was made; 0: none waits."),
    METRIC_BY(METRIC_COUNTER, struct metrics_spool, spool.dropped[0], PREFIX "spool_dropped_total", "kind", worths,
              "Records dropped for want of room, or for their age."),
    OF(COUNTER, spool.set_aside, "spool_set_aside_total", "Records that the collector would not take."),
    OF(GAUGE, samples.waiting, "samples", "Messages that wait to be sent to the collector's filters."),
    OF(GAUGE, samples.bytes, "samples_bytes", "Their bytes on the disk."),
    OF(COUNTER, samples.taken, "samples_taken_total", "Messages that were taken for the collector's filters."),
    OF(COUNTER, samples.sent, "samples_sent_total", "Of these, those that the collector has."),
    OF(COUNTER, samples.dropped, "samples_dropped_total",
       "Of these, those dropped for want of room, or for their age."),
    OF(COUNTER, samples.aside, "samples_set_aside_total", "Of these, those that the collector would not take."),
    OF(COUNTER, samples.unsound, "samples_unsound_total", "Messages that did not come as agreed from the watcher."),
    OF(COUNTER, opinions.judged, "opinions_total", "Opinions of the collector's filters on messages of this node."),
    OF(GAUGE, opinions.waiting, "opinions", "Opinions that wait to be judged."),
    OF(COUNTER, opinions.unsound, "opinions_unsound_total", "Opinions that made no sense, and were left out."),
    {.name = NULL},
};
#undef OF

_Static_assert(VERDICTS == 5 && DEED_THROTTLE == 1 && DEED_DIVERT == 2 && DEED_BLOCK == 3 && DEED_ALLOW == 4 &&
                   DEEDS == 5 && SPOOL_COUNTS == 0 && SPOOL_ORDER == 4 && SPOOL_WORTHS == 5,
               "the labels above are in this order");

bool metrics_page_print(const struct metrics_page *page, struct buffer *out)
{
    return exposition_write(courier_table, page->courier, out) &&
           (!page->watcher || exposition_write(watcher_table, page->watcher, out)) &&
           (!page->warden || exposition_write(warden_table, page->warden, out)) &&
           (!page->spool || exposition_write(spool_table, page->spool, out));
}
