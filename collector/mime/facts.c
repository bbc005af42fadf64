/* See facts.h. */
#include "collector/mime/facts.h"

#include <string.h>

static bool is_printable(const char *text, size_t size)
{
    char printable[FACTS_PICTURE_TEXT];
    size_t length = strnlen(text, size);
    if (length == size || size > sizeof printable)
        return false;
    return text_copy_printable((struct text){text, length}, printable, size) == length &&
           memcmp(text, printable, length) == 0;
}

bool facts_are_sound(const struct message_facts *facts)
{
    size_t digits = strnlen(facts->body, FACTS_BODY);
    return is_printable(facts->subject, FACTS_SUBJECT) && is_printable(facts->message_id, FACTS_MESSAGE_ID) &&
           is_printable(facts->picture_text, FACTS_PICTURE_TEXT) && (digits == 0 || digits == FACTS_BODY - 1) &&
           strspn(facts->body, "0123456789abcdef") == digits && facts->picture_count <= FACTS_PICTURES &&
           facts->cut <= 1;
}
