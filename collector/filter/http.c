/* The little of HTTP (RFC 9112) that an answer to HTTP/1.0 needs. */
#include "collector/filter/http.h"

static bool read_status(struct text line, unsigned *status)
{
    uint64_t code;
    struct text protocol = text_split(&line, ' '), word = text_trim(text_split(&line, ' '));
    if (!text_starts_nocase(protocol, TEXT("HTTP/1.")) || word.length != 3 || !text_number(word, &code) || code < 200)
        return false;
    *status = (unsigned)code;
    return true;
}

bool http_read_answer(struct text answer, unsigned *status, struct text *body)
{
    uint64_t length = 0;
    bool told = false;
    if (!read_status(text_trim(text_split(&answer, '\n')), status))
        return false;
    for (;;) {
        if (answer.length == 0 || memchr(answer.bytes, '\n', answer.length) == NULL)
            return false; /* it ends within its head */
        struct text line = text_trim(text_split(&answer, '\n'));
        if (line.length == 0)
            break;
        struct text name = text_split(&line, ':');
        if (text_equals_nocase(name, TEXT("Transfer-Encoding")))
            return false;
        if (!text_equals_nocase(name, TEXT("Content-Length")))
            continue;
        if (told || !text_number(text_trim(line), &length))
            return false;
        told = true;
    }
    if (told && length > answer.length)
        return false;
    *body = (struct text){answer.bytes, told ? length : answer.length};
    return true;
}
