/* See html.h. Whatever may be a stranger's word goes through put_safe(). */
#include "collector/report/html.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "collector/letter/html.h"
#include "collector/report/sheet.h"
#include "collector/report/summary.h"
#include "collector/report/wording.h"

#define ROWS_IN_MAIL 30    /* of a table */
#define WIDTH        "688" /* pixels */
#define FONT         "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"
#define INK          "color:#24292f;"
#define QUIET        "color:#57606a;"
#define PAPER        "background-color:#ffffff;"
#define BAND         "background-color:#0b3d5c;"
#define BAD          "color:#8a1f11;background-color:#fdeeeb;"
#define GOOD         "color:#0a5540;background-color:#e6f4ee;"
#define RULE         "border-bottom:1px solid #e3e7eb;"
#define TABLE        "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" "

/* What is being written. Once something failed, nothing more is. */
struct page {
    struct buffer *out;
    bool is_good;
};

static void put(struct page *page, const char *html)
{
    page->is_good = page->is_good && buffer_append(page->out, text_of(html));
}

static void put_safe(struct page *page, const char *text)
{
    page->is_good = page->is_good && html_escape(text_of(text), page->out);
}

static void put_number(struct page *page, uint32_t number)
{
    page->is_good = page->is_good && buffer_printf(page->out, "%u", number);
}

/* --- head --- */

static void put_head(struct page *page, const struct report *report, const struct calendar_zone *zone)
{
    char period[WORDING], span[2 * WORDING];
    wording_period(zone, &report->period, period);
    put(page, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
              "<meta name=\"color-scheme\" content=\"light\"><meta name=\"supported-color-schemes\" content=\"light\">"
              "<title>");
    put_safe(page, period);
    put(page, "</title></head>\n<body style=\"margin:0;padding:0;background-color:#eef1f4;" INK FONT "\">\n" TABLE
              "style=\"background-color:#eef1f4;\"><tr><td align=\"center\" style=\"padding:16px 8px;\">\n" TABLE
              "style=\"table-layout:fixed;max-width:" WIDTH "px;" PAPER "border:1px solid #d0d7de;\">\n"
              "<tr><td style=\"" BAND "color:#ffffff;padding:20px 24px;\">"
              "<div style=\"font-size:13px;color:#b9d4e6;\">Postern: what was complained of, and what was done</div>"
              "<h1 style=\"margin:4px 0 2px 0;font-size:26px;line-height:32px;font-weight:600;color:#ffffff;\">");
    put_safe(page, period);
    put(page, "</h1><div style=\"font-size:13px;color:#dbe8f1;\">");
    put_safe(page, wording_span(zone, &report->period, span));
    put(page, "</div></td></tr>\n");
}

/* --- four figures that are seen first --- */

static void put_tile(struct page *page, const struct report *report, enum report_sum sum, const char *title)
{
    char now[WORDING], number[WORDING];
    int64_t value = report->past[0].sums[sum], before = report_before(report, sum);
    bool is_wait = sum == SUM_WAITED;
    put(page,
        "<td width=\"25%\" valign=\"top\" style=\"padding:14px 8px 14px 12px;\"><div style=\"font-size:12px;" QUIET
        "\">");
    put(page, title);
    put(page, is_wait ? "</div><div style=\"font-size:19px;line-height:34px;font-weight:600;white-space:nowrap;" INK
                        "\">"
                      : "</div><div style=\"font-size:28px;line-height:34px;font-weight:600;" INK "\">");
    put(page, is_wait && value == 0 ? "-" : is_wait ? wording_wait(value, now) : wording_number(value, now));
    put(page, "</div><div style=\"font-size:12px;" QUIET "\">");
    if (before >= 0 && !(is_wait && before == 0)) {
        put(page, "before: ");
        put(page, is_wait ? wording_wait(before, number) : wording_number(before, number));
    }
    put(page, "&nbsp;</div></td>");
}

static void put_tiles(struct page *page, const struct report *report)
{
    put(page, "<tr><td style=\"padding:0 12px;" RULE "\">" TABLE "><tr>");
    put_tile(page, report, SUM_COMPLAINTS, "Complaints");
    put_tile(page, report, SUM_WAITED, "Time to action");
    put_tile(page, report, SUM_HELD, "Senders held");
    put_tile(page, report, SUM_LISTED, "On blacklists");
    put(page, "</tr></table></td></tr>\n");
}

