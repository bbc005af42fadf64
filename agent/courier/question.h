/* A question: what a person asked, while the process that knows the answer is being asked. It carries a number by which
 * the rows that come back find their asker. */
#ifndef AGENT_COURIER_QUESTION_H
#define AGENT_COURIER_QUESTION_H

#include "agent/courier/control.h"
#include "agent/message/message.h"

#define QUESTIONS_MOST CONTROL_CLIENTS_MOST
/* The numbers of what exporter.c and opinions.c ask: no question of people has one of them. */
#define QUESTION_OF_METRICS  UINT32_MAX
#define QUESTION_OF_OPINIONS (UINT32_MAX - 1)

enum question_outcome {
    QUESTION_ANSWERED,
    QUESTION_REFUSED,   /* it cannot be done: whoever was asked says why */
    QUESTION_UNANSWERED /* whoever was asked is not there */
};

/* Who asks: somebody on the control socket; or, without a client, someone who is told how it ended. */
struct question_asker {
    struct client *client;
    const char *person;
    void (*ended)(void *context, enum question_outcome, const char *text);
    void *context;
};

struct question {
    uint32_t number;       /* 0: free */
    struct client *client; /* NULL: `ended` is called instead */
    void (*ended)(void *context, enum question_outcome, const char *text);
    void *context;
    char person[CONTROL_PERSON];
    struct request request;
    char said[240];  /* what whoever did it said of it; empty: nothing */
    duration asked;  /* on the steady clock */
    unsigned awaits; /* bits 1 << enum role: who has yet to answer */
};

struct questions {
    struct question items[QUESTIONS_MOST];
    uint32_t last;
};

/* NULL: too many at once. */
struct question *question_new(struct questions *, const struct question_asker *, const struct request *, duration now);
struct question *question_find(struct questions *, uint32_t number); /* NULL: its asker is gone, or it is answered */
/* What to say to each process in `awaits`. */
void question_message(const struct question *, union message *);
/* It is answered: the client's closing line, with what went wrong (NULL: nothing). */
void question_end(struct question *, const char *failure);
void question_give_up(struct question *, const char *failure); /* the same: nobody answers */
/* End those that wait for that role and were asked before that time. */
void questions_give_up(struct questions *, enum role, duration before, const char *failure);

#endif
