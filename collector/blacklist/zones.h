/* The zones file: which blacklists there are, what each lists, what its answers mean and weigh, how to get off it.
 *
 *     [zen.example.net]
 *     kind = addresses
 *     code = 127.0.0.2 critical spam source
 *     code = 127.0.0.4-127.0.0.7 high bot
 *
 * docs/blacklists.md has all keys with their presets; "{NAME}." at the front of a zone's name stands for a private key
 * of that name.
 *
 * A later text's section replaces an earlier one's of the same name. Codes with "clean" and "error" weigh nothing. */
#ifndef COLLECTOR_BLACKLIST_ZONES_H
#define COLLECTOR_BLACKLIST_ZONES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "collector/blacklist/subject.h"
#include "common/error.h"
#include "common/text.h"
#include "common/words/observation.h"

#define ZONES_MOST      256
#define ZONE_CODES_MOST 40
#define ZONE_NAME       128 /* with NUL */
#define ZONE_WORDS      160

enum zone_kind { ZONE_ADDRESSES, ZONE_DOMAINS };
enum zone_family { ZONE_IPV4 = 1, ZONE_IPV6 = 2 };
enum zone_test { ZONE_TEST_LISTED = 1, ZONE_TEST_CLEAN = 2 };
enum zone_meaning { ZONE_LISTS, ZONE_CLEARS, ZONE_REFUSES }; /* what an answer does: a weight, "clean", "error" */

struct zone_code {
    uint32_t least, most; /* host order; of a bit both are its value */
    enum zone_meaning meaning;
    enum listing_weight weight;
    char text[96];
};

struct zone {
    char name[ZONE_NAME];   /* as the file has it, "{key}" in it: what people are shown and what is stored */
    char origin[ZONE_NAME]; /* with the key in place: what is asked. Not to be shown */
    char title[64], lists[ZONE_WORDS], terms[ZONE_WORDS * 2], link[ZONE_WORDS], replaces[ZONE_NAME];
    enum zone_kind kind;
    uint8_t families;      /* bits of enum zone_family */
    uint8_t tests, tests6; /* bits of enum zone_test */
    bool bits;             /* codes are bits of the last byte */
    bool use;              /* asked where the operator does not choose */
    bool asked;            /* zones_choose(): it is asked */
    bool keyless;          /* it needs a key that was not given: it cannot be asked */
    bool has_other;
    enum listing_weight other;
    struct subject test_listed, test_clean; /* domain empty: those of RFC 5782 */
    uint64_t limit;                         /* questions a day; 0: none */
    uint32_t code_count;
    struct zone_code codes[ZONE_CODES_MOST];
};

struct zones;
int zones_create(struct zones **result, struct error *) MUST_CHECK;
void zones_destroy(struct zones **);

/* Add the zones of one text, named `name` in errors, which read "NAME:LINE: [zone] key: what is wrong; what is
 * allowed". A dead zone, also one that an earlier text says is dead, is refused with what became of it. */
int zones_read(struct zones *, struct text content, const char *name, struct error *) MUST_CHECK;
/* The shipped conf/blacklists.conf. */
struct text zones_builtin(void);

/* A private key: letters, digits, "-" and "_", up to 63. -EINVAL where it is no key or no zone has its name. */
int zones_give_key(struct zones *, struct text name, struct text key, struct error *) MUST_CHECK;

/* Which zones are asked: those named (shell patterns, by zone name or "all"), or, where `count` is 0, those with
 * `use = yes` and those whose key was given. Without those that lack a key, and those that another one asked replaces.
 * An error where a name is no zone's, a dead one's (with what became of it), or a named zone lacks its key. To be
 * called after all texts and keys. */
int zones_choose(struct zones *, const struct text *names, size_t count, struct error *) MUST_CHECK;

uint32_t zones_count(const struct zones *);
const struct zone *zones_at(const struct zones *, uint32_t index);     /* in the order of the texts */
const struct zone *zones_find(const struct zones *, struct text name); /* by name, case ignored; NULL */
const char *zones_dead(const struct zones *, struct text name);        /* what became of it; NULL: nothing known */

bool zone_takes(const struct zone *, enum subject_kind); /* whether such a subject can be looked up in it */

#endif
