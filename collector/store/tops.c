/* See tops.h. */
#include <jansson.h> /* before our own writer of JSON */

#include "collector/store/tops.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include "collector/report/tally.h"
#include "collector/store/messages.h"
#include "collector/store/reporting_own.h"
#include "common/cleanup.h"

#define MESSAGES_MOST   200000 /* that are looked at */
#define RECIPIENTS_MOST 100    /* of a message, of whose domains it is asked which are the same */

const char *store_top_name(enum store_top what)
{
    static const char *const names[STORE_TOPS] = {
        [TOP_SENDERS] = "senders",       [TOP_CUSTOMERS] = "customers", [TOP_NODES] = "nodes",
        [TOP_RELAYS] = "relays",         [TOP_AUTHORS] = "authors",     [TOP_AUTHOR_DOMAINS] = "author-domains",
        [TOP_RECIPIENTS] = "recipients", [TOP_DOMAINS] = "domains",     [TOP_SERVERS] = "servers"};
    return names[what];
}

/* --- of all mail --- */

struct listener {
    void (*each)(void *, const struct store_top_row *);
    void *context;
};

static bool traffic_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    const struct store_top_row row = {.name = columns[0].text,
                                      .node_name = columns[1].text,
                                      .customer = columns[2].text,
                                      .messages = columns[3].integer,
                                      .rejected = columns[4].integer,
                                      .recipients = columns[5].integer,
                                      .bytes = columns[6].integer};
    (void)count;
    listener->each(listener->context, &row);
    return true;
}

#define SUMS                                                                                                           \
    STORE_SUM("messages")                                                                                              \
    " AS messages, " STORE_SUM("rejected") " AS rejected, " STORE_SUM("recipients") " AS recipients, " STORE_SUM(      \
        "bytes") " AS bytes"
#define MEMBERS   "s.messages, s.rejected, s.recipients, s.bytes"
#define BY_NUMBER " ORDER BY 4 DESC, 7 DESC, 1, 2 LIMIT $3"
#define BY_VOLUME " ORDER BY 7 DESC, 4 DESC, 1, 2 LIMIT $3"

#define TOP_OF_SENDERS                                                                                                 \
    "SELECT s.sender, n.name, s.customer, " MEMBERS " FROM (SELECT node, sender, MAX(customer) AS customer, " SUMS     \
    " FROM " REPORTING_ROWS " GROUP BY node, sender) AS s JOIN nodes n ON n.node = s.node"
#define TOP_OF_CUSTOMERS                                                                                               \
    "SELECT s.customer, '', '', " MEMBERS " FROM (SELECT customer, " SUMS " FROM " REPORTING_ROWS                      \
    " WHERE customer <> '' GROUP BY customer) AS s"
#define TOP_OF_NODES                                                                                                   \
    "SELECT n.name, '', '', " MEMBERS " FROM (SELECT node, " SUMS " FROM " REPORTING_ROWS                              \
    " GROUP BY node) AS s JOIN nodes n ON n.node = s.node"
#define TOP_OF_RELAYS                                                                                                  \
    "SELECT s.address, '', '', " MEMBERS " FROM (SELECT CASE WHEN COALESCE(w.address, '') = '' THEN c.sender ELSE "    \
    "w.address END AS address, " SUMS " FROM (SELECT node, sender, " SUMS " FROM " REPORTING_ROWS                      \
    " GROUP BY node, sender) AS c LEFT JOIN senders w ON w.node = c.node AND w.sender = c.sender GROUP BY 1) AS s"

static int top_of_traffic(struct store *store, const struct store_top_query *query, struct listener *listener,
                          struct error *error)
{
    static const char *const texts[][2] = {[TOP_SENDERS] = {TOP_OF_SENDERS BY_NUMBER, TOP_OF_SENDERS BY_VOLUME},
                                           [TOP_CUSTOMERS] = {TOP_OF_CUSTOMERS BY_NUMBER, TOP_OF_CUSTOMERS BY_VOLUME},
                                           [TOP_NODES] = {TOP_OF_NODES BY_NUMBER, TOP_OF_NODES BY_VOLUME},
                                           [TOP_RELAYS] = {TOP_OF_RELAYS BY_NUMBER, TOP_OF_RELAYS BY_VOLUME}};
    /* Whole hours: of what is counted by the hour no part is told. */
    moment since = query->since - query->since % HOUR, before = query->before + (HOUR - query->before % HOUR) % HOUR;
    const struct value parameters[] = {INTEGER(since), INTEGER(before), INTEGER(query->most)};
    int rows =
        engine_run(store->engine, texts[query->what][query->by_volume], parameters, 3, traffic_row, listener, error);
    return rows < 0 ? rows : 0;
}

