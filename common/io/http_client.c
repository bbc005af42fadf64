/* libcurl says which sockets to watch for what and when to be called at the latest; we tell it what happened. */
#include "common/io/http_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/buffer.h"
#include "common/cleanup.h"

#define CONNECT_PATIENCE (10 * SECOND)

struct transfer {
    struct transfer *next;
    struct http_client *client;
    int number;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    struct buffer answer;
    char trouble[CURL_ERROR_SIZE];
    void (*done)(void *context, const struct http_answer *);
    void *context;
};

struct http_client {
    sd_event *event;
    struct http_settings settings;
    CURLM *multi;
    sd_event_source *timer;
    struct transfer *transfers;
    int last;
};

static void drop(struct transfer *transfer)
{
    struct transfer **at = &transfer->client->transfers;
    while (*at != transfer)
        at = &(*at)->next;
    *at = transfer->next;
    if (transfer->easy) {
        curl_multi_remove_handle(transfer->client->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
    }
    curl_slist_free_all(transfer->headers);
    buffer_clear(&transfer->answer);
    free(transfer->body);
    free(transfer);
}

/* --- what libcurl asks for -----------------------------------------------------------------------------------------
 */

/* Whether the answer is what the server sent, where it says what that was (RFC 9530). */
static bool is_as_sent(CURL *easy, struct text body)
{
    const struct text algorithm = TEXT("sha-256=:");
    struct curl_header *header;
    unsigned char digest[crypto_hash_sha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(sizeof digest, sodium_base64_VARIANT_ORIGINAL)];
    if (curl_easy_header(easy, "Content-Digest", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return true;
    struct text said = text_trim(text_of(header->value));
    crypto_hash_sha256(digest, (const unsigned char *)(body.bytes ? body.bytes : ""), body.length);
    sodium_bin2base64(text, sizeof text, digest, sizeof digest, sodium_base64_VARIANT_ORIGINAL);
    return said.length == algorithm.length + sizeof text &&
           memcmp(said.bytes, algorithm.bytes, algorithm.length) == 0 &&
           memcmp(said.bytes + algorithm.length, text, sizeof text - 1) == 0;
}

static void finish(CURL *easy, CURLcode code)
{
    struct transfer *transfer = NULL;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    char trouble[CURL_ERROR_SIZE];
    snprintf(trouble, sizeof trouble, "%s", transfer->trouble[0] ? transfer->trouble : curl_easy_strerror(code));
    struct buffer body = transfer->answer;
    if (code == CURLE_OK && !is_as_sent(easy, buffer_text(&body))) {
        code = CURLE_RECV_ERROR;
        snprintf(trouble, sizeof trouble, "the answer was damaged on its way");
    }
    buffer_init(&transfer->answer, 0); /* moved out: the callee may begin another transfer */
    const struct http_answer answer = {.status = code == CURLE_OK ? (int)status : 0,
                                       .body = buffer_text(&body),
                                       .trouble = code == CURLE_OK ? NULL : trouble};
    void (*done)(void *, const struct http_answer *) = transfer->done;
    void *context = transfer->context;
    drop(transfer);
    done(context, &answer);
    buffer_clear(&body);
}

static void look_for_finished(struct http_client *client)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left)))
        if (message->msg == CURLMSG_DONE)
            finish(message->easy_handle, message->data.result);
}

static int on_socket_ready(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    struct http_client *client = context;
    int running, what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                        (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    (void)source;
    curl_multi_socket_action(client->multi, descriptor, what, &running);
    look_for_finished(client);
    return 0;
}

static int on_time(sd_event_source *source, uint64_t now, void *context)
{
    struct http_client *client = context;
    int running;
    (void)source, (void)now;
    curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look_for_finished(client);
    return 0;
}

static int watch_socket(CURL *easy, curl_socket_t descriptor, int what, void *context, void *ours)
{
    struct http_client *client = context;
    sd_event_source *source = ours;
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        sd_event_source_disable_unref(source);
        curl_multi_assign(client->multi, descriptor, NULL);
        return 0;
    }
    if (source)
        return sd_event_source_set_io_events(source, events) < 0 ? -1 : 0;
    if (sd_event_add_io(client->event, &source, descriptor, events, on_socket_ready, client) < 0)
        return -1;
    curl_multi_assign(client->multi, descriptor, source);
    return 0;
}

