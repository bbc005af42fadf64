/* A message in hand: from the store, taken apart once, and shown to several filters, maybe at the same time. Who has it
 * holds a reference; the last one to let go frees it. */
#ifndef COLLECTOR_SORTER_LETTER_H
#define COLLECTOR_SORTER_LETTER_H

#include <stdbool.h>
#include "collector/filter/filter.h"
#include "collector/message/message_file.h"
#include "collector/quarantine/packing.h"
#include "collector/reading/reading.h"
#include "collector/store/messages.h"
#include "common/buffer.h"

struct letter {
    char name[STORE_MESSAGE_NAME];
    int64_t node;
    size_t *account, charge; /* bytes of all letters, and of this one, about */
    unsigned references;     /* counted by letter_hold() and letter_release() alone */
    struct buffer envelope, packed;
    enum store_packing packing;
    /* What letter_open() finds; from then on nobody changes it. */
    bool open;
    struct buffer plain;
    struct message_file *file;
    bool read; /* there are facts */
    struct message_facts facts;
    struct buffer shown; /* content with what its pictures say, where they say something */
    struct filter_message message;
};

/* NULL: no memory. `message` (its name, node, size and envelope) is copied. Content: letter_keep(). `account`: where
 * the bytes are counted while there is this letter, about; borrowed. */
struct letter *letter_create(const struct store_message *message, size_t *account);
/* False: no memory. */
bool letter_keep(struct letter *, enum store_packing, struct text packed) __attribute__((warn_unused_result));
size_t letter_bytes(const size_t *account);
struct letter *letter_hold(struct letter *);
void letter_release(struct letter **);

/* What opening takes; all borrowed. */
struct letter_tools {
    const struct packing_keys *keys; /* NULL: nothing is sealed */
    struct reading *reading;         /* NULL: nothing is read out of messages */
};
/* Unpack it; `facts`: and have it read. By one thread, before others see it. What cannot be read is no failure. */
int letter_open(struct letter *, const struct letter_tools *, bool facts, struct error *) MUST_CHECK;

#endif
