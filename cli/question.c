/* See question.h. */
#include "cli/question.h"

#include <stdio.h>
#include <time.h>

#include "cli/centre.h"
#include "cli/printable.h"
#include "common/cleanup.h"

/* Programs get a record as it came; so does a terminal, but with what it would obey in JSON's escapes. */
static void show(const struct cli *cli, json_t *record, struct text line,
                 void (*each)(void *context, const json_t *record), void *context)
{
    if (cli->json && cli->terminal && !printable_is(line)) {
        json_dumpf(record, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        putchar('\n');
    } else if (cli->json) {
        fwrite(line.bytes, 1, line.length, stdout);
    } else if (each) {
        printable_make(record);
        each(context, record);
    }
}

static int take_answers(const struct cli *cli, struct connection *connection,
                        void (*each)(void *context, const json_t *record), void *context, struct error *error)
{
    json_t *record = NULL;
    struct text line;
    int found;
    while ((found = connection_next(connection, &record, &line, error)) > 0) {
        show(cli, record, line, each, context);
        fflush(stdout);
    }
    return found;
}

struct listener {
    const struct cli *cli;
    void (*each)(void *context, const json_t *record);
    void *context;
};

static void take_line(void *context, json_t *record, struct text line)
{
    const struct listener *listener = context;
    show(listener->cli, record, line, listener->each, listener->context);
}

int question_ask(const struct cli *cli, json_t *question, void (*each)(void *context, const json_t *record),
                 void *context)
{
    struct error error = {0};
    CLEANUP(connection_close) struct connection *connection = NULL;
    struct listener listener = {cli, each, context};
    int failure = !question        ? error_set(&error, 22, "the words given are not valid UTF-8")
                  : cli->collector ? centre_ask(cli, question, take_line, &listener, &error)
                                   : connection_open(cli->socket, question, &connection, &error);
    json_decref(question);
    if (failure == 0 && connection)
        failure = take_answers(cli, connection, each, context, &error);
    if (failure == 0)
        return EXIT_DONE;
    fprintf(stderr, "postern: %s\n", error.text);
    return EXIT_FAILED;
}

bool question_time(const char *word, char result[MOMENT_TEXT])
{
    moment since;
    duration ago;
    if (duration_parse(text_of(word), &ago)) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        since = now.tv_sec * SECOND - ago;
    } else if (!moment_parse(text_of(word), &since)) {
        return false;
    }
    moment_print(since < 0 ? 0 : since, result);
    return true;
}
