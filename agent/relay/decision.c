/* See decision.h. */
#include "agent/relay/decision.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/relay/mark.h"
#include "common/cleanup.h"

#define MESSAGES_MOST 65536 /* under way at once; Postfix itself has some hundred */

enum { BY_ACCOUNT, BY_ADDRESS, BY_CUSTOMER, MEMBERS };

/* A message that is asked about more than once. */
struct under_way {
    uint8_t answered; /* enum relay_answer by an order, where `decided` */
    uint8_t decided, counted, limited;
    uint8_t reserved[4];
};

struct relay {
    const struct relay_settings *settings;
    struct siphash_key key;
    bool on;
    struct standings own, fleet;
    struct rates rates;
    struct greylist *greylist;
    struct places messages; /* struct under_way */
    struct acts *held;      /* of senders with an order */
    struct acts *others;    /* of those that a rate or the greylist held back: strangers can be any number */
    struct relay_counters counters;
    char divert[RELAY_DIVERT_TEXT];
};

/* What is known of one question. */
struct hearing {
    struct relay *relay;
    const struct relay_question *question;
    moment now;
    struct address client; /* family 0: not known */
    struct sender members[MEMBERS];
    struct relay_standing standings[MEMBERS]; /* deed RELEASE: nothing stands */
    bool fleet[MEMBERS];
    struct under_way alone, *message;
    char *action;
    struct relay_outcome outcome;
};

static const char *const names[] = {"passes", "diverted", "greylisted", "limited", "deferred", "refused"};
static_assert(sizeof names / sizeof names[0] == RELAY_ANSWERS, "each answer has a name");

const char *relay_answer_name(enum relay_answer answer)
{
    return names[answer];
}

/* --- beginning and end --- */

int relay_create(const struct relay_settings *settings, const struct siphash_key *key, struct relay **result,
                 struct error *error)
{
    CLEANUP(relay_destroy) struct relay *relay = calloc(1, sizeof *relay);
    if (!relay)
        return error_set(error, ENOMEM, "no memory for the relay's answers");
    relay->key = *key;
    int code = standings_create(&relay->own, RELAY_OWN_MOST, key, error);
    if (code == 0)
        code = standings_create(&relay->fleet, settings->senders, key, error);
    if (code == 0)
        code = rates_create(&relay->rates, settings->rate_senders, key, error);
    if (code == 0)
        code = greylist_create(settings->greylist_known, key, &relay->greylist, error);
    if (code == 0)
        code = places_create(&relay->messages, MESSAGES_MOST, sizeof(struct under_way), key, error);
    if (code == 0)
        code = acts_create(ACTS_MOST, key, &relay->held, error);
    if (code == 0)
        code = acts_create(ACTS_MOST, key, &relay->others, error);
    if (code < 0)
        return code;
    relay_configure(relay, settings);
    *result = TAKE(relay);
    return 0;
}

void relay_destroy(struct relay **owner)
{
    struct relay *relay = *owner;
    *owner = NULL;
    if (!relay)
        return;
    standings_clear(&relay->own);
    standings_clear(&relay->fleet);
    rates_clear(&relay->rates);
    greylist_destroy(&relay->greylist);
    places_clear(&relay->messages);
    acts_destroy(&relay->held);
    acts_destroy(&relay->others);
    free(relay);
}

void relay_configure(struct relay *relay, const struct relay_settings *settings)
{
    relay->settings = settings;
    relay_settings_divert(settings, relay->divert);
}

void relay_enforce(struct relay *relay, bool on)
{
    relay->on = on;
}

/* --- orders --- */

bool relay_can_ask_about(const struct sender *sender)
{
    return sender->kind == SENDER_IPV4 || sender->kind == SENDER_IPV6 || sender->kind == SENDER_ACCOUNT ||
           sender->kind == SENDER_CUSTOMER;
}

void relay_order(struct relay *relay, const struct order *order, moment now)
{
    struct relay_standing before;
    if (!relay_can_ask_about(&order->target))
        return;
    bool stood = standings_find(&relay->own, &order->target, now, &before);
    standings_put(&relay->own, &order->target, (enum deed)order->deed, order->rate, order->until, (int64_t)order->id,
                  now);
    if (order->author == ORDER_BY_POLICY)
        standings_note_policys(&relay->own, &order->target);
    if (order->deed == DEED_RELEASE)
        return;
    struct act *act = acts_add(relay->held, &order->target, now);
    if (!stood) /* what was counted under one that is over is not this one's */
        *act = (struct act){.since = now};
}

