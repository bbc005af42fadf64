/* See collector.h. */
#include "agent/courier/collector.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "agent/message/bundle.h"
#include "common/cleanup.h"

#define VALUES      "collector.conf"
#define VALUES_MOST 131072

static const struct option options[] = {
    FIXED_OPTION(OPTION_URLS, struct option_urls, "collector", struct collector_settings, urls, "",
                 .text = "Where the centre of the fleet is, such as https://collector.example:8443; several are tried "
                         "in their order, and the one that answers is kept. Empty: this node stands alone."),
    FIXED_OPTION(OPTION_TEXT, char[OPTION_TEXT_SIZE], "collector", struct collector_settings, token, "",
                 .text =
                     "The one-time token with which this node makes itself known there (`postern-collector token`). "
                     "It is of no use afterwards."),
    FIXED_OPTION(OPTION_TEXT, char[OPTION_TEXT_SIZE], "collector", struct collector_settings, token_file, "",
                 .text = "A file that holds the token instead. It may be gone once the node is known."),
    FIXED_OPTION(OPTION_TEXT, char[OPTION_TEXT_SIZE], "collector", struct collector_settings, authority, "",
                 .text = "A file of certificates (PEM) to trust for the collector. Empty: the system's."),
    FIXED_OPTION(OPTION_TEXT, char[OPTION_TEXT_SIZE], "collector", struct collector_settings, certificate, "",
                 .text = "A file with a certificate of this node's own (PEM), where the collector asks for one."),
    FIXED_OPTION(OPTION_TEXT, char[OPTION_TEXT_SIZE], "collector", struct collector_settings, key, "",
                 .text = "The file with that certificate's key (PEM)."),
    FIXED_OPTION(OPTION_BYTES, uint64_t, "collector", struct collector_settings, spool, "256M", .least = "64K",
                 .most = "64G",
                 .text = "The most room on the disk for what the collector does not have yet. Beyond, what is worth "
                         "least goes first (counts, then evidence, events, verdicts, orders), and how much went is "
                         "told."),
    FIXED_OPTION(OPTION_DURATION, duration, "collector", struct collector_settings, spool_age, "7d", .least = "1m",
                 .most = "400d", .text = "What waited longer goes as well. Time in which the agent is off is none."),
    FLAG_OPTION("collector", struct collector_settings, settings, "yes",
                .text = "Whether the collector may set thresholds, allow lists, detectors' limits and plans of this "
                        "node; where it may is said at each section. What stands in this file stands over that."),
    {.key = NULL},
};

static bool check(const void *settings, struct error *error)
{
    const struct collector_settings *collector = settings;
    for (uint32_t i = 0; i < collector->urls.count; i++) {
        const char *url = collector->urls.items[i];
        if ((strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) || strpbrk(url, "?#\"\\@")) {
            /* A password in it would stand in the status, the journal and here: so it is not shown. */
            error_set(error, EINVAL, "urls: \"%s\" will not do; such as https://collector.example:8443 are allowed",
                      strchr(url, '@') ? "USER@HOST" : url);
            return false;
        }
    }
    if (collector->token[0] && collector->token_file[0]) {
        error_set(error, EINVAL, "token: a token_file is named as well; one of the two is allowed");
        return false;
    }
    if (!collector->certificate[0] != !collector->key[0]) {
        error_set(error, EINVAL, "certificate: it goes with a key; name both or none");
        return false;
    }
    return true;
}

struct option_binding collector_settings_bind(struct collector_settings *settings)
{
    return (struct option_binding){
        .options = options,
        .settings = settings,
        .check = check,
        .text = "The centre of a fleet: it is sent what happens here and may give orders, which are "
                "carried out as a person's."};
}

int collector_write(struct collector_settings *settings, const struct collector_secrets *secrets, struct buffer *bundle,
                    struct error *error)
{
    const struct option_binding bindings[] = {collector_settings_bind(settings), {.options = NULL}};
    CLEANUP(buffer_clear) struct buffer values;
    buffer_init(&values, VALUES_MOST);
    if (!options_print_values(bindings, &values))
        return error_set(error, ENOMEM, "no memory for the configuration");
    const struct {
        struct text name, content;
    } parts[] = {
        {TEXT(VALUES), buffer_text(&values)},
        {TEXT("token"), secrets->token},
        {TEXT("authority"), secrets->authority},
        {TEXT("certificate"), secrets->certificate},
        {TEXT("key"), secrets->key},
    };
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof parts / sizeof parts[0]; i++)
        code = bundle_add(bundle, parts[i].name, parts[i].content, error);
    return code;
}

int collector_read(int descriptor, struct collector *collector, struct error *error)
{
    struct stat status;
    if (fstat(descriptor, &status) < 0 || status.st_size <= 0)
        return error_set(error, EPROTO, "what is said of the collector cannot be read");
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED)
        return error_set(error, errno, "what is said of the collector cannot be read: %s", strerror(errno));
    const struct text bundle = {bytes, (size_t)status.st_size};
    const struct option_binding bindings[] = {collector_settings_bind(&collector->settings), {.options = NULL}};
    struct text values;
    int code = bundle_check(bundle, error);
    if (code < 0)
        return code;
    if (!bundle_find(bundle, TEXT(VALUES), &values) || !bundle_find(bundle, TEXT("token"), &collector->secrets.token) ||
        !bundle_find(bundle, TEXT("authority"), &collector->secrets.authority) ||
        !bundle_find(bundle, TEXT("certificate"), &collector->secrets.certificate) ||
        !bundle_find(bundle, TEXT("key"), &collector->secrets.key))
        return error_set(error, EPROTO, "what is said of the collector is not whole");
    collector->secrets.token = text_trim(collector->secrets.token);
    return options_read(bindings, values, VALUES, error);
}
