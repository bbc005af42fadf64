/* See relay_desk.h. */
#include "agent/courier/relay_desk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/courier/answer.h"
#include "agent/courier/relay_store.h"
#include "agent/message/settings.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define TOLD_MOST 30           /* refusals that are told in a minute, one by one */
#define STOPPED   (5 * MINUTE) /* so long what was stopped is summed up: no day anywhere begins within */

struct relay_desk {
    struct news *news;
    struct relay *relay; /* NULL: no configuration came yet */
    struct relay_store *store;
    struct process_settings *settings; /* in force */
    struct customers *customers;       /* whose accounts and addresses are; NULL: nobody is known */
    struct siphash_key key;
    struct standings_feed feed;
    bool greylist_loaded, fleet_loaded;
    bool store_trouble; /* it was told that the file cannot be written */
    int64_t minute;     /* in which `told` refusals were told and `left_out` were not */
    uint32_t told, left_out;
    struct relay_counters counters; /* before there is a relay */
    int64_t stretch;                /* of STOPPED, in which `summed` is not all yet */
    struct relay_counters summed;   /* what the collector was told of before */
};

static void clear_settings(struct process_settings **owner)
{
    struct option_binding bindings[PROCESS_BINDINGS + 1];
    if (!*owner)
        return;
    process_settings_bind(*owner, bindings);
    options_clear(bindings);
    free(*owner);
    *owner = NULL;
}

static void tell_trouble(void *context, const char *text)
{
    struct relay_desk *desk = context;
    news_event(desk->news, 2, "relay", text);
}

/* The collector sums it up for reports; what people follow is told by tell(). */
static void tell_stopped(struct relay_desk *desk)
{
    static const enum relay_answer told[] = {RELAY_REFUSED, RELAY_DEFERRED, RELAY_LIMITED, RELAY_DIVERTED};
    struct relay_counters now = relay_counters(desk->relay), since = {0};
    bool has_any = false;
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        since.answers[told[i]] = now.answers[told[i]] - desk->summed.answers[told[i]];
        has_any |= since.answers[told[i]] > 0;
    }
    if (has_any)
        news_stopped(desk->news, desk->stretch * STOPPED, STOPPED / SECOND, &since);
    desk->summed = now;
}

/* --- beginning and end --- */

int relay_desk_create(const char *file, struct news *news, struct relay_desk **result, struct error *error)
{
    CLEANUP(relay_desk_destroy) struct relay_desk *desk = calloc(1, sizeof *desk);
    struct error trouble = {0};
    char text[300];
    if (!desk)
        return error_set(error, ENOMEM, "no memory for the relay's desk");
    desk->news = news;
    desk->stretch = clock_now() / STOPPED;
    if (file && relay_store_open(file, &desk->store, &trouble) < 0) {
        snprintf(text, sizeof text, "what mail relays are told is not kept: %.200s", trouble.text);
        tell_trouble(desk, text);
    }
    desk->feed = (struct standings_feed){.store = desk->store, .trouble = tell_trouble, .context = desk};
    if (desk->store && relay_store_was_damaged(desk->store))
        tell_trouble(desk, "the relay's file was damaged; it was moved aside, and the greylist begins anew");
    if (desk->store)
        desk->key = *relay_store_key(desk->store);
    else if (getrandom(&desk->key, sizeof desk->key, 0) != sizeof desk->key)
        return error_set(error, errno, "cannot get random bytes: %m");
    *result = TAKE(desk);
    return 0;
}

void relay_desk_destroy(struct relay_desk **owner)
{
    struct relay_desk *desk = *owner;
    *owner = NULL;
    if (!desk)
        return;
    relay_desk_tick(desk); /* what came in this second is kept too */
    if (desk->relay)
        tell_stopped(desk);
    relay_destroy(&desk->relay);
    relay_store_close(&desk->store);
    clear_settings(&desk->settings);
    customers_destroy(&desk->customers);
    free(desk);
}

static void add_standing(void *context, const struct sender *sender, const struct stored_standing *standing)
{
    struct relay_desk *desk = context;
    standings_put(relay_fleet(desk->relay), sender, standing->deed, standing->rate ? standing->rate : 1,
                  standing->until, standing->news, clock_now());
    if (standings_feed_is_policys(standing->by))
        standings_note_policys(relay_fleet(desk->relay), sender);
}

/* 1: there may be more; 0: it is all there. What cannot be read is told, and done without. */
static bool goes_on(struct relay_desk *desk, int code, const struct error *error)
{
    if (code < 0)
        tell_trouble(desk, error->text);
    return code > 0;
}

