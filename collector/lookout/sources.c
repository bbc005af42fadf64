/* See sources.h. */
#include "collector/lookout/sources.h"

#include <errno.h>
#include <stdlib.h>
#include "collector/store/watched.h"
#include "common/cleanup.h"

#define OWN_AT_ONCE   500
#define OWN_AGAIN     (12 * HOUR)
#define OWN_STAYS     (2 * DAY) /* what is configured no more is watched until then */
#define NODES_AT_ONCE 4
#define NODES_AGAIN   MINUTE
#define PAST          (2 * HOUR)   /* what has sent before the first walk */
#define OVERLAP       (5 * MINUTE) /* what came late */
#define OF_NODE       4096         /* addresses that one node may bring in a walk: it may lie */

void sources_begin(struct sources *sources, const struct watch_settings *settings, const struct own *own)
{
    *sources = (struct sources){.settings = settings, .own = own};
}

static duration again(const struct sources *sources)
{
    return sources->settings->every < NODES_AGAIN ? sources->settings->every : NODES_AGAIN;
}

static bool walks_nodes(const struct sources *sources)
{
    return sources->settings->nodes || sources->settings->senders;
}

/* A clock that was set back makes all of it due. */
static bool is_past(moment now, moment after)
{
    return now >= after || after - now > DAY;
}

bool sources_is_due(const struct sources *sources, moment now)
{
    return (own_count(sources->own) > 0 && (sources->next > 0 || is_past(now, sources->own_after))) ||
           (walks_nodes(sources) && (sources->begun > 0 || is_past(now, sources->nodes_after)));
}

static int watch(struct sources *sources, struct store *store, const struct subject *subject, const char *origin,
                 moment seen, moment until, moment now, struct error *error)
{
    char name[SUBJECT_TEXT];
    const struct store_watched watched = {.name = subject_print(subject, name),
                                          .origin = origin,
                                          .is_domain = subject->kind == SUBJECT_DOMAIN,
                                          .seen = seen,
                                          .until = until};
    return store_watch(store, &watched, sources->settings->every, now, error);
}

/* --- what is configured --- */

static int step_own(struct sources *sources, struct store *store, moment now, struct error *error)
{
    struct subject subject;
    int status = 0;
    for (int i = 0; i < OWN_AT_ONCE && status == 0; i++) {
        if (!own_at(sources->own, sources->next, &subject)) {
            sources->next = 0;
            sources->own_after = now + OWN_AGAIN;
            return 0;
        }
        sources->next++;
        status = watch(sources, store, &subject, "own", 0, now + OWN_STAYS, now, error);
    }
    return status;
}

/* --- what nodes and senders show --- */

/* Addresses that nobody elsewhere sees. */
static bool is_private(const struct address *address)
{
    const uint8_t *b = address->bytes;
    if (address->family == 6)
        return (b[0] & 0xfe) == 0xfc;
    return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
           (b[0] == 100 && (b[1] & 0xc0) == 64);
}

static bool is_worth(const struct address *address)
{
    uint8_t whole = address->family == 4 ? 32 : 128;
    return address->prefix == whole && !address_is_special(address) && !is_private(address);
}

struct found {
    struct sources *sources;
    uint32_t count;
    struct {
        struct subject subject;
        moment seen;
    } of[OF_NODE];
};

static void find_address(void *context, const struct store_sending *sending)
{
    struct found *found = context;
    struct address address;
    if (found->count == OF_NODE || !address_parse(sending->address, &address) || !is_worth(&address))
        return;
    if (sending->is_account && !own_has(found->sources->own, &address))
        return; /* from where somebody logged in */
    found->of[found->count].subject = subject_from_address(&address);
    found->of[found->count++].seen = sending->seen;
}

static void free_found(struct found **found)
{
    free(*found);
}

static int step_senders(struct sources *sources, struct store *store, int64_t node, moment now, struct error *error)
{
    CLEANUP(free_found) struct found *found = calloc(1, sizeof *found);
    if (found == NULL)
        return error_set(error, ENOMEM, "no memory for addresses");
    found->sources = sources;
    int status = store_watch_sending(store, node, sources->since, OF_NODE, find_address, found, error);
    for (uint32_t i = 0; i < found->count && status == 0; i++) {
        moment seen = found->of[i].seen < now ? found->of[i].seen : now;
        status =
            watch(sources, store, &found->of[i].subject, "sender", seen, seen + sources->settings->quiet, now, error);
    }
    return status;
}

static int step_node(struct sources *sources, struct store *store, moment now, struct error *error)
{
    struct store_watched_node node;
    struct address address;
    int found = store_watch_node(store, sources->node, &node, error);
    if (found <= 0) {
        sources->nodes_after = sources->begun + again(sources);
        sources->since = sources->begun - OVERLAP;
        sources->begun = 0;
        return found;
    }
    sources->node = node.id;
    int status = 0;
    if (sources->settings->nodes && node.seen > 0 && address_parse(text_of(node.address), &address) &&
        is_worth(&address)) {
        const struct subject subject = subject_from_address(&address);
        status = watch(sources, store, &subject, "node", node.seen, node.seen + sources->settings->quiet, now, error);
    }
    if (status == 0 && sources->settings->senders && !sources->is_full)
        status = step_senders(sources, store, node.id, now, error);
    return status < 0 ? status : 1;
}

static int step_nodes(struct sources *sources, struct store *store, moment now, struct error *error)
{
    if (sources->begun == 0) {
        sources->begun = now;
        sources->node = INT64_MIN;
        sources->since = sources->since ? sources->since : now - PAST;
    }
    int more = 1;
    for (int i = 0; i < NODES_AT_ONCE && more > 0; i++)
        more = step_node(sources, store, now, error);
    return more < 0 ? more : 0;
}

int sources_step(struct sources *sources, struct store *store, moment now, struct error *error)
{
    int status = 0;
    if (own_count(sources->own) > 0 && (sources->next > 0 || is_past(now, sources->own_after)))
        status = step_own(sources, store, now, error);
    if (status == 0 && walks_nodes(sources) && (sources->begun > 0 || is_past(now, sources->nodes_after)))
        status = step_nodes(sources, store, now, error);
    return status;
}
