/* The one place that asks what time it is. */
#ifndef COMMON_IO_CLOCK_H
#define COMMON_IO_CLOCK_H

#include "common/moment.h"

moment clock_now(void);      /* of the day; may be set back */
duration clock_steady(void); /* since some fixed point; never goes back */

#endif
