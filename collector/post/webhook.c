/* See webhook.h. A request that was answered by nobody is sent again under the same id: its receiver can tell. */
#include "collector/post/webhook.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/io/clock.h"

#define KEY_MOST    512
#define ANSWER_MOST 160 /* bytes of an answer that are shown */
#define PAUSE_MOST  HOUR
#define PREFIX      "whsec_"

bool webhook_sign(struct text key, const char *id, int64_t seconds, struct text body, char result[WEBHOOK_SIGNATURE])
{
    unsigned char secret[KEY_MOST], digest[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    char head[96];
    size_t length = key.length < sizeof secret ? key.length : sizeof secret;
    memcpy(secret, key.bytes, length);
    if (key.length >= sizeof PREFIX - 1 && memcmp(key.bytes, PREFIX, sizeof PREFIX - 1) == 0 &&
        sodium_base642bin(secret, sizeof secret, key.bytes + sizeof PREFIX - 1, key.length - (sizeof PREFIX - 1), NULL,
                          &length, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    snprintf(head, sizeof head, "%s.%" PRId64 ".", id, seconds);
    crypto_auth_hmacsha256_init(&state, secret, length);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)head, strlen(head));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body.bytes, body.length);
    crypto_auth_hmacsha256_final(&state, digest);
    memcpy(result, "v1,", 3);
    sodium_bin2base64(result + 3, WEBHOOK_SIGNATURE - 3, digest, sizeof digest, sodium_base64_VARIANT_ORIGINAL);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(&state, sizeof state);
    return true;
}

struct request {
    CURL *easy;
    struct curl_slist *headers;
    struct delivery *delivery;
    char answer[ANSWER_MOST], trouble[CURL_ERROR_SIZE];
    size_t length;
};

static void request_clear(struct request *request)
{
    if (request->easy)
        curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->headers);
}

static size_t on_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct request *request = context;
    size_t room = sizeof request->answer - request->length;
    size_t length = size * count < room ? size * count : room;
    memcpy(request->answer + request->length, bytes, length);
    request->length += length;
    return size * count; /* the rest is of no interest, and bounded by the patience */
}

static int on_progress(void *context, curl_off_t to_come, curl_off_t came, curl_off_t to_send, curl_off_t sent)
{
    const struct delivery *delivery = ((const struct request *)context)->delivery;
    (void)to_come, (void)came, (void)to_send, (void)sent;
    return delivery->is_over(delivery->context);
}

static bool add_header(struct request *request, const char *name, const char *value)
{
    char line[256];
    snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(request->headers, line);
    if (longer)
        request->headers = longer;
    return longer != NULL;
}

static bool sign(struct request *request, const struct channel *channel, moment now)
{
    struct delivery *delivery = request->delivery;
    char key[KEY_MOST], seconds[24], signature[WEBHOOK_SIGNATURE];
    if (channel->secret[0] == '\0')
        return true;
    if (delivery_read_secret(delivery, channel->secret, key, sizeof key) < 0)
        return false;
    bool is_key = webhook_sign(text_of(key), delivery->id, now / SECOND, delivery->bytes, signature);
    explicit_bzero(key, sizeof key);
    snprintf(seconds, sizeof seconds, "%" PRId64, now / SECOND);
    if (!is_key)
        snprintf(delivery->trouble, sizeof delivery->trouble, "%.150s: what follows " PREFIX " is no base64",
                 channel->secret);
    return is_key && add_header(request, "webhook-timestamp", seconds) &&
           add_header(request, "webhook-signature", signature);
}

static void prepare(struct request *request, const struct channel *channel)
{
    CURL *easy = request->easy;
    curl_easy_setopt(easy, CURLOPT_URL, channel->url.items[0]);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "postern/" POSTERN_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a resolver that is silent is not waited for */
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(channel->patience / MILLISECOND));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->delivery->bytes.length);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->delivery->bytes.bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->trouble);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, request);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

/* What is wrong with this one request is said for good; what may be mended at either end is tried again. */
static enum delivered judge(struct request *request, CURLcode code)
{
    struct delivery *delivery = request->delivery;
    curl_off_t pause = 0;
    long status = 0;
    char text[DELIVERY_TROUBLE];
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &pause);
    if (code == CURLE_OK && status / 100 == 2)
        return DELIVERED;
    delivery->pause = pause <= 0 ? 0 : pause > PAUSE_MOST / SECOND ? PAUSE_MOST : pause * SECOND;
    if (code == CURLE_OK)
        snprintf(text, sizeof text, "it answered %ld %.*s", status, (int)request->length, request->answer);
    else
        snprintf(text, sizeof text, "%.200s", request->trouble[0] ? request->trouble : curl_easy_strerror(code));
    text_copy_printable(text_trim(text_of(text)), delivery->trouble, sizeof delivery->trouble);
    bool is_ours = status == 400 || status == 405 || (status >= 411 && status <= 422);
    return code == CURLE_OK && is_ours ? DELIVERY_REFUSED : DELIVERY_AWAY;
}

enum delivered webhook_deliver(const struct channel *channel, moment now, struct delivery *delivery)
{
    CLEANUP(request_clear) struct request request = {.easy = curl_easy_init(), .delivery = delivery};
    bool made = request.easy && channel->url.count > 0 && add_header(&request, "Content-Type", "application/json") &&
                add_header(&request, "webhook-id", delivery->id) &&
                add_header(&request, "Idempotency-Key", delivery->id) && sign(&request, channel, now);
    if (!made) {
        if (delivery->trouble[0] == '\0')
            snprintf(delivery->trouble, sizeof delivery->trouble, "%s",
                     channel->url.count > 0 ? "no memory for a request" : "there is no url to send it to");
        return DELIVERY_AWAY;
    }
    prepare(&request, channel);
    return judge(&request, curl_easy_perform(request.easy));
}
