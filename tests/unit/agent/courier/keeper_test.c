/* A journal whose file cannot be opened: entries wait, it is said once, it is tried again each minute, and all of it is
 * on the disk in the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/courier/keeper.h"

struct scene {
    char folder[64], state[80], path[96];
    struct log log;
    struct keeper keeper;
};

static int start(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct error error = {0};
    *state = scene;
    strcpy(scene->folder, "/tmp/keeper-test-XXXXXX");
    if (!mkdtemp(scene->folder))
        return -1;
    snprintf(scene->state, sizeof scene->state, "%s/state", scene->folder);
    snprintf(scene->path, sizeof scene->path, "%s/agent.db", scene->state);
    scene->log = log_open("test");
    scene->keeper.log = &scene->log;
    assert_int_equal(journal_create(scene->path, 1000, &scene->keeper.journal, &error), 0);
    assert_int_equal(news_create(scene->keeper.journal, NULL, &scene->keeper.news, &error), 0);
    return 0;
}

static int stop(void **state)
{
    struct scene *scene = *state;
    char command[128];
    news_destroy(&scene->keeper.news);
    journal_close(&scene->keeper.journal);
    snprintf(command, sizeof command, "rm -rf %s", scene->folder);
    free(scene);
    return system(command);
}

static void hear(void *context, const struct journal_entry *entry)
{
    size_t length = strlen(context);
    snprintf((char *)context + length, 4096 - length, "%.*s", (int)entry->line.length, entry->line.bytes);
}

static int read_all(struct scene *scene, char lines[4096])
{
    struct error error = {0};
    lines[0] = 0;
    return journal_read(scene->keeper.journal, 0, 0, NULL, 100, hear, lines, &error);
}

static void add(struct scene *scene, const char *line)
{
    journal_add(scene->keeper.journal, &(struct journal_entry){0, SECOND, "command", "", text_of(line)});
}

static void goes_on_without_a_file_and_finds_it_later(void **state)
{
    struct scene *scene = *state;
    char lines[4096];
    assert_false(keeper_commit(&scene->keeper, 100 * SECOND)); /* there is no such directory */
    assert_non_null(strstr(scene->keeper.journal_file.trouble, "cannot open the journal"));
    assert_int_equal(journal_waiting(scene->keeper.journal), 1); /* that it was said */
    add(scene, "{\"n\":1}\n");
    assert_true(read_all(scene, lines) < 0);
    assert_int_equal(mkdir(scene->state, 0700), 0);
    assert_false(keeper_commit(&scene->keeper, 159 * SECOND)); /* not tried before a minute is over */
    assert_true(keeper_commit(&scene->keeper, 160 * SECOND));
    assert_string_equal(scene->keeper.journal_file.trouble, "");
    assert_true(keeper_commit(&scene->keeper, 161 * SECOND));
    assert_int_equal(read_all(scene, lines), 3);
    const char *said = strstr(lines, "\"severity\":\"trouble\""), *own = strstr(lines, "{\"n\":1}");
    const char *well = strstr(lines, "\"severity\":\"news\"");
    assert_true(said && own && well && said < own && own < well);
}

static void says_a_lasting_trouble_once(void **state)
{
    struct scene *scene = *state;
    for (int minute = 1; minute < 10; minute++)
        assert_false(keeper_commit(&scene->keeper, minute * MINUTE));
    assert_int_equal(journal_waiting(scene->keeper.journal), 1);
}

/* SQLite opens what it may only read, and would say so at the first entry. */
static void a_file_that_may_not_be_written_is_no_journal(void **state)
{
    struct scene *scene = *state;
    char command[400];
    assert_int_equal(mkdir(scene->state, 0700), 0);
    assert_true(keeper_commit(&scene->keeper, SECOND));
    journal_close(&scene->keeper.journal);
    news_destroy(&scene->keeper.news);
    struct error error = {0};
    bool moved_aside;
    assert_int_equal(journal_create(scene->path, 1000, &scene->keeper.journal, &error), 0);
    assert_int_equal(news_create(scene->keeper.journal, NULL, &scene->keeper.news, &error), 0);
    snprintf(command, sizeof command, "chmod 755 %s %s; chmod 444 %s", scene->folder, scene->state, scene->path);
    assert_int_equal(system(command), 0);
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
    int code = journal_open(scene->keeper.journal, &moved_aside, &error);
    if (geteuid() == 65534)
        assert_int_equal(seteuid(0), 0);
    assert_true(code < 0);
    assert_false(moved_aside);
    assert_false(journal_is_open(scene->keeper.journal));
}

int main(void)
{
#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        IN_SCENE(goes_on_without_a_file_and_finds_it_later),
        IN_SCENE(says_a_lasting_trouble_once),
        IN_SCENE(a_file_that_may_not_be_written_is_no_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
