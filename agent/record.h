/* The records of replay as lines: JSON for programs, aligned columns for people. */
#ifndef AGENT_RECORD_H
#define AGENT_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/judge/judge.h"
#include "agent/packet/session.h"
#include "common/buffer.h"

enum record_kind { RECORD_SESSION, RECORD_VERDICT, RECORD_SENDER, RECORD_SUMMARY, RECORD_KINDS };
const char *record_kind_name(enum record_kind);
/* "verdict,sender": a set of bits by kind. False: there is a word that is none; *bad says which. */
bool record_kinds_parse(const char *words, uint32_t *result, struct text *bad);

struct record_writer {
    int descriptor;
    bool json, colour;
    bool customers;   /* whose a sender is has a column: set where there is a map */
    bool reader_gone; /* whoever read it has closed the pipe: nothing more is written */
    int failed;       /* the errno of the first failure else, as a positive number */
    int heading;      /* of which kind the last heading was; -1: none yet */
    struct buffer out;
};

struct record_summary {
    uint64_t files, packets, bytes, connections, messages, senders, streams_gapped, lines, lines_unparsed, observations;
    duration span; /* from the first packet to the last */
};

void record_writer_init(struct record_writer *, int descriptor, bool json, bool colour);
void record_flush(struct record_writer *);
void record_writer_clear(struct record_writer *); /* does not flush */

void record_session(struct record_writer *, const struct session_summary *);
void record_verdict(struct record_writer *, const struct verdict_change *);
void record_sender(struct record_writer *, const struct senders *, const struct judge_view *);
void record_summary(struct record_writer *, const struct record_summary *);

#endif
