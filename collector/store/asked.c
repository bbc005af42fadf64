/* What people asked for under a name of its own, and the revision that it was given: so that it is done once. Kept for
 * a day; who asks again does so within minutes. */
#include "collector/store/store_own.h"

static bool asked_row(void *context, const struct value *columns, size_t count)
{
    struct store_asked *asked = context;
    (void)count;
    asked->same = text_equals(columns[0].text, text_of(asked->digest));
    asked->revision = columns[1].integer;
    return false;
}

int store_asked_before(struct store *store, struct store_asked *asked, struct error *error)
{
    return STORE_RUN(store, "SELECT digest, revision FROM asked WHERE person = $1 AND name = $2", asked_row, asked,
                     error, INTEGER(asked->person), STRING(asked->name));
}

int store_asked_add(struct store *store, const struct store_asked *asked, struct error *error)
{
    return STORE_QUEUE(store, "INSERT INTO asked (person, name, time, digest, revision) VALUES ($1, $2, $3, $4, $5)",
                       error, INTEGER(asked->person), STRING(asked->name), INTEGER(asked->time), STRING(asked->digest),
                       INTEGER(asked->revision));
}
