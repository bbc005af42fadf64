/* Letters to customers: what stands against one, in plain words and its language, as mail that goes out (sendings.h).
 * Written when a person asks for it, or by itself when a customer is blocked. */
#ifndef COLLECTOR_POST_LETTERS_H
#define COLLECTOR_POST_LETTERS_H

#include "collector/letter/compose.h"
#include "collector/letter/contacts.h"
#include "collector/letter/template.h"
#include "collector/post/settings.h"
#include "collector/store/sendings.h"
#include "collector/store/store.h"
#include "common/buffer.h"
#include "common/option.h"

/* [letters] */
struct letter_settings {
    bool automatic;                   /* who is blocked is written to */
    char contacts[OPTION_TEXT_SIZE];  /* a file, contacts.h; empty: none */
    char directory[OPTION_TEXT_SIZE]; /* of templates of the site's own; empty: none */
    char language[OPTION_TEXT_SIZE];  /* where a contact says none */
    char reply[OPTION_TEXT_SIZE];     /* whom to answer; empty: [mail] from */
    char copy[OPTION_TEXT_SIZE];      /* who is sent each letter too; empty: nobody */
    duration after, again;            /* a block is told of so long after it began; not again for so long */
};
extern const struct option letter_options[];
bool letter_settings_check(const void *, struct error *);

struct zones;
struct letters; /* any thread may use it */
/* Reads all files; what is wrong in one is an error, with its line. `zones` (NULL: none) knows how to get off
 * blacklists. All is borrowed. */
int letters_create(const struct letter_settings *, const struct mail_settings *, const struct zones *,
                   struct letters **result, struct error *) MUST_CHECK;
void letters_destroy(struct letters **);

struct letter_wish {
    struct text customer;
    const char *language, *to, *note; /* NULL: as the customer's contact says; nothing to add */
    const char *person;               /* who wants it; empty: nobody, it is written by itself */
    const char *name;                 /* of the wish: the same wish again is the same letter; NULL: none */
    bool again;                       /* though one about the same cause went out lately */
    bool preview;                     /* only to look at: nothing is sent or noted */
};
enum letter_outcome {
    LETTER_MADE,    /* it goes out */
    LETTER_SHOWN,   /* a preview */
    LETTER_WRONG,   /* the wish is: a language that there is not, an address that is none */
    LETTER_NOTHING, /* there is nothing to say */
    LETTER_NOBODY,  /* no address is known */
    LETTER_TOO_SOON,
    LETTER_NO_SERVER, /* [mail] has none */
};
#define LETTER_SUBJECT_MOST ((size_t)4 * 1024)
#define LETTER_TEXT_MOST    ((size_t)256 * 1024)
struct letter_result {
    enum letter_outcome outcome;
    char sentence[240];        /* why there is none */
    char trouble[240];         /* the file of contacts cannot be read, and those before were used; empty: it can */
    char id[STORE_SENDING_ID]; /* of what goes out */
    char recipients[(CONTACT_ADDRESSES + 1) * (COMPOSE_ADDRESS_MOST + 1)]; /* a space between two; without the copy */
    char language[TEMPLATE_LANGUAGE];
    const char *cause; /* store_letter.cause */
    struct buffer subject, text;
};
void letter_result_init(struct letter_result *);
void letter_result_clear(struct letter_result *);
/* In a transaction that writes. Negative: the store, or no memory. The result is the caller's, to be cleared. */
int letters_write(struct letters *, struct store *, const struct letter_wish *, moment now, struct letter_result *,
                  struct error *) MUST_CHECK;

/* Whether it is time for letters_round(); for one thread. */
bool letters_are_due(struct letters *, moment now);
/* Writes to those who are to be told by itself, a bounded amount; how many. In a transaction that writes. */
int letters_round(struct letters *, struct store *, moment now, struct error *) MUST_CHECK;

#endif