/* --- of messages sent in --- */

enum { COUNT_MESSAGES, COUNT_BYTES, COUNT_RECIPIENTS, COUNT_SPAM };

struct counting {
    enum store_top what;
    struct tally *tally;
};

static void drop(json_t **object)
{
    json_decref(*object);
}

static struct tally *tally_of_strangers(void)
{
    struct siphash_key key;
    randombytes_buf(&key, sizeof key);
    return tally_create(&key, REPORTING_NAMES);
}

static struct text domain_of(struct text address)
{
    const char *at = address.length ? memrchr(address.bytes, '@', address.length) : NULL;
    return at ? (struct text){at + 1, (size_t)(address.bytes + address.length - at) - 1} : (struct text){"", 0};
}

/* Domains are the same in capitals. */
static void count(const struct counting *counting, struct text name, const struct value *columns, int64_t recipients)
{
    char folded[REPORT_NAME];
    bool is_domain = counting->what == TOP_DOMAINS || counting->what == TOP_AUTHOR_DOMAINS;
    name = is_domain ? domain_of(name) : name;
    name.length = name.length < sizeof folded ? name.length : sizeof folded - 1;
    if (is_domain) {
        text_fold(name, folded);
        name.bytes = folded;
    }
    size_t place = name.length ? tally_place(counting->tally, name) : TALLY_NONE;
    if (place == TALLY_NONE)
        return;
    int64_t *sums = tally_sums(counting->tally, place), word = columns[3].integer;
    sums[COUNT_MESSAGES]++;
    sums[COUNT_BYTES] += columns[2].integer;
    sums[COUNT_RECIPIENTS] += recipients;
    sums[COUNT_SPAM] += word == SORTED_SPAM || word == SORTED_VIRUS;
}

static struct text words_of(const json_t *value)
{
    const char *words = json_string_value(value);
    return words ? text_of(words) : (struct text){"", 0};
}

/* Of several recipients in one domain the domain is counted once, with as many recipients. */
static void count_domains(const struct counting *counting, const json_t *recipients, const struct value *columns)
{
    size_t many = json_array_size(recipients) < RECIPIENTS_MOST ? json_array_size(recipients) : RECIPIENTS_MOST;
    for (size_t i = 0; i < many; i++) {
        struct text domain = domain_of(words_of(json_array_get(recipients, i)));
        int64_t same = 0;
        bool is_first = true;
        for (size_t j = 0; j < many; j++) {
            bool is_same = text_equals_nocase(domain, domain_of(words_of(json_array_get(recipients, j))));
            is_first &= !(is_same && j < i);
            same += is_same;
        }
        if (is_first)
            count(counting, words_of(json_array_get(recipients, i)), columns, same);
    }
}

/* author, envelope, size, what it is */
static bool message_row(void *context, const struct value *columns, size_t number)
{
    const struct counting *counting = context;
    struct text line = columns[1].text;
    (void)number;
    CLEANUP(drop) json_t *envelope = json_loadb(line.length ? line.bytes : "", line.length, JSON_ALLOW_NUL, NULL);
    const json_t *recipients = json_object_get(envelope, "recipients");
    size_t many = json_array_size(recipients);
    if (counting->what == TOP_AUTHORS || counting->what == TOP_AUTHOR_DOMAINS)
        count(counting, columns[0].text, columns, (int64_t)many);
    else if (counting->what == TOP_SERVERS)
        count(counting, words_of(json_object_get(envelope, "server")), columns, (int64_t)many);
    else if (counting->what == TOP_DOMAINS)
        count_domains(counting, recipients, columns);
    else
        for (size_t i = 0; i < many; i++)
            count(counting, words_of(json_array_get(recipients, i)), columns, 1);
    return true;
}

