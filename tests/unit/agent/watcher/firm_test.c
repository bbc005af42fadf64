/* What the collector is told of customers' points: what rose soon, what faded by the minute, each change once, an end,
 * and never more than so much at once. */
#include "agent/watcher/firm.h"
#include "tests/unit/agent/judge/court.h"

static const char *const map = "203.0.113.0/24 acme\n2001:db8::/32 many\n";

struct scene {
    struct court court;
    struct customers *customers;
    struct firm *firm;
    struct buffer said;
    bool busy; /* nothing can be said */
    uint32_t count;
};

static void on_evidence(void *context, const struct sender_record *record, const struct evidence *evidence,
                        points added)
{
    struct scene *scene = context;
    (void)evidence, (void)added;
    firm_note(scene->firm, record);
}

static bool on_say(void *context, moment time, const struct firm_change *change)
{
    struct scene *scene = context;
    char name[SENDER_TEXT], at[32];
    if (scene->busy)
        return false;
    scene->count++;
    if (scene->said.length < 4096)
        assert_true(buffer_printf(&scene->said, "%s %s %s %d of %d\n", seconds(time, at),
                                  change->record->whose.customer, sender_print(&change->record->sender, name),
                                  change->points, change->score));
    return true;
}

static void begin_judge(struct scene *scene)
{
    struct error error = {0};
    struct judge_listener listener = {.context = scene, .evidence = on_evidence};
    scene->firm = firm_create(&error);
    assert_non_null(scene->firm);
    scene->court.judge = judge_create(scene->court.settings, scene->court.senders, &listener, &error);
    assert_non_null(scene->court.judge);
    firm_begin(scene->firm, scene->court.judge, scene->court.senders, AT(0));
}

static void begin(struct scene *scene)
{
    struct error error = {0};
    memset(scene, 0, sizeof *scene);
    buffer_init(&scene->said, 65536);
    court_begin(&scene->court, "");
    judge_destroy(&scene->court.judge);
    if (customers_read(text_of(map), "map", false, &scene->customers, &error) < 0)
        fail_msg("%s", error.text);
    senders_set_customers(scene->court.senders, scene->customers);
    begin_judge(scene);
}

static void end(struct scene *scene)
{
    firm_destroy(&scene->firm);
    court_end(&scene->court);
    customers_destroy(&scene->customers);
    buffer_clear(&scene->said);
}

/* Ticks to that second; what was said since. */
static void told(struct scene *scene, int from, int to, const char *want)
{
    for (int at = from; at <= to; at++)
        firm_tick(scene->firm, scene->court.judge, scene->court.senders, AT(at), on_say, scene);
    assert_true(buffer_append_byte(&scene->said, 0));
    assert_string_equal(scene->said.bytes, want);
    scene->said.length = 0;
}

static void what_rises_and_what_fades(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    hear(&scene.court, 1, "203.0.113.1", SAYS, "4 bad");
    hear(&scene.court, 1, "203.0.113.1", SOFT, "3 much"); /* of all, but not firm */
    hear(&scene.court, 1, "192.0.2.1", SAYS, "9 nobody's");
    hear(&scene.court, 1, "203.0.113.2", SAYS, "0.9 little");
    told(&scene, 1, 1, "1 acme 203.0.113.1 400 of 700\n");
    hear(&scene.court, 2, "203.0.113.1", SAYS, "8 worse");
    told(&scene, 2, 10, "");
    told(&scene, 11, 11, "11 acme 203.0.113.1 1198 of 1497\n");
    told(&scene, 12, 400, ""); /* it fades by one point in 7.5 minutes */
    told(&scene, 401, 600, "461 acme 203.0.113.1 1098 of 1373\n");
    end(&scene);
}

static void the_end_is_told(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    hear(&scene.court, 1, "203.0.113.1", SAYS, "1.2 bad");
    told(&scene, 1, 1, "1 acme 203.0.113.1 120 of 120\n");
    told(&scene, 2, 4000, "");
    told(&scene, 4001, 5000, "4601 acme 203.0.113.1 0 of 49\n");
    told(&scene, 5001, 9000, "");
    end(&scene);
}

static void who_does_not_listen_hears_it_later(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    hear(&scene.court, 1, "203.0.113.1", SAYS, "4 bad");
    scene.busy = true;
    told(&scene, 1, 5, "");
    scene.busy = false;
    told(&scene, 6, 20, "6 acme 203.0.113.1 400 of 400\n");
    end(&scene);
}

/* The senders' memory outlives the watcher; what was said does not. */
static void a_new_watcher_says_all(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    hear(&scene.court, 0, "203.0.113.1", SAYS, "4 bad");
    told(&scene, 0, 0, "0 acme 203.0.113.1 400 of 400\n");
    firm_destroy(&scene.firm);
    judge_destroy(&scene.court.judge);
    begin_judge(&scene);
    told(&scene, 0, 9, "0 acme 203.0.113.1 400 of 400\n");
    end(&scene);
}

static void ten_thousand_senders(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    for (int i = 0; i < 10000; i++) {
        char name[64];
        snprintf(name, sizeof name, "2001:db8:%x::1", i);
        hear(&scene.court, 1, name, SAYS, "4 bad");
    }
    firm_tick(scene.firm, scene.court.judge, scene.court.senders, AT(1), on_say, &scene);
    assert_int_equal(scene.count, FIRM_EACH);
    for (int at = 2; at < 100; at++)
        firm_tick(scene.firm, scene.court.judge, scene.court.senders, AT(at), on_say, &scene);
    assert_int_equal(scene.count, FIRM_SENDERS); /* each once */
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_rises_and_what_fades),
        cmocka_unit_test(the_end_is_told),
        cmocka_unit_test(who_does_not_listen_hears_it_later),
        cmocka_unit_test(a_new_watcher_says_all),
        cmocka_unit_test(ten_thousand_senders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
