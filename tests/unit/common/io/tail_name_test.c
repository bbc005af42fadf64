/* What rotation makes of a log's name is known by its name alone; a log of another program is not taken for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "common/io/tail_name.h"

struct pair {
    const char *name, *base;
};

static void names_that_rotation_gives_belong_to_their_log(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"mail.log.1", "mail.log"},
        {"mail.log.23", "mail.log"},
        {"mail.log.2.gz", "mail.log"},
        {"mail.log.2.zst", "mail.log"},
        {"mail.log.2.xz", "mail.log"},
        {"mail.log.gz", "mail.log"},                  /* compressed where it stood */
        {"mail.log.old", "mail.log"},                 /* newsyslog and hands */
        {"mail.log-20261125", "mail.log"},            /* dateext */
        {"mail.log-20261125.gz", "mail.log"},         /* and compressed */
        {"mail.log-20261125-1764072000", "mail.log"}, /* dateformat with seconds */
        {"mail.log-2026-11-25", "mail.log"},          /* a date with hyphens */
        {"mail-20261125.log", "mail.log"},            /* logrotate's `extension` */
        {"mail-20261125.log.gz", "mail.log"},         /* and compressed */
        {"mail.1.log", "mail.log"},
        {"mainlog.01", "mainlog"}, /* exicyclog */
        {"mainlog.01.gz", "mainlog"},
        {"maillog-20261125", "maillog"},
        {"@4000000065604d0a1b2c3d4e.s", "current"}, /* multilog */
        {"@4000000065604d0a1b2c3d4e.u", "current"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (!tail_name_is_sibling(pairs[i].name, pairs[i].base))
            fail_msg("%s is what rotation made of %s", pairs[i].name, pairs[i].base);
}

static void other_names_beside_a_log_do_not_belong_to_it(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"mail.log", "mail.log"}, /* the log itself */
        {"mail.logs", "mail.log"},
        {"mail.log.", "mail.log"},
        {"mail.log-", "mail.log"},
        {"mail.log1", "mail.log"}, /* a digit without a mark in front */
        {"mail.log.1a", "mail.log"},
        {"mail.log.1.", "mail.log"},
        {"mail.log..1", "mail.log"},
        {"mail.log.swp", "mail.log"}, /* an editor's */
        {".mail.log.1", "mail.log"},
        {"mail.err", "mail.log"},
        {"mail.err.1", "mail.log"},
        {"mail.log.1", "mail.lo"},
        {"mail-in.log", "mail.log"}, /* another log with the same beginning */
        {"mail-in.log.1", "mail.log"},
        {"mail2.log", "mail.log"},
        {"xmail.log.1", "mail.log"},
        {"mai", "mail.log"},
        {"", "mail.log"},
        {"@4000000065604d0a1b2c3d4e.s", "mail.log"}, /* multilog's log is "current" */
        {"@4000000065604d0a1b2c3d4.s", "current"},   /* 23 digits */
        {"@4000000065604d0a1b2c3d4e", "current"},
        {"@4000000065604d0a1b2c3d4g.s", "current"},
        {"lock", "current"},
        {"state", "current"},
        {".1", ".log"}, /* nothing in front of the extension */
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (tail_name_is_sibling(pairs[i].name, pairs[i].base))
            fail_msg("%s is not what rotation made of %s", pairs[i].name, pairs[i].base);
}

static void a_glob_makes_no_source_of_a_rotated_file(void **state)
{
    (void)state;
    static const char *const rotated[] = {
        "mail.log.1",
        "mail.log.2.gz",
        "mail.log-20261125",
        "mail.log-20261125.zst",
        "mainlog.01",
        "mail.log.gz",
        "mail.log.old",
        "a.zip",
        "@4000000065604d0a1b2c3d4e.s",
    };
    static const char *const living[] = {
        "mail.log", "mainlog", "current", "mail-20261125.log", "mail", "1", "20261125", "log4", "gz", ".gz", "old",
    };
    for (size_t i = 0; i < sizeof rotated / sizeof *rotated; i++)
        if (!tail_name_is_rotated(rotated[i]))
            fail_msg("%s is a rotated file", rotated[i]);
    for (size_t i = 0; i < sizeof living / sizeof *living; i++)
        if (tail_name_is_rotated(living[i]))
            fail_msg("%s may be a living log", living[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_rotation_gives_belong_to_their_log),
        cmocka_unit_test(other_names_beside_a_log_do_not_belong_to_it),
        cmocka_unit_test(a_glob_makes_no_source_of_a_rotated_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
