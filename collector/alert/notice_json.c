/* Notices for programs: everything in JSON, and the two forms that others' webhooks want. */
#include <stdio.h>
#include "collector/alert/notice.h"
#include "collector/letter/plain.h"
#include "common/cleanup.h"
#include "common/json.h"

static const char *const news_words[] = {
    [NEWS_NONE] = "none", [NEWS_BEGUN] = "new", [NEWS_WORSE] = "worse", [NEWS_STILL] = "still", [NEWS_OVER] = "over"};
static const char *const severities[] = {"news", "warning", "trouble"};

static const char *severity_word(int64_t severity)
{
    return severities[severity >= 0 && severity < SEVERITY_WORDS ? severity : SEVERITY_WORDS - 1];
}

static int64_t worst_of(const struct notice *notice)
{
    int64_t worst = 0;
    for (size_t i = 0; i < notice->count; i++)
        worst = notice->items[i].alert.severity > worst ? notice->items[i].alert.severity : worst;
    return worst < SEVERITY_WORDS ? worst : SEVERITY_WORDS - 1;
}

/* --- everything --- */

static void put_item(struct json *json, const struct notice_item *item)
{
    const struct alert *alert = &item->alert;
    json_object_open(json, NULL);
    json_string(json, "state", news_words[item->news]);
    json_integer(json, "number", alert->number);
    json_text(json, "kind", alert->kind);
    json_text(json, "name", alert->name);
    json_string(json, "severity", severity_word(alert->severity));
    json_text(json, "node", alert->node);
    json_text(json, "sender", alert->sender);
    json_text(json, "customer", alert->customer);
    json_moment(json, "raised", alert->raised);
    json_moment(json, "last", alert->last);
    json_moment(json, "resolved", alert->resolved);
    json_integer(json, "times", alert->times);
    json_text(json, "subject", alert->subject);
    json_text(json, "text", alert->text);
    json_object_close(json);
}

bool notice_json(const struct notice *notice, struct buffer *out)
{
    char subject[NOTICE_SUBJECT];
    size_t shown = notice->count < notice->channel->lists ? notice->count : notice->channel->lists;
    notice_subject(notice, subject);
    struct json json = json_begin(out);
    json_string(&json, "id", notice->id);
    json_string(&json, "channel", notice->channel->name);
    json_moment(&json, "time", notice->now);
    json_bool(&json, "test", notice->is_test);
    json_string(&json, "severity", severity_word(worst_of(notice)));
    json_string(&json, "subject", subject);
    if (notice->link[0])
        json_string(&json, "link", notice->link);
    json_unsigned(&json, "count", notice->count);
    json_array_open(&json, "alerts");
    for (size_t i = 0; i < shown; i++)
        put_item(&json, &notice->items[i]);
    json_array_close(&json);
    return json_end(&json);
}

/* --- Slack --- */

#define BREAK TEXT("\xe2\x80\x8b") /* U+200B, which nobody sees */

/* Three letters mean something to Slack: a sender's words must not become a link, or call everybody (<!channel>). To
 * the others "@all" at the beginning of a word is a call, and "[words](address)" a link that says it leads elsewhere,
 * or a picture. */
static bool put_letter(char letter, char before, struct buffer *out)
{
    bool is_word =
        (before >= 'a' && before <= 'z') || (before >= 'A' && before <= 'Z') || (before >= '0' && before <= '9');
    if (before == ']' && (letter == '(' || letter == '[' || letter == ':') && !buffer_append(out, BREAK))
        return false;
    if (letter == '@' && !is_word)
        return buffer_append_byte(out, letter) && buffer_append(out, BREAK);
    return letter == '&'   ? buffer_append(out, TEXT("&amp;"))
           : letter == '<' ? buffer_append(out, TEXT("&lt;"))
           : letter == '>' ? buffer_append(out, TEXT("&gt;"))
                           : buffer_append_byte(out, letter);
}

static bool put_escaped(struct text text, bool is_line, struct buffer *out)
{
    CLEANUP(buffer_clear) struct buffer plain;
    buffer_init(&plain, 3 * text.length + 1); /* a broken byte becomes three */
    bool good = is_line ? plain_line(text, &plain) : plain_lines(text, &plain);
    struct text rest = buffer_text(&plain);
    for (size_t i = 0; i < rest.length && good; i++)
        good = put_letter(rest.bytes[i], i > 0 ? rest.bytes[i - 1] : ' ', out);
    return good;
}

static bool put_slack_item(const struct notice_item *item, struct buffer *out)
{
    const struct alert *alert = &item->alert;
    return buffer_printf(out, "• %s, %s: ", news_words[item->news], severity_word(alert->severity)) &&
           put_escaped(alert->subject, true, out) && buffer_append(out, TEXT("\n"));
}

bool notice_slack(const struct notice *notice, struct buffer *out)
{
    char subject[NOTICE_SUBJECT];
    struct buffer text;
    size_t shown = notice->count < notice->channel->lists ? notice->count : notice->channel->lists;
    notice_subject(notice, subject);
    buffer_init(&text, 1024 * 1024);
    bool good = put_escaped(text_of(subject), true, &text) && buffer_append(&text, TEXT("\n"));
    for (size_t i = 0; i < shown && good && notice->count > 1; i++)
        good = put_slack_item(&notice->items[i], &text);
    if (good && notice->count > shown)
        good = buffer_printf(&text, "and %zu more\n", notice->count - shown);
    if (good && notice->count == 1)
        good = put_escaped(notice->items[0].alert.text, false, &text) && buffer_append(&text, TEXT("\n"));
    if (good && notice->link[0])
        good = buffer_printf(&text, "<%s>\n", notice->link);
    struct json json = json_begin(out);
    json_text(&json, "text", text_trim(buffer_text(&text)));
    good = json_end(&json) && good;
    buffer_clear(&text);
    return good;
}

/* --- PagerDuty --- */

bool notice_pagerduty(const struct notice *notice, struct text kind, int64_t standing, struct buffer *out)
{
    static const char *const levels[] = {"info", "warning", "critical"};
    char subject[NOTICE_SUBJECT], key[160];
    notice_subject(notice, subject);
    snprintf(key, sizeof key, "postern/%s/%.*s", notice->channel->name, (int)(kind.length < 80 ? kind.length : 80),
             kind.bytes);
    struct json json = json_begin(out);
    json_string(&json, "routing_key", notice->channel->key);
    json_string(&json, "event_action", standing > 0 || notice->is_test ? "trigger" : "resolve");
    json_string(&json, "dedup_key", key);
    json_string(&json, "client", "Postern");
    if (notice->link[0])
        json_string(&json, "client_url", notice->link);
    json_object_open(&json, "payload");
    json_string(&json, "summary", subject);
    json_string(&json, "source", "postern");
    json_string(&json, "severity", levels[worst_of(notice)]);
    json_moment(&json, "timestamp", notice->now);
    json_text(&json, "class", kind);
    json_object_open(&json, "custom_details");
    json_integer(&json, "standing", standing);
    json_array_open(&json, "alerts");
    for (size_t i = 0; i < notice->count && i < notice->channel->lists; i++)
        put_item(&json, &notice->items[i]);
    json_array_close(&json);
    json_object_close(&json);
    json_object_close(&json);
    return json_end(&json);
}
