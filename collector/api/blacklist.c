/* Own names on blacklists: where each is listed, since when and how often, how to get off; which lists are not
 * believed; and a person's wish that a name be asked for now. */
#include <jansson.h>
#include <string.h>
#include "collector/api/endpoint.h"
#include "collector/api/lines.h"
#include "collector/api/means.h"
#include "collector/api/person.h"
#include "collector/blacklist/subject.h"
#include "collector/blacklist/zones.h"
#include "collector/store/listings.h"
#include "collector/store/watched.h"
#include "common/cleanup.h"
#include "common/words/observation.h"

#define NAMES_MOST 64
#define ASKED_FOR  DAY /* what a person asked for is kept so long, where it is not watched anyhow */

static const char *given(const struct exchange *exchange, const char *name)
{
    const char *value = exchange_parameter(exchange, name);
    return value && *value ? value : NULL;
}

struct answering {
    struct lines lines;
    const struct zones *zones; /* NULL: blacklists are not watched */
};

static const struct zone *find_zone(const struct answering *answering, struct text name)
{
    return answering->zones ? zones_find(answering->zones, name) : NULL;
}

static const char *state_of(const struct store_listing *listing)
{
    return listing->since > 0 ? "listed" : listing->doubted > 0 ? "once" : "over";
}

static void add_listing(void *context, const struct store_listing *listing)
{
    struct answering *answering = context;
    const struct zone *zone = find_zone(answering, text_of(listing->zone));
    struct json json = lines_record(&answering->lines, "listing");
    json_string(&json, "name", listing->name);
    json_string(&json, "list", listing->zone);
    json_string(&json, "title", zone ? zone->title : "");
    json_string(&json, "state", state_of(listing));
    json_moment(&json, "since", listing->since > 0 ? listing->since : 0);
    json_moment(&json, "checked", listing->checked);
    json_moment(&json, "doubted", listing->doubted);
    json_moment(&json, "first", listing->first);
    json_integer(&json, "times", listing->times);
    json_integer(&json, "seconds", listing->total / SECOND);
    json_string(&json, "weight", listing_weight_name((enum listing_weight)listing->weight));
    json_string(&json, "codes", listing->code);
    json_string(&json, "means", listing->means);
    json_string(&json, "reason", listing->reason);
    json_string(&json, "link", zone ? zone->link : "");
    json_string(&json, "sender", listing->sender);
    json_string(&json, "customer", listing->customer);
    if (listing->node != 0)
        lines_node_of(&json, listing->node, text_of(listing->node_name));
    lines_add(&answering->lines, &json);
}

static void add_time(void *context, const struct store_listing_time *time)
{
    struct answering *answering = context;
    struct json json = lines_record(&answering->lines, "time");
    json_text(&json, "name", time->name);
    json_text(&json, "list", time->zone);
    json_moment(&json, "since", time->since);
    json_moment(&json, "until", time->until);
    json_string(&json, "weight", listing_weight_name((enum listing_weight)time->weight));
    json_text(&json, "codes", time->code);
    json_text(&json, "sender", time->sender);
    json_text(&json, "customer", time->customer);
    if (time->node != 0)
        lines_node_of(&json, time->node, time->node_name);
    lines_add(&answering->lines, &json);
}

static void add_watched(void *context, const struct store_watched_row *row)
{
    struct answering *answering = context;
    struct json json = lines_record(&answering->lines, "watched");
    json_text(&json, "name", row->name);
    json_text(&json, "kind", row->kind);
    json_text(&json, "origin", row->origin);
    json_moment(&json, "seen", row->seen);
    json_moment(&json, "asked", row->asked);
    json_moment(&json, "due", row->is_held ? 0 : row->due);
    json_bool(&json, "asking", row->is_held || row->wanted > 0);
    json_bool(&json, "wanted", row->wanted > 0);
    json_integer(&json, "clean", row->clean);
    json_integer(&json, "unknown", row->unknown);
    lines_add(&answering->lines, &json);
}

