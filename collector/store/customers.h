/* Customers and campaigns, as people ask for them: sums of what nodes said, and what the reckoning made of it. */
#ifndef COLLECTOR_STORE_CUSTOMERS_H
#define COLLECTOR_STORE_CUSTOMERS_H

#include "collector/store/store.h"

struct store_customer {
    struct text customer;
    int64_t senders, nodes, messages, rejected, recipients; /* of the last 24 hours */
    int64_t points;                                         /* that nodes hold against it firmly; hundredths */
};
int store_customers(struct store *, uint32_t most, moment now, void (*each)(void *, const struct store_customer *),
                    void *context, struct error *) MUST_CHECK;
struct store_member {
    struct store_sender sender;
    struct text address; /* that it used last; empty: not known */
    int64_t points;      /* firm ones, as its node said last; hundredths */
};
/* A customer's senders on every node, the highest score first. */
int store_members(struct store *, const char *customer, uint32_t most, moment now,
                  void (*each)(void *, const struct store_member *), void *context, struct error *) MUST_CHECK;
struct store_campaign {
    struct text likeness;
    moment first, seen, until;
    int64_t customers, senders, nodes, recipients; /* as nodes were told */
    struct text some;                              /* of its customers, the greatest first, with commas between */
};
/* Those in force, the latest first. */
int store_campaigns(struct store *, uint32_t most, moment now, void (*each)(void *, const struct store_campaign *),
                    void *context, struct error *) MUST_CHECK;

#endif
