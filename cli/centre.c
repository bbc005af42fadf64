/* See centre.h. */
#include "cli/centre.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "cli/printable.h"
#include "common/buffer.h"
#include "common/cleanup.h"

#define ANSWER_MOST ((size_t)64 * 1024 * 1024)
#define URL_MOST    2048
#define WAIT        50 /* seconds that a follower's request may wait */
#define PATIENCE    60L
#define CURSOR      128

struct request {
    const char *method;
    char url[URL_MOST];
    char *body; /* NULL: none */
};

static void free_body_of(struct request *request)
{
    free(request->body);
    request->body = NULL;
}

/* Where each question is asked. What stands in a question under one of these names becomes a parameter. */
static const struct route {
    const char *command, *path, *parameters[4];
} routes[] = {
    {"nodes", "/v1/nodes", {NULL}},
    {"customers", "/v1/customers", {"top", NULL}},
    {"customer", "/v1/customers/", {NULL}}, /* with its name behind it */
    {"campaigns", "/v1/campaigns", {"top", NULL}},
    {"senders", "/v1/senders", {"top", "node", NULL}},
    {"explain", "/v1/senders/", {NULL}}, /* with the sender behind it */
    {"events", "/v1/events", {"since", "after", "wait", NULL}},
    {"orders", "/v1/orders", {NULL}},
    {"audit", "/v1/audit", {"since", NULL}},
};

static const char *word_of(const json_t *question, const char *key)
{
    return json_string_value(json_object_get(question, key));
}

static bool append(struct request *request, const char *between, CURL *curl, const char *value)
{
    char *escaped = curl_easy_escape(curl, value, 0);
    size_t length = strlen(request->url);
    int more = escaped ? snprintf(request->url + length, URL_MOST - length, "%s%s", between, escaped) : -1;
    curl_free(escaped);
    return more >= 0 && (size_t)more < URL_MOST - length;
}

static bool append_parameters(struct request *request, const struct route *route, CURL *curl, const json_t *question)
{
    const char *sign = "?";
    for (size_t i = 0; route->parameters[i]; i++) {
        char between[40], number[24];
        const json_t *value = json_object_get(question, route->parameters[i]);
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        const char *word = json_is_integer(value) ? number : json_string_value(value);
        if (!word)
            continue;
        snprintf(between, sizeof between, "%s%s=", sign, route->parameters[i]);
        sign = "&";
        if (!append(request, between, curl, word))
            return false;
    }
    return true;
}

/* An order: the question as the collector wants to have it. */
static int make_order(const json_t *question, struct request *request, struct error *error)
{
    json_t *order = json_object();
    static const char *const copied[] = {"sender", "reason", "for", "rate", "node"};
    json_object_set(order, "order", json_object_get(question, "command"));
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
        if (json_object_get(question, copied[i]))
            json_object_set(order, copied[i], json_object_get(question, copied[i]));
    request->body = json_dumps(order, JSON_COMPACT);
    json_decref(order);
    request->method = "POST";
    strncat(request->url, "/v1/orders", URL_MOST - strlen(request->url) - 1);
    return request->body ? 0 : error_set(error, ENOMEM, "out of memory");
}

/* The fleet's settings, or a node's; with a text they are set. */
static int make_settings(CURL *curl, const json_t *question, struct request *request, struct error *error)
{
    const char *node = word_of(question, "node");
    bool fits = !node || append(request, "/v1/nodes/", curl, node);
    size_t length = strlen(request->url);
    const char *path = node ? "/settings" : "/v1/settings";
    if (!fits || length + strlen(path) >= URL_MOST)
        return error_set(error, E2BIG, "the question is too long");
    strcpy(request->url + length, path);
    if (!word_of(question, "text"))
        return 0;
    json_t *body =
        json_pack("{sO sO}", "text", json_object_get(question, "text"), "reason", json_object_get(question, "reason"));
    request->method = "PUT";
    request->body = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    return request->body ? 0 : error_set(error, ENOMEM, "out of memory");
}

