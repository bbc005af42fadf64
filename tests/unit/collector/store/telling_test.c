/* What a node is told of its sender, over either engine: one row each, under a number of its own, for that node alone.
 */
#include "tests/unit/collector/store/stocked.h"

#include "collector/store/sorting.h"
#include "collector/store/telling.h"
#include "common/words/observation.h"

static char seen[4096];
static int rows;

static void see(void *context, const struct store_filtered *filtered)
{
    (void)context;
    rows++;
    snprintf(seen, sizeof seen, "%.*s", (int)filtered->text.length, filtered->text.bytes);
}

/* How many stand behind `after`; the last is in `seen`. */
static int told(int64_t node, int64_t after)
{
    rows = 0;
    well(store_filtered(store, node, after, 10, see, NULL, &failed));
    return rows;
}

static void a_listing_is_told_to_the_node_of_its_sender(void **unused)
{
    (void)unused;
    const struct store_told_listing listing = {.sender = TEXT("port:tap7"),
                                               .customer = TEXT("acme"),
                                               .address = TEXT("192.0.2.7"),
                                               .zone = TEXT("{key}.zen.example"),
                                               .code = TEXT("127.0.0.2"),
                                               .weight = LISTING_CRITICAL,
                                               .is_listed = true,
                                               .since = NOW};
    assert_int_equal(store_tell_listing(store, NODE, &listing, NOW, &failed), 1);
    assert_int_equal(told(OTHER, 0), 0);
    assert_int_equal(told(NODE, 0), 1);
    assert_string_equal(seen,
                        "\"kind\":\"listing\",\"sender\":\"port:tap7\",\"address\":\"192.0.2.7\","
                        "\"zone\":\"{key}.zen.example\",\"code\":\"127.0.0.2\",\"weight\":\"critical\",\"listed\":true,"
                        "\"since\":\"2027-01-15T08:00:00.000000Z\"");
}

static void a_complaint_is_told_with_what_it_is_worth(void **unused)
{
    (void)unused;
    const struct store_told_complaint complaint = {.sender = TEXT("account:info"),
                                                   .address = TEXT(""),
                                                   .reporter = TEXT("ex\"ample.com"),
                                                   .type = COMPLAINT_FRAUD,
                                                   .is_confirmed = true,
                                                   .id = TEXT("0011223344556677")};
    assert_int_equal(store_tell_complaint(store, OTHER, &complaint, NOW, &failed), 1);
    assert_int_equal(told(OTHER, 0), 1);
    assert_string_equal(
        seen, "\"kind\":\"complaint\",\"id\":\"0011223344556677\",\"sender\":\"account:info\",\"address\":\"\","
              "\"reporter\":\"ex\\\"ample.com\",\"type\":\"fraud\",\"count\":1,\"confirmed\":true,"
              "\"known\":false,\"withdrawn\":false");
}

static void each_has_a_number_of_its_own(void **unused)
{
    (void)unused;
    const struct store_told_listing listing = {.sender = TEXT("port:tap7"), .zone = TEXT("z.example")};
    const struct store_told_complaint complaint = {.sender = TEXT("port:tap7"), .id = TEXT("00")};
    int64_t first = 0;
    assert_int_equal(store_tell_listing(store, NODE, &listing, NOW, &failed), 1);
    well(store_filtered_highest(store, &first, &failed));
    assert_int_equal(store_tell_complaint(store, NODE, &complaint, NOW, &failed), 1);
    assert_int_equal(told(NODE, 0), 2);
    assert_int_equal(told(NODE, first), 1);
    assert_non_null(strstr(seen, "complaint"));
}

static void without_a_node_or_a_sender_nobody_is_told(void **unused)
{
    (void)unused;
    const struct store_told_listing nobody = {.zone = TEXT("z.example")};
    const struct store_told_complaint nowhere = {.sender = TEXT("port:tap7"), .id = TEXT("00")};
    assert_int_equal(store_tell_listing(store, NODE, &nobody, NOW, &failed), 0);
    assert_int_equal(store_tell_complaint(store, 0, &nowhere, NOW, &failed), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM filtered"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOCKED(a_listing_is_told_to_the_node_of_its_sender),
        STOCKED(a_complaint_is_told_with_what_it_is_worth),
        STOCKED(each_has_a_number_of_its_own),
        STOCKED(without_a_node_or_a_sender_nobody_is_told),
    };
    return ENGINES_RUN(tests);
}
