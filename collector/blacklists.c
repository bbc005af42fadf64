/* A question of one moment: what is asked of lists is not spread, remembered or counted over days, so the number of
 * names is bounded. */
#include "collector/blacklists.h"

#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/blacklist/resolver.h"
#include "collector/findings.h"
#include "collector/lookout/lookup.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/file.h"

#define BUILTIN     "builtin:"
#define RESOLV_CONF "/etc/resolv.conf"
#define ZONES_FILE  (1 << 20)
#define FAILED      1
#define WRONG_USAGE 2

struct asking {
    struct zones *zones;
    struct lookup *lookup;
    struct subject *subjects;
    struct dns_server servers[DNS_SERVERS_MOST];
    uint32_t server_count;
    struct findings findings;
    bool meant[ZONES_MOST];
};

static void close_asking(struct asking *asking)
{
    lookup_destroy(&asking->lookup); /* before the findings, which it may still write */
    zones_destroy(&asking->zones);
    free(asking->subjects);
    free(asking->findings.answers);
}

static int report(const struct error *error, int status)
{
    fprintf(stderr, "postern-collector: %s\n", error->text);
    return status;
}

static void free_text(char **text)
{
    free(*text);
    *text = NULL;
}

static int read_zones(struct asking *asking, const char *from, struct error *error)
{
    CLEANUP(free_text) char *content = NULL;
    size_t length = 0;
    if (strcmp(from, BUILTIN) == 0)
        return zones_read(asking->zones, zones_builtin(), BUILTIN, error);
    if (file_read(from, ZONES_FILE, &content, &length, error) < 0)
        return -error->code;
    return zones_read(asking->zones, (struct text){content, length}, from, error);
}

/* Keys are in files, for everybody on the machine sees a command's words. */
static int give_key(struct asking *asking, const char *word, struct error *error)
{
    CLEANUP(free_text) char *content = NULL;
    size_t length = 0;
    struct text rest = text_of(word), name = text_split(&rest, '=');
    if (name.length == 0 || rest.length == 0)
        return error_set(error, EINVAL, "--key %s: NAME=FILE is wanted", word);
    if (file_read(rest.bytes, 256, &content, &length, error) < 0)
        return error_wrap(error, "--key %.*s", (int)name.length, name.bytes);
    return zones_give_key(asking->zones, name, text_trim((struct text){content, length}), error);
}

static int choose_zones(struct asking *asking, const struct blacklists_wish *wish, struct error *error)
{
    struct text lists[BLACKLISTS_WORDS];
    int status = zones_create(&asking->zones, error);
    if (status == 0 && wish->zones.count == 0)
        status = read_zones(asking, BUILTIN, error);
    for (size_t i = 0; i < wish->zones.count && status == 0; i++)
        status = read_zones(asking, wish->zones.at[i], error);
    for (size_t i = 0; i < wish->keys.count && status == 0; i++)
        status = give_key(asking, wish->keys.at[i], error);
    for (size_t i = 0; i < wish->lists.count; i++)
        lists[i] = text_of(wish->lists.at[i]);
    return status < 0 ? status : zones_choose(asking->zones, lists, wish->lists.count, error);
}

/* Who names lists hears of those; where a key lacks for one of them, of that as well. */
static void mark_meant(struct asking *asking, const struct blacklists_words *lists)
{
    for (uint32_t i = 0; i < zones_count(asking->zones); i++) {
        const struct zone *zone = zones_at(asking->zones, i);
        asking->meant[i] = zone->asked || lists->count == 0;
        for (size_t k = 0; k < lists->count; k++)
            asking->meant[i] |=
                fnmatch(lists->at[k], zone->name, FNM_CASEFOLD) == 0 || strcmp(lists->at[k], "all") == 0;
    }
}

static int read_machine(struct asking *asking, struct error *error)
{
    CLEANUP(free_text) char *content = NULL;
    size_t length = 0;
    struct address addresses[DNS_SERVERS_MOST];
    if (file_read(RESOLV_CONF, 1 << 16, &content, &length, error) < 0)
        return error_wrap(error, "no --resolver is given");
    size_t count = resolver_read((struct text){content, length}, addresses, DNS_SERVERS_MOST);
    for (size_t i = 0; i < count; i++)
        asking->servers[i] = (struct dns_server){addresses[i], 53};
    asking->server_count = (uint32_t)count;
    return count ? 0 : error_set(error, EINVAL, "%s names no resolver; --resolver ADDRESS does", RESOLV_CONF);
}

