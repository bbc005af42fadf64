/* The sender table: whom an observation is about, what is counted how, who gives way. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/sender/senders.h"

struct room {
    struct senders_shape shape;
    void *memory;
    size_t size;
    struct senders *senders;
};

static struct room make_room(uint32_t places)
{
    struct error error = {0};
    struct room room = {.shape = {.senders = places, .sketches = 64, .judge_bytes = 100, .fingerprint = 42}};
    room.size = senders_memory(&room.shape);
    room.memory = aligned_alloc(64, (room.size + 63) / 64 * 64);
    assert_non_null(room.memory);
    memset(room.memory, 0, room.size);
    room.senders = senders_place(room.memory, &room.shape, &error);
    assert_non_null(room.senders);
    return room;
}

static void clear_room(struct room *room)
{
    senders_release(&room->senders);
    free(room->memory);
}

static struct sender user(uint32_t number)
{
    return sender_from_user(number);
}

static struct address ipv4(uint8_t last)
{
    return (struct address){4, 32, {192, 0, 2, last}};
}

/* --- attribution --- */

static void test_the_port_is_the_sender_whatever_the_address_says(void **unused)
{
    (void)unused;
    struct room room = make_room(16);
    char text[SENDER_TEXT];
    struct origin origin = {.address = ipv4(7)};
    static const uint32_t numbers[] = {5, 1, 9, 3, 7};
    for (size_t i = 0; i < 5; i++) {
        struct senders_port port = {.number = numbers[i]};
        snprintf(port.interface, sizeof port.interface, "vnet%u", numbers[i]);
        assert_true(senders_set_port(room.senders, &port));
    }
    static const struct {
        uint32_t port;
        const char *want;
    } rows[] = {{0, "192.0.2.7"},  {1, "port:vnet1"}, {3, "port:vnet3"},
                {9, "port:vnet9"}, {2, "192.0.2.7"},  {10, "192.0.2.7"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        origin.port = rows[i].port;
        struct sender sender = senders_attribute(room.senders, &origin);
        assert_string_equal(sender_print(&sender, text), rows[i].want);
    }
    struct senders_port renamed = {3, "tap3"};
    assert_true(senders_set_port(room.senders, &renamed));
    senders_drop_port(room.senders, 5);
    senders_drop_port(room.senders, 6); /* never was */
    origin.port = 3;
    struct sender sender = senders_attribute(room.senders, &origin);
    assert_string_equal(sender_print(&sender, text), "port:tap3");
    assert_true(senders_has_port(room.senders, &sender));
    sender = sender_from_port("vnet3"); /* as it was called before */
    assert_false(senders_has_port(room.senders, &sender));
    origin.port = 5;
    sender = senders_attribute(room.senders, &origin);
    assert_string_equal(sender_print(&sender, text), "192.0.2.7");
    origin.port = 7;
    sender = senders_attribute(room.senders, &origin);
    assert_string_equal(sender_print(&sender, text), "port:vnet7");
    clear_room(&room);
}

static void test_an_account_comes_before_a_user_before_an_address(void **unused)
{
    (void)unused;
    struct room room = make_room(16);
    char text[SENDER_TEXT];
    struct senders_port port = {.number = 4, .interface = "vnet4"};
    assert_true(senders_set_port(room.senders, &port));
    struct origin origin = {.user = 1001};
    assert_true(address_parse(TEXT("192.0.2.7"), &origin.address));
    struct sender sender = senders_attribute(room.senders, &origin);
    assert_string_equal(sender_print(&sender, text), "192.0.2.7");
    origin.user_known = true;
    sender = senders_attribute(room.senders, &origin);
    assert_string_equal(sender_print(&sender, text), "uid:1001");
    origin.account = TEXT("Alice@example.com");
    sender = senders_attribute(room.senders, &origin);
    assert_string_equal(sender_print(&sender, text), "account:alice@example.com");
    origin.port = 4;
    sender = senders_attribute(room.senders, &origin);
    assert_string_equal(sender_print(&sender, text), "port:vnet4");
    clear_room(&room);
}

/* Accounts that begin alike are found apart, also where the guess of a place is the same for both. */
static void test_accounts_are_kept_apart(void **unused)
{
    (void)unused;
    struct room room = make_room(5000);
    char name[64];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 4000; i++) {
            snprintf(name, sizeof name, "somebody-in-a-long-row-%d@example.com", i);
            struct sender sender = sender_from_account(text_of(name));
            struct sender_record *record = senders_record(room.senders, &sender, SECOND);
            assert_true(sender_equals(&record->sender, &sender));
            assert_ptr_equal(senders_find(room.senders, &sender), record);
        }
    assert_int_equal(senders_number(room.senders), 4000);
    clear_room(&room);
}

