/* From frames to what the courier is handed: whose messages are taken, how many, and byte for byte what was sent. */
#include <arpa/inet.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "agent/message/bundle.h"
#include "agent/message/sealed.h"
#include "agent/packet/link.h"
#include "agent/packet/segment.h"
#include "agent/watcher/mind.h"

#define NOON    (INT64_C(1795420800) * SECOND)
#define WIRE    "192.0.2.1" /* whose address the mail leaves from */
#define GUEST   9
#define CONTENT "Subject: x\r\n\r\n..Hello\r\n...\r\nbye.\r\n"
#define PLAIN   "Subject: x\r\n\r\n.Hello\r\n..\r\nbye.\r\n"
#define PLAINLY "[samples]\nenabled = yes\ntrickle = 0\nscore = 1000\n"

static struct mind *mind;
static int memory;
static moment now;
static union message asked;
static uint32_t next[2]; /* sequence numbers: the server's, the client's */

/* What the courier was handed last. */
static struct {
    unsigned count;
    bool behind; /* it takes nothing */
    struct message_sample message;
    json_t *envelope;
    char *bytes;
    size_t length;
} told;

static bool on_sample(void *context, const union message *message, int descriptor)
{
    struct error error = {0};
    (void)context;
    if (told.behind) {
        close(descriptor);
        return false;
    }
    free(told.bytes);
    json_decref(told.envelope);
    told.count++;
    told.message = message->sample;
    assert_true(message_is_sound(message));
    if (sealed_read(descriptor, 1 << 20, &told.bytes, &told.length, &error) != 0)
        fail_msg("%s", error.text);
    close(descriptor);
    assert_int_equal(told.length, (size_t)told.message.envelope + told.message.content);
    assert_int_equal(told.bytes[told.message.envelope - 1], '\n');
    told.envelope = json_loadb(told.bytes, told.message.envelope, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(told.envelope);
    return true;
}

static void on_ask(void *context, const union message *question)
{
    (void)context;
    asked = *question;
}

/* The shipped maps, that the presets name. */
static void add_map(struct buffer *bundle, const char *name)
{
    static char content[1 << 20];
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

static struct buffer bundle_of(const char *process)
{
    static const char *const maps[] = {"sender_access", "recipient_access", "helo_access", "trap_access"};
    struct buffer bundle;
    struct error error = {0};
    bundle_init(&bundle);
    assert_int_equal(bundle_add(&bundle, TEXT(BUNDLE_PROCESS), text_of(process), &error), 0);
    assert_int_equal(bundle_add(&bundle, TEXT(BUNDLE_JUDGE), TEXT("[sender]\nsenders = 64\nsketches = 16\n"), &error),
                     0);
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        add_map(&bundle, maps[i]);
    return bundle;
}

static void make(const char *process)
{
    struct error error = {0};
    struct mind_memory said;
    struct buffer bundle = bundle_of(process);
    const struct senders_port port = {.number = GUEST, .interface = "tap101i0"};
    memory = memfd_create("sampling_test", 0);
    assert_true(memory >= 0);
    const struct mind_beginning beginning = {.bundle = buffer_text(&bundle),
                                             .memory = memory,
                                             .key = {{1, 2}},
                                             .fresh = true,
                                             .ask = on_ask,
                                             .sample = on_sample};
    if (mind_create(&beginning, &mind, &said, &error) != 0)
        fail_msg("%s", error.text);
    buffer_clear(&bundle);
    assert_true(senders_set_port(mind_senders(mind), &port));
    now = NOON;
    mind_tick(mind, now);
}

static int begin(void **unused)
{
    (void)unused;
    make(PLAINLY);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    mind_destroy(&mind);
    close(memory);
    free(told.bytes);
    json_decref(told.envelope);
    memset(&told, 0, sizeof told);
    return 0;
}

static void say(uint32_t port, bool client, uint8_t flags, const char *payload)
{
    static const uint8_t ends[2][4] = {{198, 51, 100, 25}, {192, 0, 2, 1}};
    uint8_t frame[2048] = {[12] = 0x08, [14] = 0x45, [22] = 64, [23] = 6};
    size_t length = strlen(payload);
    uint16_t ports[2] = {htons(25), htons(40000)}, total = htons((uint16_t)(40 + length));
    uint32_t sequence = htonl(next[client]), acknowledged = htonl(next[!client]);
    memcpy(frame + 16, &total, 2);
    memcpy(frame + 26, ends[client], 4);
    memcpy(frame + 30, ends[!client], 4);
    memcpy(frame + 34, &ports[client], 2);
    memcpy(frame + 36, &ports[!client], 2);
    memcpy(frame + 38, &sequence, 4);
    memcpy(frame + 42, &acknowledged, 4);
    frame[46] = 0x50;
    frame[47] = flags;
    frame[48] = 0xff;
    memcpy(frame + 54, payload, length);
    next[client] += (uint32_t)length + ((flags & (SEGMENT_SYN | SEGMENT_FIN)) != 0);
    const struct frame seen = {.time = now += MILLISECOND,
                               .bytes = frame,
                               .captured = (uint32_t)(54 + length),
                               .length = (uint32_t)(54 + length),
                               .port = port,
                               .link = LINK_ETHERNET,
                               .direction = FRAME_UNKNOWN};
    mind_frames(mind, &seen, 1);
}

/* One message over the wire; whose the connection is, the warden has said behind the first frame. */
static void mail(uint32_t port, enum owned owned, const char *content)
{
    const char *const talk[] = {"220 mx\r\n",
                                "EHLO me\r\n",
                                "250 mx\r\n",
                                "MAIL FROM:<al@firm.test>\r\n",
                                "250 ok\r\n",
                                "RCPT TO:<ben@other.test>\r\n",
                                "250 ok\r\n",
                                "RCPT TO:<eve@other.test>\r\n",
                                "550 no\r\n",
                                "DATA\r\n",
                                "354 go on\r\n",
                                content,
                                "",
                                ".\r\n",
                                "250 2.0.0 Ok: queued as 4F2A\r\n",
                                "QUIT\r\n",
                                "221 bye\r\n"};
    next[0] = 1000;
    next[1] = 5000;
    say(port, true, SEGMENT_SYN, "");
    asked.owner.owned = (uint8_t)owned;
    asked.owner.user = owned == OWNED_BY_USER ? 1001 : 0;
    if (port == 0)
        mind_owner(mind, &asked.owner);
    say(port, false, SEGMENT_SYN | SEGMENT_ACK, "");
    say(port, true, SEGMENT_ACK, "");
    for (size_t i = 0; i < sizeof talk / sizeof talk[0]; i++)
        say(port, i % 2 == 1, SEGMENT_ACK | SEGMENT_PSH, talk[i]);
    say(port, true, SEGMENT_FIN | SEGMENT_ACK, "");
    say(port, false, SEGMENT_FIN | SEGMENT_ACK, "");
    now += MINUTE;
    mind_tick(mind, now);
}

static void send_another(uint32_t port)
{
    static unsigned number;
    char content[64];
    snprintf(content, sizeof content, "Subject: %u\r\n\r\nHello.\r\n", ++number);
    mail(port, OWNED_UNKNOWN, content);
}

static const char *text_in(const char *key)
{
    return json_string_value(json_object_get(told.envelope, key));
}

static void expect_sender(const char *name)
{
    char text[SENDER_TEXT];
    assert_string_equal(sender_print(&told.message.sender, text), name);
    assert_string_equal(text_in("sender"), name);
}

static void what_was_sent_is_handed_over(void **unused)
{
    (void)unused;
    mail(GUEST, OWNED_UNKNOWN, CONTENT);
    assert_int_equal(told.count, 1);
    expect_sender("port:tap101i0");
    assert_int_equal(told.message.content, strlen(PLAIN));
    assert_memory_equal(told.bytes + told.message.envelope, PLAIN, strlen(PLAIN));
    assert_int_equal(told.message.bytes, strlen(CONTENT));
    assert_true(told.message.complete);
    assert_int_equal(told.message.code, 250);
    assert_int_equal(told.message.why, SAMPLE_FIRST);
    assert_string_equal(text_in("customer"), "vm101");
    assert_string_equal(told.message.whose.customer, "vm101");
    assert_string_equal(text_in("address"), WIRE);
    assert_string_equal(text_in("server"), "198.51.100.25");
    assert_string_equal(text_in("from"), "al@firm.test");
    assert_string_equal(text_in("helo"), "me");
    assert_string_equal(text_in("queue"), "4F2A");
    const json_t *recipients = json_object_get(told.envelope, "recipients");
    assert_int_equal(json_array_size(recipients), 1); /* the other was refused */
    assert_string_equal(json_string_value(json_array_get(recipients, 0)), "ben@other.test");
    assert_int_equal(mind_sampling(mind).held, 0);
}

static void the_first_three_and_no_more(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 6; i++)
        send_another(GUEST);
    assert_int_equal(told.count, 3);
    assert_int_equal(mind_sampling(mind).told, 3);
    assert_int_equal(mind_sampling(mind).held, 0);
}

static void all_while_a_person_has_it_diverted(void **unused)
{
    struct sender sender = sender_from_port("tap101i0");
    struct error error = {0};
    (void)unused;
    for (unsigned i = 0; i < 4; i++)
        send_another(GUEST);
    assert_int_equal(told.count, 3);
    assert_int_equal(judge_command(mind_judge(mind), &sender, DEED_DIVERT, now, HOUR, 0, "test", &error), 0);
    for (unsigned i = 0; i < 4; i++)
        send_another(GUEST);
    assert_int_equal(told.count, 7);
    assert_int_equal(told.message.why, SAMPLE_DIVERTED);
}

static void one_of_a_body_that_comes_again(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 3; i++)
        send_another(GUEST);
    mail(GUEST, OWNED_UNKNOWN, CONTENT);
    assert_int_equal(told.count, 3);
    for (unsigned i = 0; i < 5; i++)
        mail(GUEST, OWNED_UNKNOWN, CONTENT);
    assert_int_equal(told.count, 4);
    assert_int_equal(told.message.why, SAMPLE_DIGEST);
}