static int choose_resolvers(struct asking *asking, const struct blacklists_wish *wish, struct error *error)
{
    if (wish->resolvers.count > DNS_SERVERS_MOST)
        return error_set(error, EINVAL, "--resolver: at most %d of them", DNS_SERVERS_MOST);
    for (size_t i = 0; i < wish->resolvers.count; i++) {
        struct dns_server *server = &asking->servers[asking->server_count++];
        if (!resolver_parse(text_of(wish->resolvers.at[i]), &server->address, &server->port))
            return error_set(error, EINVAL, "--resolver %s: no address; 192.0.2.53, 192.0.2.53:5353, [2001:db8::53]:53",
                             wish->resolvers.at[i]);
    }
    if (wish->resolvers.count == 0 && read_machine(asking, error) < 0)
        return -error->code;
    for (uint32_t i = 0; i < asking->server_count; i++) {
        char address[ADDRESS_TEXT];
        const char *owner = resolver_public(&asking->servers[i].address);
        if (owner != NULL)
            fprintf(stderr, "postern-collector: %s is %s, which many lists do not answer; --resolver names another\n",
                    address_print(&asking->servers[i].address, address), owner);
    }
    return 0;
}

static int take_names(struct asking *asking, const struct blacklists_wish *wish, struct error *error)
{
    if (wish->name_count == 0 || wish->name_count > BLACKLISTS_NAMES)
        return error_set(error, EINVAL, "which addresses and domains; 1 to %d", BLACKLISTS_NAMES);
    asking->subjects = calloc(wish->name_count, sizeof *asking->subjects);
    if (asking->subjects == NULL)
        return error_set(error, ENOMEM, "no memory for names");
    for (size_t i = 0; i < wish->name_count; i++)
        if (!subject_parse(text_of(wish->names[i]), &asking->subjects[i]))
            return error_set(error, EINVAL, "%.100s: nothing to look up; an address or a domain", wish->names[i]);
    return 0;
}

static void take_result(void *context, const struct inquiry_result *result)
{
    const struct asking *asking = context;
    *findings_at(&asking->findings, result->tag, result->zone_index) = *result->answer;
}

static int begin(struct asking *asking, struct error *error)
{
    const struct lookup_settings settings = {
        .inquiry = {.in_flight = 256,
                    .tries = 4,
                    .waiting = BLACKLISTS_NAMES,
                    .retest = 10 * MINUTE,
                    .fresh = MINUTE,
                    .reasons = true,
                    .nowhere = "com"},
        .dns = {.servers = asking->servers, .server_count = asking->server_count, .patience = 2 * SECOND}};
    struct findings *findings = &asking->findings;
    findings->answers = calloc(findings->count * zones_count(asking->zones) + 1, sizeof *findings->answers);
    if (findings->answers == NULL)
        return error_set(error, ENOMEM, "no memory for answers");
    for (size_t i = 0; i < findings->count * zones_count(asking->zones); i++)
        findings->answers[i] = answer_doubtful(DOUBT_STOPPED);
    return lookup_create(&settings, asking->zones, take_result, asking, &asking->lookup, error);
}

static int ask(struct asking *asking, struct error *error)
{
    int status = begin(asking, error);
    if (status < 0)
        return status;
    struct inquiry *inquiry = lookup_inquiry(asking->lookup);
    for (size_t i = 0; i < asking->findings.count; i++)
        if (inquiry_ask(inquiry, &asking->subjects[i], i, INQUIRY_URGENT, clock_now()) < 0)
            return error_set(error, ENOSPC, "too many names at once");
    while (status == 0 && inquiry_waiting(inquiry) > 0)
        status = lookup_turn(asking->lookup, SECOND, error);
    return status;
}

static int judge(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct findings_count count = findings_count(findings, i);
        if (count.listed > 0 || count.clean == 0)
            return FAILED;
    }
    return 0;
}

int blacklists_ask(const struct blacklists_wish *wish)
{
    CLEANUP(close_asking) struct asking asking = {0};
    struct error error = {0};
    signal(SIGPIPE, SIG_IGN); /* c-ares writes to streams that may be gone */
    if (take_names(&asking, wish, &error) < 0 || choose_zones(&asking, wish, &error) < 0 ||
        choose_resolvers(&asking, wish, &error) < 0)
        return report(&error, WRONG_USAGE);
    asking.findings = (struct findings){
        .zones = asking.zones, .subjects = asking.subjects, .count = wish->name_count, .meant = asking.meant};
    mark_meant(&asking, &wish->lists);
    if (ask(&asking, &error) < 0)
        return report(&error, FAILED);
    if ((wish->json ? findings_print_json : findings_print)(&asking.findings) < 0) {
        error_set(&error, errno, "what was found cannot be written: %s", strerror(errno));
        return report(&error, FAILED);
    }
    return judge(&asking.findings);
}
