/* The files that letters are written by: templates, shipped and the site's own, read once; and the customers'
 * addresses, read again when they have changed. Any thread may use it. */
#ifndef COLLECTOR_POST_LETTER_FILES_H
#define COLLECTOR_POST_LETTER_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include "collector/letter/template.h"
#include "common/error.h"
#include "common/text.h"

struct letter_files;
/* `directory`, `contacts`: empty: none. `language` has to be among those that are found. The error says FILE:LINE. */
int letter_files_create(const char *directory, const char *contacts, const char *language, struct letter_files **result,
                        struct error *) MUST_CHECK;
void letter_files_destroy(struct letter_files **);

/* Reads the addresses again where their file is another one than before. What is wrong in it is kept for
 * letter_files_trouble(), and the addresses stay as they were. 0. */
int letter_files_look(struct letter_files *);
/* Whether the addresses could not be read the last time, and why. */
bool letter_files_trouble(struct letter_files *, char *result, size_t size);
/* A customer's addresses, a space between two, and language, empty where its line says none. False: no line is for it;
 * both are empty. */
bool letter_files_contact(struct letter_files *, struct text customer, char *recipients, size_t size,
                          char language[TEMPLATE_LANGUAGE]);
/* NULL: there is none in that language. */
const struct template *letter_files_template(const struct letter_files *, const char *language);
const char *letter_files_languages(const struct letter_files *); /* "en, de, fr" */

#endif
