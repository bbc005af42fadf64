/* See whose.h. */
#include "common/words/whose.h"

#include <string.h>

void whose_find(struct whose *whose, const struct customers *customers, const struct sender *sender)
{
    static const uint8_t none[sizeof whose->mac];
    const struct customer_question question = {
        .sender = sender,
        .mac = memcmp(whose->mac, none, sizeof none) != 0 ? whose->mac : NULL,
        .address = whose->address.family != 0 ? &whose->address : NULL,
    };
    memset(whose->customer, 0, sizeof whose->customer);
    whose->proof = (uint8_t)customers_find(customers, &question, whose->customer);
}

const struct address *whose_address(const struct whose *whose, const struct sender *sender)
{
    bool is_one = sender->kind == SENDER_IPV4 || sender->kind == SENDER_IPV6;
    return is_one || whose->address.family == 0 ? NULL : &whose->address;
}

bool whose_is_sound(const struct whose *whose)
{
    const struct address *address = &whose->address;
    uint8_t bits = address->family == 4 ? 32 : address->family == 6 ? 128 : 0;
    size_t length = strnlen(whose->customer, sizeof whose->customer);
    if ((address->family != 0 && bits == 0) || address->prefix != bits || whose->proof >= CUSTOMER_PROOFS)
        return false;
    if ((whose->proof == CUSTOMER_UNKNOWN) != (length == 0) || length == sizeof whose->customer)
        return false;
    return length == 0 || account_is_sound((const uint8_t *)whose->customer, length);
}
