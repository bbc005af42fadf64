/* libpcap compiles; only the program is taken from it. A pcap handle itself cannot be handed to a process without
 * rights: it is an object in the memory of whoever opened it. A packet socket can. */
#include "agent/warden/filter.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHOLE_FRAME 262144 /* bytes taken of a frame that matches: all */

static size_t add(char *result, size_t at, const char *text)
{
    int length = snprintf(result + at, FILTER_TEXT - at, "%s", text);
    return at + (size_t)length < FILTER_TEXT ? at + (size_t)length : FILTER_TEXT - 1;
}

const char *filter_print(const uint16_t *ports, bool ethernet, char result[FILTER_TEXT])
{
    size_t at = 0;
    result[0] = 0;
    for (size_t i = 0; ports[i]; i++) {
        char one[32];
        snprintf(one, sizeof(one), "%stcp port %u", i ? " or " : "(", ports[i]);
        at = add(result, at, one);
    }
    at = add(result, at, ports[0] ? ") or " : "");
    /* Extension headers that may stand between IPv6 and TCP: hop-by-hop, routing, fragment, destination options. */
    at = add(result, at, "(ip6 and (ip6[6]=0 or ip6[6]=43 or ip6[6]=44 or ip6[6]=60))");
    /* Fragments: the first has the ports, the others do not. */
    at = add(result, at, " or (ip and ip[6:2]&0x3fff!=0 and ip[9]=6)");
    /* The kernel takes one tag off before the filter runs; a tag that is still there is a second one. */
    if (ethernet)
        add(result, at, " or ether proto 0x8100 or ether proto 0x88a8");
    return result;
}

int filter_compile(const uint16_t *ports, bool ethernet, struct sock_fprog *result, struct error *error)
{
    char text[FILTER_TEXT];
    struct bpf_program program;
    pcap_t *dead = pcap_open_dead(ethernet ? DLT_EN10MB : DLT_RAW, WHOLE_FRAME);
    if (!dead)
        return error_set(error, ENOMEM, "no memory for a packet filter");
    if (pcap_compile(dead, &program, filter_print(ports, ethernet, text), 1, PCAP_NETMASK_UNKNOWN) != 0) {
        error_set(error, EINVAL, "cannot compile the packet filter \"%.100s\": %.100s", text, pcap_geterr(dead));
        pcap_close(dead);
        return -EINVAL;
    }
    pcap_close(dead);
    struct sock_filter *filter = calloc(program.bf_len, sizeof(*filter));
    for (unsigned i = 0; filter && i < program.bf_len; i++) {
        const struct bpf_insn *from = &program.bf_insns[i];
        filter[i] = (struct sock_filter){from->code, from->jt, from->jf, from->k};
    }
    unsigned short length = (unsigned short)program.bf_len;
    pcap_freecode(&program);
    if (!filter)
        return error_set(error, ENOMEM, "no memory for a packet filter");
    *result = (struct sock_fprog){length, filter};
    return 0;
}
