/* See settings.h. Names are the administrator's, so the sections are looked for first and a table is made for each. */
#include "collector/alert/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "collector/alert/deciding.h"
#include "collector/alert/window.h"
#include "collector/letter/compose.h"

#define PREFIX "alert "
#define OWN    "mail" /* what is sent to people who are no channel goes by this name */

const char *const channel_type_names[] = {"mail", "webhook", "syslog", "program", NULL};
static const char *const severity_words[] = {"news", "warning", "trouble", NULL};
static const char *const form_words[] = {"plain", "slack", "pagerduty", NULL};

static const struct option own_options[] = {
    DURATION_OPTION("alerts", struct alert_settings, lost, "5m", .least = "1m", .most = "7d",
                    .text = "A node of which nothing is heard for this long is lost. A node asks every minute, however "
                            "little there is to tell."),
    DURATION_OPTION("alerts", struct alert_settings, quiet, "1d", .least = "10m", .most = "30d",
                    .text = "So long after the last virus of a sender its alert is over."),
    DURATION_OPTION("alerts", struct alert_settings, keep, "400d", .least = "1d", .most = "3650d",
                    .text = "Alerts that are over are kept for this long."),
    TEXT_OPTION("alerts", struct alert_settings, maintenance, "",
                .text = "When nodes and filters are worked on, in this machine's own time: \"Sun 02:00-04:00, Wed "
                        "22:00-23:30\". Of what begins and ends within, nobody is told; what still stands afterwards "
                        "is told then."),
    WORDS_OPTION("alerts", struct alert_settings, maintenance_kinds, "node filter source zone",
                 .text = "The kinds of alerts that this is about. Spam is told of during maintenance too."),
    TEXT_OPTION("alerts", struct alert_settings, link, "",
                .text = "Where people reach this collector, for the end of a notice. Empty: it is left out."),
    {.key = NULL},
};

#define SECTION "alert NAME"
static const struct option options[] = {
    CHOICE_OPTION(SECTION, struct channel, type, "mail", .choices = channel_type_names,
                  .text =
                      "How it is delivered: mail (as [mail] says), webhook (a POST request), syslog, or a program."),
    WORDS_OPTION(
        SECTION, struct channel, kinds, "*",
        .text = "The kinds of alerts that it is told of: block, throttle, divert, virus, complaint, letter, listing, "
                "zone, node, filter, source, ... \"*\" and \"?\" stand for any letters. \"-\": none; then it "
                "is only sent what names it, such as reports."),
    CHOICE_OPTION(SECTION, struct channel, severity, "warning", .choices = severity_words,
                  .text = "From this one on: news, warning, trouble."),
    WORDS_OPTION(SECTION, struct channel, customers, "",
                 .text = "Only alerts about customers whose names fit one of these. Empty: all alerts, those about no "
                         "customer too."),
    WORDS_OPTION(SECTION, struct channel, nodes, "",
                 .text = "Only alerts about nodes whose names fit one of these. Empty: all."),
    TEXT_OPTION(SECTION, struct channel, hours, "",
                .text = "Only at these times, in this machine's own time: \"Mon-Fri 08:00-18:00, Sat 09:00-12:00\". "
                        "What comes at others is told when they begin. Empty: always."),
    DURATION_OPTION(SECTION, struct channel, wait, "1m", .least = "0s", .most = "1d",
                    .text = "So long an alert stands before it is told, along with all that came meanwhile. What is "
                            "over by then is not told."),
    DURATION_OPTION(SECTION, struct channel, pause, "10m", .least = "0s", .most = "7d",
                    .text = "After a notice there is none for this long about alerts of the same kinds."),
    DURATION_OPTION(SECTION, struct channel, settle, "5m", .least = "0s", .most = "7d",
                    .text = "So long something is over before that is told. What comes back meanwhile was not away."),
    DURATION_OPTION(SECTION, struct channel, repeat, "1d", .least = "0s", .most = "365d",
                    .text = "What still stands is told again after this time. 0s: it is not."),
    FLAG_OPTION(SECTION, struct channel, over, "yes", .text = "Whether it is told when something is over."),
    COUNT_OPTION(SECTION, struct channel, lists, "25", .least = "1", .most = "500",
                 .text = "The most alerts that one notice describes each; the others are counted."),
    DURATION_OPTION(SECTION, struct channel, patience, "30s", .least = "1s", .most = "10m",
                    .text = "How long delivering may take once. It is tried again afterwards."),
    WORDS_OPTION(SECTION, struct channel, to, "", .text = "mail: the addresses."),
    {.section = SECTION,
     .key = "url",
     .type = OPTION_URLS,
     .offset = OPTION_OFFSET(struct option_urls, struct channel, url),
     .preset = "",
     .reload = true,
     .text = "webhook: where the request goes to, \"https://...\"."},
    TEXT_OPTION(SECTION, struct channel, secret, "",
                .text = "webhook: a file with what requests are signed by. Empty: they are not signed."),
    CHOICE_OPTION(SECTION, struct channel, form, "plain", .choices = form_words,
                  .text = "webhook: what the request says. plain: everything, in JSON; slack: what Slack, Mattermost "
                          "and Rocket.Chat take; pagerduty: an event of PagerDuty's Events API v2."),
    TEXT_OPTION(SECTION, struct channel, key, "", .text = "webhook of form pagerduty: the integration key."),
    TEXT_OPTION(SECTION, struct channel, program, "",
                .text = "program: its absolute path. It is given the notice in JSON on its standard "
                        "input."),
    {.key = NULL},
};

