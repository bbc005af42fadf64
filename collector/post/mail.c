/* See mail.h. libcurl speaks; what was said and answered is followed by its trace, for it keeps the last answer alone,
 * and of several recipients each has one. */
#include "collector/post/mail.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "collector/letter/compose.h"
#include "common/io/clock.h"

#define RECIPIENTS_MOST 64            /* of one message; the others are asked the next time */
#define ANSWER_PATIENCE (10 * MINUTE) /* for the answer to the end of a message */
#define SPARE           MINUTE        /* for what is written behind it */
#define GRACE           (5 * SECOND)  /* for the answer, where nobody waits any more: systemd waits for ten */
#define ANSWER_TEXT     160
#define TAIL            2 /* bytes that go when it is marked */

enum stage { STAGE_GREETING, STAGE_HELLO, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_END };

struct recipient {
    struct text address;
    int code; /* 0: it was not asked */
    char answer[ANSWER_TEXT];
};

struct mail {
    const struct mail_settings *settings;
    CURL *easy;   /* NULL: there is no connection */
    bool is_good; /* the server has just answered, and waits for what comes */
    char trouble[CURL_ERROR_SIZE];
    /* Of the message under way. */
    struct delivery *delivery;
    size_t sent;
    bool handed, unhandled; /* unhandled: it must not be sent */
    duration deadline;      /* steady */
    bool late;
    enum stage stage;
    bool leaving; /* it said good-bye */
    int code;     /* the latest answer of this stage; 0: none yet */
    char answer[ANSWER_TEXT];
    struct recipient recipients[RECIPIENTS_MOST];
    size_t count, asked;
};

/* --- following what is said --- */

static void on_command(struct mail *mail, struct text line)
{
    static const struct {
        struct text word;
        enum stage stage;
    } words[] = {{{"MAIL ", 5}, STAGE_MAIL}, {{"RCPT ", 5}, STAGE_RCPT}, {{"DATA", 4}, STAGE_DATA}};
    mail->leaving = text_starts_nocase(line, TEXT("QUIT"));
    if (mail->leaving)
        return; /* what was said before it counts */
    mail->stage = STAGE_HELLO;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (text_starts_nocase(line, words[i].word))
            mail->stage = words[i].stage;
    mail->code = 0;
    mail->answer[0] = '\0';
}

static void on_answer(struct mail *mail, struct text line)
{
    uint64_t code;
    line = text_trim(line);
    bool last = line.length == 3 || (line.length > 3 && line.bytes[3] != '-');
    if (mail->leaving || !last || !text_number((struct text){line.bytes, 3}, &code))
        return;
    if (mail->stage == STAGE_DATA && mail->handed && mail->code == 354)
        mail->stage = STAGE_END;
    mail->code = (int)code;
    text_copy_printable(line, mail->answer, sizeof mail->answer);
    if (mail->stage == STAGE_RCPT && mail->asked < mail->count) {
        struct recipient *recipient = &mail->recipients[mail->asked++];
        recipient->code = mail->code;
        memcpy(recipient->answer, mail->answer, sizeof recipient->answer);
    }
}

static int on_trace(CURL *easy, curl_infotype kind, char *bytes, size_t length, void *context)
{
    struct mail *mail = context;
    (void)easy;
    if (mail->delivery == NULL)
        return 0;
    if (kind == CURLINFO_HEADER_OUT)
        on_command(mail, (struct text){bytes, length});
    else if (kind == CURLINFO_HEADER_IN)
        on_answer(mail, (struct text){bytes, length});
    return 0;
}

/* Called once a second and more often; not 0 ends what is under way. */
static int on_progress(void *context, curl_off_t to_come, curl_off_t came, curl_off_t to_send, curl_off_t sent)
{
    struct mail *mail = context;
    duration now = clock_steady();
    (void)to_come, (void)came, (void)to_send, (void)sent;
    bool is_over = mail->delivery && mail->delivery->is_over(mail->delivery->context);
    if (is_over && mail->handed && mail->deadline > now + GRACE)
        mail->deadline = now + GRACE;
    mail->late = now >= mail->deadline;
    return mail->late || (is_over && !mail->handed);
}

