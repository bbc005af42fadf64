/* See notice.h. What people read: a subject that says the worst, then what is new, what is over, what still stands. */
#include "collector/alert/notice.h"

#include <stdarg.h>
#include <stdio.h>
#include "collector/letter/plain.h"

/* --- counting --- */

static const struct {
    const char *kind, *one, *many;
} words[] = {{"block", "sender blocked", "senders blocked"},
             {"throttle", "sender throttled", "senders throttled"},
             {"divert", "sender diverted", "senders diverted"},
             {"virus", "sender of a virus", "senders of viruses"},
             {"complaint", "customer complained about", "customers complained about"},
             {"listing", "listing on a blacklist", "listings on blacklists"},
             {"zone", "blacklist not believed", "blacklists not believed"},
             {"node", "node lost", "nodes lost"},
             {"filter", "filter down", "filters down"},
             {"source", "source of complaints failing", "sources of complaints failing"},
             {"letter", "letter that cannot be written", "letters that cannot be written"},
             {"post", "channel failing", "channels failing"}};

/* "200 senders blocked"; a kind that is not known here: "3 alerts (KIND)". */
static void count_words(struct text kind, size_t count, char *result, size_t size)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (text_equals(kind, text_of(words[i].kind))) {
            snprintf(result, size, "%zu %s", count, count == 1 ? words[i].one : words[i].many);
            return;
        }
    snprintf(result, size, "%zu alert%s (%.*s)", count, count == 1 ? "" : "s",
             (int)(kind.length < 40 ? kind.length : 40), kind.bytes);
}

/* Where it is cut in the middle of a letter, that is shown as broken. */
static struct text cut(struct text text, size_t most)
{
    return (struct text){text.bytes, text.length < most ? text.length : most};
}

static bool is_of(const struct notice_item *item, bool over)
{
    return (item->news == NEWS_OVER) == over;
}

/* --- the subject --- */

struct line {
    char *bytes;
    size_t length, size;
};

__attribute__((format(printf, 2, 3))) static void line_add(struct line *line, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int written = vsnprintf(line->bytes + line->length, line->size - line->length, format, list);
    va_end(list);
    line->length += written < 0 ? 0 : (size_t)written;
    if (line->length >= line->size)
        line->length = line->size - 1;
}

/* Items come by kind. False: there are none of them. */
static bool count_all(const struct notice *notice, bool over, struct line *line)
{
    bool any = false;
    for (size_t i = 0; i < notice->count;) {
        struct text kind = notice->items[i].alert.kind;
        char phrase[100];
        size_t count = 0;
        for (; i < notice->count && text_equals(notice->items[i].alert.kind, kind); i++)
            count += is_of(&notice->items[i], over);
        if (count == 0)
            continue;
        count_words(kind, count, phrase, sizeof phrase);
        line_add(line, "%s%s", any ? ", " : over && line->length ? "; over: " : over ? "over: " : "", phrase);
        any = true;
    }
    return any;
}

void notice_subject(const struct notice *notice, char result[NOTICE_SUBJECT])
{
    static const char *const before[] = {[NEWS_NONE] = "",
                                         [NEWS_BEGUN] = "",
                                         [NEWS_WORSE] = "worse: ",
                                         [NEWS_STILL] = "still: ",
                                         [NEWS_OVER] = "over: "};
    char all[NOTICE_SUBJECT] = "";
    struct line line = {all, 0, sizeof all};
    if (notice->is_test)
        line_add(&line, "a test of channel %s", notice->channel->name);
    else if (notice->count == 1)
        line_add(&line, "%s%.*s", before[notice->items[0].news],
                 (int)(notice->items[0].alert.subject.length < NOTICE_SUBJECT ? notice->items[0].alert.subject.length
                                                                              : NOTICE_SUBJECT),
                 notice->items[0].alert.subject.bytes);
    else {
        count_all(notice, false, &line);
        count_all(notice, true, &line);
    }
    text_copy_printable(text_of(all), result, NOTICE_SUBJECT);
}

/* --- the text --- */

static const char *const severities[] = {"news", "warning", "trouble"};

static const char *severity_of(const struct alert *alert)
{
    return severities[alert->severity >= 0 && alert->severity < SEVERITY_WORDS ? alert->severity : 2];
}

