/* See summary.h. */
#include "collector/report/summary.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "collector/report/wording.h"

#define LOOK_MOST   5 /* customers that are named */
#define BETTER_MOST 2
#define MANY        3 /* complaints, or periods, from which on a customer is to be looked at */
#define NODES_MOST  6
#define SILENT      DAY
#define NAME_SHOWN  80 /* bytes of a name in a sentence */

__attribute__((format(printf, 3, 4))) static void say(struct summary *summary, enum sheet_mark mark, const char *format,
                                                      ...)
{
    if (summary->count == SUMMARY_LINES)
        return;
    struct summary_line *line = &summary->lines[summary->count++];
    line->mark = mark;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line->text, sizeof(line->text), format, arguments);
    va_end(arguments);
}

/* A cut must not leave half a letter. */
static const char *short_name(const char *name, char result[NAME_SHOWN])
{
    text_copy_printable(text_of(name), result, NAME_SHOWN);
    return result;
}

/* "in week 47 of 2026", "on Mon 16 November 2026", "in November 2026". */
static const char *when(const struct report *report, const struct calendar_zone *zone, char result[WORDING])
{
    char period[WORDING];
    wording_period(zone, &report->period, period);
    if (report->period.kind == CALENDAR_WEEK)
        period[0] = 'w';
    snprintf(result, WORDING, "%s %.80s", report->period.kind == CALENDAR_DAY ? "on" : "in", period);
    return result;
}

/* --- the headline --- */

static void say_usual(const struct report *report, int64_t now, char result[WORDING])
{
    int64_t usual = report_usual(report, SUM_COMPLAINTS);
    char number[WORDING];
    result[0] = '\0';
    if (usual == REPORT_UNKNOWN || (usual == 0 && now == 0))
        return;
    enum report_trend trend = report_trend(now, usual);
    wording_number(usual, number);
    if (trend == TREND_SAME)
        snprintf(result, WORDING, " About as many are usual (%.30s).", number);
    else
        snprintf(result, WORDING, " %s%.30s %s usual.", trend == TREND_UP ? "Only " : "", number,
                 usual == 1 ? "is" : "are");
}

static const char *compare(int64_t now, int64_t before)
{
    enum report_trend trend = report_trend(now, before);
    if (now == before)
        return "as many as";
    if (trend != TREND_SAME)
        return trend == TREND_UP ? "clearly more than" : "clearly fewer than";
    if (now > before)
        return now - before > now / 10 ? "somewhat more than" : "about as many as";
    return before - now > before / 10 ? "somewhat fewer than" : "about as many as";
}

static void say_headline(const struct report *report, const struct calendar_zone *zone, struct summary *summary)
{
    int64_t now = report->past[0].sums[SUM_COMPLAINTS], before = report_before(report, SUM_COMPLAINTS);
    if (!report->past[0].is_known) {
        char period[WORDING];
        snprintf(summary->headline, sizeof(summary->headline),
                 "Nothing is known of %.90s: no node was there, and nothing that came in then was kept.",
                 wording_period(zone, &report->period, period));
        return;
    }
    char count[WORDING], place[WORDING], number[WORDING], usual[WORDING], compared[2 * WORDING] = "";
    const char *at = report->period.kind == CALENDAR_DAY ? "on" : "in";
    if (now == 0)
        snprintf(count, sizeof(count), "No complaints");
    else
        wording_count(now, "complaint", "complaints", count);
    if (before == 0 && now == 0)
        snprintf(compared, sizeof(compared), ", as %s the %s before", at, wording_kind(report->period.kind));
    else if (before >= 0)
        snprintf(compared, sizeof(compared), ", %s %s the %s before (%.30s)", compare(now, before), at,
                 wording_kind(report->period.kind), wording_number(before, number));
    say_usual(report, now, usual);
    snprintf(summary->headline, sizeof(summary->headline), "%.90s %.90s%.190s.%.90s", count, when(report, zone, place),
             compared, usual);
    enum report_trend trend = report_trend(now, before);
    summary->mark = trend == TREND_UP ? MARK_BAD : trend == TREND_DOWN ? MARK_GOOD : MARK_PLAIN;
}