bool relay_stands(struct relay *relay, const struct sender *sender, moment now, struct relay_standing *result,
                  bool *fleet)
{
    if (standings_find(&relay->own, sender, now, result)) {
        *fleet = false;
        return true;
    }
    *fleet = relay->settings->follow && standings_find(&relay->fleet, sender, now, result);
    return *fleet;
}

/* --- whom it is about --- */

static void look_up(struct hearing *hearing, int member, struct sender sender)
{
    hearing->members[member] = sender;
    if (sender.kind != SENDER_NONE)
        (void)relay_stands(hearing->relay, &sender, hearing->now, &hearing->standings[member], &hearing->fleet[member]);
}

static void find_members(struct hearing *hearing)
{
    const struct relay_question *question = hearing->question;
    if (!address_parse(question->client, &hearing->client) ||
        hearing->client.prefix != (hearing->client.family == 4 ? 32 : 128))
        hearing->client = (struct address){0};
    look_up(hearing, BY_ACCOUNT, sender_from_account(question->account));
    if (hearing->client.family)
        look_up(hearing, BY_ADDRESS, sender_from_address(&hearing->client));
    if (question->customer.length > 0)
        look_up(hearing, BY_CUSTOMER, sender_from_customer(question->customer));
}

static bool is_allowed(const struct hearing *hearing)
{
    return hearing->standings[BY_ACCOUNT].deed == DEED_ALLOW || hearing->standings[BY_ADDRESS].deed == DEED_ALLOW;
}

/* As order_prevailing() says for the kernel's part. */
static bool is_spared(const struct hearing *hearing, int member)
{
    if (member == BY_CUSTOMER)
        return is_allowed(hearing);
    return hearing->standings[BY_CUSTOMER].deed == DEED_ALLOW && hearing->standings[member].policys;
}

static int hardness(const struct relay_standing *standing)
{
    static const int order[DEEDS] = {[DEED_THROTTLE] = 1, [DEED_DIVERT] = 2, [DEED_BLOCK] = 3};
    return order[standing->deed];
}

/* Of two throttles the slower one. -1: nothing is held against any. */
static int find_hardest(const struct hearing *hearing)
{
    int hardest = -1;
    for (int i = 0; i < MEMBERS; i++) {
        const struct relay_standing *standing = &hearing->standings[i];
        if (hardness(standing) == 0 || is_spared(hearing, i))
            continue;
        const struct relay_standing *before = hardest < 0 ? NULL : &hearing->standings[hardest];
        if (!before || hardness(standing) > hardness(before) ||
            (hardness(standing) == hardness(before) && standing->rate < before->rate))
            hardest = i;
    }
    return hardest;
}

/* --- what is said --- */

static const char *whose(const struct sender *sender)
{
    return sender->kind == SENDER_ACCOUNT    ? "from this account"
           : sender->kind == SENDER_CUSTOMER ? "of this customer"
                                             : "from this address";
}

static void say(struct hearing *hearing, uint32_t wait)
{
    char name[SENDER_TEXT];
    char *action = hearing->action;
    sender_print(&hearing->outcome.about, name);
    switch (hearing->outcome.answer) {
    case RELAY_REFUSED:
        snprintf(action, RELAY_ACTION,
                 "554 5.7.1 Mail %s is stopped for abuse. Your provider's support finds the reasons under %s",
                 whose(&hearing->outcome.about), name);
        break;
    case RELAY_DEFERRED:
        snprintf(action, RELAY_ACTION,
                 "defer_if_permit 4.7.1 Mail %s is slowed down, try again later. Your provider's support finds the "
                 "reasons under %s",
                 whose(&hearing->outcome.about), name);
        break;
    case RELAY_LIMITED:
        snprintf(action, RELAY_ACTION, "defer_if_permit 4.7.1 Too much mail at once, try again in %u s", wait);
        break;
    case RELAY_GREYLISTED:
        snprintf(action, RELAY_ACTION, "451 4.7.1 New here: taken at a later try (greylisting); try again in %u s",
                 wait);
        break;
    case RELAY_DIVERTED:
        snprintf(action, RELAY_ACTION, "%s", hearing->relay->divert);
        break;
    default:
        snprintf(action, RELAY_ACTION, "DUNNO");
        break;
    }
}

static uint64_t *count_of(struct act *act, enum relay_answer answer)
{
    switch (answer) {
    case RELAY_REFUSED:
        return &act->refused;
    case RELAY_GREYLISTED:
        return &act->greylisted;
    case RELAY_DIVERTED:
        return &act->diverted;
    default:
        return &act->deferred;
    }
}

