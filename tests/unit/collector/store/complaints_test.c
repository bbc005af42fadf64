/* What people see of complaints and alerts: what they ask for, the newest first, and what they were done with once. */
#include "collector/store/complaints.h"
#include "collector/store/alerts.h"
#include "collector/store/arrivals.h"
#include "collector/store/sorting.h"
#include "tests/unit/collector/store/stocked.h"

static char seen[200];
static struct store_complaint_row last;

static void see(void *context, const struct store_complaint_row *row)
{
    size_t length = strlen(seen);
    (void)context;
    snprintf(seen + length, sizeof seen - length, "%.*s ", (int)row->id.length, row->id.bytes);
    last = (struct store_complaint_row){.incidents = row->incidents, .times = row->times, .closed = row->closed};
    assert_true(row->node == 0 || text_equals(row->node_name, TEXT("hv7")));
    assert_true(row->fields.length == 0 || text_equals(row->fields, TEXT("{\"a\":1}")));
}

static void read_one(const char *id, const char *customer, const char *state, moment when)
{
    struct store_tie tie = {.tied = "address", .node = customer[0] ? NODE : 0};
    char claimed[STORE_COMPLAINT_ID];
    snprintf(tie.customer, sizeof tie.customer, "%s", customer);
    well(store_arrival_keep(store, id, "http", when, PACKING_ZSTD, TEXT("x"), &failed));
    if (strcmp(state, "arrived") == 0)
        return;
    assert_int_equal(store_arrival_claim(store, when, when + MINUTE, claimed, &failed), 1);
    const struct store_complaint complaint = {.id = id,
                                              .arrival = id,
                                              .format = "arf",
                                              .type = "abuse",
                                              .reporter = "r",
                                              .address = "192.0.2.1",
                                              .message_id = "",
                                              .subject = "",
                                              .recipient = "",
                                              .state = state,
                                              .note = "",
                                              .fields = TEXT("{\"a\":1}"),
                                              .likeness = "",
                                              .tie = &tie,
                                              .incidents = 3};
    assert_int_equal(store_arrival_read(store, &complaint, &failed), 1);
}

static const char *list(moment since, const char *customer, const char *state, uint32_t most)
{
    const struct store_complaint_query query = {since, customer, state, most};
    seen[0] = '\0';
    well(store_complaint_list(store, &query, see, NULL, &failed));
    return seen;
}

static void test_lists(void **unused)
{
    (void)unused;
    read_one("1", "acme", "open", NOW);
    read_one("2", "", "unread", NOW + 1);
    read_one("3", "acme", "done", NOW + 2);
    read_one("4", "bolt", "open", NOW + 3);
    read_one("5", "", "arrived", NOW + 4);
    assert_string_equal(list(0, NULL, NULL, 10), "5 4 2 1 ");
    assert_string_equal(list(0, NULL, "all", 10), "5 4 3 2 1 ");
    assert_string_equal(list(0, NULL, "open", 10), "4 1 ");
    assert_string_equal(list(0, "acme", NULL, 10), "1 ");
    assert_string_equal(list(0, "acme", "all", 10), "3 1 ");
    assert_string_equal(list(0, "bolt", "done", 10), "");
    assert_string_equal(list(NOW + 2, NULL, "all", 10), "5 4 3 ");
    assert_string_equal(list(0, NULL, "all", 2), "5 4 ");
}

