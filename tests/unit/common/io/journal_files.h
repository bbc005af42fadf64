/* Real journal files for tests, in a folder of their own: systemd-journal-remote makes them of the export format. */
#ifndef TESTS_UNIT_COMMON_IO_JOURNAL_FILES_H
#define TESTS_UNIT_COMMON_IO_JOURNAL_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define REMOTE "/lib/systemd/systemd-journal-remote"

static char folder[64], copies[64];
static unsigned ticks;

static inline int journal_files_begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/postern-journal-XXXXXX");
    strcpy(copies, "/tmp/postern-copies-XXXXXX");
    ticks = 0;
    return mkdtemp(folder) && mkdtemp(copies) ? 0 : -1;
}

static inline int journal_files_end(void **state)
{
    char command[200];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s %s", folder, copies);
    return system(command);
}

/* Entries "number FIRST" and so on, in a file of their own; `fields` is added to each. */
static inline void log_entries(const char *file, unsigned first, unsigned count, const char *fields)
{
    char command[200];
    snprintf(command, sizeof command, REMOTE " -o %s/%s.journal - 2>/dev/null", folder, file);
    FILE *remote = popen(command, "w");
    assert_non_null(remote);
    for (unsigned i = 0; i < count; i++, ticks++)
        fprintf(remote,
                "__REALTIME_TIMESTAMP=%llu\n__MONOTONIC_TIMESTAMP=%u\n_BOOT_ID=0123456789abcdef0123456789abcdef\n"
                "_PID=7\n%sMESSAGE=number %u\n\n",
                1795000000000000ULL + ticks, 1000 + ticks, fields, first + i);
    assert_int_equal(pclose(remote), 0);
}
#define MAIL "SYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=postfix/smtp\n_UID=0\n"

static inline unsigned occurrences(const char *bytes, const char *words)
{
    unsigned count = 0;
    for (const char *at = bytes; (at = strstr(at, words)); at++)
        count++;
    return count;
}

#endif
