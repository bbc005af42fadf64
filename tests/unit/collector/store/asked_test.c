/* What was asked for under a name is found again: by who asked, for a day, and told from what is not the same. */
#include "tests/unit/collector/store/stocked.h"

static struct store_asked asked(int64_t person, const char *name, const char *digest)
{
    return (struct store_asked){.person = person, .name = name, .digest = digest, .time = NOW};
}

static void what_was_asked_for_is_found_with_its_revision(void **unused)
{
    (void)unused;
    struct store_asked first = asked(1, "0123456789abcdef", "d1"), again = first;
    assert_int_equal(store_asked_before(store, &first, &failed), 0);
    first.revision = 17;
    well(store_asked_add(store, &first, &failed));
    assert_int_equal(store_asked_before(store, &again, &failed), 1);
    assert_true(again.same);
    assert_int_equal(again.revision, 17);
}

static void another_thing_by_the_same_name_is_not_the_same(void **unused)
{
    (void)unused;
    struct store_asked first = asked(1, "0123456789abcdef", "d1"), other = asked(1, "0123456789abcdef", "d2");
    well(store_asked_add(store, &first, &failed));
    assert_int_equal(store_asked_before(store, &other, &failed), 1);
    assert_false(other.same);
}

static void names_are_of_one_person_each(void **unused)
{
    (void)unused;
    struct store_asked first = asked(1, "0123456789abcdef", "d1"), other = asked(2, "0123456789abcdef", "d1");
    well(store_asked_add(store, &first, &failed));
    assert_int_equal(store_asked_before(store, &other, &failed), 0);
}

static void after_a_day_it_is_forgotten(void **unused)
{
    (void)unused;
    const struct store_retention keep = {
        .records = 30 * DAY, .minutes = HOUR, .hours = 10 * DAY, .days = 100 * DAY, .audit = 100 * DAY};
    struct store_asked first = asked(1, "0123456789abcdef", "d1");
    well(store_asked_add(store, &first, &failed));
    for (moment now = NOW; now < NOW + DAY; now += 10 * MINUTE)
        well(store_tidy(store, &keep, now, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM asked"), 1);
    well(store_tidy(store, &keep, NOW + DAY + MINUTE, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM asked"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOCKED(what_was_asked_for_is_found_with_its_revision),
        STOCKED(another_thing_by_the_same_name_is_not_the_same),
        STOCKED(names_are_of_one_person_each),
        STOCKED(after_a_day_it_is_forgotten),
    };
    return ENGINES_RUN(tests);
}
