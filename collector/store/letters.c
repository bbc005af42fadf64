/* See letters.h. */
#include "collector/store/letters.h"

#include "collector/store/store_own.h"

int store_letter_take(struct store *store, const struct store_letter *letter, moment now, moment before, moment *last,
                      struct error *error)
{
    /* One statement, so that of two that write at once one alone is told that it does. */
    int rows = STORE_RUN(store,
                         "INSERT INTO letters (customer, cause, made, times, sending, language, person) "
                         "VALUES ($1, $2, $3, 1, $4, $5, $6) ON CONFLICT (customer, cause) DO UPDATE SET "
                         "made = excluded.made, times = letters.times + 1, sending = excluded.sending, "
                         "language = excluded.language, person = excluded.person "
                         "WHERE letters.made < $7 OR letters.sending = '' OR letters.sending = excluded.sending",
                         NULL, NULL, error, VALUE_TEXT(letter->customer), STRING(letter->cause), INTEGER(now),
                         STRING(letter->sending), STRING(letter->language), STRING(letter->person), INTEGER(before));
    if (rows != 0)
        return rows < 0 ? rows : 1;
    rows = STORE_RUN(store, "SELECT made FROM letters WHERE customer = $1 AND cause = $2", store_row_integer, last,
                     error, VALUE_TEXT(letter->customer), STRING(letter->cause));
    return rows < 0 ? rows : 0;
}

struct listener {
    void (*each)(void *, struct text);
    void *context;
};

static bool customer_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    (void)count;
    listener->each(listener->context, columns[0].text);
    return true;
}

int store_letters_wanted(struct store *store, moment now, moment since, moment settled, moment before, uint32_t most,
                         void (*each)(void *, struct text), void *context, struct error *error)
{
    struct listener listener = {each, context};
    return STORE_RUN(store,
                     "SELECT DISTINCT o.customer FROM orders o LEFT JOIN letters l ON l.customer = o.customer AND "
                     "l.cause = 'block' WHERE o.until > $1 AND o.deed = 'block' AND o.customer <> '' AND "
                     "LENGTH(o.customer) < 75 AND "
                     "o.since > $2 AND o.since <= $3 AND (l.made IS NULL OR (l.made < o.since AND l.made < $4)) "
                     "ORDER BY o.customer LIMIT $5",
                     customer_row, &listener, error, INTEGER(now), INTEGER(since), INTEGER(settled), INTEGER(before),
                     INTEGER(most));
}

int store_letters_settle(struct store *store, moment now, struct error *error)
{
    return STORE_RUN(store,
                     "UPDATE alerts SET resolved = $1 WHERE kind = 'letter' AND resolved = 0 AND customer <> '' AND "
                     "NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer = alerts.customer AND o.until > $1)",
                     NULL, NULL, error, INTEGER(now));
}

int store_letters_tidy(struct store *store, moment before, struct error *error)
{
    return STORE_RUN(store, "DELETE FROM letters WHERE made < $1", NULL, NULL, error, INTEGER(before));
}