static void test_an_ipv6_customer_has_a_prefix(void **unused)
{
    (void)unused;
    struct room room = make_room(16);
    char text[SENDER_TEXT];
    struct origin origin = {0};
    assert_true(address_parse(TEXT("2001:db8:1:2:3:4:5:6"), &origin.address));
    struct sender sender = senders_attribute(room.senders, &origin);
    assert_string_equal(sender_print(&sender, text), "2001:db8:1:2::/64");
    clear_room(&room);
}

/* --- counting --- */

static struct observation seen(enum observation_kind kind)
{
    return (struct observation){.kind = kind, .server = ipv4(25)};
}

static void count(struct room *room, const struct observation *observation)
{
    struct sender sender = user(1);
    senders_count(room->senders, senders_record(room->senders, &sender, observation->time), observation);
}

static const struct sender_record *counted(struct room *room)
{
    struct sender sender = user(1);
    return senders_find(room->senders, &sender);
}

static void test_connections(void **unused)
{
    (void)unused;
    struct room room = make_room(16);
    struct observation o = seen(OBSERVATION_CONNECTION);
    static const enum connection_outcome outcomes[] = {CONNECTION_OPENED, CONNECTION_OPENED, CONNECTION_REFUSED,
                                                       CONNECTION_UNANSWERED};
    for (uint8_t i = 0; i < 4; i++) {
        o.connection.outcome = outcomes[i];
        o.server = ipv4(i);
        count(&room, &o);
    }
    assert_int_equal(counted(&room)->connections, 2);
    assert_int_equal(counted(&room)->connect_failed, 2);
    assert_int_equal(senders_distinct(room.senders, &counted(&room)->distinct_servers), 2);
    clear_room(&room);
}

static void test_messages_and_recipients_by_their_answer(void **unused)
{
    (void)unused;
    struct room room = make_room(16);
    static const uint16_t codes[] = {250, 251, 450, 550, 552, 0, 354};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char address[32];
        snprintf(address, sizeof address, "user%zu@example.org", i / 2);
        struct observation o = seen(OBSERVATION_RECIPIENT);
        o.recipient.reply.code = codes[i];
        o.recipient.address = text_of(address);
        count(&room, &o);
        o = seen(OBSERVATION_MESSAGE);
        o.message.reply.code = codes[i];
        o.message.bytes = 100;
        count(&room, &o);
    }
    const struct sender_record *record = counted(&room);
    assert_int_equal(record->recipients, 2);
    assert_int_equal(record->recipients_deferred, 1);
    assert_int_equal(record->recipients_rejected, 2);
    assert_int_equal(senders_distinct(room.senders, &record->distinct_recipients), 4);
    assert_int_equal(record->messages, 2);
    assert_int_equal(record->messages_rejected, 3);
    assert_int_equal(record->bytes, 700); /* of all content, answered or not */
    clear_room(&room);
}

static void test_which_names_are_the_same(void **unused)
{
    (void)unused;
    static const struct {
        enum observation_kind kind;
        const char *names[4];
        uint64_t want;
    } rows[] = {
        {OBSERVATION_HELO, {"Mail.Example.org", "mail.example.ORG", "mail.example.org.", "mail"}, 3},
        {OBSERVATION_TRANSACTION, {"a@Example.org", "a@example.ORG", "A@example.org", ""}, 3}, /* "": the null sender */
        {OBSERVATION_RECIPIENT, {"postmaster", "Postmaster", "x@y@Z", "x@y@z"}, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct room room = make_room(16);
        for (size_t n = 0; n < 4; n++) {
            struct observation o = seen(rows[i].kind);
            struct text name = text_of(rows[i].names[n]);
            if (rows[i].kind == OBSERVATION_HELO)
                o.helo.name = name;
            else if (rows[i].kind == OBSERVATION_TRANSACTION)
                o.transaction.from = name;
            else
                o.recipient.address = name;
            count(&room, &o);
        }
        const struct sender_record *r = counted(&room);
        const struct count *counts[] = {&r->distinct_helos, &r->distinct_senders, &r->distinct_recipients};
        assert_int_equal(senders_distinct(room.senders, counts[i]), rows[i].want);
        clear_room(&room);
    }
}

static void test_distinct_counts_are_exact_to_256_and_close_beyond(void **unused)
{
    (void)unused;
    struct room room = make_room(16);
    for (int i = 0; i < 20000; i++) {
        char address[40];
        snprintf(address, sizeof address, "user%d@example.org", i);
        struct observation o = seen(OBSERVATION_RECIPIENT);
        o.recipient.address = text_of(address);
        count(&room, &o);
        count(&room, &o);
        if (i < 256)
            assert_int_equal(senders_distinct(room.senders, &counted(&room)->distinct_recipients), i + 1);
    }
    int64_t estimate = (int64_t)senders_distinct(room.senders, &counted(&room)->distinct_recipients);
    assert_true(llabs(estimate - 20000) < 20000 * 3 * 3 / 100);
    clear_room(&room);
}

static void test_tls_and_time(void **unused)
{
    (void)unused;
    struct room room = make_room(16);
    struct observation o = seen(OBSERVATION_TLS);
    static const moment times[] = {50, 70, 40, 60};
    for (size_t i = 0; i < 4; i++) {
        o.time = times[i];
        count(&room, &o);
    }
    assert_int_equal(counted(&room)->tls_sessions, 4);
    assert_int_equal(counted(&room)->first, 40);
    assert_int_equal(counted(&room)->last, 70);
    assert_int_equal(counted(&room)->busy & 1, 0);
    clear_room(&room);
}

/* --- who gives way --- */

static void note_leaving(void *context, struct sender_record *record)
{
    char text[SENDER_TEXT], *all = context;
    strcat(strcat(all, sender_print(&record->sender, text)), " ");
}

static void test_the_one_quiet_longest_gives_way(void **unused)
{
    (void)unused;
    struct room room = make_room(4);
    char left[256] = "";
    senders_on_leaving(room.senders, note_leaving, left);
    static const uint32_t steps[] = {1, 2, 3, 4, 1, 5, 6, 2};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct sender sender = user(steps[i]);
        struct sender_record *record = senders_record(room.senders, &sender, (moment)(i + 1) * 10 * SECOND);
        assert_int_equal(record->messages, 0); /* nobody finds another's counts */
        memset(senders_judge_bytes(room.senders, record), 0xff, 100);
    }
    assert_string_equal(left, "uid:2 uid:3 uid:4 ");
    assert_int_equal(senders_number(room.senders), 4);
    struct sender newcomer = user(9);
    const uint8_t *bytes = senders_judge_bytes(room.senders, senders_record(room.senders, &newcomer, 100 * SECOND));
    for (int i = 0; i < 100; i++)
        assert_int_equal(bytes[i], 0);
    clear_room(&room);
}

