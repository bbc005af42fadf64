/* The end of content is a line of one dot (RFC 5321 4.5.2). Most bytes of mail are content, so they are looked at twice
 * and no more: once for a dot behind a line end (smtp_line_dot.c), and once for the digest (smtp_digest.c) while they
 * are still in the nearest cache. The first of them are read for the likeness as well.
 *
 * What comes before the dot counts with its line end; the dot line does not. */
#include "agent/packet/smtp_content.h"
#include "agent/packet/smtp_digest.h"
#include "agent/packet/smtp_line_dot.h"
#include "agent/packet/smtp_samples.h"

static void add(struct smtp_content *content, const struct smtp_listener *listener, const char *bytes, size_t length)
{
    if (length == 0)
        return;
    content->bytes += length;
    if (!smtp_digest_add(&content->digest, listener, bytes, length))
        content->incomplete = true;
}

void smtp_content_add(struct smtp_content *content, const struct smtp_listener *listener, struct text bytes)
{
    add(content, listener, bytes.bytes, bytes.length);
}

/* A dot line that was begun in an earlier segment turned out to be content. */
static void add_begun_dot(struct smtp_content *content, const struct smtp_listener *listener)
{
    if (content->place == CONTENT_DOT)
        add(content, listener, ".", 1);
    else if (content->place == CONTENT_DOT_CR)
        add(content, listener, ".\r", 2);
    content->after_cr = content->place == CONTENT_DOT_CR;
}

static enum smtp_content_end end_of(const struct smtp_content *content, bool cr)
{
    if (!cr)
        return CONTENT_ENDED_LF;
    return content->bare ? CONTENT_ENDED_ODD : CONTENT_ENDED;
}

/* Behind `at` stands the rest of a line that began with a dot. True: it ended the content, and *at stands behind it.
 * False: place and *at say how far it was followed. */
static bool follow_dot(struct smtp_content *content, struct text text, size_t *at, enum smtp_content_end *end)
{
    if (content->place == CONTENT_DOT && *at < text.length && text.bytes[*at] == '\r') {
        content->place = CONTENT_DOT_CR;
        ++*at;
    }
    if (*at >= text.length || text.bytes[*at] != '\n')
        return false;
    *end = end_of(content, content->place == CONTENT_DOT_CR);
    ++*at;
    return true;
}

/* The last byte of the segment decides how the next one begins. */
static void remember_end(struct smtp_content *content, struct text text)
{
    char last = text.bytes[text.length - 1];
    bool cr = text.length > 1 ? text.bytes[text.length - 2] == '\r' : content->after_cr;
    if (last == '\n') {
        content->place = CONTENT_LINE_START;
        content->bare = !cr;
    } else {
        content->place = CONTENT_MIDDLE;
    }
    content->after_cr = last == '\r';
}

static void content_ends(struct smtp_content *content, const struct smtp_listener *listener, struct text *input,
                         size_t length, size_t behind)
{
    add(content, listener, input->bytes, length);
    content->place = CONTENT_LINE_START;
    *input = (struct text){input->bytes + behind, input->length - behind};
}

/* What an earlier segment left open, a dot line begun there, is settled first. True: settled, and *at stands behind. */
static bool settle_begun_dot(struct smtp_content *content, const struct smtp_listener *listener, struct text *input,
                             enum smtp_content_end *end)
{
    size_t at = 0;
    uint8_t begun = content->place;
    if (follow_dot(content, *input, &at, end)) {
        content_ends(content, listener, input, 0, at);
        return true;
    }
    if (at >= input->length) { /* ".\r" is all there is so far */
        *input = (struct text){input->bytes + at, 0};
        return true;
    }
    content->place = begun;
    add_begun_dot(content, listener);
    content->place = CONTENT_MIDDLE;
    return false;
}

enum smtp_content_end smtp_content_take(struct smtp_content *content, const struct smtp_listener *listener,
                                        struct text *input)
{
    enum smtp_content_end end = CONTENT_GOES_ON;
    if (input->length == 0)
        return end;
    if ((content->place == CONTENT_DOT || content->place == CONTENT_DOT_CR) &&
        settle_begun_dot(content, listener, input, &end))
        return end;
    size_t at = 0;
    bool line_start = content->place == CONTENT_LINE_START || content->place == CONTENT_GAP;
    bool line_dot = line_start && input->bytes[0] == '.';
    for (;;) {
        size_t dot = 0;
        if (!line_dot) {
            size_t line_end = smtp_find_line_dot(*input, at);
            if (line_end >= input->length)
                break;
            content->bare = !(line_end > 0 ? input->bytes[line_end - 1] == '\r' : content->after_cr);
            dot = line_end + 1;
        }
        line_dot = false;
        content->place = CONTENT_DOT;
        at = dot + 1;
        if (follow_dot(content, *input, &at, &end)) {
            content_ends(content, listener, input, dot, at);
            return end;
        }
        if (at >= input->length) { /* the segment ends in it: what stands before is content */
            add(content, listener, input->bytes, dot);
            *input = (struct text){input->bytes + at, 0};
            return CONTENT_GOES_ON;
        }
    }
    remember_end(content, *input);
    add(content, listener, input->bytes, input->length);
    *input = (struct text){input->bytes + input->length, 0};
    return CONTENT_GOES_ON;
}

void smtp_content_take_back_end(struct smtp_content *content, const struct smtp_listener *listener,
                                enum smtp_content_end end)
{
    bool cr = end != CONTENT_ENDED_LF;
    add(content, listener, cr ? ".\r\n" : ".\n", cr ? 3 : 2);
    content->place = CONTENT_LINE_START;
    content->bare = !cr;
}

void smtp_content_gap(struct smtp_content *content, uint32_t length)
{
    if (content->place == CONTENT_DOT || content->place == CONTENT_DOT_CR)
        content->bytes += content->place == CONTENT_DOT ? 1 : 2;
    content->bytes += length;
    content->incomplete = true;
    smtp_digest_gap(content->digest);
    /* The gap may have ended with a line: a dot line right behind it may be the end, which the reply will tell. */
    content->place = CONTENT_GAP;
    content->bare = true;
    content->after_cr = false;
}

void smtp_content_end_in_gap(struct smtp_content *content)
{
    enum { DOT_LINE = 3 };
    if (content->place == CONTENT_GAP)
        content->bytes -= content->bytes < DOT_LINE ? content->bytes : DOT_LINE;
}

void smtp_content_keep(struct smtp_content *content, const struct smtp_listener *listener, uint32_t sample)
{
    if (!smtp_digest_begin(&content->digest, listener, sample))
        smtp_samples_release(listener->sampler->samples, sample);
}

void smtp_content_finish(struct smtp_content *content, struct smtp_counters *counters, uint64_t digest[2],
                         struct likeness *likeness, uint32_t *sample)
{
    smtp_digest_finish(&content->digest, counters, digest, likeness, sample);
}

void smtp_content_drop(struct smtp_content *content, struct smtp_counters *counters)
{
    uint64_t digest[2];
    struct likeness likeness;
    smtp_content_finish(content, counters, digest, &likeness, NULL);
}
