/* The answer to who the customers are: what their senders did is added up, the worst come first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "agent/message/bundle.h"
#include "agent/watcher/reply.h"

#define NOON (INT64_C(1795420800) * SECOND)

static struct {
    struct mind *mind;
    sd_event *loop;
    struct talk *talk;
    struct channel courier;
    int memory;
} scene;

static void add_file(struct buffer *bundle, const char *name)
{
    static char content[1 << 16];
    char path[100], builtin[100];
    struct error error = {0};
    snprintf(path, sizeof path, "conf/maps/%s", name);
    snprintf(builtin, sizeof builtin, "builtin:%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    struct text text = {content, fread(content, 1, sizeof content, file)};
    fclose(file);
    assert_int_equal(bundle_add(bundle, text_of(builtin), text, &error), 0);
}

static int begin(void **state)
{
    (void)state;
    static const char *const files[] = {"sender_access", "recipient_access", "helo_access", "trap_access"};
    const struct talk_listener listener = {0};
    struct buffer bundle;
    struct mind_memory said;
    struct error error = {0};
    int ends[2];
    bundle_init(&bundle);
    assert_int_equal(bundle_add(&bundle, TEXT(BUNDLE_PROCESS), TEXT("[customers]\nmap = whose\n"), &error), 0);
    assert_int_equal(bundle_add(&bundle, TEXT(BUNDLE_JUDGE), TEXT("[sender]\nsenders = 64\nsketches = 16\n"), &error),
                     0);
    assert_int_equal(bundle_add(&bundle, TEXT("whose"), TEXT("203.0.113.0/28 acme\n203.0.113.16 baker\n"), &error), 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        add_file(&bundle, files[i]);
    scene.memory = memfd_create("reply_customers_test", 0);
    struct mind_beginning beginning = {.bundle = buffer_text(&bundle), .memory = scene.memory, .fresh = true};
    if (mind_create(&beginning, &scene.mind, &said, &error) != 0)
        fail_msg("%s", error.text);
    buffer_clear(&bundle);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    scene.courier = (struct channel){ends[1], ROLE_COURIER, ROLE_WATCHER};
    assert_true(sd_event_new(&scene.loop) >= 0);
    return talk_open(scene.loop, (struct channel){ends[0], ROLE_WATCHER, ROLE_COURIER}, &listener, 64, &scene.talk,
                     &error);
}

static int end(void **state)
{
    (void)state;
    talk_close(&scene.talk);
    sd_event_unref(scene.loop);
    close(scene.courier.descriptor);
    mind_destroy(&scene.mind);
    close(scene.memory);
    return 0;
}

static struct sender_record *sends(uint8_t last, uint64_t messages)
{
    const struct address address = address_from_ipv4((const uint8_t[]){203, 0, 113, last});
    struct sender sender = sender_from_address(&address);
    struct sender_record *record = senders_record(mind_senders(scene.mind), &sender, NOON + last * SECOND);
    record->messages = messages;
    record->recipients = 2 * messages;
    return record;
}

/* The next thing that is said; its kind. */
static enum message_kind hear(union message *message)
{
    struct error error = {0};
    int descriptor;
    int got = message_receive(&scene.courier, message, &descriptor, &error);
    if (got != 1)
        fail_msg("%s", error.text);
    assert_int_equal(message->head.question, 7);
    return message->head.kind;
}

static void customers_are_added_up(void **state)
{
    (void)state;
    union message message;
    const struct message_customer_row *row = &message.customer_row;
    struct error error = {0};
    for (uint8_t i = 1; i <= 7; i++)
        sends(i, i);
    struct sender_record *baker = sends(16, 1);
    sends(99, 1000); /* nobody's */
    assert_int_equal(
        judge_command(mind_judge(scene.mind), &baker->sender, DEED_BLOCK, NOON + MINUTE, HOUR, 0, "test", &error), 0);
    reply_customers(scene.talk, scene.mind, 7, 10, NOON + MINUTE);

    assert_int_equal(hear(&message), MESSAGE_CUSTOMER_ROW); /* the same score: the one that sent more */
    assert_string_equal(row->members[0].whose.customer, "acme");
    assert_int_equal(row->senders, 7);
    assert_int_equal(row->messages, 28);
    assert_int_equal(row->recipients, 56);
    assert_int_equal(row->last, NOON + 7 * SECOND);
    assert_int_equal(row->worst, VERDICT_CLEAR);
    for (uint8_t i = 0; i < CUSTOMER_MEMBERS; i++) /* those that sent most */
        assert_int_equal(row->members[i].sender.bytes[3], 7 - i);

    assert_int_equal(hear(&message), MESSAGE_CUSTOMER_ROW);
    assert_string_equal(row->members[0].whose.customer, "baker");
    assert_int_equal(row->senders, 1);
    assert_int_equal(row->verdict, VERDICT_BLOCK);
    assert_int_equal(row->worst, VERDICT_BLOCK);
    assert_int_equal(hear(&message), MESSAGE_END);
}

static void so_many_as_were_asked_for(void **state)
{
    (void)state;
    union message message;
    reply_customers(scene.talk, scene.mind, 7, 10, NOON);
    assert_int_equal(hear(&message), MESSAGE_END);
    sends(1, 1);
    sends(16, 2);
    reply_customers(scene.talk, scene.mind, 7, 1, NOON);
    assert_int_equal(hear(&message), MESSAGE_CUSTOMER_ROW);
    assert_string_equal(message.customer_row.members[0].whose.customer, "baker");
    assert_int_equal(hear(&message), MESSAGE_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(customers_are_added_up, begin, end),
        cmocka_unit_test_setup_teardown(so_many_as_were_asked_for, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
