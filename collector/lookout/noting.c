/* See noting.h. */
#include "collector/lookout/noting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/blacklist/agreement.h"
#include "collector/store/alerts.h"
#include "collector/store/telling.h"
#include "collector/store/tying.h"
#include "common/cleanup.h"
#include "common/json.h"

#define LINE_MOST ((size_t)8192) /* all at its longest, each byte of a name escaped */
#define WORDS     1024
#define NAME      (STORE_LISTING_TEXT + STORE_LISTING_ZONE)

static void say_codes(const struct answer *answer, char *result, size_t size)
{
    size_t length = 0;
    result[0] = '\0';
    for (uint32_t i = 0; i < answer->count && length + ADDRESS_TEXT + 1 < size; i++) {
        struct address address = answer_code(answer, i);
        char code[ADDRESS_TEXT];
        length += (size_t)snprintf(result + length, size - length, "%s%s", i ? " " : "", address_print(&address, code));
    }
}

struct note note_of(const struct subject *subject, const struct zone *zone, const struct answer *answer)
{
    struct note note = {.subject = *subject, .zone = zone, .state = answer->state, .weight = answer->weight};
    if (answer->state != ANSWER_LISTED)
        return note;
    say_codes(answer, note.code, sizeof note.code);
    text_copy_printable(text_of(answer->meaning ? answer->meaning : ""), note.means, sizeof note.means);
    text_copy_printable(text_of(answer->reason), note.reason, sizeof note.reason);
    return note;
}

/* --- who hears of it --- */

static enum store_severity severity_of(int64_t weight)
{
    return weight >= LISTING_HIGH ? SEVERITY_TROUBLE : weight >= LISTING_LOW ? SEVERITY_WARNING : SEVERITY_NEWS;
}

static const char *title_of(const struct zone *zone)
{
    return zone->title[0] ? zone->title : zone->name;
}

static void say_subject(const struct store_listing *listing, const struct zone *zone, bool is_listed,
                        char result[WORDS])
{
    snprintf(result, WORDS, "%s is %s by %s", listing->name, is_listed ? "listed" : "not listed any more",
             zone ? title_of(zone) : listing->zone);
}

static bool say_listed(const struct store_listing *listing, const struct zone *zone, struct buffer *out)
{
    char since[MOMENT_TEXT];
    bool good =
        buffer_printf(out, "%s since %s: %s (%s), weight %s.", listing->zone, moment_print(listing->since, since),
                      listing->means, listing->code, listing_weight_name((enum listing_weight)listing->weight));
    if (listing->reason[0])
        good = good && buffer_printf(out, " It says: \"%s\".", listing->reason);
    if (listing->sender[0])
        good = good && buffer_printf(out, "\nIt was used by %s.", listing->sender);
    if (listing->customer[0])
        good = good && buffer_printf(out, "\nIt is of customer %s.", listing->customer);
    if (listing->times > 1)
        good = good && buffer_printf(out, "\nIt is listed there for the %lld. time.", (long long)listing->times);
    return good && buffer_printf(out, "\nHow to get off: %s", zone->link[0] ? zone->link : "the list's own pages");
}

static int raise_alert(struct store *store, const struct store_listing *listing, const struct zone *zone, moment now,
                       struct error *error)
{
    CLEANUP(buffer_clear) struct buffer text;
    char name[NAME], subject[WORDS];
    buffer_init(&text, LINE_MOST);
    snprintf(name, sizeof name, "%s %s", listing->name, listing->zone);
    say_subject(listing, zone, true, subject);
    if (!say_listed(listing, zone, &text))
        return error_set(error, ENOMEM, "no memory for an alert");
    const struct store_alert alert = {.kind = "listing",
                                      .name = name,
                                      .severity = severity_of(listing->weight),
                                      .node = listing->node,
                                      .sender = text_of(listing->sender),
                                      .customer = text_of(listing->customer),
                                      .subject = text_of(subject),
                                      .text = buffer_text(&text)};
    int status = store_alert_raise(store, &alert, now, error);
    return status < 0 ? status : 0;
}

static int resolve_alert(struct store *store, const struct store_listing *listing, moment now, struct error *error)
{
    char name[NAME];
    snprintf(name, sizeof name, "%s %s", listing->name, listing->zone);
    int status = store_alert_resolve(store, "listing", name, now, error);
    return status < 0 ? status : 0;
}