#define WORD "CASE WHEN m.corrected <> 0 THEN m.corrected ELSE m.verdict END"

static int top_of_messages(struct store *store, const struct store_top_query *query, const struct listener *listener,
                           struct error *error)
{
    CLEANUP(tally_destroy) struct tally *tally = tally_of_strangers();
    size_t places[10000], most = query->most < 10000 ? query->most : 10000;
    struct counting counting = {query->what, tally};
    if (tally == NULL)
        return error_set(error, ENOMEM, "no memory to count");
    int rows =
        STORE_RUN(store,
                  "SELECT m.author, m.envelope, m.size, " WORD " FROM messages m WHERE m.received >= $1 AND "
                  "m.received < $2 ORDER BY m.received DESC, m.name LIMIT $3",
                  message_row, &counting, error, INTEGER(query->since), INTEGER(query->before), INTEGER(MESSAGES_MOST));
    if (rows < 0)
        return rows;
    size_t found = tally_top(tally, query->by_volume ? COUNT_BYTES : COUNT_MESSAGES,
                             query->by_volume ? COUNT_MESSAGES : COUNT_BYTES, places, most);
    for (size_t i = 0; i < found; i++) {
        const int64_t *sums = tally_sums(tally, places[i]);
        listener->each(listener->context, &(struct store_top_row){.name = tally_name(tally, places[i]),
                                                                  .node_name = TEXT(""),
                                                                  .customer = TEXT(""),
                                                                  .messages = sums[COUNT_MESSAGES],
                                                                  .recipients = sums[COUNT_RECIPIENTS],
                                                                  .bytes = sums[COUNT_BYTES],
                                                                  .spam = sums[COUNT_SPAM]});
    }
    return rows >= MESSAGES_MOST || tally_is_full(tally);
}

int store_top(struct store *store, const struct store_top_query *query,
              void (*each)(void *, const struct store_top_row *), void *context, struct error *error)
{
    struct listener listener = {each, context};
    return query->what < TOP_AUTHORS ? top_of_traffic(store, query, &listener, error)
                                     : top_of_messages(store, query, &listener, error);
}

/* --- rules --- */

enum { RULE_HITS, RULE_SPAM, RULE_HAM, RULE_POINTS };

static bool put_name(char key[2 * REPORT_NAME], struct text filter, struct text name, struct text *result)
{
    int length = snprintf(key, 2 * REPORT_NAME, "%.*s\n%.*s", (int)filter.length, filter.length ? filter.bytes : "",
                          (int)name.length, name.bytes);
    *result = (struct text){key, (size_t)length};
    return name.length > 0 && length < 2 * REPORT_NAME;
}

/* filter, symbols, what it is */
static bool symbols_row(void *context, const struct value *columns, size_t number)
{
    struct tally *tally = context;
    struct text rest = columns[1].text, key;
    int64_t word = columns[2].integer;
    char bytes[2 * REPORT_NAME];
    (void)number;
    while (rest.length > 0) {
        struct text each = text_split(&rest, ' ');
        if (!put_name(bytes, columns[0].text, text_split(&each, '('), &key))
            continue;
        tally_add(tally, key, RULE_HITS, 1);
        tally_add(tally, key, RULE_SPAM, word == SORTED_SPAM || word == SORTED_VIRUS);
        tally_add(tally, key, RULE_HAM, word == SORTED_HAM);
    }
    return true;
}

static bool evidence_row(void *context, const struct value *columns, size_t number)
{
    struct tally *tally = context;
    struct text line = columns[0].text, key;
    char bytes[2 * REPORT_NAME];
    (void)number;
    CLEANUP(drop) json_t *record = json_loadb(line.length ? line.bytes : "", line.length, JSON_ALLOW_NUL, NULL);
    double added = json_number_value(json_object_get(record, "added"));
    if (!put_name(bytes, (struct text){"", 0}, words_of(json_object_get(record, "detector")), &key))
        return true;
    tally_add(tally, key, RULE_HITS, 1);
    if (added > -1e6 && added < 1e6)
        tally_add(tally, key, RULE_POINTS, (int64_t)(added * 100 + (added < 0 ? -0.5 : 0.5)));
    return true;
}

