#include "common/io/tail_look.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { SHORT_HEAD = 16 }; /* fewer first bytes than that are no sign; device and inode must be the same then */

int tail_look_at(int descriptor, const char *source, struct tail_look *look, struct error *error)
{
    struct stat status;
    if (fstat(descriptor, &status) < 0)
        return error_set(error, errno, "cannot look at a file of %s", source);
    look->device = status.st_dev;
    look->inode = status.st_ino;
    look->size = (uint64_t)status.st_size;
    look->linked = status.st_nlink > 0;
    look->changed = status.st_mtim.tv_sec * SECOND + status.st_mtim.tv_nsec;
    ssize_t length = generation_head(descriptor, source, look->head, &look->packed, error);
    if (length < 0)
        return (int)length;
    look->length = (size_t)length;
    return 0;
}

bool tail_look_is_inode(const struct generation *generation, const struct tail_look *look)
{
    return !look->packed && generation->at.inode == look->inode && generation->at.device == look->device;
}

struct generation *tail_look_recognise(const struct tail_read *reader, const char *source, const struct tail_look *look)
{
    struct generation *alike = NULL;
    for (size_t i = reader->count; i-- > 0;) {
        struct generation *generation = reader->all[i];
        if (generation->state == GENERATION_CANDIDATE || !tail_list_is_of(generation, source))
            continue;
        bool begins = generation_begins_with(generation, look->head, look->length);
        if (tail_look_is_inode(generation, look) && (begins || generation->at.head == 0))
            return generation;
        if (!alike && begins && generation->at.head >= SHORT_HEAD)
            alike = generation;
    }
    return alike;
}

moment tail_look_horizon(const struct tail_read *reader, const char *source)
{
    moment horizon = 0;
    bool any = false;
    for (size_t i = 0; i < reader->count; i++) {
        const struct generation *generation = reader->all[i];
        if (generation->state != GENERATION_DONE || !tail_list_is_of(generation, source))
            continue;
        any = true;
        if (generation->at.changed > horizon)
            horizon = generation->at.changed;
    }
    return any ? horizon : reader->beginning;
}

struct generation *tail_look_twin(const struct tail_read *reader, const char *source, const struct tail_look *look)
{
    for (size_t i = 0; i < reader->count; i++)
        if (reader->all[i]->state == GENERATION_READING && tail_look_is_inode(reader->all[i], look) &&
            !tail_list_is_of(reader->all[i], source))
            return reader->all[i];
    return NULL;
}

struct generation *tail_look_elsewhere(const struct tail_read *reader, const struct tail_look *look)
{
    for (size_t i = 0; i < reader->count; i++) {
        struct generation *generation = reader->all[i];
        if ((generation->state == GENERATION_SOUGHT || generation->state == GENERATION_ENDING) &&
            tail_look_is_inode(generation, look) && generation_begins_with(generation, look->head, look->length))
            return generation;
    }
    return NULL;
}
