/* See compose.h. Every text is encoded so that no line of it can be a boundary ("=_" is neither quoted-printable nor
 * base64), and the boundary has a digest of the content, which a raw part cannot hold. */
#include "collector/letter/compose.h"

#include <endian.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include "collector/letter/encode.h"
#include "collector/letter/head.h"
#include "collector/letter/plain.h"
#include "common/cleanup.h"

#define DIGEST    16 /* bytes */
#define TYPE_MOST 200
#define RAW_LINE  998

struct composing {
    const struct draft *draft;
    struct buffer *result;
    char digest[2 * DIGEST + 1];
    bool is_full;
};

static void put(struct composing *composing, struct text text)
{
    composing->is_full = composing->is_full || !buffer_append(composing->result, text);
}

/* --- what may go out --- */

bool compose_is_fit_raw(struct text text)
{
    size_t line = 0;
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.bytes[i];
        bool is_end = byte == '\r' && i + 1 < text.length && text.bytes[i + 1] == '\n';
        line = byte == '\n' ? 0 : is_end ? line : line + 1;
        if (byte == '\0' || (byte == '\r' && !is_end) || line > RAW_LINE)
            return false;
    }
    return true;
}

static bool is_type(const char *type)
{
    size_t length = type ? strlen(type) : 0;
    bool is_one = length > 2 && length <= TYPE_MOST && strchr(type, '/');
    for (size_t i = 0; i < length && is_one; i++)
        is_one = type[i] >= 32 && type[i] < 127;
    return is_one;
}

static int refuse(const char *what, struct text value, struct error *error)
{
    char shown[80];
    text_copy_printable(value, shown, sizeof shown);
    return error_set(error, EINVAL, "%s: \"%s\" is not fit to be sent", what, shown);
}

static int check_address(const char *what, const struct draft_address *address, struct error *error)
{
    return compose_is_address(address->address) ? 0 : refuse(what, address->address, error);
}

static int check_parts(const struct draft_part *parts, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct draft_part *part = &parts[i];
        if (!is_type(part->type))
            return refuse("a part's type", part->type ? text_of(part->type) : TEXT(""), error);
        if (part->content_id && !head_is_id(text_of(part->content_id)))
            return refuse("a Content-ID", text_of(part->content_id), error);
        if (part->is_raw && !compose_is_fit_raw(part->content))
            return error_set(error, EINVAL,
                             "a part of type %s cannot go as it is: it has NUL, a CR alone or a line over %d bytes",
                             part->type, RAW_LINE);
    }
    return 0;
}

static int check(const struct draft *draft, struct error *error)
{
    int status = check_address("From", &draft->from, error);
    if (status == 0 && draft->reply_to.address.length > 0)
        status = check_address("Reply-To", &draft->reply_to, error);
    for (size_t i = 0; i < draft->to_count && status == 0; i++)
        status = check_address("To", &draft->to[i], error);
    if (status == 0 && !head_is_id(draft->message_id))
        status = refuse("Message-ID", draft->message_id, error);
    for (size_t i = 0; i < draft->header_count && status == 0; i++)
        if (!head_is_free_name(draft->headers[i].name))
            status = refuse("a header's name", text_of(draft->headers[i].name), error);
    if (status == 0 && draft->report_type && (strpbrk(draft->report_type, "\"\\;/ ") || !*draft->report_type))
        status = refuse("a report's type", text_of(draft->report_type), error);
    if (status == 0 && (draft->date_offset < -1439 || draft->date_offset > 1439))
        status = error_set(error, EINVAL, "the date's offset is not within a day");
    if (status == 0)
        status = check_parts(draft->images, draft->image_count, error);
    return status < 0 ? status : check_parts(draft->attachments, draft->attachment_count, error);
}

/* --- the digest --- */

static void digest_text(crypto_generichash_state *state, struct text text)
{
    uint64_t length = htobe64(text.length);
    crypto_generichash_update(state, (const unsigned char *)&length, sizeof length);
    crypto_generichash_update(state, (const unsigned char *)(text.length ? text.bytes : ""), text.length);
}

static void digest_parts(crypto_generichash_state *state, const struct draft_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        digest_text(state, text_of(parts[i].type));
        digest_text(state, parts[i].content);
    }
}

static void make_digest(const struct draft *draft, char result[2 * DIGEST + 1])
{
    crypto_generichash_state state;
    unsigned char digest[DIGEST];
    crypto_generichash_init(&state, NULL, 0, sizeof digest);
    digest_text(&state, draft->message_id);
    digest_text(&state, draft->text);
    digest_text(&state, draft->html);
    digest_parts(&state, draft->images, draft->image_count);
    digest_parts(&state, draft->attachments, draft->attachment_count);
    crypto_generichash_final(&state, digest, sizeof digest);
    sodium_bin2hex(result, 2 * DIGEST + 1, digest, sizeof digest);
}

/* --- parts --- */

static void put_type(struct composing *composing, const char *kind, const char *more)
{
    composing->is_full = composing->is_full ||
                         !buffer_printf(composing->result, "Content-Type: multipart/%s;%s\r\n boundary=\"=_%s_%s\"\r\n",
                                        kind, more, composing->digest, kind);
}

/* Between the parts; a multipart of one kind is never inside another of its kind. */
static void put_boundary(struct composing *composing, const char *kind, const char *end)
{
    composing->is_full =
        composing->is_full || !buffer_printf(composing->result, "\r\n--=_%s_%s%s\r\n", composing->digest, kind, end);
}

