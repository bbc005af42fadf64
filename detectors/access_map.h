/* Access maps in Postfix's own text form (access(5), and pcre_table(5) for patterns), so that what an administrator has
 * written for a mail server can be read here as it stands.
 *
 *     hash:/etc/postfix/sender_access         texthash: lmdb: cdb: or no prefix mean the same: the text that postmap
 * reads pcre:/etc/postfix/sender_patterns       /pattern/flags action, !/pattern/, if ... endif, $1 in the action's
 * text
 *
 * An address is looked up as user+extension@domain, user@domain, domain, then for each parent domain ".parent" and
 * "parent", then user+extension@ and user@; the null sender as "<>". A name as domain with its parents. A pattern is
 * held against the whole.
 *
 * What the actions come to: OK, RELAY, PERMIT and a number as long as a time stamp: allowed, no other map is asked.
 * REJECT, 5NN, DISCARD, HOLD: a rejection. 4NN, DEFER, DEFER_IF_PERMIT, DEFER_IF_REJECT, WARN: a warning. DUNNO and all
 * else (INFO, PREPEND, FILTER, names of restrictions): found, but nothing is held against it. The text behind the
 * action is the reason. A text that begins with "points=12" (our own word) sets the weight.
 *
 * What Postfix warns of and passes over (a pattern that does not compile, a line without an action) is refused here:
 * the error names file, line and remedy. */
#ifndef DETECTORS_ACCESS_MAP_H
#define DETECTORS_ACCESS_MAP_H

#include <stdbool.h>
#include "common/error.h"
#include "common/option.h"
#include "common/text.h"
#include "common/words/points.h"
#include "detectors/detector.h"

#define ACCESS_LINE_MOST    65536   /* bytes of a line with those that go on with it */
#define ACCESS_ENTRIES_MOST 1000000 /* of one map */
#define ACCESS_KEY_MOST     512     /* bytes of an address or name; longer ones are in no map */
#define ACCESS_TEXT         128     /* room for the text of an answer */

enum access_action { ACCESS_UNKNOWN, ACCESS_ALLOWED, ACCESS_PASSED, ACCESS_WARNED, ACCESS_REJECTED };

struct access_answer {
    enum access_action action; /* ACCESS_UNKNOWN: in no map */
    points points;             /* -1: the map leaves it open */
    char text[ACCESS_TEXT];    /* behind the action; may be empty */
};

/* No answer. Its text is ended, not wiped: nearly every look-up is for nothing, and there are several a recipient. */
static inline void access_answer_clear(struct access_answer *answer)
{
    answer->action = ACCESS_UNKNOWN;
    answer->points = -1;
    answer->text[0] = '\0';
}

struct access_map;

/* The file behind the name of a map: the name without "hash:", "pcre:" and their like. */
struct text access_map_file(struct text name);
/* Read a map; its form follows from the name. NULL: the error begins with file and line. */
struct access_map *access_map_create(struct text name, struct text content, struct error *);
void access_map_destroy(struct access_map **);
uint32_t access_map_entries(const struct access_map *);
/* How often a pattern was given up because it took too long. */
uint64_t access_map_given_up(const struct access_map *);

/* True where an entry was found; else the answer's action is ACCESS_UNKNOWN. */
bool access_map_find_address(struct access_map *, struct text address, struct access_answer *result);
bool access_map_find_name(struct access_map *, struct text name, struct access_answer *result);

/* Several maps, asked in order until one knows more than DUNNO. Zeroed memory is none. */
#define ACCESS_MAPS_MOST 32
struct access_maps {
    struct access_map *items[ACCESS_MAPS_MOST];
    uint32_t count;
};
/* 0 or a negative errno; on failure `result` is unchanged. */
int access_maps_load(const struct option_words *names, const struct file_source *, struct access_maps *result,
                     struct error *) MUST_CHECK;
void access_maps_clear(struct access_maps *);
bool access_maps_find_address(const struct access_maps *, struct text address, struct access_answer *result);
bool access_maps_find_name(const struct access_maps *, struct text name, struct access_answer *result);

#endif
