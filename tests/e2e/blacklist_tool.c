/* Look subjects up in blacklists, as a program: what the collector's thread does, for a test.
 *
 *     blacklist_tool ZONES RESOLVER[,RESOLVER...] [KEY=NUMBER]... <subjects, a line each
 *
 * Keys: patience, spread, retest, fresh (milliseconds), tries, in_flight, rate, remembered, reasons, twice (each
 * subject is asked for once more when all are told), nowhere (0: resolvers are not tested), stop (milliseconds after
 * which it ends). Prints a line of fields with tabs for each result: "told", subject, zone, state, doubt, weight,
 * codes, TTL, fresh or remembered, milliseconds since the start, meaning, reason; then "zone" and "resolver" lines. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/blacklist/resolver.h"
#include "collector/lookout/lookup.h"
#include "common/io/clock.h"
#include "common/io/file.h"

#define SUBJECTS_MOST 100000

struct tool {
    struct zones *zones;
    struct lookup *lookup;
    duration begun;
    struct subject *subjects;
    uint32_t count;
};

static int give_up(const struct error *error)
{
    fprintf(stderr, "blacklist_tool: %s\n", error->text);
    return 1;
}

static void take_result(void *context, const struct inquiry_result *result)
{
    const struct tool *tool = context;
    const struct answer *answer = result->answer;
    char subject[SUBJECT_TEXT], code[ADDRESS_TEXT];
    printf("told\t%s\t%s\t%s\t%s\t%s\t", subject_print(result->subject, subject), result->zone->name,
           answer_state_name(answer->state), answer_doubt_name(answer->doubt), listing_weight_name(answer->weight));
    for (uint32_t i = 0; i < answer->count; i++) {
        struct address address = answer_code(answer, i);
        printf("%s%s", i ? "," : "", address_print(&address, code));
    }
    printf("\t%u\t%s\t%lld\t%s\t%s\n", answer->ttl, result->fresh ? "fresh" : "remembered",
           (long long)((clock_steady() - tool->begun) / MILLISECOND), answer->meaning ? answer->meaning : "",
           answer->reason);
}

static void print_state(const struct tool *tool, uint32_t resolvers)
{
    static const char *const beliefs[] = {"untested", "believed", "disbelieved"};
    struct inquiry *inquiry = lookup_inquiry(tool->lookup);
    for (uint32_t i = 0; i < zones_count(tool->zones); i++) {
        struct inquiry_zone zone;
        inquiry_zone(inquiry, i, &zone);
        printf("zone\t%s\t%s\t%s\t%llu\t%llu\t%llu\t%llu\n", zones_at(tool->zones, i)->name, beliefs[zone.belief],
               answer_doubt_name(zone.doubt), (unsigned long long)zone.asked, (unsigned long long)zone.listed,
               (unsigned long long)zone.clean, (unsigned long long)zone.unknown);
    }
    for (uint32_t i = 0; i < resolvers; i++) {
        struct inquiry_resolver resolver;
        inquiry_resolver(inquiry, i, &resolver);
        printf("resolver\t%u\t%s\t%s\t%d\t%llu\t%llu\t%u\n", i, beliefs[resolver.belief],
               answer_doubt_name(resolver.doubt), resolver.keeps_case, (unsigned long long)resolver.questions,
               (unsigned long long)resolver.timeouts, resolver.window);
    }
}

static int read_zones(struct tool *tool, const char *path, struct error *error)
{
    char *content = NULL;
    size_t length = 0;
    int status = zones_create(&tool->zones, error);
    if (status == 0)
        status = file_read(path, 1 << 20, &content, &length, error);
    if (status == 0)
        status = zones_read(tool->zones, (struct text){content, length}, path, error);
    free(content);
    return status < 0 ? status : zones_choose(tool->zones, NULL, 0, error);
}

static void read_subjects(struct tool *tool)
{
    char line[512];
    tool->subjects = calloc(SUBJECTS_MOST, sizeof *tool->subjects);
    while (tool->subjects && tool->count < SUBJECTS_MOST && fgets(line, sizeof line, stdin))
        if (subject_parse(text_trim(text_of(line)), &tool->subjects[tool->count]))
            tool->count++;
        else
            fprintf(stderr, "blacklist_tool: nothing to look up: %s", line);
}

static long long option(int argc, char **argv, const char *key, long long preset)
{
    size_t length = strlen(key);
    for (int i = 3; i < argc; i++)
        if (strncmp(argv[i], key, length) == 0 && argv[i][length] == '=')
            return atoll(argv[i] + length + 1);
    return preset;
}

static int run(struct tool *tool, bool twice, duration stop, struct error *error)
{
    for (int round = 0; round < (twice ? 2 : 1); round++) {
        for (uint32_t i = 0; i < tool->count; i++)
            if (inquiry_ask(lookup_inquiry(tool->lookup), &tool->subjects[i], i, 0, clock_now()) < 0)
                return error_set(error, ENOSPC, "too many subjects");
        while (inquiry_waiting(lookup_inquiry(tool->lookup)) > 0) {
            if (lookup_turn(tool->lookup, SECOND / 10, error) < 0)
                return -error->code;
            if (stop && clock_steady() - tool->begun > stop)
                return 0;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct tool tool = {.begun = clock_steady()};
    struct error error = {0};
    struct dns_server servers[DNS_SERVERS_MOST];
    uint32_t count = 0;
    if (argc < 3)
        return 2;
    signal(SIGPIPE, SIG_IGN); /* c-ares writes to streams that may be gone */
    for (struct text rest = text_of(argv[2]); rest.length > 0 && count < DNS_SERVERS_MOST; count++)
        if (!resolver_parse(text_split(&rest, ','), &servers[count].address, &servers[count].port))
            return 2;
    read_subjects(&tool);
    if (read_zones(&tool, argv[1], &error) < 0)
        return give_up(&error);
    const struct lookup_settings settings = {.inquiry = {.in_flight = (uint32_t)option(argc, argv, "in_flight", 256),
                                                         .tries = (uint32_t)option(argc, argv, "tries", 4),
                                                         .waiting = tool.count + 1,
                                                         .rate = (uint32_t)option(argc, argv, "rate", 0),
                                                         .spread = option(argc, argv, "spread", 0) * MILLISECOND,
                                                         .retest = option(argc, argv, "retest", 600000) * MILLISECOND,
                                                         .fresh = option(argc, argv, "fresh", 60000) * MILLISECOND,
                                                         .remembered = (uint32_t)option(argc, argv, "remembered", 0),
                                                         .reasons = option(argc, argv, "reasons", 1),
                                                         .nowhere = option(argc, argv, "nowhere", 1) ? "com" : NULL},
                                             .dns = {.servers = servers,
                                                     .server_count = count,
                                                     .patience = option(argc, argv, "patience", 2000) * MILLISECOND}};
    if (lookup_create(&settings, tool.zones, take_result, &tool, &tool.lookup, &error) < 0 ||
        run(&tool, option(argc, argv, "twice", 0), option(argc, argv, "stop", 0) * MILLISECOND, &error) < 0)
        return give_up(&error);
    print_state(&tool, count);
    lookup_destroy(&tool.lookup);
    zones_destroy(&tool.zones);
    free(tool.subjects);
    return 0;
}
