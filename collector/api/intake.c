/* A node sends a message in. What it has sent before is known by its number and not kept again; the content is packed
 * here, before there is a transaction, under the name that the message will have. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "collector/api/endpoint.h"
#include "collector/api/means.h"
#include "collector/message/message_file.h"
#include "collector/store/messages.h"
#include "common/cleanup.h"
#include "common/json.h"

struct intake {
    char name[STORE_MESSAGE_NAME];
    struct buffer plain, packed;
    enum store_packing packing;
    struct message_file *file; /* points into `plain` */
};

int intake_prepare(struct exchange *exchange, struct error *error)
{
    struct intake *intake = calloc(1, sizeof *intake);
    struct error why = {0};
    if (intake == NULL)
        return error_set(error, ENOMEM, "no memory for a message");
    exchange->prepared = intake;
    buffer_init(&intake->packed, PACKING_MOST);
    store_message_name(intake->name);
    int status = exchange_take_body(exchange, INTAKE_PLAIN_MOST, &intake->plain, &why);
    if (status == 0)
        status = message_file_read(buffer_text(&intake->plain), &intake->file, &why);
    if (status == 0)
        status = packing_pack(exchange->means->keys, intake->name, intake->file->content, &intake->packed,
                              &intake->packing, &why);
    exchange->prepared_size = sizeof *intake + intake->plain.room + intake->packed.room;
    if (status == -EINVAL || status == -EBADMSG)
        return exchange_refuse(exchange, 400, "%s", why.text);
    if (status == -EMSGSIZE)
        return exchange_refuse(exchange, 413, "%s", why.text);
    return status < 0 ? error_set(error, -status, "%s", why.text) : 0;
}

void intake_forget(struct exchange *exchange)
{
    struct intake *intake = TAKE(exchange->prepared);
    if (intake == NULL)
        return;
    message_file_destroy(&intake->file);
    buffer_clear(&intake->packed);
    buffer_clear(&intake->plain);
    free(intake);
}

static int answer(struct exchange *exchange, int status, const char *name, const char *life, int64_t number)
{
    struct json json = json_begin(&exchange->answer);
    json_string(&json, "name", name);
    json_string(&json, "life", life);
    json_integer(&json, "number", number);
    exchange->status = json_end(&json) ? status : 503;
    return 0;
}

static int keep(struct store *store, struct exchange *exchange, int64_t life, int64_t number, struct error *error)
{
    const struct intake *intake = exchange->prepared;
    const struct message_file *file = intake->file;
    struct store_message message = {
        .node = exchange->node.id,
        .received = exchange->arrived,
        .time = file->time,
        .sender = file->sender,
        .customer = file->customer,
        .address = file->address,
        .from = file->from,
        .envelope = file->envelope,
        .size = (int64_t)file->content.length,
    };
    snprintf(message.name, sizeof message.name, "%s", intake->name);
    return store_message_add(store, &message, life, number, buffer_text(&intake->packed), intake->packing, error);
}

int intake_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    const struct intake *intake = exchange->prepared;
    const char *said = exchange_parameter(exchange, "life");
    char known[STORE_MESSAGE_NAME];
    int64_t life = 0, number = -1;
    if (said == NULL || !secret_parse_id(text_of(said), &life) || !exchange_number(exchange, "number", &number) ||
        number < 0)
        return exchange_refuse(exchange, 400, "life: sixteen hexadecimal digits; number: a number from 0");
    int added = keep(store, exchange, life, number, error);
    if (added < 0)
        return added;
    if (added == 1) {
        exchange->messages = 1;
        return answer(exchange, 201, intake->name, said, number);
    }
    int found = store_message_by_number(store, exchange->node.id, life, number, known, error);
    return found < 0 ? found : answer(exchange, 200, known, said, number);
}
