/* See uplink.h. At most three requests are under way: one that makes the node known, or one batch and one question for
 * directives. Any that fails ends the others; after a pause all begin anew, at the next address. */
#include "agent/courier/uplink.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "agent/courier/centre_answer.h"
#include "agent/courier/node_secret.h"
#include "agent/courier/setback.h"
#include "agent/courier/standing.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/http_client.h"
#include "common/json.h"

#define ANSWER_MOST  (4 << 20)
#define BATCH_BYTES  (1 << 20)
#define PATIENCE     (60 * SECOND)
#define POLL_SECONDS 50
#define CARRY_AGAIN  (2 * SECOND)
#define COMPRESSION  3
#define DOUBTS       3 /* a record must be refused so often: one answer may be damaged */

struct uplink {
    const struct log *log;
    const struct collector *collector;
    struct spool *spool;
    struct uplink_listener listener;
    struct http_client *http;
    sd_event_source *pause, *carry_again;
    char name[65], node[SPOOL_NODE], secret[SPOOL_SECRET];
    struct standing standing;
    bool pausing;
    int enrolling, delivering, polling; /* numbers of requests; 0: none */
    uint32_t most, batch;               /* records in the next batch, in the one under way */
    int64_t last;                       /* its last sequence */
    uint32_t doubts;                    /* how often the record that is alone in it was refused */
    struct setback setback;
    struct directives directives;
    uint32_t next; /* of these */
    bool carrying;
    int64_t revision; /* asked behind next */
};

static void carry_next(struct uplink *uplink);

static const char *address(const struct uplink *uplink)
{
    return uplink->collector->settings.urls.items[uplink->standing.pace.address];
}

/* --- going wrong and well ------------------------------------------------------------------------------------------
 */

static void cancel(struct uplink *uplink, int *number)
{
    if (*number)
        http_client_cancel(uplink->http, *number);
    *number = 0;
}

static void begin_pause(struct uplink *uplink, duration length)
{
    cancel(uplink, &uplink->enrolling);
    cancel(uplink, &uplink->delivering);
    cancel(uplink, &uplink->polling);
    uplink->pausing = true;
    sd_event_source_set_time_relative(uplink->pause, (uint64_t)(length / MICROSECOND));
    sd_event_source_set_enabled(uplink->pause, SD_EVENT_ONESHOT);
}

static void say(struct uplink *uplink, uint8_t severity, const char *text)
{
    if (text[0] == 0)
        return;
    log_write(uplink->log, severity ? LOG_TROUBLE : LOG_NEWS, "%s", text);
    uplink->listener.event(uplink->listener.context, severity, text);
}

static void say_standing(struct uplink *uplink)
{
    say(uplink, uplink->standing.severity, uplink->standing.say);
}

static void fail(struct uplink *uplink, const char *why)
{
    duration pause = standing_failed(&uplink->standing, address(uplink), why, uplink->collector->settings.urls.count,
                                     randombytes_uniform(1000));
    say_standing(uplink);
    begin_pause(uplink, pause);
}

static void refused(struct uplink *uplink, const char *why, bool sure)
{
    duration pause = standing_refused(&uplink->standing, address(uplink), why, sure, randombytes_uniform(1000));
    say_standing(uplink);
    begin_pause(uplink, pause);
}

static void well(struct uplink *uplink)
{
    standing_well(&uplink->standing, address(uplink), clock_now(), clock_steady());
    say_standing(uplink);
}

/* For every answer that is none of those that a request looks for. */
static void other_answer(struct uplink *uplink, const struct http_answer *answer)
{
    char text[200];
    centre_answer_sentence(answer, text, sizeof text);
    if (answer->status == 401 || answer->status == 403)
        refused(uplink, text, false);
    else
        fail(uplink, text);
}

