/* Lines to the machine's own syslog (RFC 3164's form, as its socket takes it), one message each. */
#ifndef COLLECTOR_POST_SYSLOG_H
#define COLLECTOR_POST_SYSLOG_H

#include "collector/post/delivery.h"

#define SYSLOG_SOCKET "/dev/log"

/* One message of a line: "<N>text", N a level of 0 to 7, or a text alone (5, a notice). `result` gets it with facility
 * daemon; false: there is nothing in it. */
bool syslog_write(struct text line, moment now, int process, struct buffer *result);
enum delivered syslog_deliver(const char *socket, moment now, struct delivery *);

#endif