/* "2026-11-26 14:20 +01:00": as clocks show it where the collector runs. */
static const char *print_time(const struct notice *notice, moment when, char result[32])
{
    char utc[MOMENT_TEXT];
    int32_t east = notice->wall.east, size = east < 0 ? -east : east;
    moment_print(when + east * MINUTE, utc);
    snprintf(result, 32, "%.10s %.5s %c%02d:%02d", utc, utc + 11, east < 0 ? '-' : '+', size / 60 % 24, size % 60);
    return result;
}

static bool write_item(const struct notice *notice, const struct notice_item *item, struct buffer *out)
{
    const struct alert *alert = &item->alert;
    char begun[32], ended[32];
    bool good = buffer_printf(out, "* ") && plain_line(cut(alert->subject, NOTICE_SUBJECT), out) &&
                buffer_printf(out, "\n  %s, since %s", severity_of(alert), print_time(notice, alert->raised, begun));
    if (good && alert->resolved > 0)
        good = buffer_printf(out, " until %s", print_time(notice, alert->resolved, ended));
    if (good && alert->times > 1)
        good = buffer_printf(out, ", %lld times", (long long)alert->times);
    good = good && buffer_printf(out, "\n");
    struct text rest = alert->text;
    while (good && rest.length > 0) {
        struct text one = text_trim(text_split(&rest, '\n'));
        if (one.length > 0)
            good = buffer_printf(out, "  ") && plain_line(cut(one, 1000), out) && buffer_printf(out, "\n");
    }
    return good && buffer_printf(out, "\n");
}

/* The worst first. */
static bool write_section(const struct notice *notice, const char *heading, unsigned which, struct buffer *out)
{
    size_t all = 0, shown = 0;
    for (size_t i = 0; i < notice->count; i++)
        all += (which >> notice->items[i].news) & 1;
    bool good = all == 0 || buffer_printf(out, "%s\n\n", heading);
    for (int severity = SEVERITY_WORDS - 1; severity >= 0 && good; severity--)
        for (size_t i = 0; i < notice->count && good && shown < notice->channel->lists; i++)
            if ((which >> notice->items[i].news & 1) && notice->items[i].alert.severity == severity) {
                good = write_item(notice, &notice->items[i], out);
                shown++;
            }
    if (good && all > shown)
        good = buffer_printf(out, "and %zu more: `postern alerts` shows all.\n\n", all - shown);
    return good;
}

static bool write_end(const struct notice *notice, struct buffer *out)
{
    char now[32];
    bool good = buffer_printf(out, "-- \nPostern, channel %s, %s\n", notice->channel->name,
                              print_time(notice, notice->now, now));
    return good && (notice->link[0] == '\0' || buffer_printf(out, "%s\n", notice->link));
}

bool notice_text(const struct notice *notice, struct buffer *out)
{
    if (notice->is_test)
        return buffer_printf(out, "This is a test. Whoever reads it is reached by channel %s.\n\n",
                             notice->channel->name) &&
               write_end(notice, out);
    return write_section(notice, "NEW", 1U << NEWS_BEGUN | 1U << NEWS_WORSE, out) &&
           write_section(notice, "STILL THERE", 1U << NEWS_STILL, out) &&
           write_section(notice, "OVER", 1U << NEWS_OVER, out) && write_end(notice, out);
}

/* --- a log --- */

bool notice_lines(const struct notice *notice, struct buffer *out)
{
    static const char *const before[] = {[NEWS_NONE] = "",
                                         [NEWS_BEGUN] = "alert",
                                         [NEWS_WORSE] = "alert, worse",
                                         [NEWS_STILL] = "alert, still there",
                                         [NEWS_OVER] = "alert is over"};
    static const int levels[] = {5, 4, 3}; /* notice, warning, error: RFC 5424 6.2.1 */
    size_t shown = notice->count < notice->channel->lists ? notice->count : notice->channel->lists;
    bool good = !notice->is_test || buffer_printf(out, "<5>a test of channel %s\n", notice->channel->name);
    for (size_t i = 0; i < shown && good; i++) {
        const struct notice_item *item = &notice->items[i];
        const struct alert *alert = &item->alert;
        int level = item->news == NEWS_OVER || alert->severity < 0 ? 5 : levels[alert->severity % SEVERITY_WORDS];
        good = buffer_printf(out, "<%d>%s (%s): ", level, before[item->news], severity_of(alert)) &&
               plain_line(cut(alert->subject, NOTICE_SUBJECT), out) && buffer_printf(out, ": ") &&
               plain_line(cut(alert->text, 400), out) && buffer_printf(out, "\n");
    }
    return good && (shown == notice->count || buffer_printf(out, "<5>%zu more alerts\n", notice->count - shown));
}
