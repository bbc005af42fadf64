/* The processes' settings: presets that work as they are, checks, and values that survive the way through a bundle. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "agent/message/bundle.h"
#include "agent/message/sealed.h"
#include "agent/message/settings.h"

static int read_settings(const char *text, struct process_settings *settings, struct error *error)
{
    struct option_binding bindings[PROCESS_BINDINGS + 1];
    process_settings_bind(settings, bindings);
    return options_read(bindings, text_of(text), "test", error);
}

static void clear(struct process_settings *settings)
{
    struct option_binding bindings[PROCESS_BINDINGS + 1];
    process_settings_bind(settings, bindings);
    options_clear(bindings);
}

static void test_presets(void **unused)
{
    (void)unused;
    struct process_settings settings;
    struct error error = {0};
    uint16_t ports[16];
    assert_int_equal(read_settings("", &settings, &error), 0);
    settings_ports(&settings.capture, ports);
    static const uint16_t want[16] = {25, 465, 587, 2525};
    assert_memory_equal(ports, want, sizeof want);
    assert_int_equal(settings.capture.role, CAPTURE_AUTO);
    assert_int_equal(settings.enforce.mode, ENFORCE_OBSERVE); /* it observes until told to enforce */
    assert_int_equal(settings.enforce.reject, REJECT_AUTO);
    assert_string_equal(settings.agent.socket, "/run/postern/agent.sock");
    assert_string_equal(settings.agent.state, "/var/lib/postern");
    clear(&settings);
}

