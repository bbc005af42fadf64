/* See quarantine.h. */
#include "collector/quarantine/quarantine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "common/address.h"

static const struct option options[] = {
    TEXT_OPTION("quarantine", struct quarantine_settings, key, "",
                .text =
                    "A file of keys, 64 hexadecimal digits a line, that only the collector's user may read: what is "
                    "kept of messages is sealed with the first, and can be opened with any. Empty: it is "
                    "compressed and not sealed. `openssl rand -hex 32` makes a key."),
    DURATION_OPTION("quarantine", struct quarantine_settings, age, "30d", .least = "1h", .most = "3650d",
                    .text = "How long a message is kept."),
    BYTES_OPTION("quarantine", struct quarantine_settings, size, "10G", .least = "1M", .most = "1024T",
                 .text = "The most bytes of messages that are kept, as they are on disk: beyond, the oldest go."),
    TEXT_OPTION("quarantine", struct quarantine_settings, relay, "",
                .text = "Where a message goes that a person releases: the address and the port of a mail server that "
                        "takes it for its recipients. Empty: nothing can be released."),
    TEXT_OPTION("quarantine", struct quarantine_settings, helo, "",
                .text = "The name that the relay is told in EHLO. Empty: this machine's name."),
    DURATION_OPTION("quarantine", struct quarantine_settings, patience, "1m", .least = "1s", .most = "10m",
                    .text = "How long the relay may take for one message."),
    {.key = NULL},
};

static bool check(const void *given, struct error *error)
{
    const struct quarantine_settings *settings = given;
    char host[OPTION_TEXT_SIZE];
    struct address address;
    uint64_t port = 0;
    const char *colon = strrchr(settings->relay, ':');
    if (settings->relay[0] == '\0')
        return true;
    snprintf(host, sizeof host, "%.*s", colon ? (int)(colon - settings->relay) : 0, settings->relay);
    size_t length = strlen(host);
    bool bracketed = length > 2 && host[0] == '[' && host[length - 1] == ']';
    struct text words = {host + bracketed, length - 2 * (size_t)bracketed};
    if (colon && text_number(text_of(colon + 1), &port) && port > 0 && port <= 65535 && address_parse(words, &address))
        return true;
    error_set(error, EINVAL, "relay: \"%.100s\" will not do; an address and a port are allowed: 127.0.0.1:25, [::1]:25",
              settings->relay);
    return false;
}

struct option_binding quarantine_bind(struct quarantine_settings *settings)
{
    return (struct option_binding){
        .options = options,
        .settings = settings,
        .check = check,
        .text = "Messages that nodes send in are kept here, so that people can look at them, release, export and "
                "forget them, and teach filters with them. Who looks at content needs the right `content`, and each "
                "look is on record.",
    };
}