static int send_request(struct uplink *uplink, const struct http_request *request, const char *path,
                        void (*done)(void *, const struct http_answer *))
{
    char url[OPTION_URL_SIZE + 128], bearer[160];
    struct error error = {0};
    struct http_request whole = *request;
    snprintf(url, sizeof url, "%s%s", address(uplink), path);
    if (!request->bearer)
        snprintf(bearer, sizeof bearer, "node.%s.%s", uplink->node, uplink->secret);
    whole.bearer = request->bearer ? request->bearer : bearer;
    whole.url = url;
    int number = http_client_send(uplink->http, &whole, done, uplink, &error);
    explicit_bzero(bearer, sizeof bearer);
    if (number > 0)
        return number;
    fail(uplink, error.text);
    return 0;
}

/* --- making the node known -----------------------------------------------------------------------------------------
 */

/* The secret is made and kept before it is used: after a crash the same one is shown again. */
static int make_secret(struct uplink *uplink, struct error *error)
{
    node_secret_make(uplink->secret);
    return spool_set_identity(uplink->spool, "", uplink->secret, error);
}

static void on_enrolled(void *context, const struct http_answer *answer)
{
    struct uplink *uplink = context;
    struct error error = {0};
    uplink->enrolling = 0;
    if (answer->status != 200 && answer->status != 201) {
        other_answer(uplink, answer);
        return;
    }
    char node[SPOOL_NODE];
    if (!centre_answer_node(answer, node))
        fail(uplink, "what it calls this node is no name");
    else if (spool_set_identity(uplink->spool, node, uplink->secret, &error) < 0)
        fail(uplink, error.text);
    else
        memcpy(uplink->node, node, sizeof node);
    uplink_go(uplink);
}

static void enrol(struct uplink *uplink)
{
    char token[160], hash[NODE_HASH];
    struct error error = {0};
    struct text given = uplink->collector->secrets.token;
    CLEANUP(buffer_clear) struct buffer body;
    buffer_init(&body, 1024);
    if (given.length == 0 || given.length >= sizeof token) {
        refused(uplink, "this node is not known there yet, and [collector] names no token", true);
        return;
    }
    if (!uplink->secret[0] && make_secret(uplink, &error) < 0) {
        uplink->secret[0] = 0;
        fail(uplink, error.text);
        return;
    }
    struct json json = json_begin(&body);
    json_string(&json, "name", uplink->name);
    json_string(&json, "version", POSTERN_VERSION);
    json_string(&json, "key_hash", node_secret_hash(uplink->secret, hash) ? hash : "");
    if (!json_end(&json))
        return;
    snprintf(token, sizeof token, "%.*s", (int)given.length, given.bytes);
    const struct http_request request = {.method = "POST",
                                         .bearer = token,
                                         .content_type = "application/json",
                                         .body = buffer_text(&body),
                                         .patience = PATIENCE};
    uplink->enrolling = send_request(uplink, &request, "/v1/enrol", on_enrolled);
}

/* --- delivery ------------------------------------------------------------------------------------------------------
 */

/* Half of it, until the record is alone that the centre does not take. */
static void find_bad_record(struct uplink *uplink, const struct http_answer *answer)
{
    struct error error = {0};
    char why[200], text[240];
    centre_answer_sentence(answer, why, sizeof why);
    if (!centre_answer_is_about_records(answer, why)) {
        fail(uplink, why); /* it is about the request, which may have been damaged on its way */
        return;
    }
    well(uplink);
    if (uplink->batch > 1) {
        uplink->most = uplink->batch / 2;
        return;
    }
    if (++uplink->doubts < DOUBTS)
        return;
    uplink->doubts = 0;
    if (spool_set_aside(uplink->spool, uplink->last, why, &error) < 0) {
        fail(uplink, error.text);
        return;
    }
    setback_again(&uplink->setback, clock_steady());
    snprintf(text, sizeof text, "the collector does not take record %" PRId64 ", which is set aside: %.150s",
             uplink->last, why);
    if (setback_is_news(&uplink->setback)) /* the news is a record itself, which it may not take either */
        say(uplink, 1, text);
}