static void test_what_is_refused(void **unused)
{
    (void)unused;
    static const char *const rows[][2] = {
        {"[capture]\nports =\n", "test:2: [capture] ports: "},
        {"[capture]\nports = 0\n", "test:2: [capture] ports: "},
        {"[capture]\nports = 65536\n", "test:2: [capture] ports: "},
        {"[capture]\nports = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", "[capture] ports: "},
        {"[capture]\nheld = 64K\nheld_per_stream = 128K\n", "[capture] held_per_stream: "},
        {"[capture]\nrole = router\n", "test:2: [capture] role: "},
        {"[enforce]\nmode = on\n", "test:2: [enforce] mode: "},
        {"[enforce]\nalways_open = abuse.example.net\n", "test:2: [enforce] always_open: "},
        {"[agent]\nsocket = run/agent.sock\n", "[agent] socket: "},
        {"[agent]\nstate =\n", "[agent] state: "},
        {"[milter]\nlisten = 127.0.0.1:8891\n", "[milter] listen: "},
        {"[milter]\nlisten = inet:8891@localhost\n", "[milter] listen: "},
        {"[milter]\nlisten = inet:0@127.0.0.1\n", "[milter] listen: "},
        {"[milter]\nlisten = inet:8891\n", "[milter] listen: "},
        {"[milter]\nlisten = inet6:8891@127.0.0.1\n", "[milter] listen: "},
        {"[milter]\nlisten = unix:milter\n", "[milter] listen: "},
        {"[milter]\nlisten = unix:/run/x/\n", "[milter] listen: "},
        {"[milter]\nfail = reject\n", "[milter] fail: "},
        {"[policy]\nblock = 30\n", "policy"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct process_settings settings;
        struct error error = {0};
        if (read_settings(rows[i][0], &settings, &error) == 0)
            fail_msg("not refused: %s", rows[i][0]);
        if (strstr(error.text, rows[i][1]) == NULL)
            fail_msg("%s", error.text);
        clear(&settings);
    }
}

static void test_where_a_milter_listens(void **unused)
{
    (void)unused;
    static const char *const places[] = {"unix:/run/postern/milter", "inet:8891@127.0.0.1", "inet6:8891@::1"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        assert_true(settings_milter_listen(text_of(places[i])));
    struct milter_settings milter = {.listen = "unix:/run/postern/milter"};
    assert_string_equal(settings_milter_path(&milter), "/run/postern/milter");
    milter = (struct milter_settings){.listen = "inet:8891@127.0.0.1"};
    assert_null(settings_milter_path(&milter));
    assert_false(settings_milter_listen(TEXT("")));
}

static void test_values_survive_being_printed_and_read(void **unused)
{
    (void)unused;
    static const char *const text =
        "[capture]\nports = 25 2526\ninterfaces = tap* vnet7\nrole = hypervisor\nring = 512K\n"
        "local = 192.0.2.0/24 2001:db8::/32\nidle = 1h30m\n"
        "[enforce]\nmode = enforce\nreject = never\nalways_open = 198.51.100.25\n"
        "[agent]\nsocket = /tmp/a b/agent.sock\n";
    struct process_settings given, again;
    struct option_binding bindings[PROCESS_BINDINGS + 1];
    struct error error = {0};
    struct buffer values, values_again;
    buffer_init(&values, 65536);
    buffer_init(&values_again, 65536);
    assert_int_equal(read_settings(text, &given, &error), 0);
    process_settings_bind(&given, bindings);
    assert_true(options_print_values(bindings, &values));

    process_settings_bind(&again, bindings);
    if (options_read(bindings, buffer_text(&values), "process.conf", &error) != 0)
        fail_msg("%s", error.text);
    assert_true(options_print_values(bindings, &values_again));
    assert_true(text_equals(buffer_text(&values), buffer_text(&values_again)));
    assert_int_equal(again.capture.idle, 90 * MINUTE);
    assert_int_equal(again.capture.local.count, 2);
    assert_string_equal(again.capture.interfaces.items[1], "vnet7");
    assert_string_equal(again.agent.socket, "/tmp/a b/agent.sock");
    assert_int_equal(again.enforce.reject, REJECT_NEVER);
    buffer_clear(&values);
    buffer_clear(&values_again);
    clear(&given);
    clear(&again);
}

static void test_names_and_patterns(void **unused)
{
    (void)unused;
    const struct option_words patterns = {.items = {"tap*", "eth0", ""}, .count = 3};
    static const struct {
        const char *name;
        bool want;
    } rows[] = {{"tap100i0", true}, {"tap", true}, {"ta", false}, {"eth0", true}, {"eth01", false}, {"", true}};
    for (size_t i = 0; i + 1 < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(settings_name_fits(&patterns, rows[i].name), rows[i].want);
    const struct option_words none = {.count = 0}, all = {.items = {"*"}, .count = 1};
    assert_false(settings_name_fits(&none, "eth0"));
    assert_true(settings_name_fits(&all, "eth0"));
}

static void test_the_environment_stands_over_the_file(void **unused)
{
    (void)unused;
    struct process_settings settings;
    struct error error = {0};
    char long_path[200];
    memset(long_path, '/', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(read_settings("", &settings, &error), 0);
    assert_int_equal(settings_override(&settings.agent, NULL, "", &error), 0);
    assert_string_equal(settings.agent.socket, "/run/postern/agent.sock");
    assert_int_equal(settings_override(&settings.agent, "/tmp/s", "/tmp/d", &error), 0);
    assert_string_equal(settings.agent.socket, "/tmp/s");
    assert_string_equal(settings.agent.state, "/tmp/d");
    assert_int_equal(settings_override(&settings.agent, "s", NULL, &error), -EINVAL);
    assert_int_equal(settings_override(&settings.agent, long_path, NULL, &error), -EINVAL); /* longer than a socket's */
    assert_string_equal(settings.agent.socket, "/tmp/s");
    clear(&settings);
}

static void test_where_mail_servers_ask(void **unused)
{
    static const struct {
        const char *text, *want; /* NULL: nowhere */
    } rows[] = {
        {"", "/run/postern/policy"},
        {"[agent]\nsocket = /srv/x/s\n", "/srv/x/policy"},
        {"[agent]\npolicy = /var/spool/postfix/postern/policy\n", "/var/spool/postfix/postern/policy"},
        {"[agent]\npolicy = none\n", NULL},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct process_settings settings;
        struct error error = {0};
        char path[OPTION_TEXT_SIZE];
        assert_int_equal(read_settings(rows[i].text, &settings, &error), 0);
        assert_int_equal(settings_policy(&settings.agent, path), rows[i].want != NULL);
        if (rows[i].want)
            assert_string_equal(path, rows[i].want);
        clear(&settings);
    }
}

/* A bundle with the processes' part and the map that it names. */
static void make_bundle(struct buffer *bundle, const char *settings, const char *map)
{
    struct error error = {0};
    bundle_init(bundle);
    assert_int_equal(bundle_add(bundle, TEXT(BUNDLE_PROCESS), text_of(settings), &error), 0);
    if (map)
        assert_int_equal(bundle_add(bundle, TEXT("customers.map"), text_of(map), &error), 0);
}

static int read_customers(const char *settings, const char *map, struct customers **result, struct error *error)
{
    struct buffer bundle;
    int descriptor;
    make_bundle(&bundle, settings, map);
    assert_int_equal(sealed_make("test", buffer_text(&bundle), &descriptor, error), 0);
    int code = settings_customers_read(descriptor, result, error);
    close(descriptor);
    buffer_clear(&bundle);
    return code;
}

static void test_customers_come_with_the_bundle(void **unused)
{
    (void)unused;
    struct customers *customers = NULL;
    struct error error = {0};
    char name[CUSTOMER_TEXT];
    const struct sender user = sender_from_user(7), port = sender_from_port("tap101i0");
    static const char *const text = "[customers]\nmap = customers.map\nnumbered = no\n";
    assert_int_equal(read_customers(text, "uid:7 acme\n", &customers, &error), 0);
    assert_int_equal(customers_find(customers, &(struct customer_question){.sender = &user}, name), CUSTOMER_MAPPED);
    assert_string_equal(name, "acme");
    assert_int_equal(customers_find(customers, &(struct customer_question){.sender = &port}, name), CUSTOMER_UNKNOWN);
    customers_destroy(&customers);

    assert_int_equal(read_customers("", NULL, &customers, &error), 0);
    assert_int_equal(customers_find(customers, &(struct customer_question){.sender = &port}, name), CUSTOMER_NUMBERED);
    assert_string_equal(name, "vm101");
    customers_destroy(&customers);

    assert_int_equal(read_customers(text, NULL, &customers, &error), -ENOENT);
    assert_string_equal(error.text, "the configuration was handed over without \"customers.map\"");
    assert_int_equal(read_customers(text, "uid:7\n", &customers, &error), -EINVAL);
    assert_string_equal(error.text,
                        "customers.map:1: no customer behind \"uid:7\"; a member and a customer are allowed");
    assert_null(customers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_where_a_milter_listens),
        cmocka_unit_test(test_values_survive_being_printed_and_read),
        cmocka_unit_test(test_names_and_patterns),
        cmocka_unit_test(test_the_environment_stands_over_the_file),
        cmocka_unit_test(test_where_mail_servers_ask),
        cmocka_unit_test(test_customers_come_with_the_bundle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
