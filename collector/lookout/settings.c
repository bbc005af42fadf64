/* See settings.h. */
#include "collector/lookout/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "collector/blacklist/resolver.h"
#include "collector/lookout/choice.h"
#include "common/cleanup.h"
#include "common/io/file.h"

#define NAMES_FILE ((size_t)16 * 1024 * 1024)

#define TEXT_OF(member, preset_, text_)                                                                                \
    FIXED_OPTION(OPTION_TEXT, char[OPTION_TEXT_SIZE], "blacklists", struct watch_settings, member, preset_,            \
                 .text = text_)
#define WORDS_OF(member, text_)                                                                                        \
    FIXED_OPTION(OPTION_WORDS, struct option_words, "blacklists", struct watch_settings, member, "", .text = text_)
#define FLAG_OF(member, preset_, text_)                                                                                \
    FIXED_OPTION(OPTION_FLAG, bool, "blacklists", struct watch_settings, member, preset_, .text = text_)
#define DURATION_OF(member, preset_, least_, most_, text_)                                                             \
    FIXED_OPTION(OPTION_DURATION, duration, "blacklists", struct watch_settings, member, preset_, .least = least_,     \
                 .most = most_, .text = text_)
#define COUNT_OF(member, preset_, least_, most_, text_)                                                                \
    FIXED_OPTION(OPTION_COUNT, uint32_t, "blacklists", struct watch_settings, member, preset_, .least = least_,        \
                 .most = most_, .text = text_)
const struct option watch_options[] = {
    FLAG_OF(enabled, "no", "Whether lists are asked: it tells those who keep them which addresses are yours."),
    WORDS_OF(resolvers, "Resolvers, up to eight, such as 192.0.2.53 or [2001:db8::53]:53: your own, for lists do not "
                        "answer public ones. Empty: those of /etc/resolv.conf."),
    TEXT_OF(zones, "builtin:", "Zones files, one after the other; builtin: is the one that the program holds."),
    TEXT_OF(keys, "", "Keys of lists that want one, each in a file: spamhaus=/etc/postern/spamhaus.key"),
    WORDS_OF(lists, "Which lists of the zones files are asked, as patterns. Empty: those that say so themselves and "
                    "those of which there is a key."),
    FIXED_OPTION(OPTION_ADDRESSES, struct address_list, "blacklists", struct watch_settings, own, "",
                 .text = "Own addresses and prefixes. Each IPv4 address in them is asked for; of an IPv6 prefix those "
                         "at which senders were seen."),
    WORDS_OF(domains, "Own domains, for lists of domains."),
    TEXT_OF(names, "", "A file with more of both, one a line. It is read at the start."),
    FLAG_OF(nodes, "yes", "Also the address that each node speaks from."),
    FLAG_OF(senders, "yes",
            "Also the addresses of senders that nodes tell of; those of accounts only if they are own."),
    DURATION_OF(quiet, "30d", "1m", "3650d", "An address is watched for this long behind what it sent last."),
    DURATION_OF(every, "1h", "1s", "30d",
                "How often lists are asked about what sent in the last day, what is listed, and domains."),
    DURATION_OF(idle, "1d", "1s", "90d", "The same about the other addresses."),
    DURATION_OF(apart, "15m", "1s", "1d",
                "A list's word changes something only where it says the same once more, so much later."),
    DURATION_OF(spread, "1h", "0s", "1d", "Over which the questions to one list are spread. 0s: as fast as it goes."),
    COUNT_OF(rate, "200", "0", "1000000", "Questions a second to one resolver. 0: no bound."),
    COUNT_OF(in_flight, "256", "1", "65536", "Questions under way at once."),
    DURATION_OF(patience, "4s", "100ms", "1m", "How long an answer may take."),
    DURATION_OF(keep, "730d", "1d", "3650d", "When what was listed is remembered for this long."),
    {.key = NULL},
};

/* --- what they lead to --- */

