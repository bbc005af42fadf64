/* Plans: whose limits are other ones, and which. With the program's own detectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/judge/court.h"

static struct judge_settings *read_settings(const char *configuration, struct error *error)
{
    struct judge_settings *settings = judge_settings_create(error);
    assert_non_null(settings);
    if (judge_settings_read(settings, NULL, text_of(configuration), "agent.conf", error) < 0)
        judge_settings_destroy(&settings);
    return settings;
}

/* Options by their name, so that the test knows no detector's struct. */
static const char *value_of(const struct judge_settings *settings, const char *section, const char *key)
{
    static char found[200];
    char want[200];
    struct buffer out;
    buffer_init(&out, 1 << 20);
    assert_true(judge_settings_print(settings, &out));
    struct text rest = buffer_text(&out);
    bool here = false;
    found[0] = '\0';
    while (rest.length > 0) {
        struct text line = text_split(&rest, '\n');
        snprintf(want, sizeof want, "[%s]", section);
        if (line.length > 0 && line.bytes[0] == '[')
            here = text_equals(line, text_of(want));
        int length = snprintf(want, sizeof want, "%s = ", key);
        if (here && text_starts_nocase(line, text_of(want)))
            snprintf(found, sizeof found, "%.*s", (int)line.length - length, line.bytes + length);
    }
    buffer_clear(&out);
    return found;
}

static const char newsletter[] =
    "[burst]\nconnections_1m = 70\nconnections_10m = 500\n"
    "[plan newsletter]\nsenders = vnet7 tap1*\naddresses = 203.0.113.0/28 2001:db8:1::/48\n"
    "burst.connections_1m = 400\n"
    "[fanout]\nenabled = no\n"
    "[plan list]\nsenders = vnet*\nfanout.enabled = yes\n";

