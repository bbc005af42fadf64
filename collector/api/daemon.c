/* See daemon.h. Time limits are the server's own: the library's begin anew with every byte. */
#include "collector/api/daemon.h"

#include <errno.h>
#include <unistd.h>

#define CONNECTION_MEMORY ((size_t)6 * 1024) /* a head has to fit */

int daemon_start(const struct server_settings *settings, int listening, const struct daemon_calls *calls,
                 struct MHD_Daemon **result, struct error *error)
{
    struct MHD_OptionItem options[8];
    int count = 0;
    if (settings->certificate) {
        options[count++] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (char *)(uintptr_t)settings->certificate};
        options[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (char *)(uintptr_t)settings->key};
    }
    if (settings->authority)
        options[count++] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, (char *)(uintptr_t)settings->authority};
    options[count] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (settings->certificate ? MHD_USE_TLS : 0U);
    *result =
        MHD_start_daemon(flags, 0, NULL, NULL, calls->take, calls->context, MHD_OPTION_LISTEN_SOCKET, listening,
                         MHD_OPTION_NOTIFY_CONNECTION, calls->connected, calls->context, MHD_OPTION_NOTIFY_COMPLETED,
                         calls->completed, calls->context, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
                         MHD_OPTION_CONNECTION_LIMIT, settings->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                         settings->connections_per_address, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (*result != NULL)
        return 0;
    close(listening);
    return error_set(error, EIO, "cannot start the server%s",
                     settings->certificate ? "; are certificate and key a pair, in PEM?" : "");
}
