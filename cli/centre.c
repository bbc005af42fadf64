/* See centre.h. */
#include "cli/centre.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "cli/printable.h"
#include "common/buffer.h"
#include "common/cleanup.h"

#define ANSWER_MOST ((size_t)64 * 1024 * 1024)
#define URL_MOST    2048
#define WAIT        50 /* seconds that a follower's request may wait */
#define PATIENCE    60L
#define IMPATIENCE  15L /* with what changes something: it can be asked again */
#define ROUNDS      4   /* of asking every collector for that */
#define FOLLOWED    11  /* and for what somebody follows: about a minute */
#define CURSOR      128
#define NAME        33

struct request {
    const char *method;
    char url[URL_MOST];
    char *body;       /* NULL: none */
    size_t length;    /* of a body that is no text; 0: it ends with NUL */
    const char *type; /* NULL: JSON */
};

static void free_body_of(struct request *request)
{
    free(request->body);
    request->body = NULL;
}

/* Where each question is asked. What stands in a question under one of these names becomes a parameter. */
static const struct route {
    const char *command, *path, *parameters[9];
} routes[] = {
    {"nodes", "/v1/nodes", {NULL}},
    {"customers", "/v1/customers", {"top", NULL}},
    {"customer", "/v1/customers/", {NULL}}, /* with its name behind it */
    {"campaigns", "/v1/campaigns", {"top", NULL}},
    {"filters", "/v1/filters", {NULL}},
    {"bulk", "/v1/bulk", {"top", "kind", NULL}},
    {"senders", "/v1/senders", {"top", "node", NULL}},
    {"explain", "/v1/senders/", {NULL}}, /* with the sender behind it */
    {"events", "/v1/events", {"since", "after", "wait", NULL}},
    {"orders", "/v1/orders", {NULL}},
    {"audit", "/v1/audit", {"since", NULL}},
    {"messages", "/v1/messages", {"since", "before", "sender", "customer", "verdict", "node", "limit", NULL}},
    {"message", "/v1/messages/", {NULL}}, /* with its name behind it */
    {"lessons", "/v1/lessons", {NULL}},
    {"complaints", "/v1/complaints", {"since", "customer", "state", "top", NULL}},
    {"complaint", "/v1/complaints/", {NULL}}, /* with its id behind it */
    {"blacklist", "/v1/blacklist", {"name", "customer", "since", "all", "top", NULL}},
    {"alerts", "/v1/alerts", {"top", "since", NULL}},
    {"silences", "/v1/silences", {NULL}},
    {"sendings", "/v1/sendings", {"id", "channel", "purpose", "customer", "state", "since", "top", NULL}},
    {"report top", "/v1/reports/top/", {"by", "since", "before", "top", NULL}}, /* with what it is of behind it */
    {"report hours", "/v1/reports/hours", {"since", "before", NULL}},
    {"report days", "/v1/reports/days", {"since", "before", NULL}},
    {"report rules", "/v1/reports/rules", {"since", "before", "top", NULL}},
    {"report viruses", "/v1/reports/viruses", {"since", "before", "top", NULL}},
    {"report scores", "/v1/reports/scores", {"filter", "since", "before", NULL}},
    {"report list", "/v1/reports", {"top", NULL}},
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

static int make_request(struct text collector, CURL *curl, const json_t *question, struct request *result,
                        struct error *error)
{
    const char *command = word_of(question, "command"), *sender = word_of(question, "sender");
    while (collector.length > 0 && collector.bytes[collector.length - 1] == '/')
        collector.length--;
    *result = (struct request){.method = "GET"};
    snprintf(result->url, sizeof result->url, "%.*s", (int)collector.length, collector.bytes);
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

/* Whether another collector, or the same one in a moment, may answer. */
static bool is_passing(CURLcode code)
{
    return code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT || code == CURLE_GOT_NOTHING ||
           code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_PARTIAL_FILE ||
           code == CURLE_SSL_CONNECT_ERROR || code == CURLE_COULDNT_RESOLVE_HOST;
}

static struct curl_slist *headers_of(const struct cli *cli, const char *name, const char *type)
{
    char key[200], again[64], kind[80];
    snprintf(key, sizeof key, "Authorization: Bearer %s", cli->key);
    snprintf(again, sizeof again, "Idempotency-Key: %s", name);
    snprintf(kind, sizeof kind, "Content-Type: %s", type ? type : "application/json");
    struct curl_slist *headers = curl_slist_append(NULL, key);
    headers = curl_slist_append(headers, again);
    headers = curl_slist_append(headers, "Expect:"); /* nothing: a body is sent at once */
    return curl_slist_append(headers, kind);
}

/* The answer's status, or negative: -EAGAIN where asking again may do. */
static int exchange(const struct cli *cli, CURL *curl, const struct request *request, const char *name,
                    struct buffer *answer, struct error *error)
{
    char why[CURL_ERROR_SIZE] = "";
    long status = 0;
    struct curl_slist *headers = headers_of(cli, name, request->type);
    answer->length = 0;
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, request->length ? (curl_off_t)request->length : (curl_off_t)-1);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    if (!request->body)
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, request->body ? IMPATIENCE : PATIENCE);
    curl_easy_setopt(curl, CURLOPT_CAINFO, cli->authority ? cli->authority : NULL);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return error_set(error, is_passing(code) ? EAGAIN : EHOSTUNREACH, "cannot ask the collector at %s: %s",
                         cli->collector, why[0] ? why : curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

static int refused(int status, const struct buffer *answer, struct error *error)
{
    json_t *said = json_loadb(answer->bytes ? answer->bytes : "", answer->length, 0, NULL);
    printable_make(said);
    const char *sentence = json_string_value(json_object_get(said, "error"));
    int number = status == 401 || status == 403   ? EACCES
                 : status >= 502 && status <= 504 ? EAGAIN
                 : status == 404                  ? ENOENT
                 : status == 413                  ? E2BIG
                                                  : EREMOTEIO;
    int code = error_set(error, number, "the collector says %d: %s", status, sentence ? sentence : "no more");
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

struct asking {
    const struct cli *cli;
    CURL *curl;
    const json_t *question;
    char name[NAME]; /* by which collectors know it when it is asked again */
    void (*each)(void *, json_t *, struct text);
    void *context;
    char next[CURSOR];
};

static int ask_one(struct asking *asking, struct text collector, bool *changes, struct error *error)
{
    CLEANUP(free_body_of) struct request request;
    CLEANUP(buffer_clear) struct buffer answer;
    buffer_init(&answer, ANSWER_MOST);
    int status = make_request(collector, asking->curl, asking->question, &request, error);
    *changes = request.body != NULL;
    if (status == 0)
        status = exchange(asking->cli, asking->curl, &request, asking->name, &answer, error);
    if (status < 0)
        return status;
    if (status / 100 != 2)
        return refused(status, &answer, error);
    return request.body ? 0 : read_lines(buffer_text(&answer), asking->each, asking->context, asking->next, error);
}

/* The next of several, between which stand spaces or commas. */
static bool next_collector(struct text *rest, struct text *result)
{
    static const char between[] = " ,";
    while (rest->length > 0 && strchr(between, rest->bytes[0])) {
        rest->bytes++;
        rest->length--;
    }
    *result = (struct text){rest->bytes, 0};
    while (rest->length > 0 && !strchr(between, rest->bytes[0])) {
        rest->bytes++;
        rest->length--;
        result->length++;
    }
    return result->length > 0;
}

static void make_name(char result[NAME])
{
    unsigned char random[(NAME - 1) / 2] = {0};
    ssize_t got = getrandom(random, sizeof random, 0);
    (void)got; /* so few bytes never fail, nor come in pieces */
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(result + 2 * i, 3, "%02x", random[i]);
}

/* The collectors in turn until one answers. Where something is to be changed nobody knows, when a connection breaks,
 * whether it was: so it is asked for again under the same name, which does it once. Who follows goes on from his place,
 * where a collector ended while he waited. */
static int ask_any(struct asking *asking, struct error *error)
{
    int code = error_set(error, EINVAL, "which collector? --collector URL");
    bool changes = true;
    const bool follows = asking->next[0] != '\0';
    make_name(asking->name);
    for (unsigned round = 0; round < (follows ? FOLLOWED : changes ? ROUNDS : 1); round++) {
        struct text rest = text_of(asking->cli->collector), collector;
        sleep(round);
        while (next_collector(&rest, &collector)) {
            code = ask_one(asking, collector, &changes, error);
            if (code != -EAGAIN)
                return code;
        }
        if (code != -EAGAIN)
            return code;
    }
    return code;
}

int centre_ask(const struct cli *cli, const json_t *question,
               void (*each)(void *context, json_t *record, struct text line), void *context, struct error *error)
{
    json_t *asked = json_copy((json_t *)(uintptr_t)question);
    struct asking asking = {.cli = cli, .curl = curl_easy_init(), .question = asked, .each = each, .context = context};
    int code = asking.curl && asked ? 0 : error_set(error, ENOMEM, "out of memory");
    while (code == 0) {
        code = ask_any(&asking, error);
        if (!json_is_true(json_object_get(question, "follow")))
            break;
        fflush(stdout);
        json_object_del(asked, "since");
        json_object_set_new(asked, "after", json_string(asking.next));
        json_object_set_new(asked, "wait", json_integer(WAIT));
    }
    curl_easy_cleanup(asking.curl);
    json_decref(asked);
    return code;
}

/* --- requests that are no questions --- */

struct centre {
    const struct cli *cli;
    CURL *curl;
};

int centre_open(const struct cli *cli, struct centre **result, struct error *error)
{
    struct centre *centre = calloc(1, sizeof *centre);
    if (!centre || !(centre->curl = curl_easy_init())) {
        free(centre);
        return error_set(error, ENOMEM, "out of memory");
    }
    centre->cli = cli;
    *result = centre;
    return 0;
}

void centre_close(struct centre **centre)
{
    if (!*centre)
        return;
    curl_easy_cleanup((*centre)->curl);
    free(*centre);
    *centre = NULL;
}

bool centre_add_parameter(char *path, size_t size, const char *name, const char *value)
{
    size_t length = strlen(path);
    char *escaped = value ? curl_easy_escape(NULL, value, 0) : NULL;
    int more =
        escaped ? snprintf(path + length, size - length, "%c%s=%s", strchr(path, '?') ? '&' : '?', name, escaped) : 0;
    curl_free(escaped);
    return more >= 0 && (size_t)more < size - length;
}

static int call_one(struct centre *centre, const struct centre_request *wanted, struct text collector, const char *name,
                    struct buffer *answer, struct error *error)
{
    static char nothing[] = "";
    struct request request = {.method = wanted->method, .type = wanted->type, .length = wanted->body.length};
    while (collector.length > 0 && collector.bytes[collector.length - 1] == '/')
        collector.length--;
    int length =
        snprintf(request.url, sizeof request.url, "%.*s%s", (int)collector.length, collector.bytes, wanted->path);
    if (length < 0 || (size_t)length >= sizeof request.url)
        return error_set(error, E2BIG, "the question is too long");
    if (wanted->type) /* it is only read */
        request.body = wanted->body.length ? (char *)(uintptr_t)wanted->body.bytes : nothing;
    int status = exchange(centre->cli, centre->curl, &request, name, answer, error);
    return status < 0 || status / 100 == 2 ? status : refused(status, answer, error);
}

int centre_call(struct centre *centre, const struct centre_request *request, struct buffer *answer, struct error *error)
{
    char name[NAME];
    int code = error_set(error, EINVAL, "which collector? --collector URL");
    make_name(name);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct text rest = text_of(centre->cli->collector), collector;
        sleep(round);
        while (next_collector(&rest, &collector)) {
            code = call_one(centre, request, collector, name, answer, error);
            if (code != -EAGAIN)
                return code;
        }
        if (code != -EAGAIN)
            return code;
    }
    return code;
}
