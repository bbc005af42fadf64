/* Addresses looked up in blacklists as fast as it goes, at a name server on loopback:
 *
 *     blacklist_speed lookup PORT IN_FLIGHT ADDRESSES ZONES   by Postern's engine: tested zones, answers judged
 *     blacklist_speed bare PORT IN_FLIGHT ADDRESSES ZONES     the same names by c-ares alone, answers thrown away
 *     blacklist_speed names ADDRESSES ZONES                   those names, a line each
 *
 * Zones are z0.example ...; addresses 198.18.0.0 and on. Prints a line of JSON. */
#include <ares.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "collector/lookout/lookup.h"
#include "common/io/clock.h"

static struct subject subject_at(uint32_t number)
{
    struct subject subject = {.kind = SUBJECT_IPV4};
    subject.bytes[0] = 198;
    subject.bytes[1] = (uint8_t)(18 + (number >> 16));
    subject.bytes[2] = (uint8_t)(number >> 8);
    subject.bytes[3] = (uint8_t)number;
    return subject;
}

static void name_at(uint32_t number, uint32_t addresses, char name[SUBJECT_NAME])
{
    char zone[32];
    struct subject subject = subject_at(number % addresses);
    snprintf(zone, sizeof zone, "z%u.example", number / addresses);
    subject_name(&subject, text_of(zone), name);
}

static double processor_time(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void print(uint64_t answers, uint64_t listed, uint64_t unknown, duration took)
{
    double seconds = (double)took / (double)SECOND;
    printf("{\"answers\": %llu, \"listed\": %llu, \"unknown\": %llu, \"seconds\": %.3f, \"rate\": %.0f, \"processor\": "
           "%.3f}\n",
           (unsigned long long)answers, (unsigned long long)listed, (unsigned long long)unknown, seconds,
           (double)answers / seconds, processor_time());
}

/* --- c-ares alone --- */

struct bare {
    ares_channel channel;
    uint32_t next, count, addresses, under_way, answers;
};

static void ask_bare(struct bare *);

static void take_bare(void *context, int status, int timeouts, unsigned char *bytes, int length)
{
    struct bare *bare = context;
    (void)status, (void)timeouts, (void)bytes, (void)length;
    bare->under_way--;
    bare->answers++;
    ask_bare(bare);
}

static void ask_bare(struct bare *bare)
{
    char name[SUBJECT_NAME];
    if (bare->next == bare->count)
        return;
    name_at(bare->next++, bare->addresses, name);
    bare->under_way++;
    ares_query(bare->channel, name, 1, 1, take_bare, bare);
}

static int run_bare(uint16_t port, uint32_t in_flight, uint32_t addresses, uint32_t zones)
{
    struct bare bare = {.count = addresses * zones, .addresses = addresses};
    struct ares_options options = {.flags = ARES_FLAG_NOSEARCH,
                                   .timeout = 2000,
                                   .tries = 4,
                                   .lookups = (char[]){"b"},
                                   .socket_receive_buffer_size = 4 << 20};
    struct ares_addr_port_node node = {.family = AF_INET, .udp_port = port, .tcp_port = port};
    node.addr.addr4.s_addr = htonl(INADDR_LOOPBACK);
    if (ares_library_init(ARES_LIB_INIT_ALL) ||
        ares_init_options(&bare.channel, &options,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS |
                              ARES_OPT_SOCK_RCVBUF) ||
        ares_set_servers_ports(bare.channel, &node))
        return 1;
    duration begun = clock_steady();
    for (uint32_t i = 0; i < in_flight; i++)
        ask_bare(&bare);
    while (bare.under_way > 0) {
        ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
        struct pollfd polled = {.events = POLLIN};
        ares_getsock(bare.channel, sockets, ARES_GETSOCK_MAXNUM);
        polled.fd = sockets[0];
        int count = poll(&polled, 1, 20);
        ares_process_fd(bare.channel, count > 0 ? polled.fd : ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
    print(bare.answers, 0, 0, clock_steady() - begun);
    ares_destroy(bare.channel);
    return 0;
}

/* --- the engine --- */

struct tally {
    uint64_t answers, listed, unknown;
};

static void take_result(void *context, const struct inquiry_result *result)
{
    struct tally *tally = context;
    tally->answers++;
    tally->listed += result->answer->state == ANSWER_LISTED;
    tally->unknown += result->answer->state == ANSWER_UNKNOWN;
}

static int give_up(const struct error *error)
{
    fprintf(stderr, "blacklist_speed: %s\n", error->text);
    return 1;
}

static int run_lookup(uint16_t port, uint32_t in_flight, uint32_t addresses, uint32_t count)
{
    struct error error = {0};
    struct zones *zones = NULL;
    struct lookup *lookup = NULL;
    struct tally tally = {0};
    if (zones_create(&zones, &error) < 0)
        return give_up(&error);
    for (uint32_t i = 0; i < count; i++) {
        char text[128];
        snprintf(text, sizeof text, "[z%u.example]\nkind = addresses\nlists = all\ncode = 127.0.0.2 high listed\n", i);
        if (zones_read(zones, text_of(text), "bench", &error) < 0)
            return give_up(&error);
    }
    const struct dns_server server = {address_from_ipv4((const uint8_t[]){127, 0, 0, 1}), port};
    const struct lookup_settings settings = {
        .inquiry = {.in_flight = in_flight, .tries = 6, .waiting = addresses, .retest = 10 * MINUTE, .fresh = MINUTE},
        .dns = {.servers = &server, .server_count = 1, .patience = 2 * SECOND}};
    if (zones_choose(zones, NULL, 0, &error) < 0 ||
        lookup_create(&settings, zones, take_result, &tally, &lookup, &error) < 0)
        return give_up(&error);
    duration begun = clock_steady();
    for (uint32_t i = 0; i < addresses; i++) {
        struct subject subject = subject_at(i);
        if (inquiry_ask(lookup_inquiry(lookup), &subject, i, 0, clock_now()) < 0)
            return 1;
    }
    while (inquiry_waiting(lookup_inquiry(lookup)) > 0)
        if (lookup_turn(lookup, SECOND, &error) < 0)
            return give_up(&error);
    print(tally.answers, tally.listed, tally.unknown, clock_steady() - begun);
    lookup_destroy(&lookup);
    zones_destroy(&zones);
    return 0;
}

static int print_names(uint32_t addresses, uint32_t zones)
{
    char name[SUBJECT_NAME];
    for (uint32_t i = 0; i < addresses * zones; i++) {
        name_at(i, addresses, name);
        puts(name);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "names") == 0)
        return print_names((uint32_t)atol(argv[2]), (uint32_t)atol(argv[3]));
    if (argc != 6)
        return 2;
    uint32_t numbers[4];
    for (int i = 0; i < 4; i++)
        numbers[i] = (uint32_t)atol(argv[i + 2]);
    return (strcmp(argv[1], "bare") == 0 ? run_bare : run_lookup)((uint16_t)numbers[0], numbers[1], numbers[2],
                                                                  numbers[3]);
}
