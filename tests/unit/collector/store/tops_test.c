/* Who sends most, when, and what filters say: what is counted, in which order it is told, and where it ends. */
#include "collector/store/tops.h"
#include "tests/unit/collector/store/stocked.h"

#define T             "1800000000000000000" /* NOW */
#define BEFORE(hours) "(" T " - " #hours " * 3600000000000)"

static char seen[800];

static void see_top(void *context, const struct store_top_row *row)
{
    size_t length = strlen(seen);
    (void)context;
    snprintf(seen + length, sizeof seen - length, "%.*s%s%.*s=%lld/%lld/%lld ", (int)row->name.length, row->name.bytes,
             row->node_name.length ? "@" : "", (int)row->node_name.length, row->node_name.bytes,
             (long long)row->messages, (long long)row->bytes, (long long)row->spam);
}

static const char *top(enum store_top what, bool by_volume, uint32_t most)
{
    const struct store_top_query query = {what, by_volume, NOW - 3 * HOUR, NOW, most};
    seen[0] = '\0';
    assert_int_equal(store_top(store, &query, see_top, NULL, &failed), 0);
    return seen;
}

static void of_all_mail(void **unused)
{
    (void)unused;
    put("INSERT INTO minutes (node, time, sender, life, sequence, customer, connections, messages, rejected, "
        "recipients, bytes)"
        " VALUES (7, " BEFORE(1) ", 'tap1', 1, 1, 'acme', 1, 5, 0, 5, 10), (7, " BEFORE(
            1) ", 'tap1', 1, 2, 'acme', 1, 5, 0, 5, 10),"
               " (8, " BEFORE(1) ", 'tap1', 1, 3, 'acme', 1, 3, 0, 5, 900), (7, " BEFORE(
                   5) ", 'tap9', 1, 4, '', 1, 99, 0, 5, 10);"
                      "INSERT INTO hours (node, time, sender, customer, seen, connections, messages, rejected, "
                      "recipients, bytes)"
                      " VALUES (7, " BEFORE(
                          2) ", 'tap2', 'baker', 0, 1, 10, 0, 1, 30);"
                             "INSERT INTO senders (node, sender, customer, verdict, score, changed, address) VALUES"
                             " (7, 'tap1', 'acme', 'clear', 0, 1, '192.0.2.1'), (8, 'tap1', 'acme', 'clear', 0, 1, "
                             "'192.0.2.1')");
    assert_string_equal(top(TOP_SENDERS, false, 9), "tap2@hv7=10/30/0 tap1@hv7=10/20/0 tap1@hv8=3/900/0 ");
    assert_string_equal(top(TOP_SENDERS, true, 1), "tap1@hv8=3/900/0 ");
    assert_string_equal(top(TOP_CUSTOMERS, false, 9), "acme=13/920/0 baker=10/30/0 ");
    assert_string_equal(top(TOP_NODES, false, 9), "hv7=20/50/0 hv8=3/900/0 ");
    assert_string_equal(top(TOP_RELAYS, false, 9), "192.0.2.1=13/920/0 tap2=10/30/0 ");
}

#define MESSAGE(name, hours, author, envelope, size, verdict, corrected, score)                                        \
    "INSERT INTO messages (name, node, life, number, received, time, sender, customer, address, author, subject, "     \
    "envelope, size, kept, verdict, corrected, score, due, holder, held) VALUES ('" name "', 7, 1, " #hours #size      \
    ", " BEFORE(hours) ", 0, '', '', '', '" author "', '', '" envelope "', " #size ", 1, " #verdict ", " #corrected    \
                       ", " #score ", 0, 0, 0);"
#define OPINION(name, filter, state, virus, score, symbols)                                                            \
    "INSERT INTO opinions (name, filter, state, tries, due, holder, held, since, asked, answered, score, threshold, "  \
    "certain, virus, action, symbols, trouble) VALUES ('" name "', '" filter "', " #state                              \
    ", 1, 0, 0, 0, 0, 0, 0, " #score ", 600, 0, " #virus ", '', '" symbols "', '');"

static void put_messages(void)
{
    put(MESSAGE("m1", 1, "a@Firm.example",
                "{\"recipients\":[\"x@a.example\",\"y@A.example\",\"z@b.example\"],\"server\":\"192.0.2.25\"}", 100, 2,
                0, 150) MESSAGE("m2", 2, "b@firm.example",
                                "{\"recipients\":[\"x@a.example\"],\"server\":\"192.0.2.25\"}", 50, 2, 1, -1)
            MESSAGE("m3", 2, "", "{\"recipients\":[\"nobody\", 5]}", 7, 3, 0, 9999)
                MESSAGE("m4", 2, "c@firm.example", "broken", 8, 1, 0, 20)
                    MESSAGE("m5", 9, "c@firm.example", "{\"recipients\":[\"q@q.example\"]}", 8, 1, 0, 20)
                        OPINION("m1", "rspamd", 2, 0, 300, "BAYES(5.00) A_(B) ")
                            OPINION("m2", "rspamd", 2, 0, -100, "BAYES(1.00)") OPINION("m3", "clamav", 2, 1, 0, "Eicar")
                                OPINION("m4", "rspamd", 3, 0, 0, "NOT_GIVEN"));
}

