/* The uplink's messages: one at a time goes to the centre's content filters and is forgotten when the centre says that
 * it has it. One that was sent twice is known there by its life and number. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "agent/courier/centre_answer.h"
#include "agent/courier/uplink_state.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/json.h"

#define REFUSALS    3 /* a message must be refused so often: one answer may be damaged */
#define FAILURES    3 /* in a row, before people hear of it */
#define PAUSE_FIRST SECOND
#define PAUSE_MOST  MINUTE
#define UNKNOWN     (10 * MINUTE) /* a centre that does not know messages may be a newer one then */
#define SLOW        (64 * 1024)   /* bytes a second that any way to the centre has */

static void rest(struct uplink *uplink, duration pause)
{
    uplink->upload.rest = clock_steady() + pause / 2 + pause / 1000 * randombytes_uniform(1000);
}

static void fail(struct uplink *uplink, const char *why)
{
    struct upload *upload = &uplink->upload;
    duration pause = PAUSE_FIRST << (upload->failures < 6 ? upload->failures : 6);
    upload->failures++;
    snprintf(upload->trouble, sizeof upload->trouble, "messages wait: %.200s", why);
    rest(uplink, pause < PAUSE_MOST ? pause : PAUSE_MOST);
    if (upload->failures < FAILURES || upload->told)
        return;
    upload->told = true;
    uplink_say(uplink, 1, upload->trouble);
}

static void go_well(struct uplink *uplink)
{
    struct upload *upload = &uplink->upload;
    upload->failures = upload->refusals = 0;
    upload->trouble[0] = 0;
    if (upload->told)
        uplink_say(uplink, 0, "the collector takes messages again");
    upload->told = false;
}

/* It is about the message, unless it was damaged on its way, or the centre takes none at all. */
static void refused(struct uplink *uplink, const char *why)
{
    struct upload *upload = &uplink->upload;
    char text[240];
    rest(uplink, PAUSE_FIRST);
    if (++upload->refusals < REFUSALS)
        return;
    upload->refusals = 0;
    samples_set_aside(uplink->samples, &upload->name);
    setback_again(&upload->setback, clock_steady());
    if (upload->rest < upload->setback.until)
        upload->rest = upload->setback.until;
    snprintf(text, sizeof text, "the collector does not take a message, which is set aside: %.150s", why);
    if (setback_is_news(&upload->setback))
        uplink_say(uplink, 1, text);
}

static void on_uploaded(void *context, const struct http_answer *answer)
{
    struct uplink *uplink = context;
    struct upload *upload = &uplink->upload;
    char why[200];
    upload->number = 0;
    centre_answer_sentence(answer, why, sizeof why);
    if (centre_answer_has_message(answer, upload->name.life, upload->name.number)) {
        samples_sent(uplink->samples, &upload->name);
        setback_over(&upload->setback);
        go_well(uplink);
        uplink_go(uplink);
    } else if (answer->status == 400 || answer->status == 413) {
        refused(uplink, why);
    } else if (answer->status == 404 || answer->status == 405 || answer->status == 501) {
        upload->failures = FAILURES; /* that is sure at once */
        fail(uplink, "the collector knows nothing of messages");
        rest(uplink, UNKNOWN);
    } else {
        fail(uplink, answer->status == 200 || answer->status == 201 ? "its answer is not understood" : why);
    }
}

/* The bandwidth of a second may be used at once: then most messages need not wait for it. */
static void pay(struct upload *upload, duration steady)
{
    if (upload->bandwidth == 0)
        return;
    if (upload->paid < steady - SECOND)
        upload->paid = steady - SECOND;
    upload->paid += (duration)((double)upload->bytes / (double)upload->bandwidth * SECOND);
}

void uplink_set_bandwidth(struct uplink *uplink, uint64_t bandwidth)
{
    uplink->upload.bandwidth = bandwidth;
    uplink->upload.paid = 0;
}

void uplink_upload(struct uplink *uplink)
{
    struct upload *upload = &uplink->upload;
    struct sample_name name;
    struct error error = {0};
    char path[128];
    CLEANUP(buffer_clear) struct buffer body;
    duration steady = clock_steady();
    buffer_init(&body, SAMPLE_PACKED_MOST);
    if (steady < upload->rest || steady < upload->paid || !samples_next(uplink->samples, &name))
        return;
    if (samples_read(uplink->samples, &name, &body, &error) < 0) {
        fail(uplink, error.text);
        return;
    }
    if (!sample_name_equals(&name, &upload->name))
        upload->refusals = 0;
    upload->name = name;
    upload->bytes = body.length;
    snprintf(path, sizeof path, "/v1/messages?life=%016" PRIx64 "&number=%" PRId64, name.life, name.number);
    const struct http_request request = {.method = "POST",
                                         .content_type = "application/octet-stream",
                                         .content_encoding = "zstd",
                                         .body = buffer_text(&body),
                                         .patience = UPLINK_PATIENCE + (duration)(body.length / SLOW) * SECOND};
    pay(upload, steady);
    upload->number = uplink_send(uplink, &request, path, on_uploaded);
}

void uplink_answer_samples(const struct uplink *uplink, const char *samples_trouble, struct json *json)
{
    struct samples_counters counters = samples_counters(uplink->samples);
    json_unsigned(json, "messages_waiting", counters.waiting);
    json_unsigned(json, "messages_bytes", counters.bytes);
    json_unsigned(json, "messages_taken", counters.taken);
    json_unsigned(json, "messages_sent", counters.sent);
    json_unsigned(json, "messages_dropped", counters.dropped);
    json_unsigned(json, "messages_set_aside", counters.aside);
    json_unsigned(json, "messages_unsound", counters.unsound);
    if (samples_trouble[0] || uplink->upload.trouble[0])
        json_string(json, "messages_trouble", samples_trouble[0] ? samples_trouble : uplink->upload.trouble);
}
