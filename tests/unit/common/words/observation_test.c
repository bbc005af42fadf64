/* The names that records and pages show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "common/words/observation.h"
#include "common/words/verdict.h"

static const char *name_of_kind(int value)
{
    return observation_kind_name((enum observation_kind)value);
}

static const char *name_of_tls(int value)
{
    return tls_use_name((enum tls_use)value);
}

static const char *name_of_auth(int value)
{
    return auth_outcome_name((enum auth_outcome)value);
}

static const char *name_of_close(int value)
{
    return close_reason_name((enum close_reason)value);
}

static const char *name_of_weight(int value)
{
    return listing_weight_name((enum listing_weight)value);
}

static const char *name_of_type(int value)
{
    return complaint_type_name((enum complaint_type)value);
}

static const char *name_of_verdict(int value)
{
    return verdict_name((enum verdict)value);
}

static const struct {
    const char *(*name_of)(int);
    const char *names[OBSERVATION_KINDS + 1];
} rows[] = {
    {name_of_kind,
     {"connection", "helo", "tls", "auth", "transaction", "recipient", "message", "close", "filter", "listing",
      "complaint", "tick", "unknown"}},
    {name_of_tls, {"none", "starttls", "implicit", "unknown"}},
    {name_of_auth, {"none", "tried", "failed", "accepted", "unknown"}},
    {name_of_close, {"quit", "fin", "reset", "timeout", "open", "unknown"}},
    {name_of_weight, {"informational", "low", "medium", "high", "critical", "unknown"}},
    {name_of_type, {"abuse", "fraud", "virus", "not-spam", "auth-failure", "other", "unknown"}},
    {name_of_verdict, {"clear", "alert", "throttle", "divert", "block", "unknown"}},
};

static void every_value_has_its_name_and_no_other_has(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int value = 0; value <= OBSERVATION_KINDS && rows[i].names[value]; value++)
            assert_string_equal(rows[i].name_of(value), rows[i].names[value]);
        assert_string_equal(rows[i].name_of(1000), "unknown");
        assert_string_equal(rows[i].name_of(-1), "unknown");
    }
}

/* Whoever keeps a copy must find every text: what is not listed would point into a packet that is gone. */
static void texts(void **state)
{
    (void)state;
    static const size_t wanted[OBSERVATION_KINDS] = {
        [OBSERVATION_HELO] = 1,        [OBSERVATION_TLS] = 1,       [OBSERVATION_AUTH] = 3,
        [OBSERVATION_TRANSACTION] = 2, [OBSERVATION_RECIPIENT] = 3, [OBSERVATION_MESSAGE] = 3,
        [OBSERVATION_FILTER] = 3,      [OBSERVATION_LISTING] = 1,   [OBSERVATION_COMPLAINT] = 1,
    };
    for (int kind = 0; kind < OBSERVATION_KINDS; kind++) {
        struct observation observation = {.kind = (enum observation_kind)kind};
        struct text *found[OBSERVATION_TEXTS];
        size_t count = observation_texts(&observation, found);
        assert_int_equal(count, wanted[kind]);
        observation.origin.account = TEXT("alice"); /* whom it is about is a text as well, whatever is said */
        count = observation_texts(&observation, found);
        assert_int_equal(count, wanted[kind] + 1);
        for (size_t i = 0; i < count; i++) {
            assert_true((char *)found[i] >= (char *)&observation &&
                        (char *)(found[i] + 1) <= (char *)(&observation + 1));
            for (size_t j = 0; j < i; j++)
                assert_ptr_not_equal(found[i], found[j]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(every_value_has_its_name_and_no_other_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
