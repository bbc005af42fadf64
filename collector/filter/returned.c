/* One client's dialogue. */
#include "collector/filter/returned.h"

#include <stdlib.h>
#include <string.h>
#include "collector/filter/head.h"
#include "common/cleanup.h"

#define MAILBOX_MOST  320
#define MISTAKES_MOST 20 /* commands that are none, until the client is sent away */

/* Where the next byte of a message stands. */
enum place { LINE_BEGINS, IN_LINE, AFTER_CR, AFTER_DOT, AFTER_DOT_CR };

struct returned {
    const struct returned_owner *owner;
    char line[RETURNED_LINE_MOST];
    size_t line_length;
    bool line_too_long;
    bool greeted, lmtp, has_sender, in_message, ended;
    unsigned mistakes;
    char recipients[RETURNED_RECIPIENTS_MOST][MAILBOX_MOST];
    uint32_t recipient_count;
    enum place place;
    struct buffer head;
    bool head_is_over;
    uint64_t size;
};

struct returned *returned_create(const struct returned_owner *owner)
{
    struct returned *returned = calloc(1, sizeof *returned);
    if (returned == NULL)
        return NULL;
    returned->owner = owner;
    buffer_init(&returned->head, RETURNED_HEAD_MOST);
    return returned;
}

void returned_destroy(struct returned **handle)
{
    if (*handle == NULL)
        return;
    buffer_clear(&(*handle)->head);
    free(*handle);
    *handle = NULL;
}

static void say(struct returned *returned, struct buffer *replies, const char *line)
{
    if (!buffer_append(replies, text_of(line)) || !buffer_append(replies, TEXT("\r\n")))
        returned->ended = true;
}

bool returned_greet(const struct returned *returned, struct buffer *replies)
{
    return buffer_printf(replies, "220 %s ESMTP for messages that come back\r\n", returned->owner->name);
}

static void forget_message(struct returned *returned)
{
    returned->has_sender = returned->in_message = returned->head_is_over = false;
    returned->recipient_count = 0;
    returned->size = 0;
    buffer_clear(&returned->head);
}

/* --- the message --- */

static unsigned count_hops(struct text head)
{
    struct head_field field;
    unsigned hops = 0;
    while (hops <= RETURNED_HOPS_MOST && head_next(&head, &field))
        hops += text_equals_nocase(field.name, TEXT("Received"));
    return hops;
}

static const char *take_for(struct returned *returned, const char *mailbox)
{
    const struct returned_owner *owner = returned->owner;
    if (returned->size > owner->size_most)
        return "552 5.3.4 too large";
    if (count_hops(buffer_text(&returned->head)) > RETURNED_HOPS_MOST)
        return "554 5.4.6 too many hops";
    return owner->take(owner->context, text_of(mailbox), buffer_text(&returned->head)) < 0
               ? "451 4.3.0 not now, bring it again"
               : "250 2.0.0 taken";
}

/* Better to bring it again to all than not to some. */
static int gravity(const char *reply)
{
    return reply[0] == '4' ? 2 : reply[0] == '5' ? 1 : 0;
}

/* LMTP has a reply for each recipient, SMTP one for all: that of the one that went worst. */
static void end_message(struct returned *returned, struct buffer *replies)
{
    const char *worst = "250 2.0.0 taken";
    for (uint32_t i = 0; i < returned->recipient_count; i++) {
        const char *reply = take_for(returned, returned->recipients[i]);
        if (returned->lmtp)
            say(returned, replies, reply);
        else if (gravity(reply) > gravity(worst))
            worst = reply;
    }
    if (!returned->lmtp)
        say(returned, replies, worst);
    forget_message(returned);
}

/* Of a head beyond the bound the beginning is kept. */
static void keep(struct returned *returned, struct text bytes)
{
    returned->size += bytes.length;
    if (!returned->head_is_over && !buffer_append(&returned->head, bytes))
        returned->head_is_over = true;
}

