/* A message is released once, whatever happens to who sends it. */
#include "collector/store/releases.h"
#include "tests/unit/collector/store/stocked.h"

#define NAME "0DC5B48D4.A739D"

static struct store_release found;

static void take(void *context, const struct store_release *release)
{
    (void)context;
    found = *release;
}

static enum store_release_state state_of(const char *name)
{
    assert_int_equal(store_release_find(store, name, take, NULL, &failed), 1);
    return found.state;
}

static int claim(moment now)
{
    char name[STORE_MESSAGE_NAME];
    int64_t tries;
    int status = store_release_claim(store, now, now + MINUTE, name, &tries, &failed);
    well(status);
    if (status > 0)
        assert_string_equal(name, NAME);
    return status;
}

static void what_is_released_is_sent_once(void **state)
{
    (void)state;
    assert_int_equal(store_release_add(store, NAME, "anna", false, NOW, &failed), 1);
    assert_int_equal(store_release_add(store, NAME, "bert", false, NOW, &failed), 0);
    assert_int_equal(store_release_wanted(store, NOW, &failed), 1);
    assert_int_equal(state_of(NAME), RELEASE_WAITING);
    assert_int_equal(claim(NOW), 1);
    assert_int_equal(claim(NOW), 0);
    assert_int_equal(state_of(NAME), RELEASE_SENDING);
    well(store_release_ended(store, NAME, RELEASE_SENT, "250 taken", NOW, 0, &failed));
    assert_int_equal(store_release_wanted(store, NOW + DAY, &failed), 0);
    assert_int_equal(claim(NOW + DAY), 0);
    assert_int_equal(state_of(NAME), RELEASE_SENT);
    assert_int_equal(store_release_add(store, NAME, "anna", true, NOW, &failed), 0);
}

static void what_the_relay_puts_off_comes_again(void **state)
{
    (void)state;
    well(store_release_add(store, NAME, "anna", false, NOW, &failed));
    assert_int_equal(claim(NOW), 1);
    well(store_release_ended(store, NAME, RELEASE_WAITING, "451 later", NOW, NOW + MINUTE, &failed));
    assert_int_equal(claim(NOW), 0);
    assert_int_equal(claim(NOW + MINUTE), 1);
}

static void what_failed_may_be_released_anew(void **state)
{
    (void)state;
    well(store_release_add(store, NAME, "anna", false, NOW, &failed));
    assert_int_equal(claim(NOW), 1);
    well(store_release_ended(store, NAME, RELEASE_FAILED, "550 no", NOW, 0, &failed));
    assert_int_equal(claim(NOW), 0);
    assert_int_equal(store_release_add(store, NAME, "anna", false, NOW, &failed), 1);
    assert_int_equal(claim(NOW), 1);
}

static void what_was_being_sent_by_one_who_died_is_in_doubt(void **state)
{
    (void)state;
    well(store_release_add(store, NAME, "anna", false, NOW, &failed));
    assert_int_equal(claim(NOW), 1);
    assert_int_equal(claim(NOW + MINUTE), 0); /* it is not sent again */
    assert_int_equal(state_of(NAME), RELEASE_IN_DOUBT);
    well(
        store_release_ended(store, NAME, RELEASE_SENT, "250 taken", NOW, 0, &failed)); /* who is late changes nothing */
    assert_int_equal(state_of(NAME), RELEASE_IN_DOUBT);
    assert_int_equal(store_release_add(store, NAME, "anna", false, NOW, &failed), 0);
    assert_int_equal(store_release_add(store, NAME, "anna", true, NOW, &failed),
                     1); /* a person takes that on himself */
    assert_int_equal(claim(NOW + HOUR), 1);
}

static void what_was_being_sent_when_the_collector_starts_is_in_doubt(void **state)
{
    (void)state;
    well(store_release_add(store, NAME, "anna", false, NOW, &failed));
    assert_int_equal(claim(NOW), 1);
    well(store_releases_unclaim(store, NOW + SECOND, &failed));
    assert_int_equal(claim(NOW + SECOND), 0);
    assert_int_equal(state_of(NAME), RELEASE_IN_DOUBT);
}

static void old_ones_go(void **state)
{
    (void)state;
    well(store_release_add(store, NAME, "anna", false, NOW, &failed));
    well(store_releases_tidy(store, NOW + DAY, &failed)); /* it waits */
    assert_int_equal(claim(NOW), 1);
    well(store_release_ended(store, NAME, RELEASE_SENT, "250 taken", NOW, 0, &failed));
    well(store_releases_tidy(store, NOW, &failed));
    assert_int_equal(state_of(NAME), RELEASE_SENT);
    well(store_releases_tidy(store, NOW + DAY, &failed));
    assert_int_equal(store_release_find(store, NAME, take, NULL, &failed), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOCKED(what_is_released_is_sent_once),
        STOCKED(what_the_relay_puts_off_comes_again),
        STOCKED(what_failed_may_be_released_anew),
        STOCKED(what_was_being_sent_by_one_who_died_is_in_doubt),
        STOCKED(what_was_being_sent_when_the_collector_starts_is_in_doubt),
        STOCKED(old_ones_go),
    };
    return ENGINES_RUN(tests);
}
