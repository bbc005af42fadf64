/* See mail.h. */
#include "collector/report/mail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "collector/report/csv.h"
#include "collector/report/drawings.h"
#include "collector/report/html.h"
#include "collector/report/summary.h"
#include "collector/report/text.h"
#include "common/cleanup.h"

#define CSV_MOST ((size_t)512 << 10)
#define NAME     (COMPOSE_ADDRESS_MOST + 96)

/* The tables that go along; others are had by `postern report`. */
static const char *const tables[] = {"sums", "customers", "steps", "listings", "nodes"};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

/* All that the message is made of, until it is. */
struct parts {
    struct buffer text, html, csv[TABLES];
    struct drawings drawings;
    char host[NAME], message_id[NAME], content_ids[DRAWINGS][NAME], file_names[DRAWINGS + TABLES][64];
    struct draft_part images[DRAWINGS], attachments[TABLES];
};

static void parts_destroy(struct parts **parts)
{
    if (*parts == NULL)
        return;
    buffer_clear(&(*parts)->text);
    buffer_clear(&(*parts)->html);
    for (size_t i = 0; i < TABLES; i++)
        buffer_clear(&(*parts)->csv[i]);
    drawings_clear(&(*parts)->drawings);
    free(*parts);
    *parts = NULL;
}

static struct parts *parts_create(const struct report_envelope *envelope)
{
    struct parts *parts = calloc(1, sizeof(*parts));
    if (parts == NULL)
        return NULL;
    buffer_init(&parts->text, REPORT_TEXT_MOST);
    buffer_init(&parts->html, REPORT_HTML_MOST);
    for (size_t i = 0; i < TABLES; i++)
        buffer_init(&parts->csv[i], CSV_MOST);
    struct text domain = envelope->from.address;
    text_split(&domain, '@');
    snprintf(parts->host, sizeof(parts->host), "%.64s.%.*s", envelope->id, (int)domain.length, domain.bytes);
    snprintf(parts->message_id, sizeof(parts->message_id), "%.64s@%.*s", envelope->id, (int)domain.length,
             domain.bytes);
    return parts;
}

static void set_images(struct parts *parts, const struct report *report)
{
    for (size_t i = 0; i < parts->drawings.count; i++) {
        const struct drawing *drawing = &parts->drawings.drawings[i];
        snprintf(parts->content_ids[i], NAME, "%.20s@%.320s", drawing->name, parts->host);
        snprintf(parts->file_names[i], sizeof(parts->file_names[i]), "%s-%s.png", report->period.name, drawing->name);
        parts->images[i] = (struct draft_part){.type = "image/png",
                                               .name = text_of(parts->file_names[i]),
                                               .content_id = parts->content_ids[i],
                                               .content = buffer_text(&drawing->png)};
    }
}

static bool set_attachments(struct parts *parts, const struct report *report)
{
    for (size_t i = 0; i < TABLES; i++) {
        char *name = parts->file_names[DRAWINGS + i];
        if (!csv_write(report, tables[i], &parts->csv[i]))
            return false;
        snprintf(name, sizeof(parts->file_names[0]), "%s-%s.csv", report->period.name, tables[i]);
        parts->attachments[i] = (struct draft_part){
            .type = "text/csv; charset=utf-8", .name = text_of(name), .content = buffer_text(&parts->csv[i])};
    }
    return true;
}

int report_mail(const struct report *report, const struct calendar_zone *zone, const struct report_envelope *envelope,
                struct buffer *result, struct error *error)
{
    static const struct draft_header headers[] = {{"Auto-Submitted", {"auto-generated", 14}}};
    char subject[SUMMARY_SUBJECT], line[SUMMARY_SUBJECT + 16];
    CLEANUP(parts_destroy) struct parts *parts = parts_create(envelope);
    if (parts == NULL || !drawings_make(report, zone, &parts->drawings) || !report_text(report, zone, &parts->text) ||
        !report_html(report, zone, &parts->drawings, parts->host, &parts->html) || !set_attachments(parts, report))
        return error_set(error, ENOMEM, "no memory to draw the report of %s", report->period.name);
    set_images(parts, report);
    snprintf(line, sizeof(line), "[postern] %s", report_subject(report, zone, subject));
    const struct draft draft = {.from = envelope->from,
                                .reply_to = {TEXT(""), TEXT("")},
                                .to = envelope->to,
                                .to_count = envelope->to_count,
                                .subject = text_of(line),
                                .date = report->made,
                                .date_offset = calendar_time_of(zone, report->made).offset / 60,
                                .message_id = text_of(parts->message_id),
                                .headers = headers,
                                .header_count = 1,
                                .text = buffer_text(&parts->text),
                                .html = buffer_text(&parts->html),
                                .images = parts->images,
                                .image_count = parts->drawings.count,
                                .attachments = parts->attachments,
                                .attachment_count = TABLES};
    if (compose_message(&draft, result, error) < 0)
        return error_wrap(error, "the report of %s", report->period.name);
    return 0;
}