/* --- who --- */

/* Who got clearly better, and of whom nothing is open, has had his talk. */
static bool must_be_looked_at(const struct report_customer *customer)
{
    if (customer->open == 0 && report_trend(customer->complaints, customer->before) == TREND_DOWN)
        return false;
    return customer->complaints > 0 &&
           (customer->complaints >= MANY || customer->open > 0 || customer->periods >= MANY);
}

static void say_look(const struct report *report, const struct report_customer *customer, struct summary *summary)
{
    const char *kind = wording_kind(report->period.kind);
    char name[NAME_SHOWN], count[WORDING], number[WORDING], before[WORDING] = "", open[WORDING] = "",
                                                            again[WORDING] = "";
    int64_t held = customer->blocks + customer->throttles;
    wording_count(customer->complaints, "complaint", "complaints", count);
    if (report->past[1].is_known)
        snprintf(before, sizeof(before), " (%.30s the %s before)", wording_number(customer->before, number), kind);
    if (customer->open > 0)
        snprintf(open, sizeof(open), ", %.30s of them open", wording_number(customer->open, number));
    if (customer->periods >= MANY)
        snprintf(again, sizeof(again), ", complained of in %lld of %d %ss", (long long)customer->periods, REPORT_PAST,
                 kind);
    if (held == 0)
        say(summary, MARK_BAD, "Look at %s: %s%s%s%s. None of its senders was blocked or throttled.",
            short_name(customer->name, name), count, before, open, again);
    else
        say(summary, MARK_BAD, "Look at %s: %s%s%s%s. Its senders were held %s.", short_name(customer->name, name),
            count, before, open, again, wording_times(held, number));
}

static void say_customers(const struct report *report, struct summary *summary)
{
    size_t named = 0, more = 0, better = 0;
    for (size_t i = 0; i < report->customer_count; i++) {
        if (!must_be_looked_at(&report->customers[i]))
            continue;
        if (named < LOOK_MOST) {
            say_look(report, &report->customers[i], summary);
            named++;
        } else {
            more++;
        }
    }
    if (more > 0)
        say(summary, MARK_BAD, "And at %zu more: see the table of customers.", more);
    if (named == 0)
        say(summary, MARK_GOOD, "No customer has to be looked at for complaints.");
    for (size_t i = 0; i < report->customer_count && better < BETTER_MOST; i++) {
        const struct report_customer *customer = &report->customers[i];
        char name[NAME_SHOWN], now[WORDING], before[WORDING];
        if (report_trend(customer->complaints, customer->before) != TREND_DOWN)
            continue;
        say(summary, MARK_GOOD, "Better: %s, %s after %s the %s before.", short_name(customer->name, name),
            wording_count(customer->complaints, "complaint", "complaints", now),
            wording_number(customer->before, before), wording_kind(report->period.kind));
        better++;
    }
}

/* --- what was done --- */

static void say_waits(const struct report *report, struct summary *summary)
{
    const int64_t *sums = report->past[0].sums;
    char acted[WORDING], half[WORDING], most[WORDING], open[WORDING], before[WORDING], compared[2 * WORDING] = "";
    if (sums[SUM_ACTED] > 0) {
        if (report->past[1].is_known && report->past[1].sums[SUM_ACTED] > 0)
            snprintf(compared, sizeof(compared), " (the %s before: %.60s)", wording_kind(report->period.kind),
                     wording_wait(report->past[1].sums[SUM_WAITED], before));
        say(summary, MARK_PLAIN,
            "Something was done about %s; half of the time within %s%s, nine times of ten within %s.",
            wording_count(sums[SUM_ACTED], "complaint", "complaints", acted), wording_wait(sums[SUM_WAITED], half),
            compared, wording_wait(report->waited_most, most));
    } else if (sums[SUM_COMPLAINTS] > 0) {
        say(summary, MARK_BAD, "Nothing was done yet about any of the complaints.");
    }
    if (sums[SUM_OPEN] > 0)
        say(summary, MARK_BAD, "%s still open.", wording_count(sums[SUM_OPEN], "complaint is", "complaints are", open));
    if (sums[SUM_UNTIED] > 0)
        say(summary, MARK_BAD, "%s tied to nobody here: a person has to look at %s.",
            wording_count(sums[SUM_UNTIED], "complaint could be", "complaints could be", open),
            sums[SUM_UNTIED] == 1 ? "it" : "them");
}

