/* See delivery.h. */
#include "collector/post/delivery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/error.h"
#include "common/io/file.h"

#define SECRET_FILE_MOST ((size_t)4096)

int delivery_read_secret(struct delivery *delivery, const char *path, char *result, size_t most)
{
    char *content = NULL;
    size_t length;
    struct error error;
    int status = file_read(path, SECRET_FILE_MOST, &content, &length, &error);
    if (status < 0) {
        text_copy_printable(text_of(error.text), delivery->trouble, sizeof delivery->trouble);
        return status;
    }
    content[strcspn(content, "\r\n")] = '\0';
    bool fits = strlen(content) < most;
    if (fits)
        strcpy(result, content);
    else
        snprintf(delivery->trouble, sizeof delivery->trouble, "%.120s: its first line is longer than %zu bytes", path,
                 most - 1);
    explicit_bzero(content, length);
    free(content);
    return fits ? 0 : -EFBIG;
}
