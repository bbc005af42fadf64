/* Keeps the journal, and the spool and the samples where there are any, on the disk: commits what waits, opens a file
 * that could not be opened again each minute, and says once what is wrong and once that it is well again. A full disk
 * ends nobody. */
#ifndef AGENT_COURIER_KEEPER_H
#define AGENT_COURIER_KEEPER_H

#include "agent/courier/journal.h"
#include "agent/courier/news.h"
#include "agent/courier/samples.h"
#include "agent/courier/spool.h"
#include "common/io/log.h"

/* One of these. */
struct keeper_file {
    char trouble[240]; /* what is wrong; empty: nothing */
    duration next_try; /* on the steady clock: not opened again before */
};

struct keeper {
    struct journal *journal; /* these five are borrowed */
    struct spool *spool;     /* NULL: there is no collector */
    struct samples *samples; /* the same; or its bounds are not known yet (filtering.h) */
    struct news *news;
    const struct log *log;
    struct keeper_file journal_file, spool_file, samples_file;
};

/* Commit what waits, after opening the files where they are not open and a try is due. The spool comes first: whatever
 * the journal has, the spool had. True: nothing waits for the journal any more. */
bool keeper_commit(struct keeper *, duration steady);

#endif
