/* See letter.h. */
#include "collector/sorter/letter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/cleanup.h"

struct letter *letter_create(const struct store_message *message, size_t *account)
{
    CLEANUP(letter_release) struct letter *letter = calloc(1, sizeof *letter);
    if (letter == NULL)
        return NULL;
    letter->references = 1;
    letter->node = message->node;
    letter->account = account;
    letter->charge = sizeof *letter + 2 * message->envelope.length + (size_t)message->size + (size_t)message->kept;
    __atomic_add_fetch(account, letter->charge, __ATOMIC_RELAXED);
    snprintf(letter->name, sizeof letter->name, "%s", message->name);
    buffer_init(&letter->envelope, MESSAGE_ENVELOPE_MOST);
    buffer_init(&letter->packed, PACKING_MOST);
    buffer_init(&letter->plain, PACKING_PLAIN_MOST);
    buffer_init(&letter->shown, PACKING_PLAIN_MOST + (size_t)FACTS_PICTURE_TEXT * 2);
    return buffer_append(&letter->envelope, message->envelope) ? TAKE(letter) : NULL;
}

bool letter_keep(struct letter *letter, enum store_packing packing, struct text packed)
{
    letter->packing = packing;
    return buffer_append(&letter->packed, packed);
}

size_t letter_bytes(const size_t *account)
{
    return __atomic_load_n(account, __ATOMIC_RELAXED);
}

struct letter *letter_hold(struct letter *letter)
{
    __atomic_add_fetch(&letter->references, 1, __ATOMIC_RELAXED);
    return letter;
}

void letter_release(struct letter **pointer)
{
    struct letter *letter = TAKE(*pointer);
    if (letter == NULL || __atomic_sub_fetch(&letter->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    __atomic_sub_fetch(letter->account, letter->charge, __ATOMIC_RELAXED);
    message_file_destroy(&letter->file);
    buffer_clear(&letter->envelope);
    buffer_clear(&letter->packed);
    buffer_clear(&letter->plain);
    buffer_clear(&letter->shown);
    free(letter);
}

/* The copy that filters are shown: what pictures say stands before it, where rules for texts find it. */
static struct text show(struct letter *letter)
{
    struct text content = buffer_text(&letter->plain);
    if (!letter->read || !reading_header(&letter->facts, &letter->shown) || letter->shown.length == 0)
        return content;
    return buffer_append(&letter->shown, content) ? buffer_text(&letter->shown) : content;
}

int letter_open(struct letter *letter, const struct letter_tools *tools, bool facts, struct error *error)
{
    struct error ignored;
    if (letter->open)
        return 0;
    int status =
        packing_unpack(tools->keys, letter->name, letter->packing, buffer_text(&letter->packed), &letter->plain, error);
    if (status == 0)
        status = message_file_join(buffer_text(&letter->envelope), buffer_text(&letter->plain), &letter->file, error);
    if (status < 0)
        return status;
    buffer_clear(&letter->packed);
    letter->read = facts && tools->reading &&
                   reading_ask(tools->reading, buffer_text(&letter->plain), &letter->facts, &ignored) == 0;
    const struct message_file *file = letter->file;
    letter->message = (struct filter_message){
        .name = letter->name,
        .content = show(letter),
        .from = file->from,
        .recipients = file->recipients,
        .recipient_count = file->recipient_count,
        .helo = file->helo,
        .client = file->address,
        .user = file->user,
        .queue_id = file->queue,
    };
    letter->open = true;
    return 0;
}
