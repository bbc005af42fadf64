/* See settings.h. */
#include "collector/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "collector/store/engine.h"
#include "collector/zone_file.h"
#include "common/cleanup.h"
#include "common/io/file.h"

#define FILE_MOST ((size_t)1024 * 1024)

#define TEXT_OF(key_, preset_, ...)                                                                                    \
    {                                                                                                                  \
        .section = "collector", .key = #key_, .type = OPTION_TEXT,                                                     \
        .offset = offsetof(struct collector_settings, key_), .preset = preset_, __VA_ARGS__                            \
    }
static const struct option options[] = {
    TEXT_OF(listen, "127.0.0.1:8025",
            .text = "Where agents and people reach it: an address and a port, an IPv6 address in brackets. "
                    "POSTERN_LISTEN stands over this. Anything but this machine itself wants a certificate."),
    TEXT_OF(state, "/var/lib/postern-collector",
            .text = "The directory of what must survive a restart. POSTERN_STATE stands over this."),
    TEXT_OF(store, "",
            .text = "The database: sqlite:PATH, or a PostgreSQL URI (postgresql://user@host/database). Empty: "
                    "collector.db in the directory of the state."),
    TEXT_OF(certificate, "",
            .text = "The file of the certificate, PEM, with those between it and the root. Empty: no TLS."),
    TEXT_OF(key, "", .text = "The file of its key, PEM."),
    TEXT_OF(authority, "",
            .text =
                "A file of certificates, PEM: a node must bring one that these have signed. Empty: nodes bring none."),
    COUNT_OPTION("collector", struct collector_settings, connections, "4096", .least = "8", .most = "100000",
                 .text = "The most connections at once; each node holds one."),
    COUNT_OPTION("collector", struct collector_settings, connections_per_address, "256", .least = "1", .most = "100000",
                 .text = "The same from one address. Nodes behind one address need one each."),
    BYTES_OPTION("collector", struct collector_settings, bodies, "64M", .least = "4M", .most = "64G",
                 .text = "The most bytes of requests' bodies held at once, over all connections. Beyond, who sends one "
                         "is told to ask again."),
    DURATION_OPTION("collector", struct collector_settings, head, "10s", .least = "1s", .most = "10m",
                    .text = "How long a request's head may take: who trickles is disconnected."),
    DURATION_OPTION("collector", struct collector_settings, body, "1m", .least = "1s", .most = "1h",
                    .text = "The same for a request's body, and for an answer to be taken."),
    DURATION_OPTION("collector", struct collector_settings, idle, "2m", .least = "1s", .most = "1d",
                    .text = "A connection without a request ends after this time."),
    {.key = NULL},
};

#define KEEP(member, preset_, least_, text_)                                                                           \
    DURATION_OPTION("retention", struct store_retention, member, preset_, .least = least_, .most = "3650d",            \
                    .text = text_)
static const struct option retention_options[] = {
    KEEP(records, "35d", "1h",
         "What nodes told, word by word, is kept for this long; what they said of orders that ended is "
         "as well."),
    KEEP(minutes, "2h", "1h",
         "What each sender did is counted by the minute for this long, then the minutes of an hour become one."),
    KEEP(hours, "60d", "2d", "It is counted by the hour for this long, then the hours of a day become one."),
    KEEP(days, "730d", "3d",
         "It is counted by the day for this long. Verdicts that did not change in that time go with it."),
    KEEP(audit, "730d", "1d", "Who did what, when, from where and why is kept for this long."),
    {.key = NULL},
};

static bool check_retention(const void *given, struct error *error)
{
    const struct store_retention *keep = given;
    if (keep->minutes < keep->hours && keep->hours < keep->days)
        return true;
    error_set(error, EINVAL, "hours: longer than minutes and shorter than days, or nothing would become of them");
    return false;
}

static bool check(const void *given, struct error *error)
{
    const struct collector_settings *settings = given;
    if ((settings->certificate[0] == '\0') != (settings->key[0] == '\0')) {
        error_set(error, EINVAL, "certificate: it needs its key, and a key its certificate; both or none are allowed");
        return false;
    }
    if (settings->authority[0] && !settings->certificate[0]) {
        error_set(error, EINVAL, "authority: nodes can bring a certificate only over TLS; set certificate and key");
        return false;
    }
    if (settings->state[0] != '/') {
        error_set(error, EINVAL, "state: \"%s\" will not do; an absolute path is allowed", settings->state);
        return false;
    }
    if (settings->store[0] && engine_check(settings->store, error) < 0) {
        error_wrap(error, "store");
        return false;
    }
    return true;
}

