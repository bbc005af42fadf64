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
                           const char *rate, const char *node)
{
    json_t *question = json_pack("{ss ss ss}", "command", verb, "sender", sender, "reason", reason);
    if (question && length)
        json_object_set_new(question, "for", json_string(length));
    if (question && rate)
        json_object_set_new(question, "rate", json_integer(strtol(rate, NULL, 10)));
    if (question && node)
        json_object_set_new(question, "node", json_string(node));
    return question;
}

/* At a collector an order is one node's, or everybody's: whoever gives it says so. */
static bool say_where(const struct cli *cli, const char *verb, const char *node, bool everywhere)
{
    if (cli->collector && (node != NULL) == everywhere)
        fprintf(stderr, "postern %s: on which node? --node ID (`postern nodes` has them), or --everywhere\n", verb);
    else if (!cli->collector && (node || everywhere))
        fprintf(stderr, "postern %s: --node and --everywhere are for a collector: --collector URL\n", verb);
    else
        return true;
    return false;
}

int command_order(const struct cli *cli, int count, char **arguments)
{
    const char *sender = NULL, *length = NULL, *reason = NULL, *rate = NULL, *node = NULL;
    bool everywhere = false;
    bool is_throttle = strcmp(arguments[0], "throttle") == 0, is_release = strcmp(arguments[0], "release") == 0;
    const struct command_option all[] = {
        {"--reason", &reason, NULL},         {"--for", &length, NULL}, {"--rate", &rate, NULL}, {"--node", &node, NULL},
        {"--everywhere", NULL, &everywhere}, {NULL, NULL, NULL}};
    const struct command_option without_rate[] = {{"--reason", &reason, NULL},
                                                  {"--for", &length, NULL},
                                                  {"--node", &node, NULL},
                                                  {"--everywhere", NULL, &everywhere},
                                                  {NULL, NULL, NULL}};
    const struct command_option reason_only[] = {
        {"--reason", &reason, NULL}, {"--node", &node, NULL}, {"--everywhere", NULL, &everywhere}, {NULL, NULL, NULL}};
    int words = command_read(count, arguments, is_throttle ? all : is_release ? reason_only : without_rate, &sender, 1);
    if (words < 0)
        return EXIT_USAGE;
    if (words == 0) {
        fprintf(
            stderr,
            "postern %s: whom? an address, a /64, a MAC, uid:NUMBER, account:NAME, customer:NAME or a port's name\n",
            arguments[0]);
        return EXIT_USAGE;
    }
    if (!reason || !*reason) {
        fprintf(stderr, "postern %s: --reason TEXT is needed; it is kept on record with your name and the time\n",
                arguments[0]);
        return EXIT_USAGE;
    }
    if (!say_where(cli, arguments[0], node, everywhere))
        return EXIT_USAGE;
    return question_ask(cli, question_of(arguments[0], sender, length, reason, rate, node), say, NULL);
}