/* It is held back: count it, unless it is the same message once more. */
static void hold_back(struct hearing *hearing, enum relay_answer answer, uint32_t wait, bool again)
{
    struct relay *relay = hearing->relay;
    if (!relay->on) {
        relay->counters.withheld += !again;
        return;
    }
    hearing->outcome.answer = answer;
    if (!again) {
        relay->counters.answers[answer]++;
        if (hearing->outcome.act)
            ++*count_of(hearing->outcome.act, answer);
    }
    say(hearing, wait);
}

/* --- orders and standings --- */

static enum relay_answer answer_of_throttle(struct hearing *hearing, const struct relay_standing *standing)
{
    struct relay *relay = hearing->relay;
    const struct rate_limits limits = {.messages_minute = standing->rate ? standing->rate : 1};
    const struct rate_use use = {.messages = 1};
    uint64_t mark = mark_sender(&relay->key, MARK_ORDER, &hearing->outcome.about);
    if (rates_wait(&relay->rates, mark, &limits, use, hearing->now) > 0)
        return RELAY_DEFERRED;
    rates_count(&relay->rates, mark, use, hearing->now);
    return RELAY_PASSES;
}

/* Several questions are asked about one message: a block counts from the next one on, but a message that was let
 * through at a limited rate stays so. */
static void carry_out(struct hearing *hearing, int member)
{
    const struct relay_standing *standing = &hearing->standings[member];
    struct under_way *message = hearing->message;
    enum relay_answer answer = RELAY_REFUSED;
    hearing->outcome.about = hearing->members[member];
    hearing->outcome.fleet = hearing->fleet[member];
    struct act *act = acts_add(hearing->relay->held, &hearing->outcome.about, hearing->now);
    act->asked++; /* to be asked while we only observe says that it would be stopped */
    act->asked_last = hearing->now;
    hearing->outcome.act = act;
    if (standing->deed == DEED_DIVERT)
        answer = RELAY_DIVERTED;
    else if (standing->deed == DEED_THROTTLE && message->decided && message->answered != RELAY_REFUSED)
        answer = (enum relay_answer)message->answered;
    else if (standing->deed == DEED_THROTTLE)
        answer = answer_of_throttle(hearing, standing);
    bool again = message->decided && message->answered == answer;
    message->decided = 1;
    message->answered = (uint8_t)answer;
    if (answer != RELAY_PASSES)
        hold_back(hearing, answer, 0, again);
}

/* --- greylist and rates --- */

static void charge(struct hearing *hearing, const struct sender *sender)
{
    hearing->outcome.about = *sender;
    hearing->outcome.act = acts_add(hearing->relay->others, sender, hearing->now);
    hearing->outcome.act->asked++;
    hearing->outcome.act->asked_last = hearing->now;
}

/* True: it has to wait. */
static bool ask_greylist(struct hearing *hearing)
{
    const struct relay_settings *settings = hearing->relay->settings;
    const struct greylist_settings own = {settings->greylist_delay, settings->greylist_window, settings->greylist_kept,
                                          settings->greylist_passes};
    const struct relay_question *question = hearing->question;
    uint32_t wait;
    if (!settings->greylist || question->stage != RELAY_AT_RECIPIENT || question->recipient.length == 0 ||
        hearing->client.family == 0 || hearing->members[BY_ACCOUNT].kind != SENDER_NONE)
        return false;
    if (greylist_ask(hearing->relay->greylist, &own, &hearing->client, question->sender, question->recipient,
                     hearing->now, &wait) == GREYLIST_PASSES)
        return false;
    charge(hearing, &hearing->members[BY_ADDRESS]);
    hold_back(hearing, RELAY_GREYLISTED, wait, false);
    return true;
}

static struct text domain_of(struct text address)
{
    for (size_t i = address.length; i > 0; i--)
        if (address.bytes[i - 1] == '@')
            return (struct text){address.bytes + i, address.length - i};
    return TEXT("");
}

/* Whose rates count; 0: not this one's. */
static void find_marks(const struct hearing *hearing, uint64_t marks[RELAY_RATES])
{
    static const int members[RELAY_RATES] = {
        [RELAY_BY_CLIENT] = BY_ADDRESS, [RELAY_BY_ACCOUNT] = BY_ACCOUNT, [RELAY_BY_CUSTOMER] = BY_CUSTOMER};
    const struct relay *relay = hearing->relay;
    struct text domain = domain_of(hearing->question->sender);
    for (int by = 0; by < RELAY_RATES; by++) {
        const struct sender *member = &hearing->members[members[by]];
        marks[by] = 0;
        if (!rates_are_limited(&relay->settings->rates[by]))
            continue;
        if (by == RELAY_BY_DOMAIN && domain.length > 0)
            marks[by] = mark_text(&relay->key, MARK_DOMAIN, domain);
        else if (by != RELAY_BY_DOMAIN && member->kind != SENDER_NONE)
            marks[by] = mark_sender(&relay->key, MARK_CLIENT, member);
    }
}

