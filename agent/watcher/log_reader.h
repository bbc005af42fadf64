/* Logs of mail servers as the watcher reads them: descriptors come from the warden, observations go out.
 *
 * Where it is in each file stands in a record that outlives the process. It is written behind every LOG_PIECE bytes,
 * after what they said was judged: a watcher that is killed in between judges these few lines once more, and loses
 * none. What was known of messages under way is read again
 * from the lines before.
 *
 * A log is read late where nobody read it for a while. What is older than LOG_LATE is not judged: a night's mail read
 * in a second would look like a burst. It is counted, and what it says of messages under way is remembered. */
#ifndef AGENT_WATCHER_LOG_READER_H
#define AGENT_WATCHER_LOG_READER_H

#include "agent/log/log_path.h"
#include "agent/message/message.h"
#include "agent/message/settings.h"
#include "common/siphash.h"

#define LOG_PIECE 4096
#define LOG_LATE  (5 * MINUTE)

struct log_reader_listener {
    void *context;
    void (*observe)(void *context, const struct observation *); /* its time is at most LOG_LATE past, never to come */
    void (*settle)(void *context);                              /* what was observed must be judged before it returns */
    void (*say)(void *context, const char *sentence);           /* for whoever runs this */
    void (*trace)(void *context, const struct log_trace *);     /* NULL: not wanted */
};

struct log_reader_settings {
    struct text bundle;               /* has the pattern files (bundle.h); borrowed for the length of the call */
    const struct logs_settings *logs; /* the same */
    struct siphash_key key;
    struct contents *contents; /* what milters say, borrowed (agent/log/content.h) */
};

struct log_reader_counters {
    uint32_t files; /* open now */
    uint64_t lines, unparsed, late, lost_bytes;
};

struct log_reader;
int log_reader_create(const struct log_reader_settings *, const struct log_reader_listener *, moment now,
                      struct log_reader **, struct error *) MUST_CHECK;
void log_reader_destroy(struct log_reader **);

/* MESSAGE_LOG_RECORD: go on where an earlier reader was, and keep the record from now on; takes the descriptor. Once,
 * before anything is heard. Returns the moment for MESSAGE_LOG_SINCE. */
moment log_reader_resume(struct log_reader *, int record, moment now);
/* LOG_FILE, LOG_NEWS; takes the descriptor. */
void log_reader_hear(struct log_reader *, const struct message_log *, int descriptor, moment now);
/* Read what there is, a bounded amount. True: more waits. `east`: local time less UTC now. */
bool log_reader_step(struct log_reader *, moment now, duration east);
bool log_reader_knows(const struct log_reader *, struct text queue); /* a log speaks of that queue id */
struct log_reader_counters log_reader_counters(const struct log_reader *);

#endif
