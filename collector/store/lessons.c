/* See lessons.h. */
#include "collector/store/lessons.h"

#include <string.h>
#include "collector/store/store_own.h"

#define TIDY_MOST 500

/* --- asking for lessons --- */

struct known {
    int64_t lesson, taught, due;
};

static bool known_row(void *context, const struct value *columns, size_t count)
{
    struct known *known = context;
    (void)count;
    *known = (struct known){columns[0].integer, columns[1].integer, columns[2].integer};
    return false;
}

static int hold_back(struct store *store, const struct store_lesson_wish *wish, struct error *error)
{
    int64_t lesson = TAUGHT_NOTHING;
    int found = STORE_RUN(store, "SELECT lesson FROM held_back WHERE digest = $1 AND filter = $2", store_row_integer,
                          &lesson, error, STRING(wish->digest), STRING(wish->filter));
    if (found < 0)
        return found;
    if (found > 0 && wish->lesson == TAUGHT_FORGET)
        found = STORE_RUN(store, "DELETE FROM held_back WHERE digest = $1 AND filter = $2", NULL, NULL, error,
                          STRING(wish->digest), STRING(wish->filter));
    else if (found > 0 && lesson != (int64_t)wish->lesson)
        found = STORE_RUN(store, "UPDATE held_back SET lesson = $3 WHERE digest = $1 AND filter = $2", NULL, NULL,
                          error, STRING(wish->digest), STRING(wish->filter), INTEGER(wish->lesson));
    else if (found > 0 || wish->lesson == TAUGHT_FORGET)
        return found > 0 ? WISHED_HELD_BACK : WISHED_KNOWN;
    else
        found = STORE_RUN(store,
                          "INSERT INTO held_back (digest, filter, lesson, name, asked, due, tries, before_at, "
                          "before_spam, before_score, before_bayes, after_at, after_spam, after_score, after_bayes) "
                          "VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
                          NULL, NULL, error, STRING(wish->digest), STRING(wish->filter), INTEGER(wish->lesson),
                          STRING(wish->name), INTEGER(wish->now), INTEGER(wish->due));
    return found < 0 ? found : WISHED_HELD_BACK;
}

static int is_held_back(struct store *store, const struct store_lesson_wish *wish, struct error *error)
{
    return STORE_RUN(store, "SELECT 1 FROM held_back WHERE digest = $1 AND filter = $2", NULL, NULL, error,
                     STRING(wish->digest), STRING(wish->filter));
}

/* It is in the table and something else is wanted, or it was given up. */
static int change(struct store *store, const struct store_lesson_wish *wish, const struct known *known,
                  struct error *error)
{
    bool nothing =
        known->taught == (int64_t)wish->lesson || (wish->lesson == TAUGHT_FORGET && known->taught == TAUGHT_NOTHING);
    int rows =
        STORE_RUN(store,
                  "UPDATE lessons SET lesson = $3, asked = $4, due = $5, tries = 0, person = $6, trouble = '', "
                  "name = CASE WHEN $7 = '' THEN name ELSE $7 END WHERE digest = $1 AND filter = $2",
                  NULL, NULL, error, STRING(wish->digest), STRING(wish->filter), INTEGER(wish->lesson),
                  INTEGER(wish->now), INTEGER(nothing ? 0 : wish->due), STRING(wish->person), STRING(wish->name));
    return rows < 0 ? rows : known->lesson == (int64_t)wish->lesson ? WISHED_NEW : WISHED_OTHERWISE;
}

int store_lesson_wish(struct store *store, const struct store_lesson_wish *wish, struct error *error)
{
    struct known known = {0};
    int found = STORE_RUN(store, "SELECT lesson, taught, due FROM lessons WHERE digest = $1 AND filter = $2", known_row,
                          &known, error, STRING(wish->digest), STRING(wish->filter));
    if (found < 0)
        return found;
    if (found > 0) {
        bool given_up = known.due == 0 && known.taught != known.lesson && known.lesson != TAUGHT_FORGET;
        if (known.lesson == (int64_t)wish->lesson && !given_up)
            return WISHED_KNOWN;
        return change(store, wish, &known, error);
    }
    int held = wish->held_back ? 1 : is_held_back(store, wish, error);
    if (held != 0)
        return held < 0 ? held : hold_back(store, wish, error);
    if (wish->lesson == TAUGHT_FORGET)
        return WISHED_KNOWN;
    int rows = STORE_RUN(store,
                         "INSERT INTO lessons (digest, filter, lesson, taught, asked, done, due, tries, person, name, "
                         "trouble) VALUES ($1, $2, $3, -1, $4, 0, $5, 0, $6, $7, '')",
                         NULL, NULL, error, STRING(wish->digest), STRING(wish->filter), INTEGER(wish->lesson),
                         INTEGER(wish->now), INTEGER(wish->due), STRING(wish->person), STRING(wish->name));
    return rows < 0 ? rows : WISHED_NEW;
}

