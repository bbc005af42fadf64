/* Who sent near-identical texts, on this node and elsewhere. Counts cover the last 30 to 60 minutes. */
#ifndef COMMON_WORDS_ALIKE_H
#define COMMON_WORDS_ALIKE_H

#include <stdbool.h>
#include <stdint.h>
#include "common/moment.h"

#define ALIKE_SENDERS 8 /* that are told apart; more are not counted */

struct alike {
    uint32_t own;                       /* recipients of this sender's messages with such a text */
    uint32_t senders;                   /* this one included */
    uint32_t recipients[ALIKE_SENDERS]; /* of each of them, greatest first; then zeros */
    uint32_t domains, own_domains;      /* of the envelope's senders, about, up to 32: all of them, this sender's */
    bool known;                         /* the text has a past: some sender was seen with it a day ago and more */
    bool author;                        /* this sender was the first with it: the others may have copied his text */
    moment begun;                       /* when the text was first seen here */
    bool watched;                       /* for a day and more: if the text had a past, it would be known */
    /* What a collector knows of all nodes together, this one included; 0 where there is none. */
    uint32_t fleet_senders, fleet_recipients, fleet_customers, fleet_nodes;
    bool fleet_later; /* the text was seen here before anybody told of it elsewhere */
    /* What a collector counts in the messages that it is sent, over all nodes, within a day; 0 where it is no bulk. */
    uint32_t counted_recipients, counted_customers, counted_nodes;
    bool counted_later;
};

#endif
