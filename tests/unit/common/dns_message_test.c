/* Replies of name servers, whole and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/dns_message.h"

/* A message as it is put together: header, then pieces. */
struct message {
    char bytes[2048];
    size_t length;
};

static void add(struct message *message, const char *bytes, size_t length)
{
    memcpy(message->bytes + message->length, bytes, length);
    message->length += length;
}
#define ADD(message, literal) add(message, literal, sizeof(literal) - 1)

/* A reply with one question, "2.0.0.127.zen.example" A IN. */
#define NAME                                                                                                           \
    "\1"                                                                                                               \
    "2"                                                                                                                \
    "\1"                                                                                                               \
    "0"                                                                                                                \
    "\1"                                                                                                               \
    "0"                                                                                                                \
    "\3"                                                                                                               \
    "127"                                                                                                              \
    "\3"                                                                                                               \
    "zen"                                                                                                              \
    "\7"                                                                                                               \
    "example"                                                                                                          \
    "\0"
static struct message reply(unsigned code, unsigned answers, unsigned authorities)
{
    struct message message = {.length = 0};
    const char head[12] = {0, 1, (char)0x81, (char)(0x80 | code), 0, 1, 0, (char)answers, 0, (char)authorities, 0, 0};
    add(&message, head, sizeof head);
    ADD(&message, NAME "\0\1\0\1");
    return message;
}

static struct dns_reply read_as(const struct message *message, enum dns_type type)
{
    /* Exactly so long, so that the sanitizer sees each byte beyond. */
    char *copy = malloc(message->length + 1);
    struct dns_reply result;
    memcpy(copy, message->bytes, message->length);
    dns_reply_read((struct text){copy, message->length}, type, &result);
    free(copy);
    return result;
}

static struct dns_reply read_reply(const struct message *message)
{
    return read_as(message, DNS_A);
}

#define ANSWER_TO_QUESTION "\xc0\x0c"

static void an_address(void **state)
{
    (void)state;
    struct message message = reply(0, 2, 0);
    ADD(&message, ANSWER_TO_QUESTION "\0\1\0\1\0\0\3\x84\0\4\x7f\0\0\2");
    ADD(&message, ANSWER_TO_QUESTION "\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\4");
    struct dns_reply seen = read_reply(&message);
    assert_int_equal(seen.outcome, DNS_ANSWERED);
    assert_string_equal(seen.question, "2.0.0.127.zen.example");
    assert_int_equal(seen.count, 2);
    assert_memory_equal(seen.addresses[1], "\x7f\0\0\4", 4);
    assert_int_equal(seen.ttl, 60); /* the least */
}

static void letters_of_the_question_are_kept(void **state)
{
    (void)state;
    struct message message = reply(3, 0, 0);
    memcpy(strchr(message.bytes + 12, 'z'), "zEn", 3);
    assert_string_equal(read_reply(&message).question, "2.0.0.127.zEn.example");
}

/* An alias leads on; an address of another name is nobody's. */
static void only_answers_to_the_question_count(void **state)
{
    (void)state;
    struct message message = reply(0, 3, 0);
    ADD(&message, "\5"
                  "other"
                  "\7"
                  "example"
                  "\0"
                  "\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\x9");
    ADD(&message, ANSWER_TO_QUESTION "\0\5\0\1\0\0\0\x0a\0\4\1"
                                     "a\xc0\x16"); /* alias: a.zen.example */
    ADD(&message, "\1"
                  "A\xc0\x16"
                  "\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\2");
    struct dns_reply seen = read_reply(&message);
    assert_int_equal(seen.outcome, DNS_ANSWERED);
    assert_int_equal(seen.count, 1);
    assert_memory_equal(seen.addresses[0], "\x7f\0\0\2", 4);
    assert_int_equal(seen.ttl, 10);
}

/* RFC 2308: a name that is not there is so for the SOA's last field, or its TTL where that is less. */
static void absence_has_a_time(void **state)
{
    (void)state;
    struct message message = reply(3, 0, 1);
    ADD(&message, "\xc0\x16"
                  "\0\6\0\1\0\0\x0e\x10\0\x1b");
    ADD(&message, "\2"
                  "ns\xc0\x1a"
                  "\xc0\x1a"
                  "\0\0\0\1"
                  "\0\0\0\2"
                  "\0\0\0\3"
                  "\0\0\0\4"
                  "\0\0\1\x2c");
    struct dns_reply seen = read_reply(&message);
    assert_int_equal(seen.outcome, DNS_NO_NAME);
    assert_int_equal(seen.ttl, 300);
}

