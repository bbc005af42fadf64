/* [mail]: see settings.h. */
#include "collector/post/settings.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include "collector/letter/compose.h"

static const char *const tls_words[] = {
    [MAIL_TLS_REQUIRED] = "required", [MAIL_TLS_TRIED] = "tried", [MAIL_TLS_NONE] = "none", NULL};

#define TEXT_OF(member, preset_, text_)                                                                                \
    {                                                                                                                  \
        .section = "mail", .key = #member, .type = OPTION_TEXT, .offset = offsetof(struct mail_settings, member),      \
        .preset = preset_, .text = text_                                                                               \
    }
const struct option mail_options[] = {
    TEXT_OF(server, "",
            "The mail server that takes all mail of the collector's own: smtp://mail.example.com:587, or "
            "smtps://mail.example.com, where TLS comes first. Empty: no mail goes out."),
    FIXED_OPTION(OPTION_CHOICE, int, "mail", struct mail_settings, tls, "required", .choices = tls_words,
                 .text = "Whether the way there is encrypted: required, with a certificate that is good for the "
                         "server's name; tried, with whatever it has; none. 127.0.0.1, [::1] and localhost may do "
                         "without it in any case."),
    TEXT_OF(authority, "", "A file of certificates, PEM, to trust the server by. Empty: the system's."),
    TEXT_OF(user, "", "Who logs in there. Empty: nobody."),
    TEXT_OF(password, "", "The file whose first line is the password. It is read anew for each connection."),
    TEXT_OF(from, "", "Who writes: \"Abuse desk <abuse@example.com>\". It stands in all mail, and answers go there."),
    TEXT_OF(sender, "",
            "The envelope's sender, where bounces go. Empty: the address in from; \"<>\": they go nowhere."),
    TEXT_OF(helo, "", "The name that the server is told. Empty: this machine's."),
    FIXED_OPTION(OPTION_DURATION, duration, "mail", struct mail_settings, patience, "1m", .least = "1s", .most = "10m",
                 .text = "How long the server may take, up to the end of a message. For its answer to that it has ten "
                         "minutes, for mail that it has taken must not be sent again."),
    FIXED_OPTION(OPTION_DURATION, duration, "mail", struct mail_settings, give_up, "1d", .least = "1m", .most = "30d",
                 .text = "How long anything that goes out is tried, by mail or by another way: after seconds, then "
                         "minutes, then hours."),
    FIXED_OPTION(OPTION_DURATION, duration, "mail", struct mail_settings, keep, "365d", .least = "1d", .most = "3650d",
                 .text = "How long what went out stays on record, word for word."),
    {.key = NULL},
};

bool mail_server_is_near(const char *server)
{
    static const char *const hosts[] = {"127.0.0.1", "[::1]", "localhost"};
    const char *host = strstr(server, "://");
    host = host ? host + 3 : "";
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        size_t length = strlen(hosts[i]);
        if (strncasecmp(host, hosts[i], length) == 0 && (host[length] == '\0' || host[length] == ':'))
            return true;
    }
    return false;
}

/* "smtp://HOST", "smtps://HOST:PORT", and nothing behind it. */
static bool is_server(const char *server)
{
    const char *host = strncmp(server, "smtp://", 7) == 0    ? server + 7
                       : strncmp(server, "smtps://", 8) == 0 ? server + 8
                                                             : "";
    bool good = *host != '\0';
    for (; *host; host++)
        good = good && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:[]", *host);
    return good;
}

struct text mail_settings_sender(const struct mail_settings *settings)
{
    struct draft_address address;
    bool is_one = compose_read_address(text_of(settings->sender[0] ? settings->sender : settings->from), &address);
    return is_one ? address.address : TEXT("");
}

bool mail_settings_check(const void *given, struct error *error)
{
    const struct mail_settings *settings = given;
    struct draft_address address;
    if (settings->server[0] && !is_server(settings->server))
        error_set(error, EINVAL, "server: \"%.80s\" will not do; smtp://HOST and smtps://HOST are allowed, with a port",
                  settings->server);
    else if (settings->server[0] && !compose_read_address(text_of(settings->from), &address))
        error_set(error, EINVAL, "from: \"%.80s\" is no address; \"Abuse desk <abuse@example.com>\" is allowed",
                  settings->from);
    else if (settings->sender[0] && strcmp(settings->sender, "<>") != 0 &&
             !compose_read_address(text_of(settings->sender), &address))
        error_set(error, EINVAL, "sender: \"%.80s\" is no address; \"bounces@example.com\" and \"<>\" are allowed",
                  settings->sender);
    else if (settings->user[0] && settings->password[0] == '\0')
        error_set(error, EINVAL, "password: who logs in needs one; the name of a file is allowed");
    else if (settings->user[0] && settings->tls != MAIL_TLS_REQUIRED && !mail_server_is_near(settings->server))
        error_set(error, EINVAL, "tls: a password goes over TLS alone; required is allowed");
    else
        return true;
    return false;
}
