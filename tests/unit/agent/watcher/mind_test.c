/* Time as the watcher hands it in: forward at once, back only when the clock says so twice. And what waits for a log:
 * what a mail server of this machine sends, nobody else's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "agent/message/bundle.h"
#include "agent/packet/link.h"
#include "agent/packet/segment.h"
#include "agent/watcher/mind.h"

#define NOON (INT64_C(1795420800) * SECOND)

static struct buffer bundle;
static struct mind *mind;
static struct sender sender;
static int memory;
static uint32_t orders;
static moment until, now;

static void on_order(void *context, const struct order *order)
{
    (void)context;
    orders++;
    until = order->until;
}

/* The shipped maps, that the presets name. */
static void add_map(const char *name)
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
    assert_int_equal(bundle_add(&bundle, text_of(builtin), text, &error), 0);
}

static void fill_bundle(const char *process)
{
    struct error error = {0};
    buffer_clear(&bundle);
    bundle_init(&bundle);
    assert_int_equal(bundle_add(&bundle, TEXT(BUNDLE_PROCESS), text_of(process), &error), 0);
    assert_int_equal(bundle_add(&bundle, TEXT(BUNDLE_JUDGE), TEXT("[sender]\nsenders = 16\nsketches = 16\n"), &error),
                     0);
    add_map("sender_access");
    add_map("recipient_access");
    add_map("helo_access");
    add_map("trap_access");
}

static void make(void (*ask)(void *context, const union message *))
{
    struct error error = {0};
    struct mind_memory said;
    fill_bundle("");
    memory = memfd_create("mind_test", 0);
    assert_true(memory >= 0);
    struct mind_beginning beginning = {
        .bundle = buffer_text(&bundle), .memory = memory, .fresh = true, .listener = {.order = on_order}, .ask = ask};
    if (mind_create(&beginning, &mind, &said, &error) != 0)
        fail_msg("%s", error.text);
}

static int begin(void **unused)
{
    (void)unused;
    struct error error = {0};
    make(NULL);
    assert_true(sender_parse(TEXT("192.0.2.1"), &sender));
    mind_tick(mind, NOON);
    orders = 0;
    assert_int_equal(judge_command(mind_judge(mind), &sender, DEED_BLOCK, NOON, HOUR, 0, "test", &error), 0);
    assert_int_equal(orders, 1);
    mind_tick(mind, NOON + 20 * MINUTE);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    mind_destroy(&mind);
    buffer_clear(&bundle);
    close(memory);
    return 0;
}

static void test_the_clock_was_set_back(void **unused)
{
    (void)unused;
    now = NOON + 20 * MINUTE - DAY;
    mind_tick(mind, now);
    assert_int_equal(orders, 1);
    mind_tick(mind, now); /* the same second again: still the first time */
    assert_int_equal(orders, 1);
    mind_tick(mind, now + SECOND);
    assert_int_equal(orders, 2);
    assert_int_equal(until, now + SECOND + 40 * MINUTE);
    mind_tick(mind, now + 41 * MINUTE);
    struct judge_view view;
    judge_look(mind_judge(mind), senders_find(mind_senders(mind), &sender), now + 41 * MINUTE, &view);
    assert_int_equal(view.verdict, VERDICT_CLEAR);
}

/* Frames of before the change are read after it has shown: they do not count as a jump forward. */
static void test_frames_of_before_come_late(void **unused)
{
    (void)unused;
    now = NOON + 20 * MINUTE - DAY;
    mind_tick(mind, now);
    mind_tick(mind, NOON + 20 * MINUTE + SECOND);
    mind_tick(mind, now + SECOND);
    assert_int_equal(orders, 1);
    mind_tick(mind, now + 2 * SECOND);
    assert_int_equal(orders, 2);
    assert_int_equal(until, now + SECOND + 40 * MINUTE);
}

static void test_a_little_back_is_waited_for(void **unused)
{
    (void)unused;
    for (int second = 0; second < 30; second++)
        mind_tick(mind, NOON + 19 * MINUTE + second * SECOND);
    assert_int_equal(orders, 1);
}