_Static_assert(sizeof options / sizeof options[0] <= CHANNEL_OPTIONS, "a table of a channel's options has room");

static const char own_text[] =
    "Alerts: what a person should know. `postern alerts` shows them; who is told of them by other ways stands in the "
    "sections [alert NAME].";
static const char text[] =
    "One way by which people are told of alerts. NAME is yours to choose, and there may be up to 16. `postern alerts "
    "test NAME` shows whether it works.";

/* "-": none. */
static bool kinds_are_known(const char *key, const struct option_words *kinds, struct error *error)
{
    for (uint32_t i = 0; i < kinds->count; i++)
        if (strcmp(kinds->items[i], "-") != 0 && !alert_kind_is_known(text_of(kinds->items[i]))) {
            error_set(error, EINVAL,
                      "%s: no alert is of kind \"%.40s\"; block, throttle, divert, virus, complaint, listing, zone, "
                      "node, filter, source, letter and post are allowed, \"*\", and \"-\" for none",
                      key, kinds->items[i]);
            return false;
        }
    return true;
}

static bool own_check(const void *given, struct error *error)
{
    const struct alert_settings *settings = given;
    if (windows_check(text_of(settings->maintenance), error) < 0) {
        error_wrap(error, "maintenance");
        return false;
    }
    return kinds_are_known("maintenance_kinds", &settings->maintenance_kinds, error);
}

static bool addresses_are_good(const struct channel *channel, struct error *error)
{
    for (uint32_t i = 0; i < channel->to.count; i++)
        if (!compose_is_address(text_of(channel->to.items[i]))) {
            error_set(error, EINVAL, "to: \"%s\" is no address; \"abuse@example.net\" is allowed",
                      channel->to.items[i]);
            return false;
        }
    return true;
}

static bool is_url(const char *url)
{
    struct text text_ = text_of(url);
    return text_starts_nocase(text_, TEXT("https://")) || text_starts_nocase(text_, TEXT("http://"));
}

static bool check(const void *given, struct error *error)
{
    const struct channel *channel = given;
    if (windows_check(text_of(channel->hours), error) < 0)
        error_wrap(error, "hours");
    else if (channel->type == CHANNEL_MAIL && channel->to.count == 0)
        error_set(error, EINVAL, "to: mail goes to nobody; addresses are allowed");
    else if (!addresses_are_good(channel, error) || !kinds_are_known("kinds", &channel->kinds, error))
        return false;
    else if (channel->type == CHANNEL_WEBHOOK && (channel->url.count != 1 || !is_url(channel->url.items[0])))
        error_set(error, EINVAL, "url: a webhook needs one; \"https://...\" is allowed");
    else if (channel->type == CHANNEL_WEBHOOK && channel->form == FORM_PAGERDUTY && channel->key[0] == '\0')
        error_set(error, EINVAL, "key: pagerduty needs the integration key");
    else if (channel->type == CHANNEL_PROGRAM && channel->program[0] != '/')
        error_set(error, EINVAL, "program: \"%.80s\" will not do; an absolute path is allowed", channel->program);
    else
        return true;
    return false;
}

static int add(void *context, struct text name, struct error *error)
{
    struct alert_settings *settings = context;
    uint32_t place = settings->count;
    if (alert_channel(settings, name))
        return 0;
    if (options_check_name("channel", name, CHANNEL_NAME_MOST, OWN, error) < 0)
        return -EINVAL;
    if (place == CHANNELS_MOST)
        return error_set(error, EINVAL, "more channels than %d; so many are allowed", CHANNELS_MOST);
    snprintf(settings->channels[place].name, CHANNEL_NAME_MOST, "%.*s", (int)name.length, name.bytes);
    snprintf(settings->sections[place], sizeof settings->sections[place], PREFIX "%.*s", (int)name.length, name.bytes);
    options_copy(options, settings->sections[place], settings->options[place]);
    settings->count++;
    return 0;
}

int alert_settings_find(struct alert_settings *settings, struct text configuration, const char *source,
                        struct error *error)
{
    return options_named(configuration, source, PREFIX, add, settings, error);
}

size_t alert_settings_bind(struct alert_settings *settings, struct option_binding result[ALERT_BINDINGS])
{
    result[0] =
        (struct option_binding){.options = own_options, .settings = settings, .check = own_check, .text = own_text};
    for (uint32_t i = 0; i < settings->count; i++)
        result[1 + i] = (struct option_binding){
            .options = settings->options[i], .settings = &settings->channels[i], .check = check, .text = text};
    return 1 + settings->count;
}

struct option_binding alert_settings_describe(struct channel *channel)
{
    return (struct option_binding){.options = options, .settings = channel, .text = text};
}

const struct channel *alert_channel(const struct alert_settings *settings, struct text name)
{
    for (uint32_t i = 0; i < settings->count; i++)
        if (text_equals_nocase(name, text_of(settings->channels[i].name)))
            return &settings->channels[i];
    return NULL;
}
