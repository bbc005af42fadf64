/* A notice as a mail, and what its times are by the clocks of this machine. */
#ifndef COLLECTOR_POST_NOTICE_MAIL_H
#define COLLECTOR_POST_NOTICE_MAIL_H

#include "collector/alert/notice.h"
#include "collector/post/settings.h"

/* What clocks on the wall show then, in this machine's zone. */
struct wall wall_at(moment);

#define NOTICE_RECIPIENTS (sizeof(struct option_words))
/* The channel's addresses, a space between two. */
void notice_recipients(const struct channel *, char result[NOTICE_RECIPIENTS]);
/* The whole message; its Message-ID is the notice's id. */
int notice_mail(const struct notice *, const struct mail_settings *, struct buffer *, struct error *) MUST_CHECK;

#endif
