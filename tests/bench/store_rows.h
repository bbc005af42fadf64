/* The records that the store is measured with: a fleet's minute after minute, batches of one node each. Half are
 * counts of a sender's minute, the rest evidence and a few verdicts; lines of the length that agents write. */
#ifndef TESTS_STORE_ROWS_H
#define TESTS_STORE_ROWS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/store/store.h"

#define ROWS_BATCH 1000 /* records in a batch, which is a transaction */
#define ROWS_NODES 100
#define ROWS_LINE  320
#define ROWS_START (1800000000 * SECOND)

struct rows {
    int64_t node, life, last;
    moment now;
    struct store_record records[ROWS_BATCH];
    char senders[ROWS_BATCH][48], lines[ROWS_BATCH][ROWS_LINE];
};

static inline struct text rows_line(struct rows *rows, size_t i, const char *kind, const char *sender)
{
    int length = snprintf(rows->lines[i], ROWS_LINE,
                          "{\"record\":\"%s\",\"time\":\"2027-01-15T08:00:00.000000Z\",\"sender\":\"%s\",\"customer\":"
                          "\"c1\",\"seconds\":60,\"connections\":%zu,\"connect_failed\":0,\"messages\":%zu,"
                          "\"messages_rejected\":1,\"recipients\":3,\"recipients_rejected\":0,\"recipients_deferred\":"
                          "0,\"bytes\":123456}",
                          kind, sender, i % 7, i % 11);
    return (struct text){rows->lines[i], (size_t)length};
}

/* The batch of this number. */
static inline void rows_make(struct rows *rows, size_t number)
{
    size_t round = number / ROWS_NODES;
    rows->node = (int64_t)(number % ROWS_NODES) * 0x123456789abcdef + 17;
    rows->life = rows->node ^ 0x5555;
    rows->last = (int64_t)(round + 1) * ROWS_BATCH;
    rows->now = ROWS_START + (moment)number * 10 * MILLISECOND;
    for (size_t i = 0; i < ROWS_BATCH; i++) {
        struct store_record *record = &rows->records[i];
        snprintf(rows->senders[i], sizeof rows->senders[i], "198.51.%zu.%zu", number % ROWS_NODES, i % 50);
        *record = (struct store_record){.sequence = rows->last - ROWS_BATCH + 1 + (int64_t)i,
                                        .time = ROWS_START + (moment)(round * 10 + i / 100) * MINUTE,
                                        .sender = text_of(rows->senders[i]),
                                        .customer = TEXT("c1")};
        if (i % 2 == 0) {
            record->said = STORE_TRAFFIC;
            record->kind = TEXT("traffic");
            record->traffic.connections = (int64_t)i;
            record->traffic.messages = record->traffic.recipients = 3;
            record->traffic.bytes = 123456;
        } else if (i % 50 == 1) {
            record->said = STORE_VERDICT;
            record->kind = TEXT("verdict");
            record->verdict.word = TEXT("suspect");
            record->verdict.score = (int64_t)i;
        } else {
            record->kind = TEXT("evidence");
        }
        rows->lines[i][0] = '\0';
        char kind[16];
        snprintf(kind, sizeof kind, "%.*s", (int)record->kind.length, record->kind.bytes);
        record->line = rows_line(rows, i, kind, rows->senders[i]);
    }
}

#endif
