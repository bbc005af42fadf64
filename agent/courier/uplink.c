/* See uplink.h. At most three requests are under way: one that makes the node known; or one batch, one message and one
 * question for directives. A batch or a question that fails ends the others; after a pause all begin anew, at the next
 * address. */
#include "agent/courier/uplink.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/courier/centre_answer.h"
#include "agent/courier/fleet.h"
#include "agent/courier/node_secret.h"
#include "agent/courier/opinions.h"
#include "agent/courier/uplink_state.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/json.h"

#define ANSWER_MOST (4 << 20)

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
    cancel(uplink, &uplink->upload.number); /* it may be there: then it is known when it is sent again */
    uplink->pausing = true;
    sd_event_source_set_time_relative(uplink->pause, (uint64_t)(length / MICROSECOND));
    sd_event_source_set_enabled(uplink->pause, SD_EVENT_ONESHOT);
}

void uplink_say(struct uplink *uplink, uint8_t severity, const char *text)
{
    if (text[0] == 0)
        return;
    log_write(uplink->log, severity ? LOG_TROUBLE : LOG_NEWS, "%s", text);
    uplink->listener.event(uplink->listener.context, severity, text);
}

static void say_standing(struct uplink *uplink)
{
    uplink_say(uplink, uplink->standing.severity, uplink->standing.say);
}

void uplink_fail(struct uplink *uplink, const char *why)
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

void uplink_well(struct uplink *uplink)
{
    standing_well(&uplink->standing, address(uplink), clock_now(), clock_steady());
    say_standing(uplink);
}

void uplink_other_answer(struct uplink *uplink, const struct http_answer *answer)
{
    char text[200];
    centre_answer_sentence(answer, text, sizeof text);
    if (answer->status == 401 || answer->status == 403)
        refused(uplink, text, false);
    else
        uplink_fail(uplink, text);
}

int uplink_send(struct uplink *uplink, const struct http_request *request, const char *path,
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
    uplink_fail(uplink, error.text);
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
        uplink_other_answer(uplink, answer);
        return;
    }
    char node[SPOOL_NODE];
    if (!centre_answer_node(answer, node))
        uplink_fail(uplink, "what it calls this node is no name");
    else if (spool_set_identity(uplink->spool, node, uplink->secret, &error) < 0)
        uplink_fail(uplink, error.text);
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
        uplink_fail(uplink, error.text);
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
                                         .patience = UPLINK_PATIENCE};
    uplink->enrolling = uplink_send(uplink, &request, "/v1/enrol", on_enrolled);
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
            uplink_fail(uplink, error.text);
            return;
        }
        uplink->revision = spool_revision(uplink->spool);
        uplink->filtered = spool_filtered(uplink->spool);
        if (!uplink->node[0])
            enrol(uplink);
    }
    if (!uplink->node[0])
        return;
    if (!uplink->delivering && !setback_rests(&uplink->setback, clock_steady()))
        uplink_deliver(uplink);
    if (!uplink->upload.number && !uplink->pausing)
        uplink_upload(uplink);
    if (uplink->polling && uplink->crowded && uplink->listener.has_room(uplink->listener.context))
        cancel(uplink, &uplink->polling); /* it was asked without them */
    if (!uplink->polling && !uplink->directives.items && !uplink->pausing && !spool_is_behind(uplink->spool))
        uplink_poll(uplink);
}

static int add_timer(sd_event *event, sd_event_source **timer, sd_event_time_handler_t handler, struct uplink *uplink)
{
    int code = sd_event_add_time_relative(event, timer, CLOCK_MONOTONIC, 0, 1000, handler, uplink);
    return code < 0 ? code : sd_event_source_set_enabled(*timer, SD_EVENT_OFF);
}

int uplink_create(sd_event *event, const struct collector *collector, struct spool *spool, struct samples *samples,
                  const struct log *log, const struct uplink_listener *listener, struct uplink **result,
                  struct error *error)
{
    CLEANUP(uplink_destroy) struct uplink *uplink = calloc(1, sizeof *uplink);
    if (!uplink || !node_secret_ready())
        return error_set(error, ENOMEM, "no memory for the uplink");
    uplink->log = log;
    uplink->collector = collector;
    uplink->spool = spool;
    uplink->samples = samples;
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
        code = add_timer(event, &uplink->carry_again, uplink_carry_again, uplink);
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

bool uplink_answer_status(const struct uplink *uplink, const struct uplink_beside *beside, struct buffer *out)
{
    struct spool_counters counters = spool_counters(uplink->spool);
    struct fleet_counters elsewhere = fleet_counters(beside->fleet, clock_now());
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
    json_unsigned(&json, "campaigns", elsewhere.campaigns);
    json_unsigned(&json, "customers_elsewhere", elsewhere.customers);
    if (uplink->standing.trouble[0])
        json_string(&json, "trouble", uplink->standing.trouble);
    if (beside->spool_trouble[0])
        json_string(&json, "spool_trouble", beside->spool_trouble);
    uplink_answer_samples(uplink, beside->samples_trouble, &json);
    struct opinions_counters opinions = opinions_counters(beside->opinions);
    json_unsigned(&json, "opinions", opinions.judged);
    json_unsigned(&json, "opinions_waiting", opinions.waiting);
    json_unsigned(&json, "opinions_unsound", opinions.unsound);
    return json_end(&json);
}
