/* docs/api.md and /v1/openapi.json, written from the table. */
#include "collector/api/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/api/endpoint.h"
#include "common/json.h"

static const char *const who[] = {
    [MAY_ANYBODY] = "anybody",
    [MAY_TOKEN] = "who has a token",
    [MAY_NODE] = "a node",
    [MAY_READ] = "a person who may read",
    [MAY_ORDER] = "a person who may order",
    [MAY_ADMIN] = "a person who may administer",
    [MAY_CONTENT] = "a person who may see content",
};

static const struct {
    int status;
    const char *text;
} meanings[] = {
    {200, "done"},
    {201, "made"},
    {202, "it will be done"},
    {204, "nothing yet"},
    {400, "the request is malformed; the sentence says where"},
    {401, "no secret, or none that is known"},
    {403, "the secret does not allow that"},
    {404, "there is nothing of that name"},
    {405, "not with this method"},
    {409, "records before these are missing, and `delivered` says what is there; or another request had this name"},
    {416, "no revision is as high as that (this store is from a backup); `revision` says the highest"},
    {413, "too large"},
    {415, "a coding that is not known"},
    {503, "the store cannot do that now; ask again"},
};

static const char once_header[] = "Idempotency-Key",
                  once_text[] = "a name of 16 to 64 letters, digits, - and _ by which this is done once: who asks "
                                "again within a day, here or at "
                                "another collector of the same store, is answered with the same revision";

static const char *meaning(int status)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (meanings[i].status == status)
            return meanings[i].text;
    return "";
}

/* The statuses of an endpoint, those that every endpoint of its kind can answer with behind its own. */
static int statuses(const struct endpoint *endpoint, int result[16])
{
    int count = 0;
    char *end;
    for (const char *at = endpoint->answers; *at; at = end) {
        result[count++] = (int)strtol(at, &end, 10);
        end += *end == ' ';
    }
    static const int common[] = {401, 403, 413, 415, 503};
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
        bool there =
            (common[i] == 413 && endpoint->body_most == 0) || (common[i] < 404 && endpoint->permission == MAY_ANYBODY);
        for (int known = 0; known < count; known++)
            there |= result[known] == common[i];
        if (!there)
            result[count++] = common[i];
    }
    return count;
}

/* What holds for all of it. */
static const char *const rules[] = {
    "**Versions.** Agents and collector may be one release apart, either way. A member that is not known is passed "
    "over, in "
    "requests and answers. A record of an unknown kind is stored and told as it came. A node that does not know a "
    "directive "
    "acknowledges it with `done` false and a sentence. Members are added, not renamed; one that an older side does not "
    "send is "
    "not needed.",
    "**Damage on the way.** Use TLS. Where there is none, a batch should carry zstd's checksum: damaged, it is refused "
    "whole "
    "with 400, and only a sentence that begins with `line` is about what it holds. Answers to nodes carry "
    "`Content-Digest` (RFC "
    "9530), and directives the `after` that was asked for. Whoever is refused once should ask again before believing "
    "it.",
    "**The secret first.** It is looked at before a body is taken; `Expect: 100-continue` is answered then.",
};

bool document_markdown(struct buffer *out)
{
    bool good = buffer_printf(
        out, "# The collector's API\n\nPrinted by `postern-collector print-api` from the table that routes requests. "
             "`GET /v1/openapi.json` says the same to programs.\n\nHTTP/1.1 and JSON. "
             "A secret stands in `Authorization: Bearer SECRET`: `token.WORD` is good for one node to enrol with, "
             "`node.ID.WORD` is a node's, `person.ID.WORD` a person's. What fails answers "
             "`{\"error\":\"a sentence\"}`.\n\n");
    for (size_t i = 0; good && i < sizeof rules / sizeof rules[0]; i++)
        good = buffer_printf(out, "%s\n\n", rules[i]);
    good = good && buffer_printf(out, "| status | means |\n|---|---|\n");
    for (size_t i = 0; good && i < sizeof meanings / sizeof meanings[0]; i++)
        good = buffer_printf(out, "| %d | %s |\n", meanings[i].status, meanings[i].text);
    for (size_t i = 0; good && i < endpoint_count; i++) {
        const struct endpoint *endpoint = &endpoints[i];
        int all[16], count = statuses(endpoint, all);
        good = buffer_printf(out, "\n## %s %s\n\n%s\n\n- for %s\n", endpoint->method, endpoint->path, endpoint->text,
                             who[endpoint->permission]);
        for (int p = 0; good && endpoint->parameters[p]; p++)
            good = buffer_printf(out, "- parameter %s\n", endpoint->parameters[p]);
        if (good && endpoint->once)
            good = buffer_printf(out, "- header %s: %s\n", once_header, once_text);
        if (good && endpoint->request)
            good = buffer_printf(out, "- body, at most %zu kB: %s\n", endpoint->body_most / 1024, endpoint->request);
        good = good && buffer_printf(out, "- answers");
        for (int s = 0; good && s < count; s++)
            good = buffer_printf(out, "%s %d", s ? "," : "", all[s]);
        good = good && buffer_printf(out, "\n");
    }
    return good;
}

