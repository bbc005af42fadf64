/* Complaints as people ask for them: what was read of what came, whose doing it is, and what was done with it. */
#ifndef COLLECTOR_STORE_COMPLAINTS_H
#define COLLECTOR_STORE_COMPLAINTS_H

#include "collector/store/store.h"

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
/* 1: it is done with; 0: there is none of that id that is open or unread. */
int store_complaint_done(struct store *, const char *id, const char *person, const char *reason, moment now,
                         struct error *) MUST_CHECK;

#endif