static void test_done_once(void **unused)
{
    (void)unused;
    read_one("1", "acme", "open", NOW);
    read_one("2", "", "arrived", NOW + 1);
    seen[0] = '\0';
    assert_int_equal(store_complaint_find(store, "1", see, NULL, &failed), 1);
    assert_int_equal(last.incidents, 3);
    assert_int_equal(last.times, 1);
    assert_int_equal(last.closed, 0);
    assert_int_equal(store_complaint_done(store, "1", "ann", "told", false, NOW + HOUR, &failed), 1);
    assert_int_equal(store_complaint_done(store, "1", "bob", "too", false, NOW + HOUR, &failed), 0);
    assert_int_equal(store_complaint_done(store, "2", "bob", "unseen", false, NOW + HOUR, &failed), 0);
    assert_int_equal(store_complaint_done(store, "9", "bob", "none", false, NOW + HOUR, &failed), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM complaints WHERE state = 'done' AND person = 'ann' AND reason = 'told'"),
                     1);
    assert_int_equal(store_complaint_find(store, "1", see, NULL, &failed), 1);
    assert_true(last.closed == NOW + HOUR);
    assert_int_equal(store_complaint_find(store, "9", see, NULL, &failed), 0);
}

/* --- what the sender's node is told --- */

static char told[600];

static void see_told(void *context, const struct store_filtered *filtered)
{
    (*(int *)context)++;
    snprintf(told, sizeof told, "%.*s", (int)filtered->text.length, filtered->text.bytes);
}

/* How many; the last is in `told`. */
static int told_to(int64_t node)
{
    int count = 0;
    well(store_filtered(store, node, 0, 100, see_told, &count, &failed));
    return count;
}

static void test_the_node_is_told_once_and_once_that_it_was_none(void **unused)
{
    (void)unused;
    read_one("1", "acme", "open", NOW);
    put("UPDATE complaints SET sender = 'port:tap7'");
    assert_int_equal(store_complaint_tell(store, "1", TOLD_NOTHING, NOW, &failed), 0);
    assert_int_equal(told_to(NODE), 0);
    assert_int_equal(store_complaint_tell(store, "1", TOLD_CONFIRMED, NOW, &failed), 1);
    assert_int_equal(store_complaint_tell(store, "1", TOLD_VOUCHED, NOW, &failed), 0);
    assert_int_equal(told_to(NODE), 1);
    assert_string_equal(told, "\"kind\":\"complaint\",\"id\":\"1\",\"sender\":\"port:tap7\",\"address\":\"192.0.2.1\","
                              "\"reporter\":\"r\",\"type\":\"abuse\",\"count\":3,\"confirmed\":true,\"known\":false,"
                              "\"withdrawn\":false");
    assert_int_equal(store_complaint_done(store, "1", "ann", "a newsletter", true, NOW + HOUR, &failed), 1);
    assert_int_equal(store_complaint_done(store, "1", "ann", "again", true, NOW + HOUR, &failed), 0);
    assert_int_equal(told_to(NODE), 2);
    assert_non_null(strstr(told, "\"confirmed\":true,\"known\":false,\"withdrawn\":true"));
    assert_int_equal(ask("SELECT COUNT(*) FROM complaints WHERE told = 2 AND not_abuse = 1"), 1);
}

static void test_nobody_is_told_of_what_is_done_with_or_nobodys(void **unused)
{
    (void)unused;
    read_one("1", "acme", "open", NOW); /* several senders of one customer */
    assert_int_equal(store_complaint_tell(store, "1", TOLD_VOUCHED, NOW, &failed), 0);
    assert_int_equal(ask("SELECT told FROM complaints"), TOLD_NOTHING);
    assert_int_equal(store_complaint_done(store, "1", "ann", "none", true, NOW, &failed), 1);
    read_one("2", "acme", "open", NOW);
    put("UPDATE complaints SET sender = 'port:tap7' WHERE id = '2'");
    assert_int_equal(store_complaint_tell(store, "2", TOLD_VOUCHED, NOW, &failed), 1);
    assert_int_equal(store_complaint_done(store, "2", "ann", "blocked", false, NOW, &failed), 1); /* it was abuse */
    assert_int_equal(told_to(NODE), 1);
    assert_non_null(strstr(told, "\"known\":true,\"withdrawn\":false"));
}

/* --- how long they stay --- */

static void keep_for(duration keep, moment now)
{
    while (store_age_complaints(store, keep, now, &failed) > 0)
        ;
}

