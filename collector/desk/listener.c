/* See listener.h. */
#include "collector/desk/listener.h"

#include <errno.h>
#include <stdlib.h>
#include "collector/desk/dialogue.h"
#include "collector/desk/keeper.h"
#include "common/cleanup.h"
#include "common/io/mail_listener.h"

#define CLIENTS_MOST 8
#define SILENCE      MINUTE        /* between two pieces */
#define WHOLE        (15 * MINUTE) /* of a connection */

struct listener {
    struct keeper keeper;
    struct dialogue_owner owner;
    struct mail_listener *mail;
};

static int take(void *context, struct text content)
{
    struct listener *listener = context;
    const struct brought brought = {.content = content};
    struct error why;
    return keeper_keep(&listener->keeper, "smtp", &brought, &why);
}

/* --- dialogues --- */

static void *begin(void *context, struct buffer *replies)
{
    const struct listener *listener = context;
    return buffer_append(replies, TEXT(DIALOGUE_GREETING)) ? dialogue_create(&listener->owner) : NULL;
}

static bool feed(void *dialogue, struct text piece, struct buffer *replies)
{
    return dialogue_feed(dialogue, piece, replies);
}

static void end(void *context)
{
    struct dialogue *dialogue = context;
    dialogue_destroy(&dialogue);
}

/* --- life --- */

int listener_create(const char *address, const struct address_list *from, const char *where,
                    const struct packing_keys *keys, struct listener **result, struct error *error)
{
    CLEANUP(listener_destroy) struct listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        return error_set(error, ENOMEM, "no memory for a listener");
    listener->owner = (struct dialogue_owner){BROUGHT_MOST, take, listener};
    keeper_init(&listener->keeper, where, keys);
    const struct mail_dialogues dialogues = {.from = from,
                                             .connections = CLIENTS_MOST,
                                             .silence = SILENCE,
                                             .whole = WHOLE,
                                             .replies = DIALOGUE_REPLIES_MOST,
                                             .context = listener,
                                             .begin = begin,
                                             .feed = feed,
                                             .end = end};
    int status = mail_listener_create(address, &dialogues, &listener->mail, error);
    if (status < 0)
        return error_wrap(error, "[complaints]");
    *result = TAKE(listener);
    return 0;
}

void listener_destroy(struct listener **handle)
{
    if (*handle == NULL)
        return;
    mail_listener_destroy(&(*handle)->mail);
    keeper_clear(&(*handle)->keeper);
    free(*handle);
    *handle = NULL;
}
