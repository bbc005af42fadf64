/* The reckoning: what several nodes' bodies, points and orders come to, and what a node that lies cannot do. */
#include "collector/store/reckon.h"
#include "tests/unit/collector/store/stocked.h"

#define THIRD 9
#define TEXT1 "0001000200030004000500060007000800090010001100120013001400150016"
#define NEAR1 "00010002000300040005000600070008000900100011ffffffffffffffffffff" /* eleven of sixteen */
#define FAR1  "000100020003000400050006ffffffffffffffffffffffffffffffffffffffff" /* six of sixteen */
#define NEXT1 "00010002000300040005000600070008aaaa0010001100120013001400150016"

static struct store_reckoner reckoner;
static int64_t sequence;
static moment clock_now;
static char heard[4096];
static int64_t number, rate;

static int begin(void **unused)
{
    reckoner = (struct store_reckoner){.holder = 1};
    sequence = number = 0;
    rate = 30;
    clock_now = NOW;
    int failure = stocked_begin(unused);
    put("INSERT INTO nodes (node, name, version, key_hash, enrolled, seen, revoked, spooled, acknowledged) VALUES "
        "(9, 'hv9', '0.1.0', 'h9', 1, 1, 0, 0, 0)");
    return failure;
}
#define RECKONED(name) cmocka_unit_test_setup_teardown(name, begin, stocked_end)

static void deliver(int64_t node, struct store_record record)
{
    record.sequence = ++sequence;
    record.time = clock_now;
    record.line = TEXT("{}");
    well(store_deliver(store, node, 1, sequence, &record, 1, clock_now, &failed));
}

static struct store_record body_record(const char *sender, const char *customer, const char *likeness,
                                       int64_t recipients)
{
    return (struct store_record){.kind = TEXT("body"),
                                 .sender = text_of(sender),
                                 .customer = text_of(customer),
                                 .said = STORE_BODY,
                                 .body = {clock_now, text_of(likeness), 3, recipients, recipients, false}};
}

static void body(int64_t node, const char *sender, const char *customer, const char *likeness, int64_t recipients)
{
    deliver(node, body_record(sender, customer, likeness, recipients));
}

static void known_body(int64_t node, const char *sender, const char *customer)
{
    struct store_record record = body_record(sender, customer, TEXT1, 100);
    record.body.known = true;
    deliver(node, record);
}

static void points(int64_t node, const char *sender, const char *customer, int64_t hundredths)
{
    deliver(node, (struct store_record){.kind = TEXT("points"),
                                        .sender = text_of(sender),
                                        .customer = text_of(customer),
                                        .said = STORE_POINTS,
                                        .points = {clock_now, hundredths, hundredths}});
}

static void order(int64_t node, const char *sender, const char *address, const char *deed, moment until)
{
    deliver(node, (struct store_record){.kind = TEXT("order"),
                                        .sender = text_of(sender),
                                        .customer = TEXT("acme"),
                                        .address = text_of(address),
                                        .said = STORE_ORDER,
                                        .order = {text_of(deed), TEXT("judge"), TEXT("why"), until, rate}});
}

static void add(void *context, const struct store_news *news)
{
    size_t length = strlen(heard);
    (void)context;
    assert_true(news->number > number);
    number = news->number;
    snprintf(heard + length, sizeof heard - length, "%.*s\n", (int)news->text.length, news->text.bytes);
}