static void write_parameter(struct json *json, const char *place, struct text name, const char *text)
{
    json_object_open(json, NULL);
    json_string(json, "in", place);
    json_text(json, "name", name);
    json_bool(json, "required", strcmp(place, "path") == 0);
    if (text)
        json_string(json, "description", text);
    json_object_open(json, "schema");
    json_string(json, "type", "string");
    json_object_close(json);
    json_object_close(json);
}

static void write_operation(struct json *json, const struct endpoint *endpoint)
{
    char key[16];
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] = (char)(endpoint->method[i] | 0x20);
        if (endpoint->method[i] == '\0') {
            key[i] = '\0';
            break;
        }
    }
    json_object_open(json, key);
    json_string(json, "summary", endpoint->text);
    json_string(json, "x-permission", who[endpoint->permission]);
    json_array_open(json, "security");
    if (endpoint->permission != MAY_ANYBODY) {
        json_object_open(json, NULL);
        json_array_open(json, "bearer");
        json_array_close(json);
        json_object_close(json);
    }
    json_array_close(json);
    json_array_open(json, "parameters");
    const char *brace = strchr(endpoint->path, '{');
    if (brace)
        write_parameter(json, "path", (struct text){brace + 1, strcspn(brace + 1, "}")}, NULL);
    for (int i = 0; endpoint->parameters[i]; i++) {
        size_t length = strcspn(endpoint->parameters[i], ":");
        write_parameter(json, "query", (struct text){endpoint->parameters[i], length},
                        endpoint->parameters[i] + length + 2);
    }
    if (endpoint->once)
        write_parameter(json, "header", text_of(once_header), once_text);
    json_array_close(json);
    if (endpoint->request) {
        json_object_open(json, "requestBody");
        json_string(json, "description", endpoint->request);
        json_object_open(json, "content");
        json_object_open(json, endpoint->handle == records_handle ? "application/x-ndjson" : "application/json");
        json_object_close(json);
        json_object_close(json);
        json_object_close(json);
    }
    json_object_open(json, "responses");
    int all[16], count = statuses(endpoint, all);
    for (int i = 0; i < count; i++) {
        char status[16];
        snprintf(status, sizeof status, "%d", all[i]);
        json_object_open(json, status);
        json_string(json, "description", meaning(all[i]));
        json_object_close(json);
    }
    json_object_close(json);
    json_object_close(json);
}

bool document_openapi(struct buffer *out)
{
    struct json json = json_begin(out);
    json_string(&json, "openapi", "3.1.0");
    json_object_open(&json, "info");
    json_string(&json, "title", "Postern's collector");
    json_string(&json, "version", POSTERN_VERSION);
    json_object_close(&json);
    json_object_open(&json, "components");
    json_object_open(&json, "securitySchemes");
    json_object_open(&json, "bearer");
    json_string(&json, "type", "http");
    json_string(&json, "scheme", "bearer");
    json_object_close(&json);
    json_object_close(&json);
    json_object_close(&json);
    json_object_open(&json, "paths");
    for (size_t i = 0; i < endpoint_count; i++) {
        if (i > 0 && strcmp(endpoints[i - 1].path, endpoints[i].path) == 0) {
            write_operation(&json, &endpoints[i]);
            continue;
        }
        if (i > 0)
            json_object_close(&json);
        json_object_open(&json, endpoints[i].path);
        write_operation(&json, &endpoints[i]);
    }
    json_object_close(&json);
    json_object_close(&json);
    return json_end(&json);
}
