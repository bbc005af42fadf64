/* See session.h. */
#include "agent/milter/session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/milter/content.h"
#include "agent/milter/question.h"
#include "agent/milter/verdict.h"

struct session {
    struct milter_letter letter;
    struct milter_content content;
    bool spaced; /* headers come with the spaces behind their colon */
};

static struct session_common *common;

void session_begin(struct session_common *given)
{
    common = given;
}

/* --- sessions ------------------------------------------------------------------------------------------------------
 */

/* NULL: there are too many, or no memory. */
static struct session *session_of(SMFICTX *context)
{
    struct session *session = smfi_getpriv(context);
    if (session)
        return session;
    if (atomic_fetch_add(&common->sessions, 1) < common->sessions_most)
        session = calloc(1, sizeof *session);
    if (session && smfi_setpriv(context, session) != MI_SUCCESS) {
        free(session);
        session = NULL;
    }
    if (!session)
        atomic_fetch_sub(&common->sessions, 1);
    return session;
}

static void drop_content(struct session *session)
{
    uint64_t bytes, digest[2];
    struct likeness likeness;
    (void)milter_content_finish(&session->content, &bytes, digest, &likeness);
}

static void take_macro(SMFICTX *context, const char *name, char *place, size_t size)
{
    const char *value = smfi_getsymval(context, (char *)(uintptr_t)name);
    if (value && value[0])
        milter_letter_set(place, size, value);
}

#define TAKE_MACRO(context, name, place) take_macro((context), (name), (place), sizeof(place))

static void begin_letter(struct session *session)
{
    struct milter_letter *letter = &session->letter;
    drop_content(session);
    letter->sender[0] = letter->account[0] = letter->queue[0] = 0;
    letter->recipients = 0;
    snprintf(letter->instance, sizeof letter->instance, "milter.%ld.%llu", (long)getpid(),
             (unsigned long long)atomic_fetch_add(&common->messages, 1));
}

/* --- answers -------------------------------------------------------------------------------------------------------
 */

