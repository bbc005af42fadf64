/* What the files of the reckoning share: the rows of a round, and writing news. */
#ifndef COLLECTOR_STORE_RECKON_OWN_H
#define COLLECTOR_STORE_RECKON_OWN_H

#include "collector/store/reckon.h"
#include "collector/store/store_own.h"
#include "common/json.h"

#define HEARD_WORD 256

/* A row of `heard`. `name`: a body's likeness; whose points; whom an order stands against. Of what bulk.c counted
 * ("bulk"): a body's likeness, with customers as `messages`, nodes as `domains`, and as `points` when it began.
 * `sender` "": nothing new was said, what is there is to be looked at again. */
struct heard {
    int64_t node, life, sequence;
    char kind[16], name[HEARD_WORD], sender[HEARD_WORD], customer[HEARD_WORD];
    int64_t recipients, messages, domains, known, points, score;
};

struct round {
    struct store *store;
    moment now;
    const struct heard *rows; /* ordered by node */
    size_t count;
    bool told; /* news were written */
};

/* -EAGAIN: another has it. */
int reckon_take_lease(struct store *, const struct store_reckoner *, moment now, struct error *) MUST_CHECK;
int reckon_bodies(struct round *, struct error *) MUST_CHECK;
int reckon_points(struct round *, struct error *) MUST_CHECK;
int reckon_counts(struct round *, struct error *) MUST_CHECK; /* bulk_news.c */
int reckon_standings(struct round *, struct error *) MUST_CHECK;

/* --- names to look at, each once --- */

struct names {
    const char **names; /* borrowed */
    size_t count;
};
/* Room for as many as there are rows; -ENOMEM. */
int names_create(struct names *, const struct round *, struct error *) MUST_CHECK;
void names_add(struct names *, const char *);
void names_settle(struct names *); /* sorts them, and leaves each once */
void names_clear(struct names *);

/* --- news.c --- */

struct news_item {
    const char *kind, *name;
    int64_t node;       /* whose it is, where they are counted by node; else 0 */
    moment until, due;  /* `due` 0: it need not be looked at again by itself */
    struct buffer text; /* the members, written between news_begin() and news_end() */
    struct json json;   /* meanwhile */
};
struct json *news_begin(struct news_item *, const char *kind, const char *name);
/* Under the next number, in place of what stood under that name. Forgets the text, also where it fails. */
int news_end(struct round *, struct news_item *, struct error *) MUST_CHECK;

#endif
