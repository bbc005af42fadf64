/* postern report: what a day, a week or a month was like, made by the collector as text, HTML, CSV or JSON; and tables
 * over any time (report_tables.c). */
#include "cli/report.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/centre.h"
#include "common/cleanup.h"

#define ANSWER_MOST ((size_t)32 * 1024 * 1024)
#define PATH_LENGTH 512

static const struct kind {
    const char *word, *kind, *option;
} kinds[] = {{"daily", "day", "--day"}, {"weekly", "week", "--week"}, {"monthly", "month", "--month"}};

static int call(const struct cli *cli, const struct centre_request *request, struct buffer *answer)
{
    CLEANUP(centre_close) struct centre *centre = NULL;
    struct error error = {0};
    int status = centre_open(cli, &centre, &error);
    if (status >= 0)
        status = centre_call(centre, request, answer, &error);
    if (status < 0)
        fprintf(stderr, "postern report: %s\n", error.text);
    return status < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int show(const struct cli *cli, const struct kind *kind, const char *period, const char *form, const char *table)
{
    char path[PATH_LENGTH];
    CLEANUP(buffer_clear) struct buffer answer;
    buffer_init(&answer, ANSWER_MOST);
    snprintf(path, sizeof path, "/v1/reports/%s", kind->kind);
    if (!centre_add_parameter(path, sizeof path, "period", period) ||
        !centre_add_parameter(path, sizeof path, "format", form) ||
        !centre_add_parameter(path, sizeof path, "table", table)) {
        fprintf(stderr, "postern report: that is too long\n");
        return EXIT_USAGE;
    }
    int status = call(cli, &(struct centre_request){.method = "GET", .path = path}, &answer);
    if (status == EXIT_DONE && fwrite(answer.bytes, 1, answer.length, stdout) != answer.length)
        status = EXIT_FAILED;
    return status;
}

static int send_it(const struct cli *cli, const struct kind *kind, const char *period, const char *channel)
{
    char path[PATH_LENGTH];
    CLEANUP(buffer_clear) struct buffer answer;
    buffer_init(&answer, ANSWER_MOST);
    json_t *asked = json_pack("{ss* ss*}", "channel", channel, "period", period);
    char *body = asked ? json_dumps(asked, JSON_COMPACT) : NULL;
    json_decref(asked);
    if (body == NULL) {
        fprintf(stderr, "postern report: out of memory\n");
        return EXIT_FAILED;
    }
    snprintf(path, sizeof path, "/v1/reports/%s", kind->kind);
    const struct centre_request request = {
        .method = "POST", .path = path, .type = "application/json", .body = text_of(body)};
    int status = call(cli, &request, &answer);
    free(body);
    if (status == EXIT_DONE && cli->json)
        printf("%.*s", (int)answer.length, answer.bytes);
    else if (status == EXIT_DONE)
        printf("on its way to %s\n", channel ? channel : "all that [reports] names for it");
    return status;
}

static int report(const struct cli *cli, const struct kind *kind, int count, char **arguments)
{
    const char *period = NULL, *form = NULL, *table = NULL, *channel = NULL;
    bool mail = false;
    const struct command_option options[] = {{kind->option, &period, NULL},
                                             {"--format", &form, NULL},
                                             {"--table", &table, NULL},
                                             {"--mail", NULL, &mail},
                                             {NULL, NULL, NULL}};
    int words = command_read(count, arguments, options, &channel, 1);
    if (words < 0)
        return EXIT_USAGE;
    if (words > 0 && !mail) {
        fprintf(stderr, "postern report: '%s' is one word too many; a channel stands behind --mail\n", channel);
        return EXIT_USAGE;
    }
    if (mail && (form || table)) {
        fprintf(stderr, "postern report: a mail has the report as text, HTML and CSV; --mail goes without --format\n");
        return EXIT_USAGE;
    }
    if (mail)
        return send_it(cli, kind, period, channel);
    return show(cli, kind, period, form ? form : cli->json ? "json" : table ? "csv" : "text", table);
}

int command_report(const struct cli *cli, int count, char **arguments)
{
    if (!cli->collector) {
        fprintf(stderr, "postern report: a collector makes them: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    for (size_t i = 0; count > 1 && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(arguments[1], kinds[i].word) == 0)
            return report(cli, &kinds[i], count - 1, arguments + 1);
    if (count > 1 && report_is_table(arguments[1]))
        return report_table(cli, count - 1, arguments + 1);
    fprintf(stderr, "postern report: daily, weekly, monthly; top, hours, days, rules, viruses, scores; or list\n");
    return EXIT_USAGE;
}
