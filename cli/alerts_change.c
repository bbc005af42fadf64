/* postern alerts, what changes something: a test over a channel, silences, alerts that a person knows to be over. */
#include "cli/alerts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/centre.h"
#include "cli/columns.h"
#include "cli/printable.h"
#include "common/cleanup.h"

#define ANSWER_MOST ((size_t)1024 * 1024)
#define PATH_LENGTH 1024
#define WORDS_MOST  100
#define TESTED_MOST 16
#define TEST_WAIT   30 /* seconds that what goes out is waited for */

static void drop(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

static int say_error(const char *verb, const struct error *error)
{
    fprintf(stderr, "postern alerts %s: %s\n", verb, error->text);
    return EXIT_FAILED;
}

static void take_text(char **text)
{
    free(*text);
}

/* `body` (taken, may be NULL) as a request's. */
static int call(struct centre *centre, const char *method, const char *path, json_t *body, struct buffer *answer,
                struct error *error)
{
    CLEANUP(drop) json_t *given = body;
    CLEANUP(take_text) char *text = given ? json_dumps(given, JSON_COMPACT) : NULL;
    const struct centre_request request = {
        .method = method, .path = path, .type = given ? "application/json" : NULL, .body = text_of(text ? text : "")};
    answer->length = 0;
    return centre_call(centre, &request, answer, error);
}

/* The next record of an answer's lines; NULL: there is none. */
static json_t *next_record(struct text *rest)
{
    struct text line = text_split(rest, '\n');
    json_t *record = line.length ? json_loadb(line.bytes, line.length, 0, NULL) : NULL;
    if (record && strcmp(field_text(record, "record"), "end") == 0)
        drop(&record);
    printable_make(record);
    return record;
}

/* --- test --- */

struct tested {
    char id[80], channel[64], state[32], trouble[256];
};

static bool is_done(const struct tested *tested)
{
    return strcmp(tested->state, "sent") == 0 || strcmp(tested->state, "failed") == 0 ||
           strcmp(tested->state, "in doubt") == 0;
}

static int begin_tests(struct centre *centre, const char *channel, struct tested *tested, size_t *count,
                       struct buffer *answer, struct error *error)
{
    json_t *body = channel ? json_pack("{ss}", "channel", channel) : json_object();
    if (body == NULL) /* without one all would be tested */
        return error_set(error, EINVAL, "the channel's name is no UTF-8");
    int status = call(centre, "POST", "/v1/alerts/test", body, answer, error);
    if (status < 0)
        return status;
    struct text rest = buffer_text(answer);
    for (*count = 0; *count < TESTED_MOST; ++*count) {
        CLEANUP(drop) json_t *record = next_record(&rest);
        if (record == NULL)
            break;
        tested[*count] = (struct tested){.state = "waiting"};
        snprintf(tested[*count].id, sizeof tested->id, "%s", field_text(record, "id"));
        snprintf(tested[*count].channel, sizeof tested->channel, "%s", field_text(record, "channel"));
    }
    return 0;
}

static int look_at(struct centre *centre, struct tested *tested, struct buffer *answer, struct error *error)
{
    char path[PATH_LENGTH] = "/v1/sendings";
    if (!centre_add_parameter(path, sizeof path, "id", tested->id))
        return 0;
    int status = call(centre, "GET", path, NULL, answer, error);
    if (status < 0)
        return status;
    struct text rest = buffer_text(answer);
    CLEANUP(drop) json_t *record = next_record(&rest);
    if (record) {
        snprintf(tested->state, sizeof tested->state, "%s", field_text(record, "state"));
        snprintf(tested->trouble, sizeof tested->trouble, "%s", field_text(record, "trouble"));
    }
    return 0;
}

static void say_tested(const struct cli *cli, const struct tested *tested)
{
    if (cli->json) {
        CLEANUP(drop)
        json_t *record = json_pack("{ss ss ss ss ss}", "record", "test", "channel", tested->channel, "id", tested->id,
                                   "state", tested->state, "trouble", tested->trouble);
        CLEANUP(take_text) char *text = record ? json_dumps(record, JSON_COMPACT) : NULL;
        printf("%s\n", text ? text : "{}");
        return;
    }
    printf("%s: %s%s%s\n", tested->channel, tested->state, tested->trouble[0] ? ": " : "", tested->trouble);
}

int alerts_test(const struct cli *cli, int count, char **arguments)
{
    const char *channel = NULL;
    const struct command_option options[] = {{NULL, NULL, NULL}};
    struct tested tested[TESTED_MOST];
    struct error error = {0};
    size_t all = 0, sent = 0;
    if (command_read(count, arguments, options, &channel, 1) < 0)
        return EXIT_USAGE;
    CLEANUP(centre_close) struct centre *centre = NULL;
    CLEANUP(buffer_clear) struct buffer answer;
    buffer_init(&answer, ANSWER_MOST);
    int failure = centre_open(cli, &centre, &error);
    if (failure == 0)
        failure = begin_tests(centre, channel, tested, &all, &answer, &error);
    for (int second = 0; second < TEST_WAIT && failure == 0; second++) {
        size_t done = 0;
        for (size_t i = 0; i < all && failure == 0; i++) {
            failure = is_done(&tested[i]) ? 0 : look_at(centre, &tested[i], &answer, &error);
            done += is_done(&tested[i]);
        }
        if (done == all)
            break;
        sleep(1);
    }
    for (size_t i = 0; i < all; i++) {
        say_tested(cli, &tested[i]);
        sent += strcmp(tested[i].state, "sent") == 0;
    }
    if (failure < 0)
        return say_error("test", &error);
    return sent == all ? EXIT_DONE : EXIT_FAILED;
}

/* --- silences --- */

static int silence(const struct cli *cli, json_t *body)
{
    struct error error = {0};
    char until[CLOCK_TEXT];
    CLEANUP(centre_close) struct centre *centre = NULL;
    CLEANUP(buffer_clear) struct buffer answer;
    buffer_init(&answer, ANSWER_MOST);
    int failure = centre_open(cli, &centre, &error);
    if (failure == 0)
        failure = call(centre, "POST", "/v1/silences", json_incref(body), &answer, &error);
    json_decref(body);
    if (failure < 0)
        return say_error("silence", &error);
    CLEANUP(drop) json_t *said = json_loadb(answer.bytes ? answer.bytes : "", answer.length, 0, NULL);
    printable_make(said);
    long long number = field_integer(said, "number");
    if (cli->json)
        printf("{\"record\":\"silence\",\"number\":%lld,\"until\":\"%s\"}\n", number, field_text(said, "until"));
    else
        printf("silence %lld, until %s\n", number, clock_print(field_moment(said, "until"), until));
    return EXIT_DONE;
}

/* What cannot be said, or an empty word where a script had a name, must not come to be anything. */
static bool add_word(json_t *body, const char *key, const char *word)
{
    if (word == NULL)
        return true;
    bool good = *word && json_object_set_new(body, key, json_string(word)) == 0;
    if (!good)
        fprintf(stderr, "postern alerts silence: %s: it is %s; UTF-8 is allowed, and \"*\" is anything\n", key,
                *word ? "no UTF-8" : "empty");
    return good;
}

int alerts_silence(const struct cli *cli, int count, char **arguments)
{
    static const char *const keys[] = {"for", "reason", "customer", "node", "begin", "kind", "name"};
    const char *values[sizeof keys / sizeof keys[0]] = {NULL}, *words[2] = {NULL, NULL};
    const struct command_option options[] = {{"--for", &values[0], NULL},      {"--reason", &values[1], NULL},
                                             {"--customer", &values[2], NULL}, {"--node", &values[3], NULL},
                                             {"--begin", &values[4], NULL},    {NULL, NULL, NULL}};
    if (command_read(count, arguments, options, words, 2) < 0)
        return EXIT_USAGE;
    if (!values[0] || !values[1] || !*values[1]) {
        fprintf(stderr, "postern alerts silence: --for DURATION and --reason TEXT are needed; they are kept on record "
                        "with your name\n");
        return EXIT_USAGE;
    }
    values[5] = words[0];
    values[6] = words[1];
    json_t *body = json_object();
    bool good = body != NULL;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && good; i++)
        good = add_word(body, keys[i], values[i]);
    if (good)
        return silence(cli, body);
    json_decref(body);
    return EXIT_USAGE;
}

