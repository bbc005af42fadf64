/* [complaints]: see desk.h. */
#include <errno.h>
#include <string.h>
#include "collector/desk/desk.h"
#include "common/io/listen.h"

#define TEXT_OF(member, preset_, text_)                                                                                \
    {                                                                                                                  \
        .section = "complaints", .key = #member, .type = OPTION_TEXT,                                                  \
        .offset = offsetof(struct desk_settings, member), .preset = preset_, .text = text_                             \
    }
const struct option desk_options[] = {
    TEXT_OF(maildir, "", "A Maildir: what stands in new is taken and moved to cur. Empty: none."),
    TEXT_OF(mbox, "", "A file of messages (mbox), to which a mail server appends. It is only read. Empty: none."),
    TEXT_OF(imap, "",
            "An IMAP server: imaps://mail.example.com, or imap:// with STARTTLS; without TLS only 127.0.0.1, [::1] and "
            "localhost. Messages stay there. Empty: none."),
    TEXT_OF(imap_mailbox, "INBOX", "The mailbox on it."),
    TEXT_OF(imap_user, "", "Who logs in there."),
    TEXT_OF(imap_password, "", "The file whose first line is the password."),
    TEXT_OF(imap_authority, "", "A file of certificates, PEM, to trust the server by. Empty: the system's."),
    TEXT_OF(listen, "",
            "An address and a port where mail servers deliver mail for the abuse desk, by LMTP or SMTP. Empty: none."),
    FIXED_OPTION(OPTION_ADDRESSES, struct address_list, "complaints", struct desk_settings, from, "127.0.0.1 ::1",
                 .text = "Who may deliver there."),
    FIXED_OPTION(OPTION_DURATION, duration, "complaints", struct desk_settings, every, "1m", .least = "1s",
                 .most = "1d", .text = "How often the sources are looked at."),
    FIXED_OPTION(OPTION_DURATION, duration, "complaints", struct desk_settings, patience, "1m", .least = "1s",
                 .most = "10m", .text = "How long the IMAP server may take for one step."),
    FIXED_OPTION(OPTION_ADDRESSES, struct address_list, "complaints", struct desk_settings, relays, "",
                 .text = "Own mail relays: a complaint that names one of these is laid at the door of who sent that "
                         "text, whatever the address."),
    FIXED_OPTION(OPTION_WORDS, struct option_words, "complaints", struct desk_settings, believed, "",
                 .text = "Reporters whose word is taken for who did it, fbl@example.com or example.com with what is "
                         "below. Their mail must be authentic: see authserv."),
    TEXT_OF(authserv, "",
            "Who says which mail is authentic: the name that your mail server writes into Authentication-Results (RFC "
            "8601). It must take such lines out of mail that comes in. Empty: no reporter is believed."),
    FIXED_OPTION(OPTION_DURATION, duration, "complaints", struct desk_settings, keep, "365d", .least = "1d",
                 .most = "3650d", .text = "How long a complaint that was done with is kept. Those that are open stay."),
    {.key = NULL},
};

bool desk_settings_check(const void *given, struct error *error)
{
    const struct desk_settings *settings = given;
    if ((settings->maildir[0] && settings->maildir[0] != '/') || (settings->mbox[0] && settings->mbox[0] != '/')) {
        error_set(error, EINVAL, "%s: an absolute path is allowed",
                  settings->maildir[0] && settings->maildir[0] != '/' ? "maildir" : "mbox");
        return false;
    }
    if (settings->imap[0] && strncmp(settings->imap, "imaps://", 8) != 0 &&
        strncmp(settings->imap, "imap://", 7) != 0) {
        error_set(error, EINVAL, "imap: \"%s\" will not do; imaps://HOST and imap://HOST are allowed", settings->imap);
        return false;
    }
    if (settings->listen[0] && !listen_is_address(settings->listen)) {
        error_set(error, EINVAL, "listen: \"%s\" will not do; an address and a port are allowed", settings->listen);
        return false;
    }
    if (settings->imap[0] && (settings->imap_user[0] == '\0' || settings->imap_password[0] == '\0')) {
        error_set(error, EINVAL, "imap: it wants imap_user and imap_password as well");
        return false;
    }
    if (settings->believed.count > 0 && settings->authserv[0] == '\0') {
        error_set(error, EINVAL, "believed: it wants authserv as well, or anybody could write in their name");
        return false;
    }
    return true;
}
