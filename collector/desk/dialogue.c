/* See dialogue.h. Lines end with CR LF, and nothing else ends a message: where two readers differ on that, one message
 * becomes two. */
#include "collector/desk/dialogue.h"

#include <stdint.h>
#include <stdlib.h>

#define ERRORS_MOST 20

/* Where in the content the next byte stands. */
enum at { AT_START /* of a line */, AT_DOT, AT_DOT_CR, AT_MIDDLE, AT_CR };

struct dialogue {
    const struct dialogue_owner *owner;
    struct buffer line, content;
    bool is_lmtp, greeted, has_sender, in_content, too_large, line_too_long, over;
    enum at at;
    uint32_t recipients, errors;
};

struct dialogue *dialogue_create(const struct dialogue_owner *owner)
{
    struct dialogue *dialogue = calloc(1, sizeof *dialogue);
    if (dialogue == NULL)
        return NULL;
    dialogue->owner = owner;
    buffer_init(&dialogue->line, DIALOGUE_LINE_MOST);
    buffer_init(&dialogue->content, owner->size_most);
    return dialogue;
}

void dialogue_destroy(struct dialogue **dialogue)
{
    if (*dialogue == NULL)
        return;
    buffer_clear(&(*dialogue)->line);
    buffer_clear(&(*dialogue)->content);
    free(*dialogue);
    *dialogue = NULL;
}

static void reset(struct dialogue *dialogue)
{
    buffer_clear(&dialogue->content);
    dialogue->has_sender = dialogue->too_large = dialogue->in_content = false;
    dialogue->recipients = 0;
}

static bool say(struct buffer *replies, const char *reply)
{
    return buffer_append(replies, text_of(reply)) && buffer_append(replies, TEXT("\r\n"));
}

static bool refuse(struct dialogue *dialogue, struct buffer *replies, const char *reply)
{
    if (++dialogue->errors < ERRORS_MOST)
        return say(replies, reply);
    dialogue->over = true;
    return say(replies, "421 4.7.0 too many errors");
}

/* "<a@b> SIZE=1" behind "FROM:": what stands in the brackets; false: there are none, or something that breaks a line.
 */
static bool read_path(struct text rest, struct text *path)
{
    rest = text_trim(rest);
    const char *end = rest.length > 1 && rest.bytes[0] == '<' ? memchr(rest.bytes, '>', rest.length) : NULL;
    if (end == NULL)
        return false;
    *path = (struct text){rest.bytes + 1, (size_t)(end - rest.bytes - 1)};
    for (size_t i = 0; i < path->length; i++)
        if ((unsigned char)path->bytes[i] <= ' ' || path->bytes[i] == 0x7f)
            return false;
    return true;
}

static bool on_mail(struct dialogue *dialogue, struct text rest, struct buffer *replies)
{
    struct text path;
    if (!dialogue->greeted || dialogue->has_sender)
        return refuse(dialogue, replies, "503 5.5.1 not now");
    if (!read_path(rest, &path))
        return refuse(dialogue, replies, "501 5.5.4 MAIL FROM:<sender>");
    reset(dialogue);
    dialogue->has_sender = true;
    dialogue->too_large = !buffer_printf(&dialogue->content, "Return-Path: <%.*s>\r\n", (int)path.length, path.bytes);
    return say(replies, "250 2.1.0 good");
}

static bool on_recipient(struct dialogue *dialogue, struct text rest, struct buffer *replies)
{
    struct text path;
    if (!dialogue->has_sender)
        return refuse(dialogue, replies, "503 5.5.1 MAIL comes first");
    if (!read_path(rest, &path) || path.length == 0)
        return refuse(dialogue, replies, "501 5.5.4 RCPT TO:<recipient>");
    if (dialogue->recipients == DIALOGUE_RECIPIENTS_MOST)
        return refuse(dialogue, replies, "452 4.5.3 too many recipients");
    dialogue->recipients++;
    return say(replies, "250 2.1.5 good");
}

static bool on_hello(struct dialogue *dialogue, bool is_lmtp, bool is_extended, struct buffer *replies)
{
    reset(dialogue);
    dialogue->greeted = true;
    dialogue->is_lmtp = is_lmtp;
    if (!is_extended)
        return say(replies, "250 postern-collector");
    return buffer_printf(replies,
                         "250-postern-collector\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
                         "250 SIZE %zu\r\n",
                         dialogue->owner->size_most);
}

