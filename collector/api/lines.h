/* Answers of lines of JSON, one record each, ended by {"record":"end"}: what the `postern` command and scripts read. */
#ifndef COLLECTOR_API_LINES_H
#define COLLECTOR_API_LINES_H

#include "collector/api/exchange.h"
#include "common/json.h"

#define LINES_MOST 10000

struct lines {
    struct exchange *exchange;
    bool failed; /* the answer is too long */
};

struct lines lines_begin(struct exchange *);
/* The next record: put its members, then lines_add(). */
struct json lines_record(struct lines *, const char *kind);
void lines_add(struct lines *, struct json *);
/* `next`: what to ask behind; NULL: it is not asked on. Sets the status. Returns 0. */
int lines_end(struct lines *, const char *next);

/* The parameter `top` or `limit`, from 1 to LINES_MOST; false: something else stands there. */
bool lines_most(const struct exchange *, const char *name, uint32_t *result);
/* The parameter `node`: an id of sixteen hexadecimal digits; 0 where it is not given. */
bool lines_node(const struct exchange *, int64_t *result);
/* The parameter `since`: a moment; 0 where it is not given. */
bool lines_since(const struct exchange *, moment *result);
/* The members that name a node. */
void lines_node_of(struct json *, int64_t id, struct text name);

#endif
