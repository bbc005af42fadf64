/* One reader process and the conversation with it: start, ask with a limit, kill. */
#ifndef COLLECTOR_READING_PROCESS_H
#define COLLECTOR_READING_PROCESS_H

#include <sys/types.h>
#include "collector/complaint/complaint.h"
#include "collector/mime/facts.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"

struct reading_process {
    pid_t id;   /* 0: none */
    int socket; /* ours */
    uint32_t served;
};

/* `words`: its arguments, ended by NULL, the program's path first. Returns when it is ready, by the steady time `until`
 * at the latest. */
int reading_process_start(struct reading_process *, const char *const *words, duration until,
                          struct error *) MUST_CHECK;
/* 0 (it is ended itself where reading text in a picture took too long); -ETIMEDOUT; -EPIPE: it was gone before it could
 * read the message; other: it ended on it. After a failure it must be ended. */
int reading_process_ask(struct reading_process *, struct text content, duration until, struct message_facts *result,
                        struct error *) MUST_CHECK;
/* The same of READING_COMPLAINTS. After a failure the result is empty. */
int reading_process_ask_complaints(struct reading_process *, struct text content, duration until,
                                   struct complaints *result, struct error *) MUST_CHECK;
/* At once, whatever it does. */
void reading_process_end(struct reading_process *);

#endif