bool relay_desk_load(struct relay_desk *desk)
{
    struct error error = {0};
    if (!desk->store || !desk->relay)
        return false;
    if (desk->settings->relay.follow && !desk->fleet_loaded)
        desk->fleet_loaded =
            !goes_on(desk, relay_store_load_standings(desk->store, add_standing, desk, &error), &error);
    else if (desk->settings->relay.greylist && !desk->greylist_loaded)
        desk->greylist_loaded =
            !goes_on(desk, relay_store_load_greylist(desk->store, relay_greylist(desk->relay), &error), &error);
    return (desk->settings->relay.follow && !desk->fleet_loaded) ||
           (desk->settings->relay.greylist && !desk->greylist_loaded);
}

static int take_settings(struct relay_desk *desk, struct process_settings **settings, struct error *error)
{
    if (!desk->relay) {
        int code = relay_create(&(*settings)->relay, &desk->key, &desk->relay, error);
        if (code < 0)
            return code;
    }
    relay_configure(desk->relay, &(*settings)->relay);
    clear_settings(&desk->settings);
    desk->settings = TAKE(*settings);
    desk->feed = (struct standings_feed){.relay = desk->relay,
                                         .store = desk->store,
                                         .settings = &desk->settings->relay,
                                         .trouble = tell_trouble,
                                         .context = desk,
                                         .taken = desk->feed.taken};
    return 0;
}

int relay_desk_configure(struct relay_desk *desk, int bundle, struct error *error)
{
    CLEANUP(clear_settings) struct process_settings *settings = calloc(1, sizeof *settings);
    struct customers *customers = NULL;
    if (!settings)
        return error_set(error, ENOMEM, "no memory for settings");
    int code = process_settings_read(bundle, settings, error);
    if (code == 0)
        code = settings_customers_read(bundle, &customers, error);
    if (code == 0)
        code = take_settings(desk, &settings, error);
    if (code < 0) {
        customers_destroy(&customers);
        return code;
    }
    customers_destroy(&desk->customers);
    desk->customers = customers;
    return 0;
}

/* Whoever needs it before a configuration came gets the presets. */
static bool is_ready(struct relay_desk *desk)
{
    struct error error = {0};
    if (desk->relay)
        return true;
    CLEANUP(clear_settings) struct process_settings *settings = calloc(1, sizeof *settings);
    struct option_binding bindings[PROCESS_BINDINGS + 1];
    if (!settings)
        return false;
    process_settings_bind(settings, bindings);
    return options_read(bindings, TEXT(""), "presets", &error) == 0 && take_settings(desk, &settings, &error) == 0;
}

void relay_desk_enforce(struct relay_desk *desk, bool on)
{
    if (is_ready(desk))
        relay_enforce(desk->relay, on);
}

void relay_desk_order(struct relay_desk *desk, const struct order *order)
{
    if (is_ready(desk))
        relay_order(desk->relay, order, clock_now());
}

/* --- questions --- */

static enum relay_stage stage_of(struct text state)
{
    if (text_equals(state, TEXT("DATA")) || text_equals(state, TEXT("END-OF-MESSAGE")))
        return RELAY_AT_CONTENT;
    /* who says nothing asks about a recipient, as Exim's line in the manual does */
    return state.length == 0 || text_equals(state, TEXT("RCPT")) ? RELAY_AT_RECIPIENT : RELAY_BEFORE;
}

/* The first refusal of a sender, and then each time that there are twice as many. */
static bool is_news(const struct act *act)
{
    uint64_t all = act->refused + act->deferred + act->diverted;
    return all > 0 && all >= 2 * act->told;
}

static bool may_tell(struct relay_desk *desk, moment now)
{
    char text[120];
    if (desk->minute != now / MINUTE) {
        if (desk->left_out > 0) {
            snprintf(text, sizeof text, "%u more refusals at the relay were not told one by one", desk->left_out);
            news_event(desk->news, 0, "relay", text);
        }
        desk->minute = now / MINUTE;
        desk->told = desk->left_out = 0;
    }
    desk->left_out += desk->told >= TOLD_MOST;
    return desk->told < TOLD_MOST;
}

static void tell(struct relay_desk *desk, const struct policy_request *request, const struct relay_outcome *outcome,
                 moment now)
{
    struct act *act = outcome->act;
    char sender[80], recipient[80], client[64], text[400];
    if (!act || outcome->answer == RELAY_PASSES || outcome->answer == RELAY_GREYLISTED || !is_news(act) ||
        !may_tell(desk, now))
        return;
    desk->told++;
    act->told = act->refused + act->deferred + act->diverted;
    text_copy_printable(request->sender, sender, sizeof sender);
    text_copy_printable(request->recipient, recipient, sizeof recipient);
    text_copy_printable(request->client, client, sizeof client);
    snprintf(text, sizeof text,
             "%s at the relay%s: %llu refused, %llu put off, %llu diverted; now from <%.60s> to <%.60s>, client %.48s",
             relay_answer_name(outcome->answer), outcome->fleet ? " by the fleet's word" : "",
             (unsigned long long)act->refused, (unsigned long long)act->deferred, (unsigned long long)act->diverted,
             sender, recipient, client);
    news_about(desk->news, &outcome->about, 0, "relay", text);
}

