/* The forms in which complaints come. Each looks whether this is its own; then it adds what it reads to the complaints
 * and says what was found. False: it is not, and nothing was changed. */
#ifndef COLLECTOR_COMPLAINT_FORMS_H
#define COLLECTOR_COMPLAINT_FORMS_H

#include "collector/complaint/complaint.h"
#include "collector/complaint/mail.h"

/* arf.c */
bool arf_read(const struct mail *, struct complaints *);
/* xarf_mail.c: its lines in a mail, or alone. */
bool xarf_mail_read(const struct mail *, struct complaints *);
bool xarf_mail_read_lines(struct text lines, struct complaints *);
/* xarf.c: the JSON of a file or of a part; and in a mail. */
bool xarf_read(struct text content, struct complaints *);
bool xarf_mail_read_json(const struct mail *, struct complaints *);
/* desks.c: JMRP, SpamCop, Spamhaus, Netcraft. */
bool desks_read(const struct mail *, struct complaints *);
/* ses.c */
bool ses_read(const struct mail *, struct complaints *);
/* shadowserver.c: `name` of the file, from which the kind is known; empty: not known. */
bool shadowserver_read(struct text content, struct text name, struct complaints *);
bool shadowserver_read_mail(const struct mail *, struct complaints *);
/* bounce.c: FOUND_BOUNCE or FOUND_REPLY. */
bool bounce_read(const struct mail *, struct complaints *);

/* envelope.c: who sent the report, when, and its number, where nothing stands yet. */
void envelope_take(const struct mail *, struct complaint *);
/* authentic.c: who vouches for whom that is. Only of the mail itself: one inside of it may be made up. */
void authentic_take(const struct mail *, struct complaint *);

#endif
