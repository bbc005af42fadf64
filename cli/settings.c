/* postern settings: what a collector sets on its nodes, for the whole fleet or for one; and what of that is in force on
 * this machine. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/question.h"
#include "common/cleanup.h"
#include "common/io/file.h"

#define TEXT_MOST 65536

static void free_bytes(char **bytes)
{
    free(*bytes);
    *bytes = NULL;
}

/* --- on a node --- */

static void show_here(void *context, const json_t *record)
{
    long long revision = (long long)field_integer(record, "settings");
    (void)context;
    if (strcmp(field_text(record, "record"), "warden") != 0)
        return;
    if (revision > 0)
        printf("settings from the collector, revision %lld, are in force; this machine's own file stands over them\n",
               revision);
    else
        printf("no settings from a collector are in force\n");
}

/* --- of a collector --- */

static void show_acknowledgement(const json_t *record)
{
    char time[CLOCK_TEXT];
    printf("# %s %s at %s: %s\n", field_text(record, "node_name"),
           field_true(record, "done") ? "has them in force" : "did not take them",
           clock_print(field_moment(record, "time"), time), field_text(record, "text"));
}

/* The heads are comments, so that what is printed can be changed and set again. */
static void show(void *context, const json_t *record)
{
    bool *any = context;
    char time[CLOCK_TEXT];
    if (strcmp(field_text(record, "record"), "acknowledgement") == 0) {
        show_acknowledgement(record);
        return;
    }
    const char *node = field_text(record, "node"), *text = field_text(record, "text");
    size_t length = strlen(text);
    printf("%s# %s%s: revision %lld, by %s at %s: %s\n", *any ? "\n" : "", node[0] ? "node " : "",
           node[0] ? node : "every node", (long long)field_integer(record, "revision"), field_text(record, "by"),
           clock_print(field_moment(record, "time"), time), field_text(record, "reason"));
    if (json_object_get(record, "done"))
        printf("# in force on %lld node%s, refused by %lld\n", (long long)field_integer(record, "done"),
               field_integer(record, "done") == 1 ? "" : "s", (long long)field_integer(record, "failed"));
    printf("%s%s", text, length > 0 && text[length - 1] != '\n' ? "\n" : "");
    *any = true;
}

static int show_all(const struct cli *cli, const char *node)
{
    bool any = false;
    json_t *question = json_pack("{ss}", "command", "settings");
    if (question && node)
        json_object_set_new(question, "node", json_string(node));
    int status = question_ask(cli, question, show, &any);
    if (status == EXIT_DONE && !cli->json && !any)
        printf("nothing is set\n");
    return status;
}

static int set(const struct cli *cli, const char *file, const char *node, const char *reason)
{
    CLEANUP(free_bytes) char *bytes = NULL;
    struct error error = {0};
    size_t length = 0;
    if (file_read(strcmp(file, "-") == 0 ? "/dev/stdin" : file, TEXT_MOST, &bytes, &length, &error) < 0) {
        fprintf(stderr, "postern settings: %s\n", error.text);
        return EXIT_USAGE;
    }
    json_t *text = json_stringn(bytes, length);
    if (!text) {
        fprintf(stderr, "postern settings: %s is no text in UTF-8\n", file);
        return EXIT_USAGE;
    }
    json_t *question = json_pack("{ss so ss}", "command", "settings", "text", text, "reason", reason);
    if (question && node)
        json_object_set_new(question, "node", json_string(node));
    return question_ask(cli, question, NULL, NULL);
}

int command_settings(const struct cli *cli, int count, char **arguments)
{
    const char *words[2] = {NULL, NULL}, *node = NULL, *reason = NULL;
    const struct command_option options[] = {{"--node", &node, NULL}, {"--reason", &reason, NULL}, {NULL, NULL, NULL}};
    int found = command_read(count, arguments, options, words, 2);
    if (found < 0)
        return EXIT_USAGE;
    if (!cli->collector && (found > 0 || node)) {
        fprintf(stderr, "postern settings: a collector sets them: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    if (found == 0)
        return cli->collector ? show_all(cli, node)
                              : question_ask(cli, json_pack("{ss}", "command", "status"), show_here, NULL);
    if (strcmp(words[0], "set") != 0 || found < 2) {
        fprintf(stderr, "postern settings: `settings set FILE --reason TEXT` sets, `settings` alone shows\n");
        return EXIT_USAGE;
    }
    if (!reason || !*reason) {
        fprintf(stderr,
                "postern settings: --reason TEXT is needed; it is kept on record with your name and the time\n");
        return EXIT_USAGE;
    }
    return set(cli, words[1], node, reason);
}
