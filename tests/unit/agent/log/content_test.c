/* What a milter said of messages and what the log tells of them: one message, whichever comes first, and a message of
 * its own where no log does. */
#include "agent/log/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/log/log_path.h"

#define HEAD "2026-11-05T08:00:01+00:00 mx postfix/"
#define SEND(queue)                                                                                                    \
    HEAD "smtp[9]: " queue ": to=<b@y.org>, relay=mx.y.org[198.51.100.3]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, "     \
         "status=sent (250 2.0.0 Ok: queued as 7)\n"

static char shipped[32768];
static size_t shipped_length;

struct scene {
    struct contents *contents;
    struct log_path *path;
    moment now;
    char text[2048]; /* one line an observation */
    bool on_the_wire;
};

static void on_observation(void *context, const struct observation *o)
{
    struct scene *scene = context;
    size_t length = strlen(scene->text), room = sizeof scene->text - length;
    if (o->kind == OBSERVATION_MESSAGE)
        snprintf(scene->text + length, room, "message %.*s %.*s %u %u %u\n", (int)o->origin.account.length,
                 o->origin.account.bytes ? o->origin.account.bytes : "", (int)o->message.helo.length,
                 o->message.helo.bytes ? o->message.helo.bytes : "", (unsigned)o->message.recipients,
                 (unsigned)o->message.digest[0], (unsigned)o->message.likeness.parts[5]);
    else if (o->kind == OBSERVATION_TRANSACTION)
        snprintf(scene->text + length, room, "transaction %.*s\n", (int)o->transaction.from.length,
                 o->transaction.from.bytes);
}

static bool is_logged(void *context, struct text queue)
{
    const struct scene *scene = context;
    return log_path_knows(scene->path, queue);
}

static bool is_seen(void *context, const struct observation *message)
{
    const struct scene *scene = context;
    (void)message;
    return scene->on_the_wire;
}

static int begin(void **state)
{
    static struct scene scene;
    struct error error = {0};
    scene = (struct scene){.now = 1793865601 * SECOND}; /* of HEAD */
    const struct contents_listener listener = {&scene, is_logged, is_seen, on_observation};
    const struct siphash_key key = {{1, 2}};
    scene.contents = contents_create(&key, &listener, &error);
    const struct log_file files[] = {{"postfix", {shipped, shipped_length}}, {0}};
    const struct log_settings settings = {
        .transactions = 100, .idle = DAY, .key = key, .contents = scene.contents, .files = files};
    const struct log_listener logs = {&scene, on_observation, NULL, NULL};
    scene.path = log_path_create(&settings, &logs, &error);
    *state = &scene;
    return scene.contents && scene.path && log_path_open_source(scene.path, "mail.log", 0) == 1 ? 0 : -1;
}

static int end(void **state)
{
    struct scene *scene = *state;
    log_path_destroy(&scene->path);
    contents_destroy(&scene->contents);
    return 0;
}

static int read_shipped(void **state)
{
    (void)state;
    FILE *file = fopen("conf/logs/postfix.conf", "r");
    if (!file)
        return -1;
    shipped_length = fread(shipped, 1, sizeof shipped, file);
    fclose(file);
    return 0;
}

static void hear(struct scene *scene, const char *lines)
{
    assert_int_equal(log_path_add(scene->path, 1, text_of(lines), true), strlen(lines));
}

static void add(struct scene *scene, const char *queue, uint64_t digest)
{
    struct content content = {.queue = text_of(queue),
                              .account = TEXT("al@x.org"),
                              .sender = TEXT("al@x.org"),
                              .helo = TEXT("pc"),
                              .recipients = 2,
                              .bytes = 700,
                              .digest = {digest, 9}};
    content.likeness.parts[5] = 55;
    contents_add(scene->contents, &content, scene->now);
}

static void pass(struct scene *scene, duration time)
{
    scene->now += time;
    contents_tick(scene->contents, scene->now);
}

static void said(struct scene *scene, const char *want)
{
    assert_string_equal(scene->text, want);
    scene->text[0] = 0;
}

static const char queued[] =
    HEAD "submission/smtpd[9]: ABCDEF1: client=pc[192.0.2.7]:5000, sasl_method=PLAIN, sasl_username=al@x.org\n" HEAD
         "qmgr[9]: ABCDEF1: from=<al@x.org>, size=900, nrcpt=1 (queue active)\n";