static struct rate_use use_of(const struct hearing *hearing)
{
    const struct relay_question *question = hearing->question;
    struct rate_use use = {.messages = !hearing->message->counted};
    if (question->stage == RELAY_AT_RECIPIENT)
        use.recipients = 1;
    else if (question->stage == RELAY_AT_CONTENT && !hearing->message->counted)
        use.recipients = question->recipients ? question->recipients : 1;
    else
        use.messages = 0;
    return use;
}

static void hold_to_rates(struct hearing *hearing)
{
    struct relay *relay = hearing->relay;
    const struct rate_use use = use_of(hearing);
    uint64_t marks[RELAY_RATES];
    uint32_t longest = 0;
    if (use.recipients == 0)
        return;
    find_marks(hearing, marks);
    for (int by = 0; by < RELAY_RATES; by++) {
        uint32_t wait =
            marks[by] ? rates_wait(&relay->rates, marks[by], &relay->settings->rates[by], use, hearing->now) : 0;
        longest = wait > longest ? wait : longest;
    }
    if (longest > 0) {
        int member = hearing->members[BY_ACCOUNT].kind != SENDER_NONE ? BY_ACCOUNT : BY_ADDRESS;
        if (hearing->members[member].kind != SENDER_NONE)
            charge(hearing, &hearing->members[member]);
        hold_back(hearing, RELAY_LIMITED, longest, hearing->message->limited);
        hearing->message->limited = 1;
        return;
    }
    for (int by = 0; by < RELAY_RATES; by++)
        if (marks[by])
            rates_count(&relay->rates, marks[by], use, hearing->now);
    hearing->message->counted = 1;
}

static bool is_exempt(const struct hearing *hearing)
{
    return is_allowed(hearing) || hearing->standings[BY_CUSTOMER].deed == DEED_ALLOW ||
           (hearing->client.family && address_list_contains(&hearing->relay->settings->exempt, &hearing->client));
}

/* --- the answer --- */

static bool holds_anybody(const struct relay_settings *settings)
{
    bool any = settings->greylist;
    for (int by = 0; by < RELAY_RATES; by++)
        any |= rates_are_limited(&settings->rates[by]);
    return any;
}

static void find_message(struct hearing *hearing)
{
    const struct text parts[] = {hearing->question->instance, hearing->question->client};
    bool added;
    hearing->message = &hearing->alone;
    if (hearing->question->instance.length > 0)
        hearing->message =
            places_add(&hearing->relay->messages, mark_parts(&hearing->relay->key, MARK_MESSAGE, 0, parts, 2), &added);
}

struct relay_outcome relay_answer(struct relay *relay, const struct relay_question *question, moment now,
                                  char action[RELAY_ACTION])
{
    struct hearing hearing = {.relay = relay, .question = question, .now = now, .action = action};
    relay->counters.asked++;
    relay->counters.asked_last = now;
    snprintf(action, RELAY_ACTION, "DUNNO");
    find_members(&hearing);
    int hardest = find_hardest(&hearing);
    if (hardest < 0 && !holds_anybody(relay->settings))
        return hearing.outcome;
    find_message(&hearing);
    if (hardest >= 0)
        carry_out(&hearing, hardest);
    if (hearing.outcome.answer == RELAY_PASSES && !is_exempt(&hearing) && !ask_greylist(&hearing))
        hold_to_rates(&hearing);
    return hearing.outcome;
}

void relay_tick(struct relay *relay, moment now)
{
    const struct relay_settings *settings = relay->settings;
    const struct greylist_settings greylist = {settings->greylist_delay, settings->greylist_window,
                                               settings->greylist_kept, settings->greylist_passes};
    standings_tick(&relay->own, now);
    standings_tick(&relay->fleet, now);
    greylist_tick(relay->greylist, &greylist, now);
}

/* --- what is known --- */

struct standings *relay_fleet(struct relay *relay)
{
    return &relay->fleet;
}

struct greylist *relay_greylist(struct relay *relay)
{
    return relay->greylist;
}

const struct act *relay_act(struct relay *relay, const struct sender *sender)
{
    const struct act *act = acts_find(relay->held, sender);
    return act ? act : acts_find(relay->others, sender);
}

struct relay_counters relay_counters(const struct relay *relay)
{
    return relay->counters;
}

uint32_t relay_orders(const struct relay *relay)
{
    return standings_count(&relay->own);
}
