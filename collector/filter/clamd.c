/* ClamAV's daemon: INSTREAM, a message in pieces with their lengths before them; the answer is one line that ends with
 * a NUL, as do commands with a "z" before them (clamd(8)). */
#include "collector/filter/clamd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include "collector/filter/conversation.h"
#include "common/cleanup.h"

#define ANSWER_MOST 4096
#define PIECE       (256 * 1024)

static const struct text nul = {"", 1};

/* What the base calls so is no virus but a guess, or a program that somebody may want. */
static bool is_guess(struct text name)
{
    return text_starts_nocase(name, TEXT("Heuristics.")) || text_starts_nocase(name, TEXT("PUA."));
}

int clamd_read_answer(const struct filter_settings *settings, struct text answer, struct opinion *result,
                      struct error *error)
{
    const struct text stream = TEXT("stream: "), found = TEXT(" FOUND"), trouble = TEXT(" ERROR");
    char shown[120];
    *result = (struct opinion){0};
    if (text_equals(answer, TEXT("stream: OK"))) {
        opinion_set_action(result, TEXT("OK"));
        return 0;
    }
    text_copy_printable(answer, shown, sizeof shown);
    if (text_starts_nocase(answer, stream) && text_ends_nocase(answer, found) &&
        answer.length > stream.length + found.length) {
        struct text name = {answer.bytes + stream.length, answer.length - stream.length - found.length};
        opinion_set_verdict(result, 100, 100, true);
        opinion_set_action(result, TEXT("FOUND"));
        if (is_guess(name))
            filter_add_symbol(settings, name, result);
        else
            filter_add_virus(settings, name, result);
        return 0;
    }
    if (text_starts_nocase(answer, TEXT("INSTREAM size limit exceeded"))) {
        opinion_set_action(result, TEXT("too long"));
        return 0; /* it will be no shorter the next time */
    }
    if (text_ends_nocase(answer, trouble))
        return error_set(error, EIO, "%s: %s", settings->address, shown);
    return error_set(error, EBADMSG, "%s: \"%s\" is no answer of clamd's", settings->address, shown);
}

static int receive(struct conversation *talk, struct buffer *answer, struct error *error)
{
    size_t taken;
    int status = conversation_receive_until(talk, nul, answer, &taken, error);
    if (status == 0)
        answer->length = taken - 1;
    return status;
}

static int send_pieces(struct conversation *talk, struct text content, struct error *error)
{
    int status = conversation_send(talk, (struct text){"zINSTREAM", sizeof "zINSTREAM"}, error);
    while (status == 0) {
        struct text piece = {content.bytes, content.length < PIECE ? content.length : PIECE};
        uint32_t length = htonl((uint32_t)piece.length);
        status = conversation_send(talk, (struct text){(const char *)&length, sizeof length}, error);
        if (piece.length == 0)
            break; /* the end: a piece of none */
        if (status == 0)
            status = conversation_send(talk, piece, error);
        content.bytes += piece.length;
        content.length -= piece.length;
    }
    return status;
}

static int ask_clamd(const struct filter_settings *settings, const struct filter_message *message,
                     struct opinion *result, struct error *error)
{
    CLEANUP(conversation_close) struct conversation talk = CONVERSATION_NONE;
    CLEANUP(buffer_clear) struct buffer answer;
    struct error sending = {0};
    buffer_init(&answer, ANSWER_MOST);
    int status = conversation_open(settings->address, settings->patience, &talk, error);
    if (status < 0)
        return status;
    /* Where a message is too long for it, it says so and closes while more is sent. */
    int sent = send_pieces(&talk, message->content, &sending);
    status = receive(&talk, &answer, error);
    if (status < 0 && sent < 0)
        return error_set(error, sending.code, "%s", sending.text);
    if (status < 0)
        return status;
    return clamd_read_answer(settings, buffer_text(&answer), result, error);
}

static int ping_clamd(const struct filter_settings *settings, struct error *error)
{
    CLEANUP(conversation_close) struct conversation talk = CONVERSATION_NONE;
    CLEANUP(buffer_clear) struct buffer answer;
    buffer_init(&answer, ANSWER_MOST);
    int status = conversation_open(settings->address, settings->patience, &talk, error);
    if (status == 0)
        status = conversation_send(&talk, (struct text){"zPING", sizeof "zPING"}, error);
    if (status == 0)
        status = receive(&talk, &answer, error);
    if (status == 0 && !text_equals(buffer_text(&answer), TEXT("PONG")))
        status = error_set(error, EBADMSG, "%s: it does not answer as clamd does", settings->address);
    return status;
}

const struct filter_kind filter_clamd = {.name = "clamd", .ask = ask_clamd, .ping = ping_clamd};
