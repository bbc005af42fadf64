/* See outgoing.h. */
#include "collector/complaint/outgoing_own.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include "collector/complaint/redact.h"
#include "collector/complaint/taking.h"
#include "collector/mime/line.h"
#include "common/cleanup.h"

#define SAID_MOST      ((size_t)16 * 1024) /* bytes of the text, and of the fields */
#define DATE_TEXT      40
#define REPORTER       256
#define ID_BYTES       16
#define MESSAGE_ID_ALL (sizeof "@" + OUTGOING_ID + COMPOSE_ADDRESS_MOST)

static const char *const formats[OUTGOING_FORMATS] = {"arf", "xarf"};

const char *outgoing_format_name(enum outgoing_format format)
{
    return formats[format];
}

bool outgoing_takes(enum outgoing_format format, enum complaint_type type)
{
    return format == OUTGOING_XARF ? type == COMPLAINT_ABUSE : type != COMPLAINT_AUTH_FAILURE;
}

struct text outgoing_domain(const struct outgoing *outgoing)
{
    struct text address = outgoing->from.address;
    const char *at = memrchr(address.bytes, '@', address.length);
    return at ? (struct text){at + 1, (size_t)(address.bytes + address.length - at - 1)} : TEXT("");
}

struct text outgoing_reporter(const struct outgoing *outgoing)
{
    return outgoing->from.name.length > 0 ? outgoing->from.name : outgoing_domain(outgoing);
}

