/* One function for each kind of record, each with its JSON and its columns. */
#include "agent/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/json.h"

#define OUT_MOST  (512U * 1024 * 1024) /* one record may hold a whole session with every recipient */
#define OUT_FLUSH (256U * 1024)

static const char *const kind_names[] = {"session", "verdict", "sender", "summary"};
static_assert(sizeof kind_names / sizeof kind_names[0] == RECORD_KINDS, "a name for each");

const char *record_kind_name(enum record_kind kind)
{
    return kind_names[kind];
}

bool record_kinds_parse(const char *words, uint32_t *result, struct text *bad)
{
    uint32_t set = 0;
    for (struct text rest = text_of(words); rest.length > 0;) {
        struct text word = text_trim(text_split(&rest, ','));
        int kind = 0;
        while (kind < RECORD_KINDS && !text_equals(word, text_of(kind_names[kind])))
            kind++;
        if (kind == RECORD_KINDS) {
            *bad = word;
            return false;
        }
        set |= UINT32_C(1) << kind;
    }
    *result = set;
    return true;
}

/* --- the way out --- */

void record_writer_init(struct record_writer *writer, int descriptor, bool json, bool colour)
{
    *writer = (struct record_writer){.descriptor = descriptor, .json = json, .colour = colour, .heading = -1};
    buffer_init(&writer->out, OUT_MOST);
}

void record_writer_clear(struct record_writer *writer)
{
    buffer_clear(&writer->out);
}

void record_flush(struct record_writer *writer)
{
    size_t written = 0;
    while (written < writer->out.length && !writer->reader_gone && writer->failed == 0) {
        ssize_t step = write(writer->descriptor, writer->out.bytes + written, writer->out.length - written);
        if (step >= 0)
            written += (size_t)step;
        else if (errno == EPIPE)
            writer->reader_gone = true;
        else if (errno != EINTR)
            writer->failed = errno;
    }
    buffer_drop_front(&writer->out, writer->out.length);
}

static void finish(struct record_writer *writer, bool good)
{
    if (!good && writer->failed == 0)
        writer->failed = ENOMEM;
    if (writer->out.length >= OUT_FLUSH)
        record_flush(writer);
}

static bool head(struct record_writer *writer, enum record_kind kind, const char *heading)
{
    if (writer->heading == (int)kind)
        return true;
    bool first = writer->heading < 0;
    writer->heading = (int)kind;
    return buffer_printf(&writer->out, "%s%s%s%s\n", first ? "" : "\n", writer->colour ? "\033[1m" : "", heading,
                         writer->colour ? "\033[0m" : "");
}

static const char *colour_of(const struct record_writer *writer, enum verdict verdict)
{
    static const char *const colours[VERDICTS] = {"", "\033[36m", "\033[33m", "\033[35m", "\033[1;31m"};
    return writer->colour ? colours[verdict] : "";
}

static const char *colour_off(const struct record_writer *writer)
{
    return writer->colour ? "\033[0m" : "";
}

#define POINTS_TEXT 16
static const char *print_points(points value, char result[POINTS_TEXT])
{
    unsigned size = (unsigned)(value < 0 ? -(int64_t)value : value);
    snprintf(result, POINTS_TEXT, "%s%u.%02u", value < 0 ? "-" : "", size / 100, size % 100);
    return result;
}

static const char *print_clock(moment time, char result[MOMENT_TEXT]) /* to the second: what a person wants to read */
{
    moment_print(time, result);
    result[10] = ' ';
    result[19] = '\0';
    return result;
}

/* What another sent, fit for a terminal, in a place of fixed width. */
static const char *show(struct text text, char *result, size_t size)
{
    text_copy_printable(text, result, size);
    return result[0] ? result : "-";
}

/* --- session --- */

static void digest_print(const struct smtp_transaction *transaction, char result[33])
{
    result[0] = '\0';
    if (transaction->content && transaction->complete)
        snprintf(result, 33, "%016" PRIx64 "%016" PRIx64, transaction->digest[1], transaction->digest[0]);
}

