/* Any bytes at all on the control socket: understood or refused with a sentence, never more. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/courier/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct request request;
    struct error error = {0};
    if (length > REQUEST_LINE_MOST)
        return 0;
    int outcome = request_parse((struct text){(const char *)bytes, length}, &request, &error);
    if (outcome == 0 && request.kind == REQUEST_COMMAND && (!request.why[0] || !sender_is_sound(&request.sender)))
        abort();
    if (outcome < 0 && (!error.text[0] || error.code == 0))
        abort();
    return 0;
}
