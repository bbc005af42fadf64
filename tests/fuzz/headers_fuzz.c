/* A message of any bytes on its way to an appliance and back: it is one message to a server, none of the headers that
 * are the appliance's to write is left in it, and what is read from any head is an opinion within its bounds. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/filter/appliance.h"
#include "collector/filter/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define SETS                                                                                                           \
    "builtin:spamassassin builtin:amavis builtin:mailscanner builtin:assp builtin:rspamd builtin:clamav builtin:dcc "  \
    "builtin:authentication-results"

static struct headers *headers;

static void hold(bool condition)
{
    if (!condition)
        abort();
}

/* No line feed without a CR before it, no line that is a dot but the last, no verdict of the sender's own. */
static void hold_message(struct text shown)
{
    struct text head = shown;
    struct head_field field;
    hold(shown.length >= 3 && memcmp(shown.bytes + shown.length - 3, ".\r\n", 3) == 0);
    for (size_t i = 0; i < shown.length; i++) {
        hold(shown.bytes[i] != '\n' || (i > 0 && shown.bytes[i - 1] == '\r'));
        hold(i + 5 >= shown.length || memcmp(shown.bytes + i, "\r\n.\r\n", 5) != 0);
    }
    while (head_next(&head, &field))
        hold(!headers_look_at(headers, field.name));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const struct filter_settings settings = {
        .name = "gate", .mailbox = "x", .certain = {.items = {"GTUBE"}, .count = 1}};
    struct error error = {0};
    struct opinion opinion;
    struct buffer shown;
    struct appliance_mailbox mailbox;
    if (headers == NULL && headers_open(SETS, &headers, &error) < 0)
        abort();
    char *copy = malloc(length + !length);
    if (copy == NULL)
        return 0;
    memcpy(copy, bytes, length);
    struct text content = {copy, length};
    const struct filter_message message = {
        .name = "0DC5B48D4.A739D", .content = content, .helo = content, .client = content};
    buffer_init(&shown, 4 * length + 65536);
    hold(appliance_write_message(headers, &message, 0, &shown));
    hold_message(buffer_text(&shown));
    headers_judge(headers, &settings, content, &opinion);
    hold(opinion.threshold >= 0 && opinion.threshold <= OPINION_SCORE_MOST);
    hold(strnlen(opinion.symbols, sizeof opinion.symbols) < sizeof opinion.symbols);
    hold(!appliance_read_mailbox(content, &mailbox) || strlen(mailbox.message) < sizeof mailbox.message);
    buffer_clear(&shown);
    free(copy);
    return 0;
}
