/* See content.h. */
#include "agent/courier/content.h"

static bool read_hex(struct text text, uint64_t *result)
{
    *result = 0;
    for (size_t i = 0; i < text.length; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, text.bytes[i], sizeof digits - 1);
        if (!digit)
            return false;
        *result = *result << 4 | (uint64_t)(digit - digits);
    }
    return text.length > 0;
}

/* The whole in figures of `width` hex digits each. */
static bool read_figures(struct text text, size_t width, size_t count, uint64_t *result)
{
    if (text.length != width * count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!read_hex((struct text){text.bytes + i * width, width}, &result[i]))
            return false;
    return true;
}

/* What is longer is cut, and is NUL-terminated. */
static void copy(struct text text, char *place, size_t size)
{
    size_t length = text.length < size ? text.length : size - 1;
    if (length > 0)
        memcpy(place, text.bytes, length);
    place[length] = 0;
}

bool content_read(const struct policy_request *request, union message *result)
{
    struct message_content *content = &result->content;
    uint64_t parts[LIKENESS_PARTS], digest[2], recipients, size;
    message_prepare(result, MESSAGE_CONTENT, 0);
    if (request->queue_id.length == 0 || request->queue_id.length >= sizeof content->queue ||
        !text_number(request->recipients, &recipients) || recipients > UINT32_MAX ||
        !text_number(request->size, &size) || !read_figures(request->digest, 16, 2, digest) ||
        !read_figures(request->likeness, 4, LIKENESS_PARTS, parts))
        return false;
    if (!address_parse(request->client, &content->client))
        content->client = (struct address){0};
    content->recipients = (uint32_t)recipients;
    content->bytes = size;
    content->digest[0] = digest[1];
    content->digest[1] = digest[0];
    for (size_t i = 0; i < LIKENESS_PARTS; i++)
        content->likeness.parts[i] = (uint16_t)parts[i];
    copy(request->queue_id, content->queue, sizeof content->queue);
    copy(request->account, content->account, sizeof content->account);
    copy(request->sender, content->sender, sizeof content->sender);
    copy(request->helo, content->helo, sizeof content->helo);
    return true;
}