static void write_transaction(struct json *json, const struct smtp_transaction *transaction)
{
    char digest[33];
    json_object_open(json, NULL);
    json_text(json, "from", transaction->from);
    json_array_open(json, "recipients");
    for (uint32_t i = 0; i < transaction->recipient_count; i++) {
        json_object_open(json, NULL);
        json_text(json, "address", transaction->recipients[i].address);
        json_unsigned(json, "code", transaction->recipients[i].code);
        json_object_close(json);
    }
    json_array_close(json);
    if (transaction->recipients_left_out > 0)
        json_unsigned(json, "recipients_left_out", transaction->recipients_left_out);
    json_unsigned(json, "code", transaction->code);
    json_unsigned(json, "bytes", transaction->bytes);
    digest_print(transaction, digest);
    json_string(json, "digest", digest);
    json_object_close(json);
}

static void session_as_json(struct record_writer *writer, const struct session_summary *session)
{
    const struct smtp_summary *dialogue = &session->dialogue;
    struct json json = json_begin(&writer->out);
    json_string(&json, "record", "session");
    json_moment(&json, "start", session->start);
    json_moment(&json, "end", session->end);
    json_address(&json, "client", &session->ends.origin.address);
    json_unsigned(&json, "client_port", session->ends.origin.client_port);
    json_address(&json, "server", &session->ends.server);
    json_unsigned(&json, "server_port", session->ends.server_port);
    json_unsigned(&json, "vlan", session->ends.origin.vlan);
    json_text(&json, "helo", dialogue->helo);
    json_string(&json, "tls", tls_use_name(dialogue->tls));
    json_string(&json, "auth", auth_outcome_name(dialogue->auth));
    json_text(&json, "user", dialogue->user);
    json_string(&json, "closed", close_reason_name(session->closed));
    json_bool(&json, "gapped", session->gapped);
    if (dialogue->tls != TLS_NONE) {
        char fingerprint[17];
        snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, dialogue->fingerprint);
        json_text(&json, "server_name", dialogue->server_name);
        json_string(&json, "fingerprint", dialogue->fingerprint ? fingerprint : "");
    }
    json_array_open(&json, "transactions");
    for (uint32_t i = 0; i < dialogue->transaction_count; i++)
        write_transaction(&json, &dialogue->transactions[i]);
    json_array_close(&json);
    if (dialogue->transactions_left_out > 0)
        json_unsigned(&json, "transactions_left_out", dialogue->transactions_left_out);
    finish(writer, json_end(&json));
}

static void session_as_row(struct record_writer *writer, const struct session_summary *session)
{
    const struct smtp_summary *dialogue = &session->dialogue;
    char start[MOMENT_TEXT], client[ADDRESS_TEXT], server[ADDRESS_TEXT + 8], plain[ADDRESS_TEXT], helo[48];
    uint64_t recipients = 0, bytes = 0;
    for (uint32_t i = 0; i < dialogue->transaction_count; i++) {
        recipients += dialogue->transactions[i].recipient_count + dialogue->transactions[i].recipients_left_out;
        bytes += dialogue->transactions[i].bytes;
    }
    snprintf(server, sizeof server, session->ends.server.family == 6 ? "[%s]:%u" : "%s:%u",
             address_print(&session->ends.server, plain), session->ends.server_port);
    bool good = head(writer, RECORD_SESSION,
                     "START                CLIENT                   SERVER                        "
                     "TLS       AUTH      CLOSED   MAILS  RCPTS       BYTES  HELO");
    good =
        good &&
        buffer_printf(&writer->out, "%-19s  %-23s  %-28s  %-8s  %-8s  %-7s  %5u  %5" PRIu64 "  %10" PRIu64 "  %s\n",
                      print_clock(session->start, start), address_print(&session->ends.origin.address, client), server,
                      tls_use_name(dialogue->tls), auth_outcome_name(dialogue->auth),
                      close_reason_name(session->closed), dialogue->transaction_count + dialogue->transactions_left_out,
                      recipients, bytes, show(dialogue->helo, helo, sizeof helo));
    finish(writer, good);
}

