/* The reader of the scenario language: lines, sections, keys. What a key means stands in scenario_keys.c. */
#include "tests/lab/scenario.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "tests/lab/scenario_keys.h"

#define LINE_MOST 500
#define ENDING    ".lab"

struct reader {
    const char *path;
    unsigned line;
    struct lab_scenario *scenario;
    struct lab_actor *actor; /* the one at hand; NULL: none yet */
    struct lab_flow *flow;
    bool in_scenario, labelled;
};

static int complain(const struct reader *reader, struct error *error, const char *what)
{
    return error_set(error, EINVAL, "%s:%u: %s", reader->path, reader->line, what);
}

/* --- growing --- */

static void *one_more(void *items, size_t *count, size_t size)
{
    char *grown = reallocarray(items, *count + 1, size);
    if (grown != NULL)
        memset(grown + size * (*count)++, 0, size);
    return grown;
}

static int begin_actor(struct reader *reader, const char *name, struct error *error)
{
    struct lab_scenario *scenario = reader->scenario;
    struct lab_actor *actors = one_more(scenario->actors, &scenario->actor_count, sizeof *actors);
    if (actors == NULL)
        return complain(reader, error, "no memory");
    scenario->actors = actors;
    reader->actor = &actors[scenario->actor_count - 1];
    reader->flow = NULL;
    lab_actor_preset(reader->actor);
    snprintf(reader->actor->name, sizeof reader->actor->name, "%s", name);
    return 0;
}

static int begin_flow(struct reader *reader, const char *name, struct error *error)
{
    struct lab_actor *actor = reader->actor;
    if (actor == NULL)
        return complain(reader, error, "a [flow] stands behind the [actor] that it belongs to");
    struct lab_flow *flows = one_more(actor->flows, &actor->flow_count, sizeof *flows);
    if (flows == NULL)
        return complain(reader, error, "no memory");
    actor->flows = flows;
    reader->flow = &flows[actor->flow_count - 1];
    lab_flow_preset(reader->flow, reader->scenario->label);
    snprintf(reader->flow->name, sizeof reader->flow->name, "%s", name);
    return 0;
}

static int read_section(struct reader *reader, char *text, struct error *error)
{
    char *end = strchr(text, ']');
    if (end == NULL || end[1] != '\0')
        return complain(reader, error, "a section is [scenario], [actor NAME] or [flow NAME]");
    *end = '\0';
    char *kind = text + 1, *name = strchr(kind, ' ');
    if (name != NULL)
        *name++ = '\0';
    if (strcmp(kind, "scenario") == 0 && name == NULL && reader->actor == NULL) {
        reader->in_scenario = true;
        return 0;
    }
    if (!reader->labelled)
        return complain(reader, error, "[scenario] stands first and says label = honest, abuser or trick");
    if (name == NULL || *name == '\0' || strlen(name) > 31)
        return complain(reader, error, "a name of 1 to 31 characters is missing; [actor NAME] or [flow NAME]");
    reader->in_scenario = false;
    if (strcmp(kind, "actor") == 0)
        return begin_actor(reader, name, error);
    if (strcmp(kind, "flow") == 0)
        return begin_flow(reader, name, error);
    return complain(reader, error, "no such section; there are [scenario], [actor NAME] and [flow NAME]");
}

/* --- lines --- */

static char *trim(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
        text[--length] = '\0';
    return text;
}

static int read_value(struct reader *reader, char *text, struct error *error)
{
    char *value = strchr(text, '='), why[200];
    if (value == NULL)
        return complain(reader, error, "neither a section nor KEY = VALUE");
    *value++ = '\0';
    char *key = trim(text);
    value = trim(value);
    bool good = false;
    if (reader->in_scenario) {
        good = lab_set_scenario(reader->scenario, key, value, why, sizeof why);
        reader->labelled = reader->labelled || (good && strcmp(key, "label") == 0);
    } else if (reader->flow != NULL) {
        good = lab_set_flow(reader->flow, key, value, why, sizeof why);
    } else if (reader->actor != NULL) {
        good = lab_set_actor(reader->actor, key, value, why, sizeof why);
    } else {
        return complain(reader, error, "a key stands in a section; [scenario] stands first");
    }
    return good ? 0 : complain(reader, error, why);
}

