/* The kind "smtp": a message handed to an appliance as a mail server would (RFC 5321). */
#include <errno.h>
#include <stdio.h>
#include "collector/filter/appliance.h"
#include "collector/filter/conversation.h"
#include "collector/filter/data.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define REPLY_MOST   1024         /* of a reply's text that is kept */
#define REPLIES_MOST (64U * 1024) /* bytes of one reply */
#define OVERHEAD     (64U * 1024) /* that the trace may add to a message */

struct server {
    struct conversation talk;
    struct buffer in;
    int code;               /* of the last reply */
    char reply[REPLY_MOST]; /* its last line, without the code */
    bool eight_bits, tells_size, tells_bounces;
    uint64_t size_most; /* 0: it names none */
};

static void server_close(struct server *server)
{
    conversation_close(&server->talk);
    buffer_clear(&server->in);
}

/* --- dialogue --- */

static void take_extension(struct server *server, struct text line)
{
    struct text word = text_split(&line, ' ');
    if (text_equals_nocase(word, TEXT("8BITMIME")))
        server->eight_bits = true;
    else if (text_equals_nocase(word, TEXT("DSN")))
        server->tells_bounces = true;
    else if (text_equals_nocase(word, TEXT("SIZE"))) {
        server->tells_size = true;
        text_number(text_trim(line), &server->size_most);
    }
}

/* One reply, of one line or several. */
static int read_reply(struct server *server, struct error *error)
{
    for (size_t total = 0;;) {
        size_t taken;
        uint64_t code;
        int status = conversation_receive_until(&server->talk, TEXT("\n"), &server->in, &taken, error);
        if (status < 0)
            return status;
        struct text line = text_trim((struct text){server->in.bytes, taken});
        if ((total += taken) > REPLIES_MOST || line.length < 3 || !text_number((struct text){line.bytes, 3}, &code) ||
            code < 200 || code > 599 || (line.length > 3 && line.bytes[3] != ' ' && line.bytes[3] != '-'))
            return error_set(error, EBADMSG, "%s: it does not answer as SMTP is spoken", server->talk.address);
        bool last = line.length == 3 || line.bytes[3] == ' ';
        struct text text = {line.bytes + 4, line.length > 4 ? line.length - 4 : 0};
        server->code = (int)code;
        text_copy_printable(text, server->reply, sizeof server->reply);
        take_extension(server, text);
        buffer_drop_front(&server->in, taken);
        if (last)
            return 0;
    }
}

/* Say a line and read the reply. -EAGAIN: it was refused, for now or for good; see `code`. */
static int say(struct server *server, struct text line, int wanted, struct error *error)
{
    struct error sending = {0};
    int sent = line.length > 0 ? conversation_send(&server->talk, line, &sending) : 0;
    int status = read_reply(server, error); /* it may refuse, and close, before all was sent */
    if (status < 0 && sent < 0)
        status = error_set(error, sending.code, "%s", sending.text);
    if (status == 0 && server->code / 100 != wanted)
        status = error_set(error, EAGAIN, "%s: %d %s", server->talk.address, server->code, server->reply);
    return status;
}

static int greet(struct server *server, const struct filter_settings *settings, struct error *error)
{
    char line[OPTION_TEXT_SIZE + 16];
    int status = say(server, TEXT(""), 2, error);
    server->eight_bits = server->tells_size = server->tells_bounces = false; /* no words of the greeting's */
    snprintf(line, sizeof line, "EHLO %s\r\n", settings->mailbox);
    if (status == 0)
        status = say(server, text_of(line), 2, error);
    return status;
}

/* A path that could be another command, or that not every server can read, is the null sender. */
static struct text sender_of(const struct filter_settings *settings, const struct filter_message *message)
{
    struct text from = settings->sender[0] ? text_of(settings->sender) : message->from;
    if (from.length > 254)
        return TEXT("");
    for (size_t i = 0; i < from.length; i++)
        if (from.bytes[i] <= ' ' || from.bytes[i] >= 0x7f || from.bytes[i] == '<' || from.bytes[i] == '>')
            return TEXT("");
    return from;
}