/* Append "2 blocks" to a list; nothing where there were none. */
static void add_part(char list[SUMMARY_LINE], int64_t number, const char *singular, const char *plural)
{
    char count[WORDING];
    size_t length = strlen(list);
    if (number > 0)
        snprintf(list + length, SUMMARY_LINE - length, "%s%s", length > 0 ? ", " : ": ",
                 wording_count(number, singular, plural, count));
}

static void say_held(const struct report *report, struct summary *summary)
{
    const int64_t *sums = report->past[0].sums;
    char held[WORDING], number[WORDING], parts[SUMMARY_LINE] = "", before[2 * WORDING] = "";
    add_part(parts, sums[SUM_BLOCKS], "block", "blocks");
    add_part(parts, sums[SUM_THROTTLES], "throttle", "throttles");
    add_part(parts, sums[SUM_DIVERTS], "diversion to the relay", "diversions to the relay");
    if (report->past[1].is_known)
        snprintf(before, sizeof(before), " (the %s before: %.40s)", wording_kind(report->period.kind),
                 wording_number(report->past[1].sums[SUM_HELD], number));
    if (sums[SUM_HELD] == 0)
        say(summary, MARK_PLAIN, "No sender was blocked, throttled or diverted%s.", before);
    else
        say(summary, MARK_PLAIN, "%s held%.160s%.200s.",
            wording_count(sums[SUM_HELD], "sender was", "senders were", held), before, parts);
}

static void say_stopped(const struct report *report, struct summary *summary)
{
    char stopped[WORDING], number[WORDING], before[2 * WORDING] = "";
    int64_t now = report->past[0].sums[SUM_STOPPED], then = report_before(report, SUM_STOPPED);
    if (now == 0 && then <= 0)
        return;
    if (then >= 0)
        snprintf(before, sizeof(before), " (the %s before: %.40s)", wording_kind(report->period.kind),
                 wording_number(then, number));
    say(summary, MARK_PLAIN, "%s stopped at a relay%.160s.",
        now == 0 ? "No message was" : wording_count(now, "message was", "messages were", stopped), before);
}

static void say_listings(const struct report *report, struct summary *summary)
{
    const int64_t *sums = report->past[0].sums;
    char opened[WORDING], closed[WORDING], listed[WORDING];
    if (sums[SUM_OPENED] == 0 && sums[SUM_CLOSED] == 0 && sums[SUM_LISTED] == 0) {
        say(summary, MARK_GOOD, "As far as it was watched, nothing of ours is on a blacklist.");
        return;
    }
    say(summary, sums[SUM_LISTED] > 0 || sums[SUM_OPENED] > 0 ? MARK_BAD : MARK_GOOD,
        "Blacklists: %s, %s; at the end %s.", wording_count(sums[SUM_OPENED], "new listing", "new listings", opened),
        wording_count(sums[SUM_CLOSED], "came to its end", "came to their end", closed),
        sums[SUM_LISTED] == 0 ? "none stands" : wording_count(sums[SUM_LISTED], "stands", "stand", listed));
}

