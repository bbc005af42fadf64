/* How a machine introduces itself, and what each way is worth. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_helo;

static const struct row {
    const char *name, *helo;
    points want;
    const char *want_reason;
} rows[] = {
    {"a full name", "mail.customer.museum", 0, ""},
    {"a name with numbers", "mx10-20.customer.museum", 0, ""},
    {"its own address", "[203.0.113.7]", 100, "its own address in place of a name"},
    {"a stranger's address", "[192.0.2.99]", 500, "another machine's address"},
    {"a stranger's IPv6 address", "[IPv6:2001:db8::99]", 500, "another machine's address"},
    {"a private address", "[192.168.1.5]", 200, "an address of a private network"},
    {"a private IPv6 address", "[IPv6:fd00::1]", 200, "an address of a private network"},
    {"a loopback address", "[127.0.0.1]", 200, "an address of a private network"},
    {"the server's address", "[100.0.0.1]", 800, "the address of the server that it talks to"},
    {"an address without brackets", "203.0.113.7", 300, "an address without brackets"},
    {"a bare word", "WIN-7QK2F1", 200, "a bare word, not the full name of a machine"},
    {"nothing at all", "", 200, "a bare word, not the full name of a machine"},
    {"an unknown literal", "[nonsense]", 200, "a bare word, not the full name of a machine"},
    {"a name made of its address", "ip-203-0-113-7.dynamic.there.museum", 100, "a name made of its address"},
    {"backwards", "7.113.0.203.adsl.there.museum", 100, "a name made of its address"},
    {"localhost", "localhost", 200, "localhost, the name of a machine that nobody set up"},
    {"localhost.localdomain", "localhost.localdomain", 200, "localdomain, the name of a machine that nobody set up"},
    {"a local name", "server.local", 200, "a name of the local network"},
    {"a domain for examples", "mail.example.com", 300, "a domain reserved for examples"},
    {"a known bot", "ylmf-pc", 1200, "the name of a known spam bot"},
    {"in other case", "YLMF-PC", 1200, "the name of a known spam bot"},
    {"a preset", "User", 400, "a name that mailers leave at their preset"},
};

static void names(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_helo, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        struct observation seen = helo_of(NOON, rows[i].helo);
        points got = subject_observe(&subject, &seen);
        char want[EVIDENCE_REASON] = "";
        if (rows[i].want)
            snprintf(want, sizeof want, "says \"%s\" in HELO: %s", rows[i].helo, rows[i].want_reason);
        if (got != rows[i].want || strcmp(subject.findings.reason, want) != 0)
            fail_msg("%s: %d \"%s\"", rows[i].name, got, subject.findings.reason);
    }
    subject_destroy(&subject);
}

/* Mail programs say what they like to their own provider. */
static void submission(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_helo, "");
    struct observation seen = helo_of(NOON, "ylmf-pc");
    seen.server_port = 587;
    assert_int_equal(subject_observe(&subject, &seen), 0);
    seen.server_port = 465;
    assert_int_equal(subject_observe(&subject, &seen), 0);
    seen.server_port = 2525;
    assert_int_equal(subject_observe(&subject, &seen), 1200);
    subject_destroy(&subject);
}

/* The same careless name for weeks stays at what it is worth. */
static void lasts(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_helo, "");
    for (int i = 0; i < 20000; i++) {
        struct observation seen = helo_of(NOON + i * MINUTE, i % 3 ? "localhost.localdomain" : "web");
        subject_observe(&subject, &seen);
    }
    assert_true(subject.findings.peak <= 2.0);
    subject_destroy(&subject);
}

static points greet(struct subject *subject, uint32_t number, uint32_t names, uint32_t addresses, duration each)
{
    for (uint32_t i = 0; i < number; i++) {
        char name[64];
        snprintf(name, sizeof name, "mail%u.there.museum", i % names);
        struct observation seen = helo_of(NOON + i * each, name);
        seen.origin.address.bytes[3] = (uint8_t)(i % addresses);
        seen.origin.address.bytes[2] = (uint8_t)(i % addresses >> 8);
        subject_observe(subject, &seen);
    }
    return subject->findings.sum;
}

