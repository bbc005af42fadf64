/* What of a complaint its sender's node is told as more than somebody's word. Pure.
 *
 * Nobody's neighbour is accused by what can be made up. Lines of a message's head that say through which hosts it went
 * can be, all but the uppermost; a Message-ID and a text can be copied; who reports, and what, anybody can write. So a
 * complaint counts
 *
 * - as confirmed where the report itself names the source, and a message of that Message-ID or text was sent from there
 *   (or, where the source is one of our relays, one of that text was sent at all);
 * - as vouched, besides, where the reporter is one that the operator believes and whose mail is authentic; and where
 *   such a reporter names the source, or the uppermost host leads to a message;
 * - as doubtful where it leads to a sender by less;
 * - for nothing where only hosts in the message's head lead there, or where it is not of mail.
 *
 * "Not spam" counts only as vouched: a sender could write it of himself. */
#ifndef COLLECTOR_DESK_WEIGHING_H
#define COLLECTOR_DESK_WEIGHING_H

#include "collector/complaint/complaint.h"
#include "collector/desk/desk.h"
#include "collector/store/complaints.h"
#include "collector/store/tying.h"

/* Whether the reporter is one that is believed, and its mail is authentic. */
bool weighing_is_believed(const struct desk_settings *, const struct complaint *);
/* Whether the source that it names is one of our relays. */
bool weighing_is_relay(const struct desk_settings *, const struct complaint *);
enum store_complaint_told weighing_weigh(const struct desk_settings *, const struct complaint *,
                                         const struct store_tie *);

#endif
