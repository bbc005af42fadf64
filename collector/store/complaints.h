/* Complaints as people ask for them: what was read of what came, whose doing it is, and what was done with it. */
#ifndef COLLECTOR_STORE_COMPLAINTS_H
#define COLLECTOR_STORE_COMPLAINTS_H

#include "collector/store/store.h"

/* What the node of its sender was told of a complaint, by how much it is more than somebody's word. */
enum store_complaint_told {
    TOLD_NOTHING,
    TOLD_DOUBTFUL,  /* anybody can have written it */
    TOLD_CONFIRMED, /* the message is one that the sender sent */
    TOLD_VOUCHED,   /* and the reporter is who it says; or it is, and names the sender's address */
    TOLD_DEGREES
};
const char *store_complaint_told_name(int64_t told); /* "nothing", "doubtful", "confirmed", "vouched" */

struct store_complaint_row {
    struct text id, arrival;
    moment received, time; /* here; of what is complained of, 0: not said */
    struct text source, format, type, reporter, address;
    struct text sender, customer, message, tied; /* whose doing it is; empty: not known */
    int64_t node;                                /* 0: not known */
    struct text node_name;
    struct text message_id, subject, recipient, state, note;
    int64_t times, incidents;
    moment closed; /* 0: nobody was done with it */
    struct text person, reason;
    int64_t told; /* enum store_complaint_told */
    bool is_not_abuse;
    struct text fields; /* all that was read: a JSON object; not by lists */
};

struct store_complaint_query {
    moment since;         /* by `received`; 0: all */
    const char *customer; /* NULL: all */
    const char *state;    /* NULL: those that a person is wanted for, or that wait to be read; "all" */
    uint32_t most;
};

/* The newest first. */
int store_complaint_list(struct store *, const struct store_complaint_query *,
                         void (*each)(void *, const struct store_complaint_row *), void *, struct error *) MUST_CHECK;
/* 1: found. */
int store_complaint_find(struct store *, const char *id, void (*each)(void *, const struct store_complaint_row *),
                         void *, struct error *) MUST_CHECK;
/* The node of its sender is told of it, once. 1: it is; 0: it was before, or no one sender is known. */
int store_complaint_tell(struct store *, const char *id, enum store_complaint_told, moment now,
                         struct error *) MUST_CHECK;
/* 1: it is done with; 0: there is none of that id that is open or unread. `is_not_abuse`: it was none, and what the
 * node was told of it is taken back. */
int store_complaint_done(struct store *, const char *id, const char *person, const char *reason, bool is_not_abuse,
                         moment now, struct error *) MUST_CHECK;

#endif
