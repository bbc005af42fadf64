/* SpamAssassin's daemon, SPAMC/1.5: one request a connection, headers as in HTTP, then the message. */
#include "collector/filter/spamd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "collector/filter/conversation.h"
#include "collector/filter/trace.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define ANSWER_MOST  (64U * 1024)
#define REQUEST_MOST 8192

/* --- reading --- */

struct answer {
    struct text word; /* "EX_OK", "PONG" */
    uint64_t code;
    struct text spam, did_set, did_remove; /* values; empty: not there */
    struct text body;
};

static void take_header(struct answer *answer, struct text line, struct text *length)
{
    struct text name = text_split(&line, ':'), value = text_trim(line);
    if (text_equals_nocase(name, TEXT("Content-length")))
        *length = value;
    else if (text_equals_nocase(name, TEXT("Spam")))
        answer->spam = value;
    else if (text_equals_nocase(name, TEXT("DidSet")))
        answer->did_set = value;
    else if (text_equals_nocase(name, TEXT("DidRemove")))
        answer->did_remove = value;
}

static int refuse(const struct filter_settings *settings, const char *what, struct error *error)
{
    return error_set(error, EBADMSG, "%s: no answer of spamd's: %s", settings->address, what);
}

static int read_answer(const struct filter_settings *settings, struct text text, struct answer *answer,
                       struct error *error)
{
    struct text first = text_trim(text_split(&text, '\n')), length = {0};
    char shown[120];
    uint64_t bytes;
    unsigned headers = 0;
    *answer = (struct answer){0};
    struct text protocol = text_split(&first, ' '), code = text_split(&first, ' ');
    if (!text_starts_nocase(protocol, TEXT("SPAMD/")) || !text_number(code, &answer->code))
        return refuse(settings, "it begins otherwise", error);
    answer->word = text_trim(first);
    if (answer->code != 0) {
        text_copy_printable(answer->word, shown, sizeof shown);
        return error_set(error, EIO, "%s: %u %s", settings->address, (unsigned)(answer->code % 1000), shown);
    }
    for (;;) {
        bool whole = memchr(text.bytes ? text.bytes : "", '\n', text.length) != NULL;
        struct text line = text_trim(text_split(&text, '\n'));
        if (line.length == 0 && whole)
            break;
        if (!whole) /* PONG has none */
            return line.length == 0 && headers == 0 ? 0 : refuse(settings, "it ends within its headers", error);
        take_header(answer, line, &length);
        headers++;
    }
    answer->body = text;
    if (length.length > 0 && (!text_number(length, &bytes) || bytes > text.length))
        return refuse(settings, "it is shorter than it says", error);
    if (length.length > 0)
        answer->body.length = bytes;
    return 0;
}

int spamd_read_opinion(const struct filter_settings *settings, struct text text, struct opinion *result,
                       struct error *error)
{
    struct answer answer;
    int32_t score, threshold;
    *result = (struct opinion){0};
    int status = read_answer(settings, text, &answer, error);
    if (status < 0)
        return status;
    /* "True ; 15.2 / 5.0" */
    struct text rest = answer.spam;
    struct text word = text_trim(text_split(&rest, ';')), first = text_trim(text_split(&rest, '/'));
    bool is_spam = text_equals_nocase(word, TEXT("True")) || text_equals_nocase(word, TEXT("Yes"));
    bool is_ham = text_equals_nocase(word, TEXT("False")) || text_equals_nocase(word, TEXT("No"));
    if ((!is_spam && !is_ham) || !opinion_parse_score(first, &score) || !opinion_parse_score(rest, &threshold))
        return refuse(settings, "there is no verdict in it", error);
    opinion_set_verdict(result, score, threshold, is_spam);
    opinion_set_action(result, is_spam ? TEXT("spam") : TEXT("ham"));
    for (struct text left = answer.body; left.length > 0;)
        filter_add_symbol(settings, text_trim(text_split(&left, ',')), result);
    return 0;
}

int spamd_read_lesson(const struct filter_settings *settings, struct text text, struct error *error)
{
    struct answer answer;
    int status = read_answer(settings, text, &answer, error);
    if (status < 0)
        return status;
    return answer.did_set.length > 0 || answer.did_remove.length > 0 ? 0 : 1;
}

/* --- writing --- */

