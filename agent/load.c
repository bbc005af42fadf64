/* See load.h. The file is read twice where a collector has set something: whether it may, the file itself says. */
#include "agent/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "agent/household.h"
#include "agent/message/sealed.h"

static int refuse(const struct error *why, bool must, struct loaded *loaded, struct error *error)
{
    bool theirs = strncmp(why->text, CENTRAL_NAME, strlen(CENTRAL_NAME)) == 0;
    error_set(error, EINVAL, "%s%.180s", theirs ? "" : CENTRAL_NAME " do not go with this node's own: ", why->text);
    if (must)
        return -EINVAL;
    snprintf(loaded->left_out, sizeof loaded->left_out, "left out: %.220s", error->text);
    *error = (struct error){0};
    return 0;
}

static int read_over(const char *config, const struct central *central, bool must, struct loaded *loaded,
                     struct error *error)
{
    struct configuration both = {0};
    struct error why = {0};
    const struct option_layer layer = central_layer(central);
    int code = configuration_read(config, &loaded->configuration, error);
    if (code != 0 || central->revision == 0)
        return code;
    if (!configuration_takes_settings(&loaded->configuration))
        return must ? error_set(error, EPERM, "this node takes no settings from a collector: [collector] settings") : 0;
    if (configuration_read_over(config, &layer, &both, &why) != 0)
        return refuse(&why, must, loaded, error);
    configuration_clear(&loaded->configuration);
    loaded->configuration = both;
    loaded->revision = central->revision;
    return 0;
}

int load(const struct load_source *source, const struct central *central, bool must, struct loaded *loaded,
         struct error *error)
{
    struct buffer bytes;
    bundle_init(&bytes);
    *loaded = (struct loaded){.bundle = -1};
    struct configuration *configuration = &loaded->configuration;
    int code = read_over(source->config, central, must, loaded, error);
    if (code == 0)
        code = settings_override(&configuration->process.agent, source->socket, source->state, error);
    if (code == 0)
        household_decide_journal(&configuration->process.logs);
    if (code == 0 && source->in_force)
        code = configuration_keep(configuration, source->in_force, loaded->kept, sizeof loaded->kept, error);
    if (code == 0)
        code = configuration_bundle(configuration, &bytes, error);
    if (code == 0)
        code = sealed_make("postern-configuration", buffer_text(&bytes), &loaded->bundle, error);
    buffer_clear(&bytes);
    if (code != 0)
        configuration_clear(configuration);
    return code;
}

int load_first(const struct load_source *source, struct central *central, struct loaded *loaded, struct error *trouble,
               struct error *error)
{
    *central = (struct central){0};
    int code = load(source, central, false, loaded, error);
    if (code != 0 || central_read(loaded->configuration.process.agent.state, central, trouble) < 0 ||
        central->revision == 0)
        return code;
    loaded_clear(loaded);
    return load(source, central, false, loaded, error);
}

void loaded_clear(struct loaded *loaded)
{
    configuration_clear(&loaded->configuration);
    if (loaded->bundle >= 0)
        close(loaded->bundle);
    loaded->bundle = -1;
}
