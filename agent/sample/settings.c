/* See settings.h. */
#include "agent/sample/settings.h"

#include <errno.h>
#include <stddef.h>

static const char *const enabled_choices[] = {"auto", "yes", "no", NULL};

static const struct option options[] = {
    FIXED_OPTION(OPTION_CHOICE, int, "samples", struct samples_settings, enabled, "auto", .choices = enabled_choices,
                 .local = true,
                 .text = "Whether the content of some messages is sent to the collector, whose filters look at it. "
                         "auto: where there is a collector. What is encrypted on the wire is never seen."),
    BYTES_OPTION("samples", struct samples_settings, size, "256K", .least = "4K", .most = "8M",
                 .text = "So many bytes of a message are kept; a longer one is cut there, and said to be."),
    FIXED_OPTION(OPTION_BYTES, uint64_t, "samples", struct samples_settings, memory, "32M", .least = "1M", .most = "1G",
                 .local = true,
                 .text = "The most memory for messages under way; the oldest gives way. An eighth of it is copied in a "
                         "second at most, so that looking at packets is never slowed down."),
    COUNT_OPTION("samples", struct samples_settings, rate, "20", .least = "1", .most = "1000",
                 .text = "The most samples in a second, of all senders. New senders and those diverted come first."),
    COUNT_OPTION("samples", struct samples_settings, sender_rate, "60", .least = "1", .most = "100000",
                 .text = "The most samples in an hour of one sender that is not diverted."),
    COUNT_OPTION("samples", struct samples_settings, first, "3", .most = "1000",
                 .text = "Of a sender that is new, so many messages are sent in."),
    POINTS_OPTION("samples", struct samples_settings, score, "10", .least = "0.01", .most = "1000",
                  .text = "From this score on every message of a sender is wanted; below, a share of them that rises "
                          "with the score."),
    RATIO_OPTION("samples", struct samples_settings, trickle, "0.001", .least = "0", .most = "1",
                 .text = "The share of everyone else's messages that is sent in. Beside them, one of each body that "
                         "comes more than once."),
    BYTES_OPTION("samples", struct samples_settings, bandwidth, "1M", .most = "1G", .local = true,
                 .text = "The most bytes in a second to the collector, compressed. 0: no limit."),
    FIXED_OPTION(OPTION_BYTES, uint64_t, "samples", struct samples_settings, spool, "256M", .least = "1M",
                 .most = "64G", .local = true,
                 .text = "The most room on the disk for samples that the collector does not have yet. Beyond, what is "
                         "worth least is dropped, the oldest first."),
    FIXED_OPTION(OPTION_DURATION, duration, "samples", struct samples_settings, spool_age, "1d", .least = "1m",
                 .most = "365d", .local = true, .text = "They are kept for so long."),
    {.key = NULL},
};

static bool check(const void *settings, struct error *error)
{
    const struct samples_settings *samples = settings;
    if (samples->size > samples->memory / 4) {
        error_set(error, EINVAL, "size: too much for one message; a quarter of what memory says is allowed");
        return false;
    }
    return true;
}

struct option_binding samples_settings_bind(struct samples_settings *settings)
{
    return (struct option_binding){.options = options,
                                   .settings = settings,
                                   .check = check,
                                   .central = true,
                                   .text =
                                       "Messages whose content goes to the collector, for its filters to look at: a "
                                       "few of each sender, more of those that are suspected."};
}
