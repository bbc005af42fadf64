/* See request.h. What libmicrohttpd says of a request becomes plain texts here. */
#include "collector/api/request.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/api/once.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

static void print_client(struct MHD_Connection *connection, char result[64])
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    result[0] = '\0';
    if (info == NULL || info->client_addr == NULL)
        return;
    if (info->client_addr->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr, result, 64);
    else
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr, result, 64);
}

/* Whether who is there brought a certificate that our authority has signed. */
static bool certificate_is_good(struct MHD_Connection *connection)
{
    unsigned verdict = 1;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info && info->tls_session &&
           gnutls_certificate_verify_peers2((gnutls_session_t)info->tls_session, &verdict) == GNUTLS_E_SUCCESS &&
           verdict == 0;
}

/* The parameters the endpoint knows, "name=value" in one piece of memory each. */
static bool take_parameters(struct MHD_Connection *connection, struct exchange *exchange)
{
    for (int i = 0; exchange->endpoint->parameters[i]; i++) {
        const char *said = exchange->endpoint->parameters[i];
        size_t length = strcspn(said, ":");
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)length, said);
        const char *value = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
        char *copy = NULL;
        if (asprintf(&copy, "%s=%s", name, value ? value : "") < 0)
            return false;
        copy[length] = '\0';
        exchange->parameters[i].name = copy;
        exchange->parameters[i].value = value ? copy + length + 1 : NULL;
    }
    return true;
}

/* The bytes of body that its head announces; 0 where it comes in pieces. */
static unsigned long long announced(const struct request *request)
{
    const char *length = MHD_lookup_connection_value(request->way, MHD_HEADER_KIND, "Content-Length");
    return length ? strtoull(length, NULL, 10) : 0;
}

size_t request_body_most(const struct request *request)
{
    bool told = MHD_lookup_connection_value(request->way, MHD_HEADER_KIND, "Content-Length") != NULL &&
                MHD_lookup_connection_value(request->way, MHD_HEADER_KIND, "Transfer-Encoding") == NULL;
    return told ? (size_t)announced(request) : request->exchange.endpoint->body_most;
}

static bool examine_body(struct request *request)
{
    struct exchange *exchange = &request->exchange;
    const char *coding = MHD_lookup_connection_value(request->way, MHD_HEADER_KIND, "Content-Encoding");
    exchange->packed = coding && strcasecmp(coding, "zstd") == 0;
    if (coding && !exchange->packed)
        exchange_refuse(exchange, 415, "Content-Encoding: zstd or none");
    else if (announced(request) > exchange->endpoint->body_most)
        exchange_refuse(exchange, 413, "at most %zu bytes", exchange->endpoint->body_most);
    return exchange->status == 0;
}

static void examine(struct request *request, const char *method, const char *url, bool certified)
{
    struct exchange *exchange = &request->exchange;
    struct text target = {0};
    bool known;
    exchange->endpoint = endpoint_find(method, url, &target, &known);
    if (exchange->endpoint == NULL) {
        exchange_refuse(exchange, known ? 405 : 404, known ? "not with this method" : "there is nothing here");
        return;
    }
    const char *secret = MHD_lookup_connection_value(request->way, MHD_HEADER_KIND, "Authorization");
    if (exchange->endpoint->permission != MAY_ANYBODY &&
        (secret == NULL || !secret_parse(text_of(secret), &exchange->secret))) {
        exchange_refuse(exchange, 401, "a secret is needed: Authorization: Bearer ...");
        return;
    }
    if (!examine_body(request))
        return;
    if (exchange->endpoint->once &&
        !once_name(exchange, MHD_lookup_connection_value(request->way, MHD_HEADER_KIND, "Idempotency-Key"))) {
        exchange_refuse(exchange, 400, "Idempotency-Key: %d to %d letters, digits, - and _", ONCE_LEAST,
                        EXCHANGE_NAME - 1);
        return;
    }
    if (certified && exchange->endpoint->permission == MAY_NODE && !certificate_is_good(request->way)) {
        exchange_refuse(exchange, 403, "a node needs a certificate that this collector's authority has signed");
        return;
    }
    if (target.length)
        exchange->target = (struct text){strndup(target.bytes, target.length), target.length};
    if (!take_parameters(request->way, exchange) || (target.length && exchange->target.bytes == NULL))
        exchange_refuse(exchange, 503, "no memory");
    buffer_init(&exchange->body, exchange->endpoint->body_most);
}

struct request *request_begin(struct MHD_Connection *connection, const char *method, const char *url,
                              const struct means *means, bool certified)
{
    struct request *request = calloc(1, sizeof *request);
    if (request == NULL)
        return NULL;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    request->connection = info ? info->socket_context : NULL;
    request->way = connection;
    request->exchange.owner = request;
    request->exchange.means = means;
    request->exchange.arrived = clock_now();
    request->exchange.begun = clock_steady();
    buffer_init(&request->exchange.answer, EXCHANGE_ANSWER_MOST);
    print_client(connection, request->exchange.from);
    examine(request, method, url, certified);
    return request;
}

void request_free(struct request *request)
{
    struct exchange *exchange = &request->exchange;
    if (exchange->endpoint && exchange->endpoint->forget)
        exchange->endpoint->forget(exchange);
    buffer_clear(&exchange->body);
    buffer_clear(&exchange->answer);
    for (int i = 0; i < EXCHANGE_PARAMETERS; i++)
        free((char *)(uintptr_t)exchange->parameters[i].name);
    free((char *)(uintptr_t)exchange->target.bytes);
    free(request);
}

/* RFC 9530: without TLS nothing else says that an answer came as it was sent. */
static void add_digest(struct MHD_Response *response, const char *bytes, size_t length)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(sizeof digest, sodium_base64_VARIANT_ORIGINAL)], value[80];
    crypto_hash_sha256(digest, (const unsigned char *)bytes, length);
    sodium_bin2base64(text, sizeof text, digest, sizeof digest, sodium_base64_VARIANT_ORIGINAL);
    snprintf(value, sizeof value, "sha-256=:%s:", text);
    MHD_add_response_header(response, "Content-Digest", value);
}

enum MHD_Result request_send(struct request *request)
{
    struct exchange *exchange = &request->exchange;
    size_t length = exchange->answer.length;
    char *bytes = TAKE(exchange->answer.bytes);
    struct MHD_Response *response = MHD_create_response_from_buffer(length, bytes, MHD_RESPMEM_MUST_FREE);
    buffer_init(&exchange->answer, EXCHANGE_ANSWER_MOST);
    if (response == NULL)
        return MHD_NO;
    if (length && exchange->endpoint &&
        (exchange->endpoint->permission == MAY_NODE || exchange->endpoint->permission == MAY_TOKEN))
        add_digest(response, bytes, length);
    if (length)
        MHD_add_response_header(response, "Content-Type",
                                exchange->type    ? exchange->type
                                : exchange->plain ? "text/plain; version=0.0.4; charset=utf-8"
                                : exchange->lines ? "application/x-ndjson"
                                                  : "application/json");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (exchange->type) /* a browser is to store it, never to show it */
        MHD_add_response_header(response, "Content-Disposition", "attachment");
    if (exchange->status == 401)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    enum MHD_Result result = MHD_queue_response(request->way, (unsigned)exchange->status, response);
    MHD_destroy_response(response);
    return result;
}
