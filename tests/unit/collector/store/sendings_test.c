/* What goes out to people: made once, delivered by one collector at a time, and never twice, whoever dies. */
#include "collector/store/sendings.h"
#include <errno.h>
#include "tests/unit/collector/store/stocked.h"

#define ME           1001
#define OTHER_HOLDER 1002

static struct store_sending_row seen;
static char seen_id[STORE_SENDING_ID], seen_bytes[64], seen_recipients[64], seen_trouble[128];
static int count;

static void take(void *context, const struct store_sending_row *row)
{
    (void)context;
    seen = *row;
    store_copy(row->id, seen_id, sizeof seen_id);
    store_copy(row->bytes, seen_bytes, sizeof seen_bytes);
    store_copy(row->recipients, seen_recipients, sizeof seen_recipients);
    store_copy(row->trouble, seen_trouble, sizeof seen_trouble);
    count++;
}

static int make_by(const char *channel, const char *id, moment due)
{
    const struct store_sending sending = {.id = id,
                                          .channel = channel,
                                          .purpose = "alert",
                                          .recipients = TEXT("a@example.com b@example.com"),
                                          .subject = TEXT("a subject"),
                                          .customer = TEXT("acme"),
                                          .bytes = TEXT("bytes \0 of it")};
    int status = store_sending_make(store, &sending, due, NOW, &failed);
    well(status);
    return status;
}

static int make(const char *id)
{
    return make_by("desk", id, 0);
}

static int claim_as(int64_t holder, moment now)
{
    int status = store_sending_claim(store, "desk", holder, now, now + MINUTE, take, NULL, &failed);
    well(status);
    return status;
}

static enum store_sending_state state_of(const char *id)
{
    const struct store_sending_query query = {.id = id, .most = 10};
    assert_int_equal(store_sendings(store, &query, take, NULL, &failed), 1);
    return seen.state;
}

static void ids_are_of_what_they_say(void **state)
{
    char one[STORE_SENDING_ID], other[STORE_SENDING_ID];
    (void)state;
    store_sending_id("alert", "desk", TEXT("7"), one);
    store_sending_id("alert", "desk", TEXT("7"), other);
    assert_int_equal(strlen(one), STORE_SENDING_ID - 1);
    assert_string_equal(one, other);
    store_sending_id("alert", "desk7", TEXT(""), other);
    assert_string_not_equal(one, other);
    store_sending_id("aler", "tdesk", TEXT("7"), other);
    assert_string_not_equal(one, other);
}

static void made_again_it_is_the_same(void **state)
{
    (void)state;
    assert_int_equal(make("a"), 1);
    assert_int_equal(make("a"), 0);
    assert_int_equal(claim_as(ME, NOW), 1);
    assert_int_equal(seen.bytes.length, 13);
    assert_int_equal(store_sending_ended(store, "a", ME, SENDING_SENT, "", NOW, 0, &failed), 1);
    assert_int_equal(make("a"), 0);
    assert_int_equal(store_sending_wanted(store, "desk", NOW + DAY, &failed), 0);
    assert_int_equal(state_of("a"), SENDING_SENT);
    assert_int_equal(seen.done, NOW);
    assert_int_equal(seen.bytes.length, 0);
}

static void it_goes_out_when_it_is_due_the_oldest_first(void **state)
{
    (void)state;
    make_by("desk", "late", NOW + HOUR);
    make_by("desk", "b", 0);
    make_by("desk", "a", NOW + SECOND);
    make_by("mail", "elsewhere", 0);
    assert_int_equal(store_sending_wanted(store, "desk", NOW - 1, &failed), 0);
    assert_int_equal(store_sending_wanted(store, "desk", NOW, &failed), 1);
    assert_int_equal(claim_as(ME, NOW + MINUTE), 1);
    assert_string_equal(seen_id, "b");
    assert_string_equal(seen_recipients, "a@example.com b@example.com");
    assert_int_equal(claim_as(ME, NOW + MINUTE), 1);
    assert_string_equal(seen_id, "a");
    assert_int_equal(claim_as(ME, NOW + MINUTE), 0);
    assert_int_equal(store_sending_wanted(store, "mail", NOW, &failed), 1);
}

