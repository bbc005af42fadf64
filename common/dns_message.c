/* A reply's header, question and answers. */
#include "common/dns_message.h"

#include "common/cursor.h"

#define HOPS_MOST    64 /* pointers followed in one name */
#define RECORDS_MOST 64 /* looked at in one section */
#define CLASS_IN     1
#define TYPE_CNAME   5
#define TYPE_SOA     6

struct record {
    char owner[DNS_NAME];
    uint16_t type, class;
    uint32_t ttl;
    struct cursor data;
    size_t data_at; /* where in the message */
};

void dns_reply_none(enum dns_outcome outcome, struct dns_reply *result)
{
    result->outcome = outcome;
    result->question[0] = result->text[0] = '\0';
    result->count = result->ttl = 0;
}

/* A name as text, without a dot at the end; what is no printable letter becomes '?', a dot inside a label too, so that
 * no name can look like another one. */
static bool read_name(struct text message, struct cursor *c, char result[DNS_NAME])
{
    struct cursor at = *c;
    size_t length = 0, start = (size_t)((const char *)c->at - message.bytes);
    bool jumped = false;
    for (int hops = 0;;) {
        uint8_t size = cursor_u8(&at);
        if (cursor_failed(&at))
            return false;
        if (size >= 0xc0) {
            size_t target = (size_t)(size & 0x3f) << 8 | cursor_u8(&at);
            if (cursor_failed(&at) || target >= start || ++hops > HOPS_MOST)
                return false;
            if (!jumped)
                *c = at;
            jumped = true;
            start = target;
            at = cursor_of(message.bytes + target, message.length - target);
            continue;
        }
        if (size > 63 || length + size + 2 > DNS_NAME)
            return false;
        if (size == 0)
            break;
        if (length > 0)
            result[length++] = '.';
        struct text label = cursor_text(&at, size);
        if (cursor_failed(&at))
            return false;
        for (size_t i = 0; i < label.length; i++) {
            char byte = label.bytes[i];
            result[length++] = byte > ' ' && byte < 0x7f && byte != '.' ? byte : '?';
        }
    }
    result[length] = '\0';
    if (!jumped)
        *c = at;
    return !cursor_failed(&at);
}

static bool read_record(struct text message, struct cursor *c, struct record *record)
{
    if (!read_name(message, c, record->owner))
        return false;
    record->type = cursor_u16(c);
    record->class = cursor_u16(c);
    record->ttl = cursor_u32(c);
    uint16_t length = cursor_u16(c);
    record->data_at = (size_t)((const char *)c->at - message.bytes);
    record->data = cursor_cut(c, length);
    if (record->ttl > INT32_MAX)
        record->ttl = 0; /* RFC 2181, 8 */
    return !cursor_failed(c);
}

static bool is_same(const char *a, const char *b)
{
    return text_equals_nocase(text_of(a), text_of(b));
}

static void take_text(struct cursor data, struct dns_reply *reply)
{
    char joined[DNS_TEXT_MOST];
    size_t length = 0;
    while (cursor_left(&data) > 0 && length < sizeof joined - 1) {
        struct text part = cursor_text(&data, cursor_u8(&data));
        if (part.length > sizeof joined - 1 - length)
            part.length = sizeof joined - 1 - length;
        memcpy(joined + length, part.bytes, part.length);
        length += part.length;
    }
    text_copy_printable((struct text){joined, length}, reply->text, sizeof reply->text);
}

static void note_ttl(struct dns_reply *reply, uint32_t ttl, bool *has_ttl)
{
    if (!*has_ttl || ttl < reply->ttl)
        reply->ttl = ttl;
    *has_ttl = true;
}

