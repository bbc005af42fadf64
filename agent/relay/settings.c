/* See settings.h. */
#include "agent/relay/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RELAY(type_, c_type, key_, member, preset_, reload_, ...)                                                      \
    {                                                                                                                  \
        .section = "relay", .key = key_, .type = type_,                                                                \
        .offset = OPTION_OFFSET(c_type, struct relay_settings, member), .preset = preset_, .reload = reload_,          \
        __VA_ARGS__                                                                                                    \
    }
#define RATE(key_, index, member, text_)                                                                               \
    RELAY(OPTION_COUNT, uint32_t, key_, rates[index].member, "0", true, .text = text_)

static const struct option options[] = {
    RELAY(OPTION_WORDS, struct option_words, "listen", listen, "", false, .local = true,
          .text = "TCP addresses at which mail relays ask, beside the socket of [agent] policy: 127.0.0.1:10040 or "
                  "[::1]:10040; at most 4. Empty: nowhere."),
    RELAY(OPTION_ADDRESSES, struct address_list, "clients", clients, "127.0.0.0/8 ::1", true, .local = true,
          .text = "The addresses and prefixes that may ask over TCP. Others are closed at once and counted."),
    RELAY(OPTION_FLAG, bool, "follow", follow, "no", true,
          .text =
              "Whether what stands against senders anywhere in the fleet counts here too; the collector tells it. It "
              "is kept in a file, so it counts while the collector cannot be reached as well. An order of this node "
              "on the same sender stands over it."),
    RELAY(OPTION_COUNT, uint32_t, "senders", senders, "1000000", false, .least = "1", .most = "16000000",
          .text =
              "The most senders of the fleet that are held against; what was told longest ago gives way. Each takes "
              "some 60 bytes."),
    RELAY(OPTION_TEXT, char[OPTION_TEXT_SIZE], "divert", divert, "none", true,
          .text = "What becomes of a message whose sender is diverted: none (it is let through and counted), hold (it "
                  "stays in Postfix's hold queue), filter TRANSPORT:NEXTHOP, or redirect ADDRESS."),
    RELAY(OPTION_ADDRESSES, struct address_list, "exempt", exempt, "127.0.0.0/8 ::1", true,
          .text = "Clients for which neither rates nor the greylist count. Orders do."),
    RATE("client_messages_minute", RELAY_BY_CLIENT, messages_minute,
         "Messages a minute from one client address (IPv6: one /64); 0: no limit. What is beyond a limit is put off "
         "with "
         "4.7.1."),
    RATE("client_messages_hour", RELAY_BY_CLIENT, messages_hour, "The same in an hour."),
    RATE("client_recipients_minute", RELAY_BY_CLIENT, recipients_minute, "Recipients a minute."),
    RATE("client_recipients_hour", RELAY_BY_CLIENT, recipients_hour, "The same in an hour."),
    RATE("account_messages_minute", RELAY_BY_ACCOUNT, messages_minute,
         "Messages a minute of one account that logged in; 0: no limit."),
    RATE("account_messages_hour", RELAY_BY_ACCOUNT, messages_hour, "The same in an hour."),
    RATE("account_recipients_minute", RELAY_BY_ACCOUNT, recipients_minute, "Recipients a minute."),
    RATE("account_recipients_hour", RELAY_BY_ACCOUNT, recipients_hour, "The same in an hour."),
    RATE("domain_messages_minute", RELAY_BY_DOMAIN, messages_minute,
         "Messages a minute with one domain in the envelope's sender; 0: no limit."),
    RATE("domain_messages_hour", RELAY_BY_DOMAIN, messages_hour, "The same in an hour."),
    RATE("domain_recipients_minute", RELAY_BY_DOMAIN, recipients_minute, "Recipients a minute."),
    RATE("domain_recipients_hour", RELAY_BY_DOMAIN, recipients_hour, "The same in an hour."),
    RATE("customer_messages_minute", RELAY_BY_CUSTOMER, messages_minute,
         "Messages a minute of one customer, where it is known whose the sender is; 0: no limit."),
    RATE("customer_messages_hour", RELAY_BY_CUSTOMER, messages_hour, "The same in an hour."),
    RATE("customer_recipients_minute", RELAY_BY_CUSTOMER, recipients_minute, "Recipients a minute."),
    RATE("customer_recipients_hour", RELAY_BY_CUSTOMER, recipients_hour, "The same in an hour."),
    RELAY(OPTION_COUNT, uint32_t, "rate_senders", rate_senders, "262144", false, .least = "16", .most = "16000000",
          .text = "The most addresses, accounts, domains and customers whose rates are counted at once; the one that "
                  "was quiet longest gives way. Each takes some 80 bytes."),
    RELAY(OPTION_FLAG, bool, "greylist", greylist, "no", true,
          .text =
              "Whether mail without a login from an unknown net (IPv4 /24, IPv6 /64), sender and recipient together "
              "is put off once with 451 4.7.1 (RFC 6647). For relays that take mail from everywhere."),
    RELAY(OPTION_DURATION, duration, "greylist_delay", greylist_delay, "5m", true, .least = "1s", .most = "1d",
          .text = "How long such mail has to wait."),
    RELAY(OPTION_DURATION, duration, "greylist_window", greylist_window, "2d", true, .least = "1m", .most = "30d",
          .text = "It has to come again within this time; later it is new again."),
    RELAY(OPTION_DURATION, duration, "greylist_kept", greylist_kept, "35d", true, .least = "1h", .most = "400d",
          .text = "How long those that came again are known, from when they were seen last."),
    RELAY(OPTION_COUNT, uint32_t, "greylist_passes", greylist_passes, "5", true,
          .text = "After how many passes, at least an hour apart, all mail of a net passes; 0: never."),
    RELAY(OPTION_COUNT, uint32_t, "greylist_known", greylist_known, "1000000", false, .least = "16", .most = "16000000",
          .text =
              "The most that the greylist knows; what was not seen for longest gives way. Each takes some 50 bytes."),
    {.key = NULL},
};

