/* A node delivers. What it has delivered before is skipped, what would leave a hole is refused: so every record is
 * there once, however often a batch is sent. */
#include "collector/api/batch.h"

#include <errno.h>
#include <stdlib.h>
#include "collector/api/endpoint.h"
#include "collector/api/unpack.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/json.h"

static int store_batch(struct store *store, struct exchange *exchange, const struct batch *batch, struct error *error)
{
    int64_t delivered = 0;
    int status = store_delivered(store, exchange->node.id, batch->life, &delivered, error);
    if (status < 0)
        return status;
    if (batch->after > delivered) {
        struct json json = json_begin(&exchange->answer);
        json_string(&json, "error", "records before these are missing");
        json_integer(&json, "delivered", delivered);
        exchange->status = json_end(&json) ? 409 : 500;
        return 0;
    }
    size_t skip = 0;
    while (skip < batch->count && batch->records[skip].sequence <= delivered)
        skip++;
    int64_t last = batch->last > delivered ? batch->last : delivered;
    moment now = clock_now(); /* and not when the body began to come: a reader may have gone past that since */
    if (last > delivered)
        status = store_now(store, now, &now, error);
    if (status >= 0 && last > delivered)
        status = store_deliver(store, exchange->node.id, batch->life, last, batch->records + skip, batch->count - skip,
                               now, error);
    if (status >= 0)
        status = store_node_seen(store, exchange->node.id, batch->version, batch->spooled, exchange->from,
                                 exchange->arrived, error);
    if (status < 0)
        return status;
    exchange->records = (int64_t)(batch->count - skip);
    exchange->duplicates = (int64_t)skip;
    exchange->told = exchange->records > 0 ? TOLD_PEOPLE : TOLD_NOBODY;
    struct json json = json_begin(&exchange->answer);
    json_integer(&json, "delivered", last);
    exchange->status = json_end(&json) ? 200 : 500;
    return 0;
}

struct prepared {
    struct buffer plain;
    struct batch batch; /* points into it */
};

int records_prepare(struct exchange *exchange, struct error *error)
{
    struct prepared *prepared = calloc(1, sizeof *prepared);
    struct error why = {0};
    int status = 0;
    if (prepared == NULL)
        return error_set(error, ENOMEM, "no memory for a batch");
    exchange->prepared = prepared;
    buffer_init(&prepared->plain, RECORDS_PLAIN_MOST);
    if (exchange->packed) {
        status = unpack_zstd(buffer_text(&exchange->body), &prepared->plain, &why);
        buffer_clear(&exchange->body);
    } else {
        prepared->plain = exchange->body;
        buffer_init(&exchange->body, 0);
    }
    if (status == 0)
        status = batch_parse(prepared->plain.bytes, prepared->plain.length, exchange->arrived, &prepared->batch, &why);
    exchange->prepared_size = prepared->plain.room + prepared->batch.count * sizeof *prepared->batch.records;
    if (status == -EBADMSG)
        return exchange_refuse(exchange, 400, "%s", why.text);
    if (status == -EMSGSIZE)
        return exchange_refuse(exchange, 413, "%s", why.text);
    return status < 0 ? error_set(error, -status, "%s", why.text) : 0;
}

void records_forget(struct exchange *exchange)
{
    struct prepared *prepared = TAKE(exchange->prepared);
    if (prepared == NULL)
        return;
    batch_release(&prepared->batch);
    buffer_clear(&prepared->plain);
    free(prepared);
}

int records_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    const struct prepared *prepared = exchange->prepared;
    return store_batch(store, exchange, &prepared->batch, error);
}
