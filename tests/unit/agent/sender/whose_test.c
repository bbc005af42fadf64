/* Whose senders are, as they come, as they change their address, and as the map is changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/sender/senders.h"
#include "common/cleanup.h"

#define NOW (INT64_C(1700000000) * SECOND)

struct room {
    struct senders_shape shape;
    void *memory;
    size_t size;
    struct senders *senders;
};

static struct room make_room(void)
{
    struct room room = {.shape = {.senders = 16, .sketches = 64, .judge_bytes = 16, .fingerprint = 42}};
    room.size = senders_memory(&room.shape);
    room.memory = aligned_alloc(64, (room.size + 63) / 64 * 64);
    assert_non_null(room.memory);
    memset(room.memory, 0, room.size);
    room.senders = senders_place(room.memory, &room.shape, NULL);
    assert_non_null(room.senders);
    return room;
}

static void clear_room(struct room *room)
{
    senders_release(&room->senders);
    free(room->memory);
}

static struct customers *read_map(const char *text)
{
    struct customers *map = NULL;
    assert_int_equal(customers_read(text_of(text), "map", true, &map, NULL), 0);
    return map;
}

static struct observation opened_from(const char *address, uint8_t mac)
{
    struct observation observation = {.kind = OBSERVATION_CONNECTION, .time = NOW, .origin.mac = {2, 0, 0, 0, 0, mac}};
    observation.connection.outcome = CONNECTION_OPENED;
    assert_true(address_parse(text_of(address), &observation.origin.address));
    return observation;
}

static const char *after(struct room *room, const struct sender *sender, const struct observation *observation)
{
    struct sender_record *record = senders_record(room->senders, sender, NOW);
    senders_count(room->senders, record, observation);
    return record->whose.customer;
}

static const char *used(const struct room *room, const struct sender *sender, char result[ADDRESS_TEXT])
{
    const struct sender_record *record = senders_find(room->senders, sender);
    const struct address *address = whose_address(&record->whose, sender);
    return address ? address_print(address, result) : "";
}

static void who_comes_is_looked_up(void **state)
{
    (void)state;
    CLEANUP(clear_room) struct room room = make_room();
    CLEANUP(customers_destroy) struct customers *map = read_map("uid:7 acme\n");
    struct sender user = sender_from_user(7), other = sender_from_user(8), port = sender_from_port("tap101i0");
    assert_string_equal(senders_record(room.senders, &user, NOW)->whose.customer, ""); /* nobody has said so yet */
    senders_set_customers(room.senders, map);
    assert_string_equal(senders_record(room.senders, &user, NOW)->whose.customer, "acme");
    assert_string_equal(senders_record(room.senders, &other, NOW)->whose.customer, "");
    assert_string_equal(senders_record(room.senders, &port, NOW)->whose.customer, "vm101");
}

static void the_address_used_last_counts_where_it_was_answered(void **state)
{
    (void)state;
    CLEANUP(clear_room) struct room room = make_room();
    CLEANUP(customers_destroy)
    struct customers *map = read_map("203.0.113.0/28 acme\n203.0.113.16/28 baker\n02:00:00:00:00:09 carol\n");
    struct sender port = sender_from_port("vnet1");
    char text[ADDRESS_TEXT];
    senders_set_customers(room.senders, map);
    struct observation acme = opened_from("203.0.113.1", 1), baker = opened_from("203.0.113.17", 1);
    struct observation carol = opened_from("203.0.113.17", 9), machine = opened_from("127.0.0.1", 1);
    assert_string_equal(after(&room, &port, &acme), "acme");
    assert_string_equal(used(&room, &port, text), "203.0.113.1");

    /* A guest writes another's address into its packets. Nobody answers it. */
    baker.connection.outcome = CONNECTION_UNANSWERED;
    assert_string_equal(after(&room, &port, &baker), "acme");
    baker.connection.outcome = CONNECTION_REFUSED;
    assert_string_equal(after(&room, &port, &baker), "acme");
    struct observation said = baker;
    said.kind = OBSERVATION_MESSAGE;
    memset(&said.message, 0, sizeof said.message);
    assert_string_equal(after(&room, &port, &said), "acme");
    said.message.reply.code = 250;
    assert_string_equal(after(&room, &port, &said), "baker");
    assert_string_equal(after(&room, &port, &acme), "acme");

    baker.connection.outcome = CONNECTION_OPENED;
    assert_string_equal(after(&room, &port, &baker), "baker");
    assert_string_equal(used(&room, &port, text), "203.0.113.17");
    assert_string_equal(after(&room, &port, &machine), "baker");
    assert_string_equal(after(&room, &port, &carol), "carol");
}

static void another_map_is_everybodys_at_once(void **state)
{
    (void)state;
    CLEANUP(clear_room) struct room room = make_room();
    CLEANUP(customers_destroy) struct customers *map = read_map("203.0.113.1 acme\n");
    CLEANUP(customers_destroy) struct customers *next = read_map("203.0.113.1 baker\nuid:7 dave\n");
    struct sender port = sender_from_port("vnet1"), user = sender_from_user(7);
    struct observation one = opened_from("203.0.113.1", 1);
    senders_set_customers(room.senders, map);
    senders_record(room.senders, &user, NOW);
    after(&room, &port, &one);
    senders_set_customers(room.senders, next);
    assert_string_equal(senders_find(room.senders, &port)->whose.customer, "baker");
    assert_string_equal(senders_find(room.senders, &user)->whose.customer, "dave");
    senders_set_customers(room.senders, NULL);
    assert_string_equal(senders_find(room.senders, &port)->whose.customer, "");
    assert_int_equal(senders_find(room.senders, &port)->whose.proof, CUSTOMER_UNKNOWN);
}

static void it_is_found_again_by_who_comes_after(void **state)
{
    (void)state;
    CLEANUP(clear_room) struct room room = make_room();
    struct sender port = sender_from_port("vnet1"), damaged = sender_from_port("vnet2");
    struct observation one = opened_from("203.0.113.1", 1);
    char text[ADDRESS_TEXT];
    uint32_t dropped;
    after(&room, &port, &one);
    after(&room, &damaged, &one);
    memset(senders_find(room.senders, &damaged)->whose.customer, 'x', CUSTOMER_TEXT);
    senders_release(&room.senders);
    room.senders = senders_adopt(room.memory, room.size, &room.shape, &dropped);
    assert_non_null(room.senders);
    assert_string_equal(used(&room, &port, text), "203.0.113.1");
    assert_string_equal(used(&room, &damaged, text), "");
    assert_string_equal(senders_find(room.senders, &damaged)->whose.customer, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_is_looked_up),
        cmocka_unit_test(the_address_used_last_counts_where_it_was_answered),
        cmocka_unit_test(another_map_is_everybodys_at_once),
        cmocka_unit_test(it_is_found_again_by_who_comes_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