/* Rounds until nothing is left; what they told. */
static const char *reckon(void)
{
    heard[0] = '\0';
    for (int i = 0; i < 50 && store_reckon_wanted(store, &reckoner, clock_now, &failed) == 1; i++)
        well(store_reckon(store, &reckoner, clock_now, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM heard"), 0);
    well(store_news(store, number, true, 100, add, NULL, &failed));
    return heard;
}

static void told(const char *words)
{
    const char *text = reckon();
    if (strstr(text, words) == NULL)
        fail_msg("told \"%s\" and not %s", text, words);
}

static void nothing(void)
{
    assert_string_equal(reckon(), "");
}

static void a_body_of_two_customers_on_two_nodes_is_a_campaign(void **unused)
{
    (void)unused;
    body(NODE, "tap1", "acme", TEXT1, 40);
    nothing();
    body(OTHER, "tap2", "acme", NEAR1, 50);
    nothing();
    body(NODE, "tap3", "baker", TEXT1, 60);
    told("\"kind\":\"campaign\",\"likeness\":\"" TEXT1
         "\",\"customers\":2,\"senders\":3,\"nodes\":2,\"recipients\":150,"
         "\"first\":\"2027-01-15T08:00:00.000000Z\",\"until\":\"2027-01-15T14:00:00.000000Z\"");
}

static void less_in_common_is_another_body(void **unused)
{
    (void)unused;
    body(NODE, "tap1", "acme", TEXT1, 40);
    body(OTHER, "tap2", "baker", FAR1, 50);
    nothing();
    assert_int_equal(ask("SELECT COUNT(*) FROM bodies"), 2);
}

static void one_node_alone_makes_none(void **unused)
{
    (void)unused;
    for (int i = 0; i < 20; i++) {
        char sender[16];
        snprintf(sender, sizeof sender, "tap%d", i);
        body(NODE, sender, sender, TEXT1, 1000);
    }
    nothing();
    assert_int_equal(ask("SELECT COUNT(*) FROM body_senders"), 8);
    body(OTHER, "tap1", "acme", TEXT1, 40);
    told("\"customers\":4,\"senders\":4,\"nodes\":2,\"recipients\":3040"); /* three of the first node's */
}

static void who_has_no_customer_counts_as_one_of_its_own(void **unused)
{
    (void)unused;
    body(NODE, "account:alice", "", TEXT1, 40);
    body(OTHER, "account:alice", "", TEXT1, 40);
    nothing();
    body(OTHER, "account:bob", "", TEXT1, 40);
    told("\"customers\":2,\"senders\":3");
}

static void one_with_many_machines_does_not_stand_before_others(void **unused)
{
    (void)unused;
    body(NODE, "tap1", "acme", TEXT1, 100);
    body(NODE, "tap2", "acme", TEXT1, 90);
    body(NODE, "tap3", "acme", TEXT1, 80);
    body(NODE, "tap4", "baker", TEXT1, 40);
    body(OTHER, "tap1", "acme", TEXT1, 100);
    told("\"customers\":2,\"senders\":4,\"nodes\":2,\"recipients\":330,");
}

static void it_is_told_again_when_it_grew(void **unused)
{
    (void)unused;
    body(NODE, "tap1", "acme", TEXT1, 300);
    body(OTHER, "tap2", "baker", TEXT1, 300);
    told("\"recipients\":600");
    body(OTHER, "tap2", "baker", NEXT1, 400);
    nothing();
    body(OTHER, "tap2", "baker", TEXT1, 500);
    told("\"recipients\":800");
    body(THIRD, "tap3", "acme", TEXT1, 1);
    told("\"nodes\":3");
    clock_now += 4 * HOUR; /* its end comes near */
    body(OTHER, "tap2", "baker", TEXT1, 10);
    told("\"until\":\"2027-01-15T18:00:00.000000Z\"");
    assert_int_equal(ask("SELECT COUNT(*) FROM news"), 1);
}

static void letters_with_a_past_are_none(void **unused)
{
    (void)unused;
    known_body(NODE, "tap1", "acme");
    known_body(OTHER, "tap2", "baker");
    nothing();
    body(NODE, "tap3", "carol", TEXT1, 40);
    body(OTHER, "tap4", "dave", TEXT1, 40);
    nothing();
    body(THIRD, "tap5", "erin", TEXT1, 40);
    told("\"customers\":3");
}

static void a_clock_that_is_wrong_counts_for_nothing(void **unused)
{
    (void)unused;
    struct store_record late = body_record("tap1", "acme", TEXT1, 40), early = body_record("tap1", "acme", TEXT1, 40);
    late.body.told = clock_now + 6 * MINUTE;
    early.body.told = clock_now - 6 * MINUTE;
    deliver(NODE, late);
    deliver(NODE, early);
    body(OTHER, "tap2", "baker", TEXT1, 40);
    nothing();
    assert_int_equal(ask("SELECT COUNT(*) FROM body_senders"), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM records"), 3);
}

static void a_node_cannot_fill_it(void **unused)
{
    (void)unused;
    static struct store_record many[6000];
    static char texts[6000][65];
    for (int i = 0; i < 6000; i++) {
        for (int part = 0; part < 16; part++)
            snprintf(texts[i] + 4 * part, 5, "%04x", (unsigned)(i + 1));
        many[i] = body_record("tap1", "acme", texts[i], 40);
        many[i].sequence = i + 1;
        many[i].line = TEXT("{}");
    }
    well(store_deliver(store, NODE, 1, 6000, many, 6000, clock_now, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM heard"), 5000);
    nothing();
    assert_int_equal(ask("SELECT COUNT(*) FROM bodies"), 2000);
    sequence = 6000;
    body(OTHER, "tap2", "baker", TEXT1, 40);
    nothing();
    assert_int_equal(ask("SELECT COUNT(*) FROM bodies"), 2001);
}

static void points_of_two_nodes_reach_all(void **unused)
{
    (void)unused;
    points(NODE, "tap1", "acme", 400);
    points(NODE, "tap2", "acme", 250);
    nothing(); /* one node alone moves nobody */
    points(OTHER, "tap1", "acme", 150);
    told("\"kind\":\"customer\",\"customer\":\"acme\",\"nodes\":[{\"node\":\"0000000000000007\",\"points\":6.50,"
         "\"senders\":2},{\"node\":\"0000000000000008\",\"points\":1.50,\"senders\":1}],"
         "\"until\":\"2027-01-15T10:00:00.000000Z\"");
    points(OTHER, "tap1", "acme", 240);
    nothing(); /* not a point more */
    points(OTHER, "tap1", "acme", 260);
    told("\"points\":2.60");
    points(OTHER, "tap1", "acme", 0);
    told("\"customer\":\"acme\",\"nodes\":[],");
    points(OTHER, "tap1", "acme", 0);
    nothing();
}

static void those_who_have_much_are_told_without_those_who_have_little(void **unused)
{
    (void)unused;
    points(NODE, "tap1", "acme", 1200);
    points(NODE, "tap2", "acme", 300);
    points(NODE, "tap3", "acme", 50);
    points(OTHER, "tap1", "acme", 99); /* less than a point is nothing */
    nothing();
    points(OTHER, "tap1", "acme", 100);
    told("\"points\":12.00,\"senders\":1},");
}

static void points_lapse_where_nobody_says_them_again(void **unused)
{
    (void)unused;
    points(NODE, "tap1", "acme", 400);
    points(OTHER, "tap1", "acme", 400);
    told("\"points\":4.00");
    clock_now += 100 * MINUTE;
    told("\"until\":\"2027-01-15T11:40:00.000000Z\""); /* by itself */
    clock_now += 100 * MINUTE;
    told("\"nodes\":[],");
    clock_now += DAY;
    nothing();
}

static void one_node_says_no_more_than_a_hundred(void **unused)
{
    (void)unused;
    for (int i = 0; i < 30; i++) {
        char sender[16];
        snprintf(sender, sizeof sender, "tap%d", i);
        points(NODE, sender, "acme", STORE_POINTS_MOST);
    }
    points(OTHER, "tap1", "acme", 100);
    told("\"points\":100.00,\"senders\":30}");
}

static void the_hardest_order_stands_for_relays(void **unused)
{
    (void)unused;
    order(NODE, "port:tap1", "192.0.2.1", "throttle", NOW + HOUR);
    told("\"kind\":\"standing\",\"sender\":\"192.0.2.1\",\"customer\":\"acme\",\"order\":\"throttle\",\"rate\":30,"
         "\"until\":\"2027-01-15T09:00:00.000000Z\",\"reason\":\"why\",\"by\":\"judge\",\"node\":\"hv7\"");
    order(OTHER, "192.0.2.1", "", "block", NOW + 30 * MINUTE);
    told("\"order\":\"block\"");
    order(NODE, "port:tap1", "192.0.2.1", "throttle", NOW + HOUR);
    nothing();
    clock_now += 31 * MINUTE; /* the block has ended */
    told("\"order\":\"throttle\"");
    order(NODE, "port:tap1", "192.0.2.2", "throttle", NOW + HOUR); /* it uses another address now */
    const char *both = reckon();
    assert_non_null(strstr(both, "\"sender\":\"192.0.2.1\",\"customer\":\"\",\"order\":\"release\""));
    assert_non_null(strstr(both, "\"sender\":\"192.0.2.2\",\"customer\":\"acme\",\"order\":\"throttle\""));
    order(NODE, "port:tap1", "", "release", 0);
    told("\"sender\":\"192.0.2.2\",\"customer\":\"\",\"order\":\"release\",\"rate\":0,\"until\":\"2027-01-15T09:00:00."
         "000000Z\"");
    clock_now += DAY;
    nothing();
}

static void what_others_cannot_know_does_not_stand(void **unused)
{
    (void)unused;
    order(NODE, "port:tap1", "", "block", NOW + HOUR);
    order(NODE, "uid:33", "", "block", NOW + HOUR);
    nothing();
    order(NODE, "account:alice", "", "block", NOW + HOUR);
    told("\"sender\":\"account:alice\"");
    order(NODE, "2001:db8::/64", "", "block", NOW + HOUR);
    told("\"sender\":\"2001:db8::/64\"");
}

static void one_node_shuts_out_no_customer_and_lets_nobody_in(void **unused)
{
    (void)unused;
    order(NODE, "customer:acme", "", "block", NOW + HOUR);
    order(NODE, "192.0.2.1", "", "allow", NOW + HOUR);
    nothing();
    order(OTHER, "customer:acme", "", "block", NOW + 2 * HOUR);
    told("\"sender\":\"customer:acme\",\"customer\":\"acme\",\"order\":\"block\"");
    order(NODE, "customer:baker", "", "block", NOW + HOUR);
    nothing();
    const struct store_directive directive = {.time = NOW,
                                              .until = NOW + HOUR,
                                              .deed = TEXT("block"),
                                              .sender = TEXT("customer:baker"),
                                              .reason = TEXT("asked to"),
                                              .person = TEXT("anna")};
    int64_t revision;
    well(store_directive_add(store, &directive, &revision, &failed));
    order(NODE, "customer:baker", "", "block", NOW + HOUR);
    told("\"sender\":\"customer:baker\"");
}

static void what_a_person_ordered_for_all_stands(void **unused)
{
    (void)unused;
    int64_t revision;
    const struct store_directive allow = {.time = NOW, .deed = TEXT("allow"), .sender = TEXT("192.0.2.1")};
    well(store_directive_add(store, &allow, &revision, &failed));
    order(NODE, "192.0.2.1", "", "block", NOW + HOUR);
    told("\"order\":\"block\"");
    order(OTHER, "192.0.2.1", "", "allow", NOW + HOUR);
    told("\"order\":\"allow\"");
}

static void a_node_that_tells_its_orders_anew_or_is_revoked_takes_them_back(void **unused)
{
    (void)unused;
    order(NODE, "192.0.2.1", "", "block", NOW + HOUR);
    order(OTHER, "192.0.2.2", "", "block", NOW + 400 * DAY);
    points(NODE, "tap1", "acme", 400);
    points(OTHER, "tap1", "acme", 400);
    told("\"until\":\"2027-01-22T00:00:00.000000Z\""); /* not for a year, on one node's word */
    deliver(NODE, (struct store_record){.kind = TEXT("orders"), .said = STORE_ORDERS});
    told("\"sender\":\"192.0.2.1\",\"customer\":\"\",\"order\":\"release\"");
    assert_int_equal(store_node_revoke(store, OTHER, clock_now, &failed), 1);
    const char *both = reckon();
    assert_non_null(strstr(both, "\"sender\":\"192.0.2.2\",\"customer\":\"\",\"order\":\"release\""));
    assert_non_null(strstr(both, "\"customer\":\"acme\",\"nodes\":[],"));
}

static void a_milder_order_does_not_lift_a_harder_one(void **unused)
{
    (void)unused;
    order(NODE, "192.0.2.1", "", "throttle", NOW + HOUR);
    told("\"rate\":30,");
    rate = 1000000;
    order(OTHER, "192.0.2.1", "", "throttle", NOW + DAY);
    nothing();
    rate = 5;
    order(THIRD, "192.0.2.1", "", "throttle", NOW + MINUTE);
    told("\"rate\":5,\"until\":\"2027-01-15T08:01:00.000000Z\"");
    clock_now = NOW + MINUTE;
    told("\"rate\":30,\"until\":\"2027-01-15T09:00:00.000000Z\"");
}

static void a_long_order_is_told_on_before_relays_let_go_of_it(void **unused)
{
    (void)unused;
    order(NODE, "192.0.2.1", "", "block", NOW + 30 * DAY);
    told("\"until\":\"2027-01-22T00:00:00.000000Z\"");
    clock_now = NOW + 6 * DAY; /* 8 o'clock on the 21st */
    told("\"until\":\"2027-01-28T00:00:00.000000Z\"");
}

static void what_is_due_stays_while_nobody_reckons(void **unused)
{
    (void)unused;
    const struct store_retention keep = {
        .records = DAY, .minutes = HOUR, .hours = 20 * DAY, .days = 30 * DAY, .audit = 30 * DAY};
    order(NODE, "192.0.2.1", "", "block", NOW + 30 * DAY);
    told("\"until\":\"2027-01-22T00:00:00.000000Z\"");
    clock_now = NOW + 10 * DAY;
    for (int day = 0; day < 11; day++) /* a clock is not believed at once */
        for (int hour = 0; hour < 24; hour++)
            well(store_tidy(store, &keep, NOW + day * DAY + hour * HOUR, &failed));
    told("\"until\":\"2027-02-01T00:00:00.000000Z\"");
}

static void one_reckons_at_a_time_and_is_followed(void **unused)
{
    (void)unused;
    struct store_reckoner second = {.holder = 2};
    body(NODE, "tap1", "acme", TEXT1, 40);
    assert_int_equal(store_reckon_wanted(store, &second, clock_now, &failed), 1);
    well(store_reckon(store, &reckoner, clock_now, &failed));
    assert_int_equal(store_reckon_wanted(store, &reckoner, clock_now, &failed), 0);
    body(OTHER, "tap2", "baker", TEXT1, 40);
    assert_int_equal(store_reckon_wanted(store, &second, clock_now + SECOND, &failed), 0);
    assert_int_equal(store_reckon(store, &second, clock_now + SECOND, &failed), -EAGAIN);
    assert_int_equal(store_reckon_wanted(store, &second, clock_now + RECKON_LEASE, &failed), 1);
    assert_int_equal(store_reckon(store, &second, clock_now + RECKON_LEASE, &failed), 1);
    int64_t highest;
    well(store_news_highest(store, &highest, &failed));
    assert_int_equal(highest, (clock_now + RECKON_LEASE) / MILLISECOND);
    body(NODE, "tap1", "acme", TEXT1, 40); /* the clock of the second was ahead by a day, and it is gone */
    put("UPDATE reckoning SET until = until + 86400000000000");
    assert_int_equal(store_reckon_wanted(store, &reckoner, clock_now, &failed), 1);
}

static void what_is_over_leaves_the_store(void **unused)
{
    (void)unused;
    const struct store_retention keep = {
        .records = DAY, .minutes = HOUR, .hours = 2 * DAY, .days = 3 * DAY, .audit = 3 * DAY};
    body(NODE, "tap1", "acme", TEXT1, 40);
    body(OTHER, "tap2", "baker", TEXT1, 40);
    body(OTHER, "tap3", "baker", FAR1, 40);
    points(NODE, "tap1", "acme", 400);
    points(OTHER, "tap1", "acme", 400);
    order(NODE, "192.0.2.1", "", "block", NOW + HOUR);
    told("campaign");
    well(store_tidy(store, &keep, NOW, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM bodies"), 2);
    assert_int_equal(ask("SELECT COUNT(*) FROM news"), 3);
    well(store_tidy(store, &keep, NOW + HOUR, &failed));
    well(store_tidy(store, &keep, NOW + 2 * HOUR, &failed));
    clock_now = NOW + 2 * HOUR + MINUTE;
    well(store_tidy(store, &keep, clock_now, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM bodies"), 1); /* that is a campaign */
    assert_int_equal(ask("SELECT COUNT(*) FROM body_parts"), 8);
    assert_int_equal(ask("SELECT COUNT(*) FROM points"), 0);
    reckon();
    for (int hour = 3; hour < 9; hour++)
        well(store_tidy(store, &keep, NOW + hour * HOUR, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM bodies"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM body_parts"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM body_senders"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM news"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM points_told"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECKONED(a_body_of_two_customers_on_two_nodes_is_a_campaign),
        RECKONED(less_in_common_is_another_body),
        RECKONED(one_node_alone_makes_none),
        RECKONED(who_has_no_customer_counts_as_one_of_its_own),
        RECKONED(one_with_many_machines_does_not_stand_before_others),
        RECKONED(it_is_told_again_when_it_grew),
        RECKONED(letters_with_a_past_are_none),
        RECKONED(a_clock_that_is_wrong_counts_for_nothing),
        RECKONED(a_node_cannot_fill_it),
        RECKONED(points_of_two_nodes_reach_all),
        RECKONED(those_who_have_much_are_told_without_those_who_have_little),
        RECKONED(points_lapse_where_nobody_says_them_again),
        RECKONED(one_node_says_no_more_than_a_hundred),
        RECKONED(the_hardest_order_stands_for_relays),
        RECKONED(what_others_cannot_know_does_not_stand),
        RECKONED(one_node_shuts_out_no_customer_and_lets_nobody_in),
        RECKONED(what_a_person_ordered_for_all_stands),
        RECKONED(a_node_that_tells_its_orders_anew_or_is_revoked_takes_them_back),
        RECKONED(a_milder_order_does_not_lift_a_harder_one),
        RECKONED(a_long_order_is_told_on_before_relays_let_go_of_it),
        RECKONED(what_is_due_stays_while_nobody_reckons),
        RECKONED(one_reckons_at_a_time_and_is_followed),
        RECKONED(what_is_over_leaves_the_store),
    };
    return ENGINES_RUN(tests);
}
