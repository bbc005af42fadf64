/* How mail goes out: [mail]. */
#ifndef COLLECTOR_POST_SETTINGS_H
#define COLLECTOR_POST_SETTINGS_H

#include <stdbool.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/option.h"
#include "common/text.h"

enum mail_tls { MAIL_TLS_REQUIRED, MAIL_TLS_TRIED, MAIL_TLS_NONE };

struct mail_settings {
    char server[OPTION_TEXT_SIZE];   /* "smtp://mail.example.com:587"; empty: no mail is sent */
    char user[OPTION_TEXT_SIZE];     /* empty: nobody logs in */
    char password[OPTION_TEXT_SIZE]; /* a file */
    char authority[OPTION_TEXT_SIZE];
    int tls;                       /* enum mail_tls */
    char from[OPTION_TEXT_SIZE];   /* "Abuse desk <abuse@example.com>": the header of all that is written */
    char sender[OPTION_TEXT_SIZE]; /* of the envelope; empty: the address in `from`; "<>": none */
    char helo[OPTION_TEXT_SIZE];   /* empty: this machine's name */
    duration patience;             /* up to the end of a message */
    duration give_up;              /* how long anything is tried, by whatever way */
    duration keep;                 /* how long what went out stays on record */
};
extern const struct option mail_options[];
bool mail_settings_check(const void *, struct error *);

/* Whether the server is this machine: 127.0.0.1, [::1] or localhost, and no name that begins like one of them. */
bool mail_server_is_near(const char *server);
/* The address without its name, of the envelope: borrowed from the settings. Empty: the null sender. */
struct text mail_settings_sender(const struct mail_settings *);

#endif
