/* What one run of a scenario has shown: for each sender what it was, what got out, and when it was stopped. Made by
 * node.c, read by report.c and calibrate.c. */
#ifndef TESTS_LAB_RESULT_H
#define TESTS_LAB_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/moment.h"
#include "common/words/points.h"
#include "common/words/sender.h"
#include "detectors/detector.h"

/* The first time that a verdict of that height or more was reached, and what had got out until then. */
struct lab_reached {
    moment time;                   /* 0: never */
    uint64_t messages, recipients; /* accepted by servers; for an abuser, since its abuse began */
    points score;
    const char *decided; /* the detector with the most points at that moment; of detector_table */
};

/* What every detector held against the sender at one moment. Taken after each doubling of its connections. */
struct lab_snapshot {
    uint64_t connections;
    bool abusive;                           /* its abuse has begun */
    points score, accounts[DETECTORS_MOST]; /* in the order of detector_table, before weights */
};

struct lab_sender {
    char name[32]; /* the actor's, as the scenario names it */
    char printed[SENDER_TEXT];
    bool abuser;
    bool neighbour;                /* an honest customer of the same node that is not what the scenario is about */
    bool visible;                  /* its dialogue is in the clear */
    bool burst;                    /* sends so fast that the stricter bound holds: 5 messages */
    bool slow;                     /* may be missed in its first hour */
    double honest_days;            /* days in which it was there and did no harm */
    uint64_t messages, recipients; /* got out in the end if nobody stops it, counted like those of lab_reached */
    moment begun;                  /* its abuse; for the honest, its first connection */
    struct lab_reached alert, throttle, block;            /* an abuser's count from its abuse on */
    uint32_t false_alerts, false_throttles, false_blocks; /* verdicts of that height while it did no harm */
    char false_reason[200];                               /* of the worst of them, for a person */
    struct lab_snapshot *snapshots;
    size_t snapshot_count;
};

struct lab_result {
    char scenario[48];
    uint64_t seed;
    struct lab_sender *senders;
    size_t count;
    uint64_t packets, connections;
};

void lab_result_clear(struct lab_result *);

#endif
