/* What every other figure is held against: libpcap reads a file, runs the agent's own packet filter over it and calls
 * back a function that only counts.
 *
 *     bare_loop FILE
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <sys/resource.h>
#include "agent/warden/filter.h"

static void count_packet(u_char *context, const struct pcap_pkthdr *header, const u_char *bytes)
{
    (void)header, (void)bytes;
    ++*(unsigned long long *)(void *)context;
}

int main(int count, char **arguments)
{
    static const uint16_t ports[] = {25, 465, 587, 2525, 0};
    char text[FILTER_TEXT], reason[PCAP_ERRBUF_SIZE] = "";
    struct bpf_program program;
    unsigned long long packets = 0;
    if (count != 2) {
        fprintf(stderr, "usage: bare_loop FILE\n");
        return 2;
    }
    pcap_t *file = pcap_open_offline(arguments[1], reason);
    if (!file) {
        fprintf(stderr, "bare_loop: %s\n", reason);
        return 1;
    }
    filter_print(ports, pcap_datalink(file) == DLT_EN10MB, text);
    if (pcap_compile(file, &program, text, 1, PCAP_NETMASK_UNKNOWN) < 0 || pcap_setfilter(file, &program) < 0 ||
        pcap_loop(file, -1, count_packet, (u_char *)&packets) < 0) {
        fprintf(stderr, "bare_loop: %s\n", pcap_geterr(file));
        pcap_close(file);
        return 1;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"packets\":%llu,\"cpu\":%.6f}\n", packets,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6);
    pcap_freecode(&program);
    pcap_close(file);
    return 0;
}
