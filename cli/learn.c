/* postern learn: what people say of messages, as lessons for the collector's filters. From files, mailboxes and
 * directories each message goes to the collector by itself, so that what was handed in before something breaks is there
 * and is known the next time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/centre.h"
#include "cli/columns.h"
#include "cli/mail_source.h"
#include "cli/message_names.h"
#include "cli/question.h"
#include "common/cleanup.h"
#include "common/moment.h"

#define WORDS_MOST  1000
#define ANSWER_MOST ((size_t)1024 * 1024)
#define PATH_LENGTH 512

static void drop(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

struct teaching {
    const struct cli *cli;
    struct centre *centre;
    const char *lesson; /* "spam", "ham", "forget" */
    bool all;
    struct mail_source source;
    uint64_t size; /* bytes of all, 0: not known */
    int64_t fresh, known, otherwise, held_back, gone;
    bool failed;
    struct error error; /* where it failed: why */
    struct timespec begun, shown;
};

static double seconds_since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

static void show_progress(struct teaching *teaching)
{
    double seconds = seconds_since(&teaching->begun);
    if (!teaching->cli->terminal || !isatty(STDERR_FILENO) || seconds < 1 || seconds_since(&teaching->shown) < 0.2)
        return;
    clock_gettime(CLOCK_MONOTONIC, &teaching->shown);
    fprintf(stderr, "\r%llu messages, %.0f a second", (unsigned long long)teaching->source.messages,
            (double)teaching->source.messages / seconds);
    if (teaching->size)
        fprintf(stderr, ", %.0f %%", 100.0 * (double)teaching->source.bytes / (double)teaching->size);
    fprintf(stderr, "   ");
}

static void end_progress(const struct teaching *teaching)
{
    if (teaching->shown.tv_sec || teaching->shown.tv_nsec)
        fprintf(stderr, "\r%60s\r", "");
}

static int hand_in(struct teaching *teaching, const char *type, struct text body)
{
    CLEANUP(buffer_clear) struct buffer answer;
    char path[PATH_LENGTH];
    const struct centre_request request = {.method = "POST", .path = path, .type = type, .body = body};
    buffer_init(&answer, ANSWER_MOST);
    snprintf(path, sizeof path, "/v1/lessons/%s%s", teaching->lesson, teaching->all ? "?all=yes" : "");
    int status = centre_call(teaching->centre, &request, &answer, &teaching->error);
    teaching->failed = status < 0 && status != -E2BIG;
    if (status < 0)
        return status;
    CLEANUP(drop) json_t *said = json_loadb(answer.bytes ? answer.bytes : "", answer.length, 0, NULL);
    teaching->fresh += field_integer(said, "new");
    teaching->known += field_integer(said, "known");
    teaching->otherwise += field_integer(said, "otherwise");
    teaching->held_back += field_integer(said, "held_back");
    teaching->gone += field_integer(said, "gone");
    return 0;
}

static bool take_message(void *context, const char *where, struct text message)
{
    struct teaching *teaching = context;
    int status = hand_in(teaching, "message/rfc822", message);
    if (status == -E2BIG) { /* others may well be taken */
        teaching->source.too_large++;
        status = 0;
    }
    if (status < 0)
        error_wrap(&teaching->error, "%s", where);
    show_progress(teaching);
    return status == 0;
}

static int teach_name(struct teaching *teaching, const char *name)
{
    char body[64];
    snprintf(body, sizeof body, "{\"messages\":[\"%s\"]}", name);
    teaching->source.messages++;
    return hand_in(teaching, "application/json", text_of(body));
}

static int teach_word(struct teaching *teaching, const char *word)
{
    char name[MESSAGE_NAME];
    if (strcmp(word, "-") != 0 && message_name_read(word, name) && access(word, F_OK) != 0)
        return teach_name(teaching, name);
    struct error error = {0};
    int status = mail_source_read(&teaching->source, word, &error);
    if (status < 0)
        teaching->error = error;
    return teaching->failed ? -teaching->error.code : status;
}

/* --- what came of it --- */

static void say_count(int64_t count, const char *what, bool *first)
{
    if (count == 0)
        return;
    printf("%s %lld %s", *first ? "" : ",", (long long)count, what);
    *first = false;
}

