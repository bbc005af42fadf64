/* One write() a line, so that the lines of several processes do not mix. */
#include "common/io/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/io/clock.h"
#include "common/text.h"

/* systemd names the device and inode of the stream that it connected; anything else on descriptor 2 is not the journal.
 */
static bool stands_before_the_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char ours[64];
    if (!stream || fstat(STDERR_FILENO, &status) != 0)
        return false;
    snprintf(ours, sizeof(ours), "%llu:%llu", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
    return strcmp(ours, stream) == 0;
}

struct log log_open(const char *name)
{
    return (struct log){name, stands_before_the_journal()};
}

void log_write(const struct log *log, enum log_level level, const char *format, ...)
{
    static const char *const prefixes[] = {"<6>", "<4>", "<3>"};
    static const char *const words[] = {"", "warning: ", "error: "};
    char text[1024], safe[1024], line[1200], time[MOMENT_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    text_copy_printable(text_of(text), safe, sizeof(safe));
    int length;
    if (log->journal)
        length = snprintf(line, sizeof(line), "%s%s: %s\n", prefixes[level], log->name, safe);
    else
        length = snprintf(line, sizeof(line), "%.19sZ %s: %s%s\n", moment_print(clock_now(), time), log->name,
                          words[level], safe);
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        return; /* nobody listens: there is nothing better to do with the line */
}
