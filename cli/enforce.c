/* postern enforce on|off: whether verdicts become orders in the kernel. */
#include <stdio.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/question.h"

static void say(void *context, const json_t *record)
{
    (void)context;
    const char *text = field_text(record, "text");
    if (*text)
        printf("%s\n", text);
}

int command_enforce(const struct cli *cli, int count, char **arguments)
{
    const char *word = NULL, *reason = NULL;
    const struct command_option options[] = {{"--reason", &reason, NULL}, {NULL, NULL, NULL}};
    int words = command_read(count, arguments, options, &word, 1);
    if (words < 0)
        return EXIT_USAGE;
    bool on = words == 1 && strcmp(word, "on") == 0;
    if (words == 0 || (!on && strcmp(word, "off") != 0)) {
        fprintf(stderr, "postern enforce: on or off?\n");
        return EXIT_USAGE;
    }
    json_t *question = json_pack("{ss sb}", "command", "enforce", "on", on);
    if (question && reason)
        json_object_set_new(question, "reason", json_string(reason));
    return question_ask(cli, question, say, NULL);
}
