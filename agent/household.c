/* STATE/          root's, everyone may pass
 *     enforce     the warden's switch
 *     settings    what the collector has set; the supervisor writes it
 *     courier/    the courier's own: its journal
 *     scribe/     the scribe's own: the mail in the systemd journal, which the warden's group may read
 * SOCKET          root's, the group may talk to it; made here and handed to the courier listening, so that the courier
 * needs no right on the directory and a person's request waits while it is started anew
 * POLICY          the same for mail servers; by default everybody may ask there
 * @postern-agent  an abstract socket: the claim to this network namespace */
#include "agent/household.h"

#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "agent/message/role.h"
#include "common/io/listen.h"

/* Between the numbers that systemd gives to dynamic users (up to 65519) and nobody (65534); Debian reserves them. */
#define SCRIBE_NUMBER  65530 /* one below: the milter's, ROLE_MILTER_NUMBER */
#define WATCHER_NUMBER 65531
#define COURIER_NUMBER 65532
#define WAITING_MOST   64

static int make_directories(const char *path, struct error *error)
{
    char part[OPTION_TEXT_SIZE + 32];
    snprintf(part, sizeof(part), "%s", path);
    for (char *at = part + 1;; at++) {
        if (*at != '/' && *at != 0)
            continue;
        bool last = *at == 0;
        *at = 0;
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return error_set(error, errno, "cannot make %s: %s", part, strerror(errno));
        if (last)
            return 0;
        *at = '/';
    }
}

/* A directory of its own for a process that may write nowhere else. */
static int make_own(const char *path, uid_t user, gid_t group, mode_t mode, struct error *error)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set(error, errno, "cannot make %s: %s", path, strerror(errno));
    if (geteuid() == 0 && (lchown(path, user, group) != 0 || chmod(path, mode) != 0))
        return error_set(error, errno, "cannot give %s to user %u: %s", path, (unsigned)user, strerror(errno));
    return 0;
}

static int make_state(const struct agent_settings *settings, struct household *house, struct error *error)
{
    int code = make_directories(settings->state, error);
    if (code != 0)
        return code;
    snprintf(house->courier_state, sizeof(house->courier_state), "%s/courier", settings->state);
    code = make_own(house->courier_state, house->courier, house->courier_group, 0700, error);
    if (code == 0 &&
        house->scribe_state[0]) /* files in it get its group: the warden is in it, and root without rights */
        code = make_own(house->scribe_state, house->scribe, getegid(), 02750, error);
    return code;
}

/* Abstract socket names belong to the network namespace, as packets and tables do: one agent in each. Without this two
 * would take turns in making the table, each putting right what the other did. */
static const char claim_name[] = "postern-agent";

/* Whether who listens there is one of us: anybody may take an abstract name. */
static bool is_held_by_agent(int probe, const struct sockaddr_un *address, socklen_t length)
{
    struct ucred holder = {.uid = (uid_t)-1};
    socklen_t size = sizeof(holder);
    return connect(probe, (const struct sockaddr *)address, length) == 0 &&
           getsockopt(probe, SOL_SOCKET, SO_PEERCRED, &holder, &size) == 0 &&
           (holder.uid == 0 || holder.uid == geteuid());
}

static int claim_namespace(struct household *house, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path + 1, claim_name, sizeof(claim_name) - 1);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(claim_name));
    int claim = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (claim < 0)
        return error_set(error, errno, "cannot open a socket: %s", strerror(errno));
    if (bind(claim, (struct sockaddr *)&address, length) == 0 && listen(claim, WAITING_MOST) == 0) {
        house->claim = claim;
        return 0;
    }
    bool held = is_held_by_agent(claim, &address, length);
    close(claim);
    return held ? error_set(error, EADDRINUSE, "another agent runs in this network namespace") : 0;
}

