/* The pattern files that stand in the program, and a site's own. */
#include "agent/log_formats.h"

#include <errno.h>
#include <string.h>
#include "agent/builtin.h"
#include "common/cleanup.h"
#include "common/io/input.h"

#define BEFORE    "logs/"
#define FILE_MOST (256 * 1024)

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

static int read_file(const char *path, struct buffer *content, struct error *error)
{
    CLEANUP(input_close) struct input *input = NULL;
    struct text window;
    bool last = false;
    size_t used = 0;
    int status = input_open(path, &input, error);
    while (status == 0 && !last) {
        status = input_more(input, used, &window, &last, error);
        if (status == 0 && !buffer_append(content, window))
            return error_set(error, EFBIG, "%s: too large for a pattern file; up to %d bytes", path, FILE_MOST);
        used = window.length;
    }
    return status;
}

/* Whether the file is called as the program's own: "/etc/postern/logs/postfix.conf" and "postfix". */
static bool is_called(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    size_t length = strlen(name);
    return strncmp(base, name, length) == 0 && (base[length] == '\0' || strcmp(base + length, ".conf") == 0);
}

int log_formats_load(const char *const *paths, size_t count, struct log_formats *formats, struct error *error)
{
    struct log_file shipped[LOG_FORMATS_MOST];
    size_t filled = 0;
    *formats = (struct log_formats){0};
    log_formats_list(shipped);
    for (size_t i = 0; i < count; i++) {
        if (filled == LOG_FORMATS_MOST / 2)
            return error_set(error, E2BIG, "%s: too many pattern files; up to %d", paths[i], LOG_FORMATS_MOST / 2);
        struct buffer *content = &formats->content[filled];
        buffer_init(content, FILE_MOST);
        int status = read_file(paths[i], content, error);
        if (status < 0)
            return status;
        formats->files[filled++] = (struct log_file){paths[i], buffer_text(content)};
    }
    for (const struct log_file *file = shipped; file->name != NULL && filled < LOG_FORMATS_MOST - 1; file++) {
        bool replaced = false;
        for (size_t i = 0; i < count; i++)
            replaced = replaced || is_called(paths[i], file->name);
        if (!replaced)
            formats->files[filled++] = *file;
    }
    return 0;
}

void log_formats_clear(struct log_formats *formats)
{
    for (size_t i = 0; i < LOG_FORMATS_MOST; i++)
        buffer_clear(&formats->content[i]);
}