static int add_event(struct store *store, const struct store_listing *listing, const struct zone *zone, bool is_listed,
                     moment now, struct error *error)
{
    CLEANUP(buffer_clear) struct buffer line;
    char subject[WORDS], text[2 * WORDS];
    buffer_init(&line, LINE_MOST);
    say_subject(listing, zone, is_listed, subject);
    snprintf(text, sizeof text, "%s%s%s", subject, is_listed ? ": " : "", is_listed ? listing->means : "");
    struct json json = json_begin(&line);
    json_string(&json, "record", "listing");
    json_moment(&json, "time", now);
    json_string(&json, "sender", listing->sender);
    json_string(&json, "customer", listing->customer);
    json_string(&json, "name", listing->name);
    json_string(&json, "zone", listing->zone);
    json_bool(&json, "listed", is_listed);
    json_string(&json, "weight", listing_weight_name((enum listing_weight)listing->weight));
    json_string(&json, "code", listing->code);
    json_string(&json, "reason", listing->reason);
    json_moment(&json, "since", listing->since);
    json_string(&json, "text", text);
    if (!json_end(&json))
        return error_set(error, ENOMEM, "no memory for an event");
    return store_event_add(store, listing->node, "listing", text_of(listing->sender), text_of(listing->customer),
                           text_trim(buffer_text(&line)), now, error);
}

static int tell_node(struct store *store, const struct store_listing *listing, bool is_listed, moment now,
                     struct error *error)
{
    const struct store_told_listing told = {.sender = text_of(listing->sender),
                                            .customer = text_of(listing->customer),
                                            .address = text_of(listing->name),
                                            .zone = text_of(listing->zone),
                                            .code = text_of(listing->code),
                                            .weight = (uint32_t)listing->weight,
                                            .is_listed = is_listed,
                                            .since = listing->since};
    if (listing->node == 0 || listing->sender[0] == '\0')
        return 0;
    int status = store_tell_listing(store, listing->node, &told, now, error);
    return status < 0 ? status : 0;
}

/* Whose an address was then: of one that several had it is nobody's. */
static int find_whose(struct store *store, const struct subject *subject, struct store_listing *listing, moment then,
                      moment now, struct error *error)
{
    struct address address =
        subject->kind == SUBJECT_IPV4 ? address_from_ipv4(subject->bytes) : address_from_ipv6(subject->bytes);
    const struct store_trail trail = {
        .message_id = "", .body = "", .addresses = &address, .address_count = 1, .is_source = true, .time = then};
    struct store_tie tie = {.tied = ""};
    listing->node = 0;
    listing->sender[0] = listing->customer[0] = '\0';
    int found = subject->kind == SUBJECT_DOMAIN ? 0 : store_tie(store, &trail, now, &tie, error);
    if (found <= 0)
        return found;
    listing->node = tie.node;
    snprintf(listing->sender, sizeof listing->sender, "%s", tie.sender);
    snprintf(listing->customer, sizeof listing->customer, "%s", tie.customer);
    return 0;
}

/* --- changes --- */

static void take_words(struct store_listing *listing, const struct note *note)
{
    listing->weight = note->weight;
    snprintf(listing->code, sizeof listing->code, "%s", note->code);
    snprintf(listing->means, sizeof listing->means, "%s", note->means);
    snprintf(listing->reason, sizeof listing->reason, "%s", note->reason);
}

static int begin(struct store *store, const struct note *note, struct store_listing *listing, moment now,
                 struct error *error)
{
    listing->first = listing->first ? listing->first : listing->since;
    listing->times++;
    take_words(listing, note);
    int status = find_whose(store, &note->subject, listing, listing->since, now, error);
    if (status == 0)
        status = store_listing_put(store, listing, error);
    if (status >= 0)
        status = store_listing_begin(store, listing, error);
    if (status >= 0)
        status = raise_alert(store, listing, note->zone, now, error);
    if (status >= 0)
        status = add_event(store, listing, note->zone, true, now, error);
    if (status >= 0)
        status = tell_node(store, listing, true, now, error);
    return status < 0 ? status : NOTED_CHANGE;
}

/* `zone` NULL: it is not asked any more. */
static int end(struct store *store, const struct zone *zone, struct store_listing *listing, moment until, moment now,
               struct error *error)
{
    const struct store_listing before = *listing;
    listing->total += until > listing->since ? until - listing->since : 0;
    listing->since = 0;
    int status = store_listing_put(store, listing, error);
    if (status >= 0)
        status = store_listing_end(store, listing, until, error);
    if (status >= 0)
        status = resolve_alert(store, listing, now, error);
    if (status >= 0)
        status = add_event(store, &before, zone, false, now, error);
    if (status >= 0)
        status = tell_node(store, &before, false, now, error);
    return status < 0 ? status : NOTED_CHANGE;
}

