/* See sealed.h. */
#include "agent/message/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

/* Memory takes all of it, or there is none left. */
static bool write_all(int memory, const struct text *texts, size_t count)
{
    struct iovec parts[256];
    for (size_t done = 0; done < count;) {
        size_t some = 0, bytes = 0;
        for (; some < sizeof parts / sizeof parts[0] && done < count; some++, done++) {
            parts[some] = (struct iovec){(void *)(uintptr_t)texts[done].bytes, texts[done].length};
            bytes += texts[done].length;
        }
        ssize_t written = writev(memory, parts, (int)some);
        if (written < 0 || (size_t)written != bytes) {
            errno = written < 0 ? errno : ENOSPC;
            return false;
        }
    }
    return true;
}

int sealed_make(const char *name, struct text text, int *descriptor, struct error *error)
{
    return sealed_make_many(name, &text, 1, descriptor, error);
}

int sealed_make_many(const char *name, const struct text *texts, size_t count, int *descriptor, struct error *error)
{
    int memory = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    bool fine = memory >= 0 && write_all(memory, texts, count);
    if (!fine || fcntl(memory, F_ADD_SEALS, SEALS | F_SEAL_SEAL) != 0) {
        int code = error_set(error, errno, "cannot hand %s over: %s", name, strerror(errno));
        if (memory >= 0)
            close(memory);
        return code;
    }
    *descriptor = memory;
    return 0;
}

/* Only memory has seals: so it is no pipe and no file of somebody's file system, which could have us wait. */
static bool is_sealed(int descriptor)
{
    int seals = fcntl(descriptor, F_GET_SEALS);
    return seals >= 0 && (seals & SEALS) == SEALS;
}

int sealed_read(int descriptor, size_t most, char **bytes, size_t *length, struct error *error)
{
    struct stat status;
    if (!is_sealed(descriptor) || fstat(descriptor, &status) != 0)
        return error_set(error, EPROTO, "what was handed over is no sealed memory");
    if (status.st_size < 0 || (uint64_t)status.st_size > most)
        return error_set(error, EFBIG, "what was handed over has %lld bytes; at most %zu are allowed",
                         (long long)status.st_size, most);
    size_t size = (size_t)status.st_size;
    char *read = malloc(size + 1);
    if (read == NULL)
        return error_set(error, ENOMEM, "no memory for what was handed over");
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(descriptor, read + done, size - done, (off_t)done);
        if (got <= 0) {
            free(read);
            return error_set(error, EIO, "what was handed over cannot be read");
        }
        done += (size_t)got;
    }
    read[size] = '\0';
    *bytes = read;
    *length = size;
    return 0;
}
