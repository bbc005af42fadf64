/* See looking.h. */
#include "agent/warden/looking.h"

#include <string.h>
#include "agent/warden/program.h"

#define LOOK_AGAIN  (5 * SECOND) /* for the same user */
#define LOOK_MISSED (SECOND / 4) /* the same, where the connection was gone before its program was found */

/* That somebody looks for a program of that user now; NULL: not yet again. */
static struct looked *begin(struct looking *looking, uint32_t user, moment now)
{
    struct looked *oldest = looking->looked;
    for (size_t i = 0; i < LOOKING_MOST; i++) {
        struct looked *looked = &looking->looked[i];
        if (looked->when && looked->user == user) {
            duration pause = looked->found ? LOOK_AGAIN : LOOK_MISSED;
            if (now - looked->when < pause && now >= looked->when)
                return NULL;
            oldest = looked;
            break;
        }
        if (looked->when < oldest->when)
            oldest = looked;
    }
    *oldest = (struct looked){user, now, false};
    return oldest;
}

bool looking_find(struct looking *looking, struct message_owner *owner, moment now, bool *denied)
{
    struct program program;
    bool refused = false;
    *denied = false;
    struct looked *looked = owner->owned == OWNED_BY_USER ? begin(looking, owner->user, now) : NULL;
    if (!looked)
        return false;
    looked->found = program_find(owner->user, owner->inode, &program, &refused);
    _Static_assert(sizeof owner->program == sizeof program.text, "it fits");
    _Static_assert(sizeof owner->command == sizeof program.command, "it fits");
    if (looked->found) {
        memcpy(owner->program, program.text, sizeof owner->program);
        memcpy(owner->command, program.command, sizeof owner->command);
    }
    *denied = !looked->found && refused && !looking->denied;
    looking->denied |= refused;
    return looked->found;
}
