/* News for nodes, as the reckoning writes them: one row of each name, the newest. Their numbers come from one row,
 * which the one who reckons holds until it commits: so they become visible in their order. None is below the
 * milliseconds since 1970: so a store that was put back from a backup gives no number that a node has had already. */
#include <errno.h>
#include "collector/store/reckon_own.h"

#define TEXT_MOST  (64U << 10)
#define KEPT_AFTER HOUR /* a node's clock may be behind */

struct json *news_begin(struct news_item *item, const char *kind, const char *name)
{
    item->kind = kind;
    item->name = name;
    buffer_init(&item->text, TEXT_MOST);
    item->json = json_begin(&item->text);
    json_string(&item->json, "kind", kind);
    return &item->json;
}

/* What stands between the braces: whoever tells it puts its number before it. */
static struct text members(const struct news_item *item)
{
    struct text whole = text_trim(buffer_text(&item->text));
    return (struct text){whole.bytes + 1, whole.length - 2};
}

int news_end(struct round *round, struct news_item *item, struct error *error)
{
    if (!json_end(&item->json)) {
        buffer_clear(&item->text);
        return error_set(error, ENOMEM, "no memory for news");
    }
    int rows = STORE_QUEUE(
        round->store, "UPDATE reckoning SET news = CASE WHEN news < $1 THEN $1 ELSE news + 1 END WHERE only_one = 1",
        error, INTEGER(round->now / MILLISECOND));
    if (rows >= 0)
        rows = STORE_RUN(round->store,
                         "INSERT INTO news (kind, name, number, node, until, due, kept, text) "
                         "SELECT $1, $2, news, $3, $4, $5, $6, $7 FROM reckoning WHERE only_one = 1 "
                         "ON CONFLICT (kind, name) DO UPDATE SET number = excluded.number, node = excluded.node, "
                         "until = excluded.until, due = excluded.due, kept = excluded.kept, text = excluded.text",
                         NULL, NULL, error, STRING(item->kind), STRING(item->name), INTEGER(item->node),
                         INTEGER(item->until), INTEGER(item->due),
                         INTEGER((item->until > round->now ? item->until : round->now) + KEPT_AFTER),
                         VALUE_TEXT(members(item)));
    buffer_clear(&item->text);
    round->told |= rows >= 0;
    return rows < 0 ? rows : 0;
}

int store_news_highest(struct store *store, int64_t *result, struct error *error)
{
    *result = 0;
    int rows = engine_run(store->engine, "SELECT news FROM reckoning WHERE only_one = 1", NULL, 0, store_row_integer,
                          result, error);
    return rows < 0 ? rows : 0;
}

struct listener {
    void (*each)(void *, const struct store_news *);
    void *context;
};

static bool news_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    const struct store_news news = {columns[0].integer, columns[1].text};
    (void)count;
    listener->each(listener->context, &news);
    return true;
}

int store_news(struct store *store, int64_t after, bool standings, uint32_t most,
               void (*each)(void *, const struct store_news *), void *context, struct error *error)
{
    struct listener listener = {each, context};
    static const char all[] = "SELECT number, text FROM news WHERE number > $1 ORDER BY number LIMIT $2",
                      some[] = "SELECT number, text FROM news WHERE number > $1 AND kind <> 'standing' "
                               "ORDER BY number LIMIT $2";
    int rows = STORE_RUN(store, standings ? all : some, news_row, &listener, error, INTEGER(after), INTEGER(most));
    return rows < 0 ? rows : 0;
}