static bool on_data(struct dialogue *dialogue, struct buffer *replies)
{
    if (dialogue->recipients == 0)
        return refuse(dialogue, replies, "503 5.5.1 RCPT comes first");
    dialogue->in_content = true;
    dialogue->at = AT_START;
    return say(replies, "354 go on");
}

static bool on_command(struct dialogue *dialogue, struct text line, struct buffer *replies)
{
    line = text_trim(line);
    struct text rest = line, word = text_split(&rest, ' ');
    if (text_equals_nocase(word, TEXT("LHLO")))
        return on_hello(dialogue, true, true, replies);
    if (text_equals_nocase(word, TEXT("EHLO")) || text_equals_nocase(word, TEXT("HELO")))
        return on_hello(dialogue, false, text_equals_nocase(word, TEXT("EHLO")), replies);
    if (text_starts_nocase(line, TEXT("MAIL FROM:")))
        return on_mail(dialogue, (struct text){line.bytes + 10, line.length - 10}, replies);
    if (text_starts_nocase(line, TEXT("RCPT TO:")))
        return on_recipient(dialogue, (struct text){line.bytes + 8, line.length - 8}, replies);
    if (text_equals_nocase(word, TEXT("DATA")))
        return on_data(dialogue, replies);
    if (text_equals_nocase(word, TEXT("NOOP")))
        return say(replies, "250 2.0.0 good");
    if (text_equals_nocase(word, TEXT("RSET"))) {
        reset(dialogue);
        return say(replies, "250 2.0.0 good");
    }
    if (text_equals_nocase(word, TEXT("QUIT"))) {
        dialogue->over = true;
        return say(replies, "221 2.0.0 good bye");
    }
    return refuse(dialogue, replies, "500 5.5.2 not known here");
}

/* By LMTP each recipient has an answer. */
static bool end_content(struct dialogue *dialogue, struct buffer *replies)
{
    const struct dialogue_owner *owner = dialogue->owner;
    const char *reply = dialogue->too_large ? "552 5.3.4 too large" : "250 2.0.0 kept";
    if (!dialogue->too_large && owner->take(owner->context, buffer_text(&dialogue->content)) < 0)
        reply = "451 4.3.0 not now";
    bool is_said = true;
    for (uint32_t i = 0; i < (dialogue->is_lmtp ? dialogue->recipients : 1) && is_said; i++)
        is_said = say(replies, reply);
    reset(dialogue);
    return is_said;
}

/* A byte of the content; a dot that begins a line was put there, or ends it all. */
static bool on_content(struct dialogue *dialogue, char c, struct buffer *replies)
{
    enum at at = dialogue->at;
    if (at == AT_START && c == '.') {
        dialogue->at = AT_DOT;
        return true;
    }
    if (at == AT_DOT && c == '\r') {
        dialogue->at = AT_DOT_CR;
        return true;
    }
    if (at == AT_DOT_CR && c == '\n')
        return end_content(dialogue, replies);
    if (at == AT_DOT_CR)
        dialogue->too_large = dialogue->too_large || !buffer_append_byte(&dialogue->content, '\r');
    dialogue->too_large = dialogue->too_large || !buffer_append_byte(&dialogue->content, c);
    bool was_cr = at == AT_CR || at == AT_DOT_CR;
    dialogue->at = c == '\r' ? AT_CR : was_cr && c == '\n' ? AT_START : AT_MIDDLE;
    return true;
}

static bool on_byte(struct dialogue *dialogue, char c, struct buffer *replies)
{
    if (c != '\n') {
        dialogue->line_too_long = dialogue->line_too_long || !buffer_append_byte(&dialogue->line, c);
        return true;
    }
    bool goes_on = dialogue->line_too_long ? refuse(dialogue, replies, "500 5.5.2 that line is too long")
                                           : on_command(dialogue, buffer_text(&dialogue->line), replies);
    dialogue->line.length = 0;
    dialogue->line_too_long = false;
    return goes_on;
}

bool dialogue_feed(struct dialogue *dialogue, struct text bytes, struct buffer *replies)
{
    for (size_t i = 0; i < bytes.length && !dialogue->over; i++)
        if (!(dialogue->in_content ? on_content(dialogue, bytes.bytes[i], replies)
                                   : on_byte(dialogue, bytes.bytes[i], replies)))
            return false;
    return !dialogue->over;
}