/* The last bytes go by themselves, behind the mark: until then the server has no whole message. */
static size_t on_read(char *bytes, size_t size, size_t count, void *context)
{
    struct mail *mail = context;
    struct delivery *delivery = mail->delivery;
    size_t room = size * count, rest = delivery->bytes.length - mail->sent;
    if (rest > TAIL)
        rest -= TAIL;
    else if (!mail->handed) {
        if (!delivery->hand(delivery->context, ANSWER_PATIENCE + SPARE)) {
            mail->unhandled = true;
            return CURL_READFUNC_ABORT;
        }
        mail->handed = true;
        mail->deadline = clock_steady() + ANSWER_PATIENCE;
    }
    if (rest > room)
        rest = room;
    memcpy(bytes, delivery->bytes.bytes + mail->sent, rest);
    mail->sent += rest;
    return rest;
}

static size_t pass_over(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes, (void)context;
    return size * count;
}

/* --- a connection --- */

static void set_tls(const struct mail *mail)
{
    const struct mail_settings *settings = mail->settings;
    bool is_near = mail_server_is_near(settings->server) && settings->authority[0] == '\0';
    bool verified = settings->tls == MAIL_TLS_REQUIRED && !is_near;
    curl_easy_setopt(mail->easy, CURLOPT_USE_SSL,
                     (long)(settings->tls == MAIL_TLS_NONE ? CURLUSESSL_NONE
                            : verified                     ? CURLUSESSL_ALL
                                                           : CURLUSESSL_TRY));
    curl_easy_setopt(mail->easy, CURLOPT_SSL_VERIFYPEER, verified ? 1L : 0L);
    curl_easy_setopt(mail->easy, CURLOPT_SSL_VERIFYHOST, verified ? 2L : 0L);
    if (settings->authority[0])
        curl_easy_setopt(mail->easy, CURLOPT_CAINFO, settings->authority);
}

static bool set_login(const struct mail *mail, struct delivery *delivery)
{
    char password[1024];
    if (mail->settings->user[0] == '\0')
        return true;
    if (delivery_read_secret(delivery, mail->settings->password, password, sizeof password) < 0)
        return false;
    curl_easy_setopt(mail->easy, CURLOPT_USERNAME, mail->settings->user);
    curl_easy_setopt(mail->easy, CURLOPT_PASSWORD, password);
    explicit_bzero(password, sizeof password);
    return true;
}

/* The name that the server is told stands behind its own. */
static void set_server(const struct mail *mail)
{
    char url[2 * OPTION_TEXT_SIZE + 8];
    char *helo = curl_easy_escape(mail->easy, mail->settings->helo, 0);
    snprintf(url, sizeof url, "%s/%.200s", mail->settings->server, helo ? helo : "");
    curl_free(helo);
    curl_easy_setopt(mail->easy, CURLOPT_URL, url);
}

static bool open_connection(struct mail *mail, struct delivery *delivery)
{
    if (mail->easy == NULL && (mail->easy = curl_easy_init()) != NULL) {
        CURL *easy = mail->easy;
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a resolver that is silent is not waited for */
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(mail->settings->patience / MILLISECOND));
        curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)((ANSWER_PATIENCE + MINUTE) / SECOND));
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, mail->trouble);
        curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
        curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_trace);
        curl_easy_setopt(easy, CURLOPT_DEBUGDATA, mail);
        curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(easy, CURLOPT_XFERINFODATA, mail);
        curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, pass_over);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(easy, CURLOPT_READDATA, mail);
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L); /* libcurl's own spelling, up to 8.1 */
        set_server(mail);
        set_tls(mail);
        if (!set_login(mail, delivery)) {
            mail_rest(mail);
            return false;
        }
    }
    if (mail->easy == NULL)
        snprintf(delivery->trouble, sizeof delivery->trouble, "no memory for mail");
    return mail->easy != NULL;
}

/* libcurl says QUIT and then waits for its answer, for minutes and asking nobody whether to go on: so it is cut off
 * from hearing, and where the server may not even read from speaking too. */
