/* See relay.h. A message is in one piece behind DATA, with all its recipients before it, so that it arrives once. */
#include "collector/sorter/relay.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "collector/filter/conversation.h"
#include "collector/filter/data.h"
#include "common/buffer.h"
#include "common/cleanup.h"

#define REPLY_MOST ((size_t)64 * 1024)
#define PATH_MOST  254 /* RFC 5321 4.5.3.1 */

struct relay {
    struct conversation talk;
    struct buffer in;
    int code;
    char *answer;
    bool eight_bits;
};

static void relay_close(struct relay *relay)
{
    conversation_close(&relay->talk);
    buffer_clear(&relay->in);
}

/* One reply, of one line or several; its last line becomes the answer. */
static int read_reply(struct relay *relay, struct error *error)
{
    for (size_t total = 0;;) {
        size_t taken = 0;
        uint64_t code = 0;
        int status = conversation_receive_until(&relay->talk, TEXT("\n"), &relay->in, &taken, error);
        if (status < 0)
            return status;
        struct text line = text_trim((struct text){relay->in.bytes, taken});
        if ((total += taken) > REPLY_MOST || line.length < 3 || !text_number((struct text){line.bytes, 3}, &code) ||
            code < 200 || code > 599)
            return error_set(error, EBADMSG, "%s does not answer as SMTP is spoken", relay->talk.address);
        if (line.length > 4 && text_starts_nocase((struct text){line.bytes + 4, line.length - 4}, TEXT("8BITMIME")))
            relay->eight_bits = true;
        relay->code = (int)code;
        text_copy_printable(line, relay->answer, RELAY_ANSWER);
        bool last = line.length == 3 || line.bytes[3] != '-';
        buffer_drop_front(&relay->in, taken);
        if (last)
            return 0;
    }
}

static int say(struct relay *relay, struct text line, struct error *error)
{
    int status = line.length ? conversation_send(&relay->talk, line, error) : 0;
    return status < 0 ? status : read_reply(relay, error);
}

/* What could be read as another command, or not at all, is said to nobody. */
static bool is_path(struct text address)
{
    for (size_t i = 0; i < address.length; i++)
        if ((unsigned char)address.bytes[i] <= ' ' || address.bytes[i] == 0x7f || address.bytes[i] == '<' ||
            address.bytes[i] == '>')
            return false;
    return address.length <= PATH_MOST;
}

static bool write_content(const struct relay_message *message, struct buffer *out)
{
    return buffer_printf(out, "X-Postern-Released: %s\r\n", message->name) && data_write(message->content, out) &&
           buffer_append(out, TEXT(".\r\n"));
}

static int greet(struct relay *relay, const char *helo, struct error *error)
{
    char line[400], name[256] = "";
    if (!helo[0] && gethostname(name, sizeof name - 1) != 0)
        strcpy(name, "localhost");
    snprintf(line, sizeof line, "EHLO %s\r\n", helo[0] ? helo : name);
    int status = say(relay, TEXT(""), error);
    relay->eight_bits = false;
    return status == 0 && relay->code / 100 == 2 ? say(relay, text_of(line), error) : status;
}

/* Who does not get it, and why: as many as there is room for. */
static void note(char refused[RELAY_ANSWER], const char *why)
{
    size_t length = strlen(refused);
    if (length < RELAY_ANSWER / 2)
        snprintf(refused + length, RELAY_ANSWER - length, "%s%s", length ? "; " : "", why);
}

static void note_unsaid(char refused[RELAY_ANSWER], const struct relay_message *message, uint32_t unwritten)
{
    char why[80];
    snprintf(why, sizeof why, "%u recipient%s cannot be written", unwritten, unwritten == 1 ? "" : "s");
    if (unwritten > 0)
        note(refused, why);
    snprintf(why, sizeof why, "%u %s not known", message->recipients_left_out,
             message->recipients_left_out == 1 ? "is" : "are");
    if (message->recipients_left_out > 0)
        note(refused, why);
}

