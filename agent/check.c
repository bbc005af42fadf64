/* Reads what `run` would read, says what is wrong, or how much memory is known at start. */
#include "agent/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/central.h"
#include "agent/settings.h"
#include "common/cleanup.h"
#include "common/json.h"

#define STREAM_BYTES 512 /* of an idle connection, at most */
#define TEXT_MOST    (4U * 1024 * 1024)

static bool put(const struct buffer *buffer)
{
    if (fwrite(buffer->bytes, 1, buffer->length, stdout) == buffer->length && fflush(stdout) == 0)
        return true;
    perror("postern-agent: cannot write");
    return false;
}

/* What the collector has set here before, held against the file; of who may not read it nothing is said. */
struct sets {
    int64_t revision;
    struct error trouble; /* why it is left out; code 0: it is not */
};

static struct sets sets_of(const char *config, const struct configuration *own)
{
    CLEANUP(central_clear) struct central central = {0};
    CLEANUP(configuration_clear) struct configuration both = {0};
    struct error unread = {0};
    struct sets sets = {0};
    if (!configuration_takes_settings(own) || central_read(own->process.agent.state, &central, &unread) < 0 ||
        central.revision == 0)
        return sets;
    const struct option_layer layer = central_layer(&central);
    sets.revision = central.revision;
    if (configuration_read_over(config, &layer, &both, &sets.trouble) < 0 && sets.trouble.code == 0)
        error_set(&sets.trouble, EINVAL, "it cannot be read");
    return sets;
}

struct cost {
    struct senders_shape shape;
    uint32_t streams;
    uint64_t table, connections, held;
};

static struct cost cost_of(const struct configuration *configuration)
{
    const struct capture_settings *capture = &configuration->process.capture;
    struct senders_shape shape = {0};
    judge_settings_shape(configuration->judge, &shape);
    struct cost cost = {
        .shape = shape,
        .streams = capture->streams,
        .table = senders_memory(&shape),
        .connections = (uint64_t)capture->streams * STREAM_BYTES,
        .held = capture->held,
    };
    return cost;
}

static bool as_json(const struct configuration *configuration, const struct cost *cost, const struct sets *sets,
                    struct buffer *out)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "check");
    json_string(&json, "config", configuration->source);
    json_array_open(&json, "files");
    for (size_t i = 0; i < configuration->file_count; i++)
        json_string(&json, NULL, configuration->files[i].name);
    json_array_close(&json);
    json_integer(&json, "settings", sets->revision);
    if (sets->trouble.code)
        json_string(&json, "settings_trouble", sets->trouble.text);
    json_unsigned(&json, "senders", cost->shape.senders);
    json_unsigned(&json, "senders_bytes", cost->table);
    json_unsigned(&json, "streams", cost->streams);
    json_unsigned(&json, "streams_bytes", cost->connections);
    json_unsigned(&json, "held_bytes", cost->held);
    return json_end(&json);
}

static bool as_text(const struct configuration *configuration, const struct cost *cost, const struct sets *sets,
                    struct buffer *out)
{
    bool good =
        buffer_printf(out, "%s: good\n", configuration->source[0] ? configuration->source : "built-in defaults");
    for (size_t i = 0; i < configuration->file_count; i++)
        good = good && buffer_printf(out, "%s: good, %zu bytes\n", configuration->files[i].name,
                                     configuration->files[i].length);
    if (sets->revision > 0)
        good = good && buffer_printf(out, CENTRAL_NAME ", revision %" PRId64 ": %s%s\n", sets->revision,
                                     sets->trouble.code ? "left out: " : "good", sets->trouble.text);
    return good &&
           buffer_printf(out,
                         "Memory at most:\n"
                         "  %8.1f MB  %" PRIu32 " senders of %zu bytes, %" PRIu32 " of them busy: %" PRIu32
                         " more; %" PRIu32 " sketches\n"
                         "  %8.1f MB  %" PRIu32 " connections, %d bytes each while idle\n"
                         "  %8.1f MB  bytes out of order\n"
                         "What is not used is not taken.\n",
                         (double)cost->table / 1e6, cost->shape.senders, senders_place_bytes(&cost->shape),
                         cost->shape.details, cost->shape.details_bytes, cost->shape.sketches,
                         (double)cost->connections / 1e6, cost->streams, STREAM_BYTES, (double)cost->held / 1e6);
}

