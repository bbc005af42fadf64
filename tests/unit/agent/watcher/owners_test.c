/* Owners of connections: what is observed waits for the answer, not for long, and in its order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/watcher/owners.h"

static union message asked[2000];
static size_t questions;
static char said[64 * 1024];

static void on_ask(void *context, const union message *question)
{
    (void)context;
    assert_true(message_is_sound(question));
    if (questions < 2000)
        asked[questions] = *question;
    questions++;
}

/* "PORT:USER " for each observation; "-" where the user is not known, "carrier" where it is a mail server's. */
static void on_observe(void *context, const struct observation *o, enum owned owned)
{
    (void)context;
    size_t length = strlen(said);
    if (o->origin.user_known)
        snprintf(said + length, sizeof said - length, "%u:%u ", o->origin.client_port, o->origin.user);
    else
        snprintf(said + length, sizeof said - length, "%u:%s ", o->origin.client_port,
                 owned == OWNED_BY_CARRIER ? "carrier" : "-");
    assert_true(o->origin.user_known == (owned == OWNED_BY_USER));
    if (o->kind == OBSERVATION_HELO)
        assert_true(text_equals(o->helo.name, TEXT("host")));
}

static struct observation seen(uint16_t port)
{
    static char name[8];
    struct observation o = {.kind = OBSERVATION_HELO, .server_port = 25};
    strcpy(name, "host");
    o.helo.name = text_of(name);
    o.origin.client_port = port;
    assert_true(address_parse(TEXT("203.0.113.11"), &o.origin.address));
    assert_true(address_parse(TEXT("198.51.100.25"), &o.server));
    return o;
}

static void begin(struct owners *owners, uint16_t port)
{
    struct observation o = seen(port);
    owners_begin(owners, &o.origin, &o.server, o.server_port);
}

static void hear(struct owners *owners, uint16_t port)
{
    struct observation o = seen(port);
    owners_hear(owners, &o);
    memset((char *)(uintptr_t)o.helo.name.bytes, 'x', 4); /* it was borrowed */
}

static void answer(struct owners *owners, size_t question, enum owned owned, uint32_t user)
{
    struct message_owner message = asked[question].owner;
    message.owned = owned;
    message.user = user;
    owners_answer(owners, &message);
}

static struct owners *make(void)
{
    const struct owners_listener listener = {NULL, on_ask, on_observe};
    struct error error = {0};
    struct owners *owners = owners_create(&listener, &(struct siphash_key){{1, 2}}, &error);
    assert_non_null(owners);
    questions = 0;
    said[0] = '\0';
    return owners;
}

static void an_answer_in_time_is_filled_in(void **state)
{
    (void)state;
    struct owners *owners = make();
    begin(owners, 1);
    assert_int_equal(questions, 1);
    hear(owners, 1);
    assert_string_equal(said, "");
    answer(owners, 0, OWNED_BY_USER, 1001);
    assert_string_equal(said, "1:1001 ");
    hear(owners, 1); /* and holds from then on, at once */
    assert_string_equal(said, "1:1001 1:1001 ");
    assert_int_equal(questions, 1);
    owners_destroy(&owners);
}

static void a_mail_servers_is_nobodys_and_known_as_such(void **state)
{
    (void)state;
    struct owners *owners = make();
    begin(owners, 1);
    hear(owners, 1);
    answer(owners, 0, OWNED_BY_CARRIER, 0);
    hear(owners, 1);
    begin(owners, 1); /* the same ends again: it is not known yet whose it is now */
    hear(owners, 1);
    answer(owners, 1, OWNED_UNKNOWN, 0);
    assert_string_equal(said, "1:carrier 1:carrier 1:- ");
    struct observation o = seen(1);
    owners_fill(owners, &o.origin, &o.server, o.server_port);
    assert_false(o.origin.user_known);
    owners_destroy(&owners);
}

static void order_is_kept(void **state)
{
    (void)state;
    struct owners *owners = make();
    begin(owners, 1);
    begin(owners, 2);
    hear(owners, 1);
    hear(owners, 2);
    answer(owners, 1, OWNED_BY_USER, 22);
    hear(owners, 2);
    assert_string_equal(said, "");
    answer(owners, 0, OWNED_UNKNOWN, 0);
    assert_string_equal(said, "1:- 2:22 2:22 ");
    owners_destroy(&owners);
}

static void nobody_waits_for_long(void **state)
{
    (void)state;
    struct owners *owners = make();
    owners_tick(owners, SECOND);
    hear(owners, 1); /* joined in the middle: asked now */
    assert_int_equal(questions, 1);
    assert_true(owners_tick(owners, SECOND + OWNER_PATIENCE - 1));
    assert_string_equal(said, "");
    assert_false(owners_tick(owners, SECOND + OWNER_PATIENCE));
    assert_string_equal(said, "1:- ");
    answer(owners, 0, OWNED_BY_USER, 7); /* late, and good for what follows */
    hear(owners, 1);
    assert_string_equal(said, "1:- 1:7 ");
    begin(owners, 1); /* another connection from the same port */
    assert_int_equal(questions, 2);
    owners_destroy(&owners);
}

static void what_waits_and_what_is_asked_is_bounded(void **state)
{
    (void)state;
    struct owners *owners = make();
    for (int i = 0; i < 20000; i++)
        hear(owners, 1);
    assert_true(strlen(said) > 0);
    assert_int_equal(questions, 1);
    for (uint16_t port = 2; port < 60000; port++)
        begin(owners, port);
    assert_true(questions <= 1024);
    owners_tick(owners, 2 * SECOND); /* they are given up */
    begin(owners, 60001);
    assert_true(questions <= 1025);
    owners_destroy(&owners);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_in_time_is_filled_in),
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(a_mail_servers_is_nobodys_and_known_as_such),
        cmocka_unit_test(nobody_waits_for_long),
        cmocka_unit_test(what_waits_and_what_is_asked_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