static void on_delivered(void *context, const struct http_answer *answer)
{
    struct uplink *uplink = context;
    struct error error = {0};
    uplink->delivering = 0;
    if (answer->status == 400 || answer->status == 413) {
        find_bad_record(uplink, answer);
        uplink_go(uplink);
        return;
    }
    if (answer->status != 200 && answer->status != 409) {
        other_answer(uplink, answer);
        return;
    }
    int64_t sequence;
    if (!centre_answer_delivered(answer, spool_counters(uplink->spool).delivered, uplink->last, &sequence)) {
        fail(uplink, "its answer to records is not understood");
        return;
    }
    bool forward = answer->status == 200 && sequence <= spool_counters(uplink->spool).newest;
    if (spool_delivered(uplink->spool, sequence, &error) < 0) {
        fail(uplink, error.text); /* the same batch is sent again, and known there */
        return;
    }
    if (forward)
        setback_over(&uplink->setback);
    else
        setback_again(&uplink->setback, clock_steady());
    uplink->doubts = 0;
    uplink->most = uplink->most < SPOOL_BATCH_MOST / 4 ? uplink->most * 4 : SPOOL_BATCH_MOST;
    well(uplink);
    uplink_go(uplink);
}

/* With a sum of the content, by which a batch that was damaged on its way is told from one that is wrong. */
static bool compress(struct text plain, struct buffer *packed)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    bool good = context && !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, COMPRESSION)) &&
                !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1));
    size_t length = good ? ZSTD_compress2(context, packed->bytes, packed->room, plain.bytes, plain.length) : 0;
    ZSTD_freeCCtx(context);
    if (!good || ZSTD_isError(length))
        return false;
    packed->length = length;
    return true;
}

static void deliver(struct uplink *uplink)
{
    struct error error = {0};
    CLEANUP(buffer_clear) struct buffer body, packed;
    buffer_init(&body, 4 * BATCH_BYTES);
    buffer_init(&packed, 8 * BATCH_BYTES);
    int count = spool_batch(uplink->spool, BATCH_BYTES, uplink->most, POSTERN_VERSION, &body, &uplink->last, &error);
    if (count == 0)
        return;
    if (count < 0 || !buffer_reserve(&packed, ZSTD_compressBound(body.length))) {
        fail(uplink, count < 0 ? error.text : "no memory for a batch");
        return;
    }
    if (!compress(buffer_text(&body), &packed)) {
        fail(uplink, "a batch cannot be compressed");
        return;
    }
    uplink->batch = (uint32_t)count;
    const struct http_request request = {.method = "POST",
                                         .content_type = "application/x-ndjson",
                                         .content_encoding = "zstd",
                                         .body = buffer_text(&packed),
                                         .patience = PATIENCE};
    uplink->delivering = send_request(uplink, &request, "/v1/records", on_delivered);
}

/* --- directives ----------------------------------------------------------------------------------------------------
 */

static void set_back(struct uplink *uplink, int64_t revision)
{
    char text[160];
    snprintf(text, sizeof text,
             "the collector knows of orders up to %" PRId64 " only, this node had them up to %" PRId64
             ": it may be from a backup; what it orders from now on is carried out",
             revision, uplink->revision);
    spool_set_back_revision(uplink->spool, revision);
    uplink->revision = revision;
    say(uplink, 1, text);
}

static void on_directives(void *context, const struct http_answer *answer)
{
    struct uplink *uplink = context;
    struct error error = {0};
    int64_t revision;
    uplink->polling = 0;
    if (answer->status == 204) {
        well(uplink);
    } else if (centre_answer_revision(answer, uplink->revision, &revision)) {
        well(uplink);
        set_back(uplink, revision);
    } else if (answer->status != 200) {
        other_answer(uplink, answer);
        return;
    } else if (directives_read(answer->body, uplink->revision, &uplink->directives, &error) < 0) {
        fail(uplink, error.text);
        return;
    } else {
        well(uplink);
        uplink->next = 0;
        carry_next(uplink);
    }
    uplink_go(uplink);
}

