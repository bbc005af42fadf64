/* The uplink's delivery: what the spool holds goes out in batches and is forgotten when it was confirmed. A record that
 * the centre does not take is found by halves and set aside. */
#include <inttypes.h>
#include <stdio.h>
#include <zstd.h>

#include "agent/courier/centre_answer.h"
#include "agent/courier/uplink_state.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define BATCH_BYTES (1 << 20)
#define COMPRESSION 3
#define DOUBTS      3 /* a record must be refused so often: one answer may be damaged */

/* Half of it, until the record is alone that the centre does not take. */
static void find_bad_record(struct uplink *uplink, const struct http_answer *answer)
{
    struct error error = {0};
    char why[200], text[240];
    centre_answer_sentence(answer, why, sizeof why);
    if (!centre_answer_is_about_records(answer, why)) {
        uplink_fail(uplink, why); /* it is about the request, which may have been damaged on its way */
        return;
    }
    uplink_well(uplink);
    if (uplink->batch > 1) {
        uplink->most = uplink->batch / 2;
        return;
    }
    if (++uplink->doubts < DOUBTS)
        return;
    uplink->doubts = 0;
    if (spool_set_aside(uplink->spool, uplink->last, why, &error) < 0) {
        uplink_fail(uplink, error.text);
        return;
    }
    setback_again(&uplink->setback, clock_steady());
    snprintf(text, sizeof text, "the collector does not take record %" PRId64 ", which is set aside: %.150s",
             uplink->last, why);
    if (setback_is_news(&uplink->setback)) /* the news is a record itself, which it may not take either */
        uplink_say(uplink, 1, text);
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
        uplink_other_answer(uplink, answer);
        return;
    }
    int64_t sequence;
    if (!centre_answer_delivered(answer, spool_counters(uplink->spool).delivered, uplink->last, &sequence)) {
        uplink_fail(uplink, "its answer to records is not understood");
        return;
    }
    bool forward = answer->status == 200 && sequence <= spool_counters(uplink->spool).newest;
    if (spool_delivered(uplink->spool, sequence, &error) < 0) {
        uplink_fail(uplink, error.text); /* the same batch is sent again, and known there */
        return;
    }
    if (forward)
        setback_over(&uplink->setback);
    else
        setback_again(&uplink->setback, clock_steady());
    uplink->doubts = 0;
    uplink->most = uplink->most < SPOOL_BATCH_MOST / 4 ? uplink->most * 4 : SPOOL_BATCH_MOST;
    uplink_well(uplink);
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

void uplink_deliver(struct uplink *uplink)
{
    struct error error = {0};
    CLEANUP(buffer_clear) struct buffer body, packed;
    buffer_init(&body, 4 * BATCH_BYTES);
    buffer_init(&packed, 8 * BATCH_BYTES);
    int count = spool_batch(uplink->spool, BATCH_BYTES, uplink->most, POSTERN_VERSION, &body, &uplink->last, &error);
    if (count == 0)
        return;
    if (count < 0 || !buffer_reserve(&packed, ZSTD_compressBound(body.length))) {
        uplink_fail(uplink, count < 0 ? error.text : "no memory for a batch");
        return;
    }
    if (!compress(buffer_text(&body), &packed)) {
        uplink_fail(uplink, "a batch cannot be compressed");
        return;
    }
    uplink->batch = (uint32_t)count;
    const struct http_request request = {.method = "POST",
                                         .content_type = "application/x-ndjson",
                                         .content_encoding = "zstd",
                                         .body = buffer_text(&packed),
                                         .patience = UPLINK_PATIENCE};
    uplink->delivering = uplink_send(uplink, &request, "/v1/records", on_delivered);
}
