/* What a customer's other senders have against them: firm evidence alone, of others alone, as it is now. */
#include "agent/judge/court.h"
#include "tests/unit/agent/judge/court.h"

static const char *const map = "203.0.113.0/24 acme\n198.51.100.0/24 baker\n";

struct family {
    struct court court;
    struct customers *customers;
};

static void meet(struct family *family)
{
    struct error error = {0};
    court_begin(&family->court, "");
    if (customers_read(text_of(map), "map", false, &family->customers, &error) < 0)
        fail_msg("%s", error.text);
    senders_set_customers(family->court.senders, family->customers);
}

static void part(struct family *family)
{
    court_end(&family->court);
    customers_destroy(&family->customers);
}

static bool kin_of(struct family *family, double at, const char *sender, struct kin *result)
{
    struct sender name = who(sender);
    struct sender_record *record = senders_record(family->court.senders, &name, AT(at));
    return kin_find(family->court.judge, record, AT(at), result);
}

static void others_of_the_same_customer(void **state)
{
    (void)state;
    struct family family;
    struct kin kin;
    meet(&family);
    hear(&family.court, 1, "203.0.113.1", SAYS, "18 bad");
    hear(&family.court, 1, "203.0.113.2", SAYS, "16 bad");
    hear(&family.court, 1, "203.0.113.3", SAYS, "9.9 a little odd"); /* says nothing of others */
    hear(&family.court, 1, "203.0.113.4", SOFT, "19 much");          /* a newsletter */
    hear(&family.court, 1, "198.51.100.1", SAYS, "19 another's");
    hear(&family.court, 1, "192.0.2.1", SAYS, "19 nobody's");

    assert_true(kin_of(&family, 1, "203.0.113.9", &kin));
    assert_string_equal(kin.customer, "acme");
    assert_int_equal(kin.here, 2);
    assert_int_equal(kin.elsewhere, 0);
    assert_int_equal(kin.points, 3400);
    assert_true(kin_of(&family, 1, "203.0.113.1", &kin)); /* not what it did itself */
    assert_int_equal(kin.here, 1);
    assert_int_equal(kin.points, 1600);
    assert_true(kin_of(&family, 1, "198.51.100.7", &kin));
    assert_int_equal(kin.points, 1900);
    assert_false(kin_of(&family, 1, "198.51.100.1", &kin));
    assert_false(kin_of(&family, 1, "192.0.2.7", &kin));
    assert_true(kin_of(&family, 1801, "203.0.113.9",
                       &kin)); /* as it is then: half an hour later they are less by three tenths */
    assert_int_equal(kin.here, 2);
    assert_int_equal(kin.points, 2404);
    assert_true(kin_of(&family, 2801, "203.0.113.9", &kin)); /* and the lesser one says nothing */
    assert_int_equal(kin.here, 1);
    assert_false(kin_of(&family, 7201, "203.0.113.9", &kin));
    part(&family);
}

static struct fleet_customer told_of(const char *name, points held, uint32_t senders, moment until)
{
    struct fleet_customer told = {.points = held, .senders = senders, .nodes = senders ? 1 : 0, .until = until};
    snprintf(told.name, sizeof told.name, "%s", name);
    return told;
}

static void those_elsewhere(void **state)
{
    (void)state;
    struct family family;
    struct kin kin;
    meet(&family);
    struct fleet_customer acme = told_of("acme", 1240, 1, AT(600)), nobody = told_of("nobody", 0, 0, AT(600));
    judge_customer(family.court.judge, &acme, AT(1));
    judge_customer(family.court.judge, &nobody, AT(1));
    assert_true(kin_of(&family, 1, "203.0.113.9", &kin));
    assert_int_equal(kin.elsewhere, 1);
    assert_int_equal(kin.nodes, 1);
    assert_int_equal(kin.points, 1240);
    hear(&family.court, 2, "203.0.113.1", SAYS, "16 bad");
    assert_true(kin_of(&family, 2, "203.0.113.9", &kin));
    assert_int_equal(kin.here, 1);
    assert_int_equal(kin.points, 2840);
    assert_int_equal(kin.points_elsewhere, 1240);
    assert_true(kin_of(&family, 600, "203.0.113.9", &kin)); /* over at its time */
    assert_int_equal(kin.elsewhere, 0);
    acme = told_of("acme", 0, 0, AT(900));
    judge_customer(family.court.judge, &acme, AT(3)); /* or when that is said */
    assert_true(kin_of(&family, 3, "203.0.113.9", &kin));
    assert_int_equal(kin.elsewhere, 0);
    part(&family);
}

static void of_a_hundred_eight_are_known(void **state)
{
    (void)state;
    struct family family;
    struct kin kin;
    char name[32];
    meet(&family);
    for (int i = 1; i <= 100; i++) {
        snprintf(name, sizeof name, "203.0.113.%d", i);
        hear(&family.court, 1, name, SAYS, "16 bad");
    }
    assert_true(kin_of(&family, 1, "203.0.113.200", &kin));
    assert_int_equal(kin.here, KIN_SENDERS);
    hear(&family.court, 3601, "203.0.113.99", SAYS, "18 bad"); /* the others have 8 points now, and give way */
    assert_true(kin_of(&family, 3601, "203.0.113.200", &kin));
    assert_int_equal(kin.here, 1);
    assert_int_equal(kin.points, 2600);
    part(&family);
}

/* A million customers: the latest are known, in as much memory. */
static void many_customers(void **state)
{
    (void)state;
    struct family family;
    struct kin kin;
    meet(&family);
    for (uint32_t i = 0; i < 1000000; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%u", i);
        struct fleet_customer told = told_of(name, 1000, 1, AT(600));
        judge_customer(family.court.judge, &told, AT(1));
    }
    assert_false(kin_of(&family, 1, "203.0.113.9", &kin));
    struct fleet_customer acme = told_of("acme", 1240, 1, AT(600));
    judge_customer(family.court.judge, &acme, AT(1));
    assert_true(kin_of(&family, 1, "203.0.113.9", &kin));
    part(&family);
}

/* What was there before a start is known after it: the senders' memory has it. */
static void after_a_start(void **state)
{
    (void)state;
    struct family family;
    struct kin kin;
    struct error error = {0};
    meet(&family);
    hear(&family.court, 1, "203.0.113.1", SAYS, "18 bad");
    judge_destroy(&family.court.judge);
    struct judge_listener listener = court_listener(&family.court);
    family.court.judge = judge_create(family.court.settings, family.court.senders, &listener, &error);
    assert_non_null(family.court.judge);
    assert_true(kin_of(&family, 1, "203.0.113.9", &kin));
    assert_int_equal(kin.points, 1800);
    part(&family);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_of_the_same_customer),
        cmocka_unit_test(those_elsewhere),
        cmocka_unit_test(of_a_hundred_eight_are_known),
        cmocka_unit_test(many_customers),
        cmocka_unit_test(after_a_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
