/* See waiting.h. */
#include "collector/api/waiting.h"

enum told waiting_for(const struct request *request)
{
    return request->exchange.endpoint->permission == MAY_NODE ? TOLD_NODES : TOLD_PEOPLE;
}

size_t waiting_count(const struct waiting *waiting)
{
    return waiting->count[TOLD_NODES] + waiting->count[TOLD_PEOPLE];
}

void waiting_add(struct waiting *waiting, struct request *request)
{
    request->next_waiting = waiting->first;
    request->before_waiting = &waiting->first;
    if (waiting->first)
        waiting->first->before_waiting = &request->next_waiting;
    waiting->first = request;
    waiting->count[waiting_for(request)]++;
}

void waiting_remove(struct waiting *waiting, struct request *request)
{
    if (request->before_waiting == NULL)
        return;
    *request->before_waiting = request->next_waiting;
    if (request->next_waiting)
        request->next_waiting->before_waiting = request->before_waiting;
    request->before_waiting = NULL;
    waiting->count[waiting_for(request)]--;
}

struct waking {
    enum told told;
    const int64_t *nodes; /* NULL: all */
    size_t count;
};

static bool is_meant(const struct waking *waking, const struct request *request)
{
    bool meant = waking->nodes == NULL;
    if (waiting_for(request) != waking->told)
        return false;
    for (size_t i = 0; i < waking->count && !meant; i++)
        meant = waking->nodes[i] == request->exchange.node.id;
    return meant;
}

static void wake(struct waiting *waiting, const struct waking *waking, void (*each)(void *context, struct request *),
                 void *context)
{
    waiting->generation[waking->told]++;
    for (struct request *request = waiting->first, *next; request; request = next) {
        next = request->next_waiting;
        if (!is_meant(waking, request))
            continue;
        waiting_remove(waiting, request);
        each(context, request);
    }
}

void waiting_wake(struct waiting *waiting, enum told told, void (*each)(void *context, struct request *), void *context)
{
    wake(waiting, &(struct waking){.told = told}, each, context);
}

void waiting_wake_nodes(struct waiting *waiting, const int64_t *nodes, size_t count,
                        void (*each)(void *context, struct request *), void *context)
{
    wake(waiting, &(struct waking){TOLD_NODES, nodes, count}, each, context);
}