static void what_one_holds_is_nobody_elses(void **state)
{
    (void)state;
    make("a");
    assert_int_equal(claim_as(ME, NOW), 1);
    assert_int_equal(claim_as(OTHER_HOLDER, NOW), 0);
    assert_int_equal(store_sending_handed(store, "a", OTHER_HOLDER, NOW + HOUR, &failed), 0);
    assert_int_equal(store_sending_ended(store, "a", OTHER_HOLDER, SENDING_SENT, "", NOW, 0, &failed), 0);
    assert_int_equal(state_of("a"), SENDING_WAITING);
    assert_int_equal(claim_as(OTHER_HOLDER, NOW + MINUTE), 1); /* the first one died, or is late */
    assert_int_equal(seen.tries, 1);
    assert_int_equal(store_sending_handed(store, "a", ME, NOW + HOUR, &failed), 0); /* and does not send it now */
    assert_int_equal(store_sending_handed(store, "a", OTHER_HOLDER, NOW + HOUR, &failed), 1);
}

static void what_was_handed_over_is_not_sent_again(void **state)
{
    (void)state;
    make("a");
    claim_as(ME, NOW);
    assert_int_equal(store_sending_handed(store, "a", ME, NOW + HOUR, &failed), 1);
    assert_int_equal(store_sendings_doubt(store, "desk", NOW + MINUTE, &failed), 0);
    assert_int_equal(claim_as(OTHER_HOLDER, NOW + MINUTE), 0);
    assert_int_equal(store_sendings_doubt(store, "desk", NOW + HOUR, &failed), 1);
    assert_int_equal(state_of("a"), SENDING_IN_DOUBT);
    assert_non_null(strstr(seen_trouble, "may have arrived"));
    assert_int_equal(store_sending_ended(store, "a", ME, SENDING_SENT, "", NOW + HOUR, 0, &failed), 0);
    assert_int_equal(claim_as(OTHER_HOLDER, NOW + DAY), 0);
    assert_int_equal(store_sending_again(store, "a", NOW + DAY, &failed), 1); /* a person may want it */
    assert_int_equal(store_sending_again(store, "a", NOW + DAY, &failed), 0);
    assert_int_equal(claim_as(OTHER_HOLDER, NOW + DAY), 1);
    assert_int_equal(seen.tries, 0);
    assert_int_equal(seen.made, NOW + DAY); /* else the first 450 would end it: it has been tried for a day */
}

static void a_collector_that_starts_alone_begins_anew(void **state)
{
    (void)state;
    make("a");
    make("b");
    claim_as(ME, NOW);
    claim_as(ME, NOW);
    assert_int_equal(store_sending_handed(store, "b", ME, NOW + HOUR, &failed), 1);
    assert_int_equal(store_sendings_unclaim(store, "other", NOW + 1, &failed), 0);
    assert_int_equal(store_sendings_unclaim(store, "desk", NOW + 1, &failed), 2);
    assert_int_equal(store_sendings_doubt(store, "desk", NOW + 1, &failed), 1);
    assert_int_equal(claim_as(OTHER_HOLDER, NOW + 1), 1);
    assert_string_equal(seen_id, "a");
    assert_int_equal(claim_as(OTHER_HOLDER, NOW + 1), 0);
}

static void what_is_put_off_comes_again(void **state)
{
    (void)state;
    make("a");
    claim_as(ME, NOW);
    assert_int_equal(store_sending_handed(store, "a", ME, NOW + HOUR, &failed), 1);
    assert_int_equal(store_sending_ended(store, "a", ME, SENDING_WAITING, "450 later", NOW, NOW + HOUR, &failed), 1);
    assert_int_equal(state_of("a"), SENDING_WAITING);
    assert_int_equal(seen.done, 0);
    assert_string_equal(seen_trouble, "450 later");
    assert_int_equal(claim_as(ME, NOW + HOUR - 1), 0);
    assert_int_equal(claim_as(ME, NOW + HOUR), 1);
    assert_int_equal(seen.tries, 1);
}

static void recipients_who_are_left_are_a_sending_of_their_own(void **state)
{
    (void)state;
    make("a");
    claim_as(ME, NOW);
    assert_int_equal(store_sending_ended(store, "a", ME, SENDING_SENT, "", NOW, 0, &failed), 1);
    well(store_sending_split(store, "a", TEXT("b@example.com"), NOW + HOUR, &failed));
    assert_int_equal(claim_as(ME, NOW), 0);
    assert_int_equal(claim_as(ME, NOW + HOUR), 1);
    assert_string_not_equal(seen_id, "a");
    assert_string_equal(seen_recipients, "b@example.com");
    assert_int_equal(seen.bytes.length, 13);
    assert_int_equal(seen.tries, 1);
    assert_int_equal(seen.made, NOW);
}

