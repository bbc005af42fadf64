/* See imap.h. One connection a round: libcurl selects the mailbox with the first command, whose lines, seen as headers,
 * name UIDVALIDITY; a search lists the UIDs that are new; each is fetched by itself. */
#include "collector/desk/imap.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include "common/buffer.h"

#define URL_SIZE 1024

struct imap {
    const struct imap_settings *settings;
    const struct taker *taker;
    CURL *easy;
    uint32_t validity;  /* of the mailbox, 0: not heard yet */
    uint32_t last;      /* the highest UID that was looked at */
    uint32_t too_large; /* the latest of those that were passed over because they are; 0: none */
    struct buffer body;
    bool too_long;
    bool is_good; /* the server has just answered, and waits for what comes */
    char trouble[CURL_ERROR_SIZE];
};

static size_t on_line(char *bytes, size_t size, size_t count, void *context)
{
    static const char key[] = "[UIDVALIDITY ";
    struct imap *imap = context;
    const char *found = memmem(bytes, size * count, key, sizeof key - 1);
    struct text rest = {bytes, size * count};
    uint64_t number;
    if (found && bytes[0] == '*') {
        rest = (struct text){found + sizeof key - 1, (size_t)(bytes + size * count - found) - (sizeof key - 1)};
        if (text_number(text_split(&rest, ']'), &number) && number <= UINT32_MAX)
            imap->validity = (uint32_t)number;
    }
    return size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct imap *imap = context;
    if (buffer_append(&imap->body, (struct text){bytes, size * count}))
        return size * count;
    imap->too_long = true;
    return 0;
}

/* Called once a second and more often; not 0 ends what is under way. */
static int on_progress(void *context, curl_off_t to_come, curl_off_t came, curl_off_t to_send, curl_off_t sent)
{
    const struct taker *taker = ((const struct imap *)context)->taker;
    (void)to_come, (void)came, (void)to_send, (void)sent;
    return taker->is_over && taker->is_over(taker->context);
}

/* 127.0.0.1, [::1] or localhost, and not a name that begins like one of them. */
static bool is_loopback(const char *server)
{
    static const char *const hosts[] = {"127.0.0.1", "[::1]", "localhost"};
    const char *host = strstr(server, "://");
    host = host ? host + 3 : "";
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        size_t length = strlen(hosts[i]);
        if (strncasecmp(host, hosts[i], length) != 0)
            continue;
        const char *rest = host + length;
        if (*rest == ':')
            rest += 1 + strspn(rest + 1, "0123456789");
        if (*rest == '\0' || *rest == '/')
            return true;
    }
    return false;
}

