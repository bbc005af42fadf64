/* The one place that asks what time it is. */
#ifndef COMMON_IO_CLOCK_H
#define COMMON_IO_CLOCK_H

#include "common/moment.h"

moment clock_now(void);      /* of the day; may be set back */
duration clock_east(moment); /* local time less UTC at that moment; the zone is that of clock_read_zone() */
void clock_read_zone(void);  /* from its file: before a process gives up its right to open one */
duration clock_steady(void); /* since some fixed point; never goes back */

#endif