static int set_timer(CURLM *multi, long milliseconds, void *context)
{
    struct http_client *client = context;
    (void)multi;
    if (milliseconds < 0)
        return sd_event_source_set_enabled(client->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
    sd_event_source_set_time_relative(client->timer, (uint64_t)milliseconds * 1000);
    return sd_event_source_set_enabled(client->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    if (buffer_append(&transfer->answer, (struct text){bytes, size * count}))
        return size * count;
    snprintf(transfer->trouble, sizeof transfer->trouble, "the answer is longer than %zu bytes",
             transfer->client->settings.answer_most);
    return CURL_WRITEFUNC_ERROR;
}

/* --- beginning and end ---------------------------------------------------------------------------------------------
 */

int http_client_create(sd_event *event, const struct http_settings *settings, struct http_client **result,
                       struct error *error)
{
    CLEANUP(http_client_destroy) struct http_client *client = calloc(1, sizeof *client);
    if (!client || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return error_set(error, ENOMEM, "no memory for HTTP");
    client->settings = *settings;
    client->multi = curl_multi_init();
    if (!client->multi)
        return error_set(error, ENOMEM, "no memory for HTTP");
    client->event = sd_event_ref(event);
    int code = sd_event_add_time_relative(event, &client->timer, CLOCK_MONOTONIC, 0, 1000, on_time, client);
    if (code >= 0)
        code = sd_event_source_set_enabled(client->timer, SD_EVENT_OFF);
    if (code < 0)
        return error_set(error, -code, "cannot watch the time for HTTP: %s", strerror(-code));
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    *result = TAKE(client);
    return 0;
}

void http_client_destroy(struct http_client **owner)
{
    struct http_client *client = *owner;
    *owner = NULL;
    if (!client)
        return;
    while (client->transfers)
        drop(client->transfers);
    if (client->multi)
        curl_multi_cleanup(client->multi); /* closes connections, which takes their sources away */
    sd_event_source_disable_unref(client->timer);
    sd_event_unref(client->event);
    free(client);
}

/* --- requests ------------------------------------------------------------------------------------------------------
 */

static bool add_header(struct transfer *transfer, const char *name, const char *value)
{
    char line[512];
    if (!value)
        return true;
    if ((size_t)snprintf(line, sizeof line, "%s%s", name, value) >= sizeof line || strpbrk(line, "\r\n"))
        return false;
    struct curl_slist *more = curl_slist_append(transfer->headers, line);
    transfer->headers = more ? more : transfer->headers;
    return more != NULL;
}

static void set_blob(CURL *easy, CURLoption option, struct text bytes)
{
    struct curl_blob blob = {(void *)(uintptr_t)bytes.bytes, bytes.length, CURL_BLOB_NOCOPY};
    if (bytes.length > 0)
        curl_easy_setopt(easy, option, &blob);
}

static void set_options(struct transfer *transfer, const struct http_request *request)
{
    CURL *easy = transfer->easy;
    const struct http_settings *settings = &transfer->client->settings;
    bool has_body = request->body.length > 0;
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "postern/" POSTERN_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"); /* what the environment says is not meant for a daemon */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(CONNECT_PATIENCE / MILLISECOND));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(request->patience / MILLISECOND));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->trouble);
    if (has_body || strcmp(request->method, "POST") == 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    set_blob(easy, CURLOPT_CAINFO_BLOB, settings->authority);
    set_blob(easy, CURLOPT_SSLCERT_BLOB, settings->certificate);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, settings->key);
}

int http_client_send(struct http_client *client, const struct http_request *request,
                     void (*done)(void *context, const struct http_answer *), void *context, struct error *error)
{
    struct transfer *transfer = calloc(1, sizeof *transfer);
    char bearer[256] = "";
    if (!transfer)
        return error_set(error, ENOMEM, "no memory for a request");
    transfer->client = client;
    transfer->next = client->transfers;
    client->transfers = transfer;
    buffer_init(&transfer->answer, client->settings.answer_most);
    transfer->done = done;
    transfer->context = context;
    client->last = client->last < INT32_MAX ? client->last + 1 : 1;
    transfer->number = client->last;
    transfer->body = malloc(request->body.length + 1);
    if (request->bearer)
        snprintf(bearer, sizeof bearer, "Bearer %s", request->bearer);
    /* "Expect:" without a value: no round trip before the body. */
    bool fine = transfer->body && add_header(transfer, "Authorization: ", request->bearer ? bearer : NULL) &&
                add_header(transfer, "Content-Type: ", request->content_type) &&
                add_header(transfer, "Content-Encoding: ", request->content_encoding) &&
                add_header(transfer, "Expect:", "");
    transfer->easy = fine ? curl_easy_init() : NULL;
    if (!transfer->easy) {
        drop(transfer);
        return error_set(error, ENOMEM, "cannot make a request to %s", request->url);
    }
    if (request->body.length > 0)
        memcpy(transfer->body, request->body.bytes, request->body.length);
    set_options(transfer, request);
    CURLMcode code = curl_multi_add_handle(client->multi, transfer->easy);
    if (code == CURLM_OK)
        return transfer->number;
    drop(transfer);
    return error_set(error, EIO, "cannot begin a request to %s: %s", request->url, curl_multi_strerror(code));
}

void http_client_cancel(struct http_client *client, int number)
{
    for (struct transfer *transfer = client->transfers; transfer; transfer = transfer->next)
        if (transfer->number == number) {
            drop(transfer);
            return;
        }
}
