/* The two tables that pair our words with the kernel's sets. */
#include "agent/warden/element.h"

#include <string.h>

bool element_from_order(const struct order *order, moment now, struct nft_element *result)
{
    static const enum nft_deed deeds[DEEDS] = {
        [DEED_THROTTLE] = NFT_THROTTLE, [DEED_DIVERT] = NFT_DIVERT, [DEED_BLOCK] = NFT_BLOCK, [DEED_ALLOW] = NFT_ALLOW};
    static const struct {
        enum nft_key key;
        size_t length;
    } keys[SENDER_KINDS] = {[SENDER_PORT] = {NFT_PORT, 16},
                            [SENDER_MAC] = {NFT_MAC, 6},
                            [SENDER_IPV4] = {NFT_IPV4, 4},
                            [SENDER_IPV6] = {NFT_IPV6, 16},
                            [SENDER_USER] = {NFT_USER, 4}};
    const uint8_t *bytes = order->target.bytes;
    *result =
        (struct nft_element){.deed = deeds[order->deed], .key = keys[order->target.kind].key, .rate = order->rate};
    if (keys[order->target.kind].length == 0)
        return false;
    if (order->target.kind == SENDER_USER) {
        uint32_t user = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
        memcpy(result->bytes, &user, sizeof(user));
    } else {
        memcpy(result->bytes, bytes, keys[order->target.kind].length);
    }
    result->timeout = order->until - now < SECOND ? SECOND : order->until - now;
    return order->deed != DEED_RELEASE;
}

struct order element_to_order(const struct nft_element *element, moment now)
{
    static const enum deed deeds[NFT_DEEDS] = {
        [NFT_BLOCK] = DEED_BLOCK, [NFT_THROTTLE] = DEED_THROTTLE, [NFT_DIVERT] = DEED_DIVERT, [NFT_ALLOW] = DEED_ALLOW};
    struct order order = {.until = now + element->timeout, .deed = deeds[element->deed], .rate = element->rate};
    char name[17] = {0};
    uint32_t user;
    struct address address;
    switch (element->key) {
    case NFT_PORT:
        memcpy(name, element->bytes, 16);
        order.target = sender_from_port(name);
        break;
    case NFT_MAC:
        order.target = sender_from_mac(element->bytes);
        break;
    case NFT_IPV4:
        address = address_from_ipv4(element->bytes);
        order.target = sender_from_address(&address);
        break;
    case NFT_IPV6:
        address = address_from_ipv6(element->bytes);
        order.target = sender_from_address(&address);
        break;
    default:
        memcpy(&user, element->bytes, sizeof(user));
        order.target = sender_from_user(user);
    }
    return order;
}
