/* See heard.h. Of a thousand nodes each asks once a minute: a short list will do. */
#include "collector/api/heard.h"

#include <pthread.h>
#include <stdlib.h>

#define NODES_MOST 65536

struct hearing {
    int64_t node;
    duration when; /* steady */
};
struct list {
    struct hearing *items;
    size_t count, room;
};
struct heard {
    pthread_mutex_t lock;
    struct list noted, writing; /* writing: the writer's alone */
};

struct heard *heard_create(void)
{
    struct heard *heard = calloc(1, sizeof *heard);
    if (heard)
        pthread_mutex_init(&heard->lock, NULL);
    return heard;
}

void heard_destroy(struct heard **heard)
{
    if (*heard == NULL)
        return;
    pthread_mutex_destroy(&(*heard)->lock);
    free((*heard)->noted.items);
    free((*heard)->writing.items);
    free(*heard);
    *heard = NULL;
}

static void add(struct list *list, int64_t node, duration now)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].node == node) {
            list->items[i].when = now;
            return;
        }
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        struct hearing *more = room <= NODES_MOST ? realloc(list->items, room * sizeof *more) : NULL;
        if (more == NULL)
            return;
        list->items = more;
        list->room = room;
    }
    list->items[list->count++] = (struct hearing){node, now};
}

void heard_note(struct heard *heard, int64_t node, duration steady)
{
    pthread_mutex_lock(&heard->lock);
    add(&heard->noted, node, steady);
    pthread_mutex_unlock(&heard->lock);
}

int heard_write(struct heard *heard, struct store *store, moment now, duration steady, struct error *error)
{
    int status = 0;
    pthread_mutex_lock(&heard->lock);
    for (size_t i = 0; i < heard->noted.count; i++)
        add(&heard->writing, heard->noted.items[i].node, heard->noted.items[i].when);
    heard->noted.count = 0;
    pthread_mutex_unlock(&heard->lock);
    for (size_t i = 0; i < heard->writing.count && status >= 0; i++)
        status =
            store_node_heard(store, heard->writing.items[i].node, now - (steady - heard->writing.items[i].when), error);
    return status < 0 ? status : 0;
}

void heard_settle(struct heard *heard, bool committed)
{
    if (committed)
        heard->writing.count = 0;
}
