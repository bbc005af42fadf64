/* Any text as a file of header patterns: rules, or a sentence with its line. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "collector/filter/headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const struct filter_settings settings = {.name = "gate"};
    struct headers *headers = NULL;
    struct error error = {0};
    struct opinion opinion;
    if (headers_create(&headers, &error) < 0)
        abort();
    int status = headers_read(headers, (struct text){(const char *)bytes, length}, "own.conf", &error);
    if (status < 0 && (!error.text[0] || error.code == 0))
        abort();
    if (status == 0)
        headers_judge(headers, &settings, TEXT("X-Spam-Status: Yes, score=5 required=4\r\nX: y\r\n\r\n"), &opinion);
    headers_destroy(&headers);
    return 0;
}