/* "192.0.2.1:10040" or "[2001:db8::1]:10040", port 0 too: one that the kernel chooses. */
static bool is_listen_address(const char *word)
{
    struct text address = text_of(word), port;
    struct address parsed;
    uint64_t number;
    const char *colon = strrchr(word, ':');
    if (!colon)
        return false;
    port = text_of(colon + 1);
    address.length = (size_t)(colon - word);
    bool bracketed = address.length > 2 && address.bytes[0] == '[' && address.bytes[address.length - 1] == ']';
    if (bracketed)
        address = (struct text){address.bytes + 1, address.length - 2};
    return address_parse(address, &parsed) && parsed.family == (bracketed ? 6 : 4) &&
           parsed.prefix == (bracketed ? 128 : 32) && text_number(port, &number) && number <= 65535;
}

/* What follows the word, where `divert` begins with it. */
static bool divert_word(const char *divert, const char *word, const char **rest)
{
    size_t length = strlen(word);
    if (strncmp(divert, word, length) != 0 || (divert[length] != ' ' && divert[length] != '\0'))
        return false;
    *rest = divert + length + (divert[length] == ' ');
    return true;
}

/* One word of plain characters that Postfix can be told. */
static bool is_plain_word(const char *word, size_t most)
{
    size_t length = strlen(word);
    for (size_t i = 0; i < length; i++)
        if (word[i] <= ' ' || word[i] > '~')
            return false;
    return length > 0 && length <= most;
}

static bool is_divert(const char *divert)
{
    const char *rest;
    if (divert_word(divert, "none", &rest) || divert_word(divert, "hold", &rest))
        return *rest == '\0';
    if (divert_word(divert, "filter", &rest))
        return is_plain_word(rest, RELAY_DIVERT_TEXT - 16) && strchr(rest, ':');
    return divert_word(divert, "redirect", &rest) && is_plain_word(rest, RELAY_DIVERT_TEXT - 16) && strchr(rest, '@');
}

static bool check(const void *settings, struct error *error)
{
    const struct relay_settings *relay = settings;
    if (relay->listen.count > RELAY_LISTENERS) {
        error_set(error, EINVAL, "listen: %u addresses are named; at most %d are allowed", relay->listen.count,
                  RELAY_LISTENERS);
        return false;
    }
    for (uint32_t i = 0; i < relay->listen.count; i++)
        if (!is_listen_address(relay->listen.items[i])) {
            error_set(error, EINVAL, "listen: \"%s\" will not do; 127.0.0.1:10040 or [::1]:10040 are allowed",
                      relay->listen.items[i]);
            return false;
        }
    if (!is_divert(relay->divert)) {
        error_set(
            error, EINVAL,
            "divert: \"%.80s\" will not do; none, hold, filter TRANSPORT:NEXTHOP and redirect ADDRESS are allowed",
            relay->divert);
        return false;
    }
    if (relay->greylist_window <= relay->greylist_delay) {
        error_set(error, EINVAL, "greylist_window: not longer than greylist_delay; nobody could come back in time");
        return false;
    }
    return true;
}

struct option_binding relay_settings_bind(struct relay_settings *settings)
{
    return (struct option_binding){
        .options = options,
        .settings = settings,
        .check = check,
        .central = true,
        .text =
            "What mail relays are told that ask before they take a message (Postfix's policy protocol). Orders on "
            "addresses, accounts and customers count always, while [enforce] mode is enforce; rates and the greylist "
            "where they are set here. docs/relay.md goes through it."};
}

void relay_settings_divert(const struct relay_settings *settings, char result[RELAY_DIVERT_TEXT])
{
    const char *rest;
    if (divert_word(settings->divert, "hold", &rest))
        snprintf(result, RELAY_DIVERT_TEXT, "HOLD diverted for abuse");
    else if (divert_word(settings->divert, "filter", &rest))
        snprintf(result, RELAY_DIVERT_TEXT, "FILTER %.*s", RELAY_DIVERT_TEXT - 16, rest);
    else if (divert_word(settings->divert, "redirect", &rest))
        snprintf(result, RELAY_DIVERT_TEXT, "REDIRECT %.*s", RELAY_DIVERT_TEXT - 16, rest);
    else
        snprintf(result, RELAY_DIVERT_TEXT, "DUNNO");
}
