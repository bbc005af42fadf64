/* What was counted over all nodes and customers. */
#include "collector/store/bulk.h"

#include <string.h>
#include "collector/api/endpoint.h"
#include "collector/api/lines.h"
#include "collector/api/means.h"

static void add_row(void *context, const struct bulk_row *row)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "bulk");
    json_text(&json, "kind", row->kind);
    json_text(&json, "digest", row->digest);
    json_integer(&json, "recipients", row->count.recipients);
    json_integer(&json, "messages", row->count.messages);
    json_integer(&json, "customers", row->count.customers);
    json_integer(&json, "nodes", row->count.nodes);
    json_integer(&json, "steps", row->count.steps);
    json_moment(&json, "first", row->first);
    json_moment(&json, "seen", row->seen);
    lines_add(lines, &json);
}

int bulk_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    uint32_t most = 100;
    const char *kind = exchange_parameter(exchange, "kind");
    if (!lines_most(exchange, "top", &most))
        return exchange_refuse(exchange, 400, "top: 1 to %d", LINES_MOST);
    if (kind && strcmp(kind, "body") != 0 && strcmp(kind, "picture") != 0)
        return exchange_refuse(exchange, 400, "kind: body and picture are allowed");
    struct lines lines = lines_begin(exchange);
    int code = store_bulk_list(store, exchange->means->bulk, kind, most, exchange->arrived, add_row, &lines, error);
    return code < 0 ? code : lines_end(&lines, NULL);
}