static void of_messages_sent_in(void **unused)
{
    (void)unused;
    put_messages();
    assert_string_equal(top(TOP_RECIPIENTS, false, 9),
                        "x@a.example=2/150/1 y@A.example=1/100/1 z@b.example=1/100/1 nobody=1/7/1 ");
    assert_string_equal(top(TOP_DOMAINS, false, 9), "a.example=2/150/1 b.example=1/100/1 ");
    assert_string_equal(top(TOP_AUTHORS, true, 2), "a@Firm.example=1/100/1 b@firm.example=1/50/0 ");
    assert_string_equal(top(TOP_AUTHOR_DOMAINS, false, 9), "firm.example=3/158/1 ");
    assert_string_equal(top(TOP_SERVERS, false, 9), "192.0.2.25=2/150/1 ");
}

static void see_rule(void *context, const struct store_rule *rule)
{
    size_t length = strlen(seen);
    (void)context;
    snprintf(seen + length, sizeof seen - length, "%.*s:%.*s=%lld/%lld/%lld/%lld ", (int)rule->filter.length,
             rule->filter.bytes, (int)rule->name.length, rule->name.bytes, (long long)rule->hits, (long long)rule->spam,
             (long long)rule->ham, (long long)rule->points);
}

static void rules_and_viruses(void **unused)
{
    (void)unused;
    put_messages();
    put("INSERT INTO records (node, life, sequence, received, time, kind, sender, customer, line) VALUES "
        "(7, 1, 1, " BEFORE(1) ", " BEFORE(
            1) ", 'evidence', 'x', '', '{\"detector\":\"burst\",\"added\":1.25}'),"
               "(7, 1, 2, " BEFORE(1) ", " BEFORE(
                   1) ", 'evidence', 'x', '', '{\"detector\":\"burst\",\"added\":-0.5}'),"
                      "(7, 1, 3, " BEFORE(1) ", " BEFORE(
                          1) ", 'evidence', 'x', '', '{\"detector\":\"burst\",\"added\":1e300}'),"
                             "(7, 1, 4, " BEFORE(1) ", " BEFORE(
                                 9) ", 'evidence', 'x', '', '{\"detector\":\"burst\",\"added\":1}')");
    seen[0] = '\0';
    assert_int_equal(store_rules(store, false, NOW - 3 * HOUR, NOW, 9, see_rule, NULL, &failed), 0);
    assert_string_equal(seen, ":burst=3/0/0/75 rspamd:BAYES=2/1/1/0 rspamd:A_=1/1/0/0 ");
    seen[0] = '\0';
    assert_int_equal(store_rules(store, true, NOW - 3 * HOUR, NOW, 9, see_rule, NULL, &failed), 0);
    assert_string_equal(seen, "clamav:Eicar=1/1/0/0 ");
}

static struct store_scores scores[32];
static size_t classes;

static void see_scores(void *context, const struct store_scores *row)
{
    (void)context;
    scores[classes++] = *row;
}

static void how_scores_lie(void **unused)
{
    (void)unused;
    put_messages();
    classes = 0;
    well(store_scores(store, NULL, NOW - 3 * HOUR, NOW, see_scores, NULL, &failed));
    assert_int_equal(classes, 17);
    assert_true(scores[0].from == INT64_MIN && scores[1].from == 0 && scores[16].from == STORE_SCORES_MOST);
    assert_int_equal(scores[0].ham, 1);      /* -1: a person said so */
    assert_int_equal(scores[2].messages, 1); /* 20: from 20 on */
    assert_int_equal(scores[8].spam, 1);     /* 150 */
    assert_int_equal(scores[16].viruses, 1);
    classes = 0;
    well(store_scores(store, "rspamd", NOW - 3 * HOUR, NOW, see_scores, NULL, &failed));
    assert_int_equal(scores[0].messages, 1); /* -100 of 600 */
    assert_int_equal(scores[3].messages, 1); /* 300 of 600 */
}

static struct store_flow flows[64];

static void see_flow(void *context, const struct store_flow *row)
{
    (void)context;
    flows[classes++] = *row;
}

static void when_it_was(void **unused)
{
    struct calendar_zone *utc;
    (void)unused;
    well(calendar_zone_create("UTC", TEXT(""), &utc, &failed));
    put_messages();
    put("INSERT INTO minutes (node, time, sender, life, sequence, customer, connections, messages, rejected, "
        "recipients, bytes)"
        " VALUES (7, " BEFORE(1) ", 'tap1', 1, 1, 'acme', 1, 5, 2, 6, 10), (7, " BEFORE(
            1) " - 60000000000, 'tap1', 1, 2, '', 1, 7, 0, 5, 10),"
               " (7, " T ", 'tap1', 1, 3, '', 1, 1000, 0, 5, 10)");
    classes = 0; /* 08:00 is an hour's begin */
    well(store_flow(store, utc, false, NOW - 3 * HOUR + MINUTE, NOW, see_flow, NULL, &failed));
    assert_int_equal(classes, 3);
    assert_true(flows[0].begin == NOW - 3 * HOUR);
    assert_int_equal(flows[1].messages, 7);
    assert_int_equal(flows[2].messages, 5);
    assert_int_equal(flows[2].rejected, 2);
    assert_int_equal(flows[1].samples, 3);
    assert_int_equal(flows[1].viruses, 1);
    assert_int_equal(flows[2].spam, 1);
    classes = 0;
    well(store_flow(store, utc, true, NOW - 2 * DAY, NOW, see_flow, NULL, &failed));
    assert_int_equal(classes, 3);
    assert_true(flows[2].begin == NOW - 8 * HOUR);
    assert_int_equal(flows[2].messages, 12);
    calendar_zone_destroy(&utc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STOCKED(of_all_mail), STOCKED(of_messages_sent_in), STOCKED(rules_and_viruses),
                                       STOCKED(how_scores_lie), STOCKED(when_it_was)};
    return ENGINES_RUN(tests);
}