/* The account's customer before the address's: behind one address there may be many. */
static struct text find_customer(const struct relay_desk *desk, const struct policy_request *request,
                                 char room[CUSTOMER_TEXT])
{
    struct address address;
    bool addressed = address_parse(request->client, &address);
    struct sender sender = sender_from_account(request->account);
    if (sender.kind == SENDER_NONE && addressed)
        sender = sender_from_address(&address);
    if (!desk->customers || sender.kind == SENDER_NONE)
        return TEXT("");
    const struct customer_question question = {
        .sender = &sender, .address = addressed ? &address : NULL, .login = request->account};
    customers_find(desk->customers, &question, room);
    return text_of(room);
}

void relay_desk_answer(void *context, const struct policy_request *request, char action[RELAY_ACTION])
{
    struct relay_desk *desk = context;
    uint64_t recipients = 0;
    char customer[CUSTOMER_TEXT];
    moment now = clock_now();
    if (!is_ready(desk))
        return;
    (void)text_number(request->recipient_count, &recipients);
    const struct relay_question question = {
        .stage = stage_of(request->state),
        .account = request->account,
        .client = request->client,
        .customer = find_customer(desk, request, customer),
        .instance = request->instance,
        .sender = request->sender,
        .recipient = request->recipient,
        .recipients = recipients > UINT32_MAX ? UINT32_MAX : (uint32_t)recipients,
    };
    const struct relay_outcome outcome = relay_answer(desk->relay, &question, now, action);
    tell(desk, request, &outcome, now);
}

bool relay_desk_may_ask(void *context, const struct address *address)
{
    struct relay_desk *desk = context;
    return desk->settings && address_list_contains(&desk->settings->relay.clients, address);
}

/* What changed goes into the file, and what is over out of it. */
static int keep(struct relay_desk *desk, moment now, struct error *error)
{
    int code = 0;
    if (desk->greylist_loaded)
        code = relay_store_keep_greylist(desk->store, relay_greylist(desk->relay), error);
    return code == 0 && desk->fleet_loaded ? relay_store_prune_standings(desk->store, now, error) : code;
}

void relay_desk_tick(struct relay_desk *desk)
{
    struct error error = {0};
    moment now = clock_now();
    if (!desk->relay)
        return;
    relay_tick(desk->relay, now);
    if (desk->stretch != now / STOPPED)
        tell_stopped(desk);
    desk->stretch = now / STOPPED;
    if (!desk->store)
        return;
    bool fails = keep(desk, now, &error) < 0;
    if (fails && !desk->store_trouble)
        tell_trouble(desk, error.text);
    desk->store_trouble = fails;
}

struct standings_feed *relay_desk_feed(struct relay_desk *desk)
{
    return desk ? &desk->feed : NULL;
}

/* --- for people --- */

const struct act *relay_desk_act(struct relay_desk *desk, const struct sender *sender)
{
    const struct act *act = desk->relay && relay_can_ask_about(sender) ? relay_act(desk->relay, sender) : NULL;
    /* Only of an account is it worth a word that nobody asked: the others are stopped elsewhere too. */
    return act && (act->asked > 0 || sender->kind == SENDER_ACCOUNT) ? act : NULL;
}

struct relay_counters relay_desk_counters(const struct relay_desk *desk)
{
    return desk->relay ? relay_counters(desk->relay) : desk->counters;
}

void relay_desk_count(struct relay_desk *desk, struct answer_policy *result)
{
    if (!desk->relay)
        return;
    result->orders = relay_orders(desk->relay);
    result->fleet = standings_count(relay_fleet(desk->relay));
    result->greylist = greylist_count(relay_greylist(desk->relay));
}

bool relay_desk_answer_explain(struct relay_desk *desk, const struct sender *sender, struct buffer *out)
{
    struct stored_standing standing;
    struct relay_counters counters = relay_desk_counters(desk);
    if (!relay_can_ask_about(sender))
        return true;
    const struct act *act = relay_desk_act(desk, sender);
    bool stands = standings_feed_is_wanted(&desk->feed) && relay_store_find_standing(desk->store, sender, &standing) &&
                  standing.until > clock_now();
    if (!act && !stands && sender->kind != SENDER_ACCOUNT)
        return true;
    return answer_submission(out, sender, act, stands ? &standing : NULL, &counters);
}
