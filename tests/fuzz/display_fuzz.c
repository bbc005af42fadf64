/* A message as people are shown it: whatever it is, what comes out is UTF-8 in whole lines without a byte that a
 * terminal obeys, within its bound; and in a mailbox it is one message.
 *
 * Input: a byte for the bound, the message. */
#include <assert.h>
#include <string.h>
#include "collector/quarantine/display.h"
#include "collector/quarantine/export.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_shown(struct text shown)
{
    assert(shown.length == 0 || shown.bytes[shown.length - 1] == '\n');
    while (shown.length > 0) {
        size_t sequence = text_utf8_sequence(shown);
        unsigned char byte = (unsigned char)shown.bytes[0];
        assert(sequence > 0);
        assert(byte == '\n' || byte == '\t' || (byte >= ' ' && byte != 0x7f));
        assert(sequence != 2 || byte != 0xc2 || (unsigned char)shown.bytes[1] >= 0xa0);
        shown = (struct text){shown.bytes + sequence, shown.length - sequence};
    }
}

static void check_mailbox(struct text box)
{
    for (int line = 0; box.length > 0; line++) {
        struct text one = text_split(&box, '\n');
        assert((one.length >= 5 && memcmp(one.bytes, "From ", 5) == 0) == (line == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct buffer out;
    if (length < 1)
        return 0;
    struct text content = {(const char *)bytes + 1, length - 1};
    buffer_init(&out, 64 + (size_t)bytes[0] * 256);
    bool whole = display_message(content, &out);
    (void)whole;
    check_shown(buffer_text(&out));
    buffer_clear(&out);
    buffer_init(&out, 2 * length + 512);
    if (export_mbox(content, 1, content, &out))
        check_mailbox(buffer_text(&out));
    buffer_clear(&out);
    return 0;
}
