/* Alerts: what a person should know, from whatever part of the collector. Raising is all that others do; who hears of
 * it, how and how often is the alerting's business. Inside of a transaction of the caller's. */
#ifndef COLLECTOR_STORE_ALERTS_H
#define COLLECTOR_STORE_ALERTS_H

#include "collector/store/store.h"

enum store_severity { SEVERITY_NEWS, SEVERITY_WARNING, SEVERITY_TROUBLE, SEVERITIES };

struct store_alert {
    const char *kind; /* "listing", "zone", "complaint", "block", "throttle", "node", "filter", "virus", ... */
    const char *name; /* what it is about, with the kind: raised again it is the same trouble until it is resolved */
    enum store_severity severity;
    int64_t node;                 /* 0: none */
    struct text sender, customer; /* empty: none */
    struct text subject, text;    /* a line; some lines for people, UTF-8, printable */
};

/* 1: it is new; 0: it was known and is counted once more (its text is the newer one). */
int store_alert_raise(struct store *, const struct store_alert *, moment now, struct error *) MUST_CHECK;
/* It is over. 1: it stood; 0: there was none. */
int store_alert_resolve(struct store *, const char *kind, const char *name, moment now, struct error *) MUST_CHECK;
/* The same by its number, for a person who knows that it is. */
int store_alert_close(struct store *, int64_t number, moment now, struct error *) MUST_CHECK;
/* The next number of an alert or a silence, this transaction's alone until it commits. */
int store_alert_number(struct store *, int64_t *result, struct error *) MUST_CHECK;

struct store_alert_row {
    int64_t number;
    struct text kind, name, node_name, sender, customer, subject, text;
    int64_t severity, node, times; /* enum store_severity */
    moment raised, last, resolved; /* resolved 0: it stands */
};
/* "news", "warning", "trouble". */
const char *store_severity_name(int64_t);
/* How many stand of each severity. */
int store_alerts_count(struct store *, int64_t counts[SEVERITIES], struct error *) MUST_CHECK;
/* Those that stand, and those that ended since `since` (0: none of these), the latest first. */
int store_alerts(struct store *, moment since, uint32_t most, void (*each)(void *, const struct store_alert_row *),
                 void *context, struct error *) MUST_CHECK;

#endif
