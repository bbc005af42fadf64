/* [alerts] and [alert NAME]: what is taken, and what is refused with a sentence. */
#include "collector/alert/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct alert_settings settings;
static struct error error;

static int read_text(const char *text)
{
    struct option_binding bindings[ALERT_BINDINGS + 1];
    memset(&settings, 0, sizeof settings);
    error = (struct error){0};
    int status = alert_settings_find(&settings, text_of(text), "test", &error);
    if (status < 0)
        return status;
    bindings[alert_settings_bind(&settings, bindings)] = (struct option_binding){.options = NULL};
    return options_read(bindings, text_of(text), "test", &error);
}

static void test_channels(void **unused)
{
    (void)unused;
    assert_int_equal(read_text("[alert desk]\nto = a@example.net b@example.net\nkinds = block list*\n"
                               "[alerts]\nlost = 10m\n"
                               "[alert hook]\ntype = webhook\nurl = https://h.example.net/x?y=z\nform = slack\n"
                               "[alert log]\ntype = syslog\nseverity = news\nhours = Mon-Fri 08:00-18:00\n"
                               "[alert run]\ntype = program\nprogram = /usr/local/bin/tell now\n"),
                     0);
    assert_int_equal(settings.count, 4);
    assert_true(settings.lost == 10 * MINUTE);
    const struct channel *channel = alert_channel(&settings, TEXT("Desk"));
    assert_non_null(channel);
    assert_int_equal(channel->type, CHANNEL_MAIL);
    assert_int_equal(channel->to.count, 2);
    assert_int_equal(channel->severity, 1);
    assert_true(channel->over && channel->wait == MINUTE && channel->repeat == DAY);
    assert_int_equal(alert_channel(&settings, TEXT("hook"))->form, FORM_SLACK);
    assert_null(alert_channel(&settings, TEXT("none")));
}

static void test_refused(void **unused)
{
    static const struct {
        const char *text, *sentence;
    } wrong[] = {{"[alert desk]\n", "to: "},
                 {"[alert desk]\nto = nobody\n", "to: \"nobody\" is no address"},
                 {"[alert desk]\nto = a@example.net\nhours = at night\n", "hours: "},
                 {"[alert desk]\nto = a@example.net\nkinds = node blocks\n", "blocks"},
                 {"[alerts]\nmaintenance_kinds = nodes\n", "maintenance_kinds: no alert is of kind"},
                 {"[alert desk]\nto = a@example.net\nkinds = z*\nkind = b\n", "kind"},
                 {"[alert hook]\ntype = webhook\n", "url: "},
                 {"[alert hook]\ntype = webhook\nurl = file:///etc/passwd\n", "url: "},
                 {"[alert hook]\ntype = webhook\nurl = https://a https://b\n", "url: "},
                 {"[alert hook]\ntype = webhook\nurl = https://a\nform = pagerduty\n", "key: "},
                 {"[alert run]\ntype = program\nprogram = tell\n", "program: "},
                 {"[alert mail]\nto = a@example.net\n", "the channel's name is wrong"},
                 {"[alert a b]\nto = a@example.net\n", "the channel's name is wrong"},
                 {"[alerts]\nmaintenance = Sunday\n", "maintenance: "}};
    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (read_text(wrong[i].text) == 0)
            fail_msg("taken: %s", wrong[i].text);
        if (strstr(error.text, wrong[i].sentence) == NULL)
            fail_msg("%s: %s", wrong[i].text, error.text);
    }
}

static void test_too_many(void **unused)
{
    char text[2000] = "";
    (void)unused;
    for (int i = 0; i <= CHANNELS_MOST; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "[alert c%d]\nto = a@example.net\n", i);
    assert_int_not_equal(read_text(text), 0);
    assert_non_null(strstr(error.text, "more channels than 16"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_channels), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_too_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
