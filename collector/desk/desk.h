/* The abuse desk: a thread that takes in what the sources bring, has it read by postern-reader, and writes what was
 * found. What it cannot have read is kept for a person; nothing that came is ever dropped. */
#ifndef COLLECTOR_DESK_DESK_H
#define COLLECTOR_DESK_DESK_H

#include "collector/quarantine/packing.h"
#include "collector/reading/reading.h"
#include "common/error.h"
#include "common/option.h"

/* [complaints] */
struct desk_settings {
    char maildir[OPTION_TEXT_SIZE], mbox[OPTION_TEXT_SIZE]; /* empty: none */
    char imap[OPTION_TEXT_SIZE];                            /* "imaps://mail.example.com"; empty: none */
    char imap_mailbox[OPTION_TEXT_SIZE], imap_user[OPTION_TEXT_SIZE];
    char imap_password[OPTION_TEXT_SIZE]; /* a file */
    char imap_authority[OPTION_TEXT_SIZE];
    char listen[OPTION_TEXT_SIZE]; /* "127.0.0.1:2525", for LMTP and SMTP; empty: not */
    struct address_list from;      /* who may connect there */
    duration every;                /* between two looks at the sources */
    duration patience;             /* with an IMAP server */
    struct address_list relays;    /* our own: what comes from there anybody here may have sent */
    struct option_words believed;  /* reporters, as addresses and domains */
    char authserv[OPTION_TEXT_SIZE];
    duration keep; /* those that are done with */
};
extern const struct option desk_options[];
bool desk_settings_check(const void *, struct error *);

struct desk;
/* `where`: the store's place; copied. All else is borrowed. `patience`: how long one may take to be read; twice as long
 * and a little longer it is ours, and then another collector's, should this one have died. */
int desk_create(const char *where, const struct desk_settings *, const struct packing_keys *, struct reading *,
                duration patience, struct desk **result, struct error *) MUST_CHECK;
void desk_destroy(struct desk **); /* after what is under way */

#endif
