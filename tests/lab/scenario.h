/* Scenarios: who sends what, when, in which way; read from text files, see README.md for the language. A value that is
 * a range is drawn anew by each seed. */
#ifndef TESTS_LAB_SCENARIO_H
#define TESTS_LAB_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"

struct lab_range {
    double least, most;
};

enum lab_label { LAB_HONEST, LAB_ABUSER, LAB_TRICK };
enum lab_bound { LAB_OTHER, LAB_BURST, LAB_SLOW };
enum lab_address { LAB_V4, LAB_V4X16, LAB_V6, LAB_V6_64 };
enum lab_pace { LAB_POISSON, LAB_STEADY };
enum lab_tls { LAB_PLAIN, LAB_STARTTLS, LAB_IMPLICIT };
enum lab_auth { LAB_NO_AUTH, LAB_AUTH_GOOD, LAB_AUTH_FAILS };
enum lab_helo {
    LAB_HELO_OWN,
    LAB_HELO_LOCALHOST,
    LAB_HELO_LITERAL,
    LAB_HELO_RANDOM,
    LAB_HELO_RECIPIENT,
    LAB_HELO_BARE,
    LAB_HELO_ROTATE,
    LAB_HELO_TEXT
};
enum lab_from { LAB_FROM_OWN, LAB_FROM_VERP, LAB_FROM_FOREIGN, LAB_FROM_NULL, LAB_FROM_RANDOM, LAB_FROM_TEXT };
enum lab_to { LAB_TO_LIST, LAB_TO_DICTIONARY, LAB_TO_NEW, LAB_TO_TEXT };
enum lab_body { LAB_PERSONAL, LAB_TEMPLATE, LAB_IDENTICAL, LAB_BOUNCE, LAB_PADDED, LAB_REPORT };
enum lab_pipelining { LAB_PIPELINING_YES, LAB_PIPELINING_NO, LAB_PIPELINING_UNASKED };
enum lab_trick {
    LAB_NO_TRICK,
    LAB_OTHER_CONTENT, /* a retransmission that says something else */
    LAB_OVERLAP,       /* segments that overlap and come in the wrong order */
    LAB_FORGED,        /* forged source addresses beside its own */
    LAB_LOW_TTL_RESET, /* RSTs that never reach the server */
    LAB_HALF_OPEN,     /* a flood of openings that come to nothing */
    LAB_SLOW_REPLY,    /* replies read and written byte by byte */
    LAB_LONG_LINE,     /* a line of a megabyte */
    LAB_MANY_RECIPIENTS,
    LAB_FRAME_NEIGHBOUR /* full dialogues in the name of a neighbour's address */
};

#define LAB_TEXT 96

/* One way in which an actor sends, from `begin` for `length`. */
struct lab_flow {
    char name[32];
    enum lab_label label;           /* LAB_HONEST or LAB_ABUSER */
    struct lab_range begin, length; /* ns; length 0: to the end */
    struct lab_range rate;          /* connections per second */
    enum lab_pace pace;
    struct lab_range connections, messages; /* at most, in all; 0: no end */
    struct lab_range volley, gap;           /* at each turn so many connections, ns between two of them */
    struct lab_range hours;                 /* of the day, whole; the same twice: always */
    struct lab_range weekdays;              /* 1 Monday to 7 */
    struct lab_range per_connection;        /* messages */
    struct lab_range recipients;            /* a message */
    unsigned port;
    enum lab_tls tls;
    struct lab_range tls_share; /* of servers that offer it, 0..1 */
    enum lab_auth auth;
    struct lab_range tries; /* logins a connection, for LAB_AUTH_FAILS */
    enum lab_helo helo;
    struct lab_range helo_count;
    char helo_text[LAB_TEXT];
    enum lab_from from;
    struct lab_range from_count;
    char from_text[LAB_TEXT];
    enum lab_to to;
    struct lab_range list, domains;
    struct lab_range big; /* share of recipients at the large receivers, 0..1 */
    bool once;            /* the list is gone through once; else drawn from */
    char to_text[LAB_TEXT];
    struct lab_range servers;                                  /* 0: each domain its own, or a hoster's */
    struct lab_range unknown, policy, greylist, full, refused; /* shares of recipients; refused: of contents */
    struct lab_range connect_refused, unanswered;              /* shares of connections */
    struct lab_range retry;                                    /* ns until the next try of what was deferred; 0: none */
    struct lab_range greylisted;                               /* ns that a greylisting server wants to see */
    enum lab_body body;
    struct lab_range size; /* bytes of content, about */
    struct lab_range quit; /* share of connections that end with QUIT */
    bool early;            /* talks before the greeting */
    enum lab_pipelining pipelining;
    enum lab_trick trick;
};

struct lab_actor {
    char name[32];
    struct lab_range count;
    enum lab_address address;
    enum lab_bound bound;
    struct lab_flow *flows;
    size_t flow_count;
};

struct lab_scenario {
    char name[48]; /* the file's, without ".lab" */
    char *why;     /* the prose at its top */
    enum lab_label label;
    duration length;
    bool by_address;   /* attributed by address; else by guest port */
    bool one_customer; /* all that send are one customer's; else it is not known whose they are */
    bool any_hour;     /* each seed begins at another hour; else at midnight, on a Monday */
    struct lab_range neighbours;
    struct lab_actor *actors;
    size_t actor_count;
};

/* All NAME.lab of a folder, in the order of their names. An error reads "FILE:LINE: what; what is allowed". On failure
 * nothing is left to destroy. */
int lab_scenarios_load(const char *folder, struct lab_scenario **result, size_t *count, struct error *) MUST_CHECK;
void lab_scenarios_destroy(struct lab_scenario **, size_t count);

#endif