static void test_who_is_held_is_passed_over(void **unused)
{
    (void)unused;
    struct room room = make_room(4);
    char left[256] = "";
    senders_on_leaving(room.senders, note_leaving, left);
    for (uint32_t i = 1; i <= 4; i++) {
        struct sender sender = user(i);
        senders_record(room.senders, &sender, i)->held = i != 3;
    }
    struct sender newcomer = user(5);
    senders_record(room.senders, &newcomer, 5)->held = 1;
    assert_string_equal(left, "uid:3 ");
    newcomer = user(6); /* all are held: then the oldest after all */
    senders_record(room.senders, &newcomer, 6);
    assert_int_equal(senders_number(room.senders), 4);
    clear_room(&room);
}

static void test_sketches_come_back_when_a_sender_leaves(void **unused)
{
    (void)unused;
    struct room room = make_room(2);
    for (uint32_t s = 0; s < 1000; s++) {
        struct sender sender = user(s);
        for (int i = 0; i < 5; i++) {
            char name[32];
            snprintf(name, sizeof name, "name%d", i);
            struct observation o = seen(OBSERVATION_HELO);
            o.helo.name = text_of(name);
            struct sender_record *record = senders_record(room.senders, &sender, s);
            senders_count(room.senders, record, &o);
        }
        assert_int_equal(senders_distinct(room.senders, &senders_find(room.senders, &sender)->distinct_helos), 5);
        if (s % 3 == 0)
            senders_forget(room.senders, &sender);
    }
    clear_room(&room);
}

static void test_walking_by_age(void **unused)
{
    (void)unused;
    struct room room = make_room(8);
    static const uint32_t steps[] = {3, 1, 2, 3, 4};
    char order[128] = "", text[SENDER_TEXT];
    for (size_t i = 0; i < 5; i++) {
        struct sender sender = user(steps[i]);
        senders_record(room.senders, &sender, (moment)i * 10 * SECOND); /* the order of age is kept in such steps */
    }
    for (struct sender_record *r = senders_oldest(room.senders); r; r = senders_younger(room.senders, r))
        strcat(strcat(order, sender_print(&r->sender, text)), " ");
    assert_string_equal(order, "uid:1 uid:2 uid:3 uid:4 ");
    clear_room(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_port_is_the_sender_whatever_the_address_says),
        cmocka_unit_test(test_an_account_comes_before_a_user_before_an_address),
        cmocka_unit_test(test_accounts_are_kept_apart),
        cmocka_unit_test(test_an_ipv6_customer_has_a_prefix),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_messages_and_recipients_by_their_answer),
        cmocka_unit_test(test_which_names_are_the_same),
        cmocka_unit_test(test_distinct_counts_are_exact_to_256_and_close_beyond),
        cmocka_unit_test(test_tls_and_time),
        cmocka_unit_test(test_the_one_quiet_longest_gives_way),
        cmocka_unit_test(test_who_is_held_is_passed_over),
        cmocka_unit_test(test_sketches_come_back_when_a_sender_leaves),
        cmocka_unit_test(test_walking_by_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
