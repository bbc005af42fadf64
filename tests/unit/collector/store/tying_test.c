/* Whose doing a complaint is about: it is tied to one sender or to nobody, whatever it claims. */
#include "collector/store/tying.h"
#include "tests/unit/collector/store/stocked.h"

static struct store_tie tie;

static struct address address_of(const char *text)
{
    struct address address;
    assert_true(address_parse(text_of(text), &address));
    return address;
}

static void send_in(const char *name, const char *sender, const char *customer, const char *address, const char *id,
                    const char *body, moment when)
{
    static int64_t number;
    char sql[200];
    struct store_message message = {.node = NODE,
                                    .received = when,
                                    .time = when,
                                    .sender = text_of(sender),
                                    .customer = text_of(customer),
                                    .address = text_of(address)};
    snprintf(message.name, sizeof message.name, "%s", name);
    assert_int_equal(store_message_add(store, &message, 1, ++number, TEXT("x"), PACKING_ZSTD, &failed), 1);
    snprintf(sql, sizeof sql, "UPDATE messages SET message_id = '%s', body = '%s' WHERE name = '%s'", id, body, name);
    put(sql);
}

static int tie_to(const char *id, const char *body, const char *source, moment when)
{
    const struct address address = source ? address_of(source) : (struct address){0};
    const struct store_trail trail = {.message_id = id,
                                      .body = body,
                                      .addresses = &address,
                                      .address_count = source != NULL,
                                      .is_source = source != NULL,
                                      .time = when};
    int status = store_tie(store, &trail, NOW, &tie, &failed);
    well(status);
    return status;
}

static void is_tied(const char *how, const char *sender, const char *customer, int64_t node, const char *message)
{
    assert_string_equal(tie.tied, how);
    assert_string_equal(tie.sender, sender);
    assert_string_equal(tie.customer, customer);
    assert_int_equal(tie.node, node);
    assert_string_equal(tie.message, message);
}

static void test_by_message_id_and_by_text(void **unused)
{
    (void)unused;
    send_in("A", "port:tap1", "acme", "192.0.2.1", "a@x", "aa", NOW - HOUR);
    send_in("B", "port:tap2", "bolt", "192.0.2.2", "b@x", "bb", NOW - HOUR);
    assert_int_equal(tie_to("a@x", "", "192.0.2.1", NOW), 1);
    is_tied("message", "port:tap1", "acme", NODE, "A");
    assert_int_equal(tie.at, 1);
    assert_int_equal(tie_to("a@x", "", NULL, 0), 1);
    is_tied("message", "port:tap1", "acme", NODE, "A");
    assert_int_equal(tie.at, 0);
    assert_int_equal(tie_to("other@x", "bb", "192.0.2.2", NOW), 1); /* a redacted one */
    is_tied("text", "port:tap2", "bolt", NODE, "B");
    assert_int_equal(tie_to("a@x", "", "198.51.100.1", NOW), 1); /* through a relay */
    is_tied("message", "port:tap1", "acme", NODE, "A");
    assert_int_equal(tie.at, 0); /* or copied */
    assert_int_equal(tie_to("", "", NULL, 0), 0);
    is_tied("", "", "", 0, "");
}

/* Who copies another's Message-ID or text does not have his complaints laid at the other's door. */
static void test_an_address_says_more_than_what_can_be_copied(void **unused)
{
    (void)unused;
    send_in("A", "port:tap1", "acme", "192.0.2.1", "a@x", "aa", NOW - HOUR);
    send_in("B", "port:tap2", "bolt", "192.0.2.2", "b@x", "bb", NOW - HOUR);
    assert_int_equal(tie_to("a@x", "aa", "192.0.2.2", NOW), 1);
    is_tied("address", "port:tap2", "bolt", NODE, "");
    send_in("C", "port:tap2", "bolt", "192.0.2.2", "a@x", "cc", NOW - MINUTE);
    assert_int_equal(tie_to("a@x", "", "192.0.2.1", NOW), 1);
    is_tied("message", "port:tap1", "acme", NODE, "A");
    assert_int_equal(tie_to("a@x", "", NULL, NOW), 0); /* both sent it */
    is_tied("", "", "", 0, "");
}

static void test_who_had_the_address_then(void **unused)
{
    (void)unused;
    send_in("A", "port:tap1", "acme", "192.0.2.1", "", "", NOW - 40 * DAY);
    send_in("B", "port:tap2", "bolt", "192.0.2.1", "", "", NOW - HOUR);
    assert_int_equal(tie_to("", "", "192.0.2.1", NOW - 39 * DAY), 1);
    is_tied("address", "port:tap1", "acme", NODE, "");
    assert_int_equal(tie_to("", "", "192.0.2.1", NOW), 1);
    is_tied("address", "port:tap2", "bolt", NODE, "");
    assert_int_equal(tie_to("", "", "192.0.2.1", NOW - 20 * DAY), 0); /* nobody knows */
}

