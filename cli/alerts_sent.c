/* postern alerts sent, again: what went out over the channels or is to, and what failed sent once more. */
#include "cli/alerts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/centre.h"
#include "cli/columns.h"
#include "cli/question.h"
#include "common/cleanup.h"

#define WORDS_MOST  100
#define PATH_LENGTH 1024
#define ANSWER_MOST ((size_t)64 * 1024)
#define RED         31

struct listing {
    struct columns *columns;
    unsigned count;
};

static void add_sending(void *context, const json_t *record)
{
    struct listing *listing = context;
    char made[CLOCK_TEXT], next[CLOCK_TEXT];
    const char *state = field_text(record, "state");
    columns_add(listing->columns, "%s", field_text(record, "id"));
    columns_add(listing->columns, "%s", clock_print(field_moment(record, "made"), made));
    columns_add(listing->columns, "%s", field_text(record, "channel"));
    columns_add(listing->columns, "%s", field_text(record, "purpose"));
    columns_add(listing->columns, "%s", state);
    columns_add(listing->columns, "%lld", (long long)field_integer(record, "tries"));
    columns_add(listing->columns, "%s", clock_print(field_moment(record, "due"), next));
    columns_add(listing->columns, "%s", field_text(record, "recipients"));
    columns_add(listing->columns, "%s", field_text(record, "subject"));
    columns_add(listing->columns, "%s", field_text(record, "trouble"));
    if (strcmp(state, "failed") == 0 || strcmp(state, "in doubt") == 0)
        columns_paint(listing->columns, RED);
    listing->count++;
}

int alerts_sent(const struct cli *cli, int count, char **arguments)
{
    static const char *const headings[] = {"ID",   "MADE", "CHANNEL", "FOR",     "IS", ">TRIES",
                                           "NEXT", "TO",   "SUBJECT", "TROUBLE", NULL};
    static const char *const keys[] = {"channel", "purpose", "customer", "state", "since", "top"};
    const char *values[sizeof keys / sizeof keys[0]] = {NULL};
    const struct command_option options[] = {{"--channel", &values[0], NULL},
                                             {"--purpose", &values[1], NULL},
                                             {"--customer", &values[2], NULL},
                                             {"--state", &values[3], NULL},
                                             {"--since", &values[4], NULL},
                                             {"--top", &values[5], NULL},
                                             {NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    CLEANUP(columns_destroy) struct columns *columns = columns_create(headings);
    struct listing listing = {columns, 0};
    json_t *question = json_pack("{ss}", "command", "sendings");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && question; i++)
        if (values[i])
            json_object_set_new(question, keys[i], json_string(values[i]));
    int status = question_ask(cli, question, add_sending, &listing);
    if (status == EXIT_DONE && !cli->json && listing.count > 0)
        columns_print(columns, cli->colour, true);
    else if (status == EXIT_DONE && !cli->json)
        printf("nothing went out\n");
    return status;
}

int alerts_again(const struct cli *cli, int count, char **arguments)
{
    const char *words[WORDS_MOST], *reason = NULL;
    const struct command_option options[] = {{"--reason", &reason, NULL}, {NULL, NULL, NULL}};
    struct error error = {0};
    int found = command_read(count, arguments, options, words, WORDS_MOST);
    if (found == 0)
        fprintf(stderr, "postern alerts again: which? their ids, as `postern alerts sent` has them\n");
    if (found <= 0)
        return EXIT_USAGE;
    CLEANUP(centre_close) struct centre *centre = NULL;
    CLEANUP(buffer_clear) struct buffer answer;
    buffer_init(&answer, ANSWER_MOST);
    int failure = centre_open(cli, &centre, &error);
    for (int i = 0; i < found && failure >= 0; i++) {
        char path[PATH_LENGTH];
        bool is_id = strlen(words[i]) == 32 && strspn(words[i], "0123456789abcdef") == 32;
        if (!is_id) {
            failure = error_set(&error, EINVAL, "\"%.60s\" is no id; thirty-two hexadecimal digits are one", words[i]);
            break;
        }
        snprintf(path, sizeof path, "/v1/sendings/%s/again", words[i]);
        const struct centre_request request = {.method = "POST", .path = path, .body = TEXT("")};
        answer.length = 0;
        if (centre_add_parameter(path, sizeof path, "reason", reason))
            failure = centre_call(centre, &request, &answer, &error);
        if (failure >= 0)
            printf(cli->json ? "{\"record\":\"again\",\"id\":\"%s\"}\n" : "%s: is sent again\n", words[i]);
    }
    if (failure < 0)
        fprintf(stderr, "postern alerts again: %s\n", error.text);
    return failure < 0 ? EXIT_FAILED : EXIT_DONE;
}
