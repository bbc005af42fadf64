/* postern block, throttle, divert, allow, release: a person's order, with the reason that is kept on record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/question.h"

static void say(void *context, const json_t *record)
{
    (void)context;
    const char *text = json_string_value(json_object_get(record, "text"));
    if (text)
        printf("%s\n", text);
}

static json_t *question_of(const char *verb, const char *sender, const char *length, const char *reason,
                           const char *rate)
{
    json_t *question = json_pack("{ss ss ss}", "command", verb, "sender", sender, "reason", reason);
    if (question && length)
        json_object_set_new(question, "for", json_string(length));
    if (question && rate)
        json_object_set_new(question, "rate", json_integer(strtol(rate, NULL, 10)));
    return question;
}

int command_order(const struct cli *cli, int count, char **arguments)
{
    const char *sender = NULL, *length = NULL, *reason = NULL, *rate = NULL;
    bool is_throttle = strcmp(arguments[0], "throttle") == 0, is_release = strcmp(arguments[0], "release") == 0;
    const struct command_option all[] = {
        {"--reason", &reason, NULL}, {"--for", &length, NULL}, {"--rate", &rate, NULL}, {NULL, NULL, NULL}};
    const struct command_option without_rate[] = {
        {"--reason", &reason, NULL}, {"--for", &length, NULL}, {NULL, NULL, NULL}};
    const struct command_option reason_only[] = {{"--reason", &reason, NULL}, {NULL, NULL, NULL}};
    int words = command_read(count, arguments, is_throttle ? all : is_release ? reason_only : without_rate, &sender, 1);
    if (words < 0)
        return EXIT_USAGE;
    if (words == 0) {
        fprintf(stderr, "postern %s: whom? an address, a /64, a MAC, uid:NUMBER, account:NAME or a port's name\n",
                arguments[0]);
        return EXIT_USAGE;
    }
    if (!reason || !*reason) {
        fprintf(stderr, "postern %s: --reason TEXT is needed; it is kept on record with your name and the time\n",
                arguments[0]);
        return EXIT_USAGE;
    }
    return question_ask(cli, question_of(arguments[0], sender, length, reason, rate), say, NULL);
}