static void say_result(const struct teaching *teaching)
{
    int64_t passed = (int64_t)(teaching->source.too_large + teaching->source.not_mail) + teaching->gone;
    if (teaching->cli->json) {
        printf(
            "{\"record\":\"learn\",\"lesson\":\"%s\",\"messages\":%llu,\"new\":%lld,\"known\":%lld,\"otherwise\":%lld,"
            "\"held_back\":%lld,\"passed_over\":%lld}\n",
            teaching->lesson, (unsigned long long)teaching->source.messages, (long long)teaching->fresh,
            (long long)teaching->known, (long long)teaching->otherwise, (long long)teaching->held_back,
            (long long)passed);
        return;
    }
    bool first = true;
    printf("%s: %llu messages:", teaching->lesson, (unsigned long long)teaching->source.messages);
    say_count(teaching->fresh, "to be taught", &first);
    say_count(teaching->otherwise, "taught otherwise before, to be corrected", &first);
    say_count(teaching->known, "known already", &first);
    say_count(teaching->held_back, "held back", &first);
    say_count((int64_t)teaching->source.too_large, "too large", &first);
    say_count((int64_t)teaching->source.not_mail, "that are no mail", &first);
    say_count(teaching->gone, "not in the quarantine any more", &first);
    printf("%s\n", first ? " nothing" : "");
}

static void take_waiting(void *context, json_t *record, struct text line)
{
    (void)line;
    if (strcmp(field_text(record, "record"), "learned") == 0)
        *(int64_t *)context += field_integer(record, "waiting");
}

