/* See settling.h. */
#include "agent/warden/settling.h"

#include <stdio.h>

#define PATIENCE (10 * SECOND) /* then the supervisor's answer was lost */

static void put_answer(union message *answer, uint32_t question, int code, const char *text)
{
    message_prepare(answer, MESSAGE_DONE, question);
    answer->done.code = code;
    snprintf(answer->done.text, sizeof(answer->done.text), "%s", text);
}

bool settling_begin(struct settling *settling, int supervisor, const struct message_settings *settings, int descriptor,
                    duration now, union message *answer)
{
    const struct supervise message = {.kind = SUPERVISE_SETTINGS, .revision = settings->revision};
    struct error error = {0};
    if (settling->since && now - settling->since < PATIENCE)
        return true;
    int code = supervise_send(supervisor, &message, descriptor, &error);
    if (code < 0) {
        put_answer(answer, settings->head.question, code, error.text);
        return false;
    }
    *settling = (struct settling){settings->revision, settings->head.question, now};
    return true;
}

bool settling_end(struct settling *settling, const struct supervise *news, union message *answer, char text[300])
{
    bool ours = settling->question && settling->revision == news->revision;
    snprintf(text, 300, "settings from the collector, revision %lld, %s%s", (long long)news->revision,
             news->status == 0 ? "are in force" : "are refused: ", news->status == 0 ? "" : news->text);
    if (ours)
        put_answer(answer, settling->question, news->status, news->text);
    *settling = (struct settling){0};
    return ours;
}

void settling_forget(struct settling *settling)
{
    settling->question = 0;
}