static void poll_directives(struct uplink *uplink)
{
    char path[96];
    /* Where it is not known whether the centre is there, that is asked without waiting. */
    snprintf(path, sizeof path, "/v1/directives?after=%" PRId64 "&wait=%d", uplink->revision,
             uplink->standing.state == STANDING_CONNECTED ? POLL_SECONDS : 0);
    const struct http_request request = {.method = "GET", .patience = PATIENCE + POLL_SECONDS * SECOND};
    uplink->polling = send_request(uplink, &request, path, on_directives);
}

/* `at_once`: durable before the next is begun. What nobody had to carry out can wait for the next commit: after a
 * week's absence a thousand may come together, and as many commits in a row would let nobody else be answered. */
static void acknowledge(struct uplink *uplink, bool at_once, bool done, const char *text)
{
    struct error error = {0};
    const struct directive *directive = &uplink->directives.items[uplink->next];
    int (*tell)(struct spool *, int64_t, bool, const char *, moment, struct error *) =
        at_once ? spool_acknowledge : spool_acknowledge_later;
    if (tell(uplink->spool, directive->revision, done, text, clock_now(), &error) < 0)
        log_write(uplink->log, LOG_TROUBLE, "%s", error.text); /* it goes with the next commit */
    uplink->revision = directive->revision;
    uplink->next++;
}

/* What needs nobody is acknowledged at once; the first that must be carried out is handed on. */
static void carry_next(struct uplink *uplink)
{
    while (!uplink->carrying && uplink->next < uplink->directives.count) {
        struct directive *directive = &uplink->directives.items[uplink->next];
        if (directive->trouble[0])
            acknowledge(uplink, false, false, directive->trouble);
        else if (!directive_begin(directive, clock_now()))
            acknowledge(uplink, false, true, "it had ended before it came here");
        else {
            uplink->carrying = true;
            uplink->listener.carry_out(uplink->listener.context, directive);
        }
    }
    if (uplink->carrying || uplink->next < uplink->directives.count)
        return;
    if (uplink->directives.revision > uplink->revision)
        uplink->revision = uplink->directives.revision;
    directives_clear(&uplink->directives);
    uplink->next = 0;
}

void uplink_carried_out(struct uplink *uplink, enum uplink_outcome outcome, const char *text)
{
    if (!uplink->carrying)
        return;
    if (outcome == UPLINK_LATER) {
        sd_event_source_set_time_relative(uplink->carry_again, (uint64_t)(CARRY_AGAIN / MICROSECOND));
        sd_event_source_set_enabled(uplink->carry_again, SD_EVENT_ONESHOT);
        return;
    }
    uplink->carrying = false;
    acknowledge(uplink, true, outcome == UPLINK_DONE, text);
    carry_next(uplink);
    uplink_go(uplink);
}

static int on_carry_again(sd_event_source *source, uint64_t now, void *context)
{
    struct uplink *uplink = context;
    (void)source, (void)now;
    uplink->carrying = false;
    carry_next(uplink);
    uplink_go(uplink);
    return 0;
}

/* --- beginning and end ---------------------------------------------------------------------------------------------
 */

static int on_pause_over(sd_event_source *source, uint64_t now, void *context)
{
    struct uplink *uplink = context;
    (void)source, (void)now;
    uplink->pausing = false;
    uplink_go(uplink);
    return 0;
}

void uplink_go(struct uplink *uplink)
{
    struct error error = {0};
    if (uplink->pausing || !spool_is_open(uplink->spool))
        return;
    if (!uplink->node[0] && !uplink->enrolling) {
        if (spool_identity(uplink->spool, uplink->node, uplink->secret, &error) < 0) {
            fail(uplink, error.text);
            return;
        }
        uplink->revision = spool_revision(uplink->spool);
        if (!uplink->node[0])
            enrol(uplink);
    }
    if (!uplink->node[0])
        return;
    if (!uplink->delivering && !setback_rests(&uplink->setback, clock_steady()))
        deliver(uplink);
    if (!uplink->polling && !uplink->directives.items && !uplink->pausing && !spool_is_behind(uplink->spool))
        poll_directives(uplink);
}

