/* postern letter: a person has a customer written to, or looks at what would be written. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/centre.h"
#include "cli/columns.h"
#include "common/cleanup.h"

#define ANSWER_MOST ((size_t)2 * 1024 * 1024)
#define PATH_LENGTH 1200
#define LINE_MOST   4096

struct wanted {
    const char *customer, *language, *to, *note, *reason;
    bool again, preview;
};

static void drop(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

static char *write_body(const struct wanted *wanted)
{
    CLEANUP(drop)
    json_t *body =
        json_pack("{s:s? s:s? s:s? s:s? s:b s:b}", "language", wanted->language, "to", wanted->to, "note", wanted->note,
                  "reason", wanted->reason, "again", (int)wanted->again, "preview", (int)wanted->preview);
    return body ? json_dumps(body, JSON_COMPACT) : NULL;
}

/* Line by line, with nothing that a terminal would obey. */
static void show(struct text text)
{
    while (text.length > 0) {
        char line[LINE_MOST];
        text_copy_printable(text_split(&text, '\n'), line, sizeof line);
        printf("%s\n", line);
    }
}

static void say(const struct cli *cli, const struct wanted *wanted, struct text answer)
{
    CLEANUP(drop) json_t *letter = json_loadb(answer.bytes, answer.length, 0, NULL);
    if (cli->json) {
        fwrite(answer.bytes, 1, answer.length, stdout);
        return;
    }
    const char *to = field_text(letter, "to");
    if (*field_text(letter, "trouble"))
        fprintf(stderr, "postern letter: the contacts are as they were before: %s\n", field_text(letter, "trouble"));
    printf("To: %s\nSubject: ", *to ? to : "(no address is known)");
    show(text_of(field_text(letter, "subject")));
    printf("\n");
    show(text_of(field_text(letter, "text")));
    printf("\n");
    if (wanted->preview)
        printf("A preview, in %s: nothing was sent.\n", field_text(letter, "language"));
    else
        printf("It goes out as %s; `postern alerts sent` says what became of it.\n", field_text(letter, "sending"));
}

static int ask(const struct cli *cli, const struct wanted *wanted, struct error *error)
{
    CLEANUP(centre_close) struct centre *centre = NULL;
    CLEANUP(buffer_clear) struct buffer answer;
    char path[PATH_LENGTH];
    char *escaped = curl_easy_escape(NULL, wanted->customer, 0);
    int length = escaped ? snprintf(path, sizeof path, "/v1/customers/%s/letter", escaped) : PATH_LENGTH;
    curl_free(escaped);
    if (length >= PATH_LENGTH)
        return error_set(error, E2BIG, "the customer's name is too long");
    char *body = write_body(wanted);
    if (body == NULL)
        return error_set(error, EINVAL, "what is said has to be UTF-8");
    const struct centre_request request = {
        .method = "POST", .path = path, .type = "application/json", .body = text_of(body)};
    buffer_init(&answer, ANSWER_MOST);
    int status = centre_open(cli, &centre, error);
    if (status == 0)
        status = centre_call(centre, &request, &answer, error);
    free(body);
    if (status >= 0)
        say(cli, wanted, buffer_text(&answer));
    return status;
}

int command_letter(const struct cli *cli, int count, char **arguments)
{
    struct wanted wanted = {0};
    const struct command_option options[] = {{"--language", &wanted.language, NULL},
                                             {"--to", &wanted.to, NULL},
                                             {"--note", &wanted.note, NULL},
                                             {"--reason", &wanted.reason, NULL},
                                             {"--again", NULL, &wanted.again},
                                             {"--preview", NULL, &wanted.preview},
                                             {NULL, NULL, NULL}};
    struct error error = {0};
    int words = command_read(count, arguments, options, &wanted.customer, 1);
    if (words < 0)
        return EXIT_USAGE;
    if (!cli->collector || words == 0 || !*wanted.customer) {
        fprintf(stderr, cli->collector
                            ? "postern letter: to which customer? `postern customers` has them\n"
                            : "postern letter: a collector writes them: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    if (ask(cli, &wanted, &error) >= 0)
        return EXIT_DONE;
    fprintf(stderr, "postern letter: %s\n", error.text);
    return EXIT_FAILED;
}