/* --- what waits for a log ------------------------------------------------------------------------------------------
 */

#define WIRE  "192.0.2.1" /* whose address the delivery leaves from */
#define GUEST 9

static union message asked;
static uint32_t next[2]; /* sequence numbers: the server's, the client's */

static void on_ask(void *context, const union message *question)
{
    (void)context;
    asked = *question;
}

static int begin_pairing(void **unused)
{
    (void)unused;
    make(on_ask);
    now = NOON;
    mind_tick(mind, now);
    mind_follow_logs(mind, true);
    return 0;
}

static void say(uint32_t port, bool client, uint8_t flags, const char *payload)
{
    static const uint8_t ends[2][4] = {{198, 51, 100, 25}, {192, 0, 2, 1}};
    uint8_t frame[1024] = {[12] = 0x08, [14] = 0x45, [22] = 64, [23] = 6};
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
static void deliver(uint32_t port, enum owned owned)
{
    static const char *const talk[] = {"220 mx\r\n",    "EHLO me\r\n",
                                       "250 mx\r\n",    "MAIL FROM:<al@firm.test>\r\n",
                                       "250 ok\r\n",    "RCPT TO:<ben@other.test>\r\n",
                                       "250 ok\r\n",    "DATA\r\n",
                                       "354 go on\r\n", "Subject: x\r\n\r\nHello.\r\n.\r\n",
                                       "250 ok\r\n",    "QUIT\r\n",
                                       "221 bye\r\n"};
    next[0] = 1000;
    next[1] = 5000;
    say(port, true, SEGMENT_SYN, "");
    asked.owner.owned = (uint8_t)owned;
    asked.owner.user = owned == OWNED_BY_USER ? 1001 : 0;
    mind_owner(mind, &asked.owner);
    say(port, false, SEGMENT_SYN | SEGMENT_ACK, "");
    say(port, true, SEGMENT_ACK, "");
    for (size_t i = 0; i < sizeof talk / sizeof talk[0]; i++)
        say(port, i % 2 == 1, SEGMENT_ACK | SEGMENT_PSH, talk[i]);
    say(port, true, SEGMENT_FIN | SEGMENT_ACK, "");
    say(port, false, SEGMENT_FIN | SEGMENT_ACK, "");
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

/* What the sender of that name is held to have sent: messages and recipients, which are as many here. */
static uint64_t sent(const char *name)
{
    struct sender who;
    assert_true(sender_parse(text_of(name), &who));
    const struct sender_record *record = senders_find(mind_senders(mind), &who);
    if (record)
        assert_true(record->messages == record->recipients);
    return record ? record->messages : 0;
}

static void wait_for(duration time)
{
    for (moment end = now + time; now < end; mind_tick(mind, now))
        now += SECOND;
}

static void test_packets_and_log_are_one_message(void **unused)
{
    (void)unused;
    deliver(0, OWNED_BY_CARRIER);
    assert_int_equal(sent(WIRE), 0);
    log_it();
    assert_int_equal(sent("account:alice"), 1);
    wait_for(2 * PAIRING_PATIENCE);
    assert_int_equal(sent(WIRE), 0);
    assert_int_equal(sent("account:alice"), 1);
    assert_true(mind_pairing(mind).paired == 1 && mind_pairing(mind).alone == 0 && mind_pairing(mind).waiting == 0);
}

/* The warden was too late, or does not know: it may be the mail server's all the same. */
static void test_so_are_those_whose_owner_nobody_knows(void **unused)
{
    (void)unused;
    deliver(0, OWNED_UNKNOWN);
    log_it();
    wait_for(2 * PAIRING_PATIENCE);
    assert_int_equal(sent(WIRE), 0);
    assert_int_equal(sent("account:alice"), 1);
}

static void test_what_no_log_tells_of_is_judged_later(void **unused)
{
    (void)unused;
    deliver(0, OWNED_BY_CARRIER);
    wait_for(PAIRING_PATIENCE - 2 * SECOND);
    assert_int_equal(sent(WIRE), 0);
    assert_true(mind_pairing(mind).waiting > 0);
    wait_for(3 * SECOND);
    assert_int_equal(sent(WIRE), 1);
    assert_true(mind_pairing(mind).alone == 1);
}

/* A guest's, a user's: at once, and what a log says takes nothing of it. */
static void test_nobody_elses_waits(void **unused)
{
    (void)unused;
    const struct senders_port port = {.number = GUEST, .interface = "vnet1"};
    assert_true(senders_set_port(mind_senders(mind), &port));
    deliver(GUEST, OWNED_BY_CARRIER);
    assert_int_equal(sent("port:vnet1"), 1);
    deliver(0, OWNED_BY_USER);
    assert_int_equal(sent("uid:1001"), 1);
    log_it();
    log_it();
    wait_for(2 * PAIRING_PATIENCE);
    assert_int_equal(sent("port:vnet1") + sent("uid:1001"), 2);
    assert_int_equal(sent("account:alice"), 2);
    assert_true(mind_pairing(mind).paired == 0);
}

static void test_nothing_waits_without_a_log(void **unused)
{
    (void)unused;
    deliver(0, OWNED_BY_CARRIER);
    assert_int_equal(sent(WIRE), 0);
    mind_follow_logs(mind, false); /* it went away */
    assert_int_equal(sent(WIRE), 1);
    deliver(0, OWNED_BY_CARRIER);
    assert_int_equal(sent(WIRE), 2);
    mind_follow_logs(mind, true);
    deliver(0, OWNED_BY_CARRIER);
    assert_int_equal(sent(WIRE), 2);
    mind_finish(mind);
    assert_int_equal(sent(WIRE), 3);
}

static void trace(const char *account, const char *client, const char *script, const char *directory)
{
    struct log_trace told = {.time = NOON, .script = text_of(script), .directory = text_of(directory)};
    told.origin.account = text_of(account);
    if (client[0])
        assert_true(address_parse(text_of(client), &told.origin.address));
    mind_hear_trace(mind, &told);
}

static void test_how_mail_came_is_kept_for_people(void **unused)
{
    (void)unused;
    char directory[200];
    assert_true(sender_parse(TEXT("account:alice"), &sender));
    assert_null(mind_way(mind, &sender, 0));
    trace("alice", "192.0.2.7", "", "");
    assert_string_equal(mind_way(mind, &sender, 0)->text, "logged in to the mail server from 192.0.2.7");
    trace("alice", "", "/home/shop/x\033[2J.php", "/home/shop");
    const struct way *way = mind_way(mind, &sender, 0);
    assert_non_null(strstr(way->text, "through the mail server, in /home/shop, said to be of the script /home/shop/x"));
    assert_null(strchr(way->text, '\033'));
    assert_string_equal(mind_way(mind, &sender, 1)->text, "logged in to the mail server from 192.0.2.7");
    memset(directory, 'd', sizeof directory - 1);
    directory[sizeof directory - 1] = '\0';
    trace("alice", "", "", directory);
    assert_true(strlen(mind_way(mind, &sender, 0)->text) < WAY_TEXT);
    trace("", "198.51.100.1", "/x.php", ""); /* of nobody here */
    assert_true(sender_parse(TEXT("198.51.100.1"), &sender));
    assert_null(mind_way(mind, &sender, 0));
}

/* What SIGHUP brings: another map is everybody's; one with a mistake changes nothing. */
static void test_customers_are_read_again(void **unused)
{
    (void)unused;
    struct error error = {0};
    static const char *const maps[] = {"192.0.2.0/24 acme\n", "192.0.2.0/24\n", "192.0.2.1 baker\n"};
    static const char *const whose[] = {"acme", "acme", "baker"};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        fill_bundle("[customers]\nmap = customers.map\n");
        assert_int_equal(bundle_add(&bundle, TEXT("customers.map"), text_of(maps[i]), &error), 0);
        int code = mind_reload(mind, buffer_text(&bundle), &error);
        assert_int_equal(code, i == 1 ? -EINVAL : 0);
        assert_string_equal(senders_find(mind_senders(mind), &sender)->whose.customer, whose[i]);
    }
    assert_string_equal(error.text, "customers.map:1: no customer behind \"192.0.2.0/24\"; a member and a customer are "
                                    "allowed");
}

/* What a filter says of a message is evidence against who sent it, by its name, wherever its packets come from. */
static void test_a_filters_word_counts_once_for_the_sender_it_names(void **unused)
{
    (void)unused;
    union message message = {
        .filtered = {.head = {.kind = MESSAGE_FILTERED}, .certain = 1, .filter = "clamd", .symbols = "Eicar"}};
    struct message_filtered *said = &message.filtered;
    const char *const names[] = {"192.0.2.1", "port:vnet7", "account:alice"};
    struct judge_view view;
    now = NOON + 20 * MINUTE;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_true(sender_parse(text_of(names[i]), &said->sender));
        said->mark = 10 + i;
        mind_hear_told(mind, &message, now);
        judge_look(mind_judge(mind), senders_find(mind_senders(mind), &said->sender), now, &view);
        assert_int_equal(view.evidence_count, 1);
        assert_string_equal(view.evidence[0].detector, "filter");
        assert_non_null(strstr(view.evidence[0].reason, "clamd found Eicar"));
    }
    uint64_t judged = judge_observations(mind_judge(mind));
    mind_hear_told(mind, &message, now + SECOND); /* the courier was not sure that it had been heard */
    assert_true(judge_observations(mind_judge(mind)) == judged);
    said->mark = 1000;
    mind_hear_told(mind, &message, now + SECOND);
    assert_true(judge_observations(mind_judge(mind)) == judged + 1);
}

