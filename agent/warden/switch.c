/* The file "enforce" holds two words: what was chosen, and what the configuration said at that time. */
#include "agent/warden/switch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME     "enforce"
#define NEW_NAME "enforce.new"

static const char *word(bool on)
{
    return on ? "on" : "off";
}

int switch_open(struct enforce_switch *kept, const char *state, struct error *error)
{
    kept->directory = open(state ? state : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return kept->directory < 0 ? error_set(error, errno, "cannot open %s: %s", state, strerror(errno)) : 0;
}

void switch_close(struct enforce_switch *kept)
{
    if (kept->directory > 0)
        close(kept->directory);
    kept->directory = -1;
}

bool switch_read(const struct enforce_switch *kept, bool configured)
{
    char text[32] = "", want[32];
    int file = openat(kept->directory, NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return configured;
    ssize_t length = read(file, text, sizeof(text) - 1);
    close(file);
    text[length > 0 ? length : 0] = 0;
    for (int on = 0; on <= 1; on++) {
        snprintf(want, sizeof(want), "%s %s\n", word(on), word(configured));
        if (strcmp(text, want) == 0)
            return on;
    }
    return configured;
}

int switch_keep(const struct enforce_switch *kept, bool on, bool configured, struct error *error)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "%s %s\n", word(on), word(configured));
    int file = openat(kept->directory, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file < 0)
        return error_set(error, errno, "it will not be remembered: %s", strerror(errno));
    bool fine = write(file, text, (size_t)length) == length && fsync(file) == 0;
    int code = errno;
    close(file);
    if (fine && renameat(kept->directory, NEW_NAME, kept->directory, NAME) == 0)
        return 0;
    return error_set(error, fine ? errno : code, "it will not be remembered: %s", strerror(fine ? errno : code));
}
