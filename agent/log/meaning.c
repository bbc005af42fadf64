/* From a line that was understood to observations.
 *
 * A message is told once: when every recipient of its envelope has had a first answer, or else when its queue id is
 * done. One that was only put off so far is not told yet: it may still be sent, and would count as one that was not.
 * What never leaves the machine is no message to us. */
#include "agent/log/meaning.h"

#include <string.h>

#define RECIPIENTS_MOST 10000 /* of one answer */
#define SESSION_MOST    HOUR  /* from a login to the message: later the session's number may be another's */

static uint32_t add_up(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static uint64_t number(struct text text)
{
    uint64_t result = 0;
    return text_number(text, &result) ? result : 0;
}

/* "5.1.1" as observations hold it. */
static uint16_t enhanced_of(struct text text)
{
    unsigned parts[3] = {0, 0, 0}, most[3] = {9, 9, 99};
    for (int i = 0; i < 3; i++) {
        uint64_t part;
        if (!text_number(text_split(&text, '.'), &part))
            return 0;
        parts[i] = part > most[i] ? most[i] : (unsigned)part;
    }
    return (uint16_t)(parts[0] * 10000 + parts[1] * 100 + parts[2]);
}

static struct reply reply_of(const struct log_fields *fields)
{
    return (struct reply){.code = (uint16_t)number(fields->at[LOG_code]),
                          .enhanced = enhanced_of(fields->at[LOG_enhanced]),
                          .phrase = fields->at[LOG_reply]};
}

/* A refusal of which the log has the enhanced code alone had a code of the same class. */
static struct reply refusal_of(const struct log_fields *fields)
{
    struct reply reply = reply_of(fields);
    if (reply.code == 0 && reply.enhanced >= 40000)
        reply.code = reply.enhanced < 50000 ? 450 : 550;
    return reply;
}

static struct address address_of(struct text text)
{
    struct address address, none = {0};
    if (text_starts_nocase(text, TEXT("IPv6:")))
        text = (struct text){text.bytes + 5, text.length - 5};
    return address_parse(text, &address) ? address : none;
}

static void observe(const struct meaning_context *context, struct observation *observation)
{
    observation->time = context->time;
    context->listener->observe(context->listener->context, observation);
}

static void tell_trace(const struct meaning_context *context, struct origin origin, struct text script,
                       struct text directory)
{
    const struct log_trace trace = {context->time, origin, script, directory};
    if (context->listener->trace != NULL)
        context->listener->trace(context->listener->context, &trace);
}

static void tell_login(const struct meaning_context *context, const struct log_fields *fields, struct origin origin,
                       enum auth_outcome outcome)
{
    struct observation observation = {.kind = OBSERVATION_AUTH, .origin = origin};
    observation.auth.user = fields->at[LOG_account];
    observation.auth.outcome = outcome;
    observation.auth.reply = reply_of(fields);
    observe(context, &observation);
    if (outcome == AUTH_ACCEPTED)
        tell_trace(context, origin, TEXT(""), TEXT(""));
}

/* A session has a place among the queue ids, under a name that is none. */
static struct text session_name(struct text session, char room[static 48])
{
    static const char before[] = "session ";
    size_t length = sizeof before - 1;
    if (session.length == 0 || session.length > 48 - length)
        return (struct text){0};
    memcpy(room, before, length);
    memcpy(room + length, session.bytes, session.length);
    return (struct text){room, length + session.length};
}

static void begin_session(const struct meaning_context *context, struct text session, const struct origin *origin)
{
    char room[48];
    struct transaction *begun =
        transactions_add(context->transactions, context->source, session_name(session, room), context->time);
    if (begun == NULL)
        return;
    *begun = (struct transaction){.spoken = context->time, .client = origin->address};
    transaction_set_account(begun, origin->account);
}

/* The login of a session; NULL: none. Numbers of sessions are used again, so the client has to be the same. */
static const struct transaction *login_of(const struct meaning_context *context, struct text session,
                                          const struct address *client)
{
    char room[48];
    const struct transaction *begun =
        transactions_find(context->transactions, context->source, session_name(session, room));
    bool same = begun != NULL && address_equals(&begun->client, client);
    return same && context->time - begun->spoken <= SESSION_MOST ? begun : NULL;
}

static void take_login(const struct meaning_context *context, const struct log_fields *fields)
{
    /* A login that failed says nothing of whose account it is: the sender is the address alone. */
    bool failed = fields->at[LOG_status].length == 0 || text_equals(fields->at[LOG_status], TEXT("failed"));
    struct transaction *session = transactions_find(context->transactions, context->source, fields->at[LOG_queue]);
    struct origin origin = {.address = address_of(fields->at[LOG_client])};
    if (origin.address.family == 0 && session != NULL)
        origin.address = session->client;
    if (!failed)
        origin.account = fields->at[LOG_account];
    if (!failed && session != NULL)
        transaction_set_account(session, origin.account);
    if (!failed && fields->at[LOG_session].length > 0)
        begin_session(context, fields->at[LOG_session], &origin);
    tell_login(context, fields, origin, failed ? AUTH_FAILED : AUTH_ACCEPTED);
}

static void copy_sender(struct transaction *to, const struct transaction *from)
{
    to->client = from->client;
    to->user = from->user;
    to->user_known = from->user_known;
    transaction_set_account(to, (struct text){from->account, from->account_length});
}

/* What a filter gives back under another queue id was sent by who sent the first. */
static void inherit(const struct meaning_context *context, struct transaction *to, struct text origin,
                    struct text queue)
{
    const struct transaction *from = transactions_find(context->transactions, context->source, origin);
    if (from == NULL || from == to)
        return;
    copy_sender(to, from);
    if (context->contents != NULL)
        contents_follow(context->contents, origin, queue);
}

static bool came_from_here(const struct transaction *transaction)
{
    static const uint8_t loopback[16] = {[15] = 1};
    const struct address *client = &transaction->client;
    return client->family == 0 || (client->family == 4 && client->bytes[0] == 127) ||
           (client->family == 6 && memcmp(client->bytes, loopback, sizeof loopback) == 0);
}

/* The other way round: who took a message on this machine said under which queue id. What came from elsewhere, or has a
 * sender by name, is not it. */
static void hand_on(const struct meaning_context *context, const struct transaction *from, struct text queue,
                    struct text next)
{
    struct transaction *to = transactions_find(context->transactions, context->source, next);
    if (to == NULL || to == from || !came_from_here(to) || to->account_length > 0 || to->user_known)
        return;
    copy_sender(to, from);
    if (context->contents != NULL)
        contents_follow(context->contents, queue, next);
}

/* The next of "<a@x>,<b@y>" or "a@x b@y"; patterns see to it that no address holds what stands between them. */
static struct text next_address(struct text *list)
{
    static const char between[] = "<>, ";
    if (list->length == 0)
        return (struct text){0};
    while (list->length > 0 && memchr(between, list->bytes[0], sizeof between - 1) != NULL) {
        list->bytes++;
        list->length--;
    }
    struct text address = {list->bytes, 0};
    while (address.length < list->length && memchr(between, address.bytes[address.length], sizeof between - 1) == NULL)
        address.length++;
    list->bytes += address.length;
    list->length -= address.length;
    return address;
}

static uint32_t count_addresses(struct text list)
{
    uint32_t count = 0;
    while (next_address(&list).length > 0)
        count++;
    return count;
}

/* Which script, in which directory: said in the line itself, or ahead of it under the process or the queue id. */
static void trace_queued(const struct meaning_context *context, const struct log_fields *fields,
                         const struct transaction *transaction)
{
    struct text script = fields->at[LOG_script], directory = fields->at[LOG_cwd];
    struct hint hint;
    if (hints_take(context->hints, context->source, fields->at[LOG_process], context->time, &hint) ||
        hints_take(context->hints, context->source, fields->at[LOG_queue], context->time, &hint)) {
        script = (struct text){hint.script, hint.script_length};
        directory = (struct text){hint.directory, hint.directory_length};
    }
    if (script.length > 0 || directory.length > 0 || transaction->user_known)
        tell_trace(context, transaction_origin(transaction), script, directory);
}

static void take_script(const struct meaning_context *context, const struct log_fields *fields)
{
    const struct transaction *transaction =
        transactions_find(context->transactions, context->source, fields->at[LOG_queue]);
    struct text word = fields->at[LOG_queue].length > 0 ? fields->at[LOG_queue] : fields->at[LOG_process];
    if (transaction != NULL)
        tell_trace(context, transaction_origin(transaction), fields->at[LOG_script], fields->at[LOG_cwd]);
    else
        hints_add(context->hints, context->source, word, context->time, fields->at[LOG_script], fields->at[LOG_cwd]);
}

static void take_queued(const struct meaning_context *context, const struct log_fields *fields)
{
    struct text queue = fields->at[LOG_queue], origin = fields->at[LOG_origin_queue];
    struct transaction *transaction = transactions_add(context->transactions, context->source, queue, context->time);
    if (transaction == NULL)
        return;
    /* Queue ids are used again: whoever begins one knows nothing of the last. */
    *transaction = (struct transaction){.spoken = context->time, .client = address_of(fields->at[LOG_client])};
    uint64_t user;
    if (text_number(fields->at[LOG_uid], &user) && user <= UINT32_MAX) {
        transaction->user = (uint32_t)user;
        transaction->user_known = true;
    }
    if (fields->at[LOG_from].bytes != NULL)
        transaction_set_from(transaction, fields->at[LOG_from]);
    transaction->bytes = number(fields->at[LOG_size]);
    uint64_t expected = number(fields->at[LOG_recipients]);
    transaction->expected = expected > UINT32_MAX ? UINT32_MAX : (uint32_t)expected;
    if (expected == 0)
        transaction->expected = count_addresses(fields->at[LOG_to_list]);
    transaction_set_account(transaction, fields->at[LOG_account]);
    const struct transaction *login = login_of(context, fields->at[LOG_session], &transaction->client);
    if (login != NULL)
        transaction_set_account(transaction, (struct text){login->account, login->account_length});
    if (origin.length > 0)
        inherit(context, transaction, origin, queue);
    /* Without a client the name is that of a local user, who did not log in. */
    if (fields->at[LOG_account].length > 0 && transaction->client.family != 0)
        tell_login(context, fields, transaction_origin(transaction), AUTH_ACCEPTED);
    trace_queued(context, fields, transaction);
}

static struct transaction *speak_of(const struct meaning_context *context, const struct log_fields *fields)
{
    return transactions_add(context->transactions, context->source, fields->at[LOG_queue], context->time);
}

static void take_sender(const struct meaning_context *context, const struct log_fields *fields)
{
    struct transaction *transaction = speak_of(context, fields);
    if (transaction == NULL)
        return;
    /* A program may spread these over several lines. */
    if (fields->at[LOG_from].bytes != NULL)
        transaction_set_from(transaction, fields->at[LOG_from]);
    if (fields->at[LOG_size].bytes != NULL)
        transaction->bytes = number(fields->at[LOG_size]);
    if (fields->at[LOG_recipients].bytes != NULL) {
        uint64_t expected = number(fields->at[LOG_recipients]);
        transaction->expected = expected > UINT32_MAX ? UINT32_MAX : (uint32_t)expected;
    }
}

static void tell_message(const struct meaning_context *context, struct transaction *transaction, struct text queue)
{
    struct observation observation = {
        .kind = OBSERVATION_MESSAGE, .origin = transaction_origin(transaction), .server = transaction->server};
    observation.message.from = (struct text){transaction->from, transaction->from_length};
    observation.message.recipients = transaction->accepted;
    observation.message.bytes = transaction->bytes;
    observation.message.complete = true;
    observation.message.reply = (struct reply){.code = transaction->code, .enhanced = transaction->enhanced};
    if (context->contents != NULL)
        contents_fill(context->contents, queue, &observation);
    observe(context, &observation);
    transaction->told = true;
}

static void tell_when_answered(const struct meaning_context *context, struct transaction *transaction,
                               struct text queue)
{
    if (!transaction->told && transaction->answered > 0 && transaction->expected > 0 &&
        transaction->answered + transaction->here >= transaction->expected &&
        (transaction->accepted > 0 || !transaction->put_off))
        tell_message(context, transaction, queue);
}

/* The words of Postfix and Sendmail, OpenSMTPD, qmail and Haraka, and Exim's signs for the first and the further
 * recipients of a delivery. */
static bool says_sent(struct text status)
{
    return text_equals_nocase(status, TEXT("sent")) || text_equals(status, TEXT("=>")) ||
           text_equals(status, TEXT("->")) || text_equals_nocase(status, TEXT("ok")) ||
           text_equals(status, TEXT("success")) || text_equals(status, TEXT("delivered"));
}

static void take_delivery_of(const struct meaning_context *context, const struct log_fields *fields)
{
    struct transaction *transaction = speak_of(context, fields);
    if (transaction == NULL)
        return;
    struct reply reply = reply_of(fields);
    if (reply.code == 0 && says_sent(fields->at[LOG_status]))
        reply.code = 250; /* it says so itself, whatever the phrase */
    struct observation observation = {.kind = OBSERVATION_RECIPIENT,
                                      .origin = transaction_origin(transaction),
                                      .server = address_of(fields->at[LOG_server]),
                                      .server_port = (uint16_t)number(fields->at[LOG_server_port])};
    observation.recipient.from = (struct text){transaction->from, transaction->from_length};
    observation.recipient.reply = reply;

    /* Some say how many recipients an answer was for, some name them all. */
    uint64_t given = number(fields->at[LOG_recipients]);
    uint32_t count = given == 0 ? 1 : given > RECIPIENTS_MOST ? RECIPIENTS_MOST : (uint32_t)given;
    struct text list = fields->at[LOG_to_list];
    if (list.length > 0)
        count = count_addresses(list);
    observation.recipient.address = list.length > 0 ? next_address(&list) : fields->at[LOG_to];
    do {
        observe(context, &observation);
        observation.recipient.address = next_address(&list);
    } while (observation.recipient.address.length > 0);
    bool accepted = reply.code / 100 == 2;
    transaction->answered = add_up(transaction->answered, count);
    transaction->accepted = add_up(transaction->accepted, accepted ? count : 0);
    transaction->put_off |= !accepted && reply.code / 100 != 5;
    if (transaction->code == 0 || (accepted && transaction->code / 100 != 2)) {
        transaction->code = reply.code;
        transaction->enhanced = reply.enhanced;
        transaction->server = observation.server;
    }
    tell_when_answered(context, transaction, fields->at[LOG_queue]);
}

static void take_recipient(const struct meaning_context *context, const struct log_fields *fields)
{
    struct transaction *transaction = speak_of(context, fields);
    if (transaction == NULL)
        return;
    uint32_t named = count_addresses(fields->at[LOG_to_list]);
    transaction->here = add_up(transaction->here, named > 0 ? named : 1);
    if (fields->at[LOG_next_queue].length > 0)
        hand_on(context, transaction, fields->at[LOG_queue], fields->at[LOG_next_queue]);
    tell_when_answered(context, transaction, fields->at[LOG_queue]);
}

static void take_delivery(const struct meaning_context *context, const struct log_fields *fields)
{
    struct attempt attempt;
    if (fields->at[LOG_delivery].bytes == NULL) {
        take_delivery_of(context, fields);
        return;
    }
    if (!attempts_end(context->attempts, context->source, fields->at[LOG_delivery], &attempt))
        return;
    struct log_fields whole = *fields;
    whole.at[LOG_queue] = (struct text){attempt.queue, attempt.queue_length};
    whole.at[LOG_to] = (struct text){attempt.to, attempt.to_length};
    if (attempt.here)
        take_recipient(context, &whole);
    else
        take_delivery_of(context, &whole);
}

static void take_started(const struct meaning_context *context, const struct log_fields *fields)
{
    bool here = text_equals(fields->at[LOG_status], TEXT("local"));
    attempts_start(context->attempts, context->source, fields->at[LOG_delivery], fields->at[LOG_queue],
                   fields->at[LOG_to], here);
}

static void take_removed(const struct meaning_context *context, const struct log_fields *fields)
{
    struct transaction *transaction = transactions_find(context->transactions, context->source, fields->at[LOG_queue]);
    if (transaction != NULL && !transaction->told && transaction->answered > 0)
        tell_message(context, transaction, fields->at[LOG_queue]);
    if (context->contents != NULL)
        contents_forget(context->contents, fields->at[LOG_queue], context->time);
    if (transaction != NULL)
        transactions_remove(context->transactions, transaction);
}

static void take_reject(const struct meaning_context *context, const struct log_fields *fields)
{
    struct observation observation = {.kind = OBSERVATION_RECIPIENT,
                                      .origin = {.address = address_of(fields->at[LOG_client])}};
    /* Some name the session, which told its client when it began, or the message whose sender is known by then. */
    const struct transaction *begun = transactions_find(context->transactions, context->source, fields->at[LOG_queue]);
    if (begun == NULL)
        begun = login_of(context, fields->at[LOG_session], &observation.origin.address);
    if (begun != NULL &&
        (observation.origin.address.family == 0 || address_equals(&begun->client, &observation.origin.address)))
        observation.origin = transaction_origin(begun);
    observation.recipient.from = fields->at[LOG_from];
    observation.recipient.address = fields->at[LOG_to];
    observation.recipient.reply = refusal_of(fields);
    observe(context, &observation);
}

static int32_t hundredths(struct text text)
{
    bool negative = text.length > 0 && text.bytes[0] == '-';
    int64_t result = 0, unit = 0;
    for (size_t i = negative; i < text.length && result < 100000000; i++) {
        char c = text.bytes[i];
        if (c == '.' && unit == 0)
            unit = 1;
        else if (c < '0' || c > '9' || unit > 100)
            break;
        else if (unit < 100) {
            result = result * 10 + (c - '0');
            unit *= 10;
        }
    }
    result *= unit == 100 ? 1 : unit == 10 ? 10 : 100;
    if (result > 100000000)
        result = 100000000;
    return (int32_t)(negative ? -result : result);
}

static void take_filter(const struct meaning_context *context, const struct log_rule *rule,
                        const struct log_fields *fields)
{
    struct observation observation = {
        .kind = OBSERVATION_FILTER,
        .origin = {.address = address_of(fields->at[LOG_client]), .account = fields->at[LOG_account]}};
    const struct transaction *transaction =
        transactions_find(context->transactions, context->source, fields->at[LOG_queue]);
    if (transaction != NULL)
        observation.origin = transaction_origin(transaction);
    observation.filter.filter = text_of(rule->name);
    observation.filter.action = fields->at[LOG_action];
    observation.filter.symbols = fields->at[LOG_symbols];
    observation.filter.score = hundredths(fields->at[LOG_score]);
    observation.filter.threshold = hundredths(fields->at[LOG_threshold]);
    observe(context, &observation);
}

void meaning_take(const struct meaning_context *context, const struct log_rule *rule, const struct log_fields *fields)
{
    switch (rule->means) {
    case LOG_MEANS_LOGIN:
        take_login(context, fields);
        break;
    case LOG_MEANS_QUEUED:
        take_queued(context, fields);
        break;
    case LOG_MEANS_SENDER:
        take_sender(context, fields);
        break;
    case LOG_MEANS_RECIPIENT:
        take_recipient(context, fields);
        break;
    case LOG_MEANS_STARTED:
        take_started(context, fields);
        break;
    case LOG_MEANS_DELIVERY:
        take_delivery(context, fields);
        break;
    case LOG_MEANS_REMOVED:
        take_removed(context, fields);
        break;
    case LOG_MEANS_REJECT:
        take_reject(context, fields);
        break;
    case LOG_MEANS_SCRIPT:
        take_script(context, fields);
        break;
    case LOG_MEANS_FILTER:
        take_filter(context, rule, fields);
        break;
    case LOG_MEANS_CONNECT:
    case LOG_MEANS_IGNORE:
    case LOG_MEANINGS:
        break;
    }
}
