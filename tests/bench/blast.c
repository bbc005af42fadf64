/* Send the frames of a capture out of an interface at a given rate, as fast as one core can: the load for live capture.
 *
 *     blast INTERFACE FILE.pcap PACKETS_A_SECOND SECONDS [BACK NAMESPACE]
 *
 * Frames are loaded first and sent in batches past the queueing discipline; the capture is begun anew when it ends.
 * BACK is an interface in another network namespace (a file of /run/netns): what comes from a mail port leaves by it,
 * so that a capture between the two sees each side come from where it should. Within a batch each goes out in one
 * piece. Prints how many were sent and how fast. Meant for namespaces that a benchmark made for itself. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FRAMES_MOST 200000
#define BATCH       64

/* Whether a mail server says it; IPv4 without options, or IPv6. */
static bool is_answer(const struct iovec *frame)
{
    const unsigned char *bytes = frame->iov_base;
    size_t at = bytes[12] == 8 && bytes[13] == 0 ? 34 : 54;
    unsigned port = frame->iov_len > at + 1 ? (unsigned)bytes[at] << 8 | bytes[at + 1] : 0;
    return port == 25 || port == 465 || port == 587 || port == 2525;
}

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

/* `past_captures`: faster, but a capture on the same interface does not see it. */
static int open_interface(const char *name, bool past_captures)
{
    int descriptor = socket(AF_PACKET, SOCK_RAW, 0);
    int one = 1;
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name), .sll_protocol = htons(ETH_P_ALL)};
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0) {
        fprintf(stderr, "blast: %s: %s\n", name, strerror(errno));
        exit(1);
    }
    if (past_captures)
        setsockopt(descriptor, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
    return descriptor;
}

static int open_elsewhere(const char *name, const char *namespace)
{
    int here = open("/proc/self/ns/net", O_RDONLY), there = open(namespace, O_RDONLY);
    if (here < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0) {
        fprintf(stderr, "blast: %s: %s\n", namespace, strerror(errno));
        exit(1);
    }
    int descriptor = open_interface(name, false);
    setns(here, CLONE_NEWNET);
    close(here);
    close(there);
    return descriptor;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

struct blast {
    struct iovec *frames;
    bool *answers;
    unsigned frame_count, at;
    int out, back; /* back -1: there is but one way */
    unsigned long long sent, refused;
};

static void send_part(struct blast *blast, int descriptor, bool answers)
{
    struct mmsghdr messages[BATCH];
    unsigned count = 0;
    memset(messages, 0, sizeof messages);
    for (unsigned i = 0; i < BATCH; i++) {
        unsigned frame = (blast->at + i) % blast->frame_count;
        if (blast->back >= 0 && blast->answers[frame] != answers)
            continue;
        messages[count].msg_hdr.msg_iov = &blast->frames[frame];
        messages[count++].msg_hdr.msg_iovlen = 1;
    }
    for (unsigned done = 0; done < count;) {
        int number = sendmmsg(descriptor, messages + done, count - done, 0);
        if (number <= 0) {
            blast->refused++;
            continue;
        }
        done += (unsigned)number;
        blast->sent += (unsigned)number;
    }
}

static void send_batch(struct blast *blast)
{
    send_part(blast, blast->out, false);
    if (blast->back >= 0)
        send_part(blast, blast->back, true);
    blast->at = (blast->at + BATCH) % blast->frame_count;
}

int main(int count, char **arguments)
{
    struct blast blast = {.back = -1};
    if (count != 5 && count != 7) {
        fprintf(stderr, "usage: blast INTERFACE FILE.pcap PACKETS_A_SECOND SECONDS [BACK NAMESPACE]\n");
        return 2;
    }
    double rate = atof(arguments[3]), length = atof(arguments[4]);
    blast.frames = load(arguments[2], &blast.frame_count);
    blast.answers = calloc(blast.frame_count + 1, sizeof *blast.answers);
    if (!blast.frames || !blast.answers || blast.frame_count == 0 || rate <= 0)
        return 1;
    for (unsigned i = 0; i < blast.frame_count; i++)
        blast.answers[i] = is_answer(&blast.frames[i]);
    blast.out = open_interface(arguments[1], true);
    if (count == 7)
        blast.back = open_elsewhere(arguments[5], arguments[6]);
    double begun = seconds_now(), now = begun;
    for (; now - begun < length; now = seconds_now())
        if ((double)blast.sent <= (now - begun) * rate) /* else wait busily, a sleep would come in lumps */
            send_batch(&blast);
    printf("{\"sent\":%llu,\"refused\":%llu,\"seconds\":%.3f,\"rate\":%.0f}\n", blast.sent, blast.refused, now - begun,
           (double)blast.sent / (now - begun));
    for (unsigned i = 0; i < blast.frame_count; i++)
        free(blast.frames[i].iov_base);
    free(blast.frames);
    free(blast.answers);
    close(blast.out);
    if (blast.back >= 0)
        close(blast.back);
    return 0;
}
