/* See raising.h. Each search is one statement that finds only what has no alert yet, or an alert that has no cause any
 * more: so that nothing is to be remembered between two looks, and a collector that was away finds what it missed. */
#include "collector/store/raising.h"

#include <errno.h>
#include <stdlib.h>
#include "collector/store/store_own.h"
#include "common/cleanup.h"

#define RAISED_MOST 500  /* in one look, of each */
#define NAME_MOST   1001 /* bytes of a sender or a customer; of longer ones there is no alert */
#define SHORT(word) "LENGTH(" word ") <= 250"
#define STALE       (7 * DAY) /* a verdict of which nothing was heard for so long says nothing any more */

/* --- what was found, until it is raised: no statement runs while another gives rows --- */

struct found {
    char kind[16], name[NAME_MOST + 20], sender[NAME_MOST], customer[NAME_MOST], subject[400], text[600];
    int64_t node;
    enum store_severity severity;
};
struct finds {
    struct found *items;
    size_t count;
};

static void finds_clear(struct finds *finds)
{
    free(finds->items);
}

static struct found *find(struct finds *finds)
{
    return finds->count < RAISED_MOST ? &finds->items[finds->count++] : NULL;
}

static int raise_all(struct store *store, const struct finds *finds, moment now, struct error *error)
{
    int status = 0;
    for (size_t i = 0; i < finds->count && status >= 0; i++) {
        const struct found *found = &finds->items[i];
        char subject[sizeof found->subject];
        text_copy_printable(text_of(found->subject), subject, sizeof subject);
        const struct store_alert alert = {.kind = found->kind,
                                          .name = found->name,
                                          .severity = found->severity,
                                          .node = found->node,
                                          .sender = text_of(found->sender),
                                          .customer = text_of(found->customer),
                                          .subject = text_of(subject),
                                          .text = text_of(found->text)};
        status = store_alert_raise(store, &alert, now, error);
    }
    return status < 0 ? status : (int)finds->count;
}

/* " (customer acme)", or nothing. */
static void of_customer(const struct found *found, char *result, size_t size)
{
    result[0] = '\0';
    if (found->customer[0])
        snprintf(result, size, " (customer %.200s)", found->customer);
}

/* --- verdicts that hold somebody back --- */

static bool verdict_row(void *context, const struct value *columns, size_t count)
{
    struct found *found = find(context);
    char node[80], whose[220], reason[400], until[MOMENT_TEXT];
    (void)count;
    if (!found)
        return false;
    bool stands = columns[6].integer != 0;
    int64_t score = columns[5].integer;
    found->node = columns[0].integer;
    store_copy(columns[1].text, node, sizeof node);
    store_copy(columns[2].text, found->sender, sizeof found->sender);
    store_copy(columns[3].text, found->customer, sizeof found->customer);
    store_copy(columns[4].text, found->kind, sizeof found->kind);
    text_copy_printable(columns[7].text, reason, sizeof reason);
    found->severity = text_equals(columns[4].text, TEXT("block")) ? SEVERITY_TROUBLE : SEVERITY_WARNING;
    of_customer(found, whose, sizeof whose);
    snprintf(found->name, sizeof found->name, "%s %016llx", found->sender, (unsigned long long)found->node);
    snprintf(found->subject, sizeof found->subject, "%.100s on %s%s: %s", found->sender, node, whose, found->kind);
    if (stands)
        snprintf(found->text, sizeof found->text, "Score %lld.%02lld; until %s. %s", (long long)(score / 100),
                 (long long)(score % 100), moment_print(columns[6].integer, until), reason);
    else
        snprintf(found->text, sizeof found->text, "Score %lld.%02lld. No order stands: the node only watches.",
                 (long long)(score / 100), (long long)(score % 100));
    return true;
}

#define HELD "s.verdict IN ('block', 'throttle', 'divert')"
#define HAS_ALERT                                                                                                      \
    "EXISTS (SELECT 1 FROM alerts a WHERE a.kind = s.verdict AND a.node = s.node AND a.sender = s.sender AND "         \
    "a.resolved = 0)"

