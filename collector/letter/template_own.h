/* A template as it was read: what template.c makes and template_write.c follows. */
#ifndef COLLECTOR_LETTER_TEMPLATE_OWN_H
#define COLLECTOR_LETTER_TEMPLATE_OWN_H

#include "collector/letter/template.h"

#define TEMPLATE_DEPTH 8
#define TEMPLATE_WORDS 32 /* at least as many as letter_words has */

enum step_kind { STEP_LINE, STEP_IF, STEP_ELSE, STEP_EACH, STEP_AGAIN };
struct step {
    enum step_kind kind;
    struct text line; /* STEP_LINE */
    unsigned what; /* STEP_IF: an enum letter_value, or VALUES + an enum letter_list; STEP_EACH, STEP_AGAIN: a list */
    bool is_not;   /* STEP_IF */
    unsigned jump; /* STEP_IF, STEP_EACH: where it goes on where nothing is to be said; STEP_ELSE: behind its end;
                      STEP_AGAIN: behind its STEP_EACH */
};
struct region {
    unsigned begin, end; /* steps */
};

struct template
{
    char *bytes; /* the file; lines lie in it */
    struct step *steps;
    unsigned count, room;
    struct region subject, text;
    struct text words[TEMPLATE_WORDS]; /* in the order of letter_words, lines and all; empty: none */
};

/* The next piece of a line: words as they are, or a name in braces. `*is_name` tells which. False: the line ended.
 * A brace that is not closed, or stands alone, is a piece whose name is empty. */
bool template_piece(struct text *rest, struct text *piece, bool *is_name);
/* VALUES: there is none of that name. */
enum letter_value template_value(struct text name);

#endif
