/* Whatever a client said stands in one line: control characters, a line end among them, become '?'. */
#include "agent/milter/question.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void milter_letter_set(char *place, size_t size, const char *text)
{
    size_t length = text ? strnlen(text, size - 1) : 0;
    for (size_t i = 0; i < length; i++)
        place[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
    place[length] = 0;
}

void milter_letter_set_path(char *place, size_t size, const char *path)
{
    milter_letter_set(place, size, path ? path + (path[0] == '<') : NULL);
    size_t length = strlen(place);
    if (path && path[0] == '<' && length > 0 && place[length - 1] == '>')
        place[length - 1] = 0;
}

static bool write_common(const struct milter_letter *letter, struct buffer *result)
{
    return buffer_printf(result,
                         "client_address=%s\nclient_name=%s\nhelo_name=%s\nsender=%s\nsasl_username=%s\n"
                         "queue_id=%s\ninstance=%s\n",
                         letter->client_address, letter->client_name, letter->helo, letter->sender, letter->account,
                         letter->queue, letter->instance);
}

bool milter_question_write(const struct milter_letter *letter, const char *recipient, uint64_t size,
                           struct buffer *result)
{
    char address[322];
    milter_letter_set_path(address, sizeof address, recipient);
    return buffer_printf(result, "request=smtpd_access_policy\nprotocol_state=%s\nprotocol_name=ESMTP\n",
                         recipient ? "RCPT" : "END-OF-MESSAGE") &&
           write_common(letter, result) &&
           buffer_printf(result, "recipient=%s\nrecipient_count=%" PRIu32 "\nsize=%" PRIu64 "\n\n", address,
                         recipient ? 0 : letter->recipients, size);
}

bool milter_content_write(const struct milter_letter *letter, uint64_t size, const uint64_t digest[2],
                          const struct likeness *likeness, struct buffer *result)
{
    bool fine = buffer_append(result, TEXT("request=postern_content\n")) && write_common(letter, result) &&
                buffer_printf(
                    result, "recipients=%" PRIu32 "\nsize=%" PRIu64 "\ndigest=%016" PRIx64 "%016" PRIx64 "\nlikeness=",
                    letter->recipients, size, digest[1], digest[0]);
    for (size_t i = 0; fine && i < LIKENESS_PARTS; i++)
        fine = buffer_printf(result, "%04x", likeness->parts[i]);
    return fine && buffer_append(result, TEXT("\n\n"));
}
