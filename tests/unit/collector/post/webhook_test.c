/* A webhook, as its receiver sees it: what is signed, and what its answers come to. */
#include "collector/post/webhook.h"
#include <signal.h>
#include "tests/unit/collector/filter/server.h"
#include "tests/unit/collector/post/delivering.h"

#define NOW (1614265330 * SECOND)

static struct channel channel;
static struct delivery delivery;

static enum delivered deliver(const char *answer)
{
    const struct server_step steps[] = {{"\r\n\r\n", "", 0}, {"{\"a\":1}", answer, 0}, {"", NULL, 0}};
    struct server *server = server_start(steps, false, false);
    snprintf(channel.url.items[0], sizeof channel.url.items[0], "http://%.40s/hook", server->address);
    channel.url.count = 1;
    channel.patience = 5 * SECOND;
    delivery = delivering(TEXT(""), TEXT("{\"a\":1}"));
    enum delivered result = webhook_deliver(&channel, NOW, &delivery);
    server_end(server);
    assert_non_null(strstr(server->heard, "POST /hook HTTP/"));
    assert_non_null(strstr(server->heard, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(server->heard, "\r\nwebhook-id: 00112233445566778899aabbccddeeff\r\n"));
    assert_non_null(strstr(server->heard, "\r\nIdempotency-Key: 00112233445566778899aabbccddeeff\r\n"));
    if (channel.secret[0])
        assert_non_null(strstr(server->heard, "\r\nwebhook-timestamp: 1614265330\r\nwebhook-signature: v1,"));
    else
        assert_null(strstr(server->heard, "webhook-signature"));
    free(server);
    return result;
}

/* The one of the specification. */
static void a_known_signature(void **state)
{
    char signature[WEBHOOK_SIGNATURE];
    (void)state;
    assert_true(webhook_sign(TEXT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                             TEXT("{\"test\": 2432232314}"), signature));
    assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_false(webhook_sign(TEXT("whsec_!"), "m", 1, TEXT(""), signature));
    assert_true(webhook_sign(TEXT("any words will do"), "m", 1, TEXT(""), signature));
}

static void what_its_answers_come_to(void **state)
{
    static const struct {
        const char *answer;
        enum delivered result;
        duration pause;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", DELIVERED, 0},
        {"HTTP/1.1 204 No Content\r\n\r\n", DELIVERED, 0},
        {"HTTP/1.1 400 Bad\r\nContent-Length: 5\r\n\r\nno id", DELIVERY_REFUSED, 0},
        {"HTTP/1.1 413 Long\r\nContent-Length: 0\r\n\r\n", DELIVERY_REFUSED, 0},
        {"HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n", DELIVERY_AWAY, 0},
        {"HTTP/1.1 404 Where\r\nContent-Length: 0\r\n\r\n", DELIVERY_AWAY, 0},
        {"HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", DELIVERY_AWAY, 0},
        {"HTTP/1.1 429 Slow\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n", DELIVERY_AWAY, 2 * MINUTE},
        {"HTTP/1.1 503 Off\r\nRetry-After: 999999999\r\nContent-Length: 0\r\n\r\n", DELIVERY_AWAY, HOUR},
        {"what\r\n", DELIVERY_AWAY, 0},
        {"", DELIVERY_AWAY, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum delivered result = deliver(cases[i].answer);
        if (result != cases[i].result || delivery.pause != cases[i].pause)
            fail_msg("%s: %d, \"%s\"", cases[i].answer, (int)result, delivery.trouble);
        assert_int_equal(delivery.trouble[0] == '\0', result == DELIVERED);
    }
    deliver("HTTP/1.1 400 Bad\r\nContent-Length: 6\r\n\r\nno\x1b[2J");
    assert_string_equal(delivery.trouble, "it answered 400 no?[2J");
}

static void a_key_is_read_from_its_file(void **state)
{
    char path[] = "/tmp/key.XXXXXX";
    int descriptor = mkstemp(path);
    (void)state;
    assert_int_equal(write(descriptor, "whsec_AAAA\n", 11), 11);
    strcpy(channel.secret, path);
    assert_int_equal(deliver("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), DELIVERED);
    assert_int_equal(pwrite(descriptor, "whsec_?!", 8, 0), 8);
    delivery = delivering(TEXT(""), TEXT("{}"));
    assert_int_equal(webhook_deliver(&channel, NOW, &delivery), DELIVERY_AWAY);
    assert_says(&delivery, "no base64");
    close(descriptor);
    unlink(path);
    delivery = delivering(TEXT(""), TEXT("{}"));
    assert_int_equal(webhook_deliver(&channel, NOW, &delivery), DELIVERY_AWAY);
    assert_says(&delivery, path);
    channel.secret[0] = '\0';
}

static void a_receiver_that_is_silent_is_away(void **state)
{
    const struct server_step steps[] = {{"", NULL, 0}};
    struct server *server = server_start(steps, true, false);
    (void)state;
    snprintf(channel.url.items[0], sizeof channel.url.items[0], "http://%.40s/", server->address);
    channel.patience = SECOND / 2;
    delivery = delivering(TEXT(""), TEXT("{}"));
    assert_int_equal(webhook_deliver(&channel, NOW, &delivery), DELIVERY_AWAY);
    assert_says(&delivery, "timed out");
    server_end(server);
    free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_signature),
        cmocka_unit_test(what_its_answers_come_to),
        cmocka_unit_test(a_key_is_read_from_its_file),
        cmocka_unit_test(a_receiver_that_is_silent_is_away),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
