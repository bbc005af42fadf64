/* See walk.h. GMime's iterator goes through the tree without recursion; how deep the parser itself goes, it bounds. */
#include "collector/mime/walk.h"

#include <gmime/gmime.h>
#include <iconv.h>
#include "collector/mime/line.h"
#include "collector/mime/normal.h"
#include "collector/mime/visible.h"
#include "collector/picture/hash.h"

#define PARTS_MOST      500
#define TEXT_MOST       ((size_t)1024 * 1024) /* bytes of text looked at, of each kind */
#define NAMES_MOST      512
#define OTHER_LOOKED_AT 16 /* parts that are called neither text nor picture, whose first bytes are looked at */

struct walk {
    const struct walk_limits *limits;
    struct message_facts *facts;
    struct buffer plain, html; /* UTF-8, as far as the message tells the truth */
    struct buffer picture_text;
    uint32_t decoded, others;
};

void walk_prepare(void)
{
    /* Kept open: their modules stay loaded when no file can be opened any more. */
    static const char *const sets[] = {
        "ISO-8859-1",   "ISO-8859-2",   "ISO-8859-5",   "ISO-8859-7",   "ISO-8859-8",   "ISO-8859-9",   "ISO-8859-15",
        "WINDOWS-1250", "WINDOWS-1251", "WINDOWS-1252", "WINDOWS-1253", "WINDOWS-1254", "WINDOWS-1255", "WINDOWS-1256",
        "KOI8-R",       "KOI8-U",       "GB2312",       "GBK",          "GB18030",      "BIG5",         "EUC-KR",
        "EUC-JP",       "SHIFT_JIS",    "ISO-2022-JP",  "UTF-16",       "UTF-7",
    };
    static iconv_t kept[sizeof sets / sizeof sets[0]]; /* for as long as the process lives */
    g_mime_init();
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (kept[i] == NULL)
            kept[i] = iconv_open("UTF-8", sets[i]);
}

/* --- what a part holds --- */

static GMimeStream *decode(GMimePart *part, const char *charset)
{
    GMimeStream *memory = g_mime_stream_mem_new();
    GMimeStream *filtered = g_mime_stream_filter_new(memory);
    GMimeFilter *converter = charset ? g_mime_filter_charset_new(charset, "UTF-8") : NULL;
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    if (converter) {
        g_mime_stream_filter_add((GMimeStreamFilter *)filtered, converter);
        g_object_unref(converter);
    }
    if (content)
        g_mime_data_wrapper_write_to_stream(content, filtered);
    g_mime_stream_flush(filtered);
    g_object_unref(filtered);
    return memory;
}

static struct text bytes_of(GMimeStream *memory)
{
    GByteArray *array = g_mime_stream_mem_get_byte_array((GMimeStreamMem *)memory);
    return array ? (struct text){(const char *)array->data, array->len} : TEXT("");
}

/* False: not all of it fitted. */
static bool append(struct buffer *buffer, struct text text)
{
    size_t room = buffer->most - buffer->length - 1;
    bool fits = text.length <= room;
    if (!fits)
        text.length = room;
    return buffer_append(buffer, text) && buffer_append_byte(buffer, '\n') && fits;
}

static void take_text(struct walk *walk, GMimePart *part, bool is_html)
{
    GMimeContentType *type = g_mime_object_get_content_type((GMimeObject *)part);
    const char *charset = type ? g_mime_content_type_get_parameter(type, "charset") : NULL;
    struct buffer *buffer = is_html ? &walk->html : &walk->plain;
    if (buffer->length + 1 >= buffer->most) {
        walk->facts->cut = 1;
        return;
    }
    GMimeStream *memory = decode(part, charset ? charset : "UTF-8");
    if (!append(buffer, bytes_of(memory)))
        walk->facts->cut = 1;
    g_object_unref(memory);
}

/* --- pictures --- */

static void keep_picture(struct message_facts *facts, uint64_t hash, const struct picture *picture)
{
    for (uint32_t i = 0; i < facts->picture_count; i++)
        if (picture_distance(facts->pictures[i].hash, hash) <= PICTURE_NEAR)
            return;
    if (facts->picture_count < FACTS_PICTURES)
        facts->pictures[facts->picture_count++] =
            (struct picture_facts){.hash = hash, .width = picture->width, .height = picture->height};
}

static void take_picture(struct walk *walk, struct text bytes)
{
    struct picture picture = {0};
    uint64_t hash;
    const struct walk_limits *limits = walk->limits;
    if (walk->decoded >= limits->pictures || bytes.length > limits->picture_size) {
        walk->facts->pictures_passed_over++;
        return;
    }
    walk->decoded++;
    if (!picture_decode(bytes, limits->picture_pixels, &picture)) {
        walk->facts->pictures_passed_over++;
        return;
    }
    if (picture_hash(picture.brightness, picture.width, picture.height, &hash))
        keep_picture(walk->facts, hash, &picture);
    else
        walk->facts->pictures_passed_over++;
    if (limits->read_text)
        limits->read_text(limits->context, &picture, &walk->picture_text);
    picture_clear(&picture);
}