static void tell_rules(struct tally *tally, uint32_t most, void (*each)(void *, const struct store_rule *),
                       void *context)
{
    size_t places[10000], found = tally_top(tally, RULE_HITS, RULE_SPAM, places, most < 10000 ? most : 10000);
    for (size_t i = 0; i < found; i++) {
        const int64_t *sums = tally_sums(tally, places[i]);
        struct text name = tally_name(tally, places[i]), filter = text_split(&name, '\n');
        each(context, &(struct store_rule){.filter = filter,
                                           .name = name,
                                           .hits = sums[RULE_HITS],
                                           .spam = sums[RULE_SPAM],
                                           .ham = sums[RULE_HAM],
                                           .points = sums[RULE_POINTS]});
    }
}

int store_rules(struct store *store, bool viruses, moment since, moment before, uint32_t most,
                void (*each)(void *, const struct store_rule *), void *context, struct error *error)
{
    CLEANUP(tally_destroy) struct tally *tally = tally_of_strangers();
    if (tally == NULL)
        return error_set(error, ENOMEM, "no memory to count");
    int rows = STORE_RUN(store,
                         "SELECT o.filter, o.symbols, " WORD " FROM messages m JOIN opinions o ON o.name = m.name "
                         "WHERE m.received >= $1 AND m.received < $2 AND o.state = $3 AND (o.virus <> 0) = ($4 <> 0) "
                         "ORDER BY m.received DESC LIMIT $5",
                         symbols_row, tally, error, INTEGER(since), INTEGER(before), INTEGER(OPINION_GIVEN),
                         INTEGER(viruses), INTEGER(REPORTING_OPINIONS));
    bool is_cut = rows >= REPORTING_OPINIONS;
    if (rows >= 0 && !viruses)
        rows = STORE_RUN(store,
                         "SELECT line FROM records WHERE kind = 'evidence' AND received >= $1 AND time >= $1 AND "
                         "time < $2 ORDER BY received DESC, node DESC, sequence DESC LIMIT $3",
                         evidence_row, tally, error, INTEGER(since), INTEGER(before), INTEGER(REPORTING_EVIDENCE));
    if (rows < 0)
        return rows;
    tell_rules(tally, most, each, context);
    return is_cut || (!viruses && rows >= REPORTING_EVIDENCE) || tally_is_full(tally);
}

/* --- scores --- */

#define CLASSES (STORE_SCORES_MOST / STORE_SCORES_WIDTH + 2) /* with those below 0 and those beyond */

/* class, what it is, messages */
static bool score_row(void *context, const struct value *columns, size_t number)
{
    struct store_scores *scores = context;
    int64_t at = columns[0].integer + 1, word = columns[1].integer, many = columns[2].integer;
    (void)number;
    if (at < 0 || at >= CLASSES)
        return true;
    scores[at].messages += many;
    *(word == SORTED_SPAM    ? &scores[at].spam
      : word == SORTED_VIRUS ? &scores[at].viruses
      : word == SORTED_HAM   ? &scores[at].ham
                             : &scores[at].unknown) += many;
    return true;
}

/* Divided downwards: what is below 0 is a class of its own. */
#define CLASS_OF(score) "CASE WHEN " score " < 0 THEN -1 WHEN " score " >= 300 THEN 15 ELSE (" score ") / 20 END"
_Static_assert(STORE_SCORES_MOST == 300 && STORE_SCORES_WIDTH == 20, "as they stand in the statement");
#define OF_FILTER "CASE WHEN o.threshold > 0 THEN o.score * 100 / o.threshold ELSE 0 END"

int store_scores(struct store *store, const char *filter, moment since, moment before,
                 void (*each)(void *, const struct store_scores *), void *context, struct error *error)
{
    struct store_scores scores[CLASSES] = {0};
    int rows =
        filter
            ? STORE_RUN(
                  store,
                  "SELECT " CLASS_OF(
                      "of_it") ", word, COUNT(*) FROM (SELECT " OF_FILTER " AS of_it, " WORD
                               " AS word FROM messages m JOIN opinions o ON o.name = m.name WHERE m.received >= $1 AND "
                               "m.received < $2 AND o.filter = $3 AND o.state = $4) AS each_message GROUP BY 1, 2",
                  score_row, scores, error, INTEGER(since), INTEGER(before), STRING(filter), INTEGER(OPINION_GIVEN))
            : STORE_RUN(store,
                        "SELECT " CLASS_OF("m.score") ", " WORD ", COUNT(*) FROM messages m WHERE m.received >= $1 "
                                                      "AND m.received < $2 AND m.verdict <> 0 GROUP BY 1, 2",
                        score_row, scores, error, INTEGER(since), INTEGER(before));
    for (int i = 0; i < CLASSES && rows >= 0; i++) {
        scores[i].from = i == 0 ? INT64_MIN : (int64_t)(i - 1) * STORE_SCORES_WIDTH;
        each(context, &scores[i]);
    }
    return rows < 0 ? rows : 0;
}

