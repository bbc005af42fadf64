/* See keeper.h. */
#include "agent/courier/keeper.h"

#include <stdio.h>

#include "common/io/clock.h"

#define TRY_EVERY MINUTE

/* A trouble that goes on is said once, whatever words it takes meanwhile. */
static void trouble(struct keeper *keeper, struct keeper_file *file, const char *name, const struct error *why)
{
    bool is_new = !file->trouble[0];
    snprintf(file->trouble, sizeof file->trouble, "%.150s; entries wait in memory, and it is tried again", why->text);
    if (!is_new)
        return;
    log_write(keeper->log, LOG_TROUBLE, "%s", file->trouble);
    news_event(keeper->news, 2, name, file->trouble);
}

static void well_again(struct keeper *keeper, struct keeper_file *file, const char *name)
{
    char text[80];
    if (!file->trouble[0])
        return;
    file->trouble[0] = 0;
    snprintf(text, sizeof text, "the %s can be written again", name);
    log_write(keeper->log, LOG_NEWS, "%s", text);
    news_event(keeper->news, 0, name, text);
}

static void moved(struct keeper *keeper, const char *name)
{
    char text[120];
    snprintf(text, sizeof text, "the %s was damaged; it was moved aside and a new one begun", name);
    news_event(keeper->news, 1, name, text);
    log_write(keeper->log, LOG_TROUBLE, "%s", text);
}

static bool try_is_due(struct keeper_file *file, duration steady)
{
    if (file->next_try && steady < file->next_try)
        return false;
    file->next_try = steady + TRY_EVERY;
    return true;
}

static bool keep_spool(struct keeper *keeper, duration steady)
{
    static const char name[] = "spool";
    struct keeper_file *file = &keeper->spool_file;
    struct error error = {0};
    bool moved_aside = false;
    int failure = 0;
    if (!spool_is_open(keeper->spool)) {
        if (!try_is_due(file, steady))
            return false;
        failure = spool_open(keeper->spool, &moved_aside, &error);
    }
    if (moved_aside)
        moved(keeper, name);
    if (failure == 0)
        failure = spool_commit(keeper->spool, clock_now(), &error);
    if (failure < 0)
        trouble(keeper, file, name, &error);
    else
        well_again(keeper, file, name);
    return failure == 0;
}

static void keep_samples(struct keeper *keeper, duration steady)
{
    static const char name[] = "samples";
    struct keeper_file *file = &keeper->samples_file;
    struct error error = {0};
    if (!samples_is_open(keeper->samples) && !try_is_due(file, steady))
        return;
    if (samples_tick(keeper->samples, steady, &error) < 0)
        trouble(keeper, file, name, &error);
    else
        well_again(keeper, file, name);
}

static bool keep_journal(struct keeper *keeper, duration steady)
{
    static const char name[] = "journal";
    struct keeper_file *file = &keeper->journal_file;
    struct error error = {0};
    bool moved_aside = false;
    int failure = 0;
    if (!journal_is_open(keeper->journal)) {
        if (!try_is_due(file, steady))
            return false;
        failure = journal_open(keeper->journal, &moved_aside, &error);
    }
    if (moved_aside)
        moved(keeper, name);
    if (failure == 0)
        failure = journal_commit(keeper->journal, &error);
    if (failure < 0)
        trouble(keeper, file, name, &error);
    else
        well_again(keeper, file, name);
    return failure == 0;
}

bool keeper_commit(struct keeper *keeper, duration steady)
{
    if (keeper->spool)
        (void)keep_spool(keeper, steady); /* its trouble is said; the journal goes on without it */
    if (keeper->samples)
        keep_samples(keeper, steady);
    return keep_journal(keeper, steady);
}
