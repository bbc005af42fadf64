/* The zones file: what it holds, what it refuses, which zones are asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "collector/blacklist/zones.h"

#define GOOD "kind = addresses\nlists = spam\ncode = 127.0.0.2 high spam\n"

static struct zones *read_all(const char *const *texts, size_t count)
{
    struct zones *zones = NULL;
    struct error error = {0};
    assert_int_equal(zones_create(&zones, &error), 0);
    for (size_t i = 0; i < count; i++)
        if (zones_read(zones, text_of(texts[i]), "file", &error) < 0)
            fail_msg("%s", error.text);
    return zones;
}

static struct zones *read_one(const char *text)
{
    return read_all(&text, 1);
}

static void choose(struct zones *zones, const char *name)
{
    struct error error = {0};
    struct text names[] = {text_of(name ? name : "")};
    if (zones_choose(zones, names, name ? 1 : 0, &error) < 0)
        fail_msg("%s", error.text);
}

static bool is_asked(const struct zones *zones, const char *name)
{
    const struct zone *zone = zones_find(zones, text_of(name));
    assert_non_null(zone);
    return zone->asked;
}

static void a_zone_is_read(void **state)
{
    (void)state;
    struct zones *zones = read_one("# a comment\n[Zen.Example.Net]\ntitle = Zen\nkind = addresses\nfamilies = 4 6\n"
                                   "lists = spam\ncode = 127.0.0.2 critical SBL = bad\n"
                                   "code = 127.0.0.4-127.0.0.7 high bots\ncode = 127.0.0.1 clean white\n"
                                   "code = 127.255.0.1 error asked too often\nother = low\ntest6 = none\n"
                                   "link = https://example.net/\nlimit = 1000\nterms = free\nuse = no\n");
    const struct zone *zone = zones_find(zones, TEXT("ZEN.example.net"));
    assert_non_null(zone);
    assert_string_equal(zone->name, "zen.example.net");
    assert_string_equal(zone->origin, "zen.example.net");
    assert_int_equal(zone->families, ZONE_IPV4 | ZONE_IPV6);
    assert_int_equal(zone->code_count, 4);
    assert_string_equal(zone->codes[0].text, "SBL = bad");
    assert_int_equal(zone->codes[1].most, 0x7f000007);
    assert_int_equal(zone->codes[2].meaning, ZONE_CLEARS);
    assert_int_equal(zone->codes[3].meaning, ZONE_REFUSES);
    assert_true(zone->has_other);
    assert_int_equal(zone->tests, ZONE_TEST_LISTED | ZONE_TEST_CLEAN);
    assert_int_equal(zone->tests6, 0);
    assert_int_equal(zone->limit, 1000);
    assert_true(zone_takes(zone, SUBJECT_IPV6));
    assert_false(zone_takes(zone, SUBJECT_DOMAIN));
    choose(zones, NULL);
    assert_false(zone->asked);
    choose(zones, "zen.example.net");
    assert_true(zone->asked);
    zones_destroy(&zones);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"kind = addresses\n", "file:1: [] : a key before the first [zone]"},
        {"[a.example]\n", "[a.example] kind: missing"},
        {"[a.example]\nkind = addresses\n", "[a.example] lists: missing"},
        {"[a.example]\nkind = addresses\nlists = x\n", "[a.example] code: missing"},
        {"[a.example]\nkind = things\n", "file:2: [a.example] kind: addresses or domains"},
        {"[a.example]\nkind = addresses\nkind = addresses\n", "file:3: [a.example] kind: given twice"},
        {"[a.example]\ncolour = red\n", "no such key"},
        {"[a.example]\n" GOOD "code = 127.0.0.2 low again\n", "stands among earlier ones"},
        {"[a.example]\ncode = 10.0.0.2 low x\n", "no code"},
        {"[a.example]\ncode = 127.0.0.7-127.0.0.2 low x\n", "no code"},
        {"[a.example]\ncode = 127.0.0.2 awful x\n", "no such weight"},
        {"[a.example]\ncode = 127.0.0.2 low\n", "what it means is missing"},
        {"[a.example]\ncode = 127.255.255.254 high x\n", "is for errors, with every list"},
        {"[a.example]\n" GOOD "bit = 2 low x\n", "codes or bits, not both"},
        {"[a.example]\nbit = 3 low x\n", "no bit"},
        {"[a.example]\nbit = 4 low x\nbit = 4 low y\n", "given twice"},
        {"[a.example]\nfamilies = 5\n", "no family"},
        {"[a.example]\n" GOOD "limit = 0\n", "no number of questions a day"},
        {"[a.example]\n" GOOD "test = some\n", "no such test"},
        {"[a.example]\n" GOOD "listed = test.example\n", "not of the zone's kind"},
        {"[a.example]\nkind = domains\nfamilies = 4\nlists = x\ncode = 127.0.0.2 low x\n", "for addresses alone"},
        {"[a.example]\n" GOOD "[a.example]\n" GOOD, "stands there twice"},
        {"[a b]\n" GOOD, "no name of a zone"},
        {"[zone]\n" GOOD, "no name of a zone"},
        {"[]\n", "no name of a zone"},
        {"[*.a.example]\n" GOOD, "before dead zones alone"},
        {"[a.example]\nuse = maybe\n", "neither yes nor no"},
        {"[a.example]\nwhat\n", "neither [zone] nor key = value"},
        {"[a.example]\n" GOOD "dead = gone\n", "a dead zone has this one alone"},
        {"[a.example]\ndead = gone\ntitle = x\n", "a dead zone has this one alone"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct zones *zones = NULL;
        struct error error = {0};
        assert_int_equal(zones_create(&zones, &error), 0);
        assert_true(zones_read(zones, text_of(rows[i].text), "file", &error) < 0);
        if (strncmp(error.text, "file:", 5) != 0 || strstr(error.text, rows[i].says) == NULL)
            fail_msg("%s: wanted '%s'", error.text, rows[i].says);
        zones_destroy(&zones);
    }
}

static void dead_zones_are_refused_with_what_became_of_them(void **state)
{
    (void)state;
    const char *texts[] = {"[*.gone.example]\ndead = closed on 2024-06-05\n[b.example]\n" GOOD,
                           "[B.EXAMPLE]\ndead = moved to c.example\n"};
    struct zones *zones = read_all(texts, 2);
    struct error error = {0};
    assert_int_equal(zones_count(zones), 0); /* it was read before somebody said that it is dead */
    static const char *const names[] = {"[spam.Gone.example]\n" GOOD, "[gone.example]\n" GOOD,
                                        "[{key}.dq.gone.example]\n" GOOD};
    for (size_t i = 0; i < 3; i++) {
        assert_true(zones_read(zones, text_of(names[i]), "own", &error) < 0);
        assert_non_null(strstr(error.text, "closed on 2024-06-05"));
    }
    assert_int_equal(zones_read(zones, TEXT("[begone.example]\n" GOOD), "own", &error), 0);
    struct text name = TEXT("b.example");
    assert_true(zones_choose(zones, &name, 1, &error) < 0);
    assert_non_null(strstr(error.text, "moved to c.example"));
    assert_null(zones_dead(zones, TEXT("example")));
    zones_destroy(&zones);
}