/* At the end of a line: was it the empty one? */
static void look_for_end_of_head(struct returned *returned)
{
    const struct buffer *head = &returned->head;
    if (returned->head_is_over)
        return;
    size_t length = head->length;
    returned->head_is_over = (length == 2 && memcmp(head->bytes, "\r\n", 2) == 0) ||
                             (length >= 3 && memcmp(head->bytes + length - 3, "\n\r\n", 3) == 0) ||
                             (length >= 2 && memcmp(head->bytes + length - 2, "\n\n", 2) == 0) ||
                             (length == 1 && head->bytes[0] == '\n');
}

/* The bytes from here that need no look: within a line, up to a CR or LF. */
static size_t run_of(struct text bytes)
{
    size_t length = 0;
    while (length < bytes.length && bytes.bytes[length] != '\r' && bytes.bytes[length] != '\n')
        length++;
    return length;
}

/* Only CR LF . CR LF ends a message; a bare LF is a part of it. Returns the bytes taken. */
static size_t feed_message(struct returned *returned, struct text bytes, struct buffer *replies)
{
    char c = bytes.bytes[0];
    size_t run = returned->place == IN_LINE ? run_of(bytes) : 0;
    if (run > 0) {
        keep(returned, (struct text){bytes.bytes, run});
        return run;
    }
    if (returned->place == LINE_BEGINS && c == '.') {
        returned->place = AFTER_DOT; /* and left out, for it is one too many, or the end */
        return 1;
    }
    if (returned->place == AFTER_DOT && c == '\r') {
        returned->place = AFTER_DOT_CR;
        return 1;
    }
    if (returned->place == AFTER_DOT_CR) {
        if (c == '\n') {
            end_message(returned, replies);
            return 1;
        }
        keep(returned, TEXT("\r"));
        returned->place = AFTER_CR;
        return 0;
    }
    keep(returned, (struct text){&c, 1});
    bool line_ended = c == '\n' && returned->place == AFTER_CR;
    if (c == '\n')
        look_for_end_of_head(returned);
    returned->place = line_ended ? LINE_BEGINS : c == '\r' ? AFTER_CR : IN_LINE;
    return 1;
}

/* --- commands --- */

/* What stands between "FROM:" or "TO:" and the parameters: "<a@b>", rarely "a@b". False: no path. */
static bool read_path(struct text argument, const char *word, struct text *path)
{
    struct text start = text_of(word);
    if (!text_starts_nocase(argument, start))
        return false;
    argument = text_trim((struct text){argument.bytes + start.length, argument.length - start.length});
    const char *end =
        argument.length > 0 && argument.bytes[0] == '<' ? memchr(argument.bytes, '>', argument.length) : NULL;
    if (end == NULL)
        return false;
    *path = (struct text){argument.bytes + 1, (size_t)(end - argument.bytes) - 1};
    return true;
}

static void take_hello(struct returned *returned, bool extended, bool lmtp, struct buffer *replies)
{
    forget_message(returned);
    returned->greeted = true;
    returned->lmtp = lmtp;
    bool written = extended ? buffer_printf(replies,
                                            "250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n250-8BITMIME\r\n"
                                            "250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n",
                                            returned->owner->name, (unsigned long long)returned->owner->size_most)
                            : buffer_printf(replies, "250 %s\r\n", returned->owner->name);
    returned->ended = returned->ended || !written;
}

static const char *take_sender(struct returned *returned, struct text argument)
{
    struct text path;
    if (!returned->greeted)
        return "503 5.5.1 EHLO or LHLO first";
    if (returned->has_sender)
        return "503 5.5.1 there is a sender";
    if (!read_path(argument, "FROM:", &path))
        return "501 5.5.4 MAIL FROM:<path>";
    returned->has_sender = true;
    return "250 2.1.0 go on";
}

