/* The text of pictures as a header line: see reading.h. */
#include "collector/reading/reading.h"

#define NAME      "X-Postern-Picture-Text:"
#define LINE_MOST 200 /* bytes, about; RFC 5322 2.1.1 has 998 as the bound */

bool reading_header(const struct message_facts *facts, struct buffer *result)
{
    struct text rest = text_trim(text_of(facts->picture_text));
    size_t before = result->length;
    bool good = rest.length == 0 || buffer_append(result, TEXT(NAME));
    size_t line = sizeof NAME;
    if (rest.length == 0)
        return true;
    while (good && rest.length > 0) {
        struct text word = text_split(&rest, ' ');
        bool folds = line + word.length > LINE_MOST && line > sizeof NAME;
        good = buffer_append(result, folds ? TEXT("\r\n ") : TEXT(" "));
        line = folds ? 0 : line;
        while (good && word.length > 0) { /* what is all one word is parted */
            size_t length = word.length < LINE_MOST ? word.length : LINE_MOST;
            while (length < word.length && length > 1 && ((unsigned char)word.bytes[length] & 0xc0) == 0x80)
                length--;
            good = buffer_append(result, (struct text){word.bytes, length});
            word = (struct text){word.bytes + length, word.length - length};
            line += length + 1;
            if (good && word.length > 0) {
                good = buffer_append(result, TEXT("\r\n "));
                line = 0;
            }
        }
    }
    if (good && buffer_append(result, TEXT("\r\n")))
        return true;
    result->length = before;
    return false;
}