static void test_several_accounts_behind_one_address(void **unused)
{
    (void)unused;
    send_in("A", "account:ann", "acme", "192.0.2.1", "", "", NOW - HOUR);
    send_in("B", "account:bob", "acme", "192.0.2.1", "", "", NOW - HOUR);
    assert_int_equal(tie_to("", "", "192.0.2.1", NOW), 1);
    is_tied("address", "", "acme", NODE, ""); /* whose, and not more */
    send_in("C", "account:cid", "", "192.0.2.1", "", "", NOW - HOUR);
    assert_int_equal(tie_to("", "", "192.0.2.1", NOW), 0);
}

/* Of a host's users only the new ones are looked at: whose mail was is not whose fault it is. */
static void test_a_host_has_other_users(void **unused)
{
    (void)unused;
    send_in("A", "uid:1001", "acme", "192.0.2.1", "a@x", "", NOW - HOUR);
    assert_int_equal(tie_to("", "", "192.0.2.1", NOW), 1);
    is_tied("address", "uid:1001", "acme", NODE, "");
    put("INSERT INTO senders (node, sender, customer, verdict, score, changed, address) VALUES "
        "(7, 'uid:1001', 'acme', '', 0, 1, '192.0.2.1'), (7, 'account:a@acme.example', 'acme', '', 0, 1, '192.0.2.1')");
    assert_int_equal(tie_to("", "", "192.0.2.1", NOW), 1);
    is_tied("address", "", "acme", NODE, "");
    put("INSERT INTO senders (node, sender, customer, verdict, score, changed, address) VALUES "
        "(7, 'uid:1002', 'bolt', '', 0, 1, '192.0.2.1')");
    assert_int_equal(tie_to("", "", "192.0.2.1", NOW), 0);
    assert_int_equal(tie_to("a@x", "", "192.0.2.1", NOW), 1); /* the very message */
    is_tied("message", "uid:1001", "acme", NODE, "A");
    /* A guest's port has its address to itself: who had it before is another matter. */
    send_in("B", "port:tap1", "acme", "192.0.2.7", "", "", NOW - HOUR);
    put("INSERT INTO senders (node, sender, customer, verdict, score, changed, address) VALUES "
        "(7, 'port:tap9', 'bolt', '', 0, 1, '192.0.2.7')");
    assert_int_equal(tie_to("", "", "192.0.2.7", NOW), 1);
    is_tied("address", "port:tap1", "acme", NODE, "");
}

static void test_who_has_the_address_now(void **unused)
{
    (void)unused;
    put("INSERT INTO senders (node, sender, customer, verdict, score, changed, address) VALUES "
        "(7, 'port:tap1', 'acme', 'clear', 0, 1, '192.0.2.1'), (8, '192.0.2.2', 'bolt', 'clear', 0, 1, ''), "
        "(8, '2001:db8:1:2::/64', 'cord', 'clear', 0, 1, '')");
    put("INSERT INTO orders (node, sender, customer, deed, author, reason, rate, since, until, address, standing) "
        "VALUES (8, 'port:tap3', 'dune', 'block', '', '', 0, 1, 1900000000000000000, '192.0.2.3', '192.0.2.3')");
    assert_int_equal(tie_to("", "", "192.0.2.1", NOW - HOUR), 1);
    is_tied("address", "port:tap1", "acme", NODE, "");
    assert_int_equal(tie_to("", "", "192.0.2.1", NOW - 8 * DAY), 0); /* it may have been another's */
    assert_int_equal(tie_to("", "", "192.0.2.2", 0), 1);
    is_tied("address", "192.0.2.2", "bolt", OTHER, "");
    assert_int_equal(tie_to("", "", "2001:db8:1:2::5", NOW), 1);
    is_tied("address", "2001:db8:1:2::/64", "cord", OTHER, "");
    assert_int_equal(tie_to("", "", "2001:db8:1::/48", NOW), 0); /* more than one customer's */
    assert_int_equal(tie_to("", "", "192.0.2.3", NOW), 1);
    is_tied("address", "port:tap3", "dune", OTHER, "");
    assert_int_equal(tie_to("", "", "203.0.113.9", NOW), 0);
}

