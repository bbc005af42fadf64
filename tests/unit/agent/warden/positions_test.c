/* What follows when links come, change and go: in which order ports are opened, hooked and closed. Real links in a
 * network namespace of the test's own; skipped where that cannot be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <unistd.h>
#include "agent/warden/positions.h"

struct fixture {
    bool able;
    struct links *links;
    struct positions *positions;
    char story[4096]; /* what the listener was told, a word each */
};

static void tell(struct fixture *f, const char *what, const char *name)
{
    size_t length = strlen(f->story);
    snprintf(f->story + length, sizeof(f->story) - length, "%s%s %s", length ? ", " : "", what, name);
}

static void on_opened(void *context, const struct message_port_opened *opened, int descriptor)
{
    tell(context, "opened", opened->interface);
    close(descriptor);
}

static void on_closed(void *context, const struct position *position)
{
    tell(context, "closed", position->link.name);
}

static void on_device(void *context, const struct position *position)
{
    tell(context, "hooked", position->link.name);
}

static void on_event(void *context, uint8_t severity, const char *what, const char *text)
{
    (void)severity;
    (void)what;
    tell(context, "said", text);
}

static void run(const char *command)
{
    if (system(command) != 0)
        fail_msg("%s", command);
}

/* Guests' ports are those named vnet*; nobody is there yet to read from them. */
static int create(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    f->able = geteuid() == 0 && unshare(CLONE_NEWNET) == 0;
    if (!f->able)
        return 0;
    const struct positions_listener listener = {f, on_opened, on_closed, on_device, on_event};
    struct error error = {0};
    struct capture_settings settings = {.ports = {.items = {25}, .count = 1}, .role = CAPTURE_HYPERVISOR};
    settings.interfaces = (struct option_words){.items = {"vnet*"}, .count = 1};
    assert_int_equal(links_open(&f->links, &error), 0);
    assert_int_equal(positions_create(&listener, &f->positions, &error), 0);
    assert_int_equal(positions_configure(f->positions, &settings, &error), 0);
    return 0;
}

static int destroy(void **state)
{
    struct fixture *f = *state;
    positions_destroy(&f->positions);
    links_close(&f->links);
    free(f);
    return 0;
}

#define FIXTURE(name)                                                                                                  \
    struct fixture *name = *state;                                                                                     \
    if (!name->able) {                                                                                                 \
        print_message("needs root and a network namespace\n");                                                         \
        skip();                                                                                                        \
    }

/* What followed from that command. */
static const char *after(struct fixture *f, const char *command)
{
    bool changed;
    struct error error = {0};
    f->story[0] = 0;
    run(command);
    assert_int_equal(links_read(f->links, &changed, &error), 0);
    positions_update(f->positions, f->links);
    return f->story;
}

#define PLUG "ip link add vnet1 type veth peer name peer1 && ip link set vnet1 up"

static void nothing_is_opened_before_a_watcher_is_there(void **state)
{
    FIXTURE(f);
    assert_string_equal(after(f, PLUG), "hooked vnet1");
    assert_false(positions_open_some(f->positions));
    assert_string_equal(f->story, "hooked vnet1");
    positions_hand_over(f->positions);
    assert_false(positions_open_some(f->positions));
    assert_string_equal(f->story, "hooked vnet1, opened vnet1");
}

/* Whoever sees a port hooked may rely on its packets being seen: opening its socket takes the kernel tens of
 * milliseconds, in which a guest can send much. */
static void a_port_is_watched_before_it_is_hooked(void **state)
{
    FIXTURE(f);
    positions_hand_over(f->positions);
    assert_string_equal(after(f, PLUG), "opened vnet1, hooked vnet1");
    assert_string_equal(after(f, "ip link set vnet1 down"), "closed vnet1");
}

static void a_renamed_port_is_another_one(void **state)
{
    FIXTURE(f);
    positions_hand_over(f->positions);
    after(f, PLUG);
    assert_string_equal(after(f, "ip link set vnet1 down && ip link set vnet1 name vnet9 && ip link set vnet9 up"),
                        "closed vnet1, opened vnet9, hooked vnet9");
}

static unsigned times(const char *story, const char *what)
{
    unsigned number = 0;
    for (const char *at = strstr(story, what); at; at = strstr(at + 1, what))
        number++;
    return number;
}

/* Each takes the kernel its time, and others want to be heard meanwhile. */
static void many_ports_are_opened_some_at_a_time(void **state)
{
    FIXTURE(f);
    positions_hand_over(f->positions);
    after(f, "for i in $(seq 40); do ip link add vnet$i type veth peer name peer$i && ip link set vnet$i up; done");
    assert_int_equal(times(f->story, "hooked"), 40);
    assert_int_equal(times(f->story, "opened"), 16);
    f->story[0] = 0;
    assert_true(positions_open_some(f->positions));
    assert_int_equal(times(f->story, "opened"), 16);
    assert_false(positions_open_some(f->positions));
    assert_int_equal(times(f->story, "opened"), 24);
    assert_false(positions_open_some(f->positions));
    assert_int_equal(times(f->story, "opened"), 24);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_opened_before_a_watcher_is_there),
        TEST(a_port_is_watched_before_it_is_hooked),
        TEST(a_renamed_port_is_another_one),
        TEST(many_ports_are_opened_some_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