static void people_look_at_them(void **state)
{
    static const char *const ids[] = {"a", "b", "c"};
    int64_t counts[SENDING_STATES], lost;
    moment oldest;
    (void)state;
    for (int i = 0; i < 3; i++)
        make(ids[i]);
    make_by("mail", "d", 0);
    claim_as(ME, NOW);
    well(store_sending_ended(store, "a", ME, SENDING_FAILED, "550 no", NOW, 0, &failed));
    count = 0;
    const struct store_sending_query some = {.channel = "desk", .state = "waiting", .customer = "acme", .most = 10};
    assert_int_equal(store_sendings(store, &some, take, NULL, &failed), 2);
    assert_int_equal(count, 2);
    const struct store_sending_query others = {.purpose = "letter", .most = 10}, few = {.most = 1},
                                     later = {.since = NOW + 1, .most = 10};
    assert_int_equal(store_sendings(store, &others, take, NULL, &failed), 0);
    assert_int_equal(store_sendings(store, &few, take, NULL, &failed), 1);
    assert_int_equal(store_sendings(store, &later, take, NULL, &failed), 0);
    well(store_sendings_count(store, counts, &oldest, &failed));
    assert_int_equal(counts[SENDING_WAITING], 3);
    assert_int_equal(counts[SENDING_FAILED], 1);
    assert_int_equal(oldest, NOW);
    well(store_sendings_lost(store, "desk", NOW, &lost, &failed));
    assert_int_equal(lost, 1);
    well(store_sendings_lost(store, "desk", NOW + 1, &lost, &failed));
    assert_int_equal(lost, 0);
}

static void take_name(void *context, struct text channel)
{
    store_copy(channel, context, STORE_SENDING_CHANNEL);
    count++;
}

static void what_is_for_nobody_any_more_fails(void **state)
{
    char name[STORE_SENDING_CHANNEL] = "";
    (void)state;
    make("a");
    make("b");
    count = 0;
    well(store_sendings_overdue(store, NOW - 1, take_name, name, &failed));
    assert_int_equal(count, 0);
    well(store_sendings_overdue(store, NOW, take_name, name, &failed));
    assert_int_equal(count, 1);
    assert_string_equal(name, "desk");
    assert_int_equal(store_sendings_abandon(store, "desk", NOW, NOW + DAY, &failed), 2);
    assert_int_equal(state_of("b"), SENDING_FAILED);
    assert_non_null(strstr(seen_trouble, "no such channel"));
}

static void only_what_is_done_with_goes(void **state)
{
    (void)state;
    make("a");
    make("b");
    claim_as(ME, NOW);
    well(store_sending_ended(store, "a", ME, SENDING_SENT, "", NOW, 0, &failed));
    assert_int_equal(store_sendings_tidy(store, NOW, &failed), 0);
    assert_int_equal(store_sendings_tidy(store, NOW + 1, &failed), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM sendings"), 1);
    assert_int_equal(claim_as(ME, NOW), 1);
    assert_string_equal(seen_id, "b");
}

static void what_is_too_long_is_refused(void **state)
{
    static char bytes[1];
    const struct store_sending sending = {.id = "a",
                                          .channel = "desk",
                                          .purpose = "alert",
                                          .recipients = TEXT(""),
                                          .subject = TEXT(""),
                                          .customer = TEXT(""),
                                          .bytes = {bytes, STORE_SENDING_MOST + 1}};
    (void)state;
    assert_int_equal(store_sending_make(store, &sending, 0, NOW, &failed), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOCKED(ids_are_of_what_they_say),
        STOCKED(made_again_it_is_the_same),
        STOCKED(it_goes_out_when_it_is_due_the_oldest_first),
        STOCKED(what_one_holds_is_nobody_elses),
        STOCKED(what_was_handed_over_is_not_sent_again),
        STOCKED(a_collector_that_starts_alone_begins_anew),
        STOCKED(what_is_put_off_comes_again),
        STOCKED(recipients_who_are_left_are_a_sending_of_their_own),
        STOCKED(people_look_at_them),
        STOCKED(what_is_for_nobody_any_more_fails),
        STOCKED(only_what_is_done_with_goes),
        STOCKED(what_is_too_long_is_refused),
    };
    return ENGINES_RUN(tests);
}
