/* See journal_line.h. */
#include "common/io/journal_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/moment.h"
#include "common/text.h"

#define NAME 64 /* bytes of a program's name that are taken over */

static int fail(struct error *error, int code, const char *what)
{
    return error_set(error, code, "%s: %s", what, strerror(code));
}

int journal_line_choose(sd_journal *journal, const char *const *identifiers, struct error *error)
{
    int code = sd_journal_set_data_threshold(journal, JOURNAL_LINE_MESSAGE + 64);
    if (code >= 0)
        code = sd_journal_add_match(journal, "SYSLOG_FACILITY=2", 0);
    for (size_t i = 0; identifiers && identifiers[i] && code >= 0; i++) {
        char match[128];
        snprintf(match, sizeof match, "SYSLOG_IDENTIFIER=%s", identifiers[i]);
        code = sd_journal_add_disjunction(journal);
        if (code >= 0)
            code = sd_journal_add_match(journal, match, 0);
    }
    return code < 0 ? fail(error, -code, "cannot choose what to read of the journal") : 0;
}

static struct text field(sd_journal *journal, const char *name)
{
    const void *data;
    size_t length, prefix = strlen(name) + 1;
    if (sd_journal_get_data(journal, name, &data, &length) < 0 || length < prefix)
        return TEXT("");
    return (struct text){(const char *)data + prefix, length - prefix};
}

bool journal_line_is_persons(sd_journal *journal)
{
    uint64_t user;
    return text_number(field(journal, "_UID"), &user) && user >= JOURNAL_LINE_USERS;
}

/* One line stays one line; NUL, escape sequences and the like are nobody's business further on. */
static bool append_plain(struct buffer *line, struct text words)
{
    size_t start = line->length;
    if (words.length > JOURNAL_LINE_MESSAGE)
        words.length = JOURNAL_LINE_MESSAGE;
    if (!buffer_append(line, words))
        return false;
    for (size_t i = start; i < line->length; i++)
        if ((unsigned char)line->bytes[i] < ' ' || line->bytes[i] == 0x7f)
            line->bytes[i] = ' ';
    return true;
}

/* A name that could be taken for something else ("a[1]: b") is no name. */
static bool append_name(struct buffer *line, struct text name)
{
    bool fine = name.length > 0 && name.length <= NAME;
    for (size_t i = 0; i < name.length && fine; i++)
        fine = (unsigned char)name.bytes[i] > ' ' && name.bytes[i] != '[' && name.bytes[i] != ':' &&
               (unsigned char)name.bytes[i] < 0x7f;
    return buffer_append(line, fine ? name : TEXT("unknown"));
}

static moment time_of(sd_journal *journal)
{
    uint64_t number, microseconds = 0;
    if (text_number(field(journal, "_SOURCE_REALTIME_TIMESTAMP"), &number) && number < (uint64_t)INT64_MAX / 1000)
        microseconds = number;
    else if (sd_journal_get_realtime_usec(journal, &microseconds) < 0 || microseconds >= (uint64_t)INT64_MAX / 1000)
        microseconds = 0;
    return (moment)microseconds * MICROSECOND;
}

static bool append_entry(sd_journal *journal, const char *cursor, struct buffer *line)
{
    char when[MOMENT_TEXT];
    uint64_t process;
    moment_print(time_of(journal), when);
    bool fine = buffer_printf(line, "%s %s ", when, cursor);
    fine = fine && append_name(line, field(journal, "SYSLOG_IDENTIFIER"));
    /* The number that the program says it has goes first: it is the one that stands in a log file. */
    if (fine && (text_number(field(journal, "SYSLOG_PID"), &process) || text_number(field(journal, "_PID"), &process)))
        fine = buffer_printf(line, "[%llu]", (unsigned long long)process);
    return fine && buffer_append(line, TEXT(": ")) && append_plain(line, field(journal, "MESSAGE")) &&
           buffer_append_byte(line, '\n');
}

int journal_line_render(sd_journal *journal, struct buffer *line, struct error *error)
{
    char *cursor = NULL;
    int code = sd_journal_get_cursor(journal, &cursor);
    if (code < 0)
        return fail(error, -code, "cannot read the journal");
    line->length = 0;
    if (strlen(cursor) >= JOURNAL_LINE_CURSOR || strchr(cursor, ' '))
        code = fail(error, EPROTO, "the journal's cursor is odd");
    else
        code = append_entry(journal, cursor, line) ? 0 : fail(error, ENOMEM, "cannot read an entry of the journal");
    free(cursor);
    return code;
}
