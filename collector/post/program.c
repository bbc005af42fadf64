/* See program.h. It is handed over when it is started, for what it has done by then nobody knows who does not see its
 * end. */
#include "collector/post/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/io/clock.h"

#define LOOK  (200 * MILLISECOND)
#define GRACE (5 * SECOND) /* where nobody waits any more */
#define SPARE MINUTE
#define SAID  160

struct run {
    const struct channel *channel;
    struct delivery *delivery;
    pid_t process;
    int in, out; /* ours: its standard input and standard error; -1: closed */
    size_t written;
    char said[SAID];
    size_t said_length;
    duration deadline; /* steady */
};

static void close_end(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

static int start(struct run *run, int in, int out)
{
    char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", id[64], channel[64];
    char *const arguments[] = {(char *)run->channel->program, NULL};
    char *const environment[] = {path, id, channel, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    snprintf(id, sizeof id, "POSTERN_ID=%s", run->delivery->id);
    snprintf(channel, sizeof channel, "POSTERN_CHANNEL=%s", run->channel->name);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawn_file_actions_addchdir_np(&actions, "/");
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int status = posix_spawn(&run->process, run->channel->program, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return status;
}

static int begin(struct run *run)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    int status = pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 ? 0 : errno;
    if (status == 0)
        status = start(run, in[0], out[1]);
    close_end(&in[0]);
    close_end(&out[1]);
    run->in = in[1];
    run->out = out[0];
    if (status == 0 && (fcntl(run->in, F_SETFL, O_NONBLOCK) < 0 || fcntl(run->out, F_SETFL, O_NONBLOCK) < 0))
        status = errno;
    return status;
}

/* One that does not read all of it has its reasons. */
static void write_more(struct run *run)
{
    struct text bytes = run->delivery->bytes;
    ssize_t written = write(run->in, bytes.bytes + run->written, bytes.length - run->written);
    if (written > 0)
        run->written += (size_t)written;
    if (run->written == bytes.length || (written < 0 && errno != EAGAIN && errno != EINTR))
        close_end(&run->in);
}

static void read_more(struct run *run)
{
    char piece[512];
    ssize_t length = read(run->out, piece, sizeof piece);
    if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR))
        close_end(&run->out);
    for (ssize_t i = 0; i < length && run->said_length < sizeof run->said - 1; i++)
        run->said[run->said_length++] = piece[i];
}

/* True: it has ended, as `status` says. False: it was late, and was killed with all that is of its group. */
static bool wait_for(struct run *run, int *status)
{
    struct delivery *delivery = run->delivery;
    int watched = pidfd_open(run->process, 0);
    if (run->delivery->bytes.length == 0)
        close_end(&run->in);
    for (bool ended = false; !ended;) {
        struct pollfd ways[] = {
            {.fd = watched, .events = POLLIN}, {.fd = run->in, .events = POLLOUT}, {.fd = run->out, .events = POLLIN}};
        poll(ways, 3, (int)(LOOK / MILLISECOND));
        if (run->in >= 0 && ways[1].revents)
            write_more(run);
        if (run->out >= 0 && ways[2].revents)
            read_more(run);
        duration now = clock_steady();
        if (delivery->is_over(delivery->context) && run->deadline > now + GRACE)
            run->deadline = now + GRACE;
        ended = waitpid(run->process, status, WNOHANG) == run->process;
        if (!ended && now >= run->deadline) {
            kill(-run->process, SIGKILL);
            waitpid(run->process, status, 0);
            close_end(&watched);
            return false;
        }
    }
    close_end(&watched);
    if (run->out >= 0)
        read_more(run);
    return true;
}

static enum delivered judge(struct run *run, bool ended, int status)
{
    char text[DELIVERY_TROUBLE] = "", end[64] = "";
    if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return DELIVERED;
    if (!ended)
        snprintf(end, sizeof end, "it did not end in time and was killed");
    else if (WIFSIGNALED(status))
        snprintf(end, sizeof end, "signal %d ended it", WTERMSIG(status));
    else
        snprintf(end, sizeof end, "its exit status was %d", WEXITSTATUS(status));
    snprintf(text, sizeof text, "%s%s%s", end, run->said_length ? ": " : "", run->said);
    text_copy_printable(text_trim(text_of(text)), run->delivery->trouble, sizeof run->delivery->trouble);
    return ended ? DELIVERY_AWAY : DELIVERY_IN_DOUBT;
}

enum delivered program_deliver(const struct channel *channel, struct delivery *delivery)
{
    struct run run = {.channel = channel, .delivery = delivery, .in = -1, .out = -1};
    int status = 0;
    if (!delivery->hand(delivery->context, channel->patience + SPARE))
        return DELIVERY_LATER;
    run.deadline = clock_steady() + channel->patience;
    int trouble = begin(&run);
    enum delivered result = DELIVERY_AWAY;
    if (trouble != 0 && run.process == 0)
        snprintf(delivery->trouble, sizeof delivery->trouble, "cannot start %.120s: %s", channel->program,
                 strerror(trouble));
    else {
        bool ended = wait_for(&run, &status);
        result = judge(&run, ended, status);
    }
    close_end(&run.in);
    close_end(&run.out);
    return result;
}
