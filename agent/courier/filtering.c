/* See filtering.h. */
#include "agent/courier/filtering.h"

#include <errno.h>
#include <stdio.h>

#include "agent/message/settings.h"
#include "common/io/clock.h"

#define AT_ONCE    200               /* opinions, so that the watcher still sees its packets */
#define SPOOL_SIZE SAMPLES_HELD_MOST /* in memory, until there is a configuration */

int filtering_begin(struct courier *courier, const char *state, struct error *error)
{
    const struct samples_bounds bounds = {.size = SPOOL_SIZE, .age = DAY};
    char path[512];
    snprintf(path, sizeof path, "%s/samples", state);
    courier->samples = samples_create(path, &bounds);
    courier->opinions = opinions_create();
    return courier->samples && courier->opinions ? 0 : error_set(error, ENOMEM, "no memory for messages of others");
}

void filtering_end(struct courier *courier)
{
    samples_destroy(&courier->samples);
    opinions_destroy(&courier->opinions);
}

int filtering_configure(struct courier *courier, int bundle, struct error *error)
{
    struct process_settings settings = {0};
    struct option_binding bindings[PROCESS_BINDINGS + 1];
    if (!courier->samples)
        return 0;
    int code = process_settings_read(bundle, &settings, error);
    if (code == 0) {
        bool wanted = settings.samples.enabled == SAMPLES_YES; /* else there is room for none, and what waits goes */
        const struct samples_bounds bounds = {.size = wanted ? settings.samples.spool : 0,
                                              .age = settings.samples.spool_age};
        samples_set_bounds(courier->samples, &bounds);
        uplink_set_bandwidth(courier->uplink, settings.samples.bandwidth);
        courier->keeper.samples = courier->samples;
    }
    process_settings_bind(&settings, bindings);
    options_clear(bindings);
    return code;
}

void filtering_take(struct courier *courier, const struct message_sample *message, int descriptor)
{
    if (!courier->samples)
        return;
    samples_add(courier->samples, message, descriptor, clock_steady());
    uplink_go(courier->uplink);
}

void filtering_meet(struct courier *courier)
{
    if (courier->opinions)
        opinions_begin(courier->opinions);
}

void filtering_tell(struct courier *courier)
{
    union message message;
    struct error error = {0};
    if (!courier->opinions)
        return;
    for (int n = 0; n < AT_ONCE && courier->watcher.descriptor >= 0 && opinions_next(courier->opinions, &message);
         n++) {
        if (message_send(&courier->watcher, &message, -1, &error) < 0)
            return; /* it is behind, or gone: the rest comes later, to it or to the next */
        opinions_told(courier->opinions);
    }
}

bool filtering_answered(struct courier *courier, const union message *message)
{
    int64_t number;
    if (message->head.question != QUESTION_OF_OPINIONS)
        return false;
    if (courier->opinions && opinions_answered(courier->opinions, message, &number))
        spool_set_filtered(courier->spool, number);
    return true;
}

bool filtering_has_room(void *context)
{
    const struct courier *courier = context;
    return opinions_has_room(courier->opinions);
}

void filtering_hear(void *context, const struct filtered_list *list)
{
    struct courier *courier = context;
    (void)opinions_take(courier->opinions, list); /* there was room when it was asked for, and it was asked for once */
    if (opinions_counters(courier->opinions).waiting == 0)
        spool_set_filtered(courier->spool, list->number);
    filtering_tell(courier);
}