/* The comments above the first section. */
static int add_prose(struct reader *reader, const char *text, struct error *error)
{
    const char *before = reader->scenario->why ? reader->scenario->why : "";
    char *why = NULL;
    if (reader->in_scenario || reader->actor != NULL)
        return 0;
    if (asprintf(&why, "%s%s%s", before, *before ? " " : "", text) < 0)
        return complain(reader, error, "no memory");
    free(reader->scenario->why);
    reader->scenario->why = why;
    return 0;
}

static int read_line(struct reader *reader, char *line, struct error *error)
{
    char *text = trim(line);
    if (*text == '\0')
        return 0;
    if (*text == '#')
        return add_prose(reader, trim(text + 1), error);
    return *text == '[' ? read_section(reader, text, error) : read_value(reader, text, error);
}

static int check_whole(struct reader *reader, struct error *error)
{
    const struct lab_scenario *scenario = reader->scenario;
    if (scenario->why == NULL)
        return complain(reader, error, "no prose: the first lines, begun by #, say why there is this scenario");
    if (scenario->actor_count == 0)
        return complain(reader, error, "no [actor NAME]; a scenario has at least one, with at least one [flow NAME]");
    for (size_t i = 0; i < scenario->actor_count; i++) {
        const struct lab_actor *actor = &scenario->actors[i];
        if (actor->flow_count == 0)
            return complain(reader, error, "an [actor NAME] without [flow NAME]; it has at least one");
        for (size_t k = 0; k < actor->flow_count; k++)
            if (actor->flows[k].rate.least <= 0)
                return complain(reader, error, "a [flow NAME] without rate; such as 20/h");
    }
    return 0;
}

static void close_file(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}

static void clear_scenario(struct lab_scenario *scenario)
{
    for (size_t i = 0; i < scenario->actor_count; i++)
        free(scenario->actors[i].flows);
    free(scenario->actors);
    free(scenario->why);
    *scenario = (struct lab_scenario){0};
}

static int read_file(const char *path, const char *name, struct lab_scenario *scenario, struct error *error)
{
    CLEANUP(close_file) FILE *file = fopen(path, "r");
    struct reader reader = {.path = path, .scenario = scenario};
    char line[LINE_MOST];
    if (file == NULL)
        return error_set(error, errno, "cannot read %s: %s", path, strerror(errno));
    lab_scenario_preset(scenario);
    snprintf(scenario->name, sizeof scenario->name, "%.*s", (int)(strlen(name) - strlen(ENDING)), name);
    while (fgets(line, sizeof line, file) != NULL) {
        reader.line++;
        int status = read_line(&reader, line, error);
        if (status < 0)
            return status;
    }
    return check_whole(&reader, error);
}

static int is_scenario(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > strlen(ENDING) && strcmp(entry->d_name + length - strlen(ENDING), ENDING) == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int lab_scenarios_load(const char *folder, struct lab_scenario **result, size_t *count, struct error *error)
{
    struct dirent **entries = NULL;
    int number = scandir(folder, &entries, is_scenario, by_name), status = 0;
    if (number < 0)
        return error_set(error, errno, "cannot read %s: %s", folder, strerror(errno));
    struct lab_scenario *scenarios = calloc((size_t)number + 1, sizeof *scenarios);
    if (scenarios == NULL)
        status = error_set(error, ENOMEM, "no memory for %d scenarios", number);
    for (int i = 0; i < number; i++) {
        char path[1000];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (status == 0)
            status = read_file(path, entries[i]->d_name, &scenarios[i], error);
        free(entries[i]);
    }
    free(entries);
    if (status < 0) {
        lab_scenarios_destroy(&scenarios, (size_t)number);
        return status;
    }
    *result = scenarios;
    *count = (size_t)number;
    return 0;
}

void lab_scenarios_destroy(struct lab_scenario **scenarios, size_t count)
{
    for (size_t i = 0; *scenarios != NULL && i < count; i++)
        clear_scenario(&(*scenarios)[i]);
    free(*scenarios);
    *scenarios = NULL;
}
