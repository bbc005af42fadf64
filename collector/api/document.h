/* The table of endpoints as people and as programs read it. */
#ifndef COLLECTOR_API_DOCUMENT_H
#define COLLECTOR_API_DOCUMENT_H

#include <stdbool.h>
#include "common/buffer.h"

bool document_markdown(struct buffer *) __attribute__((warn_unused_result));
bool document_openapi(struct buffer *) __attribute__((warn_unused_result)); /* OpenAPI 3.1, JSON */

#endif