/* `wanted`: the name whose records are answers; an alias leads on to another. */
static bool take_answer(struct text message, struct record *record, enum dns_type type, char wanted[DNS_NAME],
                        struct dns_reply *reply, bool *has_ttl)
{
    if (record->class != CLASS_IN || !is_same(record->owner, wanted))
        return true;
    if (record->type == TYPE_CNAME) {
        struct cursor target = cursor_of(message.bytes + record->data_at, message.length - record->data_at);
        note_ttl(reply, record->ttl, has_ttl);
        return read_name(message, &target, wanted);
    }
    if (record->type != type)
        return true;
    note_ttl(reply, record->ttl, has_ttl);
    if (type == DNS_TXT) {
        if (reply->text[0] == '\0')
            take_text(record->data, reply);
        reply->count++;
        return true;
    }
    const uint8_t *bytes = cursor_bytes(&record->data, 4);
    if (bytes == NULL || cursor_left(&record->data) != 0)
        return false;
    if (reply->count < DNS_ADDRESSES_MOST)
        memcpy(reply->addresses[reply->count], bytes, 4);
    reply->count++;
    return true;
}

/* How long a name's absence may be believed: the lesser of the SOA's own time and its last field (RFC 2308, 5). */
static bool take_absence(struct text message, const struct record *record, struct dns_reply *reply, bool *has_ttl)
{
    char name[DNS_NAME];
    if (record->type != TYPE_SOA || record->class != CLASS_IN)
        return true;
    struct cursor data = cursor_of(message.bytes + record->data_at, message.length - record->data_at);
    if (!read_name(message, &data, name) || !read_name(message, &data, name) || !cursor_skip(&data, 16))
        return false;
    uint32_t least = cursor_u32(&data);
    if (cursor_failed(&data))
        return false;
    note_ttl(reply, record->ttl < least ? record->ttl : least, has_ttl);
    return true;
}

static enum dns_outcome outcome_of(unsigned code)
{
    switch (code) {
    case 0:
        return DNS_ANSWERED;
    case 3:
        return DNS_NO_NAME;
    case 4:
    case 5:
        return DNS_REFUSED;
    default:
        return DNS_FAILED;
    }
}

static bool read_sections(struct text message, struct cursor *c, enum dns_type type, unsigned answers,
                          unsigned authorities, struct dns_reply *reply)
{
    char wanted[DNS_NAME];
    struct record record;
    bool has_ttl = false;
    memcpy(wanted, reply->question, sizeof wanted);
    for (unsigned i = 0; i < answers; i++)
        if (i == RECORDS_MOST || !read_record(message, c, &record) ||
            !take_answer(message, &record, type, wanted, reply, &has_ttl))
            return false;
    if (reply->count > 0)
        return true;
    for (unsigned i = 0; i < authorities && i < RECORDS_MOST; i++)
        if (!read_record(message, c, &record) || !take_absence(message, &record, reply, &has_ttl))
            return false;
    return true;
}

void dns_reply_read(struct text message, enum dns_type type, struct dns_reply *reply)
{
    struct cursor c = cursor_of(message.bytes, message.length);
    dns_reply_none(DNS_MALFORMED, reply);
    cursor_skip(&c, 2);
    uint16_t flags = cursor_u16(&c);
    unsigned questions = cursor_u16(&c), answers = cursor_u16(&c), authorities = cursor_u16(&c);
    cursor_skip(&c, 2);
    if (cursor_failed(&c) || !(flags & 0x8000) || (flags & 0x7800) || questions > 1)
        return;
    enum dns_outcome outcome = outcome_of(flags & 15);
    if (questions == 1) {
        char name[DNS_NAME];
        if (!read_name(message, &c, name))
            return;
        uint16_t asked_type = cursor_u16(&c), asked_class = cursor_u16(&c);
        if (cursor_failed(&c) || asked_type != type || asked_class != CLASS_IN)
            return;
        memcpy(reply->question, name, sizeof name);
    } else if (outcome == DNS_ANSWERED || outcome == DNS_NO_NAME) {
        return; /* to what? */
    }
    if (flags & 0x0200)
        outcome = DNS_TRUNCATED;
    else if ((outcome == DNS_ANSWERED || outcome == DNS_NO_NAME) &&
             !read_sections(message, &c, type, answers, authorities, reply)) {
        reply->count = reply->ttl = 0;
        reply->text[0] = '\0';
        return;
    }
    reply->outcome = outcome;
}
