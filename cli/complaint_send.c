/* See complaint_send.h. */
#include "cli/complaint_send.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/centre.h"
#include "cli/columns.h"
#include "cli/mail_source.h"
#include "cli/message_names.h"
#include "cli/question.h"
#include "common/cleanup.h"
#include "common/io/file.h"

#define ANSWER_MOST ((size_t)16 * 1024 * 1024)
#define PATH_LENGTH 8192 /* a note may take three bytes for each */

struct wanted {
    const char *word; /* an ID, or a file */
    const char *to, *type, *format, *note, *source, *port;
    bool redact, preview;
};

static void drop(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

static void free_bytes(char **bytes)
{
    free(*bytes);
    *bytes = NULL;
}

static bool make_path(const struct wanted *wanted, const char *message, char path[PATH_LENGTH])
{
    const struct {
        const char *name, *value;
    } parameters[] = {{"to", wanted->to},
                      {"message", message},
                      {"type", wanted->type},
                      {"format", wanted->format},
                      {"note", wanted->note},
                      {"source", wanted->source},
                      {"port", wanted->port},
                      {"redact", wanted->redact ? "yes" : NULL},
                      {"preview", wanted->preview ? "yes" : NULL}};
    bool fits = true;
    snprintf(path, PATH_LENGTH, "/v1/complaints/send");
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0] && fits; i++)
        fits = centre_add_parameter(path, PATH_LENGTH, parameters[i].name, parameters[i].value);
    return fits;
}

static void say(const struct cli *cli, const struct wanted *wanted, struct text answer)
{
    if (wanted->preview || cli->json) {
        fwrite(answer.bytes, 1, answer.length, stdout);
        return;
    }
    CLEANUP(drop) json_t *said = json_loadb(answer.bytes, answer.length, 0, NULL);
    if (json_is_true(json_object_get(said, "new")))
        printf("goes to %s as %s\n", wanted->to, field_text(said, "sending"));
    else
        printf("went to %s before, as %s; it is not sent again\n", wanted->to, field_text(said, "sending"));
}

static int ask(const struct cli *cli, const struct wanted *wanted, struct error *error)
{
    CLEANUP(centre_close) struct centre *centre = NULL;
    CLEANUP(buffer_clear) struct buffer answer;
    CLEANUP(free_bytes) char *bytes = NULL;
    char path[PATH_LENGTH], name[MESSAGE_NAME];
    size_t length = 0;
    bool is_kept = message_name_read(wanted->word, name) && access(wanted->word, F_OK) != 0;
    buffer_init(&answer, ANSWER_MOST);
    int status = is_kept ? 0 : file_read(wanted->word, MAIL_SOURCE_MOST, &bytes, &length, error);
    if (status < 0)
        return status;
    if (!make_path(wanted, is_kept ? name : NULL, path))
        return error_set(error, E2BIG, "the note is too long");
    const struct centre_request request = {.method = "POST",
                                           .path = path,
                                           .type = is_kept ? NULL : "message/rfc822",
                                           .body = {bytes ? bytes : "", length}};
    status = centre_open(cli, &centre, error);
    if (status == 0)
        status = centre_call(centre, &request, &answer, error);
    if (status < 0)
        return status;
    say(cli, wanted, buffer_text(&answer));
    return 0;
}

int complaint_send(const struct cli *cli, int count, char **arguments)
{
    struct wanted wanted = {0};
    const struct command_option options[] = {
        {"--to", &wanted.to, NULL},         {"--type", &wanted.type, NULL},       {"--format", &wanted.format, NULL},
        {"--note", &wanted.note, NULL},     {"--source", &wanted.source, NULL},   {"--port", &wanted.port, NULL},
        {"--redact", NULL, &wanted.redact}, {"--preview", NULL, &wanted.preview}, {NULL, NULL, NULL}};
    struct error error = {0};
    if (command_read(count, arguments, options, &wanted.word, 1) < 0)
        return EXIT_USAGE;
    if (wanted.word == NULL || wanted.to == NULL) {
        fprintf(stderr, "postern complaint send: ID|FILE --to ADDRESS: which message, and to whom? `postern quarantine "
                        "list` has IDs\n");
        return EXIT_USAGE;
    }
    if (ask(cli, &wanted, &error) == 0)
        return EXIT_DONE;
    fprintf(stderr, "postern complaint send: %s\n", error.text);
    return EXIT_FAILED;
}