static int find_verdicts(struct store *store, struct finds *finds, moment now, struct error *error)
{
    return STORE_RUN(store,
                     "SELECT s.node, n.name, s.sender, s.customer, s.verdict, s.score, COALESCE(o.until, 0), "
                     "COALESCE(o.reason, '') FROM senders s JOIN nodes n ON n.node = s.node AND n.revoked = 0 "
                     "LEFT JOIN orders o ON o.node = s.node AND o.sender = s.sender AND o.deed = s.verdict AND "
                     "o.until > $2 WHERE " HELD " AND " SHORT("s.sender") " AND s.changed > $1 AND NOT " HAS_ALERT
                                                                          " ORDER BY s.changed LIMIT $3",
                     verdict_row, finds, error, INTEGER(now - STALE), INTEGER(now), INTEGER(RAISED_MOST));
}

static int end_verdicts(struct store *store, moment now, struct error *error)
{
    return STORE_RUN(store,
                     "UPDATE alerts SET resolved = $1 WHERE resolved = 0 AND kind IN ('block', 'throttle', 'divert') "
                     "AND NOT EXISTS (SELECT 1 FROM senders s JOIN nodes n ON n.node = s.node WHERE s.node = "
                     "alerts.node AND s.sender = alerts.sender AND s.verdict = alerts.kind AND s.changed > $2 AND "
                     "n.revoked = 0)",
                     NULL, NULL, error, INTEGER(now), INTEGER(now - STALE));
}

/* --- nodes of which nothing is heard --- */

static bool node_row(void *context, const struct value *columns, size_t count)
{
    struct found *found = find(context);
    char name[80], seen[MOMENT_TEXT];
    (void)count;
    if (!found)
        return false;
    found->node = columns[0].integer;
    found->severity = SEVERITY_TROUBLE;
    text_copy_printable(columns[1].text, name, sizeof name);
    snprintf(found->kind, sizeof found->kind, "node");
    snprintf(found->name, sizeof found->name, "%s %016llx", name, (unsigned long long)found->node);
    snprintf(found->subject, sizeof found->subject, "node %s is lost", name);
    snprintf(found->text, sizeof found->text, "Nothing was heard of it since %s.",
             moment_print(columns[2].integer, seen));
    return true;
}

static int find_nodes(struct store *store, const struct store_raising *raising, struct finds *finds, moment now,
                      struct error *error)
{
    if (now - raising->begun < raising->lost)
        return 0; /* it was us who were away */
    return STORE_RUN(store,
                     "SELECT n.node, n.name, n.seen FROM nodes n WHERE n.revoked = 0 AND n.seen < $1 AND NOT EXISTS "
                     "(SELECT 1 FROM alerts a WHERE a.kind = 'node' AND a.node = n.node AND a.resolved = 0) "
                     "ORDER BY n.seen LIMIT $2",
                     node_row, finds, error, INTEGER(now - raising->lost), INTEGER(RAISED_MOST));
}

static int end_nodes(struct store *store, const struct store_raising *raising, moment now, struct error *error)
{
    return STORE_RUN(store,
                     "UPDATE alerts SET resolved = $1 WHERE resolved = 0 AND kind = 'node' AND NOT EXISTS (SELECT 1 "
                     "FROM nodes n WHERE n.node = alerts.node AND n.revoked = 0 AND n.seen < $2)",
                     NULL, NULL, error, INTEGER(now), INTEGER(now - raising->lost));
}

/* --- viruses --- */

static bool virus_row(void *context, const struct value *columns, size_t count)
{
    struct found *found = find(context);
    char node[80], whose[220];
    (void)count;
    if (!found)
        return false;
    found->node = columns[0].integer;
    found->severity = SEVERITY_TROUBLE;
    store_copy(columns[1].text, node, sizeof node);
    store_copy(columns[2].text, found->sender, sizeof found->sender);
    store_copy(columns[3].text, found->customer, sizeof found->customer);
    of_customer(found, whose, sizeof whose);
    snprintf(found->kind, sizeof found->kind, "virus");
    snprintf(found->name, sizeof found->name, "%s %016llx", found->sender, (unsigned long long)found->node);
    snprintf(found->subject, sizeof found->subject, "%.100s on %s%s sent a virus", found->sender, node, whose);
    snprintf(found->text, sizeof found->text, "Messages with one: %lld.", (long long)columns[4].integer);
    return true;
}

#define VIRUS "m.verdict = 3 AND m.corrected = 0 AND m.received > $1"

