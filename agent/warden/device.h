/* A port of a guest's or an uplink, as it was when it was hooked. */
#ifndef AGENT_WARDEN_DEVICE_H
#define AGENT_WARDEN_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include "common/words/sender.h"

struct device {
    char name[16];
    bool uplink, mac_known;
    uint8_t mac[6];
    struct sender customer; /* whose guest is behind the port; kind SENDER_NONE: nobody known */
};

#endif