/* --- in plain words --- */

static void put_summary(struct page *page, const struct summary *summary)
{
    put(page,
        "<tr><td style=\"padding:18px 24px 6px 24px;\"><p style=\"margin:0 0 12px 0;font-size:17px;line-height:25px;"
        "font-weight:600;" INK "\">");
    put_safe(page, summary->headline);
    put(page, "</p>\n" TABLE "style=\"font-size:14px;line-height:21px;\">\n");
    for (size_t i = 0; i < summary->count; i++) {
        const struct summary_line *line = &summary->lines[i];
        const char *style = line->mark == MARK_BAD ? BAD : line->mark == MARK_GOOD ? GOOD : INK PAPER;
        put(page,
            "<tr><td width=\"22\" align=\"center\" valign=\"top\" style=\"padding:5px 0 5px 4px;font-weight:700;");
        put(page, style);
        put(page, line->mark == MARK_BAD ? "\">!" : line->mark == MARK_GOOD ? "\">&#10003;" : "\">&middot;");
        put(page, "</td><td style=\"padding:5px 10px 5px 6px;word-break:break-word;");
        put(page, style);
        put(page, "\">");
        put_safe(page, line->text);
        put(page,
            "</td></tr>\n<tr><td colspan=\"2\" height=\"3\" style=\"font-size:0;line-height:3px;\">&nbsp;</td></tr>\n");
    }
    put(page, "</table></td></tr>\n");
}

/* --- pictures --- */

static void put_data(struct page *page, const struct buffer *png)
{
    size_t size = sodium_base64_ENCODED_LEN(png->length, sodium_base64_VARIANT_ORIGINAL);
    char *text = page->is_good ? malloc(size) : NULL;
    if (text == NULL) {
        page->is_good = false;
        return;
    }
    sodium_bin2base64(text, size, (const unsigned char *)png->bytes, png->length, sodium_base64_VARIANT_ORIGINAL);
    put(page, "data:image/png;base64,");
    put(page, text);
    free(text);
}

static void put_picture(struct page *page, const struct drawing *drawing, const char *host)
{
    put(page, "<img src=\"");
    if (host) {
        put(page, "cid:");
        put(page, drawing->name);
        put(page, "@");
        put_safe(page, host);
    } else {
        put_data(page, &drawing->png);
    }
    put(page, "\" width=\"");
    put_number(page, drawing->width);
    put(page, "\" alt=\"");
    put_safe(page, drawing->alt);
    put(page, "\" style=\"display:block;width:100%;max-width:");
    put_number(page, drawing->width);
    put(page, "px;height:auto;border:0;font-size:12px;" QUIET "\">");
}

/* A half one has the next half one beside it. */
static void put_pictures(struct page *page, const struct drawings *drawings, const char *host)
{
    for (size_t i = 0; i < drawings->count; i++) {
        const struct drawing *drawing = &drawings->drawings[i];
        put(page, "<tr><td style=\"padding:12px 24px 0 24px;\">");
        if (drawing->is_half && i + 1 < drawings->count && drawings->drawings[i + 1].is_half) {
            put(page, TABLE "><tr><td width=\"50%\" valign=\"top\" style=\"padding-right:6px;\">");
            put_picture(page, drawing, host);
            put(page, "</td><td width=\"50%\" valign=\"top\" style=\"padding-left:6px;\">");
            put_picture(page, &drawings->drawings[++i], host);
            put(page, "</td></tr></table>");
        } else {
            put_picture(page, drawing, host);
        }
        put(page, "</td></tr>\n");
    }
}

/* --- tables --- */

struct rows {
    struct page *page;
    const struct sheet *sheet;
    size_t count, most; /* rows: all there are; that are shown */
};

/* What is alike in a row stands in its <tr>: some readers show the first 100 kB of a mail and no more. */
static void put_row(void *context, const char *const *cells, enum sheet_mark mark)
{
    struct rows *rows = context;
    struct page *page = rows->page;
    if (rows->count++ >= rows->most)
        return;
    put(page, mark == MARK_BAD    ? "<tr bgcolor=\"#fdeeeb\" style=\"" RULE BAD "\">"
              : mark == MARK_GOOD ? "<tr bgcolor=\"#e6f4ee\" style=\"" RULE GOOD "\">"
                                  : "<tr style=\"" RULE "\">");
    for (size_t i = 0; i < rows->sheet->column_count; i++) {
        put(page, rows->sheet->columns[i].is_number ? "<td align=\"right\" nowrap>" : "<td>");
        put_safe(page, cells[i]);
        put(page, "</td>");
    }
    put(page, "</tr>\n");
}

