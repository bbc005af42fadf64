/* Whom a customer's letters go to, and in which language: a file that the operator keeps, a line a customer.
 *
 *     # customer   addresses                        language
 *     acme         admin@acme.example               de
 *     baker        it@baker.example ceo@baker.example
 *     *            customers@reseller.example       en     # all others
 */
#ifndef COLLECTOR_LETTER_CONTACTS_H
#define COLLECTOR_LETTER_CONTACTS_H

#include "common/error.h"
#include "common/text.h"

#define CONTACT_ADDRESSES 4
#define CONTACTS_MOST     1000000
#define CONTACTS_BYTES    ((size_t)64 * 1024 * 1024) /* of a file */

struct contact {
    struct text customer;
    struct text addresses[CONTACT_ADDRESSES]; /* bare: local@domain */
    size_t count;                             /* from 1 */
    struct text language;                     /* empty: not said */
};

struct contacts;
/* The error says FILE:LINE, what is wrong and what is allowed. `text` is taken: malloc'ed bytes, freed with the result,
 * also where it fails. */
int contacts_read(char *bytes, size_t length, const char *name, struct contacts **result, struct error *) MUST_CHECK;
void contacts_destroy(struct contacts **);
/* The customer's own line, else that of "*"; NULL: there is neither. `contacts` may be NULL. */
const struct contact *contacts_find(const struct contacts *, struct text customer);

#endif
