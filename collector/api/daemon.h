/* libmicrohttpd set up as the server wants it. */
#ifndef COLLECTOR_API_DAEMON_H
#define COLLECTOR_API_DAEMON_H

#include <microhttpd.h>
#include "collector/api/server.h"

struct daemon_calls {
    void *context;
    MHD_AccessHandlerCallback take;
    MHD_RequestCompletedCallback completed;
    MHD_NotifyConnectionCallback connected;
};

/* Takes `listening` over, also where it fails. */
int daemon_start(const struct server_settings *, int listening, const struct daemon_calls *, struct MHD_Daemon **result,
                 struct error *) MUST_CHECK;

#endif
