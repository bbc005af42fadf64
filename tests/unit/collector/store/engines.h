/* One list of tests over both engines: each test is given an empty database of the engine whose turn it is. */
#ifndef TESTS_ENGINES_H
#define TESTS_ENGINES_H

#include "tests/unit/collector/store/cluster.h"

static struct cluster engines_cluster;
static char engines_folder[64];

static inline bool engines_on_postgresql(void)
{
    return engines_cluster.guardian > 0;
}

static inline int engines_begin(void **unused)
{
    (void)unused;
    return cluster_create(&engines_cluster) && cluster_start(&engines_cluster) ? 0 : -1;
}

static inline int engines_end(void **unused)
{
    (void)unused;
    cluster_destroy(&engines_cluster);
    return 0;
}

static inline bool engines_make(char where[160])
{
    if (engines_on_postgresql())
        return cluster_database(&engines_cluster, where);
    snprintf(engines_folder, sizeof engines_folder, "/tmp/engine.XXXXXX");
    bool made = mkdtemp(engines_folder) != NULL;
    snprintf(where, 160, "sqlite:%s/store.db", engines_folder);
    return made;
}

/* Of PostgreSQL all goes with the cluster. */
static inline void engines_drop(void)
{
    static const char *const files[] = {"store.db", "store.db-wal", "store.db-shm"};
    for (size_t i = 0; i < 3 && !engines_on_postgresql(); i++) {
        char path[160];
        snprintf(path, sizeof path, "%s/%s", engines_folder, files[i]);
        unlink(path);
    }
    if (!engines_on_postgresql())
        rmdir(engines_folder);
}

#define ENGINES_RUN(tests)                                                                                             \
    (cmocka_run_group_tests_name("sqlite", tests, NULL, NULL) +                                                        \
     cmocka_run_group_tests_name("postgresql", tests, engines_begin, engines_end))

#endif