static void what_a_plan_does_not_say_is_as_for_everybody(void **unused)
{
    (void)unused;
    struct error error = {0};
    struct judge_settings *settings = read_settings(newsletter, &error);
    assert_non_null(settings);
    static const struct {
        const char *section, *key, *want;
    } rows[] = {
        {"burst", "connections_1m", "70"},
        {"burst", "connections_10m", "500"},
        {"plan newsletter", "burst.connections_1m", "400"},
        {"plan newsletter", "burst.connections_10m", "500"},
        {"plan newsletter", "burst.connections_24h", "5000"},
        {"plan newsletter", "fanout.enabled", "no"}, /* said behind it */
        {"plan list", "burst.connections_1m", "70"},
        {"plan list", "fanout.enabled", "yes"},
        {"fanout", "enabled", "no"},
        {"plan newsletter", "senders", "vnet7 tap1*"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(value_of(settings, rows[i].section, rows[i].key), rows[i].want);
    judge_settings_destroy(&settings);
}

/* --- plans from a collector --- */

static struct judge_settings *read_both(const char *central, const char *own, struct error *error)
{
    struct judge_settings *settings = judge_settings_create(error);
    assert_non_null(settings);
    const struct option_layer layers[] = {{text_of(central), "the collector", true},
                                          {text_of(own), "agent.conf", false}};
    if (judge_settings_read_layers(settings, NULL, layers, 2, error) < 0)
        judge_settings_destroy(&settings);
    return settings;
}

static void this_machines_own_file_stands_over_a_collectors(void **unused)
{
    (void)unused;
    struct error error = {0};
    struct judge_settings *settings =
        read_both("[policy]\nallow = 192.0.2.1\nblock = 30\n[burst]\nconnections_1m = 90\n"
                  "[plan list]\nsenders = vnet1\nburst.connections_1m = 300\nfanout.enabled = no\n"
                  "[plan everybody]\nsenders = *\n",
                  "[policy]\nblock = 25\n[plan own]\nsenders = vnet9\n"
                  "[plan list]\nburst.connections_1m = 200\n",
                  &error);
    assert_non_null(settings);
    static const struct {
        const char *section, *key, *want;
    } rows[] = {
        {"policy", "allow", "192.0.2.1"},
        {"policy", "block", "25"},
        {"burst", "connections_1m", "90"},
        {"plan list", "senders", "vnet1"},
        {"plan list", "burst.connections_1m", "200"},
        {"plan list", "fanout.enabled", "no"},
        {"plan own", "burst.connections_1m", "90"}, /* what it does not say is as for everybody, whoever said that */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(value_of(settings, rows[i].section, rows[i].key), rows[i].want);
    assert_int_equal(settings->plan_count, 3);
    assert_string_equal(settings->plans[0]->name, "own"); /* asked first, before one that has everybody */
    judge_settings_destroy(&settings);
}

static void a_collector_keeps_off_what_guards_the_machine(void **unused)
{
    (void)unused;
    static const struct {
        const char *central, *sentence;
    } rows[] = {
        {"[policy]\nstorm_most = 10000\n", "the collector:2: [policy] storm_most: a collector may not set it"},
        {"[sender]\nsenders = 16\n", "the collector:2: [sender] senders: a collector may not set it"},
        {"[trap]\nrecipient_maps = /etc/shadow\n", "the collector:2: [trap] recipient_maps: a collector may not"},
        {"[plan a]\nsenders = x\nhelo.maps = /etc/shadow\n", "the collector:3: [plan a] helo.maps: a collector may"},
        {"[plan a b]\nsenders = x\n", "the collector:1: the plan's name is wrong"},
        {"[policy]\nblok = 3\n", "the collector:2: [policy] blok: no such key; the nearest is \"block\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {0};
        assert_null(read_both(rows[i].central, "", &error));
        assert_memory_equal(error.text, rows[i].sentence, strlen(rows[i].sentence));
    }
}

/* A detector's list of words names files; the collector may name none. What it may set takes effect at once, for a node
 * acknowledges it at once. */
static void whatever_a_collector_may_set_names_no_file_and_needs_no_restart(void **unused)
{
    (void)unused;
    struct error error = {0};
    struct judge_settings *settings = judge_settings_create(&error);
    assert_non_null(settings);
    for (const struct option_binding *binding = judge_settings_bindings(settings); binding->options; binding++)
        for (const struct option *option = binding->options; binding->central && option->key; option++) {
            bool names = option->type == OPTION_WORDS || option->type == OPTION_TEXT;
            if (!option->local && strcmp(option->section, "policy") != 0)
                assert_false(names);
            assert_true(option->local || option->reload);
        }
    judge_settings_destroy(&settings);
}

static void what_is_printed_reads_as_the_same(void **unused)
{
    (void)unused;
    struct error error = {0};
    struct judge_settings *settings = read_settings(newsletter, &error);
    struct buffer once, again;
    buffer_init(&once, 1 << 20);
    buffer_init(&again, 1 << 20);
    assert_true(judge_settings_print(settings, &once));
    assert_true(buffer_append_byte(&once, '\0'));
    struct judge_settings *second = read_settings(once.bytes, &error);
    if (second == NULL)
        fail_msg("%s", error.text);
    assert_true(judge_settings_print(second, &again));
    assert_true(buffer_append_byte(&again, '\0'));
    assert_string_equal(again.bytes, once.bytes);
    buffer_clear(&once);
    buffer_clear(&again);
    judge_settings_destroy(&settings);
    judge_settings_destroy(&second);
}

static void the_first_plan_that_names_a_sender_is_its_own(void **unused)
{
    (void)unused;
    struct error error = {0};
    struct judge_settings *settings = read_settings(newsletter, &error);
    struct judge judge = {.settings = settings};
    static const struct {
        const char *sender, *want;
    } rows[] = {
        {"port:vnet7", "newsletter"},
        {"port:vnet8", "list"},
        {"port:tap12i0", "newsletter"},
        {"port:veth9", ""},
        {"203.0.113.9", "newsletter"},
        {"203.0.113.19", ""},
        {"2001:db8:1:7::/64", "newsletter"},
        {"2001:db8:2::/64", ""},
        {"uid:1000", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sender sender;
        struct judgement judgement = {0};
        assert_true(sender_parse(text_of(rows[i].sender), &sender));
        judge_find_plan(&judge, &sender, &judgement);
        const struct plan *plan = plan_of(&judge, &judgement);
        assert_string_equal(plan ? plan->name : "", rows[i].want);
        for (uint32_t d = 0; d < settings->count; d++)
            assert_ptr_equal(settings_of(&judge, &judgement, d), plan ? plan->detectors[d] : settings->detectors[d]);
    }
    struct judgement garbage = {.plan = 200}; /* of another process, that had more plans */
    assert_null(plan_of(&judge, &garbage));
    assert_ptr_equal(settings_of(&judge, &garbage, 0), settings->detectors[0]);
    judge_settings_destroy(&settings);
}

static void mistakes_are_told_with_their_line(void **unused)
{
    (void)unused;
    char many[4096] = "";
    for (int i = 0; i <= PLANS_MOST; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "[plan p%d]\n", i);
    const struct {
        const char *configuration, *want;
    } rows[] = {
        {"[policy]\nblock = 20\n[plan two words]\n", "agent.conf:3: the plan's name is wrong"},
        {"[plan ]\n", "agent.conf:1: the plan's name is wrong"},
        {"[plan a23456789012345678901234567890123]\n", "agent.conf:1: the plan's name is wrong"},
        {"[plan a]\nburst.conections_1m = 5\n", "agent.conf:2: [plan a] burst.conections_1m: "},
        {"[plan a]\nconnections_1m = 5\n", "agent.conf:2: [plan a] connections_1m: "},
        {"[plan a]\nburst.connections_1m = many\n", "agent.conf:2: [plan a] burst.connections_1m: "},
        {"[plan a]\nburst.connections_1m = 5000\n", "agent.conf:2: [plan a] burst.connections_10m: 300 is less"},
        {"[plan a]\nburst.connections_10m = 20\nburst.messages_1m = 12\n",
         "agent.conf:2: [plan a] burst.connections_10m: 20 is less"},
        {"[plan a]\nsenders = x\n[plan a]\nsenders = y\n", "agent.conf:4: [plan a] senders: given a second time"},
        {many, "agent.conf:33: more plans than 32"},
        {"[plane]\n", "agent.conf:1: [plane]: no such section"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {0};
        struct judge_settings *settings = read_settings(rows[i].configuration, &error);
        assert_null(settings);
        if (strncmp(error.text, rows[i].want, strlen(rows[i].want)) != 0)
            fail_msg("%s\nwanted %s...", error.text, rows[i].want);
    }
}

/* The one that the example file and the manual page show. */
static void the_shown_example_is_good(void **unused)
{
    (void)unused;
    const char *begin = strchr(plan_description.text, '"') + 1;
    char configuration[200];
    snprintf(configuration, sizeof configuration, "[plan a]\n%.*s\n", (int)strcspn(begin, "\""), begin);
    struct error error = {0};
    struct judge_settings *settings = read_settings(configuration, &error);
    if (settings == NULL)
        fail_msg("%s", error.text);
    judge_settings_destroy(&settings);
}

/* What the judge asks the detectors with, before and after a reload. */
static void a_reload_finds_the_plans_anew(void **unused)
{
    (void)unused;
    static const char flood[] = "[burst]\nmessages_10s = 3\nconnections_10s = 3\n";
    static const char planned[] = "[burst]\nmessages_10s = 3\nconnections_10s = 3\n"
                                  "[plan a]\naddresses = 203.0.113.9\nburst.enabled = no\n";
    struct error error = {0};
    struct judge_settings *settings[] = {read_settings(planned, &error), read_settings(flood, &error)};
    struct senders_shape shape = {0};
    judge_settings_shape(settings[0], &shape);
    shape.senders = shape.sketches = 64;
    void *memory = aligned_alloc(64, (senders_memory(&shape) + 63) / 64 * 64);
    memset(memory, 0, senders_memory(&shape));
    struct senders *senders = senders_place(memory, &shape, &error);
    struct judge_listener listener = {.context = NULL};
    struct judge *judge = judge_create(settings[0], senders, &listener, &error);
    struct sender sender;
    assert_true(sender_parse(TEXT("203.0.113.9"), &sender));
    moment now = INT64_C(1795420800) * SECOND;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 10; i++) {
            struct observation seen = {.kind = OBSERVATION_CONNECTION, .time = now += SECOND / 10, .server_port = 25};
            assert_true(address_parse(TEXT("203.0.113.9"), &seen.origin.address));
            judge_observe(judge, &seen);
        }
        struct judge_view view;
        judge_look(judge, senders_find(senders, &sender), now, &view);
        assert_string_equal(view.plan, round == 0 ? "a" : "");
        assert_true(round == 0 ? view.score == 0 : view.score > 0);
        if (round == 0)
            judge_reload(judge, settings[1]);
    }
    judge_destroy(&judge);
    senders_release(&senders);
    free(memory);
    judge_settings_destroy(&settings[0]);
    judge_settings_destroy(&settings[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_plan_does_not_say_is_as_for_everybody),
        cmocka_unit_test(this_machines_own_file_stands_over_a_collectors),
        cmocka_unit_test(a_collector_keeps_off_what_guards_the_machine),
        cmocka_unit_test(whatever_a_collector_may_set_names_no_file_and_needs_no_restart),
        cmocka_unit_test(what_is_printed_reads_as_the_same),
        cmocka_unit_test(the_first_plan_that_names_a_sender_is_its_own),
        cmocka_unit_test(the_shown_example_is_good),
        cmocka_unit_test(mistakes_are_told_with_their_line),
        cmocka_unit_test(a_reload_finds_the_plans_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
