/* XARF 4 about one message: "messaging" and "spam". The schema wants two things of mail by SMTP that are not always
 * there: the port of the source, and the sender of the envelope, as an address. The null sender is none. Where one of
 * them is missing nothing is made up: the protocol is "other", and a tag says why. */
#include "collector/complaint/outgoing_own.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include "collector/complaint/redact.h"
#include "collector/complaint/taking.h"
#include "collector/mime/line.h"
#include "common/json.h"

#define XARF_VERSION "4.2.0"
#define ORGANISATION 201 /* bytes with the end, as all below: what the schema has room for */
#define SUBJECT      501
#define MESSAGE_ID   201
#define UUID         37

/* Version 4 of RFC 9562 in its form, of an id that is a digest. */
static void write_uuid(const char *id, char result[UUID])
{
    snprintf(result, UUID, "%.8s-%.4s-4%.3s-%c%.3s-%.12s", id, id + 8, id + 13, "89ab"[(unsigned char)id[16] & 3],
             id + 17, id + 20);
}

static void write_contact(struct json *json, const char *key, const struct outgoing *outgoing)
{
    char organisation[ORGANISATION];
    line_copy(outgoing_reporter(outgoing), organisation, sizeof organisation);
    json_object_open(json, key);
    json_string(json, "org", organisation);
    json_text(json, "contact", outgoing->from.address);
    json_text(json, "domain", outgoing_domain(outgoing));
    json_object_close(json);
}

static void write_envelope(struct json *json, const struct outgoing *outgoing)
{
    char redacted[COMPOSE_ADDRESS_MOST + sizeof "redacted"];
    bool is_sender = compose_is_address(outgoing->envelope_from);
    json_string(json, "protocol", is_sender && outgoing->source_port ? "smtp" : "other");
    if (is_sender)
        json_text(json, "smtp_from", outgoing->envelope_from);
    if (outgoing->recipient_count == 0 || !compose_is_address(outgoing->recipients[0]))
        return;
    struct text to = outgoing->recipients[0];
    if (outgoing->is_redacted) {
        const char *at = memrchr(to.bytes, '@', to.length);
        snprintf(redacted, sizeof redacted, "redacted%.*s", (int)(to.bytes + to.length - at), at);
        to = text_of(redacted);
    }
    json_text(json, "smtp_to", to);
}

static void write_head(struct json *json, const struct outgoing *outgoing, struct text head)
{
    char subject[SUBJECT], id[MESSAGE_ID];
    struct text message_id = field_find(head, "Message-ID");
    bool is_given = outgoing->subject.length > 0 && !outgoing->is_redacted;
    if (line_copy(is_given ? outgoing->subject : field_find(head, "Subject"), subject, sizeof subject) > 0)
        json_string(json, "subject", subject);
    if (message_id.length < sizeof id && line_copy(message_id, id, sizeof id) > 0)
        json_string(json, "message_id", id);
}

static bool write_evidence(struct json *json, const struct evidence *evidence)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hash[8 + 2 * sizeof digest] = "sha256:";
    const unsigned char *bytes = (const unsigned char *)(evidence->bytes.bytes ? evidence->bytes.bytes : "");
    size_t length = evidence->bytes.length, room = sodium_base64_ENCODED_LEN(length, sodium_base64_VARIANT_ORIGINAL);
    char *payload = malloc(room);
    if (payload == NULL)
        return false;
    sodium_bin2base64(payload, room, bytes, length, sodium_base64_VARIANT_ORIGINAL);
    crypto_hash_sha256(digest, bytes, length);
    sodium_bin2hex(hash + 7, sizeof hash - 7, digest, sizeof digest);
    json_array_open(json, "evidence");
    json_object_open(json, NULL);
    json_string(json, "content_type", evidence->type);
    json_string(json, "description",
                strcmp(evidence->type, "message/rfc822") == 0 ? "The message" : "The head of the message");
    json_string(json, "payload", payload);
    json_string(json, "hash", hash);
    json_unsigned(json, "size", length);
    json_object_close(json);
    json_array_close(json);
    free(payload);
    return true;
}

static void write_tags(struct json *json, const struct outgoing *outgoing)
{
    json_array_open(json, "tags");
    if (!compose_is_address(outgoing->envelope_from))
        json_string(json, NULL, outgoing->envelope_from.length == 0 ? "smtp:null-sender" : "smtp:odd-sender");
    if (outgoing->source_port == 0)
        json_string(json, NULL, "smtp:no-source-port");
    if (outgoing->is_redacted)
        json_string(json, NULL, "report:redacted");
    json_array_close(json);
}

bool outgoing_xarf(const struct outgoing *outgoing, const struct evidence *evidence, struct buffer *out)
{
    char uuid[UUID], note[OUTGOING_NOTE + 1];
    struct json json = json_begin(out);
    write_uuid(outgoing->id, uuid);
    json_string(&json, "xarf_version", XARF_VERSION);
    json_string(&json, "report_id", uuid);
    json_moment(&json, "timestamp", outgoing->time ? outgoing->time : outgoing->now);
    write_contact(&json, "reporter", outgoing);
    write_contact(&json, "sender", outgoing);
    json_address(&json, "source_identifier", &outgoing->source);
    if (outgoing->source_port)
        json_unsigned(&json, "source_port", outgoing->source_port);
    json_string(&json, "category", "messaging");
    json_string(&json, "type", "spam");
    json_string(&json, "evidence_source", outgoing->is_filtered ? "automated_filter" : "user_complaint");
    write_envelope(&json, outgoing);
    write_head(&json, outgoing, evidence->head);
    if (line_copy(outgoing->note, note, sizeof note) > 0)
        json_string(&json, "description", note);
    bool fits = write_evidence(&json, evidence);
    write_tags(&json, outgoing);
    return json_end(&json) && fits;
}
