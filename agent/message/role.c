/* The roles' names. */
#include "agent/message/role.h"

const char *role_name(enum role role)
{
    static const char *const names[ROLES] = {"warden", "watcher", "courier", "scribe"};
    return role < ROLES ? names[role] : "unknown";
}