void record_session(struct record_writer *writer, const struct session_summary *session)
{
    if (writer->json)
        session_as_json(writer, session);
    else
        session_as_row(writer, session);
}

static void write_whose(struct json *json, const struct sender_record *record)
{
    const struct address *address = whose_address(&record->whose, &record->sender);
    json_string(json, "customer", record->whose.customer);
    if (address)
        json_address(json, "address", address);
}

/* --- verdict --- */

static void verdict_as_json(struct record_writer *writer, const struct verdict_change *change)
{
    char sender[SENDER_TEXT];
    struct json json = json_begin(&writer->out);
    json_string(&json, "record", "verdict");
    json_moment(&json, "time", change->time);
    json_string(&json, "sender", sender_print(&change->record->sender, sender));
    write_whose(&json, change->record);
    json_string(&json, "verdict", verdict_name(change->verdict));
    json_hundredths(&json, "score", change->score);
    json_unsigned(&json, "messages_before", change->messages_before);
    json_unsigned(&json, "recipients_before", change->recipients_before);
    json_moment(&json, "hold_until", change->hold_until);
    json_unsigned(&json, "repeats", change->repeats);
    json_array_open(&json, "evidence");
    for (uint32_t i = 0; i < change->evidence_count; i++) {
        json_object_open(&json, NULL);
        json_string(&json, "detector", change->evidence[i].detector);
        json_hundredths(&json, "points", change->evidence[i].points);
        json_string(&json, "reason", change->evidence[i].reason);
        json_object_close(&json);
    }
    json_array_close(&json);
    finish(writer, json_end(&json));
}

static void verdict_as_row(struct record_writer *writer, const struct verdict_change *change)
{
    char time[MOMENT_TEXT], sender[SENDER_TEXT], score[POINTS_TEXT];
    bool good = head(writer, RECORD_VERDICT,
                     "TIME                 SENDER                   VERDICT    SCORE  MAILS BEFORE  EVIDENCE");
    good = good && buffer_printf(&writer->out, "%-19s  %-23s  %s%-8s%s  %6s  %12" PRIu64 "  ",
                                 print_clock(change->time, time), sender_print(&change->record->sender, sender),
                                 colour_of(writer, change->verdict), verdict_name(change->verdict), colour_off(writer),
                                 print_points(change->score, score), change->messages_before);
    for (uint32_t i = 0; i < change->evidence_count; i++)
        good = good && buffer_printf(&writer->out, "%s%s (%s)", i ? "; " : "", change->evidence[i].reason,
                                     print_points(change->evidence[i].points, score));
    finish(writer, good && buffer_append_byte(&writer->out, '\n'));
}

void record_verdict(struct record_writer *writer, const struct verdict_change *change)
{
    if (writer->json)
        verdict_as_json(writer, change);
    else
        verdict_as_row(writer, change);
}

/* --- sender --- */

static void sender_as_json(struct record_writer *writer, const struct senders *senders, const struct judge_view *view)
{
    const struct sender_record *record = view->record;
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {
        {"connections", record->connections},
        {"connect_failed", record->connect_failed},
        {"messages", record->messages},
        {"messages_rejected", record->messages_rejected},
        {"recipients", record->recipients},
        {"recipients_rejected", record->recipients_rejected},
        {"recipients_deferred", record->recipients_deferred},
        {"bytes", record->bytes},
        {"tls_sessions", record->tls_sessions},
        {"distinct_recipients", senders_distinct(senders, &record->distinct_recipients)},
        {"distinct_senders", senders_distinct(senders, &record->distinct_senders)},
        {"distinct_helos", senders_distinct(senders, &record->distinct_helos)},
        {"distinct_servers", senders_distinct(senders, &record->distinct_servers)},
    };
    char sender[SENDER_TEXT];
    struct json json = json_begin(&writer->out);
    json_string(&json, "record", "sender");
    json_string(&json, "sender", sender_print(&record->sender, sender));
    write_whose(&json, record);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_unsigned(&json, counts[i].key, counts[i].value);
    json_hundredths(&json, "score", view->score);
    json_string(&json, "verdict", verdict_name(view->verdict));
    json_string(&json, "worst_verdict", verdict_name(view->worst));
    finish(writer, json_end(&json));
}

