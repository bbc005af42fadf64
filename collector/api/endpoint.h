/* The endpoints in one table: router, authorisation, documents and tests read it. */
#ifndef COLLECTOR_API_ENDPOINT_H
#define COLLECTOR_API_ENDPOINT_H

#include <stddef.h>
#include "collector/api/exchange.h"
#include "collector/store/store.h"
#include "common/error.h"

/* Who may ask. */
enum permission { MAY_ANYBODY, MAY_TOKEN, MAY_NODE, MAY_READ, MAY_ORDER, MAY_ADMIN, MAY_CONTENT };
/* The scholar is a reader for what takes long: nobody else waits for it. */
enum worker_kind { ASK_LOOP, ASK_READER, ASK_SCHOLAR, ASK_WRITER };

struct endpoint {
    const char *method, *path; /* a segment in braces stands for any word */
    enum permission permission;
    enum worker_kind worker;
    size_t body_most; /* bytes */
    bool once;        /* asked again under the same name it is not done again: once.h */
    bool settled;     /* it needs store_settled() */
    /* Makes exchange->prepared of the body, without a store: what takes long is done before there is a transaction. It
     * may refuse. NULL: nothing of the kind. `forget` frees it. */
    int (*prepare)(struct exchange *, struct error *);
    void (*forget)(struct exchange *);
    size_t prepared_most; /* bytes of it, at most, about */
    /* Runs inside a transaction, maybe more than once: it changes nothing but the store and the answer. A negative
     * return rolls back all; -EAGAIN is tried again. NULL: the server answers it itself. */
    int (*handle)(struct store *, struct exchange *, struct error *);
    const char *parameters[EXCHANGE_PARAMETERS + 1]; /* "name: what it is", ended by NULL */
    const char *request, *answers, *text;            /* for the documents */
};

extern const struct endpoint endpoints[];
extern const size_t endpoint_count;

/* NULL: no such path, or, with `*known`, not with this method. `target` is left with what stands for the braces. */
const struct endpoint *endpoint_find(const char *method, const char *path, struct text *target, bool *known);
/* What the answer is where who asks may not; 0: he may. Fills exchange->node or person. Negative: the store failed. */
int endpoint_authorise(struct store *, struct exchange *, struct error *) MUST_CHECK;

int enrol_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
#define RECORDS_PLAIN_MOST ((size_t)32 * 1024 * 1024)
int records_prepare(struct exchange *, struct error *) MUST_CHECK;
void records_forget(struct exchange *);
int records_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
#define INTAKE_BODY_MOST  ((size_t)16 * 1024 * 1024)
#define INTAKE_PLAIN_MOST (INTAKE_BODY_MOST + 512 * 1024)
int intake_prepare(struct exchange *, struct error *) MUST_CHECK;
void intake_forget(struct exchange *);
int intake_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int filters_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int directives_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int nodes_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int node_revoke_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int senders_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int sender_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int customers_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int customer_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int bulk_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int letter_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int campaigns_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int events_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int order_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int orders_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int settings_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int settings_put_handle(struct store *, struct exchange *, struct error *) MUST_CHECK; /* the fleet's and a node's */
int node_settings_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int messages_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int message_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int message_content_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int message_release_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int message_correct_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int message_forget_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int lesson_prepare(struct exchange *, struct error *) MUST_CHECK;
void lesson_forget(struct exchange *);
int lesson_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int lessons_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int lesson_undo_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int arrival_prepare(struct exchange *, struct error *) MUST_CHECK;
void arrival_forget(struct exchange *);
int arrival_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int complaints_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int complaint_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int complaint_content_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int complaint_done_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int blacklist_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int blacklist_check_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int outgoing_prepare(struct exchange *, struct error *) MUST_CHECK;
void outgoing_forget(struct exchange *);
int outgoing_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int alerts_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int alert_close_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int alert_test_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int silences_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int silence_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int silence_end_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int sendings_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int sending_again_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int reports_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int report_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
void report_forget(struct exchange *);
int report_mail_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int tops_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int flow_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;  /* by the hour and by the day */
int rules_handle(struct store *, struct exchange *, struct error *) MUST_CHECK; /* and viruses */
int scores_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int audit_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int token_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int persons_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int person_revoke_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;
int person_handle(struct store *, struct exchange *, struct error *) MUST_CHECK;

#endif
