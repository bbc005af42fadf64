/* See keeper.h. */
#include "agent/courier/keeper.h"

#include <stdio.h>

#define TRY_EVERY MINUTE

/* A trouble that goes on is said once, whatever words it takes meanwhile. */
static void trouble(struct keeper *keeper, const struct error *why)
{
    bool is_new = !keeper->trouble[0];
    snprintf(keeper->trouble, sizeof keeper->trouble, "%.150s; entries wait in memory, and it is tried again",
             why->text);
    if (!is_new)
        return;
    log_write(keeper->log, LOG_TROUBLE, "%s", keeper->trouble);
    news_event(keeper->news, 2, "journal", keeper->trouble);
}

static void well_again(struct keeper *keeper)
{
    if (!keeper->trouble[0])
        return;
    keeper->trouble[0] = 0;
    log_write(keeper->log, LOG_NEWS, "the journal can be written again");
    news_event(keeper->news, 0, "journal", "the journal can be written again");
}

static bool open_again(struct keeper *keeper, duration steady)
{
    struct error error = {0};
    bool moved_aside = false;
    if (keeper->next_try && steady < keeper->next_try)
        return false;
    keeper->next_try = steady + TRY_EVERY;
    bool open = journal_open(keeper->journal, &moved_aside, &error) == 0;
    if (moved_aside) {
        news_event(keeper->news, 1, "journal", "the journal was damaged; it was moved aside and a new one begun");
        log_write(keeper->log, LOG_TROUBLE, "the journal was damaged; it was moved aside and a new one begun");
    }
    if (!open)
        trouble(keeper, &error);
    return open;
}

bool keeper_commit(struct keeper *keeper, duration steady)
{
    struct error error = {0};
    if (!journal_is_open(keeper->journal) && !open_again(keeper, steady))
        return false;
    if (journal_commit(keeper->journal, &error) < 0) {
        trouble(keeper, &error);
        return false;
    }
    well_again(keeper);
    return true;
}
