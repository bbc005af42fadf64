/* The watcher: the process that reads what strangers send, and that may therefore do nothing else. It has no user of
 * any standing, no files, no network; packets come out of rings that others opened, and what it finds leaves as
 * messages of fixed size. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>
#include <unistd.h>
#include "agent/message/role.h"
#include "agent/message/talk.h"
#include "agent/log/content.h"
#include "agent/watcher/cuts.h"
#include "agent/watcher/firm.h"
#include "agent/watcher/log_reader.h"
#include "agent/watcher/mind.h"
#include "agent/watcher/reply.h"
#include "agent/watcher/report.h"
#include "agent/watcher/ring.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "common/io/sandbox.h"

#define BLOCKS_AT_ONCE   8                   /* of one ring; then the others have their turn */
#define WAITING_MOST     65536               /* messages for the warden or the courier */
#define SAMPLES_WAITING  64                  /* ... with so many before it, no sample is added for the courier */
#define LAG              (100 * MILLISECOND) /* frames of up to this age may still lie in a ring */
#define WAIT_STEP        (5 * MILLISECOND)
#define LOGS_PAUSE       (100 * MILLISECOND) /* between looks at files that had nothing new */
#define DROPS_SAID_EVERY 60                  /* seconds */
#define TRAFFIC_EVERY    60                  /* seconds */
#define FIRM_EVERY       5                   /* seconds */

struct port {
    struct watcher *watcher;
    struct message_port_opened opened;
    struct ring *ring;
    sd_event_source *source;
    struct port *next;
};

struct watcher {
    struct log log;
    sd_event *loop;
    sd_event_source *cutting, *waiting, *reading;
    struct talk *warden, *courier;
    struct mind *mind;
    struct log_reader *logs;   /* NULL: none are wanted */
    struct contents *contents; /* NULL: there is no milter */
    struct cuts *cuts;
    struct report *report;
    struct firm *firm;
    struct port *ports;
    int bundle, memory; /* -1: not here yet */
    struct siphash_key key;
    bool fresh, enforcing, repeat;
    moment started;
    uint64_t dropped, dropped_said, orders, memory_bytes;
    uint32_t seconds;
};

/* --- what the judge says -------------------------------------------------------------------------------------------
 */

static void on_verdict(void *context, const struct verdict_change *change)
{
    struct watcher *watcher = context;
    report_verdict(watcher->report, change);
}

static void on_order(void *context, const struct order *order)
{
    struct watcher *watcher = context;
    union message message;
    message_prepare(&message, MESSAGE_ORDER, 0);
    message.order.order = *order;
    talk_say(watcher->warden, &message, -1, TALK_MUST);
    watcher->orders++;
    /* A mail server refuses an account's next recipient by itself; its other connections are not the account's. */
    if (order->deed == DEED_BLOCK && order->target.kind != SENDER_ACCOUNT)
        cuts_begin(watcher->cuts, &order->target, clock_steady());
    else
        cuts_forget(watcher->cuts, &order->target);
}

static void on_evidence(void *context, const struct sender_record *record, const struct evidence *evidence,
                        points added)
{
    struct watcher *watcher = context;
    report_evidence(watcher->report, record, evidence, added, 0);
    firm_note(watcher->firm, record);
}

static void on_storm(void *context, moment time, bool begins, uint32_t ordered, uint32_t active)
{
    struct watcher *watcher = context;
    char text[240];
    if (begins)
        snprintf(text, sizeof(text),
                 "orders are held back: %u of the %u senders seen within an hour were stopped, which is likelier our "
                 "mistake than theirs; someone should look",
                 ordered, active);
    else
        snprintf(text, sizeof(text), "orders are carried out again: %u of %u senders were stopped within the hour",
                 ordered, active);
    report_event(watcher->report, time, begins ? 2 : 0, "storm", text);
}

static void on_body(void *context, const struct sender_record *record, moment time, const struct bodies_news *news)
{
    struct watcher *watcher = context;
    report_body(watcher->report, record, time, news);
}

static bool on_firm(void *context, moment time, const struct firm_change *change)
{
    struct watcher *watcher = context;
    return report_points(watcher->report, time, change->record, change->points, change->score);
}

/* --- cutting connections -------------------------------------------------------------------------------------------
 */

static void on_reset(void *context, const union message *reset)
{
    struct watcher *watcher = context;
    talk_say(watcher->warden, reset, -1, TALK_NEWS);
}