static struct choice_words split(const char *from, struct text result[OPTION_TEXT_SIZE])
{
    struct text rest = text_of(from);
    size_t count = 0;
    while (rest.length > 0) {
        struct text word = text_trim(text_split(&rest, ' '));
        if (word.length > 0)
            result[count++] = word;
    }
    return (struct choice_words){result, count};
}

static struct choice_words words_of(const struct option_words *words, struct text result[32])
{
    for (uint32_t i = 0; i < words->count; i++)
        result[i] = text_of(words->items[i]);
    return (struct choice_words){result, words->count};
}

int watch_settings_zones(const struct watch_settings *settings, struct zones **result, struct error *error)
{
    struct text files[OPTION_TEXT_SIZE], keys[OPTION_TEXT_SIZE], lists[32];
    return choice_zones(split(settings->zones, files), split(settings->keys, keys), words_of(&settings->lists, lists),
                        result, error);
}

int watch_settings_resolvers(const struct watch_settings *settings, struct dns_server result[DNS_SERVERS_MOST],
                             uint32_t *count, struct error *error)
{
    struct text resolvers[32];
    return choice_resolvers(words_of(&settings->resolvers, resolvers), result, count, error);
}

static void free_text(char **text)
{
    free(*text);
    *text = NULL;
}

int watch_settings_own(const struct watch_settings *settings, struct own *result, struct error *error)
{
    CLEANUP(free_text) char *content = NULL;
    char word[ADDRESS_TEXT];
    size_t length = 0;
    int status = 0;
    for (size_t i = 0; i < settings->own.count && status == 0; i++)
        status = own_add(result, text_of(address_print(&settings->own.items[i], word)), error);
    for (uint32_t i = 0; i < settings->domains.count && status == 0; i++)
        status = own_add(result, text_of(settings->domains.items[i]), error);
    if (status == 0 && settings->names[0])
        status = file_read(settings->names, NAMES_FILE, &content, &length, error);
    return status == 0 ? own_read(result, (struct text){content, length}, settings->names, error) : status;
}

/* --- whether they will do --- */

/* What is in the files that they name, one option after the other, so that it can be said which is wrong. */
static bool check_files(const struct watch_settings *settings, struct error *error)
{
    struct watch_settings some = *settings;
    struct own own = {0};
    static const char *const names[] = {"zones", "keys", "lists"};
    for (int i = 0; i < 3; i++) {
        CLEANUP(zones_destroy) struct zones *zones = NULL;
        some.lists.count = i < 2 ? 0 : settings->lists.count;
        strcpy(some.keys, i < 1 ? "" : settings->keys);
        if (watch_settings_zones(&some, &zones, error) < 0) {
            error_wrap(error, "%s", names[i]);
            return false;
        }
    }
    int status = watch_settings_own(settings, &own, error);
    own_clear(&own);
    if (status < 0)
        error_wrap(error, settings->names[0] ? "own, domains, names" : "own, domains");
    return status == 0;
}

bool watch_settings_check(const void *given, struct error *error)
{
    const struct watch_settings *settings = given;
    struct address address;
    struct subject subject;
    uint16_t port;
    for (uint32_t i = 0; i < settings->resolvers.count; i++)
        if (i >= 8 || !resolver_parse(text_of(settings->resolvers.items[i]), &address, &port)) {
            error_set(error, EINVAL, "resolvers: \"%s\" will not do; up to eight addresses are allowed",
                      settings->resolvers.items[i]);
            return false;
        }
    for (uint32_t i = 0; i < settings->domains.count; i++)
        if (!subject_parse(text_of(settings->domains.items[i]), &subject) || subject.kind != SUBJECT_DOMAIN) {
            error_set(error, EINVAL, "domains: \"%s\" will not do; domains are allowed, example.org",
                      settings->domains.items[i]);
            return false;
        }
    if (settings->names[0] && settings->names[0] != '/') {
        error_set(error, EINVAL, "names: \"%s\" will not do; an absolute path is allowed", settings->names);
        return false;
    }
    if (settings->idle < settings->every) {
        error_set(error, EINVAL, "idle: shorter than every; as long or longer is allowed");
        return false;
    }
    return !settings->enabled || check_files(settings, error);
}