int store_lesson_keep(struct store *store, const char *digest, moment now, enum store_packing packing,
                      struct text content, struct error *error)
{
    return STORE_QUEUE(store,
                       "INSERT INTO lesson_contents (digest, kept, packing, bytes) VALUES ($1, $2, $3, $4) "
                       "ON CONFLICT (digest) DO UPDATE SET kept = $2",
                       error, STRING(digest), INTEGER(now), INTEGER(packing), VALUE_BYTES(content));
}

int store_lesson_content(struct store *store, const char *digest, void (*each)(void *, enum store_packing, struct text),
                         void *context, struct error *error)
{
    struct store_packed packed = {each, context};
    return STORE_RUN(store, "SELECT packing, bytes FROM lesson_contents WHERE digest = $1", store_row_packed, &packed,
                     error, STRING(digest));
}

/* What no filter has been told yet is taken back without a word to it. */
#define UNDO                                                                                                           \
    "UPDATE lessons SET lesson = 2, asked = $3, due = CASE WHEN taught = -1 OR taught = 2 THEN 0 ELSE $4 END, "        \
    "tries = 0, person = $2, trouble = '' WHERE lesson <> 2 AND "

/* What a lesson said that the message is, it is not said to be any more. */
#define UNCORRECT(which)                                                                                               \
    "UPDATE messages SET corrected = 0 WHERE corrected <> 0 AND name IN (SELECT name FROM lessons WHERE lesson <> 2 "  \
    "AND " which " UNION SELECT name FROM held_back WHERE " which ")"

int store_lesson_uncorrect(struct store *store, const char *which, struct error *error)
{
    return STORE_QUEUE(store, UNCORRECT("(digest = $1 OR name = $1) AND $1 <> ''"), error, STRING(which));
}

int store_lesson_undo(struct store *store, const char *which, const char *person, moment now, moment due,
                      struct error *error)
{
    int rows = store_lesson_uncorrect(store, which, error);
    if (rows >= 0)
        rows = STORE_RUN(store, UNDO "(digest = $1 OR name = $1) AND $1 <> ''", NULL, NULL, error, STRING(which),
                         STRING(person), INTEGER(now), INTEGER(due));
    int held = rows < 0 ? rows
                        : STORE_RUN(store, "DELETE FROM held_back WHERE (digest = $1 OR name = $1) AND $1 <> ''", NULL,
                                    NULL, error, STRING(which));
    return held < 0 ? held : rows + held;
}

int store_lesson_undo_since(struct store *store, moment since, const char *person, moment now, moment due,
                            struct error *error)
{
    int rows = STORE_QUEUE(store, UNCORRECT("asked >= $1"), error, INTEGER(since));
    if (rows >= 0)
        rows = STORE_RUN(store, UNDO "asked >= $1", NULL, NULL, error, INTEGER(since), STRING(person), INTEGER(now),
                         INTEGER(due));
    int held = rows < 0
                   ? rows
                   : STORE_RUN(store, "DELETE FROM held_back WHERE asked >= $1", NULL, NULL, error, INTEGER(since));
    return held < 0 ? held : rows + held;
}

/* --- working them off --- */

struct due_list {
    struct store_lesson_due *result;
    int count;
};

static bool due_row(void *context, const struct value *columns, size_t count)
{
    struct due_list *list = context;
    struct store_lesson_due *due = &list->result[list->count++];
    (void)count;
    *due = (struct store_lesson_due){.lesson = (enum store_taught)columns[2].integer,
                                     .taught = (enum store_taught)columns[3].integer,
                                     .asked = columns[4].integer,
                                     .due = columns[5].integer,
                                     .tries = columns[6].integer};
    store_copy(columns[0].text, due->digest, sizeof due->digest);
    store_copy(columns[1].text, due->name, sizeof due->name);
    return true;
}