static int on_cutting(sd_event_source *source, uint64_t now, void *context);

static void cut(struct watcher *watcher)
{
    if (!watcher->enforcing)
        return;
    duration next = cuts_due(watcher->cuts, packet_path_streams(mind_path(watcher->mind)), mind_senders(watcher->mind),
                             clock_steady());
    watcher->cutting = sd_event_source_disable_unref(watcher->cutting);
    if (next) {
        duration wait = next - clock_steady();
        sd_event_add_time_relative(watcher->loop, &watcher->cutting, CLOCK_MONOTONIC,
                                   (uint64_t)(wait > 0 ? wait / MICROSECOND : 0), 1000, on_cutting, watcher);
    }
}

static int on_cutting(sd_event_source *source, uint64_t now, void *context)
{
    (void)source;
    (void)now;
    cut(context);
    return 0;
}

/* --- packets -------------------------------------------------------------------------------------------------------
 */

static void on_frames(void *context, const struct frame *frames, size_t count)
{
    struct watcher *watcher = context;
    mind_frames(watcher->mind, frames, count);
}

/* Whose a connection is has been asked and not been answered: come back soon. */
static int on_waiting(sd_event_source *source, uint64_t when, void *context);

static void wait_for_owners(struct watcher *watcher)
{
    if (!mind_wait(watcher->mind, clock_steady()) || watcher->waiting)
        return;
    sd_event_add_time_relative(watcher->loop, &watcher->waiting, CLOCK_MONOTONIC, WAIT_STEP / MICROSECOND, 1000,
                               on_waiting, watcher);
}

static int on_waiting(sd_event_source *source, uint64_t when, void *context)
{
    struct watcher *watcher = context;
    uint64_t orders = watcher->orders;
    (void)source;
    (void)when;
    watcher->waiting = sd_event_source_disable_unref(watcher->waiting);
    wait_for_owners(watcher);
    if (orders != watcher->orders)
        cut(watcher);
    return 0;
}

static void on_owner(struct watcher *watcher, const struct message_owner *answer)
{
    uint64_t orders = watcher->orders;
    mind_owner(watcher->mind, answer);
    if (orders != watcher->orders)
        cut(watcher);
}

static void on_ask_owner(void *context, const union message *question)
{
    struct watcher *watcher = context;
    talk_say(watcher->warden, question, -1, TALK_NEWS);
}

static void on_own(void *context, struct origin *origin, const struct address *server, uint16_t server_port)
{
    struct watcher *watcher = context;
    mind_fill_owner(watcher->mind, origin, server, server_port);
}

/* For the courier, while it is there and not behind. */
static bool on_sample(void *context, const union message *sample, int memory)
{
    struct watcher *watcher = context;
    if (watcher->courier && talk_waiting(watcher->courier) < SAMPLES_WAITING)
        return talk_say(watcher->courier, sample, memory, TALK_NEWS);
    close(memory);
    return false;
}

static int on_packets(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    struct port *port = context;
    uint64_t orders = port->watcher->orders;
    (void)source;
    (void)descriptor;
    if (events & (EPOLLERR | EPOLLHUP))
        ring_forgive(port->ring);
    mind_wait(port->watcher->mind, clock_steady());
    ring_read(port->ring, BLOCKS_AT_ONCE, on_frames, port->watcher);
    wait_for_owners(port->watcher);
    if (orders != port->watcher->orders)
        cut(port->watcher);
    return 0;
}

static void close_port(struct port *port)
{
    senders_drop_port(mind_senders(port->watcher->mind), port->opened.number);
    sd_event_source_disable_unref(port->source);
    ring_close(&port->ring);
    free(port);
}

static void on_port_closed(struct watcher *watcher, uint32_t number)
{
    for (struct port **at = &watcher->ports; *at; at = &(*at)->next) {
        struct port *port = *at;
        if (port->opened.number != number)
            continue;
        *at = port->next;
        ring_read(port->ring, UINT32_MAX, on_frames, watcher); /* what was seen before it went */
        watcher->dropped += ring_drops(port->ring);
        close_port(port);
        return;
    }
}

