/* A PostgreSQL of a test's own: in a temporary folder, reached by a socket in it, run by a user without rights. A
 * guardian process holds it: it ends the server when the test says so, and when the test dies, whatever it dies of. */
#ifndef TESTS_CLUSTER_H
#define TESTS_CLUSTER_H

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "collector/store/engine.h"

struct cluster {
    char folder[64], programs[64];
    pid_t guardian; /* 0: it is down */
    int leash;      /* closed: the server ends and its folder goes; a byte before that: the folder stays */
    int databases;
};

/* In a child: nobody, where we are root, as the server wants it. */
static inline void cluster_exec(const struct cluster *cluster, const char *program, const char *const *arguments)
{
    char path[160];
    const struct passwd *nobody = getpwnam("nobody");
    int null = open("/dev/null", O_RDWR);
    if (geteuid() == 0 && nobody &&
        (setgroups(0, NULL) != 0 || setgid(nobody->pw_gid) != 0 || setuid(nobody->pw_uid) != 0))
        _exit(126);
    if (chdir("/") != 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
        _exit(126);
    snprintf(path, sizeof path, "%s/%s", cluster->programs, program);
    execv(path, (char *const *)(uintptr_t)arguments);
    _exit(127);
}

static inline bool cluster_create(struct cluster *cluster)
{
    char data[80];
    int status = 0;
    glob_t found;
    *cluster = (struct cluster){.leash = -1};
    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) != 0) {
        fprintf(stderr, "no PostgreSQL in /usr/lib/postgresql\n");
        return false;
    }
    snprintf(cluster->programs, sizeof cluster->programs, "%s", found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    snprintf(cluster->folder, sizeof cluster->folder, "/tmp/cluster.XXXXXX");
    const struct passwd *nobody = getpwnam("nobody");
    if (!mkdtemp(cluster->folder) ||
        (geteuid() == 0 && nobody && chown(cluster->folder, nobody->pw_uid, nobody->pw_gid) != 0))
        return false;
    snprintf(data, sizeof data, "%s/data", cluster->folder);
    pid_t child = fork();
    if (child == 0)
        cluster_exec(cluster, "initdb",
                     (const char *const[]){"initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync",
                                           "--locale=C", "--encoding=UTF8", NULL});
    waitpid(child, &status, 0);
    return child > 0 && status == 0;
}

static inline void cluster_guard(const struct cluster *cluster, int end)
{
    char data[80], order = 0;
    snprintf(data, sizeof data, "%s/data", cluster->folder);
    setsid(); /* what the terminal sends to the test is not for us */
    pid_t server = fork();
    if (server == 0)
        cluster_exec(cluster, "postgres",
                     (const char *const[]){"postgres", "-D", data, "-k", cluster->folder, "-c",
                                           "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c",
                                           "max_connections=30", NULL});
    ssize_t got = read(end, &order, 1);
    kill(server, SIGQUIT); /* at once, without a word to who is connected: as power fails */
    waitpid(server, NULL, 0);
    if (got == 0)
        execlp("rm", "rm", "-rf", cluster->folder, NULL);
    _exit(0);
}

static inline bool cluster_start(struct cluster *cluster)
{
    int ends[2];
    char where[120];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    cluster->guardian = fork();
    if (cluster->guardian == 0) {
        close(ends[1]);
        cluster_guard(cluster, ends[0]);
    }
    close(ends[0]);
    cluster->leash = ends[1];
    snprintf(where, sizeof where, "host=%s user=postgres dbname=postgres", cluster->folder);
    for (int i = 0; i < 600; i++) {
        if (PQping(where) == PQPING_OK)
            return true;
        usleep(50 * 1000);
    }
    return false;
}

static inline void cluster_end(struct cluster *cluster, bool keep)
{
    if (cluster->guardian > 0) {
        ssize_t put = keep ? write(cluster->leash, "k", 1) : 0;
        (void)put;
        close(cluster->leash);
        waitpid(cluster->guardian, NULL, 0);
    }
    cluster->guardian = 0;
}

static inline void cluster_stop(struct cluster *cluster)
{
    cluster_end(cluster, true);
}

static inline void cluster_destroy(struct cluster *cluster)
{
    cluster_end(cluster, false);
}

static inline bool cluster_do(const struct cluster *cluster, const char *sql)
{
    char where[160];
    struct engine *engine = NULL;
    struct error error = {0};
    snprintf(where, sizeof where, "postgresql://postgres@/postgres?host=%s", cluster->folder);
    bool done = engine_open(where, &engine, &error) == 0 && engine_script(engine, sql, &error) == 0;
    engine_close(&engine);
    if (!done)
        fprintf(stderr, "%s\n", error.text);
    return done;
}

/* A new, empty database. */
static inline bool cluster_database(struct cluster *cluster, char where[160])
{
    char sql[80];
    snprintf(sql, sizeof sql, "CREATE DATABASE t%d", ++cluster->databases);
    snprintf(where, 160, "postgresql://postgres@/t%d?host=%s", cluster->databases, cluster->folder);
    return cluster_do(cluster, sql);
}

#endif
