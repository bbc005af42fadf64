/* Frames of every link type through link, IP and fragments. The first byte chooses the link type; then frames, each
 * with a byte for what the snap length cut off, a byte for a tag that the kernel took off, two bytes of length.
 * Whatever comes, a segment lies inside what was given, and no payload is longer than its frame. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "agent/packet/ip.h"
#include "common/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint16_t links[] = {LINK_ETHERNET,  LINK_RAW,       LINK_LINUX_SLL, LINK_LINUX_SLL2, LINK_NULL, LINK_LOOP,
                                 LINK_RAW_BSD12, LINK_RAW_BSD14, LINK_IPV4,      LINK_IPV6,       105};

/* Every byte of the segment is read, so that the sanitizers see where it leads. */
static uint64_t read_segment(const struct segment *segment)
{
    uint64_t sum = segment->source_port + segment->missing;
    for (size_t i = 0; i < (segment->family == 4 ? 4 : 16); i++)
        sum += segment->source[i] + segment->target[i];
    for (size_t i = 0; i < segment->payload.length; i++)
        sum += (uint8_t)segment->payload.bytes[i];
    return sum;
}

static uint64_t read_frame(const struct frame *frame, struct fragments *fragments)
{
    struct link_layer link;
    struct segment segment;
    if (!link_decode(frame, &link))
        return 0;
    assert(link_type_is_known(frame->link));
    assert(!cursor_failed(&link.ip) && link.ip.at >= frame->bytes && link.ip.end == frame->bytes + frame->captured);
    enum ip_outcome outcome = ip_decode(frame, &link, fragments, &segment);
    assert(outcome < IP_OUTCOMES);
    if (outcome != IP_SEGMENT)
        return 0;
    const uint8_t *payload = (const uint8_t *)segment.payload.bytes;
    bool in_frame = payload >= frame->bytes && payload + segment.payload.length <= frame->bytes + frame->captured;
    assert(in_frame || segment.missing == 0); /* else it is a datagram of fragments, which is whole */
    assert(!in_frame || segment.payload.length + segment.missing <= frame->length);
    return read_segment(&segment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct siphash_key key = {{1, 2}};
    struct cursor input = cursor_of(data, size);
    uint16_t link = links[cursor_u8(&input) % (sizeof links / sizeof *links)];
    struct fragments *fragments = fragments_create(4, &key);
    volatile uint64_t sum = 0;
    moment time = SECOND;

    while (fragments && cursor_left(&input) > 0) {
        uint8_t missing = cursor_u8(&input), vlan = cursor_u8(&input);
        struct cursor bytes = cursor_cut_most(&input, cursor_u16(&input));
        uint32_t captured = (uint32_t)cursor_left(&bytes);
        uint8_t *copy = malloc(captured ? captured : 1); /* ends where the frame ends */
        if (!copy)
            break;
        if (captured)
            memcpy(copy, bytes.at, captured);
        struct frame frame = {.time = time,
                              .bytes = copy,
                              .captured = captured,
                              .length = captured + missing,
                              .link = link,
                              .vlan = vlan};
        sum += read_frame(&frame, fragments);
        free(copy);
        time += SECOND;
    }
    (void)sum;
    fragments_destroy(&fragments);
    return 0;
}