static void say_filters(const struct report *report, struct summary *summary)
{
    const int64_t *sums = report->past[0].sums;
    char viruses[WORDING], spam[WORDING], samples[WORDING];
    if (sums[SUM_VIRUSES] > 0)
        say(summary, MARK_BAD, "Filters found %s in what was sent.",
            wording_count(sums[SUM_VIRUSES], "virus", "viruses", viruses));
    if (sums[SUM_SAMPLES] > 0)
        say(summary, MARK_PLAIN, "Of %s looked at %s spam.",
            wording_count(sums[SUM_SAMPLES], "message", "messages", samples),
            wording_count(sums[SUM_SPAM], "is", "are", spam));
}

/* --- what is missing --- */

static void say_silent(const struct report *report, struct summary *summary)
{
    char names[SUMMARY_LINE] = "", name[NAME_SHOWN];
    size_t silent = 0, length = 0;
    for (size_t i = 0; i < report->node_count; i++) {
        if (!report_is_silent(report, &report->nodes[i]))
            continue;
        if (silent < NODES_MOST)
            length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s", silent > 0 ? ", " : "",
                                       short_name(report->nodes[i].name, name));
        silent++;
    }
    if (silent > NODES_MOST)
        say(summary, MARK_BAD, "Not heard of for a day and more: %s and %zu more nodes. What they saw is missing.",
            names, silent - NODES_MOST);
    else if (silent > 0)
        say(summary, MARK_BAD, "Not heard of for a day and more: %s. What %s is missing.", names,
            silent == 1 ? "that node saw" : "those nodes saw");
}

static void say_limits(const struct report *report, struct summary *summary)
{
    if (!report->is_over)
        say(summary, MARK_PLAIN, "The %s is not over: these are its figures up to now.",
            wording_kind(report->period.kind));
    if (report->is_cut)
        say(summary, MARK_PLAIN, "There was more than a report looks at: some figures are lower than they should be.");
    if (!report->past[1].is_known)
        say(summary, MARK_PLAIN, "Of the %s before nothing is known here.", wording_kind(report->period.kind));
}

void report_summarize(const struct report *report, const struct calendar_zone *zone, struct summary *result)
{
    memset(result, 0, sizeof(*result));
    say_headline(report, zone, result);
    if (!report->past[0].is_known)
        return;
    say_customers(report, result);
    say_waits(report, result);
    say_listings(report, result);
    say_held(report, result);
    say_stopped(report, result);
    say_filters(report, result);
    say_silent(report, result);
    say_limits(report, result);
}

const char *report_subject(const struct report *report, const struct calendar_zone *zone, char result[SUMMARY_SUBJECT])
{
    int64_t now = report->past[0].sums[SUM_COMPLAINTS], before = report_before(report, SUM_COMPLAINTS);
    char period[WORDING], count[WORDING], number[WORDING], compared[WORDING] = "", look[2 * NAME_SHOWN] = "";
    const char *names[2];
    char shown[2][24];
    size_t found = 0, all = 0;
    for (size_t i = 0; i < report->customer_count; i++) {
        if (!must_be_looked_at(&report->customers[i]))
            continue;
        if (found < 2) {
            text_copy_printable(text_of(report->customers[i].name), shown[found], sizeof(shown[found]));
            names[found] = shown[found];
            found++;
        }
        all++;
    }
    if (all == 1)
        snprintf(look, sizeof(look), ", look at %s", names[0]);
    else if (all == 2)
        snprintf(look, sizeof(look), ", look at %s and %s", names[0], names[1]);
    else if (all > 2)
        snprintf(look, sizeof(look), ", look at %s, %s and %zu more", names[0], names[1], all - 2);
    if (before >= 0)
        snprintf(compared, sizeof(compared), " (%.30s before)", wording_number(before, number));
    snprintf(result, SUMMARY_SUBJECT, "%.40s: %.40s%.40s%s", wording_period(zone, &report->period, period),
             !report->past[0].is_known ? "nothing is known"
             : now == 0                ? "no complaints"
                                       : wording_count(now, "complaint", "complaints", count),
             compared, look);
    return result;
}
