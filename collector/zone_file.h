/* A time zone from the machine's files, read once at the start: a later update of them is another start's. */
#ifndef COLLECTOR_ZONE_FILE_H
#define COLLECTOR_ZONE_FILE_H

#include "collector/report/calendar.h"

/* `name`: of /usr/share/zoneinfo; empty: the machine's own, /etc/localtime, and UTC where there is none. */
int zone_file_read(const char *name, struct calendar_zone **result, struct error *) MUST_CHECK;

#endif