static int wait_for_all(const struct cli *cli)
{
    json_t *question = json_pack("{ss}", "command", "lessons");
    struct error error = {0};
    int64_t waiting = 1;
    int failure = 0;
    bool shown = false;
    while (failure == 0 && waiting > 0) {
        waiting = 0;
        failure = centre_ask(cli, question, take_waiting, &waiting, &error);
        if (waiting == 0)
            break;
        if (cli->terminal && isatty(STDERR_FILENO))
            shown = fprintf(stderr, "\r%lld lessons wait   ", (long long)waiting) > 0;
        usleep(300 * 1000);
    }
    if (shown)
        fprintf(stderr, "\r%40s\r", "");
    json_decref(question);
    if (failure < 0)
        fprintf(stderr, "postern learn: %s\n", error.text);
    return failure < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int teach(const struct cli *cli, const char *lesson, const char *const *words, int count, bool all)
{
    struct teaching teaching = {.cli = cli, .lesson = lesson, .all = all};
    int status = centre_open(cli, &teaching.centre, &teaching.error);
    teaching.source.each = take_message;
    teaching.source.context = &teaching;
    clock_gettime(CLOCK_MONOTONIC, &teaching.begun);
    for (int i = 0; i < count && cli->terminal; i++) {
        char name[MESSAGE_NAME];
        teaching.size += message_name_read(words[i], name) ? 0 : mail_source_size(words[i]);
    }
    for (int i = 0; i < count && status == 0; i++)
        status = teach_word(&teaching, words[i]);
    end_progress(&teaching);
    centre_close(&teaching.centre);
    if (status < 0)
        fprintf(stderr, "postern learn: %s\n", teaching.error.text);
    if (status == 0 || teaching.source.messages > 0)
        say_result(&teaching);
    return status < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* --- status --- */

struct table {
    struct columns *learned, *shown;
};

static void add_side(struct columns *columns, const json_t *side, int64_t count)
{
    columns_add(columns, "%lld of %lld", (long long)field_integer(side, "spam"), (long long)count);
    columns_add(columns, "%.2f", field_number(side, "score"));
    columns_add(columns, "%lld/%lld", (long long)field_integer(side, "bayes_spam"),
                (long long)field_integer(side, "bayes_ham"));
}

static void add_record(void *context, const json_t *record)
{
    struct table *table = context;
    char time[CLOCK_TEXT];
    bool is_learned = strcmp(field_text(record, "record"), "learned") == 0;
    struct columns *columns = is_learned ? table->learned : table->shown;
    columns_add(columns, "%s", field_text(record, "filter"));
    if (!is_learned) {
        columns_add(columns, "%s", field_text(record, "lesson"));
        columns_add(columns, "%lld", (long long)field_integer(record, "count"));
        add_side(columns, json_object_get(record, "before"), field_integer(record, "asked_after"));
        add_side(columns, json_object_get(record, "after"), field_integer(record, "asked_after"));
        return;
    }
    static const char *const counts[] = {"spam", "ham", "forgotten", "waiting", "given_up"};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        columns_add(columns, "%lld", (long long)field_integer(record, counts[i]));
    columns_add(columns, "%s", clock_print(field_moment(record, "latest"), time));
    columns_add(columns, "%s", field_text(record, "trouble"));
}

static int status_of(const struct cli *cli, int count, char **arguments)
{
    static const char *const learned[] = {"FILTER",    ">SPAM",  ">HAM",    ">FORGOTTEN", ">WAITING",
                                          ">GIVEN UP", "LATEST", "TROUBLE", NULL};
    static const char *const shown[] = {"FILTER",     "HELD BACK",   ">COUNT", ">SPAM BEFORE", ">SCORE",
                                        ">BAYES S/H", ">SPAM AFTER", ">SCORE", ">BAYES S/H",   NULL};
    const struct command_option options[] = {{NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    CLEANUP(columns_destroy) struct columns *first = columns_create(learned);
    CLEANUP(columns_destroy) struct columns *second = columns_create(shown);
    struct table table = {first, second};
    int status = question_ask(cli, json_pack("{ss}", "command", "lessons"), add_record, &table);
    if (status != EXIT_DONE || cli->json)
        return status;
    columns_print(first, cli->colour, true);
    printf(
        "\nMessages that are held back and never taught: what filters said of them before lessons, and say now.\n"
        "SCORE is the mean, as a share of the filter's threshold; BAYES how many its statistics call spam and ham.\n");
    columns_print(second, cli->colour, true);
    return status;
}

/* --- undo --- */

static int undo_path(struct centre *centre, const char *path, int64_t *undone, struct error *error)
{
    CLEANUP(buffer_clear) struct buffer answer;
    const struct centre_request request = {.method = "DELETE", .path = path};
    buffer_init(&answer, ANSWER_MOST);
    int status = centre_call(centre, &request, &answer, error);
    if (status < 0)
        return status;
    CLEANUP(drop) json_t *said = json_loadb(answer.bytes ? answer.bytes : "", answer.length, 0, NULL);
    *undone += field_integer(said, "undone");
    return 0;
}

static bool is_digest(const char *word)
{
    return strlen(word) == 64 && strspn(word, "0123456789abcdef") == 64;
}

/* What names lessons, by message, digest or time, is taken back by that; the rest is files, whose messages are. */
static int undo(const struct cli *cli, int count, char **arguments)
{
    const char *words[WORDS_MOST], *since = NULL, *files[WORDS_MOST];
    char path[PATH_LENGTH], name[MESSAGE_NAME];
    struct error error = {0};
    int64_t undone = 0;
    int file_count = 0, status = 0;
    moment when;
    const struct command_option options[] = {{"--since", &since, NULL}, {NULL, NULL, NULL}};
    int found = command_read(count, arguments, options, words, WORDS_MOST);
    if (found < 0)
        return EXIT_USAGE;
    if ((found == 0) == (since == NULL) || (since && !moment_parse(text_of(since), &when))) {
        fprintf(stderr, "postern learn undo: which lessons? of messages and files, or --since 2026-11-23T08:00:00Z\n");
        return EXIT_USAGE;
    }
    CLEANUP(centre_close) struct centre *centre = NULL;
    status = centre_open(cli, &centre, &error);
    snprintf(path, sizeof path, "/v1/lessons");
    if (status == 0 && since && centre_add_parameter(path, sizeof path, "since", since))
        status = undo_path(centre, path, &undone, &error);
    for (int i = 0; i < found && status == 0; i++) {
        bool is_name = message_name_read(words[i], name);
        if (!is_name && !is_digest(words[i])) {
            files[file_count++] = words[i];
            continue;
        }
        snprintf(path, sizeof path, "/v1/lessons/%s", is_name ? name : words[i]);
        status = undo_path(centre, path, &undone, &error);
    }
    if (status < 0) {
        fprintf(stderr, "postern learn undo: %s\n", error.text);
        return EXIT_FAILED;
    }
    if (file_count == 0 || found > file_count) {
        if (cli->json)
            printf("{\"record\":\"undo\",\"undone\":%lld}\n", (long long)undone);
        else
            printf("%lld lessons are taken back\n", (long long)undone);
    }
    return file_count ? teach(cli, "forget", files, file_count, true) : EXIT_DONE;
}

int command_learn(const struct cli *cli, int count, char **arguments)
{
    const char *words[WORDS_MOST];
    bool all = false, wait = false;
    const char *verb = count > 1 ? arguments[1] : "";
    const struct command_option options[] = {{"--all", NULL, &all}, {"--wait", NULL, &wait}, {NULL, NULL, NULL}};
    if (!cli->collector) {
        fprintf(stderr, "postern learn: a collector has the filters: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    if (strcmp(verb, "status") == 0)
        return status_of(cli, count - 1, arguments + 1);
    if (strcmp(verb, "undo") == 0)
        return undo(cli, count - 1, arguments + 1);
    if (strcmp(verb, "spam") != 0 && strcmp(verb, "ham") != 0) {
        fprintf(stderr, "postern learn: spam, ham, status or undo\n");
        return EXIT_USAGE;
    }
    int found = command_read(count - 1, arguments + 1, options, words, WORDS_MOST);
    if (found < 0)
        return EXIT_USAGE;
    if (found == 0) {
        fprintf(stderr,
                "postern learn %s: what? a file, a mailbox, a directory, - for standard input, or messages of "
                "the quarantine\n",
                verb);
        return EXIT_USAGE;
    }
    int status = teach(cli, verb, words, found, all);
    return status == EXIT_DONE && wait ? wait_for_all(cli) : status;
}
