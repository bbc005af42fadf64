/* What the centre tells of senders of this node: each is judged once, and known by its mark when it is told again. The
 * kinds, and who may say them, are in message.h, which includes this. */
#ifndef AGENT_MESSAGE_TOLD_H
#define AGENT_MESSAGE_TOLD_H

#include <stdint.h>
#include "agent/message/report.h"
#include "common/address.h"
#include "common/moment.h"
#include "common/words/sender.h"

/* A content filter's opinion of a message; the sender as its MESSAGE_SAMPLE had it. */
struct message_filtered {
    struct message_head head;
    moment time; /* of the message, from MESSAGE_SAMPLE */
    struct sender sender;
    struct address address;   /* of the client, family 0: not known */
    int32_t score, threshold; /* hundredths; threshold 0: none */
    uint64_t mark;            /* of message and filter: an opinion that is told again has the same */
    uint8_t certain;
    uint8_t reserved[7];
    char filter[32], action[64], symbols[256];
};

struct message_listed {
    struct message_head head;
    moment since; /* first known to stand there; 0: not known */
    struct sender sender;
    struct address address, code; /* what is listed, and the list's answer; family 0: not known */
    uint64_t mark;                /* of this telling */
    uint8_t weight;               /* enum listing_weight */
    uint8_t listed;               /* 0: no longer */
    uint8_t reserved[6];
    char zone[128];
};

struct message_complained {
    struct message_head head;
    struct sender sender;
    struct address address; /* that the complaint is about, family 0: not known */
    uint64_t mark;          /* of the complaint, and of whether it is withdrawn */
    uint32_t count;         /* at least 1 */
    uint8_t type;           /* enum complaint_type */
    uint8_t confirmed;      /* the message was found among those that the sender sent */
    uint8_t known;          /* the reporter is who it says */
    uint8_t withdrawn;      /* it was none after all */
    char reporter[128];
};

#endif
