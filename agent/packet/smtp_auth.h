/* Who logs in (RFC 4954): the user's name out of a client's responses. Passwords are never copied out of them. */
#ifndef AGENT_PACKET_SMTP_AUTH_H
#define AGENT_PACKET_SMTP_AUTH_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/packet/smtp.h"

enum smtp_mechanism {
    MECHANISM_UNKNOWN,
    MECHANISM_PLAIN,       /* RFC 4616: authzid NUL user NUL password */
    MECHANISM_LOGIN,       /* the user, then the password */
    MECHANISM_CRAM_MD5,    /* RFC 2195: user SPACE digest */
    MECHANISM_DIGEST_MD5,  /* RFC 2831: username="..." */
    MECHANISM_XOAUTH2,     /* user=... ^A auth=... */
    MECHANISM_OAUTHBEARER, /* RFC 7628: n,a=user,^A... */
    MECHANISM_SCRAM_SHA_1, /* RFC 5802: n,,n=user,r=... */
    MECHANISM_SCRAM_SHA_256,
    MECHANISM_EXTERNAL, /* RFC 4422: authzid */
    MECHANISM_NTLM,
    MECHANISM_GSSAPI,
    MECHANISMS
};

#define SMTP_USER_MOST SMTP_ADDRESS_MOST

enum smtp_mechanism smtp_mechanism_of(struct text word);
struct text smtp_mechanism_name(enum smtp_mechanism); /* empty: unknown */

/* The user in response number `step` (0: the first, also when it came with the command), in base64. Returns its length
 * in `user`, 0: none in this response. */
size_t smtp_auth_user(enum smtp_mechanism, unsigned step, struct text response, char user[SMTP_USER_MOST]);

#endif
