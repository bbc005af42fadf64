/* See notice_mail.h. */
#include "collector/post/notice_mail.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include "collector/letter/compose.h"
#include "common/cleanup.h"

#define TEXT_MOST ((size_t)1024 * 1024)

struct wall wall_at(moment when)
{
    time_t seconds = (time_t)(when / SECOND);
    struct tm local;
    if (localtime_r(&seconds, &local) == NULL)
        return (struct wall){.weekday = 0};
    return (struct wall){.weekday = (uint32_t)(local.tm_wday + 6) % 7,
                         .minute = (uint32_t)(local.tm_hour * 60 + local.tm_min),
                         .east = (int32_t)(local.tm_gmtoff / 60)};
}

void notice_recipients(const struct channel *channel, char result[NOTICE_RECIPIENTS])
{
    size_t length = 0;
    result[0] = '\0';
    for (uint32_t i = 0; i < channel->to.count; i++)
        length +=
            (size_t)snprintf(result + length, NOTICE_RECIPIENTS - length, "%s%s", i ? " " : "", channel->to.items[i]);
}

int notice_mail(const struct notice *notice, const struct mail_settings *mail, struct buffer *result,
                struct error *error)
{
    static const struct draft_header headers[] = {{"Auto-Submitted", {"auto-generated", 14}}};
    char subject[NOTICE_SUBJECT], line[NOTICE_SUBJECT + 16], id[400];
    struct draft_address from, to[sizeof notice->channel->to.items / sizeof notice->channel->to.items[0]];
    CLEANUP(buffer_clear) struct buffer text;
    buffer_init(&text, TEXT_MOST);
    if (!compose_read_address(text_of(mail->from), &from))
        from = (struct draft_address){TEXT(""), mail_settings_sender(mail)};
    if (!compose_is_address(from.address))
        return error_set(error, EINVAL, "[mail] from: \"%.80s\" is no address", mail->from);
    if (!notice_text(notice, &text))
        return error_set(error, ENOMEM, "no memory for a notice");
    notice_subject(notice, subject);
    snprintf(line, sizeof line, "[postern] %s", subject);
    struct text domain = from.address;
    text_split(&domain, '@');
    snprintf(id, sizeof id, "%s@%.*s", notice->id, (int)domain.length, domain.bytes);
    for (uint32_t i = 0; i < notice->channel->to.count; i++)
        to[i] = (struct draft_address){TEXT(""), text_of(notice->channel->to.items[i])};
    const struct draft draft = {.from = from,
                                .reply_to = {TEXT(""), TEXT("")},
                                .to = to,
                                .to_count = notice->channel->to.count,
                                .subject = text_of(line),
                                .date = notice->now,
                                .date_offset = notice->wall.east,
                                .message_id = text_of(id),
                                .headers = headers,
                                .header_count = 1,
                                .text = buffer_text(&text),
                                .html = TEXT("")};
    return compose_message(&draft, result, error);
}
