/* A bundle's bytes:
 *
 *     0            8                 12              16
 *     +------------+-----------------+---------------+------+---------+
 *     | "PSTNBDL1" | name length u32 | length u32    | name | content |  ... the last three again for each text
 *     +------------+-----------------+---------------+------+---------+
 *
 * Numbers in network order. The names are different and every length lies within the whole. */
#include "agent/message/bundle.h"

#include <errno.h>
#include "common/cursor.h"

static const struct text mark = {"PSTNBDL1", 8};

void bundle_init(struct buffer *buffer)
{
    buffer_init(buffer, BUNDLE_MOST);
}

static bool append_number(struct buffer *buffer, size_t number)
{
    const char bytes[4] = {(char)(number >> 24), (char)(number >> 16), (char)(number >> 8), (char)number};
    return buffer_append(buffer, (struct text){bytes, sizeof bytes});
}

static bool name_is_sound(struct text name)
{
    return name.length > 0 && name.length <= BUNDLE_NAME_MOST && memchr(name.bytes, '\0', name.length) == NULL;
}

int bundle_add(struct buffer *buffer, struct text name, struct text content, struct error *error)
{
    struct text there;
    if (!name_is_sound(name))
        return error_set(error, EINVAL, "a file's name has 1 to %d characters", BUNDLE_NAME_MOST);
    if (bundle_find(buffer_text(buffer), name, &there))
        return error_set(error, EEXIST, "%.*s is named twice", (int)name.length, name.bytes);

    size_t need = (buffer->length == 0 ? mark.length : 0) + 8 + name.length;
    if (content.length > BUNDLE_MOST || buffer->length + need > BUNDLE_MOST - content.length)
        return error_set(error, EFBIG, "configuration and the files that it names are larger than %u MB together",
                         BUNDLE_MOST >> 20);
    if (!buffer_reserve(buffer, need + content.length))
        return error_set(error, ENOMEM, "no memory for the configuration");
    bool fits = (buffer->length > 0 || buffer_append(buffer, mark)) && append_number(buffer, name.length) &&
                append_number(buffer, content.length) && buffer_append(buffer, name) && buffer_append(buffer, content);
    return fits ? 0 : error_set(error, ENOMEM, "no memory for the configuration");
}

bool bundle_next(struct text bundle, size_t *position, struct text *name, struct text *content)
{
    struct cursor cursor = cursor_of(bundle.bytes, bundle.length);
    if (*position == 0)
        *position = mark.length;
    cursor_skip(&cursor, *position);
    size_t name_length = cursor_u32(&cursor), content_length = cursor_u32(&cursor);
    struct text a = cursor_text(&cursor, name_length), b = cursor_text(&cursor, content_length);
    if (cursor_failed(&cursor))
        return false;
    *position += 8 + name_length + content_length;
    *name = a;
    *content = b;
    return true;
}

bool bundle_find(struct text bundle, struct text wanted, struct text *result)
{
    struct text name, content;
    for (size_t position = 0; bundle_next(bundle, &position, &name, &content);) {
        if (text_equals(name, wanted)) {
            *result = content;
            return true;
        }
    }
    return false;
}

int bundle_check(struct text bundle, struct error *error)
{
    struct text name, content;
    size_t position = 0, before = mark.length;
    if (bundle.length > BUNDLE_MOST || bundle.length < mark.length ||
        memcmp(bundle.bytes, mark.bytes, mark.length) != 0)
        return error_set(error, EBADMSG, "this is no bundle of configuration files");
    while (bundle_next(bundle, &position, &name, &content)) {
        struct text front = {bundle.bytes, before}, there;
        if (!name_is_sound(name) || (before > mark.length && bundle_find(front, name, &there)))
            return error_set(error, EBADMSG, "the bundle of configuration files is damaged at byte %zu", before);
        before = position;
    }
    if (before != bundle.length)
        return error_set(error, EBADMSG, "the bundle of configuration files is damaged at byte %zu", before);
    return 0;
}
