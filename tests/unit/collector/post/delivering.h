/* A delivery of a test's own, which counts how it is handed over. */
#ifndef TESTS_DELIVERING_H
#define TESTS_DELIVERING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "collector/post/delivery.h"

static int handed;
static bool may_hand, over, over_when_handed;

static bool count_handing(void *context, duration more)
{
    (void)context;
    assert_true(more > 0);
    handed++;
    return may_hand;
}

static bool ask_over(void *context)
{
    (void)context;
    return over || (over_when_handed && handed > 0);
}

static struct delivery delivering(struct text recipients, struct text bytes)
{
    struct delivery delivery = {.id = "00112233445566778899aabbccddeeff",
                                .recipients = recipients,
                                .subject = TEXT("a subject"),
                                .bytes = bytes,
                                .hand = count_handing,
                                .is_over = ask_over};
    buffer_init(&delivery.left, 4096);
    handed = 0;
    may_hand = true;
    over = over_when_handed = false;
    return delivery;
}

static inline void assert_says(const struct delivery *delivery, const char *words)
{
    if (strstr(delivery->trouble, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, delivery->trouble);
}

#endif