static void a_users_is_the_users(void **unused)
{
    (void)unused;
    mail(0, OWNED_BY_USER, CONTENT);
    assert_int_equal(told.count, 1);
    expect_sender("uid:1001");
}

/* The lines of the same message, which name the account. */
static void log_it(void)
{
    struct observation o = {.kind = OBSERVATION_RECIPIENT, .time = now};
    assert_true(address_parse(TEXT("198.51.100.25"), &o.server));
    o.origin.account = TEXT("alice");
    o.recipient.from = TEXT("al@firm.test");
    o.recipient.address = TEXT("ben@other.test");
    o.recipient.reply.code = 250;
    mind_hear_log(mind, &o);
    o.kind = OBSERVATION_MESSAGE;
    memset(&o.message, 0, sizeof o.message);
    o.message.from = TEXT("al@firm.test");
    o.message.recipients = 1;
    o.message.reply.code = 250;
    mind_hear_log(mind, &o);
    mind_settle(mind);
}

/* As mail(), but time does not go on behind it. */
static void deliver_content(const char *content)
{
    const char *const talk[] = {"220 mx\r\n",
                                "EHLO me\r\n",
                                "250 mx\r\n",
                                "MAIL FROM:<al@firm.test>\r\n",
                                "250 ok\r\n",
                                "RCPT TO:<ben@other.test>\r\n",
                                "250 ok\r\n",
                                "DATA\r\n",
                                "354 go on\r\n",
                                content,
                                "",
                                ".\r\n",
                                "250 ok\r\n",
                                "QUIT\r\n",
                                "221 bye\r\n"};
    mind_follow_logs(mind, true);
    next[0] = 1000;
    next[1] = 5000;
    say(0, true, SEGMENT_SYN, "");
    asked.owner.owned = OWNED_BY_CARRIER;
    mind_owner(mind, &asked.owner);
    say(0, false, SEGMENT_SYN | SEGMENT_ACK, "");
    say(0, true, SEGMENT_ACK, "");
    for (size_t i = 0; i < sizeof talk / sizeof talk[0]; i++)
        say(0, i % 2 == 1, SEGMENT_ACK | SEGMENT_PSH, talk[i]);
    say(0, true, SEGMENT_FIN | SEGMENT_ACK, "");
    say(0, false, SEGMENT_FIN | SEGMENT_ACK, "");
}

