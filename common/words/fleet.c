/* See fleet.h. */
#include "common/words/fleet.h"

#include <string.h>
#include "common/words/account.h"

static bool is_count(uint32_t count)
{
    return count > 0 && count <= FLEET_COUNT_MOST;
}

bool fleet_campaign_is_sound(const struct fleet_campaign *campaign)
{
    return likeness_is_known(&campaign->likeness) && is_count(campaign->senders) && is_count(campaign->recipients) &&
           campaign->customers >= 2 && campaign->customers <= campaign->senders && campaign->nodes >= 2 &&
           campaign->nodes <= campaign->senders && campaign->first >= 0 && campaign->until >= 0 &&
           campaign->counted <= 1;
}

bool fleet_customer_is_sound(const struct fleet_customer *customer)
{
    size_t length = strnlen(customer->name, sizeof customer->name);
    bool none = customer->senders == 0 && customer->nodes == 0 && customer->points == 0;
    bool some = is_count(customer->senders) && is_count(customer->nodes) && customer->nodes <= customer->senders &&
                customer->points >= 0 && customer->points <= FLEET_POINTS_MOST;
    return length > 0 && length < sizeof customer->name && account_is_sound((const uint8_t *)customer->name, length) &&
           customer->until >= 0 && (none || some);
}