int store_lessons_due(struct store *store, const char *filter, moment now, uint32_t most,
                      struct store_lesson_due *result, struct error *error)
{
    struct due_list list = {result, 0};
    int rows = STORE_RUN(store,
                         "SELECT digest, name, lesson, taught, asked, due, tries FROM lessons "
                         "WHERE filter = $1 AND due > 0 AND due <= $2 ORDER BY due, digest LIMIT $3",
                         due_row, &list, error, STRING(filter), INTEGER(now), INTEGER(most));
    return rows < 0 ? rows : list.count;
}

int store_lesson_claim(struct store *store, const char *filter, const struct store_lesson_due *due, moment until,
                       struct error *error)
{
    return STORE_RUN(
        store, "UPDATE lessons SET due = $4 WHERE digest = $1 AND filter = $2 AND due = $3 AND lesson = $5", NULL, NULL,
        error, STRING(due->digest), STRING(filter), INTEGER(due->due), INTEGER(until), INTEGER(due->lesson));
}

int store_lesson_done(struct store *store, const char *filter, const struct store_lesson_due *due, moment now,
                      struct error *error)
{
    return STORE_QUEUE(store,
                       "UPDATE lessons SET taught = $3, done = $4, due = CASE WHEN lesson = $3 THEN 0 ELSE $4 END, "
                       "tries = 0, trouble = '' WHERE digest = $1 AND filter = $2",
                       error, STRING(due->digest), STRING(filter), INTEGER(due->lesson), INTEGER(now));
}

int store_lesson_failed(struct store *store, const char *filter, const struct store_lesson_due *due,
                        const char *trouble, moment when, struct error *error)
{
    return STORE_QUEUE(store,
                       "UPDATE lessons SET tries = tries + 1, trouble = $4, due = $5 "
                       "WHERE digest = $1 AND filter = $2 AND lesson = $3",
                       error, STRING(due->digest), STRING(filter), INTEGER(due->lesson), STRING(trouble),
                       INTEGER(when));
}

int store_lesson_put_back(struct store *store, const char *filter, const struct store_lesson_due *due,
                          const char *trouble, moment when, struct error *error)
{
    return STORE_QUEUE(
        store, "UPDATE lessons SET trouble = $4, due = $5 WHERE digest = $1 AND filter = $2 AND lesson = $3", error,
        STRING(due->digest), STRING(filter), INTEGER(due->lesson), STRING(trouble), INTEGER(when));
}

int store_lessons_unclaim(struct store *store, const char *filter, moment now, struct error *error)
{
    int failure = STORE_QUEUE(store, "UPDATE lessons SET due = $2 WHERE filter = $1 AND due > $2", error,
                              STRING(filter), INTEGER(now));
    return failure < 0 ? failure
                       : STORE_QUEUE(store, "UPDATE held_back SET due = $2 WHERE filter = $1 AND due > $2", error,
                                     STRING(filter), INTEGER(now));
}

/* --- what is held back --- */

struct held_list {
    struct store_held_back *result;
    int count;
};

static bool held_row(void *context, const struct value *columns, size_t count)
{
    struct held_list *list = context;
    struct store_held_back *held = &list->result[list->count++];
    (void)count;
    *held = (struct store_held_back){.lesson = (enum store_taught)columns[2].integer,
                                     .due = columns[3].integer,
                                     .before = columns[4].integer,
                                     .tries = columns[5].integer};
    store_copy(columns[0].text, held->digest, sizeof held->digest);
    store_copy(columns[1].text, held->name, sizeof held->name);
    return true;
}

int store_held_due(struct store *store, const char *filter, moment now, uint32_t most, struct store_held_back *result,
                   struct error *error)
{
    struct held_list list = {result, 0};
    int rows = STORE_RUN(store,
                         "SELECT digest, name, lesson, due, before_at, tries FROM held_back "
                         "WHERE filter = $1 AND due > 0 AND due <= $2 ORDER BY due, digest LIMIT $3",
                         held_row, &list, error, STRING(filter), INTEGER(now), INTEGER(most));
    return rows < 0 ? rows : list.count;
}

int store_held_claim(struct store *store, const char *filter, const struct store_held_back *held, moment until,
                     struct error *error)
{
    return STORE_RUN(store, "UPDATE held_back SET due = $4 WHERE digest = $1 AND filter = $2 AND due = $3", NULL, NULL,
                     error, STRING(held->digest), STRING(filter), INTEGER(held->due), INTEGER(until));
}