bool spamd_write_trace(const struct filter_message *message, moment now, struct buffer *result)
{
    /* Above all Received lines: SpamAssassin believes none that stands below one. */
    return trace_write_header("X-Envelope-From", message->from, result) && trace_write_received(message, now, result);
}

/* One request and its answer. `more`: headers of the request, each with its end. */
static int converse(const struct filter_settings *settings, const char *verb, const char *more, struct text trace,
                    struct text content, struct buffer *answer, struct error *error)
{
    CLEANUP(conversation_close) struct conversation talk = CONVERSATION_NONE;
    CLEANUP(buffer_clear) struct buffer request;
    struct error sending = {0};
    buffer_init(&request, REQUEST_MOST);
    int status = conversation_open(settings->address, settings->patience, &talk, error);
    if (status < 0)
        return status;
    bool written = buffer_printf(&request, "%s SPAMC/1.5\r\nContent-length: %zu\r\n%s", verb,
                                 trace.length + content.length, more) &&
                   (!settings->user[0] || buffer_printf(&request, "User: %s\r\n", settings->user)) &&
                   buffer_append(&request, TEXT("\r\n"));
    if (!written)
        return error_set(error, ENOMEM, "%s: no memory for a request", settings->address);
    int sent = conversation_send(&talk, buffer_text(&request), &sending);
    if (sent == 0)
        sent = conversation_send(&talk, trace, &sending);
    if (sent == 0)
        sent = conversation_send(&talk, content, &sending);
    if (sent == 0)
        conversation_end_sending(&talk);
    /* It refuses what it does not like (a verb that is not allowed) before it has read all. */
    status = conversation_receive_all(&talk, answer, error);
    if (status < 0 && sent < 0 && answer->length == 0)
        return error_set(error, sending.code, "%s", sending.text);
    return answer->length > 0 && status == -ECONNRESET ? 0 : status;
}

static int ask_spamd(const struct filter_settings *settings, const struct filter_message *message,
                     struct opinion *result, struct error *error)
{
    CLEANUP(buffer_clear) struct buffer answer, trace;
    buffer_init(&answer, ANSWER_MOST);
    buffer_init(&trace, TRACE_MOST);
    if (!spamd_write_trace(message, clock_now(), &trace))
        return error_set(error, ENOMEM, "%s: no memory for a request", settings->address);
    int status = converse(settings, "SYMBOLS", "", buffer_text(&trace), message->content, &answer, error);
    return status < 0 ? status : spamd_read_opinion(settings, buffer_text(&answer), result, error);
}

static int teach_spamd(const struct filter_settings *settings, const struct filter_message *message, enum lesson lesson,
                       struct error *error)
{
    static const char *const headers[LESSONS] = {
        [LESSON_SPAM] = "Message-class: spam\r\nSet: local\r\n",
        [LESSON_HAM] = "Message-class: ham\r\nSet: local\r\n",
        [LESSON_FORGET] = "Remove: local\r\n",
    };
    CLEANUP(buffer_clear) struct buffer answer;
    buffer_init(&answer, ANSWER_MOST);
    const char *given =
        lesson == LESSON_SPAM && settings->reports ? "Message-class: spam\r\nSet: local, remote\r\n" : headers[lesson];
    int status = converse(settings, "TELL", given, TEXT(""), message->content, &answer, error);
    return status < 0 ? status : spamd_read_lesson(settings, buffer_text(&answer), error);
}

static int ping_spamd(const struct filter_settings *settings, struct error *error)
{
    CLEANUP(conversation_close) struct conversation talk = CONVERSATION_NONE;
    CLEANUP(buffer_clear) struct buffer text;
    struct answer answer;
    buffer_init(&text, ANSWER_MOST);
    int status = conversation_open(settings->address, settings->patience, &talk, error);
    if (status == 0)
        status = conversation_send(&talk, TEXT("PING SPAMC/1.5\r\n\r\n"), error);
    if (status == 0)
        status = conversation_receive_all(&talk, &text, error);
    if (status == 0)
        status = read_answer(settings, buffer_text(&text), &answer, error);
    if (status == 0 && !text_equals(answer.word, TEXT("PONG")))
        status = refuse(settings, "PING is not answered by PONG", error);
    return status;
}

const struct filter_kind filter_spamd = {.name = "spamd", .ask = ask_spamd, .learn = teach_spamd, .ping = ping_spamd};
