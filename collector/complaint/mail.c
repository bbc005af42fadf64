/* See mail.h. */
#include "collector/complaint/mail.h"

#include <string.h>
#include "collector/complaint/taking.h"

#define DEPTH 8

static void name_type(GMimeObject *object, char *result, size_t size)
{
    GMimeContentType *type = g_mime_object_get_content_type(object);
    const char *media = type ? g_mime_content_type_get_media_type(type) : NULL;
    const char *kind = type ? g_mime_content_type_get_media_subtype(type) : NULL;
    snprintf(result, size, "%s/%s", media ? media : "text", kind ? kind : "plain");
    text_fold(text_of(result), result);
}

static struct text bytes_of(GMimeStream *memory)
{
    GByteArray *array = g_mime_stream_mem_get_byte_array((GMimeStreamMem *)memory);
    return array ? (struct text){(const char *)array->data, array->len} : TEXT("");
}

static GMimeStream *decode_message(GMimeObject *object)
{
    GMimeStream *memory = g_mime_stream_mem_new();
    GMimeMessage *message = g_mime_message_part_get_message((GMimeMessagePart *)object);
    if (message)
        g_mime_object_write_to_stream((GMimeObject *)message, NULL, memory);
    return memory;
}

static GMimeStream *decode_part(GMimePart *part)
{
    GMimeStream *memory = g_mime_stream_mem_new();
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    if (content)
        g_mime_data_wrapper_write_to_stream(content, memory);
    return memory;
}

static void take_part(struct mail *mail, GMimeObject *object)
{
    if (mail->count == MAIL_PARTS || !(GMIME_IS_MESSAGE_PART(object) || GMIME_IS_PART(object)))
        return;
    struct mail_part *part = &mail->parts[mail->count++];
    name_type(object, part->type, sizeof part->type);
    const char *name = GMIME_IS_PART(object) ? g_mime_part_get_filename((GMimePart *)object) : NULL;
    if (name)
        TAKE_LINE(text_of(name), part->name);
    part->memory = GMIME_IS_PART(object) ? decode_part((GMimePart *)object) : decode_message(object);
    part->bytes = bytes_of(part->memory);
}

/* Depth first, with a stack of its own: how deep it goes is not for the mail to say. */
static void take_parts(struct mail *mail, GMimeObject *top)
{
    struct {
        GMimeMultipart *whole;
        int next;
    } stack[DEPTH];
    size_t depth = 0;
    for (GMimeObject *object = top;;) {
        if (object && GMIME_IS_MULTIPART(object) && depth < DEPTH) {
            stack[depth].whole = (GMimeMultipart *)object;
            stack[depth++].next = 0;
        } else if (object) {
            take_part(mail, object);
        }
        while (depth > 0 && stack[depth - 1].next >= g_mime_multipart_get_count(stack[depth - 1].whole))
            depth--;
        if (depth == 0)
            return;
        object = g_mime_multipart_get_part(stack[depth - 1].whole, stack[depth - 1].next++);
    }
}

static void name_report(struct mail *mail, GMimeObject *top)
{
    GMimeContentType *type = g_mime_object_get_content_type(top);
    const char *name = type ? g_mime_content_type_get_parameter(type, "report-type") : NULL;
    if (name == NULL)
        return;
    TAKE_LINE(text_of(name), mail->report_type);
    text_fold(text_of(mail->report_type), mail->report_type);
}

void mail_open(struct text content, struct mail *mail)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(content.bytes, content.length);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    memset(mail, 0, sizeof *mail);
    mail->head = head_of(content, NULL);
    g_mime_parser_set_format(parser, GMIME_FORMAT_MESSAGE);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    GMimeObject *top = message ? g_mime_message_get_mime_part(message) : NULL;
    if (top) {
        name_report(mail, top);
        take_parts(mail, top);
    }
    if (message)
        g_object_unref(message);
    g_object_unref(parser);
    g_object_unref(stream);
}

void mail_close(struct mail *mail)
{
    for (size_t i = 0; i < mail->count; i++)
        g_object_unref(mail->parts[i].memory);
    mail->count = 0;
}

const struct mail_part *mail_find_part(const struct mail *mail, const char *type)
{
    for (size_t i = 0; i < mail->count; i++)
        if (strcmp(mail->parts[i].type, type) == 0)
            return &mail->parts[i];
    return NULL;
}

const struct mail_part *mail_find_original(const struct mail *mail)
{
    static const char *const types[] = {"message/rfc822",         "message/global",     "text/rfc822-headers",
                                        "message/rfc822-headers", "text/rfc822-header", "text/rfc822",
                                        "message/global-headers"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct mail_part *part = mail_find_part(mail, types[i]);
        if (part)
            return part;
    }
    return NULL;
}

struct text mail_text(const struct mail *mail)
{
    const struct mail_part *part = mail_find_part(mail, "text/plain");
    for (size_t i = 0; i < mail->count && part == NULL; i++)
        if (strncmp(mail->parts[i].type, "text/", 5) == 0)
            part = &mail->parts[i];
    return part ? part->bytes : TEXT("");
}