static int say_envelope(struct server *server, const struct filter_settings *settings,
                        const struct filter_message *message, size_t size, struct error *error)
{
    char line[1024], mailbox[APPLIANCE_MAILBOX_MOST], bytes[32] = "";
    struct text from = sender_of(settings, message);
    if (server->tells_size)
        snprintf(bytes, sizeof bytes, " SIZE=%zu", size);
    snprintf(line, sizeof line, "MAIL FROM:<%.*s>%s%s\r\n", (int)from.length, from.bytes, bytes,
             server->eight_bits ? " BODY=8BITMIME" : "");
    int status = say(server, text_of(line), 2, error);
    if (status < 0)
        return status;
    /* Nobody is to be told that it could not be delivered: the sender never wrote to this mailbox. */
    appliance_write_mailbox(settings, message, mailbox);
    snprintf(line, sizeof line, "RCPT TO:<%s>%s\r\n", mailbox, server->tells_bounces ? " NOTIFY=NEVER" : "");
    status = say(server, text_of(line), 2, error);
    if (status == -EAGAIN && server->code / 100 == 5)
        return error_set(error, EACCES, "%s: it takes no mail for %s: %d %s", settings->address, settings->mailbox,
                         server->code, server->reply);
    return status;
}

/* --- asking --- */

/* -EAGAIN was returned: is there something to be read from it? */
static int read_refusal(struct server *server, const struct filter_settings *settings, bool of_content,
                        struct opinion *result)
{
    if (server->code / 100 != 5)
        return -EAGAIN;
    *result = (struct opinion){0};
    if (of_content)
        appliance_read_refusal(settings, server->code, text_of(server->reply), result);
    else
        opinion_set_action(result, text_of(server->reply));
    return 0;
}

static int deliver(struct server *server, const struct filter_settings *settings, const struct filter_message *message,
                   struct text content, struct opinion *result, struct error *error)
{
    int status = greet(server, settings, error);
    if (status == 0 && server->size_most > 0 && content.length > server->size_most) {
        opinion_set_action(result, TEXT("too long"));
        return 0;
    }
    if (status == 0) {
        status = say_envelope(server, settings, message, content.length, error);
        if (status == -EAGAIN)
            return read_refusal(server, settings, false, result);
    }
    if (status == 0)
        status = say(server, TEXT("DATA\r\n"), 3, error);
    if (status < 0)
        return status;
    status = say(server, content, 2, error);
    if (status == -EAGAIN)
        status = read_refusal(server, settings, true, result);
    else if (status == 0)
        status = FILTER_LATER;
    if (status >= 0) {
        int ended = conversation_send(&server->talk, TEXT("QUIT\r\n"), NULL);
        (void)ended; /* it has the message; whether it hears this does not matter */
    }
    return status;
}

static int ask_appliance(const struct filter_settings *settings, const struct filter_message *message,
                         struct opinion *result, struct error *error)
{
    CLEANUP(server_close) struct server server = {.talk = CONVERSATION_NONE};
    CLEANUP(headers_destroy) struct headers *headers = NULL;
    CLEANUP(buffer_clear) struct buffer content;
    *result = (struct opinion){0};
    buffer_init(&server.in, REPLIES_MOST);
    buffer_init(&content, DATA_MOST(message->content.length) + OVERHEAD);
    int status = headers_open(settings->headers, &headers, error);
    if (status < 0)
        return status;
    if (!appliance_write_message(headers, message, clock_now(), &content))
        return error_set(error, ENOMEM, "%s: no memory for a message", settings->address);
    status = conversation_open(settings->address, settings->patience, &server.talk, error);
    return status < 0 ? status : deliver(&server, settings, message, buffer_text(&content), result, error);
}

static int ping_appliance(const struct filter_settings *settings, struct error *error)
{
    CLEANUP(server_close) struct server server = {.talk = CONVERSATION_NONE};
    buffer_init(&server.in, REPLIES_MOST);
    int status = conversation_open(settings->address, settings->patience, &server.talk, error);
    if (status == 0)
        status = greet(&server, settings, error);
    if (status == 0)
        status = say(&server, TEXT("QUIT\r\n"), 2, error);
    return status;
}

const struct filter_kind filter_smtp = {.name = "smtp", .ask = ask_appliance, .ping = ping_appliance};
