/* Secrets: what stands behind "Authorization: Bearer". "node.ID.WORD", "person.ID.WORD", "token.WORD": the ID is
 * sixteen hexadecimal digits, the WORD 32 random bytes in base64url. The store has only their BLAKE2b-256. */
#ifndef COLLECTOR_API_SECRET_H
#define COLLECTOR_API_SECRET_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/store/store.h"
#include "common/text.h"

enum secret_kind { SECRET_NONE, SECRET_TOKEN, SECRET_NODE, SECRET_PERSON };

#define SECRET_WORD 43 /* characters */
#define SECRET_TEXT 72 /* room for the longest with its end */
#define SECRET_ID   17

struct secret {
    enum secret_kind kind;
    int64_t id; /* 0 for a token */
    char hash[STORE_HASH];
};

/* `header`: the value of Authorization. False: it holds no secret of ours. */
bool secret_parse(struct text header, struct secret *result);
/* Draw 32 random bytes: their word, and the hash that is kept. */
void secret_make(char word[SECRET_WORD + 1], char hash[STORE_HASH]);
const char *secret_print_id(int64_t, char result[SECRET_ID]);
bool secret_parse_id(struct text, int64_t *result);

#endif
