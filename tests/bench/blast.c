/* Send the frames of a capture out of an interface at a given rate, as fast as one core can: the load for live capture.
 *
 *     blast INTERFACE FILE.pcap PACKETS_A_SECOND SECONDS
 *
 * Frames are loaded first and sent in batches past the queueing discipline; the capture is begun anew when it ends.
 * Prints how many were sent and how fast. Meant for namespaces that a benchmark made for itself. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FRAMES_MOST 200000
#define BATCH       64

static struct iovec *load(const char *path, unsigned *count)
{
    char reason[PCAP_ERRBUF_SIZE];
    pcap_t *file = pcap_open_offline(path, reason);
    if (!file) {
        fprintf(stderr, "blast: %s\n", reason);
        exit(1);
    }
    struct iovec *frames = calloc(FRAMES_MOST, sizeof *frames);
    struct pcap_pkthdr *header;
    const u_char *bytes;
    while (frames && *count < FRAMES_MOST && pcap_next_ex(file, &header, &bytes) == 1) {
        if (header->caplen > 1514)
            continue;
        frames[*count].iov_base = malloc(header->caplen);
        if (!frames[*count].iov_base)
            abort();
        memcpy(frames[*count].iov_base, bytes, header->caplen);
        frames[(*count)++].iov_len = header->caplen;
    }
    pcap_close(file);
    return frames;
}

static int open_interface(const char *name)
{
    int descriptor = socket(AF_PACKET, SOCK_RAW, 0);
    int one = 1;
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name), .sll_protocol = htons(ETH_P_ALL)};
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0) {
        fprintf(stderr, "blast: %s: %s\n", name, strerror(errno));
        exit(1);
    }
    setsockopt(descriptor, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
    return descriptor;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int count, char **arguments)
{
    if (count != 5) {
        fprintf(stderr, "usage: blast INTERFACE FILE.pcap PACKETS_A_SECOND SECONDS\n");
        return 2;
    }
    unsigned frame_count = 0;
    struct iovec *frames = load(arguments[2], &frame_count);
    int descriptor = open_interface(arguments[1]);
    double rate = atof(arguments[3]), length = atof(arguments[4]);
    unsigned long long sent = 0, refused = 0;
    struct mmsghdr messages[BATCH];
    unsigned at = 0;
    double begun = seconds_now(), now = begun;
    if (!frames || frame_count == 0 || rate <= 0)
        return 1;
    while (now - begun < length) {
        if ((double)sent > (now - begun) * rate) {
            now = seconds_now(); /* ahead of the rate: wait busily, a sleep would come in lumps */
            continue;
        }
        memset(messages, 0, sizeof messages);
        for (unsigned i = 0; i < BATCH; i++) {
            messages[i].msg_hdr.msg_iov = &frames[(at + i) % frame_count];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        int done = sendmmsg(descriptor, messages, BATCH, 0);
        if (done > 0) {
            sent += (unsigned)done;
            at = (at + (unsigned)done) % frame_count;
        } else {
            refused++;
        }
        now = seconds_now();
    }
    printf("{\"sent\":%llu,\"refused\":%llu,\"seconds\":%.3f,\"rate\":%.0f}\n", sent, refused, now - begun,
           (double)sent / (now - begun));
    for (unsigned i = 0; i < frame_count; i++)
        free(frames[i].iov_base);
    free(frames);
    close(descriptor);
    return 0;
}