void outgoing_identify(const struct outgoing *outgoing, char result[OUTGOING_ID])
{
    unsigned char digest[ID_BYTES];
    char source[ADDRESS_TEXT];
    const unsigned char kind[] = {(unsigned char)outgoing->format, (unsigned char)outgoing->type,
                                  outgoing->is_redacted};
    crypto_generichash_state state;
    address_print(&outgoing->source, source);
    crypto_generichash_init(&state, NULL, 0, sizeof digest);
    crypto_generichash_update(&state, kind, sizeof kind);
    crypto_generichash_update(&state, (const unsigned char *)source, strlen(source) + 1);
    for (size_t i = 0; i < outgoing->to.length; i++) { /* Abuse@Example.net has the same mailbox */
        char c = outgoing->to.bytes[i];
        const unsigned char small = (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        crypto_generichash_update(&state, &small, 1);
    }
    crypto_generichash_update(&state, (const unsigned char *)"", 1);
    crypto_generichash_update(&state, (const unsigned char *)outgoing->message.bytes, outgoing->message.length);
    crypto_generichash_final(&state, digest, sizeof digest);
    sodium_bin2hex(result, OUTGOING_ID, digest, sizeof digest);
}

/* --- what is shown of the message --- */

static bool end_lines(struct text text, struct buffer *out)
{
    bool fits = true;
    size_t begin = 0;
    for (size_t i = 0; i < text.length && fits; i++) {
        if (text.bytes[i] != '\r' && text.bytes[i] != '\n')
            continue;
        fits = buffer_append(out, (struct text){text.bytes + begin, i - begin}) && buffer_append(out, TEXT("\r\n"));
        i += text.bytes[i] == '\r' && i + 1 < text.length && text.bytes[i + 1] == '\n';
        begin = i + 1;
    }
    return fits && buffer_append(out, (struct text){text.bytes + begin, text.length - begin});
}

/* False: all of it must not be shown, or cannot stand in a mail as it is. */
static bool show_whole(const struct outgoing *outgoing, struct evidence *evidence)
{
    evidence->type = "message/rfc822";
    buffer_init(&evidence->bytes, outgoing->format == OUTGOING_XARF ? OUTGOING_XARF_WHOLE : OUTGOING_WHOLE);
    bool fits = !outgoing->is_redacted && end_lines(outgoing->message, &evidence->bytes) &&
                (outgoing->format == OUTGOING_XARF || compose_is_fit_raw(buffer_text(&evidence->bytes)));
    evidence->head = head_of(buffer_text(&evidence->bytes), NULL);
    return fits;
}

static bool show_head(const struct outgoing *outgoing, struct evidence *evidence)
{
    CLEANUP(buffer_clear) struct buffer redacted;
    struct text head = head_of(outgoing->message, NULL);
    buffer_init(&redacted, REDACT_MOST);
    buffer_clear(&evidence->bytes);
    buffer_init(&evidence->bytes, 2 * REDACT_MOST);
    evidence->type = "text/rfc822-headers";
    if (outgoing->is_redacted && !redact_head(head, outgoing->recipients, outgoing->recipient_count, &redacted))
        return false;
    if (outgoing->is_redacted)
        head = buffer_text(&redacted);
    head.length = head.length < REDACT_MOST ? head.length : REDACT_MOST;
    bool fits = end_lines(head, &evidence->bytes);
    evidence->head = buffer_text(&evidence->bytes);
    return fits;
}

/* --- what is said of it --- */

/* RFC 5322, in UTC. */
static void print_date(moment when, char result[DATE_TEXT])
{
    static const char days[] = "ThuFriSatSunMonTueWed", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char time[MOMENT_TEXT];
    moment_print(when, time);
    int month = (time[5] - '0') * 10 + time[6] - '0';
    snprintf(result, DATE_TEXT, "%.3s, %.2s %.3s %.4s %.8s +0000", days + 3 * (when / DAY % 7), time + 8,
             months + 3 * (month - 1), time, time + 11);
}

static bool write_text(const struct outgoing *outgoing, const struct evidence *evidence, struct buffer *out)
{
    char source[ADDRESS_TEXT], date[DATE_TEXT], reporter[REPORTER];
    bool is_whole = strcmp(evidence->type, "message/rfc822") == 0;
    bool fits = buffer_printf(out, "This is a complaint about mail that was sent from %s",
                              address_print(&outgoing->source, source));
    if (outgoing->time) {
        print_date(outgoing->time, date);
        fits = fits && buffer_printf(out, " on %s", date);
    }
    fits =
        fits && buffer_printf(out, ".\n\n%s\n%s%s%s%s",
                              outgoing->format == OUTGOING_XARF
                                  ? "Programs read it in the attached file xarf.json (XARF 4), which holds the "
                                    "message."
                                  : "Programs read it in the parts below (RFC 5965), of which the last is the "
                                    "message.",
                              is_whole ? "" : "Of the message only the head is shown.\n",
                              outgoing->is_redacted ? "Who received it is not named.\n" : "",
                              outgoing->is_cut && is_whole ? "The message is not all there: its end is missing.\n" : "",
                              outgoing->note.length > 0 ? "\n" : "");
    if (outgoing->note.length > 0)
        fits = fits && buffer_append(out, outgoing->note) && buffer_append(out, TEXT("\n"));
    line_copy(outgoing_reporter(outgoing), reporter, sizeof reporter);
    return fits && buffer_printf(out, "\n%s\n", reporter);
}

static bool write_recipients(const struct outgoing *outgoing, struct buffer *out)
{
    bool fits = true;
    for (uint32_t i = 0; i < outgoing->recipient_count && i < OUTGOING_RECIPIENTS && fits; i++) {
        struct text one = outgoing->recipients[i];
        if (!compose_is_address(one))
            continue;
        fits = buffer_append(out, TEXT("Original-Rcpt-To: <")) &&
               (outgoing->is_redacted ? redact_address(one, out) : buffer_append(out, one)) &&
               buffer_append(out, TEXT(">\r\n"));
    }
    return fits;
}

static bool write_fields(const struct outgoing *outgoing, struct buffer *out)
{
    char source[ADDRESS_TEXT], date[DATE_TEXT];
    struct text from = outgoing->envelope_from;
    bool fits =
        buffer_printf(out, "Feedback-Type: %s\r\nUser-Agent: Postern/%s\r\nVersion: 1\r\nSource-IP: %s\r\n",
                      complaint_type_name(outgoing->type), POSTERN_VERSION, address_print(&outgoing->source, source));
    if (outgoing->source_port)
        fits = fits && buffer_printf(out, "Source-Port: %u\r\n", outgoing->source_port);
    if (outgoing->time) {
        print_date(outgoing->time, date);
        fits = fits && buffer_printf(out, "Arrival-Date: %s\r\n", date);
    }
    if (compose_is_address(from))
        fits = fits && buffer_printf(out, "Original-Mail-From: <%.*s>\r\n", (int)from.length, from.bytes);
    return fits && write_recipients(outgoing, out);
}

/* --- the mail --- */

/* The parts behind the text. */
static int attach(const struct outgoing *outgoing, const struct evidence *evidence, struct draft_part parts[2],
                  struct buffer *said, struct error *error)
{
    if (outgoing->format == OUTGOING_XARF) {
        if (!outgoing_xarf(outgoing, evidence, said))
            return error_set(error, ENOSPC, "no room for a report");
        parts[0] =
            (struct draft_part){.type = "application/json", .name = TEXT("xarf.json"), .content = buffer_text(said)};
        return 1;
    }
    if (!write_fields(outgoing, said))
        return error_set(error, ENOSPC, "no room for a report");
    struct text shown = buffer_text(&evidence->bytes);
    parts[0] = (struct draft_part){.type = "message/feedback-report", .content = buffer_text(said), .is_raw = true};
    parts[1] = (struct draft_part){.type = evidence->type, .content = shown, .is_raw = compose_is_fit_raw(shown)};
    return 2;
}

static int compose(const struct outgoing *outgoing, const struct evidence *evidence, struct buffer *result,
                   struct error *error)
{
    CLEANUP(buffer_clear) struct buffer text, said;
    struct draft_part parts[2];
    char message_id[MESSAGE_ID_ALL], subject[64 + ADDRESS_TEXT], source[ADDRESS_TEXT];
    const struct draft_address to = {.name = TEXT(""), .address = outgoing->to};
    buffer_init(&text, SAID_MOST);
    buffer_init(&said, outgoing->format == OUTGOING_XARF ? OUTGOING_MOST : SAID_MOST);
    if (!write_text(outgoing, evidence, &text))
        return error_set(error, ENOSPC, "no room for a report");
    int count = attach(outgoing, evidence, parts, &said, error);
    if (count < 0)
        return count;
    struct text domain = outgoing_domain(outgoing);
    snprintf(message_id, sizeof message_id, "%s@%.*s", outgoing->id, (int)domain.length, domain.bytes);
    snprintf(subject, sizeof subject, "Abuse report: mail from %s", address_print(&outgoing->source, source));
    const struct draft draft = {
        .from = outgoing->from,
        .reply_to = {.name = TEXT(""), .address = TEXT("")},
        .to = &to,
        .to_count = 1,
        .subject = text_of(subject),
        .date = outgoing->now,
        .message_id = text_of(message_id),
        .text = buffer_text(&text),
        .html = TEXT(""),
        .attachments = parts,
        .attachment_count = (size_t)count,
        .report_type = outgoing->format == OUTGOING_ARF ? "feedback-report" : NULL,
    };
    return compose_message(&draft, result, error);
}

/* What of the envelope may be shown. */
static bool hide_receivers(struct outgoing *outgoing, struct buffer *from)
{
    buffer_init(from, REDACT_MOST);
    bool fits = !outgoing->is_redacted || redact_path(head_of(outgoing->message, NULL), outgoing->recipients,
                                                      outgoing->recipient_count, outgoing->envelope_from, from);
    if (outgoing->is_redacted)
        outgoing->envelope_from = buffer_text(from);
    return fits;
}

int outgoing_compose(const struct outgoing *given, struct buffer *result, struct error *error)
{
    CLEANUP(buffer_clear) struct buffer from;
    struct evidence evidence = {.head = TEXT("")};
    struct outgoing shown = *given;
    const struct outgoing *outgoing = &shown;
    bool fits = hide_receivers(&shown, &from);
    if (!outgoing_takes(outgoing->format, outgoing->type))
        return error_set(error, EINVAL, "%s has no word for %s", outgoing_format_name(outgoing->format),
                         complaint_type_name(outgoing->type));
    if (outgoing->source.family == 0)
        return error_set(error, EINVAL, "there is no address that the message was sent from");
    if (outgoing->message.length == 0)
        return error_set(error, EINVAL, "there is no message");
    if (outgoing->note.length > OUTGOING_NOTE)
        return error_set(error, EINVAL, "the note is longer than %d bytes", OUTGOING_NOTE);
    if (!compose_is_address(outgoing->from.address) || outgoing_domain(outgoing).bytes[0] == '[')
        return error_set(error, EINVAL, "who complains has to have an address with a domain");
    int status = fits && (show_whole(outgoing, &evidence) || show_head(outgoing, &evidence))
                     ? compose(outgoing, &evidence, result, error)
                     : error_set(error, ENOSPC, "no room for a report");
    buffer_clear(&evidence.bytes);
    return status;
}