static int begin(struct imap *imap, struct error *error)
{
    const struct imap_settings *settings = imap->settings;
    long patience = (long)(settings->patience / MILLISECOND);
    imap->easy = curl_easy_init();
    if (imap->easy == NULL)
        return error_set(error, ENOMEM, "no memory for IMAP");
    bool may_be_plain = strncmp(settings->server, "imap://", 7) == 0 && is_loopback(settings->server);
    curl_easy_setopt(imap->easy, CURLOPT_PROTOCOLS_STR, "imap,imaps");
    curl_easy_setopt(imap->easy, CURLOPT_USERNAME, settings->user);
    curl_easy_setopt(imap->easy, CURLOPT_PASSWORD, settings->password);
    curl_easy_setopt(imap->easy, CURLOPT_USE_SSL, (long)(may_be_plain ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    if (settings->authority[0])
        curl_easy_setopt(imap->easy, CURLOPT_CAINFO, settings->authority);
    if (may_be_plain) { /* nobody is between the two */
        curl_easy_setopt(imap->easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(imap->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    curl_easy_setopt(imap->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(imap->easy, CURLOPT_QUICK_EXIT, 1L); /* a resolver that is silent is not waited for */
    curl_easy_setopt(imap->easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(imap->easy, CURLOPT_TIMEOUT_MS, patience);
    curl_easy_setopt(imap->easy, CURLOPT_CONNECTTIMEOUT_MS, patience);
    curl_easy_setopt(imap->easy, CURLOPT_ERRORBUFFER, imap->trouble);
    curl_easy_setopt(imap->easy, CURLOPT_HEADERFUNCTION, on_line);
    curl_easy_setopt(imap->easy, CURLOPT_HEADERDATA, imap);
    curl_easy_setopt(imap->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(imap->easy, CURLOPT_WRITEDATA, imap);
    curl_easy_setopt(imap->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(imap->easy, CURLOPT_XFERINFODATA, imap);
    curl_easy_setopt(imap->easy, CURLOPT_NOPROGRESS, 0L);
    return 0;
}

/* `command` NULL: the message of that UID. */
static int run(struct imap *imap, uint32_t uid, const char *command, struct error *error)
{
    char url[URL_SIZE], number[32] = "";
    char *mailbox = curl_easy_escape(imap->easy, imap->settings->mailbox, 0);
    if (uid)
        snprintf(number, sizeof number, "/;UID=%" PRIu32, uid);
    int length = snprintf(url, sizeof url, "%s/%s%s", imap->settings->server, mailbox ? mailbox : "", number);
    curl_free(mailbox);
    if (length < 0 || (size_t)length >= sizeof url)
        return error_set(error, ENAMETOOLONG, "the name of the mailbox is too long");
    imap->body.length = 0;
    imap->too_long = false;
    imap->trouble[0] = '\0';
    curl_easy_setopt(imap->easy, CURLOPT_URL, url);
    curl_easy_setopt(imap->easy, CURLOPT_CUSTOMREQUEST, command);
    CURLcode code = curl_easy_perform(imap->easy);
    imap->is_good = code == CURLE_OK;
    if (code == CURLE_OK)
        return 0;
    if (imap->too_long)
        return error_set(error, EMSGSIZE, "message %" PRIu32 " is longer than %zu bytes", uid, BROUGHT_MOST);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return error_set(error, ECANCELED, "IMAP: it was not waited for");
    if (code == CURLE_REMOTE_FILE_NOT_FOUND)
        return error_set(error, ENOENT, "message %" PRIu32 " is not there any more", uid);
    return error_set(error, EIO, "IMAP: %s", imap->trouble[0] ? imap->trouble : curl_easy_strerror(code));
}

static int compare(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return a < b ? -1 : a > b;
}

/* Of the answer's lines "* SEARCH 5 6 9" the numbers above `last`, in their order. The caller frees them. */
static size_t read_search(struct text answer, uint32_t last, uint32_t **result)
{
    uint32_t *uids = malloc((answer.length / 2 + 1) * sizeof *uids);
    size_t count = 0;
    while (uids && answer.length > 0) {
        struct text line = text_trim(text_split(&answer, '\n'));
        if (!text_starts_nocase(line, TEXT("* SEARCH")))
            continue;
        line = (struct text){line.bytes + 8, line.length - 8};
        while (line.length > 0) {
            uint64_t number;
            if (text_number(text_split(&line, ' '), &number) && number > last && number <= UINT32_MAX)
                uids[count++] = (uint32_t)number;
        }
    }
    if (count > 1)
        qsort(uids, count, sizeof *uids, compare);
    *result = uids;
    return count;
}

/* Where the mailbox is read up to, as it is kept. */
#define PLACE_SIZE 48
static const char *print_place(const struct imap *imap, char result[PLACE_SIZE])
{
    int length = snprintf(result, PLACE_SIZE, "%" PRIu32 " %" PRIu32, imap->validity, imap->last);
    if (imap->too_large)
        snprintf(result + length, PLACE_SIZE - (size_t)length, " %" PRIu32, imap->too_large);
    return result;
}

static int search(struct imap *imap, const char *place, uint32_t **uids, size_t *count, struct error *error)
{
    char command[64];
    uint32_t validity = 0;
    int known = sscanf(place, "%" SCNu32 " %" SCNu32 " %" SCNu32, &validity, &imap->last, &imap->too_large);
    if (known < 2)
        validity = imap->last = 0;
    /* With "1:*" where nothing is known; "n:*" always names the last message, whatever n is. */
    snprintf(command, sizeof command, "UID SEARCH UID %" PRIu32 ":*",
             imap->last < UINT32_MAX ? imap->last + 1 : imap->last);
    int status = run(imap, 0, command, error);
    if (status == 0 && imap->validity == 0)
        status = error_set(error, EPROTO, "IMAP: the server names no UIDVALIDITY");
    if (status == 0 && imap->last > 0 && imap->validity != validity) { /* another mailbox by the same name */
        imap->last = imap->too_large = 0;
        status = run(imap, 0, "UID SEARCH UID 1:*", error);
    }
    if (status == 0)
        *count = read_search(buffer_text(&imap->body), imap->last, uids);
    return status;
}

/* Whether somebody has taken it out of the mailbox. */
static int look_for_too_large(struct imap *imap, struct error *error)
{
    char command[64];
    uint32_t *uids = NULL;
    if (imap->too_large == 0)
        return 0;
    snprintf(command, sizeof command, "UID SEARCH UID %" PRIu32, imap->too_large);
    int status = run(imap, 0, command, error);
    if (status == 0 && read_search(buffer_text(&imap->body), 0, &uids) == 0)
        imap->too_large = 0;
    free(uids);
    return status;
}

static int take(struct imap *imap, uint32_t uid, struct error *error)
{
    const struct taker *taker = imap->taker;
    char place[PLACE_SIZE];
    int status = run(imap, uid, NULL, error);
    if (status < 0 && status != -EMSGSIZE)
        return status;
    imap->last = uid;
    if (status == -EMSGSIZE) {
        imap->too_large = uid;
        return taker->pass ? taker->pass(taker->context, print_place(imap, place), error) : 0;
    }
    const struct brought brought = {.content = buffer_text(&imap->body), .place = print_place(imap, place)};
    status = taker->take(taker->context, &brought, error);
    return status < 0 ? status : 1;
}

/* libcurl says LOGOUT and then waits for its answer, for minutes and asking nobody whether to go on: so it is cut off
 * from hearing, and where the server may not even read from speaking too. */
static void end(struct imap *imap)
{
    curl_socket_t connection = CURL_SOCKET_BAD;
    if (imap->easy == NULL)
        return;
    if (curl_easy_getinfo(imap->easy, CURLINFO_ACTIVESOCKET, &connection) == CURLE_OK && connection != CURL_SOCKET_BAD)
        shutdown(connection, imap->is_good ? SHUT_RD : SHUT_RDWR);
    curl_easy_cleanup(imap->easy);
}

int imap_read(const struct imap_settings *settings, int most, const char *place, const struct taker *taker,
              struct error *error)
{
    struct imap imap = {.settings = settings, .taker = taker};
    uint32_t *uids = NULL;
    size_t count = 0;
    int taken = 0;
    buffer_init(&imap.body, BROUGHT_MOST + 1024);
    int status = begin(&imap, error);
    if (status == 0)
        status = search(&imap, place, &uids, &count, error);
    if (status == 0)
        status = look_for_too_large(&imap, error);
    for (size_t i = 0; i < count && status >= 0 && taken < most; i++) {
        status = take(&imap, uids[i], error);
        taken += status > 0;
        if (status == -ENOENT)
            status = 0;
    }
    end(&imap);
    buffer_clear(&imap.body);
    free(uids);
    if (status < 0)
        return status;
    return imap.too_large ? error_set(error, EMSGSIZE, "message %" PRIu32 " is longer than %zu bytes and stays there",
                                      imap.too_large, BROUGHT_MOST)
                          : taken;
}
