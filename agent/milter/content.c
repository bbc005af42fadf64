/* See content.h. */
#include "agent/milter/content.h"

#include "agent/packet/smtp_line_dot.h"

static void add(struct milter_content *content, struct text bytes)
{
    const struct smtp_listener listener = {.counters = &content->counters};
    smtp_content_add(&content->content, &listener, bytes);
}

/* A line that begins with a dot has one more on the wire (RFC 5321 4.5.2). */
static void put(struct milter_content *content, struct text bytes)
{
    if (bytes.length == 0)
        return;
    size_t from = 0;
    if (!content->middle && bytes.bytes[0] == '.')
        add(content, TEXT("."));
    for (size_t at = 0; (at = smtp_find_line_dot(bytes, at)) < bytes.length; at++) {
        add(content, (struct text){bytes.bytes + from, at + 1 - from});
        add(content, TEXT("."));
        from = at + 1;
    }
    add(content, (struct text){bytes.bytes + from, bytes.length - from});
    content->middle = bytes.bytes[bytes.length - 1] != '\n';
}

void milter_content_header(struct milter_content *content, struct text name, struct text value, bool spaced)
{
    put(content, name);
    put(content, TEXT(":"));
    if (!spaced && value.length > 0 && value.bytes[0] != ' ' && value.bytes[0] != '\t')
        put(content, TEXT(" "));
    for (bool more = true; more;) {
        more = memchr(value.bytes, '\n', value.length) != NULL;
        struct text line = text_split(&value, '\n');
        put(content, line);
        if (line.length == 0 || line.bytes[line.length - 1] != '\r')
            put(content, TEXT("\r"));
        put(content, TEXT("\n"));
    }
}

void milter_content_body_begins(struct milter_content *content)
{
    put(content, TEXT("\r\n"));
}

void milter_content_body(struct milter_content *content, struct text bytes)
{
    put(content, bytes);
}

bool milter_content_finish(struct milter_content *content, uint64_t *bytes, uint64_t digest[2],
                           struct likeness *likeness)
{
    bool complete = !content->content.incomplete;
    *bytes = content->content.bytes;
    smtp_content_finish(&content->content, &content->counters, digest, likeness, NULL);
    *content = (struct milter_content){0};
    return complete;
}