/* A socket that nobody listens on was left by an agent that died. Anything else is not ours to take away. */
static int clear_socket(const struct sockaddr_un *address, struct error *error)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0)
        return errno == ENOENT ? 0
                               : error_set(error, errno, "cannot look at %s: %s", address->sun_path, strerror(errno));
    if (!S_ISSOCK(status.st_mode))
        return error_set(error, EEXIST, "%s is there already and no socket", address->sun_path);
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return error_set(error, errno, "cannot open a socket: %s", strerror(errno));
    /* EAGAIN: there is a listener, too busy to take another. */
    bool answered = connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN;
    close(probe);
    if (answered)
        return error_set(error, EADDRINUSE, "another agent answers at %s", address->sun_path);
    if (unlink(address->sun_path) != 0 && errno != ENOENT)
        return error_set(error, errno, "cannot take away the old %s: %s", address->sun_path, strerror(errno));
    return 0;
}

/* A listening socket at `path`, root's with `mode`, and the group's where one is given (-1: none). */
static int make_socket(const char *path, gid_t group, mode_t mode, int *result, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char directory[OPTION_TEXT_SIZE];
    size_t length = strlen(path);
    if (length >= sizeof(address.sun_path))
        return error_set(error, ENAMETOOLONG, "cannot listen at %s: its name is too long", path);
    memcpy(address.sun_path, path, length);
    snprintf(directory, sizeof(directory), "%s", path);
    *strrchr(directory, '/') = 0;
    int code = directory[0] ? make_directories(directory, error) : 0;
    if (code == 0)
        code = clear_socket(&address, error);
    if (code != 0)
        return code;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(0177);
    bool bound = listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0;
    umask(before);
    bool given = bound && (group == (gid_t)-1 || geteuid() != 0 || lchown(address.sun_path, 0, group) == 0) &&
                 chmod(address.sun_path, mode) == 0;
    if (!given || listen(listener, WAITING_MOST) != 0) {
        code = error_set(error, errno, "cannot listen at %s: %s", path, strerror(errno));
        if (listener >= 0)
            close(listener);
        return code;
    }
    *result = listener;
    return 0;
}

/* The milter's library makes its socket by itself, so it must be able to write where that is to be: a directory that is
 * not there is made for it, one that is there stays whose it is. */
static int make_milter_place(const struct milter_settings *settings, struct household *house, struct error *error)
{
    const char *path = settings_milter_path(settings);
    char directory[OPTION_TEXT_SIZE];
    if (!path)
        return 0;
    snprintf(directory, sizeof(directory), "%s", path);
    *strrchr(directory, '/') = 0;
    if (!directory[0] || access(directory, F_OK) == 0)
        return 0;
    int code = make_directories(directory, error);
    return code ? code : make_own(directory, house->milter, house->milter_group, 0755, error);
}

static void find_milter(const struct process_settings *all, struct household *house)
{
    role_find_user(ROLE_MILTER_USER, ROLE_MILTER_NUMBER, &house->milter, &house->milter_group);
    const char *const names[] = {all->milter.group, all->agent.policy_group};
    house->runs_milter = all->milter.listen[0] != 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct group *group = names[i][0] ? getgrnam(names[i]) : NULL;
        if (group)
            house->milter_groups[house->milter_group_count++] = group->gr_gid;
    }
}

/* Where there is no such group, root alone. */
static int make_control(const struct agent_settings *settings, struct household *house, bool group, struct error *error)
{
    bool ours = group && geteuid() == 0;
    return make_socket(settings->socket, ours ? house->courier_group : (gid_t)-1, ours ? 0660 : 0600, &house->listener,
                       error);
}

static int make_policy(const struct agent_settings *settings, struct household *house, struct error *error)
{
    static const mode_t modes[POLICY_MODES] = {
        [POLICY_MODE_ALL] = 0666, [POLICY_MODE_GROUP] = 0660, [POLICY_MODE_OWNER] = 0600};
    char path[OPTION_TEXT_SIZE];
    if (!settings_policy(settings, path))
        return 0;
    const struct group *group = settings->policy_group[0] ? getgrnam(settings->policy_group) : NULL;
    if (settings->policy_group[0] && !group)
        return error_set(error, EINVAL, "[agent] policy_group: there is no group \"%s\"", settings->policy_group);
    return make_socket(path, group ? group->gr_gid : (gid_t)-1, modes[settings->policy_mode], &house->policy, error);
}