static void a_later_text_replaces_a_zone(void **state)
{
    (void)state;
    const char *texts[] = {"[a.example]\n" GOOD "[b.example]\n" GOOD, "[A.example]\n" GOOD "title = ours\n"};
    struct zones *zones = read_all(texts, 2);
    assert_int_equal(zones_count(zones), 2);
    assert_string_equal(zones_at(zones, 0)->title, "ours");
    zones_destroy(&zones);
}

static void a_key_is_put_in_and_never_shown(void **state)
{
    (void)state;
    struct zones *zones = read_one("[{spam}.zen.example]\n" GOOD "replaces = zen.example\n[zen.example]\n" GOOD);
    struct error error = {0};
    struct text name = TEXT("{spam}.zen.example");
    choose(zones, NULL);
    assert_false(is_asked(zones, "{spam}.zen.example"));
    assert_true(is_asked(zones, "zen.example"));
    assert_true(zones_choose(zones, &name, 1, &error) < 0);
    assert_non_null(strstr(error.text, "needs a key"));
    assert_true(zones_give_key(zones, TEXT("ham"), TEXT("abc"), &error) < 0);
    assert_true(zones_give_key(zones, TEXT("spam"), TEXT("se.cret"), &error) < 0);
    assert_null(strstr(error.text, "se.cret"));
    assert_int_equal(zones_give_key(zones, TEXT("SPAM"), TEXT("s3cret"), &error), 0);
    choose(zones, NULL);
    assert_true(is_asked(zones, "{spam}.zen.example"));
    assert_false(is_asked(zones, "zen.example")); /* one question is enough */
    assert_string_equal(zones_find(zones, name)->origin, "s3cret.zen.example");
    assert_string_equal(zones_find(zones, name)->name, "{spam}.zen.example");
    zones_destroy(&zones);
}

static void zones_are_chosen_by_name_and_pattern(void **state)
{
    (void)state;
    struct zones *zones =
        read_one("[a.one.example]\n" GOOD "use = no\n[b.one.example]\n" GOOD "[c.two.example]\n" GOOD);
    struct error error = {0};
    choose(zones, "*.one.example");
    assert_true(is_asked(zones, "a.one.example") && is_asked(zones, "b.one.example") &&
                !is_asked(zones, "c.two.example"));
    choose(zones, "all");
    assert_true(is_asked(zones, "a.one.example") && is_asked(zones, "c.two.example"));
    struct text name = TEXT("d.example");
    assert_true(zones_choose(zones, &name, 1, &error) < 0);
    assert_non_null(strstr(error.text, "no such zone"));
    zones_destroy(&zones);
}

static void the_shipped_file_is_sound(void **state)
{
    (void)state;
    struct zones *zones = NULL;
    struct error error = {0};
    assert_int_equal(zones_create(&zones, &error), 0);
    if (zones_read(zones, zones_builtin(), "conf/blacklists.conf", &error) < 0)
        fail_msg("%s", error.text);
    choose(zones, NULL);
    assert_true(zones_count(zones) > 30);
    for (uint32_t i = 0; i < zones_count(zones); i++) {
        const struct zone *zone = zones_at(zones, i);
        if (zone->terms[0] == '\0')
            fail_msg("%s has no terms", zone->name);
        if (zone->replaces[0])
            assert_non_null(zones_find(zones, text_of(zone->replaces)));
    }
    /* What its terms forbid a company is not asked until somebody says so. */
    assert_false(is_asked(zones, "zen.spamhaus.org"));
    assert_true(is_asked(zones, "bl.spamcop.net"));
    assert_non_null(zones_dead(zones, TEXT("dnsbl.sorbs.net")));
    assert_int_equal(zones_give_key(zones, TEXT("spamhaus"), TEXT("k"), &error), 0);
    assert_int_equal(zones_give_key(zones, TEXT("abusix"), TEXT("k"), &error), 0);
    zones_destroy(&zones);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zone_is_read),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(dead_zones_are_refused_with_what_became_of_them),
        cmocka_unit_test(a_later_text_replaces_a_zone),
        cmocka_unit_test(a_key_is_put_in_and_never_shown),
        cmocka_unit_test(zones_are_chosen_by_name_and_pattern),
        cmocka_unit_test(the_shipped_file_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
