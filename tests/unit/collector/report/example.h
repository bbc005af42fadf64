/* A week as a host with 400 customers might have it, for the tests of what is shown of one. */
#ifndef TESTS_UNIT_COLLECTOR_REPORT_EXAMPLE_H
#define TESTS_UNIT_COLLECTOR_REPORT_EXAMPLE_H

#include <stdio.h>
#include <string.h>
#include "collector/report/report.h"

static inline struct calendar_zone *example_zone(void)
{
    struct calendar_zone *zone = NULL;
    struct error error;
    return calendar_zone_create("UTC", (struct text){"", 0}, &zone, &error) == 0 ? zone : NULL;
}

/* Fourteen weeks without anything in them. */
static inline struct report *example_empty(const struct calendar_zone *zone)
{
    struct report *report = numbers_create();
    calendar_period_named(zone, CALENDAR_WEEK, TEXT("2026-W47"), &report->period);
    snprintf(report->zone, sizeof(report->zone), "%s", calendar_zone_name(zone));
    report->made = report->period.end + 7 * HOUR;
    report->is_over = true;
    for (int i = 0; i < REPORT_PAST; i++) {
        struct calendar_period period = calendar_period_from(zone, &report->period, -i);
        memcpy(report->past[i].name, period.name, sizeof(period.name));
        report->past[i].begin = period.begin;
        report->past[i].end = period.end;
        report->past[i].is_known = true;
    }
    report->step_count = 7;
    for (int i = 0; i < 7; i++)
        report->steps[i].begin = report->period.begin + i * DAY;
    return report;
}

static inline void example_count(struct report_count *counts, size_t *count, const char *name, int64_t now,
                                 int64_t before)
{
    struct report_count *entry = &counts[(*count)++];
    snprintf(entry->name, sizeof(entry->name), "%s", name);
    entry->count = now;
    entry->before = before;
}

static inline void example_customers(struct report *report)
{
    static const struct report_customer customers[] = {
        {"acme-shop", 17, 2, 41, 6, 19, 12, 5, 11400, 1, 0, 21200, 3120, 40100},
        {"kunde4711", 6, 5, 48, 12, 6, 4, 0, 7200, 0, 2, 148200, 980, 151000},
        {"m\xc3\xbcller-media", 4, 0, 4, 1, 4, 0, 2, 0, 0, 0, 310, 14, 320},
        {"hostess", 2, 15, 29, 4, 2, 2, 0, 900, 1, 0, 9100, 40, 9400},
        {"tiny", 1, 0, 1, 1, 1, 1, 0, 260000, 0, 0, 12, 0, 12},
    };
    memcpy(report->customers, customers, sizeof(customers));
    report->customer_count = 5;
    memcpy(report->repeaters, customers, sizeof(customers[0]) * 2);
    report->repeaters[2] = customers[3];
    report->repeater_count = 3;
    report->repeaters_all = 3;
}

static inline void example_lists(struct report *report)
{
    static const int64_t waits[REPORT_WAITS] = {3, 4, 7, 5, 0, 3, 9};
    memcpy(report->waits, waits, sizeof(waits));
    report->waited_most = 80000;
    example_count(report->types, &report->type_count, "abuse", 25, 17);
    example_count(report->types, &report->type_count, "fraud", 4, 0);
    example_count(report->types, &report->type_count, "virus", 2, 2);
    example_count(report->reporters, &report->reporter_count, "feedback@yahoo.example", 19, 11);
    example_count(report->reporters, &report->reporter_count, "spamcop.example", 8, 8);
    example_count(report->reporters, &report->reporter_count, "jmrp@outlook.example", 4, 0);
    example_count(report->sources, &report->source_count, "imap", 29, 19);
    example_count(report->sources, &report->source_count, "http", 2, 0);
    example_count(report->detectors, &report->detector_count, "rejects", 41, 20);
    example_count(report->detectors, &report->detector_count, "burst", 12, 14);
    example_count(report->symbols, &report->symbol_count, "URIBL_BLACK", 310, 120);
    example_count(report->viruses, &report->virus_count, "Eicar-Signature", 2, 0);
    static const struct report_listing listings[] = {
        {"192.0.2.17", "zen.dnsbl.example", "192.0.2.17", "acme-shop", 0, 0},
        {"2001:db8:0:17::/64", "zen.dnsbl.example", "2001:db8:0:17::/64", "acme-shop", 0, 0},
        {"192.0.2.90", "bl.example", "192.0.2.90", "hostess", 0, 0},
    };
    memcpy(report->listings, listings, sizeof(listings));
    report->listing_count = 3;
    for (int i = 0; i < 3; i++)
        report->listings[i].since = report->period.begin + (i + 1) * DAY + 9 * HOUR;
    report->listings[2].until = report->period.begin + 5 * DAY;
    static const struct report_sender senders[] = {
        {"node1", "192.0.2.17", "acme-shop", 30100, 21200, 3120, 40100, 812000000},
        {"node2", "user kunde4711", "kunde4711", 149100, 148200, 980, 151000, 1204000000},
        {"node3", "2001:db8:0:8::/64", "", 800, 790, 2, 800, 9100000},
    };
    report->by_messages[0] = report->by_bytes[0] = senders[1];
    report->by_messages[1] = report->by_bytes[1] = senders[0];
    report->by_messages[2] = report->by_bytes[2] = senders[2];
    report->by_messages_count = report->by_bytes_count = 3;
    static const struct report_node nodes[] = {
        {"node2.example.net", 210, 161000, 1100, 160000, 0, 2, 6, 0},
        {"node1.example.net", 180, 29000, 3200, 47000, 1, 0, 19, 0},
        {"node3.example.net", 12, 900, 2, 900, 1, 0, 0, 0},
    };
    memcpy(report->nodes, nodes, sizeof(nodes));
    report->node_count = 3;
    report->nodes_all = 3;
    for (int i = 0; i < 3; i++)
        report->nodes[i].seen = report->made - (i == 2 ? 30 * HOUR : MINUTE);
}