static int open_port(struct watcher *watcher, const struct message_port_opened *opened, int descriptor,
                     struct error *error)
{
    struct sender sender = sender_from_port(opened->interface);
    on_port_closed(watcher, opened->number); /* the same position anew */
    if (opened->guest && opened->other_guest)
        senders_forget(mind_senders(watcher->mind), &sender);
    struct port *port = calloc(1, sizeof(*port));
    if (!port) {
        close(descriptor);
        return error_set(error, ENOMEM, "no memory for another port");
    }
    port->watcher = watcher;
    port->opened = *opened;
    int code = ring_open(opened, descriptor, &port->ring, error);
    if (code == 0) {
        code = sd_event_add_io(watcher->loop, &port->source, ring_descriptor(port->ring), EPOLLIN, on_packets, port);
        code = code < 0 ? error_set(error, -code, "cannot watch a packet ring: %s", strerror(-code)) : 0;
    }
    struct senders_port place = {.number = opened->number};
    memcpy(place.interface, opened->interface, sizeof(place.interface));
    if (code == 0 && opened->guest && !senders_set_port(mind_senders(watcher->mind), &place))
        code = error_set(error, ENOMEM, "%s: no place for another port", opened->interface);
    if (code != 0) {
        sd_event_source_disable_unref(port->source);
        ring_close(&port->ring);
        free(port);
        return code;
    }
    port->next = watcher->ports;
    watcher->ports = port;
    return 0;
}

static void count_drops(struct watcher *watcher, moment now)
{
    char text[160];
    for (struct port *port = watcher->ports; port; port = port->next)
        watcher->dropped += ring_drops(port->ring);
    if (watcher->dropped == watcher->dropped_said || watcher->seconds % DROPS_SAID_EVERY != 0)
        return;
    snprintf(text, sizeof(text), "%llu packets were lost because we were too slow; counts of this minute are too low",
             (unsigned long long)(watcher->dropped - watcher->dropped_said));
    watcher->dropped_said = watcher->dropped;
    report_event(watcher->report, now, 1, "drops", text);
}

/* --- logs ----------------------------------------------------------------------------------------------------------
 */

static void on_log_observation(void *context, const struct observation *observation)
{
    struct watcher *watcher = context;
    mind_hear_log(watcher->mind, observation);
}

static void on_log_trace(void *context, const struct log_trace *trace)
{
    struct watcher *watcher = context;
    mind_hear_trace(watcher->mind, trace);
}

static void on_log_settle(void *context)
{
    struct watcher *watcher = context;
    mind_settle(watcher->mind);
}

static void on_log_sentence(void *context, const char *sentence)
{
    struct watcher *watcher = context;
    report_event(watcher->report, clock_now(), 1, "logs", sentence);
}