static void cut(const struct mail *mail)
{
    curl_socket_t connection = CURL_SOCKET_BAD;
    if (curl_easy_getinfo(mail->easy, CURLINFO_ACTIVESOCKET, &connection) == CURLE_OK && connection != CURL_SOCKET_BAD)
        shutdown(connection, mail->is_good ? SHUT_RD : SHUT_RDWR);
}

void mail_rest(struct mail *mail)
{
    if (mail->easy == NULL)
        return;
    mail->delivery = NULL;
    cut(mail);
    curl_easy_cleanup(mail->easy);
    mail->easy = NULL;
}

/* --- what came of it --- */

/* As many as there is room for. */
static void note(struct delivery *delivery, const struct recipient *recipient)
{
    size_t length = strlen(delivery->trouble);
    char text[DELIVERY_TROUBLE];
    snprintf(text, sizeof text, "%s%.*s: %s", length ? "; " : "", (int)recipient->address.length,
             recipient->address.bytes, recipient->answer);
    if (length < DELIVERY_TROUBLE / 2)
        text_copy_printable(text_of(text), delivery->trouble + length, sizeof delivery->trouble - length);
}

static enum delivered fail(struct mail *mail, enum delivered result, const char *why)
{
    text_copy_printable(text_of(why), mail->delivery->trouble, sizeof mail->delivery->trouble);
    return result;
}

static bool is_none_of_ours(int code)
{
    return code == 421 || code == 530 || code == 534 || code == 535 || code == 538;
}

/* Some are taken: who is refused is named, who is put off is left. */
static enum delivered taken(struct mail *mail)
{
    struct delivery *delivery = mail->delivery;
    for (size_t i = 0; i < mail->count; i++) {
        struct recipient *recipient = &mail->recipients[i];
        if (recipient->code / 100 == 2)
            continue;
        bool put_off = recipient->code / 100 == 4;
        if (!put_off)
            note(delivery, recipient);
        else if (!buffer_append(&delivery->left, recipient->address) || !buffer_append_byte(&delivery->left, ' '))
            note(delivery, recipient);
    }
    return DELIVERED;
}

/* Nobody is. */
static enum delivered refused(struct mail *mail)
{
    enum delivered result = DELIVERY_REFUSED;
    for (size_t i = 0; i < mail->count; i++) {
        note(mail->delivery, &mail->recipients[i]);
        if (mail->recipients[i].code / 100 == 4)
            result = DELIVERY_LATER;
        if (is_none_of_ours(mail->recipients[i].code))
            return DELIVERY_AWAY;
    }
    return result;
}

static enum delivered judge(struct mail *mail, CURLcode code)
{
    const char *why = mail->trouble[0] ? mail->trouble : curl_easy_strerror(code);
    char text[DELIVERY_TROUBLE];
    if (mail->stage == STAGE_END && mail->code / 100 == 2)
        return taken(mail);
    if (mail->handed && mail->stage != STAGE_END) {
        snprintf(text, sizeof text, "the server did not say whether it took it: %.160s", why);
        return fail(mail, DELIVERY_IN_DOUBT, text);
    }
    if (mail->unhandled)
        return fail(mail, DELIVERY_LATER, "it could not be marked as on its way");
    if (mail->stage == STAGE_RCPT && mail->asked == mail->count && mail->code / 100 >= 4)
        return refused(mail);
    if (mail->stage >= STAGE_MAIL && mail->code / 100 >= 4)
        return fail(mail,
                    is_none_of_ours(mail->code) ? DELIVERY_AWAY
                    : mail->code / 100 == 4     ? DELIVERY_LATER
                                                : DELIVERY_REFUSED,
                    mail->answer);
    snprintf(text, sizeof text, "%.60s: %.170s", mail->settings->server,
             mail->late                                            ? "it did not answer in time"
             : mail->stage <= STAGE_HELLO && mail->code / 100 >= 4 ? mail->answer
                                                                   : why);
    return fail(mail, DELIVERY_AWAY, text);
}

/* --- a message --- */

