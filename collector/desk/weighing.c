/* See weighing.h. */
#include "collector/desk/weighing.h"

#include <string.h>

static struct text domain_of(struct text mail)
{
    const char *at = mail.length > 0 ? memrchr(mail.bytes, '@', mail.length) : NULL;
    return at ? (struct text){at + 1, mail.length - (size_t)(at + 1 - mail.bytes)} : mail;
}

/* "fbl@example.com" is that address; "example.com" is everybody there and below. */
static bool is_named(struct text mail, struct text word)
{
    struct text domain = domain_of(mail);
    if (memchr(word.bytes, '@', word.length))
        return text_equals_nocase(mail, word);
    return text_ends_nocase(domain, word) &&
           (domain.length == word.length || domain.bytes[domain.length - word.length - 1] == '.');
}

bool weighing_is_believed(const struct desk_settings *settings, const struct complaint *complaint)
{
    bool is_believed = false;
    if (complaint->authentic[0] == '\0' || settings->authserv[0] == '\0' ||
        !text_equals_nocase(text_of(complaint->authserv), text_of(settings->authserv)))
        return false;
    for (uint32_t i = 0; i < settings->believed.count && !is_believed; i++)
        is_believed = is_named(text_of(complaint->authentic), text_of(settings->believed.items[i]));
    return is_believed;
}

bool weighing_is_relay(const struct desk_settings *settings, const struct complaint *complaint)
{
    return complaint->source.family != 0 && address_list_contains(&settings->relays, &complaint->source);
}

/* A page, a login elsewhere, an open resolver are not, unless a message is what they were found by. */
static bool is_of_mail(const struct complaint *complaint, const struct store_tie *tie)
{
    return complaint->category[0] == '\0' || strcmp(complaint->category, "messaging") == 0 ||
           strcmp(tie->tied, "address") != 0;
}

/* By what leads to the sender alone. */
static enum store_complaint_told weigh_tie(const struct desk_settings *settings, const struct complaint *complaint,
                                           const struct store_tie *tie, bool is_believed)
{
    bool is_text = strcmp(tie->tied, "text") == 0, is_message = is_text || strcmp(tie->tied, "message") == 0;
    bool is_confirmed;
    if (weighing_is_relay(settings, complaint))
        is_confirmed = is_text;
    else if (complaint->source.family != 0)
        is_confirmed = is_message ? tie->at > 0 : is_believed;
    else if (!is_message)
        return TOLD_NOTHING;
    else
        is_confirmed = tie->at == 1 && is_believed;
    return !is_confirmed ? TOLD_DOUBTFUL : is_believed ? TOLD_VOUCHED : TOLD_CONFIRMED;
}

enum store_complaint_told weighing_weigh(const struct desk_settings *settings, const struct complaint *complaint,
                                         const struct store_tie *tie)
{
    if (tie->tied[0] == '\0' || tie->sender[0] == '\0' || tie->node == 0 || complaint->type == COMPLAINT_AUTH_FAILURE ||
        !is_of_mail(complaint, tie))
        return TOLD_NOTHING;
    enum store_complaint_told told = weigh_tie(settings, complaint, tie, weighing_is_believed(settings, complaint));
    return complaint->type == COMPLAINT_NOT_SPAM && told != TOLD_VOUCHED ? TOLD_NOTHING : told;
}