/* A node forgets what a list said if it is not said again. Who has the address no more hears no more of it. */
static int tell_again(struct store *store, const struct note *note, const struct store_listing *listing, moment now,
                      struct error *error)
{
    struct store_listing found = *listing;
    if (listing->node == 0 || listing->sender[0] == '\0')
        return 0;
    int status = find_whose(store, &note->subject, &found, now, now, error);
    bool is_his = found.node == listing->node && strcmp(found.sender, listing->sender) == 0;
    return status < 0 || !is_his ? status : tell_node(store, listing, true, now, error);
}

/* It is as it was: what was doubted is forgotten, and of what was never listed the row. */
static int keep(struct store *store, const struct note *note, struct store_listing *listing, bool is_another_day,
                moment now, struct error *error)
{
    listing->doubted = 0;
    if (listing->since > 0)
        take_words(listing, note);
    int status = listing->since == 0 && listing->times == 0
                     ? store_listing_drop(store, listing->name, listing->zone, error)
                     : store_listing_put(store, listing, error);
    if (status >= 0 && listing->since > 0 && is_another_day)
        status = tell_again(store, note, listing, now, error);
    return status < 0 ? status : NOTED_NOTHING;
}

static int doubt(struct store *store, const struct note *note, struct store_listing *listing, struct error *error)
{
    if (note->state == ANSWER_LISTED)
        take_words(listing, note);
    int status = store_listing_put(store, listing, error);
    return status < 0 ? status : NOTED_DOUBT;
}

int noting_take(struct store *store, const struct note *note, duration apart, moment now, struct error *error)
{
    struct store_listing listing;
    char name[SUBJECT_TEXT];
    if (note->state == ANSWER_UNKNOWN)
        return NOTED_NOTHING;
    int found = store_listing_get(store, subject_print(&note->subject, name), note->zone->name, &listing, error);
    if (found < 0 || (found == 0 && note->state == ANSWER_CLEAN))
        return found;
    if (found > 0 && note->is_remembered)
        return NOTED_NOTHING;
    const moment since = listing.since;
    const bool is_another_day = listing.checked / DAY != now / DAY;
    struct agreement agreement = {listing.since > 0, listing.since, listing.doubted};
    enum agreement_step step = agreement_take(&agreement, note->state, now, apart);
    listing.checked = now;
    listing.doubted = agreement.doubted;
    if (step == AGREEMENT_DOUBTED)
        return doubt(store, note, &listing, error);
    if (step == AGREEMENT_LISTED) {
        listing.since = agreement.since;
        return begin(store, note, &listing, now, error);
    }
    if (step == AGREEMENT_NOT_LISTED) {
        listing.since = since;
        return end(store, note->zone, &listing, agreement.since, now, error);
    }
    return keep(store, note, &listing, is_another_day, now, error);
}

/* --- lists that are gone --- */

#define RETIRED_MOST 64
#define GONE_MOST    16
struct retiring {
    const struct zones *zones;
    char gone[GONE_MOST][STORE_LISTING_ZONE];
    uint32_t gone_count, count;
    struct store_listing listings[RETIRED_MOST];
};

static void find_gone(void *context, struct text name, bool unused)
{
    struct retiring *retiring = context;
    const struct zone *zone = zones_find(retiring->zones, name);
    (void)unused;
    if ((zone == NULL || !zone->asked) && retiring->gone_count < GONE_MOST)
        snprintf(retiring->gone[retiring->gone_count++], STORE_LISTING_ZONE, "%.*s", (int)name.length, name.bytes);
}

static void collect(void *context, const struct store_listing *listing)
{
    struct retiring *retiring = context;
    retiring->listings[retiring->count++] = *listing;
}

static void free_retiring(struct retiring **retiring)
{
    free(*retiring);
}

int noting_retire(struct store *store, const struct zones *zones, uint32_t most, moment now, struct error *error)
{
    CLEANUP(free_retiring) struct retiring *retiring = calloc(1, sizeof *retiring);
    if (retiring == NULL)
        return error_set(error, ENOMEM, "no memory for listings");
    retiring->zones = zones;
    most = most < RETIRED_MOST ? most : RETIRED_MOST;
    int status = store_listing_zones_standing(store, find_gone, retiring, error);
    for (uint32_t i = 0; i < retiring->gone_count && status >= 0 && retiring->count < most; i++) {
        const struct store_listing_query query = {.zone = retiring->gone[i], .most = most - retiring->count};
        status = store_listing_list(store, &query, collect, retiring, error);
    }
    for (uint32_t i = 0; i < retiring->count && status >= 0; i++)
        status = end(store, NULL, &retiring->listings[i], now, now, error);
    return status < 0 ? status : (int)retiring->count;
}
