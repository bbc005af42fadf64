/* Answers of blacklists and the zones file: any message is read or malformed, and means something only by the zone's
 * own codes; any zones file is read or refused with a sentence.
 *
 * Input: one byte. Even: a reply's message behind it, to an A (bit 1 clear) or TXT question. Odd: a zones file. */
#include <assert.h>
#include <string.h>
#include "collector/blacklist/answer.h"
#include "collector/blacklist/resolver.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const char own_zones[] =
    "[codes.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 high spam\n"
    "code = 127.0.0.4-127.0.0.7 critical bots\ncode = 127.0.0.1 clean white\n"
    "code = 127.0.9.9 error slow down\n"
    "[bits.example]\nkind = domains\nlists = x\nbit = 2 high phishing\nbit = 1 error refused\n"
    "[other.example]\nkind = addresses\nlists = x\ncode = 127.0.0.2 low spam\nother = medium\n";

static void check_answer(const struct zone *zone, const struct dns_reply *reply)
{
    struct answer answer = answer_judge(zone, reply);
    assert((answer.state == ANSWER_UNKNOWN) == (answer.doubt != DOUBT_NONE));
    assert((answer.state == ANSWER_LISTED) == (answer.meaning != NULL));
    if (answer.state != ANSWER_LISTED)
        return;
    assert(reply->outcome == DNS_ANSWERED && answer.count > 0 && answer.count <= ANSWER_CODES_MOST);
    for (uint32_t i = 0; i < answer.count; i++) {
        struct address code = answer_code(&answer, i);
        assert(code.bytes[0] == 127 && !(code.bytes[1] == 255 && code.bytes[2] == 255));
    }
}

static void read_reply(struct text message, enum dns_type type)
{
    struct dns_reply reply;
    dns_reply_read(message, type, &reply);
    assert(reply.outcome <= DNS_MALFORMED);
    assert(memchr(reply.question, '\0', sizeof reply.question) && memchr(reply.text, '\0', sizeof reply.text));
    assert(reply.outcome == DNS_ANSWERED || reply.outcome == DNS_NO_NAME || reply.count == 0);
    if (type != DNS_A)
        return;
    static struct zones *zones; /* kept: reading them anew for each input takes most of the time */
    struct error error = {0};
    if (zones == NULL && (zones_create(&zones, &error) < 0 || zones_read(zones, TEXT(own_zones), "own", &error) < 0))
        __builtin_trap();
    for (uint32_t i = 0; i < zones_count(zones); i++)
        check_answer(zones_at(zones, i), &reply);
}

static void read_zones(struct text content)
{
    struct zones *zones = NULL;
    struct error error = {0};
    struct address address;
    uint16_t port;
    if (zones_create(&zones, &error) < 0)
        __builtin_trap();
    if (zones_read(zones, content, "file", &error) < 0) {
        assert(error.code > 0 && strncmp(error.text, "file:", 5) == 0);
    } else {
        struct text name = {content.bytes, content.length < 40 ? content.length : 40};
        (void)!zones_give_key(zones, TEXT("key"), TEXT("secret"), &error);
        (void)!zones_choose(zones, NULL, 0, &error);
        (void)!zones_choose(zones, &name, 1, &error);
        for (uint32_t i = 0; i < zones_count(zones); i++) {
            const struct zone *zone = zones_at(zones, i);
            assert(zone->name[0] && zone->code_count > 0 && zone->code_count <= ZONE_CODES_MOST);
            assert(!zone->asked || (zone->origin[0] && !zone->keyless));
            assert(zones_find(zones, text_of(zone->name)) == zone);
        }
    }
    zones_destroy(&zones);
    (void)!resolver_parse(content, &address, &port);
    struct address found[4];
    assert(resolver_read(content, found, 4) <= 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 1 || length > 8192)
        return 0;
    struct text rest = {(const char *)bytes + 1, length - 1};
    if (bytes[0] & 1)
        read_zones(rest);
    else
        read_reply(rest, bytes[0] & 2 ? DNS_TXT : DNS_A);
    return 0;
}