int store_held_asked(struct store *store, const char *filter, const struct store_held_back *held,
                     const struct store_held_opinion *opinion, moment now, struct error *error)
{
    static const char first[] =
        "UPDATE held_back SET due = 0, tries = 0, before_at = $3, before_spam = $4, before_score = $5, "
        "before_bayes = $6 WHERE digest = $1 AND filter = $2";
    static const char later[] =
        "UPDATE held_back SET due = 0, tries = 0, after_at = $3, after_spam = $4, after_score = $5, "
        "after_bayes = $6 WHERE digest = $1 AND filter = $2";
    return STORE_QUEUE(store, held->before ? later : first, error, STRING(held->digest), STRING(filter), INTEGER(now),
                       INTEGER(opinion->is_spam), INTEGER(opinion->score), INTEGER(opinion->bayes));
}

int store_held_failed(struct store *store, const char *filter, const struct store_held_back *held, moment due,
                      struct error *error)
{
    return STORE_QUEUE(store, "UPDATE held_back SET due = $3, tries = tries + 1 WHERE digest = $1 AND filter = $2",
                       error, STRING(held->digest), STRING(filter), INTEGER(due));
}

int store_held_put_back(struct store *store, const char *filter, const struct store_held_back *held, moment due,
                        struct error *error)
{
    return STORE_QUEUE(store, "UPDATE held_back SET due = $3 WHERE digest = $1 AND filter = $2", error,
                       STRING(held->digest), STRING(filter), INTEGER(due));
}

int store_held_again(struct store *store, const char *filter, moment now, uint32_t most, struct error *error)
{
    int64_t latest = 0;
    int rows = STORE_RUN(store, "SELECT COALESCE(MAX(done), 0) FROM lessons WHERE filter = $1", store_row_integer,
                         &latest, error, STRING(filter));
    if (rows < 0)
        return rows;
    return STORE_RUN(store,
                     "UPDATE held_back SET due = $3 WHERE filter = $1 AND due = 0 AND digest IN (SELECT digest FROM "
                     "held_back WHERE filter = $1 AND due = 0 AND before_at > 0 AND before_at < $2 AND after_at < $2 "
                     "ORDER BY asked DESC, digest LIMIT $4)",
                     NULL, NULL, error, STRING(filter), INTEGER(latest), INTEGER(now), INTEGER(most));
}

/* --- what people ask --- */

struct learned_listener {
    void (*each)(void *, const struct store_learned *);
    void *context;
};

static bool learned_row(void *context, const struct value *columns, size_t count)
{
    const struct learned_listener *listener = context;
    const struct store_learned learned = {.filter = columns[0].text,
                                          .spam = columns[1].integer,
                                          .ham = columns[2].integer,
                                          .forgotten = columns[3].integer,
                                          .waiting = columns[4].integer,
                                          .given_up = columns[5].integer,
                                          .latest = columns[6].integer,
                                          .trouble = columns[7].text};
    (void)count;
    listener->each(listener->context, &learned);
    return true;
}

#define COUNT_OF(condition) "SUM(CASE WHEN " condition " THEN 1 ELSE 0 END)"

int store_learned(struct store *store, void (*each)(void *, const struct store_learned *), void *context,
                  struct error *error)
{
    struct learned_listener listener = {each, context};
    int rows = STORE_RUN(
        store,
        "SELECT filter, " COUNT_OF("taught = 0") ", " COUNT_OF("taught = 1") ", " COUNT_OF("taught = 2") ", " COUNT_OF(
            "due > 0") ", " COUNT_OF("due = 0 AND trouble <> ''") ", COALESCE(MAX(done), 0), COALESCE(MAX(CASE WHEN "
                                                                  "trouble <> '' THEN trouble END), '') "
                                                                  "FROM lessons WHERE asked > $1 GROUP BY filter "
                                                                  "ORDER BY filter",
        learned_row, &listener, error, INTEGER(0));
    return rows < 0 ? rows : 0;
}

struct lesson_listener {
    void (*each)(void *, const struct store_lesson *);
    void *context;
};

static bool lesson_row(void *context, const struct value *columns, size_t count)
{
    const struct lesson_listener *listener = context;
    const struct store_lesson lesson = {.filter = columns[0].text,
                                        .lesson = (enum store_taught)columns[1].integer,
                                        .taught = (enum store_taught)columns[2].integer,
                                        .asked = columns[3].integer,
                                        .done = columns[4].integer,
                                        .due = columns[5].integer,
                                        .person = columns[6].text,
                                        .trouble = columns[7].text,
                                        .held_back = columns[8].integer != 0};
    (void)count;
    listener->each(listener->context, &lesson);
    return true;
}

