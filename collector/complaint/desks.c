/* Reporters whose mail is text for people, each in its own way: Hotmail (JMRP), SpamCop, Spamhaus, Netcraft. Known by
 * who sends them and how the subject begins; what the text says of the source is searched for. See forms.h. */
#include "collector/complaint/forms.h"
#include "collector/complaint/kinds.h"
#include "collector/complaint/original.h"
#include "collector/complaint/taking.h"

#define LOOKED_AT 65536 /* bytes of text */

struct desk {
    const struct mail *mail;
    struct complaint *complaint;
    struct text subject, text;
};

static bool is_from(const struct mail *mail, const char *domain)
{
    char address[256] = "", of[256] = "";
    TAKE_MAIL(field_find(mail->head, "From"), address);
    take_domain_of(address, of, sizeof of);
    size_t length = strlen(of), wanted = strlen(domain);
    return length >= wanted && strcmp(of + length - wanted, domain) == 0 &&
           (length == wanted || of[length - wanted - 1] == '.');
}

static struct text behind(struct text whole, const char *word)
{
    const char *found = text_find_nocase(whole, text_of(word));
    if (found == NULL)
        return TEXT("");
    found += strlen(word);
    return (struct text){found, (size_t)(whole.bytes + whole.length - found)};
}

static struct text line_of(struct text text)
{
    return text_trim(text_split(&text, '\n'));
}

static void take_original(struct desk *desk)
{
    const struct mail_part *original = mail_find_original(desk->mail);
    if (original)
        original_take(desk->complaint, original->bytes);
}

/* --- Hotmail's, Outlook's --- */

static bool is_jmrp(const struct mail *mail, struct text subject)
{
    const struct mail_part *original = mail_find_original(mail);
    if (is_from(mail, "hotmail.com") && text_starts_nocase(subject, TEXT("complaint about message from")))
        return true;
    return original && field_find(head_of(original->bytes, NULL), "X-HmXmrOriginalRecipient").length > 0;
}

static void take_jmrp(struct desk *desk)
{
    struct text source = text_trim(behind(desk->subject, "message from"));
    desk->complaint->format = COMPLAINT_FORMAT_JMRP;
    TAKE_LINE(source, desk->complaint->source_text);
    address_at(source, &desk->complaint->source);
    kind_take_feedback(desk->complaint, TEXT("abuse"));
    take_original(desk);
}

/* --- SpamCop --- */

static bool is_spamcop(const struct mail *mail, struct text subject)
{
    return is_from(mail, "spamcop.net") && text_find_nocase(subject, TEXT("[SpamCop")) != NULL;
}

/* "[SpamCop (192.0.2.1) id:123456789]Subject of the message" */
static void take_spamcop_subject(struct desk *desk)
{
    struct text rest = behind(desk->subject, "[SpamCop"), end = behind(rest, "]"), id = behind(rest, "id:");
    address_in(rest, &desk->complaint->source, NULL);
    if (id.length > end.length)
        TAKE_LINE(((struct text){id.bytes, id.length - end.length - (end.bytes ? 1 : 0)}), desk->complaint->report_id);
    TAKE_LINE(end, desk->complaint->subject);
}

static void take_spamcop(struct desk *desk)
{
    struct complaint *complaint = desk->complaint;
    complaint->format = COMPLAINT_FORMAT_SPAMCOP;
    take_spamcop_subject(desk);
    struct text about = line_of(behind(desk->text, "Email from "));
    struct text site = line_of(behind(desk->text, "Spamvertised web site:"));
    struct text message = behind(desk->text, "[ Offending message ]");
    const char *slash = about.length ? memchr(about.bytes, '/', about.length) : NULL;
    if (complaint->source.family == 0)
        address_in(about.length ? about : desk->text, &complaint->source, NULL);
    if (slash)
        complaint->time =
            date_of(text_trim((struct text){slash + 1, (size_t)(about.bytes + about.length - slash - 1)}));
    if (site.length > 0)
        complaint_add_link(complaint, link_in(site));
    kind_take_legacy(complaint, site.length > 0 ? TEXT("spamvertised") : TEXT("spam"));
    TAKE_LINE(site.length > 0 ? TEXT("spamvertised") : TEXT("spam"), complaint->native);
    if (message.length > 0)
        original_take(complaint, message);
    else
        take_original(desk);
}