/* What goes out to people, and what it is made from. */
static void bind_outgoing(struct collector_settings *settings, struct option_binding result[4])
{
    result[0] = (struct option_binding){
        .options = mail_options,
        .settings = &settings->mail,
        .check = mail_settings_check,
        .text = "How mail of the collector's own goes out: notices of alerts, reports, letters, complaints."};
    result[1] = (struct option_binding){
        .options = watch_options,
        .settings = &settings->blacklists,
        .check = watch_settings_check,
        .text = "Own addresses and domains on blacklists: which are asked, of whom, how often. docs/blacklists.md says "
                "more."};
    result[2] = (struct option_binding){
        .options = report_options,
        .settings = &settings->reports,
        .check = report_settings_check,
        .text = "What was complained of and what was done, by day, week or month: `postern report` shows it, and it "
                "goes out by itself to channels of type mail."};
    result[3] = (struct option_binding){
        .options = letter_options,
        .settings = &settings->letters,
        .check = letter_settings_check,
        .text = "Letters to customers: what stands against one, in its language, and what to do. They go out as [mail] "
                "says. docs/letters.md says more."};
}

void collector_settings_bind(struct collector_settings *settings, struct option_binding result[SETTINGS_BINDINGS])
{
    result[0] = (struct option_binding){.options = options,
                                        .settings = settings,
                                        .check = check,
                                        .text = "How nodes and people reach it, and where it keeps what they say."};
    result[1] = (struct option_binding){.options = retention_options,
                                        .settings = &settings->keep,
                                        .check = check_retention,
                                        .text = "How long it keeps what."};
    result[2] = quarantine_bind(&settings->quarantine);
    result[3] = learning_bind(&settings->learning);
    result[4] =
        (struct option_binding){.options = bulk_options,
                                .settings = &settings->bulk,
                                .check = bulk_settings_check,
                                .text = "Texts and pictures counted over all nodes and customers, in the messages that "
                                        "nodes send in. What is bulk has the opinion of a filter called \"bulk\"."};
    result[5] =
        (struct option_binding){.options = picture_options,
                                .settings = &settings->pictures,
                                .check = picture_settings_check,
                                .text = "Pictures in messages. They are decoded by postern-reader, a program without "
                                        "rights, which reads subject and text as well."};
    result[6] = (struct option_binding){
        .options = returned_options,
        .settings = &settings->returned,
        .check = returned_settings_check,
        .text = "The listener to which appliances (kind smtp) give messages back, by SMTP or LMTP."};
    result[7] = (struct option_binding){
        .options = desk_options,
        .settings = &settings->complaints,
        .check = desk_settings_check,
        .text = "Where complaints arrive, besides POST /v1/complaints and `postern complaints import`."};
    bind_outgoing(settings, result + 8);
    size_t count = 12 + filters_settings_bind(&settings->filters, result + 12);
    count += alert_settings_bind(&settings->alerts, result + count);
    result[count] = (struct option_binding){.options = NULL};
}

void collector_settings_describe(struct collector_settings *settings, struct option_binding result[SETTINGS_BINDINGS])
{
    size_t count = 0;
    collector_settings_bind(settings, result);
    while (result[count].options)
        count++;
    result[count++] = filters_settings_describe(&settings->filters.items[0]);
    result[count++] = alert_settings_describe(&settings->alerts.channels[0]);
    result[count] = (struct option_binding){.options = NULL};
}

/* An appliance has to have somewhere to give its messages back to. */
static int check_appliances(const struct collector_settings *settings, const char *file, struct error *error)
{
    for (uint32_t i = 0; i < settings->filters.count; i++) {
        const struct filter_settings *filter = &settings->filters.items[i];
        if (filter_kinds[filter->kind] == &filter_smtp && settings->returned.listen[0] == '\0')
            return error_set(error, EINVAL,
                             "%s: [filter %s] kind: smtp needs a listener to give messages back to; set listen in "
                             "[returned]",
                             file, filter->name);
    }
    return 0;
}

