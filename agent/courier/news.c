/* See news.h. */
#include "agent/courier/news.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/courier/answer.h"
#include "common/io/clock.h"
#include "common/json.h"

#define LINE_MOST     16384
#define RECENT_PLACES 256

/* Whether this detector's evidence against this sender was entered in this second: a small table whose places are
 * simply taken over, since a wrong "no" only costs an entry. */
struct recent {
    struct sender sender;
    char detector[16];
    moment second;
};

struct news {
    struct journal *journal;
    struct spool *spool; /* NULL: there is no collector */
    struct buffer line;
    bool telling; /* a verdict has begun */
    struct message_verdict verdict;
    struct evidence evidence[ANSWER_EVIDENCE_MOST];
    uint32_t evidence_count;
    uint64_t skipped;
    struct news_counters counters;
    struct recent recent[RECENT_PLACES];
};

/* What the collector knows of orders in force begins anew: the warden tells us of each that stands. */
static void begin_orders(struct news *news)
{
    moment now = clock_now();
    if (news->spool && answer_orders_begin(&news->line, now))
        spool_add(news->spool, SPOOL_ORDER, now, buffer_text(&news->line));
    news->line.length = 0;
}

int news_create(struct journal *journal, struct spool *spool, struct news **result, struct error *error)
{
    struct news *news = calloc(1, sizeof *news);
    if (!news)
        return error_set(error, ENOMEM, "no memory for news");
    news->journal = journal;
    news->spool = spool;
    buffer_init(&news->line, LINE_MOST);
    begin_orders(news);
    *result = news;
    return 0;
}

void news_destroy(struct news **news)
{
    if (!*news)
        return;
    buffer_clear(&(*news)->line);
    free(*news);
    *news = NULL;
}

static void enter_line(struct news *news, enum spool_worth worth, moment time, const char *kind, const char *sender)
{
    journal_add(news->journal, &(struct journal_entry){0, time, kind, sender, buffer_text(&news->line)});
    if (news->spool)
        spool_add(news->spool, worth, time, buffer_text(&news->line));
}

static enum spool_worth worth_of(const char *kind)
{
    if (strcmp(kind, "verdict") == 0)
        return SPOOL_VERDICT;
    return strcmp(kind, "evidence") == 0 ? SPOOL_EVIDENCE : SPOOL_EVENT;
}

static void enter(struct news *news, moment time, const char *kind, const struct sender *sender, bool written)
{
    char name[SENDER_TEXT] = "";
    if (sender)
        sender_print(sender, name);
    if (written)
        enter_line(news, worth_of(kind), time, kind, name);
    news->line.length = 0;
}

static void enter_verdict(struct news *news)
{
    if (!news->telling)
        return;
    news->telling = false;
    bool written = answer_verdict(&news->line, &news->verdict, news->evidence, news->evidence_count);
    enter(news, news->verdict.time, "verdict", &news->verdict.sender, written);
}

static bool is_repetition(struct news *news, const struct message_evidence *message)
{
    uint32_t hash = 2166136261u; /* FNV-1a: only spreads, nobody gains by a collision */
    const uint8_t *bytes = (const uint8_t *)&message->sender;
    for (size_t i = 0; i < sizeof message->sender; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    for (const char *at = message->evidence.detector; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    struct recent *recent = &news->recent[hash % RECENT_PLACES];
    moment second = message->evidence.time / SECOND;
    if (recent->second == second && sender_equals(&recent->sender, &message->sender) &&
        strcmp(recent->detector, message->evidence.detector) == 0)
        return true;
    *recent = (struct recent){.sender = message->sender, .second = second};
    memcpy(recent->detector, message->evidence.detector, sizeof recent->detector);
    return false;
}

static void take_evidence(struct news *news, const struct message_evidence *message)
{
    news->counters.evidence++;
    if (is_repetition(news, message)) {
        news->skipped++;
        return;
    }
    bool written = answer_evidence(&news->line, message);
    enter(news, message->evidence.time, "evidence", &message->sender, written);
}

static void enter_counts(struct news *news, moment time, bool written)
{
    if (news->spool && written)
        spool_add(news->spool, SPOOL_COUNTS, time, buffer_text(&news->line));
    news->line.length = 0;
}

void news_take(struct news *news, const union message *message)
{
    switch ((enum message_kind)message->head.kind) {
    case MESSAGE_VERDICT:
        enter_verdict(news);
        news->telling = true;
        news->verdict = message->verdict;
        news->counters.verdicts[message->verdict.verdict]++;
        news->evidence_count = 0;
        break;
    case MESSAGE_EVIDENCE_ROW:
        if (news->telling && news->evidence_count < ANSWER_EVIDENCE_MOST)
            news->evidence[news->evidence_count++] = message->evidence_row.evidence;
        break;
    case MESSAGE_END:
        enter_verdict(news);
        break;
    case MESSAGE_EVIDENCE:
        take_evidence(news, &message->evidence);
        break;
    case MESSAGE_TRAFFIC: /* this and the next two for the collector alone: people ask for senders */
        enter_counts(news, message->traffic.time, answer_traffic(&news->line, &message->traffic));
        break;
    case MESSAGE_BODY:
        enter_counts(news, message->body.time, answer_body(&news->line, &message->body));
        break;
    case MESSAGE_POINTS:
        enter_counts(news, message->points.time, answer_points(&news->line, &message->points));
        break;
    case MESSAGE_EVENT:
        enter(news, message->event.time, message->event.what, NULL, answer_event(&news->line, &message->event, NULL));
        break;
    default:
        break;
    }
}

void news_forget_half(struct news *news)
{
    enter_verdict(news);
}

void news_about(struct news *news, const struct sender *sender, uint8_t severity, const char *what, const char *text)
{
    struct message_event event = {.time = clock_now(), .severity = severity};
    text_copy_printable(text_of(what), event.what, sizeof event.what);
    text_copy_printable(text_of(text), event.text, sizeof event.text);
    enter(news, event.time, what, sender, answer_event(&news->line, &event, sender));
}

void news_event(struct news *news, uint8_t severity, const char *what, const char *text)
{
    news_about(news, NULL, severity, what, text);
}

void news_command(struct news *news, const char *deed, const char *sender, const char *length, const char *person,
                  const char *why)
{
    moment now = clock_now();
    if (answer_command(&news->line, now, deed, sender, length, person, why))
        enter_line(news, SPOOL_ORDER, now, "command", sender);
    news->line.length = 0;
}

struct news_counters news_counters(const struct news *news)
{
    return news->counters;
}

void news_stopped(struct news *news, moment begin, uint32_t seconds, const struct relay_counters *counters)
{
    enter_counts(news, begin, answer_stopped(&news->line, begin, seconds, counters));
}

void news_order(struct news *news, const struct order *order)
{
    moment now = clock_now();
    if (news->spool && answer_order_told(&news->line, order, now))
        spool_add(news->spool, SPOOL_ORDER, now, buffer_text(&news->line));
    news->line.length = 0;
}

bool news_answer_status(const struct news *news, const char *trouble, struct buffer *out)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "courier");
    json_bool(&json, "behind", journal_is_behind(news->journal));
    json_unsigned(&json, "queue", journal_waiting(news->journal));
    json_unsigned(&json, "lost", journal_lost(news->journal));
    if (trouble[0])
        json_string(&json, "trouble", trouble);
    json_unsigned(&json, "repetitions_left_out", news->skipped);
    return json_end(&json);
}
