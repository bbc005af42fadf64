/* See question.h. */
#include "cli/question.h"

#include <stdio.h>

#include "common/cleanup.h"

static int take_answers(const struct cli *cli, struct connection *connection,
                        void (*each)(void *context, const json_t *record), void *context, struct error *error)
{
    const json_t *record = NULL;
    struct text line;
    int found;
    while ((found = connection_next(connection, &record, &line, error)) > 0) {
        if (cli->json)
            fwrite(line.bytes, 1, line.length, stdout);
        else if (each)
            each(context, record);
        fflush(stdout);
    }
    return found;
}

int question_ask(const struct cli *cli, json_t *question, void (*each)(void *context, const json_t *record),
                 void *context)
{
    struct error error = {0};
    CLEANUP(connection_close) struct connection *connection = NULL;
    int failure = question ? connection_open(cli->socket, question, &connection, &error)
                           : error_set(&error, 22, "the words given are not valid UTF-8");
    json_decref(question);
    if (failure == 0)
        failure = take_answers(cli, connection, each, context, &error);
    if (failure == 0)
        return EXIT_DONE;
    fprintf(stderr, "postern: %s\n", error.text);
    return EXIT_FAILED;
}
