/* See letter_ground.h. Nobody who complained is named, nor is a node: the customer needs neither. */
#include "collector/post/letter_ground.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/blacklist/zones.h"
#include "collector/letter/head.h"
#include "collector/letter/plain.h"
#include "collector/store/complaints.h"
#include "collector/store/customers.h"
#include "collector/store/listings.h"
#include "common/cleanup.h"
#include "common/words/sender.h"

#define COUNTED       1000 /* rows that are counted at most */
#define COMPLAINT_AGE (30 * DAY)

static void free_ground(struct letter_ground **ground)
{
    free(*ground);
    *ground = NULL;
}

/* One harmless line, as far as there is room. */
static void keep(struct text text, char result[GROUND_TEXT])
{
    CLEANUP(buffer_clear) struct buffer plain;
    buffer_init(&plain, (size_t)3 * GROUND_TEXT);
    text.length = text.length < GROUND_TEXT ? text.length : GROUND_TEXT;
    bool is_whole = plain_line(text, &plain);
    text_copy_printable(is_whole ? buffer_text(&plain) : text, result, GROUND_TEXT);
}

void letter_time(moment time, char result[GROUND_TIME])
{
    char printed[MOMENT_TEXT];
    moment_print(time, printed);
    snprintf(result, GROUND_TIME, "%.10s %.5s UTC", printed, printed + 11);
}

/* --- what is held --- */

static void note_kind(struct letter_ground *ground, struct text name)
{
    struct sender sender;
    if (!sender_parse(name, &sender) || sender.kind == SENDER_CUSTOMER)
        return;
    ground->account = ground->account || sender.kind == SENDER_ACCOUNT;
    ground->user = ground->user || sender.kind == SENDER_USER;
    ground->machine = ground->machine || (sender.kind != SENDER_ACCOUNT && sender.kind != SENDER_USER);
}

static void ask_about(struct letter_ground *ground, int64_t node, struct text sender)
{
    if (ground->asked_kept == GROUND_ASKED)
        return;
    ground->asked[ground->asked_kept].node = node;
    keep(sender, ground->asked[ground->asked_kept++].sender);
}

/* As its owner knows it: an address before a port of ours, an account by its name. */
static void name_sender(struct text sender, struct text address, char result[GROUND_TEXT])
{
    static const char *const kinds[] = {"port:", "account:", "customer:"};
    char shown[GROUND_TEXT], used[GROUND_TEXT];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t length = strlen(kinds[i]);
        if (text_starts_nocase(sender, text_of(kinds[i])))
            sender = (struct text){sender.bytes + length, sender.length - length};
    }
    keep(sender, shown);
    keep(address, used);
    if (used[0] && strcmp(used, shown) != 0)
        snprintf(result, GROUND_TEXT, "%.80s (%.200s)", used, shown);
    else
        snprintf(result, GROUND_TEXT, "%s", shown);
}

static void take_order(void *context, const struct store_order *order)
{
    struct letter_ground *ground = context;
    bool is_block = text_equals(order->deed, TEXT("block")), is_throttle = text_equals(order->deed, TEXT("throttle"));
    if (!is_block && !is_throttle)
        return;
    ground->blocked = ground->blocked || is_block;
    ground->throttled = ground->throttled || is_throttle;
    ground->since = ground->held_count == 0 || order->since < ground->since ? order->since : ground->since;
    ground->until = order->until > ground->until ? order->until : ground->until;
    ground->held_count++;
    note_kind(ground, order->sender);
    ask_about(ground, order->node, order->sender);
    if (ground->held_kept == GROUND_HELD)
        return;
    uint32_t row = ground->held_kept++;
    name_sender(order->sender, order->address, ground->held[row].who);
    letter_time(order->since, ground->held[row].since);
    letter_time(order->until, ground->held[row].until);
    ground->held[row].throttled = is_throttle;
}

/* A sender that is conspicuous without being held, or is held with all that the customer has. */
static void take_member(void *context, const struct store_member *member)
{
    struct letter_ground *ground = context;
    if (text_equals(member->sender.verdict, TEXT("clear")) || member->sender.verdict.length == 0)
        return;
    for (uint32_t i = 0; i < ground->asked_kept; i++)
        if (ground->asked[i].node == member->sender.node &&
            text_equals(member->sender.sender, text_of(ground->asked[i].sender)))
            return;
    note_kind(ground, member->sender.sender);
    ask_about(ground, member->sender.node, member->sender.sender);
}

/* --- what was seen --- */

