/* Ask, teach and ping one filter from a test: filter_tool KIND ADDRESS CONTROLLER PASSWORD FLAG VERB [FILE]. Prints one
 * line: "STATUS|SCORE|THRESHOLD|certain virus|ACTION|SYMBOLS|TROUBLE". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/filter/filter.h"
#include "common/io/file.h"

static int find(const char *name)
{
    int kind = 0;
    while (filter_kind_names[kind] && strcmp(filter_kind_names[kind], name) != 0)
        kind++;
    return kind;
}

static int run(const struct filter_settings *settings, const char *verb, struct text content, struct opinion *opinion,
               struct error *error)
{
    static const char *const lessons[LESSONS] = {"spam", "ham", "forget"};
    const struct text to[] = {TEXT("bob@there.example"), TEXT("eve@there.example")};
    const struct filter_message message = {.name = "0DC5B48D4.A739D",
                                           .content = content,
                                           .from = TEXT("ann@firm.example"),
                                           .recipients = to,
                                           .recipient_count = 2,
                                           .helo = TEXT("mail.firm.example"),
                                           .client = TEXT("203.0.113.7")};
    const struct filter_kind *kind = filter_kinds[settings->kind];
    if (strcmp(verb, "ping") == 0)
        return kind->ping(settings, error);
    for (enum lesson lesson = 0; lesson < LESSONS; lesson++)
        if (strcmp(verb, lessons[lesson]) == 0)
            return kind->learn(settings, &message, lesson, error);
    return kind->ask(settings, &message, opinion, error);
}

int main(int count, char **words)
{
    struct filter_settings settings = {.patience = 20 * SECOND,
                                       .threshold = 600,
                                       .virus_is_certain = true,
                                       .certain = {.items = {"GTUBE"}, .count = 1}};
    struct opinion opinion = {0};
    struct error error = {0};
    char *content = NULL;
    size_t length = 0;
    if (count < 7 || (count > 7 && file_read(words[7], 64 << 20, &content, &length, &error) < 0))
        return 2;
    settings.kind = find(words[1]);
    snprintf(settings.address, sizeof settings.address, "%s", words[2]);
    snprintf(settings.controller, sizeof settings.controller, "%s", words[3]);
    snprintf(settings.password, sizeof settings.password, "%s", words[4]);
    settings.fuzzy_flag = (uint32_t)atoi(words[5]);
    int status = run(&settings, words[6], (struct text){content, length}, &opinion, &error);
    printf("%d|%d|%d|%s %s|%s|%s|%s\n", status, opinion.score, opinion.threshold, opinion.certain ? "certain" : "-",
           opinion.virus ? "virus" : "-", opinion.action, opinion.symbols, error.text);
    free(content);
    return 0;
}
