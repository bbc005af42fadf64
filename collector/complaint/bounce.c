/* What is no complaint but what a program wrote: bounces in their many forms, and automatic replies. See forms.h. */
#include "collector/complaint/forms.h"
#include "collector/complaint/taking.h"

/* How the subject of a bounce begins, whoever forwards it. */
static const char *const subjects[] = {
    "returned mail",
    "undeliver",
    "delivery status notification",
    "delivery notification",
    "mail delivery fail",
    "mail delivery",
    "mail failure",
    "failure notice",
    "delivery failure",
    "delivery failed",
    "delivery has failed",
    "delivery delayed",
    "message undeliverable",
    "mail returned",
    "warning: could not send",
    "warning: message",
    "non delivery",
    "non-delivery",
    "message delivery",
    "nondeliverable",
    "message status",
    "mail could not be delivered",
};

static bool is_bounce_subject(const char *subject)
{
    for (const char *colon; (colon = strchr(subject, ':')) != NULL && colon - subject <= 3;)
        for (subject = colon + 1; *subject == ' ';)
            subject++;
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        if (strncasecmp(subject, subjects[i], strlen(subjects[i])) == 0)
            return true;
    return false;
}

/* "Return-Path: <>" is written by who takes the mail in, from its envelope. */
static bool has_null_sender(struct text head)
{
    struct text path = field_find(head, "Return-Path");
    return text_equals(path, TEXT("<>"));
}

static bool is_bounce(const struct mail *mail)
{
    char subject[256] = "", from[256] = "";
    TAKE_LINE(field_find(mail->head, "Subject"), subject);
    TAKE_MAIL(field_find(mail->head, "From"), from);
    struct text who = text_of(from);
    return strcmp(mail->report_type, "delivery-status") == 0 || mail_find_part(mail, "message/delivery-status") ||
           mail_find_part(mail, "message/global-delivery-status") ||
           field_find(mail->head, "X-Failed-Recipients").length > 0 || text_starts_nocase(who, TEXT("mailer-daemon")) ||
           is_bounce_subject(subject) || (has_null_sender(mail->head) && text_starts_nocase(who, TEXT("postmaster")));
}

static bool is_reply(const struct mail *mail)
{
    struct text automatic = field_find(mail->head, "Auto-Submitted"), precedence = field_find(mail->head, "Precedence");
    return (automatic.length > 0 && !text_starts_nocase(automatic, TEXT("no"))) ||
           strcmp(mail->report_type, "disposition-notification") == 0 ||
           mail_find_part(mail, "message/disposition-notification") ||
           field_find(mail->head, "X-Autoreply").length > 0 || field_find(mail->head, "X-Autorespond").length > 0 ||
           text_equals_nocase(precedence, TEXT("auto_reply")) || has_null_sender(mail->head);
}

bool bounce_read(const struct mail *mail, struct complaints *complaints)
{
    if (is_bounce(mail))
        complaints->found = FOUND_BOUNCE;
    else if (is_reply(mail))
        complaints->found = FOUND_REPLY;
    else
        return false;
    return true;
}