static const struct {
    const char *name;
    uint32_t number, names, addresses;
    duration each;
    points want;
} changes[] = {
    {"one name", 1000, 1, 1, SECOND, 0},
    {"several mail servers behind one address", 1000, 5, 1, SECOND, 0},
    {"a new name on each connection", 8, 8, 1, SECOND, 400},
    {"and on", 15, 15, 1, SECOND, 800},
    {"and on and on", 100, 100, 1, SECOND, 1200},
    {"a mailer with forty addresses, each with its name", 1000, 40, 40, SECOND, 0},
    {"some names now and then", 6, 6, 1, 30 * MINUTE, 0},
    {"eleven mail servers behind one address", 3000, 11, 1, 100 * MILLISECOND, 400},
};

static void ever_new_names(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_helo, "");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        subject_forget(&subject);
        points got = greet(&subject, changes[i].number, changes[i].names, changes[i].addresses, changes[i].each);
        if (got != changes[i].want)
            fail_msg("%s: %d \"%s\"", changes[i].name, got, subject.findings.reason);
    }
    subject_forget(&subject);
    greet(&subject, 7, 7, 1, SECOND);
    assert_string_equal(subject.findings.reason,
                        "7 names in 7 HELOs within 1 hour; the limit is 5; the last was \"mail6.there.museum\"");
    subject_destroy(&subject);
}

/* EHLO refused, HELO with the same name: still a new name on each connection. */
static void twice_in_a_connection(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_helo, "");
    for (int i = 0; i < 7; i++) {
        char name[32];
        snprintf(name, sizeof name, "host%d.museum", i);
        for (int k = 0; k < 2; k++) {
            struct observation seen = helo_of(NOON + i * SECOND, name);
            subject_observe(&subject, &seen);
        }
    }
    assert_int_equal(subject.findings.sum, 400);
    subject_destroy(&subject);
}

static void recipients_names(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_helo, "");
    struct observation seen = helo_of(NOON, "customer.museum");
    subject_observe(&subject, &seen);
    seen = recipient_of(NOON, "visitor@customer.museum", "info@customer.museum", 250, 0);
    assert_int_equal(subject_observe(&subject, &seen), 0); /* mail at home */
    seen = recipient_of(NOON, "visitor@elsewhere.museum", "info@Customer.museum", 250, 0);
    assert_int_equal(subject_observe(&subject, &seen), 200);
    assert_string_equal(subject.findings.reason,
                        "says \"Customer.museum\" in HELO: the domain of the recipient that it writes to");
    for (int i = 0; i < 100; i++)
        assert_int_equal(subject_observe(&subject, &seen), 0); /* a contact form, and its next mail */

    seen = helo_of(NOON + SECOND, "mx.victim.museum");
    subject_observe(&subject, &seen);
    seen = recipient_of(NOON + SECOND, "x@elsewhere.museum", "bob@victim.museum", 250, 0);
    assert_int_equal(subject_observe(&subject, &seen), 400);
    assert_string_equal(subject.findings.reason,
                        "says a name within \"victim.museum\" in HELO: the domain of the recipient that it writes to");
    seen = helo_of(NOON + 2 * SECOND, "third.museum");
    subject_observe(&subject, &seen);
    seen = recipient_of(NOON + 2 * SECOND, "x@elsewhere.museum", "eve@third.museum", 250, 0);
    assert_int_equal(subject_observe(&subject, &seen), 400);
    subject_destroy(&subject);
}

/* A site knows its customers' oddities: OK takes back what the form of the name is worth. */
static void own_map(void **state)
{
    (void)state;
    FILE *file = fopen("helo_test.map", "w");
    assert_non_null(file);
    fputs("oldserver OK\nbad.museum REJECT\nodd.museum WARN\n", file);
    fclose(file);
    struct subject subject = subject_create(&detector_helo, "[helo]\nmaps = helo_test.map\n");
    struct observation seen = helo_of(NOON, "OLDSERVER");
    assert_int_equal(subject_observe(&subject, &seen), 0);
    seen = helo_of(NOON, "odd.museum");
    assert_int_equal(subject_observe(&subject, &seen), 200);
    seen = helo_of(NOON, "bad.museum");
    assert_int_equal(subject_observe(&subject, &seen), 400);
    assert_string_equal(subject.findings.reason, "says \"bad.museum\" in HELO: an access map rejects it");
    subject_destroy(&subject);
    remove("helo_test.map");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names),
                                       cmocka_unit_test(submission),
                                       cmocka_unit_test(lasts),
                                       cmocka_unit_test(ever_new_names),
                                       cmocka_unit_test(twice_in_a_connection),
                                       cmocka_unit_test(recipients_names),
                                       cmocka_unit_test(own_map)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
