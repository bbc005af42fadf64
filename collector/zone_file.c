/* See zone_file.h. */
#include "collector/zone_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io/file.h"

#define FOLDER "/usr/share/zoneinfo/"
#define OWN    "/etc/localtime"
#define MOST   ((size_t)256 * 1024)

static void free_bytes(char **bytes)
{
    free(*bytes);
    *bytes = NULL;
}

/* The link's target says what the machine's zone is called. */
static void own_name(char result[CALENDAR_ZONE])
{
    char target[512];
    ssize_t length = readlink(OWN, target, sizeof target - 1);
    target[length > 0 ? length : 0] = '\0';
    const char *name = strstr(target, "zoneinfo/");
    snprintf(result, CALENDAR_ZONE, "%.60s", name ? name + strlen("zoneinfo/") : "local time");
}

int zone_file_read(const char *name, struct calendar_zone **result, struct error *error)
{
    char path[sizeof FOLDER + CALENDAR_ZONE], shown[CALENDAR_ZONE];
    CLEANUP(free_bytes) char *bytes = NULL;
    size_t length = 0;
    snprintf(path, sizeof path, "%s%.60s", name[0] ? FOLDER : OWN, name);
    int status = file_read(path, MOST, &bytes, &length, error);
    if (status == -ENOENT && name[0] == '\0')
        return calendar_zone_create("UTC", TEXT(""), result, error);
    if (status == -ENOENT)
        return error_set(error, EINVAL,
                         "there is no zone \"%.60s\" in " FOLDER "; one of there is allowed, such as "
                         "Europe/Berlin",
                         name);
    if (name[0])
        snprintf(shown, sizeof shown, "%.60s", name);
    else
        own_name(shown);
    return status < 0 ? status : calendar_zone_create(shown, (struct text){bytes, length}, result, error);
}