static void test_hosts_that_may_have_sent_it(void **unused)
{
    (void)unused;
    put("INSERT INTO senders (node, sender, customer, verdict, score, changed, address) VALUES "
        "(7, 'port:tap1', 'acme', 'clear', 0, 1, '192.0.2.1'), (7, 'port:tap2', 'bolt', 'clear', 0, 1, '192.0.2.2')");
    const struct address hops[] = {address_of("203.0.113.1"), address_of("192.0.2.2"), address_of("192.0.2.1")};
    const struct store_trail trail = {.message_id = "", .body = "", .addresses = hops, .address_count = 3};
    assert_int_equal(store_tie(store, &trail, NOW, &tie, &failed), 1);
    is_tied("address", "port:tap2", "bolt", NODE, ""); /* the last one that is ours: what is below may be made up */
    assert_int_equal(tie.at, 0);
    send_in("A", "port:tap1", "acme", "192.0.2.1", "a@x", "", NOW - HOUR);
    const struct store_trail message = {.message_id = "a@x", .body = "", .addresses = hops, .address_count = 3};
    assert_int_equal(store_tie(store, &message, NOW, &tie, &failed), 1);
    is_tied("message", "port:tap1", "acme", NODE, "A");
    assert_int_equal(tie.at, 3);
}

/* On two nodes two customers' ports may have one name. */
static void test_one_name_on_several_nodes(void **unused)
{
    (void)unused;
    put("INSERT INTO senders (node, sender, customer, verdict, score, changed, address) VALUES "
        "(7, 'port:tap1', 'acme', 'clear', 0, 1, '192.0.2.1'), (8, 'port:tap1', 'bolt', 'clear', 0, 1, '192.0.2.1'), "
        "(7, 'port:tap2', 'acme', 'clear', 0, 1, '192.0.2.2'), (8, 'port:tap2', '', 'clear', 0, 1, '192.0.2.2'), "
        "(7, 'port:tap3', 'acme', 'clear', 0, 1, '192.0.2.3'), (8, 'port:tap3', 'acme', 'clear', 0, 1, '192.0.2.3')");
    assert_int_equal(tie_to("", "", "192.0.2.1", NOW), 0);
    is_tied("", "", "", 0, "");
    assert_int_equal(tie_to("", "", "192.0.2.2", NOW), 0);
    is_tied("", "", "", 0, "");
    assert_int_equal(tie_to("", "", "192.0.2.3", NOW), 1); /* it has moved */
    is_tied("address", "port:tap3", "acme", 0, "");
}

/* What several sent from the address that is named is not laid at the door of one who sent the like from another. */
static void test_what_several_may_have_sent_is_not_anothers(void **unused)
{
    (void)unused;
    send_in("A", "port:tap1", "acme", "192.0.2.1", "", "", NOW - HOUR);
    send_in("B", "port:tap2", "bolt", "192.0.2.1", "", "", NOW - HOUR);
    send_in("C", "port:tap3", "cord", "192.0.2.3", "c@x", "cc", NOW - HOUR);
    assert_int_equal(tie_to("c@x", "cc", "192.0.2.1", NOW), 0);
    is_tied("", "", "", 0, "");
}

/* Nor is everybody's doing that of who sent the most of late. */
static void test_much_does_not_hide_the_rest(void **unused)
{
    (void)unused;
    send_in("A", "port:tap1", "acme", "192.0.2.1", "a@x", "aa", NOW - 2 * HOUR);
    for (int i = 0; i < 250; i++) {
        char name[16];
        snprintf(name, sizeof name, "B%d", i);
        send_in(name, "port:tap2", "bolt", "192.0.2.1", "a@x", "aa", NOW - HOUR + i * SECOND);
    }
    assert_int_equal(tie_to("", "", "192.0.2.1", NOW), 0);
    assert_int_equal(tie_to("a@x", "", NULL, NOW), 0);
    assert_int_equal(tie_to("", "aa", NULL, NOW), 0);
    is_tied("", "", "", 0, "");
}

/* Every machine is 127.0.0.1 to itself. */
static void test_an_address_that_everybody_has_names_nobody(void **unused)
{
    (void)unused;
    send_in("A", "port:tap1", "acme", "127.0.0.1", "a@x", "", NOW - HOUR);
    assert_int_equal(tie_to("", "", "127.0.0.1", NOW), 0);
    assert_int_equal(tie_to("a@x", "", "127.0.0.1", NOW), 1);
    is_tied("message", "port:tap1", "acme", NODE, "A");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOCKED(test_one_name_on_several_nodes),   STOCKED(test_what_several_may_have_sent_is_not_anothers),
        STOCKED(test_much_does_not_hide_the_rest), STOCKED(test_an_address_that_everybody_has_names_nobody),
        STOCKED(test_by_message_id_and_by_text),   STOCKED(test_an_address_says_more_than_what_can_be_copied),
        STOCKED(test_who_had_the_address_then),    STOCKED(test_several_accounts_behind_one_address),
        STOCKED(test_who_has_the_address_now),     STOCKED(test_hosts_that_may_have_sent_it),
        STOCKED(test_a_host_has_other_users),
    };
    return ENGINES_RUN(tests);
}
