/* Whose is a connection of this machine? The kernel is asked by the two ends of it (NETLINK_SOCK_DIAG, see
 * sock_diag(7)), which says the user that made the socket.
 *
 * Only a socket that a program still holds has a user: once it is closed the kernel says 0, which would be root, and
 * news of sockets that end (SKNLGRP_INET_TCP_DESTROY) carry no user at all. So it must be asked while the connection is
 * open, which is when its SYN was seen; and an answer for a socket that nobody holds is taken for none. */
#ifndef AGENT_WARDEN_OWNER_H
#define AGENT_WARDEN_OWNER_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/message/message.h"
#include "common/error.h"
#include "common/option.h"

struct owner;
int owner_open(struct owner **, struct error *) MUST_CHECK;
void owner_close(struct owner **);
/* Users that carry other people's mail: names of /etc/passwd (whoever is not in it is passed over) or numbers. */
void owner_set_carriers(struct owner *, const struct option_words *);
/* Fills in `owned` and `user` of the question, whose ends are given; user and inode are a user's alone. Unknown: there
 * is no such connection, or no program holds it any more. */
void owner_find(struct owner *, struct message_owner *);

#endif
