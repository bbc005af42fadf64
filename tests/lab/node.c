/* Traffic into the packet path and the judge as replay does it, with a look at every verdict. */
#include "tests/lab/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "agent/packet/session.h"
#include "agent/sender/senders.h"
#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/words/customers.h"
#include "tests/lab/traffic.h"

#define STREAMS       65536
#define OPENING       MINUTE /* presets of [capture] */
#define IDLE          HOUR
#define SNAPSHOTS     40
#define REACH_VERDICT 3

/* What had got out when. */
struct got_out {
    moment time;
    uint64_t messages, recipients; /* up to then */
};

struct watched {
    struct got_out *out;
    size_t count, room;
    uint64_t connections, next_look; /* the look at every doubling */
};

struct node {
    const struct judge_settings *settings;
    struct lab_traffic *traffic;
    struct lab_party *parties;
    size_t party_count;
    void *memory;
    size_t memory_size;
    struct senders *senders;
    struct customers *customers; /* NULL: not known */
    struct judge *judge;
    struct packet_path *path;
    struct lab_result *result;
    struct watched *watched;
    moment now, ticked;
    bool failed; /* memory */
};

/* --- what got out --- */

static void note_out(struct node *node, const struct lab_traffic_frame *frame)
{
    struct watched *watched = &node->watched[frame->party];
    if (watched->count == watched->room) {
        size_t room = watched->room ? 2 * watched->room : 64;
        struct got_out *out = reallocarray(watched->out, room, sizeof *out);
        if (out == NULL) {
            node->failed = true;
            return;
        }
        watched->out = out;
        watched->room = room;
    }
    struct got_out before = watched->count > 0 ? watched->out[watched->count - 1] : (struct got_out){0};
    watched->out[watched->count++] = (struct got_out){frame->packet->time, before.messages + frame->packet->messages,
                                                      before.recipients + frame->packet->recipients};
}

static struct got_out out_until(const struct watched *watched, moment time)
{
    size_t least = 0, most = watched->count;
    while (least < most) {
        size_t middle = (least + most) / 2;
        if (watched->out[middle].time <= time)
            least = middle + 1;
        else
            most = middle;
    }
    return least > 0 ? watched->out[least - 1] : (struct got_out){0};
}

static struct got_out out_between(const struct watched *watched, moment begun, moment time)
{
    struct got_out before = out_until(watched, begun - 1), all = out_until(watched, time);
    return (struct got_out){time, all.messages - before.messages, all.recipients - before.recipients};
}

/* --- what the judge says --- */

static size_t find_party(const struct node *node, const struct sender *sender)
{
    for (size_t i = 0; i < node->party_count; i++)
        if (sender_equals(&node->parties[i].sender, sender))
            return i;
    return SIZE_MAX;
}

static const char *first_word(const struct evidence *evidence, uint32_t count)
{
    for (int i = 0; count > 0 && detector_table[i] != NULL; i++)
        if (strcmp(detector_table[i]->name, evidence[0].detector) == 0)
            return detector_table[i]->name;
    return NULL;
}

static void note_false(struct lab_sender *sender, const struct verdict_change *change)
{
    static const enum verdict heights[REACH_VERDICT] = {VERDICT_ALERT, VERDICT_THROTTLE, VERDICT_BLOCK};
    uint32_t *counts[REACH_VERDICT] = {&sender->false_alerts, &sender->false_throttles, &sender->false_blocks};
    bool worst = sender->false_blocks == 0 && (change->verdict >= VERDICT_BLOCK || sender->false_throttles == 0);
    for (int i = 0; i < REACH_VERDICT; i++)
        *counts[i] += change->verdict >= heights[i] && change->before < heights[i];
    if (!worst)
        return;
    char time[MOMENT_TEXT];
    int used = snprintf(sender->false_reason, sizeof sender->false_reason, "%.19s %s", moment_print(change->time, time),
                        verdict_name(change->verdict));
    for (uint32_t i = 0; i < change->evidence_count && i < 3 && used < (int)sizeof sender->false_reason; i++)
        used += snprintf(sender->false_reason + used, sizeof sender->false_reason - (size_t)used, "%s %s %.1f: %s",
                         i ? ";" : "", change->evidence[i].detector, (double)change->evidence[i].points / DECIBANS(1),
                         change->evidence[i].reason);
}