static sfsistat decide(SMFICTX *context, const struct milter_verdict *verdict)
{
    if (verdict->decision == MILTER_DISCARDED)
        return SMFIS_DISCARD;
    if (verdict->decision == MILTER_PASSES)
        return SMFIS_CONTINUE;
    (void)smfi_setreply(context, (char *)(uintptr_t)verdict->code, (char *)(uintptr_t)verdict->enhanced,
                        (char *)(uintptr_t)verdict->phrase);
    return verdict->decision == MILTER_REFUSED ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

static sfsistat ask_about(SMFICTX *context, const struct session *session, const char *recipient, uint64_t size)
{
    char action[ASK_ACTION];
    struct milter_verdict verdict;
    struct buffer request;
    buffer_init(&request, MILTER_QUESTION_MOST);
    bool answered = milter_question_write(&session->letter, recipient, size, &request) &&
                    ask(&common->ask, buffer_text(&request), action);
    buffer_clear(&request);
    if (answered)
        milter_verdict_read(text_of(action), &verdict);
    else
        milter_verdict_read(common->fail_defers ? TEXT("451 4.3.0 Try again later") : TEXT("DUNNO"), &verdict);
    return decide(context, &verdict);
}

/* Nobody waits for it: what was in a message is of use, and no more. */
static void tell_content(struct session *session, uint64_t bytes, const uint64_t digest[2],
                         const struct likeness *likeness)
{
    char action[ASK_ACTION];
    struct buffer request;
    buffer_init(&request, MILTER_QUESTION_MOST);
    if (milter_content_write(&session->letter, bytes, digest, likeness, &request))
        (void)ask(&common->ask, buffer_text(&request), action);
    buffer_clear(&request);
}

/* --- callbacks -----------------------------------------------------------------------------------------------------
 */

/* Nothing is changed in a message. Where the mail server can, values of headers come as they were sent. */
static sfsistat on_negotiate(SMFICTX *context, unsigned long actions, unsigned long steps, unsigned long unused_2,
                             unsigned long unused_3, unsigned long *wanted_actions, unsigned long *wanted_steps,
                             unsigned long *wanted_2, unsigned long *wanted_3)
{
    (void)actions, (void)unused_2, (void)unused_3;
    struct session *session = session_of(context);
    if (!session)
        return SMFIS_REJECT;
    session->spaced = steps & SMFIP_HDR_LEADSPC;
    *wanted_actions = 0;
    *wanted_steps = steps & (SMFIP_NODATA | SMFIP_NOUNKNOWN | SMFIP_HDR_LEADSPC);
    *wanted_2 = *wanted_3 = 0;
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *context, char *name, _SOCK_ADDR *address)
{
    struct session *session = session_of(context);
    if (!session)
        return SMFIS_TEMPFAIL;
    struct milter_letter *letter = &session->letter;
    const void *bytes = NULL;
    if (address && address->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address && address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    letter->client_address[0] = letter->helo[0] = 0;
    if (bytes)
        (void)inet_ntop(address->sa_family, bytes, letter->client_address, sizeof letter->client_address);
    milter_letter_set(letter->client_name, sizeof letter->client_name, name);
    return SMFIS_CONTINUE;
}

static sfsistat on_helo(SMFICTX *context, char *name)
{
    struct session *session = session_of(context);
    if (!session)
        return SMFIS_TEMPFAIL;
    milter_letter_set(session->letter.helo, sizeof session->letter.helo, name);
    return SMFIS_CONTINUE;
}

static sfsistat on_sender(SMFICTX *context, char **words)
{
    struct session *session = session_of(context);
    if (!session)
        return SMFIS_TEMPFAIL;
    begin_letter(session);
    milter_letter_set_path(session->letter.sender, sizeof session->letter.sender, words[0]);
    TAKE_MACRO(context, "{auth_authen}", session->letter.account);
    TAKE_MACRO(context, "i", session->letter.queue);
    return SMFIS_CONTINUE;
}

static sfsistat on_recipient(SMFICTX *context, char **words)
{
    struct session *session = session_of(context);
    if (!session)
        return SMFIS_TEMPFAIL;
    TAKE_MACRO(context, "i", session->letter.queue);
    sfsistat answer = ask_about(context, session, words[0] ? words[0] : "", 0);
    session->letter.recipients += answer == SMFIS_CONTINUE;
    return answer;
}

static sfsistat on_header(SMFICTX *context, char *name, char *value)
{
    struct session *session = session_of(context);
    if (session)
        milter_content_header(&session->content, text_of(name ? name : ""), text_of(value ? value : ""),
                              session->spaced);
    return SMFIS_CONTINUE;
}

static sfsistat on_body_begins(SMFICTX *context)
{
    struct session *session = session_of(context);
    if (session)
        milter_content_body_begins(&session->content);
    return SMFIS_CONTINUE;
}

static sfsistat on_body(SMFICTX *context, unsigned char *bytes, size_t length)
{
    struct session *session = session_of(context);
    if (session)
        milter_content_body(&session->content, (struct text){(const char *)bytes, length});
    return SMFIS_CONTINUE;
}

static sfsistat on_end(SMFICTX *context)
{
    struct session *session = session_of(context);
    uint64_t bytes, digest[2];
    struct likeness likeness;
    if (!session)
        return SMFIS_CONTINUE;
    TAKE_MACRO(context, "i", session->letter.queue);
    bool known = milter_content_finish(&session->content, &bytes, digest, &likeness);
    sfsistat answer = ask_about(context, session, NULL, bytes);
    if (answer == SMFIS_CONTINUE && known && session->letter.recipients > 0)
        tell_content(session, bytes, digest, &likeness);
    return answer;
}

static sfsistat on_abort(SMFICTX *context)
{
    struct session *session = smfi_getpriv(context);
    if (session)
        drop_content(session);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *context)
{
    struct session *session = smfi_getpriv(context);
    if (!session)
        return SMFIS_CONTINUE;
    drop_content(session);
    (void)smfi_setpriv(context, NULL);
    free(session);
    atomic_fetch_sub(&common->sessions, 1);
    return SMFIS_CONTINUE;
}

struct smfiDesc session_callbacks(void)
{
    static char name[] = "postern";
    return (struct smfiDesc){
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_NONE,
        .xxfi_connect = on_connect,
        .xxfi_helo = on_helo,
        .xxfi_envfrom = on_sender,
        .xxfi_envrcpt = on_recipient,
        .xxfi_header = on_header,
        .xxfi_eoh = on_body_begins,
        .xxfi_body = on_body,
        .xxfi_eom = on_end,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };
}