static inline struct report *example_report(const struct calendar_zone *zone)
{
    static const int64_t past[REPORT_PAST] = {31, 19, 25, 11, 0, 8, 17, 22, 14, 9, 12, 0, 0, 0};
    static const int64_t days[7][7] = {{2, 0, 0, 31200, 410, 33000, 0},  {3, 1, 1, 30800, 390, 32100, 1},
                                       {9, 1, 0, 29900, 2100, 41000, 1}, {8, 0, 1, 28100, 780, 30100, 1},
                                       {5, 0, 0, 31000, 400, 33200, 0},  {3, 0, 0, 21000, 120, 20900, 0},
                                       {1, 0, 0, 18900, 102, 17600, 0}};
    struct report *report = example_empty(zone);
    for (int i = 0; i < REPORT_PAST; i++) {
        int64_t *sums = report->past[i].sums, n = past[i];
        report->past[i].is_known = i < 11;
        if (i >= 11)
            continue;
        const int64_t values[REPORT_SUMS] = {[SUM_COMPLAINTS] = n,
                                             [SUM_INCIDENTS] = n + n / 8,
                                             [SUM_UNTIED] = n / 15,
                                             [SUM_CUSTOMERS] = n > 5 ? 5 : n,
                                             [SUM_ACTED] = n - n / 3 + (i == 0),
                                             [SUM_WAITED] = n ? 7800 + i * 3000 : 0,
                                             [SUM_OPEN] = i == 0 ? 9 : 0,
                                             [SUM_BLOCKS] = i == 0 ? 2 : n / 9,
                                             [SUM_THROTTLES] = i == 0 ? 2 : n / 4,
                                             [SUM_HELD] = i == 0 ? 3 : n / 9 + n / 4,
                                             [SUM_STOPPED] = i == 0 ? 1204 : n * 10,
                                             [SUM_SENDERS] = 402 - i,
                                             [SUM_CONNECTIONS] = 214000 - i * 700,
                                             [SUM_MESSAGES] = 190900 - i * 512,
                                             [SUM_REJECTED] = 4302 - i * 30,
                                             [SUM_RECIPIENTS] = 207900 - i * 800,
                                             [SUM_BYTES] = INT64_C(2025100000) - i * 9000000,
                                             [SUM_SAMPLES] = 9100 + i,
                                             [SUM_SPAM] = i == 0 ? 310 : 120,
                                             [SUM_VIRUSES] = i == 0 ? 2 : 0,
                                             [SUM_OPENED] = i == 0 ? 3 : i % 3,
                                             [SUM_CLOSED] = i % 3 ? 2 : 1,
                                             [SUM_LISTED] = i == 0 ? 2 : 0,
                                             [SUM_ALERTS] = 6,
                                             [SUM_LETTERS] = 2};
        memcpy(sums, values, sizeof(values));
    }
    for (int i = 0; i < 7; i++) {
        const int64_t *day = days[i];
        report->steps[i] =
            (struct report_step){report->steps[i].begin, day[0], day[1], day[2], day[3], day[4], day[5], day[6]};
    }
    example_customers(report);
    example_lists(report);
    return report;
}

#endif
