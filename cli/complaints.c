/* postern complaints, and complaint, which is the same; and its import: what came to an abuse desk by other ways goes
 * to the collector, which reads it. A file is one mail, an mbox, XARF JSON or a CSV of Shadowserver; a directory holds
 * mails. Each goes by itself, so that what was handed in before something breaks is there, and is known the next time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/centre.h"
#include "cli/complaint_send.h"
#include "cli/complaints_shown.h"
#include "cli/mail_source.h"
#include "common/cleanup.h"
#include "common/io/file.h"

#define WORDS_MOST  1000
#define ANSWER_MOST ((size_t)64 * 1024)

struct import {
    const struct cli *cli;
    struct centre *centre;
    struct mail_source source;
    uint64_t fresh, known;
    struct error error; /* that ended it */
};

static int hand_in(struct import *import, struct text content)
{
    CLEANUP(buffer_clear) struct buffer answer;
    const struct centre_request request = {
        .method = "POST", .path = "/v1/complaints", .type = "application/octet-stream", .body = content};
    buffer_init(&answer, ANSWER_MOST);
    int status = centre_call(import->centre, &request, &answer, &import->error);
    if (status == -E2BIG) { /* others may well be taken */
        import->source.too_large++;
        return 0;
    }
    if (status < 0)
        return status;
    import->error = (struct error){0}; /* of a collector that did not answer before another did */
    json_t *said = json_loadb(answer.bytes ? answer.bytes : "", answer.length, 0, NULL);
    bool is_new = json_is_true(json_object_get(said, "new"));
    import->fresh += is_new;
    import->known += !is_new;
    json_decref(said);
    return 0;
}

static bool take_message(void *context, const char *where, struct text message)
{
    struct import *import = context;
    int status = hand_in(import, message);
    if (status < 0)
        error_wrap(&import->error, "%s", where);
    return status == 0;
}

/* A file that is no mailbox goes as it is, whatever it holds. */
static int import_word(struct import *import, const char *word)
{
    struct stat state;
    char *bytes = NULL;
    size_t length = 0;
    struct error error = {0};
    int status;
    if (strcmp(word, "-") != 0 && stat(word, &state) == 0 && S_ISREG(state.st_mode) &&
        (uint64_t)state.st_size <= MAIL_SOURCE_MOST) {
        status = file_read(word, MAIL_SOURCE_MOST, &bytes, &length, &error);
        if (status == 0 && !(length >= 5 && memcmp(bytes, "From ", 5) == 0)) {
            import->source.messages++;
            status = hand_in(import, (struct text){bytes, length});
            free(bytes);
            return status < 0 ? error_wrap(&import->error, "%s", word) : status;
        }
        free(bytes);
    }
    status = mail_source_read(&import->source, word, &error);
    if (status < 0)
        import->error = error;
    return status < 0 || import->error.code ? -import->error.code : 0;
}

static void say_result(const struct import *import)
{
    unsigned long long fresh = import->fresh, known = import->known,
                       passed = import->source.too_large + import->source.not_mail;
    if (import->cli->json)
        printf("{\"record\":\"import\",\"new\":%llu,\"known\":%llu,\"passed_over\":%llu}\n", fresh, known, passed);
    else
        printf("%llu handed in, %llu known already%s", fresh, known, passed ? "" : "\n");
    if (!import->cli->json && passed)
        printf(", %llu passed over: too large, or no mail\n", passed);
}

static int import_all(const struct cli *cli, const char *const *words, int count)
{
    struct import import = {.cli = cli};
    int status = centre_open(cli, &import.centre, &import.error);
    import.source.each = take_message;
    import.source.context = &import;
    for (int i = 0; i < count && status == 0; i++)
        status = import_word(&import, words[i]);
    centre_close(&import.centre);
    if (status < 0)
        fprintf(stderr, "postern complaints import: %s\n", import.error.text);
    if (status == 0 || import.source.messages > 0)
        say_result(&import);
    return status < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int import(const struct cli *cli, int count, char **arguments)
{
    const char *words[WORDS_MOST];
    const struct command_option options[] = {{NULL, NULL, NULL}};
    int found = command_read(count, arguments, options, words, WORDS_MOST);
    if (found < 0)
        return EXIT_USAGE;
    if (found == 0) {
        fprintf(stderr, "postern complaints import: what? files, mailboxes, directories, - for standard input\n");
        return EXIT_USAGE;
    }
    return import_all(cli, words, found);
}

/* Without a word it is the list. */
int command_complaints(const struct cli *cli, int count, char **arguments)
{
    static const struct {
        const char *word;
        int (*run)(const struct cli *, int, char **);
    } verbs[] = {{"list", complaints_list},
                 {"show", complaints_show},
                 {"done", complaints_done},
                 {"import", import},
                 {"send", complaint_send}};
    if (!cli->collector) {
        fprintf(stderr, "postern complaints: a collector has them: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    if (count < 2 || arguments[1][0] == '-')
        return complaints_list(cli, count, arguments);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(arguments[1], verbs[i].word) == 0)
            return verbs[i].run(cli, count - 1, arguments + 1);
    fprintf(stderr, "postern complaints: list, show, done, import or send\n");
    return EXIT_USAGE;
}