static void put_text(struct composing *composing, const char *type, struct text text)
{
    CLEANUP(buffer_clear) struct buffer plain;
    buffer_init(&plain, 3 * text.length + 1);
    bool is_whole = plain_lines(text, &plain);
    struct text lines = buffer_text(&plain);
    bool is_plain = encode_is_plain(lines);
    is_whole = is_whole &&
               buffer_printf(composing->result,
                             "Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n", type,
                             is_plain ? "7bit" : "quoted-printable") &&
               (is_plain ? encode_lines(lines, composing->result) : encode_quoted(lines, composing->result));
    composing->is_full = composing->is_full || !is_whole;
}

static bool is_eight_bit(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.bytes[i] > 127)
            return true;
    return false;
}

static void put_part(struct composing *composing, const struct draft_part *part)
{
    struct buffer *result = composing->result;
    const char *encoding = part->is_raw ? is_eight_bit(part->content) ? "8bit" : "7bit" : "base64";
    bool is_whole =
        buffer_printf(result, "Content-Type: %s\r\nContent-Transfer-Encoding: %s\r\n", part->type, encoding);
    if (part->content_id)
        is_whole = is_whole && buffer_printf(result, "Content-ID: <%s>\r\n", part->content_id);
    if (part->name.length > 0)
        is_whole = is_whole && head_disposition(part->content_id ? "inline" : "attachment", part->name, result);
    is_whole = is_whole && buffer_append(result, TEXT("\r\n")) &&
               (part->is_raw ? encode_lines(part->content, result) : encode_base64(part->content, result));
    composing->is_full = composing->is_full || !is_whole;
}

static void put_html(struct composing *composing)
{
    const struct draft *draft = composing->draft;
    if (draft->image_count == 0) {
        put_text(composing, "html", draft->html);
        return;
    }
    put_type(composing, "related", " type=\"text/html\";");
    put_boundary(composing, "related", "");
    put_text(composing, "html", draft->html);
    for (size_t i = 0; i < draft->image_count; i++) {
        put_boundary(composing, "related", "");
        put_part(composing, &draft->images[i]);
    }
    put_boundary(composing, "related", "--");
}

/* What a reader of mail shows: the last alternative that it can, so HTML stands behind the text. */
static void put_body(struct composing *composing)
{
    const struct draft *draft = composing->draft;
    if (draft->html.length == 0) {
        put_text(composing, "plain", draft->text);
        return;
    }
    if (draft->text.length == 0) {
        put_html(composing);
        return;
    }
    put_type(composing, "alternative", "");
    put_boundary(composing, "alternative", "");
    put_text(composing, "plain", draft->text);
    put_boundary(composing, "alternative", "");
    put_html(composing);
    put_boundary(composing, "alternative", "--");
}

static void put_whole(struct composing *composing)
{
    const struct draft *draft = composing->draft;
    const char *kind = draft->report_type ? "report" : "mixed";
    char more[TYPE_MOST + 32] = "";
    bool is_eight = false;
    if (draft->attachment_count == 0 && !draft->report_type) {
        put_body(composing);
        return;
    }
    if (draft->report_type)
        snprintf(more, sizeof more, " report-type=\"%.*s\";", TYPE_MOST, draft->report_type);
    for (size_t i = 0; i < draft->attachment_count; i++)
        is_eight = is_eight || (draft->attachments[i].is_raw && is_eight_bit(draft->attachments[i].content));
    put_type(composing, kind, more);
    if (is_eight) /* what has such a part is such a whole, RFC 2045 6.4 */
        put(composing, TEXT("Content-Transfer-Encoding: 8bit\r\n"));
    put_boundary(composing, kind, "");
    put_body(composing);
    for (size_t i = 0; i < draft->attachment_count; i++) {
        put_boundary(composing, kind, "");
        put_part(composing, &draft->attachments[i]);
    }
    put_boundary(composing, kind, "--");
}

static bool put_head(const struct draft *draft, struct buffer *result)
{
    bool is_whole =
        head_addresses("From", &draft->from, 1, result) &&
        (draft->reply_to.address.length == 0 || head_addresses("Reply-To", &draft->reply_to, 1, result)) &&
        head_addresses("To", draft->to, draft->to_count, result) && head_text("Subject", draft->subject, result) &&
        head_date(draft->date, draft->date_offset, result) && buffer_append(result, TEXT("Message-ID: <")) &&
        buffer_append(result, draft->message_id) && buffer_append(result, TEXT(">\r\n"));
    for (size_t i = 0; i < draft->header_count && is_whole; i++)
        is_whole = head_text(draft->headers[i].name, draft->headers[i].value, result);
    return is_whole && buffer_append(result, TEXT("MIME-Version: 1.0\r\n"));
}

int compose_message(const struct draft *draft, struct buffer *result, struct error *error)
{
    struct composing composing = {.draft = draft, .result = result};
    size_t before = result->length;
    int status = check(draft, error);
    if (status < 0)
        return status;
    make_digest(draft, composing.digest);
    composing.is_full = !put_head(draft, result);
    if (!composing.is_full)
        put_whole(&composing);
    if (composing.is_full) {
        result->length = before;
        return error_set(error, ENOSPC, "a mail is longer than %zu bytes", result->most);
    }
    return 0;
}
