/* A node delivers. What it has delivered before is skipped, what would leave a hole is refused: so every record is
 * there once, however often a batch is sent. */
#include "collector/api/batch.h"

#include <errno.h>
#include "collector/api/endpoint.h"
#include "collector/api/unpack.h"
#include "common/cleanup.h"
#include "common/json.h"

#define PLAIN_MOST ((size_t)32 * 1024 * 1024)

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
    if (last > delivered)
        status = store_deliver(store, exchange->node.id, batch->life, last, batch->records + skip, batch->count - skip,
                               exchange->arrived, error);
    if (status >= 0)
        status = store_node_seen(store, exchange->node.id, batch->version, batch->spooled, exchange->arrived, error);
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

int records_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(buffer_clear) struct buffer plain;
    CLEANUP(batch_release) struct batch batch = {0};
    struct error why = {0};
    int status = 0;
    buffer_init(&plain, PLAIN_MOST);
    /* Reading changes the bytes, and it may have to be done again: so it is done on a copy. */
    if (exchange->packed)
        status = unpack_zstd(buffer_text(&exchange->body), &plain, &why);
    else if (!buffer_append(&plain, buffer_text(&exchange->body)))
        status = error_set(&why, ENOMEM, "no memory for a batch");
    if (status == 0)
        status = batch_parse(plain.bytes, plain.length, exchange->arrived, &batch, &why);
    if (status == -EBADMSG)
        return exchange_refuse(exchange, 400, "%s", why.text);
    if (status == -EMSGSIZE)
        return exchange_refuse(exchange, 413, "%s", why.text);
    if (status < 0)
        return error_set(error, -status, "%s", why.text);
    return store_batch(store, exchange, &batch, error);
}