static void deliver(void)
{
    deliver_content(CONTENT);
}

static void the_account_that_a_log_names(void **unused)
{
    (void)unused;
    deliver();
    assert_int_equal(told.count, 0); /* it waits for the log */
    log_it();
    assert_int_equal(told.count, 1);
    expect_sender("account:alice");
    assert_memory_equal(told.bytes + told.message.envelope, PLAIN, strlen(PLAIN));
}

static void the_address_where_no_log_speaks(void **unused)
{
    (void)unused;
    deliver();
    for (int i = 0; i < 20; i++)
        mind_tick(mind, now += SECOND);
    assert_int_equal(told.count, 1);
    expect_sender(WIRE);
}

/* More than have places: those that wait longest are told as they are known, and none is lost. */
static void a_crowd_that_waits_for_its_log(void **unused)
{
    enum { CROWD = SAMPLING_WAITING + 20 };
    (void)unused;
    mind_destroy(&mind);
    close(memory);
    make("[samples]\nenabled = yes\nfirst = 1000\nrate = 1000\nsender_rate = 10000\n");
    for (unsigned i = 0; i < CROWD; i++) {
        char content[64];
        snprintf(content, sizeof content, "Subject: %u\r\n\r\nHello.\r\n", i);
        deliver_content(content);
    }
    assert_int_equal(told.count, CROWD - SAMPLING_WAITING);
    for (int i = 0; i < 20; i++)
        mind_tick(mind, now += SECOND);
    assert_int_equal(told.count, CROWD);
    assert_int_equal(mind_sampling(mind).lost, 0);
    assert_int_equal(mind_sampling(mind).held, 0);
}

