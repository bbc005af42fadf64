/* The options of [policy] and what follows from them. */
#include "agent/judge/policy.h"

#include <errno.h>
#include <string.h>

const struct option policy_options[] = {
    DURATION_OPTION("policy", struct policy, half_life, "1h", .least = "1s", .most = "30d",
                    .text = "Evidence weighs half after this time."),
    POINTS_OPTION("policy", struct policy, alert, "10", .least = "1", .most = "1000",
                  .text = "Points from which a sender is worth a look: odds of 10 to 1 that it is abused."),
    POINTS_OPTION("policy", struct policy, throttle, "13", .least = "1", .most = "1000",
                  .text = "Points from which its new connections are slowed down: odds of 20 to 1."),
    POINTS_OPTION("policy", struct policy, divert, "0", .least = "0", .most = "1000",
                  .text = "Points from which its mail is led to the central relay. 0: never."),
    POINTS_OPTION("policy", struct policy, block, "20", .least = "1", .most = "1000",
                  .text = "Points from which its connections to mail ports are cut: odds of 100 to 1."),
    RATIO_OPTION("policy", struct policy, release, "0.5", .least = "0.01", .most = "1",
                 .text = "A verdict is over once the score is below this part of what it took; until then its order is "
                         "renewed."),
    DURATIONS_OPTION("policy", struct policy, holds, "1h 6h 24h 7d", .least = "1s", .most = "365d",
                     .text = "How long the first, second, ... order holds; further ones as long as the last."),
    DURATION_OPTION("policy", struct policy, forget, "30d", .least = "1h", .most = "3650d",
                    .text = "After this time without an order the earlier ones count no more."),
    COUNT_OPTION("policy", struct policy, throttle_rate, "12", .least = "1", .most = "60000",
                 .text = "Connections a minute that a throttled sender may open."),
    COUNT_OPTION(
        "policy", struct policy, storm_least, "5", .least = "1", .most = "10000", .local = true,
        .text = "So many senders may be given orders within an hour whatever their share. Senders of one run (bulk) "
                "count by a quarter here and below."),
    RATIO_OPTION("policy", struct policy, storm_share, "0.2", .least = "0.001", .most = "1", .local = true,
                 .text = "Beyond that, no more than this part of the senders that were seen within the hour: more is "
                         "likelier our mistake than theirs, so further ones are only told of."),
    COUNT_OPTION("policy", struct policy, storm_most, "100", .least = "1", .most = "10000", .local = true,
                 .text = "And never more than this many senders within an hour."),
    ADDRESSES_OPTION("policy", struct policy, allow, "",
                     .text = "Senders that are never stopped, by address or prefix: own mail servers, monitoring. On a "
                             "guest's port addresses can be forged: name the port in allow_senders."),
    WORDS_OPTION("policy", struct policy, allow_senders, "",
                 .text =
                     "The same by port (\"tap100i0\", \"vnet*\"), MAC (\"52:54:00:12:34:56\") or user (\"uid:33\"); a "
                     "\"*\" at the end stands for any end."),
    {.key = NULL},
};

bool policy_check(const void *settings, struct error *error)
{
    const struct policy *policy = settings;
    if (policy->throttle < policy->alert)
        return error_set(error, EINVAL, "throttle: fewer points than alert; at least as many are allowed"), false;
    if (policy->block < policy->throttle)
        return error_set(error, EINVAL, "block: fewer points than throttle; at least as many are allowed"), false;
    if (policy->divert != 0 && (policy->divert < policy->throttle || policy->divert > policy->block))
        return error_set(error, EINVAL,
                         "divert: not between throttle and block; 0 or points from one to the other "
                         "are allowed"),
               false;
    if (policy->holds.count == 0)
        return error_set(error, EINVAL, "holds: no time is named; one to eight times are allowed"), false;
    for (uint32_t i = 1; i < policy->holds.count; i++)
        if (policy->holds.items[i] < policy->holds.items[i - 1])
            return error_set(error, EINVAL,
                             "holds: a later order is shorter than one before; times that grow are "
                             "allowed"),
                   false;
    if (policy->storm_most < policy->storm_least)
        return error_set(error, EINVAL, "storm_most: less than storm_least; at least as many are allowed"), false;
    return true;
}

points policy_threshold(const struct policy *policy, enum verdict verdict)
{
    const points thresholds[VERDICTS] = {
        [VERDICT_ALERT] = policy->alert,
        [VERDICT_THROTTLE] = policy->throttle,
        [VERDICT_DIVERT] = policy->divert,
        [VERDICT_BLOCK] = policy->block,
    };
    return thresholds[verdict];
}

points policy_release(const struct policy *policy, enum verdict verdict)
{
    points level = (points)((int64_t)policy_threshold(policy, verdict) * policy->release / 1000000);
    return level > 1 ? level : 1;
}

enum verdict policy_verdict(const struct policy *policy, points score)
{
    for (enum verdict verdict = VERDICT_BLOCK; verdict > VERDICT_CLEAR; verdict--) {
        points threshold = policy_threshold(policy, verdict);
        if (threshold > 0 && score >= threshold)
            return verdict;
    }
    return VERDICT_CLEAR;
}

duration policy_hold(const struct policy *policy, uint32_t repeats)
{
    uint32_t last = policy->holds.count - 1;
    return policy->holds.items[repeats < last ? repeats : last];
}

static bool word_fits(const char *pattern, const char *name)
{
    size_t length = strlen(pattern);
    return length > 0 && pattern[length - 1] == '*' ? strncmp(pattern, name, length - 1) == 0
                                                    : strcmp(pattern, name) == 0;
}

bool policy_names(const struct address_list *addresses, const struct option_words *words, const struct sender *sender)
{
    struct address address;
    if (addresses->count > 0 && sender_address(sender, &address)) {
        if (address_list_contains(addresses, &address))
            return true;
        for (size_t i = 0; address.family == 6 && i < addresses->count; i++)
            if (address_contains(&address, &addresses->items[i]))
                return true;
    }
    if (words->count == 0)
        return false;
    char printed[SENDER_TEXT], port[sizeof sender->bytes + 1] = "";
    sender_print(sender, printed);
    if (sender->kind == SENDER_PORT)
        memcpy(port, sender->bytes, sizeof sender->bytes);
    for (uint32_t i = 0; i < words->count; i++) {
        const char *pattern = words->items[i];
        if (word_fits(pattern, printed) || (sender->kind == SENDER_PORT && word_fits(pattern, port)))
            return true;
    }
    return false;
}

bool policy_allows(const struct policy *policy, const struct sender *sender)
{
    return policy_names(&policy->allow, &policy->allow_senders, sender);
}
