/* Requests against a server that answers well, badly, slowly and not at all; the loop goes on meanwhile. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/io/http_client.h"

#define ANSWER_MOST 5000

static pid_t server;
static int port;

static void reply(int connection, int status, const char *body, size_t length)
{
    char head[128];
    int size = snprintf(head, sizeof head, "HTTP/1.1 %d Fine\r\nContent-Length: %zu\r\n\r\n", status, length);
    if (write(connection, head, (size_t)size) != size || write(connection, body, length) != (ssize_t)length)
        _exit(1);
}

/* One connection: a request at a time, whole in the buffer. */
static void serve(int connection)
{
    static char bytes[70000], large[ANSWER_MOST + 1];
    size_t have = 0;
    for (;;) {
        ssize_t got = read(connection, bytes + have, sizeof bytes - 1 - have);
        if (got <= 0)
            return;
        bytes[have += (size_t)got] = 0;
        char *end = strstr(bytes, "\r\n\r\n"), *length = strcasestr(bytes, "content-length:");
        size_t body = length && end && length < end ? strtoul(length + 15, NULL, 10) : 0;
        if (!end || have < (size_t)(end + 4 - bytes) + body)
            continue;
        if (strstr(bytes, " /echo "))
            reply(connection, 200, bytes, have);
        else if (strstr(bytes, " /teapot "))
            reply(connection, 418, "short", 5);
        else if (strstr(bytes, " /large "))
            reply(connection, 200, large, sizeof large);
        else if (strstr(bytes, " /cut "))
            return;
        else if (strstr(bytes, " /never "))
            pause();
        have = 0;
    }
}

static int start_server(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 16) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        return -1;
    port = ntohs(address.sin_port);
    server = fork();
    if (server == 0) {
        signal(SIGCHLD, SIG_IGN);
        setpgid(0, 0);
        for (;;) {
            int connection = accept(listener, NULL, NULL);
            if (fork() == 0) {
                serve(connection);
                _exit(0);
            }
            close(connection);
        }
    }
    setpgid(server, server);
    close(listener);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    kill(-server, SIGKILL);
    waitpid(server, NULL, 0);
    return 0;
}

struct heard {
    sd_event *event;
    int status, calls, wanted;
    char body[ANSWER_MOST + 1], trouble[256];
};

static void on_answer(void *context, const struct http_answer *answer)
{
    struct heard *heard = context;
    heard->status = answer->status;
    assert_true(answer->body.length < sizeof heard->body);
    memcpy(heard->body, answer->body.bytes ? answer->body.bytes : "", answer->body.length);
    heard->body[answer->body.length] = 0;
    snprintf(heard->trouble, sizeof heard->trouble, "%s", answer->trouble ? answer->trouble : "");
    if (++heard->calls == heard->wanted)
        sd_event_exit(heard->event, 0);
}

struct bench {
    struct heard heard;
    struct http_client *client;
};

static struct bench make_bench(void)
{
    struct bench bench = {.heard.wanted = 1};
    struct error error = {0};
    const struct http_settings settings = {.answer_most = ANSWER_MOST};
    assert_true(sd_event_new(&bench.heard.event) >= 0);
    if (http_client_create(bench.heard.event, &settings, &bench.client, &error) < 0)
        fail_msg("%s", error.text);
    return bench;
}

static void clear_bench(struct bench *bench)
{
    http_client_destroy(&bench->client);
    sd_event_unref(bench->heard.event);
}

static int send_to(struct bench *bench, const char *path, struct http_request request)
{
    char url[96];
    struct error error = {0};
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    request.url = url;
    request.patience = request.patience ? request.patience : 20 * SECOND;
    int number = http_client_send(bench->client, &request, on_answer, &bench->heard, &error);
    if (number <= 0)
        fail_msg("%s", error.text);
    assert_int_equal(bench->heard.calls, 0);
    return number;
}

static void a_request_arrives_as_it_was_made(void **state)
{
    (void)state;
    struct bench bench = make_bench();
    send_to(&bench, "/echo",
            (struct http_request){.method = "POST",
                                  .bearer = "secret",
                                  .content_type = "application/x-ndjson",
                                  .content_encoding = "zstd",
                                  .body = TEXT("some bytes")});
    sd_event_loop(bench.heard.event);
    assert_int_equal(bench.heard.status, 200);
    assert_memory_equal(bench.heard.body, "POST /echo HTTP/1.1\r\n", 21);
    assert_non_null(strstr(bench.heard.body, "Authorization: Bearer secret\r\n"));
    assert_non_null(strstr(bench.heard.body, "Content-Type: application/x-ndjson\r\n"));
    assert_non_null(strstr(bench.heard.body, "Content-Encoding: zstd\r\n"));
    assert_non_null(strstr(bench.heard.body, "\r\n\r\nsome bytes"));
    assert_null(strstr(bench.heard.body, "Expect"));
    clear_bench(&bench);
}

static void what_goes_wrong_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        duration patience;
        int status;
    } rows[] = {{"/teapot", 0, 418}, {"/large", 0, 0}, {"/cut", 0, 0}, {"/never", 200 * MILLISECOND, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench bench = make_bench();
        send_to(&bench, rows[i].path, (struct http_request){.method = "GET", .patience = rows[i].patience});
        sd_event_loop(bench.heard.event);
        assert_int_equal(bench.heard.status, rows[i].status);
        assert_int_equal(bench.heard.trouble[0] != 0, rows[i].status == 0);
        clear_bench(&bench);
    }
}

static void nobody_listens(void **state)
{
    (void)state;
    struct bench bench = make_bench();
    struct error error = {0};
    const struct http_request request = {.method = "GET", .url = "http://127.0.0.1:1/", .patience = SECOND};
    assert_true(http_client_send(bench.client, &request, on_answer, &bench.heard, &error) > 0);
    sd_event_loop(bench.heard.event);
    assert_int_equal(bench.heard.status, 0);
    assert_int_not_equal(bench.heard.trouble[0], 0);
    clear_bench(&bench);
}

static void several_at_once_do_not_wait_for_each_other(void **state)
{
    (void)state;
    struct bench bench = make_bench();
    send_to(&bench, "/never", (struct http_request){.method = "GET"});
    int cancelled = send_to(&bench, "/echo", (struct http_request){.method = "GET"});
    for (int i = 0; i < 5; i++)
        send_to(&bench, "/teapot", (struct http_request){.method = "GET"});
    http_client_cancel(bench.client, cancelled);
    http_client_cancel(bench.client, 4711); /* there is none of that number */
    bench.heard.wanted = 5;
    sd_event_loop(bench.heard.event);
    assert_int_equal(bench.heard.calls, 5);
    assert_int_equal(bench.heard.status, 418);
    clear_bench(&bench); /* with one under way */
}

static void no_header_can_be_forged(void **state)
{
    (void)state;
    struct bench bench = make_bench();
    struct error error = {0};
    const struct http_request request = {
        .method = "GET", .url = "http://127.0.0.1:1/", .bearer = "a\r\nX: y", .patience = SECOND};
    assert_true(http_client_send(bench.client, &request, on_answer, &bench.heard, &error) < 0);
    clear_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_arrives_as_it_was_made),
        cmocka_unit_test(what_goes_wrong_is_said),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(several_at_once_do_not_wait_for_each_other),
        cmocka_unit_test(no_header_can_be_forged),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