static void a_text_is_joined_and_made_printable(void **state)
{
    (void)state;
    struct message message = reply(0, 1, 0);
    message.bytes[message.length - 3] = DNS_TXT;
    ADD(&message, ANSWER_TO_QUESTION "\0\x10\0\1\0\0\0\x3c\0\x0d\5see \x1b\6line\r\n");
    struct dns_reply seen = read_as(&message, DNS_TXT);
    assert_int_equal(seen.outcome, DNS_ANSWERED);
    assert_string_equal(seen.text, "see ?line??");
    assert_int_equal(seen.count, 1);
}

static void codes_have_their_meaning(void **state)
{
    (void)state;
    static const struct {
        unsigned code;
        enum dns_outcome outcome;
    } rows[] = {{0, DNS_ANSWERED}, {1, DNS_FAILED},  {2, DNS_FAILED}, {3, DNS_NO_NAME},
                {4, DNS_REFUSED},  {5, DNS_REFUSED}, {9, DNS_FAILED}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct message message = reply(rows[i].code, 0, 0);
        assert_int_equal(read_reply(&message).outcome, rows[i].outcome);
    }
    struct message cut = reply(0, 0, 0);
    cut.bytes[2] |= 2;
    assert_int_equal(read_reply(&cut).outcome, DNS_TRUNCATED);
}

static void what_is_no_reply_is_malformed(void **state)
{
    (void)state;
    struct message message = reply(0, 0, 0);
    message.bytes[2] = 1; /* a question */
    assert_int_equal(read_reply(&message).outcome, DNS_MALFORMED);
    message = reply(0, 0, 0);
    message.bytes[5] = 2; /* two questions */
    assert_int_equal(read_reply(&message).outcome, DNS_MALFORMED);
    message = reply(0, 0, 0);
    message.bytes[message.length - 3] = DNS_TXT; /* to another question */
    assert_int_equal(read_reply(&message).outcome, DNS_MALFORMED);
    message = reply(0, 1, 0);
    ADD(&message, ANSWER_TO_QUESTION "\0\1\0\1\0\0\0\x3c\0\3\x7f\0\0"); /* an address of three bytes */
    assert_int_equal(read_reply(&message).outcome, DNS_MALFORMED);
    assert_int_equal(read_reply(&message).count, 0);
}

static void a_name_that_points_forwards_or_at_itself_ends(void **state)
{
    (void)state;
    static const char *const names[] = {"\xc0\x27",
                                        "\xc0\x28",
                                        "\xc0\xff",
                                        "\xff\xff",
                                        "\xc0",
                                        "\x40"
                                        "a"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct message message = reply(0, 1, 0);
        add(&message, names[i], strlen(names[i]));
        ADD(&message, "\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\2");
        assert_int_equal(read_reply(&message).outcome, DNS_MALFORMED);
    }
}

/* RFC 1035 knows labels of up to 63 bytes, and keeps the other sizes for what nobody uses. */
static void a_label_has_63_bytes_at_the_most(void **state)
{
    (void)state;
    for (char size = 62; size <= 65; size++) {
        struct message message = reply(0, 1, 0);
        char label[66] = {size};
        memset(label + 1, 'a', sizeof label - 1);
        add(&message, label, (size_t)size + 1);
        ADD(&message, "\0"
                      "\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\2");
        assert_int_equal(read_reply(&message).outcome, size <= 63 ? DNS_ANSWERED : DNS_MALFORMED);
    }
}

/* Cut anywhere, it is never an answer. */
static void a_message_that_is_cut_is_malformed(void **state)
{
    (void)state;
    struct message message = reply(0, 1, 0);
    ADD(&message, ANSWER_TO_QUESTION "\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\2");
    for (size_t length = 0; length < message.length; length++) {
        struct message cut = message;
        cut.length = length;
        struct dns_reply seen = read_reply(&cut);
        assert_int_equal(seen.outcome, DNS_MALFORMED);
        assert_int_equal(seen.count, 0);
    }
}

static void more_addresses_than_are_kept_are_counted(void **state)
{
    (void)state;
    struct message message = reply(0, DNS_ADDRESSES_MOST + 3, 0);
    for (int i = 0; i < DNS_ADDRESSES_MOST + 3; i++)
        ADD(&message, ANSWER_TO_QUESTION "\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\2");
    assert_int_equal(read_reply(&message).count, DNS_ADDRESSES_MOST + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address),
        cmocka_unit_test(letters_of_the_question_are_kept),
        cmocka_unit_test(only_answers_to_the_question_count),
        cmocka_unit_test(absence_has_a_time),
        cmocka_unit_test(a_text_is_joined_and_made_printable),
        cmocka_unit_test(codes_have_their_meaning),
        cmocka_unit_test(what_is_no_reply_is_malformed),
        cmocka_unit_test(a_name_that_points_forwards_or_at_itself_ends),
        cmocka_unit_test(a_label_has_63_bytes_at_the_most),
        cmocka_unit_test(a_message_that_is_cut_is_malformed),
        cmocka_unit_test(more_addresses_than_are_kept_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