/* Afterwards the code says whether some are taken. */
static int say_recipients(struct relay *relay, const struct relay_message *message, char refused[RELAY_ANSWER],
                          struct error *error)
{
    uint32_t taken = 0, unwritten = 0;
    int worst = 550;
    refused[0] = '\0';
    for (uint32_t i = 0; i < message->recipient_count; i++) {
        char line[PATH_MOST + 32];
        struct text to = message->recipients[i];
        if (to.length == 0 || !is_path(to)) {
            unwritten++;
            continue;
        }
        snprintf(line, sizeof line, "RCPT TO:<%.*s>\r\n", (int)to.length, to.bytes);
        int status = say(relay, text_of(line), error);
        if (status < 0)
            return status;
        taken += relay->code / 100 == 2;
        if (relay->code / 100 == 2)
            continue;
        worst = relay->code / 100 == 4 ? 450 : worst;
        note(refused, relay->answer);
    }
    note_unsaid(refused, message, unwritten);
    if (taken == 0 && refused[0] == '\0')
        note(refused, "it is for nobody");
    relay->code = taken > 0 ? 250 : worst;
    return 0;
}

static int say_envelope(struct relay *relay, const struct relay_message *message, char refused[RELAY_ANSWER],
                        struct error *error)
{
    char line[PATH_MOST + 64];
    struct text from = is_path(message->from) ? message->from : TEXT("");
    snprintf(line, sizeof line, "MAIL FROM:<%.*s>%s\r\n", (int)from.length, from.length ? from.bytes : "",
             relay->eight_bits ? " BODY=8BITMIME" : "");
    int status = say(relay, text_of(line), error);
    if (status == 0 && relay->code / 100 == 2)
        status = say_recipients(relay, message, refused, error);
    if (status < 0 || relay->code / 100 != 2)
        return status;
    status = say(relay, TEXT("DATA\r\n"), error);
    return status;
}

static enum relayed outcome(struct relay *relay, int status, const struct error *error)
{
    if (status < 0)
        snprintf(relay->answer, RELAY_ANSWER, "%s", error->text);
    return status == 0 && relay->code / 100 == 5 ? RELAY_REFUSED : RELAY_LATER;
}

enum relayed relay_send(const char *address, const char *helo, duration patience, const struct relay_message *message,
                        char answer[RELAY_ANSWER])
{
    CLEANUP(relay_close) struct relay relay = {.talk = CONVERSATION_NONE, .answer = answer};
    CLEANUP(buffer_clear) struct buffer content;
    char refused[RELAY_ANSWER] = "";
    struct error error = {0};
    answer[0] = '\0';
    buffer_init(&relay.in, REPLY_MOST);
    buffer_init(&content, DATA_MOST(message->content.length) + 4096);
    int status = write_content(message, &content) ? 0 : error_set(&error, ENOMEM, "no memory for a message");
    if (status == 0)
        status = conversation_open(address, patience, &relay.talk, &error);
    if (status == 0)
        status = greet(&relay, helo, &error);
    if (status == 0 && relay.code / 100 == 2)
        status = say_envelope(&relay, message, refused, &error);
    if (status < 0 || relay.code != 354) {
        if (status == 0 && refused[0])
            snprintf(answer, RELAY_ANSWER, "%s", refused);
        return outcome(&relay, status, &error);
    }
    status = say(&relay, buffer_text(&content), &error);
    if (status < 0) {
        snprintf(answer, RELAY_ANSWER, "the relay did not say whether it took it: %s", error.text);
        return RELAY_NOBODY_KNOWS;
    }
    if (relay.code / 100 != 2)
        return outcome(&relay, 0, &error);
    size_t length = strlen(answer);
    if (refused[0] && length + 20 < RELAY_ANSWER)
        snprintf(answer + length, RELAY_ANSWER - length, " (but: %.*s)", (int)(RELAY_ANSWER - length - 10), refused);
    int ended = conversation_send(&relay.talk, TEXT("QUIT\r\n"), NULL);
    (void)ended; /* it has the message; whether it hears this does not matter */
    return RELAYED;
}
