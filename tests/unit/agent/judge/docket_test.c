/* Observations that wait: each with copies of its own texts, as many as there is room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/judge/docket.h"

static void texts_are_copied(void **state)
{
    (void)state;
    static struct docket docket;
    char account[] = "anna", from[] = "anna@firm.test", address[] = "ben@other.test", phrase[] = "Ok";
    struct observation given = {.kind = OBSERVATION_RECIPIENT, .time = 7};
    given.origin.account = text_of(account);
    given.recipient.from = text_of(from);
    given.recipient.address = text_of(address);
    given.recipient.reply.phrase = text_of(phrase);
    struct docket_entry *entry = docket_add(&docket, &given);
    assert_non_null(entry);
    memset(account, 'x', sizeof account - 1);
    memset(from, 'x', sizeof from - 1);
    memset(address, 'x', sizeof address - 1);
    memset(phrase, 'x', sizeof phrase - 1);
    assert_true(entry->observation.time == 7);
    assert_true(text_equals(entry->observation.origin.account, TEXT("anna")));
    assert_true(text_equals(entry->observation.recipient.from, TEXT("anna@firm.test")));
    assert_true(text_equals(entry->observation.recipient.address, TEXT("ben@other.test")));
    assert_true(text_equals(entry->observation.recipient.reply.phrase, TEXT("Ok")));
    docket_clear(&docket);
}

/* The null sender is empty; a sender that was not seen is none. */
static void what_was_not_seen_stays_so(void **state)
{
    (void)state;
    static struct docket docket;
    struct observation given = {.kind = OBSERVATION_MESSAGE};
    struct docket_entry *entry = docket_add(&docket, &given);
    assert_null(entry->observation.message.from.bytes);
    given.message.from = TEXT("");
    entry = docket_add(&docket, &given);
    assert_non_null(entry->observation.message.from.bytes);
    assert_int_equal(entry->observation.message.from.length, 0);
    docket_clear(&docket);
}

static void room_is_bounded(void **state)
{
    (void)state;
    static struct docket docket;
    static char much[DOCKET_TEXTS + 1];
    struct observation bare = {.kind = OBSERVATION_CONNECTION}, helo = {.kind = OBSERVATION_HELO};
    for (size_t i = 0; i < DOCKET_MOST; i++)
        assert_non_null(docket_add(&docket, &bare));
    assert_null(docket_add(&docket, &bare));
    docket_clear(&docket);

    helo.helo.name = (struct text){much, DOCKET_TEXTS + 1};
    assert_null(docket_add(&docket, &helo));
    helo.helo.name.length = DOCKET_TEXTS;
    assert_non_null(docket_add(&docket, &helo));
    helo.helo.name.length = 1;
    assert_null(docket_add(&docket, &helo)); /* and what did not fit took nothing */
    helo.helo.name.length = 0;
    assert_non_null(docket_add(&docket, &helo));
    assert_int_equal(docket.count, 2);
    docket_clear(&docket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_are_copied), cmocka_unit_test(what_was_not_seen_stays_so),
                                       cmocka_unit_test(room_is_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