static void what_the_courier_does_not_take_is_lost_and_counted(void **unused)
{
    (void)unused;
    told.behind = true;
    send_another(GUEST);
    assert_int_equal(told.count, 0);
    assert_int_equal(mind_sampling(mind).lost, 1);
    told.behind = false;
    send_another(GUEST);
    assert_int_equal(told.count, 1);
}

static void what_is_larger_is_cut(void **unused)
{
    char content[1400];
    (void)unused;
    mind_destroy(&mind);
    close(memory);
    make(PLAINLY "size = 4K\n");
    memset(content, 'x', sizeof content - 3);
    memcpy(content + sizeof content - 3, "\r\n", 3);
    next[0] = 1000;
    next[1] = 5000;
    say(GUEST, true, SEGMENT_SYN, "");
    say(GUEST, false, SEGMENT_SYN | SEGMENT_ACK, "");
    say(GUEST, false, SEGMENT_ACK, "220 mx\r\n");
    say(GUEST, true, SEGMENT_ACK, "EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n");
    say(GUEST, false, SEGMENT_ACK, "250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    for (unsigned i = 0; i < 5; i++)
        say(GUEST, true, SEGMENT_ACK, content);
    say(GUEST, true, SEGMENT_ACK, ".\r\n");
    say(GUEST, false, SEGMENT_ACK, "250 ok\r\n");
    assert_int_equal(told.count, 1);
    assert_int_equal(told.message.content, 4096);
    assert_int_equal(told.message.bytes, 5 * (sizeof content - 1));
    assert_false(told.message.complete);
    assert_true(json_is_false(json_object_get(told.envelope, "complete")));
}

static void a_reload_is_another_budget(void **unused)
{
    struct error error = {0};
    struct buffer bundle = bundle_of(PLAINLY "first = 1\n");
    (void)unused;
    send_another(GUEST);
    assert_int_equal(mind_reload(mind, buffer_text(&bundle), &error), 0);
    buffer_clear(&bundle);
    send_another(GUEST);
    assert_int_equal(told.count, 1);
}

static void where_nobody_wants_them_none_are_kept(void **unused)
{
    (void)unused;
    mind_destroy(&mind);
    close(memory);
    make("[samples]\nenabled = no\n");
    send_another(GUEST);
    assert_int_equal(told.count, 0);
    assert_null(packet_path_samples(mind_path(mind)));
    assert_int_equal(mind_sampling(mind).kept, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_sent_is_handed_over, begin, end),
        cmocka_unit_test_setup_teardown(the_first_three_and_no_more, begin, end),
        cmocka_unit_test_setup_teardown(all_while_a_person_has_it_diverted, begin, end),
        cmocka_unit_test_setup_teardown(one_of_a_body_that_comes_again, begin, end),
        cmocka_unit_test_setup_teardown(a_users_is_the_users, begin, end),
        cmocka_unit_test_setup_teardown(the_account_that_a_log_names, begin, end),
        cmocka_unit_test_setup_teardown(the_address_where_no_log_speaks, begin, end),
        cmocka_unit_test_setup_teardown(a_crowd_that_waits_for_its_log, begin, end),
        cmocka_unit_test_setup_teardown(what_the_courier_does_not_take_is_lost_and_counted, begin, end),
        cmocka_unit_test_setup_teardown(what_is_larger_is_cut, begin, end),
        cmocka_unit_test_setup_teardown(a_reload_is_another_budget, begin, end),
        cmocka_unit_test_setup_teardown(where_nobody_wants_them_none_are_kept, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
