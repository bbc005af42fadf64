/* Of the mail that brought a complaint: who wrote it, when, under which number. See forms.h. */
#include "collector/complaint/forms.h"
#include "collector/complaint/taking.h"

void envelope_take(const struct mail *mail, struct complaint *complaint)
{
    struct text from = field_find(mail->head, "From");
    char address[sizeof complaint->reporter_address] = "";
    TAKE_MAIL(from, address);
    if (strchr(address, '@')) {
        TAKE_LINE(text_of(address), complaint->reporter_address);
        take_domain_of(address, complaint->reporter, sizeof complaint->reporter);
    }
    take_message_id(field_find(mail->head, "Message-ID"), complaint->report_id, sizeof complaint->report_id);
    if (complaint->sent == 0)
        complaint->sent = date_of(field_find(mail->head, "Date"));
}
