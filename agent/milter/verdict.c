/* See verdict.h. */
#include "agent/milter/verdict.h"

#include <stdio.h>

#define PHRASE_MOST 240 /* bytes, before '%' is doubled: RFC 5321 4.5.3.1.5 allows lines of 512 */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct text take_word(struct text *rest)
{
    struct text trimmed = text_trim(*rest);
    struct text word = text_split(&trimmed, ' ');
    *rest = text_trim(trimmed);
    return word;
}

static bool is_code(struct text word)
{
    return word.length == 3 && (word.bytes[0] == '4' || word.bytes[0] == '5') && is_digit(word.bytes[1]) &&
           is_digit(word.bytes[2]);
}

/* RFC 3463: a class, which is the code's, and two numbers of up to three digits. */
static bool is_enhanced(struct text word, char class)
{
    struct text part = text_split(&word, '.');
    bool right = part.length == 1 && part.bytes[0] == class;
    for (int i = 0; i < 2; i++) {
        uint64_t number;
        part = text_split(&word, '.');
        right = right && part.length <= 3 && text_number(part, &number);
    }
    return right && word.length == 0;
}

static void write_phrase(struct text text, struct milter_verdict *verdict)
{
    size_t length = 0;
    if (text.length > PHRASE_MOST)
        text.length = PHRASE_MOST;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        verdict->phrase[length++] = c >= ' ' && c <= '~' ? c : '?';
        if (c == '%')
            verdict->phrase[length++] = '%';
    }
    verdict->phrase[length] = 0;
}

static void answer(struct milter_verdict *verdict, enum milter_decision decision, const char *code, struct text rest)
{
    struct text behind = rest;
    struct text enhanced = take_word(&behind);
    bool given = is_enhanced(enhanced, code[0]) && enhanced.length < sizeof verdict->enhanced;
    verdict->decision = decision;
    snprintf(verdict->code, sizeof verdict->code, "%s", code);
    if (given)
        snprintf(verdict->enhanced, sizeof verdict->enhanced, "%.*s", (int)enhanced.length, enhanced.bytes);
    else
        snprintf(verdict->enhanced, sizeof verdict->enhanced, "%c.7.1", code[0]);
    rest = given ? behind : rest;
    write_phrase(rest.length > 0               ? rest
                 : decision == MILTER_DEFERRED ? TEXT("Try again later")
                                               : TEXT("Refused"),
                 verdict);
}

void milter_verdict_read(struct text action, struct milter_verdict *verdict)
{
    struct text rest = action;
    struct text word = take_word(&rest);
    *verdict = (struct milter_verdict){.decision = MILTER_PASSES};
    if (is_code(word)) {
        const char code[4] = {word.bytes[0], word.bytes[1], word.bytes[2], 0};
        answer(verdict, code[0] == '5' ? MILTER_REFUSED : MILTER_DEFERRED, code, rest);
    } else if (text_equals_nocase(word, TEXT("reject"))) {
        answer(verdict, MILTER_REFUSED, "554", rest);
    } else if (text_equals_nocase(word, TEXT("defer")) || text_equals_nocase(word, TEXT("defer_if_permit")) ||
               text_equals_nocase(word, TEXT("defer_if_reject"))) {
        answer(verdict, MILTER_DEFERRED, "450", rest);
    } else if (text_equals_nocase(word, TEXT("discard"))) {
        verdict->decision = MILTER_DISCARDED;
    }
}
