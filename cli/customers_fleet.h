/* What a collector says of customers. */
#ifndef CLI_CUSTOMERS_FLEET_H
#define CLI_CUSTOMERS_FLEET_H

#include <stdint.h>
#include "cli/command.h"

/* Each returns an exit status, and has said what went wrong. */
int customers_fleet_list(const struct cli *, int64_t top);
int customers_fleet_show(const struct cli *, const char *customer);    /* its senders and orders, as tables */
int customers_fleet_explain(const struct cli *, const char *customer); /* and in sentences */

#endif