static int add_timer(sd_event *event, sd_event_source **timer, sd_event_time_handler_t handler, struct uplink *uplink)
{
    int code = sd_event_add_time_relative(event, timer, CLOCK_MONOTONIC, 0, 1000, handler, uplink);
    return code < 0 ? code : sd_event_source_set_enabled(*timer, SD_EVENT_OFF);
}

int uplink_create(sd_event *event, const struct collector *collector, struct spool *spool, const struct log *log,
                  const struct uplink_listener *listener, struct uplink **result, struct error *error)
{
    CLEANUP(uplink_destroy) struct uplink *uplink = calloc(1, sizeof *uplink);
    if (!uplink || !node_secret_ready())
        return error_set(error, ENOMEM, "no memory for the uplink");
    uplink->log = log;
    uplink->collector = collector;
    uplink->spool = spool;
    uplink->listener = *listener;
    uplink->most = SPOOL_BATCH_MOST;
    if (gethostname(uplink->name, sizeof uplink->name - 1) < 0)
        snprintf(uplink->name, sizeof uplink->name, "unknown");
    const struct http_settings settings = {.authority = collector->secrets.authority,
                                           .certificate = collector->secrets.certificate,
                                           .key = collector->secrets.key,
                                           .answer_most = ANSWER_MOST};
    int code = add_timer(event, &uplink->pause, on_pause_over, uplink);
    if (code >= 0)
        code = add_timer(event, &uplink->carry_again, on_carry_again, uplink);
    if (code < 0)
        return error_set(error, -code, "cannot begin the uplink: %s", strerror(-code));
    code = http_client_create(event, &settings, &uplink->http, error);
    if (code == 0)
        *result = TAKE(uplink);
    return code;
}

void uplink_destroy(struct uplink **owner)
{
    struct uplink *uplink = *owner;
    *owner = NULL;
    if (!uplink)
        return;
    http_client_destroy(&uplink->http);
    sd_event_source_disable_unref(uplink->pause);
    sd_event_source_disable_unref(uplink->carry_again);
    directives_clear(&uplink->directives);
    explicit_bzero(uplink->secret, sizeof uplink->secret);
    free(uplink);
}

/* --- what people are told ------------------------------------------------------------------------------------------
 */

bool uplink_is_connected(const struct uplink *uplink)
{
    return uplink->standing.state == STANDING_CONNECTED;
}

bool uplink_answer_status(const struct uplink *uplink, const char *spool_trouble, struct buffer *out)
{
    struct spool_counters counters = spool_counters(uplink->spool);
    uint64_t dropped = 0;
    for (int i = 0; i < SPOOL_WORTHS; i++)
        dropped += counters.dropped[i];
    struct json json = json_begin(out);
    json_string(&json, "record", "collector");
    json_string(&json, "address", address(uplink));
    json_string(&json, "state", standing_word(&uplink->standing));
    json_string(&json, "node", uplink->node);
    json_moment(&json, "connected_since", uplink->standing.connected);
    json_unsigned(&json, "spooled", counters.records + counters.waiting);
    json_unsigned(&json, "spooled_bytes", counters.bytes);
    json_moment(&json, "oldest", counters.oldest);
    json_integer(&json, "delivered", counters.delivered);
    json_integer(&json, "newest", counters.newest);
    json_unsigned(&json, "dropped", dropped);
    json_unsigned(&json, "set_aside", counters.set_aside);
    json_integer(&json, "revision", spool_revision(uplink->spool));
    if (uplink->standing.trouble[0])
        json_string(&json, "trouble", uplink->standing.trouble);
    if (spool_trouble[0])
        json_string(&json, "spool_trouble", spool_trouble);
    return json_end(&json);
}
