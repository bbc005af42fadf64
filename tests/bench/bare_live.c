/* The bare limit of live capture: libpcap with the agent's own filter and a callback that only counts.
 *
 *     bare_live INTERFACE FILTER SECONDS BUFFER_BYTES
 *
 * FILTER "agent" is the agent's own, for the usual mail ports. */
#include <pcap/pcap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "agent/warden/filter.h"

static void count_packet(u_char *context, const struct pcap_pkthdr *header, const u_char *bytes)
{
    (void)header, (void)bytes;
    ++*(unsigned long long *)(void *)context;
}

static pcap_t *open_live(char **arguments)
{
    char reason[PCAP_ERRBUF_SIZE] = "";
    struct bpf_program program;
    static const uint16_t ports[] = {25, 465, 587, 2525, 0};
    char own[FILTER_TEXT];
    const char *filter = strcmp(arguments[2], "agent") == 0 ? filter_print(ports, true, own) : arguments[2];
    pcap_t *live = pcap_create(arguments[1], reason);
    if (!live)
        return NULL;
    pcap_set_snaplen(live, 65536);
    pcap_set_timeout(live, 10);
    pcap_set_buffer_size(live, atoi(arguments[4]));
    if (pcap_activate(live) < 0 || pcap_compile(live, &program, filter, 1, PCAP_NETMASK_UNKNOWN) < 0 ||
        pcap_setfilter(live, &program) < 0 || pcap_setnonblock(live, 1, reason) < 0) {
        fprintf(stderr, "bare_live: %s\n", pcap_geterr(live));
        pcap_close(live);
        return NULL;
    }
    pcap_freecode(&program);
    return live;
}

int main(int count, char **arguments)
{
    if (count != 5) {
        fprintf(stderr, "usage: bare_live INTERFACE FILTER SECONDS BUFFER_BYTES\n");
        return 2;
    }
    pcap_t *live = open_live(arguments);
    if (!live)
        return 1;
    unsigned long long packets = 0;
    time_t end = time(NULL) + atoi(arguments[3]);
    struct pollfd wait = {.fd = pcap_get_selectable_fd(live), .events = POLLIN};
    while (time(NULL) < end && poll(&wait, 1, 100) >= 0)
        pcap_dispatch(live, -1, count_packet, (u_char *)&packets);
    struct pcap_stat statistics;
    struct rusage usage;
    pcap_stats(live, &statistics);
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"packets\":%llu,\"dropped\":%u,\"cpu\":%.3f}\n", packets, statistics.ps_drop,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6);
    pcap_close(live);
    return 0;
}