static int make_request(const struct cli *cli, CURL *curl, const json_t *question, struct request *result,
                        struct error *error)
{
    const char *command = word_of(question, "command"), *sender = word_of(question, "sender");
    size_t length = strlen(cli->collector);
    while (length > 0 && cli->collector[length - 1] == '/')
        length--;
    *result = (struct request){.method = "GET"};
    snprintf(result->url, sizeof result->url, "%.*s", (int)length, cli->collector);
    if (strcmp(command, "settings") == 0)
        return make_settings(curl, question, result, error);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(routes[i].command, command) != 0)
            continue;
        strncat(result->url, routes[i].path, URL_MOST - strlen(result->url) - 1);
        bool fits = routes[i].path[strlen(routes[i].path) - 1] != '/' || append(result, "", curl, sender ? sender : "");
        return fits && append_parameters(result, &routes[i], curl, question)
                   ? 0
                   : error_set(error, E2BIG, "the question is too long");
    }
    if (word_of(question, "reason"))
        return make_order(question, result, error);
    return error_set(error, EINVAL, "a collector does not answer '%s'; without --collector this machine's agent does",
                     command);
}

static size_t take(char *bytes, size_t size, size_t count, void *context)
{
    return buffer_append(context, (struct text){bytes, size * count}) ? size * count : 0;
}

/* The answer's status, or negative. */
static int exchange(const struct cli *cli, CURL *curl, const struct request *request, struct buffer *answer,
                    struct error *error)
{
    char header[200], why[CURL_ERROR_SIZE] = "";
    long status = 0;
    snprintf(header, sizeof header, "Authorization: Bearer %s", cli->key);
    struct curl_slist *headers = curl_slist_append(NULL, header);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    answer->length = 0;
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    if (!request->body)
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, PATIENCE);
    curl_easy_setopt(curl, CURLOPT_CAINFO, cli->authority ? cli->authority : NULL);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return error_set(error, EHOSTUNREACH, "cannot ask the collector at %s: %s", cli->collector,
                         why[0] ? why : curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

static int refused(int status, const struct buffer *answer, struct error *error)
{
    json_t *said = json_loadb(answer->bytes ? answer->bytes : "", answer->length, 0, NULL);
    printable_make(said);
    const char *sentence = json_string_value(json_object_get(said, "error"));
    int code = error_set(error, status == 401 || status == 403 ? EACCES : EREMOTEIO, "the collector says %d: %s",
                         status, sentence ? sentence : "no more");
    json_decref(said);
    return code;
}

/* Each line to `each`, up to the one that ends the answer; its cursor, where it has one, to `next`. */
static int read_lines(struct text rest, void (*each)(void *, json_t *, struct text), void *context, char next[CURSOR],
                      struct error *error)
{
    while (rest.length > 0) {
        const char *start = rest.bytes;
        struct text line = text_split(&rest, '\n');
        json_t *record = json_loadb(line.bytes, line.length, 0, NULL);
        const char *kind = json_string_value(json_object_get(record, "record"));
        const char *cursor = json_string_value(json_object_get(record, "next"));
        bool end = kind && strcmp(kind, "end") == 0 && !json_object_get(record, "node"); /* a node's own ends nothing */
        if (end && cursor)
            snprintf(next, CURSOR, "%s", cursor);
        if (record && !end)
            each(context, record, (struct text){start, line.length + (rest.bytes > line.bytes + line.length)});
        json_decref(record);
        if (end)
            return 0;
        if (!record)
            break;
    }
    return error_set(error, EPROTO, "the collector's answer is not understood; is it one of this version?");
}

static int ask_once(const struct cli *cli, CURL *curl, const json_t *question,
                    void (*each)(void *, json_t *, struct text), void *context, char next[CURSOR], struct error *error)
{
    CLEANUP(free_body_of) struct request request;
    CLEANUP(buffer_clear) struct buffer answer;
    buffer_init(&answer, ANSWER_MOST);
    int status = make_request(cli, curl, question, &request, error);
    if (status == 0)
        status = exchange(cli, curl, &request, &answer, error);
    if (status < 0)
        return status;
    if (status / 100 != 2)
        return refused(status, &answer, error);
    return request.body ? 0 : read_lines(buffer_text(&answer), each, context, next, error);
}

int centre_ask(const struct cli *cli, const json_t *question,
               void (*each)(void *context, json_t *record, struct text line), void *context, struct error *error)
{
    char next[CURSOR] = "";
    json_t *asked = json_copy((json_t *)(uintptr_t)question);
    CURL *curl = curl_easy_init();
    int code = curl && asked ? 0 : error_set(error, ENOMEM, "out of memory");
    while (code == 0) {
        code = ask_once(cli, curl, asked, each, context, next, error);
        if (!json_is_true(json_object_get(question, "follow")))
            break;
        fflush(stdout);
        json_object_del(asked, "since");
        json_object_set_new(asked, "after", json_string(next));
        json_object_set_new(asked, "wait", json_integer(WAIT));
    }
    curl_easy_cleanup(curl);
    json_decref(asked);
    return code;
}
