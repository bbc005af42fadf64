/* Reading messages, for the collector's threads: the client of the reader, a program without rights that takes hostile
 * mail apart (collector/reader). It is started when it is needed, replaced after some hundred messages, and killed when
 * it takes longer than it may: what a message does to it, it does to that message alone.
 *
 * May be called from several threads at once: as many messages are read at a time as there are processes, the others
 * wait their turn, within a bound. */
#ifndef COLLECTOR_READING_READING_H
#define COLLECTOR_READING_READING_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/complaint/complaint.h"
#include "collector/mime/facts.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/option.h"
#include "common/text.h"

#define READING_MESSAGE_MOST (64U * 1024 * 1024)

/* [pictures] */
struct picture_settings {
    bool enabled;                  /* pictures are decoded at all */
    bool text;                     /* text in them is read */
    struct option_words languages; /* of Tesseract: "eng" */
    uint64_t size;                 /* bytes of a picture as it is attached */
    uint32_t pixels;               /* width times height */
    uint32_t most;                 /* of one message */
    uint32_t processes;            /* at once */
    duration patience;             /* for one message; as long is waited for a free process before */
    uint64_t memory;               /* bytes of address space of a process */
};
/* The table of [pictures], and what its options must fulfil together. */
extern const struct option picture_options[];
bool picture_settings_check(const void *, struct error *);

struct reading;

/* `program`: the reader's path; NULL: "postern-reader" beside this program, or in ../libexec/postern. Starts nothing
 * yet. The settings are copied. */
int reading_create(const struct picture_settings *, const char *program, struct reading **, struct error *) MUST_CHECK;
/* Ends the processes. Nobody may be in reading_ask() any more. */
void reading_destroy(struct reading **);

/* Read one message: its content, as sent, dot-unstuffed. Blocks, for twice the settings' patience at most.
 * 0: *result is filled in (without the text of pictures, where reading that took too long); -ETIMEDOUT: it took too
 * long; -EMSGSIZE: longer than READING_MESSAGE_MOST; other negative: the reader ended on it or cannot be started.
 * Nobody need try again: go on without facts. */
int reading_ask(struct reading *, struct text content, struct message_facts *result, struct error *) MUST_CHECK;

/* Read what came to the abuse desk: a mail, or a file of those that complaints_read() knows. As reading_ask(), but who
 * asks keeps what could not be read, for a person. The caller clears the result. */
int reading_ask_complaints(struct reading *, struct text content, struct complaints *result, struct error *) MUST_CHECK;

struct reading_counts {
    uint64_t asked, failed, late, started; /* messages; of them without an answer, and too slow; processes */
};
struct reading_counts reading_counts(struct reading *);

/* The text of pictures as a header line for the copy that filters are shown, "X-Postern-Picture-Text: ...\r\n", folded
 * (RFC 5322 2.2.3), non-ASCII as UTF-8; put it before the content. Nothing is appended where there is no such text.
 * Such lines of the message's own stand below and mean nothing. False: no memory. */
bool reading_header(const struct message_facts *, struct buffer *) __attribute__((warn_unused_result));

#endif
