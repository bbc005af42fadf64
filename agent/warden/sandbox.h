/* The warden's system calls. */
#ifndef AGENT_WARDEN_SANDBOX_H
#define AGENT_WARDEN_SANDBOX_H

#include "common/error.h"

int warden_sandbox(struct error *) MUST_CHECK; /* nothing beyond them from here on */

#endif
