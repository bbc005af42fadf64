/* SpamAssassin's daemon, SPAMC/1.5: one request a connection, headers as in HTTP, then the message. */
#include "collector/filter/spamd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "collector/filter/conversation.h"
#include "collector/filter/spamd_report.h"
#include "collector/filter/trace.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define ANSWER_MOST  (256U * 1024)
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

/* "True ; 15.2 / 5.0" */
static int read_verdict(const struct filter_settings *settings, struct text text, struct answer *answer,
                        struct opinion *result, struct error *error)
{
    int32_t score, threshold;
    *result = (struct opinion){0};
    int status = read_answer(settings, text, answer, error);
    if (status < 0)
        return status;
    struct text rest = answer->spam;
    struct text word = text_trim(text_split(&rest, ';')), first = text_trim(text_split(&rest, '/'));
    bool is_spam = text_equals_nocase(word, TEXT("True")) || text_equals_nocase(word, TEXT("Yes"));
    bool is_ham = text_equals_nocase(word, TEXT("False")) || text_equals_nocase(word, TEXT("No"));
    if ((!is_spam && !is_ham) || !opinion_parse_score(first, &score) || !opinion_parse_score(rest, &threshold))
        return refuse(settings, "there is no verdict in it", error);
    opinion_set_verdict(result, score, threshold, is_spam);
    opinion_set_action(result, is_spam ? TEXT("spam") : TEXT("ham"));
    return 0;
}

int spamd_read_report_opinion(const struct filter_settings *settings, struct text text, struct opinion *result,
                              struct error *error)
{
    struct answer answer;
    int status = read_verdict(settings, text, &answer, result, error);
    return status < 0 ? status : spamd_read_report(settings, answer.body, result) ? 0 : 1;
}

int spamd_read_opinion(const struct filter_settings *settings, struct text text, struct opinion *result,
                       struct error *error)
{
    struct answer answer;
    int status = read_verdict(settings, text, &answer, result, error);
    for (struct text left = answer.body; status == 0 && left.length > 0;)
        filter_add_symbol(settings, text_trim(text_split(&left, ',')), result);
    return status;
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
    return trace_write_header("X-Envelope-From", message->from, result) &&
           trace_write_received_unlooked(message, now, result);
}

struct request {
    const char *verb, *more; /* more: headers of the request, each with its end */
    struct text trace, content;
    duration patience;
};

/* One request and its answer. */
static int converse(const struct filter_settings *settings, const struct request *request, struct buffer *answer,
                    struct error *error)
{
    CLEANUP(conversation_close) struct conversation talk = CONVERSATION_NONE;
    CLEANUP(buffer_clear) struct buffer head;
    struct error sending = {0};
    buffer_init(&head, REQUEST_MOST);
    int status = conversation_open(settings->address, request->patience, &talk, error);
    if (status < 0)
        return status;
    bool written = buffer_printf(&head, "%s SPAMC/1.5\r\nContent-length: %zu\r\n%s", request->verb,
                                 request->trace.length + request->content.length, request->more) &&
                   (!settings->user[0] || buffer_printf(&head, "User: %s\r\n", settings->user)) &&
                   buffer_append(&head, TEXT("\r\n"));
    if (!written)
        return error_set(error, ENOMEM, "%s: no memory for a request", settings->address);
    int sent = conversation_send(&talk, buffer_text(&head), &sending);
    if (sent == 0)
        sent = conversation_send(&talk, request->trace, &sending);
    if (sent == 0)
        sent = conversation_send(&talk, request->content, &sending);
    if (sent == 0)
        conversation_end_sending(&talk);
    /* It refuses what it does not like (a verb that is not allowed) before it has read all. */
    status = conversation_receive_all(&talk, answer, error);
    if (status < 0 && sent < 0 && answer->length == 0)
        return error_set(error, sending.code, "%s", sending.text);
    return answer->length > 0 && status == -ECONNRESET ? 0 : status;
}

/* Who does not know a verb may close without a word: so does Rspamd, which speaks the protocol as well. */
static bool is_silent(int status, const struct buffer *answer)
{
    return answer->length == 0 && (status == 0 || status == -ECONNRESET || status == -EPIPE);
}

static int ask_spamd(const struct filter_settings *settings, const struct filter_message *message,
                     struct opinion *result, struct error *error)
{
    CLEANUP(buffer_clear) struct buffer answer, trace;
    duration begun = clock_steady();
    buffer_init(&answer, ANSWER_MOST);
    buffer_init(&trace, TRACE_MOST);
    if (!spamd_write_trace(message, clock_now(), &trace))
        return error_set(error, ENOMEM, "%s: no memory for a request", settings->address);
    struct request request = {.verb = "REPORT",
                              .more = "",
                              .trace = buffer_text(&trace),
                              .content = message->content,
                              .patience = settings->patience};
    int status = converse(settings, &request, &answer, error);
    if (is_silent(status, &answer))
        status = 1;
    else if (status == 0)
        status = spamd_read_report_opinion(settings, buffer_text(&answer), result, error);
    if (status <= 0)
        return status;
    buffer_clear(&answer);
    request.verb = "SYMBOLS";
    request.patience -= clock_steady() - begun; /* both within the patience for one message */
    status = converse(settings, &request, &answer, error);
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
    const struct request request = {
        .verb = "TELL", .more = given, .trace = TEXT(""), .content = message->content, .patience = settings->patience};
    int status = converse(settings, &request, &answer, error);
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
