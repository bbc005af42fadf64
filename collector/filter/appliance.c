/* Any appliance that speaks SMTP. */
#include <errno.h>
#include "collector/filter/filter.h"

static int ask_appliance(const struct filter_settings *settings, const struct filter_message *message,
                         struct opinion *result, struct error *error)
{
    (void)message;
    (void)result;
    return error_set(error, ENOTSUP, "%s: no appliances yet", settings->address);
}

static int ping_appliance(const struct filter_settings *settings, struct error *error)
{
    return error_set(error, ENOTSUP, "%s: no appliances yet", settings->address);
}

const struct filter_kind filter_smtp = {.name = "smtp", .ask = ask_appliance, .ping = ping_appliance};