static void on_verdict(void *context, const struct verdict_change *change)
{
    struct node *node = context;
    size_t index = find_party(node, &change->record->sender);
    if (index == SIZE_MAX || change->verdict <= change->before || node->result == NULL)
        return;
    const struct lab_party *party = &node->parties[index];
    struct lab_sender *sender = &node->result->senders[index];
    if (!party->abuser || party->begun == 0 || change->time < party->begun) {
        note_false(sender, change);
        return;
    }
    struct got_out out = out_between(&node->watched[index], party->begun, change->time);
    struct lab_reached reached = {change->time, out.messages, out.recipients, change->score,
                                  first_word(change->evidence, change->evidence_count)};
    if (sender->alert.time == 0)
        sender->alert = reached;
    if (change->verdict >= VERDICT_THROTTLE && sender->throttle.time == 0)
        sender->throttle = reached;
    if (change->verdict >= VERDICT_BLOCK && sender->block.time == 0)
        sender->block = reached;
}

/* --- looks in between --- */

static void look(struct node *node, size_t index, moment time)
{
    struct lab_sender *sender = &node->result->senders[index];
    struct sender_record *record = senders_find(node->senders, &node->parties[index].sender);
    if (record == NULL || sender->snapshot_count == SNAPSHOTS)
        return;
    struct judge_view view;
    judge_look(node->judge, record, time, &view);
    struct lab_snapshot *shot = &sender->snapshots[sender->snapshot_count++];
    *shot = (struct lab_snapshot){.connections = node->watched[index].connections,
                                  .abusive = node->parties[index].begun > 0 && node->parties[index].begun <= time,
                                  .score = view.score};
    for (uint32_t e = 0; e < view.evidence_count; e++)
        for (int d = 0; detector_table[d] != NULL; d++)
            if (strcmp(detector_table[d]->name, view.evidence[e].detector) == 0)
                shot->accounts[d] = view.evidence[e].points;
}

static void on_observation(void *context, const struct observation *observation)
{
    struct node *node = context;
    judge_hear(node->judge, observation);
    if (observation->kind != OBSERVATION_CLOSE)
        return;
    struct sender sender = senders_attribute(node->senders, &observation->origin);
    size_t index = find_party(node, &sender);
    if (index == SIZE_MAX)
        return;
    struct watched *watched = &node->watched[index];
    if (++watched->connections >= watched->next_look) {
        watched->next_look = 2 * watched->connections;
        judge_catch_up(node->judge);
        look(node, index, observation->time);
    }
}

/* --- making it --- */

static int make_result(struct node *node, const struct lab_scenario *scenario, uint64_t seed, struct error *error)
{
    struct lab_result *result = node->result;
    snprintf(result->scenario, sizeof result->scenario, "%s", scenario->name);
    result->seed = seed;
    result->senders = calloc(node->party_count, sizeof *result->senders);
    node->watched = calloc(node->party_count, sizeof *node->watched);
    if (result->senders == NULL || node->watched == NULL)
        return error_set(error, ENOMEM, "no memory for the result of %s", scenario->name);
    result->count = node->party_count;
    for (size_t i = 0; i < node->party_count; i++) {
        const struct lab_party *party = &node->parties[i];
        struct lab_sender *sender = &result->senders[i];
        snprintf(sender->name, sizeof sender->name, "%s", party->customer->actor->name);
        sender_print(&party->sender, sender->printed);
        sender->abuser = party->abuser;
        sender->neighbour = party->customer->neighbour;
        sender->visible = party->visible;
        sender->burst = party->customer->actor->bound == LAB_BURST;
        sender->slow = party->customer->actor->bound == LAB_SLOW;
        node->watched[i].next_look = 1;
        sender->snapshots = calloc(SNAPSHOTS, sizeof *sender->snapshots);
        if (sender->snapshots == NULL)
            return error_set(error, ENOMEM, "no memory for the result of %s", scenario->name);
    }
    return 0;
}

