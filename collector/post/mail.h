/* Mail, to one server, by libcurl's SMTP (RFC 5321, 3207, 4954). Whoever gets a message gets it once: it is marked
 * before its last two bytes, and for the answer to them there is as much time as RFC 5321 4.5.3.2.6 wants. */
#ifndef COLLECTOR_POST_MAIL_H
#define COLLECTOR_POST_MAIL_H

#include "collector/post/delivery.h"
#include "collector/post/settings.h"

struct mail;
/* The settings are borrowed. NULL: no memory. */
struct mail *mail_create(const struct mail_settings *);
void mail_destroy(struct mail **);
/* The connection is kept for the next one. */
enum delivered mail_deliver(struct mail *, struct delivery *);
/* There is no next one now: says good-bye to the server. */
void mail_rest(struct mail *);

#endif
