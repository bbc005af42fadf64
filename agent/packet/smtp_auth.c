/* A response is decoded into memory of the call, the user's part of it is copied, and the rest, with the password, is
 * wiped before returning. */
#include "agent/packet/smtp_auth.h"

enum { DECODED_MOST = 1536 };

static const struct text names[] = {
    [MECHANISM_UNKNOWN] = {"", 0},
    [MECHANISM_PLAIN] = {"PLAIN", 5},
    [MECHANISM_LOGIN] = {"LOGIN", 5},
    [MECHANISM_CRAM_MD5] = {"CRAM-MD5", 8},
    [MECHANISM_DIGEST_MD5] = {"DIGEST-MD5", 10},
    [MECHANISM_XOAUTH2] = {"XOAUTH2", 7},
    [MECHANISM_OAUTHBEARER] = {"OAUTHBEARER", 11},
    [MECHANISM_SCRAM_SHA_1] = {"SCRAM-SHA-1", 11},
    [MECHANISM_SCRAM_SHA_256] = {"SCRAM-SHA-256", 13},
    [MECHANISM_EXTERNAL] = {"EXTERNAL", 8},
    [MECHANISM_NTLM] = {"NTLM", 4},
    [MECHANISM_GSSAPI] = {"GSSAPI", 6},
};
static_assert(sizeof names / sizeof names[0] == MECHANISMS, "a name for each");

enum smtp_mechanism smtp_mechanism_of(struct text word)
{
    for (int i = 1; i < MECHANISMS; i++)
        if (text_equals_nocase(names[i], word))
            return (enum smtp_mechanism)i;
    return MECHANISM_UNKNOWN;
}

struct text smtp_mechanism_name(enum smtp_mechanism mechanism)
{
    return names[mechanism];
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Up to the padding or the first character that is none of base64's. False: there is such a character. */
static bool decode(struct text text, char *result, size_t *length)
{
    uint32_t bits = 0;
    unsigned count = 0;
    size_t used = 0;
    *length = 0;
    for (; used < text.length && text.bytes[used] != '='; used++) {
        int value = base64_value(text.bytes[used]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8 && *length < DECODED_MOST) {
            count -= 8;
            result[(*length)++] = (char)(bits >> count);
        }
    }
    return true;
}

/* What stands behind `start` up to one of `ends`. */
static struct text between(struct text text, struct text start, const char *ends)
{
    const char *found = text.length ? memmem(text.bytes, text.length, start.bytes, start.length) : NULL;
    if (!found)
        return (struct text){"", 0};
    const char *from = found + start.length;
    size_t length = 0, most = (size_t)(text.bytes + text.length - from);
    while (length < most && !strchr(ends, from[length])) /* a NUL ends it as well */
        length++;
    return (struct text){from, length};
}

static struct text user_in(enum smtp_mechanism mechanism, unsigned step, struct text plain)
{
    struct text none = {"", 0}, rest = plain;
    switch (mechanism) {
    case MECHANISM_PLAIN: {
        struct text authorised = text_split(&rest, '\0');
        struct text user = text_split(&rest, '\0');
        return step > 0 ? none : user.length > 0 ? user : authorised;
    }
    case MECHANISM_LOGIN:
    case MECHANISM_EXTERNAL:
        return step == 0 ? plain : none;
    case MECHANISM_CRAM_MD5: {
        const char *space = plain.length ? memrchr(plain.bytes, ' ', plain.length) : NULL;
        return step == 0 && space ? (struct text){plain.bytes, (size_t)(space - plain.bytes)} : none;
    }
    case MECHANISM_DIGEST_MD5:
        return between(plain, TEXT("username=\""), "\"");
    case MECHANISM_XOAUTH2:
        return step == 0 ? between(plain, TEXT("user="), "\001") : none;
    case MECHANISM_OAUTHBEARER:
        return step == 0 ? between(plain, TEXT(",a="), ",\001") : none;
    case MECHANISM_SCRAM_SHA_1:
    case MECHANISM_SCRAM_SHA_256:
        return step == 0 ? between(plain, TEXT(",n="), ",") : none;
    default:
        return none;
    }
}

size_t smtp_auth_user(enum smtp_mechanism mechanism, unsigned step, struct text response, char user[SMTP_USER_MOST])
{
    char plain[DECODED_MOST];
    size_t length = 0, result = 0;
    if (decode(response, plain, &length)) {
        struct text found = user_in(mechanism, step, (struct text){plain, length});
        result = found.length < SMTP_USER_MOST ? found.length : SMTP_USER_MOST;
        memcpy(user, found.bytes, result);
    }
    explicit_bzero(plain, sizeof plain);
    return result;
}