/* Of what is one thing to the customer the weightiest is told. */
static void take_reason(struct letter_ground *ground, const char *word, const char *seen, double points)
{
    uint32_t row = 0;
    while (row < ground->reason_kept && ground->reasons[row].word != word)
        row++;
    if (row == GROUND_REASONS)
        return;
    if (row == ground->reason_kept)
        ground->reason_kept++;
    else if (ground->reasons[row].points >= points)
        return;
    ground->reasons[row].word = word;
    ground->reasons[row].points = points;
    keep(text_of(seen), ground->reasons[row].seen);
}

static void take_verdict(void *context, const struct store_event *event)
{
    struct letter_ground *ground = context;
    json_t *verdict = json_loadb(event->line.bytes, event->line.length, 0, NULL);
    const json_t *evidence = json_object_get(verdict, "evidence");
    size_t count = json_array_size(evidence);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(evidence, i);
        const char *detector = json_string_value(json_object_get(item, "detector"));
        const char *reason = json_string_value(json_object_get(item, "reason"));
        double points = json_number_value(json_object_get(item, "points"));
        if (detector && points > 0)
            take_reason(ground, letter_reason_word(text_of(detector)),
                        reason && letter_reason_is_told(text_of(detector)) ? reason : "", points);
    }
    json_decref(verdict);
}

static int compare_reasons(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left < *right) - (*left > *right);
}

static int find_reasons(struct store *store, struct letter_ground *ground, struct error *error)
{
    int status = 0;
    for (uint32_t i = 0; i < ground->asked_kept && status == 0; i++) {
        const struct store_event_filter filter = {.kind = "verdict",
                                                  .sender = ground->asked[i].sender,
                                                  .node = ground->asked[i].node,
                                                  .most = 1,
                                                  .newest = true};
        status = store_events(store, &filter, take_verdict, ground, error);
    }
    /* A sort that keeps words and sentences together, of eight at most. */
    for (uint32_t i = 1; i < ground->reason_kept; i++)
        for (uint32_t k = i; k > 0 && compare_reasons(&ground->reasons[k - 1].points, &ground->reasons[k].points) > 0;
             k--) {
            __typeof__(ground->reasons[0]) other = ground->reasons[k];
            ground->reasons[k] = ground->reasons[k - 1];
            ground->reasons[k - 1] = other;
        }
    return status;
}

/* --- complaints and listings --- */

/* Anybody can complain, and so put words into what is in our name: of what he says only what looks like an address, and
 * like a Message-ID, is told. */
static struct text only_address(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!text.bytes[i] || !strchr("0123456789abcdefABCDEF:.", text.bytes[i]))
            return TEXT("");
    return text;
}

static struct text only_id(struct text text)
{
    return head_is_id(text) ? text : TEXT("");
}

static void take_complaint(void *context, const struct store_complaint_row *complaint)
{
    struct letter_ground *ground = context;
    if (text_equals(complaint->type, TEXT("not-spam")))
        return;
    ground->complaint_count++;
    if (ground->complaint_kept == GROUND_COMPLAINTS)
        return;
    uint32_t row = ground->complaint_kept++;
    char printed[MOMENT_TEXT];
    moment_print(complaint->time ? complaint->time : complaint->received, printed);
    snprintf(ground->complaints[row].day, GROUND_TIME, "%.10s", printed);
    ground->complaints[row].word = letter_complaint_word(complaint->type);
    keep(only_address(complaint->address), ground->complaints[row].address);
    keep(only_id(complaint->message_id), ground->complaints[row].message);
}

static void take_listing(void *context, const struct store_listing *listing)
{
    struct letter_ground *ground = context;
    ground->listing_count++;
    if (ground->listing_kept == GROUND_LISTINGS)
        return;
    uint32_t row = ground->listing_kept++;
    const struct zone *zone = ground->zones ? zones_find(ground->zones, text_of(listing->zone)) : NULL;
    keep(text_of(listing->name), ground->listings[row].address);
    keep(text_of(listing->zone), ground->listings[row].zone);
    keep(text_of(zone ? zone->link : ""), ground->listings[row].link);
    char printed[MOMENT_TEXT];
    moment_print(listing->since, printed);
    snprintf(ground->listings[row].since, GROUND_TIME, "%.10s", printed);
}

