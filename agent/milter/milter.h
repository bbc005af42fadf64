/* The milter: a process that mail servers ask through libmilter, and that asks the courier in turn. What is done about
 * a sender it does not decide; what it reads of mail leaves it as a digest and a sketch. It has its own user, a
 * listening socket, and the right to make connections; it dies with its parent and is started anew. */
#ifndef AGENT_MILTER_MILTER_H
#define AGENT_MILTER_MILTER_H

#include "agent/message/role.h"

/* milter_main() is declared with its like. `start->listener` is a descriptor of the configuration (bundle.h). */

#endif
