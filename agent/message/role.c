/* The roles' names and users. */
#include "agent/message/role.h"

#include <pwd.h>

const char *role_name(enum role role)
{
    static const char *const names[ROLES] = {"warden", "watcher", "courier", "scribe", "milter"};
    return role < ROLES ? names[role] : "unknown";
}

void role_find_user(const char *name, uid_t number, uid_t *user, gid_t *group)
{
    const struct passwd *found = getpwnam(name);
    *user = found ? found->pw_uid : number;
    *group = found ? found->pw_gid : (gid_t)number;
}
