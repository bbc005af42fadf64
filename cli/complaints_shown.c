/* See complaints_shown.h. What a letter says is shown as text that no terminal obeys. */
#include "cli/complaints_shown.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/centre.h"
#include "cli/columns.h"
#include "cli/question.h"
#include "common/cleanup.h"

#define ANSWER_MOST ((size_t)2 * 1024 * 1024)
#define PATH_LENGTH 1024
#define ID_LENGTH   16

static int say_error(const struct error *error)
{
    fprintf(stderr, "postern complaints: %s\n", error->text);
    return EXIT_FAILED;
}

static void drop(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

/* --- list --- */

static const char *whose(const json_t *record)
{
    const char *customer = field_text(record, "customer");
    return customer[0] ? customer : "-";
}

static void add_complaint(void *context, const json_t *record)
{
    struct columns *columns = context;
    char time[CLOCK_TEXT];
    const char *sender = field_text(record, "sender"), *address = field_text(record, "address");
    columns_add(columns, "%s", field_text(record, "id"));
    columns_add(columns, "%s", clock_print(field_moment(record, "received"), time));
    columns_add(columns, "%s", field_text(record, "state"));
    columns_add(columns, "%s", field_text(record, "type"));
    columns_add(columns, "%s", whose(record));
    columns_add(columns, "%s", sender[0] ? sender : address[0] ? address : "-");
    columns_add(columns, "%s", field_text(record, "tied")[0] ? field_text(record, "tied") : "-");
    columns_add(columns, "%lld", (long long)field_integer(record, "times"));
    columns_add(columns, "%s", field_text(record, "reporter"));
}

int complaints_list(const struct cli *cli, int count, char **arguments)
{
    static const char *const headings[] = {"COMPLAINT", "RECEIVED", "STATE",  "TYPE",        "CUSTOMER",
                                           "SENDER",    "TIED BY",  ">TIMES", "REPORTED BY", NULL};
    static const char *const keys[] = {"since", "customer", "state", "top"};
    const char *values[sizeof keys / sizeof keys[0]] = {NULL};
    bool all = false;
    const struct command_option options[] = {{"--since", &values[0], NULL}, {"--customer", &values[1], NULL},
                                             {"--state", &values[2], NULL}, {"--top", &values[3], NULL},
                                             {"--all", NULL, &all},         {NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    if (all)
        values[2] = "all";
    json_t *question = json_pack("{ss}", "command", "complaints");
    for (size_t i = 0; question && i < sizeof keys / sizeof keys[0]; i++)
        if (values[i])
            json_object_set_new(question, keys[i], json_string(values[i]));
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    int status = question_ask(cli, question, add_complaint, columns);
    if (status == EXIT_DONE && !cli->json)
        columns_print(columns, cli->colour, true);
    return status;
}

/* --- show --- */

/* What the collector names with a word of its own, and what of all that was read says more. */
static const struct {
    const char *key, *name;
} facts[] = {{"id", "complaint"},    {"state", "state"},           {"note", "note"},         {"type", "type"},
             {"format", "format"},   {"source", "came by"},        {"reporter", "reporter"}, {"customer", "customer"},
             {"sender", "sender"},   {"node_name", "node"},        {"tied", "tied by"},      {"message", "message"},
             {"address", "address"}, {"message_id", "message-id"}, {"subject", "subject"},   {"person", "done by"},
             {"reason", "reason"},   {"told", "node told"}},
  more[] = {{"native", "called"},          {"report_id", "report"},    {"reporter_address", "answer to"},
            {"on_behalf", "on behalf of"}, {"recipient", "recipient"}, {"from", "from"},
            {"source_text", "source"},     {"agent", "program"}};

static void show_fact(const char *name, const char *value)
{
    if (value[0])
        printf("%-12s %s\n", name, value);
}

static void show_complaint(void *context, const json_t *record)
{
    char time[CLOCK_TEXT];
    const json_t *fields = json_object_get(record, "fields");
    (void)context;
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        show_fact(facts[i].name, field_text(record, facts[i].key));
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        show_fact(more[i].name, field_text(fields, more[i].key));
    show_fact("received", clock_print(field_moment(record, "received"), time));
    show_fact("of", field_moment(record, "time") ? clock_print(field_moment(record, "time"), time) : "");
    printf("%-12s %lld\n", "times", (long long)field_integer(record, "times"));
    if (field_text(record, "tied")[0] == '\0')
        printf("%-12s nobody: no sender is known by what it says\n", "tied to");
}

/* A name is what a path is made of. */
static bool is_id(const char *word)
{
    return word && strlen(word) == ID_LENGTH && strspn(word, "0123456789abcdef") == ID_LENGTH;
}

static int say_which(const char *verb)
{
    fprintf(stderr, "postern complaints %s: which complaint? `postern complaints list` has them\n", verb);
    return EXIT_USAGE;
}

int complaints_show(const struct cli *cli, int count, char **arguments)
{
    const char *id = NULL, *reason = NULL;
    const struct command_option options[] = {{"--reason", &reason, NULL}, {NULL, NULL, NULL}};
    char path[PATH_LENGTH];
    const struct centre_request request = {.method = "GET", .path = path};
    struct error error = {0};
    if (command_read(count, arguments, options, &id, 1) < 0)
        return EXIT_USAGE;
    if (!is_id(id))
        return say_which("show");
    int status = question_ask(cli, json_pack("{ssss}", "command", "complaint", "sender", id), show_complaint, NULL);
    if (status != EXIT_DONE || cli->json)
        return status;
    CLEANUP(centre_close) struct centre *centre = NULL;
    CLEANUP(buffer_clear) struct buffer answer;
    buffer_init(&answer, ANSWER_MOST);
    snprintf(path, sizeof path, "/v1/complaints/%s/content", id);
    int failure = centre_add_parameter(path, sizeof path, "reason", reason)
                      ? centre_open(cli, &centre, &error)
                      : error_set(&error, E2BIG, "the reason is too long");
    if (failure == 0)
        failure = centre_call(centre, &request, &answer, &error);
    if (failure == -EACCES) {
        printf("\nThe letter is for who has the right `content`.\n");
        return EXIT_DONE;
    }
    if (failure < 0)
        return say_error(&error);
    printf("\n%.*s", (int)answer.length, answer.length ? answer.bytes : "");
    return EXIT_DONE;
}

/* --- done --- */

#define DONE_MOST 4096

static int finish(const struct cli *cli, struct centre *centre, const char *id, struct text body)
{
    CLEANUP(buffer_clear) struct buffer answer;
    char path[PATH_LENGTH];
    const struct centre_request request = {.method = "POST", .path = path, .type = "application/json", .body = body};
    struct error error = {0};
    buffer_init(&answer, ANSWER_MOST);
    snprintf(path, sizeof path, "/v1/complaints/%s/done", id);
    if (centre_call(centre, &request, &answer, &error) < 0) {
        error_wrap(&error, "%s", id);
        return say_error(&error);
    }
    printf(cli->json ? "{\"record\":\"done\",\"id\":\"%s\"}\n" : "%s: done\n", id);
    return EXIT_DONE;
}

/* Each by itself: one that is done already does not stop the others. */
static int finish_all(const struct cli *cli, const char *const *ids, int count, struct text body)
{
    CLEANUP(centre_close) struct centre *centre = NULL;
    struct error error = {0};
    int status = EXIT_DONE;
    if (centre_open(cli, &centre, &error) < 0)
        return say_error(&error);
    for (int i = 0; i < count; i++)
        if (finish(cli, centre, ids[i], body) != EXIT_DONE)
            status = EXIT_FAILED;
    return status;
}

int complaints_done(const struct cli *cli, int count, char **arguments)
{
    const char *ids[DONE_MOST] = {NULL};
    const char *reason = NULL;
    bool is_not_abuse = false;
    const struct command_option options[] = {
        {"--reason", &reason, NULL}, {"--not-abuse", NULL, &is_not_abuse}, {NULL, NULL, NULL}};
    int found = command_read(count, arguments, options, ids, DONE_MOST);
    if (found < 0)
        return EXIT_USAGE;
    for (int i = 0; i < found || i == 0; i++)
        if (!is_id(ids[i]))
            return say_which("done");
    if (!reason || !*reason) {
        fprintf(stderr, "postern complaints done: --reason TEXT is needed; it is kept on record with your name and "
                        "the time\n");
        return EXIT_USAGE;
    }
    CLEANUP(drop) json_t *body = json_pack("{sssb}", "reason", reason, "not_abuse", (int)is_not_abuse);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    int status = finish_all(cli, ids, found, text_of(text ? text : ""));
    free(text);
    return status;
}
