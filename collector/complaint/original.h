/* The message complained of, as far as the report holds it. */
#ifndef COLLECTOR_COMPLAINT_ORIGINAL_H
#define COLLECTOR_COMPLAINT_ORIGINAL_H

#include "collector/complaint/complaint.h"

/* Fill in what the report did not say, and the digest. `message`: all of it, or its head. */
void original_take(struct complaint *, struct text message);

#endif