/* --- Spamhaus --- */

static bool is_spamhaus(const struct mail *mail, struct text subject)
{
    return (is_from(mail, "spamhaus.org") || is_from(mail, "spamhaus.com")) &&
           (text_find_nocase(subject, TEXT("SBL")) != NULL || text_find_nocase(subject, TEXT("listing")) != NULL);
}

/* Where "SBL" has digits behind it, it is the listing's number. */
static void take_listing_number(struct desk *desk, struct text text)
{
    for (struct text rest = text; rest.length > 0;) {
        rest = behind(rest, "SBL");
        size_t digits = 0;
        while (digits < rest.length && rest.bytes[digits] >= '0' && rest.bytes[digits] <= '9')
            digits++;
        if (digits >= 3) {
            TAKE_LINE(((struct text){rest.bytes - 3, digits + 3}), desk->complaint->report_id);
            return;
        }
    }
}

static void take_spamhaus(struct desk *desk)
{
    struct complaint *complaint = desk->complaint;
    complaint->format = COMPLAINT_FORMAT_SPAMHAUS;
    complaint->type = COMPLAINT_OTHER;
    kind_take(complaint, TEXT("reputation"), TEXT("blocklist"));
    TAKE_LINE(TEXT("SBL"), complaint->native);
    take_listing_number(desk, desk->subject);
    if (complaint->report_id[0] == '\0')
        take_listing_number(desk, desk->text);
    if (!address_in(desk->subject, &complaint->source, NULL))
        address_in(desk->text, &complaint->source, NULL);
    complaint_add_link(complaint, link_in(desk->text));
}

/* --- Netcraft --- */

static bool is_netcraft(const struct mail *mail, struct text subject)
{
    return is_from(mail, "netcraft.com") &&
           (text_find_nocase(subject, TEXT("phishing")) != NULL || text_find_nocase(subject, TEXT("malware")) != NULL ||
            text_find_nocase(subject, TEXT("fraud")) != NULL || text_find_nocase(subject, TEXT("attack")) != NULL ||
            text_find_nocase(subject, TEXT("scam")) != NULL);
}

static void take_netcraft(struct desk *desk)
{
    struct complaint *complaint = desk->complaint;
    struct text subject = desk->subject, issue = behind(subject, "Issue ");
    const char *kind = text_find_nocase(subject, TEXT("malware")) ? "malware" : "phishing";
    complaint->format = COMPLAINT_FORMAT_NETCRAFT;
    kind_take_legacy(complaint, text_of(kind));
    TAKE_LINE(text_of(kind), complaint->native);
    if (issue.length > 0)
        TAKE_LINE(text_split(&issue, ':'), complaint->report_id);
    complaint_add_link(complaint, link_in(subject));
    if (complaint->link_count == 0)
        complaint_add_link(complaint, link_in(desk->text));
    address_in(desk->text, &complaint->source, NULL);
    take_original(desk);
}

/* --- the whole --- */

bool desks_read(const struct mail *mail, struct complaints *complaints)
{
    static const struct {
        bool (*is)(const struct mail *, struct text subject);
        void (*take)(struct desk *);
    } desks[] = {
        {is_jmrp, take_jmrp},
        {is_spamcop, take_spamcop},
        {is_spamhaus, take_spamhaus},
        {is_netcraft, take_netcraft},
    };
    char subject[512] = "";
    TAKE_LINE(field_find(mail->head, "Subject"), subject);
    for (size_t i = 0; i < sizeof desks / sizeof desks[0]; i++) {
        if (!desks[i].is(mail, text_of(subject)))
            continue;
        struct desk desk = {.mail = mail, .complaint = complaints_add(complaints), .subject = text_of(subject)};
        if (desk.complaint == NULL)
            return true;
        desk.text = mail_text(mail);
        if (desk.text.length > LOOKED_AT)
            desk.text.length = LOOKED_AT;
        desks[i].take(&desk);
        envelope_take(mail, desk.complaint);
        desk.complaint->is_redacted = desk.complaint->recipient[0] == '\0';
        if (desk.complaint->native[0] == '\0')
            TAKE_LINE(TEXT("abuse"), desk.complaint->native);
        complaints->found = FOUND_COMPLAINTS;
        return true;
    }
    return false;
}
