/* The text of access maps: logical lines and what the action behind a key comes to. The inside of access_map.h. */
#ifndef DETECTORS_ACCESS_TEXT_H
#define DETECTORS_ACCESS_TEXT_H

#include "common/buffer.h"
#include "detectors/access_map.h"

/* Goes through a map's logical lines: comments and empty lines left out, lines that begin with white space joined to
 * the one before. */
struct access_lines {
    struct text name, rest; /* of the file: its name, what is still to be read */
    struct buffer line;     /* the logical line */
    uint32_t number;        /* of its first line in the file, from 1 */
    uint32_t read;          /* lines read from the file */
};
void access_lines_init(struct access_lines *, struct text name, struct text content);
void access_lines_clear(struct access_lines *);
/* 1: there is a line, borrowed until the next call; 0: the end; else a negative errno. */
int access_lines_next(struct access_lines *, struct text *result, struct error *) MUST_CHECK;

/* An error at the current line: "NAME:LINE: ". Returns -EINVAL. */
int access_lines_fail(const struct access_lines *, struct error *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What stands behind a key. `text` is left with what belongs to the answer, borrowed from `words`. NULL, or what is
 * wrong and the remedy. */
const char *access_action_read(struct text words, enum access_action *action, points *weight, struct text *text);

bool access_is_space(char);
/* The first word; `rest` is left with what stands behind it, trimmed. */
struct text access_word(struct text *rest);

#endif