int check_run(const char *config, bool json)
{
    CLEANUP(configuration_clear) struct configuration configuration = {0};
    struct error error = {0};
    if (configuration_read(config, &configuration, &error) < 0) {
        fprintf(stderr, "%s\n", error.text); /* FILE:LINE: first, as compilers do */
        return 2;
    }
    CLEANUP(buffer_clear) struct buffer out;
    buffer_init(&out, TEXT_MOST);
    struct cost cost = cost_of(&configuration);
    const struct sets sets = sets_of(config, &configuration);
    bool good = json ? as_json(&configuration, &cost, &sets, &out) : as_text(&configuration, &cost, &sets, &out);
    return good && put(&out) ? 0 : 1;
}

/* --- the example file and the manual page --- */

/* What stands around the options, which are printed from their tables. */
static const char manual_head[] =
    ".Dd November 23, 2026\n"
    ".Dt POSTERN-AGENT.CONF 5\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm postern-agent.conf\n"
    ".Nd configuration of the agent that watches outgoing mail\n"
    ".Sh DESCRIPTION\n"
    ".Xr postern-agent 8\n"
    "reads this file when it starts and at SIGHUP.\n"
    "Without it, or where it says nothing, what is preset holds; nothing has to be set.\n"
    ".Pp\n"
    "A section begins with its name in brackets, and each line in it sets a key:\n"
    ".Dl [policy]\n"
    ".Dl block = 25\n"
    "Keys begin at the line's start; a list may go on in indented lines.\n"
    ".Ql #\n"
    "and\n"
    ".Ql \\&;\n"
    "begin a comment.\n"
    "A section or key that does not exist, a key given twice and a value that is not allowed are refused, with the "
    "line\n"
    "and what is allowed;\n"
    ".Ic postern-agent check\n"
    "says so beforehand.\n"
    ".Pp\n"
    "Where a key names files,\n"
    ".Ql builtin:\n"
    "stands before the name of one that is shipped inside the program; other names are paths, relative to the folder "
    "of this\nfile.\n"
    "Such files are read again at SIGHUP.\n"
    "Where that finds a fault, the fault is logged and what was in force stays.\n"
    ".Sh OPTIONS\n";

static const char manual_tail[] = ".Sh FILES\n"
                                  ".Bl -tag -width Ds\n"
                                  ".It Pa /etc/postern/agent.conf\n"
                                  "Where it is looked for, unless\n"
                                  ".Fl -config\n"
                                  "or\n"
                                  ".Ev POSTERN_CONFIG\n"
                                  "names another.\n"
                                  ".El\n"
                                  ".Sh EXAMPLES\n"
                                  "A hypervisor that stops abusers, and never the company's own relay:\n"
                                  ".Bd -literal -offset indent\n"
                                  "[enforce]\n"
                                  "mode = enforce\n"
                                  "\n"
                                  "[policy]\n"
                                  "allow = 192.0.2.25\n"
                                  ".Ed\n"
                                  ".Sh SEE ALSO\n"
                                  ".Xr postern 1 ,\n"
                                  ".Xr postern-agent 8\n";

static bool print_manual(const struct option_binding *bindings, struct buffer *out)
{
    return buffer_append(out, text_of(manual_head)) && options_print_manual(bindings, out) &&
           buffer_append(out, text_of(manual_tail));
}

/* Plans have no section of their own in the defaults; what may stand in one is told all the same. */
static void append_plan(struct option_binding bindings[CONFIGURATION_BINDINGS])
{
    size_t end = 0;
    while (bindings[end].options != NULL)
        end++;
    bindings[end] = *judge_plan_description();
    bindings[end + 1] = (struct option_binding){.options = NULL};
}

static int print(bool (*printer)(const struct option_binding *, struct buffer *))
{
    CLEANUP(configuration_clear) struct configuration configuration = {0};
    struct option_binding bindings[CONFIGURATION_BINDINGS];
    struct error error = {0};
    if (configuration_defaults(&configuration, &error) < 0) {
        fprintf(stderr, "postern-agent: %s\n", error.text);
        return 1;
    }
    configuration_bind(&configuration, bindings);
    append_plan(bindings);
    CLEANUP(buffer_clear) struct buffer out;
    buffer_init(&out, TEXT_MOST);
    return printer(bindings, &out) && put(&out) ? 0 : 1;
}

int check_print_example(void)
{
    return print(options_print_example);
}

int check_print_manual(void)
{
    return print(print_manual);
}
