/* Logins: the user is found, in each mechanism where it stands in the clear, and the password is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/packet/smtp_auth.h"

static const struct {
    const char *mechanism;
    unsigned step;
    const char *response, *user;
} responses[] = {
    {"PLAIN", 0, "AGpvZUBtZS5vcmcAc2VjcmV0", "joe@me.org"}, /* NUL joe@me.org NUL secret */
    {"plain", 0, "YWRtaW4Aam9lAHNlY3JldA==", "joe"},        /* admin NUL joe NUL secret */
    {"PLAIN", 0, "am9l", "joe"},                            /* joe */
    {"PLAIN", 1, "AGpvZQBzZWNyZXQ=", ""},
    {"PLAIN", 0, "=", ""},
    {"PLAIN", 0, "not base64!", ""},
    {"LOGIN", 0, "am9l", "joe"},
    {"LOGIN", 1, "c2VjcmV0", ""},                 /* the password */
    {"CRAM-MD5", 0, "am9lIGIgOWYwZTM=", "joe b"}, /* "joe b 9f0e3": a name may hold a space */
    {"CRAM-MD5", 0, "am9l", ""},
    {"DIGEST-MD5", 0, "dXNlcm5hbWU9ImpvZSIscmVhbG09IngiLHJlc3BvbnNlPWFi", "joe"}, /* username="joe",realm="x",... */
    {"XOAUTH2", 0, "dXNlcj1qb2VAbWUub3JnAWF1dGg9QmVhcmVyIHRva2VuAQE=", "joe@me.org"},
    {"OAUTHBEARER", 0, "bixhPWpvZUBtZS5vcmcsAWF1dGg9QmVhcmVyIHQBAQ==", "joe@me.org"}, /* n,a=joe@me.org,... */
    {"SCRAM-SHA-256", 0, "biwsbj1qb2Uscj1mZw==", "joe"},                              /* n,,n=joe,r=fg */
    {"SCRAM-SHA-1", 1, "Yz1iaXdzLHI9ZmcscD1wcg==", ""},
    {"EXTERNAL", 0, "am9l", "joe"},
    {"NTLM", 0, "TlRMTVNTUAABAAAA", ""},
    {"NONSENSE", 0, "am9l", ""},
};

static void users_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof responses / sizeof responses[0]; i++) {
        char user[SMTP_USER_MOST];
        enum smtp_mechanism mechanism = smtp_mechanism_of(text_of(responses[i].mechanism));
        size_t length = smtp_auth_user(mechanism, responses[i].step, text_of(responses[i].response), user);
        if (!text_equals((struct text){user, length}, text_of(responses[i].user)))
            fail_msg("%s %s: got \"%.*s\"", responses[i].mechanism, responses[i].response, (int)length, user);
    }
}

static void a_long_response_is_cut(void **state)
{
    (void)state;
    static char response[8000];
    memset(response, 'Q', sizeof response);
    char user[SMTP_USER_MOST];
    assert_int_equal(smtp_auth_user(MECHANISM_LOGIN, 0, (struct text){response, sizeof response}, user),
                     SMTP_USER_MOST);
}

static void names_come_back(void **state)
{
    (void)state;
    for (int i = 1; i < MECHANISMS; i++)
        assert_int_equal(smtp_mechanism_of(smtp_mechanism_name((enum smtp_mechanism)i)), i);
    assert_int_equal(smtp_mechanism_of(TEXT("")), MECHANISM_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_are_found),
        cmocka_unit_test(a_long_response_is_cut),
        cmocka_unit_test(names_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
