/* Any bytes at all on the policy socket, in one piece: questions are answered with one plain line each, what is none is
 * refused with a sentence, and a question is understood alike however many bytes stand behind it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/courier/accounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define NOW (1700000000 * SECOND)

static struct accounts *make_accounts(void)
{
    struct accounts *accounts;
    struct error error = {0};
    if (accounts_create(8, &accounts, &error) != 0)
        abort();
    const struct order orders[] = {
        {.target = sender_from_account(TEXT("alice")), .deed = DEED_BLOCK, .until = NOW + HOUR},
        {.target = sender_from_account(TEXT("bob")), .deed = DEED_THROTTLE, .until = NOW + HOUR, .rate = 2},
    };
    accounts_enforce(accounts, true);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        accounts_order(accounts, &orders[i], NOW);
    return accounts;
}

static void check_answer(struct accounts *accounts, const struct policy_request *request)
{
    char action[ACCOUNTS_ACTION];
    enum account_answer given = accounts_answer(accounts, request, NOW, action);
    if ((given == ACCOUNT_PASSES) != (strcmp(action, "DUNNO") == 0) || strlen(action) + 1 >= sizeof action)
        abort();
    for (const char *at = action; *at; at++)
        if (*at < ' ' || *at > '~')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct text rest = {(const char *)bytes, length};
    struct accounts *accounts = make_accounts();
    struct policy_request request, alone;
    struct error error = {0};
    int taken;
    while ((taken = policy_request_parse(rest, &request, &error)) > 0) {
        if ((size_t)taken > rest.length || taken > POLICY_REQUEST_MOST + 2 ||
            policy_request_parse((struct text){rest.bytes, (size_t)taken}, &alone, &error) != taken ||
            !text_equals(alone.account, request.account) || !text_equals(alone.instance, request.instance))
            abort();
        check_answer(accounts, &request);
        rest.bytes += taken;
        rest.length -= (size_t)taken;
    }
    if (taken < 0 && (!error.text[0] || error.code == 0))
        abort();
    if (taken == 0 && rest.length > POLICY_REQUEST_MOST)
        abort();
    accounts_destroy(&accounts);
    return 0;
}