#define SENDER_HEADING                                                                                                 \
    "SENDER                    SCORE  VERDICT   WORST      CONNS  FAILED   MAILS  REJECTED   RCPTS"                    \
    "      5XX      4XX  SERVERS         BYTES"

static void sender_as_row(struct record_writer *writer, const struct senders *senders, const struct judge_view *view)
{
    const struct sender_record *record = view->record;
    char sender[SENDER_TEXT], score[POINTS_TEXT];
    bool good = head(writer, RECORD_SENDER, writer->customers ? SENDER_HEADING "  CUSTOMER" : SENDER_HEADING);
    good =
        good && buffer_printf(&writer->out,
                              "%-23s  %6s  %s%-8s%s  %s%-8s%s  %6" PRIu64 "  %6" PRIu64 "  %6" PRIu64 "  %8" PRIu64
                              "  %6" PRIu64 "  %7" PRIu64 "  %7" PRIu64 "  %7" PRIu64 "  %12" PRIu64,
                              sender_print(&record->sender, sender), print_points(view->score, score),
                              colour_of(writer, view->verdict), verdict_name(view->verdict), colour_off(writer),
                              colour_of(writer, view->worst), verdict_name(view->worst), colour_off(writer),
                              record->connections, record->connect_failed, record->messages, record->messages_rejected,
                              record->recipients, record->recipients_rejected, record->recipients_deferred,
                              senders_distinct(senders, &record->distinct_servers), record->bytes);
    if (writer->customers && record->whose.customer[0])
        good = good && buffer_printf(&writer->out, "  %s", record->whose.customer);
    finish(writer, good && buffer_append_byte(&writer->out, '\n'));
}

void record_sender(struct record_writer *writer, const struct senders *senders, const struct judge_view *view)
{
    if (writer->json)
        sender_as_json(writer, senders, view);
    else
        sender_as_row(writer, senders, view);
}

/* --- summary --- */

static void summary_as_row(struct record_writer *writer, const struct record_summary *s)
{
    char span[DURATION_TEXT];
    bool good = head(writer, RECORD_SUMMARY,
                     "FILES     PACKETS          BYTES  CONNECTIONS    MAILS  SENDERS  GAPPED  OBSERVATIONS  SPAN");
    good = good &&
           buffer_printf(&writer->out,
                         "%5" PRIu64 "  %10" PRIu64 "  %13" PRIu64 "  %11" PRIu64 "  %7" PRIu64 "  %7" PRIu64
                         "  %6" PRIu64 "  %12" PRIu64 "  %s\n",
                         s->files, s->packets, s->bytes, s->connections, s->messages, s->senders, s->streams_gapped,
                         s->observations, duration_print(s->span / MILLISECOND * MILLISECOND, span));
    finish(writer, good);
}

void record_summary(struct record_writer *writer, const struct record_summary *s)
{
    if (!writer->json) {
        summary_as_row(writer, s);
        return;
    }
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {
        {"files", s->files},
        {"packets", s->packets},
        {"bytes", s->bytes},
        {"connections", s->connections},
        {"messages", s->messages},
        {"senders", s->senders},
        {"streams_gapped", s->streams_gapped},
        {"lines", s->lines},
        {"lines_unparsed", s->lines_unparsed},
        {"observations", s->observations},
    };
    struct json json = json_begin(&writer->out);
    json_string(&json, "record", "summary");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_unsigned(&json, counts[i].key, counts[i].value);
    json_hundredths(&json, "seconds", (s->span + SECOND / 200) / (SECOND / 100));
    finish(writer, json_end(&json));
}