/* --- by hour and day --- */

struct flow {
    struct store_flow *steps;
    size_t count;
    moment end;
};

static struct store_flow *step_at(const struct flow *flow, moment when)
{
    size_t low = 0, high = flow->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (flow->steps[middle].begin <= when)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && when < flow->end ? &flow->steps[low - 1] : NULL;
}

/* time, connections, messages, rejected, recipients, bytes */
static bool flow_row(void *context, const struct value *columns, size_t number)
{
    struct store_flow *step = step_at(context, columns[0].integer);
    (void)number;
    if (step) {
        step->connections += columns[1].integer;
        step->messages += columns[2].integer;
        step->rejected += columns[3].integer;
        step->recipients += columns[4].integer;
        step->bytes += columns[5].integer;
    }
    return true;
}

/* time, what it is, messages */
static bool sample_row(void *context, const struct value *columns, size_t number)
{
    struct store_flow *step = step_at(context, columns[0].integer);
    (void)number;
    if (step) {
        step->samples += columns[2].integer;
        step->spam += columns[1].integer == SORTED_SPAM ? columns[2].integer : 0;
        step->viruses += columns[1].integer == SORTED_VIRUS ? columns[2].integer : 0;
    }
    return true;
}

static moment begin_of_hour(const struct calendar_zone *zone, moment when)
{
    struct calendar_time time = calendar_time_of(zone, when);
    return when - when % SECOND - (time.minute * 60 + time.second) * SECOND;
}

static void take_steps(struct flow *flow, const struct calendar_zone *zone, bool by_day, moment since, moment before)
{
    moment at = by_day ? calendar_period_at(zone, CALENDAR_DAY, since).begin : begin_of_hour(zone, since);
    for (; at < before && flow->count < STORE_FLOW_MOST; flow->end = at) {
        flow->steps[flow->count++] = (struct store_flow){.begin = at};
        at = by_day ? calendar_period_at(zone, CALENDAR_DAY, at).end : at + HOUR;
    }
    flow->end = flow->end < before ? flow->end : before;
}

int store_flow(struct store *store, const struct calendar_zone *zone, bool by_day, moment since, moment before,
               void (*each)(void *, const struct store_flow *), void *context, struct error *error)
{
    struct flow flow = {.steps = calloc(STORE_FLOW_MOST, sizeof *flow.steps)};
    if (flow.steps == NULL)
        return error_set(error, ENOMEM, "no memory to count");
    take_steps(&flow, zone, by_day, since, before);
    moment begin = flow.count ? flow.steps[0].begin : before;
    int rows = STORE_RUN(store,
                         "SELECT time, " STORE_SUM("connections") ", " STORE_SUM("messages") ", " STORE_SUM(
                             "rejected") ", " STORE_SUM("recipients") ", " STORE_SUM("bytes") " FROM " REPORTING_ROWS
                                                                                              " GROUP BY time",
                         flow_row, &flow, error, INTEGER(begin), INTEGER(flow.end));
    if (rows >= 0) /* a quarter of an hour is never in two hours, wherever that is */
        rows = STORE_RUN(store,
                         "SELECT m.received - m.received % 900000000000, " WORD ", COUNT(*) FROM messages m WHERE "
                         "m.received >= $1 AND m.received < $2 GROUP BY 1, 2",
                         sample_row, &flow, error, INTEGER(begin), INTEGER(flow.end));
    for (size_t i = 0; i < flow.count && rows >= 0; i++)
        each(context, &flow.steps[i]);
    free(flow.steps);
    return rows < 0 ? rows : 0;
}
