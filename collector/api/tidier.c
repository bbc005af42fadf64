/* See tidier.h. */
#include "collector/api/tidier.h"

#include <errno.h>
#include "collector/api/heard.h"
#include "common/io/clock.h"
#include "common/io/log.h"

#define EVERY  MINUTE
#define ONWARD (200 * MILLISECOND) /* while there is more */

void tidier_begin(struct tidier *tidier, const struct store_retention *keep, struct heard *heard)
{
    *tidier = (struct tidier){.on = true, .keep = *keep, .heard = heard, .due = clock_steady() + SECOND};
}

duration tidier_patience(const struct tidier *tidier)
{
    duration left = tidier->due - clock_steady();
    return left > 0 ? left : 0;
}

bool tidier_is_due(const struct tidier *tidier)
{
    return tidier->on && tidier_patience(tidier) == 0;
}

static int run(struct tidier *tidier, struct store *store, struct error *error)
{
    moment now = clock_now();
    int more = store_begin(store, error);
    if (more == 0)
        more = store_now(store, now, &now, error);
    if (more == 0)
        more = store_tidy(store, &tidier->keep, now, error);
    if (more >= 0 && tidier->heard) {
        int failure = heard_write(tidier->heard, store, now, clock_steady(), error);
        more = failure < 0 ? failure : more;
    }
    if (more >= 0) {
        int failure = store_commit(store, error);
        more = failure < 0 ? failure : more;
    }
    if (more < 0)
        store_rollback(store);
    if (tidier->heard)
        heard_settle(tidier->heard, more >= 0);
    return more;
}

void tidier_step(struct tidier *tidier, struct store **store)
{
    struct error error = {0};
    int more = *store ? run(tidier, *store, &error) : 0;
    if (more == -ENOTCONN)
        store_close(store);
    /* Another collector that tidies at the same moment is none of our trouble. */
    bool failing = more < 0 && more != -EAGAIN && more != -EBUSY && more != -ENOTCONN;
    if (failing && !tidier->failing) {
        const struct log log = log_open("collector");
        log_write(&log, LOG_TROUBLE, "the store cannot be tidied and grows: %s", error.text);
    }
    tidier->failing = failing;
    tidier->due = clock_steady() + (more == 1 ? ONWARD : EVERY);
}
