/* Any bytes at all as a message that is complained of: the complaint is one, in either form and redacted or not, says
 * the source that it was given, and is the same each time. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/complaint/complaint.h"
#include "collector/complaint/outgoing.h"
#include "collector/mime/walk.h"

#define LENGTH_MOST 20000 /* an address, and a head that is searched for it, of more would take too long */

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void compose(const struct outgoing *outgoing, struct buffer *mail)
{
    struct error error = {0};
    buffer_init(mail, OUTGOING_MOST);
    if (outgoing_compose(outgoing, mail, &error) != 0)
        abort();
}

static void read_again(const struct outgoing *outgoing, struct text mail)
{
    struct complaints got;
    complaints_read(mail, &got);
    if (got.found != FOUND_COMPLAINTS || got.count != 1 || !complaint_is_sound(got.items) ||
        !address_equals(&got.items->source, &outgoing->source) || strcmp(got.items->reporter, "host.example") != 0)
        abort();
    complaints_clear(&got);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static bool prepared;
    struct buffer mail, again;
    if (!prepared)
        walk_prepare();
    prepared = true;
    if (length < 2 || length > LENGTH_MOST)
        return 0;
    /* What a stranger writes stands everywhere that it can. */
    const struct text said = {(const char *)bytes + 1, length - 1};
    struct outgoing outgoing = {.id = "00112233445566778899aabbccddeeff",
                                .format = bytes[0] & 1 ? OUTGOING_XARF : OUTGOING_ARF,
                                .type = COMPLAINT_ABUSE,
                                .from = {said, TEXT("abuse@host.example")},
                                .to = TEXT("abuse@shop.example"),
                                .now = DAY,
                                .time = bytes[0] & 2 ? HOUR : 0,
                                .source = {.family = 4, .prefix = 32, .bytes = {203, 0, 113, 9}},
                                .source_port = bytes[0] & 4 ? 25 : 0,
                                .envelope_from = said,
                                .recipients = &said,
                                .recipient_count = 1,
                                .message = said,
                                .subject = bytes[0] & 8 ? said : TEXT(""),
                                .note = {said.bytes, said.length < OUTGOING_NOTE ? said.length : OUTGOING_NOTE},
                                .is_redacted = bytes[0] & 16};
    compose(&outgoing, &mail);
    compose(&outgoing, &again);
    if (!text_equals(buffer_text(&mail), buffer_text(&again)))
        abort();
    read_again(&outgoing, buffer_text(&mail));
    buffer_clear(&mail);
    buffer_clear(&again);
    return 0;
}
