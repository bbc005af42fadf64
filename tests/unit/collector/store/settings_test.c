/* Settings of nodes: the newest counts, a node's own in place of the fleet's, and nobody is told another's. */
#include "collector/store/settings.h"
#include "tests/unit/collector/store/stocked.h"

static int64_t set(int64_t node, const char *text)
{
    int64_t revision = -1;
    const struct store_settings settings = {.node = node,
                                            .time = NOW,
                                            .text = text_of(text),
                                            .reason = TEXT("a reason'; DROP TABLE settings; --"),
                                            .person = TEXT("anna")};
    int done = store_settings_put(store, &settings, &revision, &failed);
    well(done);
    return done ? revision : 0;
}

static char shown[400];

static void show(void *context, const struct store_settings *settings)
{
    size_t length = strlen(shown);
    (void)context;
    snprintf(shown + length, sizeof shown - length, "%d of %d: %.*s;", (int)settings->revision, (int)settings->node,
             (int)settings->text.length, settings->text.length ? settings->text.bytes : "");
}

static const char *of(int64_t node)
{
    shown[0] = 0;
    int found = store_settings_for(store, node, show, NULL, &failed);
    well(found);
    assert_int_equal(found, shown[0] != 0);
    return shown;
}

static void the_newest_of_the_fleet_is_everybodys(void **unused)
{
    (void)unused;
    assert_string_equal(of(NODE), "");
    set(0, "one");
    assert_string_equal(of(NODE), "1 of 0: one;");
    set(0, "two");
    assert_string_equal(of(NODE), "2 of 0: two;");
    assert_string_equal(of(OTHER), "2 of 0: two;");
    assert_int_equal(ask("SELECT COUNT(*) FROM settings"), 2); /* what stood there can be looked up */
}

static void a_nodes_own_stand_in_place_of_the_fleets_and_are_its_alone(void **unused)
{
    (void)unused;
    set(NODE, "own");
    assert_string_equal(of(OTHER), "");
    set(0, "all");
    assert_string_equal(of(NODE), "1 of 7: own;");
    assert_string_equal(of(OTHER), "2 of 0: all;");
    set(NODE, "own again");
    assert_string_equal(of(NODE), "3 of 7: own again;");
}

/* A node asks behind the revision that it has: what becomes its again must be above that. */
static void an_empty_text_gives_the_fleets_again_under_a_revision_of_its_own(void **unused)
{
    (void)unused;
    set(0, "all");
    set(NODE, "own");
    set(NODE, "");
    assert_string_equal(of(NODE), "3 of 0: all;");
    assert_string_equal(of(OTHER), "1 of 0: all;");
    set(0, "newer");
    assert_string_equal(of(NODE), "4 of 0: newer;");
}

static void without_a_fleets_an_empty_text_is_none(void **unused)
{
    (void)unused;
    set(NODE, "own");
    set(NODE, "");
    assert_string_equal(of(NODE), "2 of 7: ;");
    assert_string_equal(of(OTHER), "");
}

static void a_node_that_is_not_there_has_none(void **unused)
{
    (void)unused;
    assert_int_equal(set(99, "own"), 0);
    well(store_node_revoke(store, OTHER, NOW, &failed));
    assert_int_equal(set(OTHER, "own"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM settings"), 0);
    assert_int_equal(ask("SELECT highest FROM revisions"), 1); /* the revocation's */
}

static void they_share_their_revisions_with_orders(void **unused)
{
    (void)unused;
    int64_t revision;
    const struct store_directive order = {.deed = TEXT("block"), .sender = TEXT("192.0.2.1")};
    set(0, "one");
    well(store_directive_add(store, &order, &revision, &failed));
    assert_int_equal(revision, 2);
    assert_int_equal(set(0, "two"), 3);
}

/* --- what nodes say --- */

static void tell(int64_t node, int64_t sequence, int64_t revision, bool done, const char *text)
{
    const struct store_record record = {.sequence = sequence,
                                        .time = NOW + sequence,
                                        .kind = TEXT("acknowledgement"),
                                        .line = TEXT("{}"),
                                        .said = STORE_ACKNOWLEDGEMENT,
                                        .acknowledgement = {revision, done, text_of(text)}};
    well(store_deliver(store, node, 9, sequence, &record, 1, NOW, &failed));
}

static void show_told(void *context, const struct store_told *told)
{
    size_t length = strlen(shown);
    (void)context;
    snprintf(shown + length, sizeof shown - length, "%.*s %s %d: %.*s;", (int)told->node_name.length,
             told->node_name.bytes, told->done ? "did" : "did not", (int)told->revision, (int)told->text.length,
             told->text.bytes);
}

static void what_nodes_say_is_kept_with_their_words(void **unused)
{
    (void)unused;
    int64_t revision = set(0, "one");
    tell(NODE, 1, revision, false, "line 2: no such key");
    tell(OTHER, 1, revision, true, "carried out");
    shown[0] = 0;
    well(store_settings_refused(store, revision, 10, show_told, NULL, &failed));
    assert_string_equal(shown, "hv7 did not 1: line 2: no such key;");
    shown[0] = 0;
    well(store_settings_told(store, OTHER, revision, show_told, NULL, &failed));
    assert_string_equal(shown, "hv8 did 1: carried out;");
    shown[0] = 0;
    well(store_settings_told(store, OTHER, revision + 1, show_told, NULL, &failed));
    assert_string_equal(shown, "");
}

static void count_them(void *context, const struct store_settings *settings)
{
    (void)context;
    size_t length = strlen(shown);
    snprintf(shown + length, sizeof shown - length, "%d: %d done, %d failed;", (int)settings->node, (int)settings->done,
             (int)settings->failed);
}

static void the_list_counts_who_took_them(void **unused)
{
    (void)unused;
    tell(NODE, 1, set(0, "one"), false, "no");
    int64_t revision = set(0, "two"); /* of the former nobody asks any more */
    assert_int_equal(ask("SELECT COUNT(*) FROM acknowledgements"), 0);
    tell(NODE, 2, revision, true, "yes");
    tell(OTHER, 1, revision, true, "yes");
    tell(OTHER, 2, set(OTHER, "own"), false, "no");
    set(NODE, "own");
    set(NODE, ""); /* given back: it has none of its own */
    shown[0] = 0;
    well(store_settings_list(store, count_them, NULL, &failed));
    assert_string_equal(shown, "0: 2 done, 0 failed;8: 0 done, 1 failed;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOCKED(the_newest_of_the_fleet_is_everybodys),
        STOCKED(a_nodes_own_stand_in_place_of_the_fleets_and_are_its_alone),
        STOCKED(an_empty_text_gives_the_fleets_again_under_a_revision_of_its_own),
        STOCKED(without_a_fleets_an_empty_text_is_none),
        STOCKED(a_node_that_is_not_there_has_none),
        STOCKED(they_share_their_revisions_with_orders),
        STOCKED(what_nodes_say_is_kept_with_their_words),
        STOCKED(the_list_counts_who_took_them),
    };
    return ENGINES_RUN(tests);
}
