#include "common/io/tail_name.h"

#include <stddef.h>
#include <string.h>

static const char *const packings[] = {".gz", ".zst", ".zstd", ".Z", ".xz", ".bz2", ".lz4", ".zip"};

static bool ends_with(const char *name, size_t length, const char *end)
{
    size_t end_length = strlen(end);
    return length > end_length && memcmp(name + length - end_length, end, end_length) == 0;
}

/* The length of the name without the ending of a packer. */
static size_t unpacked_length(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof packings / sizeof *packings; i++)
        if (ends_with(name, length, packings[i]))
            return length - strlen(packings[i]);
    return length;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* What rotation adds: numbers and dates, each behind one of ".-_"; or ".old". */
static bool is_mark(const char *mark, size_t length)
{
    if (length == 4 && memcmp(mark, ".old", 4) == 0)
        return true;
    bool behind_digit = false;
    for (size_t i = 0; i < length; i++) {
        bool separator = mark[i] && strchr(".-_", mark[i]);
        if (i == 0 ? !separator : !is_digit(mark[i]) && !(separator && behind_digit))
            return false;
        behind_digit = is_digit(mark[i]);
    }
    return behind_digit;
}

/* TAI64N as multilog writes it: "@", 24 hexadecimal digits, ".s" or ".u"; or what a processor made of it. */
static bool is_multilog(const char *name)
{
    return name[0] == '@' && strspn(name + 1, "0123456789abcdef") == 24 && name[25] == '.';
}

bool tail_name_is_sibling(const char *name, const char *base)
{
    size_t length = unpacked_length(name), base_length = strlen(base);
    if (strcmp(base, "current") == 0 && is_multilog(name))
        return true;
    if (length >= base_length && memcmp(name, base, base_length) == 0)
        return name[base_length] != '\0' &&
               (length == base_length || is_mark(name + base_length, length - base_length));
    const char *extension = strrchr(base, '.');
    if (!extension || extension == base)
        return false;
    size_t stem = (size_t)(extension - base), tail = base_length - stem;
    return length > base_length && memcmp(name, base, stem) == 0 &&
           memcmp(name + length - tail, extension, tail) == 0 && is_mark(name + stem, length - stem - tail);
}

bool tail_name_is_rotated(const char *name)
{
    size_t length = unpacked_length(name), start = length;
    if (name[length] != '\0' || is_multilog(name) || ends_with(name, length, ".old"))
        return true;
    while (start > 0 && is_digit(name[start - 1]))
        start--;
    return start > 1 && start < length && strchr(".-_", name[start - 1]) != NULL;
}