/* Mail of a channel goes out as [mail] says. */
static int check_channels(const struct collector_settings *settings, const char *file, struct error *error)
{
    for (uint32_t i = 0; i < settings->alerts.count; i++) {
        const struct channel *channel = &settings->alerts.channels[i];
        if (channel->type == CHANNEL_MAIL && settings->mail.server[0] == '\0')
            return error_set(error, EINVAL,
                             "%s: [alert %s] type: mail needs a server to go out by; set server and from in [mail]",
                             file, channel->name);
    }
    return 0;
}

/* Reports are mail. */
static int check_reports(const struct collector_settings *settings, const char *file, struct error *error)
{
    for (int kind = 0; kind < CALENDAR_KINDS; kind++) {
        const struct option_words *channels = report_channels(&settings->reports, (enum calendar_kind)kind);
        for (uint32_t i = 0; i < channels->count; i++) {
            const struct channel *channel = alert_channel(&settings->alerts, text_of(channels->items[i]));
            if (channel == NULL || channel->type != CHANNEL_MAIL)
                return error_set(error, EINVAL,
                                 "%s: [reports] %s: \"%s\" is no channel for reports; the name of an [alert NAME] of "
                                 "type mail is allowed",
                                 file, report_channels_key((enum calendar_kind)kind), channels->items[i]);
        }
    }
    return 0;
}

/* It is read once more when the collector starts. */
static int check_zone(const struct collector_settings *settings, const char *file, struct error *error)
{
    CLEANUP(calendar_zone_destroy) struct calendar_zone *zone = NULL;
    int status = zone_file_read(settings->reports.zone, &zone, error);
    return status < 0 ? error_wrap(error, "%s: [reports] zone", file) : 0;
}

static int override(const char *name, char result[OPTION_TEXT_SIZE], struct error *error)
{
    const char *value = getenv(name);
    if (!value || !*value)
        return 0;
    if (strlen(value) >= OPTION_TEXT_SIZE)
        return error_set(error, EINVAL, "%s: it is longer than %d bytes", name, OPTION_TEXT_SIZE - 1);
    strcpy(result, value);
    return 0;
}

static void free_bytes(char **bytes)
{
    free(*bytes);
    *bytes = NULL;
}

int collector_settings_read(const char *file, struct collector_settings *result, struct error *error)
{
    const char *named = getenv("POSTERN_CONFIG");
    bool must = file || (named && *named);
    CLEANUP(free_bytes) char *bytes = NULL;
    size_t length = 0;
    if (!file)
        file = must ? named : SETTINGS_CONFIG;
    int status = file_read(file, FILE_MOST, &bytes, &length, error);
    if (status < 0 && (must || error->code != ENOENT))
        return status;
    struct option_binding bindings[SETTINGS_BINDINGS];
    status = filters_settings_find(&result->filters, (struct text){bytes ? bytes : "", length}, file, error);
    if (status == 0)
        status = alert_settings_find(&result->alerts, (struct text){bytes ? bytes : "", length}, file, error);
    if (status < 0)
        return status;
    collector_settings_bind(result, bindings);
    status = options_read(bindings, (struct text){bytes ? bytes : "", length}, file, error);
    if (status == 0)
        status = check_appliances(result, file, error);
    if (status == 0)
        status = check_channels(result, file, error);
    if (status == 0)
        status = check_reports(result, file, error);
    if (status == 0)
        status = check_zone(result, file, error);
    if (status == 0)
        status = override("POSTERN_LISTEN", result->listen, error);
    return status < 0 ? status : override("POSTERN_STATE", result->state, error);
}

void collector_settings_clear(struct collector_settings *settings)
{
    struct option_binding bindings[SETTINGS_BINDINGS];
    collector_settings_bind(settings, bindings);
    options_clear(bindings);
}

int collector_settings_make_state(const struct collector_settings *settings, struct error *error)
{
    if (settings->store[0] == '\0' && mkdir(settings->state, 0700) != 0 && errno != EEXIST)
        return error_set(error, errno, "cannot make %s: %s", settings->state, strerror(errno));
    return 0;
}

void collector_settings_store(const struct collector_settings *settings, char result[2 * OPTION_TEXT_SIZE])
{
    if (settings->store[0])
        snprintf(result, 2 * OPTION_TEXT_SIZE, "%s", settings->store);
    else
        snprintf(result, 2 * OPTION_TEXT_SIZE, "sqlite:%s/collector.db", settings->state);
}