int letter_ground_find(struct store *store, const char *customer, const struct zones *zones, moment now,
                       struct letter_ground **result, struct error *error)
{
    CLEANUP(free_ground) struct letter_ground *ground = calloc(1, sizeof *ground);
    if (ground == NULL)
        return error_set(error, ENOMEM, "no memory for a letter");
    const struct store_complaint_query complaints = {
        .since = now > COMPLAINT_AGE ? now - COMPLAINT_AGE : 0, .customer = customer, .state = "open", .most = COUNTED};
    const struct store_listing_query listings = {.customer = customer, .most = COUNTED};
    ground->zones = zones;
    int status = store_orders_of(store, customer, COUNTED, now, take_order, ground, error);
    if (status >= 0)
        status = store_members(store, customer, GROUND_HELD, now, take_member, ground, error);
    if (status >= 0)
        status = find_reasons(store, ground, error);
    if (status >= 0)
        status = store_complaint_list(store, &complaints, take_complaint, ground, error);
    if (status >= 0)
        status = store_listing_list(store, &listings, take_listing, ground, error);
    if (status >= 0)
        *result = TAKE(ground);
    return status < 0 ? status : 0;
}

const char *letter_ground_cause(const struct letter_ground *ground)
{
    return ground->blocked               ? "block"
           : ground->throttled           ? "throttle"
           : ground->complaint_count > 0 ? "complaint"
           : ground->listing_count > 0   ? "listing"
           : ground->asked_kept > 0      ? "verdict"
                                         : NULL;
}

/* --- what a template is given --- */

static struct text yes(bool is_so)
{
    return is_so ? TEXT("yes") : TEXT("");
}

static struct text number_of(uint32_t all, uint32_t kept, char result[16])
{
    if (all == kept)
        return TEXT("");
    snprintf(result, 16, "%u", all - kept);
    return text_of(result);
}

static void tell_rows(struct letter_ground *ground)
{
    for (uint32_t i = 0; i < ground->held_kept; i++)
        ground->rows[LIST_HELD][i] =
            (struct letter_row){{text_of(ground->held[i].who), text_of(ground->held[i].since),
                                 text_of(ground->held[i].until), yes(ground->held[i].throttled)}};
    for (uint32_t i = 0; i < ground->reason_kept; i++)
        ground->rows[LIST_REASON][i] =
            (struct letter_row){{text_of(ground->reasons[i].word), text_of(ground->reasons[i].seen)}};
    for (uint32_t i = 0; i < ground->complaint_kept; i++)
        ground->rows[LIST_COMPLAINT][i] =
            (struct letter_row){{text_of(ground->complaints[i].day), text_of(ground->complaints[i].word),
                                 text_of(ground->complaints[i].address), text_of(ground->complaints[i].message)}};
    for (uint32_t i = 0; i < ground->listing_kept; i++)
        ground->rows[LIST_LISTING][i] =
            (struct letter_row){{text_of(ground->listings[i].address), text_of(ground->listings[i].zone),
                                 text_of(ground->listings[i].since), text_of(ground->listings[i].link)}};
}

void letter_ground_tell(struct letter_ground *ground, struct letter_facts *facts)
{
    const uint32_t kept[LISTS] = {[LIST_HELD] = ground->held_kept,
                                  [LIST_REASON] = ground->reason_kept,
                                  [LIST_COMPLAINT] = ground->complaint_kept,
                                  [LIST_LISTING] = ground->listing_kept};
    tell_rows(ground);
    for (int list = 1; list < LISTS; list++) {
        facts->lists[list].rows = ground->rows[list];
        facts->lists[list].count = kept[list];
    }
    facts->values[VALUE_BLOCKED] = yes(ground->blocked);
    facts->values[VALUE_THROTTLED] = yes(ground->throttled && !ground->blocked);
    facts->values[VALUE_ACCOUNT] = yes(ground->account);
    facts->values[VALUE_USER] = yes(ground->user);
    facts->values[VALUE_MACHINE] = yes(ground->machine);
    facts->values[VALUE_MORE_HELD] = number_of(ground->held_count, ground->held_kept, ground->more[0]);
    facts->values[VALUE_MORE_COMPLAINTS] = number_of(ground->complaint_count, ground->complaint_kept, ground->more[1]);
    facts->values[VALUE_MORE_LISTINGS] = number_of(ground->listing_count, ground->listing_kept, ground->more[2]);
    if (ground->held_count == 0)
        return;
    letter_time(ground->since, ground->first);
    letter_time(ground->until, ground->last);
    facts->values[VALUE_SINCE] = text_of(ground->first);
    facts->values[VALUE_UNTIL] = text_of(ground->last);
}
