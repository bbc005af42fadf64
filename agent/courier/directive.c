/* See directive.h. */
#include "agent/courier/directive.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/courier/centre_answer.h"
#include "common/cleanup.h"

/* How long an order stands of which the centre says no end: as with a person's, but from when it was given. */
#define ALLOW_LENGTH (7 * DAY)
#define ORDER_LENGTH DAY

#define SETTINGS_MOST 65536 /* bytes; who reads them holds them to the same */

static struct text text_in(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : TEXT("");
}

/* The centre's reason may be longer than a person's may be here, or missing. */
static void cut_reason(struct text reason, char result[REQUEST_WHY])
{
    size_t length = text_copy_printable(text_trim(reason), result, REQUEST_WHY);
    if (length == 0)
        snprintf(result, REQUEST_WHY, "no reason given");
}

static int read_request(const json_t *object, const char *deed, struct request *result, struct error *error)
{
    char reason[REQUEST_WHY];
    const json_t *rate = json_object_get(object, "rate");
    cut_reason(text_in(object, "reason"), reason);
    json_t *request = json_pack("{ss ss ss%}", "command", deed, "reason", reason, "sender",
                                text_in(object, "sender").bytes, text_in(object, "sender").length);
    if (request && strcmp(deed, "throttle") == 0 && json_integer_value(rate) > 0)
        json_object_set_new(request, "rate", json_integer(json_integer_value(rate)));
    char *line = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    if (!line)
        return error_set(error, EINVAL, "not understood");
    int code = request_parse(text_of(line), result, error);
    free(line);
    return code;
}

static moment end_of(const json_t *object, enum deed deed, struct directive *directive)
{
    moment until = 0, time = 0;
    struct text text = text_in(object, "until");
    if (deed == DEED_RELEASE)
        return 0;
    if (text.length > 0 && !moment_parse(text, &until))
        snprintf(directive->trouble, sizeof directive->trouble, "until: not understood");
    if (text.length == 0 && moment_parse(text_in(object, "time"), &time))
        until = time + (deed == DEED_ALLOW ? ALLOW_LENGTH : ORDER_LENGTH);
    return until;
}

/* Settings for this node in place of those before: the warden sees to it that they are read. */
static void read_settings(const json_t *object, struct directive *directive)
{
    const json_t *text = json_object_get(object, "text");
    struct request *request = &directive->request;
    size_t length = json_string_length(text);
    if (!json_is_string(text) || length > SETTINGS_MOST) {
        snprintf(directive->trouble, sizeof directive->trouble, "text: at most %d bytes of settings", SETTINGS_MOST);
        return;
    }
    directive->settings = malloc(length + 1);
    if (!directive->settings) {
        snprintf(directive->trouble, sizeof directive->trouble, "no memory for the settings");
        return;
    }
    memcpy(directive->settings, json_string_value(text), length + 1);
    *request = (struct request){
        .kind = REQUEST_SETTINGS, .revision = directive->revision, .settings = {directive->settings, length}};
    cut_reason(text_in(object, "reason"), request->why);
}

static void read_one(const json_t *object, struct directive *directive)
{
    static const char *const deeds[] = {"block", "throttle", "divert", "allow", "release"};
    struct error error = {0};
    struct text name = text_in(object, "directive");
    const char *deed = NULL;
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++)
        if (text_equals(name, text_of(deeds[i])))
            deed = deeds[i];
    char by[DIRECTIVE_PERSON - 8] = "";
    text_copy_printable(text_in(object, "by"), by, sizeof by);
    snprintf(directive->person, sizeof directive->person, "centre: %s", by);
    if (text_equals(name, TEXT("settings")))
        read_settings(object, directive);
    else if (!deed)
        snprintf(directive->trouble, sizeof directive->trouble, "this node does not know how to do that");
    else if (read_request(object, deed, &directive->request, &error) < 0)
        snprintf(directive->trouble, sizeof directive->trouble, "%s", error.text);
    else
        directive->until = end_of(object, directive->request.deed, directive);
}

static int read_all(const json_t *list, int64_t after, struct directives *result, struct error *error)
{
    size_t count = json_array_size(list);
    if (count > DIRECTIVES_MOST)
        count = DIRECTIVES_MOST; /* the rest is asked for again */
    result->items = calloc(count ? count : 1, sizeof *result->items);
    if (!result->items)
        return error_set(error, ENOMEM, "no memory for directives");
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(list, i), *revision = json_object_get(object, "revision");
        if (!json_is_integer(revision) || json_integer_value(revision) <= 0)
            return error_set(error, EPROTO, "a directive without a revision");
        if (json_integer_value(revision) <= after)
            continue;
        struct directive *directive = &result->items[result->count++];
        directive->revision = after = json_integer_value(revision);
        read_one(object, directive);
    }
    return 0;
}

int directives_read(struct text answer, int64_t after, struct directives *result, struct error *error)
{
    CLEANUP(directives_clear) struct directives read = {.revision = after};
    json_t *object = centre_answer_parse_list(answer, error);
    if (!object)
        return -error->code;
    const json_t *list = json_object_get(object, "directives"), *revision = json_object_get(object, "revision");
    const json_t *asked = json_object_get(object, "after"); /* a question may be damaged on its way as well */
    int code = json_is_array(list) && json_is_integer(revision) && (!asked || json_integer_value(asked) == after)
                   ? read_all(list, after, &read, error)
                   : error_set(error, EPROTO, "what came as directives is none");
    if (code == 0 && json_array_size(list) <= DIRECTIVES_MOST && json_integer_value(revision) > after)
        read.revision = json_integer_value(revision);
    if (code == 0 && read.count > 0 &&
        (json_array_size(list) > DIRECTIVES_MOST || read.items[read.count - 1].revision > read.revision))
        read.revision = read.items[read.count - 1].revision;
    json_decref(object);
    if (code < 0)
        return code;
    *result = read;
    read = (struct directives){0};
    return 0;
}

void directives_clear(struct directives *directives)
{
    for (uint32_t i = 0; i < directives->count; i++)
        free(directives->items[i].settings);
    free(directives->items);
    *directives = (struct directives){0};
}

bool directive_begin(struct directive *directive, moment now)
{
    if (directive->request.kind == REQUEST_SETTINGS || directive->request.deed == DEED_RELEASE || directive->until == 0)
        return true;
    directive->request.length = directive->until - now;
    if (directive->request.length >= ORDER_LONGEST)
        directive->request.length = ORDER_LONGEST - SECOND;
    return directive->request.length >= SECOND;
}
