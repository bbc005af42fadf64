/* Messages that nodes sent in, what filters say of them, and what filters were taught: the store's part.
 *
 * A message has a name, "0DC5B48D4.A739D": nine and five hexadecimal digits, random. Shown to people it has its day and
 * verdict before it, "20261123/spam/0DC5B48D4.A739D"; the name alone finds it. All functions run inside of a
 * transaction of the caller's (store.h). */
#ifndef COLLECTOR_STORE_MESSAGES_H
#define COLLECTOR_STORE_MESSAGES_H

#include "collector/store/store.h"

#define STORE_MESSAGE_NAME 16 /* bytes, with its end */

/* The one word that stands for what all filters and people say of it. */
enum store_sorted { SORTED_WAITING, SORTED_HAM, SORTED_SPAM, SORTED_VIRUS, SORTED_UNKNOWN, SORTED_WORDS };
const char *store_sorted_name(enum store_sorted); /* "waiting", "ham", "spam", "virus", "unknown" */

enum store_packing { PACKING_ZSTD = 1, PACKING_SEALED = 2 /* zstd inside, sealed with the quarantine's key */ };

struct store_message {
    char name[STORE_MESSAGE_NAME];
    int64_t node;
    struct text node_name; /* by lists */
    moment received, time; /* here; on the wire */
    struct text sender, customer, address, from, subject;
    struct text envelope;        /* the first line of its message file; not by lists */
    int64_t size, kept;          /* bytes of the content, and of what is kept of it */
    enum store_sorted verdict;   /* what filters say together */
    enum store_sorted corrected; /* what a person said; SORTED_WAITING: nobody did */
    int64_t score;               /* hundredths of a threshold: the highest share of its own that any filter gave */
};

/* A new one, random. */
void store_message_name(char result[STORE_MESSAGE_NAME]);
bool store_message_is_name(struct text);

/* Of `message` these are kept: name, node, received, time, sender, customer, address, from, subject, envelope, size. It
 * waits to be sorted. */
/* 1: it is there now, with `content` as it is packed; 0: the node has sent it before (`node`, `life`, `number`). */
int store_message_add(struct store *, const struct store_message *, int64_t life, int64_t number, struct text content,
                      enum store_packing, struct error *) MUST_CHECK;
/* What a message of that number is called here. 1: found. */
int store_message_by_number(struct store *, int64_t node, int64_t life, int64_t number, char result[STORE_MESSAGE_NAME],
                            struct error *) MUST_CHECK;
/* Its packed content. 1: found; 0: there is none (any more). `each` is called once at most. */
int store_message_content(struct store *, const char *name, void (*each)(void *, enum store_packing, struct text),
                          void *context, struct error *) MUST_CHECK;
/* 1: found. */
int store_message_find(struct store *, const char *name, void (*each)(void *, const struct store_message *), void *,
                       struct error *) MUST_CHECK;

struct store_message_query {
    moment since, before;          /* by `received`; 0: all */
    const char *sender, *customer; /* NULL: all */
    int sorted;                    /* enum store_sorted, as a person corrected it; -1: all */
    int64_t node;                  /* 0: all */
    uint32_t most;
    bool oldest; /* the oldest first, else the newest */
};
int store_message_list(struct store *, const struct store_message_query *,
                       void (*each)(void *, const struct store_message *), void *, struct error *) MUST_CHECK;
/* 1: forgotten, with its content, opinions; what was taught from it stays on record. 0: there is none. */
int store_message_forget(struct store *, const char *name, struct error *) MUST_CHECK;
/* A person says what it is. 1: done. */
int store_message_correct(struct store *, const char *name, enum store_sorted, struct error *) MUST_CHECK;

/* One filter's opinion of one message. */
enum store_opinion_state {
    OPINION_WAITING,
    OPINION_OUT /* at an appliance */,
    OPINION_GIVEN,
    OPINION_NONE /* given up */
};
struct store_opinion {
    struct text filter, action, symbols, trouble; /* trouble: why there is none yet */
    enum store_opinion_state state;
    int64_t score, threshold; /* hundredths */
    bool certain, virus;
    moment due; /* when it is asked (again), or until when it is waited for; 0: not now */
    moment asked, answered;
    int64_t tries;
};
int store_opinions(struct store *, const char *name, void (*each)(void *, const struct store_opinion *), void *,
                   struct error *) MUST_CHECK;

#endif
