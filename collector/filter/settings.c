/* See settings.h. Names are the administrator's, so the sections are looked for first and a table is made for each. */
#include "collector/filter/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "filter "
#define OWN    "bulk" /* the collector counts under this name itself */

static const struct option own_options[] = {
    DURATION_OPTION("filters", struct filters_settings, give_up, "1d", .least = "1m", .most = "30d",
                    .text =
                        "A filter that does not answer is asked again about a message: after seconds, then minutes, "
                        "then hourly. After this time its opinion is done without."),
    COUNT_OPTION("filters", struct filters_settings, openers, "2", .least = "1", .most = "64",
                 .text = "How many messages are unpacked and taken apart at a time, before filters are asked."),
    {.key = NULL},
};

static const char *const lost_words[] = {"nothing", "spam", NULL};

#define SECTION "filter NAME"
static const struct option options[] = {
    CHOICE_OPTION(SECTION, struct filter_settings, kind, "rspamd", .choices = filter_kind_names,
                  .text =
                      "How it is spoken to: rspamd, spamd (SpamAssassin), clamd (ClamAV), or smtp for any appliance "
                      "that takes mail and passes it on."),
    TEXT_OPTION(SECTION, struct filter_settings, address, "",
                .text = "Where it listens: \"127.0.0.1:11333\", \"[::1]:783\" or \"unix:/run/clamav/clamd.ctl\"."),
    COUNT_OPTION(SECTION, struct filter_settings, order, "10", .least = "0", .most = "1000",
                 .text =
                     "Filters of a lower order are asked first. Once one of them has said that a message is spam or "
                     "a virus, those of a higher order are not asked about it."),
    DURATION_OPTION(SECTION, struct filter_settings, patience, "20s", .least = "100ms", .most = "10m",
                    .text = "How long it may take for one message."),
    COUNT_OPTION(SECTION, struct filter_settings, at_once, "4", .least = "1", .most = "64",
                 .text = "How many messages it is asked about at a time."),
    {.section = SECTION,
     .key = "size",
     .type = OPTION_BYTES,
     .offset = OPTION_OFFSET(uint64_t, struct filter_settings, size_most),
     .preset = "16M",
     .least = "1K",
     .most = "64M",
     .reload = true,
     .text = "Longer messages are not shown to it."},
    WORDS_OPTION(SECTION, struct filter_settings, certain, "GTUBE",
                 .text =
                     "Symbols that are no matter of opinion: a message with one is spam for certain, and its sender "
                     "is held to that. A \"*\" stands for any letters."),
    FLAG_OPTION(SECTION, struct filter_settings, virus_is_certain, "yes",
                .text = "Whether a virus that it finds is certain in the same way."),
    POINTS_OPTION(SECTION, struct filter_settings, threshold, "6", .least = "0.1", .most = "1000",
                  .text = "rspamd: the score from which a message is spam, where its answer does not say that itself."),
    TEXT_OPTION(SECTION, struct filter_settings, controller, "",
                .text = "rspamd: where its controller listens, which takes lessons. Empty: it is given none."),
    TEXT_OPTION(SECTION, struct filter_settings, password, "", .text = "rspamd: the controller's password."),
    TEXT_OPTION(SECTION, struct filter_settings, user, "",
                .text = "spamd: whose settings and Bayes are used. Empty: those of the user that spamd runs as."),
    FLAG_OPTION(SECTION, struct filter_settings, learns, "no",
                .text = "Whether it is given lessons: by `postern learn`, and when a verdict is corrected."),
    FLAG_OPTION(SECTION, struct filter_settings, reports, "no",
                .text = "spamd: whether lessons of spam are reported to the networks that it is set up for (Pyzor, "
                        "Razor) as well."),
    COUNT_OPTION(SECTION, struct filter_settings, fuzzy_flag, "0", .least = "0", .most = "255",
                 .text = "rspamd: lessons of spam go to its fuzzy storage under this flag too; 0: they do not."),
    TEXT_OPTION(SECTION, struct filter_settings, mailbox, "",
                .text = "smtp: a domain of the collector's own. The appliance is given each message for an address in "
                        "it, and has to pass that on to the listener of [returned]."),
    TEXT_OPTION(SECTION, struct filter_settings, headers, "builtin:spamassassin",
                .text =
                    "smtp: which headers of what it gives back are its verdict. The names of sets that come with the "
                    "collector (spamassassin, amavis, mailscanner, assp, rspamd, clamav, dcc, "
                    "authentication-results, each with \"builtin:\" before it), or files."),
    TEXT_OPTION(SECTION, struct filter_settings, sender, "",
                .text = "smtp: the envelope sender that it is told. Empty: the message's own; \"<>\": none."),
    DURATION_OPTION(SECTION, struct filter_settings, back, "10m", .least = "1s", .most = "1d",
                    .text = "smtp: how long a message may take to come back."),
    CHOICE_OPTION(SECTION, struct filter_settings, lost, "nothing", .choices = lost_words,
                  .text = "smtp: what it says of a message that does not come back: nothing, or spam where the "
                          "appliance is set to drop that."),
    {.key = NULL},
};

