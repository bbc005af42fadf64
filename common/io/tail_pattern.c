#include "common/io/tail_pattern.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include "common/io/tail_name.h"

static bool is_glob(const char *text)
{
    return strpbrk(text, "*?[") != NULL;
}

int tail_pattern_read(const char *path, struct tail_pattern *pattern, struct error *error)
{
    const char *slash = strrchr(path, '/');
    if (path[0] != '/' || slash[1] == '\0')
        return error_set(error, EINVAL, "\"%s\" is not the absolute path of a file", path);
    if (strlen(path) >= TAIL_NAME)
        return error_set(error, ENAMETOOLONG, "\"%s\" is longer than %d bytes", path, TAIL_NAME - 1);
    memcpy(pattern->whole, path, strlen(path) + 1);
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    memcpy(pattern->folder, path, length);
    pattern->folder[length] = '\0';
    pattern->base = pattern->whole + (slash + 1 - path);
    pattern->folder_is_glob = is_glob(pattern->folder);
    pattern->base_is_glob = is_glob(pattern->base);
    return 0;
}

bool tail_pattern_takes(const struct tail_pattern *pattern, const char *folder, const char *name)
{
    bool here = pattern->folder_is_glob ? fnmatch(pattern->folder, folder, FNM_PATHNAME) == 0
                                        : strcmp(pattern->folder, folder) == 0;
    if (!here)
        return false;
    if (pattern->base_is_glob)
        return fnmatch(pattern->base, name, FNM_PERIOD) == 0 && !tail_name_is_rotated(name);
    return strcmp(pattern->base, name) == 0;
}
