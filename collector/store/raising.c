/* See raising.h. Each search is one statement that finds only what has no alert yet, or an alert that has no cause any
 * more: so that nothing is to be remembered between two looks, and a collector that was away finds what it missed. */
#include "collector/store/raising.h"

#include <errno.h>
#include <stdlib.h>
#include "collector/store/store_own.h"
#include "common/cleanup.h"

#define RAISED_MOST 500       /* in one look, of each */
#define NAME_MOST   1001      /* bytes of a sender or a customer; of longer ones there is no alert */
#define STALE       (7 * DAY) /* a verdict of which nothing was heard for so long says nothing any more */

/* --- what was found, until it is raised: no statement runs while another gives rows --- */

struct found {
    char kind[16], name[NAME_MOST + 20], sender[NAME_MOST], customer[NAME_MOST], subject[400], text[600];
    int64_t node;
    enum store_severity severity;
};
struct finds {
    struct found *items;
    size_t count, most;
    moment now;
};

static void finds_clear(struct finds *finds)
{
    free(finds->items);
}

static struct found *find(struct finds *finds)
{
    return finds->count < finds->most ? &finds->items[finds->count++] : NULL;
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
    const struct finds *finds = context;
    struct found *found = find(context);
    char node[80], whose[220], reason[400], until[MOMENT_TEXT];
    (void)count;
    if (!found)
        return false;
    bool stands = columns[6].integer > finds->now;
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

/* The words of the index `senders_held`. */
#define HELD "s.verdict <> 'clear' AND s.verdict <> 'alert' AND s.verdict <> ''"
#define VERDICT_FIND                                                                                                   \
    "SELECT s.node, n.name, s.sender, s.customer, s.verdict, s.score, COALESCE(o.until, 0), COALESCE(o.reason, '') "   \
    "FROM senders s JOIN nodes n ON n.node = s.node AND n.revoked = 0 LEFT JOIN orders o ON o.node = s.node AND "      \
    "o.sender = s.sender AND o.deed = s.verdict WHERE " HELD " AND s.verdict IN ('block', 'throttle', 'divert') AND "  \
    "LENGTH(s.sender) <= 250 AND s.changed > $1 AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.kind = s.verdict AND "  \
    "a.node = s.node AND a.sender = s.sender AND a.resolved = 0) ORDER BY s.changed LIMIT $2"
#define VERDICT_OVER                                                                                                   \
    "resolved = 0 AND kind IN ('block', 'throttle', 'divert') AND NOT EXISTS (SELECT 1 FROM senders s JOIN nodes n "   \
    "ON n.node = s.node WHERE s.node = alerts.node AND s.sender = alerts.sender AND s.verdict = alerts.kind AND "      \
    "s.changed > $1 AND n.revoked = 0)"

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

#define NODE_FIND                                                                                                      \
    "SELECT n.node, n.name, n.seen FROM nodes n WHERE n.revoked = 0 AND n.seen < $1 AND NOT EXISTS (SELECT 1 FROM "    \
    "alerts a WHERE a.kind = 'node' AND a.node = n.node AND a.resolved = 0) ORDER BY n.seen LIMIT $2"
#define NODE_OVER                                                                                                      \
    "resolved = 0 AND kind = 'node' AND NOT EXISTS (SELECT 1 FROM nodes n WHERE n.node = alerts.node AND "             \
    "n.revoked = 0 AND n.seen < $1)"

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
#define VIRUS_FIND                                                                                                     \
    "SELECT m.node, COALESCE(n.name, ''), m.sender, MAX(m.customer), COUNT(*) FROM messages m LEFT JOIN nodes n ON "   \
    "n.node = m.node WHERE " VIRUS " AND LENGTH(m.sender) <= 250 AND NOT EXISTS (SELECT 1 FROM alerts a WHERE "        \
    "a.kind = 'virus' AND a.node = m.node AND a.sender = m.sender AND a.resolved = 0) GROUP BY m.node, n.name, "       \
    "m.sender ORDER BY m.node, m.sender LIMIT $2"
#define VIRUS_OVER                                                                                                     \
    "resolved = 0 AND kind = 'virus' AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.sender = alerts.sender AND "     \
    "m.node = alerts.node AND " VIRUS ")"

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

/* The moment is for nothing here, but all causes are asked for alike; and none may look through all open complaints for
 * one customer by it, as SQLite would without the "+ 0". */
#define COMPLAINT_FIND                                                                                                 \
    "SELECT c.customer, COUNT(*) FROM complaints c WHERE c.state = 'open' AND LENGTH(c.customer) <= 250 AND "          \
    "c.received > $1 AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.kind = 'complaint' AND a.name = CASE WHEN "        \
    "c.customer = '' THEN '-' ELSE c.customer END AND a.resolved = 0) GROUP BY c.customer ORDER BY c.customer LIMIT "  \
    "$2"
#define COMPLAINT_OVER                                                                                                 \
    "resolved = 0 AND kind = 'complaint' AND NOT EXISTS (SELECT 1 FROM complaints c WHERE c.customer = "               \
    "alerts.customer AND c.state = 'open' AND c.received + 0 > $1)"

/* --- all of it --- */

/* `find`: by $1, a moment, and $2, how many; `over`: alerts without a cause, by $1; `end` ends them at $2. */
static const struct cause {
    const char *find, *over, *end;
    engine_row *row;
} causes[] = {
#define CAUSE(WORD, row_)                                                                                              \
    {                                                                                                                  \
        WORD##_FIND, "SELECT 1 FROM alerts WHERE " WORD##_OVER " LIMIT 1",                                             \
            "UPDATE alerts SET resolved = $2 WHERE " WORD##_OVER, row_                                                 \
    }
    CAUSE(VERDICT, verdict_row),
    CAUSE(NODE, node_row),
    CAUSE(VIRUS, virus_row),
    CAUSE(COMPLAINT, complaint_row),
};
enum { VERDICTS, NODES, VIRUSES, COMPLAINTS, CAUSES };

static moment bound_of(const struct store_raising *raising, int which, moment now)
{
    const moment bounds[CAUSES] = {now - STALE, now - raising->lost, now - raising->quiet, 0};
    return bounds[which];
}

static int find_all(struct store *store, const struct store_raising *raising, int which, struct finds *finds,
                    struct error *error)
{
    finds->count = 0;
    if (which == NODES && finds->now - raising->begun < raising->lost)
        return 0; /* it was us who were away */
    return STORE_RUN(store, causes[which].find, causes[which].row, finds, error,
                     INTEGER(bound_of(raising, which, finds->now)), INTEGER(finds->most));
}

int store_raise_wanted(struct store *store, const struct store_raising *raising, moment now, struct error *error)
{
    struct found one;
    struct finds finds = {.items = &one, .most = 1, .now = now};
    int rows = 0;
    for (int which = 0; which < CAUSES && rows == 0; which++) {
        rows = STORE_RUN(store, causes[which].over, NULL, NULL, error, INTEGER(bound_of(raising, which, now)));
        if (rows == 0)
            rows = find_all(store, raising, which, &finds, error);
    }
    return rows < 0 ? rows : rows > 0;
}

int store_raise(struct store *store, const struct store_raising *raising, moment now, struct error *error)
{
    CLEANUP(finds_clear)
    struct finds finds = {.items = calloc(RAISED_MOST, sizeof *finds.items), .most = RAISED_MOST, .now = now};
    int rows = 0, changed = 0;
    if (finds.items == NULL)
        return error_set(error, ENOMEM, "no memory for alerts");
    for (int which = 0; which < CAUSES && rows >= 0; which++) {
        rows = STORE_RUN(store, causes[which].end, NULL, NULL, error, INTEGER(bound_of(raising, which, now)),
                         INTEGER(now));
        changed += rows > 0 ? rows : 0;
    }
    for (int which = 0; which < CAUSES && rows >= 0; which++) {
        rows = find_all(store, raising, which, &finds, error);
        if (rows >= 0)
            rows = raise_all(store, &finds, now, error);
        changed += rows > 0 ? rows : 0;
    }
    return rows < 0 ? rows : changed;
}