static int find_viruses(struct store *store, const struct store_raising *raising, struct finds *finds, moment now,
                        struct error *error)
{
    return STORE_RUN(
        store,
        "SELECT m.node, COALESCE(n.name, ''), m.sender, MAX(m.customer), COUNT(*) FROM messages m "
        "LEFT JOIN nodes n ON n.node = m.node WHERE " VIRUS " AND " SHORT(
            "m.sender") " AND NOT EXISTS (SELECT 1 FROM alerts a "
                        "WHERE a.kind = 'virus' AND a.node = m.node AND a.sender = m.sender AND a.resolved = 0) "
                        "GROUP BY m.node, n.name, m.sender ORDER BY m.node, m.sender LIMIT $2",
        virus_row, finds, error, INTEGER(now - raising->quiet), INTEGER(RAISED_MOST));
}

static int end_viruses(struct store *store, const struct store_raising *raising, moment now, struct error *error)
{
    return STORE_RUN(store,
                     "UPDATE alerts SET resolved = $2 WHERE resolved = 0 AND kind = 'virus' AND NOT EXISTS (SELECT 1 "
                     "FROM messages m WHERE m.sender = alerts.sender AND m.node = alerts.node AND " VIRUS ")",
                     NULL, NULL, error, INTEGER(now - raising->quiet), INTEGER(now));
}

/* --- complaints that nobody was done with --- */

static bool complaint_row(void *context, const struct value *columns, size_t count)
{
    struct found *found = find(context);
    (void)count;
    if (!found)
        return false;
    bool nobody = columns[0].text.length == 0;
    found->severity = SEVERITY_WARNING;
    store_copy(columns[0].text, found->customer, sizeof found->customer);
    snprintf(found->kind, sizeof found->kind, "complaint");
    snprintf(found->name, sizeof found->name, "%s", nobody ? "-" : found->customer);
    if (nobody)
        snprintf(found->subject, sizeof found->subject, "complaints about nobody that is known here");
    else
        snprintf(found->subject, sizeof found->subject, "complaints about customer %.250s", found->customer);
    snprintf(found->text, sizeof found->text, "Open: %lld. postern complaints shows them.",
             (long long)columns[1].integer);
    return true;
}

static int find_complaints(struct store *store, struct finds *finds, struct error *error)
{
    return STORE_RUN(
        store,
        "SELECT c.customer, COUNT(*) FROM complaints c WHERE c.state = 'open' AND " SHORT(
            "c.customer") " AND NOT EXISTS (SELECT 1 "
                          "FROM alerts a WHERE a.kind = 'complaint' AND a.customer = c.customer AND a.resolved = 0) "
                          "GROUP BY c.customer ORDER BY c.customer LIMIT $1",
        complaint_row, finds, error, INTEGER(RAISED_MOST));
}

static int end_complaints(struct store *store, moment now, struct error *error)
{
    return STORE_RUN(store,
                     "UPDATE alerts SET resolved = $1 WHERE resolved = 0 AND kind = 'complaint' AND NOT EXISTS "
                     "(SELECT 1 FROM complaints c WHERE c.customer = alerts.customer AND c.state = 'open')",
                     NULL, NULL, error, INTEGER(now));
}

/* --- all of it --- */

static int end_all(struct store *store, const struct store_raising *raising, moment now, struct error *error)
{
    int total = 0, rows = end_verdicts(store, now, error);
    total += rows;
    if (rows >= 0)
        total += rows = end_nodes(store, raising, now, error);
    if (rows >= 0)
        total += rows = end_viruses(store, raising, now, error);
    if (rows >= 0)
        total += rows = end_complaints(store, now, error);
    return rows < 0 ? rows : total;
}

int store_raise(struct store *store, const struct store_raising *raising, moment now, struct error *error)
{
    CLEANUP(finds_clear) struct finds finds = {.items = calloc(RAISED_MOST, sizeof *finds.items)};
    if (finds.items == NULL)
        return error_set(error, ENOMEM, "no memory for alerts");
    int ended = end_all(store, raising, now, error), rows = ended, raised = 0;
    for (int which = 0; which < 4 && rows >= 0; which++) {
        finds.count = 0;
        rows = which == 0   ? find_verdicts(store, &finds, now, error)
               : which == 1 ? find_nodes(store, raising, &finds, now, error)
               : which == 2 ? find_viruses(store, raising, &finds, now, error)
                            : find_complaints(store, &finds, error);
        if (rows >= 0)
            raised += rows = raise_all(store, &finds, now, error);
    }
    return rows < 0 ? rows : ended + raised;
}
