/* Complaints that come by HTTP are kept as they are; the desk reads them. */
#include <errno.h>
#include <stdlib.h>
#include "collector/api/endpoint.h"
#include "collector/api/means.h"
#include "collector/store/arrivals.h"
#include "common/cleanup.h"
#include "common/json.h"

struct arrival_body {
    char id[STORE_COMPLAINT_ID];
    struct buffer plain, packed;
    enum store_packing packing;
};

int arrival_prepare(struct exchange *exchange, struct error *error)
{
    struct arrival_body *body = calloc(1, sizeof *body);
    struct error why = {0};
    if (body == NULL)
        return error_set(error, ENOMEM, "no memory for a complaint");
    exchange->prepared = body;
    buffer_init(&body->packed, PACKING_MOST);
    int status = exchange_take_body(exchange, INTAKE_PLAIN_MOST, &body->plain, &why);
    if (status == 0 && text_trim(buffer_text(&body->plain)).length == 0)
        return exchange_refuse(exchange, 400, "there is nothing in it");
    if (status == 0) {
        store_complaint_id(buffer_text(&body->plain), 0, body->id);
        status = packing_pack(exchange->means->keys, body->id, buffer_text(&body->plain), &body->packed, &body->packing,
                              &why);
    }
    buffer_clear(&body->plain);
    exchange->prepared_size = sizeof *body + body->packed.room;
    if (status == -EBADMSG)
        return exchange_refuse(exchange, 400, "%s", why.text);
    if (status == -EMSGSIZE)
        return exchange_refuse(exchange, 413, "%s", why.text);
    return status < 0 ? error_set(error, -status, "%s", why.text) : 0;
}

void arrival_forget(struct exchange *exchange)
{
    struct arrival_body *body = TAKE(exchange->prepared);
    if (body == NULL)
        return;
    buffer_clear(&body->plain);
    buffer_clear(&body->packed);
    free(body);
}

int arrival_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    const struct arrival_body *body = exchange->prepared;
    int status = store_arrival_keep(store, body->id, "http", exchange->arrived, body->packing,
                                    buffer_text(&body->packed), error);
    if (status < 0)
        return status == -EEXIST ? error_set(error, EAGAIN, "another brings the same") : status;
    struct json json = json_begin(&exchange->answer);
    json_string(&json, "id", body->id);
    json_bool(&json, "new", status == 1);
    exchange->status = json_end(&json) ? 202 : 503;
    return 0;
}