static int on_reading(sd_event_source *source, uint64_t when, void *context)
{
    struct watcher *watcher = context;
    uint64_t orders = watcher->orders;
    (void)when;
    moment now = clock_now();
    bool more = log_reader_step(watcher->logs, now, clock_east(now));
    if (orders != watcher->orders)
        cut(watcher);
    sd_event_source_set_time_relative(source, more ? 0 : LOGS_PAUSE / MICROSECOND);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static bool is_logged(void *context, struct text queue)
{
    const struct watcher *watcher = context;
    return watcher->logs && log_reader_knows(watcher->logs, queue);
}

static bool is_seen(void *context, const struct observation *message)
{
    struct watcher *watcher = context;
    return mind_saw(watcher->mind, message);
}

static void on_content(struct watcher *watcher, const struct message_content *message)
{
    const struct content content = {
        .queue = text_of(message->queue),
        .client = message->client,
        .account = text_of(message->account),
        .sender = text_of(message->sender),
        .helo = text_of(message->helo),
        .recipients = message->recipients,
        .bytes = message->bytes,
        .digest = {message->digest[0], message->digest[1]},
        .likeness = message->likeness,
    };
    if (watcher->contents)
        contents_add(watcher->contents, &content, clock_now());
}

static int begin_contents(struct watcher *watcher, struct error *error)
{
    const struct contents_listener listener = {watcher, is_logged, is_seen, on_log_observation};
    if (!mind_settings(watcher->mind)->milter.listen[0])
        return 0;
    watcher->contents = contents_create(&watcher->key, &listener, error);
    return watcher->contents ? 0 : -ENOMEM;
}

static int begin_logs(struct watcher *watcher, struct text bundle, struct error *error)
{
    const struct logs_settings *logs = &mind_settings(watcher->mind)->logs;
    const struct log_reader_settings settings = {bundle, logs, watcher->key, watcher->contents};
    const struct log_reader_listener listener = {watcher, on_log_observation, on_log_settle, on_log_sentence,
                                                 on_log_trace};
    return settings_reads_logs(logs) ? log_reader_create(&settings, &listener, clock_now(), &watcher->logs, error) : 0;
}

static int on_log_record(struct watcher *watcher, int descriptor, struct error *error)
{
    union message message;
    if (!watcher->logs || watcher->reading) {
        close(descriptor);
        return 0;
    }
    message_prepare(&message, MESSAGE_LOG_SINCE, 0);
    message.log_since.since = log_reader_resume(watcher->logs, descriptor, clock_now());
    talk_say(watcher->warden, &message, -1, TALK_MUST);
    int code = sd_event_add_time_relative(watcher->loop, &watcher->reading, CLOCK_MONOTONIC, LOGS_PAUSE / MICROSECOND,
                                          10000, on_reading, watcher);
    /* Packets are lost when they wait, lines are not. */
    if (code >= 0)
        code = sd_event_source_set_priority(watcher->reading, SD_EVENT_PRIORITY_IDLE);
    return code < 0 ? error_set(error, -code, "cannot begin with the logs: %s", strerror(-code)) : 0;
}

static void on_log(struct watcher *watcher, const struct message_log *log, int descriptor)
{
    if (!watcher->logs) {
        if (descriptor >= 0)
            close(descriptor);
        return;
    }
    log_reader_hear(watcher->logs, log, descriptor, clock_now());
    mind_follow_logs(watcher->mind, log_reader_counters(watcher->logs).files > 0);
}

/* --- the courier ---------------------------------------------------------------------------------------------------
 */

static void say_status(struct watcher *watcher, uint32_t question)
{
    union message message;
    struct message_status_watcher *status = &message.status_watcher;
    struct packet_counters counters = packet_path_counters(mind_path(watcher->mind));
    message_prepare(&message, MESSAGE_STATUS_WATCHER, question);
    status->started = watcher->started;
    status->now = clock_now();
    status->packets = counters.frames;
    status->bytes = counters.bytes;
    status->dropped = watcher->dropped;
    status->connections = counters.streams.opened;
    status->sessions = counters.sessions;
    status->sessions_gapped = counters.sessions_gapped;
    status->observations = counters.observations;
    status->streams_open = counters.streams.open_now;
    status->bytes_held = counters.streams.bytes_held_now;
    status->senders = senders_number(mind_senders(watcher->mind));
    status->malformed = counters.malformed;
    status->orders_sent = watcher->orders;
    status->memory = watcher->memory_bytes;
    struct senders *senders = mind_senders(watcher->mind);
    status->let_go = senders_details_let_go(senders);
    if (watcher->logs) {
        struct log_reader_counters logs = log_reader_counters(watcher->logs);
        status->log_files = logs.files;
        status->log_lines = logs.lines;
        status->log_unparsed = logs.unparsed;
        status->log_late = logs.late;
        status->log_lost_bytes = logs.lost_bytes;
    }
    struct pairing_counters pairing = mind_pairing(watcher->mind);
    status->paired = pairing.paired;
    status->unpaired = pairing.alone;
    status->unpaired_crowded = pairing.crowded;
    status->pairing_waiting = pairing.waiting;
    struct sampling_counters sampling = mind_sampling(watcher->mind);
    status->samples_kept = sampling.kept;
    status->samples_told = sampling.told;
    status->samples_bytes = sampling.bytes;
    status->samples_lost = sampling.lost;
    status->samples_crowded = sampling.crowded;
    status->samples_held = sampling.held;
    for (struct sender_record *r = senders_oldest(senders); r; r = senders_younger(senders, r))
        status->messages += r->messages;
    for (struct port *port = watcher->ports; port; port = port->next)
        status->ports++;
    talk_say(watcher->courier, &message, -1, TALK_MUST);
}

/* The answer says that it was judged: until then the courier keeps it. */
static void on_told(struct watcher *watcher, const union message *told, moment now)
{
    uint64_t orders = watcher->orders;
    union message message;
    mind_hear_told(watcher->mind, told, now);
    if (orders != watcher->orders)
        cut(watcher);
    message_prepare(&message, MESSAGE_DONE, told->head.question);
    talk_say(watcher->courier, &message, -1, TALK_MUST);
}

static void on_courier_message(void *context, const union message *message, int descriptor)
{
    struct watcher *watcher = context;
    uint32_t question = message->head.question;
    moment now = clock_now();
    if (descriptor >= 0)
        close(descriptor);
    switch (message->head.kind) {
    case MESSAGE_ASK_STATUS:
        say_status(watcher, question);
        break;
    case MESSAGE_ASK_SENDERS:
        reply_senders(watcher->courier, watcher->mind, question, message->ask_senders.most, now);
        break;
    case MESSAGE_ASK_CUSTOMERS:
        reply_customers(watcher->courier, watcher->mind, question, message->ask_senders.most, now);
        break;
    case MESSAGE_ASK_EXPLAIN:
        reply_explain(watcher->courier, watcher->mind, question, &message->ask_explain.sender, now);
        break;
    case MESSAGE_CAMPAIGN:
        judge_campaign(mind_judge(watcher->mind), &message->campaign.campaign, now);
        break;
    case MESSAGE_CUSTOMER:
        judge_customer(mind_judge(watcher->mind), &message->customer.customer, now);
        break;
    case MESSAGE_CONTENT:
        on_content(watcher, &message->content);
        break;
    case MESSAGE_FILTERED:
    case MESSAGE_LISTED:
    case MESSAGE_COMPLAINED:
        on_told(watcher, message, now);
        break;
    case MESSAGE_COMMAND:
        mind_tick(watcher->mind, now);
        reply_command(watcher->courier, watcher->mind, &message->command, now);
        cut(watcher);
        break;
    default:
        break;
    }
}

/* The courier died, or broke the rules: the warden sees the first by itself; the second is a reason to end it, which
 * closing does. */
static void on_courier_ended(void *context, const struct error *why)
{
    struct watcher *watcher = context;
    if (why->code != ECONNRESET)
        log_write(&watcher->log, LOG_TROUBLE, "courier: %s", why->text);
    report_connect(watcher->report, NULL);
    talk_close(&watcher->courier);
}

static void on_peer(struct watcher *watcher, int descriptor)
{
    const struct talk_listener listener = {watcher, on_courier_message, on_courier_ended};
    struct error error = {0};
    report_connect(watcher->report, NULL);
    talk_close(&watcher->courier);
    if (talk_open(watcher->loop, (struct channel){descriptor, ROLE_WATCHER, ROLE_COURIER}, &listener, WAITING_MOST,
                  &watcher->courier, &error) != 0)
        log_write(&watcher->log, LOG_TROUBLE, "%s", error.text);
    else
        report_connect(watcher->report, watcher->courier);
}

/* --- the warden ----------------------------------------------------------------------------------------------------
 */

static int begin(struct watcher *watcher, struct text bundle, struct error *error)
{
    struct mind_beginning beginning = {.bundle = bundle,
                                       .memory = watcher->memory,
                                       .key = watcher->key,
                                       .fresh = watcher->fresh,
                                       .listener = {watcher, on_verdict, on_order, on_evidence, on_storm, on_body},
                                       .ask = on_ask_owner,
                                       .sample = on_sample};
    struct mind_memory memory;
    char text[200];
    int code = mind_create(&beginning, &watcher->mind, &memory, error);
    if (code != 0)
        return code;
    code = begin_contents(watcher, error);
    if (code == 0)
        code = begin_logs(watcher, bundle, error);
    if (code != 0)
        return code;
    watcher->memory_bytes = memory.bytes;
    watcher->repeat = memory.adopted;
    firm_begin(watcher->firm, mind_judge(watcher->mind), mind_senders(watcher->mind), clock_now());
    if (memory.adopted)
        snprintf(text, sizeof(text), "%u senders are known from before%s", memory.senders,
                 memory.dropped ? "; those that were being changed were forgotten" : "");
    else if (!watcher->fresh)
        snprintf(text, sizeof(text), "nothing is known from before: the senders' memory has another shape now");
    else
        return 0;
    report_event(watcher->report, clock_now(), memory.adopted ? 0 : 1, "restart", text);
    return 0;
}

/* The first configuration begins everything; a later one changes policy and detectors. */
static int on_configuration(struct watcher *watcher, int descriptor, struct error *error)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return error_set(error, errno, "cannot look at the configuration: %s", strerror(errno));
    size_t size = (size_t)status.st_size;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED)
        return error_set(error, errno, "cannot map the configuration: %s", strerror(errno));
    struct text bundle = {bytes, size};
    int code = watcher->mind ? mind_reload(watcher->mind, bundle, error) : begin(watcher, bundle, error);
    munmap(bytes, size);
    return code;
}