void household_receive(const struct household *house)
{
    int caller = accept4(house->claim, NULL, NULL, SOCK_CLOEXEC);
    if (caller >= 0)
        close(caller);
}

static void find_groups(const struct option_words *names, struct household *house)
{
    _Static_assert(sizeof(names->items) / sizeof(names->items[0]) <= sizeof(house->log_groups) / sizeof(gid_t), "room");
    for (uint32_t i = 0; i < names->count; i++) {
        const struct group *group = getgrnam(names->items[i]);
        if (group)
            house->log_groups[house->log_group_count++] = group->gr_gid;
    }
}

static bool __attribute__((format(printf, 1, 2))) is_there(const char *pattern, ...)
{
    char path[OPTION_TEXT_SIZE + 32];
    glob_t found = {0};
    va_list arguments;
    va_start(arguments, pattern);
    vsnprintf(path, sizeof(path), pattern, arguments);
    va_end(arguments);
    bool any = glob(path, 0, NULL, &found) == 0;
    globfree(&found);
    return any;
}

void household_decide_journal(struct logs_settings *logs)
{
    bool file = false, any = false;
    if (logs->journal != LOGS_JOURNAL_AUTO)
        return;
    for (uint32_t i = 0; i < logs->files.count; i++)
        file |= is_there("%s", logs->files.items[i]);
    const char *folders[] = {logs->journal_folder, "/var/log/journal", "/run/log/journal"};
    for (size_t i = logs->journal_folder[0] ? 0 : 1; i < (logs->journal_folder[0] ? 1 : 3); i++)
        any |= is_there("%s/*.journal", folders[i]) || is_there("%s/*/*.journal", folders[i]);
    logs->journal = logs->files.count > 0 && !file && any ? LOGS_JOURNAL_YES : LOGS_JOURNAL_NO;
}

int household_open(const struct process_settings *all, const char *metrics, struct household *house,
                   struct error *error)
{
    const struct agent_settings *settings = &all->agent;
    *house = (struct household){.listener = -1, .policy = -1, .metrics = -1, .claim = -1};
    uint16_t port;
    role_find_user(settings->watcher_user, WATCHER_NUMBER, &house->watcher, &house->watcher_group);
    role_find_user(settings->courier_user, COURIER_NUMBER, &house->courier, &house->courier_group);
    const struct group *group = getgrnam(settings->group);
    if (group)
        house->courier_group = group->gr_gid;
    role_find_user("postern-scribe", SCRIBE_NUMBER, &house->scribe, &house->scribe_group);
    find_milter(all, house);
    find_groups(&all->logs.groups, house);
    if (all->logs.journal == LOGS_JOURNAL_YES)
        snprintf(house->scribe_state, sizeof(house->scribe_state), "%s/" ROLE_SCRIBE_PLACE, settings->state);
    int code = claim_namespace(house, error);
    if (code == 0)
        code = make_state(settings, house, error);
    if (code == 0)
        code = make_control(settings, house, group != NULL, error);
    if (code == 0)
        code = make_milter_place(&all->milter, house, error);
    if (code == 0 && metrics[0])
        code = listen_open(metrics, &house->metrics, &port, error);
    for (uint32_t i = 0; i < all->relay.listen.count && i < RELAY_LISTENERS && code == 0; i++) {
        code = listen_open(all->relay.listen.items[i], &house->relays[i], &port, error);
        house->relay_count += code == 0;
    }
    return code ? code : make_policy(settings, house, error);
}

void household_close(struct household *house, const struct agent_settings *settings)
{
    char path[OPTION_TEXT_SIZE];
    if (house->listener >= 0) {
        close(house->listener);
        unlink(settings->socket);
    }
    if (house->policy >= 0) {
        close(house->policy);
        if (settings_policy(settings, path))
            unlink(path);
    }
    if (house->metrics >= 0)
        close(house->metrics);
    for (int i = 0; i < house->relay_count; i++)
        close(house->relays[i]);
    house->relay_count = 0;
    if (house->claim >= 0)
        close(house->claim);
    house->listener = house->policy = house->metrics = house->claim = -1;
}
