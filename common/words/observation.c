/* What an observation consists of: its texts; the names of kinds and outcomes, as records and pages show them. */
#include <assert.h>
#include "common/words/observation.h"

#define NAMES(table)          (sizeof(table) / sizeof(table)[0])
#define NAME_OF(table, value) ((unsigned)(value) < NAMES(table) ? (table)[value] : "unknown")

size_t observation_texts(struct observation *o, struct text *result[OBSERVATION_TEXTS])
{
    size_t count = 0;
    if (o->origin.account.length > 0)
        result[count++] = &o->origin.account;
    switch (o->kind) {
    case OBSERVATION_HELO:
        result[count++] = &o->helo.name;
        break;
    case OBSERVATION_TLS:
        result[count++] = &o->tls.server_name;
        break;
    case OBSERVATION_AUTH:
        result[count++] = &o->auth.user;
        result[count++] = &o->auth.mechanism;
        result[count++] = &o->auth.reply.phrase;
        break;
    case OBSERVATION_TRANSACTION:
        result[count++] = &o->transaction.from;
        result[count++] = &o->transaction.reply.phrase;
        break;
    case OBSERVATION_RECIPIENT:
        result[count++] = &o->recipient.from;
        result[count++] = &o->recipient.address;
        result[count++] = &o->recipient.reply.phrase;
        break;
    case OBSERVATION_MESSAGE:
        result[count++] = &o->message.from;
        result[count++] = &o->message.helo;
        result[count++] = &o->message.reply.phrase;
        break;
    case OBSERVATION_FILTER:
        result[count++] = &o->filter.filter;
        result[count++] = &o->filter.action;
        result[count++] = &o->filter.symbols;
        break;
    case OBSERVATION_LISTING:
        result[count++] = &o->listing.zone;
        break;
    case OBSERVATION_COMPLAINT:
        result[count++] = &o->complaint.reporter;
        break;
    case OBSERVATION_CONNECTION:
    case OBSERVATION_CLOSE:
    case OBSERVATION_TICK:
    case OBSERVATION_KINDS:
        break;
    }
    return count;
}

const char *observation_kind_name(enum observation_kind kind)
{
    static const char *const names[] = {
        [OBSERVATION_CONNECTION] = "connection",
        [OBSERVATION_HELO] = "helo",
        [OBSERVATION_TLS] = "tls",
        [OBSERVATION_AUTH] = "auth",
        [OBSERVATION_TRANSACTION] = "transaction",
        [OBSERVATION_RECIPIENT] = "recipient",
        [OBSERVATION_MESSAGE] = "message",
        [OBSERVATION_CLOSE] = "close",
        [OBSERVATION_FILTER] = "filter",
        [OBSERVATION_LISTING] = "listing",
        [OBSERVATION_COMPLAINT] = "complaint",
        [OBSERVATION_TICK] = "tick",
    };
    static_assert(NAMES(names) == OBSERVATION_KINDS, "every kind has a name");
    return NAME_OF(names, kind);
}

const char *tls_use_name(enum tls_use use)
{
    static const char *const names[] = {"none", "starttls", "implicit"};
    static_assert(NAMES(names) == TLS_IMPLICIT + 1, "every use has a name");
    return NAME_OF(names, use);
}

const char *auth_outcome_name(enum auth_outcome outcome)
{
    static const char *const names[] = {"none", "tried", "failed", "accepted"};
    static_assert(NAMES(names) == AUTH_ACCEPTED + 1, "every outcome has a name");
    return NAME_OF(names, outcome);
}

const char *close_reason_name(enum close_reason reason)
{
    static const char *const names[] = {"quit", "fin", "reset", "timeout", "open"};
    static_assert(NAMES(names) == CLOSE_OPEN + 1, "every reason has a name");
    return NAME_OF(names, reason);
}

const char *listing_weight_name(enum listing_weight weight)
{
    static const char *const names[] = {"informational", "low", "medium", "high", "critical"};
    static_assert(NAMES(names) == LISTING_CRITICAL + 1, "every weight has a name");
    return NAME_OF(names, weight);
}

const char *complaint_type_name(enum complaint_type type)
{
    static const char *const names[] = {"abuse", "fraud", "virus", "not-spam", "auth-failure", "other"};
    static_assert(NAMES(names) == COMPLAINT_OTHER + 1, "every type has a name");
    return NAME_OF(names, type);
}
