/* Own names: in one hand at a time, whoever dies; and what lists say of them, each time on record. */
#include "collector/store/listings.h"
#include "collector/store/watched.h"
#include "tests/unit/collector/store/stocked.h"

#define ME   11
#define HIM  22
#define HELD (5 * MINUTE)

static char seen[600];

static void see(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void see(const char *format, ...)
{
    size_t length = strlen(seen);
    va_list words;
    va_start(words, format);
    vsnprintf(seen + length, sizeof seen - length, format, words);
    va_end(words);
}

static const char *what_was_seen(void)
{
    static char result[sizeof seen];
    strcpy(result, seen);
    seen[0] = '\0';
    return result;
}

/* --- what is watched --- */

static void watch(const char *name, const char *origin, moment when, moment now)
{
    const struct store_watched watched = {
        .name = name, .origin = origin, .is_domain = strchr(name, 'x'), .seen = when, .until = now + DAY};
    well(store_watch(store, &watched, HOUR, now, &failed));
}

static struct store_claim claims[8];

static const char *claim(int64_t holder, moment now, uint32_t most)
{
    int count = store_watch_claim(store, holder, now, now + HELD, most, claims, &failed);
    well(count);
    for (int i = 0; i < count; i++)
        see("%s ", claims[i].name);
    return what_was_seen();
}

static int done(int64_t holder, const struct store_claim *which, moment due, moment now)
{
    const struct store_watch_end end = {.due = due, .clean = 3, .unknown = 1};
    int status = store_watch_done(store, holder, which, &end, now, &failed);
    well(status);
    return status;
}

/* What was said and could not be kept is remembered, and would not be said again: it is to be asked for anew. */
static void test_what_was_lost_is_asked_anew(void **unused)
{
    (void)unused;
    const struct store_watch_end lost = {.due = NOW + MINUTE, .is_lost = true};
    watch("192.0.2.1", "own", 0, NOW);
    claim(1, NOW, 8);
    assert_true(claims[0].wanted == 0);
    assert_int_equal(store_watch_done(store, 1, &claims[0], &lost, NOW, &failed), 1);
    assert_string_equal(claim(1, NOW + MINUTE, 8), "192.0.2.1 ");
    assert_true(claims[0].wanted < 0);
    assert_int_equal(done(1, &claims[0], NOW + HOUR, NOW + MINUTE), 1);
    well(store_watch_want(store, "192.0.2.1", false, NOW + DAY, NOW + MINUTE, &failed));
    claim(1, NOW + MINUTE, 8);
    assert_int_equal(store_watch_done(store, 1, &claims[0], &lost, NOW + MINUTE, &failed), 1);
    claim(1, NOW + HOUR, 8);
    assert_true(claims[0].wanted == NOW + MINUTE); /* he waits still */
}

static void test_in_one_hand(void **unused)
{
    (void)unused;
    watch("192.0.2.1", "own", 0, NOW);
    watch("192.0.2.2", "sender", NOW, NOW + 1);
    watch("example.org", "own", 0, NOW + 2);
    assert_int_equal(store_watch_waits(store, NOW - 1, &failed), 0);
    assert_int_equal(store_watch_waits(store, NOW, &failed), 1);
    assert_string_equal(claim(ME, NOW + 2, 2), "192.0.2.1 192.0.2.2 ");
    assert_true(claims[1].seen == NOW && strcmp(claims[1].origin, "sender") == 0 && !claims[1].is_domain);
    assert_string_equal(claim(HIM, NOW + 2, 8), "example.org ");
    assert_true(claims[0].is_domain);
    assert_string_equal(claim(HIM, NOW + 3, 8), "");
    /* One of us is heard of, the other is not. */
    well(store_watch_hold(store, ME, NOW + 2 * HELD, &failed));
    assert_string_equal(claim(ME, NOW + HELD + 2, 8), "example.org ");
    assert_int_equal(done(HIM, &claims[0], NOW + HOUR, NOW + HELD), 0);
    assert_int_equal(done(ME, &claims[0], NOW + HOUR, NOW + HELD), 1);
    assert_int_equal(ask("SELECT clean * 10 + unknown FROM watched WHERE name = 'example.org'"), 31);
    assert_string_equal(claim(ME, NOW + HOUR - 1, 8), "192.0.2.1 192.0.2.2 ");
}

static void test_given_back(void **unused)
{
    (void)unused;
    watch("192.0.2.1", "own", 0, NOW);
    watch("192.0.2.2", "own", 0, NOW);
    assert_string_equal(claim(ME, NOW, 1), "192.0.2.1 ");
    assert_string_equal(claim(HIM, NOW, 1), "192.0.2.2 ");
    well(store_watch_give_back(store, ME, NULL, NOW, &failed));
    assert_string_equal(claim(HIM, NOW, 8), "192.0.2.1 ");
    well(store_watch_give_back(store, HIM, "192.0.2.2", NOW, &failed));
    assert_string_equal(claim(ME, NOW, 8), "192.0.2.2 ");
    well(store_watch_give_back(store, 0, NULL, NOW, &failed)); /* who begins alone */
    assert_string_equal(claim(ME, NOW, 8), "192.0.2.1 192.0.2.2 ");
}

static void test_a_person_waits(void **unused)
{
    (void)unused;
    watch("192.0.2.1", "own", 0, NOW);
    assert_string_equal(claim(ME, NOW, 8), "192.0.2.1 ");
    const struct store_claim before = claims[0];
    well(store_watch_want(store, "192.0.2.1", false, NOW + DAY, NOW + 5, &failed));
    well(store_watch_want(store, "198.51.100.9", false, NOW + DAY, NOW + 5, &failed));
    assert_string_equal(claim(ME, NOW + 5, 8), "192.0.2.1 198.51.100.9 ");
    assert_string_equal(claims[0].origin, "own");
    assert_string_equal(claims[1].origin, "person");
    assert_int_equal(done(ME, &before, NOW + HOUR, NOW + 6), 0); /* what was asked before is no answer to it */
    assert_int_equal(done(ME, &claims[0], NOW + HOUR, NOW + 6), 1);
    assert_int_equal(ask("SELECT wanted FROM watched WHERE name = '192.0.2.1'"), 0);
}

static void test_what_sends_again_is_due_sooner(void **unused)
{
    (void)unused;
    watch("192.0.2.1", "sender", NOW, NOW);
    assert_string_equal(claim(ME, NOW, 8), "192.0.2.1 ");
    assert_int_equal(done(ME, &claims[0], NOW + 20 * HOUR, NOW), 1);
    watch("192.0.2.1", "sender", NOW + MINUTE, NOW + MINUTE); /* that is no news */
    assert_int_equal(ask("SELECT COUNT(*) FROM watched WHERE due > 1800010800000000000"), 1);
    watch("192.0.2.1", "sender", NOW + 3 * HOUR, NOW + 3 * HOUR);
    assert_string_equal(claim(ME, NOW + 3 * HOUR, 8), "192.0.2.1 ");
    /* Configured, it stays so. */
    watch("192.0.2.1", "own", 0, NOW + 4 * HOUR);
    watch("192.0.2.1", "sender", NOW + 5 * HOUR, NOW + 5 * HOUR);
    assert_int_equal(ask("SELECT COUNT(*) FROM watched WHERE origin = 'own'"), 1);
}

static void test_forgotten(void **unused)
{
    (void)unused;
    const struct store_listing listing = {.name = "192.0.2.2", .zone = "a.example", .since = NOW};
    const struct store_listing once = {.name = "198.51.100.9", .zone = "a.example", .doubted = NOW};
    watch("192.0.2.1", "own", 0, NOW);
    watch("192.0.2.2", "own", 0, NOW);
    well(store_watch_want(store, "198.51.100.9", false, NOW + DAY, NOW, &failed));
    well(store_listing_put(store, &listing, &failed));
    well(store_listing_put(store, &once, &failed));
    assert_int_equal(store_watch_forget(store, 10, NOW + DAY, &failed), 0);
    assert_int_equal(store_watch_forget(store, 10, NOW + DAY + 1, &failed),
                     2); /* what is listed is not lost sight of */
    assert_int_equal(ask("SELECT COUNT(*) FROM watched WHERE name = '192.0.2.2'"), 1);
    assert_int_equal(store_listing_forget(store, NOW, 10, &failed), 1); /* nobody's */
    struct store_watched_counts counts;
    well(store_watched_counts(store, &counts, &failed));
    assert_int_equal(counts.names, 1);
    assert_int_equal(counts.listed, 1);
}

/* --- what has sent --- */

static void see_sending(void *context, const struct store_sending *sending)
{
    (void)context;
    see("%.*s%s ", (int)sending->address.length, sending->address.bytes, sending->is_account ? "*" : "");
}

static void tell(int64_t node, const char *sender, const char *address, moment time)
{
    static int64_t sequence;
    const struct store_record record = {.sequence = ++sequence,
                                        .time = time,
                                        .kind = TEXT("traffic"),
                                        .sender = text_of(sender),
                                        .customer = TEXT("acme"),
                                        .line = TEXT("{}"),
                                        .address = text_of(address),
                                        .said = STORE_TRAFFIC};
    well(store_deliver(store, node, 5, sequence, &record, 1, time, &failed));
}

static void test_what_has_sent(void **unused)
{
    (void)unused;
    tell(NODE, "port:tap1", "192.0.2.1", NOW);
    tell(NODE, "192.0.2.9", "", NOW + MINUTE); /* known by its address alone */
    tell(NODE, "account:bob", "203.0.113.5", NOW + 2 * MINUTE);
    tell(OTHER, "port:tap1", "192.0.2.4", NOW);
    well(store_watch_sending(store, NODE, NOW - HOUR, 10, see_sending, NULL, &failed));
    assert_string_equal(what_was_seen(), "203.0.113.5* 192.0.2.1 ");
    tell(NODE, "port:tap1", "192.0.2.2", NOW + 3 * MINUTE);
    well(store_watch_sending(store, NODE, NOW + 3 * MINUTE, 10, see_sending, NULL, &failed));
    assert_string_equal(what_was_seen(), "192.0.2.2 ");
}

static void test_nodes_have_addresses(void **unused)
{
    (void)unused;
    struct store_watched_node node;
    well(store_node_seen(store, NODE, "0.1.0", 0, "192.0.2.70", NOW, &failed));
    assert_int_equal(store_watch_node(store, INT64_MIN, &node, &failed), 1);
    assert_true(node.id == NODE && node.seen == NOW && strcmp(node.address, "192.0.2.70") == 0);
    assert_int_equal(store_watch_node(store, NODE, &node, &failed), 1);
    assert_true(node.id == OTHER && node.address[0] == '\0');
    assert_int_equal(store_watch_node(store, OTHER, &node, &failed), 0);
}

/* --- what lists say --- */

static void see_listing(void *context, const struct store_listing *listing)
{
    (void)context;
    see("%s %s %s;", listing->name, listing->zone, listing->node_name);
}

static void see_time(void *context, const struct store_listing_time *time)
{
    (void)context;
    see("%.*s %d %d;", (int)time->name.length, time->name.bytes, (int)((time->since - NOW) / SECOND),
        time->until ? (int)((time->until - NOW) / SECOND) : -1);
}

static const char *list(const char *name, const char *customer, bool all)
{
    const struct store_listing_query query = {.name = name, .customer = customer, .all = all, .most = 10};
    well(store_listing_list(store, &query, see_listing, NULL, &failed));
    return what_was_seen();
}

static void begin(const char *name, const char *zone, const char *customer, moment since)
{
    struct store_listing listing = {.since = since, .times = 1, .node = customer[0] ? NODE : 0, .code = "127.0.0.2"};
    snprintf(listing.name, sizeof listing.name, "%s", name);
    snprintf(listing.zone, sizeof listing.zone, "%s", zone);
    snprintf(listing.customer, sizeof listing.customer, "%s", customer);
    well(store_listing_put(store, &listing, &failed));
    well(store_listing_begin(store, &listing, &failed));
}

static void end(const char *name, const char *zone, moment until)
{
    struct store_listing listing;
    assert_int_equal(store_listing_get(store, name, zone, &listing, &failed), 1);
    well(store_listing_end(store, &listing, until, &failed));
    listing.total += until - listing.since;
    listing.since = 0;
    listing.checked = until;
    well(store_listing_put(store, &listing, &failed));
}

static void test_listings(void **unused)
{
    (void)unused;
    struct store_listing listing;
    begin("192.0.2.1", "a.example", "acme", NOW);
    begin("192.0.2.1", "b.example", "", NOW + SECOND);
    begin("192.0.2.2", "a.example", "bolt", NOW + 2 * SECOND);
    assert_string_equal(list(NULL, NULL, false),
                        "192.0.2.2 a.example hv7;192.0.2.1 b.example ;192.0.2.1 a.example hv7;");
    assert_string_equal(list("192.0.2.1", NULL, false), "192.0.2.1 b.example ;192.0.2.1 a.example hv7;");
    assert_string_equal(list(NULL, "bolt", false), "192.0.2.2 a.example hv7;");
    end("192.0.2.1", "a.example", NOW + HOUR);
    assert_string_equal(list("192.0.2.1", NULL, false), "192.0.2.1 b.example ;");
    assert_string_equal(list("192.0.2.1", NULL, true), "192.0.2.1 b.example ;192.0.2.1 a.example hv7;");
    assert_int_equal(store_listing_get(store, "192.0.2.1", "a.example", &listing, &failed), 1);
    assert_true(listing.total == HOUR && strcmp(listing.customer, "acme") == 0 &&
                strcmp(listing.code, "127.0.0.2") == 0);
    assert_int_equal(store_listing_get(store, "192.0.2.9", "a.example", &listing, &failed), 0);
    assert_string_equal(listing.name, "192.0.2.9");
}

static void test_each_time(void **unused)
{
    (void)unused;
    const struct store_listing_query all = {.most = 10}, of_one = {.name = "192.0.2.1", .most = 10};
    begin("192.0.2.1", "a.example", "acme", NOW);
    end("192.0.2.1", "a.example", NOW + 10 * SECOND);
    begin("192.0.2.1", "a.example", "acme", NOW + 20 * SECOND);
    begin("192.0.2.2", "a.example", "bolt", NOW + 5 * SECOND);
    well(store_listing_times(store, &all, 0, see_time, NULL, &failed));
    assert_string_equal(what_was_seen(), "192.0.2.1 20 -1;192.0.2.2 5 -1;192.0.2.1 0 10;");
    well(store_listing_times(store, &of_one, NOW + 11 * SECOND, see_time, NULL, &failed));
    assert_string_equal(what_was_seen(), "192.0.2.1 20 -1;");
    assert_int_equal(store_listing_forget(store, NOW + 10 * SECOND, 10, &failed), 0);
    assert_int_equal(store_listing_forget(store, NOW + 11 * SECOND, 10, &failed), 1); /* what stands stays */
    assert_int_equal(ask("SELECT COUNT(*) FROM listing_history"), 2);
}

static void see_zone_of(void *context, struct text zone, bool is_doubted)
{
    (void)context;
    see("%.*s%s ", (int)zone.length, zone.bytes, is_doubted ? "?" : "");
}

static void test_zones_of_a_name(void **unused)
{
    (void)unused;
    const struct store_listing doubt = {.name = "192.0.2.1", .zone = "c.example", .doubted = NOW};
    begin("192.0.2.1", "a.example", "acme", NOW);
    well(store_listing_put(store, &doubt, &failed));
    well(store_listing_zones(store, "192.0.2.1", see_zone_of, NULL, &failed));
    assert_string_equal(what_was_seen(), "a.example c.example? ");
    well(store_listing_drop(store, "192.0.2.1", "c.example", &failed));
    well(store_listing_zones(store, "192.0.2.1", see_zone_of, NULL, &failed));
    assert_string_equal(what_was_seen(), "a.example ");
}

/* --- how lists are --- */

static void see_zone(void *context, const struct store_zone *zone)
{
    (void)context;
    see("%s %s %d;", zone->zone, zone->state, (int)zone->asked);
}

static void test_questions_are_counted_by_all(void **unused)
{
    (void)unused;
    int64_t total = 0;
    const struct store_zone good = {.zone = "a.example", .state = "good", .since = NOW, .checked = NOW};
    well(store_zone_put(store, &good, &failed));
    well(store_zone_asked(store, "a.example", 20, 7, &total, &failed));
    assert_int_equal(total, 7);
    well(store_zone_asked(store, "a.example", 20, 5, &total, &failed));
    assert_int_equal(total, 12);
    well(store_zone_put(store, &good, &failed)); /* another matter */
    well(store_zones(store, see_zone, NULL, &failed));
    assert_string_equal(what_was_seen(), "a.example good 12;");
    well(store_zone_asked(store, "a.example", 21, 1, &total, &failed)); /* a new day */
    assert_int_equal(total, 1);
    well(store_zone_asked(store, "b.example", 21, 2, &total, &failed));
    assert_int_equal(total, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STOCKED(test_in_one_hand),
                                       STOCKED(test_what_was_lost_is_asked_anew),
                                       STOCKED(test_given_back),
                                       STOCKED(test_a_person_waits),
                                       STOCKED(test_what_sends_again_is_due_sooner),
                                       STOCKED(test_forgotten),
                                       STOCKED(test_what_has_sent),
                                       STOCKED(test_nodes_have_addresses),
                                       STOCKED(test_listings),
                                       STOCKED(test_each_time),
                                       STOCKED(test_zones_of_a_name),
                                       STOCKED(test_questions_are_counted_by_all)};
    return ENGINES_RUN(tests);
}
