/* The SMTP dialogue on hostile bytes of both directions. However the parts are cut into pieces, the same must be
 * observed, the same content kept, and no memory may stay behind.
 *
 * Input: a byte that chooses the kind of stream, a byte for the random cuts, then parts, each behind one byte: F5 the
 * client says, F6 the server says, F7 and F8 the client and the server lose as many bytes as the next byte says. */
#include "tests/unit/agent/packet/smtp_transcript.h"

enum { PARTS_MOST = 256, CLIENT_MARK = 0xf5, SERVER_MARK, CLIENT_GAP_MARK, SERVER_GAP_MARK };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_mark(uint8_t byte)
{
    return byte >= CLIENT_MARK && byte <= SERVER_GAP_MARK;
}

static void read_parts(const uint8_t *data, size_t size, struct part parts[PARTS_MOST + 1])
{
    size_t count = 0;
    for (size_t at = 0; at + 1 < size && count < PARTS_MOST;) {
        uint8_t mark = data[at++];
        struct part *part = &parts[count];
        part->kind = mark == SERVER_MARK       ? PART_SERVER
                     : mark == CLIENT_GAP_MARK ? PART_CLIENT_GAP
                     : mark == SERVER_GAP_MARK ? PART_SERVER_GAP
                                               : PART_CLIENT;
        if (part->kind == PART_CLIENT_GAP || part->kind == PART_SERVER_GAP) {
            part->length = 1u + data[at++];
        } else {
            part->bytes = (const char *)data + at;
            while (at < size && !is_mark(data[at]))
                at++;
            part->length = (size_t)((const char *)data + at - part->bytes);
        }
        if (part->length > 0)
            count++;
    }
    parts[count] = (struct part){.kind = PART_END};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct part parts[PARTS_MOST + 1];
    if (size < 2)
        return 0;
    memset(parts, 0, sizeof parts);
    read_parts(data + 2, size - 2, parts);
    struct play how = {
        .implicit_tls = data[0] & 1, .joined = data[0] & 2, .piece = SIZE_MAX, .sampled = data[0] & 4 ? 40 : 4000};
    char *whole = play(parts, how, NULL);
    for (unsigned variant = 0; variant < 2; variant++) {
        how.piece = variant == 0 && size < 2048 ? 1 : 0;
        how.random = data[1];
        char *pieces = play(parts, how, NULL);
        if (strcmp(whole, pieces) != 0) {
            fprintf(stderr, "whole\n%s\npieces\n%s\n", whole, pieces);
            abort();
        }
        free(pieces);
    }
    free(whole);
    return 0;
}