static const char *take_recipient(struct returned *returned, struct text argument)
{
    const struct returned_owner *owner = returned->owner;
    struct text path;
    if (!returned->has_sender)
        return "503 5.5.1 MAIL first";
    if (!read_path(argument, "TO:", &path))
        return "501 5.5.4 RCPT TO:<path>";
    if (returned->recipient_count == RETURNED_RECIPIENTS_MOST)
        return "452 4.5.3 too many recipients";
    int known = path.length == 0 || path.length >= MAILBOX_MOST || memchr(path.bytes, 0, path.length)
                    ? 0
                    : owner->knows(owner->context, path);
    if (known < 0)
        return "451 4.3.0 not now";
    if (known == 0)
        return "550 5.1.1 no message of ours; nothing is relayed here";
    char *kept = returned->recipients[returned->recipient_count++];
    memcpy(kept, path.bytes, path.length);
    kept[path.length] = 0;
    return "250 2.1.5 go on";
}

static const char *begin_message(struct returned *returned)
{
    if (returned->recipient_count == 0)
        return "503 5.5.1 RCPT first";
    returned->in_message = true;
    returned->place = LINE_BEGINS;
    return "354 end with a dot";
}

static void take_command(struct returned *returned, struct text line, struct buffer *replies)
{
    struct text verb = text_split(&line, ' ');
    struct text argument = text_trim(line);
    const char *reply = NULL;
    if (text_equals_nocase(verb, TEXT("EHLO")) || text_equals_nocase(verb, TEXT("HELO")) ||
        text_equals_nocase(verb, TEXT("LHLO"))) {
        bool is_lmtp = verb.bytes[0] == 'L' || verb.bytes[0] == 'l';
        take_hello(returned, verb.bytes[0] != 'H' && verb.bytes[0] != 'h', is_lmtp, replies);
        return;
    }
    if (text_equals_nocase(verb, TEXT("MAIL")))
        reply = take_sender(returned, argument);
    else if (text_equals_nocase(verb, TEXT("RCPT")))
        reply = take_recipient(returned, argument);
    else if (text_equals_nocase(verb, TEXT("DATA")))
        reply = begin_message(returned);
    else if (text_equals_nocase(verb, TEXT("RSET"))) {
        forget_message(returned);
        reply = "250 2.0.0 forgotten";
    } else if (text_equals_nocase(verb, TEXT("NOOP")))
        reply = "250 2.0.0 well";
    else if (text_equals_nocase(verb, TEXT("VRFY")))
        reply = "252 2.5.2 send it and see";
    else if (text_equals_nocase(verb, TEXT("QUIT"))) {
        returned->ended = true;
        reply = "221 2.0.0 goodbye";
    } else
        reply = "500 5.5.2 no such command here";
    if (reply[0] == '5' && ++returned->mistakes > MISTAKES_MOST) {
        returned->ended = true;
        reply = "421 4.7.0 too many mistakes";
    }
    say(returned, replies, reply);
}

static size_t feed_command(struct returned *returned, struct text bytes, struct buffer *replies)
{
    const char *end = memchr(bytes.bytes, '\n', bytes.length);
    size_t length = end ? (size_t)(end - bytes.bytes) : bytes.length, room = sizeof returned->line;
    if (length > room - returned->line_length)
        returned->line_too_long = true;
    else {
        memcpy(returned->line + returned->line_length, bytes.bytes, length);
        returned->line_length += length;
    }
    if (end == NULL)
        return length;
    struct text line = text_trim((struct text){returned->line, returned->line_length});
    bool too_long = returned->line_too_long;
    returned->line_length = 0;
    returned->line_too_long = false;
    if (too_long) {
        say(returned, replies, "500 5.5.2 line too long");
        returned->mistakes++;
    } else
        take_command(returned, line, replies);
    return length + 1;
}

bool returned_feed(struct returned *returned, struct text bytes, struct buffer *replies)
{
    while (bytes.length > 0 && !returned->ended) {
        size_t taken =
            returned->in_message ? feed_message(returned, bytes, replies) : feed_command(returned, bytes, replies);
        bytes.bytes += taken;
        bytes.length -= taken;
    }
    return !returned->ended;
}
