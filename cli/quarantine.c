/* postern quarantine: the messages that nodes sent in, as a collector keeps them. What a message says is shown as text
 * that no terminal obeys; as it was sent it goes to a file or a pipe alone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/centre.h"
#include "cli/columns.h"
#include "cli/message_names.h"
#include "cli/question.h"
#include "common/cleanup.h"

#define WORDS_MOST   1000
#define ANSWER_MOST  ((size_t)40 * 1024 * 1024)
#define PATH_LENGTH  1024
#define RELEASE_WAIT 10 /* seconds that a release is waited for */

static void drop(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

static int say_error(const struct error *error)
{
    fprintf(stderr, "postern quarantine: %s\n", error->text);
    return EXIT_FAILED;
}

/* --- list --- */

static void add_message(void *context, const json_t *record)
{
    struct columns *columns = context;
    char time[CLOCK_TEXT], size[16];
    const char *subject = json_string_value(json_object_get(record, "subject"));
    const char *customer = field_text(record, "customer");
    columns_add(columns, "%s", field_text(record, "id"));
    columns_add(columns, "%s", clock_print(field_moment(record, "received"), time));
    columns_add(columns, "%s%s%s%s", field_text(record, "sender"), customer[0] ? " (" : "", customer,
                customer[0] ? ")" : "");
    columns_add(columns, "%s", field_text(record, "from")[0] ? field_text(record, "from") : "<>");
    columns_add(columns, "%s", amount_print((uint64_t)field_integer(record, "size"), size));
    columns_add(columns, "%.2f", field_number(record, "score"));
    columns_add(columns, "%s", subject ? subject : "-");
}

static int list(const struct cli *cli, int count, char **arguments)
{
    static const char *const headings[] = {"MESSAGE", "RECEIVED", "SENDER", "FROM", ">SIZE", ">SCORE", "SUBJECT", NULL};
    static const char *const keys[] = {"since", "before", "sender", "customer", "verdict", "node", "limit"};
    const char *values[sizeof keys / sizeof keys[0]] = {NULL};
    const struct command_option options[] = {{"--since", &values[0], NULL},   {"--before", &values[1], NULL},
                                             {"--sender", &values[2], NULL},  {"--customer", &values[3], NULL},
                                             {"--verdict", &values[4], NULL}, {"--node", &values[5], NULL},
                                             {"--top", &values[6], NULL},     {NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    json_t *question = json_pack("{ss}", "command", "messages");
    for (size_t i = 0; question && i < sizeof keys / sizeof keys[0]; i++)
        if (values[i])
            json_object_set_new(question, keys[i], json_string(values[i]));
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    int status = question_ask(cli, question, add_message, columns);
    if (status == EXIT_DONE && !cli->json)
        columns_print(columns, cli->colour, true);
    return status;
}

/* --- show --- */

static void show_fact(const char *name, const char *value)
{
    if (value && *value)
        printf("%-10s %s\n", name, value);
}

static void show_message(const json_t *record)
{
    static const char *const keys[] = {"id", "node_name", "sender", "customer", "address", "from", "subject"};
    static const char *const names[] = {"message", "node", "sender", "customer", "address", "from", "subject"};
    char time[CLOCK_TEXT];
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        show_fact(names[i], json_string_value(json_object_get(record, keys[i])));
    printf("%-10s %s, %lld bytes\n", "sent", clock_print(field_moment(record, "time"), time),
           (long long)field_integer(record, "size"));
    printf("%-10s %s%s%s\n", "verdict", field_text(record, "verdict"),
           field_text(record, "corrected")[0] ? ", corrected to " : "", field_text(record, "corrected"));
}

static void show_envelope(const json_t *record)
{
    const json_t *recipients = json_object_get(record, "recipients"), *one;
    size_t index;
    show_fact("helo", field_text(record, "helo"));
    show_fact("login", field_text(record, "user"));
    show_fact("server", field_text(record, "server"));
    printf("%-10s %lld%s", "recipients", (long long)field_integer(record, "recipient_count"),
           json_array_size(recipients) ? ":" : "");
    json_array_foreach(recipients, index, one) if (index < 10) printf(" %s", json_string_value(one));
    printf("%s\n", json_array_size(recipients) > 10 ? " ..." : "");
    if (!field_true(record, "complete"))
        printf("%-10s only a part of it was seen, or it was too long to be kept\n", "cut");
}

static void show_record(void *context, const json_t *record)
{
    const char *kind = field_text(record, "record");
    (void)context;
    if (strcmp(kind, "message") == 0) {
        show_message(record);
    } else if (strcmp(kind, "envelope") == 0) {
        show_envelope(record);
    } else if (strcmp(kind, "opinion") == 0 && strcmp(field_text(record, "state"), "given") == 0) {
        printf("%-10s %.2f of %.2f, %s: %s\n", field_text(record, "filter"), field_number(record, "score"),
               field_number(record, "threshold"), field_text(record, "action"), field_text(record, "symbols"));
    } else if (strcmp(kind, "opinion") == 0) {
        printf("%-10s %s %s\n", field_text(record, "filter"), field_text(record, "state"),
               field_text(record, "trouble"));
    } else if (strcmp(kind, "lesson") == 0) {
        const char *taught = field_text(record, "taught");
        printf("%-10s %s %s%s%s%s\n", "lesson", field_text(record, "filter"), field_text(record, "lesson"),
               field_true(record, "held_back") ? " (held back, not taught)"
               : field_true(record, "waits")   ? " (waits)"
               : taught[0]                     ? " (taught)"
                                               : "",
               field_text(record, "trouble")[0] ? ": " : "", field_text(record, "trouble"));
    } else if (strcmp(kind, "release") == 0) {
        printf("%-10s %s by %s: %s\n", "released", field_text(record, "state"), field_text(record, "person"),
               field_text(record, "answer"));
    }
}

static int ask_facts(const struct cli *cli, const char *name)
{
    return question_ask(cli, json_pack("{ssss}", "command", "message", "sender", name), show_record, NULL);
}

/* The content, in a form of the collector's. */
static int fetch(struct centre *centre, const char *name, const char *form, const char *reason, struct buffer *answer,
                 struct error *error)
{
    char path[PATH_LENGTH];
    const struct centre_request request = {.method = "GET", .path = path};
    snprintf(path, sizeof path, "/v1/messages/%s/content", name);
    if (!centre_add_parameter(path, sizeof path, "form", form) ||
        !centre_add_parameter(path, sizeof path, "reason", reason))
        return error_set(error, E2BIG, "the reason is too long");
    int status = centre_call(centre, &request, answer, error);
    return status < 0 ? status : 0;
}

static int show(const struct cli *cli, int count, char **arguments)
{
    const char *word = NULL, *reason = NULL;
    bool raw = false;
    char name[MESSAGE_NAME];
    struct error error = {0};
    const struct command_option options[] = {{"--raw", NULL, &raw}, {"--reason", &reason, NULL}, {NULL, NULL, NULL}};
    int words = command_read(count, arguments, options, &word, 1);
    if (words < 0)
        return EXIT_USAGE;
    if (words == 0 || !message_name_read(word, name)) {
        fprintf(stderr, "postern quarantine show: which message? `postern quarantine list` has them\n");
        return EXIT_USAGE;
    }
    if (raw && cli->terminal) {
        fprintf(stderr, "postern quarantine show: --raw is for a file or a pipe: a terminal would obey what it says\n");
        return EXIT_USAGE;
    }
    int status = raw ? EXIT_DONE : ask_facts(cli, name);
    if (status != EXIT_DONE || cli->json)
        return status;
    CLEANUP(centre_close) struct centre *centre = NULL;
    CLEANUP(buffer_clear) struct buffer answer;
    buffer_init(&answer, ANSWER_MOST);
    int failure = centre_open(cli, &centre, &error);
    if (failure == 0)
        failure = fetch(centre, name, raw ? "eml" : "text", reason, &answer, &error);
    if (failure == -EACCES && !raw) {
        printf("\nIts content is for who has the right `content`.\n");
        return EXIT_DONE;
    }
    if (failure < 0)
        return say_error(&error);
    if (!raw)
        putchar('\n');
    fwrite(answer.bytes, 1, answer.length, stdout);
    return EXIT_DONE;
}

/* --- export --- */

static bool is_form(const char *form)
{
    if (strcmp(form, "eml") == 0 || strcmp(form, "mbox") == 0)
        return true;
    fprintf(stderr, "postern quarantine export: --format mbox or eml\n");
    return false;
}

/* For its owner alone: it is other people's mail. */
static FILE *open_output(const char *path)
{
    int descriptor = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    FILE *file = !path ? stdout : descriptor >= 0 ? fdopen(descriptor, "we") : NULL;
    if (!file)
        fprintf(stderr, "postern quarantine export: cannot write %s: %s\n", path, strerror(errno));
    return file;
}

static int write_all(struct centre *centre, const struct message_names *names, const char *form, const char *reason,
                     FILE *file)
{
    CLEANUP(buffer_clear) struct buffer answer;
    int status = EXIT_DONE;
    buffer_init(&answer, ANSWER_MOST);
    for (size_t i = 0; i < names->count; i++) {
        struct error error = {0};
        if (fetch(centre, names->items[i], form, reason, &answer, &error) < 0) {
            fprintf(stderr, "postern quarantine export: %s: %s\n", names->items[i], error.text);
            status = EXIT_FAILED;
        } else if (fwrite(answer.bytes, 1, answer.length, file) != answer.length) {
            fprintf(stderr, "postern quarantine export: cannot write: %s\n", strerror(errno));
            return EXIT_FAILED;
        }
    }
    return status;
}

static int export(const struct cli *cli, int count, char **arguments)
{
    const char *words[WORDS_MOST], *form = NULL, *output = NULL, *reason = NULL;
    struct error error = {0};
    const struct command_option options[] = {
        {"--format", &form, NULL}, {"--output", &output, NULL}, {"--reason", &reason, NULL}, {NULL, NULL, NULL}};
    int found = command_read(count, arguments, options, words, WORDS_MOST);
    if (found < 0 || (form && !is_form(form)))
        return EXIT_USAGE;
    CLEANUP(message_names_free) struct message_names names = {0};
    if (!message_names_read("quarantine export", words, found, &names))
        return EXIT_USAGE;
    if (names.count == 0 || (names.count > 1 && form && strcmp(form, "eml") == 0)) {
        fprintf(stderr, names.count == 0
                            ? "postern quarantine export: which messages?\n"
                            : "postern quarantine export: several messages are a mailbox: --format mbox\n");
        return EXIT_USAGE;
    }
    if (cli->terminal && !output) {
        fprintf(stderr, "postern quarantine export: --output FILE, or a pipe: a terminal would obey what mail says\n");
        return EXIT_USAGE;
    }
    CLEANUP(centre_close) struct centre *centre = NULL;
    if (centre_open(cli, &centre, &error) < 0)
        return say_error(&error);
    FILE *file = open_output(output);
    if (!file)
        return EXIT_FAILED;
    int status = write_all(centre, &names, form ? form : names.count > 1 ? "mbox" : "eml", reason, file);
    if (output && fclose(file) != 0) {
        fprintf(stderr, "postern quarantine export: cannot write %s: %s\n", output, strerror(errno));
        return EXIT_FAILED;
    }
    return status;
}

/* --- release, forget, correct --- */

struct deed {
    const char *verb, *method, *after, *done; /* after: behind the name in the path; done: the sentence for people */
    json_t *body;                             /* NULL: none */
    const char *reason;                       /* as a parameter, where there is no body */
};

static int do_one(struct centre *centre, const struct deed *deed, const char *name, json_t **answer,
                  struct error *error)
{
    CLEANUP(buffer_clear) struct buffer bytes;
    char path[PATH_LENGTH];
    char *body = deed->body ? json_dumps(deed->body, JSON_COMPACT) : NULL;
    const struct centre_request request = {.method = deed->method,
                                           .path = path,
                                           .type = body ? "application/json" : NULL,
                                           .body = text_of(body ? body : "")};
    buffer_init(&bytes, ANSWER_MOST);
    snprintf(path, sizeof path, "/v1/messages/%s%s", name, deed->after);
    int status = body || centre_add_parameter(path, sizeof path, "reason", deed->reason)
                     ? centre_call(centre, &request, &bytes, error)
                     : error_set(error, E2BIG, "the reason is too long");
    *answer = status >= 0 ? json_loadb(bytes.bytes ? bytes.bytes : "", bytes.length, 0, NULL) : NULL;
    free(body);
    return status < 0 ? status : 0;
}

static void say_done(const struct cli *cli, const struct deed *deed, const char *name, const json_t *answer)
{
    if (!cli->json) {
        printf("%s: %s\n", name, deed->done);
        return;
    }
    json_t *record = json_pack("{ssss}", "record", deed->verb, "name", name);
    json_object_update_missing(record, (json_t *)(uintptr_t)answer);
    json_dumpf(record, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(record);
}

static void take_release(void *context, json_t *record, struct text line)
{
    (void)line;
    if (strcmp(field_text(record, "record"), "release") == 0)
        json_object_update(context, record);
}

/* It is sent by the collector, a moment later: people want to hear what came of it. */
static int wait_for_release(const struct cli *cli, const char *name)
{
    CLEANUP(drop) json_t *release = json_object();
    json_t *question = json_pack("{ssss}", "command", "message", "sender", name);
    struct error error = {0};
    const char *state = "waiting";
    int failure = 0;
    for (int i = 0; i < 5 * RELEASE_WAIT && failure == 0; i++) {
        failure = centre_ask(cli, question, take_release, release, &error);
        state = field_text(release, "state");
        if (strcmp(state, "sending") != 0 && (strcmp(state, "waiting") != 0 || field_integer(release, "tries") > 0))
            break;
        usleep(200 * 1000);
    }
    json_decref(question);
    if (failure < 0)
        return say_error(&error);
    if (cli->json) {
        json_object_set_new(release, "name", json_string(name));
        json_dumpf(release, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        printf("%s: %s%s%s\n", name, state, field_text(release, "answer")[0] ? ": " : "",
               field_text(release, "answer"));
    }
    return strcmp(state, "failed") == 0 || strcmp(state, "in doubt") == 0 ? EXIT_FAILED : EXIT_DONE;
}

static int do_all(const struct cli *cli, const struct deed *deed, const struct message_names *names)
{
    CLEANUP(centre_close) struct centre *centre = NULL;
    struct error error = {0};
    int status = EXIT_DONE;
    if (centre_open(cli, &centre, &error) < 0)
        return say_error(&error);
    for (size_t i = 0; i < names->count; i++) {
        json_t *answer = NULL;
        if (do_one(centre, deed, names->items[i], &answer, &error) < 0) {
            fprintf(stderr, "postern quarantine %s: %s: %s\n", deed->verb, names->items[i], error.text);
            status = EXIT_FAILED;
        } else if (strcmp(deed->verb, "release") != 0) {
            say_done(cli, deed, names->items[i], answer);
        }
        json_decref(answer);
    }
    for (size_t i = 0; i < names->count && status == EXIT_DONE && strcmp(deed->verb, "release") == 0; i++)
        status = wait_for_release(cli, names->items[i]);
    return status;
}

static int read_and_do(const struct cli *cli, struct deed *deed, const char *const *words, int count)
{
    CLEANUP(message_names_free) struct message_names names = {0};
    char verb[40];
    snprintf(verb, sizeof verb, "quarantine %s", deed->verb);
    if (!message_names_read(verb, words, count, &names))
        return EXIT_USAGE;
    if (names.count == 0) {
        fprintf(stderr, "postern %s: which messages? `postern quarantine list` has them\n", verb);
        return EXIT_USAGE;
    }
    return do_all(cli, deed, &names);
}

static int release(const struct cli *cli, int count, char **arguments)
{
    const char *words[WORDS_MOST], *reason = NULL;
    bool again = false;
    const struct command_option options[] = {
        {"--reason", &reason, NULL}, {"--again", NULL, &again}, {NULL, NULL, NULL}};
    int found = command_read(count, arguments, options, words, WORDS_MOST);
    if (found < 0)
        return EXIT_USAGE;
    if (!reason || !*reason) {
        fprintf(stderr, "postern quarantine release: --reason TEXT is needed; it is kept on record with your name and "
                        "the time\n");
        return EXIT_USAGE;
    }
    CLEANUP(drop) json_t *body = json_pack("{sssb}", "reason", reason, "again", again);
    struct deed deed = {.verb = "release", .method = "POST", .after = "/release", .body = body};
    return read_and_do(cli, &deed, words, found);
}

static int forget(const struct cli *cli, int count, char **arguments)
{
    const char *words[WORDS_MOST];
    struct deed deed = {.verb = "forget", .method = "DELETE", .after = "", .done = "forgotten"};
    const struct command_option options[] = {{"--reason", &deed.reason, NULL}, {NULL, NULL, NULL}};
    int found = command_read(count, arguments, options, words, WORDS_MOST);
    return found < 0 ? EXIT_USAGE : read_and_do(cli, &deed, words, found);
}

static int correct(const struct cli *cli, int count, char **arguments)
{
    const char *words[WORDS_MOST], *reason = NULL;
    const struct command_option options[] = {{"--reason", &reason, NULL}, {NULL, NULL, NULL}};
    int found = command_read(count, arguments, options, words, WORDS_MOST);
    if (found < 0)
        return EXIT_USAGE;
    bool is_spam = found > 0 && strcmp(words[0], "spam") == 0;
    if (!is_spam && (found == 0 || strcmp(words[0], "ham") != 0)) {
        fprintf(stderr, "postern quarantine correct: to what? spam or ham, then the messages\n");
        return EXIT_USAGE;
    }
    CLEANUP(drop) json_t *body = json_pack("{ssss}", "verdict", words[0], "reason", reason ? reason : "");
    struct deed deed = {.verb = "correct",
                        .method = "POST",
                        .after = "/correct",
                        .done = is_spam ? "it is spam; filters that learn are taught so"
                                        : "it is ham; filters that learn are taught so",
                        .body = body};
    return read_and_do(cli, &deed, words + 1, found - 1);
}

int command_quarantine(const struct cli *cli, int count, char **arguments)
{
    static const struct {
        const char *word;
        int (*run)(const struct cli *, int, char **);
    } verbs[] = {{"list", list},     {"show", show},     {"release", release},
                 {"export", export}, {"forget", forget}, {"correct", correct}};
    if (!cli->collector) {
        fprintf(stderr, "postern quarantine: a collector keeps it: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    for (size_t i = 0; count > 1 && i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(arguments[1], verbs[i].word) == 0)
            return verbs[i].run(cli, count - 1, arguments + 1);
    fprintf(stderr, "postern quarantine: list, show, release, export, forget or correct\n");
    return EXIT_USAGE;
}
