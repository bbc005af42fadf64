/* The pattern files that stand in the program. */
#include "agent/log_formats.h"

#include <string.h>
#include "agent/builtin.h"

#define BEFORE "logs/"

void log_formats_list(struct log_file result[LOG_FORMATS_MOST])
{
    const char *name;
    size_t count = 0;
    for (unsigned i = 0; (name = builtin_name(i)) != NULL && count < LOG_FORMATS_MOST - 1; i++) {
        if (strncmp(name, BEFORE, strlen(BEFORE)) != 0)
            continue;
        result[count].name = name + strlen(BEFORE);
        count += builtin_find(text_of(name), &result[count].content);
    }
    result[count] = (struct log_file){0};
}