static void the_log_s_message_has_what_the_milter_said(void **state)
{
    struct scene *scene = *state;
    add(scene, "ABCDEF1", 42);
    hear(scene, queued);
    hear(scene, SEND("ABCDEF1"));
    said(scene, "message al@x.org pc 1 42 55\n");
    hear(scene, HEAD "qmgr[9]: ABCDEF1: removed\n");
    pass(scene, MINUTE);
    said(scene, "");
}

static void so_it_has_hours_later(void **state)
{
    struct scene *scene = *state;
    add(scene, "ABCDEF1", 42);
    hear(scene, queued);
    for (int i = 0; i < 100; i++)
        pass(scene, MINUTE);
    said(scene, "");
    hear(scene, SEND("ABCDEF1"));
    said(scene, "message al@x.org pc 1 42 55\n");
}

static void where_no_log_tells_it_is_a_message_of_its_own(void **state)
{
    struct scene *scene = *state;
    add(scene, "ABCDEF1", 42);
    pass(scene, CONTENT_PATIENCE - SECOND);
    said(scene, "");
    pass(scene, SECOND);
    said(scene, "transaction al@x.org\nmessage al@x.org pc 2 42 55\n");
    pass(scene, HOUR);
    said(scene, "");
}

static void unless_it_was_on_the_wire(void **state)
{
    struct scene *scene = *state;
    scene->on_the_wire = true;
    add(scene, "ABCDEF1", 42);
    pass(scene, MINUTE);
    said(scene, "");
}

static void a_milter_that_is_late_says_nothing_new(void **state)
{
    struct scene *scene = *state;
    hear(scene, queued);
    hear(scene, SEND("ABCDEF1") HEAD "qmgr[9]: ABCDEF1: removed\n");
    said(scene, "message al@x.org  1 0 0\n");
    add(scene, "ABCDEF1", 42);
    pass(scene, MINUTE);
    said(scene, "");
    /* Queue ids are used again. */
    pass(scene, HOUR);
    add(scene, "ABCDEF1", 43);
    hear(scene, queued);
    hear(scene, SEND("ABCDEF1"));
    said(scene, "message al@x.org pc 1 43 55\n");
}

static void mail_that_stays_here_is_nobodys(void **state)
{
    struct scene *scene = *state;
    add(scene, "ABCDEF1", 42);
    hear(scene, queued);
    hear(scene, HEAD "qmgr[9]: ABCDEF1: removed\n");
    pass(scene, MINUTE);
    said(scene, "");
}

static void it_follows_a_message_through_a_filter(void **state)
{
    struct scene *scene = *state;
    add(scene, "ABCDEF1", 42);
    hear(scene, queued);
    hear(scene, HEAD "smtpd[9]: DEFABC2: client=localhost[127.0.0.1]:5001, orig_queue_id=ABCDEF1, "
                     "orig_client=pc[192.0.2.7]:5000\n" HEAD
                     "qmgr[9]: DEFABC2: from=<al@x.org>, size=990, nrcpt=1 (queue active)\n");
    hear(scene, SEND("DEFABC2"));
    said(scene, "message al@x.org pc 1 42 55\n");
}

static void memory_is_fixed(void **state)
{
    struct scene *scene = *state;
    char queue[16];
    for (int i = 0; i < CONTENTS_MOST + 1; i++) {
        snprintf(queue, sizeof queue, "Q%d", i);
        add(scene, queue, (uint64_t)i);
    }
    said(scene, "transaction al@x.org\nmessage al@x.org pc 2 0 55\n"); /* the first gave way, early */
    char much[100] = {0};
    memset(much, 'Q', sizeof much - 1);
    add(scene, much, 1);
    said(scene, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_log_s_message_has_what_the_milter_said, begin, end),
        cmocka_unit_test_setup_teardown(so_it_has_hours_later, begin, end),
        cmocka_unit_test_setup_teardown(where_no_log_tells_it_is_a_message_of_its_own, begin, end),
        cmocka_unit_test_setup_teardown(unless_it_was_on_the_wire, begin, end),
        cmocka_unit_test_setup_teardown(a_milter_that_is_late_says_nothing_new, begin, end),
        cmocka_unit_test_setup_teardown(mail_that_stays_here_is_nobodys, begin, end),
        cmocka_unit_test_setup_teardown(it_follows_a_message_through_a_filter, begin, end),
        cmocka_unit_test_setup_teardown(memory_is_fixed, begin, end),
    };
    return cmocka_run_group_tests(tests, read_shipped, NULL);
}
