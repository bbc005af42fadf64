/* See export.h. A line that begins with "From " would begin a message of its own: whoever writes a letter could have us
 * export another that nobody sent. */
#include "collector/quarantine/export.h"

#include <stdio.h>

#define FROM_MOST 254 /* bytes of an address (RFC 5321 4.5.3.1) */

static bool is_plain(struct text from)
{
    for (size_t i = 0; i < from.length; i++)
        if ((unsigned char)from.bytes[i] <= ' ' || (unsigned char)from.bytes[i] >= 0x7f)
            return false;
    return from.length > 0 && from.length <= FROM_MOST;
}

/* As asctime() writes it, in UTC: "Mon Nov 23 08:00:00 2026". */
static void print_date(moment time, char result[32])
{
    static const char days[] = "ThuFriSatSunMonTueWed", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[MOMENT_TEXT];
    unsigned year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
    moment_print(time, text);
    if (sscanf(text, "%4u-%2u-%2uT%2u:%2u:%2u", &year, &month, &day, &hour, &minute, &second) != 6 || month < 1 ||
        month > 12)
        month = 1;
    snprintf(result, 32, "%.3s %.3s %2u %02u:%02u:%02u %4u", days + 3 * (time / DAY % 7), months + 3 * (month - 1), day,
             hour, minute, second, year % 10000);
}

static bool needs_quote(struct text line)
{
    size_t quotes = 0;
    while (quotes < line.length && line.bytes[quotes] == '>')
        quotes++;
    return line.length - quotes >= 5 && memcmp(line.bytes + quotes, "From ", 5) == 0;
}

static bool add_line(struct text line, struct buffer *out)
{
    if (line.length > 0 && line.bytes[line.length - 1] == '\r')
        line.length--;
    return (!needs_quote(line) || buffer_append_byte(out, '>')) && buffer_append(out, line) &&
           buffer_append_byte(out, '\n');
}

bool export_mbox(struct text from, moment time, struct text content, struct buffer *out)
{
    char date[32];
    print_date(time > 0 ? time : 0, date);
    bool fits = buffer_append(out, TEXT("From ")) &&
                buffer_append(out, is_plain(from) ? from : TEXT("MAILER-DAEMON")) && buffer_append_byte(out, ' ') &&
                buffer_append(out, text_of(date)) && buffer_append_byte(out, '\n');
    while (fits && content.length > 0)
        fits = add_line(text_split(&content, '\n'), out);
    return fits && buffer_append_byte(out, '\n');
}
