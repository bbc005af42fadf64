/* Names, domains and sentences that nobody has thought of, each from a key: the same key is always the same name. */
#ifndef TESTS_LAB_WORDS_H
#define TESTS_LAB_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include "tests/lab/random.h"

#define LAB_NAME 80

/* Each writes at most LAB_NAME bytes with NUL and returns `result`. */
const char *lab_domain(uint64_t key, char result[LAB_NAME]);            /* "borfelmin.net" */
const char *lab_person(uint64_t key, char result[LAB_NAME]);            /* "Anna Meyer" */
const char *lab_mailbox(uint64_t key, char result[LAB_NAME]);           /* "anna.meyer" */
const char *lab_common_mailbox(uint64_t number, char result[LAB_NAME]); /* what a dictionary attack tries as its n-th */
const char *lab_subject(uint64_t key, char result[LAB_NAME]);
const char *lab_word(struct lab_random *);

/* Sentences of about so many bytes, in lines ended by CRLF, none begun by a dot. Returns the bytes written, below
 * `size`. */
size_t lab_prose(struct lab_random *, size_t about, char *result, size_t size);

#endif