/* Whatever a part is called, a picture is one by its first bytes. */
static void take_other(struct walk *walk, GMimePart *part, bool is_called_picture)
{
    if (walk->limits->picture_size == 0)
        return;
    if (!is_called_picture && ++walk->others > OTHER_LOOKED_AT)
        return;
    GMimeStream *memory = decode(part, NULL);
    struct text bytes = bytes_of(memory);
    if (picture_format(bytes) != PICTURE_NONE)
        take_picture(walk, bytes);
    else if (is_called_picture)
        walk->facts->pictures_passed_over++;
    g_object_unref(memory);
}

/* --- the whole --- */

static void take_part(struct walk *walk, GMimePart *part)
{
    GMimeContentType *type = g_mime_object_get_content_type((GMimeObject *)part);
    const char *disposition = g_mime_object_get_disposition((GMimeObject *)part);
    bool is_attached = disposition && g_ascii_strcasecmp(disposition, GMIME_DISPOSITION_ATTACHMENT) == 0;
    if (type == NULL || g_mime_content_type_is_type(type, "text", "plain")) {
        if (!is_attached)
            take_text(walk, part, false);
    } else if (g_mime_content_type_is_type(type, "text", "html")) {
        if (!is_attached)
            take_text(walk, part, true);
    } else if (!g_mime_content_type_is_type(type, "text", "*")) {
        take_other(walk, part, g_mime_content_type_is_type(type, "image", "*"));
    }
}

static void take_parts(struct walk *walk, GMimeMessage *message)
{
    GMimePartIter *iterator = g_mime_part_iter_new((GMimeObject *)message);
    while (g_mime_part_iter_is_valid(iterator)) {
        GMimeObject *part = g_mime_part_iter_get_current(iterator);
        if (walk->facts->parts >= PARTS_MOST) {
            walk->facts->cut = 1;
            break;
        }
        walk->facts->parts++;
        if (GMIME_IS_PART(part))
            take_part(walk, (GMimePart *)part);
        if (!g_mime_part_iter_next(iterator))
            break;
    }
    g_mime_part_iter_free(iterator);
}

static void take_subject(struct walk *walk, GMimeMessage *message)
{
    const char *subject = g_mime_message_get_subject(message);
    if (subject)
        line_copy(text_of(subject), walk->facts->subject, FACTS_SUBJECT);
}

static void take_message_id(struct walk *walk, GMimeMessage *message)
{
    const char *value = g_mime_object_get_header((GMimeObject *)message, "Message-ID");
    const char *open = value ? strchr(value, '<') : NULL;
    const char *start = open ? open + 1 : value ? value : "";
    line_copy((struct text){start, open ? strcspn(start, ">") : strlen(start)}, walk->facts->message_id,
              FACTS_MESSAGE_ID);
}

/* Of HTML what is seen; where there are two versions of one text, it is what nearly everyone is shown. */
static void digest_text(struct walk *walk, GMimeMessage *message)
{
    struct buffer visible, normal;
    char names[NAMES_MOST] = "";
    char *to = NULL;
    InternetAddressList *recipients = g_mime_message_get_addresses(message, GMIME_ADDRESS_TYPE_TO);
    if (recipients && internet_address_list_length(recipients) == 1)
        to = internet_address_list_to_string(recipients, NULL, FALSE);
    if (to)
        text_copy_printable(text_of(to), names, sizeof names);
    g_free(to);
    buffer_init(&visible, TEXT_MOST);
    buffer_init(&normal, TEXT_MOST);
    if (!visible_text(buffer_text(&walk->html), &visible))
        walk->facts->cut = 1;
    walk->facts->words = normal_form(buffer_text(&visible), text_of(names), &normal);
    if (walk->facts->words < NORMAL_WORDS_LEAST) {
        buffer_clear(&normal);
        walk->facts->words = normal_form(buffer_text(&walk->plain), text_of(names), &normal);
    }
    if (walk->facts->words >= NORMAL_WORDS_LEAST)
        normal_digest(buffer_text(&normal), walk->facts->body);
    buffer_clear(&visible);
    buffer_clear(&normal);
}

static GMimeMessage *parse(struct text content)
{
    static const char *const fallbacks[] = {"utf-8", "iso-8859-1", NULL};
    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_fallback_charsets(options, (const char **)(uintptr_t)fallbacks);
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(content.bytes, content.length);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    g_mime_parser_set_format(parser, GMIME_FORMAT_MESSAGE);
    g_mime_parser_set_persist_stream(parser, TRUE);
    GMimeMessage *message = g_mime_parser_construct_message(parser, options);
    g_object_unref(parser);
    g_object_unref(stream);
    g_mime_parser_options_free(options);
    return message;
}

void walk_message(struct text content, const struct walk_limits *limits, struct message_facts *result)
{
    struct walk walk = {.limits = limits, .facts = result};
    memset(result, 0, sizeof *result);
    buffer_init(&walk.plain, TEXT_MOST);
    buffer_init(&walk.html, TEXT_MOST);
    buffer_init(&walk.picture_text, FACTS_PICTURE_TEXT);
    GMimeMessage *message = parse(content);
    if (message == NULL)
        return;
    take_subject(&walk, message);
    take_message_id(&walk, message);
    take_parts(&walk, message);
    digest_text(&walk, message);
    line_copy(buffer_text(&walk.picture_text), result->picture_text, FACTS_PICTURE_TEXT);
    g_object_unref(message);
    buffer_clear(&walk.plain);
    buffer_clear(&walk.html);
    buffer_clear(&walk.picture_text);
}
