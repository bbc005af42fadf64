/* The names of an observation's kinds and outcomes, as records and pages show them. */
#include <assert.h>
#include "common/words/observation.h"

#define NAMES(table)          (sizeof(table) / sizeof(table)[0])
#define NAME_OF(table, value) ((unsigned)(value) < NAMES(table) ? (table)[value] : "unknown")

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