/* So are a listing and a complaint, and what is told again is known. */
static void test_what_the_centre_tells_counts_once(void **unused)
{
    (void)unused;
    struct sender port;
    struct judge_view view;
    now = NOON + 20 * MINUTE;
    assert_true(sender_parse(TEXT("port:vnet9"), &port));
    const union message messages[] = {
        {.listed = {.head = {.kind = MESSAGE_LISTED},
                    .sender = port,
                    .mark = 21,
                    .weight = LISTING_CRITICAL,
                    .listed = 1,
                    .zone = "zen.example.org"}},
        {.complained = {.head = {.kind = MESSAGE_COMPLAINED},
                        .sender = port,
                        .mark = 22,
                        .count = 1,
                        .confirmed = 1,
                        .known = 1,
                        .reporter = "loop.example"}},
    };
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < 2; i++)
            mind_hear_told(mind, &messages[i], now);
    judge_look(mind_judge(mind), senders_find(mind_senders(mind), &port), now, &view);
    assert_int_equal(view.evidence_count, 2);
    for (uint32_t i = 0; i < 2; i++)
        if (strcmp(view.evidence[i].detector, "complaint") == 0)
            assert_non_null(strstr(view.evidence[i].reason, "1 complaints of some 0 recipients"));
        else
            assert_non_null(strstr(view.evidence[i].reason, "listed by zen.example.org (critical)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_how_mail_came_is_kept_for_people, begin, end),
        cmocka_unit_test_setup_teardown(test_packets_and_log_are_one_message, begin_pairing, end),
        cmocka_unit_test_setup_teardown(test_so_are_those_whose_owner_nobody_knows, begin_pairing, end),
        cmocka_unit_test_setup_teardown(test_what_no_log_tells_of_is_judged_later, begin_pairing, end),
        cmocka_unit_test_setup_teardown(test_nobody_elses_waits, begin_pairing, end),
        cmocka_unit_test_setup_teardown(test_nothing_waits_without_a_log, begin_pairing, end),
        cmocka_unit_test_setup_teardown(test_customers_are_read_again, begin, end),
        cmocka_unit_test_setup_teardown(test_a_filters_word_counts_once_for_the_sender_it_names, begin, end),
        cmocka_unit_test_setup_teardown(test_what_the_centre_tells_counts_once, begin, end),
        cmocka_unit_test_setup_teardown(test_the_clock_was_set_back, begin, end),
        cmocka_unit_test_setup_teardown(test_frames_of_before_come_late, begin, end),
        cmocka_unit_test_setup_teardown(test_a_little_back_is_waited_for, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
