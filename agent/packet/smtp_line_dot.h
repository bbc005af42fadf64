/* The search for a dot at a line's start: what every byte of every message goes through. */
#ifndef AGENT_PACKET_SMTP_LINE_DOT_H
#define AGENT_PACKET_SMTP_LINE_DOT_H

#include "common/text.h"

/* Where "\n." stands at or behind `at`; the text's length where it does not. */
size_t smtp_find_line_dot(struct text, size_t at);

#endif