_Static_assert(sizeof options / sizeof options[0] <= FILTER_OPTIONS, "a table of a filter's options has room for all");

static const char own_text[] =
    "Content filters: each message that nodes send in is shown to all of them, and what they "
    "say goes back to the node as evidence. Without any, messages are kept unsorted.";
static const char text[] =
    "One content filter. NAME is yours to choose, and there may be up to 8. One that does not answer holds nobody up: "
    "the others' opinions count at once, and what it has missed it is asked when it is back.";

static bool check(const void *given, struct error *error)
{
    const struct filter_settings *settings = given;
    bool smtp = strcmp(filter_kind_names[settings->kind], "smtp") == 0;
    if (!filter_is_address(settings->address))
        error_set(error, EINVAL,
                  "address: \"%.80s\" is none; \"127.0.0.1:11333\", \"[::1]:783\" and \"unix:/path\" are allowed",
                  settings->address);
    else if (settings->controller[0] && !filter_is_address(settings->controller))
        error_set(error, EINVAL,
                  "controller: \"%.80s\" is no address; \"127.0.0.1:11334\" and \"unix:/path\" are allowed",
                  settings->controller);
    else if (smtp && settings->mailbox[0] == '\0')
        error_set(error, EINVAL, "mailbox: an appliance is given mail for it; a domain is allowed");
    else
        return true;
    return false;
}

static bool is_known(const struct filters_settings *settings, struct text name)
{
    bool known = false;
    for (uint32_t i = 0; i < settings->count; i++)
        known = known || text_equals_nocase(name, text_of(settings->items[i].name));
    return known;
}

static int add(void *context, struct text name, struct error *error)
{
    struct filters_settings *settings = context;
    uint32_t place = settings->count;
    if (is_known(settings, name))
        return 0;
    if (options_check_name("filter", name, FILTER_NAME_MOST, OWN, error) < 0)
        return -EINVAL;
    if (place == FILTERS_MOST)
        return error_set(error, EINVAL, "more filters than %d; so many are allowed", FILTERS_MOST);
    snprintf(settings->items[place].name, FILTER_NAME_MOST, "%.*s", (int)name.length, name.bytes);
    snprintf(settings->sections[place], sizeof settings->sections[place], PREFIX "%.*s", (int)name.length, name.bytes);
    options_copy(options, settings->sections[place], settings->options[place]);
    settings->count++;
    return 0;
}

int filters_settings_find(struct filters_settings *settings, struct text configuration, const char *source,
                          struct error *error)
{
    return options_named(configuration, source, PREFIX, add, settings, error);
}

size_t filters_settings_bind(struct filters_settings *settings, struct option_binding result[FILTERS_BINDINGS])
{
    result[0] = (struct option_binding){.options = own_options, .settings = settings, .text = own_text};
    for (uint32_t i = 0; i < settings->count; i++)
        result[1 + i] = (struct option_binding){
            .options = settings->options[i], .settings = &settings->items[i], .check = check, .text = text};
    return 1 + settings->count;
}

struct option_binding filters_settings_describe(struct filter_settings *settings)
{
    return (struct option_binding){.options = options, .settings = settings, .text = text};
}
