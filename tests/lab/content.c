/* What messages say: letters that all differ, templates that differ in names and numbers, runs of spam, bounces,
 * reports. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "tests/lab/sending.h"

struct page {
    char *bytes;
    size_t used, size;
};

static void __attribute__((format(printf, 2, 3))) put(struct page *page, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int length = vsnprintf(page->bytes + page->used, page->size - page->used, format, list);
    va_end(list);
    if (length > 0 && (size_t)length < page->size - page->used)
        page->used += (size_t)length;
}

static void put_prose(struct page *page, uint64_t key, size_t about)
{
    struct lab_random random = {key};
    if (page->size - page->used > 64)
        page->used += lab_prose(&random, about, page->bytes + page->used, page->size - page->used);
}

/* Lines of an encoded attachment. */
static void put_encoded(struct page *page, struct lab_random *random, size_t about)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t done = 0; done < about && page->size - page->used > 80; done += 78) {
        char *line = page->bytes + page->used;
        uint64_t bits = 0;
        for (int i = 0; i < 76; i++, bits >>= 6) {
            bits = i % 10 ? bits : lab_next(random);
            line[i] = letters[bits & 63];
        }
        line[76] = '\r';
        line[77] = '\n';
        page->used += 78;
    }
}

static void put_head(struct page *page, struct lab_sending *sending, const struct lab_message *message, moment time,
                     uint64_t subject)
{
    char text[LAB_NAME], date[64];
    const char *to = message->recipients[0].address, *from = message->from;
    time_t seconds = (time_t)(time / SECOND);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &parts);
    if (from[0])
        put(page, "From: %s <%s>\r\n", lab_person(lab_mix(sending->text_key, 71), text), from);
    else
        put(page, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n", sending->customer->domain);
    put(page, "To: %s <%s>\r\n", lab_person(message->recipients[0].key, text), to);
    put(page, "Subject: %s\r\nDate: %s\r\n", lab_subject(subject, text), date);
    put(page, "Message-ID: <%016" PRIx64 "@%s>\r\nMIME-Version: 1.0\r\n", message->key, sending->customer->domain);
    put(page, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
}

static void put_template(struct page *page, struct lab_sending *sending, const struct lab_message *message, size_t size)
{
    char name[LAB_NAME];
    uint64_t key = lab_mix(sending->text_key, 72);
    put(page, "Dear %s,\r\n\r\n", lab_person(message->recipients[0].key, name));
    put_prose(page, key, size / 2);
    put(page, "Your number is %u, and it is good until %u.\r\n", (unsigned)(message->key % 900000) + 100000,
        (unsigned)(message->key >> 40) % 28 + 1);
    put_prose(page, key + 1, size / 2);
}

static void put_bounce(struct page *page, struct lab_sending *sending, const struct lab_message *message, size_t size)
{
    char mailbox[LAB_NAME];
    put(page, "This is the mail system at host mail.%s.\r\n\r\nYour message could not be delivered.\r\n\r\n",
        sending->customer->domain);
    put(page, "<%s@%s>: 550 5.1.1 user unknown\r\n\r\n--- Below is a copy of your message ---\r\n\r\n",
        lab_mailbox(message->key, mailbox), sending->customer->domain);
    put_prose(page, lab_mix(message->key, 73), size);
}

size_t lab_content(struct lab_sending *sending, const struct lab_message *message, moment time, char *result,
                   size_t size)
{
    struct page page = {result, 0, size};
    struct lab_random random = {lab_mix(message->key, 74)};
    size_t about = (size_t)lab_draw(&random, sending->flow->size);
    bool each = sending->flow->body == LAB_PERSONAL || sending->flow->body == LAB_BOUNCE;
    put_head(&page, sending, message, time, each ? message->key : sending->text_key);
    switch (sending->flow->body) {
    case LAB_PERSONAL:
        put_prose(&page, lab_mix(message->key, 75), about);
        break;
    case LAB_TEMPLATE:
        put_template(&page, sending, message, about);
        break;
    case LAB_IDENTICAL:
        put_prose(&page, lab_mix(sending->text_key, 76), about);
        break;
    case LAB_BOUNCE:
        put_bounce(&page, sending, message, about);
        break;
    case LAB_PADDED:
        put_template(&page, sending, message, about);
        put(&page, "\r\n");
        put_prose(&page, lab_mix(message->key, 77), 40 + lab_below(&random, 200));
        break;
    case LAB_REPORT:
        put_encoded(&page, &random, about);
        break;
    }
    return page.used;
}
