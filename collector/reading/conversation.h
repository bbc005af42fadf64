/* What the collector and its reader say to each other, over the socket that is the reader's standard input: fixed
 * structs of one machine and one build, each with a number that says which it is. */
#ifndef COLLECTOR_READING_CONVERSATION_H
#define COLLECTOR_READING_CONVERSATION_H

#include <stdint.h>
#include "collector/complaint/complaint.h"
#include "collector/mime/facts.h"

#define READING_GREETING UINT32_C(0x50524731)
#define READING_QUESTION UINT32_C(0x50525131)
#define READING_ANSWER   UINT32_C(0x50524131)
#define READING_SOCKET   0

/* From the reader, first of all. */
struct reading_greeting {
    uint32_t magic;
    int32_t code;   /* 0: it is ready; else why not, and it ends */
    char text[240]; /* the sentence, ended */
};

/* What a message is read for. */
enum reading_kind { READING_FACTS, READING_COMPLAINTS };

/* To the reader; the content follows. */
struct reading_question {
    uint32_t magic, kind;
    uint64_t length;
};

/* From the reader, to READING_FACTS. Where text in pictures is read, which may take longer than there is time, all else
 * is said before it, and then all of it again with the text. */
struct reading_answer {
    uint32_t magic;
    uint32_t more; /* 1: another answer follows */
    struct message_facts facts;
};

/* From the reader, to READING_COMPLAINTS; the complaints follow. */
struct reading_found {
    uint32_t magic, found, count, cut;
    char trouble[COMPLAINTS_TROUBLE];
};

#endif
