/* rspamd over HTTP: /checkv2 of a worker, lessons of the controller. What it must know of the envelope are headers of
 * the request. */
#include "collector/filter/rspamd.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include "collector/filter/conversation.h"
#include "collector/filter/trace.h"
#include "common/buffer.h"
#include "common/cleanup.h"

#define ANSWER_MOST     (1024U * 1024)
#define RECIPIENTS_MOST 100 /* that are told; of a message with more, the first ones */

struct exchange {
    CURL *curl;
    struct curl_slist *headers;
    bool failed; /* no memory for a header */
    struct buffer answer;
    long status;
};

static void exchange_close(struct exchange *exchange)
{
    curl_slist_free_all(exchange->headers);
    curl_easy_cleanup(exchange->curl);
    buffer_clear(&exchange->answer);
}

static void add_header(struct exchange *exchange, const char *before, struct text value, const char *after)
{
    char clean[TRACE_VALUE_MOST], line[TRACE_VALUE_MOST + 64];
    snprintf(line, sizeof line, "%s%s%s", before, trace_clean(value, clean), after);
    struct curl_slist *longer = curl_slist_append(exchange->headers, line);
    if (longer)
        exchange->headers = longer;
    else
        exchange->failed = true;
}

static void add_known(struct exchange *exchange, const char *before, struct text value)
{
    if (value.length > 0)
        add_header(exchange, before, value, "");
}

static void add_number(struct exchange *exchange, const char *before, uint32_t number)
{
    char text[16];
    snprintf(text, sizeof text, "%u", number);
    add_header(exchange, before, text_of(text), "");
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    return buffer_append(&exchange->answer, (struct text){bytes, size * count}) ? size * count : 0;
}

static int exchange_open(struct exchange *exchange, struct error *error)
{
    *exchange = (struct exchange){.curl = curl_easy_init()};
    buffer_init(&exchange->answer, ANSWER_MOST);
    return exchange->curl ? 0 : error_set(error, ENOMEM, "no memory for a request");
}

/* The answer's status and body are in the exchange; a message is sent where `content` is not NULL. */
static int perform(struct exchange *exchange, const char *address, const char *path, const struct text *content,
                   duration patience, struct error *error)
{
    CURL *curl = exchange->curl;
    char url[OPTION_TEXT_SIZE + 64], trouble[CURL_ERROR_SIZE] = "";
    bool local = strncmp(address, CONVERSATION_UNIX, sizeof CONVERSATION_UNIX - 1) == 0;
    if (!conversation_is_address(address))
        return error_set(error, EINVAL, "%s is no address; 127.0.0.1:11333 and unix:/path are", address);
    snprintf(url, sizeof url, "http://%s%s", local ? "localhost" : address, path);
    add_header(exchange, "Expect:", TEXT(""), ""); /* ... nothing: send at once */
    add_header(exchange, "Content-Type: ", TEXT("message/rfc822"), "");
    if (exchange->failed)
        return error_set(error, ENOMEM, "no memory for a request");
    if (local)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, address + sizeof CONVERSATION_UNIX - 1);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, exchange->headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(patience / MILLISECOND) + 1);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, trouble);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
    if (content) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, content->bytes ? content->bytes : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)content->length);
    }
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &exchange->status);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return error_set(error, ETIMEDOUT, "%s: no answer in time", address);
    if (code != CURLE_OK)
        return error_set(error, EIO, "%s: %s", address, trouble[0] ? trouble : curl_easy_strerror(code));
    return 0;
}

static void add_envelope(struct exchange *exchange, const struct filter_message *message)
{
    add_header(exchange, "From: <", message->from, ">");
    for (uint32_t i = 0; i < message->recipient_count && i < RECIPIENTS_MOST; i++)
        add_header(exchange, "Rcpt: <", message->recipients[i], ">");
    add_known(exchange, "IP: ", message->client);
    add_known(exchange, "Helo: ", message->helo);
    add_known(exchange, "User: ", message->user);
    add_known(exchange, "Queue-Id: ", message->queue_id.length > 0 ? message->queue_id : text_of(message->name));
}

static int ask_rspamd(const struct filter_settings *settings, const struct filter_message *message,
                      struct opinion *result, struct error *error)
{
    CLEANUP(exchange_close) struct exchange exchange;
    int status = exchange_open(&exchange, error);
    if (status < 0)
        return status;
    add_envelope(&exchange, message);
    status = perform(&exchange, settings->address, "/checkv2", &message->content, settings->patience, error);
    if (status < 0)
        return status;
    if (exchange.status != 200)
        return error_set(error, EIO, "%s: it answers %ld", settings->address, exchange.status);
    return rspamd_read_opinion(settings, buffer_text(&exchange.answer), result, error);
}

static int command(const struct filter_settings *settings, const struct filter_message *message, const char *path,
                   uint32_t fuzzy_flag, struct error *error)
{
    CLEANUP(exchange_close) struct exchange exchange;
    int status = exchange_open(&exchange, error);
    if (status < 0)
        return status;
    add_known(&exchange, "Password: ", text_of(settings->password));
    /* Else it passes over what its Bayes is sure of: one that was learned as spam by mistake would stay spam. */
    add_header(&exchange, "Learn-Type: ", TEXT("bulk"), "");
    if (fuzzy_flag > 0) {
        add_number(&exchange, "Flag: ", fuzzy_flag);
        add_number(&exchange, "Weight: ", 10);
    }
    status = perform(&exchange, settings->controller, path, &message->content, settings->patience, error);
    return status < 0 ? status : rspamd_read_lesson(settings, exchange.status, buffer_text(&exchange.answer), error);
}

static int teach_rspamd(const struct filter_settings *settings, const struct filter_message *message,
                        enum lesson lesson, struct error *error)
{
    if (!settings->controller[0])
        return error_set(error, ENOTSUP, "no controller is configured for it");
    if (lesson == LESSON_FORGET && settings->fuzzy_flag == 0)
        return error_set(error, ENOTSUP, "rspamd cannot forget a message; it can be taught the other verdict");
    int learned = lesson == LESSON_FORGET
                      ? 1
                      : command(settings, message, lesson == LESSON_SPAM ? "/learnspam" : "/learnham", 0, error);
    if (learned < 0 || settings->fuzzy_flag == 0)
        return learned;
    int kept =
        command(settings, message, lesson == LESSON_SPAM ? "/fuzzyadd" : "/fuzzydel", settings->fuzzy_flag, error);
    return kept < 0 ? kept : learned && kept;
}

static int ping_rspamd(const struct filter_settings *settings, struct error *error)
{
    CLEANUP(exchange_close) struct exchange exchange;
    int status = exchange_open(&exchange, error);
    if (status == 0)
        status = perform(&exchange, settings->address, "/ping", NULL, settings->patience, error);
    if (status == 0 && (exchange.status != 200 || !text_equals(text_trim(buffer_text(&exchange.answer)), TEXT("pong"))))
        status = error_set(error, EBADMSG, "%s: it does not answer as rspamd does", settings->address);
    return status;
}

const struct filter_kind filter_rspamd = {
    .name = "rspamd", .ask = ask_rspamd, .learn = teach_rspamd, .ping = ping_rspamd};
