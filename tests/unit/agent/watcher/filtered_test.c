/* Opinions as the watcher hears them: each once, with all that the filter said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/watcher/filtered.h"

static void one_that_is_told_again_is_known(void **state)
{
    (void)state;
    static struct filtered_marks marks;
    for (uint64_t mark = 0; mark < FILTERED_REMEMBERED; mark++)
        assert_true(filtered_is_new(&marks, mark * mark + 5));
    for (uint64_t mark = 0; mark < FILTERED_REMEMBERED; mark++)
        assert_false(filtered_is_new(&marks, mark * mark + 5));
    assert_true(filtered_is_new(&marks, 0));
    assert_false(filtered_is_new(&marks, 0));
    assert_false(filtered_is_new(&marks, 6));
    assert_true(filtered_is_new(&marks, 5)); /* the oldest was let go for it */
}

static void an_observation_says_what_the_filter_said(void **state)
{
    (void)state;
    struct message_filtered message = {.time = SECOND,
                                       .score = 700,
                                       .threshold = 600,
                                       .certain = 1,
                                       .filter = "rspamd",
                                       .action = "reject",
                                       .symbols = "A B"};
    assert_true(address_parse(TEXT("192.0.2.7"), &message.address));
    struct observation seen = filtered_observation(&message, 9 * SECOND);
    assert_int_equal(seen.kind, OBSERVATION_FILTER);
    assert_int_equal(seen.time, 9 * SECOND); /* news of today */
    assert_true(text_equals(seen.filter.filter, TEXT("rspamd")) && text_equals(seen.filter.action, TEXT("reject")) &&
                text_equals(seen.filter.symbols, TEXT("A B")));
    assert_true(seen.filter.score == 700 && seen.filter.threshold == 600 && seen.filter.certain);
    assert_memory_equal(&seen.origin.address, &message.address, sizeof message.address);
}

static void so_do_those_of_listings_and_complaints(void **state)
{
    (void)state;
    struct message_listed listed = {.since = SECOND, .weight = LISTING_HIGH, .listed = 1, .zone = "z.example"};
    const struct message_complained complained = {
        .count = 4, .type = COMPLAINT_FRAUD, .confirmed = 1, .withdrawn = 1, .reporter = "loop.example"};
    assert_true(address_parse(TEXT("127.0.0.2"), &listed.code));
    struct observation seen = listed_observation(&listed, 9 * SECOND);
    assert_true(seen.kind == OBSERVATION_LISTING && seen.time == 9 * SECOND && seen.listing.since == SECOND);
    assert_true(text_equals(seen.listing.zone, TEXT("z.example")) && seen.listing.weight == LISTING_HIGH &&
                seen.listing.listed);
    assert_memory_equal(&seen.listing.code, &listed.code, sizeof listed.code);
    seen = complained_observation(&complained, 9 * SECOND);
    assert_true(seen.kind == OBSERVATION_COMPLAINT && seen.time == 9 * SECOND && seen.complaint.count == 4);
    assert_true(text_equals(seen.complaint.reporter, TEXT("loop.example")) && seen.complaint.verified &&
                seen.complaint.claimed && seen.complaint.withdrawn && seen.complaint.type == COMPLAINT_FRAUD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_is_told_again_is_known),
        cmocka_unit_test(an_observation_says_what_the_filter_said),
        cmocka_unit_test(so_do_those_of_listings_and_complaints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