static void count_row(void *context, const char *const *cells, enum sheet_mark mark)
{
    struct rows *rows = context;
    (void)cells;
    (void)mark;
    rows->count++;
}

static void put_columns(struct page *page, const struct sheet *sheet)
{
    put(page, "<tr style=\"font-size:12px;" QUIET "\">");
    for (size_t i = 0; i < sheet->column_count; i++) {
        put(page, sheet->columns[i].is_number ? "<th align=\"right\"" : "<th align=\"left\"");
        put(page, " valign=\"bottom\" style=\"font-weight:600;border-bottom:2px solid #afb8c1;\">");
        put_safe(page, sheet->columns[i].title);
        put(page, "</th>");
    }
    put(page, "</tr>\n");
}

static void put_note(struct page *page, const char *text)
{
    if (text[0] == '\0')
        return;
    put(page, "<div style=\"padding:5px 6px;font-size:12px;line-height:17px;" QUIET "\">");
    put_safe(page, text);
    put(page, "</div>");
}

static void put_table(struct rows *rows, const struct report *report, const struct calendar_zone *zone, size_t which)
{
    put(rows->page,
        "<div style=\"overflow-x:auto;\"><table width=\"100%\" cellpadding=\"6\" cellspacing=\"0\" border=\"0\" "
        "style=\"border-collapse:collapse;font-size:13px;line-height:17px;word-break:break-word;" INK PAPER
        "font-variant-numeric:tabular-nums;\">\n");
    put_columns(rows->page, rows->sheet);
    rows->count = 0;
    sheet_rows(report, zone, which, put_row, rows);
    put(rows->page, "</table></div>");
    if (rows->count > rows->most)
        put_note(rows->page, "There is more of this in the CSV.");
}

static void put_sheet(struct page *page, const struct report *report, const struct calendar_zone *zone, size_t which,
                      size_t most)
{
    struct sheet sheet;
    sheet_head(report, which, &sheet);
    struct rows rows = {.page = page, .sheet = &sheet, .most = most};
    sheet_rows(report, zone, which, count_row, &rows);
    if (rows.count == 0 && sheet.empty == NULL)
        return;
    put(page, "<tr><td style=\"padding:22px 16px 0 16px;\"><h2 id=\"");
    put(page, sheet.name);
    put(page, "\" style=\"margin:0 0 6px 6px;font-size:16px;line-height:22px;font-weight:600;" INK "\">");
    put_safe(page, sheet.title);
    put(page, "</h2>");
    if (rows.count > 0)
        put_table(&rows, report, zone, which);
    else
        put_note(page, sheet.empty);
    put_note(page, sheet.more);
    if (rows.count > 0)
        put_note(page, sheet.about);
    put(page, "</td></tr>\n");
}

static void put_foot(struct page *page, const struct report *report, const struct calendar_zone *zone)
{
    char made[WORDING];
    put(page,
        "<tr><td style=\"padding:22px 24px 20px 24px;font-size:12px;line-height:18px;" QUIET "\">Made by Postern on ");
    put(page, wording_moment(zone, report->made, made));
    put(page, ", ");
    put_safe(page, calendar_zone_name(zone));
    put(page, ".</td></tr>\n</table>\n</td></tr></table>\n</body></html>\n");
}

bool report_html(const struct report *report, const struct calendar_zone *zone, const struct drawings *drawings,
                 const char *host, struct buffer *buffer)
{
    struct page page = {.out = buffer, .is_good = true};
    struct summary *summary = malloc(sizeof(*summary));
    if (summary == NULL)
        return false;
    report_summarize(report, zone, summary);
    put_head(&page, report, zone);
    put_tiles(&page, report);
    put_summary(&page, summary);
    free(summary);
    put_pictures(&page, drawings, host);
    for (size_t i = 0; i < sheet_count(); i++)
        put_sheet(&page, report, zone, i, host ? ROWS_IN_MAIL : SIZE_MAX);
    put_foot(&page, report, zone);
    return page.is_good;
}
