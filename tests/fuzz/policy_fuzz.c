/* Any bytes at all on the policy socket, in one piece: questions are answered with one plain line each, what is none is
 * refused with a sentence, and a question is understood alike however many bytes stand behind it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/courier/policy_request.h"
#include "agent/relay/decision.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define NOW (1700000000 * SECOND)

static struct relay_settings settings;

/* Every part of the answer has work: orders of each kind, rates, the greylist. */
static struct relay *make_relay(void)
{
    static const char *const lines =
        "[relay]\nsenders = 8\nrate_senders = 16\ngreylist_known = 16\ngreylist = yes\ndivert = hold\n"
        "client_messages_minute = 3\ndomain_recipients_hour = 5\naccount_recipients_minute = 4\n";
    static const struct siphash_key key = {{1, 2}};
    struct option_binding bindings[] = {relay_settings_bind(&settings), {.options = NULL}};
    struct relay *relay;
    struct error error = {0};
    struct sender address;
    if (options_read(bindings, text_of(lines), "fuzz", &error) < 0 ||
        relay_create(&settings, &key, &relay, &error) < 0 || !sender_parse(TEXT("192.0.2.1"), &address))
        abort();
    const struct order orders[] = {
        {.target = sender_from_account(TEXT("alice")), .deed = DEED_BLOCK, .until = NOW + HOUR},
        {.target = sender_from_account(TEXT("bob")), .deed = DEED_THROTTLE, .until = NOW + HOUR, .rate = 2},
        {.target = sender_from_account(TEXT("carol")), .deed = DEED_DIVERT, .until = NOW + HOUR},
        {.target = address, .deed = DEED_BLOCK, .until = NOW + HOUR},
    };
    relay_enforce(relay, true);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        relay_order(relay, &orders[i], NOW);
    return relay;
}

static void check_answer(struct relay *relay, const struct policy_request *request)
{
    char action[RELAY_ACTION];
    const struct relay_question question = {.stage = (enum relay_stage)(request->state.length % 3),
                                            .account = request->account,
                                            .client = request->client,
                                            .customer = request->client_name,
                                            .instance = request->instance,
                                            .sender = request->sender,
                                            .recipient = request->recipient,
                                            .recipients = (uint32_t)request->recipient_count.length};
    const struct relay_outcome given = relay_answer(relay, &question, NOW, action);
    if ((given.answer == RELAY_PASSES) != (strcmp(action, "DUNNO") == 0) || strlen(action) + 1 >= sizeof action)
        abort();
    for (const char *at = action; *at; at++)
        if (*at < ' ' || *at > '~')
            abort();
}

static bool are_equal(const struct policy_request *one, const struct policy_request *other)
{
    return one->kind == other->kind && text_equals(one->account, other->account) &&
           text_equals(one->instance, other->instance) && text_equals(one->client, other->client) &&
           text_equals(one->sender, other->sender) && text_equals(one->recipient, other->recipient) &&
           text_equals(one->likeness, other->likeness);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct relay *relay; /* one for all: to make it takes a thousand times as long as to answer */
    struct text rest = {(const char *)bytes, length};
    struct policy_request request, alone;
    struct error error = {0};
    int taken;
    if (!relay)
        relay = make_relay();
    while ((taken = policy_request_parse(rest, &request, &error)) > 0) {
        if ((size_t)taken > rest.length || taken > POLICY_REQUEST_MOST + 2 ||
            policy_request_parse((struct text){rest.bytes, (size_t)taken}, &alone, &error) != taken ||
            !are_equal(&alone, &request))
            abort();
        check_answer(relay, &request);
        rest.bytes += taken;
        rest.length -= (size_t)taken;
    }
    if (taken < 0 && (!error.text[0] || error.code == 0))
        abort();
    if (taken == 0 && rest.length > POLICY_REQUEST_MOST)
        abort();
    return 0;
}