/* NULL: there is nobody whom it could be sent to, and the trouble says so. */
static struct curl_slist *list_recipients(struct mail *mail)
{
    struct delivery *delivery = mail->delivery;
    struct text rest = delivery->recipients;
    struct curl_slist *list = NULL;
    mail->count = mail->asked = 0;
    while (rest.length > 0) {
        struct text address = text_split(&rest, ' ');
        char copy[COMPOSE_ADDRESS_MOST + 1];
        if (address.length == 0)
            continue;
        struct recipient bad = {.address = address, .answer = "it is no address"};
        if (!compose_is_address(address)) {
            note(delivery, &bad);
            continue;
        }
        if (mail->count == RECIPIENTS_MOST) {
            if (!buffer_append(&delivery->left, address) || !buffer_append_byte(&delivery->left, ' '))
                note(delivery, &bad);
            continue;
        }
        mail->recipients[mail->count++] = (struct recipient){.address = address};
        snprintf(copy, sizeof copy, "%.*s", (int)address.length, address.bytes);
        struct curl_slist *longer = curl_slist_append(list, copy);
        if (longer)
            list = longer;
    }
    if (list == NULL && delivery->trouble[0] == '\0')
        snprintf(delivery->trouble, sizeof delivery->trouble, "it is for nobody");
    return list;
}

static enum delivered send_to(struct mail *mail, struct curl_slist *list)
{
    char from[COMPOSE_ADDRESS_MOST + 1];
    struct text sender = mail_settings_sender(mail->settings);
    snprintf(from, sizeof from, "%.*s", (int)sender.length, sender.length ? sender.bytes : "");
    curl_easy_setopt(mail->easy, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(mail->easy, CURLOPT_MAIL_RCPT, list);
    mail->sent = 0;
    mail->is_good = false;
    mail->handed = mail->unhandled = mail->late = mail->leaving = false;
    mail->stage = STAGE_GREETING;
    mail->code = 0;
    mail->trouble[0] = mail->answer[0] = '\0';
    mail->deadline = clock_steady() + mail->settings->patience;
    CURLcode code = curl_easy_perform(mail->easy);
    curl_easy_setopt(mail->easy, CURLOPT_MAIL_RCPT, NULL);
    enum delivered result = judge(mail, code);
    mail->is_good = code == CURLE_OK || (mail->code > 0 && mail->code / 100 != 3);
    if (code != CURLE_OK)
        mail_rest(mail); /* what a conversation that went wrong is in the middle of, nobody knows */
    return result;
}

/* Some servers take a bare CR, or a bare LF, for the end of a line: what stands behind a dot between two would be
 * commands to them. */
static bool has_whole_lines(struct text bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        bool is_end = bytes.bytes[i] == '\r' && i + 1 < bytes.length && bytes.bytes[i + 1] == '\n';
        if (is_end)
            i++;
        else if (bytes.bytes[i] == '\r' || bytes.bytes[i] == '\n')
            return false;
    }
    return bytes.length > 0;
}

enum delivered mail_deliver(struct mail *mail, struct delivery *delivery)
{
    enum delivered result;
    if (!has_whole_lines(delivery->bytes)) {
        snprintf(delivery->trouble, sizeof delivery->trouble, "it is no message whose lines end with CRLF");
        return DELIVERY_REFUSED;
    }
    if (mail->settings->server[0] == '\0') {
        snprintf(delivery->trouble, sizeof delivery->trouble, "there is no mail server: set server in [mail]");
        return DELIVERY_AWAY;
    }
    mail->delivery = delivery;
    struct curl_slist *list = list_recipients(mail);
    if (list == NULL)
        result = DELIVERY_REFUSED;
    else if (!open_connection(mail, delivery))
        result = DELIVERY_AWAY;
    else
        result = send_to(mail, list);
    curl_slist_free_all(list);
    mail->delivery = NULL;
    return result;
}

struct mail *mail_create(const struct mail_settings *settings)
{
    struct mail *mail = calloc(1, sizeof *mail);
    if (mail)
        mail->settings = settings;
    return mail;
}

void mail_destroy(struct mail **mail)
{
    if (*mail == NULL)
        return;
    mail_rest(*mail);
    free(*mail);
    *mail = NULL;
}