int store_lessons_of(struct store *store, const char *which, void (*each)(void *, const struct store_lesson *),
                     void *context, struct error *error)
{
    struct lesson_listener listener = {each, context};
    int rows = STORE_RUN(store,
                         "SELECT filter, lesson, taught, asked, done, due, person, trouble, 0 AS held FROM lessons "
                         "WHERE (digest = $1 OR name = $1) AND $1 <> '' UNION ALL "
                         "SELECT filter, lesson, -1, asked, after_at, due, '', '', 1 FROM held_back "
                         "WHERE (digest = $1 OR name = $1) AND $1 <> '' ORDER BY filter",
                         lesson_row, &listener, error, STRING(which));
    return rows < 0 ? rows : 0;
}

struct shown_listener {
    void (*each)(void *, const struct store_shown *);
    void *context;
};

static bool shown_row(void *context, const struct value *columns, size_t count)
{
    const struct shown_listener *listener = context;
    const struct store_shown shown = {
        .filter = columns[0].text,
        .lesson = (enum store_taught)columns[1].integer,
        .count = columns[2].integer,
        .before = columns[3].integer,
        .after = columns[4].integer,
        .then = {columns[5].integer, columns[6].integer, columns[7].integer, columns[8].integer},
        .now = {columns[9].integer, columns[10].integer, columns[11].integer, columns[12].integer}};
    (void)count;
    listener->each(listener->context, &shown);
    return true;
}

#define WORD_OF(which)                                                                                                 \
    ", COALESCE(SUM(CASE WHEN after_at > 0 THEN " which "_spam ELSE 0 END), 0), "                                      \
    "COALESCE(SUM(CASE WHEN after_at > 0 THEN " which "_score ELSE 0 END), 0), " COUNT_OF(                             \
        "after_at > 0 AND " which "_bayes = 1") ", " COUNT_OF("after_at > 0 AND " which "_bayes = 2")

int store_shown(struct store *store, void (*each)(void *, const struct store_shown *), void *context,
                struct error *error)
{
    struct shown_listener listener = {each, context};
    int rows =
        STORE_RUN(store,
                  "SELECT filter, lesson, COUNT(*), " COUNT_OF("before_at > 0") ", " COUNT_OF("after_at > 0")
                      WORD_OF("before") WORD_OF("after") " FROM held_back WHERE asked > $1 GROUP BY filter, lesson "
                                                         "ORDER BY filter, lesson",
                  shown_row, &listener, error, INTEGER(0));
    return rows < 0 ? rows : 0;
}

int store_lessons_tidy(struct store *store, moment contents, moment lessons, struct error *error)
{
    /* What waits, and what is held back, still needs its content. */
    int rows = STORE_RUN(store,
                         "DELETE FROM lesson_contents WHERE digest IN (SELECT c.digest FROM lesson_contents c "
                         "WHERE c.kept < $1 AND NOT EXISTS (SELECT 1 FROM lessons l WHERE l.digest = c.digest AND "
                         "l.due > 0) AND NOT EXISTS (SELECT 1 FROM held_back h WHERE h.digest = c.digest) "
                         "ORDER BY c.kept LIMIT $2)",
                         NULL, NULL, error, INTEGER(contents), INTEGER(TIDY_MOST));
    int more = rows;
    if (rows >= 0)
        rows = STORE_RUN(store,
                         "DELETE FROM lessons WHERE asked < $1 AND due < $1 AND digest IN (SELECT digest FROM lessons "
                         "WHERE asked < $1 AND due < $1 ORDER BY asked LIMIT $2)",
                         NULL, NULL, error, INTEGER(lessons), INTEGER(TIDY_MOST));
    if (rows >= 0) {
        more += rows;
        rows = STORE_RUN(store,
                         "DELETE FROM held_back WHERE asked < $1 AND digest IN (SELECT digest FROM held_back "
                         "WHERE asked < $1 ORDER BY asked LIMIT $2)",
                         NULL, NULL, error, INTEGER(lessons), INTEGER(TIDY_MOST));
    }
    return rows < 0 ? rows : more + rows >= TIDY_MOST;
}
