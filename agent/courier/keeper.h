/* Keeps the journal on the disk: commits what waits, opens a file that could not be opened again each minute, and says
 * once what is wrong and once that it is well again. A full disk ends nobody. */
#ifndef AGENT_COURIER_KEEPER_H
#define AGENT_COURIER_KEEPER_H

#include "agent/courier/journal.h"
#include "agent/courier/news.h"
#include "common/io/log.h"

struct keeper {
    struct journal *journal; /* these three are borrowed */
    struct news *news;
    const struct log *log;
    char trouble[240]; /* what is wrong; empty: nothing */
    duration next_try; /* on the steady clock: not opened again before */
};

/* Commit what waits, after opening the file where it is not open and a try is due. True: nothing waits any more. */
bool keeper_commit(struct keeper *, duration steady);

#endif
