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
#include "collector/lookout/choice.h"
#include "collector/lookout/lookup.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

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

/* The words of an option, as texts. */
static struct choice_words texts_of(const struct blacklists_words *words, struct text texts[BLACKLISTS_WORDS])
{
    for (size_t i = 0; i < words->count; i++)
        texts[i] = text_of(words->at[i]);
    return (struct choice_words){texts, words->count};
}

static int choose_zones(struct asking *asking, const struct blacklists_wish *wish, struct error *error)
{
    struct text files[BLACKLISTS_WORDS], keys[BLACKLISTS_WORDS], lists[BLACKLISTS_WORDS];
    return choice_zones(texts_of(&wish->zones, files), texts_of(&wish->keys, keys), texts_of(&wish->lists, lists),
                        &asking->zones, error);
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

static int choose_resolvers(struct asking *asking, const struct blacklists_wish *wish, struct error *error)
{
    struct text named[BLACKLISTS_WORDS];
    if (choice_resolvers(texts_of(&wish->resolvers, named), asking->servers, &asking->server_count, error) < 0)
        return error_wrap(error, "--resolver");
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