/* --- what is ended by its number --- */

static int end_all(const struct cli *cli, int count, char **arguments, const char *place, const char *said)
{
    const char *words[WORDS_MOST], *reason = NULL;
    const struct command_option options[] = {{"--reason", &reason, NULL}, {NULL, NULL, NULL}};
    struct error error = {0};
    uint64_t number;
    int found = command_read(count, arguments, options, words, WORDS_MOST);
    for (int i = 0; i < found; i++)
        if (!text_number(text_of(words[i]), &number))
            found = 0;
    if (found == 0)
        fprintf(stderr, "postern alerts %s: which? their numbers\n", arguments[0]);
    if (found <= 0)
        return EXIT_USAGE;
    CLEANUP(centre_close) struct centre *centre = NULL;
    CLEANUP(buffer_clear) struct buffer answer;
    buffer_init(&answer, ANSWER_MOST);
    int failure = centre_open(cli, &centre, &error);
    for (int i = 0; i < found && failure >= 0; i++) {
        char path[PATH_LENGTH];
        snprintf(path, sizeof path, "%s/%s", place, words[i]);
        if (centre_add_parameter(path, sizeof path, "reason", reason))
            failure = call(centre, "DELETE", path, NULL, &answer, &error);
        if (failure >= 0)
            printf(cli->json ? "{\"record\":\"%s\",\"number\":%s}\n" : "%s: %s\n", cli->json ? said : words[i],
                   cli->json ? words[i] : said);
    }
    return failure < 0 ? say_error(arguments[0], &error) : EXIT_DONE;
}

int alerts_close(const struct cli *cli, int count, char **arguments)
{
    return end_all(cli, count, arguments, "/v1/alerts", "closed");
}

int alerts_unsilence(const struct cli *cli, int count, char **arguments)
{
    return end_all(cli, count, arguments, "/v1/silences", "ended");
}
