/* See customer_command.h. */
#include "agent/warden/customer_command.h"

#include <errno.h>
#include <stdio.h>

#define THROTTLE_RATE 20 /* connections a minute for an order that names none */

static int tell(struct enforcement *enforcement, const struct sender *customer, moment now, char text[HELD_SENTENCE],
                struct error *error)
{
    struct held_report report = {.host = enforcement_is_host(enforcement), .enforcing = enforcement_is_on(enforcement)};
    int code = enforcement_customer(enforcement, customer, now, &report.sum, error);
    held_sentence(&report, text);
    return code;
}

int customer_command(struct enforcement *enforcement, const struct message_command *command, moment now,
                     struct order *order, char text[HELD_SENTENCE], struct error *error)
{
    bool release = command->deed == DEED_RELEASE;
    const struct order *before = enforcement_standing(enforcement, &command->sender);
    bool stood = before && before->until > now;
    if (command->sender.kind != SENDER_CUSTOMER)
        return error_set(error, EINVAL, "only orders on customers are given here");
    if (!release && (command->length < SECOND || command->length >= ORDER_LONGEST))
        return error_set(error, EINVAL, "an order lasts from a second to %d days", (int)(ORDER_LONGEST / DAY) - 1);
    *order = (struct order){.id = (uint64_t)now,
                            .until = release ? 0 : now + command->length,
                            .target = command->sender,
                            .deed = command->deed,
                            .author = ORDER_BY_PERSON};
    whose_find(&order->whose, NULL, &order->target);
    if (command->deed == DEED_THROTTLE)
        order->rate = command->rate ? command->rate : THROTTLE_RATE;
    int code = enforcement_order(enforcement, order, now, error);
    if (code == 0 && release)
        snprintf(text, HELD_SENTENCE, "%s", released_sentence(stood));
    return code == 0 && !release ? tell(enforcement, &order->target, now, text, error) : code;
}

void customer_explain(struct enforcement *enforcement, const struct sender *sender, moment now,
                      char text[HELD_SENTENCE])
{
    struct error error = {0};
    text[0] = 0;
    if (sender->kind == SENDER_CUSTOMER && enforcement_standing(enforcement, sender) &&
        tell(enforcement, sender, now, text, &error) != 0)
        snprintf(text, HELD_SENTENCE, "%s", error.text);
}