static void on_memory(struct watcher *watcher, const struct message_memory *memory, int descriptor)
{
    if (watcher->memory >= 0)
        close(watcher->memory);
    watcher->memory = descriptor;
    watcher->fresh = memory->fresh;
    watcher->key = (struct siphash_key){{memory->key[0], memory->key[1]}};
}

static int on_second(sd_event_source *source, uint64_t when, void *context)
{
    struct watcher *watcher = context;
    moment now = clock_now();
    (void)when;
    watcher->seconds++;
    if (watcher->logs)
        mind_follow_logs(watcher->mind, log_reader_counters(watcher->logs).files > 0);
    mind_tick(watcher->mind, now - LAG);
    if (watcher->contents)
        contents_tick(watcher->contents, now);
    count_drops(watcher, now);
    report_tick(watcher->report);
    if (watcher->seconds % FIRM_EVERY == 0)
        firm_tick(watcher->firm, mind_judge(watcher->mind), mind_senders(watcher->mind), now, on_firm, watcher);
    if (watcher->seconds % TRAFFIC_EVERY == 0)
        (void)report_traffic(watcher->report, mind_senders(watcher->mind), now); /* else with the next minute */
    cut(watcher);
    talk_plain(watcher->warden, MESSAGE_ALIVE, 0, TALK_NEWS);
    sd_event_source_set_time_relative(source, SECOND / MICROSECOND);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* What this process alone knows to be in force is told again: the book of a warden that lived on has it already, a new
 * one has not. */
static int on_ready(struct watcher *watcher, struct error *error)
{
    if (watcher->repeat)
        judge_repeat_orders(mind_judge(watcher->mind), clock_now());
    int code = sd_event_add_time_relative(watcher->loop, NULL, CLOCK_MONOTONIC, 0, 1000, on_second, watcher);
    return code < 0 ? error_set(error, -code, "cannot begin: %s", strerror(-code)) : 0;
}

static void on_enforcement(struct watcher *watcher, bool on)
{
    bool switched_on = on && !watcher->enforcing && watcher->mind;
    watcher->enforcing = on;
    if (switched_on)
        cut(watcher);
}

/* CONFIGURATION comes before MEMORY, and both are needed to begin. */
static int on_handed_over(struct watcher *watcher, const union message *message, int descriptor, struct error *error)
{
    if (message->head.kind == MESSAGE_MEMORY)
        on_memory(watcher, &message->memory, descriptor);
    else if (watcher->bundle >= 0)
        close(watcher->bundle);
    if (message->head.kind == MESSAGE_CONFIGURATION)
        watcher->bundle = descriptor;
    if (watcher->bundle < 0 || watcher->memory < 0 || (watcher->mind && message->head.kind == MESSAGE_MEMORY))
        return 0;
    int code = on_configuration(watcher, watcher->bundle, error);
    if (code != 0 && watcher->mind) { /* the one in force stays */
        report_event(watcher->report, clock_now(), 2, "reload", error->text);
        code = 0;
    }
    close(watcher->bundle);
    watcher->bundle = -1;
    return code;
}

/* Blocked with its customer: its verdict is its own still, its connections are cut. */
static void on_held(struct watcher *watcher, const struct order *order)
{
    if (order->deed != DEED_BLOCK)
        return;
    cuts_begin(watcher->cuts, &order->target, clock_steady());
    cut(watcher);
}

static void on_warden_message(void *context, const union message *message, int descriptor)
{
    struct watcher *watcher = context;
    struct error error = {0};
    int code = 0;
    enum message_kind kind = message->head.kind;
    if (!watcher->mind && (kind == MESSAGE_READY || kind == MESSAGE_PORT_OPENED || kind == MESSAGE_PORT_CLOSED ||
                           kind == MESSAGE_LOG_RECORD)) {
        if (descriptor >= 0)
            close(descriptor);
        code = error_set(&error, EPROTO, "the warden goes on before it has begun");
    } else if (kind == MESSAGE_CONFIGURATION || kind == MESSAGE_MEMORY) {
        code = on_handed_over(watcher, message, descriptor, &error);
    } else if (kind == MESSAGE_PEER) {
        on_peer(watcher, descriptor);
    } else if (kind == MESSAGE_ENFORCEMENT) {
        on_enforcement(watcher, message->enforcement.on);
    } else if (kind == MESSAGE_READY) {
        code = on_ready(watcher, &error);
    } else if (kind == MESSAGE_PORT_OPENED) {
        if (open_port(watcher, &message->port_opened, descriptor, &error) != 0)
            report_event(watcher->report, clock_now(), 2, "port", error.text);
    } else if (kind == MESSAGE_PORT_CLOSED) {
        on_port_closed(watcher, message->port_closed.number);
    } else if (kind == MESSAGE_LOG_RECORD && watcher->mind) {
        code = on_log_record(watcher, descriptor, &error);
    } else if (kind == MESSAGE_LOG_FILE || kind == MESSAGE_LOG_NEWS) {
        on_log(watcher, &message->log, descriptor);
    } else if (kind == MESSAGE_ORDER_TOLD && watcher->mind) {
        on_held(watcher, &message->order.order);
    } else if (kind == MESSAGE_OWNER && watcher->mind) {
        on_owner(watcher, &message->owner);
    }
    if (code != 0) {
        log_write(&watcher->log, LOG_TROUBLE, "%s", error.text);
        sd_event_exit(watcher->loop, 1);
    }
}

static void on_warden_ended(void *context, const struct error *why)
{
    struct watcher *watcher = context;
    if (why->code != ECONNRESET)
        log_write(&watcher->log, LOG_TROUBLE, "%s", why->text);
    sd_event_exit(watcher->loop, why->code == ECONNRESET ? 0 : 1);
}

/* --- beginning and end ---------------------------------------------------------------------------------------------
 */

static int enter(struct watcher *watcher, int channel, struct error *error)
{
    static const int calls[] = {SCMP_SYS(getsockopt), SCMP_SYS(ftruncate), SCMP_SYS(shutdown),
                                /* logs */
                                SCMP_SYS(pread64), SCMP_SYS(pwrite64),
                                /* samples */
                                SCMP_SYS(memfd_create), SANDBOX_END};
    const struct talk_listener listener = {watcher, on_warden_message, on_warden_ended};
    sd_id128_t boot;
    int code = sd_event_new(&watcher->loop);
    if (code < 0)
        return error_set(error, -code, "cannot make an event loop: %s", strerror(-code));
    clock_read_zone();
    (void)sd_id128_get_boot(&boot); /* the loop's timers ask for it once, from a file, and remember it */
    watcher->cuts = cuts_create(&(struct cuts_listener){watcher, on_reset, on_own}, error);
    watcher->report = report_create(error);
    watcher->firm = watcher->report ? firm_create(error) : NULL;
    if (!watcher->cuts || !watcher->firm)
        return -ENOMEM;
    code = talk_open(watcher->loop, (struct channel){channel, ROLE_WATCHER, ROLE_WARDEN}, &listener, WAITING_MOST,
                     &watcher->warden, error);
    return code ? code : sandbox_enter(calls, error);
}

static void leave(struct watcher *watcher)
{
    if (watcher->mind)
        mind_finish(watcher->mind);
    while (watcher->ports) {
        struct port *port = watcher->ports;
        watcher->ports = port->next;
        close_port(port);
    }
    sd_event_source_disable_unref(watcher->cutting);
    sd_event_source_disable_unref(watcher->waiting);
    sd_event_source_disable_unref(watcher->reading);
    log_reader_destroy(&watcher->logs);
    contents_destroy(&watcher->contents);
    report_destroy(&watcher->report);
    firm_destroy(&watcher->firm);
    talk_close(&watcher->courier);
    talk_close(&watcher->warden);
    cuts_destroy(&watcher->cuts);
    mind_destroy(&watcher->mind);
    sd_event_unref(watcher->loop);
    if (watcher->memory >= 0)
        close(watcher->memory);
    if (watcher->bundle >= 0)
        close(watcher->bundle);
}

int watcher_main(const struct role_start *start)
{
    struct error error = {0};
    struct watcher watcher = {.bundle = -1, .memory = -1, .started = clock_now()};
    watcher.log = log_open("watcher");
    int code = enter(&watcher, start->channel, &error);
    if (code == 0)
        code = sd_event_loop(watcher.loop);
    else
        log_write(&watcher.log, LOG_TROUBLE, "%s", error.text);
    leave(&watcher);
    return code == 0 ? 0 : 1;
}
