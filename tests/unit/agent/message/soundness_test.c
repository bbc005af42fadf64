/* Each kind whose members can be out of their ranges is checked: one that is all ones is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "agent/message/message.h"

/* Of these every value is one. */
static bool is_anything(enum message_kind kind)
{
    static const enum message_kind kinds[] = {
        MESSAGE_CONFIGURATION, MESSAGE_READY,      MESSAGE_PEER,          MESSAGE_PORT_CLOSED,   MESSAGE_STATUS_WARDEN,
        MESSAGE_END,           MESSAGE_ALIVE,      MESSAGE_ASK_ORDERS,    MESSAGE_LOG_RECORD,    MESSAGE_LOG_SINCE,
        MESSAGE_ASK_SENDERS,   MESSAGE_ASK_STATUS, MESSAGE_ASK_CUSTOMERS, MESSAGE_STATUS_WATCHER};
    bool found = false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        found = found || kinds[i] == kind;
    return found;
}

static void test_what_is_out_of_all_ranges_is_refused(void **unused)
{
    union message message;
    int count = 0;
    (void)unused;
    for (int kind = 0; kind < MESSAGE_KINDS; kind++) {
        if (message_size((enum message_kind)kind) == 0)
            continue;
        message_prepare(&message, (enum message_kind)kind, 7);
        memset((char *)&message + sizeof message.head, 0xff, sizeof message - sizeof message.head);
        if (message_is_sound(&message) != is_anything((enum message_kind)kind))
            fail_msg("%s", message_kind_name((enum message_kind)kind));
        count++;
    }
    assert_true(count > 40);
}

static void test_a_kind_has_its_size(void **unused)
{
    union message message;
    (void)unused;
    message_prepare(&message, MESSAGE_ALIVE, 0);
    assert_true(message_is_sound(&message));
    message.head.size++;
    assert_false(message_is_sound(&message));
    message.head = (struct message_head){MESSAGE_KINDS, message_size(MESSAGE_ALIVE), 0};
    assert_false(message_is_sound(&message));
    message.head.kind = UINT16_MAX;
    assert_false(message_is_sound(&message));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_out_of_all_ranges_is_refused),
        cmocka_unit_test(test_a_kind_has_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
