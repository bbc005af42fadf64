/* The clocks of this machine. */
#include "common/io/clock.h"

#include <time.h>

moment clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (moment)now.tv_sec * SECOND + now.tv_nsec;
}

duration clock_steady(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (duration)now.tv_sec * SECOND + now.tv_nsec;
}