static void test_what_was_done_with_long_ago_goes_and_what_is_open_stays(void **unused)
{
    (void)unused;
    read_one("1", "acme", "open", NOW);
    read_one("2", "acme", "open", NOW);
    read_one("3", "", "done", NOW); /* a bounce */
    read_one("4", "", "unread", NOW);
    read_one("5", "acme", "double", NOW);
    assert_int_equal(store_complaint_done(store, "2", "ann", "told", false, NOW + 300 * DAY, &failed), 1);
    keep_for(365 * DAY, NOW + 365 * DAY);
    assert_int_equal(ask("SELECT COUNT(*) FROM complaints"), 5);
    keep_for(365 * DAY, NOW + 366 * DAY);
    assert_string_equal(list(0, NULL, "all", 10), "4 2 1 ");
    assert_int_equal(ask("SELECT COUNT(*) FROM complaint_contents"), 3);
    keep_for(365 * DAY, NOW + 700 * DAY);
    assert_string_equal(list(0, NULL, "all", 10), "4 1 ");
    keep_for(0, NOW + 7000 * DAY);
    assert_string_equal(list(0, NULL, "all", 10), "4 1 ");
}

static void test_a_letter_stays_while_one_of_its_complaints_is_open(void **unused)
{
    (void)unused;
    read_one("1", "acme", "done", NOW);
    put("INSERT INTO complaints SELECT '6', arrival, received, time, source, format, type, reporter, address, sender, "
        "customer, node, message_id, subject, recipient, message, tied, 'open', times, incidents, 0, '', '', note, "
        "likeness, fields, 0, 0 FROM complaints WHERE id = '1'");
    keep_for(DAY, NOW + 10 * DAY);
    assert_string_equal(list(0, NULL, "all", 10), "6 1 ");
    assert_int_equal(store_complaint_done(store, "6", "ann", "told", false, NOW + 10 * DAY, &failed), 1);
    keep_for(DAY, NOW + 12 * DAY);
    assert_string_equal(list(0, NULL, "all", 10), "");
    assert_int_equal(ask("SELECT COUNT(*) FROM complaint_contents"), 0);
}

static void see_alert(void *context, const struct store_alert_row *row)
{
    size_t length = strlen(seen);
    (void)context;
    snprintf(seen + length, sizeof seen - length, "%.*s*%d ", (int)row->name.length, row->name.bytes, (int)row->times);
}

static void raise_one(const char *name, moment now)
{
    const struct store_alert alert = {.kind = "source", .name = name, .severity = SEVERITY_TROUBLE};
    well(store_alert_raise(store, &alert, now, &failed));
}

static void test_alerts_that_stand(void **unused)
{
    (void)unused;
    raise_one("imap", NOW);
    raise_one("mbox", NOW + 1);
    raise_one("maildir", NOW + 2);
    raise_one("imap", NOW + 3);
    assert_int_equal(store_alert_resolve(store, "source", "mbox", NOW + 4, &failed), 1);
    seen[0] = '\0';
    well(store_alerts(store, 0, 10, see_alert, NULL, &failed));
    assert_string_equal(seen, "imap*2 maildir*1 ");
    seen[0] = '\0';
    well(store_alerts(store, 0, 1, see_alert, NULL, &failed));
    assert_string_equal(seen, "imap*2 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {STOCKED(test_lists),
                                       STOCKED(test_done_once),
                                       STOCKED(test_alerts_that_stand),
                                       STOCKED(test_the_node_is_told_once_and_once_that_it_was_none),
                                       STOCKED(test_nobody_is_told_of_what_is_done_with_or_nobodys),
                                       STOCKED(test_what_was_done_with_long_ago_goes_and_what_is_open_stays),
                                       STOCKED(test_a_letter_stays_while_one_of_its_complaints_is_open)};
    return ENGINES_RUN(tests);
}
