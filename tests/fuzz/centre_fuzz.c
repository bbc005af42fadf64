/* Any bytes at all as the centre's answer to the question for directives: they are refused with a sentence, or what is
 * read of them, orders, news of the fleet and filters' opinions, is within its bounds and may be handed on. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/courier/directive.h"
#include "agent/courier/filtered.h"
#include "agent/courier/fleet_news.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define NOW (INT64_C(1795420800) * SECOND)

static void check_directives(struct text answer)
{
    struct directives directives = {0};
    struct error error = {0};
    if (directives_read(answer, 5, &directives, &error) < 0) {
        if (error.text[0] == '\0')
            abort();
        return;
    }
    int64_t before = 5;
    for (uint32_t i = 0; i < directives.count; i++) {
        if (directives.items[i].revision <= before)
            abort();
        before = directives.items[i].revision;
    }
    if (directives.count > DIRECTIVES_MOST || directives.revision < before)
        abort();
    directives_clear(&directives);
}

static void check_news(struct text answer)
{
    struct fleet_news_list list = {0};
    struct error error = {0};
    if (fleet_news_read(answer, 5, "00000000000000aa", NOW, &list, &error) < 0)
        return;
    for (uint32_t i = 0; i < list.count; i++) {
        const struct fleet_news *news = &list.items[i];
        if ((news->kind == FLEET_NEWS_CAMPAIGN && !fleet_campaign_is_sound(&news->campaign)) ||
            (news->kind == FLEET_NEWS_CUSTOMER && !fleet_customer_is_sound(&news->customer)) ||
            (news->kind == FLEET_NEWS_STANDING && !sender_is_sound(&news->standing.sender)))
            abort();
    }
    if (list.count > FLEET_NEWS_MOST)
        abort();
    fleet_news_clear(&list);
}

/* As it is told to the watcher, which ends itself over one that is not sound. */
static void check_opinion(const struct filtered *filtered)
{
    union message message;
    message_prepare(&message, filtered->kind, 1);
    struct message_head head = message.head;
    if (filtered->kind == MESSAGE_LISTED)
        message.listed = filtered->listed;
    else if (filtered->kind == MESSAGE_COMPLAINED)
        message.complained = filtered->complained;
    else
        message.filtered = filtered->said;
    message.head = head;
    if (!message_is_sound(&message) || (filtered->kind == MESSAGE_FILTERED && filtered->said.threshold < 0))
        abort();
}

static void check_filtered(struct text answer)
{
    struct filtered_list list = {0};
    struct error error = {0};
    if (filtered_read(answer, 5, &list, &error) < 0)
        return;
    int64_t before = 0;
    for (uint32_t i = 0; i < list.count; i++) {
        if (list.items[i].number <= before)
            abort();
        before = list.items[i].number;
        check_opinion(&list.items[i]);
    }
    if (list.count > FILTERED_MOST || list.number < before || (list.count > 0 && !list.some))
        abort();
    filtered_clear(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *copy = malloc(length + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, length);
    const struct text answer = {copy, length};
    check_directives(answer);
    check_news(answer);
    check_filtered(answer);
    free(copy);
    return 0;
}
