/* rspamd over HTTP: /checkv2 of a worker, lessons of the controller. What it must know of the envelope are headers of
 * the request. */
#include "collector/filter/rspamd.h"

#include <errno.h>
#include <stdio.h>
#include "collector/filter/conversation.h"
#include "collector/filter/http.h"
#include "collector/filter/trace.h"
#include "common/buffer.h"
#include "common/cleanup.h"

#define ANSWER_MOST     (1024U * 1024)
#define REQUEST_MOST    (256U * 1024) /* its head */
#define RECIPIENTS_MOST 100           /* that are told; of a message with more, the first ones */
#define WEIGHT          10            /* of one lesson in fuzzy storage */

/* A request's head as it is put together, and its answer. */
struct exchange {
    struct buffer request, answer;
    bool failed; /* no memory for it */
    unsigned status;
    struct text body; /* of the answer */
};

static void exchange_open(struct exchange *exchange)
{
    *exchange = (struct exchange){0};
    buffer_init(&exchange->request, REQUEST_MOST);
    buffer_init(&exchange->answer, ANSWER_MOST);
}

static void exchange_close(struct exchange *exchange)
{
    buffer_clear(&exchange->request);
    buffer_clear(&exchange->answer);
}

/* A header of the request: a value is stranger's words, and begins no line. */
static void add_header(struct exchange *exchange, const char *before, struct text value, const char *after)
{
    char clean[TRACE_VALUE_MOST];
    if (!buffer_printf(&exchange->request, "%s%s%s\r\n", before, trace_clean(value, clean), after))
        exchange->failed = true;
}

static void add_known(struct exchange *exchange, const char *before, struct text value)
{
    if (value.length > 0)
        add_header(exchange, before, value, "");
}

static void add_number(struct exchange *exchange, const char *before, size_t number)
{
    if (!buffer_printf(&exchange->request, "%s%zu\r\n", before, number))
        exchange->failed = true;
}

static void begin(struct exchange *exchange, const char *verb, const char *path)
{
    if (!buffer_printf(&exchange->request, "%s %s HTTP/1.0\r\n", verb, path))
        exchange->failed = true;
}

/* Send what was put together, and the message; read the answer. */
static int perform(struct exchange *exchange, const char *address, struct text content, duration patience,
                   struct error *error)
{
    CLEANUP(conversation_close) struct conversation talk = CONVERSATION_NONE;
    struct error sending = {0};
    add_number(exchange, "Content-Length: ", content.length);
    if (exchange->failed || !buffer_append(&exchange->request, TEXT("\r\n")))
        return error_set(error, ENOMEM, "%s: no memory for a request", address);
    int status = conversation_open(address, patience, &talk, error);
    if (status < 0)
        return status;
    int sent = conversation_send(&talk, buffer_text(&exchange->request), &sending);
    if (sent == 0)
        sent = conversation_send(&talk, content, &sending);
    /* It refuses what it does not like (a password) before it has read all. */
    status = conversation_receive_all(&talk, &exchange->answer, error);
    if (status == -ECONNRESET && exchange->answer.length > 0)
        status = 0;
    if (status < 0 && sent < 0)
        return error_set(error, sending.code, "%s", sending.text);
    if (status == 0 && !http_read_answer(buffer_text(&exchange->answer), &exchange->status, &exchange->body))
        status = error_set(error, EBADMSG, "%s: no whole answer in HTTP", address);
    return status;
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
    exchange_open(&exchange);
    begin(&exchange, "POST", "/checkv2");
    add_envelope(&exchange, message);
    int status = perform(&exchange, settings->address, message->content, settings->patience, error);
    if (status < 0)
        return status;
    if (exchange.status != 200)
        return error_set(error, EIO, "%s: it answers %u", settings->address, exchange.status);
    return rspamd_read_opinion(settings, exchange.body, result, error);
}

static int command(const struct filter_settings *settings, const struct filter_message *message, const char *path,
                   uint32_t fuzzy_flag, struct error *error)
{
    CLEANUP(exchange_close) struct exchange exchange;
    exchange_open(&exchange);
    begin(&exchange, "POST", path);
    add_known(&exchange, "Password: ", text_of(settings->password));
    /* Else it passes over what its Bayes is sure of: one that was learned as spam by mistake would stay spam. */
    add_header(&exchange, "Learn-Type: ", TEXT("bulk"), "");
    if (fuzzy_flag > 0) {
        add_number(&exchange, "Flag: ", fuzzy_flag);
        add_number(&exchange, "Weight: ", WEIGHT);
    }
    int status = perform(&exchange, settings->controller, message->content, settings->patience, error);
    return status < 0 ? status : rspamd_read_lesson(settings, exchange.status, exchange.body, error);
}

static int teach_rspamd(const struct filter_settings *settings, const struct filter_message *message,
                        enum lesson lesson, struct error *error)
{
    if (!settings->controller[0])
        return error_set(error, ENOTSUP, "no controller is configured for it");
    if (lesson == LESSON_FORGET && settings->fuzzy_flag == 0)
        return error_set(error, ENOTSUP, "rspamd cannot forget a message; it can be taught the other verdict");
    int learned = 1;
    if (lesson != LESSON_FORGET)
        learned = command(settings, message, lesson == LESSON_SPAM ? "/learnspam" : "/learnham", 0, error);
    if (learned < 0 || settings->fuzzy_flag == 0)
        return learned;
    int kept =
        command(settings, message, lesson == LESSON_SPAM ? "/fuzzyadd" : "/fuzzydel", settings->fuzzy_flag, error);
    return kept < 0 ? kept : learned && kept;
}

static int ping_rspamd(const struct filter_settings *settings, struct error *error)
{
    CLEANUP(exchange_close) struct exchange exchange;
    exchange_open(&exchange);
    begin(&exchange, "GET", "/ping");
    int status = perform(&exchange, settings->address, TEXT(""), settings->patience, error);
    if (status == 0 && (exchange.status != 200 || !text_equals(text_trim(exchange.body), TEXT("pong"))))
        status = error_set(error, EBADMSG, "%s: it does not answer as rspamd does", settings->address);
    return status;
}

const struct filter_kind filter_rspamd = {
    .name = "rspamd", .ask = ask_rspamd, .learn = teach_rspamd, .ping = ping_rspamd};