static int make_senders(struct node *node, bool by_address, struct error *error)
{
    struct senders_shape shape = {.key = {{UINT64_C(0x706f737465726e21), UINT64_C(0x7265706c61792121)}}};
    judge_settings_shape(node->settings, &shape);
    node->memory_size = senders_memory(&shape);
    node->memory =
        mmap(NULL, node->memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (node->memory == MAP_FAILED) {
        node->memory = NULL;
        return error_set(error, errno, "no memory for a table of %u senders", shape.senders);
    }
    node->senders = senders_place(node->memory, &shape, error);
    if (node->senders == NULL)
        return -ENOMEM;
    for (size_t i = 0; !by_address && i < node->party_count; i++) {
        struct senders_port port = {.number = node->parties[i].customer->port};
        snprintf(port.interface, sizeof port.interface, "vnet%u", port.number);
        if (!senders_set_port(node->senders, &port))
            return error_set(error, ENOSPC, "no room for port %u", port.number);
    }
    return 0;
}

/* All that send are one customer's. */
static int make_customers(struct node *node, struct error *error)
{
    CLEANUP(buffer_clear) struct buffer map;
    buffer_init(&map, 1 << 20);
    for (size_t i = 0; i < node->party_count; i++) {
        char name[SENDER_TEXT];
        if (!buffer_printf(&map, "%s acme\n", sender_print(&node->parties[i].sender, name)))
            return error_set(error, ENOMEM, "no memory for the customers");
    }
    int status = customers_read(buffer_text(&map), "customers", false, &node->customers, error);
    if (status == 0)
        senders_set_customers(node->senders, node->customers);
    return status;
}

static int make_path(struct node *node, bool by_address, struct error *error)
{
    struct packet_settings settings = {
        .streams = {.streams = STREAMS,
                    .bytes_held = 64 << 20,
                    .bytes_per_stream = 256 << 10,
                    .opening = OPENING,
                    .idle = IDLE,
                    .ports = {25, 465, 587, 2525},
                    .key = {{UINT64_C(0x706f737465726e21), UINT64_C(0x73747265616d7321)}}},
        .fragmented_datagrams = 1024,
    };
    struct address four, six;
    int status = 0;
    if (by_address && (!address_parse(TEXT(LAB_LOCAL), &four) || !address_parse(TEXT(LAB_LOCAL_6), &six) ||
                       !address_list_add(&settings.local, &four) || !address_list_add(&settings.local, &six)))
        status = error_set(error, ENOMEM, "no memory for the local prefixes");
    const struct packet_listener listener = {.context = node, .observe = on_observation};
    if (status == 0 && (node->path = packet_path_create(&settings, &listener, error)) == NULL)
        status = -ENOMEM;
    address_list_clear(&settings.local);
    return status;
}

static int make(struct node *node, const struct lab_scenario *scenario, uint64_t seed, struct error *error)
{
    node->traffic = lab_traffic_create(scenario, seed, error);
    if (node->traffic == NULL)
        return error->code ? -error->code : -ENOMEM;
    node->parties = lab_traffic_parties(node->traffic, &node->party_count);
    int status = make_result(node, scenario, seed, error);
    if (status == 0)
        status = make_senders(node, scenario->by_address, error);
    if (status == 0 && scenario->one_customer)
        status = make_customers(node, error);
    if (status < 0)
        return status;
    const struct judge_listener listener = {.context = node, .verdict = on_verdict};
    node->judge = judge_create(node->settings, node->senders, &listener, error);
    return node->judge == NULL ? -ENOMEM : make_path(node, scenario->by_address, error);
}

static void unmake(struct node *node)
{
    packet_path_destroy(&node->path);
    judge_destroy(&node->judge);
    if (node->senders != NULL)
        senders_release(&node->senders);
    customers_destroy(&node->customers);
    if (node->memory != NULL)
        munmap(node->memory, node->memory_size);
    for (size_t i = 0; node->watched != NULL && i < node->party_count; i++)
        free(node->watched[i].out);
    free(node->watched);
    lab_traffic_destroy(&node->traffic);
}

/* --- running it --- */

/* As replay's: each whole second, but behind the time after which no connection can be open one stands for all. */
static void tick(struct node *node, moment time)
{
    moment last = time / SECOND * SECOND;
    if (node->ticked == 0)
        node->ticked = last;
    moment quiet = node->ticked + OPENING + IDLE + MINUTE;
    while (node->ticked < last) {
        node->ticked = node->ticked < quiet ? node->ticked + SECOND : last;
        packet_path_tick(node->path, node->ticked);
        judge_tick(node->judge, node->ticked);
    }
}

static void feed_some(struct node *node, const struct lab_traffic_frame *made, size_t count, bool by_address)
{
    struct frame frames[PACKETS_AT_ONCE];
    size_t fed = 0;
    for (size_t i = 0; i < count; i++) {
        const struct lab_packet *packet = made[i].packet;
        frames[i] = (struct frame){.time = packet->time,
                                   .bytes = made[i].bytes,
                                   .captured = packet->length,
                                   .length = packet->length,
                                   .port = by_address ? 0 : packet->port,
                                   .link = LINK_ETHERNET,
                                   .direction = by_address           ? FRAME_UNKNOWN
                                                : packet->from_guest ? FRAME_FROM_GUEST
                                                                     : FRAME_TO_GUEST};
        if (packet->messages > 0)
            note_out(node, &made[i]);
        if (packet->time >= node->ticked + SECOND) {
            packet_path_add_many(node->path, frames + fed, i - fed);
            fed = i;
            tick(node, packet->time);
        }
        node->now = packet->time;
    }
    packet_path_add_many(node->path, frames + fed, count - fed);
    node->result->packets += count;
}

static void sum_up(struct node *node)
{
    moment end = lab_traffic_end(node->traffic);
    for (size_t i = 0; i < node->party_count; i++) {
        const struct lab_party *party = &node->parties[i];
        struct lab_sender *sender = &node->result->senders[i];
        bool abusive = party->abuser && party->begun > 0;
        sender->begun = abusive ? party->begun : party->seen;
        moment harmless_until = abusive ? party->begun : end;
        if (party->seen > 0 && harmless_until > party->seen)
            sender->honest_days = (double)(harmless_until - party->seen) / (double)DAY;
        struct got_out out = out_between(&node->watched[i], abusive ? party->begun : 1, INT64_MAX);
        sender->messages = out.messages;
        sender->recipients = out.recipients;
        look(node, i, node->now);
    }
    node->result->connections = lab_traffic_connections(node->traffic);
}

int lab_run(const struct lab_scenario *scenario, uint64_t seed, const struct judge_settings *settings,
            struct lab_result *result, struct error *error)
{
    struct error mine = {0};
    *result = (struct lab_result){0};
    CLEANUP(unmake) struct node node = {.settings = settings, .result = result};
    error = error ? error : &mine;
    int status = make(&node, scenario, seed, error);
    if (status < 0) {
        lab_result_clear(result);
        return status;
    }
    struct lab_traffic_frame made[PACKETS_AT_ONCE];
    for (size_t count; (count = lab_traffic_next(node.traffic, made, PACKETS_AT_ONCE)) > 0;)
        feed_some(&node, made, count, scenario->by_address);
    packet_path_finish(node.path, node.now);
    judge_tick(node.judge, node.now);
    if (node.failed || lab_traffic_failed(node.traffic)) {
        lab_result_clear(result);
        return error_set(error, ENOMEM, "no memory to run %s", scenario->name);
    }
    sum_up(&node);
    return 0;
}

void lab_result_clear(struct lab_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        free(result->senders[i].snapshots);
    free(result->senders);
    *result = (struct lab_result){0};
}
