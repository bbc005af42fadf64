/* A batch of records as a node sends it: lines of JSON, the first of which says where the batch belongs. Bytes in,
 * records out; nothing here opens, asks the time or knows a store. Every byte is hostile. */
#ifndef COLLECTOR_API_BATCH_H
#define COLLECTOR_API_BATCH_H

#include <stddef.h>
#include <stdint.h>
#include "collector/store/store.h"
#include "common/error.h"
#include "common/moment.h"

#define BATCH_RECORDS_MOST 10000
#define BATCH_LINE_MOST    65536 /* bytes of a record */
#define BATCH_DEPTH_MOST   16    /* of brackets in brackets */
#define BATCH_WORD_MOST    255   /* bytes of a sender or a customer */
#define BATCH_KIND_MOST    32
#define BATCH_AHEAD        DAY /* a record from further in the future counts as of now */

struct batch {
    int64_t life, after, last, spooled;
    char version[32];
    struct store_record *records; /* sequences rising, all above `after` and up to `last` */
    size_t count;
    char *words; /* what the records' kinds, senders and customers point into */
};

/* `bytes` are changed: a record's line points into them, without its sequence. They must live as long as the batch.
 * -EBADMSG: the sentence names the line; -EMSGSIZE: more records than a batch may have; -ENOMEM. On failure there is
 * nothing to clear. */
int batch_parse(char *bytes, size_t length, moment now, struct batch *result, struct error *) MUST_CHECK;
void batch_release(struct batch *);

#endif
