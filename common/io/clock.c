/* The clocks of this machine. */
#include "common/io/clock.h"

#include <time.h>

moment clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (moment)now.tv_sec * SECOND + now.tv_nsec;
}

void clock_read_zone(void)
{
    tzset();
}

duration clock_east(moment when)
{
    time_t seconds = (time_t)(when / SECOND);
    struct tm local;
    return localtime_r(&seconds, &local) ? local.tm_gmtoff * SECOND : 0;
}

duration clock_steady(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (duration)now.tv_sec * SECOND + now.tv_nsec;
}
