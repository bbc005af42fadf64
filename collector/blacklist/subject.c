/* Subjects, and the names under which lists keep them. */
#include "collector/blacklist/subject.h"

#include <stdio.h>

#define LABEL_MOST 63
#define NAME_MOST  253

struct subject subject_from_address(const struct address *address)
{
    struct subject subject = {.kind = address->family == 6 ? SUBJECT_IPV6 : SUBJECT_IPV4};
    memcpy(subject.bytes, address->bytes, address->family == 6 ? 16 : 4);
    return subject;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

static bool is_domain(struct text text)
{
    size_t label = 0, labels = 1;
    bool has_letter = false;
    if (text.length == 0 || text.length > SUBJECT_DOMAIN_MOST)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            labels++;
            continue;
        }
        has_letter = has_letter || is_letter(c);
        if ((!is_letter(c) && (c < '0' || c > '9')) || ++label > LABEL_MOST)
            return false;
    }
    return label > 0 && labels > 1 && has_letter;
}

bool subject_parse(struct text text, struct subject *result)
{
    struct address address;
    if (address_parse(text, &address)) {
        if (address.prefix != (address.family == 6 ? 128 : 32))
            return false;
        *result = subject_from_address(&address);
        return true;
    }
    if (text.length > 0 && text.bytes[text.length - 1] == '.')
        text.length--;
    if (!is_domain(text))
        return false;
    *result = (struct subject){.kind = SUBJECT_DOMAIN};
    text_fold(text, result->domain);
    return true;
}

const char *subject_print(const struct subject *subject, char result[SUBJECT_TEXT])
{
    if (subject->kind == SUBJECT_DOMAIN) {
        snprintf(result, SUBJECT_TEXT, "%s", subject->domain);
        return result;
    }
    struct address address =
        subject->kind == SUBJECT_IPV6 ? address_from_ipv6(subject->bytes) : address_from_ipv4(subject->bytes);
    return address_print(&address, result);
}

static char *write_number(char *at, unsigned number)
{
    if (number >= 100)
        *at++ = (char)('0' + number / 100);
    if (number >= 10)
        *at++ = (char)('0' + number / 10 % 10);
    *at++ = (char)('0' + number % 10);
    return at;
}

bool subject_name(const struct subject *subject, struct text zone, char result[SUBJECT_NAME])
{
    static const char digits[] = "0123456789abcdef";
    char front[SUBJECT_NAME], *at = front;
    if (subject->kind == SUBJECT_IPV4) {
        for (int i = 3; i >= 0; i--) {
            at = write_number(at, subject->bytes[i]);
            *at++ = '.';
        }
    } else if (subject->kind == SUBJECT_IPV6) {
        for (int i = 15; i >= 0; i--) {
            *at++ = digits[subject->bytes[i] & 15];
            *at++ = '.';
            *at++ = digits[subject->bytes[i] >> 4];
            *at++ = '.';
        }
    } else {
        size_t length = strlen(subject->domain);
        memcpy(at, subject->domain, length);
        at += length;
        *at++ = '.';
    }
    size_t length = (size_t)(at - front);
    if (length + zone.length > NAME_MOST)
        return false;
    memcpy(result, front, length);
    memcpy(result + length, zone.bytes, zone.length);
    result[length + zone.length] = '\0';
    return true;
}