static void add_zone(void *context, const struct store_zone *row)
{
    struct answering *answering = context;
    const struct zone *zone = find_zone(answering, text_of(row->zone));
    if (row->state[0] == '\0')
        return;
    struct json json = lines_record(&answering->lines, "list");
    json_string(&json, "list", row->zone);
    json_string(&json, "title", zone ? zone->title : "");
    json_string(&json, "state", row->state);
    json_string(&json, "why", row->trouble);
    json_moment(&json, "since", row->since);
    json_moment(&json, "checked", row->checked);
    json_integer(&json, "asked_today", row->asked);
    lines_add(&answering->lines, &json);
}

static int add_counts(struct store *store, struct answering *answering, struct error *error)
{
    struct store_watched_counts counts;
    uint32_t asked = 0;
    int status = store_watched_counts(store, &counts, error);
    for (uint32_t i = 0; answering->zones && i < zones_count(answering->zones); i++)
        asked += zones_at(answering->zones, i)->asked;
    struct json json = lines_record(&answering->lines, "watching");
    json_bool(&json, "enabled", answering->zones != NULL);
    json_integer(&json, "names", counts.names);
    json_integer(&json, "listings", counts.listed);
    json_integer(&json, "lists", asked);
    lines_add(&answering->lines, &json);
    return status;
}

/* A name as lists are asked for it; NULL: it is none. */
static const char *name_of(const char *word, char result[SUBJECT_TEXT], bool *is_domain)
{
    struct subject subject;
    if (!subject_parse(text_of(word), &subject))
        return NULL;
    *is_domain = subject.kind == SUBJECT_DOMAIN;
    return subject_print(&subject, result);
}

int blacklist_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    struct store_listing_query query = {
        .most = 1000, .customer = given(exchange, "customer"), .all = given(exchange, "all") != NULL};
    const char *word = given(exchange, "name");
    char name[SUBJECT_TEXT];
    bool is_domain;
    moment since = 0;
    if (!lines_most(exchange, "top", &query.most) || !lines_since(exchange, &since) ||
        (word && (query.name = name_of(word, name, &is_domain)) == NULL))
        return exchange_refuse(exchange, 400,
                               "top: 1 to %d; since: a time as in RFC 3339; name: an address or a domain", LINES_MOST);
    struct answering answering = {.lines = lines_begin(exchange), .zones = exchange->means->zones};
    int status = add_counts(store, &answering, error);
    if (status >= 0 && word)
        status = store_watched_find(store, query.name, add_watched, &answering, error);
    if (status >= 0)
        status = store_listing_list(store, &query, add_listing, &answering, error);
    if (status >= 0 && given(exchange, "since"))
        status = store_listing_times(store, &query, since, add_time, &answering, error);
    if (status >= 0 && !word)
        status = store_zones(store, add_zone, &answering, error);
    return status < 0 ? status : lines_end(&answering.lines, NULL);
}

int blacklist_check_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(body_drop) json_t *body = body_read(exchange);
    const json_t *names = json_object_get(body, "names");
    size_t count = json_array_size(names);
    if (exchange->means->zones == NULL)
        return exchange_refuse(exchange, 409, "blacklists are not watched: enabled in [blacklists] says whether");
    if (count == 0 || count > NAMES_MOST)
        return exchange_refuse(exchange, 400, "1 to %d addresses and domains: {\"names\":[\"192.0.2.7\"]}", NAMES_MOST);
    char name[SUBJECT_TEXT];
    bool is_domain = false;
    for (size_t i = 0; i < count; i++) {
        const char *word = json_string_value(json_array_get(names, i));
        if (word == NULL || name_of(word, name, &is_domain) == NULL)
            return exchange_refuse(exchange, 400, "%.100s: no address and no domain", word ? word : "what is no text");
    }
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        name_of(json_string_value(json_array_get(names, i)), name, &is_domain);
        status = store_watch_want(store, name, is_domain, exchange->arrived + ASKED_FOR, exchange->arrived, error);
    }
    if (status < 0)
        return status;
    struct json json = json_begin(&exchange->answer);
    json_integer(&json, "names", (int64_t)count);
    exchange->status = json_end(&json) ? 202 : 503;
    return 0;
}
