/* Whether a mail comes from whom it says it does, by what the server that took it in wrote on top of it
 * (Authentication-Results, RFC 8601). Only its uppermost such line counts: those below may have come along. */
#include <string.h>
#include "collector/complaint/forms.h"
#include "collector/complaint/taking.h"

/* The next token of a result: what stands between spaces, without comments, quoted or not. */
static bool token_next(struct text *rest, char *result, size_t size)
{
    size_t length = 0, i = 0, depth = 0;
    bool is_quoted = false, has_any = false;
    for (; i < rest->length; i++) {
        char c = rest->bytes[i];
        if (c == '\\' && i + 1 < rest->length && (is_quoted || depth > 0)) {
            c = rest->bytes[++i];
        } else if (depth > 0 || (c == '(' && !is_quoted)) {
            depth += c == '(';
            depth -= c == ')';
            continue;
        } else if (c == '"') {
            is_quoted = !is_quoted;
            has_any = true;
            continue;
        } else if (!is_quoted && (c == ';' || c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
            if (has_any || c == ';')
                break;
            continue;
        }
        if (depth > 0)
            continue;
        has_any = true;
        if (length + 1 < size)
            result[length++] = c;
    }
    result[length] = '\0';
    *rest = (struct text){rest->bytes + i, rest->length - i};
    return has_any;
}

/* "d" of "alice@d", "@d", "d". */
static struct text domain_in(struct text value)
{
    const char *at = value.length > 0 ? memrchr(value.bytes, '@', value.length) : NULL;
    return at ? (struct text){at + 1, value.length - (size_t)(at + 1 - value.bytes)} : value;
}

static bool is_below(struct text domain, struct text above)
{
    if (above.length == 0 || !text_ends_nocase(domain, above))
        return false;
    return domain.length == above.length || domain.bytes[domain.length - above.length - 1] == '.';
}

/* One result, "dkim=pass header.d=example.com": whether it vouches for `domain`. */
static bool vouches(struct text result, struct text domain)
{
    char token[256];
    bool is_dkim = false, is_dmarc = false, does = false;
    if (!token_next(&result, token, sizeof token))
        return false;
    is_dkim = text_equals_nocase(text_of(token), TEXT("dkim=pass"));
    is_dmarc = text_equals_nocase(text_of(token), TEXT("dmarc=pass"));
    while (result.length > 0 && token_next(&result, token, sizeof token)) {
        struct text value = text_of(token), name = text_split(&value, '=');
        bool is_domain =
            (is_dkim && (text_equals_nocase(name, TEXT("header.d")) || text_equals_nocase(name, TEXT("header.i")))) ||
            (is_dmarc && text_equals_nocase(name, TEXT("header.from")));
        does = does || (is_domain && is_below(domain, domain_in(value)));
    }
    return does;
}

/* The next result; the `;` between them does not stand in quotes or comments. */
static bool result_next(struct text *rest, struct text *result)
{
    size_t i = 0, depth = 0;
    bool is_quoted = false;
    for (; i < rest->length; i++) {
        char c = rest->bytes[i];
        if (c == '\\' && (is_quoted || depth > 0))
            i++;
        else if (c == '"' && depth == 0)
            is_quoted = !is_quoted;
        else if (!is_quoted && c == '(')
            depth++;
        else if (!is_quoted && depth > 0 && c == ')')
            depth--;
        else if (!is_quoted && depth == 0 && c == ';')
            break;
    }
    i = i < rest->length ? i : rest->length;
    *result = (struct text){rest->bytes, i};
    bool is_any = rest->length > 0;
    i += i < rest->length;
    *rest = (struct text){rest->bytes + i, rest->length - i};
    return is_any;
}

/* The one address of the one From; else nobody is known by it: others may be shown, or signed, than are read. */
static bool take_from(struct text head, char *result, size_t size)
{
    struct text from = TEXT("");
    uint32_t count = 0, ats = 0, brackets = 0;
    for (struct field field; field_next(&head, &field);)
        if (text_equals_nocase(field.name, TEXT("From"))) {
            from = field.value;
            count++;
        }
    for (size_t i = 0; i < from.length; i++) {
        ats += from.bytes[i] == '@';
        brackets += from.bytes[i] == '<';
    }
    const char *open = brackets == 1 ? memchr(from.bytes, '<', from.length) : NULL;
    if (open)
        from = (struct text){open, from.length - (size_t)(open - from.bytes)};
    if (count != 1 || ats != 1 || brackets > 1 || memchr(from.bytes, '@', from.length) == NULL)
        return false;
    take_mail(from, result, size);
    return strchr(result, '@') != NULL;
}

void authentic_take(const struct mail *mail, struct complaint *complaint)
{
    char from[sizeof complaint->authentic] = "", server[sizeof complaint->authserv];
    struct text rest = field_find(mail->head, "Authentication-Results"), result;
    if (!take_from(mail->head, from, sizeof from) || !result_next(&rest, &result) ||
        !token_next(&result, server, sizeof server))
        return;
    while (result_next(&rest, &result))
        if (vouches(result, text_of(strrchr(from, '@') + 1))) {
            TAKE_LINE(text_of(server), complaint->authserv);
            TAKE_LINE(text_of(from), complaint->authentic);
            return;
        }
}
